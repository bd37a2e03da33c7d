"""The estimators inside scikit-learn's tools: searches, pipelines, routing, callbacks, copies."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import Activation, AdamW, MLPClassifier, MLPRegressor, Pinball

RAW, Y = load_iris(return_X_y=True)
X = (RAW - RAW.mean(axis=0)) / RAW.std(axis=0)
NAMES = ["sepal length", "sepal width", "petal length", "petal width"]

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def mlp(**parameters: Any) -> MLPClassifier:
    """Return a small classifier that learns the flowers in a few epochs."""
    how = {"max_iter": 20, "learning_rate_init": 0.05, "batch_size": 30, "random_state": 0}
    return MLPClassifier((8,), **(how | parameters))


def softsign(z: Any) -> Any:
    """Return z / (1 + |z|)."""
    return z / (1 + np.abs(z))


def softsign_slope(z: Any, a: Any) -> Any:
    """Return (1 − |a|)²."""
    return (1 - np.abs(a)) ** 2


OWN = Activation("softsign", softsign, softsign_slope)


def test_search_over_objects_in_two_processes() -> None:
    """Activations, rules and losses are values of a grid, and two processes find what one does."""
    grid = {"activation": [OWN, ["tanh"]], "alpha": [0.0, 0.1]}
    one, two = (GridSearchCV(mlp(), grid, n_jobs=n, cv=3).fit(X, Y) for n in (1, 2))
    scores = [search.cv_results_["mean_test_score"] for search in (one, two)]
    np.testing.assert_allclose(*scores)
    assert min(scores[0]) > 0.9
    rules = {"loss": [Pinball(0.1), Pinball(0.9)], "solver": [AdamW(0.05, weight_decay=0.1)]}
    search = GridSearchCV(MLPRegressor(max_iter=5), rules, cv=2, error_score="raise").fit(
        X, X[:, 0]
    )
    assert search.best_params_["loss"].name == "pinball"


def test_pipeline_and_cross_validation() -> None:
    """A pipeline scales what the network sees, and its step's parameters can be set."""
    pipe = make_pipeline(StandardScaler(), mlp()).set_params(mlpclassifier__alpha=0.01)
    assert pipe[-1].alpha == 0.01
    assert cross_val_score(pipe, RAW, Y, cv=3).min() > 0.9


def test_names_of_columns() -> None:
    """pandas and polars give the names, through a transformer too; others are refused."""
    for frame in (pd.DataFrame(X, columns=NAMES), pl.DataFrame(X, schema=NAMES)):
        model = mlp().fit(frame, Y)
        assert model.feature_names_in_.tolist() == NAMES
        np.testing.assert_array_equal(model.predict(frame), mlp().fit(X, Y).predict(X))
    with pytest.raises(ValueError, match="feature names should match"):
        mlp().fit(pd.DataFrame(X, columns=NAMES), Y).predict(pd.DataFrame(X, columns=NAMES[::-1]))
    pipe = make_pipeline(StandardScaler(), mlp()).set_output(transform="pandas")
    pipe.fit(pd.DataFrame(RAW, columns=NAMES), Y)
    assert pipe[-1].feature_names_in_.tolist() == NAMES


def test_series_of_pandas() -> None:
    """Labels and weights may be series, of any kind of text, and with an index of their own."""
    words = np.array(["a", "b", "c"])[Y]
    index = np.arange(len(Y))[::-1]
    weight = np.linspace(1, 2, len(Y))
    expected = mlp().fit(X, words, weight)
    for dtype in ("object", "string", "category"):
        labels = pd.Series(words, index=index, dtype=dtype)
        model = mlp().fit(pd.DataFrame(X), labels, pd.Series(weight, index=index))
        assert model.loss_curve_ == expected.loss_curve_
        assert model.classes_.tolist() == ["a", "b", "c"]


def test_ensembles_and_calibration() -> None:
    """Estimators of estimators take ours, and need its class probabilities and weights."""
    calibrated = CalibratedClassifierCV(mlp(), cv=3).fit(X, Y)
    assert np.allclose(calibrated.predict_proba(X).sum(axis=1), 1)
    vote = VotingClassifier([("a", mlp()), ("b", mlp(activation="tanh"))], voting="soft")
    assert min(calibrated.score(X, Y), vote.fit(X, Y).score(X, Y)) > 0.9
    assert BaggingClassifier(mlp(), 3, random_state=0).fit(X, Y).score(X, Y) > 0.9
    several = MultiOutputRegressor(MLPRegressor(max_iter=2)).fit(X, X[:, :2])
    assert several.predict(X).shape == (150, 2)


