"""The functions that a typed formula may call: each value beside its slope, LaTeX and range."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._types import Array
from chainrule.activations import sigmoid, softplus
from chainrule.formula_text.tree import Binary, Call, Name, Negative, Node, Number
from chainrule.normal_distribution import normal_cdf


def relu(z: Array) -> Array:
    """max(z, 0)."""
    return np.maximum(z, 0)


def step(z: Array) -> Array:
    """1 right of zero, 0 left of it and on it."""
    return np.heaviside(z, 0)


def erf(z: Array) -> Array:
    """2 Φ(√2 z) − 1."""
    return 2 * normal_cdf(1.4142135623730951 * z) - 1


@dataclass(frozen=True)
class Function:
    """A function of one argument.

    Attributes
    ----------
    run : callable
        Its value, in NumPy's notation.
    slope : str
        Its slope, as a typed formula.
    latex : str
        Its LaTeX, with % for the argument; `tight` where no parentheses are needed around that.
    rises : (float, float) or None
        If it never falls, where it is a number at all.
    range : (float, float)
        The interval of its values.
    """

    run: Callable[[Any], Any]
    slope: str
    latex: str
    rises: tuple[float, float] | None = None
    range: tuple[float, float] = (-math.inf, math.inf)
    tight: bool = False


ALL = (-math.inf, math.inf)
POSITIVE = (0.0, math.inf)

FUNCTIONS: dict[str, Function] = {
    "abs": Function(np.abs, "sign(z)", r"\left|%\right|", range=POSITIVE, tight=True),
    "atan": Function(np.arctan, "1/(1 + z^2)", r"\arctan", ALL, (-math.pi / 2, math.pi / 2)),
    "cos": Function(np.cos, "-sin(z)", r"\cos", range=(-1, 1)),
    "cosh": Function(np.cosh, "sinh(z)", r"\cosh", range=(1, math.inf)),
    "erf": Function(erf, "2/sqrt(pi)*exp(-z^2)", r"\mathrm{erf}", ALL, (-1, 1)),
    "exp": Function(np.exp, "exp(z)", "e^{%}", ALL, POSITIVE, tight=True),
    "expm1": Function(np.expm1, "exp(z)", "e^{%} - 1", ALL, (-1, math.inf), tight=True),
    "log": Function(np.log, "1/z", r"\ln", POSITIVE),
    "log1p": Function(np.log1p, "1/(1 + z)", r"\ln(1 + %)", (-1, math.inf), tight=True),
    "relu": Function(relu, "step(z)", r"\mathrm{ReLU}", ALL, POSITIVE),
    "sigmoid": Function(sigmoid, "sigmoid(z)*(1 - sigmoid(z))", r"\sigma", ALL, (0, 1)),
    "sign": Function(np.sign, "0", r"\mathrm{sign}", ALL, (-1, 1)),
    "sin": Function(np.sin, "cos(z)", r"\sin", range=(-1, 1)),
    "sinh": Function(np.sinh, "cosh(z)", r"\sinh", ALL),
    "softplus": Function(softplus, "sigmoid(z)", r"\ln(1 + e^{%})", ALL, POSITIVE, tight=True),
    "sqrt": Function(np.sqrt, "1/(2*sqrt(z))", r"\sqrt{%}", POSITIVE, POSITIVE, tight=True),
    "step": Function(step, "0", r"\mathrm{step}", ALL, (0, 1)),
    "tanh": Function(np.tanh, "1 - tanh(z)^2", r"\tanh", ALL, (-1, 1)),
}
PAIRS: dict[str, Callable[[Any, Any], Any]] = {"max": np.maximum, "min": np.minimum}
# How many arguments each takes.
ARGUMENTS = dict.fromkeys(FUNCTIONS, 1) | dict.fromkeys(PAIRS, 2) | {"where": 3}
# What is read as another name.
ALSO = {"arctan": "atan", "ln": "log"}
CONSTANTS = {"e": math.e, "pi": math.pi}

OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
}
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def constant(node: Node) -> float:
    """Return the value of a tree without z, which may be infinite or NaN."""
    with np.errstate(all="ignore"):
        return float(_constant(node))


def _constant(node: Node) -> Any:
    match node:
        case Number(value):
            return np.float64(value)
        case Name(name):
            return np.float64(CONSTANTS[name])
        case Negative(of):
            return -_constant(of)
        case Binary(sign, left, right):
            return OPERATIONS[sign](_constant(left), _constant(right))
        case Call(name, (x, y)):
            return PAIRS[name](_constant(x), _constant(y))
        case Call(name, (x,)):
            return FUNCTIONS[name].run(_constant(x))
    raise AssertionError(f"{node} has no value of its own")  # a comparison always has z in it
