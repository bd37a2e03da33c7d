"""The report on a network that does not learn: right numbers, each illness, no false alarm."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.datasets import load_digits, make_moons

from chainrule import (
    Activation,
    GradientDescent,
    History,
    Layer,
    Network,
    dead_units,
    diagnose,
    fit,
    steps,
)
from chainrule._types import FloatArray
from chainrule.health import Report
from chainrule.losses import LOSSES
from chainrule.schedules import Cosine

rng = np.random.default_rng(0)
MOONS, CLASSES = make_moons(300, noise=0.2, random_state=0)
MOONS = (MOONS - MOONS.mean(axis=0)) / MOONS.std(axis=0)
X = rng.normal(size=(300, 6))
Y = X @ rng.normal(size=6) + np.sin(2 * X[:, 0])
Y = Y / Y.std()


def names(report: Report) -> list[str]:
    return [finding.name for finding in report.findings]


def found(report: Report, name: str) -> float:
    """Return the number of the finding of this name."""
    (finding,) = (finding for finding in report.findings if finding.name == name)
    return finding.number


def train(network: Network, inputs: Any, y: Any, **kwargs: Any) -> History:
    defaults: dict[str, Any] = {"epochs": 30, "engine": "numpy", "random_state": 0, "verbose": 0}
    return fit(network, inputs, y, **(defaults | kwargs))


# ---------------------------------------------------------------------------------------------
# The numbers


@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
@pytest.mark.parametrize("hidden", ["tanh", "relu"])
def test_numbers_of_a_layer(hidden: str, normalization: str | None) -> None:
    """Every number in the table is what a reader would compute from the steps."""
    network = Network([6, 9, 7, 1], hidden=hidden, normalization=normalization, random_state=0)
    w = rng.uniform(0.5, 2, size=300)
    y = Y > 0
    rule = GradientDescent(0.1)
    report = diagnose(network, X, y, optimizer=rule, sample_weight=w)
    A, cache = steps.forward_propagation(X, network.parameters, network.structure)
    gradients = network.backward(X, y, w)
    for l, layer in enumerate(report.layers[:-1], 1):
        Z, W = cache[f"Z{l}"], network.parameters[f"W{l}"]
        dW = gradients[f"dW{l}"]
        expected = {
            "z_mean": Z.mean(),
            "z_std": math.sqrt(np.mean([np.var(column) for column in Z.T])),
            "a_mean": cache[f"A{l}"].mean(),
            "a_std": math.sqrt(np.mean([np.var(column) for column in cache[f"A{l}"].T])),
            "saturated": np.mean((1 - np.tanh(Z) ** 2 if hidden == "tanh" else Z > 0) < 0.01),
            "weight_norm": math.sqrt((W**2).sum()),
            "gradient_norm": math.sqrt((dW**2).sum()),
            "gradient_ratio": math.sqrt((dW**2).sum() / (W**2).sum()),
            "update_ratio": 0.1 * math.sqrt((dW**2).sum() / (W**2).sum()),
        }
        for name, value in expected.items():
            # 1e-9: the same sums in another order, and the update as a difference of weights
            assert getattr(layer, name) == pytest.approx(value, rel=1e-9, abs=1e-12), name
    first, last = report.layers[0], report.layers[-1]
    assert report.first_to_last == first.gradient_ratio / last.gradient_ratio
    L = -np.log(np.where(y, A[:, 0], 1 - A[:, 0]))
    # 1e-12: the same loss from z, and from a
    assert report.loss == pytest.approx(np.average(L, weights=w), rel=1e-12)
    p = np.average(y, weights=w)
    # 1e-6: the constant is searched for, and the cost is flat around the best
    assert report.baseline == pytest.approx(-p * np.log(p) - (1 - p) * np.log(1 - p), rel=1e-6)


@pytest.mark.parametrize(
    ("loss", "best"),
    [
        ("mean_squared_error", np.mean),
        ("mean_absolute_error", np.median),
        ("pinball", np.median),
        ("poisson_deviance", np.mean),
    ],
)
def test_baseline_is_that_of_the_best_constant(
    loss: str, best: Callable[[FloatArray], float]
) -> None:
    """The loss of the mean for squares and counts, of the median for absolute errors."""
    y = np.random.default_rng(1).gamma(1.0, size=401)
    network = Network([6, 3, 1], loss=loss, random_state=0)
    report = diagnose(network, rng.normal(size=(401, 6)), y)
    constant = np.full((401, 1), best(y))
    expected = LOSSES[loss].elementwise(constant, y.reshape(-1, 1)).mean()
    # 1e-6: the constant is searched for, and the cost is flat around the best
    assert report.baseline == pytest.approx(expected, rel=1e-6)


def test_saturation_of_your_own_activation_and_of_softmax() -> None:
    """The share of outputs where ∂a/∂z is below 1 % of the greatest between z = −1 and 1."""
    softsign = Activation(
        "softsign", lambda z: z / (1 + np.abs(z)), lambda z, a: (1 - np.abs(a)) ** 2
    )
    doubled = Activation("doubled", lambda z: 2 * np.tanh(z), lambda z, a: 2 - a * a / 2)
    layers = [Layer(9, softsign), Layer(8, doubled), Layer(4, "softmax")]
    network = Network([6, *layers], random_state=0)
    network.vector *= 6
    report = diagnose(network, X, rng.integers(0, 4, 300))
    _, cache = steps.forward_propagation(X, network.parameters, network.structure)
    a = cache["A3"]
    z = np.exp(1) / (np.exp(1) + 3)  # the most that one of four is at z = 1, the others at 0
    expected = [
        np.mean(1 / (1 + np.abs(cache["Z1"])) ** 2 < 0.01),
        np.mean(1 / np.cosh(cache["Z2"]) ** 2 < 0.01),
        np.mean(a * (1 - a) < 0.01 * z * (1 - z)),
    ]
    assert min(expected) > 0.05
    # A few outputs may lie on the border, and each is 1/2700 of the layer
    assert [layer.saturated for layer in report.layers] == pytest.approx(expected, abs=1e-3)


def test_a_bounded_sample_of_the_rows_is_looked_at() -> None:
    """Of many rows 10,000, the same each time, and no row of weight 0."""
    many = rng.normal(size=(30_000, 2))
    y = np.arange(30_000) % 3  # which evenly spaced rows would take for one class
    network = Network([2, 3, 3], random_state=0)
    reports = [diagnose(network, many, y) for _ in range(2)]
    assert reports[0].rows == 10_000
    assert str(reports[0]) == str(reports[1])
    assert reports[0].baseline == pytest.approx(math.log(3), rel=1e-3)  # three classes, by chance
    w = np.arange(30_000) < 100
    few = diagnose(network, many, y, sample_weight=w)
    assert few.rows == 100
    # 1e-9: rounding of two ways to the same mean
    assert few.loss == pytest.approx(network.loss(many[:100], y[:100]), rel=1e-9)


def test_the_network_and_the_data_stay_as_they_are() -> None:
    """A diagnosis changes neither parameters nor running statistics."""
    network = Network([6, 8, 1], normalization="batch", random_state=0)
    before, inputs = network.copy(), X.copy()
    diagnose(network, inputs, Y > 0, learning_rate=10.0)
    dead_units(network, inputs)
    np.testing.assert_array_equal(network.vector, before.vector)
    for name, value in before.statistics.items():
        np.testing.assert_array_equal(network.statistics[name], value)
    np.testing.assert_array_equal(inputs, X)


# ---------------------------------------------------------------------------------------------
# Dead units


def test_dead_units_by_their_slope_and_by_their_output() -> None:
    """ReLUs that are off on all rows, tanh at its end, units without weights; no others."""
    layers = [Layer(5, "relu"), Layer(4, "tanh"), Layer(3, "softmax")]
    network = Network([6, *layers], random_state=0)
    network.parameters["b1"][0, [1, 3]] = -100
    network.parameters["b2"][0, 2] = 1000
    network.parameters["W2"][:, 0] = 0
    dead = dead_units(network, X)
    assert {l: units.tolist() for l, units in dead.items()} == {1: [1, 3], 2: [0, 2], 3: []}
    _, cache = steps.forward_propagation(X, network.parameters, network.structure)
    assert [k for k in range(5) if not (cache["Z1"][:, k] > 0).any()] == [1, 3]


def test_dead_units_looks_at_every_row() -> None:
    """One row among many thousands that a unit answers to is enough, dense or sparse."""
    network = Network([2, 2, 1], hidden="relu", random_state=0)
    network.parameters["W1"][:] = np.eye(2)
    network.parameters["b1"][:] = -1
    inputs = np.zeros((20_000, 2))
    assert dead_units(network, inputs)[1].tolist() == [0, 1]
    inputs[19_999, 1] = 2
    assert dead_units(network, inputs)[1].tolist() == [0]
    assert dead_units(network, scipy.sparse.csr_array(inputs))[1].tolist() == [0]


def test_a_layer_is_not_dead_for_what_the_one_before_gives_it() -> None:
    """Behind a dead layer nothing changes, and one row alone can't change: neither counts."""
    network = Network([6, 4, 5, 1], hidden=["relu", "tanh"], random_state=0)
    network.parameters["b1"][:] = -100
    assert [len(units) for units in dead_units(network, X).values()] == [4, 0, 0]
    alive = Network([6, 4, 1], hidden="tanh", random_state=0)
    assert [len(units) for units in dead_units(alive, X[:1]).values()] == [0, 0]


