"""Where the data of a training run lie: inputs by their address and strides, wherever they are.

The compiled epoch is told of X by a table of numbers alone, as it is told of the layers. So one
compiled function reads rows in any order, in memory or in a file, to be written or not, dense or
sparse, where they are. Indices, targets and weights are copied if they are of another type.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule._inputs import Inputs
from chainrule._types import Array, FloatArray

# The numbers of the table.
(
    ROWS,  # address of the row numbers (int64), if not all rows are meant; or 0
    DATA,  # address of the numbers
    ROW_STRIDE,  # how far a row is from the next; 0 where sparse
    COLUMN_STRIDE,  # how far a column is from the next; 0 where sparse
    INDICES,  # address of the columns of the numbers (int32), where sparse; or 0
    STARTS,  # address of where each row begins among the numbers (int64), where sparse; or 0
    GATHER,  # address of the kernel that gathers them
    TARGETS,  # address of the targets (m, n_L) of the float type
    LABELS,  # address of the class numbers (m,) of int64 in their place, or 0
    WEIGHTS,  # address of the weights (m,) of float64, or 0
    N_NUMBERS,
) = range(11)


class Source:
    """The data of a training run, as the compiled epoch reads them.

    Attributes
    ----------
    given : tuple of Inputs, array or None, and array or None
        The inputs, targets and weights that the table is about.
    table : array of int64
        Where they, the targets and the weights lie.
    """

    def __init__(self, X: Inputs, Y: Array | None = None, w: FloatArray | None = None) -> None:
        self.given, self.table = (X, Y, w), np.zeros(N_NUMBERS, np.int64)
        self._kept: list[npt.NDArray[Any]] = []  # as long as their addresses are in use
        self._locate(X)
        if Y is not None and Y.dtype.kind == "i":
            self.table[LABELS] = self._address(Y[:, 0], np.int64)
        elif Y is not None:
            self.table[TARGETS] = self._address(Y, X.dtype)
        if w is not None:
            self.table[WEIGHTS] = self._address(w[:, 0], np.float64)

    def _locate(self, X: Inputs) -> None:
        table, data = self.table, X.data
        if X.rows is not None:
            table[ROWS] = self._address(X.rows, np.int64)
        if hasattr(data, "indptr"):
            table[DATA] = self._address(data.data, X.dtype)
            table[INDICES] = self._address(data.indices, np.int32)
            table[STARTS] = self._address(data.indptr, np.int64)
        else:
            table[DATA] = data.ctypes.data
            table[ROW_STRIDE], table[COLUMN_STRIDE] = (s // data.itemsize for s in data.strides)

    def _address(self, array: npt.NDArray[Any], dtype: npt.DTypeLike) -> int:
        self._kept.append(np.ascontiguousarray(array, dtype))
        return self._kept[-1].ctypes.data


def can_be_read(X: Inputs) -> bool:
    """Whether the epoch can read X where it lies: numbers of its float type, each at its place."""
    data = X.data
    if hasattr(data, "indptr"):
        return True
    whole = all(stride % data.itemsize == 0 for stride in data.strides)
    return data.dtype == X.dtype and data.flags.aligned and whole
