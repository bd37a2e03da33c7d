"""How the optimiser's step is shown: its rule with symbols and numbers, before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from chainrule._types import FloatArray
from chainrule.explain.notation import (
    Math,
    as_math,
    by_parameter,
    coloured,
    format_number,
    number,
    symbol,
    words,
)
from chainrule.explain.pieces import MOST_COLUMNS, NONE, equation, numbered, rows_of, some
from chainrule.explain.rule_lines import RuleLine, greek, rule_lines
from chainrule.explain.shown import Block, Formula, Grid, Note

if TYPE_CHECKING:
    from chainrule.explain.derivation import Derivation
    from chainrule.explain.one_parameter import ParameterDerivation

# Before and after differ by little.
_DIGITS = 6


def update_of_all(d: Derivation) -> list[Block]:
    """Return the rule in symbols, and every parameter before and after."""
    decays = bool(d.update.optimizer.weight_decay)
    blocks: list[Block] = [_with_constants(d, decays)]
    if decays:
        blocks.append(Note("The decay λ is for weights alone: biases and gains have none."))
    by_w = coloured(rf"\frac{{\partial {d.of}}}{{\partial w}}", f"∂{d.of}/∂w", "dw")
    lines = _lines_for(d, "W1", (0, 0), {"dw": by_w})
    if lines:
        blocks.append(Formula(tuple((x.target, as_math(":="), x.formula) for x in lines), "rcl"))
    for name, before in d.update.before.items():
        kind, l = name.rstrip("0123456789"), int(name.lstrip("Wbgam"))
        own = symbol({"gamma": "γ"}.get(kind, kind), l)
        blocks.append(_before_and_after(own, before, d.update.after[name]))
    return blocks


def update_of_one(p: ParameterDerivation) -> list[Block]:
    """Return the rule with one parameter's numbers, line by line."""
    update = p.derivation.update
    decays = bool(update.optimizer.weight_decay) and p.name[0] == "W"
    blocks: list[Block] = [_with_constants(p.derivation, decays)]
    symbols = {"w": p.symbol, "dw": by_parameter(p.symbol, p.derivation.of)}
    for line in _lines_for(p.derivation, p.name, p.place, symbols):
        rights = [line.formula, line.substituted, number(line.value, _DIGITS)]
        blocks.append(equation(line.target, rights, ":="))
    pairs = {p.symbol: (p.before, p.after)}
    for name in update.optimizer.state:
        before, after = update.state_before[name], update.state_after[name]
        pairs[words(name)] = (float(before[p.name][p.place]), float(after[p.name][p.place]))
    rows = tuple((own, *(number(x, _DIGITS) for x in pair)) for own, pair in pairs.items())
    header = (NONE, words("before"), words("after"))
    return [*blocks, Grid(words("Before and after"), header, rows)]


def _with_constants(d: Derivation, decays: bool) -> Note:
    update = d.update
    constants = {"alpha": update.learning_rate, "t": float(update.t), **update.optimizer.constants}
    if decays:
        constants["decay"] = update.optimizer.weight_decay
    shown = ", ".join(f"{greek(name)} = {format_number(x)}" for name, x in constants.items())
    return Note(f"By {update.optimizer.name}, with {shown}.")


def _before_and_after(own: Math, before: FloatArray, after: FloatArray) -> Grid:
    columns, labels = some(before.shape[1], MOST_COLUMNS), len(before) > 1
    rows = (*rows_of(before, columns, labels), (words("after"),), *rows_of(after, columns, labels))
    return Grid(own + " " + words("before"), numbered(columns), rows)


def _lines_for(
    d: Derivation, name: str, place: tuple[int, int], symbols: Mapping[str, Math]
) -> list[RuleLine]:
    """Return the lines of the update with a parameter's numbers; none if they can't be had."""
    update, rule = d.update, d.update.optimizer
    values = {
        "w": float(update.before[name][place]),
        "dw": float(d.gradients[f"d{name}"][place]),
        **{s: float(update.state_before[s][name][place]) for s in rule.state},
        "alpha": update.learning_rate,
        "t": float(update.t),
        **rule.constants,
    }
    decay = rule.weight_decay if name[0] == "W" else 0.0
    return rule_lines(rule.rule, values, ("w", *rule.state), decay, shown=symbols)
