"""The parameters between the network's vector and the panels of the compiled engine."""

from __future__ import annotations

from typing import Any

from numba import njit

from chainrule.engine.compilation import cached_on_disk
from chainrule.engine.layout import (
    B_FROM,
    BY_UNITS,
    GAMMA_FROM,
    N_IN,
    N_OUT,
    N_PAD,
    NORMALIZATION,
    W_AT,
    W_FROM,
    W_SIZE,
)
from chainrule.engine.registers import at, get, lanes, pointer_to, put


@cached_on_disk
@njit(error_model="numpy")
def copy_arrays(L: Any, vector: Any, panels: Any, back: Any) -> None:
    """Do what `copy_parameters` does, with arrays, and on one thread."""
    copy_parameters(L, pointer_to(vector), pointer_to(panels), back, 0, 1)


@njit(error_model="numpy")
def copy_parameters(L: Any, V: Any, P: Any, back: Any, tid: Any, nth: Any) -> None:
    """Copy the vector V into the panels P, or, if `back`, these into V: this thread's part."""
    for l in range(1, L.shape[0]):
        copy_weights(L, l, V, P, back, tid, nth)
        if tid == 0:
            n, p = L[l, N_OUT], L[l, W_AT] + L[l, W_SIZE]
            _copy(V, L[l, B_FROM], P, p, n, back)
            if L[l, NORMALIZATION] != 0:
                _copy(V, L[l, GAMMA_FROM], P, p + L[l, N_PAD], n, back)


@njit(error_model="numpy")
def copy_weights(L: Any, l: Any, V: Any, P: Any, back: Any, tid: Any, nth: Any) -> None:
    """Do so with the weights of one layer, (n_in, n_out) in V."""
    k, n, turned = L[l, N_IN], L[l, N_OUT], L[l, BY_UNITS] != 0
    vector, panels, v = at(V, L[l, W_FROM]), at(P, L[l, W_AT]), lanes(P)
    width = 2 * v
    along, across = (k, n) if turned else (n, k)  # panels stand side by side along this
    n_panels = (along + width - 1) // width
    for panel in range(n_panels * tid // nth, n_panels * (tid + 1) // nth):
        j = panel * width
        real = min(width, along - j)
        ld = (real + v - 1) // v * v
        for i in range(across):
            p = at(panels, j * across + i * ld)
            if turned:
                for c in range(real):
                    if back != 0:
                        put(vector, (j + c) * n + i, get(p, c))
                    else:
                        put(p, c, get(vector, (j + c) * n + i))
            else:
                _copy(vector, i * n + j, p, 0, real, back)


@njit(error_model="numpy")
def _copy(V: Any, v: Any, P: Any, p: Any, n: Any, back: Any) -> None:
    if back != 0:
        for i in range(n):
            put(V, v + i, get(P, p + i))
    else:
        for i in range(n):
            put(P, p + i, get(V, v + i))
