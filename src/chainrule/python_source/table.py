"""The layers of a network as a table, a row each, and the loops over it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from itertools import groupby

from chainrule.network import Network
from chainrule.normalization import NORMALIZATIONS
from chainrule.python_source.blocks import WIDTH, Block, wrapped
from chainrule.python_source.formulas import Formulas
from chainrule.python_source.recipe import Recipe, back_name

# The columns, and what the table's head says of them.
COLUMNS = {
    "n": "units",
    "draw": "first weights",
    "g": "g",
    "slope": "its slope",
    "axis": "axis of normalisation",
    "rate": "rate of dropout",
}
# Where a line does not break: a row stays together.
NO_BREAK = ",\N{NO-BREAK SPACE}"


class Table:
    """The rows of ``LAYERS``; with a `recipe`, all that training needs to know of a layer.

    What is the same in all layers is no column: it is written where it is used.
    """

    def __init__(self, network: Network, formulas: Formulas, recipe: Recipe | None) -> None:
        self.layers = network.structure.layers
        self.formulas = formulas
        kinds = {layer.normalization for layer in self.layers}
        self.kinds, self.some_are_not = kinds - {None}, None in kinds
        if recipe is not None:
            recipe.name_activations()
        columns = {
            "g": [
                formulas.name(f"activation {g.name!r}", g.g, g.constants)
                for g in (layer.activation for layer in self.layers)
            ]
        }
        if recipe is not None:
            columns["n"] = [str(layer.units) for layer in self.layers]
            columns["draw"] = [recipe.initializer(l) for l in range(1, len(self.layers) + 1)]
            columns["slope"] = self._slopes(with_last=not recipe.is_pair)
        if self.kinds:
            columns["axis"] = [str(_axis(layer.normalization)) for layer in self.layers]
        if recipe is not None and recipe.drops:
            columns["rate"] = [repr(layer.dropout) for layer in self.layers]
        self.entries = {name: columns[name] for name in COLUMNS if name in columns}
        self.columns = self._columns()

    def _slopes(self, *, with_last: bool) -> list[str]:
        """Return the slopes; the last is not needed where it belongs to the loss."""
        *hidden, last = self.layers
        slopes = [back_name(self.formulas, layer) for layer in hidden]
        if with_last or (hidden and last.activation == hidden[-1].activation):
            return [*slopes, back_name(self.formulas, last)]
        return [*slopes, "None"]

    def _columns(self) -> list[str]:
        columns = []
        for name, entries in self.entries.items():
            different = {*entries} - ({"None"} if name == "slope" else set())
            if len(different) > 1 or name in ("n", "rate"):
                columns.append(name)
        return columns or ["g"]

    def entry(self, name: str) -> str:
        """Return what an entry is called in a loop: its column, or what all layers have."""
        if name in self.columns:
            return name
        return next((entry for entry in self.entries[name] if entry != "None"), "None")

    def block(self) -> Block:
        """Return the lines of the table; rows that follow each other and are equal are one.

        Where it is tight, its columns follow each other if that takes fewer lines.
        """
        columns = [self.entries[name] for name in self.columns]
        rows = [NO_BREAK.join(row) for row in zip(*columns, strict=True)]
        if len(self.columns) > 1:
            rows = [f"({row})" for row in rows]
        parts: list[tuple[list[str], int]] = []
        for row, group in groupby(rows):
            times = len([*group])
            if times == 1 and parts and parts[-1][1] == 1:
                parts[-1][0].append(row)
            else:
                parts.append(([row], times))
        lines: list[str] = []
        for entries, times in parts:
            text = f"[{', '.join(entries)}]" + (f" * {times}" if times > 1 else "")
            if lines and len(lines[-1]) + len(text) + 3 <= WIDTH:
                lines[-1] += f" + {text}"
            else:
                head = "LAYERS += " if lines else "LAYERS = "
                lines += textwrap.wrap(head + text, WIDTH, subsequent_indent=" " * (len(head) + 1))
        about = ", ".join(COLUMNS[name] for name in self.columns)
        lines = [line.replace(NO_BREAK, ", ") for line in lines]
        by_columns = [f"({', '.join(column)}{',' * (len(column) == 1)})" for column in columns]
        zipped = wrapped("LAYERS = [*zip(", f"{', '.join(by_columns)})]")
        shorter = zipped if len(zipped) < len(lines) and len(columns) > 1 else lines
        return Block("", "", _told(lines, about), tight=_told(shorter, about))

    def loop(self, lines: Sequence[str], *, back: bool = False) -> list[str]:
        """Return a loop over the layers, or `back`, whose row has the names that `lines` use."""
        # But for axis=0, which is an argument's name
        used = {*re.findall(r"\b\w+\b(?!=)", " ".join(lines))}
        names = [name if name in used else "_" for name in self.columns]
        end = max((i + 1 for i, name in enumerate(names) if name != "_"), default=0)
        if len(names) - end > 1:
            names[end:] = ["*_"]
        row = names[0] if len(self.columns) == 1 else f"({', '.join(names)})"
        head = f"for l, {row} in enumerate(LAYERS, 1):"
        if back:
            head = f"for l, {row} in reversed([*enumerate(LAYERS, 1)]):"
            if end == 0:
                head = f"for l in range({len(self.layers)}, 0, -1):"
        return [head, *(f"    {line}" for line in lines)]

    def normalized(self, lines: Sequence[str], kind: str | None = None) -> list[str]:
        """Return lines for the layers that are normalised, or those in that way."""
        test = "axis is not None" if self.some_are_not else ""
        if kind is not None and self.kinds != {kind}:
            test = f"axis == {_axis(kind)}"
        return [f"if {test}:", *(f"    {line}" for line in lines)] if test else [*lines]


def _told(lines: list[str], about: str) -> list[str]:
    """Return the lines of the table, and what its columns are: beside them, or above."""
    last = f"{lines[-1]}  # of each layer: {about}"
    if len(last) <= WIDTH:
        return [*lines[:-1], last]
    return [f"# Of each layer: {about}", *lines]


def _axis(kind: str | None) -> int | None:
    return None if kind is None else NORMALIZATIONS[kind]
