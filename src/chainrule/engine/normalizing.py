"""Batch and layer normalisation on registers: the sums by hand, the formulas floor 1's own.

A thread does some columns of a batch-normalised layer, over all rows, and some rows of a
layer-normalised one. So each sum is done by one thread, in one order.
"""

from __future__ import annotations

from typing import Any

from numba import types

from chainrule.engine.barrier import meet
from chainrule.engine.compilation import callable_in_loops, inlined
from chainrule.engine.layout import (
    D_AT,
    E_AT,
    LD,
    N_OUT,
    N_PAD,
    RUNNING,
    STATISTICS_AT,
    TABLE,
    U_AT,
    W_AT,
    W_SIZE,
    Z_AT,
)
from chainrule.engine.registers import (
    NUMBERS,
    POINTERS,
    at,
    first_lanes,
    get,
    lanes,
    load,
    put,
    select,
    spread,
    store,
    sum_of_lanes,
)
from chainrule.engine.registers.calls import Addressed
from chainrule.normalization import MOMENTUM, standardize_backward_with, standardize_with

callable_in_loops(standardize_with)
callable_in_loops(standardize_backward_with)


def _forward_signature(dtype: Any) -> Any:
    p, n = POINTERS[dtype], types.intp
    return types.int64(TABLE, n, n, p, p, n, n, n, NUMBERS, types.int64, n, n)


def _backward_signature(dtype: Any) -> Any:
    p, n = POINTERS[dtype], types.intp
    return types.int64(TABLE, n, n, p, p, p, n, n, n, NUMBERS, types.int64, n, n)


def _running_signature(dtype: Any) -> Any:
    p, n = POINTERS[dtype], types.intp
    return types.void(p, p, n, types.float64)


@inlined
def columns_of(n_pad: Any, tid: Any, nth: Any, v: Any) -> Any:
    """Return which of a layer's columns are this thread's: whole registers."""
    registers = n_pad // v
    return registers * tid // nth * v, registers * (tid + 1) // nth * v


def normalize_batch(
    L: Any,
    layers: Any,
    l: Any,
    P: Any,
    A: Any,
    r0: Any,
    rows: Any,
    m: Any,
    barrier: Any,
    generation: Any,
    tid: Any,
    nth: Any,
) -> Any:
    """U := û = (U − μ)/√(s² + ε) and Z = û ∘ γ + b, with the mean and variance of each column.

    All m rows must be there: the threads meet, before and after. Returns the barrier's generation.
    """
    ld, n = L[l, LD], L[l, N_PAD]
    b, mean = at(P, L[l, W_AT] + L[l, W_SIZE]), at(A, L[l, STATISTICS_AT])
    gamma, var, U, Z = at(b, n), at(mean, n), at(A, L[l, U_AT]), at(A, L[l, Z_AT])
    generation = meet(barrier, nth, generation)
    first, last = columns_of(n, tid, nth, lanes(P))
    for j in range(first, last, lanes(P)):
        total = load(U, j)
        for r in range(1, m):
            total = total + load(U, r * ld + j)
        mu = total / m
        squares = mu * 0
        for r in range(m):
            e = load(U, r * ld + j) - mu
            squares = squares + e * e
        s2 = squares / m
        store(mean, j, mu)
        store(var, j, s2)
        g, shift = load(gamma, j), load(b, j)
        mu = mu + s2 * 0  # NaN where the variance overflowed, as in `standardize`
        for r in range(m):
            u_hat = standardize_with(load(U, r * ld + j), mu, s2)
            store(U, r * ld + j, u_hat)
            store(Z, r * ld + j, u_hat * g + shift)
    return meet(barrier, nth, generation)


def normalize_layer(
    L: Any,
    layers: Any,
    l: Any,
    P: Any,
    A: Any,
    r0: Any,
    rows: Any,
    m: Any,
    barrier: Any,
    generation: Any,
    tid: Any,
    nth: Any,
) -> Any:
    """Do the same with the mean and variance of each row, for `rows` rows from r0."""
    ld, n, v = L[l, LD], L[l, N_OUT], lanes(P)
    b, statistics = at(P, L[l, W_AT] + L[l, W_SIZE]), at(A, L[l, STATISTICS_AT])
    gamma, zero = at(b, L[l, N_PAD]), spread(0.0, load(b, 0))
    for r in range(r0, r0 + rows):
        U, Z = at(A, L[l, U_AT] + r * ld), at(A, L[l, Z_AT] + r * ld)
        total = zero
        for j in range(0, n, v):
            total = total + select(first_lanes(U, n - j), load(U, j), 0)
        mu = sum_of_lanes(total) / n
        squares = zero
        for j in range(0, n, v):
            e = load(U, j) - mu
            squares = squares + select(first_lanes(U, n - j), e * e, 0)
        s2 = sum_of_lanes(squares) / n
        put(statistics, 2 * r, mu)
        put(statistics, 2 * r + 1, s2)
        mu = mu + s2 * 0  # NaN where the variance overflowed, as in `standardize`
        for j in range(0, n, v):
            u_hat = standardize_with(load(U, j), zero + mu, zero + s2)
            u_hat = select(first_lanes(U, n - j), u_hat, 0)
            store(U, j, u_hat)
            store(Z, j, u_hat * load(gamma, j) + load(b, j))
    return generation


