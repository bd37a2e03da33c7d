"""Reading JSON from a file that nobody vouches for: what is odd in it is refused, not guessed."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, NoReturn

# As many digits as the integers of 64 bits have, and room for a float's own.
_DIGITS = 40


def parse(text: bytes) -> Any:
    """Return what a JSON text says, or say why it can't be read.

    Raises ValueError for a text that is not JSON in UTF-8, names an entry twice, is nested too
    deeply, or holds a number that is not finite or has too many digits.
    """
    try:
        return json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_once,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_refuse_constant,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def fields(what: str, value: object, names: Sequence[str]) -> list[Any]:
    """Return the entries of a JSON object in the order of `names`, of which none may be amiss.

    Raises TypeError if it is not an object, ValueError if an entry is missing or unknown.
    """
    if not isinstance(value, dict):
        raise TypeError(f"{what} must be an object with {', '.join(names)}, got {value!r:.60}")
    for name in names:
        if name not in value:
            raise ValueError(f"{what} must have an entry {name!r}, and has none")
    for name in value:
        if name not in names:
            raise ValueError(f"{what} must have no other entries than its own, got {name!r:.60}")
    return [value[name] for name in names]


def items(what: str, value: object) -> list[Any]:
    """Return a JSON list that has something in it, or raise TypeError or ValueError."""
    if not isinstance(value, list):
        raise TypeError(f"{what} must be a list, got {value!r:.60}")
    if not value:
        raise ValueError(f"{what} must not be empty")
    return value


def string(what: str, value: object) -> str:
    """Return a JSON string, or raise TypeError."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a string, got {value!r:.60}")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for name, value in pairs:
        if name in entries:
            raise ValueError(f"the entry {name!r:.60} is there twice")
        entries[name] = value
    return entries


def _integer(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise ValueError(f"the number {digits:.20}… has {len(digits)} digits")
    return int(digits)


def _number(digits: str) -> float:
    x = float(digits)
    if not math.isfinite(x):
        raise ValueError(f"the number {digits:.40} is not finite")
    return x


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"the number {name} is not finite")
