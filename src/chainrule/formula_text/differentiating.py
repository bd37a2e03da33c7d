"""The slope of a formula by the chain rule: f(u)′ = f′(u) u′, down to z, whose slope is 1."""

from __future__ import annotations

from functools import cache

from chainrule.formula_text.functions import FUNCTIONS
from chainrule.formula_text.reading import read
from chainrule.formula_text.simplifying import minus, negative, over, plus, power, times, where
from chainrule.formula_text.tree import (
    ONE,
    ZERO,
    A,
    Binary,
    Call,
    Comparison,
    E,
    Name,
    Negative,
    Node,
    Z,
    rebuilt,
    replaced,
    varies,
)

# u / v where it must not become a part of another fraction, so that it can be called a.
_QUOTIENT = Name("quotient")


def slope_of(g: Node) -> Node:
    """Return the slope of a formula in z, and in a where the formula itself stands in it."""
    slope = _slope(g)
    return replaced(slope, g, A) if varies(g) and g != Z else slope


def _slope(y: Node) -> Node:
    match y:
        case _ if y == Z:
            return ONE
        case _ if not varies(y):
            return ZERO
        case Negative(u):
            return negative(_slope(u))
        case Binary("+", u, v):
            return plus(_slope(u), _slope(v))
        case Binary("-", u, v):
            return minus(_slope(u), _slope(v))
        case Binary("*", u, v):
            return plus(times(_slope(u), v), times(u, _slope(v)))
        case Binary("/", u, v) if not varies(v):
            return over(_slope(u), v)
        case Binary("/", u, v):  # (u′ v − u v′) / v², with y for u / v
            change = replaced(times(_QUOTIENT, _slope(v)), _QUOTIENT, y)
            return over(minus(_slope(u), change), v)
        case Binary("^", u, n) if not varies(n):
            return times(times(n, power(u, minus(n, ONE))), _slope(u))
        case Binary("^", u, v) if not varies(u):
            return times(times(_log(u), y), _slope(v))
        case Binary("^", u, v):
            return times(y, plus(times(_slope(v), _log(u)), over(times(v, _slope(u)), u)))
        case Call("where", (condition, u, v)):
            return where(condition, _slope(u), _slope(v))
        case Call("max" | "min" as name, (u, v)):
            # At a tie the second one counts: a constant, so that max(0, z) is level in 0.
            u, v = (u, v) if varies(u) else (v, u)
            sign = ">" if name == "max" else "<"
            return where(Comparison(sign, u, v), _slope(u), _slope(v))
        case Call(name, (u,)):
            return times(_chained(_outer(name), u), _slope(u))
    raise AssertionError(f"{y} has no slope")  # a comparison is no value


def _log(u: Node) -> Node:
    return ONE if u == E else Call("log", (u,))


@cache
def _outer(name: str) -> Node:
    """Return f′(z) of a function by its name."""
    return read(FUNCTIONS[name].slope)


def _chained(f: Node, u: Node) -> Node:
    """Return f(u), where f is a formula in z."""
    return u if f == Z else _tidy(rebuilt(f, lambda below: _chained(below, u)))


def _tidy(node: Node) -> Node:
    """Return a sum or product whose parts have changed, simplified anew."""
    simplified = {"+": plus, "-": minus, "*": times, "/": over, "^": power}
    match node:
        case Binary(sign, left, right):
            return simplified[sign](left, right)
        case Negative(of):
            return negative(of)
    return node