# ---------------------------------------------------------------------------------------------
# Each illness, and its remedy


def test_vanishing_gradient() -> None:
    """Nine layers of sigmoids lose the gradient; tanh, as advised, learns."""
    network = Network([2, *[8] * 8, 1], hidden="sigmoid", random_state=0)
    report = diagnose(network, MOONS, CLASSES)
    assert names(report) == ["vanishing gradient"]
    gradients = network.backward(MOONS, CLASSES)
    first, last = (
        np.linalg.norm(gradients[f"dW{l}"]) / np.linalg.norm(network.parameters[f"W{l}"])
        for l in (1, 9)
    )
    # 1e-9: rounding of the same formula
    assert found(report, "vanishing gradient") == pytest.approx(first / last, rel=1e-9)
    rule: dict[str, Any] = {"optimizer": "gradient_descent", "learning_rate": 0.1}
    history = train(network, MOONS, CLASSES, **rule)
    assert history.loss[-1] > 0.69
    assert names(diagnose(network, MOONS, CLASSES, history=history, **rule)) == [
        "vanishing gradient",
        "nothing learned",
    ]
    cured = Network([2, *[8] * 8, 1], hidden="tanh", random_state=0)
    assert train(cured, MOONS, CLASSES, **rule).loss[-1] < 0.35


