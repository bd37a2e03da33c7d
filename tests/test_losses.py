"""Losses: right values, stable for huge logits, slopes and short forms that agree, weights."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest

from chainrule.activations import ACTIVATIONS
from chainrule.loss import Loss, mean_over_examples, one_hot
from chainrule.losses import LOSSES, Huber, Pinball
from tests.duck import Duck

PAIRED = [loss for loss in LOSSES.values() if loss.from_z is not None]


def by_name(value: Any) -> str:
    return value.name if isinstance(value, Loss) else str(value)


@pytest.mark.parametrize(
    ("loss", "a", "y", "value"),
    [
        (LOSSES["binary_cross_entropy"], 0.8, 1.0, -math.log(0.8)),
        (LOSSES["binary_cross_entropy"], 0.8, 0.0, -math.log(0.2)),
        (LOSSES["binary_cross_entropy"], 0.8, 0.5, -0.5 * math.log(0.8) - 0.5 * math.log(0.2)),
        (LOSSES["categorical_cross_entropy"], 0.25, 1.0, math.log(4)),
        (LOSSES["mean_squared_error"], 3.0, 1.0, 2.0),
        (LOSSES["mean_absolute_error"], 3.0, 1.0, 2.0),
        (Huber(1.0), 1.5, 1.0, 0.125),
        (Huber(1.0), 4.0, 1.0, 2.5),
        (Huber(2.0), 4.0, 1.0, 4.0),
        (LOSSES["poisson_deviance"], 2.0, 3.0, 3 * math.log(1.5) - 1),
        (LOSSES["poisson_deviance"], 2.0, 0.0, 2.0),
        (Pinball(0.9), 1.0, 3.0, 1.8),
        (Pinball(0.9), 3.0, 1.0, 0.2),
    ],
)
def test_values(loss: Loss, a: float, y: float, value: float) -> None:
    """L(a, y) is what the textbook's formula gives by hand."""
    A, Y = np.array([[a]]), np.array([[y]])
    assert loss.elementwise(A, Y)[0, 0] == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize(
    ("name", "z", "y", "value"),
    [
        ("binary_cross_entropy", [[1000.0]], [[0.0]], 1000.0),
        ("binary_cross_entropy", [[1000.0]], [[1.0]], 0.0),
        ("binary_cross_entropy", [[-1000.0]], [[1.0]], 1000.0),
        ("categorical_cross_entropy", [[1000.0, -1000.0]], [[0.0, 1.0]], 2000.0),
        ("categorical_cross_entropy", [[1000.0, -1000.0]], [[1.0, 0.0]], 0.0),
        ("categorical_cross_entropy", [[1000.0, 1000.0]], [[1.0, 0.0]], math.log(2)),
        ("poisson_deviance", [[-1000.0]], [[1.0]], 999.0),
        ("poisson_deviance", [[-1000.0]], [[0.0]], 0.0),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_of_huge_logits(
    name: str, z: list[list[float]], y: list[list[float]], value: float, dtype: Any
) -> None:
    """At |z| = 1000 the loss from z is finite and right, without an overflow on the way."""
    loss = LOSSES[name]
    assert loss.from_z is not None
    L = loss.from_z(np.array(z, dtype), np.array(y, dtype))
    assert L.dtype == dtype
    assert L.sum() == pytest.approx(value, rel=1e-6)  # float32


@pytest.mark.parametrize("loss", LOSSES.values(), ids=by_name)
@pytest.mark.parametrize("a", [-1000.0, 1000.0])
def test_huge_outputs_are_finite(loss: Loss, a: float) -> None:
    """Value and slope are finite for every output a network can give, however wrong."""
    a = min(max(a, loss.outputs[0]), loss.outputs[1])
    A, Y = np.array([[a]], np.float32), np.array([[1.0]], np.float32)
    assert np.isfinite(loss.elementwise(A, Y)).all()
    assert np.isfinite(loss.backward(A, Y)).all()


@pytest.mark.parametrize("loss", PAIRED, ids=by_name)
def test_short_form_is_the_long_product(loss: Loss) -> None:
    """dZ = A − Y equals dL/da · da/dz, and both ways to the value agree."""
    assert loss.from_z is not None
    assert loss.dZ is not None
    rng = np.random.default_rng(0)
    g = ACTIVATIONS[loss.output]
    Z = rng.normal(size=(20, 4))
    Y = one_hot(rng.integers(0, 4, (20, 1)), 4)
    A = g(Z)
    np.testing.assert_allclose(loss.dZ(A, Y), g.backward(Z, A, loss.backward(A, Y)), atol=1e-13)
    np.testing.assert_allclose(loss.from_z(Z, Y), loss.elementwise(A, Y), atol=1e-13)
    np.testing.assert_array_equal(loss.dZ(A, Y), A - Y)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=by_name)
def test_other_array_types_and_float32(loss: Loss) -> None:
    """Value and slope keep float32, and pass another library's arrays through."""
    A = np.linspace(0.1, 0.9, 12, dtype=np.float32).reshape(3, 4)
    Y = np.eye(4, dtype=np.float32)[:3]
    for formula in (loss.elementwise, loss.backward):
        assert formula(A, Y).dtype == np.float32
        result = formula(Duck(A), Duck(Y))
        assert isinstance(result, Duck)
        np.testing.assert_array_equal(result.array, formula(A, Y))


def test_weights_are_as_good_as_repetition() -> None:
    """An example of weight 3 counts as three examples; weight 0 as none."""
    L = np.arange(8.0).reshape(4, 2)
    w = np.array([[3.0], [1.0], [0.0], [2.0]])
    repeated = np.repeat(L, [3, 1, 0, 2], axis=0)
    assert mean_over_examples(L, w) == pytest.approx(mean_over_examples(repeated), rel=1e-15)


def test_class_numbers_and_rows_are_the_same_targets() -> None:
    """Labels (m,) or (m, 1) stand for rows with a single 1."""
    loss = LOSSES["categorical_cross_entropy"]
    labels = loss.encode([2, 0, 1], 3, np.float64)
    assert labels.tolist() == [[2], [0], [1]]
    assert loss.encode([[2.0], [0.0], [1.0]], 3, np.float64).tolist() == labels.tolist()
    rows = loss.encode([[0, 0, 1], [1, 0, 0], [0, 1, 0]], 3, np.float64)
    np.testing.assert_array_equal(one_hot(labels, 3), rows)


def test_own_loss() -> None:
    """A loss of the user's own is checked, then used like any other."""
    Loss("log_cosh", lambda a, y: np.log(np.cosh(a - y)), lambda a, y: np.tanh(a - y))
    with pytest.raises(ValueError, match=r"slope of loss 'log_cosh' is wrong: at a = .*, y = "):
        Loss("log_cosh", lambda a, y: np.log(np.cosh(a - y)), lambda a, y: np.tanh(y - a))


def test_own_short_form_is_checked() -> None:
    """A dZ that is not the product of the two slopes is refused, and so is a wrong from_z."""
    square: dict[str, Any] = {
        "value": lambda a, y: (a - y) ** 2,
        "slope": lambda a, y: 2 * (a - y),
    }
    with pytest.raises(ValueError, match="dZ of loss 'square' is wrong"):
        Loss("square", **square, from_z=lambda z, y: (z - y) ** 2, dZ=lambda a, y: a - y)
    with pytest.raises(ValueError, match="from_z of loss 'square' is wrong"):
        Loss("square", **square, from_z=lambda z, y: z - y, dZ=lambda a, y: 2 * (a - y))


@pytest.mark.parametrize("loss", [*LOSSES.values(), Huber(0.3)], ids=by_name)
def test_pickling(loss: Loss) -> None:
    """Losses travel between processes."""
    twin = pickle.loads(pickle.dumps(loss))
    A, Y = np.full((2, 2), 0.3), np.eye(2)
    np.testing.assert_array_equal(twin.elementwise(A, Y), loss.elementwise(A, Y))


@pytest.mark.parametrize("loss", LOSSES.values(), ids=by_name)
def test_latex_stands_beside_the_formula(loss: Loss) -> None:
    """Value and slope have LaTeX with balanced braces."""
    for latex in (loss.latex, loss.slope_latex):
        assert latex
        assert latex.count("{") == latex.count("}")
