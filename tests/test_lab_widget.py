"""The lab in a notebook: its widget, with a comm as a notebook has it, and in a real kernel."""

from __future__ import annotations

import asyncio
import queue
import sys
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any, cast

import comm
import ipywidgets
import numpy as np
import pytest

import chainrule
from chainrule.laboratory import front
from chainrule.laboratory.desk import Desk
from chainrule.laboratory.widget import LabWidget
from tests.laboratory import EchoDesk
from tests.processes import run_python


class FakeComm(comm.base_comm.BaseComm):
    """A comm that keeps what is sent, and the threads that sent it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.sent: queue.Queue[tuple[str, dict[str, Any], list[bytes]]] = queue.Queue()
        self.threads: set[threading.Thread] = set()
        super().__init__(*args, **kwargs)

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **_: Any
    ) -> None:
        self.threads.add(threading.current_thread())
        self.sent.put((msg_type, data, buffers))


@pytest.fixture(autouse=True)
def fake_comms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each widget a comm of these."""
    monkeypatch.setattr(comm, "create_comm", FakeComm)


@pytest.fixture
def echo() -> Iterator[LabWidget]:
    """A lab whose desk echoes."""
    widget = LabWidget(lambda send: cast(Desk, EchoDesk(send)))
    yield widget
    widget.close()


