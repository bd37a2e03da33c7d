"""Z = A W + b and dA = dZ Wᵀ on some rows of a batch, in tiles, with the activation behind each."""

from __future__ import annotations

from typing import Any

from numba import types

from chainrule.engine.compilation import inlined
from chainrule.engine.registers import at, lanes
from chainrule.engine.registers.calls import Named, caller
from chainrule.engine.registers.memory import lowest
from chainrule.engine.registers.tile import TILE_ROWS, call_tile
from chainrule.engine.registers.transpose import transpose_block
from chainrule.engine.registers.types import POINTERS, REGISTER_COUNT

# Past this many terms a sum goes in parts, so that the panel's part stays in the cache. Measured.
SUM_IN_PARTS_FROM, PART = 1024, 320 if REGISTER_COUNT == 32 else 512
TILES_IN_A_PART = 32
# So many tiles go before their activation, which finds them in the cache.
TILES_WITH_FORMULA = 8


def forward_signature(dtype: Any) -> Any:
    """Return the signature of the kernels a = g(z): (Z, A, rows, n, ldz, lda)."""
    p, n = POINTERS[dtype], types.intp
    return types.void(p, p, n, n, n, n)


def backward_signature(dtype: Any) -> Any:
    """Return that of the kernels dz = da g'(z, a): (Z, A, D, rows, n, ldz, lda, ldd)."""
    p, n = POINTERS[dtype], types.intp
    return types.void(p, p, p, n, n, n, n, n)


call_forward, call_backward = caller(forward_signature), caller(backward_signature)


def multiply_rows(
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
    rectified: Any,
    forward: Any,
    H: Any,
    ldh: Any,
    backward: Any,
    Z: Any,
    n: Any,
) -> None:
    """C (M, N) = I + A (M, K) B; then H = g(C), or C = C ∘ g'(Z, H), some tiles at a time.

    A's number (i, k) lies at ``i * rs + k * cs``; B in panels where `ldb` is 0, else in rows that
    are so far apart. `forward` and `backward` are addresses of
    kernels, or 0; `n` of the N columns are real.
    """
    width = 2 * lanes(A)
    n_tiles = (M + TILE_ROWS - 1) // TILE_ROWS
    if n_tiles == 0:
        return
    q, rest = M // n_tiles, M % n_tiles  # rows split evenly: no tile is much smaller than another
    n_parts = 1 if K <= SUM_IN_PARTS_FROM else (K + PART - 1) // PART
    part = (K + n_parts - 1) // n_parts
    group = n_tiles if n_parts == 1 else TILES_IN_A_PART
    if forward != 0 or backward != 0:
        group = min(group, TILES_WITH_FORMULA)
    for k0 in range(0, K, part):
        k = min(part, K - k0)
        last = k0 + k == K
        low = lowest(A, 1 if last and rectified != 0 else 0)
        for t0 in range(0, n_tiles, group):
            for j in range(0, N, width):
                w = min(width, N - j)
                b, ld = (at(B, j * K + k0 * w), w) if ldb == 0 else (at(B, j + k0 * ldb), ldb)
                t, t1 = t0, min(n_tiles, t0 + group)
                while t < t1:  # first the higher tiles, then the others
                    rows, i = q + (1 if t < rest else 0), t * q + min(t, rest)
                    tiles = min(t1, rest) - t if t < rest else t1 - t
                    c = at(C, i * ldc + j)
                    start, stride = (at(I, j * ldi), 0) if k0 == 0 else (c, ldc)
                    a, step = at(A, i * rs + k0 * cs), rows * rs
                    of_tiles = (a, rs, cs, b, ld, k, c, ldc, start, stride, low)
                    call_tile(A, (*of_tiles, rows, w // lanes(A), tiles, step))
                    if last and forward != 0:
                        h = at(H, i * ldh + j)
                        call_forward(forward, c, (c, h, rows * tiles, min(w, n - j), ldc, ldh))
                    if last and backward != 0:
                        z, h, m = at(Z, i * ldh + j), at(H, i * ldh + j), rows * tiles
                        call_backward(backward, c, (z, h, c, m, min(w, n - j), ldh, ldh, ldc))
                    t += tiles


def _multiply_signature(dtype: Any) -> Any:
    p, n = POINTERS[dtype], types.intp
    return types.void(p, n, n, p, n, n, n, n, p, n, p, n, n, n, p, n, n, p, n)


MULTIPLY_ROWS = Named(multiply_rows, _multiply_signature)
call_multiply_rows = MULTIPLY_ROWS.call


@inlined
def transpose_panels(
    W: Any, K: Any, N: Any, n: Any, T: Any, n_pad: Any, tid: Any, nth: Any
) -> None:
    """T = Wᵀ in panels over the K inputs, padded to `n_pad`, with the `n` real units as rows."""
    v = lanes(W)
    width = 2 * v
    blocks = (K + v - 1) // v
    for block in range(blocks * tid // nth, blocks * (tid + 1) // nth):
        i = block * v
        panel_i = i // width * width
        width_i = min(width, n_pad - panel_i)
        for j in range(0, N, v):
            panel_j = j // width * width
            width_j = min(width, N - panel_j)
            source = at(W, panel_j * K + i * width_j + (j - panel_j))
            target = at(T, panel_i * n + j * width_i + (i - panel_i))
            transpose_block(source, width_j, target, width_i, K - i, n - j)
