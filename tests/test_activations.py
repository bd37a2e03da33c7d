"""Activations: right values, stable everywhere, on every array type; wrong slopes refused."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

from chainrule.activation import Activation
from chainrule.activations import (
    ACTIVATIONS,
    ELU,
    LeakyReLU,
    get_activation,
    sigmoid,
)
from chainrule.finite_differences import central_difference
from chainrule.normal_distribution import normal_cdf
from tests.duck import Duck

ALL = list({a.name: a for a in [*ACTIVATIONS.values()]}.values())
ELEMENTWISE = [a for a in ALL if a.vjp is None]
Z = np.linspace(-5, 5, 41) + 0.01


def by_name(value: Any) -> str:
    return value.name if isinstance(value, Activation) else str(value)


def test_the_lectures_activations_are_there_by_its_words() -> None:
    """Sigmoid, tanh, softmax, ReLU, ELU(α) and the identity, which the lecture calls linear."""
    assert {"sigmoid", "tanh", "softmax", "relu", "elu", "identity", "linear"} <= set(ACTIVATIONS)
    assert ACTIVATIONS["linear"] is ACTIVATIONS["identity"]
    assert ACTIVATIONS["swish"] is ACTIVATIONS["silu"]


@pytest.mark.parametrize(
    ("name", "z", "a"),
    [  # by hand, or computed with 30 digits
        ("sigmoid", 2.0, 0.880797077977882444),
        ("tanh", 0.5, 0.462117157260009758),
        ("relu", -3.0, 0.0),
        ("leaky_relu", -3.0, -0.03),
        ("elu", -1.0, -0.632120558828557678),
        ("selu", -1.0, -1.111330737812562744),
        ("softplus", 1.0, 1.313261687518222835),
        ("gelu", 1.0, 0.841344746068542949),
        ("silu", 1.0, 0.731058578630004879),
        ("mish", 1.0, 0.865098388267310346),
        ("exponential", 2.0, 7.389056098930650227),
    ],
)
def test_values(name: str, z: float, a: float) -> None:
    """g(z) is the textbook's number, to the rounding of a few operations."""
    assert ACTIVATIONS[name](z) == pytest.approx(a, rel=1e-14, abs=1e-15)


@pytest.mark.parametrize("g", ELEMENTWISE, ids=by_name)
def test_slope_is_that_of_a_finite_difference(g: Activation) -> None:
    """Away from its kinks, to 1e-10: the five-point quotient is right to some 1e-12."""
    z = Z[[min([abs(x - k) for k in g.kinks], default=1) > 0.02 for x in Z]]
    np.testing.assert_allclose(
        g.backward(z, g(z), np.ones_like(z)), central_difference(g, z), rtol=1e-10, atol=1e-10
    )


