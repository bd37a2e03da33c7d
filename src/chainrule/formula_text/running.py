"""A tree as a function of arrays, put together of small functions; no text is made into code."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule._types import Array
from chainrule.formula_text.functions import (
    COMPARISONS,
    FUNCTIONS,
    OPERATIONS,
    PAIRS,
    constant,
)
from chainrule.formula_text.tree import (
    ZERO,
    Binary,
    Call,
    Comparison,
    Name,
    Negative,
    Node,
    Number,
    Z,
    every,
    rebuilt,
    varies,
)
from chainrule.formula_text.writing import as_text


@dataclass(frozen=True)
class TreeFunction:
    """A formula that can be called: ``f(z)``, or ``f(z, a)`` if it is the slope of another.

    It keeps float32, and gives a NaN for a NaN. Where a part of it overflows it is infinite
    there, without a warning.

    Parameters
    ----------
    tree : Node
        The formula.
    of_a : bool, default False
        Whether it takes a, too.
    """

    tree: Node
    of_a: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "__doc__", as_text(self.tree))  # a formula is its own sentence

    def __reduce__(self) -> tuple[Any, ...]:
        return TreeFunction, (self.tree, self.of_a)

    def __call__(self, z: Array, *a: Array) -> Array:
        if isinstance(z, (int, float)) or (isinstance(z, np.ndarray) and z.dtype.kind in "biu"):
            z = np.multiply(z, 1.0)  # Python divides no number by zero
        with np.errstate(all="ignore"):
            return self.plain(z, *a)

    @property
    def parts(self) -> int:
        """How many numbers, names, signs and functions run."""
        return sum(1 for _ in every(self.for_arrays))

    @cached_property
    def for_arrays(self) -> Node:
        """The tree that runs, with what it takes to keep the type of an array, and its NaNs."""
        return _like_z(_for_arrays(self.tree))

    @cached_property
    def plain(self) -> Callable[..., Any]:
        """The same as plain functions alone, which can be compiled."""
        run = _composed(self.for_arrays)

        def of_z(z: Any) -> Any:
            return run(z, z)

        return run if self.of_a else of_z


def _for_arrays(node: Node) -> Node:
    """Return a tree with its constant parts worked out."""
    if not varies(node) and not isinstance(node, Comparison):
        return _signed(constant(node))
    node = rebuilt(node, _for_arrays)
    match node:
        case Call("max" | "min" as name, (x, y)) if not varies(x):
            return Call(name, (y, x))  # on registers, a NaN comes through from the first alone
        case Call("where", (Comparison("!=", left, right), x, y)):
            return Call("where", (Comparison("==", left, right), y, _like_z(x)))
        case Call("where", (condition, x, y)):  # where a NaN goes
            return Call("where", (condition, x, _like_z(y)))
    return node


def _signed(value: float) -> Node:
    return Negative(Number(-value)) if math.copysign(1, value) < 0 else Number(value)


def _like_z(node: Node) -> Node:
    """Return a constant as z · 0 + c, which has the shape and the type of z, and its NaNs."""
    if varies(node):
        return node
    nothing = Binary("*", Z, ZERO)
    return nothing if node == ZERO else Binary("+", nothing, node)


def _composed(node: Node) -> Callable[[Any, Any], Any]:
    """Return a tree without constant parts as a function of z and a."""
    match node:
        case Name("z"):
            return lambda z, a: z
        case Name("a"):
            return lambda z, a: a
        case Number() | Negative(Number()):
            return _always(constant(node))
        case Negative(of):
            return _opposite(_composed(of))
        case Binary("^", base, exponent) if not varies(exponent):
            return _power(_composed(base), _whole(constant(exponent)))
        case Binary(sign, left, right):
            return _joined(OPERATIONS[sign], _composed(left), _composed(right))
        case Comparison(sign, left, right):
            return _joined(COMPARISONS[sign], _composed(left), _composed(right))
        case Call("where", (condition, x, y)):
            return _chosen(_composed(condition), _composed(x), _composed(y))
        case Call(name, (x, y)):
            return _joined(PAIRS[name], _composed(x), _composed(y))
        case Call(name, (x,)):
            return _applied(FUNCTIONS[name].run, _composed(x))
    raise AssertionError(f"{node} can't run")


def _whole(value: float) -> float:
    """Return a number as Python's whole number, if it is one: arrays are squared faster by it."""
    return int(value) if value.is_integer() and abs(value) < 2**31 else value


def _always(value: float) -> Callable[[Any, Any], Any]:
    number = _whole(value)
    return lambda z, a: number


def _opposite(of: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda z, a: -of(z, a)


def _power(base: Callable[[Any, Any], Any], exponent: float) -> Callable[[Any, Any], Any]:
    return lambda z, a: base(z, a) ** exponent


def _joined(
    join: Callable[[Any, Any], Any],
    left: Callable[[Any, Any], Any],
    right: Callable[[Any, Any], Any],
) -> Callable[[Any, Any], Any]:
    return lambda z, a: join(left(z, a), right(z, a))


def _chosen(
    condition: Callable[[Any, Any], Any],
    x: Callable[[Any, Any], Any],
    y: Callable[[Any, Any], Any],
) -> Callable[[Any, Any], Any]:
    return lambda z, a: np.where(condition(z, a), x(z, a), y(z, a))


def _applied(
    function: Callable[[Any], Any], inside: Callable[[Any, Any], Any]
) -> Callable[[Any, Any], Any]:
    return lambda z, a: function(inside(z, a))
