"""Derivations: every number on the way is the one that the engines train with."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from chainrule import Activation, Layer, Network, Optimizer, fit
from chainrule.activations import ACTIVATIONS
from chainrule.explain import Derivation
from chainrule.optimizers import OPTIMIZERS, GradientDescent
from chainrule.penalties import Penalty
from tests.gradients import OUTPUTS, random_case

HIDDEN = sorted({g.name for g in ACTIVATIONS.values()} - {"exponential"})
PENALTY: Any = {"l2": 0.3, "l1": 0.2}


def derive(seed: int, depth: int, loss: str, output: str, hidden: Any, **kwargs: Any) -> Derivation:
    """Explain a random network, which is small enough for finite differences to be exact."""
    rng = np.random.default_rng(seed)
    case = random_case(rng, depth, loss, output, hidden, **kwargs)
    penalty: Any = {"l2": case.penalty.l2, "l1": case.penalty.l1}
    return case.network.explain(case.X, case.Y, sample_weight=_flat(case.sample_weight), **penalty)


def _flat(weights: Any) -> Any:
    return None if weights is None else weights[:, 0]


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_the_gradient_is_that_of_the_engines(engine: str, compiled_apart: None) -> None:
    """A step of an engine with rate 1 moves every parameter by what the derivation says."""
    rng = np.random.default_rng(3)
    pairs = [(loss, output) for loss in OUTPUTS for output in OUTPUTS[loss]]
    seen = set()
    activations = itertools.cycle(HIDDEN)
    for number, (loss, output) in enumerate(pairs):
        hidden = [next(activations) for _ in range(number % 6)]
        seen |= {*hidden, output}
        case = random_case(rng, len(hidden) + 1, loss, output, hidden)
        derivation = case.network.explain(case.X, case.Y)
        trained = case.network.copy()
        one_step: Any = {"epochs": 1, "batch_size": len(case.X), "shuffle": False, "verbose": 0}
        rule = GradientDescent(1.0)
        fit(trained, case.X, case.Y, optimizer=rule, engine=engine, **one_step)
        for name, before in case.network.parameters.items():
            moved = before - trained.parameters[name]
            # 1e-12 of the parameter, from which the gradient was taken away and taken back
            np.testing.assert_allclose(
                derivation.gradients[f"d{name}"], moved, rtol=1e-12, atol=1e-12
            )
    assert seen == set(HIDDEN) | {"exponential"}


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    loss=st.sampled_from(sorted(OUTPUTS)),
    depth=st.integers(1, 6),
    normalization=st.sampled_from([None, "batch", "layer"]),
    weighted=st.booleans(),
    penalty=st.sampled_from([Penalty(), Penalty(0.3, 0.2)]),
)
def test_each_layer_follows_the_chain_rule(
    seed: int, loss: str, depth: int, normalization: Any, weighted: bool, penalty: Penalty
) -> None:
    """What each layer shows is what the equations beside it give, from its own other numbers."""
    rng = np.random.default_rng(seed)
    hidden = [str(name) for name in rng.choice(HIDDEN, depth - 1)]
    output = OUTPUTS[loss][0]
    kinds = [normalization] * (depth - 1)
    d = derive(
        seed, depth, loss, output, hidden, normalization=kinds, weighted=weighted, penalty=penalty
    )
    m = len(d) if d.sample_weight is None else d.sample_weight.sum()
    close: Any = {"rtol": 1e-12, "atol": 1e-14}  # the same products, added up in another order
    for layer, above in itertools.pairwise([*d.layers, None]):
        assert layer is not None
        U = layer.A_prev @ layer.W
        if layer.U is not None:
            axis = 0 if normalization == "batch" else 1
            mean, var = U.mean(axis, keepdims=True), U.var(axis, keepdims=True)
            np.testing.assert_allclose(layer.U, (U - mean) / np.sqrt(var + 1e-5), rtol=1e-9)
            assert layer.gamma is not None
            U = layer.U * layer.gamma
        np.testing.assert_allclose(layer.Z, U + layer.b, **close)
        np.testing.assert_allclose(layer.A, layer.layer.activation(layer.Z), **close)
        if above is not None:
            back = above.dZ if above.dU is None else above.dU
            np.testing.assert_allclose(layer.dA, back @ above.W.T, **close)
        if layer.slope is not None:
            # A − Y, where it stands for the product, has lost no digits that the product has
            np.testing.assert_allclose(layer.dZ, layer.dA * layer.slope, rtol=1e-9, atol=1e-12)
        back = layer.dZ if layer.dU is None else layer.dU
        slope = penalty.l2 * layer.W + penalty.l1 * np.sign(layer.W)
        np.testing.assert_allclose(layer.dW, layer.A_prev.T @ back / m + slope, **close)
        np.testing.assert_allclose(layer.db[0], layer.dZ.sum(axis=0) / m, **close)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    loss=st.sampled_from(sorted(OUTPUTS)),
    depth=st.integers(1, 4),
    normalization=st.sampled_from([None, "batch", "layer"]),
)
def test_one_parameter_factor_by_factor(
    seed: int, loss: str, depth: int, normalization: Any
) -> None:
    """The factors multiply to ∂L/∂w, the paths add up to it, and the mean is the gradient."""
    rng = np.random.default_rng(seed)
    hidden = [str(name) for name in rng.choice(HIDDEN, depth - 1)]
    kinds = [normalization] * (depth - 1)
    penalty = Penalty(0.3, 0.2)
    d = derive(seed, depth, loss, OUTPUTS[loss][-1], hidden, normalization=kinds, penalty=penalty)
    mixing = bool(normalization) or "softmax" in hidden
    for name, gradient in d.gradients.items():
        i, j = (int(rng.integers(n)) for n in gradient.shape)
        e = int(rng.integers(len(d)))
        p = d.weight(name[1:], i, j, example=e)
        slope = 0.0
        if name[1] == "W":
            w = d.parameters[name[1:]][i, j]
            slope = penalty.l2 * w + penalty.l1 * np.sign(w)
        assert p.value == gradient[i, j]
        np.testing.assert_allclose(p.per_example.mean() + slope, p.value, rtol=1e-9, atol=1e-12)
        product = np.prod([factor.value for factor in p.factors])
        np.testing.assert_allclose(product, p.per_example[e], rtol=1e-12)
        above = [layer.layer.units for layer in d.layers[p.layer.number :]]
        assert p.n_paths == np.prod(above, dtype=int)
        if p.n_paths <= 16 and not mixing:
            assert len({path.units for path in p.paths}) == p.n_paths
            paths = sum(path.value for path in p.paths)
            # dZ = A − Y at the output, the product of the slopes along the path: other rounding
            np.testing.assert_allclose(paths, p.per_example[e], rtol=1e-8, atol=1e-11)
        assert p.on_kink or p.relative_error < 1e-6  # the difference quotient's own error


@pytest.mark.parametrize("kind", ["A", "Z"])
def test_signals_are_held_against_finite_differences(kind: str) -> None:
    """∂L/∂a and ∂L/∂z of every unit and example, in a network with all that may lie between."""
    layers = [Layer(3, "gelu", normalization="batch"), Layer(4, "softmax"), Layer(3, "tanh")]
    network = Network([2, *layers, Layer(2, "softmax")], random_state=0)
    rng = np.random.default_rng(0)
    network.vector += 0.3 * rng.normal(size=network.vector.shape)
    w = rng.uniform(0.5, 2, 5)
    d = network.explain(rng.normal(size=(5, 2)), [0, 1, 1, 0, 1], sample_weight=w, **PENALTY)
    for layer in d.layers:
        given_ = layer.dA if kind == "A" else layer.dZ
        for e, k in np.ndindex(given_.shape):
            measured = d.finite_difference(f"d{kind}{layer.number}", e, k)
            assert measured.relative_error < 1e-6  # of the difference quotient
            assert abs(measured.slope - given_[e, k]) < 1e-6 * np.abs(given_).max()


@pytest.mark.parametrize("hidden", HIDDEN)
def test_slopes_of_activations_are_measured_too(hidden: str) -> None:
    """g′(z) of every unit; on its kink a ReLU has none."""
    network = Network([2, 4, 1], hidden=hidden, random_state=0)
    d = network.explain([0.5, -1.0], 1)
    for layer in d.layers:
        for k in range(layer.layer.units):
            if layer.slope is None:
                with pytest.raises(ValueError, match="name must be one of"):
                    d.finite_difference(f"slope{layer.number}", 0, k)
            else:
                measured = d.finite_difference(f"slope{layer.number}", 0, k)
                assert measured.slope == pytest.approx(layer.slope[0, k], rel=1e-8, abs=1e-8)
    kink = Network([2, 4, 1], hidden="relu", random_state=0).explain([0.0, 0.0], 1)
    assert kink.finite_difference("slope1", 0, 0).on_kink


def test_cost_and_losses() -> None:
    """The cost is that of `Network.loss` and the penalty, and the mean of the losses."""
    network = Network([3, 4, 2], random_state=0)
    X, y = np.random.default_rng(0).normal(size=(6, 3)), [0, 1, 1, 0, 1, 0]
    d = network.explain(X, y)
    assert d.cost == pytest.approx(network.loss(X, y), rel=1e-14)
    assert d.losses.mean() == pytest.approx(d.cost, rel=1e-14)
    W = np.concatenate([W.ravel() for name, W in network.parameters.items() if name[0] == "W"])
    expected = d.cost + 0.15 * (W**2).sum() + 0.2 * np.abs(W).sum()
    assert network.explain(X, y, **PENALTY).cost == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_update_is_the_optimisers(name: str) -> None:
    """With a state from the steps before, it ends where the optimiser does."""
    network = Network([2, 3, 1], random_state=0)
    rule, rng = OPTIMIZERS[name], np.random.default_rng(0)
    state = {s: rng.uniform(0.1, 0.2, network.vector.shape) for s in rule.state}
    d = network.explain([0.5, -1.0], 1, optimizer=name, learning_rate=0.1, state=state, t=7)
    dw = network.flatten(d.gradients, prefix="d")
    is_weight = np.concatenate([np.full(p.size, n[0] == "W") for n, p in d.parameters.items()])
    w, after = rule.update(network.vector, dw, tuple(state.values()), 0.1, 7, is_weight)
    np.testing.assert_array_equal(network.flatten(d.update.after), w)
    for s, values in zip(rule.state, after, strict=True):
        np.testing.assert_array_equal(network.flatten(d.update.state_before[s]), state[s])
        np.testing.assert_array_equal(network.flatten(d.update.state_after[s]), values)


def test_the_update_is_the_step_of_fit() -> None:
    """One epoch of one mini-batch by Adam goes where the derivation says."""
    network = Network([2, 5, 3], random_state=0)
    X, y = np.random.default_rng(0).normal(size=(8, 2)), np.arange(8) % 3
    d = network.explain(X, y, optimizer="adam", l2=0.1)
    fit(network, X, y, epochs=1, batch_size=8, optimizer="adam", l2=0.1, shuffle=False, verbose=0)
    for name, after in d.update.after.items():
        np.testing.assert_allclose(network.parameters[name], after, rtol=1e-12, atol=1e-15)


def test_a_schedule_and_a_rule_of_ones_own() -> None:
    """The rate of step t, and any update rule."""
    rule = Optimizer(
        "sign", lambda w, dw, alpha, t: (w - alpha * np.sign(dw),), lambda k: 0.1 / (k + 1)
    )
    d = Network([2, 1], random_state=0).explain([1.0, -2.0], 0, optimizer=rule, t=4)
    assert d.update.learning_rate == 0.1 / 4
    moved = d.update.before["W1"] - d.update.after["W1"]
    np.testing.assert_allclose(moved, 0.025 * np.sign(d.gradients["dW1"]), rtol=1e-12)


def test_one_example_in_any_form() -> None:
    """A row alone is a batch of one: a class number, a number, several outputs, sparse, float32."""
    X = np.array([[0.5, -1.0, 2.0]])
    for n, y, Y in ((1, 1, [1]), (3, 2, [2])):
        network = Network([3, 4, n], random_state=0)
        one, batch = network.explain(X[0], y), network.explain(sparse.csr_array(X), Y)
        np.testing.assert_array_equal(one.gradients["dW1"], batch.gradients["dW1"])
        assert str(one) == str(batch)
    network = Network([3, 4, 2], loss="mean_squared_error", random_state=0)
    np.testing.assert_array_equal(network.explain(X[0], [0.1, 0.2]).Y, [[0.1, 0.2]])
    small = Network([3, 4, 1], random_state=0, dtype=np.float32).explain(X[0], 1)
    assert small.gradients["dW1"].dtype == small.layers[0].Z.dtype == np.float64


def test_class_numbers_are_shown_as_rows() -> None:
    """With a 1 in the column of the class."""
    d = Network([2, 3], random_state=0).explain([[1.0, 2.0], [0.0, 1.0]], [2, 0])
    np.testing.assert_array_equal(d.Y, [[0, 0, 1], [1, 0, 0]])


def test_nothing_of_the_network_changes() -> None:
    """Neither its parameters nor its running statistics, and what is shown is a copy."""
    network = Network([2, 3, 1], normalization="batch", random_state=0)
    before = network.copy()
    d = network.explain(np.random.default_rng(0).normal(size=(4, 2)), [0, 1, 0, 1])
    d.weight("W1", 0, 0)
    str(d)
    d.parameters["W1"][:] = 0
    np.testing.assert_array_equal(network.vector, before.vector)
    np.testing.assert_array_equal(network.statistics["mean1"], before.statistics["mean1"])


def test_an_activation_of_ones_own() -> None:
    """One whose slope is a finite difference."""
    wave = Activation("wave", lambda z: np.sin(z), numerical_slope=True)
    d = Network([2, 3, 1], hidden=wave, random_state=0).explain([0.5, -1.0], 1)
    assert d.layers[0].slope == pytest.approx(np.cos(d.layers[0].Z), rel=1e-9)
    assert "a finite difference of g" in str(d)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("W3", 0, 0), "name must be one of 'W1', 'W2', 'b1', 'b2', got 'W3'"),
        (("W1", 2, 0), r"W1 has shape \(2, 3\), there is no W1\[2, 0\]"),
        (("W1", 0), r"W1 has shape \(2, 3\): give a row and a column, got \[0\]"),
        (("W1[0, x]",), r"name must be such as 'W1\[0, 2\]', got 'W1\[0, x\]'"),
        (("b1", -1), "row and column must be at least 0, got -1"),
    ],
)
def test_a_parameter_that_is_not_there(arguments: tuple[Any, ...], message: str) -> None:
    """The message says what there is."""
    d = Network([2, 3, 1], random_state=0).explain([1.0, 2.0], 1)
    with pytest.raises(ValueError, match=message):
        d.weight(*arguments)


def test_names_of_parameters() -> None:
    """In one word or in three, and a bias by its unit alone."""
    d = Network([2, 3, 1], random_state=0).explain([1.0, 2.0], 1)
    assert d.weight("W1[1, 2]").place == d.weight("W1", 1, 2).place == (1, 2)
    assert (
        d.weight("b1[2]").place == d.weight("b1", 2).place == d.weight("b1", 0, 2).place == (0, 2)
    )


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"optimizer": "adan"}, ValueError, "did you mean 'adam'"),
        ({"learning_rate": -1}, ValueError, "learning_rate must be at least 0, got -1"),
        ({"t": 0}, ValueError, "t must be at least 1, got 0"),
        ({"state": {"m": [1]}}, ValueError, "state must hold nothing for optimizer"),
        ({"l2": -1}, ValueError, "l2 must be at least 0"),
        (
            {"optimizer": "momentum", "state": {"v": [1.0]}},
            ValueError,
            r"state\['v'\] must have a number for each parameter, shape \(13,\), got \(1,\)",
        ),
    ],
)
def test_bad_arguments(keywords: dict[str, Any], error: type[Exception], message: str) -> None:
    """Each is named."""
    with pytest.raises(error, match=message):
        Network([2, 3, 1], random_state=0).explain([1.0, 2.0], 1, **keywords)
    with pytest.raises(ValueError, match="X must have"):
        Network([2, 3, 1], random_state=0).explain([1.0], 1)
    with pytest.raises(ValueError, match="example must be below 1, got 1"):
        Network([2, 3, 1], random_state=0).explain([1.0, 2.0], 1).weight("W1", 0, 0, example=1)
