"""Activation functions: each formula g(z) beside its slope g'(z, a), where a = g(z).

A formula is written in NumPy's notation and elementwise, so the same function runs on arrays of
float32 and float64, on scalars, and on any array type that answers NumPy's protocols.
"""

from __future__ import annotations

import math

import numpy as np

from chainrule import _checks
from chainrule._types import Array
from chainrule.activation import Activation
from chainrule.normal_distribution import normal_cdf, normal_density

# ---------------------------------------------------------------------------------------------
# The formulas


def identity(z: Array) -> Array:
    """z itself; the lecture calls it linear."""
    return z


def identity_slope(z: Array, a: Array) -> Array:
    """1."""
    return z * 0 + 1


def sigmoid(z: Array) -> Array:
    """σ(z) = 1 / (1 + e^(−z)), between 0 and 1."""
    # Left of −37 the 1 is below the last digit of 1 + e^(−z), which soon overflows.
    return np.where(z < -37, np.exp(np.minimum(z, 0)), 1 / (1 + np.exp(-np.maximum(z, -37))))


def sigmoid_slope(z: Array, a: Array) -> Array:
    """a (1 − a)."""
    return a * (1 - a)


def tanh(z: Array) -> Array:
    """tanh z, between −1 and 1."""
    return np.tanh(z)


def tanh_slope(z: Array, a: Array) -> Array:
    """1 − a²."""
    return 1 - a * a


def relu(z: Array) -> Array:
    """max(z, 0)."""
    return np.maximum(z, 0)


def relu_slope(z: Array, a: Array) -> Array:
    """1 right of zero, 0 left of it and on it."""
    return np.heaviside(z, 0)


def leaky_relu(z: Array, alpha: float = 0.01) -> Array:
    """z right of zero, α z left of it."""
    return np.where(z > 0, z, alpha * z)


def leaky_relu_slope(z: Array, a: Array, alpha: float = 0.01) -> Array:
    """1 right of zero, α left of it."""
    return alpha + (1 - alpha) * np.heaviside(z, 0)


def elu(z: Array, alpha: float = 1.0) -> Array:
    """z right of zero, α (e^z − 1) left of it."""
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def elu_slope(z: Array, a: Array, alpha: float = 1.0) -> Array:
    """1 right of zero, a + α left of it."""
    return np.where(z > 0, 1, a + alpha)


SELU_ALPHA = 1.6732632423543772848170429916717
SELU_LAMBDA = 1.0507009873554804934193349852946


def selu(z: Array) -> Array:
    """λ times the ELU, with the λ and α that keep mean 0 and variance 1."""
    return SELU_LAMBDA * np.where(z > 0, z, SELU_ALPHA * np.expm1(np.minimum(z, 0)))


def selu_slope(z: Array, a: Array) -> Array:
    """λ right of zero, a + λ α left of it."""
    return np.where(z > 0, SELU_LAMBDA, a + SELU_LAMBDA * SELU_ALPHA)


