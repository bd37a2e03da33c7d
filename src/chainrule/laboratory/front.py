"""The front end: ES modules joined into one, which the page loads, and a notebook's widget is."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from importlib.resources import files

STYLES = ("lab.css", "diagram.css")

# Of these modules an import is one line, and takes names as they are.
_IMPORT = re.compile(r'^import \{[^}\n]*\} from "\./(\w+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default\b)", re.MULTILINE)

# Comments and indents are for who reads the modules; each widget that a notebook saves has all the
# rest with it. No text in backquotes goes on over a line's end, so no indent is a part of one.
_COMMENT = re.compile(r"^[ \t]*(?:/\*\*(?s:.*?)\*/|//[^\n]*)[ \t]*\n", re.MULTILINE)
_INDENT = re.compile(r"^[ \t]+|\n(?=\n)", re.MULTILINE)


@functools.cache
def module() -> str:
    """Return the module with the default export that an anywidget has."""
    return join("lab.js", _read)


@functools.cache
def page_module() -> str:
    """Return the module that the page loads: the same, and it starts."""
    return module() + 'startPage(document.querySelector("#lab"));\n'


@functools.cache
def style() -> str:
    """Return the style sheet of the lab."""
    return "\n".join(_read(name) for name in STYLES)


@functools.cache
def page() -> str:
    """Return the page, which loads page.js, lab.css and icon.svg from beside it."""
    return _read("page.html")


@functools.cache
def icon() -> str:
    """Return the page's icon, in SVG."""
    return _read("icon.svg")


def join(name: str, read: Callable[[str], str]) -> str:
    """Return a module and all that it imports as one, each after those that it imports.

    Comments that have a line of their own, indents and empty lines are left out. No two may have
    the same name at their top, since then they share it.
    """
    joined: dict[str, str] = {}
    begun: set[str] = set()

    def add(name: str) -> None:
        if name not in begun:
            begun.add(name)
            text = read(name)
            for other in _IMPORT.findall(text):
                add(other)
            text = _COMMENT.sub("", _EXPORT.sub("", _IMPORT.sub("", text)))
            joined[name] = _INDENT.sub("", text).strip("\n")

    add(name)
    return "\n".join(joined.values()) + "\n"


def _read(name: str) -> str:
    return (files("chainrule.laboratory") / "front" / name).read_text(encoding="utf-8")
