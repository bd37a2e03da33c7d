"""The page's side of a socket, in a browser: its bytes are those of the server."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from chainrule.laboratory.wire import pack, unpack
from tests.laboratory import Served, unpack_any

if TYPE_CHECKING:
    from playwright.sync_api import Page

SOURCE = (files("chainrule.laboratory") / "front" / "socket.js").read_text(encoding="utf-8")
HERE = f"({{given}}) => {{ {re.sub(r'^export ', '', SOURCE, flags=re.M)};"


@pytest.mark.parametrize("buffers", [[], [b"a,b\n1,2\n"], [b"", b"abcde", bytes(range(256))]])
def test_the_page_and_the_server_agree_about_bytes(
    browser_page: Page, buffers: list[bytes]
) -> None:
    """What one packs the other unpacks, and the bytes are the same."""
    message = {"do": "open", "name": "Größe π.csv", "n": 3}
    given = [message, [list(buffer) for buffer in buffers]]
    packed = browser_page.evaluate(
        HERE.replace("{given}", "[message, buffers]")
        + "return [...packMessage(message, buffers.map((b) => new Uint8Array(b)))]; }",
        given,
    )
    assert unpack(bytes(packed)) == (message, buffers)
    back = browser_page.evaluate(
        HERE.replace("{given}", "packed")
        + """const { message, buffers } = unpackMessage(new Uint8Array(packed).buffer);
             return [message, buffers.map((b) =>
               [...new Uint8Array(b.buffer, b.byteOffset, b.byteLength)])]; }""",
        list(pack(message, buffers)),
    )
    assert back == given


def test_the_page_may_reach_its_socket(browser_page: Page, lab_server: Served) -> None:
    """Its own policy and the checks of the server let a browser through."""
    browser_page.goto(lab_server.lab.local_url)
    said = browser_page.evaluate(
        """packed => new Promise((done, failed) => {
          const socket = new WebSocket(new URL("socket", location).href.replace("http", "ws"));
          socket.binaryType = "arraybuffer";
          socket.onopen = () => socket.send(new Uint8Array(packed));
          socket.onmessage = (event) => done([...new Uint8Array(event.data)]);
          socket.onerror = failed;
        })""",
        list(pack({"do": "hello", "settings": None, "desk": None})),
    )
    assert unpack_any(bytes(said))[0]["kind"] == "setup"
