"""Some steps of training on a copy, to see what a learning rate does."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from chainrule import steps
from chainrule._types import Array, FloatArray
from chainrule.network import Network
from chainrule.optimizers import Optimizer

# Enough steps for an overshoot that a good rate settles from by itself.
STEPS = 10
# Rows of a trial, and fewer where the network is so large that it would take long: as many as make
# 2^31 products in a way forward, but a mini-batch at least.
MOST_ROWS, FEWEST_ROWS, MOST_PRODUCTS = 1000, 100, 2**31


def rows_of_trial(network: Network) -> int:
    """Return how many rows a trial should have, at most."""
    return max(FEWEST_ROWS, min(MOST_ROWS, MOST_PRODUCTS // network.structure.n_parameters))


def try_steps(
    network: Network,
    X: FloatArray,
    Y: Array,
    sample_weight: FloatArray | None,
    rule: Optimizer,
    rate: float,
) -> list[float]:
    """Return the loss before `STEPS` steps on these rows as one batch, and after each of them.

    The network stays as it is. Nothing is dropped, the update rule starts anew, and the list ends
    early with a loss that is not finite.
    """
    copy = network.copy()
    state = rule.initial_state(copy.vector)
    losses = []
    with np.errstate(all="ignore"):
        for t in range(1, STEPS + 2):
            A, cache = steps.forward_propagation(X, copy.parameters, copy.structure)
            Z = cache[f"Z{len(copy.structure.layers)}"]
            losses.append(
                steps.compute_cost(A, Y, copy.structure, Z=Z, sample_weight=sample_weight)
            )
            if t > STEPS or not np.isfinite(losses[-1]):
                break
            gradients = steps.backward_propagation(
                copy.parameters, cache, Y, copy.structure, sample_weight=sample_weight
            )
            dw = copy.flatten(gradients, prefix="d")
            copy.vector[:], state = rule.update(copy.vector, dw, state, rate, t, are_weights(copy))
    return losses


def flat_update(
    network: Network, gradients: Mapping[str, Array], rule: Optimizer, rate: float
) -> FloatArray:
    """Return by how much the first step of a rule changes each parameter, in `vector`'s order."""
    w, dw = network.vector, network.flatten(gradients, prefix="d")
    after, _ = rule.update(w, dw, rule.initial_state(w), rate, 1, are_weights(network))
    update: FloatArray = after - w
    return update


def are_weights(network: Network) -> FloatArray:
    """Return which parameters are weights, and decay: 1, and 0 for biases and gains."""
    return network.flatten(
        {
            name: np.full(shape, name.startswith("W"))
            for name, shape in network.structure.shapes.items()
        }
    )
