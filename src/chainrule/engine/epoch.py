"""The compiled epoch: gather, forward, cost, backward, update, over mini-batches, in one function.

Compiled once for a float type, it serves every network: sizes, addresses of formulas and places
in memory come from the layer table. Each thread runs it whole, with its own share of the rows
(forward, cost, dZ) and of the tiles (dW and update), and they meet at three barriers a step.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from chainrule.engine.barrier import meet
from chainrule.engine.clipping import update_clipped
from chainrule.engine.compilation import cached_on_disk
from chainrule.engine.formulas import loss_signature
from chainrule.engine.gathering import gather, gather_targets, share_out
from chainrule.engine.gradients import gradient_and_update
from chainrule.engine.layout import A_AT, BACKWARD, D_AT, LD, N_IN, N_OUT, N_PAD, W_AT, Z_AT
from chainrule.engine.passes import backward_rows, forward_rows, transpose_all
from chainrule.engine.products import call_backward
from chainrule.engine.registers import at, lanes, pointer_to
from chainrule.engine.registers.threads import atomic_load, caller

call_loss = caller(loss_signature)


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
    source: Any,
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
    Y, targets = pointer_to(Y_array), pointer_to(Y_batch)
    shares = at(pointer_to(shares_array), tid * (shares_array.size // nth))
    zeros = at(pointer_to(scratch_array), tid * (scratch_array.size // nth))
    scratch = at(zeros, 2 * lanes(P))  # the two registers before it stay zero
    depth, rows, size = L.shape[0] - 1, order.size, P_array.size
    ld, n_out, back = L[depth, LD], L[depth, N_OUT], L[depth, BACKWARD]
    store_all = 1 if max_norm > 0 else 0
    generation = atomic_load(barrier, 8)
    transpose_all(L, P, T, tid, nth)
    step = 0
    for first in range(0, rows, batch_size):
        m = min(batch_size, rows - first)
        r0, r1 = m * tid // nth, m * (tid + 1) // nth
        gather(source, L[0, N_OUT], order, first, r0, r1, rows, A, L[0, LD])
        gather_targets(Y, labels, order, first, r0, r1, n_out, targets, ld)
        stride = share_out(weights, order, first, m, r0, r1, shares)

        forward_rows(L, P, A, r0, r1)

        z, a = at(A, L[depth, Z_AT] + r0 * ld), at(A, L[depth, A_AT] + r0 * ld)
        y, d = at(targets, r0 * ld), at(D, L[depth, D_AT] + r0 * ld)
        share = (z, a, y, shares, stride, d, r1 - r0, n_out, ld, ld, ld, ld)
        losses[step, tid] = call_loss(loss, a, share)
        if short == 0 and back != 0:  # no short form: dL/da is there, and goes on to dL/dz
            call_backward(back, d, (z, a, d, r1 - r0, n_out, ld, ld, ld))
        generation = meet(barrier, nth, generation)  # all costs, and Wᵀ, are there
        J = 0.0
        for thread in range(nth):
            J += losses[step, thread]
        if not math.isfinite(J):
            return step

        backward_rows(L, T, A, D, zeros, r0, r1)
        generation = meet(barrier, nth, generation)  # all dZ are there

        alpha, t = rates[step], t0 + step + 1
        for l in range(1, depth + 1):
            w, x, dz = L[l, W_AT], at(A, L[l - 1, A_AT]), at(D, L[l, D_AT])
            p, s, g, n_in, units = at(P, w), at(S, w), at(G, w), L[l, N_IN], L[l, N_PAD]
            gradient_and_update(
                *(x, L[l - 1, LD], dz, L[l, LD], m, n_in, units, p, s, size, n_states),
                *(g, store_all, scratch, zeros, update, alpha, t, tid, nth),
            )
        if store_all != 0:
            generation = meet(barrier, nth, generation)  # the whole gradient is there
            generation = update_clipped(
                *(barrier, nth, generation, tid, L, P, S, G, size, norms),
                *(max_norm, update, prepare, alpha, t),
            )
        generation = meet(barrier, nth, generation)  # all weights are updated
        transpose_all(L, P, T, tid, nth)
        step += 1
    return step
