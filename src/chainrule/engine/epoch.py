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
from chainrule.engine.by_units import gradient_by_units
from chainrule.engine.clipping import update_clipped
from chainrule.engine.compilation import cached_on_disk
from chainrule.engine.formulas import loss_signature
from chainrule.engine.gathering import gather, gather_targets, share_out
from chainrule.engine.gradients import gradient_and_update
from chainrule.engine.layout import BACKWARD, BY_UNITS, D_AT, G_AT, LD, N_OUT, Z_AT
from chainrule.engine.normalizing import update_running
from chainrule.engine.packing import copy_parameters
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
    vector: Any,
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
    keys: Any,
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
    V, P, S, G = pointer_to(vector), pointer_to(P_array), pointer_to(S_array), pointer_to(G_array)
    T, A, D = pointer_to(T_array), pointer_to(A_array), pointer_to(D_array)
    Y, targets = pointer_to(Y_array), pointer_to(Y_batch)
    shares = at(pointer_to(shares_array), tid * (shares_array.size // nth))
    zeros = at(pointer_to(scratch_array), tid * (scratch_array.size // nth))
    v = lanes(P)
    scratch = at(zeros, 2 * v)  # the two registers before it stay zero
    depth, rows, size = L.shape[0] - 1, order.size, P_array.size
    ld, n_out, back, by_units = (
        L[depth, LD],
        L[depth, N_OUT],
        L[depth, BACKWARD],
        L[depth, BY_UNITS],
    )
    row, unit = (1, ld) if by_units != 0 else (ld, 1)
    into_row, into_unit = (1, L[0, LD]) if L[0, BY_UNITS] != 0 else (L[0, LD], 1)
    store_all = 1 if max_norm > 0 else 0
    generation = atomic_load(barrier, 8)
    copy_parameters(L, V, P, 0, tid, nth)
    generation = meet(barrier, nth, generation)
    transpose_all(L, P, T, tid, nth)
    step = 0
    for first in range(0, rows, batch_size):
        m = min(batch_size, rows - first)
        blocks = (m + v - 1) // v  # a thread's rows begin at a whole register
        r0, r1 = min(m, blocks * tid // nth * v), min(m, blocks * (tid + 1) // nth * v)
        gather(source, L[0, N_OUT], order, first, r0, r1, rows, A, into_row, into_unit)
        gather_targets(Y, labels, order, first, r0, r1, n_out, targets, row, unit)
        stride = share_out(weights, order, first, m, r0, r1, shares, by_units)

        generation = forward_rows(
            L, P, A, zeros, keys, step, r0, r1 - r0, m, barrier, generation, tid, nth
        )
        z, a = at(A, L[depth, Z_AT] + r0 * row), at(A, L[depth, G_AT] + r0 * row)
        y, d = at(targets, r0 * row), at(D, L[depth, D_AT] + r0 * row)
        i, j = (n_out, r1 - r0) if by_units != 0 else (r1 - r0, n_out)
        losses[step, tid] = call_loss(loss, a, (z, a, y, shares, stride, d, i, j, ld, ld, ld, ld))
        if short == 0 and back != 0:  # no short form: dL/da is there, and goes on to dL/dz
            call_backward(back, d, (z, a, d, i, j, ld, ld, ld))
        generation = meet(barrier, nth, generation)  # all costs, and Wᵀ, are there
        J = 0.0
        for thread in range(nth):
            J += losses[step, thread]
        if not math.isfinite(J):
            break

        generation = backward_rows(
            L, P, T, A, D, zeros, r0, r1 - r0, m, barrier, generation, tid, nth
        )
        generation = meet(barrier, nth, generation)  # all dZ are there

        alpha, t = rates[step], t0 + step + 1
        for l in range(1, depth + 1):
            if L[l, BY_UNITS] != 0:
                gradient_by_units(
                    *(L, l, A, D, P, S, G, m, size, store_all),
                    *(scratch, zeros, update, alpha, t, tid, nth),
                )
            else:
                gradient_and_update(
                    *(L, l, A, D, P, S, G, m, size, n_states, store_all),
                    *(scratch, zeros, update, alpha, t, tid, nth),
                )
        update_running(L, A, m, tid, nth)
        if store_all != 0:
            generation = meet(barrier, nth, generation)  # the whole gradient is there
            generation = update_clipped(
                *(barrier, nth, generation, tid, L, P, S, G, size, norms),
                *(max_norm, update, prepare, alpha, t),
            )
        generation = meet(barrier, nth, generation)  # all weights are updated
        transpose_all(L, P, T, tid, nth)
        step += 1
    copy_parameters(L, V, P, 1, tid, nth)
    return step
