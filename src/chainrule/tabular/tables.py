"""A table of any kind, pandas, Polars, Arrow or an array, read as named columns of three kinds."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from datetime import date, time, timedelta
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import column_or_1d

from chainrule._types import FloatArray

# From here on not every whole number is a float.
EXACT = 2**53


@dataclass(frozen=True, eq=False)
class Column:
    """The values of one column.

    Attributes
    ----------
    name : str
    kind : {"number", "date", "word"}
    values : array (m,)
        Numbers, with NaN where one is missing; seconds since 1970 for dates, likewise; or words,
        with None where one is missing.
    """

    name: str
    kind: str
    values: npt.NDArray[Any]

    @property
    def missing(self) -> npt.NDArray[np.bool_]:
        """Which values are missing (m,)."""
        if self.kind == "word":
            return np.array([value is None for value in self.values], bool)
        missing: npt.NDArray[np.bool_] = np.isnan(self.values)
        return missing


@dataclass(frozen=True, eq=False)
class Table:
    """A table that was given, and its columns by name.

    Attributes
    ----------
    native : table or array
        As it was given.
    columns : dict of str to Column
    n_rows : int
    named : bool
        Whether the columns had names: those of an array have none.
    """

    native: Any
    columns: dict[str, Column]
    n_rows: int
    named: bool = True


def read_table(X: Any, name: str = "X") -> Table:
    """Return a table of pandas, Polars, PyArrow or another kind that narwhals knows, or an array.

    The columns of an array (m, n) are named x1, x2, ….

    Raises
    ------
    TypeError
        If it is none of these, or a column holds what no column of a table for a network holds.
    ValueError
        If it has no rows, no columns, or two columns of one name.
    ImportError
        If narwhals, of the extra ``tables``, is not there.
    """
    if hasattr(X, "tocsr"):
        raise TypeError(
            f"{name} must be a table or a dense array, got a sparse matrix; "
            "MLPClassifier and MLPRegressor take those"
        )
    if hasattr(X, "collect") and hasattr(X, "lazy"):
        raise TypeError(f"{name} must be a table, got one not read yet; call {name}.collect()")
    nw = load_narwhals()
    frame = nw.from_native(X, eager_only=True, pass_through=True)
    if isinstance(frame, nw.DataFrame):
        labels = [str(label) for label in frame.columns]
        series = frame.iter_columns()
        columns = [read_series(s, label) for s, label in zip(series, labels, strict=True)]
        n_rows = len(frame)
    else:
        array = _as_rows(X, name)
        labels = [f"x{i}" for i in range(1, array.shape[1] + 1)]
        columns = [_of_array(array[:, i], label) for i, label in enumerate(labels)]
        n_rows = len(array)
    if n_rows == 0 or not columns:
        what = "sample" if n_rows == 0 else "feature"
        raise ValueError(
            f"{name} must have rows and columns: 0 {what}(s) (shape=({n_rows}, {len(columns)})) "
            "while a minimum of 1 is required."
        )
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise ValueError(f"the columns of {name} must have different names, got {twice!r} twice")
    named = isinstance(frame, nw.DataFrame)
    return Table(X, {column.name: column for column in columns}, n_rows, named)


def load_narwhals() -> Any:
    """Return the module narwhals, or say which extra has it."""
    try:
        import narwhals as nw
    except ImportError:
        raise ImportError(
            "tables need narwhals, from an extra: pip install 'chainrule[tables]'"
        ) from None
    return nw


def _as_rows(X: Any, name: str) -> npt.NDArray[Any]:
    try:
        array = np.asarray(X)
    except ValueError as error:
        raise ValueError(f"{name} must be an array with rows of one length: {error}") from None
    if array.ndim != 2:
        one = isinstance(X, np.ndarray) and array.ndim == 1
        hint = f". Reshape your data, {name}.reshape(-1, 1) for one column" if one else ""
        raise ValueError(
            f"{name} must be a table, or an array of shape (m, n), got {type(X).__name__} of shape "
            f"{array.shape}{hint}"
        )
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: {name} has dtype {array.dtype}")
    return array


def read_series(series: Any, name: str) -> Column:
    """Return a series of narwhals as a column."""
    dtype = series.dtype
    if dtype.is_nested() or str(dtype) == "Binary":
        raise TypeError(f"column {name!r} holds {dtype}; make numbers or words of it, or drop it")
    if dtype.is_numeric() or dtype.is_decimal():
        floats = _to_floats(series)
        if dtype.is_integer() and np.nanmax(np.abs(floats), initial=0) >= EXACT:
            return _of_objects([None if v is None else str(v) for v in series.to_list()], name)
        return Column(name, "number", floats)
    if str(dtype) == "Date" or str(dtype).startswith("Datetime"):
        return Column(name, "date", _to_floats(series.dt.timestamp("us")) / 1e6)
    if str(dtype).startswith("Duration"):
        return Column(name, "number", _to_floats(series.dt.total_microseconds()) / 1e6)
    return _of_objects(series.to_list(), name)


def _to_floats(series: Any) -> FloatArray:
    missing = series.is_null().to_numpy().astype(bool)
    if missing.any():
        values = [math.nan if value is None else value for value in series.to_list()]
        floats = np.array(values, dtype=object)
        floats[missing] = math.nan
        return floats.astype(np.float64)
    return np.asarray(series.to_numpy()).astype(np.float64)


def _of_array(values: npt.NDArray[Any], name: str) -> Column:
    if values.dtype.kind in "iuf":
        floats = values.astype(np.float64)
        if values.dtype.kind != "f" and np.abs(floats).max(initial=0) >= EXACT:
            return _of_objects([str(value) for value in values.tolist()], name)
        return Column(name, "number", floats)
    if values.dtype.kind == "M":
        seconds = values.astype("datetime64[us]").astype(np.float64) / 1e6
        return Column(name, "date", np.where(np.isnat(values), math.nan, seconds))
    if values.dtype.kind == "m":
        seconds = values.astype("timedelta64[us]").astype(np.float64) / 1e6
        return Column(name, "number", np.where(np.isnat(values), math.nan, seconds))
    return _of_objects(values.tolist(), name)


def _of_objects(values: list[Any], name: str) -> Column:
    """Return a column of numbers if all that is there is a number, else one of words."""
    words = {value: as_word(value) for value in set(map(_hashable, values))}
    kinds = {type(value) for value, word in words.items() if word is not None}
    if kinds and all(issubclass(kind, Real) and not issubclass(kind, bool) for kind in kinds):
        with contextlib.suppress(OverflowError):  # an integer that no float is near: a word
            floats = [math.nan if words[value] is None else float(value) for value in values]
            return Column(name, "number", np.array(floats, np.float64))
    made = np.empty(len(values), dtype=object)
    made[:] = [words[value] for value in map(_hashable, values)]
    return Column(name, "word", made)


def _hashable(value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        return str(value)
    return value


def as_word(value: Any) -> str | None:
    """Return a category as a word, the same for 1, 1.0 and "1"; None for what is missing."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    word = str(value).strip()
    return None if value is None or word in ("", "nan", "<NA>", "NaT") else word