def normalize_running(
    L: Any,
    layers: Any,
    l: Any,
    P: Any,
    A: Any,
    r0: Any,
    rows: Any,
    m: Any,
    barrier: Any,
    generation: Any,
    tid: Any,
    nth: Any,
) -> Any:
    """Do the same with the running statistics, as a trained network has them."""
    ld, n = L[l, LD], L[l, N_PAD]
    b, mean = at(P, L[l, W_AT] + L[l, W_SIZE]), at(A, L[l, STATISTICS_AT] + 2 * n)
    gamma, var = at(b, n), at(mean, n)
    for r in range(r0, r0 + rows):
        U, Z = at(A, L[l, U_AT] + r * ld), at(A, L[l, Z_AT] + r * ld)
        for j in range(0, n, lanes(P)):
            u_hat = standardize_with(load(U, j), load(mean, j), load(var, j))
            store(Z, j, u_hat * load(gamma, j) + load(b, j))
    return generation


def normalize_batch_back(
    L: Any,
    layers: Any,
    l: Any,
    P: Any,
    A: Any,
    D: Any,
    r0: Any,
    rows: Any,
    m: Any,
    barrier: Any,
    generation: Any,
    tid: Any,
    nth: Any,
) -> Any:
    """DU from dZ, column by column; all rows must be there, and the threads meet."""
    ld, n = L[l, LD], L[l, N_PAD]
    gamma, var = at(P, L[l, W_AT] + L[l, W_SIZE] + n), at(A, L[l, STATISTICS_AT] + n)
    U, dZ, dU = at(A, L[l, U_AT]), at(D, L[l, D_AT]), at(D, L[l, E_AT])
    generation = meet(barrier, nth, generation)
    first, last = columns_of(n, tid, nth, lanes(P))
    for j in range(first, last, lanes(P)):
        g, s2 = load(gamma, j), load(var, j)
        mean = along = g * 0
        for r in range(m):
            d = load(dZ, r * ld + j) * g
            mean = mean + d
            along = along + d * load(U, r * ld + j)
        mean, along = mean / m, along / m
        for r in range(m):
            d, u_hat = load(dZ, r * ld + j) * g, load(U, r * ld + j)
            store(dU, r * ld + j, standardize_backward_with(d, u_hat, mean, along, s2))
    return meet(barrier, nth, generation)


def normalize_layer_back(
    L: Any,
    layers: Any,
    l: Any,
    P: Any,
    A: Any,
    D: Any,
    r0: Any,
    rows: Any,
    m: Any,
    barrier: Any,
    generation: Any,
    tid: Any,
    nth: Any,
) -> Any:
    """DU from dZ, row by row."""
    ld, n, v = L[l, LD], L[l, N_OUT], lanes(P)
    gamma, statistics = at(P, L[l, W_AT] + L[l, W_SIZE] + L[l, N_PAD]), at(A, L[l, STATISTICS_AT])
    zero = spread(0.0, load(gamma, 0))
    for r in range(r0, r0 + rows):
        U = at(A, L[l, U_AT] + r * ld)
        dZ, dU = at(D, L[l, D_AT] + r * ld), at(D, L[l, E_AT] + r * ld)
        mean = along = zero
        for j in range(0, n, v):
            d = select(first_lanes(U, n - j), load(dZ, j) * load(gamma, j), 0)
            mean = mean + d
            along = along + d * load(U, j)
        of_row, along_row = zero + sum_of_lanes(mean) / n, zero + sum_of_lanes(along) / n
        s2 = zero + get(statistics, 2 * r + 1)
        for j in range(0, n, v):
            d = load(dZ, j) * load(gamma, j)
            e = standardize_backward_with(d, load(U, j), of_row, along_row, s2)
            store(dU, j, select(first_lanes(U, n - j), e, 0))
    return generation


def move_running(batch: Any, running: Any, n: Any, factor: Any) -> None:
    """Running := running + momentum (factor · batch − running), on a stretch."""
    for j in range(0, n, lanes(batch)):
        r = load(running, j)
        store(running, j, r + MOMENTUM * (load(batch, j) * factor - r))


NORMALIZE_BY = {
    "batch": Addressed(normalize_batch, _forward_signature),
    "layer": Addressed(normalize_layer, _forward_signature),
}
NORMALIZE_BACK_BY = {
    "batch": Addressed(normalize_batch_back, _backward_signature),
    "layer": Addressed(normalize_layer_back, _backward_signature),
}
NORMALIZE_RUNNING = Addressed(normalize_running, _forward_signature)
MOVE_RUNNING = Addressed(move_running, _running_signature)
call_normalize = NORMALIZE_BY["batch"].call
call_normalize_back = NORMALIZE_BACK_BY["batch"].call
call_move_running = MOVE_RUNNING.call


@inlined
def update_running(L: Any, layers: Any, A: Any, m: Any, tid: Any, nth: Any) -> None:
    """Move the running mean and variance towards the batch's, every nth layer."""
    for l in range(1, layers):
        if L[l, RUNNING] != 0 and l % nth == tid:
            n, batch = L[l, N_PAD], at(A, L[l, STATISTICS_AT])
            running, unbiased = at(batch, 2 * n), m / max(m - 1, 1)
            call_move_running(L[l, RUNNING], A, (batch, running, n, 1.0))
            call_move_running(L[l, RUNNING], A, (at(batch, n), at(running, n), n, unbiased))
