"""Tables on disk for the tests of streams."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet


def numbers(m: int = 1000, n: int = 4, seed: int = 0) -> npt.NDArray[np.float64]:
    """Return columns of different means and scales."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(m, n)) * 10.0 ** np.arange(-1, n - 1) + np.arange(n)


def table(X: npt.NDArray[Any], y: Any = None, **others: Any) -> Any:
    """Return a table of the columns a, b, …, and the target y."""
    columns = {chr(ord("a") + j): X[:, j] for j in range(X.shape[1])}
    return pa.table(columns | ({} if y is None else {"y": y}) | others)


def write(path: Path, rows: Any, group: int = 100) -> Path:
    """Write a table to a Parquet file in groups of so many rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(rows, path, row_group_size=group)
    return path


def mapped(path: Path, X: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Write an array to a file, and return it mapped from there, to be read."""
    np.save(path, X)
    loaded: npt.NDArray[Any] = np.load(path, mmap_mode="r")
    return loaded
