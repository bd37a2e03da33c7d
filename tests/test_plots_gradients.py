"""The flow of the gradient: that bars and diamonds are the sizes of dW."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from chainrule import Network, plots
from chainrule.plots.given import MOST_EXAMPLES

X = np.random.default_rng(0).normal(size=(30, 2))
Y = np.repeat([0, 1], 15)


def bars(network: Network, X: object, Y: object) -> tuple[list[float], list[float], list[float]]:
    """Return the mean and the largest sizes, and the diamonds."""
    ax = plots.gradient_flow(network, X, Y)  # type: ignore[arg-type]
    heights = [bar.get_height() for bar in ax.patches]  # type: ignore[attr-defined]
    L = len(network.structure.layers)
    return heights[:L], heights[L:], np.asarray(ax.lines[0].get_ydata()).tolist()


def test_sizes() -> None:
    """The mean and the largest |dW|, and ‖dW‖ / ‖W‖, layer by layer; the network stays."""
    network = Network([2, 4, 3, 1], random_state=0)
    before = network.vector.copy()
    means, largest, ratios = bars(network, X, Y)
    np.testing.assert_array_equal(network.vector, before)
    gradients = network.backward(X, Y)
    for l in (1, 2, 3):
        dW, W = gradients[f"dW{l}"], network.parameters[f"W{l}"]
        expected = np.abs(dW).mean(), np.abs(dW).max(), np.linalg.norm(dW) / np.linalg.norm(W)
        found = means[l - 1], largest[l - 1], ratios[l - 1]
        np.testing.assert_allclose(found, expected, rtol=1e-12)  # rounding


def test_scale() -> None:
    """It is logarithmic, and holds the smallest and the largest."""
    network = Network([2, *[4] * 8, 1], hidden="sigmoid", random_state=0)
    ax = plots.gradient_flow(network, X, Y)
    heights = [bar.get_height() for bar in ax.patches]  # type: ignore[attr-defined]
    assert ax.get_yscale() == "log"
    assert ax.get_ylim()[0] < min(heights) < max(heights) < ax.get_ylim()[1]
    assert min(heights) < 1e-4 * max(heights)  # it vanishes, as sigmoids let it


def test_of_many_examples_some_are_taken() -> None:
    """The same ones each time, and of a sparse matrix too."""
    many = np.random.default_rng(0).normal(size=(MOST_EXAMPLES + 500, 2))
    labels = (many[:, 0] > 0).astype(int)
    network = Network([2, 4, 1], random_state=0)
    once = bars(network, many, labels)
    assert once == bars(network, many, labels) == bars(network, sparse.csr_array(many), labels)
    whole = np.abs(network.backward(many, labels)["dW1"]).mean()
    assert once[0][0] != whole
    # a mean of 2000 examples strays by some per cent
    np.testing.assert_allclose(once[0][0], whole, rtol=0.2)


def test_layers_without_gradient() -> None:
    """Are said to be zero, where a logarithmic scale has no place for them."""
    network = Network([2, 3, 1], initializer="zeros")
    ax = plots.gradient_flow(network, X, Y)
    assert [text.get_text() for text in ax.texts] == ["all 0", "all 0"]


def test_wrong_targets_are_refused() -> None:
    """As in training."""
    with pytest.raises(ValueError, match="X and y must have a row each"):
        plots.gradient_flow(Network([2, 1]), X, Y[:3])
