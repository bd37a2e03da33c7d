"""What the estimators know beyond scikit-learn's: each by a property that fails if it is broken."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.datasets import load_iris
from sklearn.metrics import log_loss, mean_poisson_deviance, mean_squared_error
from sklearn.utils import compute_sample_weight

from chainrule import AdamW, Huber, Loss, MLPClassifier, MLPRegressor, Momentum, Pinball
from chainrule.activations import ACTIVATIONS
from chainrule.estimators.initialization import ACTIVATION_NAMES
from chainrule.optimizers import OPTIMIZERS
from chainrule.schedules import Constant, ReduceOnPlateau

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
TRAIN, HELD = np.arange(150) % 3 != 0, np.arange(150) % 3 == 0
Z = X @ np.array([1.0, -0.5, 0.3, 0.8])  # targets of a regression

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def classifier(**parameters: Any) -> Any:
    """Return a small classifier, not trained."""
    how: dict[str, Any] = {"hidden_layer_sizes": (8,), "max_iter": 10, "random_state": 0}
    return MLPClassifier(**(how | parameters))


def regressor(**parameters: Any) -> Any:
    """Return a small regressor, not trained."""
    how: dict[str, Any] = {"hidden_layer_sizes": (8,), "max_iter": 10, "random_state": 0}
    return MLPRegressor(**(how | parameters))


def by_hand(model: Any, x: npt.NDArray[Any], activations: list[str]) -> npt.NDArray[Any]:
    """Return A = g(A_prev W + b) of the last layer, of the weights in the attributes."""
    for W, b, g in zip(model.coefs_, model.intercepts_, activations, strict=True):
        x = ACTIVATIONS[g](x @ W + b)
    return x


# Layers


@pytest.mark.parametrize("name", [*ACTIVATIONS, *ACTIVATION_NAMES])
def test_every_activation_by_name(name: str) -> None:
    """The network's outputs are the formula of that name."""
    model = classifier(activation=name, max_iter=2).fit(X, Y)
    ours = ACTIVATION_NAMES.get(name, name)
    np.testing.assert_allclose(model.predict_proba(X), by_hand(model, X, [ours, "softmax"]))


def test_an_activation_for_each_layer() -> None:
    """Each layer has its own, in the order given."""
    model = classifier(hidden_layer_sizes=(5, 4), activation=["tanh", "gelu"]).fit(X, Y)
    expected = by_hand(model, X, ["tanh", "gelu", "softmax"])
    np.testing.assert_allclose(model.predict_proba(X), expected)
    with pytest.raises(ValueError, match="activation must be one, or one for each of the 1 hidden"):
        classifier(activation=["tanh", "gelu"]).fit(X, Y)


def test_dropout_in_training_alone() -> None:
    """It changes the loss, the seed says how, and predictions are of the whole network."""
    plain = classifier(dropout=[0.0]).fit(X, Y).loss_curve_
    one, two = (classifier(dropout=0.5).fit(X, Y) for _ in range(2))
    assert plain == classifier().fit(X, Y).loss_curve_
    assert one.loss_curve_ == two.loss_curve_
    assert not np.allclose(one.loss_curve_, plain, rtol=1e-3)
    np.testing.assert_allclose(one.predict_proba(X), by_hand(one, X, ["relu", "softmax"]))


def test_batch_normalisation() -> None:
    """Its running mean is that of the sums, and a row's prediction is not the other rows'."""
    model = classifier(normalization="batch", max_iter=100).fit(X + 3, Y)
    sums = (X + 3) @ model.coefs_[0]
    np.testing.assert_allclose(model.network_.statistics["mean1"][0], sums.mean(axis=0), atol=0.3)
    alone = np.vstack([model.predict_proba(row.reshape(1, -1) + 3) for row in X[:5]])
    np.testing.assert_allclose(alone, model.predict_proba(X + 3)[:5])


def test_layer_normalisation() -> None:
    """The size of a row doesn't matter."""
    model = classifier(normalization="layer").fit(X, Y)
    np.testing.assert_allclose(
        model.predict_proba(1e4 * X), model.predict_proba(1e3 * X), rtol=1e-4
    )
    assert not np.allclose(classifier().fit(X, Y).predict_proba(1e4 * X), model.predict_proba(X))


# Weights and targets


