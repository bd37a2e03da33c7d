"""A desk: one experiment, and the thread that owns it, which takes messages and sends them."""

from __future__ import annotations

import contextlib
import queue
import secrets
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule._inputs import Rows
from chainrule.laboratory.answers import Answers
from chainrule.laboratory.examples import Table, given_table
from chainrule.laboratory.frames import as_json
from chainrule.laboratory.pace import Pace
from chainrule.laboratory.settings import SettingError
from chainrule.laboratory.turns import Turns
from chainrule.network import Network

Message = dict[str, Any]
Send = Callable[[Message, list[bytes]], None]

# Messages that may wait; a person is slower.
MOST_WAITING = 200

# Of all desks of this process.
_turns = Turns()


class Desk:
    """One experiment, on which a page works by messages.

    Parameters
    ----------
    send : callable, optional
        ``send(message, buffers)``, called from the desk's own thread; see `attach`.
    network : Network, optional
        What learns, in place of the network of the settings; a copy of it does.
    X, y : array-like, optional
        Examples, in place of those of the settings.
    names : list of str, optional
        Names of the inputs.

    Raises
    ------
    ValueError, TypeError
        If network, X and y do not go together.
    """

    def __init__(
        self,
        send: Send | None = None,
        *,
        network: Network | None = None,
        X: Rows | None = None,
        y: npt.ArrayLike | None = None,
        names: list[str] | None = None,
    ) -> None:
        self.id = secrets.token_urlsafe(12)
        table: Table | None = None
        if X is not None or y is not None:
            if X is None or y is None:
                raise ValueError("X and y must be given together")
            table = given_table(network, X, y, names)
        elif network is not None and network.structure.n_inputs != 2:
            raise ValueError(
                f"X and y must be given for a network of {network.structure.n_inputs} inputs: the "
                f"lab's own data have 2"
            )
        self._send = send
        self._attached = threading.Lock()
        self._waiting: queue.Queue[tuple[Message, list[bytes]] | None] = queue.Queue(MOST_WAITING)
        self._file_waits = threading.Event()  # one at a time, since they are large
        self.pace = Pace()
        self.answers = Answers(self.id, self._say, self.pace, network, table)
        self._thread = threading.Thread(target=self._run, name="chainrule-lab", daemon=True)
        self._thread.start()

    @property
    def network(self) -> Network:
        """A copy of the network as it is now."""
        return self.answers.experiment.network.copy()

    def receive(self, message: Mapping[str, Any], buffers: list[bytes] | None = None) -> None:
        """Take a message; it is answered by the desk's own thread. Never blocks, never raises."""
        if message.get("do") == "seen":
            self.pace.seen(message.get("n"))
            return
        if buffers and self._file_waits.is_set():
            self._say(
                {"kind": "refused", "what": "file", "message": "another file is being opened"}
            )
            return
        if buffers:
            self._file_waits.set()
        self._put((dict(message), list(buffers or [])))

    def attach(self, send: Send) -> None:
        """Send to another page from now on, such as one that was opened again."""
        with self._attached:
            self._send = send
        self.pace.begin()

    def detach(self, send: Send | None = None) -> None:
        """Send nothing any more, unless another page than that of `send` is attached."""
        with self._attached:
            if send is None or self._send is send:
                self._send = None

    def close(self) -> None:
        """End the desk's thread. What is in its network is gone."""
        self.detach()
        self._put(None)

    def _put(self, taken: tuple[Message, list[bytes]] | None) -> None:
        """Let a message wait; of too many, the oldest gives way."""
        while True:
            try:
                self._waiting.put_nowait(taken)
                return
            except queue.Full:
                with contextlib.suppress(queue.Empty):
                    dropped = self._waiting.get_nowait()
                    if dropped is not None and dropped[1]:
                        self._file_waits.clear()

    def _say(self, message: Message, buffers: list[bytes] | None = None) -> None:
        with self._attached:
            send = self._send
        if send is None:
            return
        try:
            send(as_json(message), buffers or [])
        except Exception:
            self.detach(send)  # a page that is gone must not end the desk

    def _run(self) -> None:
        # Learning that goes astray is shown, not written in a terminal
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            while True:
                wait = self.answers.seconds_to_wait(time.monotonic())
                try:
                    taken = self._waiting.get(wait != 0, wait)  # None: until there is one
                except queue.Empty:
                    with _turns.turn():
                        self._guarded(lambda: self.answers.go_on(time.monotonic()))
                    continue
                if taken is None:
                    return
                message, buffers = taken
                self._guarded(partial(self.answers.take, message, buffers), message)
                if buffers:
                    self._file_waits.clear()

    def _guarded(self, act: Callable[[], None], message: Mapping[str, Any] | None = None) -> None:
        """Do something; what goes wrong is said to the person, and the desk goes on."""
        what = str((message or {}).get("do", ""))[:40]
        try:
            act()
        except SettingError as error:
            self._say({"kind": "refused", "what": error.what, "message": str(error)})
        except (ValueError, TypeError) as error:
            self._say({"kind": "refused", "what": what, "message": str(error)[:400]})
        except Exception as error:
            traceback.print_exc()
            self._say(
                {
                    "kind": "refused",
                    "what": what,
                    "message": f"something went wrong in the lab itself: {error!s:.200}",
                }
            )
