"""Parquet files are read if they have room: what they take is known before it is taken."""

from __future__ import annotations

import io
import mmap
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from benchmarks.fuzz_tables import make_table, odd_columns
from chainrule._parquet_headers import DamagedError, pages_of, read_chunks
from chainrule.tabular import files
from chainrule.tabular.parquet import read_parquet
from chainrule.tabular.unpacked import UnpackedError


@pytest.mark.parametrize("options", [{}, {"use_dictionary": False}, {"data_page_version": "2.0"}])
def test_parquet_files_come_back_whole(options: dict[str, Any], tmp_path: Path) -> None:
    """Of every type, in several groups of rows, with the types that they had."""
    path = tmp_path / "t.parquet"
    odd = odd_columns(60).drop_columns(["view"])
    for table in (make_table(), odd, make_table().slice(0, 0)):
        pyarrow.parquet.write_table(table, path, row_group_size=25, **options)
        expected = pyarrow.parquet.read_table(path)
        read = read_parquet(path, 10**9)
        assert read.schema.equals(expected.schema, check_metadata=True)
        assert read.to_pydict() == expected.to_pydict()
    names = pa.table({"a": [1], "a.b": ["x"], "a.b.c": [0.5]})
    pyarrow.parquet.write_table(names, path)
    assert files.read_file(path).to_pydict() == names.to_pydict()


LONG = "x" * 20_000
WORDS = {
    "of a dictionary": pa.array(["a", None, "b"] * 20_000 + [LONG]),
    "written out": pa.array([f"{i}" for i in range(60_000)] + [LONG]),
    "in structs": pa.array([{"a": "a", "n": 1}] * 60_000 + [{"a": LONG, "n": 2}]),
}


@pytest.mark.parametrize("encoding", ["RLE_DICTIONARY", "PLAIN", "DELTA_BYTE_ARRAY"])
@pytest.mark.parametrize("column", WORDS.values(), ids=WORDS)
def test_one_long_word_does_not_make_all_long(column: Any, encoding: str, tmp_path: Path) -> None:
    """A table that would have a gigabyte if all words were so is read, and refused by its size."""
    path, table = tmp_path / "t.parquet", pa.table({"a": column, "b": np.zeros(60_001)})
    options: dict[str, Any] = {"use_dictionary": True}
    if encoding != "RLE_DICTIONARY":
        words = "a.a" if pa.types.is_struct(column.type) else "a"
        options = {"use_dictionary": False, "column_encoding": {words: encoding}}
    pyarrow.parquet.write_table(table, path, row_group_size=50_000, **options)
    assert read_parquet(path, 3 * table.nbytes).equals(table)
    with pytest.raises(UnpackedError):
        read_parquet(path, table.nbytes // 2)


SAME = pa.DictionaryArray.from_arrays(np.zeros(3000, np.int32), pa.array([LONG]))
LARGE = {
    "a long list": pa.array([[None] * 10**6], pa.list_(pa.float64())),
    "words in lists": pa.ListArray.from_arrays(np.arange(3001, dtype=np.int32), SAME),
    "words after none": pa.DictionaryArray.from_arrays(
        pa.array([None] * 30_000 + [0] * 3000, pa.int32()), pa.array([LONG])
    ),
    "words of one length": pa.array([b"x" * 10_000] * 3000, pa.binary(10_000)),
    "repeated words": pa.array([LONG] * 3000),
    "truth values": pa.array([True] * 10**7),
}


@pytest.mark.parametrize("column", LARGE.values(), ids=LARGE)
def test_what_unpacks_to_more_is_never_unpacked(column: Any, tmp_path: Path) -> None:
    """However little of it is in the file, hardly any of it is ever in memory."""
    path, delta = tmp_path / "t.parquet", column is LARGE["repeated words"]
    options = {"column_encoding": {"a": "DELTA_BYTE_ARRAY"}} if delta else {}
    table = pa.table({"a": column})
    pyarrow.parquet.write_table(
        table, path, compression="zstd", use_dictionary=not delta, data_page_size=4000, **options
    )
    assert path.stat().st_size < 50_000
    assert read_parquet(path, 10**9).num_rows == len(column)
    with pytest.raises(UnpackedError):
        read_parquet(path, 10**6)


def test_headers_are_those_that_pyarrow_reads(tmp_path: Path) -> None:
    """Where columns are and how large, and of their pages how many values and bytes they have."""
    path = tmp_path / "t.parquet"
    for version in ("1.0", "2.0"):
        options: dict[str, Any] = {"data_page_version": version, "data_page_size": 100}
        table = pa.concat_tables([make_table()] * 20)
        pyarrow.parquet.write_table(table, path, row_group_size=500, **options)
        metadata = pyarrow.parquet.read_metadata(path)
        data = path.read_bytes()
        chunks = read_chunks(io.BytesIO(data), metadata.num_columns)
        for i, j in np.ndindex(metadata.num_row_groups, metadata.num_columns):
            chunk, expected = chunks[i][j], metadata.row_group(i).column(j)
            assert chunk.end - chunk.start == expected.total_compressed_size
            assert chunk.size == expected.total_uncompressed_size
            pages = list(pages_of(data, chunk))
            assert sum(page.values for page in pages if not page.is_dictionary) == chunk.values
            assert 0 < sum(page.size for page in pages) < chunk.size  # which has the headers too
            assert [page.is_dictionary for page in pages].count(
                True
            ) == expected.has_dictionary_page
            assert any(page.points for page in pages) == expected.has_dictionary_page
        with pytest.raises(DamagedError, match="its footer"):
            read_chunks(io.BytesIO(data), metadata.num_columns + 1)


def test_damaged_headers_are_refused(tmp_path: Path) -> None:
    """Whatever is set to another number in a footer or a page: DamagedError, or the headers."""
    path = tmp_path / "t.parquet"
    pyarrow.parquet.write_table(pa.table({"a": ["x", "y"], "b": [1, 2]}), path)
    whole, refused = path.read_bytes(), 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as data:
        for at in range(4, len(whole)):
            for byte in (0xF9, 0xFF):
                data[at] = byte
                try:
                    for chunks in read_chunks(io.BytesIO(data[:]), 2):
                        for chunk in chunks:
                            assert all(min(page[:2]) >= 0 for page in pages_of(data, chunk))
                except DamagedError:
                    refused += 1
            data[at] = whole[at]
    assert refused > 100
