"""Symbols and numbers, each as LaTeX and as plain text, and a colour for each quantity.

Layers stand above in brackets and units below, counted from 1: a[2]₁ is what the first unit of
layer 2 puts out, a[0] the example itself, and w[1]₂₃ leads from input 2 to unit 3.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

# The colour of a quantity, wherever it is written. They read on white (contrast at least 4.2) and
# on black (4.0); after Okabe & Ito (2008), of middle lightness.
COLOURS = {
    "a": "#1B8A5A",  # what a unit puts out, and x
    "z": "#1F7DC1",  # the sum before the activation
    "slope": "#A45CB8",  # g′(z)
    "dA": "#AC6B00",  # ∂L/∂a
    "dZ": "#D2512A",  # ∂L/∂z
    "w": "#787878",  # weights, biases, gains
    "dw": "#C2477F",  # ∂L/∂w, ∂L/∂b
}
POSITIVE, NEGATIVE = COLOURS["z"], COLOURS["dZ"]  # of numbers

_QUANTITY = {"a": "a", "z": "z", "u": "z"}

# Digits that are shown.
DIGITS = 4

_BELOW = str.maketrans("0123456789,", "₀₁₂₃₄₅₆₇₈₉‚")


@dataclass(frozen=True)
class Math:
    """A piece of mathematics: its LaTeX, and spans of plain text with their colours.

    Pieces are put together with ``+``; a plain string stands for itself in both.
    """

    latex: str
    spans: tuple[tuple[str, str], ...]

    def __add__(self, other: Math | str) -> Math:
        other = as_math(other)
        return Math(self.latex + other.latex, self.spans + other.spans)

    def __radd__(self, other: str) -> Math:
        return as_math(other) + self

    @property
    def text(self) -> str:
        """The plain text, without colours."""
        return "".join(text for text, _ in self.spans)


_IN_LATEX = {
    "·": r"\cdot ",
    "−": "-",
    "∘": r"\circ ",
    "→": r"\to ",
    "…": r"\dots ",
    "α": r"\alpha ",
    "′": "'",
    "Σ": r"\sum ",
}


def as_math(piece: Math | str) -> Math:
    """Return plain text, such as an operator, as mathematics."""
    if isinstance(piece, Math):
        return piece
    latex = "".join(_IN_LATEX.get(letter, letter) for letter in piece)
    return Math(latex, ((piece, ""),))


def coloured(latex: str, text: str, quantity: str) -> Math:
    """Return a symbol in the colour of its quantity, one of `COLOURS`."""
    colour = COLOURS[quantity]
    return Math(rf"\textcolor{{{colour}}}{{{latex}}}", ((text, colour),))


def words(text: str) -> Math:
    """Return words in a formula."""
    escaped = re.sub(r"([#$%&_{}])", r"\\\1", text)
    return Math(rf"\text{{{escaped}}}", ((text, ""),))


def symbol(kind: str, layer: int, *units: int) -> Math:
    """Return a symbol such as z[1]₂ or W[1], for z, u, a, w, b, γ; units are counted from 0."""
    plain = _plain(kind, layer, *units)
    return coloured(plain.latex, plain.text, _QUANTITY.get(kind.lower(), "w"))


def slope(layer: int | None = None, *units: int, kind: str = "z") -> Math:
    """Return g′(z[1]₂), or g′(z) of any unit."""
    z = as_math("z") if layer is None else _plain(kind, layer, *units)
    return coloured(rf"g'({z.latex})", f"g′({z.text})", "slope")


def derivative(of: str, kind: str, layer: int, *units: int) -> Math:
    """Return ∂L/∂a[1]₂, in the colour of that derivative."""
    below = _plain(kind, layer, *units)
    quantity = {"a": "dA", "z": "dZ"}.get(_QUANTITY.get(kind.lower(), "w"), "dw")
    latex = rf"\frac{{\partial {of}}}{{\partial {below.latex}}}"
    return coloured(latex, f"∂{of}/∂{below.text}", quantity)


def by_parameter(parameter: Math, of: str) -> Math:
    """Return ∂L/∂w for the symbol of a parameter."""
    latex = rf"\frac{{\partial {of}}}{{\partial {without_colour(parameter)}}}"
    return coloured(latex, f"∂{of}/∂{parameter.text}", "dw")


def local(above: Math, below: Math, quantity: str) -> Math:
    """Return the derivative of one symbol by another, ∂a/∂z, in the colour of a quantity."""
    latex = rf"\frac{{\partial {without_colour(above)}}}{{\partial {without_colour(below)}}}"
    return coloured(latex, f"∂{above.text}/∂{below.text}", quantity)


def number(value: float, digits: int = DIGITS) -> Math:
    """Return a number in the colour of its sign, in LaTeX and text."""
    text = format_number(value, digits)
    colour = "" if value == 0 or math.isnan(value) else POSITIVE if value > 0 else NEGATIVE
    mantissa, _, exponent = text.replace("−", "-").partition("e")
    latex = rf"{mantissa}\cdot 10^{{{int(exponent)}}}" if exponent else mantissa
    latex = {"∞": r"\infty", "-∞": r"-\infty", "NaN": r"\text{NaN}"}.get(latex, latex)
    return Math(rf"\textcolor{{{colour}}}{{{latex}}}" if colour else latex, ((text, colour),))


def factor(value: float, digits: int = DIGITS) -> Math:
    """Return a number as it stands in a product: in parentheses where it is negative."""
    shown = number(value, digits)
    return as_math("(") + shown + ")" if shown.text.startswith("−") else shown


def format_number(value: float, digits: int = DIGITS) -> str:
    """Return a number in so many digits, with a true minus."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value + 0.0:.{digits}g}".replace("-", "−")  # + 0.0: no minus before zero


def join(pieces: list[Math], between: str) -> Math:
    """Return pieces with an operator between them."""
    whole = pieces[0]
    for piece in pieces[1:]:
        whole = whole + between + piece
    return whole


def _plain(kind: str, layer: int, *units: int) -> Math:
    one_digit = all(unit < 9 for unit in units)
    below = ("" if one_digit else ",").join(str(unit + 1) for unit in units)
    letter = {"γ": r"\gamma"}.get(kind, kind)
    latex = f"{letter}^{{[{layer}]}}" + (f"_{{{below}}}" if units else "")
    return Math(latex, ((f"{kind}[{layer}]{below.translate(_BELOW)}", ""),))


def without_colour(symbol: Math) -> str:
    """Return the LaTeX of a symbol, without its colour."""
    latex = symbol.latex
    return latex.split("}{", 1)[1].removesuffix("}") if latex.startswith(r"\textcolor") else latex
