"""A mini-batch, gathered from the rows of the data: inputs, targets, and shares in the mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types

from chainrule.engine.compilation import inlined, inner
from chainrule.engine.registers import (
    NUMBERS,
    POINTERS,
    REGISTER_BYTES,
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
from chainrule.engine.registers.calls import Addressed, caller
from chainrule.engine.registers.types import CACHE_LINE
from chainrule.engine.source import COLUMN_STRIDE, DATA, INDICES, ROW_STRIDE, ROWS, STARTS

REGISTERS_IN_A_LINE = CACHE_LINE // REGISTER_BYTES
# How many rows ahead the gathering asks for.
AHEAD = 8


@inner
def row_of(source: Any, order: Any, place: Any) -> Any:
    """Return which row of the data stands at a place of the order."""
    i = get(order, place)
    return get(pointer_from(get(source, ROWS), np.int64), i) if get(source, ROWS) != 0 else i


def gather_rows(
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

    For numbers that lie side by side, and shall do so: cs is 1. Number (i, k) of A lies at
    ``i * rs + k * cs``; `last` is where the order ends.
    """
    X, stride, v = pointer_from(get(source, DATA), A), get(source, ROW_STRIDE), lanes(A)
    whole, line = n // v * v, v * REGISTERS_IN_A_LINE
    for r in range(r0, r1):
        x, a = at(X, row_of(source, order, first + r) * stride), at(A, r * rs)
        if first + r + AHEAD < last:
            ahead = at(X, row_of(source, order, first + r + AHEAD) * stride)
            for j in range(0, n, line):
                prefetch_to_read(ahead, j)
        for j in range(0, whole, v):
            store(a, j, load(x, j))
        if whole < n and n >= v:  # the last register begins within the one before it
            store(a, n - v, load(x, n - v))
        else:
            for j in range(whole, n):
                put(a, j, get(x, j))


def gather_strided(
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
    """Copy rows whose numbers lie apart, as in Fortran's order, or shall do so."""
    X, stride = pointer_from(get(source, DATA), A), get(source, ROW_STRIDE)
    step = get(source, COLUMN_STRIDE)
    # To ask ahead, or to go some columns at a time, was measured to gain nothing here.
    for r in range(r0, r1):
        x, a = at(X, row_of(source, order, first + r) * stride), at(A, r * rs)
        for j in range(n):
            put(a, j * cs, get(x, j * step))


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
    X, columns = pointer_from(get(source, DATA), A), pointer_from(get(source, INDICES), np.int32)
    starts, v = pointer_from(get(source, STARTS), np.int64), lanes(A) if cs == 1 else 1
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


def _signature(dtype: Any) -> Any:
    p, n = POINTERS[dtype], types.intp
    return types.void(NUMBERS, n, NUMBERS, n, n, n, n, p, n, n)


GATHER_ROWS = Addressed(gather_rows, _signature)
GATHER_STRIDED = Addressed(gather_strided, _signature)
GATHER_SPARSE = Addressed(gather_sparse, _signature)
call_gather = caller(_signature)


def gathering(table: npt.NDArray[np.int64], by_units: bool) -> Addressed:
    """Return what gathers from a source with this table, into a batch that lies so."""
    if table[STARTS]:
        return GATHER_SPARSE
    return GATHER_STRIDED if by_units or table[COLUMN_STRIDE] != 1 else GATHER_ROWS


@inlined
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
        i = get(order, first + r)
        if labels != 0:
            for k in range(n):
                put(out, r * rs + k * cs, 0.0)
            put(out, r * rs + get(pointer_from(labels, np.int64), i) * cs, 1.0)
        else:
            for k in range(n):
                put(out, r * rs + k * cs, get(Y, i * n + k))


@inlined
def sum_of_weights(weights: Any, order: Any, first: Any, m: Any) -> Any:
    """Return the sum of the weights of a batch's m rows, which is m if there are none."""
    if weights == 0:
        return float(m)
    total, w = 0.0, pointer_from(weights, np.float64)
    for r in range(m):
        total += get(w, get(order, first + r))
    return total


@inlined
def share_out(
    weights: Any, order: Any, first: Any, total: Any, r0: Any, r1: Any, shares: Any, each: Any
) -> Any:
    """Write each row's share in the mean; return how far one is from the next.

    That is 0, and only one is written, where all are the same; but not if `each` is 1.
    """
    if weights == 0:
        for r in range(r1 - r0 if each != 0 else 1):
            put(shares, r, 1.0 / total)
        return each
    w = pointer_from(weights, np.float64)
    for r in range(r0, r1):
        put(shares, r - r0, get(w, get(order, first + r)) / total)
    return 1
