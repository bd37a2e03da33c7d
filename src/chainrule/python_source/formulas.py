"""Formulas as text: the source of the functions that run, without their types."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import FunctionType, ModuleType
from typing import Any, cast

import numpy as np

from chainrule.formula_text.running import TreeFunction
from chainrule.formula_text.writing import as_numpy
from chainrule.python_source.blocks import WIDTH, Block, wrapped
from chainrule.python_source.inlining import inlined

# Modules that a formula may use, by the name that the script imports them under.
_MODULES = {"numpy": "np", "math": "math"}


class Formulas:
    """The functions that a script needs, each once, with the functions and numbers they use.

    Parameters
    ----------
    reserved : iterable of str
        Names that the script has for something else.
    single : bool, default False
        Whether the arrays are of float32.

    Attributes
    ----------
    imports : set of str
        Lines of import that they need.
    blocks : list of Block
        Their sources, in an order in which each stands behind what it uses.
    """

    def __init__(self, reserved: Iterable[str], *, single: bool = False) -> None:
        self.imports: set[str] = set()
        self.blocks: list[Block] = []
        self._taken = set(reserved)
        self._single = single
        self._names: dict[Any, str] = {}

    def name(
        self, what: str, function: Callable[..., Any], constants: Mapping[str, Any] | None = None
    ) -> str:
        """Return what the script calls a function, and note its source.

        Its last arguments are the `constants`, which become its defaults. Raises ValueError,
        which calls the function `what`, if there is no source that stands by itself.
        """
        constants = dict(constants or {})
        if isinstance(function, TreeFunction):
            return self._typed(what, function)
        if getattr(np, getattr(function, "__name__", ""), None) is function and not constants:
            return f"np.{function.__name__}"
        if not isinstance(function, FunctionType) or function.__closure__:
            raise _no_source(what, function)
        parameters = list(inspect.signature(function).parameters.values())
        arguments = [parameter.name for parameter in parameters]
        defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        last = arguments[len(arguments) - len(constants) :]
        defaults |= dict(zip(last, constants.values(), strict=True))
        key = (function, tuple(defaults.items()))
        if key not in self._names:
            node, lines = _definition(what, function)
            self._add(what, key, function, node, lines, arguments, defaults)
        return self._names[key]

    def method(self, what: str, instance: Any, method: str) -> str:
        """Return the name of a function that does what a method of a frozen dataclass does.

        The fields of the `instance` become its last arguments, with their values as defaults.
        """
        function = getattr(type(instance), method)
        node, lines = _definition(what, function)
        fields = dict(vars(instance))
        words = re.sub("(?<!^)(?=[A-Z])", "_", type(instance).__name__).lower()
        arguments = [a.arg for a in node.args.args if a.arg != "self"] + list(fields)
        key = (function, tuple(fields.items()))
        if key not in self._names:
            doc = ast.get_docstring(node) or inspect.getdoc(type(instance)) or ""
            doc = doc.split("\n\n")[0].replace("`", "")
            self._add(what, key, function, node, lines, arguments, fields, name=words, doc=doc)
        return self._names[key]

    def _typed(self, what: str, function: TreeFunction) -> str:
        """Return the name of a typed formula, or of its slope, which is written from its tree."""
        if function not in self._names:
            text = as_numpy(function.for_arrays, lambda called: self.name(what, called))
            self._names[function] = name = self._free("g_slope" if function.of_a else "g")
            head = f"{name}(z, a)" if function.of_a else f"{name}(z)"
            body = [f"return {text}"]
            if len(body[0]) > WIDTH - 4:
                lines = textwrap.wrap(text, WIDTH - 8)
                body = ["return (", *(f"    {line}" for line in lines), ")"]
            doc = f"{function.__doc__}."
            self.blocks.append(Block(head, doc, body, formula=True))
        return self._names[function]

    def _add(
        self,
        what: str,
        key: Any,
        function: FunctionType,
        node: ast.FunctionDef,
        lines: list[str],
        arguments: list[str],
        defaults: Mapping[str, Any],
        *,
        name: str | None = None,
        doc: str | None = None,
    ) -> None:
        name = self._free(name or function.__name__.lstrip("_"))
        self._names[key] = name
        signature = [
            f"{a}={_value(what, function, defaults[a])}" if a in defaults else a for a in arguments
        ]
        doc = ast.get_docstring(node) if doc is None else doc
        body = self._body(what, function, node, lines)
        head = f"{name}({', '.join(signature)})"
        tight = None
        if function.__module__.startswith("chainrule."):  # of one's own, all is as it was written
            tight = inlined(body, arguments, single=self._single)
        self.blocks.append(Block(head, _first_paragraph(doc or ""), body, True, tight))

    def _body(
        self, what: str, function: FunctionType, node: ast.FunctionDef, lines: list[str]
    ) -> list[str]:
        """Return the lines below the docstring, in which helpers go by the script's names."""
        has_doc = ast.get_docstring(node) is not None
        statements = node.body[1:] if has_doc else node.body
        if not statements:
            raise _no_source(what, function)
        # Behind the docstring, so that a comment above the first statement is kept
        begin = (node.body[0].end_lineno or 0) if has_doc else statements[0].lineno - 1
        own = {a.arg for a in ast.walk(node) if isinstance(a, ast.arg)} | {
            n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        changes: list[tuple[int, int, int, str]] = []
        parts = [part for statement in statements for part in ast.walk(statement)]
        typed = [part for part in parts if isinstance(part, ast.AnnAssign)]
        for one in typed:  # a: float = 1.0 becomes a = 1.0
            start, end = one.target.end_col_offset or 0, one.annotation.end_col_offset or 0
            changes.append((one.lineno, start, end, ""))
        types = {id(name) for one in typed for name in ast.walk(one.annotation)}
        for part in parts:
            if id(part) in types:
                continue
            if isinstance(part, ast.Attribute) and _is_self(part.value):
                changes.append((part.lineno, part.col_offset, part.end_col_offset or 0, part.attr))
            if isinstance(part, ast.Name) and part.id not in own and part.id != "self":
                new = self._global(what, function, part.id)
                if new != part.id:
                    place = part.lineno, part.col_offset, part.end_col_offset or 0
                    changes.append((*place, new))
        encoded = [line.encode() for line in lines]  # where ast counts columns in bytes
        for row, start, end, new in sorted(changes, reverse=True):
            line = encoded[row - 1]
            encoded[row - 1] = line[:start] + new.encode() + line[end:]
        indent = statements[0].col_offset
        body = [line.decode() for line in encoded[begin : node.end_lineno]]
        return [line[indent:] for line in body]

    def _global(self, what: str, function: FunctionType, name: str) -> str:
        """Return what the script calls a name that a function finds outside itself."""
        if name not in function.__globals__:
            if hasattr(builtins, name):
                return name
            raise _no_source(what, function)
        value: Any = function.__globals__[name]
        if isinstance(value, ModuleType) and value.__name__ in _MODULES:
            short = _MODULES[value.__name__]
            if short != "np":
                self.imports.add(f"import {short}")
            return short
        if getattr(value, "__module__", None) == "math":
            self.imports.add("import math")
            return f"math.{getattr(value, '__name__', name)}"
        if isinstance(value, FunctionType) or getattr(np, name, None) is value:
            return self.name(what, cast("Callable[..., Any]", value))
        if (function.__module__, name) not in self._names:
            text = _value(what, function, value)
            free = self._free(name.lstrip("_"))
            self._names[function.__module__, name] = free
            self.blocks.append(Block("", "", wrapped(f"{free} = ", text), formula=True))
        return self._names[function.__module__, name]

    def _free(self, name: str) -> str:
        free, count = name, 1
        while free in self._taken:
            count += 1
            free = f"{name}_{count}"
        self._taken.add(free)
        return free


def _definition(what: str, function: FunctionType) -> tuple[ast.FunctionDef, list[str]]:
    """Return a function as it was parsed, and its lines."""
    try:
        source = _source(function)
        node = ast.parse(source).body[0]
    except (OSError, TypeError, SyntaxError):
        raise _no_source(what, function) from None
    if (
        not isinstance(node, ast.FunctionDef)
        or node.decorator_list
        or node.args.vararg
        or node.args.kwarg
    ):
        raise _no_source(what, function)
    return node, source.splitlines()


@cache
def _source(function: FunctionType) -> str:
    return textwrap.dedent(inspect.getsource(function))


def _no_source(what: str, function: Any) -> ValueError:
    name = getattr(function, "__name__", type(function).__name__)
    return ValueError(
        f"the {what} is your own {name!r}, whose source does not stand by itself; write it as "
        f"def {name.strip('<>')}(…) in a file, with NumPy, math, plain numbers and functions of "
        f"that kind alone"
    )


def _value(what: str, function: Any, value: Any) -> str:
    """Return plain numbers, and the types of numbers, as text."""
    type_name = getattr(value, "__name__", "")
    if isinstance(value, type) and getattr(np, type_name, None) is value:
        return f"np.{type_name}"
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (int, float, str, type(None))) and value == value:
        return repr(value).replace("inf", "np.inf") if isinstance(value, float) else repr(value)
    if isinstance(value, tuple):
        listed = ", ".join(_value(what, function, part) for part in value)
        return f"({listed},)" if len(value) == 1 else f"({listed})"
    if isinstance(value, Mapping):
        parts = (f"{key!r}: {_value(what, function, part)}" for key, part in value.items())
        return f"{{{', '.join(parts)}}}"
    raise _no_source(what, function)


def _first_paragraph(doc: str) -> str:
    text = " ".join(doc.split("\n\n")[0].split())
    return text.replace("\\", "\\\\").replace('"""', "'''")


def _is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"
