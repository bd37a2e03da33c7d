"""Both libraries on settings drawn at random: the same curves, attributes, outputs and errors."""

from __future__ import annotations

import contextlib
import io
import random
import warnings
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import sklearn.neural_network
from sklearn.exceptions import ConvergenceWarning

from chainrule import MLPClassifier, MLPRegressor

KINDS = {
    "classifier": (MLPClassifier, sklearn.neural_network.MLPClassifier),
    "regressor": (MLPRegressor, sklearn.neural_network.MLPRegressor),
}
TASKS = ["two", "words", "several", "labels", "one class", "number", "numbers", "counts"]
WAYS = ["fit", "fit twice", "partial_fit"]
RECORDS = ["loss_", "loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_"]
ATTRIBUTES = [*RECORDS, "n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "classes_"]

CHOICES: dict[str, list[Any]] = {
    "hidden_layer_sizes": [(5,), 7, [4, 3], np.array([3, 2]), (), (1,)],
    "activation": ["identity", "logistic", "tanh", "relu"],
    "solver": ["adam", "sgd", "sgd"],
    "alpha": [0.0, 1e-4, 0.3],
    "batch_size": ["auto", 7, 16, 1000],
    "learning_rate": ["constant", "invscaling", "adaptive"],
    "learning_rate_init": [0.001, 0.02],
    "power_t": [0.0, 0.5, 0.9],
    "max_iter": [1, 5, 12],
    "shuffle": [True, False],
    "tol": [0.0, 1e-4, 0.05],
    "momentum": [0.0, 0.5, 0.9],
    "nesterovs_momentum": [True, False],
    "validation_fraction": [0.1, 0.4],
    "beta_1": [0.0, 0.9],
    "beta_2": [0.9, 0.999],
    "epsilon": [1e-8, 1e-3],
    "n_iter_no_change": [1, 3, np.inf],
}


def drawn_data(rng: np.random.Generator, task: str) -> tuple[Any, Any, Any]:
    """Return X, y and weights, in one of the forms that both libraries take."""
    m = int(rng.choice([30, 61, 230]))
    X = rng.normal(size=(m, 4))
    z = X.sum(axis=1) + rng.normal(size=m)
    y: Any = {
        "two": (z > 0).astype(int),
        "words": np.array(["no", "yes"])[(z > 0).astype(int)],
        "several": np.digitize(z, [-1.0, 0.5]),
        "labels": (X[:, :3] > rng.normal(size=(m, 3))).astype(int),
        "one class": np.zeros(m, dtype=int),
        "number": z,
        "numbers": np.column_stack([z, X[:, 0]]),
        "counts": rng.poisson(np.exp(z / 5)),
    }[task]
    forms = [np.asarray, np.asfortranarray, scipy.sparse.csr_matrix, scipy.sparse.csc_array]
    weights = [None, None, rng.uniform(0.1, 2, m), rng.integers(1, 4, m)]
    return forms[rng.integers(4)](X), y, weights[rng.integers(4)]


def drawn_parameters(draw: random.Random, task: str, way: str) -> dict[str, Any]:
    """Return parameters, of which about half are set."""
    parameters = {k: draw.choice(v) for k, v in CHOICES.items() if draw.random() < 0.5}
    parameters |= {"random_state": draw.randrange(1000), "verbose": draw.random() < 0.5}
    parameters["early_stopping"] = way == "fit" and draw.random() < 0.4
    parameters["warm_start"] = draw.random() < 0.5
    return parameters | ({"loss": "poisson"} if task == "counts" else {})


def outcome(kind: Any, parameters: dict[str, Any], data: Any, task: str, way: str) -> Any:
    """Return what was fitted, what was printed, and the warnings."""
    X, y, w = data
    with (
        warnings.catch_warnings(record=True) as warned,
        contextlib.redirect_stdout(io.StringIO()) as said,
    ):
        warnings.simplefilter("always")
        model = kind(**parameters)
        if way == "partial_fit":
            classes: dict[str, Any] = {}
            if hasattr(model, "predict_proba"):
                classes["classes"] = np.arange(3) if task == "labels" else np.unique(y)
            for _ in range(3):
                model.partial_fit(X, y, w, **classes)
        else:
            for _ in range(2 if way == "fit twice" else 1):
                model.fit(X, y, w)
    texts = {(str(one.message), one.category, one.filename) for one in warned}
    return model, said.getvalue(), texts


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("task", TASKS)
def test_both_libraries_do_the_same(task: str, way: str, seed: int) -> None:
    """Curves, scores, weights, predictions, what is printed and warned of: to 1e-6."""
    data = drawn_data(np.random.default_rng([seed, TASKS.index(task)]), task)
    parameters = drawn_parameters(random.Random(f"{task} {way} {seed}"), task, way)
    kinds = KINDS["regressor" if task in ("number", "numbers", "counts") else "classifier"]
    (ours, our_text, our_warnings), (theirs, their_text, their_warnings) = (
        outcome(kind, parameters, data, task, way) for kind in kinds
    )
    for name in ATTRIBUTES:
        assert hasattr(ours, name) == hasattr(theirs, name), name
        expected = getattr(theirs, name, None)
        if expected is None or isinstance(expected, str):
            assert getattr(ours, name, None) == expected, name
        elif np.asarray(expected).dtype.kind == "U":
            np.testing.assert_array_equal(ours.classes_, expected)
        else:
            np.testing.assert_allclose(getattr(ours, name), expected, rtol=1e-6, err_msg=name)
    for a, b in zip(
        ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)
    for method in ("predict", "predict_proba", "predict_log_proba"):
        assert hasattr(ours, method) == hasattr(theirs, method)
        if hasattr(theirs, method):
            with np.errstate(divide="ignore"):  # theirs warns of the logarithm of 0
                expected, got = (getattr(one, method)(data[0]) for one in (theirs, ours))
            assert got.dtype == expected.dtype
            if expected.dtype.kind == "f":
                np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)
            else:
                np.testing.assert_array_equal(got, expected)
    assert our_text == their_text
    assert {one[:2] for one in our_warnings} == {one[:2] for one in their_warnings}
    assert {name for *_, name in our_warnings} <= {__file__}  # they point to the caller


