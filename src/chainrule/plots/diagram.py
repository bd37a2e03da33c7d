"""The network as a diagram: units as small maps of what they answer, weights as lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from chainrule import _checks
from chainrule.activation import Activation
from chainrule.network import Network
from chainrule.plots.canvas import NEGATIVE, POSITIVE, new_axes, shades
from chainrule.plots.given import as_network
from chainrule.plots.plane import Plane, names_of, plane_of
from chainrule.steps import forward_propagation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# In units of the distance between two units of a layer: half the side of a map, and how far apart
# the layers are. Lines are at most so many points wide, and maps have so many points a side.
_HALF, _APART = 0.36, 2.4
_WIDEST, _RESOLUTION = 5.0, 40


def network_diagram(
    network: Network | Any,
    X: npt.ArrayLike | None = None,
    ax: Axes | None = None,
    *,
    features: Sequence[int] = (0, 1),
    fixed: npt.ArrayLike | None = None,
    feature_names: Sequence[str] | None = None,
    at_most: int = 8,
) -> Axes:
    """Draw the units of a network, what each answers, and the weights between them.

    A weight w is a line whose width is proportional to abs(w), across all layers; blue and solid
    where w is positive, vermilion and dashed where it is negative. Given examples, each unit is a
    small map of its activation over the plane of two features: blue is high, vermilion low, and
    white the middle of the activation's range, or 0 where it has no two ends. Without an end, the
    darkest colour is the largest size in that layer.

    Parameters
    ----------
    network : Network, MLPClassifier or MLPRegressor
        The network.
    X : array-like (m, n₀), optional
        Examples, which say how far the maps reach; without them, units are circles.
    ax : Axes, optional
        Where to draw; new axes by default.
    features : (int, int), default (0, 1)
        Which two columns of X the maps are over, the first to the right, the second upwards.
    fixed : array-like (n₀,), optional
        What the other features are, such as one example; by default the median of each.
    feature_names : sequence of str, optional
        Names of the inputs; by default those of a data frame's columns, else x₁, x₂, ….
    at_most : int, default 8
        Units that are drawn of a layer; of the others only the number is told. The two features
        are always among the inputs that are drawn.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as above.
    """
    network = as_network(network)
    at_most = _checks.check_integer("at_most", at_most, low=2)
    names = names_of(X, network.structure.n_inputs, feature_names)
    plane = None if X is None else _plane_for(network, X, features, fixed)
    columns = _columns(network, at_most, plane.features if plane else ())
    if ax is None:
        tallest = max(len(column.units) + bool(column.left_out) for column in columns)
        ax = new_axes(1.6 + 1.6 * (len(columns) - 1), 1.6 + 0.65 * tallest)
    _draw_weights(ax, network, columns)
    answers = None if plane is None else _answers(network, plane)
    for l, column in enumerate(columns):
        activation = network.structure.layers[l - 1].activation if l else None
        for unit, y in zip(column.units, column.heights, strict=True):
            if answers is None or plane is None or (l == 0 and unit not in plane.features):
                _draw_circle(ax, l * _APART, y)
            else:
                shown = answers[l] if l else answers[l][:, unit]
                scale = _scale(shown, activation)
                _draw_map(ax, l * _APART, y, answers[l][:, unit], scale)
            if l == 0:
                ax.text(-_HALF - 0.12, y, names[unit], ha="right", va="center")
        if column.left_out:
            low = column.heights[-1] - 0.75
            ax.text(l * _APART, low, f"… {column.left_out} more", ha="center", va="center")
    _finish(ax, network, columns)
    return ax


@dataclass(frozen=True)
class _Column:
    """Which units of a layer are drawn, at which heights, and how many are left out."""

    units: list[int]
    heights: list[float]
    left_out: int


def _plane_for(
    network: Network, X: Any, features: Sequence[int], fixed: npt.ArrayLike | None
) -> Plane:
    n_inputs = network.structure.n_inputs
    points = _checks.check_array("X", X, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != n_inputs:
        raise ValueError(f"X must have shape (m, {n_inputs}), got {points.shape}")
    if n_inputs == 1:
        raise ValueError("X must have 2 columns or more for maps over a plane; leave it out")
    return plane_of(points, features, fixed, _RESOLUTION)


def _columns(network: Network, at_most: int, features: Sequence[int]) -> list[_Column]:
    """Return what is drawn of each layer, the inputs first."""
    structure = network.structure
    columns = []
    for l, n in enumerate([structure.n_inputs, *(layer.units for layer in structure.layers)]):
        first = [*features] if l == 0 else []
        units = sorted([*first, *(u for u in range(n) if u not in first)][:at_most])
        left_out = n - len(units)
        middle = (len(units) - 1 + bool(left_out)) / 2
        columns.append(_Column(units, [middle - i for i in range(len(units))], left_out))
    return columns


def _answers(network: Network, plane: Plane) -> list[npt.NDArray[Any]]:
    """Return A[0], A[1], … at the points of the plane."""
    X = plane.points.astype(network.dtype)
    _, cache = forward_propagation(
        X, network.parameters, network.structure, statistics=network.statistics
    )
    return [cache[f"A{l}"] for l in range(len(network.structure.layers) + 1)]


def _scale(A: npt.NDArray[Any], activation: Activation | None) -> tuple[float, float]:
    """Return which values have the darkest colours in the maps of a layer."""
    low, high = activation.range if activation else (A.min(), A.max())
    if not np.isfinite([low, high]).all():
        high = float(np.abs(A).max()) or 1.0
        low = -high
    return float(low), float(high)


def _draw_weights(ax: Axes, network: Network, columns: list[_Column]) -> None:
    from matplotlib.collections import LineCollection

    largest = _largest_weight(network)
    for l, (before, after) in enumerate(pairwise(columns), 1):
        w = network.parameters[f"W{l}"][np.ix_(before.units, after.units)].ravel()
        left, right = (l - 1) * _APART + _HALF, l * _APART - _HALF
        ends = [[(left, y), (right, y_after)] for y in before.heights for y_after in after.heights]
        lines = LineCollection(
            ends,
            linewidths=_WIDEST * np.abs(w) / largest,
            colors=[POSITIVE if positive else NEGATIVE for positive in w >= 0],
            linestyles=["-" if positive else (0, (2, 1)) for positive in w >= 0],
            alpha=0.85,
            zorder=1,
            label=f"W{l}",
        )
        ax.add_collection(lines)


def _largest_weight(network: Network) -> float:
    weights = (W for name, W in network.parameters.items() if name.startswith("W"))
    return max(float(np.abs(W).max()) for W in weights) or 1.0


def _draw_map(
    ax: Axes, x: float, y: float, a: npt.NDArray[Any], scale: tuple[float, float]
) -> None:
    from matplotlib.patches import Rectangle

    ax.imshow(
        a.reshape(_RESOLUTION, _RESOLUTION),
        extent=(x - _HALF, x + _HALF, y - _HALF, y + _HALF),
        origin="lower",
        cmap=shades(NEGATIVE, "white", POSITIVE),
        vmin=scale[0],
        vmax=scale[1],
        interpolation="bilinear",
        zorder=2,
    )
    corner = (x - _HALF, y - _HALF)
    frame = Rectangle(corner, 2 * _HALF, 2 * _HALF, fill=False, linewidth=0.8, zorder=3)
    ax.add_patch(frame)


def _draw_circle(ax: Axes, x: float, y: float) -> None:
    from matplotlib.patches import Circle

    ax.add_patch(Circle((x, y), _HALF, facecolor="white", edgecolor="black", zorder=2))


def _finish(ax: Axes, network: Network, columns: list[_Column]) -> None:
    """Write what each layer is and what the lines mean, and show all of it."""
    from matplotlib.lines import Line2D

    layers = network.structure.layers
    titles = ["inputs", *(f"layer {l}" for l in range(1, len(layers))), "output"]
    kinds = ["", *(layer.activation.name for layer in layers)]
    top = max(column.heights[0] for column in columns) + _HALF
    low = min(column.heights[-1] - bool(column.left_out) for column in columns) - _HALF
    for l, (title, kind) in enumerate(zip(titles, kinds, strict=True)):
        ax.text(l * _APART, top + 0.15, f"{title}\n{kind}", ha="center", va="bottom")
    handles = [
        Line2D([], [], color=POSITIVE, linewidth=3, label="w > 0"),
        Line2D([], [], color=NEGATIVE, linewidth=3, linestyle=(0, (2, 1)), label="w < 0"),
    ]
    ax.legend(
        handles=handles,
        title=f"the widest line is |w| = {_largest_weight(network):.3g}",
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        ncols=2,
        frameon=False,
    )
    ax.set_aspect("equal")
    ax.set(xlim=(-_HALF - 0.1, (len(columns) - 1) * _APART + _HALF + 0.1))
    ax.set(ylim=(low - 0.1, top + 1.0))
    ax.set_axis_off()
