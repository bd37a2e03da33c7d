"""A page as lines of plain text, each of spans with their colours."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from chainrule.explain.notation import Math, as_math
from chainrule.explain.shown import Block, Formula, Grid, Heading, Note

if TYPE_CHECKING:
    from rich.text import Text

Line: TypeAlias = list[tuple[str, str]]


def lines_of(page: Sequence[Block]) -> list[Line]:
    """Return the lines of a page; a span is text and its style, as Rich names it."""
    lines: list[Line] = []
    for block in page:
        if lines and not (isinstance(block, Heading) and not lines[-1]):
            lines.append([])
        lines += _lines(block)
    return lines


def rich_text(page: Sequence[Block]) -> Text:
    """Return the page for Rich to print."""
    from rich.text import Text

    whole = Text(no_wrap=True, overflow="ignore")
    for number, line in enumerate(lines_of(page)):
        whole.append("\n" if number else "")
        for text, style in line:
            whole.append(text, style=style or None)
    return whole


def _lines(block: Block) -> list[Line]:
    match block:
        case Heading(text, level):
            return [[(text, "bold underline" if level == 1 else "bold")]]
        case Note(text):
            return [[("  " + text, "")]]
        case Formula(rows, align):
            return _aligned(rows, align, between=" ")
        case Grid(caption, header, rows):
            columns = "l" + "r" * (len(header) - 1)
            title: Line = [("  ", ""), *caption.spans]
            return [title, *_aligned((header, *rows), columns, between="  ")]


def _aligned(rows: Sequence[Sequence[Math]], align: str, between: str) -> list[Line]:
    empty = as_math("")
    full = [[*row, *[empty] * (len(align) - len(row))] for row in rows if len(row) > 1]
    widths = [max(_width(cell.text) for cell in column) for column in zip(*full, strict=True)]
    lines: list[Line] = []
    for row in rows:
        line: Line = [("    ", "")]
        if len(row) == 1:  # a line of its own across the table
            lines.append([*line, *row[0].spans])
            continue
        row = [*row, *[empty] * (len(align) - len(row))]
        for k, (cell, width, side) in enumerate(zip(row, widths, align, strict=True)):
            gap = width - _width(cell.text)
            left = {"l": 0, "r": gap, "c": gap // 2}[side]
            line += [(between * (k > 0) + " " * left, ""), *cell.spans, (" " * (gap - left), "")]
        lines.append(line)
    return lines


def _width(text: str) -> int:
    return sum(not unicodedata.combining(letter) for letter in text)  # m̂ is one letter wide
