"""scikit-learn's own checks of an estimator, on several settings of both classes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from chainrule import MLPClassifier, MLPRegressor

SETTINGS = [
    MLPClassifier(),
    MLPClassifier((8,), solver="lbfgs", alpha=1.0),
    MLPClassifier(
        (8, 8),
        activation=["gelu", "tanh"],
        normalization="layer",
        solver="adamw",
        learning_rate_init=0.01,
        label_smoothing=0.1,
        clip_norm=1.0,
        patience=3,
        restore_best=True,
    ),
    MLPRegressor(),
    MLPRegressor("huber", (8,), "silu", solver="lbfgs"),
]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Keep the threads of small matrix products from waiting for each other."""
    with threadpool_limits(1):
        yield


@parametrize_with_checks(SETTINGS)  # type: ignore[untyped-decorator]
def test_check(estimator: Any, check: Any) -> None:
    """scikit-learn's check holds; none is expected to fail."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)
