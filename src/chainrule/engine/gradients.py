"""dW = Aᵀ dU and db = Σ dZ, tile by tile, with the update rule behind each tile.

dU is dZ, unless a layer is normalised, which then has a gain: dγ = Σ dZ ∘ û.

The gradient of a tile is never stored: it goes from the tile kernel through a scratch of some tiles
into the update rule, whose parameters and state are fetched while the tile is summed. Only where
the whole gradient must be known first, for its norm, is it written to memory.
"""

from __future__ import annotations

from typing import Any

from numba import types

from chainrule.engine.compilation import inlined
from chainrule.engine.layout import (
    A_AT,
    D_AT,
    E_AT,
    LD,
    N_IN,
    N_PAD,
    NORMALIZE,
    TABLE,
    U_AT,
    W_AT,
)
from chainrule.engine.registers import at, lanes, load, prefetch_to_write, store
from chainrule.engine.registers.calls import Named, caller
from chainrule.engine.registers.memory import lowest
from chainrule.engine.registers.tile import TILE_ROWS, call_tile
from chainrule.engine.registers.types import POINTERS, REGISTER_COUNT

# Tile rows that go together over all panels where the matrix is large, so that their part of A
# stays in the cache; and how many share a call of the update rule, which has its price. Measured.
TILES_TOGETHER, TILES_UPDATED_TOGETHER = 8, 4 if REGISTER_COUNT == 32 else 8
LARGE = 50_000
# Past this many rows of the batch a sum goes in parts. Measured.
SUM_IN_PARTS_FROM, PART = 512, 256
# From so many panels on, A's numbers are first brought side by side, in the order of their use.
WORTH_PACKING = 8


def update_signature(dtype: Any) -> Any:
    """Return the signature of the update kernels: (P, G, S, stride, n, alpha, t, scale, share).

    P, G: parameters and gradient; S: the rule's state, each part `stride` after the one before;
    `scale` shortens the gradient; `share` is how much of the penalty there is, 0 for biases and
    gains, which carry neither penalty nor decay. The result is what it added to the cost.
    """
    p, n, d = POINTERS[dtype], types.intp, types.float64
    return d(p, p, p, n, n, d, n, d, d)


call_update = caller(update_signature)


