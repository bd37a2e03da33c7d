"""How large the gradient is in each layer: whether it vanishes or explodes on its way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from chainrule._inputs import Rows
from chainrule.network import Network
from chainrule.plots.canvas import COLOURS, new_axes
from chainrule.plots.given import as_network, some_examples

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def gradient_flow(
    network: Network | Any, X: Rows, y: npt.ArrayLike, ax: Axes | None = None
) -> Axes:
    """Draw how large dW is in each layer, on a logarithmic scale.

    Bars are the mean and the largest abs(dW) of a layer; diamonds are ‖dW‖ / ‖W‖, by how much a
    step of rate 1 would change it. Where they shrink from the output to the inputs by some orders
    of magnitude, the gradient vanishes, and the first layers hardly learn.

    Parameters
    ----------
    network : Network, MLPClassifier or MLPRegressor
        The network; it stays as it is.
    X : array-like or sparse matrix (m, n₀)
        The examples that make one batch; of more than 2000, as many are drawn by chance.
    y : array-like
        Their targets, as :func:`chainrule.fit` takes them.
    ax : Axes, optional
        Where to draw; new axes by default.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as above.
    """
    network = as_network(network)
    gradients = network.backward(*some_examples(network, X, y))
    layers = range(1, len(network.structure.layers) + 1)
    sizes = [np.abs(gradients[f"dW{l}"]) for l in layers]
    means, largest = [float(s.mean()) for s in sizes], [float(s.max()) for s in sizes]
    norms = [float(np.linalg.norm(network.parameters[f"W{l}"])) for l in layers]
    ratios = [
        float(np.linalg.norm(s)) / norm if norm else np.nan
        for s, norm in zip(sizes, norms, strict=True)
    ]
    ax = ax or new_axes(max(5.0, 1.5 + 0.7 * len(layers)))
    ax.bar([l - 0.2 for l in layers], means, 0.4, color=COLOURS[0], label="mean |dW|")
    ax.bar(
        [l + 0.2 for l in layers],
        largest,
        0.4,
        color=COLOURS[1],
        hatch="///",
        edgecolor="white",
        label="largest |dW|",
    )
    ax.plot(layers, ratios, "D--", color="black", linewidth=1, markersize=5, label="‖dW‖ / ‖W‖")
    positive = [value for value in (*means, *largest, *ratios) if value > 0]
    if positive:
        ax.set_yscale("log")
        ax.set_ylim(min(positive) / 3, max(positive) * 3)
    for l, value in zip(layers, largest, strict=True):
        if value == 0:  # which has no place on the scale
            ax.text(l, 0.02, "all 0", ha="center", transform=ax.get_xaxis_transform())
    ax.set(title="Size of the gradient in each layer", xlabel="layer", ylabel="size")
    ax.set_xticks(layers)
    ax.legend()
    ax.grid(axis="y", alpha=0.3)
    return ax
