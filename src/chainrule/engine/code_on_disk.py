"""Where compiled code is kept on disk, and whether it is there: known without loading a compiler.

The folder's name has a hash of all sources in it, so that no changed source is answered with the
code of an older one. What is compiled for a float type is there once its mark is.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from functools import cache
from pathlib import Path


@cache
def source_stamp() -> str:
    """Return a hash of chainrule's sources, and of what compiles them."""
    digest = hashlib.sha256(f"{_numba_version()} {sys.version}".encode())
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _numba_version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # slow to load, and seldom needed

    try:
        return version("numba")
    except PackageNotFoundError:
        return ""


def folder() -> Path:
    """Return where the code lies: in NUMBA_CACHE_DIR, or the user's folder for such things."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    return (Path(given) if given else _user_folder()) / f"engine-{source_stamp()[:16]}"


def _user_folder() -> Path:
    home = Path(os.path.expanduser("~"))
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home)) / "chainrule" / "Cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "chainrule"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "chainrule"


def is_there(code: str) -> bool:
    """Whether code of this name, such as "float32" for its training, was compiled before."""
    return _mark(code).exists()


def mark_as_there(code: str) -> None:
    """Note that code of this name is there, if the disk can be written to."""
    with contextlib.suppress(OSError):
        _mark(code).touch()


def _mark(code: str) -> Path:
    # Code is for a processor, too: one home may be used on several.
    features = os.environ.get("NUMBA_CPU_FEATURES", "") + os.environ.get("NUMBA_CPU_NAME", "")
    kind = hashlib.sha256(f"{features} {_processor()}".encode()).hexdigest()[:8]
    return folder() / f"{code}-{kind}.there"


@cache
def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith(("flags", "Features")):
                return line
    import platform

    return platform.processor()
