"""The lab as a widget in a notebook: anywidget's custom messages, to a desk and back."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import anywidget

from chainrule.laboratory import front
from chainrule.laboratory.desk import Desk, Send
from chainrule.laboratory.outbox import Outbox
from chainrule.network import Network

# As long as a server keeps a desk without a page. A view says that it is there each minute.
MINUTE, MOST_QUIET = 60.0, 10


class LabWidget(anywidget.AnyWidget):
    """The lab of a notebook's cell.

    Parameters
    ----------
    make_desk : callable
        Makes the desk, given what it says its messages to.
    """

    _esm = front.module()
    _css = front.style()

    _ended = True  # until there is a desk
    _quiet = 0  # minutes in which no view was heard
    _clock: asyncio.TimerHandle | None = None

    def __init__(self, make_desk: Callable[[Send], Desk]) -> None:
        self._said = threading.Semaphore(0)
        self._outbox = Outbox(self._said.release)
        self._desk = make_desk(self._outbox.put)  # it may refuse, and then no widget is opened
        self._ended = False
        super().__init__()
        self.on_msg(self._receive)
        self._speaker = _thread_class()(target=self._speak, name="chainrule-lab", daemon=True)
        self._speaker.start()
        self._wait_a_minute()

    @property
    def network(self) -> Network:
        """A copy of the network as it is now."""
        return self._desk.network

    def close(self) -> None:
        """End the desk's work, and take the lab out of the notebook."""
        if not self._ended:
            self._ended = True
            if self._clock is not None:
                self._clock.cancel()
            self._desk.close()
            self._said.release()
            if threading.current_thread() is not self._speaker:
                self._speaker.join()
        super().close()

    def _receive(self, _: Any, message: Any, buffers: Sequence[Any]) -> None:
        """Hand a message of the page to the desk."""
        if self._ended or not isinstance(message, dict):
            return
        self._quiet = 0
        if message.get("do") != "here":
            self._desk.receive(message, [bytes(buffer) for buffer in buffers])

    def _wait_a_minute(self) -> None:
        """Begin a minute, in the loop of the kernel: while a cell runs, none ends.

        Then no message is heard either, and a view that is there would seem to be gone.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no notebook
            return
        self._clock = loop.call_later(MINUTE, self._end_a_minute)

    def _end_a_minute(self) -> None:
        """Pause where nobody has looked for long, such as when the browser was closed."""
        self._quiet += 1
        if self._quiet == MOST_QUIET:
            self._desk.receive({"do": "pause"}, [])
        self._wait_a_minute()

    def _speak(self) -> None:
        """Send what the desk says, in a thread that does nothing else.

        ipykernel sends from any thread; but the desk's own would wait for it, and in marimo only
        a thread of marimo's is heard.
        """
        while not self._ended:
            self._said.acquire()
            sent = self._outbox.take()
            if sent is not None and not self._ended:
                self.send(*sent)


def _thread_class() -> type[threading.Thread]:
    marimo = sys.modules.get("marimo")
    if marimo is not None and marimo.running_in_notebook():
        thread: type[threading.Thread] = marimo.Thread
        return thread
    return threading.Thread
