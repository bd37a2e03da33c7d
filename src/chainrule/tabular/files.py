"""Tables from files: CSV and its kin, Parquet and Arrow, read by PyArrow."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from chainrule._arrow import load_pyarrow
from chainrule._files import writing
from chainrule.tabular.parquet import read_parquet
from chainrule.tabular.unpacked import MOST_COLUMNS, UnpackedError, read_arrow

# What is read into memory at most, in bytes of the file and of what it unpacks to; and how much of
# a text is looked at first.
LARGEST, BEGINNING = 4 * 10**9, 2**16
# PyArrow reads blocks of a text, of which the first must hold two lines.
BLOCK, LONGEST_LINE = 2**20, 2**25
END_OF_LINE = re.compile(rb"[\r\n]")

SEPARATORS = ",;\t|"
PACKED = {".gz", ".bz2", ".zst", ".lz4"}


class TableFileError(ValueError):
    """Raised when a file can't be read as a table: names the file, and says what is wrong."""


def read_file(path: str | Path, words: Collection[str] = (), largest: int | None = None) -> Any:
    """Return the table of a file as a `pyarrow.Table`, of at most `largest` bytes, or LARGEST.

    Parquet and Arrow (Feather) files are known by their first bytes, whatever they are called. Any
    other file is text with one line a row, the first with the names of the columns; the separator
    is found in it, and may be a comma, a semicolon, a tab or a bar. PyArrow finds the types, and
    unpacks ``.gz``, ``.bz2``, ``.zst`` and ``.lz4``. Empty words and those such as NA are missing.
    Numbers with a zero in front, such as postal codes, are words, and so are the columns named in
    `words`. Where a semicolon or a tab separates, a comma may be a decimal point.

    Raises
    ------
    TableFileError
        If it can't be read, holds no rows, or is larger than fits into memory at ease.
    ImportError
        If PyArrow, of the extra ``tables``, is not there.
    """
    path = Path(path)
    largest = LARGEST if largest is None else largest
    pa = load_pyarrow()
    if path.is_dir():
        raise TableFileError(f"{path} is a folder; give a file")
    try:
        size = path.stat().st_size
        if size > largest:
            raise TableFileError(
                f"{path} has {size / 1e9:.1f} GB, more than the {largest / 1e9:g} GB that are "
                "read into memory; take some of its rows"
            )
        if size == 0:
            raise TableFileError(f"{path} is empty")
        with path.open("rb") as file:
            first = file.read(8)
        if first.startswith(b"PAR1"):
            table = read_parquet(path, largest)
        elif first.startswith(b"ARROW1"):
            table = read_arrow(path, largest)
        elif first.startswith(b"FEA1"):
            # PyArrow reads them without a look at what is in them, and ends with the process
            raise TableFileError(f"{path} is a Feather file of the first version; save it as CSV")
        elif first.startswith(b"PK") or first.lstrip()[:1] in (b"{", b"["):
            what = "an Excel file, or another packed one" if first[:1] == b"P" else "JSON"
            raise TableFileError(f"{path} looks like {what}; save it as CSV or Parquet")
        else:
            table = _read_text(path, words, largest)
    except TableFileError:
        raise
    except UnpackedError:
        raise TableFileError(
            f"{path} unpacks to more than the {largest / 1e9:g} GB that are read into memory; "
            "take some of its rows"
        ) from None
    except (OSError, pa.ArrowException, ValueError) as error:
        raise TableFileError(f"{path} can't be read: {_first_sentence(error)}") from None
    if table.num_rows == 0 or table.num_columns == 0:
        raise TableFileError(f"{path} has {table.num_columns} columns and no rows")
    names = table.column_names
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise TableFileError(f"{path} has two columns named {twice!r}")
    return table


def has_value(column: Any) -> Any:
    """Return where a column of PyArrow has a value that is neither null nor NaN."""
    import pyarrow.compute

    return pyarrow.compute.invert(pyarrow.compute.is_null(column, nan_is_null=True))


