"""The format of a saved model: one safetensors file of arrays, with a description in JSON.

The metadata of the file have one entry, `chainrule`, a JSON object::

    {"format": "chainrule model", "format_version": 1, "written_by": "0.1.0",
     "kind": "network", "description": {…}}

What the description holds, and which arrays go with it, is for the kind to say. Nothing in a file
is trusted, and no code comes out of one.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import _checks, _json
from chainrule._files import writing
from chainrule._version import __version__
from chainrule.stored_arrays import DTYPES, StoredArrays

FORMAT = "chainrule model"
# Raised by one when a version of the format can't be read by what reads the one before.
FORMAT_VERSION = 1

# Names, shapes and description; the numbers come after it.
HEADER_LIMIT = 64 * 2**20
MAX_BYTES = 4 * 2**30


class ModelFileError(ValueError):
    """A file does not hold a model that can be loaded; the message names it, and what is wrong."""


@dataclass(frozen=True)
class ModelFile:
    """An open file whose header was checked.

    Parameters
    ----------
    kind : str
        What is saved in it, such as "network".
    description : object
        What the kind says of the model: JSON as it was read, which the kind must check.
    arrays : StoredArrays
        Names, types and shapes of the arrays, whose numbers are read when they are asked for.
    """

    kind: str
    description: Any
    arrays: StoredArrays


def write_model(
    path: str | os.PathLike[str],
    kind: str,
    description: Mapping[str, Any],
    arrays: Mapping[str, npt.NDArray[Any]],
    *,
    overwrite: bool = True,
) -> None:
    """Write a model to a file, which takes the place of an older one in one step.

    Parameters
    ----------
    path : str or path
        Where to.
    kind : str
        What the model is; :func:`chainrule.load` looks it up.
    description : mapping
        All that is not an array, as JSON has it: objects, lists, strings, finite numbers.
    arrays : mapping of str to array
        Named arrays of finite floats, integers or booleans.
    overwrite : bool, default True
        Whether a file may be there already.

    Raises
    ------
    ValueError
        If a number is not finite, an array has another type, or the header is too long.
    OSError
        If the file can't be written; an older one stays as it was.
    ImportError
        If safetensors is not installed.
    """
    with _safetensors():
        from safetensors.numpy import save
    model = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "written_by": __version__,
        "kind": kind,
        "description": description,
    }
    metadata = {"chainrule": json.dumps(model, allow_nan=False)}
    data = save({name: _plain(name, array) for name, array in arrays.items()}, metadata)
    if (length := int.from_bytes(data[:8], "little")) > HEADER_LIMIT:
        raise ValueError(
            f"the names and the description of a model must fit into {HEADER_LIMIT} bytes, got "
            f"{length}"
        )
    with writing(path, overwrite=overwrite) as file:
        file.write(data)


def _plain(name: str, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an array as the format has it: rows one behind the other, in the machine's order."""
    dtype = array.dtype.newbyteorder("=")
    if dtype not in DTYPES.values():
        raise ValueError(
            f"array {name!r} must hold floats, integers or booleans, got {array.dtype}"
        )
    plain = np.asarray(array, dtype, order="C")
    if (where := _checks.first_not_finite(np.atleast_1d(plain), dtype)) is not None:
        got = np.atleast_1d(plain)[where]
        raise ValueError(f"{name} must be finite to be saved, got {got} at {list(where)}")
    return plain


@contextlib.contextmanager
def read_model(
    path: str | os.PathLike[str], *, kinds: Collection[str], max_bytes: int = MAX_BYTES
) -> Iterator[ModelFile]:
    """Open the file of a model, check it, and give its parts until the block ends.

    An error of the block that says that the file is wrong, a ValueError or TypeError, becomes a
    ModelFileError too, which names the file.

    Parameters
    ----------
    path : str or path
        The file.
    kinds : collection of str
        The kinds that the caller knows.
    max_bytes : int, default 4 GiB
        The most that the file may have.

    Raises
    ------
    ModelFileError
        If the file is not a whole safetensors file, is larger than that, was not written by
        chainrule or by a newer format of it, or holds another kind.
    ImportError
        If safetensors is not installed.
    """
    with read_arrays(path, max_bytes=max_bytes) as (metadata, arrays):
        kind, description = _check_metadata(metadata, kinds)
        yield ModelFile(kind, description, arrays)


