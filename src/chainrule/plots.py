"""Pictures: labels, costs, decision boundaries and errors, drawn with Matplotlib.

Every function draws on the axes it is given, or on new ones, and returns them. The colours are
Okabe & Ito's, which the colour-blind can tell apart. Needs the extra ``plots``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

# Okabe & Ito (2008), *Color Universal Design*: blue, orange, green, vermilion, purple, sky, yellow.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442")
MARKERS = "osD^vPX"


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
    bars = ax.bar([str(label) for label in labels], counts, color=colours)
    ax.bar_label(bars)
    ax.set(title="How many examples each label has", xlabel="label", ylabel="examples")
    return ax


def cost_curve(
    cost: Sequence[float], val_cost: Sequence[float] = (), ax: Axes | None = None
) -> Axes:
    """Draw the cost after each epoch, and that of validation where there is one.

    Parameters
    ----------
    cost, val_cost : sequence of float
        One number for each epoch, such as ``history.loss`` and ``history.val_loss``.
    ax : Axes, optional
        Where to draw; new axes by default.
    """
    ax = ax or new_axes()
    few = "." if len(cost) <= 50 else ""
    ax.plot(range(len(cost)), cost, color=COLOURS[0], marker=few, label="training")
    if len(val_cost):
        ax.plot(range(len(val_cost)), val_cost, "--", color=COLOURS[3], label="validation")
        ax.legend()
    ax.set(title="Cost", xlabel="epoch", ylabel="cost J")
    ax.grid(alpha=0.3)
    return ax


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
        cmap=_shades("white", COLOURS[0]),
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
    ax.set(title="True against predicted", xlabel="predicted", ylabel="true")
    return ax


def decision_boundary(
    outputs: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.floating]],
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    ax: Axes | None = None,
    resolution: int = 120,
) -> Axes:
    """Draw the examples over what a network of two inputs makes of the plane around them.

    Parameters
    ----------
    outputs : callable
        Takes points (m, 2) and returns outputs (m, 1), the probability of class 1, or (m, K),
        one for each class; such as ``network.forward``.
    X : array-like (m, 2)
        The examples.
    y : array-like (m,) or (m, 1)
        Their classes, 0 … K − 1.
    ax : Axes, optional
        Where to draw; new axes by default.
    resolution : int, default 120
        Points of the grid along each axis.

    Raises
    ------
    ValueError
        If `X` has not two columns.
    """
    X, y = np.asarray(X, dtype=float), np.ravel(np.asarray(y)).astype(int)
    if X.ndim != 2 or X.shape[1] != 2:
        raise ValueError(f"X must have 2 columns to be drawn on a plane, got shape {X.shape}")
    ax = ax or new_axes()
    low, high = X.min(axis=0) - 0.4, X.max(axis=0) + 0.4
    grid = np.meshgrid(*(np.linspace(a, b, resolution) for a, b in zip(low, high, strict=True)))
    A = np.asarray(outputs(np.column_stack([axis.ravel() for axis in grid])))
    if A.shape[1] == 1:
        A = A.reshape(grid[0].shape)
        shades = _shades(COLOURS[0], "white", COLOURS[1])
        ax.contourf(*grid, A, levels=np.linspace(0, 1, 11), cmap=shades, alpha=0.5)
        if A.min() < 0.5 < A.max():
            ax.contour(*grid, A, levels=[0.5], colors="black", linewidths=1.5)
    else:
        classes = A.argmax(axis=1).reshape(grid[0].shape)
        levels = np.arange(A.shape[1] + 1) - 0.5
        colours = [COLOURS[k % len(COLOURS)] for k in range(A.shape[1])]
        ax.contourf(*grid, classes, levels=levels, colors=colours, alpha=0.35)
    for k in np.unique(y):
        ax.scatter(
            X[y == k, 0],
            X[y == k, 1],
            s=14,
            color=COLOURS[k % len(COLOURS)],
            marker=MARKERS[k % len(MARKERS)],
            edgecolors="white",
            linewidths=0.4,
            label=str(k),
        )
    ax.legend(title="class", loc="upper right")
    ax.set(title="Decision boundary", xlabel="x₁", ylabel="x₂")
    return ax


def _shades(*colours: str) -> Colormap:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("classes", list(colours))


def save(ax: Axes, path: Path) -> None:
    """Write the figure that `ax` belongs to as a picture; the ending of `path` says which kind."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.savefig(path)