def test_class_weights_are_sample_weights() -> None:
    """A weight of a class is the weight of its examples, and multiplies their own."""
    weight, rows = np.linspace(1, 2, 100), np.r_[0:60, 100:140]
    x, y = X[rows], Y[rows]
    for given in ({0: 1.0, 1: 3.0, 2: 0.5}, "balanced"):
        asked = classifier(class_weight=given).fit(x, y, weight).loss_curve_
        product = weight * compute_sample_weight(given, y)
        assert asked == classifier().fit(x, y, product).loss_curve_
        assert asked != classifier().fit(x, y, weight).loss_curve_
    with pytest.raises(ValueError, match="class_weight='balanced' needs all examples"):
        classifier(class_weight="balanced").partial_fit(X, Y, classes=[0, 1, 2])


def test_label_smoothing() -> None:
    """The best probability of the right class is 1 − s + s / K, not 1."""
    x, y = np.eye(3), np.arange(3)
    how: dict[str, Any] = {"max_iter": 500, "learning_rate_init": 0.05, "alpha": 0, "tol": 0}
    smooth = classifier(label_smoothing=0.3, **how).fit(x, y).predict_proba(x).diagonal()
    np.testing.assert_allclose(smooth, 0.8, atol=0.03)
    assert (classifier(**how).fit(x, y).predict_proba(x).diagonal() > 0.99).all()


# Losses


def test_quantiles() -> None:
    """Under the quantile q that the pinball loss finds lies a share q of the targets."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (600, 1))
    y = x[:, 0] + rng.exponential(size=600)
    for q in (0.1, 0.9):
        model = regressor(loss=Pinball(q), max_iter=80, learning_rate_init=0.02, tol=0.0).fit(x, y)
        assert np.mean(y < model.predict(x)) == pytest.approx(q, abs=0.05)
    named, median = (regressor(loss=loss).fit(x, y) for loss in ("pinball", Pinball(0.5)))
    assert named.loss_curve_ == median.loss_curve_


def test_huber_shrugs_at_outliers() -> None:
    """A few wild targets move it less than they move the squared error; its delta says how much."""
    wild = np.where(np.arange(150) % 10 == 0, 40.0, Z)
    fits = {
        name: regressor(loss=loss, solver="lbfgs", max_iter=100, hidden_layer_sizes=())
        .fit(X, wild)
        .predict(X)
        for name, loss in (("squared", "squared_error"), ("1", "huber"), ("9", Huber(9.0)))
    }
    errors = {name: np.median(np.abs(fit - Z)) for name, fit in fits.items()}
    assert errors["1"] < errors["9"] < errors["squared"]
    named, one = (regressor(loss=loss).fit(X, Z) for loss in ("huber", Huber(1.0)))
    assert named.loss_curve_ == one.loss_curve_


def log_cosh(a: Any, y: Any) -> Any:
    """Return ln cosh(a − y)."""
    return np.log(np.cosh(a - y))


def log_cosh_slope(a: Any, y: Any) -> Any:
    """Return tanh(a − y)."""
    return np.tanh(a - y)


def test_a_loss_of_ones_own() -> None:
    """It is what is minimised and reported."""
    own = Loss("log_cosh", log_cosh, log_cosh_slope)
    model = regressor(loss=own, max_iter=200, learning_rate_init=0.01, alpha=0.0)
    model.fit(X, Z, X_val=X, y_val=Z)
    assert model.validation_loss_curve_[-1] == pytest.approx(log_cosh(model.predict(X), Z).mean())
    assert model.score(X, Z) > 0.95


# Solvers, rates and gradients


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_solver_by_name(name: str) -> None:
    """Each learns, and is that rule with that rate."""
    model = classifier(solver=name, learning_rate_init=0.01, max_iter=40, batch_size=20).fit(X, Y)
    assert model.loss_curve_[-1] < 0.8 * model.loss_curve_[0]
    assert model._optimizer.learning_rate == 0.01
    if name != "adam":  # which has the constants of scikit-learn's parameters
        assert model._optimizer.optimizer.constants == OPTIMIZERS[name].constants


def test_a_rule_with_its_own_rate_and_decay() -> None:
    """Weight decay shrinks the weights; a second rate beside the rule's own is refused."""
    sizes = [
        np.linalg.norm(classifier(solver=AdamW(0.01, weight_decay=decay)).fit(X, Y).coefs_[0])
        for decay in (0.0, 5.0)
    ]
    assert sizes[1] < 0.8 * sizes[0]
    with pytest.raises(ValueError, match=r"learning_rate_init=0\.1 has no say .* give 'adamw'"):
        classifier(solver=AdamW(), learning_rate_init=0.1).fit(X, Y)


