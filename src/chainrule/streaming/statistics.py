"""Count, mean, variance and range of columns, gathered block by block in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Statistics:
    """What is known of some columns of numbers; those that are missing (NaN) do not count.

    Attributes
    ----------
    count : array of int (n,)
        How many numbers each column has.
    mean : array (n,)
    M2 : array (n,)
        Σ (x − mean)².
    low, high : array (n,)
        The least and the largest number; inf and −inf where there is none.
    """

    count: npt.NDArray[np.int64]
    mean: Numbers
    M2: Numbers
    low: Numbers
    high: Numbers

    @classmethod
    def none(cls, n: int) -> Statistics:
        """Return those of `n` columns without a row."""
        inf = np.full(n, np.inf)
        return cls(np.zeros(n, np.int64), np.zeros(n), np.zeros(n), inf, -inf)

    @classmethod
    def of(cls, X: npt.NDArray[Any]) -> Statistics:
        """Return those of a block X (m, n) in memory, in float64 whatever its type."""
        X = np.asarray(X, np.float64)
        there = ~np.isnan(X)
        whole = bool(there.all())
        count = np.full(X.shape[1], len(X)) if whole else there.sum(axis=0)
        known = np.maximum(count, 1)
        with np.errstate(over="ignore", invalid="ignore"):  # M2 is then not finite
            mean = (X if whole else np.where(there, X, 0.0)).sum(axis=0) / known
            far = X - mean if whole else np.where(there, X - mean, 0.0)
            # What the mean lacks by rounding, Σ (x − mean) / m, is put right in both: the
            # corrected two-pass algorithm of the paper below, equation 1.7
            lack = far.sum(axis=0) / known
            M2 = np.maximum((far * far).sum(axis=0) - count * lack * lack, 0.0)
        low = (X if whole else np.where(there, X, np.inf)).min(axis=0)
        high = (X if whole else np.where(there, X, -np.inf)).max(axis=0)
        return cls(count, mean + lack, M2, low, high)

    def merge(self, other: Statistics) -> Statistics:
        """Return those of both sets of rows together.

        Chan, Golub & LeVeque (1983), *Algorithms for computing the sample variance*, The American
        Statistician 37, equation 2.1: no difference of large squares, so nothing is lost.
        """
        n, m = self.count, other.count
        both = np.maximum(n + m, 1)
        with np.errstate(over="ignore", invalid="ignore"):
            delta = other.mean - self.mean
            mean = np.where(n == 0, other.mean, self.mean + delta * (m / both))
            M2 = self.M2 + other.M2 + delta * delta * (n * (m / both))
        low, high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        return Statistics(n + m, mean, M2, low, high)

    @property
    def var(self) -> Numbers:
        """Σ (x − mean)² / count, as NumPy's `var` has it; 0 where there is no number."""
        return np.asarray(self.M2 / np.maximum(self.count, 1))

    @property
    def scale(self) -> Numbers:
        """Standard deviation; 1 for a column whose numbers are all the same."""
        constant = (self.low >= self.high) | (self.M2 == 0)
        return np.where(constant, 1.0, np.sqrt(self.var))
