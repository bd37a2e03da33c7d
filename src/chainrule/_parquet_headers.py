"""What a Parquet file says of itself in its footer and before each page, read without PyArrow.

PyArrow ends the process over some damaged footers when it is asked for what they say of a column,
and tells nothing of the pages before it unpacks them. Both are structs of `parquet.thrift` of
Apache Parquet, written as the "Thrift compact protocol encoding" of Apache Thrift says.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

MAGIC, LONGEST_FOOTER = b"PAR1", 2**27

# Fields of the footer, of a group of rows, and of a column in one
_GROUPS, _COLUMNS, _ABOUT = 4, 1, 3
_VALUES, _UNPACKED, _PACKED, _DATA_AT, _DICTIONARY_AT = 5, 6, 7, 9, 11

_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3  # types of pages
# In which field of a page's header, and in which of that, the number of values and encoding are
_FIELDS = {_DATA: (5, 1, 2), _DICTIONARY: (7, 1, 2), _DATA_V2: (8, 1, 4)}
_POINTS, _REPEATS = (2, 8), 7  # encodings: into the dictionary, and DELTA_BYTE_ARRAY

_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_WHOLE = (4, 5, 6)  # of 16, 32 and 64 bits
# Structs and lists within each other; those of Parquet have about ten.
_DEEPEST = 40
_DAMAGED = (IndexError, KeyError, TypeError, struct.error)


class DamagedError(ValueError):
    """Raised when what a file says of itself can't be read."""


class Chunk(NamedTuple):
    """A column in a group of rows: where it is in the file, its values, and its size unpacked."""

    start: int
    end: int
    values: int
    size: int


class Page(NamedTuple):
    """A page as its header describes it.

    Attributes
    ----------
    size : int
        Bytes when it is unpacked.
    values : int
        How many values it holds, those that are missing among them.
    is_dictionary : bool
        Whether it holds what the values of other pages point to.
    points, repeats : bool
        Whether its values do so, or begin with what stands before them.
    """

    size: int
    values: int
    is_dictionary: bool
    points: bool
    repeats: bool


def read_chunks(file: Any, columns: int) -> list[list[Chunk]]:
    """Return the columns of each group of rows of an open file, of which each has so many.

    A column is each value in a struct or list of its own, in the order of the schema.
    Raises DamagedError if they can't be found.
    """
    whole = file.seek(0, 2)
    file.seek(max(0, whole - 8))
    length, magic = struct.unpack("<I4s", file.read(8))
    if magic != MAGIC or length > min(whole - 8, LONGEST_FOOTER):
        raise DamagedError("its footer is damaged")
    file.seek(whole - 8 - length)
    try:
        footer, _ = _struct(file.read(length), 0, 0)
        groups = [group[_COLUMNS] for group in footer[_GROUPS]]
        if {*map(len, groups)} - {columns}:
            raise IndexError
        return [[_chunk(column[_ABOUT]) for column in group] for group in groups]
    except _DAMAGED:
        raise DamagedError("its footer is damaged") from None


def _chunk(about: dict[int, Any]) -> Chunk:
    start, dictionary = about[_DATA_AT], about.get(_DICTIONARY_AT, 0)
    start = dictionary if 0 < dictionary < start else start
    found = Chunk(start, start + about[_PACKED], about[_VALUES], about[_UNPACKED])
    if not 0 <= found.start <= found.end or min(found) < 0:
        raise IndexError
    return found


def pages_of(data: Any, chunk: Chunk) -> Iterator[Page]:
    """Yield the pages of a column in a group of rows; DamagedError if a header is."""
    at, seen = chunk.start, 0
    while at < chunk.end and seen < chunk.values:
        try:
            header, at = _struct(data, at, 0)
            kind, size, packed = header[1], header[2], header[3]
            if min(size, packed) < 0:
                raise IndexError
            at += packed
            if kind not in _FIELDS:  # of an index
                continue
            field, number, encoding = _FIELDS[kind]
            values, encoded = header[field][number], header[field][encoding]
            if values < 0:
                raise IndexError
        except _DAMAGED:
            raise DamagedError("a page in it is damaged") from None
        is_dictionary = kind == _DICTIONARY
        seen += 0 if is_dictionary else values
        points = not is_dictionary and encoded in _POINTS
        yield Page(size, values, is_dictionary, points, encoded == _REPEATS)


def _struct(data: Any, at: int, depth: int) -> tuple[dict[int, Any], int]:
    """Return the fields of a struct by their numbers, and where it ends."""
    if depth > _DEEPEST:
        raise IndexError
    fields: dict[int, Any] = {}
    number = 0
    while byte := data[at]:
        at += 1
        if byte >> 4:
            number += byte >> 4
        else:
            number, at = _whole(data, at)
        kind = byte & 15
        if kind in _WHOLE:
            fields[number], at = _whole(data, at)
        elif kind in (_TRUE, _FALSE):
            fields[number] = kind == _TRUE
        else:
            fields[number], at = _value(data, at, kind, depth)
    return fields, at + 1


def _value(data: Any, at: int, kind: int, depth: int) -> tuple[Any, int]:
    """Return a value of a type, and where it ends; None for bytes and the like."""
    if kind == _BINARY:
        length, at = _varint(data, at)
        return None, at + length
    if kind == _STRUCT:
        return _struct(data, at, depth + 1)
    if kind in _WHOLE:
        return _whole(data, at)
    if kind in (_TRUE, _FALSE, _BYTE):
        return None, at + 1
    if kind == _DOUBLE:
        return None, at + 8
    if kind not in (_LIST, _SET) or depth > _DEEPEST:  # there is no map
        raise IndexError
    count, kind = data[at] >> 4, data[at] & 15
    at += 1
    if count == 15:
        count, at = _varint(data, at)
    if count > len(data) - at:
        raise IndexError
    values = []
    for _ in range(count):
        value, at = _value(data, at, kind, depth + 1)
        values.append(value)
    return values, at


def _varint(data: Any, at: int) -> tuple[int, int]:
    n = shift = 0
    while (byte := data[at]) & 0x80:
        n |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if shift > 63:
            raise IndexError
    return n | byte << shift, at + 1


def _whole(data: Any, at: int) -> tuple[int, int]:
    n, at = _varint(data, at)
    return (n >> 1) ^ -(n & 1), at
