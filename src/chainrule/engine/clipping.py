"""The update where the whole gradient must be known first: its norm, then every part, shortened.

The gradient is cut into parts of one size, whose squares are added up in one order, so that the
number of threads changes no bit.
"""

from __future__ import annotations

import math
from typing import Any

from numba import types

from chainrule.engine.barrier import meet
from chainrule.engine.blocks import add_blocks
from chainrule.engine.compilation import inner
from chainrule.engine.formulas import prepare_signature
from chainrule.engine.gradients import call_update
from chainrule.engine.layout import SIZE, TABLE, W_AT, W_SIZE
from chainrule.engine.registers import NUMBERS, POINTERS, at, get, put
from chainrule.engine.registers.calls import Addressed, caller

# Numbers in each part.
NORM_PART = 4096

call_prepare = caller(prepare_signature)


def update_clipped(
    L: Any,
    layers: Any,
    P: Any,
    S: Any,
    G: Any,
    size: Any,
    norms: Any,
    max_norm: Any,
    blocks: Any,
    update: Any,
    prepare: Any,
    alpha: Any,
    t: Any,
    share: Any,
    penalty: Any,
    barrier: Any,
    generation: Any,
    tid: Any,
    nth: Any,
) -> Any:
    """Update with the whole gradient, shortened to `max_norm`: each thread every nth part.

    To the number at `penalty` it adds its part of it, as `gradient_and_update` returns.
    """
    part = 0
    for l in range(1, layers):
        n_weights, n_all = L[l, W_SIZE], L[l, SIZE]
        for start in range(0, n_all, NORM_PART):
            if part % nth == tid:
                squares = _prepare_part(L, l, start, P, G, size, blocks, share, prepare)
                put(norms, part, squares)
            part += 1
    generation = meet(barrier, nth, generation)
    squares = 0.0
    for i in range(part):
        squares += get(norms, i)
    norm = math.sqrt(squares)
    scale = max_norm / norm if norm > max_norm else 1.0
    part = 0
    for l in range(1, layers):
        n_weights, n_all = L[l, W_SIZE], L[l, SIZE]
        for start in range(0, n_all, NORM_PART):
            if part % nth == tid:
                stop = min(start + NORM_PART, n_all)
                middle = min(max(start, n_weights), stop)
                for i, n, of in ((start, middle - start, share), (middle, stop - middle, 0.0)):
                    o = L[l, W_AT] + i
                    if n > 0:
                        places = (at(P, o), at(G, o), at(S, o))
                        added = call_update(update, P, (*places, size, n, alpha, t, scale, of))
                        put(penalty, 0, get(penalty, 0) + added)
            part += 1
    return generation


def _signature(dtype: Any) -> Any:
    p, n, d = POINTERS[dtype], types.intp, types.float64
    step = (d, n, n, n, d, n, d, types.CPointer(d), NUMBERS, types.int64, n, n)
    return types.int64(TABLE, n, p, p, p, n, types.CPointer(d), *step)


UPDATE_CLIPPED = Addressed(update_clipped, _signature)


@inner
def _prepare_part(
    L: Any, l: Any, start: Any, P: Any, G: Any, size: Any, blocks: Any, share: Any, prepare: Any
) -> Any:
    stop = min(start + NORM_PART, L[l, SIZE])
    middle = min(max(start, L[l, W_SIZE]), stop)
    if blocks > 1:
        add_blocks(G, L[l, W_AT] + start, stop - start, size)
    squares = 0.0
    for i, n, carried in ((start, middle - start, share), (middle, stop - middle, 0.0)):
        o = L[l, W_AT] + i
        if n > 0:
            squares += call_prepare(prepare, P, (at(P, o), at(G, o), n, carried))
    return squares