def test_vanishing_signal() -> None:
    """Eight ReLU layers of small weights lose the signal; normalisation, as advised, keeps it."""
    layers = [2, *[16] * 8, 1]
    network = Network(layers, hidden="relu", initializer="small_normal", random_state=0)
    report = diagnose(network, MOONS, CLASSES)
    assert names(report) == ["vanishing gradient"]
    assert found(report, "vanishing gradient") < 1e-10
    train(network, MOONS, CLASSES, optimizer="gradient_descent", learning_rate=0.1)
    assert network.loss(MOONS, CLASSES) > 0.69
    cured = Network(
        layers, hidden="relu", initializer="small_normal", normalization="batch", random_state=0
    )
    train(cured, MOONS, CLASSES, optimizer="gradient_descent", learning_rate=0.1)
    assert cured.loss(MOONS, CLASSES) < 0.3


def test_exploding_gradient() -> None:
    """Weights ten times too large, in eight layers of ReLUs."""
    network = Network([2, *[16] * 8, 1], hidden="relu", random_state=0)
    network.vector *= 10
    report = diagnose(network, MOONS, CLASSES)
    assert names(report) == ["exploding gradient"]
    _, cache = steps.forward_propagation(MOONS, network.parameters, network.structure)
    spread = [math.sqrt(cache[f"Z{l}"].var(axis=0).mean()) for l in (1, 9)]
    # 1e-9: rounding of the same formula
    assert found(report, "exploding gradient") == pytest.approx(spread[1] / spread[0], rel=1e-9)


def test_dead_relus() -> None:
    """Biases of −100 kill a layer for good; drawn anew, or with ELU, it learns."""
    network = Network([2, 16, 16, 1], hidden="relu", random_state=0)
    network.parameters["b1"][:] = -100
    report = diagnose(network, MOONS, CLASSES)
    assert names(report) == ["dead units", "nothing learned"]
    assert found(report, "dead units") == 1
    assert report.layers[0].dead == tuple(range(16))
    assert train(network, MOONS, CLASSES).loss[-1] > 0.69
    for hidden in ("relu", "elu"):
        anew = Network([2, 16, 16, 1], hidden=hidden, random_state=0)
        assert train(anew, MOONS, CLASSES, learning_rate=0.01).loss[-1] < 0.2


