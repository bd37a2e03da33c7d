"""The command line: ``chainrule COMMAND``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line, or say which extra it needs."""
    try:
        from chainrule.cli.app import app
    except KeyboardInterrupt:
        sys.exit(130)
    except ImportError as error:
        if error.name is not None and error.name.split(".")[0] not in ("typer", "rich"):
            raise
        sys.exit("the command line needs an extra: pip install 'chainrule[cli,plots]'")
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
