"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from chainrule import (
    Network,
    load,
)
from chainrule._files import replacing, writing
from tests.saved import small_network


def test_a_failing_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, found at the last moment: the old model is there, and nothing else."""
    path = tmp_path / "n"
    small_network().save(path)
    before = path.read_bytes()

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    other = Network([2, 1])
    for step in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, step, full)
            with pytest.raises(OSError, match="No space left"):
                other.save(path)
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]
    other.save(path)
    assert load(path).structure == other.structure


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_writer_leaves_nothing(error: type[BaseException], tmp_path: Path) -> None:
    """Whatever ends the block early: no file, where there was none."""

    def write() -> None:
        with writing(tmp_path / "a.csv") as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        write()
    assert list(tmp_path.iterdir()) == []


def test_writers_that_take_a_path(tmp_path: Path) -> None:
    """They see the same ending, and may make the file themselves."""
    (tmp_path / "a.png").write_bytes(b"old")
    with replacing(tmp_path / "a.png") as path:
        assert path.suffix == ".png"
        assert path.parent == tmp_path.resolve()
        path.unlink()
        path.write_bytes(b"new")
        assert (tmp_path / "a.png").read_bytes() == b"old"
    assert (tmp_path / "a.png").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.png"]


def test_a_file_is_not_overwritten_unasked(tmp_path: Path) -> None:
    """Neither one that was there before, nor one that came meanwhile."""
    path = tmp_path / "a.csv"
    with writing(path, overwrite=False) as file:
        file.write(b"first")
    with (
        pytest.raises(FileExistsError, match=r"a\.csv is there already"),
        writing(path, overwrite=False) as file,
    ):
        pytest.fail("the block must not run")
    path.unlink()

    def race() -> None:
        with writing(path, overwrite=False) as file:
            file.write(b"mine")
            path.write_bytes(b"theirs")

    with pytest.raises(FileExistsError, match=r"a\.csv is there already"):
        race()
    assert path.read_bytes() == b"theirs"
    assert os.listdir(tmp_path) == ["a.csv"]


def test_where_links_are_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system without them, a new file is written all the same."""

    def no_links(*_: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    with writing(tmp_path / "a", overwrite=False) as file:
        file.write(b"first")
    assert (tmp_path / "a").read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["a"]


def test_only_regular_files_are_replaced(tmp_path: Path) -> None:
    """No folder, no device; and an error of the path names the path that was given."""
    with pytest.raises(FileExistsError, match="is a folder"):
        small_network().save(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"missing.n'"):
        small_network().save(tmp_path / "missing" / "n")
    if os.name == "posix":
        with pytest.raises(FileExistsError, match="not a regular file"):
            small_network().save(os.devnull)
    long = tmp_path / ("é" * 100 + ".safetensors")
    small_network().save(long)
    assert load(long).structure.n_inputs == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions, and few links")
def test_permissions_and_links_stay(tmp_path: Path) -> None:
    """A new file has the user's habit, a replaced one its own; a link leads where it led."""
    old_mask = os.umask(0o027)
    try:
        small_network().save(tmp_path / "n")
        assert stat.S_IMODE((tmp_path / "n").stat().st_mode) == 0o640
        (tmp_path / "n").chmod(0o604)
        (tmp_path / "link").symlink_to(tmp_path / "n")
        Network([2, 1]).save(tmp_path / "link")
    finally:
        os.umask(old_mask)
    assert stat.S_IMODE((tmp_path / "n").stat().st_mode) == 0o604
    assert (tmp_path / "link").is_symlink()
    assert len(load(tmp_path / "n").structure.layers) == 1
