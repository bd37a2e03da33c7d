"""Pictures of labels, of curves and of errors: that what is drawn is what was given."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import History, plots


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


def history() -> History:
    return History(
        loss=[3.0, 2.0, 1.0],
        val_loss=[4.0, 3.5, 3.6],
        metrics={"accuracy": [0.5, 0.7, 0.9]},
        val_metrics={"accuracy": [0.4, 0.6, 0.5]},
        learning_rate=[0.1] * 3,
        seconds=[1.0] * 3,
    )


@pytest.mark.parametrize(
    ("what", "training", "validation"),
    [("loss", [3, 2, 1], [4, 3.5, 3.6]), ("accuracy", [0.5, 0.7, 0.9], [0.4, 0.6, 0.5])],
)
def test_training_curves_data(what: str, training: list[float], validation: list[float]) -> None:
    """The loss, or a metric by its name, of training and of validation."""
    ax = plots.training_curves(history(), what)
    assert [line.get_ydata().tolist() for line in ax.lines[:2]] == [training, validation]  # type: ignore[union-attr]
    assert ax.get_ylabel() == what


def test_best_epoch() -> None:
    """The one that was given back; else that of the lowest validation loss; else none."""

    def marked(record: History, what: str = "loss") -> tuple[list[float], list[str]]:
        ax = plots.training_curves(record, what)
        lines = ax.lines[2 if record.val_loss else 1 :]
        places = [float(np.asarray(line.get_xdata())[0]) for line in lines]
        return places, [str(line.get_label()) for line in lines]

    best = history()
    best.best_epoch = 2
    assert marked(best) == ([2], ["best epoch 2"])
    assert marked(best, "accuracy") == ([2], ["best epoch 2"])
    assert marked(history()) == ([1], ["lowest validation loss: epoch 1"])
    assert marked(history(), "accuracy") == ([], [])
    assert marked(History(loss=[2.0, 1.0])) == ([], [])


def test_training_curves_refuse() -> None:
    """A metric that was not recorded, lists of numbers, and a run of no epoch."""
    with pytest.raises(ValueError, match="what must be one of 'accuracy', 'loss', got 'f1'"):
        plots.training_curves(history(), "f1")
    with pytest.raises(TypeError, match=r"history must be a History.*got list; cost_curve takes"):
        plots.training_curves([1.0])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least one completed epoch"):
        plots.training_curves(History())


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
