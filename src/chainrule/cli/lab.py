"""``chainrule lab``: opens a page on which a network learns, in the browser."""

from __future__ import annotations

import threading
import webbrowser
from pathlib import Path
from typing import Annotated, Any

import typer

from chainrule.cli.refusing import refusal, refusing


def lab(
    file: Annotated[
        Path | None,
        typer.Argument(help="A table (CSV, Parquet, Arrow), a saved network, or a lesson."),
    ] = None,
    host: Annotated[
        str, typer.Option(help="The address to listen on; others than this can be reached from.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 is one that is free.")] = 0,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the address of the page.")
    ] = False,
) -> None:
    """Open a page on which a network learns, and each number is followed through the chain rule."""
    with refusing():
        first = [] if file is None else [_opening(file)]
        server = _server(first, host, port)
    typer.echo(f"The lab: {server.url} (Ctrl-C ends it)")
    threading.Thread(target=_warm_up, daemon=True).start()
    if not no_browser:
        # Apart, since a browser in the terminal stays where it was called until it is closed
        threading.Thread(target=webbrowser.open, args=(server.local_url,), daemon=True).start()
    server.run()


def _warm_up() -> None:
    """Load what the first page will need, while its browser starts."""
    from chainrule.laboratory.desk import Desk

    Desk().close()


def _opening(file: Path) -> tuple[dict[str, Any], list[bytes]]:
    """Return the message that opens a file, with what is in it."""
    from chainrule.laboratory.wire import LARGEST_BUFFER

    with file.open("rb") as opened:
        content = opened.read(LARGEST_BUFFER + 1)
    if len(content) > LARGEST_BUFFER:
        raise refusal(f"{file} has more than the {LARGEST_BUFFER // 2**20} MiB that the lab opens")
    return {"do": "open", "name": file.name}, [content]


def _server(first: list[tuple[dict[str, Any], list[bytes]]], host: str, port: int) -> Any:
    try:
        from chainrule.laboratory.server import Lab
    except ImportError as error:
        if (error.name or "").split(".")[0] not in ("starlette", "uvicorn", "websockets"):
            raise
        raise ImportError("the lab needs an extra: pip install 'chainrule[lab]'") from None
    from chainrule.laboratory.desk import Desk
    from chainrule.laboratory.desks import Desks

    return Lab(Desks(Desk, first=first), host=host, port=port)