def test_scikit_learns_sgd_is_momentum() -> None:
    """The rule of that name does what "sgd" does without Nesterov's look ahead."""
    theirs = classifier(solver="sgd", nesterovs_momentum=False).fit(X, Y).loss_curve_
    np.testing.assert_allclose(classifier(solver=Momentum(0.001)).fit(X, Y).loss_curve_, theirs)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lion", AdamW(0.5)])
def test_schedules(solver: Any) -> None:
    """A function of the step is the rate, for every solver; where it is 0, nothing moves."""
    how = {"solver": solver, "batch_size": 50, "momentum": 0.0}
    short = classifier(learning_rate=Constant(0.01), max_iter=2, **how).fit(X, Y)
    stopped = classifier(learning_rate=lambda step: 0.01 * (step < 6), max_iter=5, **how).fit(X, Y)
    moved = classifier(learning_rate=Constant(0.01), max_iter=5, **how).fit(X, Y)
    np.testing.assert_allclose(stopped.coefs_[0], short.coefs_[0], rtol=1e-12)
    assert not np.allclose(moved.coefs_[0], short.coefs_[0])


def test_reduce_on_plateau() -> None:
    """The rate falls when the validation loss rises."""
    plateau = ReduceOnPlateau(0.01, factor=0.0, patience=1)
    model = classifier(learning_rate=plateau).fit(X[TRAIN], Y[TRAIN], X_val=X, y_val=(Y + 1) % 3)
    rises = int(np.argmax(np.diff(model.validation_loss_curve_) >= 0)) + 1
    assert len(set(model.validation_loss_curve_[rises:])) == 1
    assert len(set(model.validation_loss_curve_[:rises])) == rises


def test_clipping() -> None:
    """A step of gradient descent is no longer than the rate times the bound."""
    how: dict[str, Any] = {"solver": "gradient_descent", "learning_rate_init": 1.0, "max_iter": 1}
    free, norm, value = (
        regressor(**how, **clip).fit(X, 100 * Z)
        for clip in ({"warm_start": True}, {"clip_norm": 0.1}, {"clip_value": 0.01})
    )
    start = regressor(max_iter=1, learning_rate_init=1e-300).fit(X, 100 * Z).network_.vector
    steps = [model.network_.vector - start for model in (free, norm, value)]
    assert np.linalg.norm(steps[0]) > 1
    assert np.linalg.norm(steps[1]) == pytest.approx(0.1)
    assert np.abs(steps[2]).max() == pytest.approx(0.01)
    np.testing.assert_allclose(steps[1] * np.linalg.norm(steps[0]) / 0.1, steps[0], rtol=1e-9)


# Validation, stopping and calibration


def test_validation_curves_of_a_set_of_ones_own() -> None:
    """Each has a figure an epoch, also where they don't stop training, which has all examples."""
    weight = np.linspace(1, 3, 50)
    sets: dict[str, Any] = {"X_val": X[HELD], "y_val": Y[HELD], "sample_weight_val": weight}
    model = classifier().fit(X[TRAIN], Y[TRAIN], **sets)
    assert len(model.validation_loss_curve_) == len(model.validation_scores_) == 10
    assert model.t_ == 10 * 100
    expected = log_loss(Y[HELD], model.predict_proba(X[HELD]), sample_weight=weight)
    assert model.validation_loss_curve_[-1] == pytest.approx(expected)
    assert model.validation_scores_[-1] == model.score(X[HELD], Y[HELD], weight)
    assert model.loss_curve_ == classifier().fit(X[TRAIN], Y[TRAIN]).loss_curve_


def test_validation_losses_of_regressions() -> None:
    """They are those that scikit-learn's metrics have, halved."""
    two = np.column_stack([Z, X[:, 0]])
    model = regressor().fit(X, two, X_val=X, y_val=two)
    half = mean_squared_error(two, model.predict(X)) / 2
    assert model.validation_loss_curve_[-1] == pytest.approx(half)
    counts = np.round(np.exp(Z / 2))
    model = regressor(loss="poisson").fit(X, counts, X_val=X, y_val=counts)
    half = mean_poisson_deviance(counts, model.predict(X)) / 2
    assert model.validation_loss_curve_[-1] == pytest.approx(half)


