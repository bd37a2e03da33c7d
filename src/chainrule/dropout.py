"""Dropout masks from a counter: the same mask for the same key, step and layer, whoever draws it.

The random numbers are a function of where they stand, as in Salmon et al. (2011), "Parallel random
numbers: as easy as 1, 2, 3", SC '11: Threefry-2x32 with 20 rounds, of its section 3.2. So any part
of a mask can be drawn by itself, in any order and on any thread.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule._types import Array, FloatArray, Generator

Key = npt.NDArray[np.uint32]


def draw_key(rng: Generator) -> Key:
    """Draw the key of a training run: two words, shape (2,)."""
    return np.frombuffer(rng.bytes(8), np.uint32)


def threefry(x0: Array, x1: Array, k0: Array, k1: Array) -> tuple[Array, Array]:
    """Return two random words for each pair of counter words x0, x1, and the key words k0, k1.

    All are of 32 bits, and sums wrap around.
    """
    k2 = 0x1BD11BDA ^ k0 ^ k1
    x0, x1 = four_rounds(x0 + k0, x1 + k1, 13, 15, 26, 6)
    x0, x1 = four_rounds(x0 + k1, x1 + k2 + 1, 17, 29, 16, 24)
    x0, x1 = four_rounds(x0 + k2, x1 + k0 + 2, 13, 15, 26, 6)
    x0, x1 = four_rounds(x0 + k0, x1 + k1 + 3, 17, 29, 16, 24)
    x0, x1 = four_rounds(x0 + k1, x1 + k2 + 4, 13, 15, 26, 6)
    return x0 + k2, x1 + k0 + 5


def four_rounds(x0: Array, x1: Array, r: int, s: int, t: int, u: int) -> tuple[Array, Array]:
    """Mix two words four times: add, rotate the second to the left, and combine by xor."""
    x0 = x0 + x1
    x1 = ((x1 << r) | (x1 >> (32 - r))) ^ x0
    x0 = x0 + x1
    x1 = ((x1 << s) | (x1 >> (32 - s))) ^ x0
    x0 = x0 + x1
    x1 = ((x1 << t) | (x1 >> (32 - t))) ^ x0
    x0 = x0 + x1
    x1 = ((x1 << u) | (x1 >> (32 - u))) ^ x0
    return x0, x1


def layer_keys(key: Key, steps: Array, layers: Array) -> Any:
    """Return the key of each step and layer, shape (…, 2): Threefry of their numbers."""
    steps, layers = np.broadcast_arrays(steps, layers)
    k0, k1 = key[:1], key[1:]
    words = threefry(steps.ravel().astype(np.uint32), layers.ravel().astype(np.uint32), k0, k1)
    return np.stack(words, axis=-1).reshape(*steps.shape, 2)


def threshold(rate: float) -> int:
    """Return the least word for which a unit is kept: a share `rate` of all words lies below."""
    return min(round(rate * 2**32), 2**32 - 1)


def dropout_mask(
    key: Key, m: int, units: int, rate: float, dtype: npt.DTypeLike = np.float64
) -> FloatArray:
    """Return the mask (m, units) of a layer's key: 0 with probability `rate`, else 1/(1 − rate).

    Examples 2q and 2q + 1 share a counter (q, unit), and take its first and its second word.
    """
    pairs = np.arange((m + 1) // 2, dtype=np.uint32)[:, None]
    of_pairs = threefry(pairs, np.arange(units, dtype=np.uint32)[None, :], key[:1], key[1:])
    words = np.stack(of_pairs, axis=1).reshape(-1, units)[:m]
    return np.where(words >= threshold(rate), 1 / (1 - rate), 0.0).astype(dtype)
