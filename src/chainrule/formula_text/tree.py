"""A formula as a tree: numbers, names, signs, and calls of named functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

Node: TypeAlias = "Number | Name | Negative | Binary | Comparison | Call"


class FormulaError(ValueError):
    """A typed formula can't be an activation; the message says where, and what would be right."""


@dataclass(frozen=True)
class Number:
    """A number that was typed, such as 0.5; never negative in a tree that was read."""

    value: float


@dataclass(frozen=True)
class Name:
    """z; pi or e; or, in a slope, a, the value of the formula."""

    name: str


@dataclass(frozen=True)
class Negative:
    """−x."""

    of: Node


@dataclass(frozen=True)
class Binary:
    """Two terms with + - * / or ^ between them."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Comparison:
    """Two terms with < <= > >= == or != between them: the first argument of `where`."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Call:
    """A function of arguments."""

    name: str
    arguments: tuple[Node, ...]


Z, A, E = Name("z"), Name("a"), Name("e")
ZERO, ONE, TWO = Number(0.0), Number(1.0), Number(2.0)


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes right below one."""
    match node:
        case Negative(of):
            return (of,)
        case Binary(_, left, right) | Comparison(_, left, right):
            return (left, right)
        case Call(_, arguments):
            return arguments
        case _:
            return ()


def rebuilt(node: Node, change: Callable[[Node], Node]) -> Node:
    """Return a node with a change made to each of those right below it."""
    match node:
        case Negative(of):
            return Negative(change(of))
        case Binary(sign, left, right):
            return Binary(sign, change(left), change(right))
        case Comparison(sign, left, right):
            return Comparison(sign, change(left), change(right))
        case Call(name, arguments):
            return Call(name, tuple(map(change, arguments)))
        case _:
            return node


def replaced(node: Node, old: Node, new: Node) -> Node:
    """Return a tree in which one part stands wherever another was."""
    if node == old:
        return new
    return rebuilt(node, lambda below: replaced(below, old, new))


def every(node: Node) -> Iterator[Node]:
    """Yield a node and all below it."""
    yield node
    for below in children(node):
        yield from every(below)


def varies(node: Node) -> bool:
    """Whether z, or a, stands in a tree."""
    return any(part in (Z, A) for part in every(node))
