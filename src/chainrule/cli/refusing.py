"""What the commands say when they can't go on: one sentence, and exit code 2."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import typer

from chainrule.loop import DivergenceError


def refusal(why: str, code: int = 2) -> typer.Exit:
    """Say why on the error output, and return the exception that ends the command."""
    typer.echo(f"Error: {why}", err=True)
    return typer.Exit(code)


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Turn an error of data, arguments or files into a refusal, and warnings into a line each.

    What goes wrong without being wrong, as a diverging training, ends with code 1.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default", UserWarning)
            warnings.showwarning = _show_warning
            yield
    except (ValueError, TypeError, NotImplementedError) as error:  # the last of PyArrow's types
        raise refusal(_in_a_line(error)) from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise refusal(f"{where}{error.strerror}" if error.strerror else _in_a_line(error)) from None
    except MemoryError:
        raise refusal("there is not enough memory for it", code=1) from None
    except (ImportError, DivergenceError) as error:
        raise refusal(_in_a_line(error), code=1) from None


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    typer.echo(f"Warning: {message}", err=True)


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).split())
