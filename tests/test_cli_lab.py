"""``chainrule lab``, as a person runs it."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner
from websockets.sync.client import connect
from websockets.typing import Origin

from chainrule.cli.app import app
from chainrule.laboratory.wire import LARGEST_BUFFER, Message
from tests.laboratory import answer, ask
from tests.processes import run_python

MAIN = "from chainrule.cli import main; main()"
HELLO = {"do": "hello", "settings": None, "desk": None}


@contextlib.contextmanager
def running(*arguments: str, code: str = MAIN) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `chainrule lab` in a process of its own; give it, and the address that it tells."""
    command = [sys.executable, "-X", "utf8", "-u", "-c", code, "lab", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, encoding="utf-8") as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            told = r"The lab: (http://127\.0\.0\.1:\d+/\S{32}/) \(Ctrl-C ends it\)\n"
            found = re.fullmatch(told, line)
            assert found is not None, line
            yield process, found[1]
        finally:
            process.kill()


def greet(url: str) -> list[Message]:
    """Say hello as the page of an address does, and return the first three answers."""
    origin = Origin(url.rsplit("/", 2)[0])
    socket_url = url.replace("http", "ws", 1) + "socket"
    with connect(socket_url, origin=origin, proxy=None, max_size=None) as page:
        return [ask(page, HELLO)[0], answer(page)[0], answer(page)[0]]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_it_serves_until_ctrl_c() -> None:
    """Its page is there, and it ends in order; the next start has another token."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    tokens = set()
    for number, code in ((signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM)):
        with running("--no-browser") as (process, url):
            with opener.open(url, timeout=30) as page:
                assert b"<title>chainrule lab</title>" in page.read()
            process.send_signal(number)
            assert process.communicate(timeout=60) == ("", "")
            assert process.returncode == code
            tokens.add(url.split("/")[3])
    assert len(tokens) == 2


def test_a_file_is_opened(tmp_path: Path) -> None:
    """In each page."""
    file = tmp_path / "two.csv"
    rows = "".join(f"{i},{-i},{i % 2}\n" for i in range(40))
    file.write_text(f"left,right,kind\n{rows}", encoding="utf-8")
    with running(str(file), "--no-browser") as (_, url):
        for _ in range(2):
            setup, frame, opened = greet(url)
            assert [setup["kind"], frame["kind"], opened["kind"]] == ["setup", "frame", "setup"]
            assert opened["inputs"]["names"] == ["left", "right"]


def test_the_browser_is_opened() -> None:
    """At the address that is told."""
    code = f"import webbrowser; webbrowser.open = lambda url: print(url, flush=True); {MAIN}"
    with running(code=code) as (process, url):
        assert process.stdout is not None
        assert process.stdout.readline() == f"{url}\n"


def test_what_can_not_be_is_a_sentence(tmp_path: Path) -> None:
    """Exit code 2: a port in use, one that there can't be, a file that is none or too large."""
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(LARGEST_BUFFER + 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for arguments, says in (
            (["--port", port], f"the lab can't listen on port {port} of '127.0.0.1': "),
            (["--port", "70000"], "port must be in [0, 65535], got 70000"),
            ([str(tmp_path / "no.csv")], "no.csv: No such file or directory"),
            ([str(tmp_path)], str(tmp_path)),
            ([str(large)], "has more than the 32 MiB that the lab opens"),
        ):
            done = CliRunner().invoke(app, ["lab", *arguments])
            assert (done.exit_code, done.stdout) == (2, "")
            assert done.stderr.startswith("Error: ")
            assert done.stderr.count("\n") == 1
            assert says in done.stderr


def test_a_missing_extra_is_a_sentence() -> None:
    """With what to install."""
    done = run_python(f"import sys; sys.modules['starlette'] = None; {MAIN}", "lab")
    says = "Error: the lab needs an extra: pip install 'chainrule[lab]'\n"
    assert (done.returncode, done.stderr) == (1, says)
