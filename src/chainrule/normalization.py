"""Normalisation of a layer's sums, batch-wise or layer-wise, forward beside backward.

Both bring U to mean 0 and variance 1, û = (u − μ) / √(s² + ε), and differ in what they average
over: batch normalisation over the examples, one mean a unit (axis 0); layer normalisation over
the units, one mean an example (axis 1). A gain γ follows, and the layer's own bias takes the
place of the shift β: Z = û ∘ γ + b.

Ioffe & Szegedy (2015), arXiv:1502.03167, algorithm 1 (batch); Ba, Kiros & Hinton (2016),
arXiv:1607.06450, equation 4 (layer).
"""

from __future__ import annotations

import numpy as np

from chainrule._types import Array

# Which axis of U (m, n) each kind averages over.
NORMALIZATIONS = {"batch": 0, "layer": 1}

EPSILON = 1e-5
# How far a running statistic moves towards that of each mini-batch.
MOMENTUM = 0.1


def standardize(U: Array, axis: int) -> tuple[Array, Array, Array]:
    """Return û (m, n), and the mean and variance of U along `axis`, kept as rows or columns."""
    mean = U.mean(axis=axis, keepdims=True)
    variance = ((U - mean) ** 2).mean(axis=axis, keepdims=True)
    # û of a variance that overflowed would be 0, as if U said nothing: it is to be NaN instead
    return standardize_with(U, mean + 0 * variance, variance), mean, variance


def standardize_with(U: Array, mean: Array, variance: Array) -> Array:
    """Return û for a mean and variance that are known, as a trained network has them."""
    return (U - mean) / np.sqrt(variance + EPSILON)


def standardize_backward(dU_hat: Array, U_hat: Array, variance: Array, axis: int) -> Array:
    """Return dL/dU from dL/dû: U acts on û directly, through its mean and through its variance."""
    mean = dU_hat.mean(axis=axis, keepdims=True)
    along = (dU_hat * U_hat).mean(axis=axis, keepdims=True)
    return standardize_backward_with(dU_hat, U_hat, mean, along, variance)


def standardize_backward_with(
    dU_hat: Array, U_hat: Array, mean: Array, along: Array, variance: Array
) -> Array:
    """Return dL/dU where the means of dL/dû, and of dL/dû ∘ û, are known."""
    return (dU_hat - mean - U_hat * along) / np.sqrt(variance + EPSILON)


def update_running(running: Array, batch: Array) -> Array:
    """Return the running statistic after one more mini-batch."""
    return running + MOMENTUM * (batch - running)


def unbiased(variance: Array, m: int) -> Array:
    """Return the variance of a population, estimated from that of `m` examples: · m / (m − 1)."""
    return variance * (m / max(m - 1, 1))
