"""Initialisers: their spread, their stream, their shapes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chainrule import Structure
from chainrule.initializers import INITIALIZERS
from chainrule.steps import initialize_parameters

SPREAD = {
    "zeros": 0.0,
    "small_normal": 0.01,
    "lecun_normal": math.sqrt(1 / 300),
    "lecun_uniform": math.sqrt(1 / 300),
    "glorot_normal": math.sqrt(2 / 500),
    "glorot_uniform": math.sqrt(2 / 500),
    "he_normal": math.sqrt(2 / 300),
    "he_uniform": math.sqrt(2 / 300),
    "orthogonal": math.sqrt(1 / 300),
}


@pytest.mark.parametrize("name", INITIALIZERS)
def test_spread(name: str) -> None:
    """Mean 0 and the standard deviation of the paper, over 60,000 weights: 1 % is 3.5 sigma."""
    W = INITIALIZERS[name](np.random.RandomState(0), 300, 200)
    assert W.shape == (300, 200)
    assert W.std() == pytest.approx(SPREAD[name], rel=0.01)
    assert abs(W.mean()) <= SPREAD[name] / 50
    if name.endswith("uniform"):
        assert np.abs(W).max() <= SPREAD[name] * math.sqrt(3)
        assert np.abs(W).max() > SPREAD[name] * math.sqrt(3) * 0.999


@pytest.mark.parametrize(("n_in", "n_out"), [(5, 5), (7, 3), (3, 7), (1, 4)])
def test_orthogonal(n_in: int, n_out: int) -> None:
    """The shorter side is orthonormal."""
    W = INITIALIZERS["orthogonal"](np.random.RandomState(1), n_in, n_out)
    assert W.shape == (n_in, n_out)
    gram = W.T @ W if n_in >= n_out else W @ W.T
    np.testing.assert_allclose(gram, np.eye(min(n_in, n_out)), atol=1e-14)


def test_the_lectures_rule_is_its_stream_to_the_bit() -> None:
    """W1 then W2, normal / √fan-in, from one legacy generator."""
    rng = np.random.RandomState(42)
    expected = [rng.randn(2, 4) / np.sqrt(2), rng.randn(4, 1) / np.sqrt(4)]
    parameters = initialize_parameters(Structure([2, 4, 1]), random_state=42)
    np.testing.assert_array_equal(parameters["W1"], expected[0])
    np.testing.assert_array_equal(parameters["W2"], expected[1])
    np.testing.assert_array_equal(parameters["b1"], np.zeros((1, 4)))


def test_the_lectures_other_rule_by_name() -> None:
    """normal × 0.01."""
    structure = Structure([2, 4, 1], initializer="small_normal")
    parameters = initialize_parameters(structure, random_state=42)
    np.testing.assert_array_equal(parameters["W1"], np.random.RandomState(42).randn(2, 4) * 0.01)


def test_the_default_follows_the_activation() -> None:
    """He's rule for ReLU, the lecture's for tanh."""
    layers = Structure([100, 400, 400, 1], hidden=["relu", "tanh"]).layers
    assert [layer.initializer for layer in layers] == [
        INITIALIZERS["he_normal"],
        INITIALIZERS["lecun_normal"],
        INITIALIZERS["lecun_normal"],
    ]


def test_newer_generators_too() -> None:
    """A Generator draws as well as a RandomState, and goes on where it stopped."""
    rng = np.random.default_rng(0)
    structure = Structure([2, 3, 1])
    first, second = (initialize_parameters(structure, rng) for _ in range(2))
    assert not np.array_equal(first["W1"], second["W1"])
