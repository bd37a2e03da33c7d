"""The parameters between the network's vector and the panels of the compiled engine."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numba import types

from chainrule.engine.compilation import inlined, inner
from chainrule.engine.layout import (
    B_FROM,
    BY_UNITS,
    GAMMA_FROM,
    IN_PAD,
    N_IN,
    N_OUT,
    N_PAD,
    NORMALIZE,
    TABLE,
    W_AT,
    W_FROM,
    W_SIZE,
)
from chainrule.engine.registers import POINTERS, at, get, lanes, load, put, store
from chainrule.engine.registers.calls import Named


def copy_parameters(L: Any, layers: Any, V: Any, P: Any, back: Any, tid: Any, nth: Any) -> None:
    """Copy the vector V into the panels P, or, if `back`, these into V: this thread's part."""
    for l in range(1, layers):
        copy_weights(L, l, V, P, back, tid, nth)
        if tid == 0:
            n, p = L[l, N_OUT], L[l, W_AT] + L[l, W_SIZE]
            one = np.int64(1)  # a literal would be compiled for itself
            _copy(at(V, L[l, B_FROM]), one, at(P, p), n, back)
            if L[l, NORMALIZE] != 0:
                _copy(at(V, L[l, GAMMA_FROM]), one, at(P, p + L[l, N_PAD]), n, back)


@inlined
def copy_weights(L: Any, l: Any, V: Any, P: Any, back: Any, tid: Any, nth: Any) -> None:
    """Do so with the weights of one layer, (n_in, n_out) in V."""
    k, n, turned = L[l, N_IN], L[l, N_OUT], L[l, BY_UNITS] != 0
    vector, panels, width = at(V, L[l, W_FROM]), at(P, L[l, W_AT]), 2 * lanes(P)
    along, across = (k, n) if turned else (n, k)  # panels stand side by side along this
    n_panels = (along + width - 1) // width
    for panel in range(n_panels * tid // nth, n_panels * (tid + 1) // nth):
        j = panel * width
        real = min(width, along - j)
        ld = min(width, (L[l, IN_PAD] if turned else L[l, N_PAD]) - j)
        for i in range(across):
            p = at(panels, j * across + i * ld)
            v, step = (j * n + i, n) if turned else (i * n + j, 1)
            _copy(at(vector, v), step, p, real, back)


@inner
def _copy(V: Any, step: Any, P: Any, n: Any, back: Any) -> None:
    source, step_in, target, step_out = (P, 1, V, step) if back != 0 else (V, step, P, 1)
    whole = n // lanes(P) * lanes(P) if step == 1 else 0
    for i in range(0, whole, lanes(P)):
        store(target, i, load(source, i))
    for i in range(whole, n):
        put(target, i * step_out, get(source, i * step_in))


def _signature(dtype: Any) -> Any:
    p, n = POINTERS[dtype], types.intp
    return types.void(TABLE, n, p, p, n, n, n)


COPY_PARAMETERS = Named(copy_parameters, _signature)
call_copy_parameters = COPY_PARAMETERS.call
# How Python calls it.
COPY_FROM_PYTHON = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_ssize_t, *[ctypes.c_void_p] * 2, *[ctypes.c_ssize_t] * 3
)