def test_early_stopping_on_a_set_of_ones_own() -> None:
    """It stops by the score on that set, and ends with the weights that score best there."""
    how: dict[str, Any] = {"early_stopping": True, "max_iter": 300, "learning_rate_init": 0.05}
    model = classifier(n_iter_no_change=5, **how)
    model.fit(X[TRAIN], Y[TRAIN], X_val=X[HELD], y_val=Y[HELD])
    assert model.n_iter_ < 300
    assert model.t_ == 100 * model.n_iter_
    assert model.score(X[HELD], Y[HELD]) == max(model.validation_scores_)


@pytest.mark.parametrize("tol", [0.0, 10.0])
def test_patience_is_apart_from_tolerance(tol: float) -> None:
    """Training ends so many epochs after its best, and with `restore_best` its weights are back."""
    how: dict[str, Any] = {"learning_rate_init": 0.2, "batch_size": 10, "tol": tol}
    model = classifier(max_iter=300, patience=4, restore_best=True, **how).fit(X, Y)
    best = int(np.argmin(model.loss_curve_))
    assert model.n_iter_ == best + 1 + 4
    assert model.best_loss_ == model.loss_curve_[best]
    short = classifier(max_iter=best + 1, n_iter_no_change=np.inf, **how).fit(X, Y)
    np.testing.assert_array_equal(model.coefs_[0], short.coefs_[0])
    last = classifier(max_iter=300, patience=4, **how).fit(X, Y)
    assert not np.array_equal(last.coefs_[0], short.coefs_[0])


def test_calibration() -> None:
    """The log-loss on the examples held back falls, and the likeliest class stays."""
    rng = np.random.default_rng(0)
    noisy = np.where(rng.random(150) < 0.3, rng.integers(0, 3, 150), Y)
    how: dict[str, Any] = {"max_iter": 300, "learning_rate_init": 0.05, "tol": 0.0}
    held = X[HELD], noisy[HELD]
    plain = classifier(**how).fit(X[TRAIN], noisy[TRAIN])
    model = classifier(calibrate=True, **how)
    model.fit(X[TRAIN], noisy[TRAIN], X_val=held[0], y_val=held[1])
    before, after = plain.predict_proba(held[0]), model.predict_proba(held[0])
    assert log_loss(held[1], after) < 0.9 * log_loss(held[1], before)
    np.testing.assert_array_equal(after.argmax(axis=1), before.argmax(axis=1))
    assert model.temperature_ > 1
    m = len(held[1])
    unsure = (np.eye(3)[held[1]] * m + 1) / (m + 3)  # as though one more of each had been seen
    for temperature in (0.95, 1.05):  # no other T near it is better
        powers = after**temperature
        other = powers / powers.sum(axis=1, keepdims=True)
        assert -(unsure * np.log(after)).sum() < -(unsure * np.log(other)).sum()


def test_few_examples_that_are_all_told_apart_leave_the_temperature_in_bounds() -> None:
    """Probabilities don't become 0 and 1, as the likeliest T for them alone would have it."""
    model = classifier(calibrate=True, max_iter=200, learning_rate_init=0.05)
    certain = np.abs(X[:, 2]) > 0.8
    few = np.flatnonzero(certain)[::8]
    model.fit(X, Y, X_val=X[few], y_val=Y[few])
    assert model.score(X[few], Y[few]) == 1
    assert model.temperature_ > 0.3
    assert model.predict_proba(X[few]).max() < 1 - 1e-4


def test_calibration_needs_examples_held_back() -> None:
    """Said at once, and for partial_fit, which holds none back."""
    with pytest.raises(ValueError, match="calibrate=True needs examples held back"):
        classifier(calibrate=True).fit(X, Y)
    with pytest.raises(ValueError, match="partial_fit has not"):
        classifier(calibrate=True).partial_fit(X, Y, classes=[0, 1, 2])


def test_errors_name_the_validation_set() -> None:
    """What is wrong with it is not said of the training data."""
    for sets, message in (
        ({"X_val": X}, "X_val and y_val belong together"),
        ({"sample_weight_val": np.ones(150)}, "X_val and y_val belong together"),
        ({"X_val": X[:, :2], "y_val": Y}, "in X_val, y_val and .*: X has 2 features"),
        ({"X_val": X, "y_val": Y + 1}, "in X_val, y_val and .*classes not in"),
        ({"X_val": X, "y_val": Y, "sample_weight_val": -np.ones(150)}, "in X_val.* negative"),
    ):
        with pytest.raises(ValueError, match=message):
            classifier().fit(X, Y, **sets)