def test_permutation_importance() -> None:
    """A column that says nothing is worth nothing."""
    noise = np.random.default_rng(0).normal(size=(150, 1))
    x = np.hstack([X, noise * 0])
    found = permutation_importance(mlp().fit(x, Y), x, Y, n_repeats=3, random_state=0)
    assert found.importances_mean[4] == 0
    assert found.importances_mean[:4].max() > 0.1


def test_routing_of_weights() -> None:
    """Weights that are asked for reach `fit` inside a search, and those that are not do not."""
    weight = np.where(Y == 1, 0.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        asked = mlp().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        search = GridSearchCV(asked, {"alpha": [0.1]}, cv=3).fit(X, Y, sample_weight=weight)
        assert not (search.predict(X) == 1).any()
        ignorant = mlp().set_fit_request(sample_weight=False).set_score_request(sample_weight=True)
        search = GridSearchCV(ignorant, {"alpha": [0.1]}, cv=3).fit(X, Y, sample_weight=weight)
        assert (search.predict(X) == 1).any()
        partial = mlp().set_partial_fit_request(classes=True, sample_weight=True)
        assert partial.get_metadata_routing().partial_fit.requests["classes"] is True


def test_routing_of_a_validation_set() -> None:
    """X_val goes through the pipeline's transformers, and y_val comes with it."""
    x_val, y_val = RAW[::5], Y[::5]
    with sklearn.config_context(enable_metadata_routing=True):
        model = mlp().set_fit_request(X_val=True, y_val=True)
        steps = [("scale", StandardScaler()), ("mlp", model)]
        pipe = Pipeline(steps, transform_input=["X_val"]).fit(RAW, Y, X_val=x_val, y_val=y_val)
    scaler, fitted = pipe[0], pipe[1]
    expected = accuracy_score(y_val, fitted.predict(scaler.transform(x_val)))
    assert len(fitted.validation_scores_) == 20
    assert fitted.validation_scores_[-1] == expected > 0.9


def test_display() -> None:
    """The page of a notebook shows the name and the parameters, objects among them."""
    html = MLPClassifier(activation=OWN, solver=AdamW(0.1), alpha=0.5)._repr_html_()
    assert all(text in html for text in ("MLPClassifier", "alpha", "softsign", "adamw"))
    assert repr(MLPRegressor(alpha=0.5)) == "MLPRegressor(alpha=0.5)"


def twin_by(how: str, model: Any, folder: Path) -> Any:
    """Return a copy made in one of the ways that there are."""
    if how == "joblib":
        joblib.dump(model, folder / "model.joblib")
        return joblib.load(folder / "model.joblib")
    return pickle.loads(pickle.dumps(model)) if how == "pickle" else copy.deepcopy(model)


@pytest.mark.parametrize("how", ["pickle", "joblib", "deepcopy"])
def test_copies(how: str, tmp_path: Path) -> None:
    """A copy predicts the same, goes on with the same state of Adam, and shares no weight."""
    model = mlp(activation=OWN, shuffle=False).fit(X, Y)
    twin = twin_by(how, model, tmp_path)
    np.testing.assert_array_equal(twin.predict_proba(X), model.predict_proba(X))
    for one in (model, twin):
        one.partial_fit(X, Y)
    assert twin.loss_curve_ == model.loss_curve_
    np.testing.assert_array_equal(twin.coefs_[0], model.coefs_[0])
    before = model.predict_proba(X)
    twin.coefs_[0][:] = 0
    np.testing.assert_array_equal(model.predict_proba(X), before)
    assert not np.array_equal(twin.predict_proba(X), before)


def test_clone_is_not_fitted() -> None:
    """A clone has the parameters, and nothing that was learned."""
    model = mlp(activation=OWN, solver=AdamW(0.01), learning_rate_init=0.001).fit(X, Y)
    twin = clone(model)
    assert set(vars(twin)) == set(vars(mlp()))
    assert str(twin.get_params()) == str(model.get_params())
