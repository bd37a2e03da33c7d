"""The steps where activations lie unit by unit: at a narrow end of the network, or in all of it.

The examples fill the registers there. Zᵀ = Wᵀ Aᵀ + b is a product of small matrices again; but
from activations that lie row by row, each z is a dot product along the row.
"""

from __future__ import annotations

from typing import Any

from numba import types

from chainrule.engine.compilation import inlined, inner
from chainrule.engine.gradients import call_update
from chainrule.engine.layout import (
    A_AT,
    BY_UNITS,
    D_AT,
    EXAMPLE,
    G_AT,
    IN_PAD,
    LD,
    N_IN,
    N_OUT,
    N_PAD,
    TABLE,
    W_AT,
    W_SIZE,
    Z_AT,
)
from chainrule.engine.products import call_backward
from chainrule.engine.registers import (
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
from chainrule.engine.registers.memory import lowest
from chainrule.engine.registers.tile import call_tile

# So many rows go back before g', which finds them in the cache.
ROWS_TOGETHER = 32


@inner
def multiply_units(
    A: Any,
    rs: Any,
    cs: Any,
    B: Any,
    ldb: Any,
    K: Any,
    M: Any,
    N: Any,
    C: Any,
    ldc: Any,
    I: Any,
    ldi: Any,
    step: Any,
) -> None:
    """C (M, N) = I + A (M, K) B (K, N), for M units, which are fewer than a tile's rows.

    I is C itself where `step` is 1, and a register of zeros where it is 0.
    """
    v, low = lanes(A), lowest(A, 0)
    for j in range(0, N, 2 * v):
        registers = 1 if N - j <= v else 2
        b, c, i = at(B, j), at(C, j), at(I, j * step)
        call_tile(A, (A, rs, cs, b, ldb, K, c, ldc, i, ldi, low, M, registers, 1, 0))


@inlined
def dot(X: Any, Y: Any, n: Any) -> Any:
    """Σ x y over n numbers, which may end within a register."""
    total = spread(0.0, load(X, 0))
    for j in range(0, n, lanes(X)):
        total = total + select(first_lanes(X, n - j), load(X, j) * load(Y, j), 0)
    return sum_of_lanes(total)


def forward_by_units(L: Any, layers: Any, l: Any, P: Any, A: Any, r0: Any, m: Any) -> None:
    """Zᵀ = Wᵀ A_prevᵀ + b for m rows from r0."""
    k, n, ld, v = L[l, N_IN], L[l, N_OUT], L[l, LD], lanes(P)
    W, z = at(P, L[l, W_AT]), at(A, L[l, Z_AT] + r0)
    b = at(W, L[l, W_SIZE])
    ld_in, x = L[l - 1, LD], at(A, L[l - 1, A_AT])
    if L[l - 1, BY_UNITS] != 0:
        for i in range(n):
            for r in range(0, m, v):
                store(z, i * ld + r, spread(get(b, i), load(b, 0)))
        multiply_units(W, L[l, IN_PAD], 1, at(x, r0), ld_in, k, n, m, z, ld, z, ld, 1)
        return
    for r in range(m):
        for i in range(n):
            put(z, i * ld + r, get(b, i) + _along_panels(W, i, n, at(x, (r0 + r) * ld_in), k))


@inlined
def _along_panels(W: Any, i: Any, n: Any, x: Any, k: Any) -> Any:
    """Add up W[:, i] ∘ x, in two strands; both are zero beyond their k numbers."""
    v = lanes(W)
    total = other = spread(0.0, load(W, 0))
    for j in range(0, k, 2 * v):
        if k - j > v:
            w = at(W, j * n + i * 2 * v)
            total = total + load(w, 0) * load(x, j)
            other = other + load(w, v) * load(x, j + v)
        else:
            total = total + load(W, j * n + i * v) * load(x, j)
    return sum_of_lanes(total + other)


def _forward_signature(dtype: Any) -> Any:
    p, n = POINTERS[dtype], types.intp
    return types.void(TABLE, n, n, p, p, n, n)


FORWARD_BY_UNITS = Addressed(forward_by_units, _forward_signature)


def backward_by_units(
    L: Any,
    layers: Any,
    l: Any,
    P: Any,
    A: Any,
    D: Any,
    zeros: Any,
    r0: Any,
    m: Any,
    backward: Any,
) -> None:
    """dA_prev = dZ Wᵀ for m rows from r0; where A_prev lies row by row, with g' after some."""
    k, n, ld, ld_in = L[l, N_IN], L[l, N_OUT], L[l, LD], L[l - 1, LD]
    W, dz = at(P, L[l, W_AT]), at(D, L[l, D_AT] + r0)
    if L[l - 1, BY_UNITS] != 0:
        da = at(D, L[l - 1, D_AT] + r0)
        multiply_units(W, 1, L[l, IN_PAD], dz, ld, n, k, m, da, ld_in, zeros, 0, 0)
        return
    first = r0 * ld_in
    da, z, a = at(D, L[l - 1, D_AT] + first), at(A, L[l - 1, Z_AT] + first), at(A, first)
    a = at(a, L[l - 1, G_AT])
    for r in range(0, m, ROWS_TOGETHER):
        rows, o = min(ROWS_TOGETHER, m - r), r * ld_in
        _spread_back(W, L[l, IN_PAD], n, at(dz, r), ld, rows, at(da, o), ld_in)
        if backward != 0:
            places = at(z, o), at(a, o), at(da, o)
            call_backward(backward, z, (*places, rows, k, ld_in, ld_in, ld_in))


@inner
def _spread_back(W: Any, k: Any, n: Any, dz: Any, ld: Any, rows: Any, da: Any, ld_in: Any) -> None:
    """Da[r] = Σ dz[i, r] W[:, i] over few units i, for some rows r."""
    v = lanes(W)
    for j in range(0, k, v):
        panel = j // (2 * v) * (2 * v)
        width = min(2 * v, k - panel)
        w = at(W, panel * n + (j - panel))
        for r in range(rows):
            total = load(w, 0) * get(dz, r)
            for i in range(1, n):
                total = total + load(w, i * width) * get(dz, i * ld + r)
            store(da, r * ld_in + j, total)


def _backward_signature(dtype: Any) -> Any:
    p, n = POINTERS[dtype], types.intp
    return types.void(TABLE, n, n, p, p, p, p, n, n, n)


BACKWARD_BY_UNITS = Addressed(backward_by_units, _backward_signature)


def gradient_by_units(
    L: Any,
    layers: Any,
    l: Any,
    A: Any,
    D: Any,
    P: Any,
    S: Any,
    G: Any,
    r0: Any,
    m: Any,
    stride: Any,
    store_all: Any,
    scratch: Any,
    zeros: Any,
    update: Any,
    alpha: Any,
    t: Any,
    share: Any,
    tid: Any,
    nth: Any,
) -> Any:
    """dWᵀ = dZᵀ A_prev and db = Σ dZ over m rows from r0, and the update: this thread's panels."""
    penalty = 0.0
    k, n, ld, ld_in, units = L[l, N_IN], L[l, N_OUT], L[l, LD], L[l - 1, LD], L[l, N_PAD]
    x, dz, v = at(A, L[l - 1, A_AT] + r0 * L[l - 1, EXAMPLE]), at(D, L[l, D_AT] + r0), lanes(A)
    n_panels = (L[l, IN_PAD] + 2 * v - 1) // (2 * v)
    for panel in range(tid, n_panels, nth):
        j = panel * 2 * v
        w = min(2 * v, L[l, IN_PAD] - j)
        o = L[l, W_AT] + j * n
        g = at(G, o) if store_all != 0 else scratch
        if L[l - 1, BY_UNITS] != 0:
            for i in range(n):
                for c in range(w):
                    d = (
                        dot(at(x, (j + c) * ld_in), at(dz, i * ld), m)
                        if j + c < k
                        else 0 * get(x, 0)
                    )
                    put(g, i * w + c, d)
        else:
            low = lowest(A, 0)
            of_tile = (dz, ld, 1, at(x, j), ld_in, m, g, w, zeros, 0, low, n, w // v, 1, 0)
            call_tile(A, of_tile)
        if store_all == 0:
            p, s = at(P, o), at(S, o)
            penalty += call_update(update, P, (p, g, s, stride, n * w, alpha, t, 1.0, share))
    if n_panels % nth == tid:
        o = L[l, W_AT] + L[l, W_SIZE]
        g = at(G, o) if store_all != 0 else scratch
        for i in range(0, units, v):
            store(g, i, spread(0.0, load(dz, 0)))
        for i in range(n):
            put(g, i, _sum_of_row(at(dz, i * ld), m))
        if store_all == 0:
            p, s = at(P, o), at(S, o)
            call_update(update, P, (p, g, s, stride, units, alpha, t, 1.0, 0.0))
    return penalty


@inlined
def _sum_of_row(D: Any, m: Any) -> Any:
    total = spread(0.0, load(D, 0))
    for r in range(0, m, lanes(D)):
        total = total + select(first_lanes(D, m - r), load(D, r), 0)
    return sum_of_lanes(total)


def _gradient_signature(dtype: Any) -> Any:
    p, n, d = POINTERS[dtype], types.intp, types.float64
    return d(TABLE, n, n, p, p, p, p, p, n, n, n, n, p, p, n, d, n, d, n, n)


GRADIENT_BY_UNITS = Addressed(gradient_by_units, _gradient_signature)
