"""The slope of a function by a difference quotient: what every written slope is held against."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from chainrule._types import Array


def central_difference(f: Callable[[Array], Array], x: Array, step: float = 1e-3) -> Array:
    """Slope of an elementwise `f` at `x`, by the five-point central difference.

    Parameters
    ----------
    f : callable
        An elementwise function of one array.
    x : array
        Where the slope is wanted; any shape.
    step : float, default 1e-3
        Distance h between the points, relative to max(1, abs(x)). The error of the formula is
        h⁴ f⁽⁵⁾(x) / 30 and that of rounding about 1e-16 / h, so 1e-3 leaves some 1e-13.

    Returns
    -------
    array of float64
        (f(x−2h) − 8 f(x−h) + 8 f(x+h) − f(x+2h)) / 12h, of the shape of `x`.

    References
    ----------
    Abramowitz & Stegun, *Handbook of Mathematical Functions*, 25.3.6.
    """
    x = np.asarray(x, dtype=np.float64)
    h = step * np.maximum(1, np.abs(x))
    return (f(x - 2 * h) - 8 * f(x - h) + 8 * f(x + h) - f(x + 2 * h)) / (12 * h)


class WrongSlope(NamedTuple):
    """Where a written slope differs most from the finite difference, and both values."""

    place: tuple[int, ...]
    x: float
    given: float
    measured: float


def worst_slope(f: Callable[[Array], Array], x: Array, given: Array) -> WrongSlope | None:
    """Hold a written slope against the finite difference of `f`.

    Parameters
    ----------
    f : callable
        An elementwise function of one array.
    x, given : array
        The points, and the slope of `f` that somebody wrote for them.

    Returns
    -------
    WrongSlope or None
        The worst point if one is off by more than 1e-7 relative to max(1, abs(slope)), else
        None. Points where `f` is not finite are left out; if it is finite nowhere, the first.
    """
    given = np.broadcast_to(np.asarray(given, dtype=np.float64), np.shape(x))
    measured = central_difference(f, x)
    # Near a kink the wide stencil reaches over it; a narrow one, right to 1e-10, does not.
    closer = central_difference(f, x, step=1e-5)
    error = np.minimum(np.abs(given - measured), np.abs(given - closer))
    error = error / np.maximum(1, np.abs(measured))
    defined = np.isfinite(measured)
    error = np.where(defined, np.where(np.isfinite(given), error, math.inf), 0)
    if not defined.any():
        error = np.full(np.shape(x), math.inf)
    # 1e-7: the quotient is right to about 1e-12, and a wrong term is off by far more.
    if not error.max() > 1e-7:
        return None
    worst = tuple(int(i) for i in np.unravel_index(int(error.argmax()), error.shape))
    return WrongSlope(worst, float(x[worst]), float(given[worst]), float(measured[worst]))
