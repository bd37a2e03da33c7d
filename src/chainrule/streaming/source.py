"""Where the rows of a stream come from: pieces that are read one by one, in blocks."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

import numpy as np
import numpy.typing as npt

# How many numbers, and rows at most, are brought into memory at a time.
BLOCK_NUMBERS, BLOCK_ROWS = 2**18, 2**14
# How many bytes of an array in a file are read where they lie side by side.
ARRAY_PIECE = 2**22


class StreamError(ValueError):
    """Raised when the data of a stream can't be read, or learned from: says where, and why."""


@dataclass(frozen=True)
class Raw:
    """Rows as they were read.

    Attributes
    ----------
    first : int
        Number in its piece of the first row that was read.
    X : array (m, n), or list of n arrays (m,)
        Numbers of any type, with NaN for one that is missing.
    y : array or None
        Targets (m,) or (m, k), or a column of PyArrow that holds words; None where there are none.
    w : array (m,) or None
        Weights.
    chosen : array of int (m,), or None
        Which of those that were read these are, if not all of them.
    """

    first: int
    X: npt.NDArray[Any] | list[npt.NDArray[Any]]
    y: Any = None
    w: npt.NDArray[Any] | None = None
    chosen: npt.NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return len(self.X) if isinstance(self.X, np.ndarray) else len(self.X[0])

    def number(self, row: int) -> int:
        """Return the number in its piece of one of these rows."""
        return self.first + (row if self.chosen is None else int(self.chosen[row]))

    def take(self, rows: npt.NDArray[np.intp] | slice) -> Raw:
        """Return some of these rows."""
        first, chosen = self.first, self.chosen
        if chosen is not None:
            chosen = chosen[rows]
        elif isinstance(rows, slice):
            first += rows.indices(len(self))[0]
        else:
            chosen = rows
        X = _of(self.X, rows) if isinstance(self.X, np.ndarray) else [_of(x, rows) for x in self.X]
        return Raw(first, X, _of(self.y, rows), _of(self.w, rows), chosen)


class Source(Protocol):
    """Rows in pieces: groups of rows of files, or rows of an array that lie side by side.

    Attributes
    ----------
    columns : tuple of str
        Names of the inputs.
    rows : array of int (p,)
        How many rows each piece has.
    has_targets : bool
    words : bool
        Whether the target holds words.
    piece_bytes : int
        Memory that reading a piece takes at most.
    """

    columns: tuple[str, ...]
    rows: npt.NDArray[np.int64]
    has_targets: bool
    words: bool
    piece_bytes: int

    def read(self, piece: int) -> Iterator[Raw]:
        """Yield the rows of a piece in their order; raises StreamError if they can't be read."""
        ...

    def place(self, piece: int, row: int) -> str:
        """Return in words where a row of a piece is."""
        ...


def block_rows(n_columns: int) -> int:
    """Return how many rows of so many columns are read at a time."""
    return max(1, min(BLOCK_ROWS, BLOCK_NUMBERS // max(1, n_columns)))


class ArraySource:
    """Rows of an array X (m, n) in a file, with targets y and weights that may be in memory."""

    words = False

    def __init__(self, X: Any, y: Any = None, w: Any = None) -> None:
        self.X, self.y, self.w = _as_numbers("X", X), y, w
        if self.X.ndim != 2 or 0 in self.X.shape:
            _refuse_shape("X", "(m, n), one row an example", self.X.shape)
        if y is not None:
            self.y = _as_numbers("y", y)
            _check_length("y", self.y, len(self.X))
        if w is not None:
            self.w = _as_numbers("sample_weight", w)
            _check_length("sample_weight", self.w, len(self.X))
        self.has_targets = y is not None
        m, n = self.X.shape
        self.columns = tuple(str(i) for i in range(n))
        self.each = max(1, ARRAY_PIECE // (n * self.X.itemsize))
        self.rows = np.full(-(-m // self.each), self.each, np.int64)
        self.rows[-1] = m - self.each * (len(self.rows) - 1)
        self.piece_bytes = 2 * min(self.each, m) * n * self.X.itemsize

    def read(self, piece: int) -> Iterator[Raw]:
        """Yield the rows of a piece."""
        start, step = piece * self.each, block_rows(self.X.shape[1])
        for first in range(0, int(self.rows[piece]), step):
            rows = slice(start + first, start + min(first + step, int(self.rows[piece])))
            parts = (None if a is None else np.array(a[rows]) for a in (self.X, self.y, self.w))
            X, y, w = parts
            assert X is not None
            yield Raw(first, X, y, w)
        for array in (self.X, self.y, self.w):
            let_go(array)

    def place(self, piece: int, row: int) -> str:
        """Return in words where a row is."""
        return f"row {piece * self.each + row} of X"


def let_go(array: Any) -> None:
    """Give the memory back that the parts of a mapped file take that were read.

    They would stay until another program needs it, and count as this one's meanwhile. Where the
    file is mapped to be changed in memory alone, changes would be lost, and it is left as it is.
    """
    while array is not None and not isinstance(array, np.memmap):
        array = getattr(array, "base", None)
    while isinstance(array, np.memmap) and isinstance(array.base, np.memmap):
        array = array.base
    if array is None or array.mode == "c" or not isinstance(array.base, mmap.mmap):
        return
    if hasattr(mmap, "MADV_DONTNEED"):
        array.base.madvise(mmap.MADV_DONTNEED)


def _of(values: Any, rows: npt.NDArray[np.intp] | slice) -> Any:
    """Return some rows of an array, or of a column of PyArrow."""
    if values is None:
        return None
    whole = isinstance(rows, slice) or isinstance(values, np.ndarray)
    return values[rows] if whole else values.take(rows)


def _as_numbers(name: str, value: Any) -> npt.NDArray[Any]:
    array: npt.NDArray[Any] = np.asanyarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold numbers, got dtype {array.dtype}")
    return array


def _check_length(name: str, array: npt.NDArray[Any], m: int) -> None:
    if array.ndim == 0 or len(array) != m:
        raise ValueError(f"{name} must have a row for each of the {m} in X, got {array.shape}")


def _refuse_shape(name: str, wanted: str, got: tuple[int, ...]) -> NoReturn:
    raise ValueError(f"{name} must have shape {wanted}, and not be empty, got {got}")
