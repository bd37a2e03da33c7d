"""The words of a typed formula: numbers, names and signs, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chainrule.formula_text.tree import FormulaError

# What a formula may have. A slope has up to the square of it.
MOST_CHARACTERS = 200
SMALLEST, LARGEST = 1e-30, 1e30

_TOKEN = re.compile(
    r"(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z_0-9]*)"
    r"|(?P<sign>\*\*|[<>=!]=|[-+*/^()<>,])"
)


@dataclass(frozen=True)
class Token:
    """A word: its kind, "number", "name", "sign" or "end"; its text; its place, from 1."""

    kind: str
    text: str
    place: int

    def __str__(self) -> str:
        return repr(self.text) if self.text else "the end"


def tokens_of(text: str) -> list[Token]:
    """Return the words of a formula, and one for its end.

    An equals sign at its beginning is left out. Raises FormulaError for a character that no
    formula has, for a number that is too large or too small, and for a text that is too long.
    """
    if len(text) > MOST_CHARACTERS:
        raise FormulaError(
            f"it has {len(text)} characters, and a formula may have {MOST_CHARACTERS}"
        )
    tokens: list[Token] = []
    at = len(text) - len(text.lstrip())
    at += text[at : at + 1] == "="
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        found = _TOKEN.match(text, at)
        if found is None:
            raise FormulaError(
                f"at character {at + 1}: got {text[at]!r}, expected a number, a name, or one of "
                f"+ - * / ^ ( )"
            )
        kind, word = str(found.lastgroup), found.group()
        if kind == "number" and float(word) and not SMALLEST <= float(word) <= LARGEST:
            raise FormulaError(
                f"at character {at + 1}: got the number {word:.40}, expected 0, or one from "
                f"{SMALLEST:g} to {LARGEST:g}"
            )
        tokens.append(Token(kind, "^" if word == "**" else word, at + 1))
        at = found.end()
    return [*tokens, Token("end", "", len(text) + 1)]
