"""The lab's server: what it refuses, and that it lives on whatever comes."""

from __future__ import annotations

import contextlib
import http.client
import queue
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from chainrule.laboratory.desks import Desks, Send
from chainrule.laboratory.guarding import Names
from chainrule.laboratory.server import Lab
from chainrule.laboratory.wire import LARGEST, LARGEST_BUFFER, pack
from tests.laboratory import EchoDesk, Served, answer, ask, serving

HELLO = {"do": "hello", "settings": None, "desk": None}
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A server that all tests of this module may be rude to."""
    with serving() as served:
        yield served
        with served.connect() as page:  # after all of them it still answers
            assert ask(page, HELLO)[0]["kind"] == "setup"


def get(
    served: Served, path: str, *, method: str = "GET", host: str | None = "", **headers: str
) -> tuple[int, http.client.HTTPMessage, str]:
    """Return status, headers and text of an answer; `host` "" is that of the server, None none."""
    address = served.origin.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.putrequest(method, path, skip_host=True)
    if host is not None:
        connection.putheader("Host", host or address)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, response.headers, text


def test_each_file_of_the_page_is_served(served: Served) -> None:
    """The page, its module, its style and its icon, each as what it is."""
    for name, kind, has in (
        ("", "text/html", "<!doctype html>"),
        ("page.js", "text/javascript", "export default { render };"),
        ("lab.css", "text/css", ".chainrule-lab {"),
        ("icon.svg", "image/svg+xml", "<svg"),
    ):
        status, headers, text = get(served, f"/{served.lab.token}/{name}")
        assert (status, headers["content-type"].split(";")[0]) == (200, kind)
        assert has in text


def test_answers_have_headers_of_caution(served: Served) -> None:
    """On what is served, and on what is refused."""
    for path in (f"/{served.lab.token}/icon.svg", f"/{served.lab.token}/x", "/wrong/icon.svg"):
        _, headers, _ = get(served, path)
        assert headers["content-security-policy"] == CSP
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in headers


def test_the_address_without_its_last_slash_is_the_page_too(served: Served) -> None:
    """A person may have lost it."""
    status, headers, _ = get(served, f"/{served.lab.token}")
    assert status == 307
    assert headers["location"] == served.lab.local_url


@pytest.mark.parametrize("path", ["/", "/icon.svg", "/{}x/icon.svg", "/x{}/", "/%00/", "/é/", "//"])
def test_without_the_token_nothing_is_served(served: Served, path: str) -> None:
    """A sentence says what to do; the token is not in it."""
    path = path.format(served.lab.token).encode().decode("latin-1")
    status, _, text = get(served, path.replace("Ã©", "%C3%A9"))
    assert status == 403
    assert "take the whole address that chainrule printed" in text
    assert served.lab.token not in text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_pages_are_only_read(served: Served, method: str) -> None:
    """No other method does anything."""
    assert get(served, f"/{served.lab.token}/icon.svg", method=method)[0] == 405


@pytest.mark.parametrize(
    "host",
    [None, "evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.x", "[::2]"],
)
def test_a_foreign_host_is_refused(served: Served, host: str | None) -> None:
    """Even with the token: a name that was made to stand for this machine."""
    status, _, text = get(served, f"/{served.lab.token}/icon.svg", host=host)
    if host is None:
        assert status == 400  # which HTTP says already
    else:
        assert status == 403
        assert "The lab is reached as 127.0.0.1, ::1, localhost; got the host" in text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9000", "127.0.0.1:1", "[::1]:80"])
def test_each_name_of_this_machine_will_do(served: Served, host: str) -> None:
    """On any port, as a tunnel has."""
    assert get(served, f"/{served.lab.token}/icon.svg", host=host)[0] == 200


def test_names_of_other_addresses() -> None:
    """A server that listens everywhere is reached by the machine's name, and by any address."""
    everywhere = Names("0.0.0.0")
    own = socket.gethostname()
    for host in (own, f"{own}.local:80", "192.168.1.2:8000", "[fe80::1]:80", "localhost"):
        assert host in everywhere
    assert "evil.example" not in everywhere
    one = Names("192.168.1.2")
    assert "192.168.1.2:80" in one
    assert "192.168.1.3" not in one
    assert "localhost" not in one


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "http://evil.example",
        "http://localhost:1",
        "https://{}",
        "http://{}.evil.example",
        "http://evil.example/{}",
    ],
)
def test_a_socket_is_for_the_page_alone(served: Served, origin: str | None) -> None:
    """A page of another origin, or a program that names none, is refused with a sentence."""
    if origin is not None:
        origin = origin.format(served.origin.removeprefix("http://"))
    with pytest.raises(InvalidStatus) as refused, served.connect(origin=origin):
        pass
    assert refused.value.response.status_code == 403
    assert b"Only the lab's own page may talk to it" in refused.value.response.body