def ask(widget: LabWidget, message: object, *buffers: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Send a message as a notebook does, and return the answer."""
    tell(widget, message, *buffers)
    return answer(widget.comm)


def tell(widget: LabWidget, message: object, *buffers: bytes) -> None:
    data = {"method": "custom", "content": message}
    views = [memoryview(buffer) for buffer in buffers]
    widget.comm.handle_msg({"content": {"data": data}, "buffers": views})


def answer(comm: FakeComm) -> tuple[dict[str, Any], list[bytes]]:
    """Return the next custom message and its buffers."""
    while True:
        kind, data, buffers = comm.sent.get(timeout=30)
        if kind == "comm_msg" and data["method"] == "custom":
            return data["content"], buffers


def test_a_notebook_gets_the_module_and_the_style(echo: LabWidget) -> None:
    """The same as the page's, so that the widget draws itself with no network."""
    _, opened, _ = echo.comm.sent.get(timeout=30)
    assert opened["state"]["_esm"] == front.module()
    assert opened["state"]["_css"] == front.style()
    assert "export default" in opened["state"]["_esm"]


def test_messages_go_to_the_desk_and_back(echo: LabWidget) -> None:
    """With their buffers, as bytes."""
    assert ask(echo, {"do": "hello"})[0]["kind"] == "setup"
    said, buffers = ask(echo, {"do": "open", "name": "a.csv"}, b"a\n1\n")
    assert said == {"kind": "note", "message": {"do": "open", "name": "a.csv"}}
    assert buffers == [b"a\n1\n"]


@pytest.mark.parametrize("message", [None, 3, "play", ["do"]])
def test_what_is_no_message_is_passed_over(echo: LabWidget, message: object) -> None:
    """The desk never sees it."""
    tell(echo, message)
    assert ask(echo, {"do": "play"})[0]["message"] == {"do": "play"}


def test_all_is_sent_by_one_thread_in_order(echo: LabWidget) -> None:
    """Whichever threads the desk speaks in, the comm never sends two messages at a time."""
    opening, echo.comm.threads = echo.comm.threads, set()
    assert opening == {threading.current_thread()}
    desk = cast(EchoDesk, echo._desk)

    def speak() -> None:
        for _ in range(50):
            desk.say({"kind": "note"}, [b""])

    threads = [threading.Thread(target=speak) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(200):
        answer(echo.comm)
    (sender,) = echo.comm.threads
    assert sender not in [threading.current_thread(), *threads, desk._thread]


def test_closing_ends_the_desk(echo: LabWidget) -> None:
    """And what it says afterwards goes nowhere; to close again does nothing."""
    desk, comm = cast(EchoDesk, echo._desk), echo.comm
    echo.close()
    assert desk.ended.is_set()
    assert echo.comm is None
    while not comm.sent.empty():
        comm.sent.get()
    desk.say({"kind": "note"}, [])
    echo.close()
    assert comm.sent.empty()


def test_a_lab_that_nobody_looks_at_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """After some minutes of the kernel's loop in which no view said that it is there."""
    monkeypatch.setattr("chainrule.laboratory.widget.MINUTE", 0.0)

    async def received(minutes: int, here: int) -> list[dict[str, Any]]:
        widget = LabWidget(lambda send: cast(Desk, EchoDesk(send)))
        desk = cast(EchoDesk, widget._desk)
        for minute in range(minutes):
            clock = widget._clock
            if minute == here:
                tell(widget, {"do": "here"})
            while widget._clock is clock:
                await asyncio.sleep(0)
        widget.close()
        desk._thread.join(30)
        return desk.received

    assert asyncio.run(received(9, here=-1)) == []
    assert asyncio.run(received(12, here=-1)) == [{"do": "pause"}]
    assert asyncio.run(received(12, here=5)) == []


def test_marimo_hears_its_own_threads_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """So in a notebook of marimo's one of these sends."""

    class Thread(threading.Thread):
        pass

    marimo = ModuleType("marimo")
    vars(marimo).update(Thread=Thread, running_in_notebook=lambda: True)
    monkeypatch.setitem(sys.modules, "marimo", marimo)
    widget = LabWidget(lambda send: cast(Desk, EchoDesk(send)))
    widget.comm.threads.clear()
    ask(widget, {"do": "hello"})
    assert {type(thread) for thread in widget.comm.threads} == {Thread}
    widget.close()


def test_the_lab_begins_with_the_moons() -> None:
    """Without arguments."""
    lab = chainrule.lab()
    setup, _ = ask(lab, {"do": "hello", "settings": None, "desk": None})
    assert setup["settings"]["data"] == "moons"
    lab.close()


def test_a_network_and_examples_are_those_of_the_lab() -> None:
    """Its own weights, the names of its inputs; and a copy of it learns."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = (X.sum(axis=1) > 0).astype(int)
    network = chainrule.Network([3, 5, 1], random_state=1)
    before = network.copy()
    lab = chainrule.lab(network, X, y, names=["a", "b", "c"])
    setup, _ = ask(lab, {"do": "hello", "settings": None, "desk": None})
    assert setup["inputs"]["names"] == ["a", "b", "c"]
    assert answer(lab.comm)[0]["kind"] == "frame"
    np.testing.assert_array_equal(lab.network.parameters["W1"], before.parameters["W1"])
    ask(lab, {"do": "epoch"})
    assert not np.array_equal(lab.network.parameters["W1"], before.parameters["W1"])
    np.testing.assert_array_equal(network.parameters["W1"], before.parameters["W1"])
    lab.close()


def test_bad_arguments_are_refused_at_once() -> None:
    """In the cell that has them, and no widget is left over."""
    before = set(ipywidgets.widgets.widget._instances)
    with pytest.raises(ValueError, match="X and y must be given together"):
        chainrule.lab(X=[[0.0, 1.0]])
    assert set(ipywidgets.widgets.widget._instances) == before


def test_a_missing_extra_is_a_sentence() -> None:
    """With what to install; the name is there all the same."""
    done = run_python(
        "import sys; sys.modules['anywidget'] = None\n"
        "import chainrule\n"
        "try: chainrule.lab()\n"
        "except ImportError as error: print(error)"
    )
    assert done.stdout == "the lab in a notebook needs an extra: pip install 'chainrule[lab]'\n"


def test_in_a_real_kernel() -> None:
    """The comm opens with the module; a hello is answered; frames come while the network learns."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")
    try:
        client.execute("import chainrule; lab = chainrule.lab(); assert lab._clock")
        while "_esm" not in (opened := next_message(client, "comm_open"))["data"]["state"]:
            pass  # the widget's layout has a comm of its own

        def say(message: dict[str, Any]) -> None:
            data = {"method": "custom", "content": message}
            content = {"comm_id": opened["comm_id"], "data": data}
            client.shell_channel.send(client.session.msg("comm_msg", content))

        say({"do": "hello", "settings": None, "desk": None})
        assert next_custom(client, "setup")["settings"]["data"] == "moons"
        say({"do": "play"})
        steps = []
        for _ in range(5):
            frame = next_custom(client, "frame")
            steps.append(frame["step"])
            say({"do": "seen", "n": frame["n"]})
        assert steps == sorted(steps)
        assert steps[-1] > 0
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def next_message(client: Any, kind: str) -> dict[str, Any]:
    """Return the content of the next message of a kind that a kernel publishes."""
    while True:
        message = client.get_iopub_msg(timeout=60)
        assert message["msg_type"] != "error", message["content"]["traceback"]
        if message["msg_type"] == kind:
            content: dict[str, Any] = message["content"]
            return content


def next_custom(client: Any, kind: str) -> dict[str, Any]:
    """Return the next message of the lab of a kind."""
    while True:
        data = next_message(client, "comm_msg")["data"]
        if data.get("method") == "custom" and data["content"]["kind"] == kind:
            message: dict[str, Any] = data["content"]
            return message
