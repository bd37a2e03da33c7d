"""Sums, products and powers that are short enough to read: 0 + x is x, and 2 (3 x) is 6 x."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from functools import reduce

from chainrule.formula_text.tree import (
    ONE,
    TWO,
    ZERO,
    Binary,
    Call,
    Negative,
    Node,
    Number,
    varies,
)


def plus(x: Node, y: Node) -> Node:
    """x + y."""
    match x, y:
        case Number(0.0), _:
            return y
        case _, Number(0.0):
            return x
        case Number(m), Number(n):
            return _number(Decimal.__add__, m, n) or Binary("+", x, y)
        case _, Negative(of):
            return minus(x, of)
        case Negative(of), _:
            return minus(y, of)
    return times(TWO, x) if x == y else Binary("+", x, y)


def minus(x: Node, y: Node) -> Node:
    """x − y."""
    match x, y:
        case _ if x == y:
            return ZERO
        case Number(0.0), _:
            return negative(y)
        case _, Number(0.0):
            return x
        case Number(m), Number(n) if m > n:
            return _number(Decimal.__sub__, m, n) or Binary("-", x, y)
        case Number(m), Number(n):
            return negative(_number(Decimal.__sub__, n, m) or Binary("-", y, x))
        case _, Negative(of):
            return plus(x, of)
        case Negative(of), _:
            return negative(plus(of, y))
    return Binary("-", x, y)


def negative(x: Node) -> Node:
    """−x."""
    match x:
        case Number(0.0):
            return x
        case Negative(of):
            return of
        case Binary("-", left, right):
            return minus(right, left)
    return Negative(x)


def times(x: Node, y: Node) -> Node:
    """x y, with a number in front."""
    match x, y:
        case Negative(of), _:
            return negative(times(of, y))
        case _, Negative(of):
            return negative(times(x, of))
        case _, Binary("/", above, below):
            return over(times(x, above), below)
        case Binary("/", above, below), _:
            return over(times(above, y), below)
    m, left = _factors(x)
    n, right = _factors(y)
    number = _number(Decimal.__mul__, m, n)
    if number is None:  # beyond all numbers
        return Binary("*", x, y)
    if number == ZERO:
        return ZERO
    if left == right and len(left) == 1:
        left, right = [power(left[0], TWO)], []
    return _product(number.value, [*left, *right])


def _factors(x: Node) -> tuple[float, list[Node]]:
    """Return the number in front of a product, and what else is multiplied in it."""
    match x:
        case Number(value):
            return value, []
        case Binary("*", left, right):
            m, factors = _factors(left)
            n, others = _factors(right)
            number = _number(Decimal.__mul__, m, n)
            return (number.value, factors + others) if number else (1.0, [x])
    return 1.0, [x]


def over(x: Node, y: Node) -> Node:
    """x / y."""
    match x, y:
        case Number(0.0), _:
            return ZERO
        case _, Number(1.0):
            return x
        case Negative(of), _:
            return negative(over(of, y))
        case _, Negative(of):
            return negative(over(x, of))
        case Binary("/", above, below), _ if not varies(y):
            return over(above, times(below, y))
    if x == y:
        return ONE
    m, above_factors = _factors(x)
    n, below_factors = _factors(y)
    if n and (m / n).is_integer():
        m, n = m / n, 1.0
    elif m and (n / m).is_integer():
        m, n = 1.0, n / m
    else:
        return Binary("/", x, y)
    above, below = (_product(k, f) for k, f in ((m, above_factors), (n, below_factors)))
    return above if below == ONE else Binary("/", above, below)


def _product(number: float, factors: list[Node]) -> Node:
    first: list[Node] = [Number(number)] if number != 1 or not factors else []
    return reduce(lambda before, factor: Binary("*", before, factor), [*first, *factors])


def power(x: Node, n: Node) -> Node:
    """x to the n."""
    match n:
        case Number(0.0):
            return ONE
        case Number(1.0):
            return x
    return Binary("^", x, n)


def where(condition: Node, x: Node, y: Node) -> Node:
    """Return x where a comparison holds, else y."""
    return x if x == y else Call("where", (condition, x, y))


def _number(operation: Callable[[Decimal, Decimal], Decimal], m: float, n: float) -> Number | None:
    """Return a number of two as one adds or multiplies on paper: 0.1 · 3 is 0.3."""
    value = float(operation(Decimal(repr(m)), Decimal(repr(n))))
    return Number(value) if math.isfinite(value) else None