def test_dead_output() -> None:
    """A ReLU at the output that is 0 on all rows; a sure sigmoid with its own loss is not dead."""
    network = Network([6, 8, 1], output="relu", loss="mean_squared_error", random_state=0)
    network.parameters["b2"][:] = -50
    report = diagnose(network, X, np.abs(Y))
    assert names(report) == ["dead units"]
    assert report.layers[1].dead == (0,)
    assert "output='identity'" in report.findings[0].advice
    network = Network([6, 8, 1], random_state=0)
    network.parameters["b2"][:] = -50
    assert "dead units" not in names(diagnose(network, X, Y > 0))


def test_saturated_units() -> None:
    """Weights twenty times too large put tanh in its flat parts."""
    network = Network([2, 16, 16, 1], random_state=0)
    network.vector *= 20
    report = diagnose(network, MOONS, CLASSES)
    assert names(report) == ["saturation"]
    _, cache = steps.forward_propagation(MOONS, network.parameters, network.structure)
    shares = [(1 - cache[f"A{l}"] ** 2 < 0.01).mean() for l in (1, 2)]
    assert found(report, "saturation") == max(shares) > 0.5


def test_saturated_output_with_a_loss_that_is_not_its_own() -> None:
    """A sigmoid that is sure and wrong, with squared error; with cross-entropy it recovers."""
    losses = {"mean_squared_error": ["saturation"], "binary_cross_entropy": []}
    for loss, expected in losses.items():
        network = Network([2, 8, 1], output="sigmoid", loss=loss, random_state=0)
        network.parameters["b2"][:] = 30
        report = diagnose(network, MOONS, CLASSES)
        assert [name for name in names(report) if name != "nothing learned"] == expected


def test_unscaled_inputs() -> None:
    """Inputs of thousands, named by their columns; scaled, as advised, the network learns."""
    table = pd.DataFrame(MOONS * [1, 1000], columns=["near", "far"])
    network = Network([2, 16, 1], random_state=0)
    report = diagnose(network, table, CLASSES)
    assert names(report)[0] == "unscaled inputs"
    assert found(report, "unscaled inputs") == 1
    evidence = report.findings[0].evidence
    assert "1 of 2 columns of X are far from mean 0 and std 1: 'far' (mean " in evidence
    assert "std 1e+03)" in evidence
    train(network, table, CLASSES, learning_rate=0.01)
    cured = Network([2, 16, 1], random_state=0)
    scaled = (table - table.mean()) / table.std()
    train(cured, scaled, CLASSES, learning_rate=0.01)
    assert cured.loss(scaled, CLASSES) < 0.5 * network.loss(table, CLASSES)


def test_small_inputs() -> None:
    """Inputs of thousandths are unscaled too; but not the zeros of a sparse matrix."""
    network = Network([2, 16, 1], random_state=0)
    report = diagnose(network, MOONS / 1000, CLASSES)
    assert names(report) == ["unscaled inputs"]
    assert found(report, "unscaled inputs") == 2
    rare = scipy.sparse.random_array((300, 50), density=0.05, random_state=0)
    assert names(diagnose(Network([50, 8, 1], random_state=0), rare, CLASSES)) == []


def test_constant_inputs() -> None:
    """Half of the columns the same in all rows; a few of them are no reason."""
    inputs = np.hstack([X[:, :3], np.ones((300, 3))])
    report = diagnose(Network([6, 8, 1], random_state=0), inputs, Y > 0)
    assert names(report) == ["constant inputs"]
    assert found(report, "constant inputs") == 0.5
    assert (
        "3 of 6 columns of X are the same in all 300 rows: 3, 4, 5" in report.findings[0].evidence
    )
    few = np.hstack([X[:, :5], np.ones((300, 1))])
    assert names(diagnose(Network([6, 8, 1], random_state=0), few, Y > 0)) == []


