"""The lecture's steps: each against its equation, pure, at any depth. Gradients: test_gradients."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import Structure, steps
from chainrule.dropout import draw_key
from chainrule.penalties import Penalty

rng = np.random.default_rng(7)
STRUCTURE = Structure([3, 4, 5, 2], hidden=["tanh", "relu"], loss="mean_squared_error")
PARAMETERS = steps.initialize_parameters(STRUCTURE, random_state=3)
X = rng.normal(size=(6, 3))
Y = rng.normal(size=(6, 2))


def test_forward_is_its_equations() -> None:
    """Z[l] = A[l−1] W[l] + b[l], A[l] = g[l](Z[l]), and the cache holds all of them."""
    A, cache = steps.forward_propagation(X, PARAMETERS, STRUCTURE)
    A1 = np.tanh(X @ PARAMETERS["W1"] + PARAMETERS["b1"])
    A2 = np.maximum(A1 @ PARAMETERS["W2"] + PARAMETERS["b2"], 0)
    Z3 = A2 @ PARAMETERS["W3"] + PARAMETERS["b3"]
    np.testing.assert_array_equal(A, Z3)
    assert set(cache) == {"A0", "Z1", "A1", "Z2", "A2", "Z3", "A3"}
    np.testing.assert_array_equal(cache["A2"], A2)


def test_backward_is_the_lectures_equations() -> None:
    """dZ2 = A2 − Y, dW2 = A1ᵀ dZ2 / m, dZ1 = dZ2 W2ᵀ ∘ (1 − A1²), … for one hidden layer."""
    structure = Structure([3, 4, 1])
    p = steps.initialize_parameters(structure, random_state=1)
    labels = np.array([[0.0], [1], [1], [0], [1], [0]])
    A2, cache = steps.forward_propagation(X, p, structure)
    dZ2 = A2 - labels
    dZ1 = dZ2 @ p["W2"].T * (1 - cache["A1"] ** 2)
    expected = {
        "dW2": cache["A1"].T @ dZ2 / 6,
        "db2": dZ2.sum(axis=0, keepdims=True) / 6,
        "dW1": X.T @ dZ1 / 6,
        "db1": dZ1.sum(axis=0, keepdims=True) / 6,
    }
    gradients = steps.backward_propagation(p, cache, labels, structure)
    assert gradients.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(gradients[name], value, rtol=1e-13)


def test_cost_is_summed_over_outputs_and_averaged_over_examples() -> None:
    """J = (1/m) Σᵢ Σₖ ½ (a − y)², with weights Σ wᵢ Lᵢ / Σ wᵢ, plus the penalty."""
    A, _ = steps.forward_propagation(X, PARAMETERS, STRUCTURE)
    each = (0.5 * (A - Y) ** 2).sum(axis=1)
    assert steps.compute_cost(A, Y, STRUCTURE) == pytest.approx(each.mean(), rel=1e-15)
    w = np.arange(1.0, 7).reshape(6, 1)
    weighted = steps.compute_cost(A, Y, STRUCTURE, sample_weight=w)
    assert weighted == pytest.approx(np.average(each, weights=w.ravel()), rel=1e-14)
    penalised = steps.compute_cost(
        A, Y, STRUCTURE, parameters=PARAMETERS, penalty=Penalty(l2=0.5, l1=0.1)
    )
    weights = np.concatenate([PARAMETERS[f"W{l}"].ravel() for l in (1, 2, 3)])
    penalty = 0.25 * (weights**2).sum() + 0.1 * np.abs(weights).sum()
    assert penalised == pytest.approx(each.mean() + penalty, rel=1e-14)


def test_cost_of_a_confident_wrong_answer() -> None:
    """From z it is right; from a, which has rounded to 1, it is large and finite."""
    structure = Structure([1, 1])
    Z = np.array([[1000.0]])
    A, wrong = structure.output(Z), np.array([[0.0]])
    assert steps.compute_cost(A, wrong, structure, Z=Z) == 1000.0
    assert steps.compute_cost(A, wrong, structure) == pytest.approx(30 * np.log(10))


def test_update_is_gradient_descent_and_changes_no_argument() -> None:
    """θ := θ − α dθ."""
    gradients = {f"d{name}": np.ones_like(value) for name, value in PARAMETERS.items()}
    before = {name: value.copy() for name, value in PARAMETERS.items()}
    after = steps.update_parameters(PARAMETERS, gradients, 0.5)
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value - 0.5)
        np.testing.assert_array_equal(PARAMETERS[name], value)


def test_dropout_masks_keep_the_mean() -> None:
    """A share p is dropped, the rest divided by 1 − p; only layers with dropout have a mask."""
    structure = Structure([2, 400, 3, 1], dropout=[0.3, 0.0])
    masks = steps.dropout_masks(structure, 500, draw_key(np.random.default_rng(0)))
    assert set(masks) == {"D1"}
    assert set(np.unique(masks["D1"])) == {0.0, 1 / 0.7}
    assert masks["D1"].mean() == pytest.approx(1, abs=0.01)  # 200,000 draws: 7 sigma


def test_batches_hold_every_row_once() -> None:
    """Shuffled together, the last one shorter; or dropped where that is wanted."""
    rows = np.arange(10)
    batches = list(steps.batch_generator(rows, rows * 2, batch_size=4, random_state=0))
    assert [len(x) for x, _ in batches] == [4, 4, 2]
    assert sorted(np.concatenate([x for x, _ in batches])) == list(range(10))
    assert all((y == 2 * x).all() for x, y in batches)
    dropped = list(steps.batch_generator(rows, batch_size=4, drop_last=True, random_state=0))
    assert [len(x) for (x,) in dropped] == [4, 4]
    only = list(steps.batch_generator(rows, batch_size=99, drop_last=True))
    assert [len(x) for (x,) in only] == [10]
    in_order = list(steps.batch_generator(rows, batch_size=4, shuffle=False))
    assert np.concatenate([x for (x,) in in_order]).tolist() == rows.tolist()


def test_batches_follow_the_legacy_stream() -> None:
    """One shuffle of arange(m) an epoch, as the lecture has it."""
    ours, theirs = np.random.RandomState(5), np.random.RandomState(5)
    for _ in range(3):
        (batch,) = steps.batch_generator(np.arange(20), batch_size=20, random_state=ours)
        order = np.arange(20)
        theirs.shuffle(order)
        np.testing.assert_array_equal(batch[0], order)


def test_predict_decides_as_its_loss_asks() -> None:
    """1 where A > 0.5; the class with the largest A; or A itself."""
    binary, classes = Structure([3, 2], loss="binary_cross_entropy"), Structure([3, 4])
    for structure in (binary, classes, STRUCTURE):
        parameters = steps.initialize_parameters(structure, random_state=0)
        A, _ = steps.forward_propagation(X, parameters, structure)
        prediction = steps.predict(X, parameters, structure)
        expected = {
            "binary_cross_entropy": (A > 0.5).astype(int),
            "categorical_cross_entropy": A.argmax(axis=1, keepdims=True),
            "mean_squared_error": A,
        }[structure.loss.name]
        np.testing.assert_array_equal(prediction, expected)


@pytest.mark.parametrize(("kind", "axis"), [("batch", 0), ("layer", 1)])
def test_normalised_sums_have_mean_0_and_variance_1(kind: str, axis: int) -> None:
    """Over the examples for "batch", over the units for "layer"."""
    structure = Structure([3, 50, 1], normalization=kind)
    parameters = steps.initialize_parameters(structure, random_state=0)
    _, cache = steps.forward_propagation(X * 10, parameters, structure)
    np.testing.assert_allclose(cache["U1"].mean(axis=axis), 0, atol=1e-12)
    np.testing.assert_allclose(cache["U1"].std(axis=axis), 1, rtol=1e-4)  # ε = 1e-5 below the root


def test_float32_stays_float32() -> None:
    """Through forward, backward and update, with dropout, normalisation and weights."""
    structure = Structure([3, 4, 2], normalization="batch", dropout=0.5, hidden="gelu")
    parameters = steps.initialize_parameters(structure, 0, dtype=np.float32)
    masks = steps.dropout_masks(structure, 6, draw_key(np.random.default_rng(0)), 0, np.float32)
    x, w = X.astype(np.float32), np.ones((6, 1), np.float32)
    _, cache = steps.forward_propagation(x, parameters, structure, masks=masks)
    gradients = steps.backward_propagation(
        parameters,
        cache,
        np.array([[0], [1], [0], [1], [1], [0]]),
        structure,
        sample_weight=w,
        penalty=Penalty(l2=0.1, l1=0.1),
    )
    after = steps.update_parameters(parameters, gradients, 0.1)
    kinds = {array.dtype for group in (cache, gradients, after) for array in group.values()}
    assert kinds == {np.dtype(np.float32)}
