"""Dropout on rows of a batch: the masks of floor 1's counters, drawn on registers."""

from __future__ import annotations

from typing import Any

from numba import types

from chainrule.dropout import threefry, threshold
from chainrule.engine.compilation import callable_in_loops, kernel
from chainrule.engine.registers import POINTERS, lanes, load, select, store
from chainrule.engine.registers.calls import caller
from chainrule.engine.registers.words import same_word, words_from


def drop_signature(dtype: Any) -> Any:
    """Return the signature of the kernels that drop: (G, A, M, first, rows, n, ld, k0, k1).

    G, A: activations before and after; M: receives the mask; `first`: the first row's number in
    the batch, even; k0, k1: the layer's key of this step.
    """
    p, n = POINTERS[dtype], types.intp
    return types.void(p, p, p, n, n, n, n, n, n)


def undrop_signature(dtype: Any) -> Any:
    """Return the signature of the kernels on the way back: (D, M, rows, n, ld)."""
    p, n = POINTERS[dtype], types.intp
    return types.void(p, p, n, n, n)


call_drop, call_undrop = caller(drop_signature), caller(undrop_signature)


def drop_kernel(rate: float, dtype: Any) -> Any:
    """Compile A = G ∘ mask, with the mask that `chainrule.dropout.dropout_mask` has there."""
    random_words = callable_in_loops(threefry)
    least, kept = threshold(rate), 1 / (1 - rate)

    def drop(
        G: Any, A: Any, M: Any, first: Any, rows: Any, n: Any, ld: Any, k0: Any, k1: Any
    ) -> None:
        for r in range(0, rows, 2):
            for j in range(0, n, lanes(G)):
                units = words_from(G, j)
                pair = same_word(G, (first + r) // 2)
                w0, w1 = random_words(pair, units, k0, k1)
                i = r * ld + j
                g = load(G, i)
                mask = select(w0 >= least, kept, g * 0)
                store(M, i, mask)
                store(A, i, g * mask)
                if r + 1 < rows:
                    i = i + ld
                    g = load(G, i)
                    mask = select(w1 >= least, kept, g * 0)
                    store(M, i, mask)
                    store(A, i, g * mask)

    return kernel(drop_signature(dtype), lambda: drop, "drop", rate)


def undrop_kernel(dtype: Any) -> Any:
    """Compile dL/dG = dL/dA ∘ mask."""

    def undrop(D: Any, M: Any, rows: Any, n: Any, ld: Any) -> None:
        for r in range(rows):
            for j in range(0, n, lanes(D)):
                i = r * ld + j
                store(D, i, load(D, i) * load(M, i))

    return kernel(undrop_signature(dtype), lambda: undrop, "undrop")
