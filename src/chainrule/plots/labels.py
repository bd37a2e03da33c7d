"""How many examples each label has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from chainrule.plots.canvas import COLOURS, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def label_histogram(y: npt.ArrayLike, ax: Axes | None = None) -> Axes:
    """Draw how many examples each label has.

    Parameters
    ----------
    y : array-like of m labels
        Any shape.
    ax : Axes, optional
        Where to draw; new axes by default.
    """
    ax = ax or new_axes()
    labels, counts = np.unique(np.ravel(np.asarray(y)), return_counts=True)
    colours = [COLOURS[i % len(COLOURS)] for i in range(len(labels))]
    names = [str(label) for label in labels]
    bars = ax.bar(range(len(labels)), counts, tick_label=names, color=colours)
    ax.bar_label(bars)
    ax.margins(y=0.1)  # room for the numbers above the bars
    ax.set(title="How many examples each label has", xlabel="label", ylabel="examples")
    return ax
