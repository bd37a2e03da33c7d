"""What each column of a table is found to be, and what becomes of it."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule._types import FloatArray
from chainrule.tabular.tables import Column, Table

# Words that stand for a missing value in a column of numbers or dates that came as text.
MISSING_WORDS = {"?", "-", "na", "n/a", "nan", "nat", "null", "none", "."}

# A column of words of which more than this share occurs once, in at least so many rows, can't be
# learned from.
MOST_UNIQUE, FEWEST_ROWS = 0.9, 20
# Whole numbers, each once, that fill more than this share of their range are the numbers of rows,
# or of some of them, if there are so many.
MOST_FILLED, FEWEST_NUMBERS = 0.4, 100
NUMBERS_ROWS = "numbers the rows"


@dataclass(frozen=True)
class Role:
    """What a column is.

    Attributes
    ----------
    name : str
    kind : {"number", "date", "category", "dropped"}
    came_as : {"number", "date", "word"}
        What it was in the table that was learned from.
    missing : int
        How many of its values were missing there.
    distinct : int
        How many different ones there were.
    reason : str
        Why it was dropped, or not taken for what it came as; empty otherwise.
    """

    name: str
    kind: str
    came_as: str
    missing: int
    distinct: int
    reason: str = ""


def find_roles(
    table: Table, categorical: Collection[str] = (), numeric: Collection[str] = ()
) -> list[Role]:
    """Return the role of each column; those named are categories, or numbers, in any case."""
    for what, names in (("categorical_features", categorical), ("numeric_features", numeric)):
        for name in names:
            if name not in table.columns:
                listed = ", ".join(table.columns)
                raise ValueError(f"{what} must be columns of X, {listed}; got {name!r}")
            if name in categorical and name in numeric:
                raise ValueError(f"{name!r} can't be in categorical_features and numeric_features")
    return [
        _role(column, column.name in categorical, column.name in numeric)
        for column in table.columns.values()
    ]


def _role(column: Column, categorical: bool, numeric: bool) -> Role:
    missing = column.missing
    there = column.values[~missing]
    if column.kind != "word" and not np.isfinite(there).any():
        there = there[:0]
    values, counts = np.unique(
        there.astype(str) if column.kind == "word" else there, return_counts=True
    )
    facts = (column.kind, int(missing.sum()), len(values))
    if len(values) == 0:
        return Role(column.name, "dropped", *facts, "no value is there")
    if len(values) == 1 and not missing.any():
        return Role(column.name, "dropped", *facts, f"all values are {_shown(column, values[0])}")
    if categorical:
        return Role(column.name, "category", *facts, "named in categorical_features")
    if column.kind == "number":
        if not numeric and _counts_rows(column.values):
            return Role(column.name, "dropped", *facts, NUMBERS_ROWS)
        return Role(column.name, "number", *facts)
    if column.kind == "date":
        return Role(column.name, "date", *facts)
    for kind, parse in (("number", parse_numbers), ("date", parse_dates)):
        parsed = parse(values)
        if parsed is not None and np.isfinite(parsed).any():
            gone = int(missing.sum() + counts[np.isnan(parsed)].sum())
            facts = (column.kind, gone, int((~np.isnan(parsed)).sum()))
            return Role(column.name, kind, *facts, f"all words are {kind}s")
    if numeric:
        raise ValueError(f"column {column.name!r} of numeric_features must hold numbers")
    alone = counts[counts == 1].sum() / len(there)
    if alone > MOST_UNIQUE and len(there) >= FEWEST_ROWS:
        why = f"{100 * alone:.0f} % of the words occur once: a name or free text"
        return Role(column.name, "dropped", *facts, why)
    return Role(column.name, "category", *facts)


def _shown(column: Column, value: Any) -> str:
    if column.kind == "date":
        try:
            return str(datetime.fromtimestamp(float(value), UTC).replace(tzinfo=None))
        except (ValueError, OverflowError, OSError):  # a year that no calendar has
            return f"{value:g} seconds from 1970"
    return f"{value:g}" if column.kind == "number" else repr(str(value))


def _counts_rows(values: FloatArray) -> bool:
    """Whether values (m,) are whole numbers, each once, close together, as those of an index."""
    if len(values) < FEWEST_NUMBERS or not np.isfinite(values).all():
        return False
    if (values != np.round(values)).any() or len(np.unique(values)) < len(values):
        return False
    return bool(len(values) > MOST_FILLED * (np.ptp(values) + 1))


def parse_numbers(words: npt.NDArray[Any]) -> FloatArray | None:
    """Return words (n,), or None for missing ones, as numbers; None if one is not a number.

    A word with a zero in front, such as a postal code, is no number.
    """
    numbers = np.full(len(words), math.nan)
    for i, word in enumerate(words):
        if word is None or word.lower() in MISSING_WORDS:
            continue
        digits = word.lstrip("+-")
        if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
            return None
        try:
            numbers[i] = float(word.replace("_", "x"))
        except ValueError:
            return None
    return numbers


def parse_dates(words: npt.NDArray[Any]) -> FloatArray | None:
    """Return words (n,), dates of ISO 8601, as seconds since 1970; None if one is not a date."""
    seconds = np.full(len(words), math.nan)
    for i, word in enumerate(words):
        if word is None or word.lower() in MISSING_WORDS:
            continue
        try:
            moment = datetime.fromisoformat(word)
        except ValueError:
            return None
        seconds[i] = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return seconds


def as_role(column: Column, role: Role) -> npt.NDArray[Any]:
    """Return the values of a column as its role has them: floats, or words.

    Raises ValueError if words are there that are no number, or no date, where those are needed.
    """
    if role.kind == "category":
        return column.values if column.kind == "word" else as_words(column.values)
    if column.kind == "word":
        parse = parse_numbers if role.kind == "number" else parse_dates
        parsed = parse(column.values)
        if parsed is None:
            wrong = next(
                value
                for value in column.values
                if value is not None and parse(np.array([value], object)) is None
            )
            what = "numbers" if role.kind == "number" else "dates"
            raise ValueError(
                f"column {role.name!r} must hold {what}, as in training; got {wrong!r:.60}"
            )
        return parsed
    if column.kind != role.kind and not np.isnan(column.values).all():
        raise ValueError(
            f"column {role.name!r} must hold {role.kind}s, as in training; got {column.kind}s"
        )
    return column.values


def as_words(numbers: FloatArray) -> npt.NDArray[Any]:
    """Return numbers as words, None for NaN."""
    words = np.empty(len(numbers), dtype=object)
    words[:] = [
        None if x != x else str(int(x)) if float(x).is_integer() else str(x)
        for x in numbers.tolist()
    ]
    return words
