"""What the pages are put together from: equations, products, tables that leave out their middle."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chainrule._types import FloatArray
from chainrule.explain.notation import Math, as_math, factor, join, number, symbol, words
from chainrule.explain.shown import Formula, Grid

# Rows and columns of a table that are shown, and terms of a sum that are written out.
MOST_ROWS, MOST_COLUMNS, MOST_TERMS = 8, 6, 4

DOTS, EQUALS, NONE = as_math("…"), as_math("="), as_math("")

# What is left out of a list of places.
GAP = -1


def some(n: int, most: int = MOST_ROWS) -> list[int]:
    """Return the places that are shown of n: all; or the first ones, `GAP`, and the last."""
    return list(range(n)) if n <= most else [*range(most - 2), GAP, n - 1]


def equation(left: Math, rights: Sequence[Math], sign: str = "=") -> Formula:
    """Return left = right, and under it what that is in numbers, and their value."""
    first, *others = rights
    rows = [(left, as_math(sign), first), *((NONE, EQUALS, right) for right in others)]
    return Formula(tuple(rows), "rcl")


def product(left: Math, factors: Sequence[tuple[Math, float]], value: float) -> Formula:
    """Return a product, each number under its symbol, and the value under them."""
    symbols: list[Math] = []
    numbers: list[Math] = []
    for name, x in factors:
        symbols += [as_math("·"), name] if symbols else [name]
        numbers += [as_math("·"), factor(x)] if numbers else [factor(x)]
    rows = ((left, EQUALS, *symbols), (NONE, EQUALS, *numbers), (NONE, EQUALS, number(value)))
    return Formula(rows, "rc" + "c" * len(symbols))


def total(terms: Sequence[Math], n: int) -> Math:
    """Return a sum of n terms, of which the first few are given."""
    return join([*terms, *([DOTS] if len(terms) < n else [])], " + ")


def values_of(kind: str, l: int, values: FloatArray, caption: Math) -> Grid:
    """Return a number for each example and unit: a row an example."""
    columns = some(values.shape[1], MOST_COLUMNS)
    header = (words("example"), *(unit_symbol(kind, l, k) for k in columns))
    return Grid(caption, header, tuple(rows_of(values, columns)))


def rows_of(
    values: FloatArray, columns: Sequence[int], labels: bool = True
) -> list[tuple[Math, ...]]:
    """Return the rows of an array that are shown, with their numbers from 1 in front."""
    rows = []
    for i in some(len(values)):
        label = DOTS if i == GAP else as_math(str(i + 1)) if labels else NONE
        cells = (DOTS if GAP in (i, k) else number(float(values[i, k])) for k in columns)
        rows.append((label, *cells))
    return rows


def numbered(columns: Sequence[int]) -> tuple[Math, ...]:
    """Return the titles of a matrix: the numbers of its columns, from 1."""
    return (NONE, *(DOTS if k == GAP else as_math(str(k + 1)) for k in columns))


def unit_symbol(kind: str, l: int, k: int) -> Math:
    """Return the title of a unit's column, such as a[1]₃; of a target y₃."""
    if k == GAP:
        return DOTS
    if kind == "y":
        below = symbol("y", 0, k).text.partition("]")[2]
        return Math(f"y_{{{k + 1}}}", ((f"y{below}", ""),))
    return symbol(kind, l, k)


def error(value: float, on_kink: bool = False) -> Math:
    """Return a relative error, in two digits and without a colour."""
    if on_kink or not math.isfinite(value):
        return words("kink" if on_kink else "not finite")
    if value == 0:
        return as_math("0")
    text = f"{value:.1e}"
    mantissa, _, exponent = text.partition("e")
    latex = rf"{mantissa}\cdot 10^{{{int(exponent)}}}"
    return Math(latex, ((text.replace("-", "−"), ""),))


def formula_of(latex: str, formula: Callable[..., Any] | None) -> Math:
    """Return a formula: its LaTeX, and as text what its docstring says, if it is the library's."""
    name = getattr(formula, "__name__", "<lambda>")
    own = words("your own" if "<" in name else f"your own {name}")
    if str(getattr(formula, "__module__", "")).partition(".")[0] != "chainrule":
        return Math(latex, own.spans) if latex else own
    sentence = (inspect.getdoc(formula) or name).partition("\n")[0].rstrip(".")
    return Math(latex, ((sentence, ""),))


def with_constants(name: str, constants: Mapping[str, float]) -> str:
    """Return the name of a formula with the values of its constants, such as elu, α = 0.3."""
    letters = {"alpha": "α", "delta": "δ", "quantile": "q"}
    shown = (f"{letters.get(key, key)} = {value:g}" for key, value in constants.items())
    return ", ".join([name, *shown])


def right_side(formula: Math) -> Math:
    """Return what stands right of the equals sign of a formula."""
    text = formula.text.rpartition(" = ")[2]
    return Math(formula.latex.rpartition(" = ")[2], ((text, ""),))


def transposed(matrix: Math) -> Math:
    """Return the transpose of a matrix."""
    return Math(matrix.latex + r"^{\top}", (*matrix.spans, ("ᵀ", "")))