def test_unscaled_targets() -> None:
    """Targets of thousands; scaled, as advised, the network explains them."""
    network = Network([6, 16, 1], loss="mean_squared_error", random_state=0)
    report = diagnose(network, X, 1000 * Y)
    assert names(report) == ["unscaled targets"]
    assert found(report, "unscaled targets") == pytest.approx(1000)  # Y has std 1
    history = train(network, X, 1000 * Y)
    assert history.loss[-1] > 0.9 * history.loss[0]
    cured = Network([6, 16, 1], loss="mean_squared_error", random_state=0)
    history = train(cured, X, Y)
    assert history.loss[-1] < 0.5 * history.loss[0]


def test_targets_out_of_reach() -> None:
    """A sigmoid for targets of up to several units; only what lies beyond is counted."""
    network = Network([6, 8, 1], loss="mean_squared_error", output="sigmoid", random_state=0)
    report = diagnose(network, X, Y)
    assert names(report) == ["targets out of reach"]
    outside = np.mean((Y < -1e-3) | (Y > 1 + 1e-3))
    assert found(report, "targets out of reach") == outside


@pytest.mark.parametrize("hidden", ["tanh", "relu", "sigmoid"])
def test_equal_units(hidden: str) -> None:
    """Weights that are all zero; drawn by chance, as advised, it learns."""
    network = Network([2, 8, 8, 1], hidden=hidden, initializer="zeros", random_state=0)
    report = diagnose(network, MOONS, CLASSES)
    assert names(report) == ["equal units"]
    assert found(report, "equal units") == 2
    train(network, MOONS, CLASSES, learning_rate=0.03)
    cured = Network([2, 8, 8, 1], hidden=hidden, random_state=0)
    train(cured, MOONS, CLASSES, learning_rate=0.03)
    assert cured.loss(MOONS, CLASSES) < 0.15 < 0.25 < network.loss(MOONS, CLASSES)


def test_units_that_part_by_themselves_are_no_reason() -> None:
    """Zero weights into a layer whose weights out of it were drawn: it learns."""
    layers = [Layer(8, "tanh", initializer="zeros"), Layer(1, "sigmoid")]
    network = Network([2, *layers], random_state=0)
    assert names(diagnose(network, MOONS, CLASSES)) == []
    assert train(network, MOONS, CLASSES, learning_rate=0.05).loss[-1] < 0.3


@pytest.mark.parametrize(
    ("optimizer", "rate"), [("gradient_descent", 1e3), ("gradient_descent", 20.0), ("adam", 3.0)]
)
def test_rate_too_high(optimizer: str, rate: float) -> None:
    """The loss rises on a copy; at a tenth, and again, as advised, the network learns."""
    network = Network([2, 16, 16, 1], random_state=0)
    report = diagnose(network, MOONS, CLASSES, optimizer=optimizer, learning_rate=rate)
    assert names(report) == ["rate too high"]
    assert found(report, "rate too high") > network.loss(MOONS, CLASSES)
    while report.findings:
        rate /= 10
        report = diagnose(network, MOONS, CLASSES, optimizer=optimizer, learning_rate=rate)
    history = train(network, MOONS, CLASSES, optimizer=optimizer, learning_rate=rate)
    assert history.loss[-1] < 0.3


def test_number_of_a_rate_too_high() -> None:
    """It is the loss after ten steps on all rows, by the median of the later ones."""
    network = Network([2, 16, 1], random_state=0)
    report = diagnose(network, MOONS, CLASSES, optimizer=GradientDescent(30.0, weight_decay=1e-4))
    copy, losses = network.copy(), [network.loss(MOONS, CLASSES)]
    for _ in range(10):
        gradients = copy.backward(MOONS, CLASSES)
        for name, w in copy.parameters.items():
            decay = 1e-4 if name[0] == "W" else 0.0
            w -= 30 * decay * w + 30 * gradients[f"d{name}"]
        losses.append(copy.loss(MOONS, CLASSES))
    # 1e-6: rounding, which ten steps of such a rate enlarge
    assert found(report, "rate too high") == pytest.approx(np.median(losses[5:]), rel=1e-6)


def test_a_step_far_longer_than_the_weights() -> None:
    """It is too long even if it lowers the loss, by killing what made the loss large."""
    network = Network([2, 16, 16, 1], hidden="relu", random_state=0)
    inputs = MOONS * [1, 1000]
    report = diagnose(network, inputs, CLASSES, optimizer="gradient_descent", learning_rate=10.0)
    assert names(report) == ["unscaled inputs", "rate too high"]
    longest = max(layer.update_ratio for layer in report.layers)
    assert found(report, "rate too high") == longest > 10


