"""A mini-batch, gathered from the rows of the data: inputs, targets, and shares in the mean."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from chainrule.engine.registers import (
    at,
    get,
    lanes,
    load,
    pointer_from,
    prefetch_to_read,
    put,
    spread,
    store,
)
from chainrule.engine.source import COLUMN_STRIDE, DATA, INDICES, ROW_STRIDE, ROWS, STARTS

# How many rows ahead the gathering asks for.
AHEAD = 8


@njit(error_model="numpy")
def gather(
    source: Any,
    n: Any,
    order: Any,
    first: Any,
    r0: Any,
    r1: Any,
    last: Any,
    A: Any,
    rs: Any,
    cs: Any,
) -> None:
    """Copy rows ``order[first + r0 : first + r1]`` of the inputs into rows r0 … r1 of A.

    The number (i, k) goes to ``i * rs + k * cs``.
    """
    if source[STARTS] != 0:
        gather_sparse(source, n, order, first, r0, r1, last, A, rs, cs)
    elif source[COLUMN_STRIDE] == 1 and cs == 1:
        gather_rows(source, n, order, first, r0, r1, last, A, rs)
    else:
        gather_strided(source, n, order, first, r0, r1, A, rs, cs)


@njit(error_model="numpy")
def row_of(source: Any, order: Any, place: Any) -> Any:
    """Return which row of the data stands at a place of the order."""
    if source[ROWS] != 0:
        return get(pointer_from(source[ROWS], np.int64), order[place])
    return order[place]


@njit(error_model="numpy")
def gather_rows(
    source: Any, n: Any, order: Any, first: Any, r0: Any, r1: Any, last: Any, A: Any, ld: Any
) -> None:
    """Copy rows whose numbers lie side by side."""
    X, stride, v = pointer_from(source[DATA], A), source[ROW_STRIDE], lanes(A)
    whole = n // v * v
    for r in range(r0, r1):
        x, a = at(X, row_of(source, order, first + r) * stride), at(A, r * ld)
        if first + r + AHEAD < last:
            ahead = at(X, row_of(source, order, first + r + AHEAD) * stride)
            for j in range(0, n, v):
                prefetch_to_read(ahead, j)
        for j in range(0, whole, v):
            store(a, j, load(x, j))
        for j in range(whole, n):
            put(a, j, get(x, j))


@njit(error_model="numpy")
def gather_strided(
    source: Any, n: Any, order: Any, first: Any, r0: Any, r1: Any, A: Any, rs: Any, cs: Any
) -> None:
    """Copy rows whose numbers lie apart, as in Fortran's order, or shall do so."""
    X, stride, step = pointer_from(source[DATA], A), source[ROW_STRIDE], source[COLUMN_STRIDE]
    # To ask ahead, or to go some columns at a time, was measured to gain nothing here.
    for r in range(r0, r1):
        x, a = at(X, row_of(source, order, first + r) * stride), at(A, r * rs)
        for j in range(n):
            put(a, j * cs, get(x, j * step))


@njit(error_model="numpy")
def gather_sparse(
    source: Any,
    n: Any,
    order: Any,
    first: Any,
    r0: Any,
    r1: Any,
    last: Any,
    A: Any,
    rs: Any,
    cs: Any,
) -> None:
    """Write zeros, and the numbers of each sparse row over them."""
    X, columns = pointer_from(source[DATA], A), pointer_from(source[INDICES], np.int32)
    starts, v = pointer_from(source[STARTS], np.int64), lanes(A) if cs == 1 else 1
    zero = spread(0.0, load(A, 0))
    for r in range(r0, r1):
        i, a = row_of(source, order, first + r), at(A, r * rs)
        if first + r + AHEAD < last:
            ahead = get(starts, row_of(source, order, first + r + AHEAD))
            prefetch_to_read(X, ahead)
            prefetch_to_read(columns, ahead)
        for j in range(0, n, v):
            if cs == 1:  # a row is padded to whole registers
                store(a, j, zero)
            else:
                put(a, j * cs, 0.0)
        for k in range(get(starts, i), get(starts, i + 1)):
            put(a, get(columns, k) * cs, get(X, k))


@njit(error_model="numpy")
def gather_targets(
    Y: Any,
    labels: Any,
    order: Any,
    first: Any,
    r0: Any,
    r1: Any,
    n: Any,
    out: Any,
    rs: Any,
    cs: Any,
) -> None:
    """Copy targets, or write a 1 in the column of each label."""
    for r in range(r0, r1):
        i = order[first + r]
        if labels.size:
            for k in range(n):
                put(out, r * rs + k * cs, 0.0)
            put(out, r * rs + labels[i] * cs, 1.0)
        else:
            for k in range(n):
                put(out, r * rs + k * cs, get(Y, i * n + k))


@njit(error_model="numpy")
def share_out(
    weights: Any, order: Any, first: Any, m: Any, r0: Any, r1: Any, shares: Any, each: Any
) -> Any:
    """Write each row's share in the mean; return how far one is from the next.

    That is 0, and only one is written, where all are the same; but not if `each` is 1.
    """
    if weights.size == 0:
        for r in range(r1 - r0 if each != 0 else 1):
            put(shares, r, 1.0 / m)
        return each
    total = 0.0
    for r in range(m):
        total += weights[order[first + r]]
    for r in range(r0, r1):
        put(shares, r - r0, weights[order[first + r]] / total)
    return 1
