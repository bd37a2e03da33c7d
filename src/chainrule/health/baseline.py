"""The best that can be said without looking at the inputs: one constant, and what it costs."""

from __future__ import annotations

import numpy as np

from chainrule._types import Array, FloatArray
from chainrule.loss import mean_over_examples
from chainrule.structure import Structure

# Each round looks at so many constants, and goes on between the neighbours of the best: the last
# are 16 · (1/8)^6 of the range apart, about 1e-5 of it.
_CONSTANTS, _ROUNDS = 17, 7


def best_constant(
    structure: Structure, Y: FloatArray, sample_weight: FloatArray | None = None
) -> tuple[FloatArray, float]:
    """Return the constant outputs (1, n_L) with the least cost on targets Y (m, n_L), and the cost.

    It is the share of each class for outputs that depend on each other, such as those of softmax;
    else the least is looked for between the smallest and largest target of each output, as far as
    the output activation gives them.
    """
    loss, output = structure.loss, structure.output
    if output.vjp is not None:
        constant = np.average(Y, axis=0, weights=_weights(sample_weight)).reshape(1, -1)
    else:
        low, high = np.clip([Y.min(axis=0), Y.max(axis=0)], *output.range)
        for _ in range(_ROUNDS):
            tried = np.linspace(low, high, _CONSTANTS)
            costs = np.array([_costs(structure, a, Y, sample_weight) for a in tried])
            best = np.nanargmin(np.where(np.isfinite(costs), costs, np.inf), axis=0)
            columns = np.arange(Y.shape[1])
            low = tried[np.maximum(best - 1, 0), columns]
            high = tried[np.minimum(best + 1, _CONSTANTS - 1), columns]
        constant = tried[best, columns].reshape(1, -1)
    A = np.broadcast_to(constant, Y.shape)
    return constant, float(mean_over_examples(loss.elementwise(A, Y), sample_weight))


def _costs(structure: Structure, a: Array, Y: FloatArray, w: FloatArray | None) -> Array:
    L = structure.loss.elementwise(np.broadcast_to(a, Y.shape), Y)
    return np.average(L, axis=0, weights=_weights(w))


def _weights(sample_weight: FloatArray | None) -> FloatArray | None:
    return None if sample_weight is None else sample_weight.ravel()
