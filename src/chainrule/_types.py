"""The types that the floors share."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

# A formula runs on any array type that answers NumPy's protocols, on scalars, and on the
# registers of a compiled loop, so its arrays have no narrower type than this.
Array: TypeAlias = Any

# Where the network itself holds or returns an array, it is a NumPy array of float32 or float64.
FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]

# What scikit-learn means by random_state, and NumPy's newer generators.
Generator: TypeAlias = np.random.RandomState | np.random.Generator
RandomState: TypeAlias = int | np.random.RandomState | np.random.Generator | None
