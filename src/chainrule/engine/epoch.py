"""The compiled epoch: gather, forward, cost, backward, update, over mini-batches, in one function.

Compiled once for a float type, it serves every network: sizes, addresses of formulas and places
in memory come from the layer table. Each thread runs it whole, with its own share of the rows
(forward, cost, dZ) and of the tiles (dW and update), and they meet at three barriers a step.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from chainrule.engine.compilation import cached_on_disk
from chainrule.engine.formulas import loss_signature, prepare_signature
from chainrule.engine.gradients import call_update, gradient_and_update
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
from chainrule.engine.registers import (
    at,
    get,
    lanes,
    load,
    pointer_to,
    prefetch_to_read,
    put,
    store,
)
from chainrule.engine.registers.threads import (
    atomic_add,
    atomic_load,
    atomic_store,
    caller,
    let_others_run,
)

call_loss, call_prepare = caller(loss_signature), caller(prepare_signature)

# How often a thread looks before it offers its core to others; some 50 µs.
LOOKS = 20_000
# How many rows ahead the gathering asks for.
AHEAD = 8
# Numbers in each part of a gradient's norm: parts are added in one order, whoever did them.
NORM_PART = 4096


@njit(error_model="numpy")
def meet(barrier: Any, nth: Any, generation: Any) -> Any:
    """Wait until all threads are here."""
    if nth == 1:
        return generation
    if atomic_add(barrier, 0, 1) == nth - 1:
        atomic_store(barrier, 0, 0)
        atomic_add(barrier, 8, 1)
    else:
        looks = 0
        while atomic_load(barrier, 8) == generation:
            looks += 1
            if looks > LOOKS:
                let_others_run()
    return generation + 1


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


@cached_on_disk
@njit(nogil=True, error_model="numpy")
def run_epoch(
    tid: int,
    nth: int,
    barrier_array: Any,
    L: Any,
    P_array: Any,
    S_array: Any,
    n_states: int,
    G_array: Any,
    T_array: Any,
    A_array: Any,
    D_array: Any,
    Y_batch: Any,
    scratch_array: Any,
    shares_array: Any,
    X_array: Any,
    Y_array: Any,
    labels: Any,
    weights: Any,
    order: Any,
    batch_size: int,
    rates: Any,
    t0: int,
    loss: int,
    short: int,
    update: int,
    prepare: int,
    max_norm: float,
    norms: Any,
    losses: Any,
) -> int:
    """Train on the rows of `order`, batch by batch; return how many updates were done.

    ``losses[step, thread]`` receives each thread's part of the cost. A cost that is not finite
    ends the run before the update.
    """
    barrier = pointer_to(barrier_array)
    P, S, G = pointer_to(P_array), pointer_to(S_array), pointer_to(G_array)
    T, A, D = pointer_to(T_array), pointer_to(A_array), pointer_to(D_array)
    X, Y, targets = pointer_to(X_array), pointer_to(Y_array), pointer_to(Y_batch)
    share = pointer_to(shares_array)
    scratch = at(pointer_to(scratch_array), tid * (scratch_array.size // nth))
    zeros = scratch  # the first two registers stay zero
    scratch = at(scratch, 2 * lanes(P))
    depth, n, rows = L.shape[0] - 1, L[0, N_OUT], order.size
    size = P_array.size
    ld_out, n_out = L[depth, LD], L[depth, N_OUT]
    generation = atomic_load(barrier, 8)
    for l in range(2, depth + 1):
        transpose_panels(
            at(P, L[l, W_AT]),
            L[l, N_IN],
            L[l, N_PAD],
            L[l, N_OUT],
            at(T, L[l, T_AT]),
            L[l, IN_PAD],
            tid,
            nth,
        )
    step = 0
    for first in range(0, rows, batch_size):
        m = min(batch_size, rows - first)
        r0, r1 = m * tid // nth, m * (tid + 1) // nth
        gather(X, n, order, first, r0, r1, rows, A, L[0, LD])
        gather_targets(Y, labels, order, first, r0, r1, n_out, targets, ld_out)
        share_step = 0
        if weights.size:
            share_step = 1
            total = 0.0
            for r in range(m):
                total += weights[order[first + r]]
            for r in range(r0, r1):
                put(share, r, weights[order[first + r]] / total)
        else:
            share = at(pointer_to(shares_array), tid * 16)
            put(share, 0, 1.0 / m)
        # Forward propagation: Z[l] = A[l−1] W[l] + b[l], A[l] = g[l](Z[l])
        for l in range(1, depth + 1):
            k, units, ld, ld_in = L[l, N_IN], L[l, N_PAD], L[l, LD], L[l - 1, LD]
            W = at(P, L[l, W_AT])
            z, a = at(A, L[l, Z_AT] + r0 * ld), at(A, L[l, A_AT] + r0 * ld)
            by_tiles = L[l, FORWARD] if L[l, BY_ROWS] == 0 else 0
            multiply_rows(
                at(A, L[l - 1, A_AT] + r0 * ld_in),
                ld_in,
                W,
                k,
                r1 - r0,
                units,
                z,
                ld,
                at(W, k * units),
                1,
                L[l, RECTIFIED],
                by_tiles,
                a,
                ld,
                0,
                z,
                L[l, N_OUT],
            )
            if L[l, BY_ROWS] != 0:
                call_forward(L[l, FORWARD], a, (z, a, r1 - r0, L[l, N_OUT], ld, ld))
        # Cost, and its slope at the output
        z, a = at(A, L[depth, Z_AT] + r0 * ld_out), at(A, L[depth, A_AT] + r0 * ld_out)
        d = at(D, L[depth, D_AT] + r0 * ld_out)
        y = at(targets, r0 * ld_out)
        w = at(share, r0 * share_step)
        losses[step, tid] = call_loss(
            loss,
            a,
            (z, a, y, w, share_step, d, r1 - r0, n_out, ld_out, ld_out, ld_out, ld_out),
        )
        if short == 0 and L[depth, BACKWARD] != 0:
            call_backward(L[depth, BACKWARD], d, (z, a, d, r1 - r0, n_out, ld_out, ld_out, ld_out))
        generation = meet(barrier, nth, generation)  # all costs, and Wᵀ, are there
        J = 0.0
        for thread in range(nth):
            J += losses[step, thread]
        if not math.isfinite(J):
            return step
        # Backward propagation: dA[l−1] = dZ[l] W[l]ᵀ, dZ[l−1] = dA[l−1] ∘ g'
        for l in range(depth, 1, -1):
            ld, ld_in, below = L[l, LD], L[l - 1, LD], L[l, IN_PAD]
            z, a = at(A, L[l - 1, Z_AT] + r0 * ld_in), at(A, L[l - 1, A_AT] + r0 * ld_in)
            d = at(D, L[l - 1, D_AT] + r0 * ld_in)
            by_tiles = L[l - 1, BACKWARD] if L[l - 1, BY_ROWS] == 0 else 0
            multiply_rows(
                at(D, L[l, D_AT] + r0 * ld),
                ld,
                at(T, L[l, T_AT]),
                L[l, N_OUT],
                r1 - r0,
                below,
                d,
                ld_in,
                zeros,
                0,
                0,
                0,
                a,
                ld_in,
                by_tiles,
                z,
                L[l, N_IN],
            )
            if L[l - 1, BY_ROWS] != 0:
                call_backward(
                    L[l - 1, BACKWARD],
                    d,
                    (z, a, d, r1 - r0, L[l, N_IN], ld_in, ld_in, ld_in),
                )
        generation = meet(barrier, nth, generation)  # all dZ are there
        # dW[l] = A[l−1]ᵀ dZ[l], and the update behind it
        alpha, t = rates[step], t0 + step + 1
        store_all = 1 if max_norm > 0 else 0
        for l in range(1, depth + 1):
            at_l = L[l, W_AT]
            gradient_and_update(
                at(A, L[l - 1, A_AT]),
                L[l - 1, LD],
                at(D, L[l, D_AT]),
                L[l, LD],
                m,
                L[l, N_IN],
                L[l, N_PAD],
                at(P, at_l),
                at(S, at_l),
                size,
                n_states,
                at(G, at_l),
                store_all,
                scratch,
                zeros,
                update,
                alpha,
                t,
                tid,
                nth,
            )
        if store_all != 0:
            generation = meet(barrier, nth, generation)  # the whole gradient is there
            generation = update_clipped(
                barrier,
                nth,
                generation,
                tid,
                L,
                P,
                S,
                G,
                size,
                norms,
                max_norm,
                update,
                prepare,
                alpha,
                t,
            )
        generation = meet(barrier, nth, generation)  # all weights are updated
        for l in range(2, depth + 1):
            transpose_panels(
                at(P, L[l, W_AT]),
                L[l, N_IN],
                L[l, N_PAD],
                L[l, N_OUT],
                at(T, L[l, T_AT]),
                L[l, IN_PAD],
                tid,
                nth,
            )
        step += 1
    return step


@njit(error_model="numpy")
def update_clipped(
    barrier: Any,
    nth: Any,
    generation: Any,
    tid: Any,
    L: Any,
    P: Any,
    S: Any,
    G: Any,
    size: Any,
    norms: Any,
    max_norm: Any,
    update: Any,
    prepare: Any,
    alpha: Any,
    t: Any,
) -> Any:
    """Update with the whole gradient, shortened to `max_norm`: each thread every nth part."""
    part = 0
    for l in range(1, L.shape[0]):
        n_weights = L[l, N_IN] * L[l, N_PAD]
        n_all = n_weights + L[l, N_PAD]
        for start in range(0, n_all, NORM_PART):
            if part % nth == tid:
                norms[part] = _prepare_part(L, l, start, n_weights, n_all, P, G, prepare)
            part += 1
    generation = meet(barrier, nth, generation)
    squares = 0.0
    for i in range(part):
        squares += norms[i]
    norm = math.sqrt(squares)
    scale = max_norm / norm if norm > max_norm else 1.0
    part = 0
    for l in range(1, L.shape[0]):
        n_weights = L[l, N_IN] * L[l, N_PAD]
        n_all = n_weights + L[l, N_PAD]
        for start in range(0, n_all, NORM_PART):
            if part % nth == tid:
                stop = min(start + NORM_PART, n_all)
                middle = min(max(start, n_weights), stop)
                for i, n, weight in ((start, middle - start, 1), (middle, stop - middle, 0)):
                    o = L[l, W_AT] + i
                    if n > 0:
                        call_update(
                            update,
                            P,
                            (at(P, o), at(G, o), at(S, o), size, n, alpha, t, scale, weight),
                        )
            part += 1
    return generation


@njit(error_model="numpy")
def _prepare_part(
    L: Any, l: Any, start: Any, n_weights: Any, n_all: Any, P: Any, G: Any, prepare: Any
) -> Any:
    stop = min(start + NORM_PART, n_all)
    middle = min(max(start, n_weights), stop)
    squares = 0.0
    for i, n, weight in ((start, middle - start, 1), (middle, stop - middle, 0)):
        o = L[l, W_AT] + i
        if n > 0:
            squares += call_prepare(prepare, P, (at(P, o), at(G, o), n, weight))
    return squares
