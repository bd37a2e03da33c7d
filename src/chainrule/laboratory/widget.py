"""The lab as a widget in a notebook: anywidget's custom messages, to a desk and back."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import anywidget

from chainrule.laboratory import front
from chainrule.laboratory.desk import Desk, Send
from chainrule.laboratory.outbox import Outbox
from chainrule.network import Network


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

    def __init__(self, make_desk: Callable[[Send], Desk]) -> None:
        self._said = threading.Semaphore(0)
        self._outbox = Outbox(self._said.release)
        self._desk = make_desk(self._outbox.put)  # it may refuse, and then no widget is opened
        self._ended = False
        super().__init__()
        self.on_msg(self._receive)
        self._speaker = _thread_class()(target=self._speak, name="chainrule-lab", daemon=True)
        self._speaker.start()

    @property
    def network(self) -> Network:
        """A copy of the network as it is now."""
        return self._desk.network

    def close(self) -> None:
        """End the desk's work, and take the lab out of the notebook."""
        if not self._ended:
            self._ended = True
            self._desk.close()
            self._said.release()
            if threading.current_thread() is not self._speaker:
                self._speaker.join()
        super().close()

    def _receive(self, _: Any, message: Any, buffers: Sequence[Any]) -> None:
        """Hand a message of the page to the desk."""
        if not self._ended and isinstance(message, dict):
            self._desk.receive(message, [bytes(buffer) for buffer in buffers])

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
