"""What all pictures share: new axes, panels in them, colours, and the way to a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

# Okabe & Ito (2008), *Color Universal Design*: blue, orange, green, vermilion, purple, sky, yellow.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442")
# Of another number than the colours, so that 77 classes have a pair of their own.
MARKERS = "osD^vPX<>ph"

POSITIVE, NEGATIVE = COLOURS[0], COLOURS[3]


def new_axes(width: float = 5.0, height: float = 4.0) -> Axes:
    """Return the axes of a new figure of this size in inches, without opening a window.

    Raises ImportError if Matplotlib is not there, and says which extra has it.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(
            "pictures need Matplotlib, from an extra: pip install 'chainrule[plots]'"
        ) from None
    return Figure(figsize=(width, height), layout="tight", dpi=110).subplots()


def panels(ax: Axes, rows: int, columns: int = 1, gap: float = 0.35) -> list[Axes]:
    """Return rows × columns of insets that fill `ax`, row by row, and hide its own frame.

    `gap` is the space between two of them, as a share of their height or width.
    """
    ax.set_axis_off()
    height, width = 1 / (rows + (rows - 1) * gap), 1 / (columns + (columns - 1) * gap)
    return [
        ax.inset_axes(
            (c * width * (1 + gap), 1 - height - r * height * (1 + gap), width, height),
        )
        for r in range(rows)
        for c in range(columns)
    ]


def shades(*colours: str) -> Colormap:
    """Return the colours in between these, in their order."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("shades", list(colours))


def save(ax: Axes, path: str | os.PathLike[str]) -> None:
    """Write the figure that `ax` belongs to as a picture; the ending of `path` says which kind."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.savefig(path)
