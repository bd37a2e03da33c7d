"""How the weights or gradients of each layer are distributed, and how that changes in training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from chainrule import _checks
from chainrule._inputs import Rows
from chainrule.history import History, Snapshot
from chainrule.network import Network
from chainrule.plots.canvas import COLOURS, new_axes, panels
from chainrule.plots.given import as_network, check_snapshots, some_examples

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The quantiles that are drawn: two bands around the median.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def distributions(
    history: History | Network | Any,
    what: str = "weights",
    X: Rows | None = None,
    y: npt.ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how the weights, or their gradients, of each layer are distributed.

    Of a history, over the epochs, a panel for each layer: the line is the median, the dark band
    holds the middle half of W, the light one nine tenths. Of a network, the same at one moment, a
    box for each layer.

    Parameters
    ----------
    history : History, or Network, MLPClassifier or MLPRegressor
        A history with snapshots, which the callback :class:`chainrule.Snapshots` keeps; or a
        network.
    what : {"weights", "gradients"}, default "weights"
        The weights W, or the gradient dW of the loss on the examples.
    X : array-like or sparse matrix (m, n₀), optional
        The examples that make one batch, for gradients; of more than 2000, as many are drawn by
        chance.
    y : array-like, optional
        Their targets, as :func:`chainrule.fit` takes them.
    ax : Axes, optional
        Where to draw; new axes by default. The panels are ``ax.child_axes``.

    Raises
    ------
    ValueError
        If the history has no snapshots, or gradients are asked for without examples.
    TypeError
        If an argument is of another type.
    """
    _checks.check_choice("what", what, ["weights", "gradients"])
    if what == "gradients" and (X is None or y is None):
        raise ValueError("X and y must be given for what='gradients', which are those of a loss")
    if isinstance(history, History):
        snapshots: Sequence[Snapshot] = check_snapshots(history)
        found = np.stack([_quantiles(s.network, what, X, y) for s in snapshots])
        return _draw_over_epochs([s.epoch for s in snapshots], found, what, ax)
    return _draw_layers(_quantiles(as_network(history, "history"), what, X, y), what, ax)


def _quantiles(
    network: Network, what: str, X: Rows | None, y: npt.ArrayLike | None
) -> npt.NDArray[np.float64]:
    """Return the quantiles of each layer's W or dW, of shape (layers, quantiles)."""
    layers = range(1, len(network.structure.layers) + 1)
    if what == "weights":
        arrays = [network.parameters[f"W{l}"] for l in layers]
    else:
        assert X is not None
        gradients = network.backward(*some_examples(network, X, y))
        arrays = [gradients[f"dW{l}"] for l in layers]
    return np.array([np.quantile(values, QUANTILES) for values in arrays])


def _draw_over_epochs(
    epochs: list[int], found: npt.NDArray[np.float64], what: str, ax: Axes | None
) -> Axes:
    L = found.shape[1]
    ax = ax or new_axes(5.5, 1.3 + 1.4 * L)
    for l, panel in enumerate(panels(ax, L, gap=0.15), 1):
        low, lower, median, upper, high = found[:, l - 1].T
        panel.fill_between(epochs, low, high, color=COLOURS[0], alpha=0.2, label="5 % to 95 %")
        panel.fill_between(epochs, lower, upper, color=COLOURS[0], alpha=0.45, label="25 % to 75 %")
        panel.plot(epochs, median, color="black", linewidth=1.2, label="median")
        panel.set(ylabel=f"{_symbol(what)}{l}", xlim=(epochs[0], epochs[-1] or 1))
        panel.axhline(0, color="black", linewidth=0.5, linestyle=":")
        panel.tick_params(labelbottom=l == L)
        if l == 1:
            panel.set_title(f"{what.capitalize()} of each layer")
        if l == L:
            panel.set_xlabel("epochs completed")
            panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.4), ncols=3, frameon=False)
    return ax


def _draw_layers(found: npt.NDArray[np.float64], what: str, ax: Axes | None) -> Axes:
    L = len(found)
    ax = ax or new_axes(max(5.0, 1.5 + 0.7 * L))
    names = ("whislo", "q1", "med", "q3", "whishi")
    boxes: Any = [dict(zip(names, row, strict=True)) for row in found.tolist()]
    ax.bxp(
        boxes,
        positions=range(1, L + 1),
        showfliers=False,
        patch_artist=True,
        boxprops={"facecolor": COLOURS[5]},
        medianprops={"color": "black"},
    )
    ax.axhline(0, color="black", linewidth=0.5, linestyle=":")
    ax.set(title=f"{what.capitalize()}: median, middle half, 5 % to 95 %")
    ax.set(xlabel="layer", ylabel=_symbol(what))
    return ax


def _symbol(what: str) -> str:
    return "W" if what == "weights" else "dW"