def test_a_socket_needs_token_and_host(served: Served) -> None:
    """As the page does."""
    wrong = served.socket_url.replace(served.lab.token, "wrong")
    with pytest.raises(InvalidStatus) as refused, served.connect(wrong):
        pass
    assert refused.value.response.status_code == 403
    status, _, text = get(
        served,
        f"/{served.lab.token}/socket",
        host="evil.example",
        Origin="http://evil.example",
        Upgrade="websocket",
        Connection="Upgrade",
        Sec_WebSocket_Version="13",
        Sec_WebSocket_Key="AAAAAAAAAAAAAAAAAAAAAA==",
    )
    assert status == 403
    assert "evil.example" in text


def test_a_page_talks_with_its_desk(served: Served) -> None:
    """Messages and buffers, both ways, in order."""
    with served.connect() as page:
        setup, _ = ask(page, HELLO)
        assert setup["kind"] == "setup"
        said, buffers = ask(page, {"do": "open", "name": "ä.csv"}, b"a,b\n1,2\n", b"")
        assert said["message"] == {"do": "open", "name": "ä.csv"}
        assert buffers == [b"a,b\n1,2\n", b""]


def test_hello_comes_first(served: Served) -> None:
    """Else it is asked for, and the socket stays open."""
    with served.connect() as page:
        refused, _ = ask(page, {"do": "play"})
        assert refused == {
            "kind": "refused",
            "what": "play",
            "message": "the first message must be hello",
        }
        assert ask(page, HELLO)[0]["kind"] == "setup"


@pytest.mark.parametrize("data", [b"", b"\xff" * 40, "words", "{}", b"\x04\0\0\0" + b"[" * 4])
def test_what_is_no_message_is_refused(served: Served, data: bytes | str) -> None:
    """With a sentence, and the socket stays open."""
    with served.connect() as page:
        ask(page, HELLO)
        page.send(data)
        refused, _ = answer(page)
        assert (refused["kind"], refused["what"]) == ("refused", "message")
        assert ask(page, {"do": "play"})[0]["kind"] == "note"


def test_the_largest_file_is_taken(served: Served) -> None:
    """Of 32 MiB, to the last byte."""
    with served.connect() as page:
        ask(page, HELLO)
        file = bytes(LARGEST_BUFFER - 1) + b"!"
        _, (back,) = ask(page, {"do": "open", "name": "large.csv"}, file)
        assert back == file


def test_a_file_that_is_too_large_is_refused(served: Served) -> None:
    """By a sentence if it is a little too large, and by the end of the socket if it is much.

    The desk is there when the page comes back.
    """
    with served.connect() as page:
        ask(page, HELLO)
        refused, _ = ask(page, {"do": "open"}, bytes(LARGEST_BUFFER + 1))
        assert refused["kind"] == "refused"
        assert "at most 32 MiB" in refused["message"]
        desk = served.made[-1]
        with pytest.raises(ConnectionClosed):
            ask(page, {"do": "open"}, bytes(LARGEST))
    assert desk.left.wait(30)
    with served.connect() as page:
        assert ask(page, {**HELLO, "desk": desk.id})[0]["desk"] == desk.id


