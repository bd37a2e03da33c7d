"""Distributions of weights and gradients: that bands and boxes are their quantiles."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes

from chainrule import History, Network, Snapshots, fit, plots

X = np.random.default_rng(0).normal(size=(30, 2))
Y = np.repeat([0, 1], 15)
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@pytest.fixture(scope="module")
def history() -> History:
    network = Network([2, 5, 4, 1], random_state=0)
    return fit(network, X, Y, epochs=6, callbacks=[Snapshots(2)], random_state=0, verbose=0)


def band(panel: Axes, number: int, low: np.ndarray, high: np.ndarray, epochs: list[int]) -> bool:
    """Whether the outline of a band goes through these points, and has none beyond them."""
    outline = np.asarray(panel.collections[number].get_paths()[0].vertices)
    wanted = {(e, float(y)) for side in (low, high) for e, y in zip(epochs, side, strict=True)}
    return {(int(e), float(y)) for e, y in outline} == wanted


@pytest.mark.parametrize("what", ["weights", "gradients"])
def test_bands_over_the_epochs(history: History, what: str) -> None:
    """A panel a layer; in it the quantiles of W, or of dW, in each snapshot."""
    ax = plots.distributions(history, what, X, Y)
    epochs = [0, 2, 4, 6]
    assert len(ax.child_axes) == 3
    for l, panel in enumerate(ax.child_axes, 1):
        assert isinstance(panel, Axes)
        arrays = [
            s.network.parameters[f"W{l}"]
            if what == "weights"
            else s.network.backward(X, Y)[f"dW{l}"]
            for s in history.snapshots
        ]
        low, lower, median, upper, high = (
            np.array([np.quantile(values, q) for values in arrays]) for q in QUANTILES
        )
        line = panel.lines[0]
        assert np.asarray(line.get_xdata()).tolist() == epochs
        np.testing.assert_array_equal(line.get_ydata(), median)
        assert band(panel, 0, low, high, epochs)
        assert band(panel, 1, lower, upper, epochs)
        assert panel.get_ylabel() == ("W" if what == "weights" else "dW") + str(l)


def test_boxes_of_a_network() -> None:
    """One a layer, from quarter to quarter, with whiskers to 5 % and 95 %."""
    network = Network([2, 5, 1], random_state=0)
    ax = plots.distributions(network)
    for l, box in enumerate(ax.patches, 1):
        corners = np.asarray(box.get_path().vertices)[:, 1]
        W = network.parameters[f"W{l}"]
        assert (corners.min(), corners.max()) == tuple(np.quantile(W, [0.25, 0.75]))
    drawn = {float(y) for line in ax.lines for y in np.ravel(line.get_ydata())}
    expected = {
        float(q) for l in (1, 2) for q in np.quantile(network.parameters[f"W{l}"], QUANTILES)
    }
    assert drawn == expected | {0.0}  # the dotted line


def test_refusals(history: History) -> None:
    """No snapshots, no examples for gradients, another word, no network."""
    with pytest.raises(ValueError, match=r"history must have snapshots.*chainrule.Snapshots\(\)"):
        plots.distributions(History())
    with pytest.raises(ValueError, match="X and y must be given for what='gradients'"):
        plots.distributions(history, "gradients")
    with pytest.raises(ValueError, match="what must be one of"):
        plots.distributions(history, "biases")
    with pytest.raises(TypeError, match="history must be a Network, or a fitted"):
        plots.distributions([1.0])
