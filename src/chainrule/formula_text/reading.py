"""From the text of a formula to its tree: a parser that knows arithmetic and named functions.

    sum:      product, then + or - and a product, any number of times
    product:  - product, or a factor, then * or / and a factor, any number of times
    factor:   - factor, or a power
    power:    atom, or atom ^ factor
    atom:     a number, a name, a function of arguments, or a sum in parentheses

So −z² is −(z²), 2 ^ 3 ^ z is 2 ^ (3 ^ z), and no other language ever sees the text.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from chainrule import _checks
from chainrule.formula_text.functions import ALSO, ARGUMENTS, COMPARISONS, CONSTANTS, constant
from chainrule.formula_text.tokens import Token, tokens_of
from chainrule.formula_text.tree import (
    Binary,
    Call,
    Comparison,
    FormulaError,
    Name,
    Negative,
    Node,
    Number,
    varies,
)

# How many parentheses, signs and powers may lie in each other.
MOST_LEVELS = 32


def read(text: str) -> Node:
    """Return the tree of a formula.

    Raises FormulaError, which says at which character, if it is none.
    """
    reader = _Reader(tokens_of(text))
    tree = reader.sum()
    reader.end()
    return tree


class _Reader:
    """Goes through the words from left to right, one method for each kind of part."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens, self.at, self.level = tokens, 0, 0

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def take(self, *signs: str) -> Token | None:
        """Return the next word and go on, if it is one of these signs."""
        token = self.next
        if token.kind != "sign" or token.text not in signs:
            return None
        self.at += 1
        return token

    def expect(self, sign: str, otherwise: str) -> None:
        if self.take(sign) is None:
            raise self.wrong(otherwise)

    def wrong(self, expected: str) -> FormulaError:
        token = self.next
        return FormulaError(f"at character {token.place}: got {token}, expected {expected}")

    def end(self) -> None:
        if self.next.kind == "end":
            return
        if self.next.text in COMPARISONS:
            raise self.wrong("no comparison but as the first argument of where(z > 0, …, …)")
        if self.next.kind == "name" or self.next.kind == "number" or self.next.text == "(":
            before = self.tokens[self.at - 1].text
            raise self.wrong(
                f"an operator between {before!r} and it, such as {before} * {self.next.text}"
            )
        raise self.wrong("an operator or the end")

    def sum(self) -> Node:
        return self.chain(self.product, "+", "-")

    def product(self) -> Node:
        return self.signed(self.product) or self.chain(self.factor, "*", "/")

    def factor(self) -> Node:
        return self.signed(self.factor) or self.power()

    def chain(self, part: Callable[[], Node], *signs: str) -> Node:
        """Read parts with signs between them, which are put together from the left."""
        left = part()
        while token := self.take(*signs):
            left = self.finite(token, Binary(token.text, left, part()))
        return left

    def signed(self, part: Callable[[], Node]) -> Node | None:
        """Read a part behind a sign, if there is one."""
        if token := self.take("+", "-"):
            of = self.deeper(part)
            return Negative(of) if token.text == "-" else of
        return None

    def power(self) -> Node:
        base = self.atom()
        if token := self.take("^"):
            return self.finite(token, Binary("^", base, self.deeper(self.factor)))
        return base

    def deeper(self, part: Callable[[], Node]) -> Node:
        """Read a part that lies inside another."""
        if self.level == MOST_LEVELS:
            raise self.wrong(f"no more than {MOST_LEVELS} levels of parentheses, signs and powers")
        self.level += 1
        node = part()
        self.level -= 1
        return node

    def atom(self) -> Node:
        token = self.next
        if token.kind == "number":
            self.at += 1
            return Number(float(token.text))
        if token.kind == "name":
            self.at += 1
            return self.named(token)
        if self.take("("):
            inside = self.deeper(self.sum)
            self.expect(")", "an operator or ')'")
            return inside
        raise self.wrong("a number, z, a function or '('")

    def named(self, token: Token) -> Node:
        """Return what a name stands for, with the arguments that follow it."""
        name = ALSO.get(token.text, token.text)
        if name == "z" or name in CONSTANTS:
            return Name(name)
        if name not in ARGUMENTS:
            try:
                _checks.raise_unknown("a name", name, {"z", *CONSTANTS, *ARGUMENTS})
            except ValueError as error:
                hint = "; the variable is called z" if len(name) == 1 else ""
                raise FormulaError(f"at character {token.place}: {error}{hint}") from None
        self.expect("(", f"'(' and the arguments of {token.text}")
        arguments = self.deeper_arguments(name)
        node: Node = Call(name, arguments)
        if len(arguments) != ARGUMENTS[name]:
            count = ARGUMENTS[name]
            raise FormulaError(
                f"at character {token.place}: got {len(arguments)} arguments, expected {count} of "
                f"them in {token.text}({', '.join('…' * count)})"
            )
        return self.finite(token, node)

    def deeper_arguments(self, name: str) -> tuple[Node, ...]:
        arguments = [self.deeper(self.comparison if name == "where" else self.sum)]
        while self.take(","):
            arguments.append(self.deeper(self.sum))
        self.expect(")", "an operator, ',' or ')'")
        return tuple(arguments)

    def comparison(self) -> Node:
        left = self.sum()
        token = self.take(*COMPARISONS)
        if token is None:
            raise self.wrong("a comparison, such as z > 0, as the first argument of where")
        node = Comparison(token.text, left, self.sum())
        if self.next.text in COMPARISONS:
            raise self.wrong("one comparison alone")
        if not varies(node):
            raise FormulaError(
                f"at character {token.place}: the comparison is the same for every z, expected "
                f"one with z in it"
            )
        return node

    def finite(self, token: Token, node: Node) -> Node:
        """Return a node, if it is not one without z that has no value."""
        if not varies(node) and not math.isfinite(value := constant(node)):
            raise FormulaError(
                f"at character {token.place}: {token} makes {value} here, expected a finite number"
            )
        return node
