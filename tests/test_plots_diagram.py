"""The diagram of a network: widths and colours of the lines, maps of the units, folded layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb

from chainrule import Network, plots

X = np.random.default_rng(0).normal(size=(30, 2))


def lines_of(ax: Axes) -> list[LineCollection]:
    return [c for c in ax.collections if isinstance(c, LineCollection)]


def test_lines_are_the_weights() -> None:
    """Width in proportion to |w| over all layers; colour and dashes by the sign; ends at units."""
    network = Network([2, 3, 2], random_state=0)
    W1, W2 = network.parameters["W1"], network.parameters["W2"]
    first, second = lines_of(plots.network_diagram(network))
    widths = np.concatenate([np.ravel(lines.get_linewidth()) for lines in (first, second)])
    sizes = np.abs(np.concatenate([W1.ravel(), W2.ravel()]))
    np.testing.assert_allclose(widths / widths.max(), sizes / sizes.max(), rtol=1e-12)  # rounding
    for lines, W in ((first, W1), (second, W2)):
        for colour, style, w in zip(
            np.asarray(lines.get_colors()), lines.get_linestyle(), W.ravel(), strict=True
        ):
            assert tuple(colour[:3]) == to_rgb(plots.COLOURS[0 if w > 0 else 3])
            assert (style == (0, None)) == (w > 0)
    (start, end), *_ = first.get_segments()[4:]  # row by row: from input 2 to unit 2
    heights = sorted({round(float(s[0, 1]), 9) for s in first.get_segments()}, reverse=True)
    ends = sorted({round(float(s[1, 1]), 9) for s in first.get_segments()}, reverse=True)
    assert (start[1], end[1]) == (heights[1], ends[1])


def maps_of(ax: Axes) -> list[np.ndarray]:
    return [np.asarray(image.get_array()) for image in ax.images]


@pytest.mark.parametrize("normalization", [None, "batch"])
def test_maps_are_the_activations(normalization: str | None) -> None:
    """Of each unit over the plane, as a trained network gives them; the last is the output."""
    network = Network([2, 3, 1], normalization=normalization, random_state=0)
    for name, value in network.statistics.items():
        value += 0.5 if name.startswith("mean") else 1.0
    maps = maps_of(plots.network_diagram(network, X))
    assert len(maps) == 2 + 3 + 1
    x1, x2 = maps[0], maps[1]
    assert (np.diff(x1, axis=1) > 0).all()  # the first input to the right
    assert (np.diff(x2, axis=0) > 0).all()  # the second upwards, the origin being below
    points = np.column_stack([x1.ravel(), x2.ravel()])
    # forward may run compiled, and then agrees to rounding
    np.testing.assert_allclose(maps[-1].ravel(), network.forward(points)[:, 0], rtol=1e-10)
    if normalization is None:
        Z = points @ network.parameters["W1"] + network.parameters["b1"]
        for k in range(3):
            np.testing.assert_allclose(maps[2 + k].ravel(), np.tanh(Z[:, k]), rtol=1e-10)


def test_scale_of_the_maps() -> None:
    """The activation's range; without an end, the largest size in the layer, and 0 is white."""
    network = Network([2, 3, 1], hidden="relu", random_state=0)
    ax = plots.network_diagram(network, X)
    hidden, limits = maps_of(ax)[2:5], [image.get_clim() for image in ax.images]
    largest = max(a.max() for a in hidden)
    assert limits[2:5] == [(-largest, largest)] * 3
    assert limits[5] == (0, 1)


def test_two_inputs_of_many() -> None:
    """Two are maps, the others circles, and stand at their medians in every answer."""
    many = np.random.default_rng(1).normal(size=(20, 4))
    network = Network([4, 3, 1], random_state=0)
    names = ["a", "b", "c", "d"]
    ax = plots.network_diagram(network, many, features=(1, 3), feature_names=names)
    maps = maps_of(ax)
    points = np.tile(np.median(many, axis=0), (maps[0].size, 1))
    points[:, 1], points[:, 3] = maps[0].ravel(), maps[1].ravel()
    np.testing.assert_allclose(maps[-1].ravel(), network.forward(points)[:, 0], rtol=1e-10)
    assert sum(type(patch).__name__ == "Circle" for patch in ax.patches) == 2
    assert [text.get_text() for text in ax.texts if text.get_text() in names] == names


def test_wide_layers_are_folded() -> None:
    """At most so many units are drawn, the features among them, and the rest is told."""
    network = Network([20, 10, 3], random_state=0)
    ax = plots.network_diagram(network, np.eye(20), features=(0, 17), at_most=4)
    texts = [text.get_text() for text in ax.texts]
    assert [text for text in texts if "more" in text] == ["… 16 more", "… 6 more"]
    assert [text for text in texts if text.startswith("x")] == ["x₁", "x₂", "x₃", "x₁₈"]
    first, second = lines_of(ax)
    assert (len(first.get_segments()), len(second.get_segments())) == (16, 12)
    W = network.parameters["W1"][np.ix_([0, 1, 2, 17], range(4))].ravel()
    widths = np.ravel(first.get_linewidth())
    np.testing.assert_allclose(widths / np.abs(W), widths[0] / abs(W[0]), rtol=1e-12)  # rounding


def test_without_examples_units_are_circles() -> None:
    """One for each, and no maps."""
    ax = plots.network_diagram(Network([2, 3, 1], random_state=0))
    assert (len(ax.images), len(ax.patches)) == (0, 6)


def test_a_network_of_zeros() -> None:
    """Has lines of no width, and draws."""
    ax = plots.network_diagram(Network([2, 2, 1], hidden="relu", initializer="zeros"), X)
    assert not np.ravel(lines_of(ax)[0].get_linewidth()).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X": np.zeros((3, 3))}, r"X must have shape \(m, 2\), got \(3, 3\)"),
        ({"feature_names": ["a"]}, r"feature_names must be 2 names, got \['a'\]"),
        ({"at_most": 1}, "at_most must be at least 2, got 1"),
    ],
)
def test_refusals(arguments: dict[str, Any], message: str) -> None:
    """Each names the argument, and what was given."""
    with pytest.raises(ValueError, match=message):
        plots.network_diagram(Network([2, 1]), **arguments)


def test_one_input_has_no_plane() -> None:
    """The error says what to do."""
    with pytest.raises(ValueError, match=r"X must have 2 columns or more .* leave it out"):
        plots.network_diagram(Network([1, 1]), np.zeros((3, 1)))