def read_target(y: Any, n_rows: int) -> tuple[npt.NDArray[Any], str | None]:
    """Return a target, a series, a column or an array, as an array (m,), and its name or None.

    Raises ValueError if it has not a value for each of the `n_rows`, or a value is missing.
    """
    if isinstance(y, str):
        raise ValueError(f"y must be the values of the target, got {y!r}")
    nw = load_narwhals()
    given = nw.from_native(y, allow_series=True, eager_only=True, pass_through=True)
    name = None
    if isinstance(given, nw.DataFrame):
        if len(given.columns) != 1:
            raise ValueError(f"y must have one column, got {len(given.columns)}")
        given = next(iter(given.iter_columns()))
    if isinstance(given, nw.Series):
        name = given.name or None
        if given.dtype.is_decimal():
            values = _to_floats(given)
        elif given.dtype.is_numeric():
            values = _to_floats(given) if given.is_null().any() else given.to_numpy()
        else:
            values = _objects(given.to_list())
    else:
        # A list may hold words and numbers, of which NumPy would make words
        mixed = isinstance(y, list | tuple) and not any(isinstance(v, list | tuple) for v in y)
        values = _objects(list(y)) if mixed else np.asarray(y)
        if values.ndim == 2 and values.shape[1] == 1:
            values = column_or_1d(values, warn=True)
    if values.shape != (n_rows,):
        raise ValueError(
            f"y must have one value for each of the {n_rows} rows of X, got shape {values.shape}"
        )
    gone = sum(as_word(value) is None for value in values.tolist())
    if gone:
        raise ValueError(
            f"y must not have missing values, got {gone} of {n_rows}; drop those rows of X and y"
        )
    if values.dtype.kind in "mMc" or isinstance(values.flat[0], date | time | timedelta):
        raise ValueError("y must hold words or numbers, got dates or times; make numbers of them")
    if values.dtype == object:  # words in an array of their own, numbers likewise
        words = {isinstance(value, str) for value in values.tolist()}
        if len(words) > 1 or any(isinstance(value, list | tuple) for value in values.tolist()):
            raise ValueError("y must hold words alone, or numbers alone, one for each row")
        values = np.array(values.tolist())
    return values, None if name is None else str(name)


def _objects(values: list[Any]) -> npt.NDArray[Any]:
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def as_series(values: npt.NDArray[Any], name: str, table: Table) -> Any:
    """Return values (m,) as a series of the kind of a table, with its index; or as they are."""
    nw = load_narwhals()
    frame = nw.from_native(table.native, eager_only=True, pass_through=True)
    if not isinstance(frame, nw.DataFrame):
        return values
    series = nw.to_native(nw.new_series(name, values, backend=frame.implementation))
    return _with_index(series, nw.maybe_get_index(frame))


def as_table(columns: dict[str, npt.NDArray[Any]], table: Table) -> Any:
    """Return named columns (m,) as a table of the kind of another, or side by side in an array."""
    nw = load_narwhals()
    frame = nw.from_native(table.native, eager_only=True, pass_through=True)
    if not isinstance(frame, nw.DataFrame):
        return np.column_stack(list(columns.values()))
    made = nw.to_native(nw.from_dict(columns, backend=frame.implementation))
    return _with_index(made, nw.maybe_get_index(frame))


def _with_index(made: Any, index: Any) -> Any:
    if index is not None:  # of pandas and its kin
        made.index = index
    return made
