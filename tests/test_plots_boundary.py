"""The decision boundary: where it lies, what is asked, and who may be asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from chainrule import MLPClassifier, Network, plots

X = np.random.default_rng(0).normal(size=(30, 2))
Y = np.repeat([0, 1], 15)


def sigmoid_of_first(points: np.ndarray) -> np.ndarray:
    outputs: np.ndarray = 1 / (1 + np.exp(-points[:, :1]))
    return outputs


def recorder(n_outputs: int = 1) -> tuple[list[np.ndarray], Callable[[np.ndarray], np.ndarray]]:
    asked: list[np.ndarray] = []

    def outputs(points: np.ndarray) -> np.ndarray:
        asked.append(points)
        return np.tile(sigmoid_of_first(points), n_outputs)

    return asked, outputs


def points_of(ax: Axes) -> dict[str, np.ndarray]:
    """Return the examples that were drawn, by the label of their class."""
    return {
        str(drawn.get_label()): np.asarray(drawn.get_offsets())
        for drawn in ax.collections
        if not str(drawn.get_label()).startswith("_")
    }


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_data(n_outputs: int) -> None:
    """Every example among those of its class, over a grid that holds them all."""
    asked, outputs = recorder(n_outputs)
    ax = plots.decision_boundary(outputs, X, Y, resolution=50)
    (points,) = asked
    assert len(points) == 2500
    assert (points.min(axis=0) < X.min(axis=0)).all()
    assert (points.max(axis=0) > X.max(axis=0)).all()
    drawn = points_of(ax)
    np.testing.assert_array_equal(drawn["0"], X[:15])
    np.testing.assert_array_equal(drawn["1"], X[15:])


def test_line_is_where_the_output_is_one_half() -> None:
    """For a = σ(x₁) the black line is x₁ = 0."""
    ax = plots.decision_boundary(sigmoid_of_first, X, Y)
    line = ax.collections[1].get_paths()[0].vertices
    # the grid is 0.05 wide, and σ as good as straight in between
    np.testing.assert_allclose(np.asarray(line)[:, 0], 0, atol=1e-3)


def test_regions_end_where_another_class_leads() -> None:
    """For the logits −x₁, 0, x₁ − 1 the lines are x₁ = 0 and x₁ = 1, and a name stands in each."""

    def outputs(points: np.ndarray) -> np.ndarray:
        x = points[:, :1]
        return np.hstack([-x, 0 * x, x - 1])

    ax = plots.decision_boundary(outputs, X, Y)
    lines = [c.get_paths()[0].vertices for c in ax.collections if c.get_facecolor().size == 0]  # type: ignore[union-attr]
    places = np.unique(
        np.concatenate([np.asarray(line)[:, 0] for line in lines]).round(6)
    )  # rounding
    assert places.tolist() == [0, 1]
    names = {text.get_text(): text.get_position()[0] for text in ax.texts}
    assert names["0"] < 0 < names["1"] < 1 < names["2"]


def test_margin_follows_the_scale() -> None:
    """A tenth of the width, whatever the unit."""
    asked, outputs = recorder()
    plots.decision_boundary(outputs, 1e-3 * X, Y, resolution=5)
    width = np.ptp(1e-3 * X, axis=0)
    np.testing.assert_allclose(np.ptp(asked[0], axis=0), 1.2 * width, rtol=1e-12)  # rounding


@pytest.mark.parametrize("fixed", [None, [1.0, 2.0, 3.0, 4.0]])
def test_two_features_of_many(fixed: list[float] | None) -> None:
    """Two vary, in their own columns; the others are the medians, or what is given."""
    many = np.random.default_rng(1).normal(size=(30, 4))
    asked, outputs = recorder()
    ax = plots.decision_boundary(outputs, many, Y, resolution=3, features=(3, 1), fixed=fixed)
    (points,) = asked
    others = np.median(many, axis=0) if fixed is None else np.array(fixed)
    np.testing.assert_array_equal(points[:, [0, 2]], np.tile(others[[0, 2]], (9, 1)))
    assert len(np.unique(points[:, 3])) == len(np.unique(points[:, 1])) == 3
    np.testing.assert_array_equal(points_of(ax)["0"], many[:15][:, [3, 1]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x₄", "x₂")


def test_a_network_is_asked_by_forward() -> None:
    """The shading is that of its outputs, in float32 as well."""
    network = Network([2, 3, 1], dtype="float32", random_state=0)
    ax, same = (plots.decision_boundary(o, X, Y) for o in (network, network.forward))
    line, expected = (a.collections[1].get_paths()[0].vertices for a in (ax, same))
    np.testing.assert_array_equal(line, expected)


def test_a_fitted_classifier_with_words_for_classes() -> None:
    """Its own labels are in the legend, and a data frame's names on the axes, without a warning."""
    frame, words = pd.DataFrame(X, columns=["wide", "high"]), np.array(["no", "yes"])[Y]
    model = MLPClassifier((3,), max_iter=3, tol=10.0, n_iter_no_change=1).fit(frame, words)
    ax = plots.decision_boundary(model, frame, words, resolution=5)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("wide", "high")
    np.testing.assert_array_equal(points_of(ax)["yes"], X[15:])
    with pytest.raises(ValueError, match=r"y must hold labels .*\['no', 'yes'\], got 'maybe'"):
        plots.decision_boundary(model, frame, ["maybe"] * 30)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"X": np.zeros((3, 1)), "y": [0, 1, 0]}, r"X must have 2 columns or more .* \(3, 1\)"),
    ({"y": [0, 1]}, "X and y must have a row each, got 30 rows and 2 labels"),
    ({"y": np.full(30, 0.5)}, "class numbers in y must be integers, got 0.5"),
    ({"features": (0, 2)}, r"features must be two different columns of 0 … 1, got \(0, 2\)"),
    ({"features": (1, 1)}, "features must be two different columns"),
    ({"features": (1,)}, "features must be two numbers of columns"),
    ({"fixed": [1.0]}, r"fixed must be one example of 2 numbers, got shape \(1,\)"),
    ({"resolution": 1}, "resolution must be at least 2, got 1"),
    ({"outputs": lambda p: p[:, 0]}, r"outputs must return an array \(m, 1\) or \(m, K\)"),
    (
        {"outputs": Network([2, 1], loss="mean_squared_error")},
        "needs a network that tells classes apart.*'mean_squared_error'",
    ),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_refusals(change: dict[str, Any], message: str) -> None:
    """Each names the argument, and what was given."""
    arguments: dict[str, Any] = {"outputs": sigmoid_of_first, "X": X, "y": Y} | change
    with pytest.raises(ValueError, match=message):
        plots.decision_boundary(**arguments)


def test_wrong_types_are_refused() -> None:
    """With what would be right."""
    with pytest.raises(TypeError, match=r"return_inverse=True.* numbers the classes"):
        plots.decision_boundary(sigmoid_of_first, X, ["a"] * 30)
    with pytest.raises(TypeError, match=r"outputs must be a Network, a classifier .* got int"):
        plots.decision_boundary(3, X, Y)
