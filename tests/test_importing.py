"""Weights from elsewhere predict here what they predicted there; what is odd in them is refused."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from sklearn import neural_network as theirs
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

from chainrule import (
    MLPClassifier,
    ModelFileError,
    Network,
    from_keras,
    from_sklearn,
    from_torch,
)

# An estimator of which no more than its weights counts is trained for a few epochs.
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer", "ignore:lbfgs failed")

X, y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)

# The same formulas on the same weights: no more than the rounding of another order of sums.
EXACT = 1e-12

# scikit-learn

TARGETS = {
    "three classes": (theirs.MLPClassifier, y),
    "two words": (theirs.MLPClassifier, np.array(["a", "b"])[(y > 0) * 1]),
    "several labels": (theirs.MLPClassifier, np.eye(3, dtype=int)[y]),
    "a number": (theirs.MLPRegressor, X[:, 0]),
    "two numbers": (theirs.MLPRegressor, X[:, :2]),
}
SOLVERS: dict[str, dict[str, Any]] = {
    "adam": {},
    "nesterov": {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False, "learning_rate": "invscaling"},
    "descent": {"solver": "sgd", "momentum": 0.0, "activation": "logistic"},
    "lbfgs": {"solver": "lbfgs", "activation": "tanh"},
    "early stopping": {"early_stopping": True, "hidden_layer_sizes": (5, 4)},
}


@pytest.mark.parametrize(("kind", "target"), TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("parameters", SOLVERS.values(), ids=SOLVERS)
def test_an_estimator_of_scikit_learn_predicts_the_same(
    kind: Any, target: Any, parameters: dict[str, Any]
) -> None:
    """And says the same of its fit; it is one of ours in every way, and can be pickled."""
    model = kind(max_iter=15, random_state=1, **parameters).fit(X, target)
    ours = pickle.loads(pickle.dumps(from_sklearn(model)))
    assert type(ours).__module__.startswith("chainrule.")
    if kind is theirs.MLPClassifier:
        assert np.array_equal(ours.predict(X), model.predict(X))
        A, wanted = ours.predict_proba(X), model.predict_proba(X)
    else:
        A, wanted = ours.predict(X), model.predict(X)
    np.testing.assert_allclose(A, wanted, rtol=EXACT, atol=EXACT)
    assert ours.score(X, target) == pytest.approx(model.score(X, target), rel=EXACT)
    for name in ("n_iter_", "t_", "loss_", "n_layers_", "n_outputs_", "out_activation_"):
        assert getattr(ours, name) == getattr(model, name), name
    for name in ("loss_curve_", "validation_scores_", "best_loss_", "best_validation_score_"):
        assert getattr(ours, name, None) == getattr(model, name, None), name


@pytest.mark.parametrize("parameters", list(SOLVERS.values())[:4], ids=list(SOLVERS)[:4])
def test_partial_fit_goes_on_as_scikit_learn_does(parameters: dict[str, Any]) -> None:
    """With the state of its solver: moments, velocity and rate."""
    model = theirs.MLPClassifier((6,), max_iter=15, random_state=1, **parameters).fit(X, y)
    ours = from_sklearn(model).set_params(engine="numpy")
    before = model.coefs_[0].copy()
    for _ in range(3):
        model.partial_fit(X, y)
        ours.partial_fit(X, y)
    assert np.abs(model.coefs_[0] - before).max() > 1e-5
    for W, wanted in zip(ours.coefs_, model.coefs_, strict=True):
        np.testing.assert_allclose(W, wanted, rtol=0, atol=EXACT)
    np.testing.assert_allclose(ours.loss_curve_, model.loss_curve_, rtol=1e-9)  # of the loss's log


def test_the_estimator_is_a_copy() -> None:
    """Training it changes nothing of scikit-learn's, and its float32 stays."""
    rows, rng = X.astype(np.float32), np.random.RandomState(0)
    model = theirs.MLPRegressor(hidden_layer_sizes=(3,), max_iter=2, random_state=rng)
    before = model.fit(rows, X[:, 0]).predict(rows)
    drawn = rng.get_state(legacy=False)["state"]["pos"]
    ours = from_sklearn(model).set_params(engine="numpy")
    assert ours.network_.dtype == np.float32
    ours.partial_fit(rows, X[:, 0])
    assert not np.allclose(ours.predict(rows), before, atol=1e-6)
    assert np.array_equal(model.predict(rows), before)
    assert rng.get_state(legacy=False)["state"]["pos"] == drawn


