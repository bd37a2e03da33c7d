"""Activation functions: each formula g(z) beside its slope g'(z, a), where a = g(z).

A formula is written in NumPy's notation and elementwise, so the same function runs on arrays of
float32 and float64, on scalars, and on any array type that answers NumPy's protocols.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from chainrule import _checks
from chainrule._types import Array
from chainrule.finite_differences import central_difference, worst_slope
from chainrule.normal_distribution import normal_cdf, normal_density

# ---------------------------------------------------------------------------------------------
# The formulas


def identity(z: Array) -> Array:
    return z


def identity_slope(z: Array, a: Array) -> Array:
    return z * 0 + 1


def sigmoid(z: Array) -> Array:
    # Left of −37 the 1 is below the last digit of 1 + e^(−z), which soon overflows.
    return np.where(z < -37, np.exp(np.minimum(z, 0)), 1 / (1 + np.exp(-np.maximum(z, -37))))


def sigmoid_slope(z: Array, a: Array) -> Array:
    return a * (1 - a)


def tanh(z: Array) -> Array:
    return np.tanh(z)


def tanh_slope(z: Array, a: Array) -> Array:
    return 1 - a * a


def relu(z: Array) -> Array:
    return np.maximum(z, 0)


def relu_slope(z: Array, a: Array) -> Array:
    return np.heaviside(z, 0)


def leaky_relu(z: Array, alpha: float = 0.01) -> Array:
    return np.where(z > 0, z, alpha * z)


def leaky_relu_slope(z: Array, a: Array, alpha: float = 0.01) -> Array:
    return alpha + (1 - alpha) * np.heaviside(z, 0)


def elu(z: Array, alpha: float = 1.0) -> Array:
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def elu_slope(z: Array, a: Array, alpha: float = 1.0) -> Array:
    return np.where(z > 0, 1, a + alpha)


SELU_ALPHA = 1.6732632423543772848170429916717
SELU_LAMBDA = 1.0507009873554804934193349852946


def selu(z: Array) -> Array:
    return SELU_LAMBDA * np.where(z > 0, z, SELU_ALPHA * np.expm1(np.minimum(z, 0)))


def selu_slope(z: Array, a: Array) -> Array:
    return np.where(z > 0, SELU_LAMBDA, a + SELU_LAMBDA * SELU_ALPHA)


def softplus(z: Array) -> Array:
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def softplus_slope(z: Array, a: Array) -> Array:
    return -np.expm1(-a)  # e^a = 1 + e^z, hence σ(z) = 1 − e^(−a)


def gelu(z: Array) -> Array:
    return z * normal_cdf(z)


def gelu_slope(z: Array, a: Array) -> Array:
    return normal_cdf(z) + z * normal_density(z)


def silu(z: Array) -> Array:
    return z * sigmoid(z)


def silu_slope(z: Array, a: Array) -> Array:
    s = sigmoid(z)
    return s + a * (1 - s)


def mish(z: Array) -> Array:
    return z * np.tanh(softplus(z))


def mish_slope(z: Array, a: Array) -> Array:
    t = np.tanh(softplus(z))
    return t + z * (1 - t * t) * sigmoid(z)


def exponential(z: Array) -> Array:
    return np.exp(z)


def exponential_slope(z: Array, a: Array) -> Array:
    return a


def softmax(z: Array) -> Array:
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))  # shifted, so that no z overflows
    return e / np.sum(e, axis=-1, keepdims=True)


def softmax_vjp(z: Array, a: Array, da: Array) -> Array:
    return a * (da - np.sum(da * a, axis=-1, keepdims=True))


# ---------------------------------------------------------------------------------------------
# The formulas as data


@dataclass(frozen=True)
class Activation:
    """An activation function: a = g(z), and its slope g'(z, a).

    Call it for its value, ``activation(z)``, and `slope_at` for its slope: its fields `g` and
    `slope` are the formulas as they were given, which take the constants as further arguments.

    The slope is held against a finite difference of `g` when the activation is made, on 97
    points between −6 and 6; points at which `g` is not finite, and neighbourhoods of `kinks`,
    are left out.

    Parameters
    ----------
    name : str
        What the activation is called in tables and errors.
    g : callable
        ``g(z, *constants) -> a``, elementwise on an array of any shape.
    slope : callable, optional
        ``slope(z, a, *constants) -> da/dz``, elementwise, with ``a = g(z)`` given beside z
        because many slopes are shorter in a.
    constants : mapping of str to float, optional
        Further arguments of `g` and `slope`, in their order, such as ``{"alpha": 1.0}``.
    vjp : callable, optional
        For a function that is not elementwise, in place of `slope`: the vector-Jacobian product
        ``vjp(z, a, da, *constants) -> dz`` over rows of shape (m, n).
    numerical_slope : bool, default False
        Take the slope by a finite difference of `g` in float64, where none is given. It costs
        four more evaluations of `g`, and is wrong within 0.2 % of abs(z) of a kink.
    kinks : tuple of float, optional
        The z at which the slope jumps.
    range : (float, float), default (-inf, inf)
        The closed interval in which every a lies; a loss that needs probabilities asks for it.
    latex, slope_latex : str, optional
        The two formulas in LaTeX, in z and a.

    Raises
    ------
    ValueError
        If the slope differs from the finite difference (the message says at which z, and gives
        both values), if `g` changes the shape of its argument, or if neither `slope` nor `vjp`
        nor ``numerical_slope=True`` is given.
    TypeError
        If `g`, `slope` or `vjp` is not callable.

    Examples
    --------
    >>> import numpy as np
    >>> bent = Activation("bent", lambda z: (np.sqrt(z * z + 1) - 1) / 2 + z,
    ...                   lambda z, a: z / (2 * np.sqrt(z * z + 1)) + 1)
    >>> bent(0.0)
    np.float64(0.0)
    """

    name: str
    g: Callable[..., Array]
    slope: Callable[..., Array] | None = None
    constants: Mapping[str, float] = field(default_factory=dict)
    vjp: Callable[..., Array] | None = None
    numerical_slope: bool = False
    kinks: tuple[float, ...] = ()
    range: tuple[float, float] = (-math.inf, math.inf)
    latex: str = ""
    slope_latex: str = ""

    def __post_init__(self) -> None:
        for argument in ("g", "slope", "vjp"):
            value = getattr(self, argument)
            if not (callable(value) or (value is None and argument != "g")):
                raise TypeError(f"{argument} of activation {self.name!r} must be a function")
        if self.vjp is not None:
            self._check_vjp()
        elif self.slope is not None:
            self._check_slope()
        elif not self.numerical_slope:
            raise ValueError(
                f"activation {self.name!r} has no slope; give slope=g'(z, a), or ask for a "
                f"finite difference with numerical_slope=True"
            )

    def __call__(self, z: Array) -> Array:
        """Return a = g(z), of the shape and type of `z`."""
        return self.g(z, *self.constants.values())

    def slope_at(self, z: Array, a: Array) -> Array:
        """Return da/dz at z, where a = g(z); of an elementwise activation."""
        if self.slope is not None:
            return self.slope(z, a, *self.constants.values())
        return np.asarray(central_difference(self, z), dtype=np.asarray(a).dtype)

    def backward(self, z: Array, a: Array, da: Array) -> Array:
        """Return dL/dz from dL/da, both of the shape of `z`: the chain rule at this node."""
        if self.vjp is not None:
            return self.vjp(z, a, da, *self.constants.values())
        return da * self.slope_at(z, a)

    def _check_slope(self) -> None:
        z = np.linspace(-6, 6, 97) + 0.0137  # off the round numbers, where kinks lie
        for kink in self.kinks:
            z = z[np.abs(z - kink) > 0.02]
        with np.errstate(all="ignore"):
            a = self(z)
            if np.shape(a) != z.shape:
                raise ValueError(
                    f"g of activation {self.name!r} must be elementwise: it made shape "
                    f"{np.shape(a)} of {z.shape}; give vjp= for a function that is not"
                )
            wrong = worst_slope(self, z, self.backward(z, a, np.ones_like(z)))
        if wrong is not None and math.isnan(wrong.measured):
            raise ValueError(f"g of activation {self.name!r} is not finite anywhere in [-6, 6]")
        if wrong is not None:
            raise ValueError(
                f"slope of activation {self.name!r} is wrong: at z = {wrong.x:.6g} it gives "
                f"{wrong.given:.9g}, the finite difference of g gives {wrong.measured:.9g}"
            )

    def _check_vjp(self) -> None:
        z = np.sin(np.arange(12.0)).reshape(3, 4) * 3
        da = np.cos(np.arange(12.0)).reshape(3, 4)
        a = self(z)
        if np.shape(a) != z.shape:
            raise ValueError(
                f"g of activation {self.name!r} must keep the shape of its argument: it made "
                f"{np.shape(a)} of {z.shape}"
            )
        given = self.backward(z, a, da)
        for i, j in np.ndindex(3, 4):

            def along(t: Array, i: int = i, j: int = j) -> Array:
                moved = z.copy()
                moved[i, j] = t
                return np.sum(self(moved) * da)

            measured = central_difference(along, z[i, j])
            if not abs(given[i, j] - measured) <= 1e-7 * max(1.0, abs(measured)):
                raise ValueError(
                    f"vjp of activation {self.name!r} is wrong: for z = {z[i]} and da = {da[i]} "
                    f"it gives {given[i, j]:.9g} in column {j}, the finite difference of g "
                    f"gives {measured:.9g}"
                )


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

    Raises ValueError for a name that is not in `ACTIVATIONS`, TypeError for another type; both
    call it `argument`.
    """
    return _checks.look_up(argument, activation, ACTIVATIONS, Activation)
