"""Forward and backward propagation of some rows through all layers, side by side."""

from __future__ import annotations

from typing import Any

from numba import njit

from chainrule.engine.layout import (
    A_AT,
    BACKWARD,
    BY_ROWS,
    D_AT,
    FORWARD,
    IN_PAD,
    LD,
    N_IN,
    N_OUT,
    N_PAD,
    RECTIFIED,
    T_AT,
    W_AT,
    Z_AT,
)
from chainrule.engine.products import (
    call_backward,
    call_forward,
    multiply_rows,
    transpose_panels,
)
from chainrule.engine.registers import at


@njit(error_model="numpy")
def forward_rows(L: Any, P: Any, A: Any, r0: Any, r1: Any) -> None:
    """Z[l] = A[l−1] W[l] + b[l], A[l] = g[l](Z[l]), for rows r0 … r1 of the batch."""
    m = r1 - r0
    for l in range(1, L.shape[0]):
        k, units, ld, ld_in, n = L[l, N_IN], L[l, N_PAD], L[l, LD], L[l - 1, LD], L[l, N_OUT]
        x, W = at(A, L[l - 1, A_AT] + r0 * ld_in), at(P, L[l, W_AT])
        z, a, b = at(A, L[l, Z_AT] + r0 * ld), at(A, L[l, A_AT] + r0 * ld), at(W, k * units)
        by_tiles = L[l, FORWARD] if L[l, BY_ROWS] == 0 else 0
        rectified = L[l, RECTIFIED]
        multiply_rows(x, ld_in, W, k, m, units, z, ld, b, 1, rectified, by_tiles, a, ld, 0, z, n)
        if L[l, BY_ROWS] != 0:
            call_forward(L[l, FORWARD], a, (z, a, m, n, ld, ld))


@njit(error_model="numpy")
def backward_rows(L: Any, T: Any, A: Any, D: Any, zeros: Any, r0: Any, r1: Any) -> None:
    """dA[l−1] = dZ[l] W[l]ᵀ, dZ[l−1] = dA[l−1] ∘ g'(Z[l−1]), for rows r0 … r1, from the last dZ."""
    m = r1 - r0
    for l in range(L.shape[0] - 1, 1, -1):
        k, units, ld_in, ld, n = L[l, N_OUT], L[l, IN_PAD], L[l, LD], L[l - 1, LD], L[l, N_IN]
        dz, Wt = at(D, L[l, D_AT] + r0 * ld_in), at(T, L[l, T_AT])
        z, a = at(A, L[l - 1, Z_AT] + r0 * ld), at(A, L[l - 1, A_AT] + r0 * ld)
        d = at(D, L[l - 1, D_AT] + r0 * ld)
        by_tiles = L[l - 1, BACKWARD] if L[l - 1, BY_ROWS] == 0 else 0
        multiply_rows(dz, ld_in, Wt, k, m, units, d, ld, zeros, 0, 0, 0, a, ld, by_tiles, z, n)
        if L[l - 1, BY_ROWS] != 0:
            call_backward(L[l - 1, BACKWARD], d, (z, a, d, m, n, ld, ld, ld))


@njit(error_model="numpy")
def transpose_all(L: Any, P: Any, T: Any, tid: Any, nth: Any) -> None:
    """W[l]ᵀ of every layer but the first, which no gradient goes through: this thread's part."""
    for l in range(2, L.shape[0]):
        W, Wt, n = at(P, L[l, W_AT]), at(T, L[l, T_AT]), L[l, N_OUT]
        transpose_panels(W, L[l, N_IN], L[l, N_PAD], n, Wt, L[l, IN_PAD], tid, nth)