# Going on


def test_warm_start_takes_new_settings() -> None:
    """Another activation holds from the next fit on; other sizes are refused."""
    model = classifier(warm_start=True).fit(X, Y)
    coefs = [W.copy() for W in model.coefs_]
    model.set_params(activation="tanh", learning_rate_init=1e-300, dropout=0.2).fit(X, Y)
    np.testing.assert_allclose(model.coefs_[0], coefs[0])
    np.testing.assert_allclose(model.predict_proba(X), by_hand(model, X, ["tanh", "softmax"]))
    assert model.network_.structure.layers[0].dropout == 0.2
    with pytest.raises(ValueError, match="hidden_layer_sizes and normalization must stay"):
        model.set_params(hidden_layer_sizes=(4,)).fit(X, Y)


def test_from_lbfgs_to_adam() -> None:
    """A warm start may change the solver, and begins its record then."""
    model = classifier(solver="lbfgs", warm_start=True, max_iter=100).fit(X, Y)
    loss = model.loss_
    model.set_params(solver="adam", max_iter=3).fit(X, Y)
    assert len(model.loss_curve_) == 3
    assert model.loss_curve_[0] == pytest.approx(loss, rel=0.05)


def test_warm_start_keeps_the_best() -> None:
    """A second fit that is worse ends with the weights of the first; scikit-learn's loses them."""
    how: dict[str, Any] = {"early_stopping": True, "warm_start": True, "learning_rate_init": 0.05}
    model = classifier(**how).fit(X[TRAIN], Y[TRAIN], X_val=X[HELD], y_val=Y[HELD])
    coefs = model.coefs_[0].copy()
    model.fit(X[TRAIN], Y[TRAIN], X_val=X[HELD], y_val=(Y[HELD] + 1) % 3)  # which are all wrong
    np.testing.assert_array_equal(model.coefs_[0], coefs)


# Types and engines


def test_float32() -> None:
    """Weights and outputs are of the type asked for, or that of X, and near those of float64."""
    wide = regressor().fit(X, Z)
    for model in (regressor(dtype="float32").fit(X, Z), regressor().fit(X.astype(np.float32), Z)):
        assert {model.coefs_[0].dtype, model.predict(X).dtype} == {np.dtype(np.float32)}
        np.testing.assert_allclose(model.predict(X), wide.predict(X), atol=1e-4)
    assert regressor(dtype=np.float64).fit(X.astype(np.float32), Z).coefs_[0].dtype == np.float64
    for dtype in ("float16", "flaot32"):
        with pytest.raises((TypeError, ValueError), match="dtype must be float64 or float32, got"):
            regressor(dtype=dtype).fit(X, Z)


def test_engines_and_threads() -> None:
    """They agree to rounding, and threads change no bit of the weights."""
    how = {"max_iter": 3, "engine": "compiled"}
    steps = classifier(max_iter=3, engine="numpy").fit(X, Y)
    one, two = (classifier(threads=threads, **how).fit(X, Y) for threads in (1, 2))
    np.testing.assert_allclose(one.loss_curve_, steps.loss_curve_, rtol=1e-10)
    np.testing.assert_array_equal(one.network_.vector, two.network_.vector)
    np.testing.assert_allclose(one.predict_proba(X), steps.predict_proba(X))


# The picture


def test_plot_history() -> None:
    """It draws both curves, and says where there is none."""
    model = classifier().fit(X, Y, X_val=X, y_val=Y)
    training, validation = model.plot_history().get_lines()
    assert training.get_ydata().tolist() == model.loss_curve_
    assert validation.get_ydata().tolist() == model.validation_loss_curve_
    assert len(classifier().fit(X, Y).plot_history().get_lines()) == 1
    with pytest.raises(ValueError, match="'lbfgs' records no loss"):
        classifier(solver="lbfgs").fit(X, Y).plot_history()


def test_divergence_says_where() -> None:
    """The error is scikit-learn's, and names the epoch, the layer and a cure."""
    with pytest.raises(ValueError, match=r"non-finite parameter weights.*In epoch .* clip_norm"):
        regressor(solver="sgd", learning_rate_init=10.0, max_iter=50).fit(1e3 * X, 1e4 * Z)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        model = regressor(solver="sgd", learning_rate_init=10.0, max_iter=50, restore_best=True)
        model.fit(X, Z)
    assert np.isfinite(model.predict(X)).all()
    assert {one.filename for one in warned} <= {__file__}
