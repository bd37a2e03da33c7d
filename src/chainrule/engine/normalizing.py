"""Batch and layer normalisation on registers: the sums by hand, the formulas floor 1's own.

A thread does some columns of a batch-normalised layer, over all rows, and some rows of a
layer-normalised one. So each sum is done by one thread, in one order.
"""

from __future__ import annotations

from typing import Any

from numba import njit, types

from chainrule.engine.barrier import meet
from chainrule.engine.compilation import callable_in_loops, kernel
from chainrule.engine.layout import (
    D_AT,
    E_AT,
    LD,
    N_OUT,
    N_PAD,
    NORMALIZATION,
    NORMALIZE,
    NORMALIZE_BACK,
    PER_BATCH,
    RUNNING,
    STATISTICS_AT,
    U_AT,
    W_AT,
    W_SIZE,
    Z_AT,
)
from chainrule.engine.registers import (
    POINTERS,
    at,
    first_lanes,
    get,
    lanes,
    load,
    put,
    select,
    store,
    sum_of_lanes,
)
from chainrule.engine.registers.threads import caller
from chainrule.normalization import (
    MOMENTUM,
    standardize_backward_with,
    standardize_with,
)


def normalize_signature(dtype: Any) -> Any:
    """Return the signature of the kernels: (U, Z, gamma, b, mean, var, rows, n, ld).

    U (rows, n) becomes û, and Z = û ∘ gamma + b.
    """
    p, n = POINTERS[dtype], types.intp
    return types.void(p, p, p, p, p, p, n, n, n)


def normalize_back_signature(dtype: Any) -> Any:
    """Return that of the kernels on the way back: (D, U, gamma, var, E, rows, n, ld).

    D is dL/dZ, U is û; E receives dL/dU.
    """
    p, n = POINTERS[dtype], types.intp
    return types.void(p, p, p, p, p, n, n, n)


def running_signature(dtype: Any) -> Any:
    """Return that of the kernel of the running statistics: (batch, running, n, factor)."""
    p, n = POINTERS[dtype], types.intp
    return types.void(p, p, n, types.float64)


call_normalize = caller(normalize_signature)
call_normalize_back = caller(normalize_back_signature)
call_running = caller(running_signature)


def batch_kernel(dtype: Any) -> Any:
    """Compile û = (U − μ)/√(s² + ε) with the mean and variance of each column."""
    standard = callable_in_loops(standardize_with)

    def normalize(
        U: Any, Z: Any, gamma: Any, b: Any, mean: Any, var: Any, rows: Any, n: Any, ld: Any
    ) -> None:
        for j in range(0, n, lanes(U)):
            total = load(U, j)
            for r in range(1, rows):
                total = total + load(U, r * ld + j)
            mu = total / rows
            squares = mu * 0
            for r in range(rows):
                e = load(U, r * ld + j) - mu
                squares = squares + e * e
            s2 = squares / rows
            store(mean, j, mu)
            store(var, j, s2)
            g, shift = load(gamma, j), load(b, j)
            for r in range(rows):
                u_hat = standard(load(U, r * ld + j), mu, s2)
                store(U, r * ld + j, u_hat)
                store(Z, r * ld + j, u_hat * g + shift)

    return kernel(normalize_signature(dtype), lambda: normalize, "normalize batch")


def layer_kernel(dtype: Any) -> Any:
    """Compile û = (U − μ)/√(s² + ε) with the mean and variance of each row, which go to memory."""
    standard = callable_in_loops(standardize_with)

    def normalize(
        U: Any, Z: Any, gamma: Any, b: Any, mean: Any, var: Any, rows: Any, n: Any, ld: Any
    ) -> None:
        for r in range(rows):
            total = load(U, r * ld) * 0
            for j in range(0, n, lanes(U)):
                total = total + select(first_lanes(U, n - j), load(U, r * ld + j), 0)
            mu = sum_of_lanes(total) / n
            squares = load(U, r * ld) * 0
            for j in range(0, n, lanes(U)):
                e = load(U, r * ld + j) - mu
                squares = squares + select(first_lanes(U, n - j), e * e, 0)
            s2 = sum_of_lanes(squares) / n
            put(mean, 2 * r, mu)
            put(var, 2 * r, s2)
            for j in range(0, n, lanes(U)):
                u = load(U, r * ld + j)
                u_hat = select(first_lanes(U, n - j), standard(u, mu + u * 0, s2 + u * 0), 0)
                store(U, r * ld + j, u_hat)
                store(Z, r * ld + j, u_hat * load(gamma, j) + load(b, j))

    return kernel(normalize_signature(dtype), lambda: normalize, "normalize layer")


def batch_back_kernel(dtype: Any) -> Any:
    """Compile dL/dU from dL/dZ, column by column."""
    back = callable_in_loops(standardize_backward_with)

    def normalize_back(
        D: Any, U: Any, gamma: Any, var: Any, E: Any, rows: Any, n: Any, ld: Any
    ) -> None:
        for j in range(0, n, lanes(U)):
            g, s2 = load(gamma, j), load(var, j)
            mean = along = g * 0
            for r in range(rows):
                d = load(D, r * ld + j) * g
                mean = mean + d
                along = along + d * load(U, r * ld + j)
            mean, along = mean / rows, along / rows
            for r in range(rows):
                i = r * ld + j
                store(E, i, back(load(D, i) * g, load(U, i), mean, along, s2))

    return kernel(
        normalize_back_signature(dtype), lambda: normalize_back, "normalize batch, backward"
    )


