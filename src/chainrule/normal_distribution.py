"""The standard normal distribution, Φ and its slope φ, in NumPy's notation: GELU's parts."""

from __future__ import annotations

import math

import numpy as np

from chainrule._types import Array

# ½ erfc(x/√2) e^(x²/2) (5 + x) as a polynomial in s = (5 − x)/(5 + x), least power first: a
# Chebyshev interpolation of degree 20, relative error 8e-16 for every x ≥ 0. NumPy has no erf,
# and SciPy's runs neither on every array type nor inside a compiled loop.
_TAIL = (
    0.769193049750063,
    0.6653825028900684,
    0.49530561596999373,
    0.31353315667043613,
    0.16502036616910737,
    0.06911863872545303,
    0.020795066827479357,
    0.002993376574719397,
    -0.0007978696711036696,
    -0.0005448979466789302,
    -5.9374254572626344e-05,
    4.97588940707279e-05,
    1.6676472037663173e-05,
    -3.972040494146394e-06,
    -2.759874941021964e-06,
    3.2349752237852993e-07,
    4.218019214509211e-07,
    -2.982859361326789e-08,
    -5.814075965453212e-08,
    2.3627806826406506e-09,
    5.151491485332322e-09,
)


def normal_cdf(z: Array) -> Array:
    """Φ(z), the probability that a standard normal number is below z; to 1e-15 in float64."""
    x = np.abs(z)
    s = (5 - x) / (5 + x)
    p = s * 0
    for c in _TAIL[::-1]:
        p = p * s + c
    tail = np.exp(-0.5 * x * x) * p / (5 + x)
    return np.where(z < 0, tail, 1 - tail)


def normal_density(z: Array) -> Array:
    """φ(z) = e^(−z²/2) / √2π, the slope of Φ."""
    return np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
