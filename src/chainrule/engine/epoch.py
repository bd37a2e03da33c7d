"""The compiled epoch: gather, forward, cost, backward, update, over mini-batches, in one function.

Compiled once for a float type, it serves every network: sizes, addresses of formulas and places
in memory come from the layer table, and what belongs to one call from the table of the run. Each
thread runs it whole, with its own share of the rows (forward, cost, dZ) and of the tiles (dW and
update), and they meet at three barriers a step.
"""

from __future__ import annotations

import ctypes
import math
from typing import Any

import numpy as np
from numba import types

from chainrule.engine.barrier import meet
from chainrule.engine.blocks import (
    BLOCKS,
    gradient_of_blocks,
    rows_of_block,
    update_with_blocks,
)
from chainrule.engine.by_units import GRADIENT_BY_UNITS
from chainrule.engine.clipping import UPDATE_CLIPPED
from chainrule.engine.compilation import inlined
from chainrule.engine.formulas import loss_signature
from chainrule.engine.gathering import call_gather, gather_targets, share_out, sum_of_weights
from chainrule.engine.gradients import call_gradient_and_update
from chainrule.engine.layout import (
    BACKWARD,
    BY_UNITS,
    D_AT,
    G_AT,
    GRADIENT,
    LD,
    N_OUT,
    TABLE,
    Z_AT,
)
from chainrule.engine.normalizing import update_running
from chainrule.engine.packing import call_copy_parameters
from chainrule.engine.passes import call_backward_rows, call_forward_rows, transpose_all
from chainrule.engine.products import call_backward
from chainrule.engine.registers import NUMBERS, POINTERS, at, get, lanes, pointer_from, put
from chainrule.engine.registers.calls import Addressed, caller
from chainrule.engine.registers.threads import atomic_load
from chainrule.engine.source import GATHER, LABELS, TARGETS, WEIGHTS

# The table of a run: sizes, and addresses of memory and of kernels; 0 for what there is none of.
(
    N_THREADS,
    BARRIER,
    LAYERS,
    LAYER_TABLE,
    VECTOR,
    LOAD,  # 1 if the parameters are to be brought from there to the panels first
    STORE,  # 1 if they are to be brought back at the end
    N_PARAMETERS,
    STATES,
    N_STATES,
    GRADIENTS,
    IN_BLOCKS,  # 1 if the gradient is a sum over blocks of rows
    TRANSPOSED,
    TRANSPOSED_SIZE,
    ACTIVATIONS,
    DELTAS,
    SCRATCH,  # of each thread: two registers that stay zero, and room for tiles
    SCRATCH_SIZE,
    SHARES,  # of each thread: the shares of its rows in the mean
    SHARES_SIZE,
    BATCH_SIZE,
    BATCH_TARGETS,
    LOSS,
    SHORT,  # 1 if the loss has a short form with the output activation
    UPDATE,
    CLIPPED,
    PREPARE,
    NORMS,
    SOURCE,
    ORDER,
    N_ROWS,
    EPOCH_ROWS,  # no mini-batch reaches from one epoch of so many rows into the next
    RATES,
    KEYS,  # of the dropout masks, by step and layer
    FIRST_STEP,
    LOSSES,  # receives each thread's part of the cost, by step
    SHARED,  # 1 if the examples share the penalty
    PENALTIES,  # receives each thread's part of that, by step
    N_NUMBERS,
) = range(39)

call_loss, call_gradient = caller(loss_signature), GRADIENT_BY_UNITS.call
call_clipped = UPDATE_CLIPPED.call