@pytest.mark.parametrize("g", ALL, ids=by_name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_types_are_kept(g: Activation, dtype: type[np.floating[Any]]) -> None:
    """Value and slope of float32 are float32: nothing is silently widened."""
    z = Z.reshape(1, -1).astype(dtype)
    a = g(z)
    assert a.dtype == dtype
    assert g.backward(z, a, np.ones_like(z)).dtype == dtype
    wide = z.astype(np.float64)
    eps = float(np.finfo(dtype).eps)  # some ten roundings, of numbers up to e⁵
    np.testing.assert_allclose(a, g(wide), rtol=16 * eps, atol=16 * eps)


@pytest.mark.parametrize("g", ALL, ids=by_name)
def test_other_array_types(g: Activation) -> None:
    """The formulas use NumPy's protocols alone, so another library's arrays pass through."""
    z = Duck(Z.reshape(1, -1))
    a = g(z)
    assert isinstance(a, Duck)
    np.testing.assert_array_equal(a.array, g(Z.reshape(1, -1)))
    dz = g.backward(z, a, Duck(np.ones((1, Z.size))))
    assert isinstance(dz, Duck)


@pytest.mark.parametrize("g", ELEMENTWISE, ids=by_name)
def test_scalars(g: Activation) -> None:
    """A Python number is as good as an array."""
    for z in (-1.5, 0.0, 2.0):
        assert float(g(z)) == g(np.array([z]))[0]
        assert (
            float(g.backward(z, g(z), 1.0))
            == g.backward(np.array([z]), g(np.array([z])), np.ones(1))[0]
        )


@pytest.mark.parametrize("g", [a for a in ALL if a.name != "exponential"], ids=by_name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_sums_are_finite(g: Activation, dtype: type[np.floating[Any]]) -> None:
    """At |z| = 1000 value and slope are finite, and nothing overflows on the way."""
    z = np.array([[-1000.0, 1000.0, 0.0, -50.0, 50.0]], dtype=dtype)
    a = g(z)
    assert np.isfinite(a).all()
    assert np.isfinite(g.backward(z, a, np.ones_like(z))).all()


@pytest.mark.parametrize("g", ALL, ids=by_name)
def test_nan_is_not_hidden(g: Activation) -> None:
    """A NaN comes out as a NaN, so that it can be reported."""
    assert np.isnan(g(np.array([[np.nan, 1.0]]))).any()


@pytest.mark.parametrize("g", ALL, ids=by_name)
def test_range_holds(g: Activation) -> None:
    """Every value lies in the interval that the activation promises."""
    a = g(np.linspace(-30, 30, 401).reshape(1, -1))
    assert a.min() >= g.range[0]
    assert a.max() <= g.range[1]


@pytest.mark.parametrize("g", ALL, ids=by_name)
def test_latex_stands_beside_the_formula(g: Activation) -> None:
    """Value and slope have LaTeX with balanced braces."""
    for latex in (g.latex, g.slope_latex):
        assert latex
        assert latex.count("{") == latex.count("}")


@given(st.floats(-745, 1000))
def test_sigmoid_is_right_to_the_last_digits(z: float) -> None:
    """Also in the tail, where 1 + e^(−z) has no room for the 1: some 4 roundings."""
    expected = 1 / (1 + math.exp(-z)) if z > -700 else math.exp(z)
    assert float(sigmoid(z)) == pytest.approx(expected, rel=1e-15, abs=1e-323)


@given(st.floats(-37, 37))
def test_normal_cdf_is_that_of_scipy(z: float) -> None:
    """Φ to 1e-15 absolute; relative in the tail to the rounding of z² in e^(−z²/2), 700 eps."""
    assert float(normal_cdf(z)) == pytest.approx(scipy.special.ndtr(z), rel=1e-12, abs=0)
    assert abs(float(normal_cdf(z)) - scipy.special.ndtr(z)) < 1e-15


def test_softmax_rows_sum_to_one_and_do_not_mind_a_shift() -> None:
    """Σ a = 1, and adding a constant to z changes nothing."""
    z = np.array([[1.0, 2.0, 3.0], [1000.0, 0.0, -1000.0]])
    a = ACTIVATIONS["softmax"](z)
    np.testing.assert_allclose(a.sum(axis=1), 1, rtol=1e-15)
    np.testing.assert_allclose(ACTIVATIONS["softmax"](z[:1] + 7), a[:1], rtol=1e-14)


def test_constants_change_the_formula() -> None:
    """ELU(α) tends to −α; leaky ReLU has slope α on the left."""
    assert float(ELU(0.3)(-50.0)) == pytest.approx(-0.3)
    assert float(LeakyReLU(0.2)(-10.0)) == -2.0


def test_own_activation_with_a_right_slope() -> None:
    """A formula of the user's own is checked, then used like any other."""
    bent = Activation("bent", lambda z: z + z**3, lambda z, a: 1 + 3 * z**2)
    assert bent(2.0) == 10.0
    assert bent.backward(2.0, 10.0, 0.5) == 6.5
    assert get_activation(bent) is bent


def test_own_activation_with_a_wrong_slope_is_refused() -> None:
    """The message names the worst z, what the slope gives and what is right."""
    with pytest.raises(ValueError, match="slope of activation 'bent' is wrong") as error:
        Activation("bent", lambda z: z**3, lambda z, a: 3 * z**2 + (z > 3))
    z, given_, measured = (
        float(str(error.value).split(before)[1].split()[0].rstrip(","))
        for before in ("at z = ", "it gives ", "g gives ")
    )
    assert z > 3
    assert given_ == pytest.approx(3 * z**2 + 1, rel=1e-4)  # z is printed with six digits
    assert measured == pytest.approx(3 * z**2, rel=1e-4)


def test_slightly_wrong_slope_is_refused() -> None:
    """A factor wrong in the sixth digit is noticed."""
    with pytest.raises(ValueError, match="is wrong"):
        Activation("tanh", np.tanh, lambda z, a: (1 - a * a) * 1.000001)


def test_a_kink_nobody_named_is_no_wrong_slope() -> None:
    """A right slope with a jump passes without `kinks`, wherever the jump is."""
    for c in np.linspace(-3, 3, 25):
        Activation(
            "hinge", lambda z, c=c: np.maximum(z - c, 0), lambda z, a, c=c: np.heaviside(z - c, 0)
        )


def test_own_activation_defined_on_a_part_only() -> None:
    """Where g is not finite, its slope is not looked at."""
    root = Activation("root", np.sqrt, lambda z, a: 0.5 / a)
    assert root(4.0) == 2.0


def test_slope_by_finite_difference_is_opt_in() -> None:
    """Without a slope it is an error; with numerical_slope=True the difference is the slope."""
    with pytest.raises(ValueError, match="numerical_slope=True"):
        Activation("cube", lambda z: z**3)
    cube = Activation("cube", lambda z: z**3, numerical_slope=True)
    z = np.array([[1.5, -2.0]], dtype=np.float32)
    dz = cube.backward(z, cube(z), np.ones_like(z))
    assert dz.dtype == np.float32
    np.testing.assert_allclose(dz, 3 * z**2, rtol=1e-6)  # float32


def test_own_activation_over_rows() -> None:
    """A function that is not elementwise gives its vector-Jacobian product, which is checked."""
    centre = Activation(
        "centre",
        lambda z: z - z.mean(axis=-1, keepdims=True),
        vjp=lambda z, a, da: da - da.mean(axis=-1, keepdims=True),
    )
    assert centre(np.array([[1.0, 3.0]])).tolist() == [[-1.0, 1.0]]
    with pytest.raises(ValueError, match="vjp of activation 'centre' is wrong"):
        Activation("centre", lambda z: z - z.mean(axis=-1, keepdims=True), vjp=lambda z, a, da: da)


@pytest.mark.parametrize("g", [*ALL, ELU(0.5)], ids=by_name)
def test_pickling(g: Activation) -> None:
    """Activations travel between processes."""
    twin = pickle.loads(pickle.dumps(g))
    z = Z.reshape(1, -1)
    np.testing.assert_array_equal(twin(z), g(z))
