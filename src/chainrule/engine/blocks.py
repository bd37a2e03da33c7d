"""dW as the sum of what two blocks of the batch's rows add to it, each summed by a thread.

Where a network has fewer weights than a mini-batch has activations, it costs less to bring the
gradients of two threads together than the activations that they are made of. The blocks are the
same for any number of threads, and so are the bits of their sum.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.engine.by_units import GRADIENT_BY_UNITS
from chainrule.engine.compilation import inlined, inner
from chainrule.engine.gradients import call_gradient_and_update, call_update
from chainrule.engine.layout import BY_UNITS, GRADIENT, N_IN, N_OUT, SIZE, W_AT, W_SIZE
from chainrule.engine.registers import at, lanes, load, store

BLOCKS = 2
# Numbers that are added, and then updated, at a time: they and the states stay in the cache.
PART = 1024
# Up to so many parameters the threads' gradients stay in their caches. Measured.
MOST_PARAMETERS = 130_000

call_gradient = GRADIENT_BY_UNITS.call


def pay(table: npt.NDArray[np.int64], n_parameters: int, batch_size: int) -> bool:
    """Whether two threads send each other less so, by the layer table."""
    numbers = batch_size * int((table[1:, N_IN] + table[1:, N_OUT]).sum())
    return not table[0, BY_UNITS] and n_parameters <= min(MOST_PARAMETERS, numbers // 4)


@inlined
def rows_of_block(m: Any, block: Any, blocks: Any, v: Any) -> Any:
    """Return where a block of m rows begins, which is at a whole register, and where it ends."""
    registers = (m + v - 1) // v
    return min(m, registers * block // blocks * v), min(m, registers * (block + 1) // blocks * v)


@inner
def gradient_of_blocks(L: Any, layers: Any, memory: Any, sizes: Any, tid: Any, nth: Any) -> None:
    """Write to G the gradient of each block that is this thread's, or its share of one."""
    A, D, P, S, G, scratch, zeros = memory
    m, size, n_states = sizes
    v = lanes(A)
    for block in range(BLOCKS):
        t0, t1 = nth * block // BLOCKS, nth * (block + 1) // BLOCKS
        if nth == 1:
            t0, t1 = 0, 1
        if tid < t0 or tid >= t1:
            continue
        r0, r1 = rows_of_block(m, block, BLOCKS, v)
        me, of, g = tid - t0, t1 - t0, at(G, block * size)
        if r0 == r1:  # a small batch fills one block alone
            for i in range(0 if me == 0 else size, size, v):
                store(g, i, load(zeros, 0))
            continue
        for l in range(1, layers):
            if L[l, BY_UNITS] != 0:
                of_layer = (L, layers, l, A, D, P, S, g, r0, r1 - r0, size, 1)
                call_gradient(
                    L[l, GRADIENT], P, (*of_layer, scratch, zeros, 0, 0.0, 0, 0.0, me, of)
                )
            else:
                places = (L, layers, l, A, D, P, S, g, scratch, zeros, r0, r1 - r0, size)
                no_rule = (n_states, 1, 0, 0.0, 0, 0.0, me, of)
                call_gradient_and_update(P, (*places, *no_rule))


@inlined
def add_blocks(G: Any, o: Any, n: Any, size: Any) -> None:
    """G[0] := G[0] + G[1] on n numbers from o."""
    for i in range(o, o + n, lanes(G)):
        store(G, i, load(G, i) + load(G, size + i))


@inner
def update_with_blocks(
    L: Any,
    layers: Any,
    P: Any,
    S: Any,
    G: Any,
    size: Any,
    update: Any,
    alpha: Any,
    t: Any,
    share: Any,
    tid: Any,
    nth: Any,
) -> Any:
    """Add up the blocks' gradients and update with them: this thread's part of each layer.

    Returns its part of the penalty, as `gradient_and_update` does.
    """
    v, penalty = lanes(P), 0.0
    for l in range(1, layers):
        registers, start = L[l, W_SIZE] // v, L[l, W_AT]
        stop = start + registers * (tid + 1) // nth * v
        for o in range(start + registers * tid // nth * v, stop, PART):
            n = min(PART, stop - o)
            add_blocks(G, o, n, size)
            places = (at(P, o), at(G, o), at(S, o))
            penalty += call_update(update, P, (*places, size, n, alpha, t, 1.0, share))
        if l % nth == tid:
            o, n = start + L[l, W_SIZE], L[l, SIZE] - L[l, W_SIZE]
            add_blocks(G, o, n, size)
            places = (at(P, o), at(G, o), at(S, o))
            call_update(update, P, (*places, size, n, alpha, t, 1.0, 0.0))
    return penalty
