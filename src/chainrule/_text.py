"""Tables in plain text."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def align(rows: Sequence[Sequence[str]], right: Collection[str] = ()) -> str:
    """Return rows of cells, the titles first, as lines; columns titled as in `right` end alike."""
    columns = []
    for column in zip(*rows, strict=True):
        width = max(map(len, column))
        put = str.rjust if column[0] in right else str.ljust
        columns.append([put(cell, width) for cell in column])
    return "\n".join("  ".join(line).rstrip() for line in zip(*columns, strict=True))
