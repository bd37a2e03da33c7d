"""Who may speak to the lab's server: those who know its token, at its own address, from its page.

Three attacks are answered here. A page of somebody else's, in the same browser, that opens a socket
to this machine has another Origin. One whose name suddenly stands for 127.0.0.1 (DNS rebinding) has
its own name in Host. And another user of the machine does not know the token.
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

# The page needs nothing but its own files and socket; pictures that it makes itself are data or
# blobs. No address of it, with the token, goes anywhere else; and nothing of it is kept on a disk.
HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}


class Names:
    """The names that a server on `host` is reached by.

    Any port will do, since a tunnel (``ssh -L 9000:localhost:8000``) has its own: names are what a
    foreign page can forge, and a page on another port of this machine has another Origin.
    """

    def __init__(self, host: str) -> None:
        self.anywhere = host in ("0.0.0.0", "::")  # all addresses of the machine
        names = {host.lower()}
        if self.anywhere:
            own = socket.gethostname().lower()
            names = {own, f"{own}.local"}
        if self.anywhere or host in LOOPBACK_NAMES:
            names |= LOOPBACK_NAMES
        self.names = frozenset(names)

    def __contains__(self, host: str) -> bool:
        """Whether the Host of a request is one of them."""
        name = host.lower()
        if name.startswith("["):
            name = name[1:].partition("]")[0]
        elif ":" in name:
            name = name.rpartition(":")[0]
        return name in self.names or (self.anywhere and _is_address(name))

    def __str__(self) -> str:
        return ", ".join(sorted(self.names))


def _is_address(name: str) -> bool:
    """Whether it is an address in numbers, which nobody can make stand for another."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """The app behind these checks, each answered by a sentence, and with headers of caution."""

    def __init__(self, app: ASGIApp, token: str, names: Names) -> None:
        self._app, self._token, self._names = app, token.encode(), names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"].endswith("http.response.start"):
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                if message["type"].startswith("websocket"):
                    for name in ("content-length", "content-type"):  # uvicorn sends its own as well
                        del headers[name]
            await send(message)

        why = self._refusal(scope)
        app = self._app if why is None else PlainTextResponse(f"{why}\n", 403)
        await app(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._names:
            return f"The lab is reached as {self._names}; got the host {', '.join(hosts)!r:.80}."
        given = scope["path"].lstrip("/").partition("/")[0].encode()
        if not hmac.compare_digest(given, self._token):
            return "The token is missing or wrong: take the whole address that chainrule printed."
        if scope["type"] == "websocket":
            scheme = "https" if scope["scheme"] == "wss" else "http"
            origins = headers.getlist("origin")
            if origins != [f"{scheme}://{hosts[0]}"]:
                got = ", ".join(origins)
                return f"Only the lab's own page may talk to it; got the origin {got!r:.80}."
        return None
