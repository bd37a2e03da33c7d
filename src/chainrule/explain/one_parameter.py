"""The chain rule for one parameter: factor by factor, and path by path through the network."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chainrule._types import FloatArray
from chainrule.explain.notation import Math, derivative, local, symbol
from chainrule.explain.page_of_parameter import page_of_parameter
from chainrule.explain.shown import Block, Shown

if TYPE_CHECKING:
    from chainrule.explain.derivation import Derivation, LayerDerivation

# So many paths are written out; of more, their number is said.
MOST_PATHS = 16


@dataclass(frozen=True)
class Factor:
    """One factor of a product: its symbol, and its value."""

    symbol: Math
    value: float


@dataclass(frozen=True)
class Path:
    """One way from the loss to the parameter, with the product of the slopes along it.

    Attributes
    ----------
    units : tuple of int
        The unit it goes through in each layer, from the parameter's own up to the output's,
        counted from 0.
    factors : tuple of Factor
        From the loss down to the parameter.
    """

    units: tuple[int, ...]
    factors: tuple[Factor, ...]

    @property
    def value(self) -> float:
        """The product of the factors."""
        return math.prod(factor.value for factor in self.factors)


@dataclass(frozen=True, eq=False, repr=False)
class ParameterDerivation(Shown):
    """The derivative of the cost by one parameter, factor by factor.

    Attributes
    ----------
    derivation : Derivation
        What it is a part of.
    name, place : str, (int, int)
        The array, ``"W1"``, and row and column in it.
    layer : LayerDerivation
        The layer it belongs to.
    example : int
        The example whose factors are written out.
    factors : tuple of Factor
        Of that example: ∂L/∂a · ∂a/∂z · ∂z/∂w; where a layer is normalised, or its activation not
        elementwise, ∂L/∂u or ∂L/∂z stands for the first of them.
    per_example : array (m,)
        ∂L/∂w of each example, times its weight where there are weights. Batch normalisation lets an
        example have its say in the losses of the others: there it is what goes through its own
        sums, of all losses.
    penalty : float
        What the penalty adds.
    value : float
        ∂J/∂w: the mean over the examples, and the penalty's part.
    finite_difference, relative_error, on_kink : float, float, bool
        The same by a difference quotient, and how they differ; on a kink there is no slope.
    n_paths : int
        The ways from the outputs down to the parameter's unit.
    paths : tuple of Path
        Each with its product, whose sum is ∂L/∂w of the example; empty where there are more than
        16, or a normalised layer mixes units or examples.
    before, after : float
        The parameter before and after the update.
    """

    derivation: Derivation
    name: str
    place: tuple[int, int]
    layer: LayerDerivation
    example: int
    factors: tuple[Factor, ...]
    per_example: FloatArray
    penalty: float
    value: float
    finite_difference: float
    relative_error: float
    on_kink: bool
    n_paths: int
    paths: tuple[Path, ...]
    before: float
    after: float

    @property
    def of_example(self) -> float:
        """∂L/∂w of the example whose factors are written out."""
        return float(self.per_example[self.example])

    @property
    def why_no_paths(self) -> str:
        """Why `paths` is empty, in words."""
        layers = self.derivation.layers[self.layer.number - 1 :]
        if any(k.layer.normalization for k in layers):
            return "a normalised layer mixes units or examples, so that they are no simple products"
        if any(k.slope is None for k in layers[:-1]):
            return "a softmax mixes the units of its layer, so that they are no simple products"
        return "too many to write out; the sums go through them layer by layer"

    @property
    def symbol(self) -> Math:
        """The parameter's symbol, such as w[1]₁₃."""
        return parameter_symbol(self.name, self.place)

    def _make_page(self) -> list[Block]:
        return page_of_parameter(self)


