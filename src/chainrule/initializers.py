"""Initialisers: how the weights of a layer are drawn before the first step.

Each is ``draw(rng, n_in, n_out) -> W`` of shape (n_in, n_out) in float64, where n_in is the
fan-in, the number of inputs that each unit sums over, and n_out the fan-out.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import TypeAlias

import numpy as np

from chainrule import _checks
from chainrule._types import FloatArray, Generator

Initializer: TypeAlias = Callable[[Generator, int, int], FloatArray]


def zeros(rng: Generator, n_in: int, n_out: int) -> FloatArray:
    """W = 0: every unit of a layer stays the same as its neighbour; to show why not."""
    return np.zeros((n_in, n_out))


def small_normal(rng: Generator, n_in: int, n_out: int) -> FloatArray:
    """W = 0.01 · N(0, 1): the lecture's other rule."""
    return 0.01 * rng.standard_normal((n_in, n_out))


def lecun_normal(rng: Generator, n_in: int, n_out: int) -> FloatArray:
    """W = N(0, 1) / √n_in: the lecture's rule, which keeps the variance of z at that of its inputs.

    LeCun, Bottou, Orr & Müller (1998), *Efficient BackProp*, equation 16.
    """
    return rng.standard_normal((n_in, n_out)) / sqrt(n_in)


def lecun_uniform(rng: Generator, n_in: int, n_out: int) -> FloatArray:
    """W = U(−r, r), r = √(3 / n_in): the same variance as `lecun_normal`."""
    r = sqrt(3 / n_in)
    return rng.uniform(-r, r, (n_in, n_out))


def glorot_normal(rng: Generator, n_in: int, n_out: int) -> FloatArray:
    """W = N(0, 1) · √(2 / (n_in + n_out)): a compromise between the ways forward and back.

    Glorot & Bengio (2010), *Understanding the difficulty of training deep feedforward neural
    networks*, equation 12.
    """
    return rng.standard_normal((n_in, n_out)) * sqrt(2 / (n_in + n_out))


def glorot_uniform(rng: Generator, n_in: int, n_out: int) -> FloatArray:
    """W = U(−r, r), r = √(6 / (n_in + n_out)): Glorot & Bengio (2010), equation 16."""
    r = sqrt(6 / (n_in + n_out))
    return rng.uniform(-r, r, (n_in, n_out))


def he_normal(rng: Generator, n_in: int, n_out: int) -> FloatArray:
    """W = N(0, 1) · √(2 / n_in): for ReLU and its kin, which halve the variance.

    He, Zhang, Ren & Sun (2015), arXiv:1502.01852, equation 10.
    """
    return rng.standard_normal((n_in, n_out)) * sqrt(2 / n_in)


def he_uniform(rng: Generator, n_in: int, n_out: int) -> FloatArray:
    """W = U(−r, r), r = √(6 / n_in): the same variance as `he_normal`."""
    r = sqrt(6 / n_in)
    return rng.uniform(-r, r, (n_in, n_out))


def orthogonal(rng: Generator, n_in: int, n_out: int) -> FloatArray:
    """W with orthonormal columns (rows, where there are more outputs than inputs).

    Saxe, McClelland & Ganguli (2014), arXiv:1312.6120, section 3; uniform over all such
    matrices by the signs of R's diagonal: Mezzadri (2007), arXiv:math-ph/0609050, section 5.
    """
    Q, R = np.linalg.qr(rng.standard_normal((max(n_in, n_out), min(n_in, n_out))))
    Q = Q * np.where(np.diag(R) < 0, -1.0, 1.0)
    return Q if n_in >= n_out else np.ascontiguousarray(Q.T)


INITIALIZERS: dict[str, Initializer] = {
    f.__name__: f
    for f in (
        zeros,
        small_normal,
        lecun_normal,
        lecun_uniform,
        glorot_normal,
        glorot_uniform,
        he_normal,
        he_uniform,
        orthogonal,
    )
}

# These let half of the sum through, or nearly so, and want twice the variance.
_HALVING = {"relu", "leaky_relu", "elu", "gelu", "silu", "mish", "softplus"}


def default_initializer(activation: str) -> Initializer:
    """Return He's rule for the activations that halve the variance, the lecture's for others."""
    return he_normal if activation in _HALVING else lecun_normal


def get_initializer(initializer: str | Initializer) -> Initializer:
    """Return the initialiser of this name, or the function itself.

    Raises ValueError for a name that is not in `INITIALIZERS`, TypeError for another type.
    """
    if callable(initializer):
        return initializer
    return INITIALIZERS[_checks.check_choice("initializer", initializer, INITIALIZERS)]
