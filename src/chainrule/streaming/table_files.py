"""Files of tables and the groups of rows in them: Parquet's row groups, Arrow's record batches."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote

from chainrule._arrow import load_pyarrow
from chainrule._parquet_headers import DamagedError, read_chunks
from chainrule.streaming.source import StreamError

Key: TypeAlias = int | str | None

# Bytes of a column that are unpacked at a time: a page, and a dictionary of the words or numbers
# that it repeats, each of about 1 MB at most, and a page as it is in the file.
_PAGE, _PAGES = 2**20, 2.5
# How many numbers are unpacked at a time: many blocks of rows together, which takes two thirds of
# the time that one by one does.
_UNPACKED = 2**22
# How much of a column is read from the file at a time.
_READ = 2**16
# What Hive calls a folder of rows that have no value.
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
# Bits that a word is taken to have, where its type does not say.
_WORD = 256


@dataclass(frozen=True)
class TableFile:
    """A file, and what the folders that it is in say of all its rows.

    Attributes
    ----------
    path : str
    filesystem : pyarrow.fs.FileSystem
    keys : mapping of str to int, str or None
        Values by name, as of a folder ``year=2024``.
    groups : list of int, or None
        Which groups of rows are meant; None for all.
    """

    path: str
    filesystem: Any
    keys: Mapping[str, Key] = field(default_factory=dict)
    groups: Sequence[int] | None = None

    @contextlib.contextmanager
    def open(self) -> Iterator[OpenFile]:
        """Open the file; what goes wrong in the block is a StreamError that names it."""
        pa = load_pyarrow()
        try:
            with self.filesystem.open_input_file(self.path) as file:
                beginning = file.read(6)
                file.seek(0)
                if beginning.startswith(b"PAR1"):
                    yield _Parquet(file)
                elif beginning == b"ARROW1":
                    yield _Arrow(file)
                else:
                    what = "is no file of Parquet or Arrow" if beginning else "is empty"
                    raise StreamError(f"{self.path} {what}")
        except (OSError, pa.ArrowException, DamagedError, UnicodeDecodeError) as error:
            reason = str(error).split("\n")[0][:200]
            raise StreamError(f"{self.path} can't be read: {reason}") from None


class OpenFile:
    """An open file of groups of rows: one of Parquet or Arrow.

    Attributes
    ----------
    schema : pyarrow.Schema
    group_rows : list of int
        How many rows each group has.
    group : str
        What the file's format calls a group.
    """

    schema: Any
    group_rows: list[int]
    group: str

    def bytes_of(self, columns: Sequence[str]) -> int:
        """Return about the most memory that reading these columns of a group takes."""
        raise NotImplementedError

    def read(
        self, group: int, columns: Sequence[str], rows: int, words: Sequence[str]
    ) -> Iterator[Any]:
        """Yield record batches of a group, of at most so many rows; `words` stay encoded."""
        raise NotImplementedError


class _Parquet(OpenFile):
    group = "row group"

    def __init__(self, file: Any) -> None:
        self.file = file
        parquet = self._reader()
        self.metadata, self.schema = parquet.metadata, parquet.schema_arrow
        self.columns = parquet.schema
        groups = range(self.metadata.num_row_groups)
        self.group_rows = [self.metadata.row_group(i).num_rows for i in groups]

    def _reader(self, **options: Any) -> Any:
        import pyarrow.parquet

        # Reads a column page by page, so that a large group is never in memory as a whole
        return pyarrow.parquet.ParquetFile(
            self.file, buffer_size=_READ, pre_buffer=False, **options
        )

    def bytes_of(self, columns: Sequence[str]) -> int:
        # Not from PyArrow, which ends the process over some footers that are damaged
        known = [self.columns.column(j).path in columns for j in range(len(self.columns))]
        most = 0
        for chunks in read_chunks(self.file, len(known)):
            sizes = (c.size for c, is_read in zip(chunks, known, strict=True) if is_read)
            most = max(most, int(sum(_PAGES * min(size, _PAGE) for size in sizes)))
        return most + 8 * min(_UNPACKED, max(self.group_rows, default=0) * len(columns))

    def read(
        self, group: int, columns: Sequence[str], rows: int, words: Sequence[str]
    ) -> Iterator[Any]:
        reader = self._reader(metadata=self.metadata, read_dictionary=list(words))
        batches = reader.iter_batches(
            batch_size=_rows_together(rows, len(columns)),
            row_groups=[group],
            columns=list(columns),
            use_threads=False,
        )
        for batch in batches:
            yield from _slices(batch, rows)


class _Arrow(OpenFile):
    group = "record batch"

    def __init__(self, file: Any) -> None:
        import pyarrow as pa

        self.file = file
        reader = pa.ipc.open_file(file)
        self.schema = reader.schema
        one = self._reader(self.schema.names[:1])
        self.group_rows = [one.get_batch(i).num_rows for i in range(reader.num_record_batches)]

    def _reader(self, columns: Sequence[str]) -> Any:
        import pyarrow as pa

        places = [self.schema.names.index(name) for name in columns]
        options = pa.ipc.IpcReadOptions(included_fields=places, use_threads=False)
        return pa.ipc.open_file(self.file, options=options)

    def bytes_of(self, columns: Sequence[str]) -> int:
        width = sum(_bits(self.schema.field(name).type) for name in columns) / 8
        return int(
            2 * width * max(self.group_rows, default=0)
        )  # as it is in the file, and unpacked

    def read(
        self, group: int, columns: Sequence[str], rows: int, words: Sequence[str]
    ) -> Iterator[Any]:
        batch = self._reader(columns).get_batch(group)
        batch.validate(full=True)  # a place that leads elsewhere would end the process
        yield from _slices(batch, rows)


def _slices(batch: Any, rows: int) -> Iterator[Any]:
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _rows_together(rows: int, n_columns: int) -> int:
    """Return how many rows are unpacked at a time, where so many are wanted at a time."""
    return rows * max(1, _UNPACKED // (rows * max(1, n_columns)))


def _bits(kind: Any) -> int:
    try:
        return int(kind.bit_width)
    except ValueError:  # a word, say
        return _WORD


def find_files(source: Any) -> list[TableFile]:
    """Return the files of a source: a file, a folder, a list of them, or a dataset of PyArrow.

    Those of a folder in the order of their paths; what begins with a dot or an underscore is
    passed over. Folders called ``name=value`` give their rows a column.

    Raises StreamError if there are none, or TypeError if it is no such source.
    """
    load_pyarrow()
    import pyarrow.dataset
    import pyarrow.fs

    if isinstance(source, pyarrow.dataset.Dataset):
        return [_of_fragment(fragment) for fragment in source.get_fragments()]
    sources = [source] if isinstance(source, (str, os.PathLike)) else source
    if not isinstance(sources, (list, tuple)) or not sources:
        raise TypeError(
            f"a stream must be a path, a list of paths, a pyarrow.dataset.Dataset or an array in "
            f"a file (numpy.memmap), got {source!r:.80}"
        )
    local = pyarrow.fs.LocalFileSystem()
    found: list[TableFile] = []
    for each in sources:
        if not isinstance(each, (str, os.PathLike)):
            raise TypeError(f"each path of a stream must be a path, got {each!r:.80}")
        root = Path(each)
        if not root.exists():
            raise StreamError(f"{root} is not there")
        paths = sorted(p for p in root.rglob("*") if p.is_file()) if root.is_dir() else [root]
        for path in paths:
            inner = path.relative_to(root).parts
            if not any(part.startswith((".", "_")) for part in inner):
                found.append(TableFile(str(path), local, _keys_of(inner[:-1])))
    if not found:
        raise StreamError(f"{source} holds no files")
    return found


def _of_fragment(fragment: Any) -> TableFile:
    import pyarrow.dataset

    if not hasattr(fragment, "path"):
        raise TypeError("a dataset must be of files, got one in memory; give fit the arrays")
    keys = pyarrow.dataset.get_partition_keys(fragment.partition_expression)
    groups = None
    if hasattr(fragment, "row_groups"):
        groups = [group.id for group in fragment.row_groups]
    return TableFile(fragment.path, fragment.filesystem, keys, groups)


def _keys_of(folders: Sequence[str]) -> dict[str, Key]:
    keys: dict[str, Key] = {}
    for folder in folders:
        name, equals, value = folder.partition("=")
        if equals:
            value = unquote(value)
            whole = re.fullmatch(r"0|-?[1-9]\d{0,17}", value) is not None
            keys[unquote(name)] = None if value == _NO_VALUE else int(value) if whole else value
    return keys
