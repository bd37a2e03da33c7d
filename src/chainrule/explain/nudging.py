"""The cost as a function of one number on the way: what a derivative is held against."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from chainrule import steps
from chainrule._types import Array, FloatArray
from chainrule.activation import Activation
from chainrule.finite_differences import central_difference
from chainrule.network import Network
from chainrule.penalties import NO_PENALTY, Penalty
from chainrule.structure import Structure

# Distance of the points, relative to max(1, abs(x)). The error of the five-point formula is
# h⁴ f⁽⁵⁾ / 30, some 1e-19 f⁽⁵⁾ here, and that of rounding 1e-16 J / h, some 1e-12 J.
STEP = 5e-5
# Where a kink lies within that reach, points so close that it hardly does; rounding gives 1e-10 J.
CLOSE = 1e-6
# And where one lies still nearer; rounding gives 1e-8 J.
CLOSEST = 1e-8
# Of the cost, what a quotient of it may be off by: it is a sum of some terms.
ROUNDING = 16 * float(np.finfo(np.float64).eps)
# A right derivative differs from its quotient by some 1e-9 of its size, a wrong term by 1e-3.
TOLERANCE = 1e-6


class Measured(NamedTuple):
    """A derivative by a difference quotient, and how far the one by the chain rule is from it.

    `relative_error` is their difference over the greater of the two, or over 1e-4 of the greatest
    derivative of those that belong together: what is ten thousand times smaller than that, a
    quotient hardly tells from zero. `beyond_rounding` is the same without what rounding explains;
    both are infinite where a number is not finite. `on_kink` is True where the cost has a kink, as
    that of a ReLU: there is no slope, and the one given lies between those of the two sides.
    """

    slope: float
    relative_error: float
    beyond_rounding: float
    on_kink: bool


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
    ) -> Measured:
        """Return dJ/dx by the five-point central difference, and how far `given` is from it.

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
            The greatest of the derivatives that belong together.
        """
        along, x = self._along(name, place, at), float(at[place])
        reach = self._reach(name, x)
        with np.errstate(all="ignore"):
            measured = _held(along, x, min(STEP, reach), 0.0, given, scale)
            if measured.beyond_rounding <= TOLERANCE:
                return measured
            noise = _noise(along, x)
            steps_ = (min(STEP, reach), min(CLOSE, reach))
            tried = [_held(along, x, h, noise, given, scale) for h in steps_]
            measured = min(tried, key=lambda m: m.beyond_rounding)
            if measured.beyond_rounding <= TOLERANCE:
                return measured
            near, low, high = _kink(along, x, noise)
            if not near:
                return measured
            closest = _held(along, x, min(CLOSEST, reach), noise, given, scale)
            if closest.beyond_rounding <= TOLERANCE:
                return closest
            slack = 1e-3 * (high - low)
            return measured._replace(on_kink=low - slack <= given <= high + slack)

    def _reach(self, name: str, x: float) -> float:
        """Return how far an output may be nudged and stay what the loss can take."""
        if name != f"A{len(self.structure.layers)}":
            return math.inf
        low, high = self.structure.loss.outputs
        return max(1e-300, min(x - low, high - x) / (4 * max(1.0, abs(x))))

    def _along(self, name: str, place: tuple[int, ...], at: FloatArray) -> Callable[[Array], float]:
        l = int(name.lstrip("WbgamZA"))
        moved = at.copy()
        if name in self.parameters:
            rest, A = self._rest(l - 1), self._forward[f"A{l - 1}"]
            parameters = self.parameters | {name: moved}

            def of_parameter(x: Array) -> float:
                moved[place] = x
                return rest.cost(A, parameters)

            return of_parameter
        behind = self._rest(l)

        def of_signal(x: Array) -> float:
            moved[place] = x
            if name[0] == "A":
                return behind.cost(moved, self.parameters)
            A = self.structure.layers[l - 1].activation(moved)
            return behind.cost(A * self.masks.get(f"D{l}", 1.0), self.parameters, Z=moved)

        return of_signal

    @cached_property
    def _forward(self) -> steps.Cache:
        return self.forward()

    @cached_property
    def _rests(self) -> dict[int, _Rest]:
        return {}

    def _rest(self, l: int) -> _Rest:
        """Return what lies behind layer l, made once."""
        if l not in self._rests:
            self._rests[l] = _Rest(self, l)
        return self._rests[l]

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


def measure_slope(g: Activation, z: float, given: float) -> Measured:
    """Return g′(z) by the five-point central difference, and how far `given` is from it."""

    def along(x: Array) -> float:
        return float(g(np.float64(x)))

    with np.errstate(all="ignore"):
        steps_ = (1e-3, STEP, CLOSE)  # g alone is smooth, but near a kink
        tried = [_held(along, z, h, 0.0, given, 1.0) for h in steps_]
        measured = min(tried, key=lambda m: m.beyond_rounding)
        if measured.beyond_rounding <= TOLERANCE:
            return min(tried, key=lambda m: m.relative_error)
        near, low, high = _kink(along, z, 0.0)
        return measured._replace(on_kink=near and low <= given <= high)


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


def _held(
    along: Callable[[Array], float], x: float, h: float, noise: float, given: float, scale: float
) -> Measured:
    """Return the quotient with step h, and how far `given` is from it."""
    slope = float(central_difference(along, np.float64(x), h))
    if not (math.isfinite(given) and math.isfinite(slope)):
        return Measured(slope, math.inf, math.inf, False)
    size = max(abs(given), abs(slope), 1e-4 * scale) or 1.0
    apart = abs(given - slope)
    rounding = (ROUNDING * abs(along(x)) + noise) / (h * max(1.0, abs(x)))
    return Measured(slope, apart / size, max(0.0, apart - rounding) / size, False)


def _noise(along: Callable[[Array], float], x: float) -> float:
    """Return by how much the cost trembles between points that are next to x."""
    here, near = along(x), 1e-13 * max(1.0, abs(x))
    return max(abs(along(x + k * near) - here) for k in (-3, -2, -1, 1, 2, 3))


def _kink(along: Callable[[Array], float], x: float, noise: float) -> tuple[bool, float, float]:
    """Return whether the cost has a kink very near x, and its slopes just left and right of x.

    The slopes to the two sides of a smooth cost come as much closer as the points do.
    """
    sides = []
    for step in (10 * CLOSE, CLOSE):
        h = step * max(1.0, abs(x))
        here = along(x)
        sides.append(((here - along(x - h)) / h, (along(x + h) - here) / h))
    (far_left, far_right), (left, right) = sides
    trembles = (noise + ROUNDING * abs(along(x))) / (CLOSE * max(1.0, abs(x)))
    gap, far_gap = abs(left - right), abs(far_left - far_right)
    near = far_gap > 20 * trembles and (gap > 0.2 * far_gap or gap < 0.02 * far_gap)
    return near, min(left, right), max(left, right)
