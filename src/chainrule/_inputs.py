"""Inputs as they were given, dense, mapped from a file or sparse; a batch of them is made dense."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from chainrule import _checks
from chainrule._types import FloatArray

# Where all rows are gone through, at most so many are made dense at a time, with so many numbers.
MOST_ROWS, MOST_NUMBERS = 4096, 2**22


@dataclass(frozen=True, eq=False)
class Inputs:
    """Checked rows of inputs (m, n₀), kept as they were given until a batch is asked for.

    ``inputs[rows]``, for a slice or an array of row numbers, is a dense batch in C order. It has
    the same bits, however the rows are kept.

    Attributes
    ----------
    data : array or CSR matrix (M, n₀)
        In memory, of type `dtype`; or in a file, of any type of number.
    dtype : dtype
        Float type of the batches.
    rows : array of int (m,), optional
        Which rows of `data` these are; None for all, in their order.
    """

    data: Any
    dtype: np.dtype[Any]
    rows: npt.NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return int(self.data.shape[0]) if self.rows is None else len(self.rows)

    def __getitem__(self, rows: slice | npt.NDArray[np.intp]) -> FloatArray:
        batch = self.data[rows if self.rows is None else self.rows[rows]]
        if hasattr(batch, "toarray"):
            batch = batch.toarray()
        return np.ascontiguousarray(batch, self.dtype)

    def take(self, rows: npt.NDArray[np.intp]) -> Inputs:
        """Return the inputs of these row numbers. They are remembered, and nothing is copied."""
        return Inputs(self.data, self.dtype, rows if self.rows is None else self.rows[rows])

    def part(self, rows: slice) -> Inputs:
        """Return the inputs of some rows, which are not copied."""
        if self.rows is None:
            return Inputs(self.data[rows], self.dtype)
        return Inputs(self.data, self.dtype, self.rows[rows])

    def parts(self) -> Iterator[slice]:
        """Yield slices that cover all rows, each of few enough to be made dense."""
        step = max(1, min(MOST_ROWS, MOST_NUMBERS // self.data.shape[1]))
        for start in range(0, len(self), step):
            yield slice(start, start + step)


class Sparse(Protocol):
    """A sparse matrix or array of SciPy, of any format."""

    def tocsr(self) -> Any:
        """Return it in the format of compressed rows."""


# What X may be: what NumPy makes an array of, a sparse matrix, or inputs that were checked before.
Rows: TypeAlias = npt.ArrayLike | Sparse | Inputs


def check_inputs(name: str, value: Any, n_inputs: int, dtype: npt.DTypeLike) -> Inputs:
    """Return `value` as rows of `n_inputs` finite numbers, or say what is wrong."""
    if isinstance(value, Inputs):
        return value  # it came through this door before
    if hasattr(value, "tocsr"):
        _check_shape(name, value.shape, n_inputs)
        return Inputs(_check_sparse(name, value, np.dtype(dtype)), np.dtype(dtype))
    X = _checks.check_array(name, value, dtype=dtype, keep_mapped=True)
    _check_shape(name, X.shape, n_inputs)
    return Inputs(X, np.dtype(dtype))


def _check_shape(name: str, shape: tuple[int, ...], n_inputs: int) -> None:
    if len(shape) != 2:
        as_rows = "-1, 1" if n_inputs == 1 else "1, -1"
        raise ValueError(
            f"{name} must have shape (m, {n_inputs}), one row an example, got {shape}"
            + (f"; use {name}.reshape({as_rows})" if len(shape) == 1 else "")
        )
    if shape[0] == 0:
        raise ValueError(f"{name} must not be empty, got shape {shape}")
    if shape[1] != n_inputs:
        raise ValueError(f"{name} must have {n_inputs} columns, got shape {shape}")


def _check_sparse(name: str, value: Any, dtype: np.dtype[Any]) -> Any:
    """Return a sparse matrix as CSR of this float type, without duplicates; `value` stays as it is.

    Its arrays are copied only where they must change.
    """
    if value.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold numbers, got dtype {value.dtype}")
    try:
        given = value.tocsr()
        csr = type(given)((given.data, given.indices, given.indptr), shape=given.shape)
        csr.check_format(full_check=True)
    except ValueError as error:
        raise ValueError(f"{name} must be a sound sparse matrix: {error}") from None
    if not csr.has_canonical_format:  # a place that occurs twice has the sum, in the data's type
        csr = csr.copy()
        csr.sum_duplicates()
    if (where := _checks.first_not_finite(csr.data, dtype)) is not None:
        row = int(np.searchsorted(csr.indptr, where[0], side="right")) - 1
        place = row, int(csr.indices[where])
        _checks.refuse_not_finite(name, csr.data[where], place, dtype)
    data = csr.data.astype(dtype, copy=False)
    return type(csr)((data, csr.indices, csr.indptr), shape=csr.shape)
