"""The loss along a line, and over a plane, through the space of the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from chainrule import _checks
from chainrule._inputs import Rows
from chainrule._types import FloatArray, Generator, RandomState
from chainrule.network import Network
from chainrule.plots.canvas import COLOURS, new_axes
from chainrule.plots.given import as_network, some_examples

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def loss_along_line(
    network: Network | Any,
    X: Rows,
    y: npt.ArrayLike,
    direction: str | Network | Any = "gradient",
    ax: Axes | None = None,
    *,
    resolution: int = 51,
    random_state: RandomState = 0,
) -> Axes:
    """Draw the loss at θ + t d, for parameters θ of the network, a direction d and numbers t.

    Parameters
    ----------
    network : Network, MLPClassifier or MLPRegressor
        The network; it stays as it is.
    X : array-like or sparse matrix (m, n₀)
        The examples of which the loss is the mean; of more than 2000, as many are drawn by chance.
    y : array-like
        Their targets, as :func:`chainrule.fit` takes them.
    direction : {"gradient", "random"} or Network, default "gradient"
        The way down, d = −dθ: t is then the rate α of one step of gradient descent, up to that at
        which the step is a quarter as long as θ. Or a random direction, for which each unit's
        weights are as long as in the network; t goes from −1 to 1. Or towards another network of
        the same structure, which is at t = 1; its running statistics are approached likewise.
    ax : Axes, optional
        Where to draw; new axes by default.
    resolution : int, default 51
        At how many t the loss is taken, beside t = 0 and, towards another network, t = 1.
    random_state : None, int, RandomState or Generator, default 0
        Draws the random direction.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as above, or the gradient is 0.

    Notes
    -----
    Random directions are normalised as by Li et al. (2018), "Visualizing the Loss Landscape of
    Neural Nets", arXiv:1712.09913, section 4; biases and gains stay. The line between two networks
    is that of Goodfellow, Vinyals & Saxe (2015), arXiv:1412.6544.
    """
    network = as_network(network)
    resolution = _checks.check_integer("resolution", resolution, low=2)
    rng = _checks.check_random_state(random_state)
    batch = some_examples(network, X, y)
    other = None if isinstance(direction, str) else as_network(direction, "direction")
    if other is not None:
        d, low, high, name = _towards(network, other), -0.25, 1.25, "towards the other network"
    elif _checks.check_choice("direction", direction, ["gradient", "random"]) == "random":
        d, low, high, name = random_direction(network, rng), -1.0, 1.0, "along a random direction"
    else:
        d = _downhill(network, batch)
        high = 0.25 * float(np.linalg.norm(network.vector) / np.linalg.norm(d)) or 1.0
        low, name = -high / 4, "along the negative gradient"
    marks = [0.0] if other is None else [0.0, 1.0]
    t = np.unique(np.concatenate([np.linspace(low, high, resolution), marks]))
    J = np.array([_loss_at(network, network.vector + s * d, batch, other, s) for s in t])
    ax = ax or new_axes()
    ax.plot(t, J, color=COLOURS[0])
    for mark, marker, label in zip(marks, "os", ("this network", "the other"), strict=False):
        ax.plot(
            mark, J[t == mark], marker, color=COLOURS[3], markersize=8, label=label, linestyle=""
        )
    ax.set(
        title=f"Loss {name}",
        xlabel="t" if other or direction == "random" else "rate α",
        ylabel="loss",
    )
    ax.legend()
    ax.grid(alpha=0.3)
    return ax


def loss_plane(
    network: Network | Any,
    X: Rows,
    y: npt.ArrayLike,
    ax: Axes | None = None,
    *,
    reach: float = 1.0,
    resolution: int = 31,
    random_state: RandomState = 0,
) -> Axes:
    """Draw contours of the loss at θ + s d + t e, for two random directions d and e.

    Parameters
    ----------
    network : Network, MLPClassifier or MLPRegressor
        The network, in the middle of the plane; it stays as it is.
    X, y
        As in `loss_along_line`.
    ax : Axes, optional
        Where to draw; new axes by default.
    reach : float, default 1
        How far s and t go to both sides: at 1, each unit's weights are changed by a vector as long
        as they are.
    resolution : int, default 31
        At how many s, and at how many t, the loss is taken; an odd number has the network itself
        among them.
    random_state : None, int, RandomState or Generator, default 0
        Draws the directions; others show another plane.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as above.

    Notes
    -----
    The directions are normalised as in `loss_along_line`.
    """
    network = as_network(network)
    reach = _checks.check_number("reach", reach, low=0, open_low=True)
    resolution = _checks.check_integer("resolution", resolution, low=2)
    rng = _checks.check_random_state(random_state)
    batch = some_examples(network, X, y)
    d, e = random_direction(network, rng), random_direction(network, rng)
    steps = np.linspace(-reach, reach, resolution)
    J = np.array(
        [[_loss_at(network, network.vector + s * d + t * e, batch) for s in steps] for t in steps]
    )
    ax = ax or new_axes(5.4, 4.6)
    _draw_contours(ax, steps, J)
    ax.plot(
        0, 0, "*", color=COLOURS[3], markeredgecolor="white", markersize=15, label="this network"
    )
    ax.set(title="Loss on a random plane through the weights", xlabel="s", ylabel="t")
    ax.legend(loc="upper right")
    return ax


def random_direction(network: Network, rng: Generator) -> FloatArray:
    """Return a direction like `network.vector`, normal in each W, scaled by units.

    The weights into each unit, a column of W, have the length that they have in the network;
    biases and gains are 0.
    """
    d = {name: np.zeros(shape) for name, shape in network.structure.shapes.items()}
    for name, W in network.parameters.items():
        if name.startswith("W"):
            drawn = rng.normal(size=W.shape)
            lengths = np.linalg.norm(drawn, axis=0)
            d[name] = drawn / lengths * np.linalg.norm(W, axis=0)
    return network.flatten(d)


def _towards(network: Network, other: Network) -> FloatArray:
    same = other.structure.shapes == network.structure.shapes
    if not same or other.statistics.keys() != network.statistics.keys():
        raise ValueError(
            f"direction must be a network with the same parameters and statistics, got "
            f"{other.structure.n_parameters} parameters for {network.structure.n_parameters}"
        )
    return other.vector - network.vector


def _downhill(network: Network, batch: tuple[FloatArray, Any]) -> FloatArray:
    d = -network.flatten(network.backward(*batch), "d")
    if not d.any():
        raise ValueError("direction must not be 'gradient' where the gradient is 0")
    return d


def _loss_at(
    network: Network,
    vector: npt.NDArray[Any],
    batch: tuple[FloatArray, Any],
    other: Network | None = None,
    t: float = 0.0,
) -> float:
    """Return the loss with these parameters, NaN where it is not finite."""
    statistics = {name: value.copy() for name, value in network.statistics.items()}
    if other is not None:
        share = min(max(t, 0.0), 1.0)  # a variance must not become negative beyond the two
        for name, value in other.statistics.items():
            statistics[name] += share * (value - statistics[name])
    moved = Network.from_arrays(
        network.structure, vector.astype(network.dtype, copy=False), statistics
    )
    with np.errstate(all="ignore"):  # far out there may be no number
        J = moved.loss(*batch, engine="numpy")
    return J if np.isfinite(J) else np.nan


def _draw_contours(ax: Axes, steps: npt.NDArray[Any], J: npt.NDArray[np.float64]) -> None:
    """Draw a line at each twelfth of the plane, whatever the losses are there."""
    from matplotlib.colors import BoundaryNorm
    from matplotlib.patheffects import withStroke

    levels = np.unique(np.nanquantile(J, np.linspace(0.02, 0.98, 12)))
    if len(levels) < 2:  # the loss is the same everywhere
        ax.text(0.5, 0.25, f"{levels[0]:.3g} everywhere", ha="center", transform=ax.transAxes)
        return
    even = BoundaryNorm(levels, 256, extend="both")
    ax.contourf(steps, steps, J, levels=levels, cmap="cividis", extend="both", norm=even)
    lines = ax.contour(steps, steps, J, levels=levels, colors="white", linewidths=0.7)
    for text in ax.clabel(lines, levels[::2], fmt="%.3g", fontsize=8):
        text.set_path_effects([withStroke(linewidth=2, foreground="black")])