def derive_parameter(
    derivation: Derivation, name: str, place: tuple[int, int], example: int
) -> ParameterDerivation:
    """Write the chain rule out for one parameter, on one example of the batch."""
    layer = derivation.layers[int(name.lstrip("Wbgam")) - 1]
    above = derivation.layers[layer.number :]
    factors = _factors(layer, name, place, example)
    per_example = np.array(
        [
            math.prod(f.value for f in _factors(layer, name, place, e))
            for e in range(len(derivation))
        ]
    )
    measured = derivation.finite_difference(f"d{name}", *place)
    value = float(derivation.gradients[f"d{name}"][place])
    straight = not any(k.layer.normalization for k in above) and not (
        layer.layer.normalization and name[0] == "W"
    )
    n_paths = math.prod(k.layer.units for k in above)
    update = derivation.update
    return ParameterDerivation(
        derivation=derivation,
        name=name,
        place=place,
        layer=layer,
        example=example,
        factors=factors,
        per_example=per_example,
        penalty=value - float(per_example.sum()) / derivation.total_weight,
        value=value,
        finite_difference=measured.slope,
        relative_error=measured.relative_error,
        on_kink=measured.on_kink,
        n_paths=n_paths,
        paths=_paths(derivation, factors[-1], layer, place[1], example)
        if straight and n_paths <= MOST_PATHS
        else (),
        before=float(update.before[name][place]),
        after=float(update.after[name][place]),
    )


def parameter_symbol(name: str, place: tuple[int, int]) -> Math:
    """Return w[1]₁₃ for ``W1[0, 2]``, b[1]₃ for ``b1[0, 2]``, γ[1]₃ for a gain."""
    kind = name.rstrip("0123456789")
    units = place if kind == "W" else place[1:]
    return symbol({"W": "w", "b": "b", "gamma": "γ"}[kind], int(name[len(kind) :]), *units)


def _factors(
    layer: LayerDerivation, name: str, place: tuple[int, int], e: int
) -> tuple[Factor, ...]:
    """Return the factors of ∂L/∂w for example e, from the loss to the parameter."""
    l, (i, j) = layer.number, place
    w = parameter_symbol(name, place)
    if name[0] == "W" and layer.dU is not None:
        down = [Factor(derivative("L", "u", l, j), float(layer.dU[e, j]))]
        last = Factor(local(symbol("u", l, j), w, "a"), float(layer.A_prev[e, i]))
        return (*down, last)
    z = symbol("z", l, j)
    along = {"W": layer.A_prev[e, i], "b": 1.0, "g": 0.0 if layer.U is None else layer.U[e, j]}
    last = Factor(local(z, w, "a"), float(along[name[0]]))
    return (*_down_to_z(layer, j, e), last)


def _down_to_z(layer: LayerDerivation, j: int, e: int) -> list[Factor]:
    l = layer.number
    if layer.slope is None or not _multiplies(layer, e):
        return [Factor(derivative("L", "z", l, j), float(layer.dZ[e, j]))]
    a, z = symbol("a", l, j), symbol("z", l, j)
    return [
        Factor(derivative("L", "a", l, j), float(layer.dA[e, j])),
        Factor(local(a, z, "slope"), float(layer.slope[e, j])),
    ]


def _multiplies(layer: LayerDerivation, e: int) -> bool:
    """Whether ∂L/∂a · ∂a/∂z is ∂L/∂z in all units: not where one is so sure that 1 − a is lost."""
    assert layer.slope is not None
    product = layer.dA[e] * layer.slope[e]
    return bool((np.abs(product - layer.dZ[e]) <= 1e-6 * np.abs(layer.dZ[e])).all())


def _paths(
    derivation: Derivation, last: Factor, layer: LayerDerivation, j: int, e: int
) -> tuple[Path, ...]:
    """Return every way from an output down to unit j, as a product of slopes."""
    above = derivation.layers[layer.number :]
    if any(k.slope is None for k in derivation.layers[layer.number - 1 : -1]):
        return ()  # a softmax between the layers leads from every unit to every other
    paths = []
    for units in itertools.product(*(range(k.layer.units) for k in above)):
        way = (j, *units)
        factors = _down_to_z(derivation.layers[-1], way[-1], e)
        for k in range(len(above) - 1, -1, -1):  # from the last layer's sums to the layer below
            upper, lower = above[k], derivation.layers[layer.number - 1 + k]
            u, v = way[k + 1], way[k]
            a, z = symbol("a", lower.number, v), symbol("z", lower.number, v)
            between = local(symbol("z", upper.number, u), a, "w")
            factors.append(Factor(between, float(upper.W[v, u])))
            assert lower.slope is not None
            factors.append(Factor(local(a, z, "slope"), float(lower.slope[e, v])))
        paths.append(Path(way, (*factors, last)))
    return tuple(paths)
