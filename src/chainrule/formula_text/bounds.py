"""The range of a formula by interval arithmetic: an interval that holds every value it can take."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from chainrule.formula_text.functions import FUNCTIONS, PAIRS, constant
from chainrule.formula_text.tree import (
    Binary,
    Call,
    Comparison,
    Name,
    Negative,
    Node,
    Z,
    varies,
)

Interval: TypeAlias = tuple[float, float]

ALL: Interval = (-math.inf, math.inf)


def range_of(g: Node) -> Interval:
    """Return an interval in which every value of a formula lies; not always the smallest one."""
    with np.errstate(all="ignore"):
        low, high = _range(g, ALL)
    return float(low - _rounding(low)), float(high + _rounding(high))


def _rounding(end: float) -> float:
    """Return by how much a rounded value may lie beyond an end, which 0 and 1 are not."""
    return 0.0 if math.isinf(end) or float(end).is_integer() else 1e-12 * abs(end)


def _range(node: Node, z: Interval) -> Interval:
    match node:
        case Name("z"):
            return z
        case _ if not varies(node):
            return (constant(node),) * 2
        case Negative(of):
            low, high = _range(of, z)
            return -high, -low
        case Binary("^", base, exponent):
            return _of_power(_range(base, z), _range(exponent, z))
        case Binary("*", x, y) if x == y:
            return _of_power(_range(x, z), (2.0, 2.0))
        case Binary(sign, x, y):
            return _SIGNS[sign](_range(x, z), _range(y, z))
        case Call("where", (Comparison(sign, left, right), x, y)):
            yes, no = _split(sign, left, right, z)
            (a, b), (c, d) = _range(x, yes), _range(y, no)
            return min(a, c), max(b, d)
        case Call(name, (x, y)):
            (a, b), (c, d) = _range(x, z), _range(y, z)
            return float(PAIRS[name](a, c)), float(PAIRS[name](b, d))
        case Call(name, (x,)):
            return _of_call(name, _range(x, z))
    return ALL


def _of_call(name: str, x: Interval) -> Interval:
    function = FUNCTIONS[name]
    if name == "abs":
        return _of_power(x, (2.0, 2.0))[0] and min(map(abs, x)), max(map(abs, x))
    if function.rises is None:
        return function.range
    low, high = (min(max(end, function.rises[0]), function.rises[1]) for end in x)
    a, b = (float(function.run(np.float64(end))) for end in (low, high))
    return (a, b) if a <= b else function.range  # of a NaN


def _sum(x: Interval, y: Interval) -> Interval:
    return x[0] + y[0], x[1] + y[1]


def _difference(x: Interval, y: Interval) -> Interval:
    return x[0] - y[1], x[1] - y[0]


def _product(x: Interval, y: Interval) -> Interval:
    # Nothing times an end that is never reached is nothing.
    ends = [0.0 if 0 in (p, q) else p * q for p in x for q in y]
    return min(ends), max(ends)


def _quotient(x: Interval, y: Interval) -> Interval:
    if y[0] < 0 < y[1] or y == (0, 0):
        return ALL
    low = 1 / y[1] if y[1] else -math.inf
    high = 1 / y[0] if y[0] else math.inf
    return _product(x, (low, high))


_SIGNS: dict[str, Callable[[Interval, Interval], Interval]] = {
    "+": _sum,
    "-": _difference,
    "*": _product,
    "/": _quotient,
}


def _of_power(x: Interval, n: Interval) -> Interval:
    """Return the range of a power of a whole exponent, or of a positive base."""
    (low, high), (p, q) = x, n
    if p == q and p > 0 and p % 2 == 0:
        ends = [np.float64(abs(end)) ** p for end in x]
        return (0.0 if low < 0 < high else float(min(ends))), float(max(ends))
    if low < 0:
        return ALL
    ends = [np.float64(base) ** exponent for base in x for exponent in n]
    return ALL if np.isnan(ends).any() else (float(min(ends)), float(max(ends)))


def _split(sign: str, left: Node, right: Node, z: Interval) -> tuple[Interval, Interval]:
    """Return where z lies if a comparison holds, and if it doesn't, where it is of z alone."""
    if right == Z and not varies(left):
        left, right, sign = right, left, sign.translate(str.maketrans("<>", "><"))
    if left != Z or varies(right) or sign[0] not in "<>":
        return z, z
    border = _range(right, z)[0]
    below, above = (z[0], min(max(border, z[0]), z[1])), (min(max(border, z[0]), z[1]), z[1])
    return (below, above) if sign[0] == "<" else (above, below)
