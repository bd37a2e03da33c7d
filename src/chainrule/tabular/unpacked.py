"""Tables of Arrow files, of which the parts are counted before they are unpacked.

What a file unpacks to it says itself, and need not say truly: a thousand bytes can hold a word that
is there a thousand million times. `parquet.py` is the same for Parquet.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

# Columns of a table in a file; each takes some thousand bytes before there is a number in it.
MOST_COLUMNS = 100_000


class UnpackedError(ValueError):
    """Raised when a table is larger in memory than is allowed."""


def read_arrow(path: Path, most: int) -> Any:
    """Return the `pyarrow.Table` of an Arrow file; UnpackedError if it has over `most` bytes.

    It is read as the stream that lies between its first bytes and its footer.
    """
    import pyarrow as pa

    with pa.memory_map(str(path)) as source:
        source.seek(8)
        total = 0
        for message in pa.ipc.MessageReader.open_stream(source):
            total += unpacked_size(bytes(message.metadata), message.body)
            if total > most:
                raise UnpackedError
        source.seek(8)
        with pa.ipc.open_stream(source) as reader:
            check_columns(reader.schema)
            table = reader.read_all()
    table.validate()
    # Before a look at each word, of which many may share a place
    if sum(size_of(chunk) for column in table.columns for chunk in column.chunks) > most:
        raise UnpackedError
    table.validate(full=True)  # an offset that leads elsewhere would end the process
    # PyArrow can't choose rows of these
    for place, field in enumerate(table.schema):
        if _is_view(field.type):
            plain = pa.large_binary() if "binary" in str(field.type) else pa.large_string()
            table = table.set_column(place, field.name, table[place].cast(plain))
    return table


def check_columns(schema: Any) -> None:
    """Raise ValueError if there are too many columns, or one that is packed within itself."""
    if len(schema) > MOST_COLUMNS:
        raise ValueError(f"it has {len(schema):,} columns, more than {MOST_COLUMNS:,}")
    for field in schema:
        if str(field.type).startswith(("run_end_encoded", "list_view", "large_list_view")):
            raise ValueError(f"column {field.name!r} is of {field.type}, which is not read")
        if str(field.type).startswith("dictionary") and field.type.value_type.num_fields:
            raise ValueError(f"column {field.name!r} is a dictionary of {field.type.value_type}")


def size_of(array: Any) -> int:
    """Return the bytes of an array of PyArrow if each of its values stood in its own place."""
    import pyarrow as pa
    import pyarrow.compute as pc

    size = len(array)  # nulls have no bytes, and are something in Python
    if not pa.types.is_dictionary(array.type):
        size += int(array.nbytes)
    else:
        size, known = size + int(array.indices.nbytes), array.dictionary
        if len(known) == 0:
            return size
        if _is_text(known.type):
            lengths = pc.binary_length(known).cast(pa.int64()).take(array.indices)
            return size + (pc.sum(lengths).as_py() or 0)
        return size + len(array) * (size_of(known) // len(known))
    if _is_view(array.type) and len(array):
        # The first of four numbers in 16 bytes is a word's length; many may share its place
        views = np.frombuffer(array.buffers()[1], np.int32).reshape(-1, 4)
        size += int(views[array.offset : array.offset + len(array), 0].sum(dtype=np.int64))
    return size


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    plain = pa.types.is_string(kind) or pa.types.is_binary(kind)
    return bool(plain or pa.types.is_large_string(kind) or pa.types.is_large_binary(kind))


def _is_view(kind: Any) -> bool:
    return str(kind) in ("string_view", "binary_view")


# ---------------------------------------------------------------------------------------------
# The messages of an Arrow file. PyArrow unpacks their buffers, but does not tell how large they
# will be: it is in the first eight bytes of each. Format of messages: "Encapsulated message format"
# and Message.fbs, https://arrow.apache.org/docs/format/Columnar.html; of their tables: FlatBuffers.

_HEADER_TYPE, _HEADER = 1, 2  # fields of a message
_DICTIONARY, _BATCH = 2, 3  # types of its header
_DATA = 1  # field of a dictionary: a batch
_BUFFERS, _COMPRESSION = 2, 3  # fields of a batch


def unpacked_size(metadata: bytes, body: Any) -> int:
    """Return how many bytes the buffers of a message unpack to; ValueError if it is damaged."""
    if body is None:
        return 0
    try:
        message = _follow(metadata, 0)
        at = _field(metadata, message, _HEADER_TYPE)
        kind = metadata[at] if at else 0
        if kind not in (_DICTIONARY, _BATCH):
            return int(body.size)
        batch = _inner(metadata, message, _HEADER)
        if kind == _DICTIONARY:
            batch = _inner(metadata, batch, _DATA)
        if not _field(metadata, batch, _COMPRESSION):
            return int(body.size)
        return sum(_unpacked(body, *place) for place in _buffers(metadata, batch))
    except (struct.error, IndexError):
        raise ValueError("a message in it is damaged") from None


def _buffers(metadata: bytes, batch: int) -> Iterator[tuple[int, int]]:
    """Yield where each buffer begins in the body, and how long it is there."""
    start = _inner(metadata, batch, _BUFFERS)
    (count,) = struct.unpack_from("<I", metadata, start)
    for number in range(count):
        yield struct.unpack_from("<qq", metadata, start + 4 + 16 * number)


def _unpacked(body: Any, offset: int, length: int) -> int:
    if length == 0:
        return 0
    if not 0 <= offset <= offset + 8 <= offset + length <= body.size:
        raise ValueError("a buffer in it is damaged")
    (size,) = struct.unpack("<q", bytes(body[offset : offset + 8]))
    return length if size == -1 else max(0, int(size))


def _follow(data: bytes, at: int) -> int:
    """Return what a place in a FlatBuffer points to."""
    return at + int(struct.unpack_from("<I", data, at)[0])


def _field(data: bytes, table: int, number: int) -> int:
    """Return where a field of a table is, 0 if it is not there."""
    places = table - struct.unpack_from("<i", data, table)[0]
    at = places + 4 + 2 * number
    if at >= places + struct.unpack_from("<H", data, places)[0]:
        return 0
    offset = struct.unpack_from("<H", data, at)[0]
    return table + offset if offset else 0


def _inner(data: bytes, table: int, number: int) -> int:
    """Return where the table or list is that a field points to."""
    at = _field(data, table, number)
    if not at:
        raise IndexError
    return _follow(data, at)
