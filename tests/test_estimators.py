"""The estimators: scikit-learn's own curves, and what goes beyond them."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import sklearn.neural_network
from sklearn.base import clone
from sklearn.datasets import load_iris, make_regression

from chainrule import MLPClassifier, MLPRegressor

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "arguments",
    [
        {"solver": "adam"},
        {"solver": "sgd", "learning_rate": "invscaling"},
        {"solver": "sgd", "nesterovs_momentum": False, "alpha": 0.1, "batch_size": 64},
    ],
)
def test_the_loss_curve_is_scikit_learns(arguments: dict[str, Any]) -> None:
    """The same seed draws the same weights and order: to 1e-6 over ten epochs."""
    both = [
        kind((8, 5), max_iter=10, random_state=3, **arguments).fit(X, Y)
        for kind in (MLPClassifier, sklearn.neural_network.MLPClassifier)
    ]
    np.testing.assert_allclose(both[0].loss_curve_, both[1].loss_curve_, rtol=1e-6)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "arguments",
    [
        {"dropout": 0.1},
        {"normalization": "batch"},
        {"class_weight": "balanced"},
        {"label_smoothing": 0.1},
        {"activation": "gelu", "dtype": np.float32},
        {"clip_norm": 1.0, "engine": "compiled", "alpha": 0.0},
        {"early_stopping": True, "patience": 40, "calibrate": True},
    ],
)
def test_extras_learn(arguments: dict[str, Any]) -> None:
    """Each extra trains, is cloned and pickled, and tells the flowers apart."""
    arguments = {"max_iter": 150, "learning_rate_init": 0.01} | arguments
    model = clone(MLPClassifier((16,), random_state=0, **arguments)).fit(X, Y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert model.score(X, Y) > 0.9


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_regression_in_float32() -> None:
    """The regressor trains in float32, on several outputs."""
    x, y = make_regression(200, 4, n_targets=2, noise=1.0, random_state=0)
    y = y / y.std()
    model = MLPRegressor(
        hidden_layer_sizes=(32,), random_state=0, max_iter=300, dtype=np.float32, tol=0.0
    )
    model.fit(x, y)
    assert model.predict(x).shape == (200, 2)
    assert model.score(x, y) > 0.9
