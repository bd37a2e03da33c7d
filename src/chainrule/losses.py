"""Losses: each value L(a, y) beside its slope dL/da, and its stable short forms.

A loss is elementwise in the output `a` and the target `y`. An example's loss is the sum over its
outputs, the cost J the (weighted) mean over the examples. Where a loss and an output activation
belong together, the value is computed from z, so that it is right at abs(z) = 1000, and the
chain rule's product dL/da · da/dz has the short form dZ = A − Y.
"""

from __future__ import annotations

import math

import numpy as np

from chainrule import _checks
from chainrule._types import Array
from chainrule.loss import Loss

# Below this an output counts as zero in a logarithm: a float32 holds it, and its inverse too.
_TINY = 1e-30

# ---------------------------------------------------------------------------------------------
# The formulas


def binary_cross_entropy(a: Array, y: Array) -> Array:
    """−y ln a − (1 − y) ln(1 − a)."""
    return -y * np.log(np.maximum(a, _TINY)) - (1 - y) * np.log(np.maximum(1 - a, _TINY))


def binary_cross_entropy_slope(a: Array, y: Array) -> Array:
    """−y / a + (1 − y) / (1 − a)."""
    return -y / np.maximum(a, _TINY) + (1 - y) / np.maximum(1 - a, _TINY)


def binary_cross_entropy_from_z(z: Array, y: Array) -> Array:
    """The same for a = σ(z): max(z, 0) − z y + ln(1 + e^(−|z|))."""
    return np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))


def categorical_cross_entropy(a: Array, y: Array) -> Array:
    """−y ln a, to be summed over the classes."""
    return -y * np.log(np.maximum(a, _TINY))


def categorical_cross_entropy_slope(a: Array, y: Array) -> Array:
    """−y / a."""
    return -y / np.maximum(a, _TINY)


def categorical_cross_entropy_from_z(z: Array, y: Array) -> Array:
    """The same for a = softmax(z): y (ln Σ e^z − z)."""
    z = z - np.max(z, axis=-1, keepdims=True)
    return y * (np.log(np.sum(np.exp(z), axis=-1, keepdims=True)) - z)


def mean_squared_error(a: Array, y: Array) -> Array:
    """½ (a − y)²."""
    return 0.5 * (a - y) ** 2


def mean_squared_error_slope(a: Array, y: Array) -> Array:
    """a − y."""
    return a - y


def mean_absolute_error(a: Array, y: Array) -> Array:
    """|a − y|."""
    return np.abs(a - y)


def mean_absolute_error_slope(a: Array, y: Array) -> Array:
    """The sign of a − y."""
    return np.sign(a - y)


def huber(a: Array, y: Array, delta: float = 1.0) -> Array:
    """½ e² while |e| ≤ δ, δ (|e| − ½ δ) beyond, with e = a − y."""
    e = np.abs(a - y)
    q = np.minimum(e, delta)
    return q * (e - 0.5 * q)  # ½e² up to delta, delta (e − ½delta) beyond


def huber_slope(a: Array, y: Array, delta: float = 1.0) -> Array:
    """a − y, kept within ±δ."""
    return np.minimum(np.maximum(a - y, -delta), delta)


def poisson_deviance(a: Array, y: Array) -> Array:
    """y ln(y / a) − y + a."""
    return y * np.log(np.maximum(y, _TINY) / np.maximum(a, _TINY)) - y + a


def poisson_deviance_slope(a: Array, y: Array) -> Array:
    """1 − y / a."""
    return 1 - y / np.maximum(a, _TINY)


def poisson_deviance_from_z(z: Array, y: Array) -> Array:
    """The same for a = e^z: e^z − y z + y ln y − y."""
    return np.exp(z) - y * z + y * np.log(np.maximum(y, _TINY)) - y


def pinball(a: Array, y: Array, quantile: float = 0.5) -> Array:
    """q (y − a) below the target, (1 − q)(a − y) above it."""
    return np.maximum(quantile * (y - a), (quantile - 1) * (y - a))


