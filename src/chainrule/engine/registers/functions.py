"""e^x, ln x, tanh and their kin on registers, by the polynomials of the Cephes library.

Moshier, *Cephes Mathematical Library* (1989): exp, log, tanh, and their single-precision forms;
tanh in single precision by the rational function of the Eigen library. Each is written for both
float types, as plain Python that Numba compiles, and is right to a few units in the last place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from chainrule.engine.compilation import OWN, inner
from chainrule.engine.registers.operators import absolute, nearest, select, with_sign_of
from chainrule.engine.registers.types import Register, int_vector, vector

LOG2_E = 1.44269504088896341
INFINITY = math.inf
NAN = math.nan


def _layout(register: Register) -> tuple[int, int, int]:
    """Return how many bits the mantissa has, the bias of the exponent, and the bits of √½."""
    if register.dtype == types.float32:
        return 23, 127, 0x3F3504F3
    return 52, 1023, 0x3FE6A09E667F3BCD


def _whole(register: Register, value: int) -> ir.Constant:
    return ir.Constant(int_vector(register), [value] * register.lanes)


@intrinsic
def times_power_of_two(typing: Any, x: Any, k: Any) -> Any:
    """Emit x · 2^k for whole k, by way of the exponent's bits."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bits, bias, _ = _layout(x)
        exponent = builder.add(builder.fptosi(args[1], int_vector(x)), _whole(x, bias))
        power = builder.bitcast(builder.shl(exponent, _whole(x, bits)), vector(x))
        return builder.fmul(args[0], power)

    return x(x, k), emit


@intrinsic
def exponent_and_mantissa(typing: Any, x: Any) -> Any:
    """Emit (e, m) with x = m · 2^e and m between √½ and √2, for positive x."""
    pair = types.UniTuple(x, 2)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bits, _, root_of_half = _layout(x)
        whole = builder.bitcast(args[0], int_vector(x))
        shift = builder.sub(whole, _whole(x, root_of_half))
        e = builder.ashr(shift, _whole(x, bits))
        m = builder.sub(whole, builder.shl(e, _whole(x, bits)))
        parts = [builder.sitofp(e, vector(x)), builder.bitcast(m, vector(x))]
        return context.make_tuple(builder, pair, parts)

    return pair(x), emit


@inner
def _scaled_exp(x: Any, y: Any, k: Any, low: Any, high: Any) -> Any:
    last = select(k > 100, 1.0, k * 0.0)  # 2^128 has no exponent of its own: 2^127 · 2
    y = times_power_of_two(y, k - last) * (1.0 + last)
    return select(x > high, INFINITY, select(x < low, 0.0, y))


def _exp_single(x: Any) -> Any:
    r = select(x < -87.3, -87.3, select(x > 88.7228, 88.7228, x))
    k = nearest(r * LOG2_E)
    r = r - k * 0.693359375 + k * 2.12194440e-4
    p = 1.9875691500e-4
    p = p * r + 1.3981999507e-3
    p = p * r + 8.3334519073e-3
    p = p * r + 4.1665795894e-2
    p = p * r + 1.6666665459e-1
    p = p * r + 5.0000001201e-1
    return _scaled_exp(x, p * r * r + r + 1.0, k, -87.3, 88.7228)


def _exp_double(x: Any) -> Any:
    r = select(x < -708.0, -708.0, select(x > 709.78, 709.78, x))
    k = nearest(r * LOG2_E)
    r = r - k * 6.93145751953125e-1
    r = r - k * 1.42860682030941723212e-6
    s = r * r
    p = r * ((1.26177193074810590878e-4 * s + 3.02994407707441961300e-2) * s + 1.0)
    q = (3.00198505138664455042e-6 * s + 2.52448340349684104192e-3) * s
    q = (q + 2.27265548208155028766e-1) * s + 2.0
    return _scaled_exp(x, 1.0 + 2.0 * (p / (q - p)), k, -708.0, 709.78)