def write_file(columns: Mapping[str, Any], to: Path | BinaryIO, *, overwrite: bool = True) -> None:
    """Write named columns to a file, whole or not at all: Parquet if it is called so, else CSV.

    Raises FileExistsError if it is there already and is not to be replaced, OSError if it can't be
    written.
    """
    pa = load_pyarrow()
    import pyarrow.csv

    table = pa.table(dict(columns))
    if not isinstance(to, Path):
        pyarrow.csv.write_csv(table, to)
        return
    with writing(to, overwrite=overwrite) as file:
        if to.suffix.lower() == ".parquet":
            import pyarrow.parquet

            pyarrow.parquet.write_table(table, file)
        else:
            pyarrow.csv.write_csv(table, file)


def _first_sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).split("\n")[0].split(". ")[0].strip().rstrip(".")[:200]


def _read_text(path: Path, words: Collection[str], largest: int) -> Any:
    import pyarrow as pa
    import pyarrow.compute
    import pyarrow.csv

    beginning, line = _look_at(path, largest)
    if b"\x00" in beginning:
        raise TableFileError(f"{path} is no text, nor a file of Parquet or Arrow")
    try:
        text = beginning.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(beginning) - 4:
            raise TableFileError(
                f"{path} is not in UTF-8: byte {error.start} is {beginning[error.start]:#x}"
            ) from None
        text = beginning[: error.start].decode("utf-8-sig")
    separator = find_separator(text)
    columns = line.count(separator.encode()) + 1
    if columns > MOST_COLUMNS or len(line) >= LONGEST_LINE:
        raise TableFileError(
            f"{path} has {columns:,} columns in a first line of {len(line):,} bytes, more than the "
            f"{MOST_COLUMNS:,}, or {LONGEST_LINE:,}, that are read"
        )
    block = max(BLOCK, 4 * len(line))

    def read(types: dict[str, Any], only: list[str] | None = None) -> Any:
        return pyarrow.csv.read_csv(
            path,
            read_options=pyarrow.csv.ReadOptions(block_size=block),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=separator, newlines_in_values='"' in text
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                strings_can_be_null=True,
                decimal_point="," if has_decimal_commas(text, separator) else ".",
                column_types=types,
                include_columns=only,
            ),
        )

    table = read(dict.fromkeys(words, pa.string()))
    whole = [field.name for field in table.schema if pa.types.is_integer(field.type)]
    if whole and len(set(table.column_names)) == table.num_columns:
        as_text = read(dict.fromkeys(whole, pa.string()), whole)
        for name in whole:
            zeros = pyarrow.compute.match_substring_regex(as_text[name], r"^[+-]?0[0-9]")
            if pyarrow.compute.any(zeros).as_py():
                place = table.column_names.index(name)
                table = table.set_column(place, name, as_text[name])
    return table


def _look_at(path: Path, most: int) -> tuple[bytes, bytes]:
    """Return the beginning of a text, and its first line or the most of it that is read.

    Raises UnpackedError if it is packed, and unpacks to more than `most` bytes.
    """
    with load_pyarrow().input_stream(str(path), compression="detect") as stream:
        beginning = line = stream.read(BEGINNING)
        end = END_OF_LINE.search(line)
        while not end and len(line) < LONGEST_LINE and (part := stream.read(2**20)):
            line += part
            end = END_OF_LINE.search(line, len(line) - len(part))
        unpacked = len(line)
        while path.suffix in PACKED and (part := stream.read(2**20)):
            unpacked += len(part)
            if unpacked > most:
                raise UnpackedError
    return beginning, line[: end.start()] if end else line


def has_decimal_commas(text: str, separator: str) -> bool:
    """Whether words such as 1,5 stand alone between what separates the columns of a text."""
    if separator not in ";\t":
        return False
    alone = rf"(?:^|{separator})[+-]?[0-9]*,[0-9]+(?=$|{separator}|\r)"
    return re.search(alone, text, re.MULTILINE) is not None


def find_separator(text: str) -> str:
    """Return what separates the columns in the first lines of a text: one of ``, ; tab |``.

    It is what occurs equally often in all of them, and most often; a comma if nothing does.
    """
    lines = text.splitlines()
    if len(lines) > 1:
        lines = lines[:-1]  # the last may be cut off
    rows = {s: list(csv.reader(lines[:50], delimiter=s)) for s in SEPARATORS}
    widths = {s: {len(row) for row in rows[s] if row} for s in SEPARATORS}
    even = {s: max(found) for s, found in widths.items() if len(found) == 1}
    best = max(even, key=lambda s: even[s], default=",")
    return best if even.get(best, 1) > 1 else ","
