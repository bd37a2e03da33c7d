"""Tables of Parquet files, of which the bytes in memory are counted before they are taken.

What a file unpacks to it says itself, and need not say truly: a thousand bytes can hold a word that
is there a thousand million times. So what is counted is what PyArrow is going to need: of numbers
by their type, of words by the headers of their pages, and one by one if that may be too much.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule._parquet_headers import Chunk, DamagedError, pages_of, read_chunks
from chainrule.tabular.unpacked import MOST_COLUMNS, UnpackedError, check_columns, size_of

# Bits of a value, of the types that have always the same; and bytes that a word takes beside its
# letters, or a value in a list: where it begins, and how deep it lies.
BITS = {"BOOLEAN": 1, "INT32": 32, "INT64": 64, "INT96": 96, "FLOAT": 32, "DOUBLE": 64}
PLACE = 8
# Rows that are unpacked at a time to count their words, and bytes that they may take.
ROWS_AT_ONCE, BYTES_AT_ONCE = 2**16, 2**26
# Pages of words and lists that are looked at; each takes some ten microseconds.
MOST_PAGES = 200_000


def read_parquet(path: Path, most: int) -> Any:
    """Return the `pyarrow.Table` of a Parquet file; UnpackedError if it has over `most` bytes.

    Words in lists are taken to be as long as the longest of them.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        check_columns(file.schema_arrow)
        _Size(path, file, most).check()
        table = file.read()
    table.validate(full=True)  # a word that is not in UTF-8
    return table


@dataclass
class _Leaf:
    """A column of words, or of what is in lists, and the most bytes that it takes.

    Attributes
    ----------
    number : int
        Which of the file's columns it is, where each part of a struct is one.
    bits : int
        Of a value; 0 of words.
    in_list : bool
    pages : int
        Bytes of its pages.
    size : int
        Bytes beside them if each word stood in its own place.
    longest : int
        Bytes of a word.
    plain : bool
        Whether PyArrow must write out its words to count them, and can't number them.
    """

    number: int
    path: str
    bits: int
    in_list: bool
    pages: int = 0
    size: int = 0
    longest: int = 1
    plain: bool = False

    def add(self, values: int, longest: int, *, plain: bool) -> None:
        """Add so many values to the size, of at most so many bytes each."""
        self.size += values * longest
        self.longest = max(self.longest, longest)
        self.plain = self.plain or plain


