"""The report on why a network does not learn: each illness by its number, none on the healthy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris, make_moons
from sklearn.preprocessing import StandardScaler

from chainrule import History, Layer, Network, dead_units, diagnose, fit
from chainrule.activations import ACTIVATIONS
from chainrule.health import Report
from chainrule.initializers import INITIALIZERS

X, Y = make_moons(400, noise=0.2, random_state=0)
X = StandardScaler().fit_transform(X)


def names(report: Report) -> list[str]:
    return [finding.name for finding in report.findings]


def says(report: Report, name: str) -> str:
    (finding,) = [f for f in report.findings if f.name == name]
    assert finding.advice
    return finding.says


def falls_to(network: Network, X: Any, y: Any, **arguments: Any) -> float:
    """Return what is left of the loss after a short training."""
    before = network.loss(X, y)
    fit(network, X, y, epochs=60, random_state=0, verbose=0, engine="numpy", **arguments)
    return network.loss(X, y) / before


HIDDEN = sorted({g.name for g in ACTIVATIONS.values()} - {"softmax", "exponential"})


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_healthy_networks_give_no_reason(hidden: str, depth: int) -> None:
    """Before training, and after it, with its history and its rate."""
    if hidden == "sigmoid" and depth > 3:
        pytest.skip("five layers of sigmoids are not healthy")
    network = Network([2, *[12] * depth, 1], hidden=hidden, random_state=0)
    assert names(diagnose(network, X, Y, learning_rate=0.05)) == []
    arguments: Any = {"epochs": 30, "learning_rate": 0.01, "random_state": 0, "verbose": 0}
    history = fit(network, X, Y, engine="numpy", **arguments)
    found = diagnose(network, X, Y, history=history, optimizer="adam", learning_rate=0.001)
    # Sigmoids on a path of three learn late, and say so
    assert names(found) in ([], ["nothing but the mean"] if hidden == "sigmoid" else [])


def test_healthy_on_real_tables() -> None:
    """Classes and a regression, of scikit-learn."""
    iris, kinds = load_iris(return_X_y=True)
    iris = StandardScaler().fit_transform(iris)
    network = Network([4, 16, 3], normalization="batch", dropout=0.1, random_state=0)
    history = fit(network, iris, kinds, epochs=40, validation=0.2, random_state=0, verbose=0)
    assert names(diagnose(network, iris, kinds, history=history)) == []
    table, progress = load_diabetes(return_X_y=True, scaled=False)
    table, target = StandardScaler().fit_transform(table), (progress - 152) / 77
    network = Network([10, 16, 1], loss="mean_squared_error", hidden="relu", random_state=0)
    assert names(diagnose(network, table, target, learning_rate=0.05)) == []


def test_the_numbers() -> None:
    """Each column of the table, by another way."""
    network = Network([2, 5, 4, 1], hidden=["tanh", "relu"], random_state=0)
    report = diagnose(network, X, Y, learning_rate=0.1)
    first = report.layers[0]
    W, b = network.parameters["W1"], network.parameters["b1"]
    Z = X @ W + b
    A = np.tanh(Z)
    np.testing.assert_allclose(
        [first.mean_z, first.std_z, first.mean_a, first.std_a],
        [Z.mean(), Z.std(), A.mean(), A.std()],
        rtol=1e-12,
    )
    assert first.saturated == np.mean(1 - A**2 < 0.01)
    assert report.layers[1].saturated is None
    derivation = network.explain(X, Y)
    for layer, of in zip(report.layers, derivation.layers, strict=True):
        assert layer.gradient == pytest.approx(np.linalg.norm(of.dW), rel=1e-12)
        assert layer.weights == pytest.approx(np.linalg.norm(of.W), rel=1e-12)
        assert layer.signal == pytest.approx(np.sqrt((of.dZ**2).mean()), rel=1e-12)
        assert layer.step == pytest.approx(0.1 * layer.gradient / layer.weights, rel=1e-9)
    assert report.loss == pytest.approx(network.loss(X, Y), rel=1e-12)
    p = Y.mean()
    assert report.baseline == pytest.approx(-p * np.log(p) - (1 - p) * np.log(1 - p), rel=1e-12)


@pytest.mark.parametrize(
    ("loss", "best"),
    [("mean_squared_error", 0.5 * 2.1875), ("mean_absolute_error", 1.125), ("huber", None)],
)
def test_the_baseline_of_a_regression(loss: str, best: float | None) -> None:
    """Half the variance; the mean distance from the median; for any loss, no worse than both."""
    y = np.array([0.0, 1.0, 1.5, 4.0])
    network = Network([1, 1], loss=loss, random_state=0)
    report = diagnose(network, np.zeros((4, 1)), y)
    if best is None:
        e = np.abs(y - y.mean())
        assert report.baseline <= np.where(e < 1, e * e / 2, e - 0.5).mean()
    else:
        assert report.baseline == pytest.approx(best, rel=0.01)  # the median of 99 guesses


def test_vanishing_gradient_and_its_remedy() -> None:
    """Eight layers of sigmoids; with tanh the same network learns."""
    sick = Network([2, *[10] * 8, 1], hidden="sigmoid", random_state=0)
    report = diagnose(sick, X, Y)
    ratio = report.layers[0].signal / report.layers[-1].signal
    assert ratio < 1e-3
    assert f"by a factor of {ratio:.1e}" in says(report, "vanishing gradient")
    plain: Any = {"optimizer": "momentum", "learning_rate": 0.1}  # Adam would make up for it
    assert falls_to(sick, X, Y, **plain) > 0.9
    well = Network([2, *[10] * 8, 1], hidden="tanh", random_state=0)
    assert names(diagnose(well, X, Y)) == []
    assert falls_to(well, X, Y, **plain) < 0.5


def test_exploding_gradient() -> None:
    """Weights ten times too large, of a ReLU network of six layers."""
    sick = Network([2, *[20] * 6, 1], hidden="relu", random_state=0)
    for name, W in sick.parameters.items():
        if name[0] == "W":
            W *= 10
    report = diagnose(sick, X, Y)
    assert "exploding gradient" in names(report)
    assert report.layers[0].signal > 1e3 * report.layers[-1].signal
    assert names(diagnose(Network([2, *[20] * 6, 1], hidden="relu", random_state=0), X, Y)) == []


def test_dead_units_and_their_remedy() -> None:
    """Biases far below zero: most ReLUs never answer; new first weights do."""
    sick = Network([2, 8, 1], hidden="relu", random_state=0)
    sick.parameters["b1"][0, :6] = -100
    assert dead_units(sick, X)[1].tolist() == [0, 1, 2, 3, 4, 5]
    assert dead_units(sick, X)[2].tolist() == []
    report = diagnose(sick, X, Y)
    assert "6 of 8 units of layer 1 have slope 0" in says(report, "dead units")
    assert report.layers[0].dead.tolist() == [0, 1, 2, 3, 4, 5]
    assert falls_to(sick, X, Y, learning_rate=0.01) > 0.3
    leaky = sick.copy()
    well = Network([2, 8, 1], hidden="leaky_relu", random_state=0)
    assert names(diagnose(well, X, Y)) == []
    assert falls_to(well, X, Y, learning_rate=0.01) < 0.3
    assert dead_units(leaky, X)[1].size == 6


def test_dead_units_of_many_rows() -> None:
    """All rows are looked at: one of 20,000 wakes a unit. A softmax has no slope of its own."""
    network = Network([1, Layer(2, "relu"), Layer(2, "softmax"), 1], random_state=0)
    network.parameters["W1"][:] = [[1.0, -1.0]]
    rows = np.ones((20_000, 1))
    assert dead_units(network, rows)[1].tolist() == [1]
    rows[17_123] = -1
    assert [units.tolist() for units in dead_units(network, rows).values()] == [[], [], []]


def test_saturated_units_and_their_remedy() -> None:
    """Inputs of hundreds, before a tanh; scaled, the network learns."""
    large = X * 1000
    report = diagnose(Network([2, 16, 1], random_state=0), large, Y)
    assert names(report) == ["saturated units", "unscaled inputs"]
    assert "2 of 2 columns" in says(report, "unscaled inputs")
    assert f"deviation {large[:, 0].std():.3g}" in says(report, "unscaled inputs")
    share = report.layers[0].saturated
    assert share is not None
    assert f"{share:.0%} of the outputs of layer 1" in says(report, "saturated units")
    scaled = StandardScaler().fit_transform(large)
    well = Network([2, 16, 1], random_state=0)
    assert names(diagnose(well, scaled, Y)) == []
    assert falls_to(well, scaled, Y, learning_rate=0.01) < 0.5


def test_rate_too_high_and_its_remedy() -> None:
    """A step of gradient descent raises the loss; with the rate advised it falls."""
    network = Network([2, 16, 1], hidden="relu", random_state=0)
    report = diagnose(network, X, Y, learning_rate=100)
    stepped = network.copy()
    fit(stepped, X, Y, epochs=1, batch_size=400, optimizer="gradient_descent", learning_rate=100,
        shuffle=False, verbose=0)  # fmt: skip
    after = stepped.loss(X, Y)
    assert f"from {network.loss(X, Y):.4g} to {after:.4g}" in says(report, "rate too high")
    (finding,) = report.findings
    assert "such as 10" in finding.advice
    assert names(diagnose(network, X, Y, learning_rate=0.1)) == []
    assert falls_to(network, X, Y, optimizer="gradient_descent", learning_rate=0.1) < 0.6


def test_rate_too_low() -> None:
    """No layer moves by a millionth of its size."""
    report = diagnose(Network([2, 8, 1], random_state=0), X, Y, learning_rate=1e-7)
    assert "changes no layer's weights by more than" in says(report, "rate too low")


def test_equal_units() -> None:
    """Initialised with zeros."""
    sick = Network([2, 8, 1], initializer=INITIALIZERS["zeros"], random_state=0)
    assert "all 8 units of layer 1" in says(diagnose(sick, X, Y), "equal units")


def test_targets() -> None:
    """Too large for an identity, and out of reach for a tanh."""
    y = np.linspace(1000, 2000, len(X))
    report = diagnose(Network([2, 8, 1], loss="mean_squared_error", random_state=0), X, y)
    assert "mean 1.5e+03 and deviation 289" in says(report, "unscaled targets")
    arguments: Any = {"loss": "mean_squared_error", "output": "tanh", "random_state": 0}
    report = diagnose(Network([2, 8, 1], **arguments), X, np.linspace(-1, 3, len(X)))
    assert "50% of the targets lie outside [-1, 1]" in says(report, "targets out of reach")


@pytest.mark.parametrize(
    ("losses", "val_losses", "name"),
    [
        ([*np.linspace(0.6, 0.2, 12), 0.5], [], "loss rises"),
        ([0.6, 0.3] * 6 + [0.4], [], "loss jumps about"),
        ([0.6931] * 15, [], "nothing but the mean"),
        (np.linspace(0.6, 0.1, 20), [*np.linspace(0.6, 0.4, 10), *np.linspace(0.4, 0.7, 10)],
         "overfitting"),
    ],
)  # fmt: skip
def test_histories(losses: Any, val_losses: Any, name: str) -> None:
    """What the losses alone say; a smooth fall says nothing."""
    network = Network([2, 8, 1], random_state=0)
    history = History(loss=list(map(float, losses)), val_loss=list(map(float, val_losses)))
    assert names(diagnose(network, X, Y, history=history)) == [name]
    if not val_losses:
        assert names(diagnose(network, X, Y, history=history.loss)) == [name]
    smooth = np.geomspace(0.6, 0.1, 30) + 0.001 * np.random.default_rng(0).normal(size=30)
    assert names(diagnose(network, X, Y, history=smooth.tolist())) == []


def test_what_is_not_finite() -> None:
    """Says where first, and nothing else."""
    sick = Network([2, 8, 1], random_state=0)
    sick.parameters["W2"][3] = np.inf
    report = diagnose(sick, X, Y)
    assert names(report) == ["not finite"]
    assert "W2 of layer 2 is the first" in says(report, "not finite")


def test_it_shows_itself() -> None:
    """A table and the findings, as text and as HTML; or that none was found."""
    report = diagnose(Network([2, 16, 1], random_state=0), X * 1000, Y, learning_rate=0.1)
    lines = str(report).splitlines()
    assert lines[0].split() == [
        *("layer", "activation", "z", "a", "saturated", "dead", "rms", "dZ", "|dW|", "|W|"),
        *("step", "/", "|W|"),
    ]
    assert lines[1].split()[:2] == ["1", "tanh"]
    assert any(line.startswith("unscaled inputs: 2 of 2 columns") for line in lines)
    html = report._repr_html_()
    assert html.count("<tr>") == 3
    assert "<b>unscaled inputs</b>" in html
    healthy = diagnose(Network([2, 4, 1], random_state=0), X, Y)
    assert repr(healthy).endswith("no reason found why it should not learn")


def test_the_network_stays_as_it_is() -> None:
    """Parameters and running statistics."""
    network = Network([2, 8, 1], normalization="batch", random_state=0)
    before = network.copy()
    diagnose(network, X, Y, learning_rate=0.1)
    np.testing.assert_array_equal(network.vector, before.vector)
    np.testing.assert_array_equal(network.statistics["mean1"], before.statistics["mean1"])


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"learning_rate": -1}, "learning_rate must be at least 0"),
        ({"optimizer": "adan"}, "did you mean 'adam'"),
        ({"sample_weight": [1.0]}, "sample_weight"),
    ],
)
def test_bad_arguments(keywords: dict[str, Any], message: str) -> None:
    """Each is named."""
    with pytest.raises(ValueError, match=message):
        diagnose(Network([2, 1], random_state=0), X, Y, **keywords)
    with pytest.raises(ValueError, match="X must have"):
        dead_units(Network([3, 1], random_state=0), X)
