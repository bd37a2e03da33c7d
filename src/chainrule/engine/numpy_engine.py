"""The NumPy engine: a training step as the lecture's steps, one after the other on whole arrays."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from chainrule import steps
from chainrule._inputs import Inputs
from chainrule._types import Array, FloatArray
from chainrule.dropout import Key
from chainrule.engine.diagnosis import (
    NotFiniteError,
    describe_gradient,
    describe_loss,
    describe_parameters,
)
from chainrule.engine.interface import Rates, State, nobody
from chainrule.network import Network
from chainrule.normalization import unbiased, update_running
from chainrule.optimizers import Optimizer, clip_by_norm, clip_by_value
from chainrule.penalties import Penalty


class NumpyEngine:
    """A training run on NumPy arrays; see :class:`chainrule.engine.interface.Engine`.

    Parameters
    ----------
    network : Network
        Changed in place by each step.
    optimizer : Optimizer
    penalty : Penalty
    clip_norm, clip_value : float or None
        As in :func:`chainrule.fit`.
    key : array of uint32 (2,)
        Of the dropout masks, from :func:`chainrule.dropout.draw_key`.
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        penalty: Penalty,
        clip_norm: float | None,
        clip_value: float | None,
        key: Key,
    ) -> None:
        self.network, self.optimizer, self.penalty, self.key = network, optimizer, penalty, key
        self.clip_norm, self.clip_value = clip_norm, clip_value
        self.rates = Rates(optimizer.learning_rate)
        self.state = optimizer.initial_state(network.vector)
        self.is_weight = network.flatten(
            {name: np.full(w.shape, name[0] == "W") for name, w in network.parameters.items()}
        )
        self.steps, self.stride = 0, 1
        self.penalties: list[float] = []
        self.others_at_work: Callable[[], bool] = nobody
        self.before = network

    def begin_epoch(self, *, watched: bool) -> None:
        """Keep a copy of the network, which changes with each step."""
        self.before = self.network.copy()

    def end_epoch(self) -> None:
        """Look whether all parameters are finite, as every engine does."""
        if where := describe_parameters(self.network):
            raise NotFiniteError(where)

    def go_back(self) -> None:
        """Restore the copy."""
        self.network.restore(self.before)

    def train_batches(
        self,
        X: Inputs,
        Y: Array,
        sample_weight: FloatArray | None,
        rows: npt.NDArray[np.intp],
        batch_size: int,
        epoch_rows: int | None = None,
    ) -> list[float]:
        """Train on mini-batches of `rows`, as every engine does."""
        losses = []
        self.penalties = []
        each = epoch_rows or max(1, len(rows))
        epochs = [rows[start : start + each] for start in range(0, len(rows), each)]
        starts = range(0, each, batch_size)
        batches = [epoch[start : start + batch_size] for epoch in epochs for start in starts]
        for batch in batches:
            w = None if sample_weight is None else sample_weight[batch]
            try:
                losses.append(self.train_step(X[batch], Y[batch], w))
            except NotFiniteError as error:
                error.batch = len(losses)
                raise
        return losses

    def train_step(self, X: FloatArray, Y: Array, w: FloatArray | None) -> float:
        """Update the network on one mini-batch, and return the loss before the update.

        Raises NotFiniteError, with nothing changed, if the loss or the gradient is not finite.
        """
        network, structure = self.network, self.network.structure
        alpha = self.rates.at(self.steps)
        masks = steps.dropout_masks(structure, len(X), self.key, self.steps, network.dtype)
        A, cache = steps.forward_propagation(X, network.parameters, structure, masks=masks)
        Z = cache[f"Z{len(structure.layers)}"]
        J = steps.compute_cost(A, Y, structure, Z=Z, sample_weight=w)
        if not math.isfinite(J):
            raise NotFiniteError(describe_loss(J, network, cache))
        gradients = steps.backward_propagation(
            network.parameters, cache, Y, structure, sample_weight=w, penalty=self.penalty
        )
        dw = network.flatten(gradients, prefix="d")
        if not math.isfinite(dw.sum()) and (where := describe_gradient(network, gradients)):
            raise NotFiniteError(where)
        if self.penalty and self.penalty.shared:
            m = steps.weight_of(X, w)
            self.penalties.append(steps.penalty_on(network.parameters, self.penalty, m))
        if self.clip_value is not None:
            dw = clip_by_value(dw, self.clip_value)
        if self.clip_norm is not None:
            dw = clip_by_norm(dw, self.clip_norm)
        self.steps += 1
        vector, self.state = self.optimizer.update(
            network.vector, dw, self.state, alpha, self.steps, self.is_weight
        )
        network.vector[:] = vector
        for name, running in network.statistics.items():
            batch = cache[name] if name.startswith("mean") else unbiased(cache[name], len(X))
            running[:] = update_running(running, batch)
        return J

    def learned(self) -> Network:
        """Return the network, which has what was learned."""
        return self.network

    def get_state(self) -> State:
        """Return the state of the update rule, as every engine does."""
        return State(self.steps, tuple(value.copy() for value in self.state))

    def set_state(self, state: State) -> None:
        """Go on from a state, as every engine does."""
        self.steps, self.state = state.steps, tuple(value.copy() for value in state.values)
