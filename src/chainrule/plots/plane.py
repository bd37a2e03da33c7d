"""A plane of two features through the space of all inputs, the others fixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import _checks

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True)
class Plane:
    """A grid over two features.

    Attributes
    ----------
    features : (int, int)
        Which columns the plane shows.
    grid : (array, array)
        The two coordinates, each (resolution, resolution).
    points : array (resolution², n₀)
        The inputs at the points of the grid, row by row.
    """

    features: tuple[int, int]
    grid: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
    points: npt.NDArray[np.float64]

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Where it begins and ends, in the first feature and in the second."""
        x, y = self.grid
        return float(x[0, 0]), float(x[0, -1]), float(y[0, 0]), float(y[-1, 0])


def plane_of(
    X: npt.NDArray[np.float64],
    features: Sequence[int],
    fixed: npt.ArrayLike | None,
    resolution: int,
) -> Plane:
    """Return the plane that holds all examples X (m, n₀), with a margin of a tenth around them.

    The other features are those of `fixed` (n₀,), or by default their medians. Raises ValueError
    or TypeError if an argument is not as `decision_boundary` describes it.
    """
    first, second = check_features(features, X.shape[1])
    resolution = _checks.check_integer("resolution", resolution, low=2)
    base = np.median(X, axis=0) if fixed is None else _check_fixed(fixed, X.shape[1])
    ends = []
    for column in (X[:, first], X[:, second]):
        low, high = column.min(), column.max()
        margin = 0.1 * (high - low) or 0.5
        ends.append(np.linspace(low - margin, high + margin, resolution))
    x, y = np.meshgrid(*ends)
    points = np.tile(base, (x.size, 1))
    points[:, first], points[:, second] = x.ravel(), y.ravel()
    return Plane((first, second), (x, y), points)


def check_features(features: Sequence[int], n_inputs: int) -> tuple[int, int]:
    """Return the two columns that are shown, or say what is wrong."""
    if isinstance(features, str) or not isinstance(features, Sequence) or len(features) != 2:
        raise ValueError(f"features must be two numbers of columns, such as (0, 1), got {features}")
    first, second = (_checks.check_integer("each of features", f) for f in features)
    if first == second or max(first, second) >= n_inputs:
        raise ValueError(
            f"features must be two different columns of 0 … {n_inputs - 1}, got {features}"
        )
    return first, second


def _check_fixed(fixed: npt.ArrayLike, n_inputs: int) -> npt.NDArray[np.float64]:
    base: npt.NDArray[np.float64] = np.ravel(_checks.check_array("fixed", fixed, dtype=np.float64))
    if base.shape != (n_inputs,):
        raise ValueError(
            f"fixed must be one example of {n_inputs} numbers, got shape {np.shape(fixed)}"
        )
    return base


def names_of(X: Any, n_inputs: int, given: Sequence[str] | None = None) -> list[str]:
    """Return the names that were given, else those of a data frame's columns, else x₁, x₂, …."""
    if given is not None:
        if isinstance(given, str) or len(given) != n_inputs:
            raise ValueError(f"feature_names must be {n_inputs} names, got {given!r}")
        return [str(name) for name in given]
    columns = getattr(X, "columns", None)
    if columns is not None and len(columns) == n_inputs:
        return [str(name) for name in columns]
    return [f"x{str(i + 1).translate(_SUBSCRIPTS)}" for i in range(n_inputs)]
