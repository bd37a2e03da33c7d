"""What a network makes of the plane around the examples: where it draws the line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from chainrule import _checks
from chainrule.network import Network
from chainrule.plots.canvas import COLOURS, MARKERS, new_axes, shades
from chainrule.plots.plane import Plane, names_of, plane_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Outputs: TypeAlias = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.floating[Any]]]

# A class is named on its region if there are more than two: then the colours begin to be many.
_NAMED_FROM = 3


def decision_boundary(
    outputs: Network | Outputs | Any,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    ax: Axes | None = None,
    resolution: int = 120,
    *,
    features: Sequence[int] = (0, 1),
    fixed: npt.ArrayLike | None = None,
) -> Axes:
    """Draw the examples over what a classifier makes of the plane around them.

    Of more than two features, two are shown, and the network is asked at points where the others
    are fixed. The examples are then drawn where these two features put them, though they may lie
    off that plane, so that one may stand on the other side of the line and be classified rightly.

    Parameters
    ----------
    outputs : Network, classifier or callable
        A network; a fitted classifier with ``predict_proba``; or a function of points (m, n₀) that
        returns outputs (m, 1), the probability of class 1, or (m, K), one for each class.
    X : array-like (m, n₀)
        The examples; n₀ is at least 2. The names of a data frame's columns label the axes.
    y : array-like (m,) or (m, 1)
        Their classes, 0 … K − 1; or, for a classifier, as it knows them.
    ax : Axes, optional
        Where to draw; new axes by default.
    resolution : int, default 120
        Points of the grid along each axis.
    features : (int, int), default (0, 1)
        Which two columns of X are shown.
    fixed : array-like (n₀,), optional
        What the other features are, such as one example; by default the median of each.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as above, or the network is not a classifier of one label.
    """
    names = names_of(X, np.shape(X)[-1] if np.ndim(X) else 0)
    points = _checks.check_array("X", X, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] < 2:
        raise ValueError(
            f"X must have 2 columns or more to be drawn on a plane, got shape {points.shape}"
        )
    if isinstance(outputs, Network):
        _check_classifies(outputs)
    codes, labels = _classes(outputs, y)
    if len(codes) != len(points):
        raise ValueError(
            f"X and y must have a row each, got {len(points)} rows and {len(codes)} labels"
        )
    plane = plane_of(points, features, fixed, resolution)
    A = _outputs_at(outputs, plane.points, X)
    ax = ax or new_axes()
    if A.shape[1] == 1:
        _draw_probability(ax, plane, A)
    else:
        _draw_regions(ax, plane, A, labels)
    i, j = plane.features
    for k in np.unique(codes):
        ax.scatter(
            points[codes == k, i],
            points[codes == k, j],
            s=16,
            color=COLOURS[k % len(COLOURS)],
            marker=MARKERS[k % len(MARKERS)],
            edgecolors="white",
            linewidths=0.4,
            label=labels.get(k, str(k)),
        )
    many = A.shape[1] >= _NAMED_FROM  # beside the plane, where no name of a region is hidden
    where: Any = {"loc": "upper left", "bbox_to_anchor": (1, 1)} if many else {"loc": "upper right"}
    ax.legend(title="class", framealpha=0.85, **where)
    ax.set(title="Decision boundary", xlabel=names[i], ylabel=names[j])
    ax.set(xlim=plane.extent[:2], ylim=plane.extent[2:])
    return ax


def _check_classifies(network: Network) -> None:
    loss, n_outputs = network.structure.loss, network.structure.n_outputs
    if not (loss.labels or (loss.name == "binary_cross_entropy" and n_outputs == 1)):
        raise ValueError(
            f"decision_boundary needs a network that tells classes apart, one label an "
            f"example; got one with {n_outputs} outputs and the loss {loss.name!r}"
        )


def _classes(outputs: Any, y: npt.ArrayLike) -> tuple[npt.NDArray[np.intp], dict[int, str]]:
    """Return the class of each example as a number, and how the classes are called."""
    given = np.ravel(np.asarray(y))
    known = getattr(outputs, "classes_", None)
    if known is None:
        numbers = _checks.check_array("y", given)
        if (fractional := numbers[np.floor(numbers) != numbers]).size:
            raise ValueError(f"class numbers in y must be integers, got {fractional[0]}")
        return numbers.astype(np.intp), {}
    places = {label: k for k, label in enumerate(np.asarray(known).tolist())}
    strange = [label for label in given.tolist() if label not in places]
    if strange:
        raise ValueError(
            f"y must hold labels that the classifier knows, {list(places)}, got {strange[0]!r}"
        )
    codes = np.array([places[label] for label in given.tolist()], dtype=np.intp)
    return codes, {k: str(label) for label, k in places.items()}


def _outputs_at(outputs: Any, points: npt.NDArray[np.float64], X: Any) -> npt.NDArray[Any]:
    """Return outputs (m, 1) or (m, K) at these points, whoever makes them."""
    if isinstance(outputs, Network):
        return outputs.forward(points)
    if hasattr(outputs, "predict_proba"):
        # In a frame like the one it was fitted on, for it warns of columns without names
        asked = type(X)(points, columns=X.columns) if hasattr(X, "iloc") else points
        P = np.asarray(outputs.predict_proba(asked))
        return P[:, 1:] if P.shape[1] == 2 else P
    if not callable(outputs):
        raise TypeError(
            f"outputs must be a Network, a classifier with predict_proba, or a function such as "
            f"network.forward, got {type(outputs).__name__}"
        )
    A = np.asarray(outputs(points))
    if A.ndim != 2 or len(A) != len(points):
        raise ValueError(
            f"outputs must return an array (m, 1) or (m, K), got shape {A.shape} for "
            f"{len(points)} points"
        )
    return A


def _draw_probability(ax: Axes, plane: Plane, A: npt.NDArray[Any]) -> None:
    A = A.reshape(plane.grid[0].shape)
    colours = shades(COLOURS[0], "white", COLOURS[1])
    ax.contourf(*plane.grid, A, levels=np.linspace(0, 1, 11), cmap=colours, alpha=0.5)
    if A.min() < 0.5 < A.max():
        ax.contour(*plane.grid, A, levels=[0.5], colors="black", linewidths=1.5)


def _draw_regions(ax: Axes, plane: Plane, A: npt.NDArray[Any], labels: dict[int, str]) -> None:
    shape = plane.grid[0].shape
    for k in range(A.shape[1]):
        # By how much the class leads: 0 on the line, which is then no staircase of the grid
        lead = (A[:, k] - np.delete(A, k, axis=1).max(axis=1)).reshape(shape)
        if lead.max() <= 0:
            continue
        levels, colour = [0.0, lead.max() + 1.0], COLOURS[k % len(COLOURS)]
        ax.contourf(*plane.grid, lead, levels=levels, colors=[colour], alpha=0.35)
        if lead.min() < 0:
            ax.contour(*plane.grid, lead, levels=[0.0], colors="black", linewidths=0.8)
        if A.shape[1] >= _NAMED_FROM:
            _name_region(ax, plane, lead > 0, labels.get(k, str(k)))


def _name_region(ax: Axes, plane: Plane, region: npt.NDArray[Any], name: str) -> None:
    """Write a class's name where its region is broadest."""
    from matplotlib.patheffects import withStroke
    from scipy.ndimage import distance_transform_edt

    depth = distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]
    place = np.unravel_index(depth.argmax(), depth.shape)
    x, y = (float(axis[place]) for axis in plane.grid)
    text = ax.text(x, y, name, ha="center", va="center", weight="bold", zorder=5)
    text.set_path_effects([withStroke(linewidth=3, foreground="white")])