@contextlib.contextmanager
def read_arrays(
    path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES
) -> Iterator[tuple[Mapping[str, str] | None, StoredArrays]]:
    """Open any safetensors file, check its header, and give its metadata and its arrays.

    Parameters, and the errors of the file and of the block, as those of `read_model`.
    """
    shown = os.fsdecode(path)
    max_bytes = _checks.check_integer("max_bytes", max_bytes, low=1)
    with _safetensors():
        from safetensors import SafetensorError, safe_open
    try:
        _check_header(_read_header(shown, max_bytes))
        with safe_open(shown, framework="np") as file:
            yield file.metadata(), StoredArrays.of(file)
    except ModelFileError:
        raise
    except SafetensorError as error:
        raise ModelFileError(
            f"{shown} can't be loaded: it is no safetensors file, or not a whole one: {error}"
        ) from error
    except RecursionError as error:
        raise ModelFileError(f"{shown} can't be loaded: it is nested too deeply") from error
    except OSError as error:
        raise ModelFileError(f"{shown} can't be loaded: {error.strerror or error}") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise ModelFileError(f"{shown} can't be loaded: {error!s:.1000}") from error


def _read_header(path: str, max_bytes: int) -> bytes:
    """Return the header of a safetensors file, once its length is plausible."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is a folder" if stat.S_ISDIR(status.st_mode) else "it is not a file")
    if status.st_size > max_bytes:
        raise ValueError(
            f"it has {status.st_size} bytes, and max_bytes is {max_bytes}; if you trust it, give "
            f"a larger one"
        )
    if status.st_size < 8:
        raise ValueError(f"it has {status.st_size} bytes, too few for a safetensors file")
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(HEADER_LIMIT, status.st_size - 8):
            raise ValueError(
                f"it is no safetensors file, or not a whole one: its header would have {length} "
                f"bytes, of {status.st_size} in all, and at most {HEADER_LIMIT} are allowed"
            )
        return file.read(length)


def _check_header(header: bytes) -> None:
    """Refuse what safetensors lets pass: a name that is there twice, of which the last counts."""
    try:
        _json.parse(header)
    except ValueError as error:
        raise ValueError(f"its header is wrong: {error}") from error


def _check_metadata(metadata: Mapping[str, str] | None, kinds: Collection[str]) -> tuple[str, Any]:
    """Return the kind and the description, once the rest is as it must be."""
    if not metadata or "chainrule" not in metadata:
        raise ValueError("it is a safetensors file, but no model of chainrule")
    _json.fields("its metadata", dict(metadata), ["chainrule"])
    model = _json.parse(metadata["chainrule"].encode("utf-8", "surrogatepass"))
    version = model.get("format_version") if isinstance(model, dict) else None
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ValueError(
            f"it was written in format {version} by chainrule {model.get('written_by')!r:.40}, and "
            f"this version reads formats up to {FORMAT_VERSION}; install a newer chainrule"
        )
    names = ["format", "format_version", "written_by", "kind", "description"]
    of, version, writer, kind, description = _json.fields("the model", model, names)
    if of != FORMAT:
        raise ValueError(f"format must be {FORMAT!r}, got {of!r:.60}")
    _checks.check_integer("format_version", version, low=1)
    _json.string("written_by", writer)
    if _json.string("kind", kind) not in kinds:
        raise ValueError(f"it holds a {kind!r:.60}, and what can be loaded is {', '.join(kinds)}")
    return kind, description


@contextlib.contextmanager
def _safetensors() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise ImportError(
            "saving and loading models needs safetensors: pip install 'chainrule[tables]'"
        ) from error
