"""The page of one parameter: its factors, their paths, the mean, a quotient, and its update."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.explain.notation import (
    Math,
    as_math,
    by_parameter,
    derivative,
    factor,
    number,
    slope,
    symbol,
    words,
)
from chainrule.explain.page_of_update import update_of_one
from chainrule.explain.pieces import (
    DOTS,
    GAP,
    MOST_TERMS,
    NONE,
    equation,
    error,
    formula_of,
    product,
    right_side,
    some,
    total,
)
from chainrule.explain.shown import Block, Grid, Heading, Note

if TYPE_CHECKING:
    from chainrule.explain.one_parameter import ParameterDerivation, Path

# Factors of a path that fit beside each other.
MOST_FACTORS = 5


def page_of_parameter(p: ParameterDerivation) -> list[Block]:
    """Return the page of a weight, a bias or a gain."""
    return [
        Heading(f"The chain rule for {p.name}[{p.place[0]}, {p.place[1]}]", 1),
        Note(_what_it_is(p)),
        product(_by(p, "L"), [(f.symbol, f.value) for f in p.factors], p.of_example),
        *(_at_the_output(p) if p.layer.number == len(p.derivation.layers) else _from_above(p)),
        *_paths(p),
        *(_mean(p) if p.derivation.is_mean else []),
        _measured(p),
        Heading("Update", 2),
        *update_of_one(p),
    ]


def _what_it_is(p: ParameterDerivation) -> str:
    (i, j), l = p.place, p.layer.number
    kind = {"W": "weight", "b": "bias", "g": "gain"}[p.name[0]]
    below = f"input {i + 1}" if l == 1 else f"unit {i + 1} of layer {l - 1}"
    where = f"from {below} to unit {j + 1}" if kind == "weight" else f"of unit {j + 1}"
    m = len(p.derivation)
    of_example = f" Written out for example {p.example + 1} of {m:,}." if m > 1 else ""
    activation = p.layer.layer.activation.name
    return f"{p.symbol.text} is the {kind} {where} of layer {l} ({activation}).{of_example}"


def _by(p: ParameterDerivation, of: str) -> Math:
    return by_parameter(p.symbol, of)


def _at_the_output(p: ParameterDerivation) -> list[Block]:
    """Return where the first factor comes from in the last layer: the loss."""
    d, layer, l, j, e = p.derivation, p.layer, p.layer.number, p.place[1], p.example
    loss, g = d.structure.loss, layer.layer.activation
    blocks: list[Block] = []
    weight = 1.0 if d.sample_weight is None else float(d.sample_weight[e, 0])
    times = NONE if weight == 1 else " · " + factor(weight)
    slope_of_loss = formula_of(loss.slope_latex, loss.slope)
    if layer.slope is not None:
        formula = slope_of_loss if weight == 1 else "(" + slope_of_loss + ")" + times
        rights = [formula, number(float(layer.dA[e, j]))]
        blocks.append(equation(derivative("L", "a", l, j), rights))
    elif not loss.pairs_with(g):
        formula = right_side(formula_of(g.slope_latex, g.vjp))
        blocks.append(
            equation(derivative("L", "z", l, j), [formula, number(float(layer.dZ[e, j]))])
        )
    if loss.dZ is not None and loss.pairs_with(g):
        numbers = factor(float(layer.A[e, j])) + " − " + factor(float(d.Y[e, j]))
        if weight != 1:
            numbers = "(" + numbers + ")" + times
        rights = [symbol("a", l, j) + " − y", numbers, number(float(layer.dZ[e, j]))]
        why = "Loss and output activation belong together"
        if layer.slope is not None and len(p.factors) == 2 and p.name[0] != "g":
            why += ", and an output is so near its end that the product by itself would lose it"
        said = Note(f"{why}; in short:")
        blocks += [said, equation(derivative("L", "z", l, j), rights)]
    return blocks


def _from_above(p: ParameterDerivation) -> list[Block]:
    """Return where the first factor comes from: the sum over the units of the layer above."""
    layer, l, j, e = p.layer, p.layer.number, p.place[1], p.example
    if layer.slope is None or (layer.dU is not None and p.name[0] == "W"):
        return []
    upper = p.derivation.layers[l]
    kind, signal = ("z", upper.dZ) if upper.dU is None else ("u", upper.dU)
    n = upper.layer.units
    few = range(n if n <= MOST_TERMS else MOST_TERMS - 1)
    symbols = [derivative("L", kind, l + 1, k) + " · " + symbol("w", l + 1, j, k) for k in few]
    numbers = [factor(float(signal[e, k])) + " · " + factor(float(upper.W[j, k])) for k in few]
    rights = [total(symbols, n), total(numbers, n), number(float(layer.dA[e, j]))]
    of_units = f", a sum over the {n:,} units of layer {l + 1}" if n > 1 else ""
    said = Note(f"The first factor comes from the layer above{of_units}:")
    return [said, equation(derivative("L", "a", l, j), rights)]


def _paths(p: ParameterDerivation) -> list[Block]:
    l, last = p.layer.number, len(p.derivation.layers)
    if l == last:
        return []
    lead, path_or_paths = ("lead", "paths") if p.n_paths > 1 else ("leads", "path")
    said = f"From the loss down to it {lead} {p.n_paths:,} {path_or_paths}"
    if not p.paths:
        return [Note(f"{said}: {p.why_no_paths}.")]
    blocks: list[Block] = [Heading("Path by path", 2), Note(f"{said}.")]
    first = p.paths[0]
    if len(first.factors) <= MOST_FACTORS:
        if len(p.paths) > 1:
            blocks.append(Note(f"The first, through {_way(first)}:"))
        left = _by(p, "L") if len(p.paths) == 1 else NONE
        blocks.append(product(left, [(f.symbol, f.value) for f in first.factors], first.value))
    if len(p.paths) == 1 and len(first.factors) <= MOST_FACTORS:
        return blocks
    header = (words("through"), *_titles_of_paths(p), words("product"))
    rows = [
        (as_math(_way(path)), *(number(f.value) for f in path.factors), number(path.value))
        for path in p.paths
    ]
    caption = words(f"Unit by unit, from layer {last} down to layer {l}")
    blocks.append(Grid(caption, header, tuple(rows)))
    if len(p.paths) > 1:
        rights = [total([factor(path.value) for path in p.paths], p.n_paths)]
        blocks.append(equation(_by(p, "L"), [*rights, number(sum(q.value for q in p.paths))]))
    return blocks


def _way(path: Path) -> str:
    return "→".join(str(unit + 1) for unit in reversed(path.units))


def _titles_of_paths(p: ParameterDerivation) -> list[Math]:
    """Return what each factor of a path is, whichever units it goes through."""
    l, last = p.layer.number, len(p.derivation.layers)
    of_loss = [derivative("L", "a", last), slope(last)]
    if len(p.paths[0].factors) == 2 * (last - l) + 2:  # ∂L/∂z stands for both
        of_loss = [derivative("L", "z", last)]
    between = [piece for k in range(last, l, -1) for piece in (symbol("w", k), slope(k - 1))]
    return [*of_loss, *between, p.factors[-1].symbol]


def _mean(p: ParameterDerivation) -> list[Block]:
    """Return how ∂J/∂w is made of ∂L/∂w of each example."""
    d = p.derivation
    rows = tuple(
        (DOTS, DOTS) if e == GAP else (as_math(str(e + 1)), number(float(p.per_example[e])))
        for e in some(len(d))
    )
    latex, text = (r"\frac{1}{m} \sum ", "1/m · Σ ")
    if d.sample_weight is not None:
        latex, text = (r"\frac{1}{\sum w} \sum ", "1/Σw · Σ ")
    mean = Math(latex, ((text, ""),)) + _by(p, "L")
    numbers = factor(float(p.per_example.sum())) + " / " + number(d.total_weight)
    if p.penalty:
        mean, numbers = mean + " + " + words("penalty"), numbers + " + " + factor(p.penalty)
    weighted = ", times its weight" if d.sample_weight is not None else ""
    each = "Of each example"
    if any(k.layer.normalization == "batch" for k in d.layers[p.layer.number - 1 :]):
        each = "What each example adds to the sum, through its own u"
    return [
        Heading("From the examples to the cost", 2),
        Grid(words(each + weighted), (words("example"), _by(p, "L")), rows),
        equation(_by(p, "J"), [mean, numbers, number(p.value)]),
    ]


def _measured(p: ParameterDerivation) -> Grid:
    digits = 8
    header = (NONE, words("chain rule"), words("finite difference"), words("relative error"))
    measured = number(p.finite_difference, digits)
    row = (
        _by(p, p.derivation.of),
        number(p.value, digits),
        measured,
        error(p.relative_error, p.on_kink),
    )
    return Grid(words("Held against a finite difference"), header, (row,))
