"""The page of one unit: what it sums, what it makes of that, and what comes back to it."""

from __future__ import annotations

from chainrule.explain import Derivation
from chainrule.explain.notation import (
    as_math,
    derivative,
    factor,
    join,
    number,
    slope,
    symbol,
)
from chainrule.explain.pieces import MOST_TERMS, equation, formula_of, right_side, total
from chainrule.explain.shown import Block, Heading, Note


def page_of_unit(d: Derivation, l: int, j: int, example: int) -> list[Block]:
    """Return the page of unit j of layer l, on an example of a derivation's batch."""
    layer = d.layers[l - 1]
    n, g = layer.A_prev.shape[1], layer.layer.activation
    few = range(n if n <= MOST_TERMS else MOST_TERMS - 1)
    symbols = [symbol("w", l, i, j) + " · " + symbol("a", l - 1, i) for i in few]
    numbers = [
        factor(float(layer.W[i, j])) + " · " + factor(float(layer.A_prev[example, i])) for i in few
    ]
    z = number(float(layer.Z[example, j]))
    blocks: list[Block] = [Heading("Forward", 2)]
    if layer.dU is None:
        bias = factor(float(layer.b[0, j]))
        rights = [total(symbols, n) + " + " + symbol("b", l, j), total(numbers, n) + " + " + bias]
        blocks.append(equation(symbol("z", l, j), [*rights, z]))
    else:
        blocks.append(Note("The sum is normalised before it becomes z."))
        blocks.append(equation(symbol("z", l, j), [z]))
    a = number(float(layer.A[example, j]))
    if layer.slope is None:
        said = as_math("g(") + symbol("z", l, j) + ")"
        blocks.append(equation(symbol("a", l, j), [said, a]))
        return [*blocks, Heading("Backward", 2)]
    formula = right_side(formula_of(g.latex, g.g))
    blocks.append(equation(symbol("a", l, j), [formula, a]))
    at_slope = number(float(layer.slope[example, j]))
    rule = right_side(formula_of(g.slope_latex, g.slope)) if g.slope_latex else at_slope
    blocks.append(equation(slope(l, j), [rule, at_slope]))
    product = join([derivative("L", "a", l, j), slope(l, j)], " · ")
    in_numbers = (
        factor(float(layer.dA[example, j])) + " · " + factor(float(layer.slope[example, j]))
    )
    dz = number(float(layer.dZ[example, j]))
    blocks += [
        Heading("Backward", 2),
        equation(derivative("L", "z", l, j), [product, in_numbers, dz]),
    ]
    return blocks
