"""Tables in files of Parquet and Arrow, one or a folder of them, as the source of a stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.streaming.source import Raw, StreamError, block_rows
from chainrule.streaming.table_files import OpenFile, TableFile, find_files


class TableSource:
    """Rows of files of tables, with the columns that are inputs, targets and weights by name.

    Every file is opened once to see that it has these columns; more of it is read later.

    Parameters
    ----------
    source : path, list of paths, or pyarrow.dataset.Dataset
    target : str or list of str, or None
        The column of the targets, or several of them.
    columns : list of str, or None
        Inputs; by default all columns of the first file but `target` and `weight`.
    weight : str or None
        The column of the weights.

    Raises StreamError if a file can't be read, or lacks a column, or it holds another type.
    """

    def __init__(
        self,
        source: Any,
        target: str | Sequence[str] | None,
        columns: Sequence[str] | None,
        weight: str | None,
    ) -> None:
        self.files = find_files(source)
        self.target = [target] if isinstance(target, str) else list(target or [])
        self.has_targets = bool(self.target)
        self.weight = weight
        self.several = target is not None and not isinstance(target, str)
        self.words = False
        self.piece_bytes = 0
        self._groups: list[str] = []  # what each file calls its groups of rows
        self._types: dict[str, str] = {}
        names: list[str] = [] if columns is None else list(columns)
        pieces: list[tuple[int, int, int]] = []
        for number, file in enumerate(self.files):
            with file.open() as opened:
                if columns is None and number == 0:
                    given = [*opened.schema.names, *file.keys]
                    names = [name for name in given if name not in self._others()]
                self._check_columns(file, opened, names)
                self._check_types(file, opened, names)
                stored = self._stored(file, names)
                self.piece_bytes = max(self.piece_bytes, opened.bytes_of(stored))
                self._groups.append(opened.group)
                for group in range(len(opened.group_rows)) if file.groups is None else file.groups:
                    if opened.group_rows[group]:
                        pieces.append((number, group, opened.group_rows[group]))
        if not pieces:
            raise StreamError(f"{source} holds no rows")
        self.columns = tuple(names)
        table = np.array(pieces, np.int64)
        self._place, self.rows = table[:, :2], np.ascontiguousarray(table[:, 2])

    def _others(self) -> list[str]:
        return [*self.target, *([] if self.weight is None else [self.weight])]

    def _stored(self, file: TableFile, names: Sequence[str]) -> list[str]:
        """Return the columns that are in the file itself, the first of each name."""
        return [name for name in dict.fromkeys([*names, *self._others()]) if name not in file.keys]

    def _check_columns(self, file: TableFile, opened: OpenFile, names: Sequence[str]) -> None:
        there = opened.schema.names
        if not names:
            raise StreamError(f"{file.path} has no columns for inputs beside {self._others()}")
        for name in self._stored(file, names):
            if name not in there:
                known = ", ".join(map(repr, [*there, *file.keys][:20]))
                raise StreamError(f"{file.path} must have a column {name!r}, got {known}")
            if there.count(name) > 1:
                raise StreamError(f"{file.path} has two columns named {name!r}")

    def _check_types(self, file: TableFile, opened: OpenFile, names: Sequence[str]) -> None:
        for name in [*names, *self._others()]:
            held = _what_is_held(file, opened, name)
            first = self._types.setdefault(name, held)
            if held != first and "nothing" in (held, first):  # a column that is missing throughout
                self._types[name] = held if first == "nothing" else first
            elif held != first:
                raise StreamError(
                    f"column {name!r} must hold the same in all files: it holds {held} in "
                    f"{file.path}, and {first} in {self.files[0].path}"
                )
            is_target = name in self.target and not self.several
            fitting = ("numbers", "nothing", "truth values", *(["words"] if is_target else []))
            if self._types[name] not in fitting:
                raise StreamError(
                    f"column {name!r} of {file.path} must hold numbers, and holds {held}; name the "
                    f"columns to learn from in columns=, or see TabularClassifier for words and "
                    f"dates"
                )
            if is_target:
                self.words = self._types[name] in ("words", "truth values")

    def read(self, piece: int) -> Iterator[Raw]:
        """Yield the rows of a piece."""
        number, group = (int(i) for i in self._place[piece])
        file, first = self.files[number], 0
        stored = self._stored(file, self.columns)
        words = [name for name in self.target if self.words and name in stored]
        with file.open() as opened:
            for batch in opened.read(group, stored, block_rows(len(self.columns)), words):
                m = batch.num_rows
                if m == 0:
                    continue
                w = None if self.weight is None else self._numbers(file, batch, self.weight)
                yield Raw(first, self._inputs(file, batch), self._targets(file, batch), w)
                first += m

    def _inputs(self, file: TableFile, batch: Any) -> npt.NDArray[Any] | list[npt.NDArray[Any]]:
        """Return the inputs: as one array at once, where all columns are numbers of one type."""
        if file.keys:
            return [self._numbers(file, batch, name) for name in self.columns]
        inputs = batch.select(list(self.columns))
        kind = inputs.column(0).type
        whole = all(c.type == kind and c.null_count == 0 for c in inputs.columns)
        if whole and _is_number(kind):
            tensor: npt.NDArray[Any] = inputs.to_tensor(row_major=False).to_numpy()
            return tensor
        return [as_numbers(column) for column in inputs.columns]

    def _numbers(self, file: TableFile, batch: Any, name: str) -> npt.NDArray[Any]:
        if name in file.keys:
            value = file.keys[name]
            return np.full(batch.num_rows, np.nan if value is None else value)
        return as_numbers(batch.column(name))

    def _targets(self, file: TableFile, batch: Any) -> Any:
        if not self.target:
            return None
        if self.words:
            import pyarrow as pa

            (name,) = self.target
            if name in file.keys:
                return pa.array([file.keys[name]] * batch.num_rows, pa.string())
            return as_words(batch.column(name))
        numbers = [self._numbers(file, batch, name) for name in self.target]
        return np.stack(numbers, axis=1) if self.several else numbers[0]

    def place(self, piece: int, row: int) -> str:
        """Return in words where a row is."""
        number, group = self._place[piece]
        return f"{self.files[number].path}, {self._groups[number]} {group}, row {row}"


def _what_is_held(file: TableFile, opened: OpenFile, name: str) -> str:
    """Return what a column holds, in words."""
    if name in file.keys:
        value = file.keys[name]
        return {int: "numbers", str: "words"}.get(type(value), "nothing")
    import pyarrow as pa

    kind = opened.schema.field(name).type
    is_a = pa.types
    if is_a.is_dictionary(kind):
        kind = kind.value_type
    if _is_number(kind) or is_a.is_decimal(kind):
        return "numbers"
    if is_a.is_boolean(kind):
        return "truth values"
    if is_a.is_null(kind):
        return "nothing"
    text = is_a.is_string(kind) or is_a.is_large_string(kind)
    return "words" if text else str(kind)


def _is_number(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def as_numbers(column: Any) -> npt.NDArray[Any]:
    """Return a column of PyArrow as an array, with NaN for what is missing."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not _is_number(column.type):
        column = column.cast(pa.float64())
    array: npt.NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return array


def as_words(column: Any) -> Any:
    """Return a column of words or truth values as an array of strings of PyArrow."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(pa.string())


def check_names(name: str, value: object) -> list[str]:
    """Return a list of different names of columns, or say what is wrong."""
    if isinstance(value, str) or not isinstance(value, (list, tuple)) or not value:
        raise TypeError(f"{name} must be a list of names of columns, got {value!r}")
    for each in value:
        if not isinstance(each, str):
            raise TypeError(f"{name} must be names of columns, got {each!r}")
        if value.count(each) > 1:
            raise ValueError(f"{name} must be different columns, got {each!r} twice")
    return list(value)
