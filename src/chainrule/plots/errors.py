"""Which class is taken for which, and predicted against true numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from chainrule.plots.canvas import COLOURS, new_axes, shades

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def confusion_matrix(y: npt.ArrayLike, predicted: npt.ArrayLike, ax: Axes | None = None) -> Axes:
    """Draw how often each class (row) is taken for each (column).

    Parameters
    ----------
    y, predicted : array-like of m labels
        What is true, and what was predicted.
    ax : Axes, optional
        Where to draw; new axes by default.
    """
    from sklearn.metrics import ConfusionMatrixDisplay

    labels = np.unique(np.concatenate([np.asarray(y), np.asarray(predicted)]))
    n = len(labels)
    ax = ax or new_axes(*(max(5.0, 1.5 + 0.55 * n),) * 2)
    ConfusionMatrixDisplay.from_predictions(
        y,
        predicted,
        labels=labels,
        ax=ax,
        cmap=shades("white", COLOURS[0]),
        colorbar=False,
        include_values=n <= 30,
        xticks_rotation="vertical" if n > 5 else "horizontal",
    )
    ax.set(title="Which class is taken for which", xlabel="predicted", ylabel="true")
    return ax


def predicted_against_true(
    y: npt.ArrayLike, predicted: npt.ArrayLike, ax: Axes | None = None
) -> Axes:
    """Draw the true values over the predicted ones, and the line on which they are the same.

    Parameters
    ----------
    y, predicted : array-like of m numbers
        What is true, and what was predicted; of many, some are drawn.
    ax : Axes, optional
        Where to draw; new axes by default.
    """
    from sklearn.metrics import PredictionErrorDisplay

    ax = ax or new_axes()
    PredictionErrorDisplay.from_predictions(
        y,
        predicted,
        kind="actual_vs_predicted",
        subsample=5000,
        random_state=0,
        ax=ax,
        scatter_kwargs={"s": 8, "alpha": 0.4, "color": COLOURS[0]},
        line_kwargs={"color": COLOURS[3]},
    )
    from matplotlib.ticker import MaxNLocator  # there, since there are axes

    for axis in (ax.xaxis, ax.yaxis):  # round numbers, which the ends of the data are not
        axis.set_major_locator(MaxNLocator(5))
    ax.set(title="True against predicted", xlabel="predicted", ylabel="true")
    return ax
