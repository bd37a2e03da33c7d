"""scikit-learn's callbacks, which came with its 1.9, on our estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV

from chainrule import MLPClassifier

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn before 1.9")

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def mlp(**parameters: Any) -> MLPClassifier:
    """Return a small classifier that learns the flowers in a few epochs."""
    how = {"max_iter": 20, "learning_rate_init": 0.05, "batch_size": 30, "random_state": 0}
    return MLPClassifier((8,), **(how | parameters))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_monitor_scores_every_epoch(solver: str) -> None:
    """Its log has the score of the weights after each epoch: that of a fit of so many epochs."""
    monitor = callback.ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
    mlp(solver=solver, max_iter=4).set_callbacks(monitor).fit(X, Y)
    log = monitor.get_logs().data
    rows = [row for row in log if row["task_name"] == "epoch"]
    assert [row["task_id"] for row in rows] == [0, 1, 2, 3]
    for epochs, row in enumerate(rows, 1):
        short = mlp(solver=solver, max_iter=epochs).fit(X, Y)
        assert row["accuracy"] == short.score(X, Y)
        expected = -log_loss(Y, short.predict_proba(X))
        assert row["neg_log_loss"] == pytest.approx(expected, rel=1e-9)
    (whole,) = (row for row in log if row["task_name"] == "fit")
    assert whole["accuracy"] == rows[-1]["accuracy"]


def test_monitor_knows_the_weights() -> None:
    """The score is weighted with the weights of the fit."""
    weight = np.where(Y == 0, 5.0, 1.0)
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = mlp(max_iter=2).set_callbacks(monitor).fit(X, Y, weight)
    assert monitor.get_logs().data[-1]["accuracy"] == model.score(X, Y, weight)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_monitor_in_a_search(n_jobs: int) -> None:
    """Its log has every epoch of every fold and of the last fit, from other processes too."""
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = mlp(max_iter=3).set_callbacks(monitor)
    search = GridSearchCV(model, {"alpha": [0.1, 1.0]}, cv=2, n_jobs=n_jobs).fit(X, Y)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == (2 * 2 + 1) * 3
    refit = min((row["parent_task_id_path"] for row in rows), key=len)
    last = [row["accuracy"] for row in rows if row["parent_task_id_path"] == refit][-1]
    assert last == search.best_estimator_.score(X, Y)


def test_bar_of_progress(capsys: pytest.CaptureFixture[str]) -> None:
    """It is drawn, and complete where training ends early."""
    model = mlp(tol=10.0, n_iter_no_change=1, max_iter=50).set_callbacks(callback.ProgressBar())
    model.fit(X, Y)
    assert model.n_iter_ < 50
    assert "MLPClassifier - fit" in (said := capsys.readouterr().out)
    assert "100%" in said


class StopAtThird:
    """A callback that stops training after three epochs."""

    max_propagation_depth = None

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """End."""

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Take no note."""

    def on_fit_task_end(self, estimator: Any, context: Any) -> bool:
        """Return whether to stop."""
        return bool(context.task_name == "epoch" and context.task_id == 2)


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
def test_a_callback_stops_training(solver: str) -> None:
    """Training ends when a callback says so, without a warning that it didn't converge."""
    assert mlp(solver=solver).set_callbacks(StopAtThird()).fit(X, Y).n_iter_ == 3
