"""Writing a file whole or not at all: beside its place first, then moved there in one step."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def writing(path: str | os.PathLike[str], *, overwrite: bool = True) -> Iterator[BinaryIO]:
    """Give a binary file to write to, which becomes `path` when the block ends without an error.

    For a writer that takes an open file; everything else is as in `replacing`.
    """
    with replacing(path, overwrite=overwrite) as temporary, temporary.open("wb") as file:
        yield file


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], *, overwrite: bool = True) -> Iterator[Path]:
    """Give the path of an empty file, which becomes `path` when the block ends without an error.

    For a writer that takes a path. The empty file lies in the same folder and has the same
    ending. What is written is brought to the disk before it takes the place of an older file; on
    an error, that one stays as it was, and nothing is left beside it.

    Parameters
    ----------
    path : str or path
        Where the file shall be. Of a link, the file that it leads to is replaced.
    overwrite : bool, default True
        Whether a file may be there already.

    Raises
    ------
    FileExistsError
        If `path` is there already, and `overwrite` is False, or it is not a regular file.
    OSError
        If the file can't be written.
    """
    target = Path(os.path.realpath(os.fsdecode(path)))
    _check_target(target, overwrite)
    # The name's beginning alone, so that a long one does not become too long
    temporary = target.with_name(f".{target.stem[:20]}-{secrets.token_hex(8)}{target.suffix[:20]}")
    try:
        temporary.open("xb").close()
    except OSError as error:  # a folder that is not there, or can't be written to
        raise OSError(error.errno, error.strerror, str(target)) from error
    try:
        mode = stat.S_IMODE(temporary.stat().st_mode)  # as the user wants new files to be
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            mode = stat.S_IMODE(target.stat().st_mode)
        temporary.chmod(mode)  # which a writer may have changed
        _move(temporary, target, overwrite)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush_folder(target.parent)


def _check_target(target: Path, overwrite: bool) -> None:
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
        raise FileExistsError(f"{target} is {what}, and can't be replaced; give another path")
    if not overwrite:
        _refuse(target)


def _refuse(target: Path) -> None:
    raise FileExistsError(f"{target} is there already; give another path, or ask to overwrite it")


def _move(temporary: Path, target: Path, overwrite: bool) -> None:
    if overwrite:
        os.replace(temporary, target)
        return
    try:  # both fail where a file has come to be meanwhile; a rename does so on Windows alone
        if os.name == "nt":
            temporary.rename(target)
        else:
            os.link(temporary, target)
            temporary.unlink()
    except FileExistsError:
        _refuse(target)
    except OSError:  # a file system without links: there, one moment stays uncovered
        if target.exists():
            _refuse(target)
        os.replace(temporary, target)


def _flush_folder(folder: Path) -> None:
    """Bring the new name to the disk as well, where a folder can be opened."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
