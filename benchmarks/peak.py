"""The most that this machine's multiply-add units do: chains on registers, that need no memory."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import numpy as np
from numba import types

from chainrule.engine.layout import address
from chainrule.engine.registers import REGISTER_BYTES, at, get, load, put, store
from chainrule.engine.registers.calls import Addressed
from chainrule.engine.team import task_signature, team

# Independent chains hide the latency of the unit: 4 cycles, and two units.
CHAINS = 10
# How often each goes round: about a millisecond, which waking a thread does not spoil.
ROUNDS = 1_000_000
LANES = REGISTER_BYTES // 4


def chains(tid: Any, run: Any, P: Any) -> int:
    """Go round the chains of one thread."""
    p = at(P, 16 * tid)
    x, y = load(p, 0), load(p, 0) * 1e-3
    a, b, c, d, e, f, g, h, i, j = y, y, y, y, y, y, y, y, y, y
    for _ in range(get(run, 0)):
        a, b, c, d, e = a * x + y, b * x + y, c * x + y, d * x + y, e * x + y
        f, g, h, i, j = f * x + y, g * x + y, h * x + y, i * x + y, j * x + y
    put(run, 1 + tid, 1)
    store(p, 0, (a + b + c + d + e) + (f + g + h + i + j))
    return 0


@cache
def _compiled() -> Any:
    return Addressed(chains, task_signature).compile(types.float32)


def peak(threads: int) -> float:
    """Return the multiplications and additions a second of so many threads at once, in float32."""
    data, run = np.full((threads, 16), 0.5, np.float32), np.zeros(1 + threads, np.int64)
    run[0] = ROUNDS
    kernel, all_threads = _compiled().address, team(threads, types.float32)
    start = time.perf_counter()
    all_threads.run(kernel, threads, address(run), address(data))
    took_part = int(run[1:].sum())
    return took_part * ROUNDS * CHAINS * LANES * 2 / (time.perf_counter() - start)
