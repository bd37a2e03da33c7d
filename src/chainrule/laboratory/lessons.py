"""Lessons: steps that a teacher writes as JSON, each with a text, settings, and what is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

from chainrule import _checks, _json
from chainrule.laboratory.settings import SettingError, Settings

# Shipped with the library, in the order in which they are offered.
SHIPPED = ("why-nonlinear", "learning-rate", "overfitting")

# Parts of the page that a step can point at, and what it can have done.
PARTS = ("data", "network", "training", "plane", "panel", "curve")
ACTS = ("play", "pause", "batch", "epoch", "reset", "walk", "slice", "explain")

MOST_STEPS, LONGEST = 100, 5000


@dataclass(frozen=True)
class Step:
    """One step: its title and text, settings to set, messages to the desk, parts to look at."""

    title: str
    text: str
    settings: dict[str, Any]
    do: list[dict[str, Any]]
    look: list[str]


@dataclass(frozen=True)
class Lesson:
    """A lesson: its name, its title and its steps."""

    name: str
    title: str
    steps: list[Step]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)


def shipped_lesson(name: str) -> Lesson:
    """Return a lesson of the library. Raises SettingError if there is none of that name."""
    if name not in SHIPPED:
        raise SettingError("lesson", f"there is no lesson {name!r:.40}")
    file = resources.files("chainrule.laboratory") / "lessons" / f"{name}.json"
    return read_lesson(_json.parse(file.read_bytes()), name)


def titles() -> list[dict[str, str]]:
    """Return name and title of each lesson of the library."""
    return [{"name": name, "title": shipped_lesson(name).title} for name in SHIPPED]


def read_lesson(given: object, name: str = "own") -> Lesson:
    """Return a lesson from what its JSON holds.

    Raises ValueError or TypeError that names the step and says what is wrong with it.
    """
    title, steps = _json.fields("lesson", given, ("title", "steps"))
    _text("title", title, 200)
    items = _list("steps", steps)
    if not 1 <= len(items) <= MOST_STEPS:
        raise ValueError(f"steps must be from 1 to {MOST_STEPS}, got {len(items)}")
    return Lesson(name, title, [_step(i, item) for i, item in enumerate(items, 1)])


def _step(i: int, given: object) -> Step:
    what = f"step {i}"
    if not isinstance(given, Mapping):
        raise TypeError(f"{what} must be an object, got {given!r:.40}")
    allowed = ("title", "text", "settings", "do", "look")
    for key in given:
        if key not in allowed:
            raise ValueError(f"{what} has {key!r:.40}, and may have {', '.join(allowed)}")
    title = _text(f"title of {what}", given.get("title", ""), 200)
    text = _text(f"text of {what}", given.get("text", ""), LONGEST)
    settings = given.get("settings") or {}
    if not isinstance(settings, Mapping):
        raise TypeError(f"settings of {what} must be an object, got {settings!r:.40}")
    try:
        Settings().changed(settings)
    except SettingError as error:
        raise ValueError(f"in {what}, {error}") from None
    do = _list(f"do of {what}", given.get("do") or [])
    for act in do:
        if not isinstance(act, Mapping):
            raise TypeError(f"each of do of {what} must be an object, got {act!r:.40}")
        _checks.check_choice(f"do of {what}", act.get("do"), ACTS)
    look = _list(f"look of {what}", given.get("look") or [])
    for part in look:
        _checks.check_choice(f"look of {what}", part, PARTS)
    return Step(title, text, dict(settings), [dict(act) for act in do], look)


def _list(what: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{what} must be a list, got {value!r:.40}")
    return value


def _text(what: str, value: object, longest: int) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{what} must be text, got {value!r:.40}")
    if len(value) > longest:
        raise ValueError(f"{what} must have at most {longest:,} letters, got {len(value):,}")
    return value
