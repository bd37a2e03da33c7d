"""The arrays of an open safetensors file: known by name, type and shape before any is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import _checks

# What safetensors calls the types that a model may hold.
DTYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype(np.float64),
    "F32": np.dtype(np.float32),
    "I64": np.dtype(np.int64),
    "I32": np.dtype(np.int32),
    "I16": np.dtype(np.int16),
    "I8": np.dtype(np.int8),
    "U64": np.dtype(np.uint64),
    "U32": np.dtype(np.uint32),
    "U16": np.dtype(np.uint16),
    "U8": np.dtype(np.uint8),
    "BOOL": np.dtype(np.bool_),
}


@dataclass(frozen=True)
class StoredArray:
    """The type and shape of an array in the file."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]


class StoredArrays:
    """Arrays of an open file, or those whose names begin alike.

    Attributes
    ----------
    known : dict of str to StoredArray
        Type and shape of each by its name, which lie within the file.
    """

    def __init__(self, file: Any, known: dict[str, StoredArray], prefix: str = "") -> None:
        self._file, self.known, self._prefix = file, known, prefix

    @classmethod
    def of(cls, file: Any) -> StoredArrays:
        """Return the arrays of a file that `safetensors.safe_open` has opened.

        Raises ValueError for a type that no model holds.
        """
        known = {}
        for name in file.keys():  # noqa: SIM118 - not a mapping
            part = file.get_slice(name)
            if part.get_dtype() not in DTYPES:
                raise ValueError(f"array {name!r:.60} has type {part.get_dtype()}, unknown here")
            known[name] = StoredArray(DTYPES[part.get_dtype()], tuple(part.get_shape()))
        return cls(file, known)

    def under(self, prefix: str) -> StoredArrays:
        """Return the arrays whose names begin with `prefix`, by the rest of their names."""
        n = len(prefix)
        some = {name[n:]: array for name, array in self.known.items() if name.startswith(prefix)}
        return StoredArrays(self._file, some, self._prefix + prefix)

    def expect(self, shapes: Mapping[str, tuple[int, ...]], dtype: npt.DTypeLike) -> None:
        """Raise ValueError unless there are arrays of these names and shapes, and no others."""
        for name, shape in shapes.items():
            if name not in self.known:
                raise ValueError(f"array {self._prefix + name!r} is missing")
            self.expect_one(name, shape, dtype)
        if len(self.known) > len(shapes):
            other = next(name for name in self.known if name not in shapes)
            raise ValueError(f"array {self._prefix + other!r:.60} belongs to nothing")

    def expect_one(self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
        """Raise ValueError unless an array that is there has this shape and type."""
        got = self.known[name]
        if (got.dtype, got.shape) != (np.dtype(dtype), shape):
            raise ValueError(
                f"array {self._prefix + name!r} must be {np.dtype(dtype)} of shape {shape}, got "
                f"{got.dtype} of shape {got.shape}"
            )

    def read(self, name: str) -> npt.NDArray[Any]:
        """Return an array as its own copy, or raise ValueError if a number is not finite."""
        array: npt.NDArray[Any] = self._file.get_tensor(self._prefix + name)
        rows = np.atleast_1d(array)
        if (where := _checks.first_not_finite(rows, array.dtype)) is not None:
            raise ValueError(
                f"array {self._prefix + name!r} must be finite, got {rows[where]} at {list(where)}"
            )
        return array
