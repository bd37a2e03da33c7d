"""A lab's server and its pages, for tests: a desk that echoes, a server in a thread, a client."""

from __future__ import annotations

import contextlib
import itertools
import json
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

from websockets.sync.client import ClientConnection, connect

from chainrule.laboratory.desks import DeskLike, Desks, Send
from chainrule.laboratory.server import Lab
from chainrule.laboratory.wire import Message, pack

NUMBERS = itertools.count()


class EchoDesk:
    """Answers hello with a setup, and all else with a note of what came; in a thread of its own."""

    def __init__(self, send: Send | None) -> None:
        self.id = f"desk-{next(NUMBERS)}"
        self.send = send
        self.received: list[Message] = []
        self.left, self.ended = threading.Event(), threading.Event()
        self._waiting: queue.SimpleQueue[tuple[Message, list[bytes]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def receive(self, message: Message, buffers: list[bytes]) -> None:
        self._waiting.put((message, buffers))

    def attach(self, send: Send) -> None:
        self.left.clear()
        self.send = send

    def detach(self) -> None:
        self.send = None
        self.left.set()

    def close(self) -> None:
        self._waiting.put(None)
        self.ended.set()

    def say(self, message: Message, buffers: list[bytes]) -> None:
        if self.send is not None:
            self.send(message, buffers)

    def _run(self) -> None:
        while (taken := self._waiting.get()) is not None:
            message, buffers = taken
            self.received.append(message)
            if message["do"] == "hello":
                self.say({"kind": "setup", "desk": self.id}, [])
            else:
                self.say({"kind": "note", "message": message}, buffers)


class Served:
    """A lab's server that runs, with the desks that it made."""

    def __init__(self, make_desk: Callable[[Send], Any], **options: Any) -> None:
        self.made: list[Any] = []

        def make(send: Send) -> DeskLike:
            self.made.append(make_desk(send))
            desk: DeskLike = self.made[-1]
            return desk

        self.desks = Desks(make, **options)
        self.lab = Lab(self.desks)

    @property
    def origin(self) -> str:
        return self.lab.local_url.removesuffix(f"/{self.lab.token}/")

    @property
    def socket_url(self) -> str:
        return self.lab.local_url.replace("http", "ws", 1) + "socket"

    def connect(self, url: str | None = None, **options: Any) -> ClientConnection:
        """Open a socket as the lab's page does."""
        usual = {"origin": self.origin, "max_size": None, "compression": None, "proxy": None}
        return connect(url or self.socket_url, **(usual | options))


@contextlib.contextmanager
def serving(make_desk: Callable[[Send], Any] = EchoDesk, **options: Any) -> Iterator[Served]:
    """Serve a lab in a thread, and see to it that it ends."""
    served = Served(make_desk, **options)
    thread = threading.Thread(target=served.lab.run)
    thread.start()
    try:
        yield served
    finally:
        served.lab.stop()
        thread.join(30)
        assert not thread.is_alive()


def ask(socket: ClientConnection, message: Message, *buffers: bytes) -> tuple[Message, list[bytes]]:
    """Send a message, and return the answer."""
    socket.send(pack(message, buffers))
    return answer(socket)


def answer(socket: ClientConnection) -> tuple[Message, list[bytes]]:
    """Return the next message of the server."""
    data = socket.recv(timeout=30)
    assert isinstance(data, bytes)
    return unpack_any(data)


def unpack_any(data: bytes) -> tuple[Message, list[bytes]]:
    """Return a message and its buffers, by the description of the format rather than its code."""
    length = int.from_bytes(data[:4], "little")
    assert length % 4 == 0
    whole = json.loads(data[4 : 4 + length])
    buffers, start = [], 4 + length
    for n in whole["buffers"]:
        buffers.append(data[start : start + n])
        start = (start + n + 3) // 4 * 4
    assert start == len(data)
    return whole["message"], buffers
