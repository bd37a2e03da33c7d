"""Numbers for a network: scaled by quantiles, far ones drawn in, missing ones in the middle."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import QuantileTransformer, RobustScaler

from chainrule._types import FloatArray

SCALINGS = ("robust", "quantile")

# Where smooth clipping levels off, in units of the scaled numbers.
REACH = 3.0
# Numbers beyond this count as this much, so that no difference of two of them overflows.
LARGEST = 1e300


def smooth_clip(x: FloatArray) -> FloatArray:
    """x / √(1 + (x / 3)²): x itself near 0, ±3 far away.

    Holzmüller, Grinsztajn & Steinwart (2024), *Better by default*, arXiv:2407.04491, section 3.
    """
    clipped: FloatArray = x / np.sqrt(1 + (x / REACH) ** 2)
    return clipped


class NumberScaling:
    """Scales columns of numbers, NaN for missing ones, to about −3 … 3.

    Parameters
    ----------
    scaling : {"robust", "quantile"}
        By median and quartiles, and then by `smooth_clip`; or each to a normal distribution.

    Attributes
    ----------
    scaler : RobustScaler or QuantileTransformer, or None
        None where there are no columns.
    with_missing : array of bool (n,)
        Which columns had missing numbers; each gets a column beside them that says where.
    """

    def __init__(self, scaling: str) -> None:
        self.scaling = scaling

    def fit(self, X: FloatArray) -> NumberScaling:
        """Learn the scales of columns X (m, n), each with a finite number."""
        finite = np.where(np.isfinite(X), np.clip(X, -LARGEST, LARGEST), np.nan)
        self.with_missing: npt.NDArray[np.bool_] = np.atleast_1d(np.isnan(X).any(axis=0))
        self.scaler = None
        if X.shape[1] == 0:
            return self
        if self.scaling == "quantile":
            self.scaler = QuantileTransformer(
                n_quantiles=min(1000, len(X)), output_distribution="normal", random_state=0
            ).fit(finite)
            return self
        self.scaler = RobustScaler().fit(finite)
        low, q1, q3, high = np.nanquantile(finite, [0, 0.25, 0.75, 1], axis=0)
        # Where half of the numbers are one, by all of the range
        spread = np.where(q1 == q3, (high - low) / 2, q3 - q1)
        self.scaler.scale_ = np.where(spread > 0, spread, 1.0)
        return self

    @property
    def n_outputs(self) -> int:
        """How many columns `transform` returns."""
        return len(self.with_missing) + int(self.with_missing.sum())

    def transform(self, X: FloatArray) -> FloatArray:
        """Return columns X (m, n) scaled, and those beside them, 1 where a number is missing."""
        missing = np.isnan(X)
        if self.scaler is None:
            return X
        with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
            warnings.simplefilter("ignore")
            finite = np.where(np.isinf(X), np.nan, np.clip(X, -LARGEST, LARGEST))
            scaled = self.scaler.transform(finite)
        far = np.sign(X[np.isinf(X)])
        if self.scaling == "robust":
            scaled = smooth_clip(np.clip(scaled, -1e9, 1e9))
        else:
            scaled = np.clip(scaled, -REACH, REACH)
        scaled[np.isinf(X)] = far * REACH
        scaled[missing] = 0
        return np.hstack([scaled, missing[:, self.with_missing]])
