"""Messages of the lab as bytes, and the line in which they wait."""

from __future__ import annotations

import contextlib
import json
import re
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.laboratory.outbox import MOST_BYTES, MOST_MESSAGES, Outbox
from chainrule.laboratory.wire import LARGEST_BUFFER, LARGEST_JSON, WireError, pack, unpack
from tests.laboratory import unpack_any

LEAVES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
VALUES = st.recursive(LEAVES, lambda v: st.lists(v) | st.dictionaries(st.text(), v), max_leaves=8)


def raw(text: str | bytes, *buffers: bytes) -> bytes:
    """Put a JSON text, whatever it says, and buffers together as a message is."""
    head = text.encode() if isinstance(text, str) else text
    head += b" " * (-len(head) % 4)
    return struct.pack("<I", len(head)) + head + b"".join(b + bytes(-len(b) % 4) for b in buffers)


@given(st.dictionaries(st.text(), VALUES, max_size=4), st.lists(st.binary(max_size=9), max_size=4))
def test_a_message_comes_out_as_it_went_in(rest: dict[str, Any], buffers: list[bytes]) -> None:
    """With its buffers, which begin at multiples of four whatever their lengths."""
    message = {**rest, "do": "set"}
    packed = pack(message, buffers)
    assert unpack(packed) == unpack_any(packed) == (message, buffers)
    assert len(packed) % 4 == 0


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    """Nothing but WireError comes of them."""
    with contextlib.suppress(WireError):
        unpack(data)


@given(st.data())
def test_damaged_messages_are_read_or_refused(data: st.DataObject) -> None:
    """A byte changed, or an end cut off."""
    packed = bytearray(pack({"do": "open", "name": "a.csv", "n": [1, 2.5]}, [b"abcde", b""]))
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(packed)))
    with contextlib.suppress(WireError):
        unpack(bytes(packed[:end]))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "at least 4 bytes, got 0"),
        (struct.pack("<I", 8) + b"{}", "must fill a multiple of 4"),
        (struct.pack("<I", 2) + b"{}  ", "must fill a multiple of 4"),
        (struct.pack("<I", LARGEST_JSON + 4), f"at most {LARGEST_JSON} bytes"),
        (raw("{"), "can't be read"),
        (raw(b'{"message": {"do": "\xff"}, "buffers": []}'), "can't be read"),
        (raw("[]"), "must be an object with message, buffers"),
        (raw('{"message": {"do": "play"}}'), "must have an entry 'buffers'"),
        (raw('{"message": 3, "buffers": []}'), "must say what to do, got 3"),
        (raw('{"message": {"do": 3}, "buffers": []}'), "must say what to do"),
        (raw('{"message": {"do": "set", "l1": NaN}, "buffers": []}'), "NaN is not finite"),
        (raw('{"message": {"do": "set", "n": 1e999}, "buffers": []}'), "not finite"),
        (raw('{"message": {"do": "set", "do": "set"}, "buffers": []}'), "is there twice"),
        (raw('{"message": {"do": "set"}, "buffers": 7}'), "at most 16 buffers"),
        (raw('{"message": {"do": "set"}, "buffers": [0, 1, -1]}'), "whole number, got -1"),
        (raw('{"message": {"do": "set"}, "buffers": [true]}', b"a"), "whole number, got True"),
        (raw('{"message": {"do": "set"}, "buffers": [4]}'), "bytes, got"),
        (raw('{"message": {"do": "set"}, "buffers": []}', b"abcd"), "bytes, got"),
        (
            raw(f'{{"message": {{"do": "open"}}, "buffers": [{LARGEST_BUFFER + 1}]}}'),
            "at most 32 MiB, got 32.0",
        ),
    ],
)
def test_what_is_wrong_is_said(data: bytes, says: str) -> None:
    """Each in a sentence that names it."""
    with pytest.raises(WireError, match=re.escape(says)) as refused:
        unpack(data)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("depth", [15, 900, 200_000])
