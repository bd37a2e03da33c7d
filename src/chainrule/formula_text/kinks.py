"""Where a formula has kinks, jumps and poles: where a part of it changes its sign."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chainrule._types import Array, FloatArray
from chainrule.formula_text.running import TreeFunction
from chainrule.formula_text.tree import Binary, Call, Comparison, Negative, Node, every, varies

# Where it is looked for them, in steps of a twentieth, and how many are named.
_REACH, _MOST = 50, 200
# A point is a kink if the slope, or the value, changes by more than a ten-thousandth beside it.
_BESIDE, _JUMP = 1e-7, 1e-4
# A point where something is divided by zero is a pole if the value is beyond this.
_HUGE = 1e6


@np.errstate(all="ignore")
def kinks_of(
    g: Node, value: Callable[[Array], Array], slope: Callable[[Array], Array]
) -> list[float]:
    """Return the z between −50 and 50 at which a formula has a kink or a jump.

    Parameters
    ----------
    g : Node
        The formula as it runs.
    value, slope : callable
        Its value and its slope, as functions of z alone.
    """
    found: list[float] = []
    for border in _borders(g):
        found.extend(_changes(TreeFunction(border)))
    at = np.unique(np.round(found, 12))
    left, right = at - _BESIDE, at + _BESIDE
    jumps = np.zeros(at.size, dtype=bool)
    for f in (slope, value):
        y, z = np.asarray(f(left)), np.asarray(f(right))
        jumps |= np.abs(y - z) > _JUMP * (1 + np.minimum(np.abs(y), np.abs(z)))
    return [float(z) for z in at[jumps][:_MOST]]


@np.errstate(all="ignore")
def poles_of(g: Node, value: Callable[[Array], Array]) -> list[float]:
    """Return the z between −50 and 50 at which a formula divides by zero, and is huge."""
    found: list[float] = []
    for divisor in _divisors(g):
        found.extend(_changes(TreeFunction(divisor)))
    at = np.unique(np.round(found, 12))
    around = np.array([value(at - _BESIDE), value(at), value(at + _BESIDE)])
    return [float(z) for z in at[(~(np.abs(around) < _HUGE)).any(axis=0)]]


def _divisors(g: Node) -> list[Node]:
    """Return what a formula divides by, and what stands in a power there, whose sign may stay."""
    divisors: list[Node] = []
    for node in every(g):
        match node:
            case Binary("/", _, below) if varies(below):
                divisors.append(below)
                divisors += [
                    x.left for x in every(below) if isinstance(x, Binary) and x.sign == "^"
                ]
            case Binary("^", base, Negative()):
                divisors.append(base)
    return [divisor for divisor in divisors if varies(divisor)]


def _borders(g: Node) -> list[Node]:
    """Return the parts of a formula that decide, where they change sign, how it goes on."""
    borders: list[Node] = []
    for node in every(g):
        match node:
            case Call("abs" | "sign" | "step" | "relu", (x,)):
                borders.append(x)
            case Call("max" | "min", (x, y)) | Comparison(_, x, y):
                borders.append(Binary("-", x, y))
    return [border for border in borders if varies(border)]


def _changes(f: TreeFunction) -> FloatArray:
    """Return the z at which the sign of a function changes, by bisection."""
    z = np.arange(-20 * _REACH, 20 * _REACH + 1) / 20
    signs = np.sign(f(z))
    at = np.flatnonzero((signs[1:] != signs[:-1]) & ~np.isnan(signs[1:] + signs[:-1]))
    low, high, sign = z[at], z[at + 1], signs[at]
    for _ in range(60):
        middle = (low + high) / 2
        before = np.sign(f(middle)) == sign
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    changes: FloatArray = high
    return changes
