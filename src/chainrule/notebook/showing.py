"""A formula, or the source of a function, shown in a notebook from the library itself."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from dataclasses import dataclass
from typing import Any

from chainrule.activation import Activation
from chainrule.loss import Loss


@dataclass(frozen=True)
class Source:
    """Source text, which a notebook shows with its colours."""

    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return f"```python\n{self.text}\n```"


@dataclass(frozen=True)
class Formula:
    """A formula in LaTeX, which a notebook sets."""

    latex: str

    def __repr__(self) -> str:
        return self.latex

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex}\n$$"


def source(*functions: Any) -> Source:
    """Return the source of functions, as it runs, with the first line of each docstring.

    Parameters
    ----------
    *functions : function, method or property
        What to show, one after the other. ``help(f)`` has the whole docstring.

    Raises
    ------
    TypeError
        If one has no source in Python, such as a function of NumPy that is compiled.

    Examples
    --------
    >>> from chainrule.activations import ACTIVATIONS
    >>> source(ACTIVATIONS["tanh"].slope)
    def tanh_slope(z: Array, a: Array) -> Array:
        \"\"\"1 − a².\"\"\"
        return 1 - a * a
    """
    return Source("\n\n\n".join(_text_of(f) for f in functions))


def formula(*formulas: Activation | Loss) -> Formula:
    """Return the value and the slope of activations and losses, in LaTeX, as they hold it.

    Parameters
    ----------
    *formulas : Activation or Loss
        What to show, a line each.

    Raises
    ------
    TypeError
        If one is neither.

    Examples
    --------
    >>> from chainrule.activations import ACTIVATIONS
    >>> formula(ACTIVATIONS["tanh"])
    \\begin{aligned}
    g(z) &= \\tanh z & g'(z, a) &= 1 - a^2
    \\end{aligned}
    """
    lines = " \\\\\n".join(_line_of(f) for f in formulas)
    return Formula(f"\\begin{{aligned}}\n{lines}\n\\end{{aligned}}")


def _text_of(f: Any) -> str:
    if isinstance(f, property):
        f = f.fget
    elif isinstance(f, functools.cached_property):
        f = f.func
    try:
        text = textwrap.dedent(inspect.getsource(f)).rstrip()
    except (TypeError, OSError):
        raise TypeError(f"functions must be written in Python to be shown, got {f!r}") from None
    return _with_short_docstring(text)


def _with_short_docstring(text: str) -> str:
    try:
        (definition,) = ast.parse(text).body
    except (SyntaxError, ValueError):  # a lambda's text is a part of what stands around it
        return text
    if not isinstance(definition, ast.FunctionDef | ast.ClassDef):
        return text
    docstring = ast.get_docstring(definition)
    if docstring is None or "\n" not in docstring:
        return text
    lines, node = text.splitlines(), definition.body[0]
    assert node.end_lineno is not None
    indent = " " * node.col_offset
    first = f'{indent}"""{docstring.splitlines()[0]}"""'
    return "\n".join([*lines[: node.lineno - 1], first, *lines[node.end_lineno :]])


def _line_of(f: Activation | Loss) -> str:
    if isinstance(f, Activation):
        slope = f.slope_latex if f.vjp else f"g'(z, a) &= {f.slope_latex}"
        return f"g(z) &= {f.latex} & {slope}"
    if isinstance(f, Loss):
        return f"L(a, y) &= {f.latex} & \\frac{{dL}}{{da}} &= {f.slope_latex}"
    raise TypeError(f"formulas must be activations or losses, got {type(f).__name__}")