def pinball_slope(a: Array, y: Array, quantile: float = 0.5) -> Array:
    """−q below the target, 1 − q above it, 0 on it."""
    return np.heaviside(a - y, quantile) - quantile  # 1 − q above the target, −q below, 0 on it


def residual(a: Array, y: Array) -> Array:
    """dL/dz = a − y, wherever loss and output activation belong together."""
    return a - y


# ---------------------------------------------------------------------------------------------
# The formulas as data


def Huber(delta: float = 1.0) -> Loss:
    """Huber's loss: ½e² while the error e = a − y is within ±`delta` (default 1), linear beyond.

    Raises ValueError unless `delta` is greater than 0. Source: Huber (1964), *Robust estimation
    of a location parameter*, Annals of Mathematical Statistics 35, equation 1.3.
    """
    return Loss(
        "huber",
        huber,
        huber_slope,
        constants={"delta": _checks.check_number("delta", delta, low=0, open_low=True)},
        latex=r"\tfrac12 e^2 \text{ if } |e| \le \delta \text{ else }"
        r" \delta (|e| - \tfrac12 \delta), \quad e = a - y",
        slope_latex=r"\min(\max(a - y, -\delta), \delta)",
    )


def Pinball(quantile: float = 0.5) -> Loss:
    """Pinball loss, whose minimum is the `quantile` (default 0.5, the median) of y given x.

    Raises ValueError unless `quantile` is in (0, 1). Source: Koenker & Bassett (1978),
    *Regression quantiles*, Econometrica 46, section 3.
    """
    quantile = _checks.check_number(
        "quantile", quantile, low=0, high=1, open_low=True, open_high=True
    )
    return Loss(
        "pinball",
        pinball,
        pinball_slope,
        constants={"quantile": quantile},
        latex=r"\max(q (y - a), (q - 1)(y - a))",
        slope_latex=r"1 - q \text{ if } a > y \text{ else } -q",
    )


_ALL = (
    Loss(
        "binary_cross_entropy",
        binary_cross_entropy,
        binary_cross_entropy_slope,
        output="sigmoid",
        from_z=binary_cross_entropy_from_z,
        dZ=residual,
        outputs=(0, 1),
        targets=(0, 1),
        latex=r"-y \ln a - (1 - y) \ln(1 - a)",
        slope_latex=r"-\frac{y}{a} + \frac{1 - y}{1 - a}",
    ),
    Loss(
        "categorical_cross_entropy",
        categorical_cross_entropy,
        categorical_cross_entropy_slope,
        output="softmax",
        from_z=categorical_cross_entropy_from_z,
        dZ=residual,
        outputs=(0, 1),
        targets=(0, 1),
        labels=True,
        latex=r"-\sum_k y_k \ln a_k",
        slope_latex=r"-\frac{y_k}{a_k}",
    ),
    Loss(  # with the half, so that dL/da = a − y; scikit-learn's MLP has it too
        "mean_squared_error",
        mean_squared_error,
        mean_squared_error_slope,
        latex=r"\tfrac12 (a - y)^2",
        slope_latex="a - y",
    ),
    Loss(
        "mean_absolute_error",
        mean_absolute_error,
        mean_absolute_error_slope,
        latex="|a - y|",
        slope_latex=r"\mathrm{sign}(a - y)",
    ),
    Huber(),
    Loss(  # half the deviance, so that dZ = A − Y; scikit-learn's MLP has it too
        "poisson_deviance",
        poisson_deviance,
        poisson_deviance_slope,
        output="exponential",
        from_z=poisson_deviance_from_z,
        dZ=residual,
        outputs=(0, math.inf),
        targets=(0, math.inf),
        latex=r"y \ln\frac{y}{a} - y + a",
        slope_latex=r"1 - \frac{y}{a}",
    ),
    Pinball(),
)

LOSSES: dict[str, Loss] = {loss.name: loss for loss in _ALL}


def get_loss(loss: str | Loss) -> Loss:
    """Return the loss of this name, or the loss itself.

    Raises ValueError for a name that is not in `LOSSES`, TypeError for another type.
    """
    return _checks.look_up("loss", loss, LOSSES, Loss)
