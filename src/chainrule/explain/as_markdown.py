"""A page as Markdown, with formulas as GitHub, Jupyter and MyST take them."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.explain.as_latex import array
from chainrule.explain.notation import Math, as_math
from chainrule.explain.shown import Block, Formula, Grid, Heading, Note


def to_markdown(page: Sequence[Block]) -> str:
    """Return the page as Markdown."""
    return "\n\n".join(_part(block) for block in page) + "\n"


def _part(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * (level + 1)} {text}"
        case Note(text):
            return text
        case Formula():
            return f"$$\n{array(block)}\n$$"
        case Grid(caption, header, rows):
            lines = [_row(header), "| " + " | ".join(["---:"] * len(header)) + " |"]
            full = ((*row, *[as_math("")] * (len(header) - len(row))) for row in rows)
            return f"{_math(caption)}\n\n" + "\n".join([*lines, *(_row(row) for row in full)])


def _row(cells: Sequence[Math]) -> str:
    return "| " + " | ".join(_math(cell) for cell in cells) + " |"


def _math(cell: Math) -> str:
    # A bar parts the cells of a table, in a formula too
    return f"${cell.latex}$".replace("|", r"\vert ") if cell.latex else " "
