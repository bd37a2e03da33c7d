"""Writes the files of the corpus that are made by hand: ``python tests/data/corpus/make.py``.

Each is small, and says that it is large, or leads where nothing is. The others were found by
``python -m benchmarks.fuzz``, and are kept as they were found.
"""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as parquet

HERE = Path(__file__).parent
# A word of 100,000 letters, in 100,000 rows: 10 GB of which a thousand bytes are left.
REPEATED = pa.DictionaryArray.from_arrays(np.zeros(100_000, np.int32), pa.array(["x" * 100_000]))


def varint(n: int) -> bytes:
    """Return a number as Thrift's compact protocol writes it."""
    n, parts = 2 * n, []
    while n >= 128:
        n, part = divmod(n, 128)
        parts.append(128 + part)
    return bytes([*parts, n])


def promise_rows(path: Path) -> None:
    """Write a Parquet file of a hundred rows whose footer promises 10^12."""
    parquet.write_table(pa.table({"a": pa.nulls(100, pa.float64()), "b": [1.0] * 100}), path)
    data = path.read_bytes()
    (length,) = struct.unpack("<I", data[-8:-4])
    start = len(data) - 8 - length
    footer = data[start:-8].replace(varint(100), varint(10**12))
    path.write_bytes(data[:start] + footer + struct.pack("<I", len(footer)) + data[-4:])


def promise_bytes(path: Path, bytes_: int) -> None:
    """Write an Arrow file with a packed buffer that promises so many bytes."""
    feather.write_feather(pa.table({"a": np.zeros(1000)}), str(path), compression="zstd")
    data = path.read_bytes()
    assert data.count(struct.pack("<q", 8000)) == 1
    path.write_bytes(data.replace(struct.pack("<q", 8000), struct.pack("<q", bytes_)))


def write_batch(path: Path, table: Any) -> None:
    """Write a table as one batch, packed or not as it is."""
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_batch(table.to_batches()[0])


def lead_astray(path: Path) -> None:
    """Write an Arrow file of words whose places are beyond their letters."""
    write_batch(path, pa.table({"a": ["word"] * 5, "b": [1.0] * 5}))
    data = path.read_bytes()
    places = struct.pack("<6i", 0, 4, 8, 12, 16, 20)
    assert data.count(places) == 1
    path.write_bytes(data.replace(places, struct.pack("<6i", 0, 2**30, 2**30, 3, 2**31 - 1, 20)))


def break_words(path: Path) -> None:
    """Write a Parquet file with a word that is not in UTF-8."""
    parquet.write_table(pa.table({"a": ["some words", "others"] * 9, "b": [1.0, 2.0] * 9}), path)
    path.write_bytes(path.read_bytes().replace(b"some words", b"some w\xff\xfeds"))


def main() -> None:
    """Write them all."""
    promise_rows(HERE / "rows.parquet")
    promise_bytes(HERE / "buffer.arrow", 10**12)
    promise_bytes(HERE / "negative.arrow", -(2**40))
    repeated = pa.table({"a": REPEATED})
    parquet.write_table(repeated, HERE / "repeated.parquet", compression="zstd")
    feather.write_feather(repeated, str(HERE / "repeated.arrow"), compression="zstd")
    lists = pa.ListArray.from_arrays(np.arange(100_001, dtype=np.int32), REPEATED)
    parquet.write_table(pa.table({"a": lists}), HERE / "lists.parquet", compression="zstd")
    structs = pa.StructArray.from_arrays([REPEATED], ["a"])
    parquet.write_table(pa.table({"a": structs}), HERE / "structs.parquet", compression="zstd")
    # A word of 100,000 letters that as many rows share the place of: packed, a few hundred bytes
    views = np.tile(np.frombuffer(struct.pack("<i4sii", 10**5, b"yyyy", 0, 0), np.int32), 10**5)
    buffers = [None, pa.py_buffer(views), pa.py_buffer(b"y" * 10**5)]
    shared = pa.Array.from_buffers(pa.string_view(), 10**5, buffers)
    feather.write_feather(pa.table({"a": shared}), str(HERE / "views.arrow"), compression="zstd")
    write_batch(HERE / "nulls.arrow", pa.table({"a": pa.nulls(1001)}))
    data = (HERE / "nulls.arrow").read_bytes()
    more = data.replace(struct.pack("<q", 1001), struct.pack("<q", 10**12))
    (HERE / "nulls.arrow").write_bytes(more)
    lead_astray(HERE / "astray.arrow")
    break_words(HERE / "words.parquet")
    columns = b",".join([b"1"] * 1_000_000)
    (HERE / "columns.csv.gz").write_bytes(gzip.compress(columns + b"\n" + columns, 9, mtime=0))


if __name__ == "__main__":
    main()
