"""The cost as a function of one number on the way: what a derivative is held against."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from chainrule import steps
from chainrule._types import Array, FloatArray
from chainrule.finite_differences import central_difference
from chainrule.network import Network
from chainrule.penalties import NO_PENALTY, Penalty
from chainrule.structure import Structure

# Distance of the points, relative to max(1, abs(x)). The error of the five-point formula is
# h⁴ f⁽⁵⁾ / 30, some 1e-19 f⁽⁵⁾ here, and that of rounding 1e-16 J / h, some 1e-12 J.
STEP = 5e-5
# Where a kink lies within that reach, points so close that it hardly does; rounding gives 1e-10 J.
CLOSE = 1e-6
# A right derivative differs from its quotient by some 1e-9 of its size, a wrong term by 1e-3.
TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Nudged:
    """The cost J of a network on a batch, to be asked how it changes with any number on the way.

    Batch normalisation takes the batch's own statistics, as in a training step. All arithmetic is
    in float64.

    Attributes
    ----------
    structure : Structure
    parameters : dict of str to array
        ``W1, b1, …`` in float64.
    X : array (m, n₀)
    Y : array (m, n_L), or class numbers (m, 1)
    sample_weight : array (m, 1) or None
    penalty : Penalty
    masks : mapping of str to array
        Dropout masks ``D1, …``; without any, nothing is dropped.
    """

    structure: Structure
    parameters: dict[str, FloatArray]
    X: FloatArray
    Y: Array
    sample_weight: FloatArray | None = None
    penalty: Penalty = NO_PENALTY
    masks: Mapping[str, FloatArray] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        network: Network,
        X: object,
        y: object,
        sample_weight: object = None,
        penalty: Penalty = NO_PENALTY,
    ) -> Nudged:
        """Return the cost of a network, whose parameters are copied, on checked examples."""
        inputs, Y, w = network.check_examples(X, y, sample_weight)
        parameters = {name: value.astype(float) for name, value in network.parameters.items()}
        Y = Y.astype(float) if Y.dtype.kind == "f" else Y
        w = None if w is None else w.astype(float)
        rows = inputs[slice(0, len(inputs))].astype(float)
        return cls(network.structure, parameters, rows, Y, w, penalty)

    def forward(self) -> steps.Cache:
        """Return all that the layers make of the batch, as `forward_propagation` does."""
        return steps.forward_propagation(self.X, self.parameters, self.structure, masks=self.masks)[
            1
        ]

    def gradients(
        self, cache: steps.Cache, signals: dict[str, FloatArray] | None = None
    ) -> dict[str, FloatArray]:
        """Return ``dW1, db1, …`` by the chain rule, as `backward_propagation` does."""
        return steps.backward_propagation(
            self.parameters,
            cache,
            self.Y,
            self.structure,
            sample_weight=self.sample_weight,
            penalty=self.penalty,
            signals=signals,
        )

    def cost(self) -> float:
        """Return the cost J, its penalty included."""
        return self._cost(self.forward(), len(self.structure.layers), self.parameters)

    def measure(
        self, name: str, place: tuple[int, ...], at: FloatArray, given: float, scale: float
    ) -> tuple[float, float]:
        """Return dJ/dx by the five-point central difference, and the relative error of `given`.

        The error is NaN where x lies on a kink, as that of a ReLU: where the slopes to the left
        and to the right differ, and `given` is between them.

        Parameters
        ----------
        name : str
            A parameter, ``"W1"``; or ``"Z1"`` or ``"A1"``, what layer 1 makes of the batch.
        place : tuple of int
            Row and column of x in it.
        at : array
            The array of that name as it is.
        given : float
            The derivative by the chain rule.
        scale : float
            As in `relative_error`.
        """
        along, x = self._along(name, place, at), at[place]
        measured = float(central_difference(along, x, STEP))
        error = float(relative_error(given, measured, scale))
        if error <= TOLERANCE:
            return measured, error
        closer = float(central_difference(along, x, CLOSE))
        if (its_error := float(relative_error(given, closer, scale))) < error:
            measured, error = closer, its_error
        h = CLOSE * max(1.0, abs(float(x)))
        left, right = (along(x) - along(x - h)) / h, (along(x + h) - along(x)) / h
        # The slopes of a smooth cost differ by h J″; those of a kink, by as much as itself
        apart = 1e-4 * max(abs(left), abs(right), scale)
        on_kink = abs(left - right) > apart
        if on_kink and min(left, right) - apart <= given <= max(left, right) + apart:
            return measured, math.nan
        return measured, error

    def _along(self, name: str, place: tuple[int, ...], at: FloatArray) -> Callable[[Array], float]:
        l = int(name.lstrip("WbgamZA"))
        is_parameter = name in self.parameters
        rest = _Rest(self, 0 if is_parameter else l)
        moved = at.copy()
        parameters = self.parameters | ({name: moved} if is_parameter else {})

        def along(x: Array) -> float:
            moved[place] = x
            if is_parameter:
                return rest.cost(self.X, parameters)
            if name[0] == "A":
                return rest.cost(moved, parameters)
            A = self.structure.layers[l - 1].activation(moved)
            return rest.cost(A * self.masks.get(f"D{l}", 1.0), parameters, Z=moved)

        return along

    def _cost(self, cache: steps.Cache, last: int, parameters: Mapping[str, FloatArray]) -> float:
        return steps.compute_cost(
            cache[f"A{last}"],
            self.Y,
            self.structure,
            Z=cache.get(f"Z{last}"),
            sample_weight=self.sample_weight,
            parameters=parameters,
            penalty=self.penalty,
        )


class _Rest:
    """What lies behind layer l: a network whose inputs are the outputs A of that layer."""

    def __init__(self, whole: Nudged, l: int) -> None:
        layers = whole.structure.layers
        self.whole, self.l, self.count = whole, l, len(layers) - l
        if self.count:
            n_inputs = layers[l - 1].units if l else whole.structure.n_inputs
            self.structure = Structure([n_inputs, *layers[l:]], loss=whole.structure.loss)
            self.masks = {f"D{int(k[1:]) - l}": D for k, D in whole.masks.items()}

    def cost(
        self, A: FloatArray, parameters: Mapping[str, FloatArray], Z: FloatArray | None = None
    ) -> float:
        """Return the cost; Z (m, n_L) where nothing is left behind layer l but the loss."""
        cache: steps.Cache = {"A0": A} if Z is None else {"A0": A, "Z0": Z}
        if self.count:
            own = {name: parameters[_further(name, self.l)] for name in self.structure.shapes}
            _, cache = steps.forward_propagation(A, own, self.structure, masks=self.masks)
        return self.whole._cost(cache, self.count, parameters)


def _further(name: str, l: int) -> str:
    """Return the name of a parameter l layers further on: W1 becomes W3."""
    kind = name.rstrip("0123456789")
    return f"{kind}{int(name[len(kind) :]) + l}"


def relative_error(given: Array, measured: Array, scale: float) -> Array:
    """Return abs(given − measured) over the greater of the two, or of 1e-4 · `scale` if that is.

    `scale` is the greatest of the derivatives that belong together: what is ten thousand times
    smaller than that, a difference quotient no longer tells from zero.
    """
    size = np.maximum(np.maximum(np.abs(given), np.abs(measured)), 1e-4 * scale)
    return np.abs(given - measured) / np.where(size > 0, size, 1)
