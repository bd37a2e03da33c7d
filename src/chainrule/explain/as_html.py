"""A page as HTML with formulas in MathML, which browsers draw by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from html import escape

from chainrule.explain.notation import Math
from chainrule.explain.shown import Block, Formula, Grid, Heading, Note

_STYLE = """<style>
.chainrule table { border-collapse: collapse; margin: 0.4em 0 0.8em 1em; }
.chainrule td, .chainrule th { padding: 0.2em 0.5em; text-align: right; border: none;
  background: none; font-weight: normal; white-space: nowrap; }
.chainrule table.grid th { border-bottom: 1px solid #7878785a; }
.chainrule table.grid caption { text-align: left; padding-bottom: 0.2em; white-space: nowrap; }
.chainrule .across { text-align: left; max-width: 0; overflow: visible; }
.chainrule .l { text-align: left; } .chainrule .c { text-align: center; }
.chainrule { overflow-x: auto; }
</style>"""


def to_html(page: Sequence[Block]) -> str:
    """Return the page as one element that brings its style with it."""
    parts = "\n".join(html_of(block) for block in page)
    return f'{_STYLE}\n<div class="chainrule">\n{parts}\n</div>'


def html_of(block: Block) -> str:
    """Return one block of a page as HTML, for whoever brings a style."""
    match block:
        case Heading(text, level):
            return f"<h{level + 2}>{escape(text)}</h{level + 2}>"
        case Note(text):
            return f"<p>{escape(text)}</p>"
        case Formula(rows, align):
            body = "".join(_row(row, "td", align) for row in rows)
            return f"<table>{body}</table>"
        case Grid(caption, header, rows):
            top = f"<caption>{mathml(caption)}</caption>{_row(header, 'th')}"
            body = "".join(_row(row, "td", across=len(header)) for row in rows)
            return f'<table class="grid">{top}{body}</table>'


def _row(cells: Sequence[Math], tag: str, align: str = "", across: int = 0) -> str:
    if len(cells) == 1 and across:
        return f'<tr><{tag} class="across" colspan="{across}">{mathml(cells[0])}</{tag}></tr>'
    sides = align or "r" * len(cells)
    pairs = zip(cells, sides, strict=False)
    return (
        "<tr>"
        + "".join(f'<{tag} class="{side}">{mathml(cell)}</{tag}>' for cell, side in pairs)
        + "</tr>"
    )


def mathml(cell: Math) -> str:
    """Return a piece of mathematics as MathML; nothing for an empty one."""
    return _converted(cell.latex) if cell.latex else ""


@lru_cache(maxsize=4096)
def _converted(latex: str) -> str:
    try:
        from latex2mathml.converter import convert
    except ImportError:
        raise ImportError(
            "formulas in HTML need latex2mathml, from an extra: pip install 'chainrule[notebook]'"
        ) from None
    mathml: str = convert(rf"\displaystyle {latex}")
    return mathml.replace("<mi>:</mi><mo>&#x0003D;</mo>", "<mo>&#x02254;</mo>")  # one sign, :=
