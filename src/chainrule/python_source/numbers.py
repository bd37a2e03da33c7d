"""Arrays as text: all their digits where they are few, packed on a line where they are many."""

from __future__ import annotations

import base64
import io
import textwrap
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule._types import Array, FloatArray
from chainrule.python_source.blocks import WIDTH, Block


def packed(array: FloatArray) -> str:
    """Return the bytes of an array, least significant first, as a string in base64."""
    little: Any = array.astype(array.dtype.newbyteorder("<"))
    return base64.b64encode(little.tobytes()).decode()


def readable(array: FloatArray, head: str, tail: str) -> list[str]:
    """Return a matrix as lines of code between `head` and `tail`, with all of its digits.

    A row a line where it fits, else as many numbers as fit.
    """
    rows = ["[" + ", ".join(_digits(x) for x in row) + "]" for row in array]
    indent = " " * (len(head) + 1)
    whole = f"{head}[{', '.join(rows)}]{tail}"
    widest = len(indent + max(rows, key=len) + tail) + 1
    if len(whole) > WIDTH >= widest and len(rows) > 1 and array.shape[1] > 2:
        lines = [f"{indent}{row}," for row in rows]
        return [f"{head}[{lines[0].lstrip()}", *lines[1:-1], f"{indent}{rows[-1]}]{tail}"]
    return textwrap.wrap(whole, WIDTH, subsequent_indent=indent, drop_whitespace=True)


def _digits(x: Any) -> str:
    short = str(x)
    return short if x.dtype.type(float(short)) == x else repr(float(x))


def unpack(dtype: Any) -> Block:
    """Return the function that makes an array of text that `packed` made."""
    code, kind = ("<f8", "float") if dtype == np.float64 else ("<f4", "np.float32")
    return Block(
        "unpack(text, *shape)",
        f"The numbers packed as text: base64 of little-endian {dtype.name}.",
        [
            f'return np.frombuffer(base64.b64decode(text), "{code}").astype({kind}).reshape(shape)',
        ],
    )


def packed_file(array: Array) -> str:
    """Return code that reads an array from its file (.npy), packed as text."""
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=False)
    return reading_of(base64.b64encode(file.getvalue()).decode())


def packed_files(arrays: Mapping[str, Array]) -> str:
    """Return code that reads arrays by their names from a file (.npz), packed as text.

    The same arrays give the same text, at any time.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            part = io.BytesIO()
            little: Any = array.astype(array.dtype.newbyteorder("<"))
            np.lib.format.write_array(part, little, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), part.getvalue(), zipfile.ZIP_DEFLATED)
    return reading_of(base64.b64encode(file.getvalue()).decode())


def reading_of(text: str) -> str:
    """Return code that reads a file of NumPy from a text in base64."""
    return f'np.load(io.BytesIO(base64.b64decode("{text}")))'


def assignments(
    arrays: Mapping[str, FloatArray],
    before: str,
    between: str,
    after: str,
    *,
    most: int,
    pack: Callable[[FloatArray], str],
) -> tuple[list[str], bool]:
    """Return the lines that define arrays, and whether some of them are packed.

    Each is the text `before` its name, `between` name and value, and `after`. The largest are
    packed by `pack`, until the others take at most `most` lines.
    """
    typed = "" if next(iter(arrays.values())).dtype == np.float64 else ", dtype=np.float32"
    texts = {
        name: readable(array, f"{before}{name}{between}np.array(", f"{typed}){after}")
        if array.size <= 8 * most
        else [""] * (most + 1)
        for name, array in arrays.items()
    }
    few = sorted(arrays, key=lambda name: arrays[name].size)
    while few and sum(len(texts[name]) for name in few) > most:
        few.pop()
    lines = []
    for name, array in arrays.items():
        if name in few:
            lines += texts[name]
        else:
            shape = ", ".join(map(str, array.shape))
            lines.append(f'{before}{name}{between}unpack("{pack(array)}", {shape}){after}')
    return lines, len(few) < len(arrays)
