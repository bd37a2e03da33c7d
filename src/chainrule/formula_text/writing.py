"""A tree as text again: as it is typed, in NumPy's notation, and in LaTeX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from chainrule.formula_text.functions import FUNCTIONS, PAIRS
from chainrule.formula_text.tree import Binary, Call, Comparison, Name, Negative, Node, Number

# How tightly a part holds together: a where in LaTeX, a sum, a product or a sign, a power, an atom.
_CHOICE, _SUM, _PRODUCT, _POWER, _ATOM = range(5)
_LEVELS = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "^": _POWER}


def as_text(node: Node) -> str:
    """Return a tree as it is typed; `read` makes the same tree of it."""
    return _Typed().write(node)


def as_numpy(node: Node, name: Callable[[Callable[..., Any]], str]) -> str:
    """Return a tree in NumPy's notation; `name` says what a function is called there."""
    return _ForNumPy(name).write(node)


def as_latex(node: Node) -> str:
    """Return a tree in LaTeX."""
    return _ForLatex().write(node)


class _Typed:
    """Writes a tree as it is typed."""

    signs: ClassVar = {"+": " + ", "-": " - ", "*": "*", "/": "/", "^": "^"}

    def write(self, node: Node) -> str:
        return self.part(node)[0]

    def at(self, node: Node, least: int) -> str:
        """Write a part, in parentheses unless it holds together at least so tightly."""
        text, level = self.part(node)
        return text if level >= least else self.enclosed(text)

    def enclosed(self, text: str) -> str:
        return f"({text})"

    def part(self, node: Node) -> tuple[str, int]:
        """Return the text of a part, and how tightly it holds together."""
        match node:
            case Number(value):
                return self.number(value), _ATOM
            case Name(name):
                return self.name(name), _ATOM
            case Negative(Binary("*" | "/") as of):
                return f"-{self.write(of)}", _SUM
            case Negative(of):
                return f"-{self.at(of, _POWER)}", _SUM
            case Comparison(sign, left, right):
                return f"{self.at(left, _SUM)} {sign} {self.at(right, _SUM)}", _SUM
            case Binary(sign, left, right):
                return self.binary(sign, left, right)
            case Call(name, arguments):
                return self.call(name, arguments)

    def number(self, value: float) -> str:
        return repr(value).removesuffix(".0")

    def name(self, name: str) -> str:
        return name

    def binary(self, sign: str, left: Node, right: Node) -> tuple[str, int]:
        level = _LEVELS[sign]
        # What has the same signs is put together from the left, but powers are from the right.
        first, second = (level + 1, level) if sign == "^" else (level, level + 1)
        return f"{self.at(left, first)}{self.signs[sign]}{self.at(right, second)}", level

    def call(self, name: str, arguments: tuple[Node, ...]) -> tuple[str, int]:
        return f"{name}({', '.join(map(self.write, arguments))})", _ATOM


class _ForNumPy(_Typed):
    """Writes a tree in NumPy's notation."""

    signs: ClassVar = {"+": " + ", "-": " - ", "*": " * ", "/": " / ", "^": " ** "}

    def __init__(self, name: Callable[[Callable[..., Any]], str]) -> None:
        self.name_of = name

    def call(self, name: str, arguments: tuple[Node, ...]) -> tuple[str, int]:
        written = [self.write(argument) for argument in arguments]
        match name:
            case "where":
                called = "np.where"
            case "max" | "min":
                called = self.name_of(PAIRS[name])
            case _:
                called = self.name_of(FUNCTIONS[name].run)
        return f"{called}({', '.join(written)})", _ATOM


class _ForLatex(_Typed):
    """Writes a tree in LaTeX."""

    compared: ClassVar = {"<=": r"\le", ">=": r"\ge", "==": "{=}", "!=": r"\ne"}

    def part(self, node: Node) -> tuple[str, int]:
        match node:
            case Comparison(sign, left, right):
                return f"{self.at(left, 1)} {self.compared.get(sign, sign)} {self.at(right, 1)}", 1
            case Number(value) if "e" in repr(value):
                mantissa, _, exponent = repr(value).partition("e")
                return rf"{mantissa} \cdot 10^{{{int(exponent)}}}", _PRODUCT
        return super().part(node)

    def name(self, name: str) -> str:
        return r"\pi" if name == "pi" else name

    def enclosed(self, text: str) -> str:
        tall = r"\frac" in text or r"\left" in text
        return rf"\left({text}\right)" if tall else f"({text})"

    def binary(self, sign: str, left: Node, right: Node) -> tuple[str, int]:
        if sign == "/":
            return rf"\frac{{{self.write(left)}}}{{{self.write(right)}}}", _PRODUCT
        if sign == "^":
            return f"{self.at(left, _ATOM)}^{{{self.write(right)}}}", _POWER
        if sign == "*":
            x, y = self.at(left, _PRODUCT), self.at(right, _PRODUCT)
            return f"{x}{self.between(x, y)}{y}", _PRODUCT
        return super().binary(sign, left, right)

    def between(self, x: str, y: str) -> str:
        """Return a space, or a dot where two numbers would become one."""
        if y[0].isdigit():
            return r" \cdot "
        return " " if x[-1].isdigit() else r"\, "

    def call(self, name: str, arguments: tuple[Node, ...]) -> tuple[str, int]:
        if name == "where":
            condition, x, y = arguments
            chosen = rf"{self.at(x, _SUM)} \text{{ if }} {self.write(condition)}"
            return rf"{chosen} \text{{ else }} {self.write(y)}", _CHOICE
        written = [self.write(argument) for argument in arguments]
        if name in PAIRS:
            return rf"\{name}({', '.join(written)})", _ATOM
        function = FUNCTIONS[name]
        if not function.tight:
            return function.latex + self.enclosed(written[0]), _ATOM
        text = function.latex.replace("%", written[0])
        levels = {"exp": _POWER, "expm1": _SUM}
        return text, levels.get(name, _ATOM)