def scratch_size(most_inputs: int, batch_size: int, lanes: int) -> int:
    """Return how many numbers a thread needs beside the matrices: gradients, and packed tiles."""
    rows = most_inputs + TILE_ROWS
    packed = min(rows * batch_size, max(LARGE, TILES_TOGETHER * TILE_ROWS * batch_size))
    return -(-(rows * 2 * lanes + packed + TILE_ROWS * batch_size + 4 * lanes) // 16) * 16


def gradient_and_update(
    L: Any,
    layers: Any,
    l: Any,
    A_all: Any,
    D_all: Any,
    P_all: Any,
    S_all: Any,
    G_all: Any,
    scratch: Any,
    zeros: Any,
    r0: Any,
    m: Any,
    stride: Any,
    n_states: Any,
    store_all: Any,
    update: Any,
    alpha: Any,
    step: Any,
    share: Any,
    tid: Any,
    nth: Any,
) -> Any:
    """Do this thread's tiles of one layer's gradient (K, N), over m rows of the batch from r0.

    Every tile sums the rows in the same order, whichever thread does it. Returns what the penalty
    on these tiles' weights added to the cost, if the update kernel tells it.
    """
    penalty = 0.0
    K, N, lda, ldd = L[l, N_IN], L[l, N_PAD], L[l - 1, LD], L[l, LD]
    A, D = at(A_all, L[l - 1, A_AT] + r0 * lda), at(D_all, L[l, E_AT] + r0 * ldd)
    P, S, G = at(P_all, L[l, W_AT]), at(S_all, L[l, W_AT]), at(G_all, L[l, W_AT])
    v = lanes(A)
    width = 2 * v
    n_tiles = (K + TILE_ROWS - 1) // TILE_ROWS
    q, rest = K // n_tiles, K % n_tiles
    n_panels = (N + width - 1) // width
    low = lowest(A, 0)
    together = min(TILES_TOGETHER if m * K > LARGE else n_tiles, n_tiles)
    n_parts = 1 if m <= SUM_IN_PARTS_FROM else (m + PART - 1) // PART
    part = (m + n_parts - 1) // n_parts
    # Panels are shared out where there are many; else tiles, turned so that odd ones even out.
    whole_panels = n_panels >= 4 * nth
    p0 = n_panels * tid // nth if whole_panels else 0
    p1 = n_panels * (tid + 1) // nth if whole_panels else n_panels
    packed = at(scratch, (together * TILE_ROWS + 1) * width)
    packs = whole_panels and p1 - p0 >= WORTH_PACKING
    for t0 in range(0, n_tiles, together):
        t1 = min(n_tiles, t0 + together)
        a0, a1 = t0, t1
        if packs:
            pack_tiles(A, lda, m, q, rest, t0, t1, packed)
        for panel in range(p0, p1):
            j = panel * width
            w = min(width, N - j)
            if not whole_panels:
                turn = (tid + panel) % nth
                a0 = t0 + (t1 - t0) * turn // nth
                a1 = t0 + (t1 - t0) * (turn + 1) // nth
            i0 = a0 * q + min(a0, rest)
            for k0 in range(0, m, part):
                k = min(part, m - k0)
                last = k0 + k == m
                waiting = i0  # from this row on, gradients wait for the update
                t = a0
                while t < a1:
                    rows, i = q + (1 if t < rest else 0), t * q + min(t, rest)
                    tiles = 1
                    if store_all != 0:  # all that are as high
                        tiles = min(a1, rest) - t if t < rest else a1 - t
                    offset, size = j * K + i * w, rows * tiles * w
                    g = at(G, offset) if store_all != 0 else at(scratch, (i - i0) * w)
                    if last and store_all == 0:
                        for x in range(0, size, v):
                            prefetch_to_write(P, offset + x)
                            for state in range(n_states):
                                prefetch_to_write(S, state * stride + offset + x)
                    start, ldi = (zeros, 0) if k0 == 0 else (g, w)
                    a, lda_k, a_step = at(A, i + k0 * lda), lda, rows
                    if packs:
                        a, lda_k = at(packed, ((t - t0) * m + k0) * TILE_ROWS), TILE_ROWS
                        a_step = m * TILE_ROWS
                    d = at(D, j + k0 * ldd)
                    of_tile = (a, 1, lda_k, d, ldd, k, g, w, start, ldi, low, rows, w // v)
                    call_tile(A, (*of_tile, tiles, a_step))
                    t += tiles
                    due = t == a1 or (t - a0) % TILES_UPDATED_TOGETHER == 0
                    if last and store_all == 0 and due:
                        o, n = j * K + waiting * w, (i + rows - waiting) * w
                        places = (at(P, o), at(scratch, (waiting - i0) * w), at(S, o))
                        of_tiles = (*places, stride, n, alpha, step, 1.0, share)
                        penalty += call_update(update, P, of_tiles)
                        waiting = i + rows
            if t0 == 0 and (whole_panels or panel % nth == tid):
                for c in range(j, j + w, v):
                    dz, o = at(D_all, L[l, D_AT] + r0 * ldd + c), N * K + c
                    sums = (P, S, G, scratch)
                    total = _sum_of_column(dz, ldd, m)
                    update_sum(total, o, sums, stride, store_all, update, alpha, step)
                    if L[l, NORMALIZE] != 0:
                        u = at(A_all, L[l, U_AT] + r0 * ldd + c)
                        total = _sum_of_products(dz, u, ldd, m)
                        update_sum(total, o + N, sums, stride, store_all, update, alpha, step)
    return penalty


def _signature(dtype: Any) -> Any:
    p, n, d = POINTERS[dtype], types.intp, types.float64
    return d(TABLE, n, n, p, p, p, p, p, p, p, n, n, n, n, n, n, d, n, d, n, n)


GRADIENT_AND_UPDATE = Named(gradient_and_update, _signature)
call_gradient_and_update = GRADIENT_AND_UPDATE.call


@inlined
def pack_tiles(A: Any, lda: Any, m: Any, q: Any, rest: Any, t0: Any, t1: Any, packed: Any) -> None:
    """Copy the columns of each tile from t0 to t1, row by row, to where they lie side by side.

    What a register holds beyond a tile's columns is overwritten by the next row.
    """
    for t in range(t0, t1):
        a, to = at(A, t * q + min(t, rest)), at(packed, (t - t0) * m * TILE_ROWS)
        for r in range(m):
            for c in range(0, TILE_ROWS, lanes(A)):
                store(to, r * TILE_ROWS + c, load(a, r * lda + c))


@inlined
def update_sum(
    total: Any,
    o: Any,
    memory: Any,
    stride: Any,
    store_all: Any,
    update: Any,
    alpha: Any,
    step: Any,
) -> None:
    """Update a register of biases or gains by its gradient, or store that."""
    P, S, G, scratch = memory
    if store_all != 0:
        store(G, o, total)
    else:
        store(scratch, 0, total)
        p, s = at(P, o), at(S, o)
        call_update(update, P, (p, scratch, s, stride, lanes(P), alpha, step, 1.0, 0.0))


@inlined
def _sum_of_column(D: Any, ld: Any, m: Any) -> Any:
    """Add up a register's width of columns over m rows, in four strands."""
    s0 = load(D, 0)
    s1 = s2 = s3 = s0 * 0
    r = 1
    while r + 3 < m:
        s0 = s0 + load(D, r * ld)
        s1 = s1 + load(D, (r + 1) * ld)
        s2 = s2 + load(D, (r + 2) * ld)
        s3 = s3 + load(D, (r + 3) * ld)
        r += 4
    while r < m:
        s0 = s0 + load(D, r * ld)
        r += 1
    return (s0 + s1) + (s2 + s3)


@inlined
def _sum_of_products(D: Any, U: Any, ld: Any, m: Any) -> Any:
    """Add up the products of two such columns."""
    total = load(D, 0) * load(U, 0)
    for r in range(1, m):
        total = total + load(D, r * ld) * load(U, r * ld)
    return total
