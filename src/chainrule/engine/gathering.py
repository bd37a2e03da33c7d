"""A mini-batch, gathered from the rows of the data: inputs, targets, and shares in the mean."""

from __future__ import annotations

from typing import Any

from numba import njit

from chainrule.engine.registers import at, get, lanes, load, prefetch_to_read, put, store

# How many rows ahead the gathering asks for.
AHEAD = 8


@njit(error_model="numpy")
def gather(
    X: Any, n: Any, order: Any, first: Any, r0: Any, r1: Any, last: Any, A: Any, ld: Any
) -> None:
    """Copy rows ``order[first + r0 : first + r1]`` of X into rows r0 … r1 of A."""
    v = lanes(A)
    whole = n // v * v
    for r in range(r0, r1):
        x, a = at(X, order[first + r] * n), at(A, r * ld)
        if first + r + AHEAD < last:
            ahead = at(X, order[first + r + AHEAD] * n)
            for j in range(0, n, v):
                prefetch_to_read(ahead, j)
        for j in range(0, whole, v):
            store(a, j, load(x, j))
        for j in range(whole, n):
            put(a, j, get(x, j))


@njit(error_model="numpy")
def gather_targets(
    Y: Any, labels: Any, order: Any, first: Any, r0: Any, r1: Any, n: Any, out: Any, ld: Any
) -> None:
    """Copy targets, or write a 1 in the column of each label."""
    for r in range(r0, r1):
        i = order[first + r]
        if labels.size:
            for k in range(n):
                put(out, r * ld + k, 0.0)
            put(out, r * ld + labels[i], 1.0)
        else:
            for k in range(n):
                put(out, r * ld + k, get(Y, i * n + k))


@njit(error_model="numpy")
def share_out(weights: Any, order: Any, first: Any, m: Any, r0: Any, r1: Any, shares: Any) -> Any:
    """Write each row's share in the mean; return how far one is from the next, 0 if all are one."""
    if weights.size == 0:
        put(shares, 0, 1.0 / m)
        return 0
    total = 0.0
    for r in range(m):
        total += weights[order[first + r]]
    for r in range(r0, r1):
        put(shares, r - r0, weights[order[first + r]] / total)
    return 1
