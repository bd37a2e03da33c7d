"""The chain rule on a batch with every number on the way: forward, back, and the update."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

import numpy as np
import numpy.typing as npt

from chainrule import _checks
from chainrule._inputs import Rows
from chainrule._types import Array, FloatArray
from chainrule.explain.nudging import Measured, Nudged, measure_slope
from chainrule.explain.one_parameter import ParameterDerivation, derive_parameter
from chainrule.explain.page_of_batch import page_of_batch
from chainrule.explain.shown import Block, Shown
from chainrule.explain.update import Update, derive_update
from chainrule.loss import one_hot
from chainrule.network import Network
from chainrule.optimizers import Optimizer, get_optimizer
from chainrule.penalties import Penalty
from chainrule.structure import Layer, Structure


@dataclass(frozen=True, eq=False, repr=False)
class LayerDerivation:
    """One layer: all that it computes of a batch of m examples, and what comes back.

    Attributes
    ----------
    number : int
        Of the layer, from 1.
    layer : Layer
        Its units and activation.
    A_prev : array (m, n_in)
        What comes in: the examples, or what the layer before puts out.
    W, b, gamma : array
        Its parameters; gamma is None without normalisation.
    U : array (m, n) or None
        With normalisation, the sums brought to mean 0 and variance 1.
    Z, A : array (m, n)
        Sums, and outputs.
    slope : array (m, n) or None
        g′(Z); None for an activation that is not elementwise, such as softmax.
    dA, dZ : array (m, n)
        ∂L/∂A and ∂L/∂Z, of each example for itself; times its weight, where there are weights.
    dU : array (m, n) or None
        With normalisation, ∂L/∂(A_prev W).
    dW, db, dgamma : array
        Gradient of the cost J, the mean over the examples.
    """

    number: int
    layer: Layer
    A_prev: FloatArray
    W: FloatArray
    b: FloatArray
    gamma: FloatArray | None
    U: FloatArray | None
    Z: FloatArray
    A: FloatArray
    slope: FloatArray | None
    dA: FloatArray
    dZ: FloatArray
    dU: FloatArray | None
    dW: FloatArray
    db: FloatArray
    dgamma: FloatArray | None


@dataclass(frozen=True, eq=False, repr=False)
class Derivation(Shown):
    """The chain rule on a batch, with the network's own numbers.

    It shows itself in a notebook, and in a terminal by ``print`` or, in colours, by `show`. Made by
    `Network.explain`; everything is in float64, and a copy.

    Attributes
    ----------
    structure : Structure
    parameters : dict of str to array
        ``W1, b1, …``
    X : array (m, n₀)
    Y : array (m, n_L)
        Targets; class numbers as rows with one 1.
    sample_weight : array (m, 1) or None
    penalty : Penalty
    cost : float
        J, the mean over the examples, its penalty included.
    losses : array (m,)
        L of each example.
    layers : tuple of LayerDerivation
        From the first to the output.
    gradients : dict of str to array
        ``dW1, db1, …``
    update : Update
        The step that the optimiser takes with them.
    """

    structure: Structure
    parameters: dict[str, FloatArray]
    X: FloatArray
    Y: FloatArray
    sample_weight: FloatArray | None
    penalty: Penalty
    cost: float
    losses: FloatArray
    layers: tuple[LayerDerivation, ...]
    gradients: dict[str, FloatArray]
    update: Update
    nudged: Nudged

    def __len__(self) -> int:
        return len(self.X)

    def _make_page(self) -> list[Block]:
        return page_of_batch(self)

    def weight(
        self, name: str, row: int | None = None, column: int | None = None, *, example: int = 0
    ) -> ParameterDerivation:
        """Return the chain rule for one weight, bias or gain, factor by factor.

        Parameters
        ----------
        name : str
            The array, ``"W1"``, ``"b2"``, or all in one: ``"W1[0, 2]"``, ``"b2[0]"``.
        row, column : int
            Its place, from 0: ``("W1", 0, 2)`` leads from the first input to the third unit. Of a
            bias or gain, the unit alone.
        example : int, default 0
            Of a batch, the example whose factors are written out; the others enter the mean.

        Raises
        ------
        ValueError, TypeError
            If there is no such parameter or example.
        """
        name, place = self._find(name, row, column)
        example = _checks.check_integer("example", example)
        if example >= len(self):
            raise ValueError(f"example must be below {len(self)}, got {example}")
        return derive_parameter(self, name, place, example)

    def finite_difference(self, name: str, row: int, column: int) -> Measured:
        """Return a derivative by finite difference, and how far the chain rule's is from it.

        Parameters
        ----------
        name : str
            ``"dW1"``, ``"db1"``, ``"dgamma1"``, or ``"dZ1"``, ``"dA1"``, ``"slope1"``: what stands
            in `gradients` or `layers`.
        row, column : int
            The place in that array, from 0.

        Returns
        -------
        Measured
            ``slope``, ``relative_error``, ``beyond_rounding`` and ``on_kink``.

        Raises
        ------
        ValueError, TypeError
            If there is no such derivative.
        """
        for layer in self.layers:
            if name == f"slope{layer.number}" and layer.slope is not None:
                place = _place_in(name, layer.slope, row, column)
                z, slope = float(layer.Z[place]), float(layer.slope[place])
                return measure_slope(layer.layer.activation, z, slope)
        given, at, factor, scale = self._quantity(name)
        row, column = _place_in(name, given, row, column)
        value = float(given[row, column]) / factor
        measured = self.nudged.measure(name[1:], (row, column), at, value, scale / factor)
        return measured._replace(slope=measured.slope * factor)

    @property
    def is_mean(self) -> bool:
        """Whether J is more than the L of a single example."""
        return len(self) > 1 or self.sample_weight is not None or bool(self.penalty)

    @property
    def of(self) -> str:
        """What is derived: the mean J, or the L of a single example."""
        return "J" if self.is_mean else "L"

    @cached_property
    def total_weight(self) -> float:
        """By what the sum over the examples is divided: m, or the sum of their weights."""
        return float(len(self) if self.sample_weight is None else self.sample_weight.sum())

    def _quantity(self, name: str) -> tuple[FloatArray, FloatArray, float, float]:
        """Return a derivative, what it is by, how much greater it is than that of J, its scale."""
        if name in self.gradients:
            return self.gradients[name], self.parameters[name[1:]], 1.0, self._greatest_gradient
        if name not in self._signals:
            _checks.raise_unknown("name", name, [*self.gradients, *self._signals])
        return *self._signals[name], self.total_weight, self._greatest_signal

    @cached_property
    def _signals(self) -> dict[str, tuple[FloatArray, FloatArray]]:
        return {
            f"d{kind}{layer.number}": (values, at)
            for layer in self.layers
            for kind, values, at in (("A", layer.dA, layer.A), ("Z", layer.dZ, layer.Z))
        }

    @cached_property
    def _greatest_gradient(self) -> float:
        return _greatest(self.gradients.values())

    @cached_property
    def _greatest_signal(self) -> float:
        return _greatest(values for values, _ in self._signals.values())

    def _find(self, name: str, row: int | None, column: int | None) -> tuple[str, tuple[int, int]]:
        if not isinstance(name, str):
            raise TypeError(f"name must be the name of a parameter, such as 'W1', got {name!r}")
        places = [] if row is None else [row] if column is None else [row, column]
        array, bracket, inside = name.partition("[")
        if bracket and places:
            raise ValueError(f"give the place once: {name!r}, or the name and {places}")
        if bracket:
            try:
                places = [int(part) for part in inside.rstrip("] ").split(",")]
            except ValueError:
                raise ValueError(f"name must be such as 'W1[0, 2]', got {name!r}") from None
        if array not in self.parameters:
            _checks.raise_unknown("name", array, self.parameters)
        shape = self.parameters[array].shape
        if len(places) == 1 and array[0] != "W":
            places = [0, *places]
        if len(places) != 2:
            raise ValueError(f"{array} has shape {shape}: give a row and a column, got {places}")
        return array, _place_in(array, self.parameters[array], *places)


def _place_in(name: str, array: FloatArray, row: int, column: int) -> tuple[int, int]:
    i, j = (_checks.check_integer("row and column", place) for place in (row, column))
    if i >= array.shape[0] or j >= array.shape[1]:
        raise ValueError(f"{name} has shape {array.shape}, there is no {name}[{i}, {j}]")
    return i, j


def _greatest(arrays: Iterable[FloatArray]) -> float:
    return max(float(np.abs(values).max()) for values in arrays)


def explain(
    network: Network,
    x: Rows,
    y: npt.ArrayLike,
    *,
    sample_weight: npt.ArrayLike | None = None,
    l2: float = 0.0,
    l1: float = 0.0,
    optimizer: str | Optimizer = "gradient_descent",
    learning_rate: float | None = None,
    state: Mapping[str, Array] | None = None,
    t: int = 1,
) -> Derivation:
    """Return the chain rule on one example or a mini-batch: see `Network.explain`."""
    x, y = _as_batch(network, x, y)
    penalty = Penalty(l2, l1)
    rule = get_optimizer(optimizer)
    if learning_rate is not None:
        rate = _checks.check_number("learning_rate", learning_rate, low=0)
        rule = replace(rule, learning_rate=rate)
    nudged = Nudged.of(network, x, y, sample_weight, penalty)
    cache = nudged.forward()
    signals: dict[str, FloatArray] = {}
    gradients = nudged.gradients(cache, signals)
    structure, w = network.structure, nudged.sample_weight
    A, Z = (cache[f"{name}{len(structure.layers)}"] for name in "AZ")
    Y = nudged.Y if nudged.Y.shape == A.shape else one_hot(nudged.Y, A.shape[1])
    dA = structure.loss.backward(A, Y) * (1.0 if w is None else w)
    signals[f"dA{len(structure.layers)}"] = dA
    loss = structure.loss
    short = loss.from_z if loss.pairs_with(structure.output) else None
    L = loss.elementwise(A, Y) if short is None else short(Z, Y)
    return Derivation(
        structure=structure,
        parameters=nudged.parameters,
        X=nudged.X,
        Y=Y,
        sample_weight=w,
        penalty=penalty,
        cost=nudged.cost(),
        losses=L.sum(axis=1),
        layers=tuple(
            _layer(l, layer, nudged.parameters, cache, signals, gradients)
            for l, layer in enumerate(structure.layers, 1)
        ),
        gradients=gradients,
        update=derive_update(rule, nudged.parameters, gradients, state, t),
        nudged=nudged,
    )


def _layer(
    l: int,
    layer: Layer,
    parameters: Mapping[str, FloatArray],
    cache: Mapping[str, Array],
    signals: Mapping[str, FloatArray],
    gradients: Mapping[str, FloatArray],
) -> LayerDerivation:
    Z, A, g = cache[f"Z{l}"], cache[f"A{l}"], layer.activation
    return LayerDerivation(
        number=l,
        layer=layer,
        A_prev=cache[f"A{l - 1}"],
        W=parameters[f"W{l}"],
        b=parameters[f"b{l}"],
        gamma=parameters.get(f"gamma{l}"),
        U=cache.get(f"U{l}"),
        Z=Z,
        A=A,
        slope=None if g.vjp is not None else np.asarray(g.slope_at(Z, A)),
        dA=signals[f"dA{l}"],
        dZ=signals[f"dZ{l}"],
        dU=signals[f"dU{l}"] if layer.normalization else None,
        dW=gradients[f"dW{l}"],
        db=gradients[f"db{l}"],
        dgamma=gradients.get(f"dgamma{l}"),
    )


def _as_batch(network: Network, x: Rows, y: npt.ArrayLike) -> tuple[Rows, npt.ArrayLike]:
    """Return one example (n₀,) with its target as a batch of one; a batch as it is."""
    if hasattr(x, "toarray") or np.ndim(cast(npt.ArrayLike, x)) != 1:
        return x, y
    target = np.asarray(y)
    return np.asarray(x)[None], target.reshape(1, -1) if target.ndim else target.reshape(1)
