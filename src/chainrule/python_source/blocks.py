"""The functions of a script as text: as airy as there is room for."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

WIDTH = 100
# What a script should not be longer than.
MOST_LINES = 120


@dataclass(frozen=True)
class Block:
    """A function: its first line, what it says of itself, and its body without indent.

    One without a `head` is other lines, which stand for themselves. A formula may stand close to
    the next. Where it is `tight`, it has that body in place of its own.
    """

    head: str
    doc: str
    body: Sequence[str]
    formula: bool = False
    tight: Sequence[str] | None = None

    def text(self, density: Density) -> str:
        """Return the lines; the docstring is a comment beside the head where it is to and fits."""
        body = self.tight if density.tight and self.tight is not None else self.body
        if density.bare and (self.head or density.tight):
            body = [line for line in body if not line.lstrip().startswith("# ")]
        if not self.head:
            return "\n".join(body)
        head = f"def {self.head}:"
        if density.bare and len(body) == 1 and len(f"{head} {body[0]}") <= WIDTH:
            head, body = f"{head} {body[0]}", []  # an equation, on a line
        if len(head) > WIDTH:
            name, arguments = self.head.removesuffix(")").split("(", 1)
            wide = f"def {name}(\n    {arguments}\n):"
            head = "\n".join(wrapped("", head, 8)) if density.tight else wide
        lines = [head, *(f"    {line}" if line else "" for line in body)]
        room = WIDTH - len(head) - 4
        short = shortened(self.doc, room).removesuffix(".")
        # Cut to less than a third, it says too little
        if density.beside and short and 3 * len(short) > len(self.doc):
            lines[0] += f"  # {short}"
        elif self.doc and not density.bare:
            lines.insert(1, f'    """{_cut(self.doc)}"""')
        return "\n".join(lines)


@dataclass(frozen=True)
class Density:
    """How close the lines of a script are.

    Whether docstrings become comments, and the empty lines between blocks and between formulas.
    A `bare` one has no comment on a line of its own in functions, and what is one equation on
    one line; a `tight` one has none at all, and joins lines that are read one by one elsewhere.
    A `brief` one says in a line what it is, and imports in another. Where there are no empty
    lines between blocks, `air` of them are left for the longest.
    """

    beside: bool
    between: int
    formulas: int
    bare: bool = False
    tight: bool = False
    brief: bool = False
    air: int = 0


# From airy to dense, in the groups in which they are tried.
DENSITIES = (
    (Density(False, 2, 2), Density(False, 1, 1), Density(True, 1, 1)),
    (Density(True, 1, 0), Density(True, 1, 0, bare=True)),
    (Density(True, 1, 0, bare=True, tight=True),),
    (Density(True, 1, 0, bare=True, tight=True, brief=True),),
    (Density(True, 0, 0, bare=True, tight=True, brief=True),),
)


def joined(blocks: Sequence[Block], density: Density) -> str:
    """Return blocks one below the other; where they are tight, small formulas beside each other."""
    blocks = _side_by_side(blocks) if density.tight else blocks
    texts = [block.text(density) for block in blocks]
    close = [True, *(a.formula and b.formula for a, b in pairwise(blocks))]
    by_length = sorted(range(len(blocks)), key=lambda i: -texts[i].count("\n"))
    airy = [i for i in by_length if not close[i]][: density.air]
    text = texts[0]
    for i in range(1, len(blocks)):
        between = density.formulas if close[i] else max(density.between, i in airy)
        text += "\n" * (1 + between) + texts[i]
    return text


def _side_by_side(blocks: Sequence[Block]) -> list[Block]:
    """Return numbers that follow each other on a line, and value and slope of an activation too."""
    short = {name: formula for block in blocks for name, formula in _as_lambda(block).items()}
    pairs = {
        name: line
        for name, value in short.items()
        if (slope := short.get(f"{name}_slope"))
        and len(line := f"{name}, {name}_slope = {value}, {slope}") <= WIDTH
    }
    new: list[Block] = []
    for block in blocks:
        name = block.head.split("(")[0]
        if name in pairs:
            new.append(Block("", "", [pairs[name]], formula=True))
        elif name.removesuffix("_slope") in pairs:
            continue
        elif new and _is_number(block) and _is_number(new[-1]):
            parts = zip(new[-1].body[0].split(" = "), block.body[0].split(" = "), strict=True)
            names, values = (", ".join(part) for part in parts)
            new[-1] = replace(block, body=[f"{names} = {values}"])
        else:
            new.append(block)
    return new


def _as_lambda(block: Block) -> dict[str, str]:
    """Return a formula of the library by its name, if it is one equation and nothing more."""
    if block.tight is None or len(block.tight) > 1 or "#" in block.tight[0]:
        return {}
    name, arguments = block.head.removesuffix(")").split("(", 1)
    return {name: f"lambda {arguments}: {block.tight[0].removeprefix('return ')}"}


def _is_number(block: Block) -> bool:
    is_one = block.formula and not block.head and len(block.body) == 1
    return is_one and "lambda" not in block.body[0]


def shortened(sentence: str, width: int) -> str:
    """Return a sentence, or its beginning up to a comma outside parentheses; or "" if none fits."""
    if len(sentence) <= width:
        return sentence
    ends = [
        i for i, mark in enumerate(sentence) if mark in ",;:." and sentence[i + 1 : i + 2] == " "
    ]
    for end in reversed(ends):
        part = sentence[:end]
        if end < width and part.count("(") == part.count(")"):
            return f"{part}."
    return ""


def _cut(sentence: str) -> str:
    return shortened(sentence, 90) or textwrap.shorten(sentence, 90, placeholder=" …")


def wrapped(head: str, text: str, indent: int = 4) -> list[str]:
    """Return an assignment of a tuple or list in as many lines as it needs."""
    return textwrap.wrap(head + text, WIDTH, subsequent_indent=" " * indent)