def test_a_thousand_clicks(served: Served) -> None:
    """Each is answered, in order."""
    with served.connect() as page:
        ask(page, HELLO)
        for n in range(1000):
            page.send(pack({"do": "batch", "n": n}))
        assert [answer(page)[0]["message"]["n"] for _ in range(1000)] == list(range(1000))


def test_fifty_connections(served: Served) -> None:
    """Each with a desk of its own."""
    with contextlib.ExitStack() as open_pages, ThreadPoolExecutor(50) as pool:
        sockets = [served.connect() for _ in range(50)]
        pages = [*pool.map(open_pages.enter_context, sockets)]
        desks = [*pool.map(lambda page: ask(page, HELLO)[0]["desk"], pages)]
        assert len(set(desks)) == 50


def test_a_desk_outlives_its_socket() -> None:
    """However the socket ended: the page that comes back finds its desk."""

    def cut(page: ClientConnection) -> None:
        page.socket.shutdown(socket.SHUT_RDWR)

    with serving() as served:
        with served.connect() as page:
            desk = ask(page, HELLO)[0]["desk"]
        for end in (ClientConnection.close, cut):
            assert served.made[0].left.wait(30)
            with served.connect() as page:
                assert ask(page, {**HELLO, "desk": desk})[0]["desk"] == desk
                assert ask(page, {"do": "batch"})[0]["message"] == {"do": "batch"}
                end(page)
        assert len(served.made) == 1


def test_a_desk_that_is_taken_stays_with_its_page() -> None:
    """A duplicated tab, which knows the same desk, gets one of its own."""
    with serving() as served, served.connect() as first, served.connect() as second:
        desk = ask(first, HELLO)[0]["desk"]
        assert ask(second, {**HELLO, "desk": desk})[0]["desk"] != desk
        assert ask(first, {"do": "play"})[0]["message"] == {"do": "play"}


def test_a_page_comes_back_before_its_old_socket_is_known_to_be_dead() -> None:
    """To its desk, which the old socket's end then leaves alone; another page can't take it so."""
    with serving() as served, served.connect() as second, served.connect() as third:
        with served.connect() as first:
            desk = ask(first, {**HELLO, "page": "p"})[0]["desk"]
            assert ask(second, {**HELLO, "desk": desk, "page": "p"})[0]["desk"] == desk
            assert ask(third, {**HELLO, "desk": desk, "page": "q"})[0]["desk"] != desk
        with served.connect() as fourth:  # the server has seen by then that the first is gone
            ask(fourth, HELLO)
        assert ask(second, {"do": "play"})[0]["message"] == {"do": "play"}
        assert not served.made[0].left.is_set()


@pytest.mark.parametrize("desk", ["nobody's", 7, ["a"], {"a": 1}, None])
def test_a_desk_that_is_not_there_is_a_new_one(served: Served, desk: object) -> None:
    """As after a new start of the server."""
    with served.connect() as page:
        assert ask(page, {**HELLO, "desk": desk})[0]["desk"] == served.made[-1].id


def test_a_desk_nobody_comes_back_to_is_closed() -> None:
    """After its time."""
    with serving(keep=0.01) as served:
        with served.connect() as page:
            ask(page, HELLO)
        assert served.made[0].ended.wait(30)
        assert len(served.desks) == 0


def test_the_desk_left_longest_makes_room() -> None:
    """And one that is sat at does not: then the next page is refused with a sentence."""
    with serving(most=2) as served:
        for n in range(2):
            with served.connect() as page:
                ask(page, HELLO)
            assert served.made[n].left.wait(30)
        with served.connect() as first:
            assert ask(first, {**HELLO, "desk": served.made[0].id})[0]["desk"] == served.made[0].id
            with served.connect() as second, served.connect() as third:
                ask(second, HELLO)
                assert served.made[1].ended.is_set()
                refused, _ = ask(third, HELLO)
                assert refused["message"].startswith("2 pages of the lab are open, as many as")
            assert served.made[2].left.wait(30)
            with served.connect() as fourth:
                assert ask(fourth, HELLO)[0]["kind"] == "setup"
        assert not served.made[0].ended.is_set()