def test_rate_too_high_in_the_history() -> None:
    """A curve that rises, or swings; none that falls with some noise."""
    network = Network([2, 16, 1], random_state=0)

    def judged(loss: Any) -> list[str]:
        return names(diagnose(network, MOONS, CLASSES, history=loss))

    t = np.arange(20)
    assert judged(0.7 + 0.1 * t) == ["rate too high"]
    assert judged(1 + 0.5 * (-1.0) ** t) == ["rate too high"]
    assert judged([0.7, 0.6, math.nan]) == ["rate too high"]
    noise = 1 + 0.05 * rng.normal(size=20)
    assert "rate too high" not in judged(0.7 * np.exp(-t / 3) * noise + 0.05)
    history = train(network, MOONS, CLASSES, learning_rate=5.0)
    assert "rate too high" in names(diagnose(network, MOONS, CLASSES, history=history))


@pytest.mark.parametrize(("optimizer", "rate"), [("gradient_descent", 1e-6), ("adam", 1e-6)])
def test_rate_too_low(optimizer: str, rate: float) -> None:
    """Steps of a millionth; at the rate that it names, the network learns."""
    network = Network([2, 16, 1], random_state=0)
    rates: dict[str, Any] = {"optimizer": optimizer, "learning_rate": rate}
    report = diagnose(network, MOONS, CLASSES, **rates)
    assert names(report) == ["rate too low"]
    largest = max(layer.update_ratio for layer in report.layers)
    assert found(report, "rate too low") == largest < 1e-5
    history = train(network, MOONS, CLASSES, **rates)
    assert names(diagnose(network, MOONS, CLASSES, history=history, **rates)) == ["rate too low"]
    advised = float(report.findings[0].advice.split("learning_rate=")[1].split(",")[0])
    history = train(network, MOONS, CLASSES, optimizer=optimizer, learning_rate=advised)
    assert history.loss[-1] < 0.6 * history.loss[0]


def test_nothing_learned() -> None:
    """Targets that don't belong to the rows: it finds their share, and no more."""
    few = np.random.default_rng(0).random(300) < 0.05
    network = Network([2, 4, 1], random_state=0)
    history = train(network, MOONS, few, epochs=40, learning_rate=0.02, l2=3.0)
    report = diagnose(network, MOONS, few, history=history)
    assert names(report) == ["nothing learned"]
    p = few.mean()
    baseline = -p * math.log(p) - (1 - p) * math.log(1 - p)
    # 1e-6: the constant is searched for, and the cost is flat around the best
    expected = pytest.approx(network.loss(MOONS, few) / baseline, rel=1e-6)
    assert found(report, "nothing learned") == expected
    assert f"{1 - p:.1%} of the rows are of one class" in report.findings[0].evidence
    assert "sample_weight" in report.findings[0].advice


def test_nothing_learned_is_said_of_trained_networks_alone() -> None:
    """Without a record, of outputs that are all about the best constant; not at the start."""
    network = Network([2, 16, 1], initializer="small_normal", random_state=0)
    assert names(diagnose(network, MOONS, CLASSES)) == []
    assert names(diagnose(network, MOONS, CLASSES, history=[0.69, 0.69])) == []
    network.parameters["b2"][:] = 0.01
    assert names(diagnose(network, MOONS, CLASSES)) == ["nothing learned"]
    drawn = Network([2, 16, 1], random_state=0)
    drawn.parameters["b2"][:] = 0.01
    assert names(diagnose(drawn, MOONS, CLASSES)) == []


def test_overfitting() -> None:
    """The validation loss rises while that of training falls; not with early stopping."""
    y = Y + 2 * rng.normal(size=300)
    network = Network([6, 64, 64, 1], loss="mean_squared_error", random_state=0)
    ways = {"epochs": 100, "learning_rate": 0.003, "validation": 0.3}
    history = train(network, X, y, **ways)
    report = diagnose(network, X, y, history=history)
    assert names(report) == ["overfitting"]
    assert found(report, "overfitting") == np.median(history.val_loss[-5:]) / min(history.val_loss)
    cured = Network([6, 64, 64, 1], loss="mean_squared_error", random_state=0)
    history = train(cured, X, y, early_stopping=10, **ways)
    assert "overfitting" not in names(diagnose(cured, X, y, history=history))


