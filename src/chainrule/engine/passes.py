"""Forward and backward propagation of some rows through all layers, side by side."""

from __future__ import annotations

from typing import Any

from numba import types

from chainrule.engine.by_units import BACKWARD_BY_UNITS, FORWARD_BY_UNITS
from chainrule.engine.compilation import inlined
from chainrule.engine.layout import (
    A_AT,
    BACKWARD,
    BACKWARD_APART,
    BY_UNITS,
    D_AT,
    DROP,
    E_AT,
    EXAMPLE,
    FORWARD,
    FORWARD_APART,
    G_AT,
    IN_PAD,
    LD,
    M_AT,
    N_IN,
    N_OUT,
    N_PAD,
    NORMALIZE,
    NORMALIZE_BACK,
    PRODUCT,
    PRODUCT_BACK,
    RECTIFIED,
    T_AT,
    TABLE,
    U_AT,
    UNDROP,
    W_AT,
    W_LD,
    W_SIZE,
    Z_AT,
)
from chainrule.engine.masking import call_drop, call_undrop
from chainrule.engine.normalizing import call_normalize, call_normalize_back
from chainrule.engine.products import (
    call_backward,
    call_forward,
    call_multiply_rows,
    transpose_panels,
)
from chainrule.engine.registers import NUMBERS, POINTERS, at, get
from chainrule.engine.registers.calls import Named

call_product, call_product_back = FORWARD_BY_UNITS.call, BACKWARD_BY_UNITS.call


def forward_rows(
    L: Any,
    layers: Any,
    P: Any,
    A: Any,
    zeros: Any,
    keys: Any,
    step: Any,
    r0: Any,
    m: Any,
    all_m: Any,
    barrier: Any,
    generation: Any,
    tid: Any,
    nth: Any,
) -> Any:
    """Z[l] = A[l−1] W[l] + b[l], A[l] = g[l](Z[l]), for m rows from r0 of a batch of `all_m`.

    With normalisation of the sums before g, and dropout after it, where a layer has them. Returns
    the generation of the barrier, at which the threads meet where a mean is over the batch.
    """
    for l in range(1, layers):
        ld, n, first = L[l, LD], L[l, N_OUT], r0 * L[l, EXAMPLE]
        z, g = at(A, L[l, Z_AT] + first), at(A, L[l, G_AT] + first)
        forward, apart = L[l, FORWARD], L[l, FORWARD_APART] != 0
        if L[l, BY_UNITS] != 0:
            call_product(L[l, PRODUCT], P, (L, layers, l, P, A, r0, m))
            if forward != 0:
                call_forward(forward, z, (z, g, n, m, ld, ld))
            continue
        k, units, ld_in, W = L[l, N_IN], L[l, N_PAD], L[l - 1, LD], at(P, L[l, W_AT])
        x, u = at(A, L[l - 1, A_AT] + r0 * ld_in), at(A, L[l, U_AT] + first)
        start, step_of_start = at(W, L[l, W_SIZE]), 1
        if L[l, NORMALIZE] != 0:
            start, step_of_start = zeros, 0
        by_tiles, low = 0 if apart else forward, L[l, RECTIFIED]
        product = (x, ld_in, 1, W, L[l, W_LD], k, m, units, u, ld, start, step_of_start)
        call_multiply_rows(P, (*product, low, by_tiles, g, ld, 0, u, n))
        if L[l, NORMALIZE] != 0:
            me = (barrier, generation, tid, nth)
            generation = call_normalize(L[l, NORMALIZE], P, (L, layers, l, P, A, r0, m, all_m, *me))
        if apart and forward != 0:
            call_forward(forward, z, (z, g, m, n, ld, ld))
        if L[l, DROP] != 0:
            a, mask = at(A, L[l, A_AT] + first), at(A, L[l, M_AT] + first)
            k0, k1 = get(keys, 2 * (step * layers + l)), get(keys, 2 * (step * layers + l) + 1)
            call_drop(L[l, DROP], g, (g, a, mask, r0, m, n, ld, k0, k1))
    return generation


def _forward_signature(dtype: Any) -> Any:
    p, n, i = POINTERS[dtype], types.intp, types.int64
    return i(TABLE, n, p, p, p, NUMBERS, i, n, n, n, NUMBERS, i, n, n)


FORWARD_ROWS = Named(forward_rows, _forward_signature)
call_forward_rows = FORWARD_ROWS.call


def backward_rows(
    L: Any,
    layers: Any,
    P: Any,
    T: Any,
    A: Any,
    D: Any,
    zeros: Any,
    r0: Any,
    m: Any,
    all_m: Any,
    barrier: Any,
    generation: Any,
    tid: Any,
    nth: Any,
) -> Any:
    """dA[l−1] = dU[l] W[l]ᵀ, dZ[l−1] = dA[l−1] ∘ g'(Z[l−1]), for m rows, from the last dZ."""
    for l in range(layers - 1, 0, -1):
        if L[l, NORMALIZE] != 0:
            me = (barrier, generation, tid, nth)
            generation = call_normalize_back(
                L[l, NORMALIZE_BACK], P, (L, layers, l, P, A, D, r0, m, all_m, *me)
            )
        if l == 1:
            break
        ld, n, first = L[l - 1, LD], L[l, N_IN], r0 * L[l - 1, EXAMPLE]
        z, g = at(A, L[l - 1, Z_AT] + first), at(A, L[l - 1, G_AT] + first)
        d, backward = at(D, L[l - 1, D_AT] + first), L[l - 1, BACKWARD]
        by_tiles = backward if L[l - 1, BACKWARD_APART] == 0 else 0
        if L[l, BY_UNITS] != 0:
            of_layer = (L, layers, l, P, A, D, zeros, r0, m, by_tiles)
            call_product_back(L[l, PRODUCT_BACK], P, of_layer)
        else:
            e, Wt = at(D, L[l, E_AT] + r0 * L[l, LD]), at(T, L[l, T_AT])
            product = (e, L[l, LD], 1, Wt, 0, L[l, N_OUT], m, L[l, IN_PAD], d, ld, zeros, 0)
            call_multiply_rows(P, (*product, 0, 0, g, ld, by_tiles, z, n))
        if L[l - 1, UNDROP] != 0:
            call_undrop(L[l - 1, UNDROP], d, (d, at(A, L[l - 1, M_AT] + first), m, n, ld))
        if L[l - 1, BACKWARD_APART] != 0 and backward != 0:
            if L[l - 1, BY_UNITS] != 0:
                call_backward(backward, d, (z, g, d, n, m, ld, ld, ld))
            else:
                call_backward(backward, d, (z, g, d, m, n, ld, ld, ld))
    return generation


def _backward_signature(dtype: Any) -> Any:
    p, n, i = POINTERS[dtype], types.intp, types.int64
    return i(TABLE, n, p, p, p, p, p, n, n, n, NUMBERS, i, n, n)


BACKWARD_ROWS = Named(backward_rows, _backward_signature)
call_backward_rows = BACKWARD_ROWS.call


@inlined
def transpose_all(L: Any, layers: Any, P: Any, T: Any, tid: Any, nth: Any) -> None:
    """W[l]ᵀ of every layer but the first, which no gradient goes through: this thread's part."""
    for l in range(2, layers):
        if L[l, BY_UNITS] == 0:
            W, Wt, n = at(P, L[l, W_AT]), at(T, L[l, T_AT]), L[l, N_OUT]
            transpose_panels(W, L[l, N_IN], L[l, N_PAD], n, Wt, L[l, IN_PAD], tid, nth)