def _log_single(x: Any) -> Any:
    e, m = exponent_and_mantissa(x)
    m = m - 1.0
    z = m * m
    p = 7.0376836292e-2 * m - 1.1514610310e-1
    p = p * m + 1.1676998740e-1
    p = p * m - 1.2420140846e-1
    p = p * m + 1.4249322787e-1
    p = p * m - 1.6668057665e-1
    p = p * m + 2.0000714765e-1
    p = p * m - 2.4999993993e-1
    p = p * m + 3.3333331174e-1
    y = p * m * z - 2.12194440e-4 * e - 0.5 * z
    return _log_of_edges(x, m + y + 0.693359375 * e)


def _log_double(x: Any) -> Any:
    e, m = exponent_and_mantissa(x)
    m = m - 1.0
    z = m * m
    p = 1.01875663804580931796e-4 * m + 4.97494994976747001425e-1
    p = p * m + 4.70579119878881725854e0
    p = p * m + 1.44989225341610930846e1
    p = p * m + 1.79368678507819816313e1
    p = p * m + 7.70838733755885391666e0
    q = m + 1.12873587189167450590e1
    q = q * m + 4.52279145837532221105e1
    q = q * m + 8.29875266912776603211e1
    q = q * m + 7.11544750618563894466e1
    q = q * m + 2.31251620126765340583e1
    y = m * (z * (p / q)) - e * 2.121944400546905827679e-4 - 0.5 * z
    return _log_of_edges(x, m + y + e * 0.693359375)


@inner
def _log_of_edges(x: Any, y: Any) -> Any:
    y = select(x == 0, -INFINITY, select(x < 0, NAN, y))
    return select(x < INFINITY, y, x)  # ∞ and NaN are their own logarithms


def _tanh_single(x: Any) -> Any:
    r = select(x < -7.90531110763549805, -7.90531110763549805, x)
    r = select(r > 7.90531110763549805, 7.90531110763549805, r)
    s = r * r
    p = -2.76076847742355e-16 * s + 2.00018790482477e-13
    p = p * s - 8.60467152213735e-11
    p = p * s + 5.12229709037114e-08
    p = p * s + 1.48572235717979e-05
    p = p * s + 6.37261928875436e-04
    p = p * s + 4.89352455891786e-03
    q = 1.19825839466702e-06 * s + 1.18534705686654e-04
    q = q * s + 2.26843463243900e-03
    q = q * s + 4.89352518554385e-03
    return r * p / q


def _tanh_double(x: Any) -> Any:
    a, s = absolute(x), x * x
    large = 1.0 - 2.0 / (np.exp(2.0 * a) + 1.0)
    p = -9.64399179425052238628e-1 * s - 9.92877231001918586564e1
    p = p * s - 1.61468768441708447952e3
    q = (s + 1.12811678491632931402e2) * s + 2.23548839060100448583e3
    q = q * s + 4.84406305325125486048e3
    return select(a < 0.625, x + x * s * (p / q), with_sign_of(large, x))


def _expm1(x: Any) -> Any:
    t = np.tanh(0.5 * x)  # e^x − 1 = 2 t / (1 − t): no cancellation near 0
    return select(absolute(x) < 1.0, 2.0 * t / (1.0 - t), np.exp(x) - 1.0)


def _log1p(x: Any) -> Any:
    u = 1.0 + x  # what is lost in it, x − (u − 1), is put back; Higham (2002), section 1.14.1
    return select(u == 1.0, x, select(u < INFINITY, np.log(u) + (x - (u - 1.0)) / u, u))


def _define(
    names: tuple[Any, ...], single: Callable[[Any], Any], double: Callable[[Any], Any]
) -> None:
    def on_registers(x: Any) -> Any:
        if not isinstance(x, Register):
            return None
        return single if x.dtype == types.float32 else double

    for name in names:
        overload(name, strict=False, jit_options=OWN)(on_registers)


_define((np.exp, math.exp), _exp_single, _exp_double)
_define((np.log, math.log), _log_single, _log_double)
_define((np.tanh, math.tanh), _tanh_single, _tanh_double)
_define((np.expm1, math.expm1), _expm1, _expm1)
_define((np.log1p, math.log1p), _log1p, _log1p)
