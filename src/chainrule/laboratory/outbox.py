"""What a desk has said and a page has not yet been sent: a line that can't grow without end."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from chainrule.laboratory.wire import Message

Sent = tuple[Message, list[bytes]]

# A desk waits after two frames for the page to have drawn one. More than that come only from one
# that doesn't wait; then the newest replaces the one before it.
MOST_FRAMES = 2

# Answers to a page that asks and asks, and reads none of them.
MOST_MESSAGES = 1000
MOST_BYTES = 64 * 2**20


class Outbox:
    """Messages in the order in which a page is to have them; `wake` is called for each.

    Any thread may put and take. It is `full` for good once a page has left too much of it unread;
    then it holds nothing, and the page has to connect again, to be told how things stand.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self.full = False
        self._wake = wake
        self._line: deque[Sent] = deque()
        self._bytes = 0
        self._lock = threading.Lock()

    def put(self, message: Message, buffers: list[bytes]) -> None:
        """Let a message wait."""
        with self._lock:
            if self.full:
                return
            if message.get("kind") == "frame":
                message = self._with_older(message)
            elif message.get("kind") == "panel" and message.get("live"):
                self._drop(self._places(kind="panel", live=True))
            self._line.append((message, buffers))
            self._bytes += _size(buffers)
            if len(self._line) > MOST_MESSAGES or self._bytes > MOST_BYTES:
                self._line.clear()
                self.full = True
        self._wake()

    def take(self) -> Sent | None:
        """Return the message that waits longest, or None if none does."""
        with self._lock:
            if not self._line:
                return None
            message, buffers = self._line.popleft()
            self._bytes -= _size(buffers)
            return message, buffers

    def _with_older(self, frame: Message) -> Message:
        """Make room for a frame, which takes over the curve of the one it replaces."""
        places = self._places(kind="frame")
        if len(places) < MOST_FRAMES:
            return frame
        older = self._line[places[-1]][0]
        begins = any(place > places[-1] for place in self._places(kind="setup"))
        self._drop(places[-1:])
        if "curve_from" in frame or begins:
            return frame
        merged = {**frame, "curve": [*older.get("curve", ()), *frame.get("curve", ())]}
        return merged | ({"curve_from": older["curve_from"]} if "curve_from" in older else {})

    def _places(self, **entries: object) -> list[int]:
        return [
            i
            for i, (message, _) in enumerate(self._line)
            if all(message.get(name) == value for name, value in entries.items())
        ]

    def _drop(self, places: list[int]) -> None:
        for i in reversed(places):
            self._bytes -= _size(self._line[i][1])
            del self._line[i]


def _size(buffers: list[bytes]) -> int:
    return sum(len(buffer) for buffer in buffers)