def run_epoch(tid: Any, run: Any, P: Any, max_norm: Any) -> int:
    """Train on the rows of the order, batch by batch; return how many updates were done.

    `P` are the parameters in panels. A cost that is not finite ends the run before the update.
    """
    nth, barrier = get(run, N_THREADS), pointer_from(get(run, BARRIER), np.int64)
    L, layers = pointer_from(get(run, LAYER_TABLE), TABLE), get(run, LAYERS)
    depth = layers - 1
    V, S = pointer_from(get(run, VECTOR), P), pointer_from(get(run, STATES), P)
    G, T = pointer_from(get(run, GRADIENTS), P), pointer_from(get(run, TRANSPOSED), P)
    A, D = pointer_from(get(run, ACTIVATIONS), P), pointer_from(get(run, DELTAS), P)
    targets = pointer_from(get(run, BATCH_TARGETS), P)
    zeros = at(pointer_from(get(run, SCRATCH), P), tid * get(run, SCRATCH_SIZE))
    scratch, v = at(zeros, 2 * lanes(P)), lanes(P)
    shares = at(pointer_from(get(run, SHARES), P), tid * get(run, SHARES_SIZE))
    source = pointer_from(get(run, SOURCE), np.int64)
    order, rows = pointer_from(get(run, ORDER), np.int64), get(run, N_ROWS)
    Y, labels = pointer_from(get(source, TARGETS), P), get(source, LABELS)
    keys = pointer_from(get(run, KEYS), np.int64)
    rates = pointer_from(get(run, RATES), np.float64)
    losses = pointer_from(get(run, LOSSES), np.float64)
    penalties, shared = pointer_from(get(run, PENALTIES), np.float64), get(run, SHARED)
    size, n_states, update = get(run, N_PARAMETERS), get(run, N_STATES), get(run, UPDATE)
    clipped, batch_size = get(run, CLIPPED), get(run, BATCH_SIZE)
    ld, n_out, by_units = L[depth, LD], L[depth, N_OUT], L[depth, BY_UNITS]
    back = L[depth, BACKWARD]
    row, unit = (1, ld) if by_units != 0 else (ld, 1)
    into_row, into_unit = (1, L[0, LD]) if L[0, BY_UNITS] != 0 else (L[0, LD], 1)
    store_all = 1 if clipped != 0 else 0
    in_blocks = get(run, IN_BLOCKS) != 0
    T = at(T, tid * get(run, TRANSPOSED_SIZE) if in_blocks else 0)  # each thread has its own then
    generation = atomic_load(barrier, 8)
    if get(run, LOAD) != 0:
        call_copy_parameters(P, (L, layers, V, P, 0, tid, nth))
    generation = meet(barrier, nth, generation)
    step, first, epoch_rows = 0, 0, get(run, EPOCH_ROWS)
    while first < rows:
        transpose_all(L, layers, P, T, 0 if in_blocks else tid, 1 if in_blocks else nth)
        m = min(batch_size, epoch_rows - first % epoch_rows)
        r0, r1 = rows_of_block(m, tid, nth, v)
        of_batch = (source, L[0, N_OUT], order, first, r0, r1, rows, A, into_row, into_unit)
        call_gather(get(source, GATHER), A, of_batch)
        gather_targets(Y, labels, order, first, r0, r1, n_out, targets, row, unit)
        weights = get(source, WEIGHTS)
        all_weights = sum_of_weights(weights, order, first, m)
        stride = share_out(weights, order, first, all_weights, r0, r1, shares, by_units)

        of_rows = (zeros, keys, step, r0, r1 - r0, m, barrier, generation, tid, nth)
        generation = call_forward_rows(P, (L, layers, P, A, *of_rows))
        z, a = at(A, L[depth, Z_AT] + r0 * row), at(A, L[depth, G_AT] + r0 * row)
        y, d = at(targets, r0 * row), at(D, L[depth, D_AT] + r0 * row)
        i, j = (n_out, r1 - r0) if by_units != 0 else (r1 - r0, n_out)
        share = call_loss(get(run, LOSS), a, (z, a, y, shares, stride, d, i, j, ld, ld, ld, ld))
        put(losses, step * nth + tid, share)
        if get(run, SHORT) == 0 and back != 0:  # dL/da is there, and goes on to dL/dz
            call_backward(back, d, (z, a, d, i, j, ld, ld, ld))
        if not in_blocks:
            generation = meet(barrier, nth, generation)  # all costs, and Wᵀ, are there
            if not is_finite(losses, step, nth):
                break

        way_back = (zeros, r0, r1 - r0, m, barrier, generation, tid, nth)
        generation = call_backward_rows(P, (L, layers, P, T, A, D, *way_back))
        if not in_blocks or nth > BLOCKS:
            generation = meet(barrier, nth, generation)  # all dZ are there

        alpha, t = get(rates, step), get(run, FIRST_STEP) + step + 1
        share, penalty = 1.0 / all_weights if shared != 0 else 1.0, 0.0
        memory = (A, D, P, S, G, scratch, zeros)
        if in_blocks:
            gradient_of_blocks(L, layers, memory, (m, size, n_states), tid, nth)
            generation = meet(barrier, nth, generation)  # all costs and gradients are there
            if not is_finite(losses, step, nth):
                break
            if clipped == 0:
                of_all = (L, layers, P, S, G, size)
                penalty = update_with_blocks(*of_all, update, alpha, t, share, tid, nth)
        else:
            for l in range(1, layers):
                if L[l, BY_UNITS] != 0:
                    of_layer = (L, layers, l, A, D, P, S, G, 0, m, size, store_all)
                    of_step = (scratch, zeros, update, alpha, t, share, tid, nth)
                    penalty += call_gradient(L[l, GRADIENT], P, (*of_layer, *of_step))
                else:
                    places = (L, layers, l, A, D, P, S, G, scratch, zeros, 0, m, size, n_states)
                    of_rule = (store_all, update, alpha, t, share, tid, nth)
                    penalty += call_gradient_and_update(P, (*places, *of_rule))
        if shared != 0:
            put(penalties, step * nth + tid, penalty)
        update_running(L, layers, A, m, tid, nth)
        if clipped != 0:
            if not in_blocks:
                generation = meet(barrier, nth, generation)  # the whole gradient is there
            norms, blocks = pointer_from(get(run, NORMS), np.float64), BLOCKS if in_blocks else 1
            of_norm = (L, layers, P, S, G, size, norms, max_norm, blocks, update)
            me = (barrier, generation, tid, nth)
            told = (get(run, PREPARE), alpha, t, share, at(penalties, step * nth + tid))
            generation = call_clipped(clipped, P, (*of_norm, *told, *me))
        generation = meet(barrier, nth, generation)  # all weights are updated
        step, first = step + 1, first + m
    if get(run, STORE) != 0:
        call_copy_parameters(P, (L, layers, V, P, 1, tid, nth))
    return step


@inlined
def is_finite(losses: Any, step: Any, nth: Any) -> Any:
    """Whether the cost of a mini-batch is, of which each thread wrote a part."""
    J = 0.0
    for thread in range(nth):
        J += get(losses, step * nth + thread)
    return math.isfinite(J)


def _signature(dtype: Any) -> Any:
    return types.int64(types.intp, NUMBERS, POINTERS[dtype], types.float64)


RUN_EPOCH = Addressed(run_epoch, _signature)
# How Python calls it, while Python's other threads go on.
EPOCH_FROM_PYTHON = ctypes.CFUNCTYPE(
    ctypes.c_int64, ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_double
)