def test_what_is_no_fitted_estimator_of_scikit_learn_is_refused() -> None:
    """One of ours too, and one that is not fitted."""
    with pytest.raises(NotFittedError):
        from_sklearn(theirs.MLPClassifier())
    for model in (MLPClassifier(), "it", theirs.MLPClassifier):
        with pytest.raises(TypeError, match=r"MLPRegressor of sklearn\.neural_network, got"):
            from_sklearn(model)


# PyTorch


def state(dtype: Any = np.float64, **changes: Any) -> dict[str, Any]:
    """Return the state of a stack 2-3-4-1 as PyTorch names it, changed; None takes one away."""
    rng = np.random.default_rng(0)
    shapes = {"8.weight": (3, 2), "8.bias": (3,), "9.weight": (4, 3), "9.bias": (4,)}
    shapes |= {"10.weight": (1, 4), "10.bias": (1,)}
    made: dict[str, Any] = {name: rng.normal(size=s).astype(dtype) for name, s in shapes.items()}
    made |= changes
    return {name: value for name, value in made.items() if value is not None}


def by_hand(s: dict[str, Any], X: Any) -> Any:
    """Return what the stack gives, with ReLU between its layers."""
    A1 = np.maximum(X @ s["8.weight"].T + s["8.bias"], 0)
    A2 = np.maximum(A1 @ s["9.weight"].T + s["9.bias"], 0)
    return A2 @ s["10.weight"].T + s.get("10.bias", 0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("changes", [{}, {"10.bias": None}], ids=["biases", "one without"])
def test_a_state_of_pytorch_is_a_network(dtype: Any, changes: Any, tmp_path: Path) -> None:
    """From a file and as it is, layer 10 behind layer 9, transposed, of its own type."""
    weights = state(dtype, **changes)
    save_file(weights, tmp_path / "it.safetensors", {"format": "pt"})
    for given in (weights, tmp_path / "it.safetensors", str(tmp_path / "it.safetensors")):
        network = from_torch(given, "relu", "identity", loss="mean_squared_error")
        assert network.dtype == dtype
        rtol = EXACT if dtype == np.float64 else 1e-5  # some roundings of 6e-8
        A = network.forward(X[:, :2])
        np.testing.assert_allclose(A, by_hand(weights, X[:, :2].astype(dtype)), rtol, rtol)


def test_names_that_say_no_order_need_one() -> None:
    """Which is asked for, and then followed."""
    names = {"8": "inner.entry", "9": "inner.middle", "10": "out"}
    weights = {names[n.split(".")[0]] + "." + n.split(".")[1]: a for n, a in state().items()}
    with pytest.raises(ValueError, match="don't say the order of the layers; give it"):
        from_torch(weights, "relu", "identity")
    for wrong in (["out"], ["out", "out", "inner.entry"], "out", [*names.values(), "more"]):
        with pytest.raises(ValueError, match=r"layers must name each of 'inner\.entry', "):
            from_torch(weights, "relu", "identity", layers=wrong)
    network = from_torch(weights, "relu", "identity", layers=[*names.values()])
    assert np.array_equal(
        network.forward(X[:, :2]), from_torch(state(), "relu", "identity").forward(X[:, :2])
    )
    for same in (["a.1", "a.01"], ["a.x", "a.y"]):
        with pytest.raises(ValueError, match="don't say the order"):
            from_torch({f"{name}.weight": np.ones((2, 2)) for name in same}, "relu", "identity")
    one = from_torch({"weight": np.ones((1, 2)), "bias": np.zeros(1)}, "relu", "identity")
    assert one.forward([[1.0, 2.0]]).tolist() == [[3.0]]


ODD = {
    "other layers": (state(**{"8.running_mean": np.ones(3)}), "got '8.running_mean'; other layers"),
    "a bias alone": (state(**{"11.bias": np.ones(3)}), "got '11.bias'; other layers"),
    "a name alone": (state(scale=np.ones(3)), "got 'scale'; other layers"),
    "nothing": ({}, "must be a weight at least"),
    "a vector": (state(**{"8.weight": np.ones(3)}), r"8\.weight must have shape \(n_out, "),
    "another bias": (state(**{"8.bias": np.ones(4)}), r"8\.bias must have shape \(3,\), got"),
    "no chain": (state(**{"9.weight": np.ones((4, 2))}), r"9\.weight must have 3 inputs, .* got 2"),
    "two types": (state(**{"9.bias": np.ones(4, np.float32)}), "type, got float64 and, for 9.b"),
    "integers": (state(**{"9.bias": np.ones(4, int)}), r"9\.bias must be float64 or float32"),
    "halves": (state(np.float16), "must be float64 or float32, got float16|has type F16"),
    "not finite": (state(**{"9.bias": np.full(4, np.nan)}), "bias'? must be finite, got"),
    "no units": ({"0.weight": np.ones((0, 2))}, "must not be empty|must be at least 1"),
}  # fmt: skip


@pytest.mark.parametrize(("weights", "message"), ODD.values(), ids=ODD)
def test_an_odd_state_is_refused(weights: dict[str, Any], message: str, tmp_path: Path) -> None:
    """In a file and as it is, by the name of the array."""
    with pytest.raises((ValueError, TypeError), match=message):
        from_torch(weights, "relu", "identity")
    save_file(weights, tmp_path / "it.safetensors")
    with pytest.raises(ValueError, match=message):
        from_torch(tmp_path / "it.safetensors", "relu", "identity")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "0 bytes"),
        (pickle.dumps(state()), "no safetensors file"),
        (b"PK\x03\x04" + bytes(100), "no safetensors file"),  # what torch.save writes is a zip
        (b"\xff" * 8 + b"{}", "header would have"),
        (None, "No such file"),
    ],
)
def test_another_file_is_refused(content: bytes | None, message: str, tmp_path: Path) -> None:
    """A pickle above all: nothing in it is run."""
    path = tmp_path / "it.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelFileError, match=message):
        from_torch(path, "relu", "identity")


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """Unless more bytes are allowed."""
    save_file(state(), tmp_path / "it.safetensors")
    with pytest.raises(ModelFileError, match="and max_bytes is 100"):
        from_torch(tmp_path / "it.safetensors", "relu", "identity", max_bytes=100)


