"""The lecture's experiment: its golden figures, its text, and what lies beyond."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from chainrule.lecture import beyond, linear_collapse, load_moons, model, parameter_lines

GOLDEN = (Path(__file__).parent / "golden.txt").read_text(encoding="utf-8")
COST = re.compile(r"(?<=: )0\.\d{9,}")


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """What the lecture's experiment says, line by line."""
    data, said = load_moons(), ["n_input = 2, n_output = 1"]
    trained = model(data.X_train, data.Y_train, say=said.append)
    said += parameter_lines(trained.parameters)
    return [*said, f"Accuracy: {trained.accuracy(data.X_test, data.Y_test)}"]


def test_golden_figures(lines: list[str]) -> None:
    """Every printed cost to 1e-12: another BLAS may round the last digits otherwise."""
    costs = [float(x) for x in COST.findall("\n".join(lines))]
    expected = [float(x) for x in COST.findall(GOLDEN)]
    assert len(expected) == 10
    np.testing.assert_allclose(costs, expected, rtol=0, atol=1e-12)


def test_golden_text(lines: list[str]) -> None:
    """All else to the letter: the words, the parameters to 8 digits, the accuracy."""
    assert COST.sub("…", "\n".join(lines) + "\n") == COST.sub("…", GOLDEN)


def test_data_are_the_lectures() -> None:
    """1,000 points, 500 of each label as a column, 800 to train on."""
    data = load_moons()
    assert data.X_train.shape == (800, 2)
    assert data.Y_test.shape == (200, 1)
    assert np.unique(data.labels, return_counts=True)[1].tolist() == [500, 500]


def test_two_linear_layers_are_one() -> None:
    """The same outputs to rounding, from one layer with W′ and b′."""
    data = load_moons()
    shown = linear_collapse(data.X_test)
    assert len(shown.one.structure.layers) == 1
    assert shown.greatest_difference < 1e-14
    assert shown.one.parameters["b1"][0, 0] != 0


def test_beyond_reaches_what_the_lecture_leaves_open() -> None:
    """One more layer and longer training: 0.97 and more with every activation that bends."""
    trials = {trial.activation: trial for trial in beyond(load_moons())}
    assert set(trials) == {"identity", "sigmoid", "tanh", "relu", "elu", "softmax"}
    line = trials.pop("identity").accuracy
    assert line < 0.9
    assert min(trial.accuracy for trial in trials.values()) >= 0.97


def test_any_depth_and_activation() -> None:
    """The same seven steps train three hidden layers, and name their parameters."""
    data = load_moons()
    said: list[str] = []
    trained = model(
        data.X_train,
        data.Y_train,
        [8, 6, 4],
        activation="relu",
        epochs=30,
        learning_rate=0.5,
        say=said.append,
    )
    assert list(trained.parameters) == ["W1", "b1", "W2", "b2", "W3", "b3", "W4", "b4"]
    assert len(said) == 30
    assert trained.accuracy(data.X_test, data.Y_test) > 0.93