@pytest.mark.parametrize("task", ["two", "several", "labels", "number", "counts"])
def test_lbfgs_ends_where_scikit_learns_ends(task: str) -> None:
    """A convex cost has one minimum, and both find it, with weights, to the gradient's 1e-6."""
    X, y, _ = drawn_data(np.random.default_rng(3), task)
    w = np.random.default_rng(0).uniform(0.5, 2, len(y))
    kinds = KINDS["regressor" if task in ("number", "counts") else "classifier"]
    how: dict[str, Any] = {"hidden_layer_sizes": (), "solver": "lbfgs", "tol": 1e-7, "alpha": 1.0}
    how |= {"loss": "poisson"} if task == "counts" else {}
    ours, theirs = (kind(random_state=0, max_iter=500, **how).fit(X, y, w) for kind in kinds)
    assert not hasattr(ours, "loss_curve_")
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-6)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], atol=1e-4)


def test_one_stream_of_random_numbers() -> None:
    """A RandomState that two fits share is at the same place after each of them."""
    X, y, _ = drawn_data(np.random.default_rng(0), "several")
    after = []
    for kind in KINDS["classifier"]:
        rng = np.random.RandomState(5)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            for early_stopping in (True, False):
                kind((4,), max_iter=3, random_state=rng, early_stopping=early_stopping).fit(X, y)
        after.append(rng.uniform(size=3))
    np.testing.assert_array_equal(after[0], after[1])


