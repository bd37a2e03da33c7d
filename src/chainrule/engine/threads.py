"""How many threads compiled code may use, and a pool of them that waits for work."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache


def usable_threads() -> int:
    """Return how many threads this process may use: its cores, or OMP_NUM_THREADS if that is less.

    Workers of joblib have that variable set, so that together they don't take too many.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(cores, int(allowed))) if allowed.isdigit() else cores


def shared_pool(threads: int) -> ThreadPoolExecutor:
    """Return a pool of this process for tasks that never wait for each other."""
    return _pool_of(os.getpid(), threads)


@cache
def _pool_of(process: int, threads: int) -> ThreadPoolExecutor:
    # A forked child has its parent's pool, but none of its threads: hence the process.
    return ThreadPoolExecutor(threads, thread_name_prefix="chainrule-predict")
