"""Reasons in the data: inputs and targets of another scale than the network is made for."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from chainrule._types import FloatArray
from chainrule.health.finding import Finding
from chainrule.health.measurement import Measurement

# An initialiser is made for inputs of mean 0 and variance 1 (LeCun et al. 1998, *Efficient
# BackProp*, section 4.3). Ten times as large, they put the sums z at ±10, where a sigmoid or tanh
# is flat; where a column is nowhere beyond 0.01, its weights get a hundredth of the gradient. Raw
# values of a few units, such as centimetres or pixels of 0 … 16, still train.
LARGE_INPUT, SMALL_INPUT = 10.0, 0.01

# From this share on, the columns that are the same in every row are a mistake in the reading of
# the data, rather than the pixels in the corners of a picture.
CONSTANT_SHARE = 0.5

# The first outputs are of size 1. Targets of size 100 are off by as much at the start, and the
# gradient, or the steps of a rule with steps of a fixed length, are wrong by that factor.
LARGE_TARGET, SMALL_TARGET = 100.0, 0.01

# Targets beyond the outputs' range by more than rounding and label smoothing make them.
BEYOND = 1e-3

# Columns that are named in the words of a finding.
_NAMED = 4


def unscaled_inputs(measured: Measurement) -> Finding | None:
    """Find columns whose mean or spread is large, or all of whose values are small."""
    X = measured.X
    mean, std, size = X.mean(axis=0), X.std(axis=0), np.abs(X).max(axis=0)
    large = np.maximum(np.abs(mean), std) > LARGE_INPUT
    small = (size < SMALL_INPUT) & (std > 0) & (not measured.sparse)
    columns = np.flatnonzero(large | small)
    if not len(columns):
        return None
    far = np.maximum(np.maximum(np.abs(mean), std), 1 / np.maximum(size, 1e-300) * small)
    worst = columns[np.argsort(-far[columns], kind="stable")]
    named = ", ".join(
        f"{measured.columns[j]} (mean {mean[j]:.3g}, std {std[j]:.3g})" for j in worst[:_NAMED]
    )
    return Finding(
        "unscaled inputs",
        len(columns),
        f"{len(columns)} of {X.shape[1]} columns of X are far from mean 0 and std 1: {named}"
        + (", …" if len(columns) > _NAMED else ""),
        "scale each column to mean 0 and std 1 by what the training rows have, such as with "
        "StandardScaler of scikit-learn",
    )


def constant_inputs(measured: Measurement) -> Finding | None:
    """Find that half of the columns, or more, are the same in every row."""
    X = measured.X
    constant = X.max(axis=0) == X.min(axis=0)
    share = float(constant.mean())
    if len(X) < 2 or share < CONSTANT_SHARE or (measured.sparse and share < 1):
        return None
    named = ", ".join(measured.columns[j] for j in np.flatnonzero(constant)[:_NAMED])
    return Finding(
        "constant inputs",
        share,
        f"{constant.sum()} of {X.shape[1]} columns of X are the same in all {len(X)} rows: {named}"
        + (", …" if constant.sum() > _NAMED else ""),
        "see how X is read and filled; leave these columns out",
    )


def targets_out_of_reach(measured: Measurement) -> Finding | None:
    """Find targets that the output activation can't give."""
    Y, output = measured.Y, measured.network.structure.output
    low, high = output.range
    share = float(((low - BEYOND > Y) | (high + BEYOND < Y)).mean())
    if share == 0:
        return None
    return Finding(
        "targets out of reach",
        share,
        f"y goes from {Y.min():.4g} to {Y.max():.4g}, and {share:.0%} of it is outside of "
        f"[{low:.4g}, {high:.4g}], which is all that the output activation {output.name!r} gives",
        "use output='identity', or scale y into that interval",
    )


def unscaled_targets(measured: Measurement) -> Finding | None:
    """Find targets of a regression that are far larger or smaller than first outputs are."""
    Y, structure = measured.Y, measured.network.structure
    if math.isfinite(structure.output.range[1]) or not _is_regression(measured):
        return None
    mean, std = Y.mean(axis=0), Y.std(axis=0)
    large = np.maximum(np.abs(mean), std) > LARGE_TARGET
    small = (np.abs(Y).max(axis=0) < SMALL_TARGET) & (std > 0)
    if not (large | small).any():
        return None
    k = int(np.argmax(large | small))
    which = f" in column {k}" if Y.shape[1] > 1 else ""
    return Finding(
        "unscaled targets",
        float(std[k]),
        f"y has mean {mean[k]:.4g} and std {std[k]:.4g}{which}; the outputs of a network that is "
        f"just drawn are of size 1",
        "scale y to mean 0 and std 1, and turn the predictions back; see 'A regression'",
    )


def _is_regression(measured: Measurement) -> bool:
    low, high = measured.network.structure.loss.targets
    return math.isinf(low) and math.isinf(high)


def largest_class(measured: Measurement) -> float | None:
    """Return the share of the largest class, by weight, or None where y is not of classes."""
    structure, Y = measured.network.structure, measured.Y
    if not np.isin(Y, (0, 1)).all() or structure.loss.targets != (0, 1):
        return None
    share = np.average(Y, axis=0, weights=_ravel(measured.sample_weight))
    return float(share.max() if len(share) > 1 else max(share[0], 1 - share[0]))


def _ravel(w: FloatArray | None) -> npt.NDArray[np.floating] | None:
    return None if w is None else w.ravel()