WRONG: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("fit", {"hidden_layer_sizes": (0,)}, {}),
    ("fit", {"hidden_layer_sizes": -1}, {}),
    ("fit", {"activation": "ghost"}, {}),
    ("fit", {"solver": "ghost"}, {}),
    ("fit", {"alpha": -1.0}, {}),
    ("fit", {"learning_rate": "ghost"}, {}),
    ("fit", {"learning_rate_init": 0.0}, {}),
    ("fit", {"batch_size": 0}, {}),
    ("fit", {"max_iter": 0}, {}),
    ("fit", {"shuffle": "true"}, {}),
    ("fit", {"momentum": 2}, {}),
    ("fit", {"beta_1": 1}, {}),
    ("fit", {"epsilon": -1}, {}),
    ("fit", {"n_iter_no_change": -1}, {}),
    ("fit", {"random_state": "seed"}, {}),
    ("fit", {"early_stopping": True, "validation_fraction": 1.0}, {}),
    ("fit", {"early_stopping": True, "validation_fraction": 0.0}, {}),
    ("fit", {"early_stopping": True, "validation_fraction": 0.01}, {}),
    ("fit", {}, {"X": np.full((30, 4), np.nan)}),
    ("fit", {}, {"X": np.zeros(30)}),
    ("fit", {}, {"X": np.zeros((0, 4)), "y": np.zeros(0)}),
    ("fit", {}, {"y": np.zeros(7)}),
    ("fit", {}, {"y": np.full(30, np.nan)}),
    ("fit", {}, {"y": None}),
    ("fit", {}, {"sample_weight": np.ones(7)}),
    ("fit", {}, {"sample_weight": np.full(30, np.nan)}),
    ("partial_fit", {"early_stopping": True}, {}),
    ("partial_fit", {"solver": "lbfgs"}, {}),
    ("partial_fit", {"classes": None}, {}),
    ("partial_fit", {}, {"y": np.arange(30) + 1}),
    ("predict", {}, {}),
    ("predict", {"fitted": True}, {"X": np.zeros((3, 2))}),
]


@pytest.mark.parametrize(("method", "parameters", "data"), WRONG)
def test_errors_are_scikit_learns(
    method: str, parameters: dict[str, Any], data: dict[str, Any]
) -> None:
    """What scikit-learn refuses, is refused by an error of the same type and the same words.

    Where the words list what is allowed, we allow more; the beginning is the same.
    """
    rng = np.random.default_rng(0)
    arguments = {"X": rng.normal(size=(30, 4)), "y": np.arange(30) % 3} | data
    parameters = {"max_iter": 2} | parameters
    fitted, classes = parameters.pop("fitted", False), parameters.pop("classes", [0, 1, 2])
    if method == "partial_fit":
        arguments["classes"] = classes
    errors: list[Exception] = []
    for kind in KINDS["classifier"]:
        model = (
            kind((4,), **parameters)
            if "hidden_layer_sizes" not in parameters
            else kind(**parameters)
        )
        if fitted:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(rng.normal(size=(30, 4)), arguments["y"])
        given = {"X": arguments["X"]} if method == "predict" else arguments
        with pytest.raises(Exception) as caught:  # noqa: PT011  (theirs says which)
            getattr(model, method)(**given)
        errors.append(caught.value)
    ours, theirs = errors
    assert type(ours) is type(theirs)
    listed = "must be a str among" in str(theirs) or "must be an array-like" in str(theirs)
    assert str(ours)[:50] == str(theirs)[:50] if listed else str(ours) == str(theirs)


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_and_defaults(kind: str) -> None:
    """Every parameter of theirs is there with its default, and by position where theirs is."""
    ours, theirs = KINDS[kind]
    expected = theirs().get_params()
    got = ours().get_params()
    assert {name: got[name] for name in expected} == expected
    first = (("poisson",) if kind == "regressor" else ()) + ((3,), "tanh")
    their_parameters = theirs(*first).get_params()
    assert {name: ours(*first).get_params()[name] for name in expected} == their_parameters
    public = [name for name in dir(theirs) if not name.startswith("_")]
    assert [name for name in public if not hasattr(ours, name)] == []