def softplus(z: Array) -> Array:
    """ln(1 + e^z), a smooth ReLU."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def softplus_slope(z: Array, a: Array) -> Array:
    """σ(z), which is 1 − e^(−a)."""
    return -np.expm1(-a)  # e^a = 1 + e^z, hence σ(z) = 1 − e^(−a)


def gelu(z: Array) -> Array:
    """z Φ(z)."""
    return z * normal_cdf(z)


def gelu_slope(z: Array, a: Array) -> Array:
    """Φ(z) + z φ(z)."""
    return normal_cdf(z) + z * normal_density(z)


def silu(z: Array) -> Array:
    """z σ(z), also called swish."""
    return z * sigmoid(z)


def silu_slope(z: Array, a: Array) -> Array:
    """σ(z) + a (1 − σ(z))."""
    s = sigmoid(z)
    return s + a * (1 - s)


def mish(z: Array) -> Array:
    """z tanh(ln(1 + e^z))."""
    return z * np.tanh(softplus(z))


def mish_slope(z: Array, a: Array) -> Array:
    """t + z (1 − t²) σ(z), with t = tanh(ln(1 + e^z))."""
    t = np.tanh(softplus(z))
    return t + z * (1 - t * t) * sigmoid(z)


def exponential(z: Array) -> Array:
    """e^z: a rate that is never negative, for counts."""
    return np.exp(z)


def exponential_slope(z: Array, a: Array) -> Array:
    """a."""
    return a


def softmax(z: Array) -> Array:
    """e^z / Σ e^z over the units of a row: shares that sum to 1."""
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))  # shifted, so that no z overflows
    return e / np.sum(e, axis=-1, keepdims=True)


def softmax_vjp(z: Array, a: Array, da: Array) -> Array:
    """dL/dz = a ∘ (dL/da − Σ dL/da ∘ a), row by row."""
    return a * (da - np.sum(da * a, axis=-1, keepdims=True))


# ---------------------------------------------------------------------------------------------
# The formulas as data


def LeakyReLU(alpha: float = 0.01) -> Activation:
    """Leaky ReLU with slope `alpha` left of zero (default 0.01).

    Raises ValueError unless `alpha` is in [0, 1]. Source: Maas, Hannun & Ng (2013),
    *Rectifier nonlinearities improve neural network acoustic models*, equation 2.
    """
    return Activation(
        "leaky_relu",
        leaky_relu,
        leaky_relu_slope,
        constants={"alpha": _checks.check_number("alpha", alpha, low=0, high=1)},
        kinks=(0.0,),
        latex=r"\max(z, 0) + \alpha \min(z, 0)",
        slope_latex=r"1 \text{ if } z > 0 \text{ else } \alpha",
    )


def ELU(alpha: float = 1.0) -> Activation:
    """Exponential linear unit, which tends to −`alpha` (default 1) far left of zero.

    Raises ValueError unless `alpha` is at least 0. Source: Clevert, Unterthiner & Hochreiter
    (2016), arXiv:1511.07289, equation 15.
    """
    alpha = _checks.check_number("alpha", alpha, low=0)
    return Activation(
        "elu",
        elu,
        elu_slope,
        constants={"alpha": alpha},
        kinks=() if alpha == 1 else (0.0,),
        range=(-alpha, math.inf),
        latex=r"z \text{ if } z > 0 \text{ else } \alpha (e^z - 1)",
        slope_latex=r"1 \text{ if } z > 0 \text{ else } a + \alpha",
    )


_ALL = (
    Activation("identity", identity, identity_slope, latex="z", slope_latex="1"),
    Activation(
        "sigmoid",
        sigmoid,
        sigmoid_slope,
        range=(0, 1),
        latex=r"\sigma(z) = \frac{1}{1 + e^{-z}}",
        slope_latex=r"a (1 - a)",
    ),
    Activation("tanh", tanh, tanh_slope, range=(-1, 1), latex=r"\tanh z", slope_latex=r"1 - a^2"),
    Activation(
        "relu",
        relu,
        relu_slope,
        kinks=(0.0,),
        range=(0, math.inf),
        latex=r"\max(z, 0)",
        slope_latex=r"1 \text{ if } z > 0 \text{ else } 0",
    ),
    LeakyReLU(),
    ELU(),
    Activation(  # Klambauer et al. (2017), arXiv:1706.02515, equation 2
        "selu",
        selu,
        selu_slope,
        kinks=(0.0,),
        range=(-SELU_LAMBDA * SELU_ALPHA, math.inf),
        latex=r"\lambda z \text{ if } z > 0 \text{ else } \lambda \alpha (e^z - 1)",
        slope_latex=r"\lambda \text{ if } z > 0 \text{ else } a + \lambda \alpha",
    ),
    Activation(  # Dugas et al. (2001), NeurIPS 13, equation 3
        "softplus",
        softplus,
        softplus_slope,
        range=(0, math.inf),
        latex=r"\ln(1 + e^z)",
        slope_latex=r"\sigma(z) = 1 - e^{-a}",
    ),
    Activation(  # Hendrycks & Gimpel (2016), arXiv:1606.08415, section 2; Φ exact, not by tanh
        "gelu",
        gelu,
        gelu_slope,
        latex=r"z\, \Phi(z)",
        slope_latex=r"\Phi(z) + z\, \varphi(z)",
    ),
    Activation(  # Elfwing, Uchibe & Doya (2018), arXiv:1702.03118, equation 5
        "silu",
        silu,
        silu_slope,
        latex=r"z\, \sigma(z)",
        slope_latex=r"\sigma(z) + a (1 - \sigma(z))",
    ),
    Activation(  # Misra (2019), arXiv:1908.08681, equation 1
        "mish",
        mish,
        mish_slope,
        latex=r"z \tanh(\ln(1 + e^z))",
        slope_latex=r"t + z (1 - t^2)\, \sigma(z), \quad t = \tanh(\ln(1 + e^z))",
    ),
    Activation(
        "exponential",
        exponential,
        exponential_slope,
        range=(0, math.inf),
        latex="e^z",
        slope_latex="a",
    ),
    Activation(
        "softmax",
        softmax,
        vjp=softmax_vjp,
        range=(0, 1),
        latex=r"\frac{e^{z_k}}{\sum_j e^{z_j}}",
        slope_latex=r"\frac{\partial L}{\partial z_k} = a_k \left(\frac{\partial L}{\partial a_k}"
        r" - \sum_j \frac{\partial L}{\partial a_j} a_j\right)",
    ),
)

ACTIVATIONS: dict[str, Activation] = {activation.name: activation for activation in _ALL}
ACTIVATIONS["linear"] = ACTIVATIONS["identity"]
ACTIVATIONS["swish"] = ACTIVATIONS["silu"]


def get_activation(activation: str | Activation, argument: str = "activation") -> Activation:
    """Return the activation of this name, or the activation itself.

    A name that begins with an equals sign is a typed formula, such as ``=z*tanh(z)``:
    :func:`~chainrule.formula_text.activation_from_formula` says what it may have.

    Raises ValueError for a name that is not in `ACTIVATIONS`, and for a formula that can't be
    one, TypeError for another type; all call it `argument`.
    """
    if isinstance(activation, str) and activation.lstrip().startswith("="):
        from chainrule.formula_text import activation_from_formula  # is made of what is above

        return activation_from_formula(activation, argument)
    return _checks.look_up(argument, activation, ACTIVATIONS, Activation)