def test_the_other_arguments_are_checked(tmp_path: Path) -> None:
    """A wrong activation is an error of the call, not of the file."""
    save_file(state(), tmp_path / "it.safetensors")
    with pytest.raises(ValueError, match="hidden must be one of") as caught:
        from_torch(tmp_path / "it.safetensors", "rely", "identity")
    assert not isinstance(caught.value, ModelFileError)
    with pytest.raises(TypeError, match="names in weights must be strings, got 3"):
        from_torch({3: np.ones((1, 1))}, "relu", "identity")  # type: ignore[dict-item]


# Keras


def test_weights_of_keras_are_a_network() -> None:
    """Kernels are as they are here; a layer without a bias has zeros."""
    network = Network([4, 5, 3, 2], hidden=["swish", "elu"], output="softmax", random_state=0)
    network.vector[:] += 0.1
    network.parameters["b2"][:] = 0
    p = network.parameters
    weights = [p["W1"], p["b1"][0], p["W2"], p["W3"], p["b3"][0]]
    again = from_keras(weights, hidden=["swish", "elu"], output="softmax")
    assert np.array_equal(again.forward(X), network.forward(X))
    before = network.vector.copy()
    again.vector[:] = 0
    assert np.array_equal(network.vector, before)
    assert (
        from_keras([W.astype(np.float32) for W in weights], "relu", "softmax").dtype == np.float32
    )


W, b = np.ones((2, 3)), np.ones(3)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([], "must hold a kernel at least"),
        ([b], r"weights\[0\] must be a kernel \(n_in, n_out\) of a Dense layer, got shape \(3,\)"),
        ([W, b, b, b, b], r"weights\[2\] must be a kernel \(n_in, n_out\) of a Dense layer, got"),
        ([W, np.ones(2)], r"weights\[1\] must be .* or a bias \(3,\) of a Dense layer, got"),
        ([np.ones((3, 3, 1, 8))], r"weights\[0\] must be a kernel"),
        ([W, b, W], r"weights\[2\] must have 3 inputs"),
        ([W, b.astype(np.float32)], r"got float64 and, for weights\[1\], float32"),
        ([W, [1, 2, 3]], r"weights\[1\] must be float64 or float32, got int"),
        ([W, [1.0, np.inf, 3]], r"weights\[1\] must be finite"),
        ([["a"]], r"weights\[0\] must hold numbers"),
    ],
)  # fmt: skip
def test_other_weights_are_refused(weights: Any, message: str) -> None:
    """By their place in the list."""
    with pytest.raises((ValueError, TypeError), match=message):
        from_keras(weights, "relu", "sigmoid")