def test_not_finite() -> None:
    """A parameter that is NaN, and a sum that overflows: where it is first."""
    network = Network([2, 8, 1], random_state=0)
    network.parameters["W2"][3] = math.nan
    report = diagnose(network, MOONS, CLASSES)
    assert names(report) == ["not finite"]
    assert "layer 2 is the first that is not finite, in its parameter W2" in str(report)
    network = Network([2, 8, 8, 1], hidden="relu", loss="mean_squared_error", random_state=0)
    network.vector *= 1e160
    report = diagnose(network, MOONS, CLASSES)
    assert names(report) == ["not finite"]
    assert "layer 2 is the first that is not finite, in its values Z2" in str(report)


# ---------------------------------------------------------------------------------------------
# Healthy networks

DIGITS, NUMBERS = load_digits(return_X_y=True)
DIGITS, NUMBERS = DIGITS[:300] / 16, NUMBERS[:300]
COUNTS = np.random.default_rng(2).poisson(np.exp(X[:, 0]))

HEALTHY: list[tuple[Any, Any, int, str]] = [
    (MOONS, CLASSES, 1, "binary_cross_entropy"),
    (DIGITS, NUMBERS, 10, "categorical_cross_entropy"),
    (X, (X[:, :3] > 0) * 1.0, 3, "binary_cross_entropy"),
    (X, Y, 1, "mean_squared_error"),
    (X, np.c_[Y, X[:, 0] ** 2], 2, "mean_squared_error"),
    (X, Y, 1, "mean_absolute_error"),
    (X, Y, 1, "huber"),
    (X, Y, 1, "pinball"),
    (X, COUNTS, 1, "poisson_deviance"),
]
HIDDEN = ["tanh", "relu", "elu", "selu", "gelu", "silu", "mish", "softplus", "leaky_relu"]


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("hidden", HIDDEN)
def test_healthy_networks_at_the_start(hidden: str, depth: int) -> None:
    """No finding on networks as they are drawn, with each loss, by the rates of the library."""
    for turn, normalization in enumerate((None, None, "batch", "layer")):
        case = (HIDDEN.index(hidden) + depth + 2 * turn) % len(HEALTHY)
        inputs, y, n_outputs, loss = HEALTHY[case]
        network = Network(
            [inputs.shape[1], *[16] * depth, n_outputs],
            hidden=hidden,
            loss=loss,
            normalization=normalization,
            random_state=turn,
        )
        assert diagnose(network, inputs, y).findings == [], f"{loss}, {normalization}"


@pytest.mark.parametrize("depth", [1, 2, 4, 6])
@pytest.mark.parametrize("hidden", HIDDEN)
def test_healthy_networks_after_training(hidden: str, depth: int) -> None:
    """No finding on networks that have learned, whichever the loss."""
    inputs, y, n_outputs, loss = HEALTHY[(HIDDEN.index(hidden) + depth) % len(HEALTHY)]
    sizes = [inputs.shape[1], *[16] * depth, n_outputs]
    network = Network(sizes, hidden=hidden, loss=loss, random_state=0)
    history = train(
        network, inputs, y, epochs=25, learning_rate=0.005, validation=0.2, early_stopping=10
    )
    assert history.loss[-1] < 0.8 * history.loss[0]
    assert diagnose(network, inputs, y, history=history).findings == []
    assert diagnose(network, inputs, y).findings == []


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_healthy_sigmoids(depth: int) -> None:
    """Up to three layers of sigmoids are no reason."""
    for case, (inputs, y, n_outputs, loss) in enumerate(HEALTHY):
        sizes = [inputs.shape[1], *[16] * depth, n_outputs]
        network = Network(sizes, hidden="sigmoid", loss=loss, random_state=case)
        assert diagnose(network, inputs, y).findings == []


@pytest.mark.parametrize(
    ("optimizer", "rate"),
    [
        ("gradient_descent", 0.1),
        ("momentum", 0.02),
        ("nesterov", 0.02),
        ("rmsprop", 0.003),
        ("adagrad", 0.05),
        ("adamw", 0.01),
        ("nadam", 0.005),
        ("lion", 0.001),
    ],
)
def test_healthy_networks_by_every_rule(optimizer: str, rate: float) -> None:
    """No finding on networks that learn by any rule at a rate that suits it, in float32 too."""
    rule: dict[str, Any] = {"optimizer": optimizer, "learning_rate": rate}
    network = Network([2, 16, 16, 1], dtype=np.float32, normalization="batch", random_state=0)
    assert diagnose(network, MOONS, CLASSES, **rule).findings == []
    history = train(network, MOONS, CLASSES, **rule)
    assert history.loss[-1] < 0.4
    assert diagnose(network, MOONS, CLASSES, history=history, **rule).findings == []


