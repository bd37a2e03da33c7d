"""Pictures: that what is drawn is what was given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from chainrule import Network, plots
from tests.processes import run_python

X = np.random.default_rng(0).normal(size=(30, 2))
Y = np.repeat([0, 1], 15)


def test_label_histogram_counts() -> None:
    """A bar a label, as high as its count."""
    ax = plots.label_histogram(np.array([[3], [1], [1], [3], [3]]))
    assert [bar.get_height() for bar in ax.patches] == [2, 3]  # type: ignore[attr-defined]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "3"]


def test_cost_curve_data() -> None:
    """Both curves, by their numbers, and a legend only where there are two."""
    ax = plots.cost_curve([3.0, 2.0, 1.0], [4.0, 3.5, 3.6])
    assert [line.get_ydata().tolist() for line in ax.lines] == [[3, 2, 1], [4, 3.5, 3.6]]  # type: ignore[union-attr]
    assert ax.get_legend() is not None
    assert plots.cost_curve([1.0]).get_legend() is None


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_decision_boundary_data(n_outputs: int) -> None:
    """Every example in the colour of its class, over a grid that holds them all."""
    asked: list[np.ndarray] = []
    network = Network([2, 4, n_outputs], random_state=0)

    def outputs(points: np.ndarray) -> np.ndarray:
        asked.append(points)
        return network.forward(points)

    ax = plots.decision_boundary(outputs, X, Y, resolution=50)
    (points,) = asked
    assert len(points) == 2500
    assert (points.min(axis=0) < X.min(axis=0)).all()
    assert (points.max(axis=0) > X.max(axis=0)).all()
    drawn = [c.get_offsets() for c in ax.collections if len(c.get_offsets()) == 15]  # type: ignore[arg-type]
    np.testing.assert_array_equal(drawn[0], X[:15])
    np.testing.assert_array_equal(drawn[1], X[15:])


def test_boundary_is_where_the_output_is_one_half() -> None:
    """For a = σ(x₁) the black line is x₁ = 0."""
    ax = plots.decision_boundary(lambda p: 1 / (1 + np.exp(-p[:, :1])), X, Y)
    line = ax.collections[1].get_paths()[0].vertices
    np.testing.assert_allclose(np.asarray(line)[:, 0], 0, atol=1e-3)


def test_draws_on_the_axes_it_is_given() -> None:
    """And returns them."""
    one, two, three = Figure().subplots(3)
    assert plots.cost_curve([1.0], ax=one) is one
    assert plots.label_histogram([1], ax=two) is two
    assert plots.decision_boundary(lambda p: p[:, :1], X, Y, ax=three) is three


def test_save(tmp_path: Path) -> None:
    """A PNG, with no screen."""
    plots.save(plots.cost_curve([2.0, 1.0]), tmp_path / "cost.png")
    assert (tmp_path / "cost.png").read_bytes().startswith(b"\x89PNG")


def test_three_inputs_are_refused() -> None:
    """A plane has two."""
    with pytest.raises(ValueError, match="X must have 2 columns"):
        plots.decision_boundary(lambda p: p, np.zeros((3, 3)), [0, 1, 0])


def test_without_matplotlib() -> None:
    """The error names the extra."""
    program = """
import sys
sys.modules["matplotlib"] = sys.modules["matplotlib.figure"] = None
from chainrule import plots
try: plots.cost_curve([1.0])
except ImportError as error: print(error)
"""
    done = run_python(program)
    assert "chainrule[plots]" in done.stdout


def test_confusion_matrix() -> None:
    """A row a true class, a column a predicted one, with the counts in them."""
    ax = plots.confusion_matrix(["a", "a", "b", "b"], ["a", "b", "b", "b"])
    assert [text.get_text() for text in ax.texts] == ["1", "1", "0", "2"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b"]
    many = plots.confusion_matrix(range(40), range(40))
    assert not many.texts  # too small to be read


def test_predicted_against_true() -> None:
    """Each example is a point, and the line is where both are the same."""
    ax = plots.predicted_against_true([1.0, 2.0, 3.0], [1.5, 2.0, 2.0])
    points = ax.collections[0].get_offsets()
    np.testing.assert_array_equal(points, [[1.5, 1.0], [2.0, 2.0], [2.0, 3.0]])
    (line,) = ax.lines
    np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())