def test_what_is_to_be_opened_comes_to_each_new_desk() -> None:
    """After its hello, and not again when the page comes back."""
    opening = ({"do": "open", "name": "a.csv"}, [b"a\n1\n"])
    with serving(first=[opening]) as served:
        with served.connect() as page:
            desk = ask(page, HELLO)[0]["desk"]
            assert answer(page) == ({"kind": "note", "message": opening[0]}, opening[1])
        assert served.made[0].left.wait(30)
        with served.connect() as page:
            ask(page, {**HELLO, "desk": desk})
            ask(page, {"do": "play"})
            assert [m["do"] for m in served.made[0].received] == ["hello", "open", "hello", "play"]


class Chatterbox(EchoDesk):
    """Says without end what nobody reads, until it is left."""

    def receive(self, message: object, buffers: object) -> None:
        def chatter() -> None:
            while not self.left.is_set():
                self.say({"kind": "file"}, [bytes(2**20)])

        threading.Thread(target=chatter, daemon=True).start()


def test_a_page_that_does_not_read_is_let_go() -> None:
    """Before what waits for it fills the memory; its desk is there when it comes back."""
    made: queue.Queue[Chatterbox] = queue.Queue()

    def make(send: Send) -> Chatterbox:
        made.put(desk := Chatterbox(send))
        return desk

    with serving(make) as served, served.connect(max_queue=1) as page:
        page.send(pack(HELLO))
        assert made.get(timeout=30).left.wait(60)
        assert len(served.desks) == 1
        page.socket.shutdown(socket.SHUT_RDWR)


def test_the_end_of_the_server_closes_desks_and_sockets() -> None:
    """Pages are told, and desks that nobody sits at end as well."""
    with contextlib.ExitStack() as after:
        with serving() as served:
            with served.connect() as page:
                ask(page, HELLO)
            assert served.made[0].left.wait(30)
            page = after.enter_context(served.connect())
            ask(page, HELLO)
        with pytest.raises(ConnectionClosed):
            answer(page)
        assert page.close_code == 1012  # service restart
    assert [desk.ended.is_set() for desk in served.made] == [True, True]


def test_a_port_in_use_is_a_sentence() -> None:
    """And so are one that there can't be, and an address that is not this machine's."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        says = f"can't listen on port {port} of '127.0.0.1': Address already in use; give another"
        with pytest.raises(OSError, match=says):
            Lab(Desks(EchoDesk), port=port)
    for port in (-1, 2**16):
        with pytest.raises(ValueError, match=rf"port must be in \[0, 65535\], got {port}"):
            Lab(Desks(EchoDesk), port=port)
    with pytest.raises(OSError, match="can't listen on port 0 of 'nowhere'"):
        Lab(Desks(EchoDesk), host="nowhere")


def test_addresses_of_the_page() -> None:
    """With the machine's name where it listens everywhere, and the token in each."""
    here, everywhere = Lab(Desks(EchoDesk)), Lab(Desks(EchoDesk), host="0.0.0.0")
    port = here.url.split(":")[2].split("/")[0]
    assert here.url == here.local_url == f"http://127.0.0.1:{port}/{here.token}/"
    assert everywhere.url.startswith(f"http://{socket.gethostname()}:")
    assert everywhere.local_url.startswith("http://localhost:")
    assert len(here.token) == 32
    assert here.token != everywhere.token
    for lab in (here, everywhere):
        lab.stop()
        lab.run()


def test_fifty_desks_that_learn() -> None:
    """All of them as fast as they can, and unseen: another page is answered all the same."""
    from chainrule.laboratory.desk import Desk

    with serving(Desk) as served, contextlib.ExitStack() as open_pages:
        for _ in range(50):
            page = open_pages.enter_context(served.connect())
            page.send(pack(HELLO, []))
            page.send(pack({"do": "play"}, []))
        page = open_pages.enter_context(served.connect())
        assert ask(page, HELLO)[0]["kind"] == "setup"
        assert answer(page)[0]["kind"] == "frame"
        page.send(pack({"do": "batch"}, []))
        assert answer(page)[0]["step"] == 1
