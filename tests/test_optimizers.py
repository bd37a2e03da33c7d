"""Update rules: each step by hand, elementwise and pure; clipping; decay told from penalties."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import (
    Adagrad,
    Adam,
    AdamW,
    GradientDescent,
    Lion,
    Momentum,
    NAdam,
    Nesterov,
    Network,
    Optimizer,
    RMSProp,
    fit,
)
from chainrule._types import Array
from chainrule.optimizers import (
    OPTIMIZERS,
    adam_epsilon_hat,
    clip_by_norm,
    clip_by_value,
    momentum,
)
from chainrule.penalties import Penalty


def two_steps(optimizer: Optimizer, gradients: tuple[float, float]) -> float:
    """Return w after two updates from w = 1 at rate 0.1."""
    w = np.array([1.0])
    state = optimizer.initial_state(w)
    for t, dw in enumerate(gradients, 1):
        w, state = optimizer.update(w, np.array([dw]), state, 0.1, t)
    return float(w[0])


def test_two_steps_by_hand() -> None:
    """Gradients 1 and 2 at α = 0.1 from w = 1, with each rule's equation worked out on paper."""
    g1, g2 = 1.0, 2.0
    assert two_steps(GradientDescent(), (g1, g2)) == pytest.approx(1 - 0.1 - 0.2)
    v1 = -0.1
    v2 = 0.5 * v1 - 0.2
    assert two_steps(Momentum(mu=0.5), (g1, g2)) == pytest.approx(1 + v1 + v2)
    ahead = 1 + (0.5 * v1 - 0.1) + (0.5 * v2 - 0.2)
    assert two_steps(Nesterov(mu=0.5), (g1, g2)) == pytest.approx(ahead)
    s1 = 0.1
    s2 = 0.9 * s1 + 0.1 * 4
    expected = 1 - 0.1 / math.sqrt(s1) - 0.2 / math.sqrt(s2)
    assert two_steps(RMSProp(rho=0.9, epsilon=1e-12), (g1, g2)) == pytest.approx(expected)
    expected = 1 - 0.1 / 1 - 0.2 / math.sqrt(5)
    assert two_steps(Adagrad(epsilon=1e-12), (g1, g2)) == pytest.approx(expected)
    m1, q1 = 0.1, 0.001
    m2, q2 = 0.9 * m1 + 0.2, 0.999 * q1 + 0.004
    first = 0.1 * (m1 / 0.1) / math.sqrt(q1 / 0.001)
    second = 0.1 * (m2 / 0.19) / math.sqrt(q2 / (1 - 0.999**2))
    assert two_steps(Adam(epsilon=1e-12), (g1, g2)) == pytest.approx(1 - first - second)
    hat = Optimizer("hat", adam_epsilon_hat, 0.1, ("m", "v"), {"b": 0.9, "c": 0.999, "e": 0.5})
    first = 0.1 * math.sqrt(0.001) / 0.1 * m1 / (math.sqrt(q1) + 0.5)
    second = 0.1 * math.sqrt(1 - 0.999**2) / 0.19 * m2 / (math.sqrt(q2) + 0.5)
    assert two_steps(hat, (g1, g2)) == pytest.approx(1 - first - second)
    first = 0.1 * (0.9 * m1 / 0.19 + 0.1 * g1 / 0.1) / math.sqrt(q1 / 0.001)
    second = 0.9 * m2 / (1 - 0.9**3) + 0.1 * g2 / 0.19
    second *= 0.1 / math.sqrt(q2 / (1 - 0.999**2))
    assert two_steps(NAdam(epsilon=1e-12), (g1, g2)) == pytest.approx(1 - first - second)
    assert two_steps(Lion(), (g1, -g2)) == pytest.approx(1 - 0.1 + 0.1)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_rule_descends_a_bowl(name: str) -> None:
    """On ½(w − 3)² every rule comes near 3, from both sides."""
    optimizer = OPTIMIZERS[name]
    w = np.array([-1.0, 7.0])
    state = optimizer.initial_state(w)
    for t in range(1, 3001):
        w, state = optimizer.update(w, w - 3, state, 0.1 if name == "adagrad" else 0.01, t)
    assert np.abs(w - 3).max() < 0.2


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rules_are_elementwise_and_pure(name: str, dtype: type[np.floating]) -> None:
    """A vector moves as its numbers would alone; arguments stay as they were; float32 stays."""
    optimizer = OPTIMIZERS[name]
    rng = np.random.default_rng(0)
    w, dw = rng.normal(size=(2, 5)).astype(dtype)
    state = tuple(np.abs(rng.normal(size=5)).astype(dtype) for _ in optimizer.state)
    before = [array.copy() for array in (w, dw, *state)]
    w_after, state_after = optimizer.update(w, dw, state, 0.1, 3)
    for array, copy in zip((w, dw, *state), before, strict=True):
        np.testing.assert_array_equal(array, copy)
    assert all(array.dtype == dtype for array in (w_after, *state_after))
    alone = [
        optimizer.update(w[i : i + 1], dw[i : i + 1], tuple(s[i : i + 1] for s in state), 0.1, 3)
        for i in range(5)
    ]
    np.testing.assert_allclose(w_after, [x[0][0] for x in alone], rtol=1e-6)