def layer_back_kernel(dtype: Any) -> Any:
    """Compile dL/dU from dL/dZ, row by row."""
    back = callable_in_loops(standardize_backward_with)

    def normalize_back(
        D: Any, U: Any, gamma: Any, var: Any, E: Any, rows: Any, n: Any, ld: Any
    ) -> None:
        for r in range(rows):
            zero = load(gamma, 0) * 0
            mean = along = zero
            for j in range(0, n, lanes(U)):
                d = select(first_lanes(U, n - j), load(D, r * ld + j) * load(gamma, j), 0)
                mean = mean + d
                along = along + d * load(U, r * ld + j)
            of_row = sum_of_lanes(mean) / n + zero
            along_row = sum_of_lanes(along) / n + zero
            s2 = get(var, 2 * r) + zero
            for j in range(0, n, lanes(U)):
                i = r * ld + j
                e = back(load(D, i) * load(gamma, j), load(U, i), of_row, along_row, s2)
                store(E, i, select(first_lanes(U, n - j), e, 0))

    return kernel(
        normalize_back_signature(dtype), lambda: normalize_back, "normalize layer, backward"
    )


def running_kernel(dtype: Any) -> Any:
    """Compile running := running + momentum (factor · batch − running), on a stretch."""

    def update_running(batch: Any, running: Any, n: Any, factor: Any) -> None:
        for j in range(0, n, lanes(batch)):
            r = load(running, j)
            store(running, j, r + MOMENTUM * (load(batch, j) * factor - r))

    return kernel(running_signature(dtype), lambda: update_running, "running")


@njit(error_model="numpy")
def columns_of(n_pad: Any, tid: Any, nth: Any, v: Any) -> Any:
    """Return which of a layer's columns are this thread's: whole registers."""
    registers = n_pad // v
    return registers * tid // nth * v, registers * (tid + 1) // nth * v


@njit(error_model="numpy")
def normalize_layer(
    L: Any,
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
    """U := û and Z = û ∘ γ + b, this thread's part; a mean over the batch needs all its rows."""
    ld, kernel = L[l, LD], L[l, NORMALIZE]
    b, mean = at(P, L[l, W_AT] + L[l, W_SIZE]), at(A, L[l, STATISTICS_AT])
    gamma, u, z = at(b, L[l, N_PAD]), at(A, L[l, U_AT]), at(A, L[l, Z_AT])
    if L[l, NORMALIZATION] == PER_BATCH:
        generation = meet(barrier, nth, generation)
        c, c1 = columns_of(L[l, N_PAD], tid, nth, lanes(P))
        gamma, b, var = at(gamma, c), at(b, c), at(mean, L[l, N_PAD] + c)
        call_normalize(kernel, P, (at(u, c), at(z, c), gamma, b, at(mean, c), var, m, c1 - c, ld))
        return meet(barrier, nth, generation)
    i, mean = r0 * ld, at(mean, 2 * r0)
    var = at(mean, 1)
    call_normalize(kernel, P, (at(u, i), at(z, i), gamma, b, mean, var, rows, L[l, N_OUT], ld))
    return generation


@njit(error_model="numpy")
def normalize_layer_back(
    L: Any,
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
    """DU from dZ, this thread's part."""
    ld, kernel, n_pad = L[l, LD], L[l, NORMALIZE_BACK], L[l, N_PAD]
    gamma, var = at(P, L[l, W_AT] + L[l, W_SIZE] + n_pad), at(A, L[l, STATISTICS_AT])
    u, d, e = at(A, L[l, U_AT]), at(D, L[l, D_AT]), at(D, L[l, E_AT])
    if L[l, NORMALIZATION] == PER_BATCH:
        generation = meet(barrier, nth, generation)
        c, c1 = columns_of(n_pad, tid, nth, lanes(P))
        gamma, var = at(gamma, c), at(var, n_pad + c)
        call_normalize_back(kernel, P, (at(d, c), at(u, c), gamma, var, at(e, c), m, c1 - c, ld))
        return meet(barrier, nth, generation)
    i, var = r0 * ld, at(var, 2 * r0 + 1)
    call_normalize_back(
        kernel, P, (at(d, i), at(u, i), gamma, var, at(e, i), rows, L[l, N_OUT], ld)
    )
    return generation


@njit(error_model="numpy")
def update_running(L: Any, A: Any, m: Any, tid: Any, nth: Any) -> None:
    """Move the running mean and variance towards the batch's, every nth layer."""
    for l in range(1, L.shape[0]):
        if L[l, RUNNING] != 0 and l % nth == tid:
            n, batch = L[l, N_PAD], at(A, L[l, STATISTICS_AT])
            running = at(batch, 2 * n)
            call_running(L[l, RUNNING], A, (batch, running, n, 1.0))
            unbiased = m / max(m - 1, 1)
            call_running(L[l, RUNNING], A, (at(batch, n), at(running, n), n, unbiased))
