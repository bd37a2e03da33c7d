"""A page as LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chainrule.explain.notation import Math
from chainrule.explain.shown import Block, Formula, Grid, Heading, Note

_LETTERS = {
    "−": "$-$",
    "→": r"$\to$",
    "…": r"\dots{}",
    "α": r"$\alpha$",
    "ε": r"$\varepsilon$",
    "λ": r"$\lambda$",
    "μ": r"$\mu$",
    "ρ": r"$\rho$",
    "β": r"$\beta$",
    "γ": r"$\gamma$",
    **{letter: f"$_{k}$" for k, letter in enumerate("₀₁₂₃₄₅₆₇₈₉")},
}


# Rows as far from each other as fractions are high.
_AIRY = r"\def\arraystretch{1.5}"


def document_latex(page: Sequence[Block]) -> str:
    """Return the page for a LaTeX document, whose xcolor wants another form of colours."""
    parts = []
    for block in page:
        match block:
            case Heading(text, level):
                command = "section*" if level == 1 else "subsection*"
                parts.append(rf"\{command}{{{_escaped(text)}}}")
            case Note(text):
                parts.append(_escaped(text))
            case _:
                parts.append(rf"\[{_AIRY}{array(block)}\]")
    whole = "\n\n".join(parts) + "\n"
    return re.sub(r"\\textcolor\{#(\w+)\}", r"\\textcolor[HTML]{\1}", whole)


def notebook_latex(page: Sequence[Block]) -> str:
    """Return the page as a notebook takes it: formulas alone, with the words inside them."""
    parts = []
    for block in page:
        match block:
            case Heading(text):
                parts.append(rf"$$\textbf{{{_without_signs(text)}}}$$")
            case Note(text):
                parts.append(rf"$$\text{{{_without_signs(text)}}}$$")
            case _:
                parts.append(f"$${array(block)}$$")
    return "\n".join(parts)


def array(block: Formula | Grid) -> str:
    """Return a formula or a table as an array."""
    if isinstance(block, Formula):
        return _array(block.rows, block.align, gap="[1ex]")  # fractions under each other
    columns = "l" + "r" * (len(block.header) - 1)
    body = _array(block.rows, columns, _row(block.header) + r" \\ \hline" + "\n")
    return rf"\begin{{array}}{{c}}{block.caption.latex} \\" + "\n" + body + r"\end{array}"


def _array(rows: Sequence[Sequence[Math]], align: str, top: str = "", gap: str = "") -> str:
    lines = f" \\\\{gap}\n".join(_row(row, len(align)) for row in rows)
    return rf"\begin{{array}}{{{align}}}" + "\n" + top + lines + "\n" + r"\end{array}"


def _row(cells: Sequence[Math], n: int = 0) -> str:
    if len(cells) == 1 and n > 1:  # across the table
        return rf"\multicolumn{{{n}}}{{l}}{{{cells[0].latex}}}"
    return " & ".join(rf"\displaystyle {cell.latex}" if cell.latex else "" for cell in cells)


def _escaped(text: str) -> str:
    """Return text with TeX's own signs escaped, and the letters that it has by name."""
    text = _without_signs(text)
    return "".join(_LETTERS.get(letter, letter) for letter in text)


def _without_signs(text: str) -> str:
    return re.sub(r"([#$%&_{}])", r"\\\1", text)