def test_decoupled_decay_passes_the_gradient_by() -> None:
    """AdamW shrinks a weight by α λ w whatever Adam does; an L2 penalty only changes dw."""
    w, dw = np.array([10.0]), np.array([0.5])
    adam = Adam().update(w * (1 - 0.1 * 0.2), dw, Adam().initial_state(w), 0.1, 1)[0]
    decayed = AdamW(weight_decay=0.2).update(w, dw, Adam().initial_state(w), 0.1, 1)[0]
    np.testing.assert_allclose(decayed, adam, rtol=1e-15)
    penalised = Adam().update(w, dw + Penalty(l2=0.2).slope(w), Adam().initial_state(w), 0.1, 1)[0]
    assert abs(penalised - decayed) > 0.1


def test_decay_spares_what_is_no_weight() -> None:
    """Biases and gains are left alone."""
    w = np.array([1.0, 1.0])
    is_weight = np.array([True, False])
    after = GradientDescent(weight_decay=0.5).update(w, w * 0, (), 0.1, 1, is_weight)[0]
    assert after.tolist() == [0.95, 1.0]


def test_penalties_by_hand() -> None:
    """½ l2 Σ w² + l1 Σ |w| and its slope."""
    W = np.array([[3.0, -2.0]])
    assert Penalty(l2=2.0, l1=0.5).value(W) == pytest.approx(13 + 2.5)
    assert Penalty(l2=2.0, l1=0.5).slope(W).tolist() == [[6.5, -4.5]]


@given(st.lists(st.floats(-1e150, 1e150), min_size=1, max_size=6), st.floats(1e-3, 1e3))
def test_clipping_by_norm(gradient: list[float], limit: float) -> None:
    """The norm ends at most at the limit, the direction stays, and short gradients stay whole."""
    g = np.array(gradient)
    clipped = clip_by_norm(g, limit)
    scale = np.abs(g).max() or 1.0
    norm = scale * np.linalg.norm(g / scale)
    if norm <= limit:
        np.testing.assert_array_equal(clipped, g)
    else:
        np.testing.assert_allclose(clipped, g / norm * limit, rtol=1e-12, atol=limit * 1e-300)


def test_clipping_by_value() -> None:
    """Each component ends within ±limit; NaN stays to be seen."""
    clipped = clip_by_value(np.array([-5.0, 0.5, 5.0, np.nan]), 1.0)
    np.testing.assert_array_equal(clipped, [-1.0, 0.5, 1.0, np.nan])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_pickling(name: str) -> None:
    """Optimisers travel between processes."""
    assert pickle.loads(pickle.dumps(OPTIMIZERS[name])) == OPTIMIZERS[name]


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_rule_can_know_the_parameters_by_its_start(engine: str) -> None:
    """A state that starts as 1 for what may move leaves everything else as it was, to the bit."""

    def some(w: Array, dw: Array, moves: Array, alpha: float, t: int) -> tuple[Array, Array]:
        return np.where(moves > 0, w - alpha * dw, w), moves

    network = Network([3, 5, 1], random_state=0)
    before = network.copy()
    moves = network.flatten(
        {name: np.full_like(w, name == "W2") for name, w in network.parameters.items()}
    )
    rule = Optimizer("some", some, 0.1, ("moves",), start={"moves": moves})
    X = np.random.default_rng(0).normal(size=(64, 3))
    fit(network, X, X[:, 0] > 0, epochs=2, optimizer=rule, engine=engine, verbose=0)
    for name, w in network.parameters.items():
        assert (w == before.parameters[name]).all() == (name != "W2")


def test_a_start_that_does_not_fit() -> None:
    """Named after no array of the state, or not of the parameters' shape."""
    with pytest.raises(ValueError, match="each name in start must be one of 'v', got 'u'"):
        Optimizer("m", momentum, 0.1, ("v",), start={"u": np.ones(3)})
    rule = Optimizer("m", momentum, 0.1, ("v",), start={"v": np.ones(3)})
    with pytest.raises(ValueError, match=r"start of 'v' .* shape \(2,\), got \(3,\)"):
        rule.initial_state(np.zeros(2))
