"""An update rule, line by line of its own source: symbols, the numbers for them, the value."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.explain.notation import Math, as_math, coloured, factor
from chainrule.optimizers import weight_decay

_SYMBOLS = {
    "alpha": (r"\alpha", "α"),
    "alpha_t": (r"\alpha_t", "αₜ"),
    "mu": (r"\mu", "μ"),
    "rho": (r"\rho", "ρ"),
    "beta1": (r"\beta_1", "β₁"),
    "beta2": (r"\beta_2", "β₂"),
    "epsilon": (r"\varepsilon", "ε"),
    "decay": (r"\lambda", "λ"),
    "m_hat": (r"\hat{m}", "m̂"),
    "v_hat": (r"\hat{v}", "v̂"),
}
# Before and after differ by little, and the sum should come out as it is written.
DIGITS = 6

_FUNCTIONS = {"sign": r"\mathrm{sign}", "maximum": r"\max", "minimum": r"\min"}


@dataclass(frozen=True)
class RuleLine:
    """One line of a rule: what it sets, by which formula, with which numbers, to what."""

    target: Math
    formula: Math
    substituted: Math
    value: float


def rule_lines(
    rule: Callable[..., Any],
    values: Mapping[str, float],
    names: tuple[str, ...],
    decay: float = 0.0,
    *,
    shown: Mapping[str, Math] | None = None,
) -> list[RuleLine]:
    """Return the lines of an update rule with its numbers; none if its source can't be had.

    Parameters
    ----------
    rule : callable
        ``rule(w, dw, *state, alpha, t, *constants) -> (w, *state)``.
    values : mapping of str to float
        The number that stands for each argument.
    names : tuple of str
        What the rule returns, ``("w", "m", "v")``.
    decay : float, default 0
        λ of a decoupled weight decay, which comes before the rule.
    shown : mapping of str to Math, optional
        Symbols that stand for ``w`` and ``dw``; by default w and ∂J/∂w.
    """
    if not decay:
        return _lines_of(rule, values, names, shown or {})
    own = {"w": values["w"], "alpha": values["alpha"], "decay": decay}
    (decayed,) = _lines_of(weight_decay, own, ("w",), shown or {})
    rest = _lines_of(rule, {**values, "w": decayed.value}, names, shown or {})
    return [decayed, *rest] if rest else []


def _lines_of(
    rule: Callable[..., Any],
    values: Mapping[str, float],
    names: tuple[str, ...],
    symbols_of: Mapping[str, Math],
) -> list[RuleLine]:
    try:
        (function,) = ast.parse(textwrap.dedent(inspect.getsource(rule))).body
        surroundings = inspect.getclosurevars(rule)
    except (OSError, TypeError, SyntaxError, ValueError):
        return []
    if not isinstance(function, ast.FunctionDef):
        return []
    arguments = [argument.arg for argument in function.args.args]
    known: dict[str, Any] = dict(zip(arguments, values.values(), strict=False))
    called = dict(zip(arguments, values, strict=False))  # what the library calls them

    def symbol(name: str) -> Math:
        name = called.get(name, name)
        return symbols_of[name] if name in symbols_of else _symbol(name)

    lines: list[RuleLine] = []
    try:
        for together in _settings(function, names):
            before = dict(known)  # what is returned is set all at once
            for target, expression in together:
                code = compile(ast.Expression(expression), "<rule>", "eval")
                arrays = {name: np.asarray(value) for name, value in before.items()}
                found = eval(code, {**surroundings.globals, **surroundings.nonlocals, **arrays})
                symbols = {name: symbol(name) for name in before}
                numbers = {name: factor(float(x), DIGITS) for name, x in before.items()}
                formula, substituted = (_Writer(n).write(expression) for n in (symbols, numbers))
                known[target] = float(found)
                lines.append(RuleLine(symbol(target), formula, substituted, known[target]))
    except Exception:  # a rule that does more than set numbers is shown by before and after alone
        return []
    return lines


def _settings(
    function: ast.FunctionDef, names: tuple[str, ...]
) -> Iterator[list[tuple[str, ast.expr]]]:
    """Yield what is set at a time: names, and the expressions for them; or raise ValueError."""
    for statement in function.body:
        match statement:
            case ast.Expr(ast.Constant()):  # the docstring
                pass
            case ast.Assign([ast.Name(target)], expression):
                yield [(target, expression)]
            case ast.Return(ast.Tuple(parts)) if len(parts) == len(names):
                pairs = zip(names, parts, strict=True)
                yield [(name, part) for name, part in pairs if not isinstance(part, ast.Name)]
            case ast.Return(ast.expr() as part) if len(names) == 1:
                yield [(names[0], part)]
            case _:
                raise ValueError("a rule of more than assignments and a return")


def greek(name: str) -> str:
    """Return how a constant of a rule is written in text, such as β₁ for beta1."""
    return _SYMBOLS.get(name, ("", name))[1]


def _symbol(name: str) -> Math:
    if name == "dw":
        return coloured(r"\frac{\partial J}{\partial w}", "∂J/∂w", "dw")
    if name == "w":
        return coloured("w", "w", "w")
    latex, text = _SYMBOLS.get(name, (name if len(name) == 1 else rf"\text{{{name}}}", name))
    return Math(latex.replace("_", r"\_") if name not in _SYMBOLS else latex, ((text, ""),))


# How tightly a part holds together: a sum least.
_SUM, _PRODUCT, _POWER, _ATOM = 1, 2, 3, 4


class _Writer:
    """Writes an expression of Python as mathematics, with something for each name in it."""

    def __init__(self, names: Mapping[str, Math]) -> None:
        self.names = names

    def write(self, node: ast.expr) -> Math:
        return self._part(node)[0]

    def _part(self, node: ast.expr) -> tuple[Math, int, int]:
        """Return the part, and how tightly it holds together in LaTeX and in text."""
        match node:
            case ast.Name(name):
                return self.names.get(name, as_math(name)), _ATOM, _ATOM
            case ast.Constant(int() | float() as value):
                return as_math(f"{value:g}"), _ATOM, _ATOM
            case ast.UnaryOp(ast.USub(), operand):
                return "−" + self._within(operand, _PRODUCT), _SUM, _SUM
            case ast.BinOp(left, ast.Add() | ast.Sub() as sign, right):
                sign_text = " + " if isinstance(sign, ast.Add) else " − "
                least = _SUM if isinstance(sign, ast.Add) else _PRODUCT
                whole = self._within(left, _SUM) + sign_text + self._within(right, least)
                return whole, _SUM, _SUM
            case ast.BinOp(left, ast.Mult(), right):
                minus = isinstance(left, ast.UnaryOp)  # −a · b is −(a · b)
                first = self.write(left) if minus else self._within(left, _PRODUCT)
                whole = first + " · " + self._within(right, _PRODUCT)
                return whole, _PRODUCT, _PRODUCT
            case ast.BinOp(left, ast.Div(), right):
                above, below = self.write(left), self.write(right)
                text = self._within(left, _PRODUCT) + " / " + self._within(right, _POWER)
                latex = rf"\frac{{{above.latex}}}{{{below.latex}}}"
                return Math(latex, text.spans), _POWER, _PRODUCT
            case ast.BinOp(left, ast.Pow(), right):
                base, exponent = self._within(left, _ATOM), self.write(right)
                text = base + "^" + self._within(right, _ATOM)
                return Math(f"{base.latex}^{{{exponent.latex}}}", text.spans), _POWER, _POWER
            case ast.Call(function, [_, *_] as arguments, []) if not self._is_method(function):
                return self._call(function, arguments), _ATOM, _ATOM
            case _:
                raise ValueError(f"no mathematics is known for {ast.unparse(node)}")

    def _within(self, node: ast.expr, least: int) -> Math:
        part, in_latex, in_text = self._part(node)
        latex = part.latex if in_latex >= least else f"({part.latex})"
        spans = part.spans if in_text >= least else (("(", ""), *part.spans, (")", ""))
        return Math(latex, spans)

    def _is_method(self, function: ast.expr) -> bool:
        owner = function.value if isinstance(function, ast.Attribute) else None
        return owner is not None and not (
            isinstance(owner, ast.Name) and owner.id not in self.names
        )

    def _call(self, function: ast.expr, arguments: list[ast.expr]) -> Math:
        name = function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)
        inside = self.write(arguments[0])
        for argument in arguments[1:]:
            inside = inside + ", " + self.write(argument)
        if name == "sqrt":
            text = "√" + self._within(arguments[0], _ATOM)
            return Math(rf"\sqrt{{{inside.latex}}}", text.spans)
        if name in ("abs", "absolute", "fabs"):
            return "|" + inside + "|"
        latex = _FUNCTIONS.get(name, rf"\mathrm{{{name}}}")
        plain = {"maximum": "max", "minimum": "min"}.get(name, name)
        return Math(latex, ((plain, ""),)) + "(" + inside + ")"
