"""The lecture's text, and the notebook file that is made of it."""

from __future__ import annotations

import os
from importlib.resources import files
from typing import Any

from chainrule._files import writing


def lecture_text() -> str:
    """Return the lecture as it is kept: a notebook in the MyST Markdown of Jupytext."""
    return (files("chainrule.notebook") / "lecture.md").read_text(encoding="utf-8")


def write_notebook(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write the lecture as a Jupyter notebook, without outputs; the same bytes each time.

    Needs the extra ``notebook``.

    Parameters
    ----------
    path : str or path
        The file, which should end in .ipynb.
    overwrite : bool, default False
        Whether a file may be there already, and be replaced.

    Raises
    ------
    ImportError
        If Jupytext is not there; the message says which extra has it.
    FileExistsError
        If the file is there already, and `overwrite` is False.
    OSError
        If the file can't be written.
    """
    notebook = _as_notebook(lecture_text())
    with writing(path, overwrite=overwrite) as file:
        file.write(notebook.encode())


def _as_notebook(text: str) -> str:
    try:
        import jupytext
        import nbformat
    except ImportError:
        raise ImportError(
            "a notebook needs Jupytext, from an extra: pip install 'chainrule[notebook]'"
        ) from None
    notebook: Any = jupytext.reads(text, fmt="md:myst")
    del notebook.metadata["jupytext"]  # the file stands alone, with no text beside it
    for number, cell in enumerate(notebook.cells, 1):
        cell["id"] = f"cell-{number}"  # Jupytext draws them at random
    written: str = nbformat.writes(notebook, version=4)
    return written + "\n"