class _Size:
    """Counts the bytes of the table of a file."""

    def __init__(self, path: Path, file: Any, most: int) -> None:
        self.path, self.file, self.most = path, file, most
        metadata = file.metadata
        self.groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
        self.total, self.pages, bits = 0, 0, 0
        self.leaves: list[_Leaf] = []
        if len(file.schema) > MOST_COLUMNS:
            raise ValueError(f"it has {len(file.schema):,} columns, more than {MOST_COLUMNS:,}")
        for number in range(len(file.schema)):
            column = file.schema.column(number)
            width, in_list = _bits(column), column.max_repetition_level > 0
            if width and not in_list:
                bits += width + 1  # which says if it is there
            else:
                nested = "." in column.path  # of which PyArrow can't number all words
                self.leaves.append(_Leaf(number, column.path, width, in_list, plain=nested))
        rows = max(metadata.num_rows, sum(group.num_rows for group in self.groups))
        self._add(rows * bits // 8)

    def _add(self, size: int) -> None:
        self.total += size
        if self.total > self.most:
            raise UnpackedError

    def check(self) -> None:
        """Raise UnpackedError if the table is larger than is allowed."""
        if not self.leaves:
            return
        import pyarrow.parquet as pq

        words = [leaf.path for leaf in self.leaves if not leaf.bits]
        options = {"read_dictionary": words, "metadata": self.file.metadata, "pre_buffer": False}
        with pq.ParquetFile(self.path, **options) as encoded:
            for number, chunks in enumerate(self._chunks()):
                self._look_at(encoded, number, chunks)
            for leaf in sorted(self.leaves, key=lambda leaf: (leaf.in_list, -leaf.size)):
                if self.total + sum(leaf.size for leaf in self.leaves) <= self.most:
                    return
                if leaf.in_list:
                    raise UnpackedError
                self._count(encoded, leaf)
        self._add(sum(leaf.size for leaf in self.leaves))

    def _chunks(self) -> list[list[Chunk]]:
        with self.path.open("rb") as file:
            chunks = read_chunks(file, len(self.file.schema))
        if len(chunks) != len(self.groups):
            raise DamagedError("its footer is damaged")
        return chunks

    def _look_at(self, encoded: Any, number: int, chunks: list[Chunk]) -> None:
        """Add to the sizes of the columns what the pages of a group of rows say."""
        pointing: list[tuple[_Leaf, int, int]] = []
        rows = self.groups[number].num_rows
        with self.path.open("rb") as raw, _mapped(raw) as data:
            for leaf in self.leaves:
                pages = _Pages(data, chunks[leaf.number], MOST_PAGES - self.pages)
                self.pages += pages.count
                values = pages.values if leaf.in_list else min(pages.values, rows)
                leaf.pages += 0 if leaf.bits else pages.size
                self._add(values * (PLACE + leaf.bits // 8) + (0 if leaf.bits else pages.size))
                if pages.repeating and not leaf.bits:
                    leaf.add(values, pages.repeating, plain=True)
                if pages.points and not leaf.bits:
                    pointing.append((leaf, values, pages.dictionary))
        found = _longest(encoded, number, [leaf.path for leaf, _, _ in pointing])
        for (leaf, values, dictionary), longest in zip(pointing, found, strict=True):
            leaf.add(values, dictionary if longest is None else longest, plain=longest is None)

    def _count(self, encoded: Any, leaf: _Leaf) -> None:
        """Take the bytes of all words of a column, of which PyArrow unpacks a few at a time."""
        self.total -= leaf.pages
        leaf.size = 0
        rows, file = ROWS_AT_ONCE, encoded
        if leaf.plain:
            rows, file = min(rows, max(1, BYTES_AT_ONCE // leaf.longest)), self.file
        for batch in file.iter_batches(rows, columns=[leaf.path]):
            self._add(sum(size_of(part) for part in _parts(batch)))


class _Pages:
    """What the pages of a column in a group of rows say in all.

    Attributes
    ----------
    count, size, values : int
        How many there are, their bytes, and the values in them.
    dictionary : int
        Bytes of the words that others point to.
    points : bool
        Whether any does.
    repeating : int
        Bytes of the largest page of which the words begin with what stands before them.
    """

    def __init__(self, data: Any, chunk: Chunk, most: int) -> None:
        self.count = self.size = self.values = self.dictionary = self.repeating = 0
        self.points, others = False, False
        for page in pages_of(data, chunk):
            self.count += 1
            self.size += page.size
            if page.is_dictionary:
                self.dictionary += page.size
                continue
            self.values += page.values
            if page.points and others:
                # No one writes so, and what is pointed to would not be seen with the first row
                raise DamagedError("a page in it is damaged")
            self.points, others = self.points or page.points, others or not page.points
            if page.repeats:
                self.repeating = max(self.repeating, page.size)
            if self.count > most:
                raise ValueError(f"it has more than {MOST_PAGES:,} pages of words")


def _longest(encoded: Any, group: int, paths: Sequence[str]) -> list[int | None]:
    """Return the bytes of the longest word that each column points to, None where that is unknown.

    All of them come with the first row, as a dictionary that PyArrow leaves as it is.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not paths:
        return []
    batch = next(encoded.iter_batches(1, row_groups=[group], columns=list(paths)), None)
    parts = [] if batch is None else list(_parts(batch))
    found: list[int | None] = []
    for part in parts:
        known = part.dictionary if pa.types.is_dictionary(part.type) else ()
        found.append(pc.max(pc.binary_length(known)).as_py() if len(known) else None)
    if len(found) != len(paths):  # as names with dots in them, one the beginning of another
        return [None] * len(paths)
    return found


def _parts(batch: Any) -> Iterator[Any]:
    """Yield the columns of a batch, and of structs and lists what is in them."""
    import pyarrow as pa

    to_see = list(batch.columns)[::-1]
    while to_see:
        array = to_see.pop()
        if isinstance(array, pa.StructArray):
            to_see += [array.field(i) for i in range(array.type.num_fields)][::-1]
        elif pa.types.is_nested(array.type):
            to_see.append(array.values)
        else:
            yield array


def _mapped(file: Any) -> mmap.mmap:
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _bits(column: Any) -> int:
    """Return how many bits each value of a column has, 0 if they are words."""
    if column.physical_type == "FIXED_LEN_BYTE_ARRAY":
        return 8 * int(column.length)
    return BITS.get(column.physical_type, 0)
