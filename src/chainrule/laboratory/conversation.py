"""What goes on over one socket: a page's messages to its desk, and the desk's to the page."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from chainrule.laboratory.desks import Desks, NoRoomError, Seat
from chainrule.laboratory.outbox import Outbox
from chainrule.laboratory.wire import WireError, pack, unpack

# RFC 6455, 7.4.1: of the reasons to close, that which stands for all without a number of their own.
POLICY = 1008


class Conversation:
    """A socket between its page and a desk, from the handshake to the end."""

    def __init__(self, socket: WebSocket, desks: Desks) -> None:
        self._socket, self._desks = socket, desks
        self._loop = asyncio.get_running_loop()
        self._said, self._unread = asyncio.Event(), asyncio.Event()
        self._outbox = Outbox(self._wake)
        self._seat: Seat | None = None

    async def run(self) -> None:
        """Talk until the page goes, or reads too slowly; its desk stays for a while."""
        await self._socket.accept()
        parts = (self._read(), self._write(), self._unread.wait())
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            if self._seat is not None:
                self._desks.leave(self._seat)
        for end in ends:
            if isinstance(end, Exception) and not isinstance(end, WebSocketDisconnect):
                raise end
        if self._unread.is_set() and self._socket.application_state is WebSocketState.CONNECTED:
            with contextlib.suppress(TimeoutError, WebSocketDisconnect):  # it may read nothing more
                async with asyncio.timeout(1):
                    await self._socket.close(POLICY, "the page left too much unread")

    async def _read(self) -> None:
        """Hand each message to the desk, which never keeps anyone waiting."""
        while True:
            event = await self._socket.receive()
            if event["type"] == "websocket.disconnect":
                return
            try:
                message, buffers = unpack(event.get("bytes") or b"")
            except WireError as error:
                self._refuse("message", str(error))
                continue
            if self._seat is not None:
                self._seat.desk.receive(message, buffers)
            elif message["do"] != "hello":
                self._refuse(message["do"][:40], "the first message must be hello")
            else:
                try:
                    self._seat = self._desks.sit(message, buffers, self._outbox.put)
                except NoRoomError as error:
                    self._refuse("hello", str(error))

    def _refuse(self, what: str, why: str) -> None:
        self._outbox.put({"kind": "refused", "what": what, "message": why}, [])

    async def _write(self) -> None:
        """Send what the desk says, as fast as the page reads."""
        while True:
            await self._said.wait()
            self._said.clear()
            while (sent := self._outbox.take()) is not None:
                await self._socket.send_bytes(pack(*sent))

    def _wake(self) -> None:
        """Note, in any thread, that something was said."""
        try:
            self._loop.call_soon_threadsafe(self._note)
        except RuntimeError:  # the server has ended, and a desk has a last word
            if not self._loop.is_closed():
                raise

    def _note(self) -> None:
        (self._unread if self._outbox.full else self._said).set()