def test_a_message_is_not_deep(depth: int) -> None:
    """A bomb of brackets, whether Python's parser bears it or not."""
    nested = "[" * depth + "]" * depth
    with pytest.raises(WireError, match=r"deep") as refused:
        unpack(raw(f'{{"message": {{"do": "set", "x": [{nested}]}}, "buffers": []}}'))
    assert len(str(refused.value)) < 200


def test_what_json_has_not_is_not_sent() -> None:
    """A NaN would be read by no page."""
    with pytest.raises(ValueError, match="JSON"):
        pack({"kind": "frame", "loss": float("nan")})
    assert json.loads(pack({"kind": "frame", "loss": None})[4:])["message"]["loss"] is None


def frame(n: int, **more: Any) -> dict[str, Any]:
    return {"kind": "frame", "n": n, "curve": [[n, 0.5, None, 0.9, None]], **more}


def outbox(*messages: dict[str, Any]) -> Outbox:
    box = Outbox(lambda: None)
    for message in messages:
        box.put(message, [b""])
    return box


def taken(box: Outbox) -> list[dict[str, Any]]:
    found = []
    while (sent := box.take()) is not None:
        found.append(sent[0])
    return found


def test_messages_wait_in_their_order() -> None:
    """And each is told of."""
    woken: list[int] = []
    box = Outbox(lambda: woken.append(1))
    messages = [{"kind": "setup"}, frame(1), frame(2), {"kind": "refused"}, {"kind": "note"}]
    for message in messages:
        box.put(message, [b"x"])
    assert len(woken) == 5
    assert taken(box) == messages


def test_the_newest_frame_replaces_an_older_one_and_keeps_its_curve() -> None:
    """However many come, two wait; and no point of the curve is lost."""
    box = outbox(frame(1, curve_from=0), {"kind": "note"}, *(frame(n) for n in range(2, 100)))
    first, note, last = taken(box)
    assert (first["n"], note["kind"], last["n"]) == (1, "note", 99)
    assert [row[0] for row in first["curve"] + last["curve"]] == list(range(1, 100))
    assert "curve_from" not in last


def test_a_replaced_frame_that_begins_the_curve_anew_hands_that_on() -> None:
    """A reset is not overlooked."""
    box = outbox(frame(1), frame(2, curve_from=0), frame(3))
    assert [f.get("curve_from") for f in taken(box)] == [None, 0]


def test_a_curve_that_begins_anew_takes_nothing_over() -> None:
    """Neither after a reset, nor after a setup."""
    for messages in ([frame(3, curve_from=0)], [{"kind": "setup"}, frame(3)]):
        last = taken(outbox(frame(1), frame(2), *messages))[-1]
        assert [row[0] for row in last["curve"]] == [3]


def test_a_live_panel_replaces_the_one_before() -> None:
    """One that a person asked for stays."""
    asked, live = {"kind": "panel", "title": "asked"}, {"kind": "panel", "live": True}
    box = outbox(asked, {**live, "title": "1"}, frame(1), {**live, "title": "2"})
    assert [m.get("title", m["kind"]) for m in taken(box)] == ["asked", "frame", "2"]


def test_what_is_left_unread_has_a_bound() -> None:
    """By the number of messages, and by their bytes; then nothing waits any more."""
    many = outbox(*({"kind": "note", "n": n} for n in range(MOST_MESSAGES)))
    assert not many.full
    many.put({"kind": "note"}, [])
    assert many.full
    assert many.take() is None
    large = Outbox(lambda: None)
    while not large.full:
        large.put({"kind": "file"}, [bytes(MOST_BYTES // 4)])
    assert large.take() is None


def test_what_was_read_leaves_room() -> None:
    """The bound is of what waits, not of what went by."""
    box = Outbox(lambda: None)
    for _ in range(3 * MOST_MESSAGES):
        box.put({"kind": "file"}, [bytes(MOST_BYTES // MOST_MESSAGES)])
        box.take()
    for _ in range(10 * MOST_MESSAGES):
        box.put(frame(1), [bytes(MOST_BYTES // MOST_MESSAGES)])
    assert not box.full
