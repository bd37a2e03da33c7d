"""PyArrow, which reads tables from files: loaded where it is used, and asked for where it lacks."""

from __future__ import annotations

from typing import Any


def load_pyarrow() -> Any:
    """Return the module pyarrow, or say which extra has it."""
    try:
        import pyarrow as pa
    except ImportError:
        raise ImportError(
            "files of tables need PyArrow, from an extra: pip install 'chainrule[tables]'"
        ) from None
    return pa