# ---------------------------------------------------------------------------------------------
# The report, and the arguments


def test_the_report_shows_itself() -> None:
    """A table with a line for each layer, the findings beneath; escaped in a notebook."""
    table = pd.DataFrame(MOONS * 1000, columns=["<b>", "&"])
    report = diagnose(Network([2, 4, 1], random_state=0), table, CLASSES)
    lines = str(report).splitlines()
    assert lines[0].split()[:3] == ["layer", "units", "activation"]
    assert [line.split()[:3] for line in lines[1:3]] == [["1", "4", "tanh"], ["2", "1", "sigmoid"]]
    assert any(line.startswith("1. unscaled inputs: 2 of 2 columns") for line in lines)
    assert any(line.startswith("   Try: scale each column") for line in lines)
    assert max(map(len, lines[3:])) <= 110
    page = report._repr_html_()
    assert "&lt;b&gt;" in page
    assert "<b>'" not in page
    assert page.count("<tr>") == 3
    assert page.count("<li>") == len(report.findings) > 0


def test_a_healthy_report_says_so() -> None:
    """It has no findings, and says that no reason was found."""
    report = diagnose(Network([2, 4, 1], random_state=0), MOONS, CLASSES)
    assert not report.findings
    assert "No reason was found" in str(report)
    assert "No reason was found" in report._repr_html_()


def test_the_rate_is_that_of_the_history_or_the_rule() -> None:
    """By default the largest rate of the run, else the rule's own."""
    network = Network([2, 4, 1], random_state=0)

    def update(**kwargs: Any) -> float:
        return diagnose(network, MOONS, CLASSES, optimizer=rule, **kwargs).layers[0].update_ratio

    rule = GradientDescent(0.5)
    history = History(loss=[0.7, 0.6], learning_rate=[0.2, 0.0])
    # 1e-9: the update is a difference of weights
    assert update(history=history) == pytest.approx(0.4 * update(), rel=1e-9)
    both = update(history=history, learning_rate=0.1)
    assert both == pytest.approx(0.2 * update(), rel=1e-9)


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"X": X[:, :5]}, ValueError, "X must have 6 columns, got shape (300, 5)"),
        ({"X": np.where(X > 2, np.nan, X)}, ValueError, "X must be finite"),
        ({"y": [0, 1]}, ValueError, "X and y must have a row each, got 300 and 2 rows"),
        ({"y": Y + 9}, ValueError, "y must be in [0, 1] for loss 'binary_cross_entropy'"),
        ({"network": [6, 1]}, TypeError, "network must be a Network, got list"),
        ({"sample_weight": -np.ones(300)}, ValueError, "sample_weight must not be negative"),
        ({"optimizer": "adan"}, ValueError, "did you mean 'adam'?"),
        ({"learning_rate": -1}, ValueError, "learning_rate must be at least 0, got -1"),
        ({"learning_rate": Cosine(0.1, 9)}, TypeError, "learning_rate must be a number here"),
        ({"history": "loss"}, TypeError, "history must be what fit returned"),
        ({"history": [[1.0, 2.0]]}, TypeError, "history must be what fit returned"),
    ],
)
def test_bad_arguments(kwargs: dict[str, Any], error: type[Exception], message: str) -> None:
    """What `Network.loss` refuses is refused alike, and each argument is named."""
    network = Network([6, 3, 1], random_state=0)
    arguments: dict[str, Any] = {"network": network, "X": X, "y": Y > 0} | kwargs
    with pytest.raises(error) as caught:
        diagnose(**arguments)
    assert message in str(caught.value)


def test_dead_units_refuses_what_is_no_network_or_no_rows() -> None:
    """Each argument is named."""
    with pytest.raises(TypeError, match="network must be a Network, got dict"):
        dead_units({}, X)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="X must have 2 columns"):
        dead_units(Network([2, 1], random_state=0), X)
