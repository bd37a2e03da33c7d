"""The lab's server: the page, its files and its socket, on an address that has a token in it."""

from __future__ import annotations

import contextlib
import ipaddress
import secrets
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from chainrule.laboratory import front
from chainrule.laboratory.conversation import Conversation
from chainrule.laboratory.desks import Desks
from chainrule.laboratory.guarding import Guard, Names
from chainrule.laboratory.wire import LARGEST

FILES = {
    "": (front.page, "text/html"),
    "page.js": (front.page_module, "text/javascript"),
    "lab.css": (front.style, "text/css"),
    "icon.svg": (front.icon, "image/svg+xml"),
}


class Lab:
    """A server that listens from the start, and serves while `run` runs.

    Parameters
    ----------
    desks : Desks
        Where its pages sit.
    host : str, default "127.0.0.1"
        The address to listen on. Others than those of the machine itself can be reached from
        outside, by whoever knows the token.
    port : int, default 0
        The port; 0 is one that is free.

    Raises
    ------
    ValueError
        If there is no such port.
    OSError
        If it can't listen there, as when the port is in use; says so in a sentence.
    """

    def __init__(self, desks: Desks, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.token = secrets.token_urlsafe(24)
        self._socket = _listen(host, port)
        config = uvicorn.Config(
            create_app(desks, self.token, Names(host)),
            # The protocols by name: what `auto` would find depends on what else is installed
            http="h11",
            ws="websockets-sansio",
            loop="asyncio",
            lifespan="on",
            ws_max_size=LARGEST,
            ws_per_message_deflate=False,  # pixels hardly shrink, and it does not go far
            log_level="error",
            access_log=False,  # it would have the token in it
            proxy_headers=False,  # nobody stands between
            server_header=False,
            timeout_graceful_shutdown=3,
        )
        self._server = uvicorn.Server(config)

    @property
    def url(self) -> str:
        """The address of the page, as others may reach it."""
        return self._url(socket.gethostname())

    @property
    def local_url(self) -> str:
        """The address of the page for a browser on this machine."""
        return self._url("localhost")

    def _url(self, anywhere: str) -> str:
        host, port = self._socket.getsockname()[:2]
        address = ipaddress.ip_address(host)
        name = anywhere if address.is_unspecified else f"[{host}]" if address.version == 6 else host
        return f"http://{name}:{port}/{self.token}/"

    def run(self) -> None:
        """Serve until `stop`, or, in the main thread, Ctrl-C."""
        with contextlib.suppress(KeyboardInterrupt):  # which uvicorn raises again when all is done
            self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """Let `run` come to its end."""
        self._server.should_exit = True


def create_app(desks: Desks, token: str, names: Names) -> ASGIApp:
    """Return the app, for those who know the token and use one of the names."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        desks.close()

    async def talk(websocket: WebSocket) -> None:
        await Conversation(websocket, desks).run()

    routes: list[Any] = [Route(f"/{{token}}/{name}", _serve_file(name)) for name in FILES]
    routes.append(WebSocketRoute("/{token}/socket", talk))
    return Guard(Starlette(routes=routes, lifespan=lifespan), token, names)


def _serve_file(name: str) -> Any:
    read, kind = FILES[name]

    async def serve(_: Request) -> Response:
        return Response(read(), media_type=kind)

    return serve


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port < 2**16:  # of a larger one the system would take the rest
        raise ValueError(f"port must be in [0, {2**16 - 1}], got {port}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = found[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        why = str(error.strerror).partition(" (")[0]  # Python adds the address, which is known
        raise OSError(
            f"the lab can't listen on port {port} of {host!r}: {why}; give another"
        ) from None
