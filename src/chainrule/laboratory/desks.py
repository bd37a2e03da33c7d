"""The desks of a server: not too many, and each outlives its page's socket by some minutes.

All of this runs in the thread of the server's event loop; the desks have threads of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from chainrule.laboratory.wire import Message

Send = Callable[[Message, list[bytes]], None]

# Long enough for a reload, a laptop's lid or a crashed browser.
KEPT_SECONDS = 600.0
MOST_DESKS = 64


class DeskLike(Protocol):
    """What the server needs of a desk: none of these waits for the desk's own thread."""

    @property
    def id(self) -> str:
        """The name, hard to guess, by which its page comes back to it; a setup has it."""

    def receive(self, message: Message, buffers: list[bytes]) -> None:
        """Take a message from the page."""

    def attach(self, send: Send) -> None:
        """Say to `send` from now on."""

    def detach(self) -> None:
        """Say to nobody from now on."""

    def close(self) -> None:
        """End."""


class NoRoomError(RuntimeError):
    """Raised when all desks are taken; says so in a sentence for a person."""


@dataclass(eq=False)
class Seat:
    """A desk, the page that sits or sat at it, by a name that no other page knows, and whether."""

    desk: DeskLike
    page: object = None
    taken: bool = True
    expiry: asyncio.TimerHandle | None = None


class Desks:
    """The desks by their ids.

    Parameters
    ----------
    make_desk : callable
        Makes a desk, given what it says its messages to.
    most : int
        Desks at a time. For one more, that which has been without a page longest is closed.
    keep : float
        Seconds that a desk stays after its page has gone.
    first : sequence of (message, buffers)
        What each new desk receives after its page's first message, such as a file to open.
    """

    def __init__(
        self,
        make_desk: Callable[[Send], DeskLike],
        *,
        most: int = MOST_DESKS,
        keep: float = KEPT_SECONDS,
        first: Sequence[tuple[Message, list[bytes]]] = (),
    ) -> None:
        self._make_desk, self._most, self._keep, self._first = make_desk, most, keep, first
        self._seats: dict[str, Seat] = {}  # in the order in which their pages came or went

    def __len__(self) -> int:
        return len(self._seats)

    def sit(self, hello: Message, buffers: list[bytes], send: Send) -> Seat:
        """Return the desk that a page's first message names, or a new one, which receives it.

        A desk at which a page sits stays with that page: a tab that a browser duplicates knows its
        id as well. The page itself may come back before it is known that its connection broke.
        Raises NoRoomError if there are too many.
        """
        before, page = self._seats.get(str(hello.get("desk"))), hello.get("page")
        if before is None or (before.taken and (page is None or page != before.page)):
            return self._sit_at_a_new_one(hello, buffers, send)
        if before.expiry is not None:
            before.expiry.cancel()
        seat = self._seats[before.desk.id] = Seat(before.desk, page)
        self._move_to_end(seat)
        seat.desk.attach(send)
        seat.desk.receive(hello, buffers)
        return seat

    def _sit_at_a_new_one(self, hello: Message, buffers: list[bytes], send: Send) -> Seat:
        if len(self._seats) >= self._most:
            self._make_room()
        seat = Seat(self._make_desk(send), hello.get("page"))
        self._seats[seat.desk.id] = seat
        for message, its_buffers in ((hello, buffers), *self._first):
            seat.desk.receive(message, its_buffers)
        return seat

    def _make_room(self) -> None:
        for seat in self._seats.values():
            if not seat.taken:
                self._end(seat)
                return
        raise NoRoomError(
            f"{self._most} pages of the lab are open, as many as there can be; close one"
        )

    def leave(self, seat: Seat) -> None:
        """Note that a desk's page has gone."""
        if self._seats.get(seat.desk.id) is not seat:  # closed, or taken over by the same page
            return
        seat.taken = False
        seat.desk.detach()
        self._move_to_end(seat)
        seat.expiry = asyncio.get_running_loop().call_later(self._keep, self._end, seat)

    def _move_to_end(self, seat: Seat) -> None:
        self._seats[seat.desk.id] = self._seats.pop(seat.desk.id)

    def _end(self, seat: Seat) -> None:
        del self._seats[seat.desk.id]
        if seat.expiry is not None:
            seat.expiry.cancel()
        seat.desk.close()

    def close(self) -> None:
        """Close all desks."""
        for seat in [*self._seats.values()]:
            self._end(seat)
