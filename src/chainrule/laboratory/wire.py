"""One message of the lab, JSON with binary buffers beside it, as one binary message of a WebSocket.

It is the length n of the JSON as four bytes, little end first; n bytes of JSON in UTF-8, which
spaces fill up so that the buffers begin at a multiple of four; and each buffer, filled up likewise.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from typing import Any

from chainrule import _json

Message = dict[str, Any]

# What a page may send: a file in one buffer, and a message whose longest part is drawn points.
LARGEST_BUFFER = 32 * 2**20
LARGEST_JSON = 2**20
LARGEST = LARGEST_BUFFER + LARGEST_JSON

_DEEPEST = 16
_MOST_BUFFERS = 16


class WireError(ValueError):
    """Raised for bytes that are no message; says why in a sentence for a person."""


def pack(message: Message, buffers: Iterable[bytes] = ()) -> bytes:
    """Return a message and its buffers as bytes."""
    buffers = list(buffers)
    whole = {"message": message, "buffers": [len(buffer) for buffer in buffers]}
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    head = text.encode()
    head += b" " * (-len(head) % 4)
    parts = [struct.pack("<I", len(head)), head]
    for buffer in buffers:
        parts += (buffer, bytes(-len(buffer) % 4))
    return b"".join(parts)


def unpack(data: bytes) -> tuple[Message, list[bytes]]:
    """Return the message and the buffers in bytes that nobody vouches for.

    Raises WireError if they are not what `pack` makes, or larger than a page may send.
    """
    if len(data) < 4:
        raise WireError(f"a message has at least 4 bytes, got {len(data)}")
    (length,) = struct.unpack_from("<I", data)
    if length > LARGEST_JSON:
        raise WireError(f"the JSON of a message has at most {LARGEST_JSON} bytes, got {length}")
    if length % 4 or 4 + length > len(data):
        raise WireError(
            f"the JSON of a message must fill a multiple of 4 of its {len(data) - 4} bytes, "
            f"got {length}"
        )
    try:
        message, lengths = _json.fields(
            "a message", _json.parse(data[4 : 4 + length]), ("message", "buffers")
        )
    except (ValueError, TypeError) as error:
        raise WireError(f"a message can't be read: {error}") from None
    if not isinstance(message, dict) or not isinstance(message.get("do"), str):
        raise WireError(f"a message must say what to do, got {message!r:.60}")
    if _is_deeper_than(message, _DEEPEST):
        raise WireError(f"a message is at most {_DEEPEST} objects and lists deep")
    return message, _cut(data, 4 + length, _lengths(lengths))


def _lengths(lengths: Any) -> list[int]:
    if not isinstance(lengths, list) or len(lengths) > _MOST_BUFFERS:
        raise WireError(f"a message has at most {_MOST_BUFFERS} buffers, got {lengths!r:.60}")
    for n in lengths:
        if type(n) is not int or n < 0:
            raise WireError(f"the length of a buffer must be a whole number, got {n!r:.60}")
        if n > LARGEST_BUFFER:
            raise WireError(
                f"a file may have at most {LARGEST_BUFFER / 2**20:.0f} MiB, got {n / 2**20:.1f}"
            )
    return lengths


def _cut(data: bytes, start: int, lengths: list[int]) -> list[bytes]:
    """Return the parts of `data` that buffers of these lengths are, which must use it up."""
    end = start + sum(n + -n % 4 for n in lengths)
    if end != len(data):
        raise WireError(f"a message of these buffers has {end} bytes, got {len(data)}")
    buffers = []
    for n in lengths:
        buffers.append(data[start : start + n])
        start += n + -n % 4
    return buffers


def _is_deeper_than(value: Any, most: int) -> bool:
    level = [value]
    for _ in range(most):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return False
    return True


def _inside(value: Any) -> Iterable[Any]:
    values = value.values() if isinstance(value, dict) else value
    return [v for v in values if isinstance(v, dict | list)]
