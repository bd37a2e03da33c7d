"""The most that this machine's multiply-add units do: chains on registers, that need no memory."""

from __future__ import annotations

import ctypes
import time
from functools import cache
from typing import Any

import numpy as np
from numba import types

from chainrule.engine.compilation import kernel
from chainrule.engine.registers import POINTERS, REGISTER_BYTES, load, store
from chainrule.engine.threads import shared_pool

# Independent chains hide the latency of the unit: 4 cycles, and two units.
CHAINS = 10
STEPS = 100_000
LANES = REGISTER_BYTES // 4


def _chains(P: Any, n: Any) -> None:
    x, y = load(P, 0), load(P, 0) * 1e-3
    a, b, c, d, e, f, g, h, i, j = y, y, y, y, y, y, y, y, y, y
    for _ in range(n):
        a, b, c, d, e = a * x + y, b * x + y, c * x + y, d * x + y, e * x + y
        f, g, h, i, j = f * x + y, g * x + y, h * x + y, i * x + y, j * x + y
    store(P, 0, (a + b + c + d + e) + (f + g + h + i + j))


@cache
def _compiled() -> Any:
    signature = types.void(POINTERS[types.float32], types.intp)
    made = kernel(signature, lambda: _chains, "the peak of multiply-add", CHAINS)
    call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_ssize_t)(made.address)
    return call, made  # whose address is valid as long as it is kept


def peak(threads: int) -> float:
    """Return the multiplications and additions a second of so many threads at once, in float32."""
    call, _ = _compiled()
    data = np.full((threads, 16), 0.5, np.float32)
    pool = shared_pool(threads)
    start = time.perf_counter()
    others = [pool.submit(call, row.ctypes.data, STEPS) for row in data[1:]]
    call(data[0].ctypes.data, STEPS)
    for other in others:
        other.result()
    return threads * STEPS * CHAINS * LANES * 2 / (time.perf_counter() - start)
