"""The page of a batch's derivation: forward, loss, backward, update; symbols, then numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule._types import FloatArray
from chainrule.explain.notation import (
    Math,
    as_math,
    derivative,
    factor,
    number,
    slope,
    symbol,
    words,
)
from chainrule.explain.page_of_update import update_of_all
from chainrule.explain.pieces import (
    DOTS,
    EQUALS,
    GAP,
    MOST_COLUMNS,
    MOST_TERMS,
    NONE,
    equation,
    error,
    formula_of,
    numbered,
    right_side,
    rows_of,
    some,
    total,
    transposed,
    unit_symbol,
    values_of,
    with_constants,
)
from chainrule.explain.shown import Block, Formula, Grid, Heading, Note

if TYPE_CHECKING:
    from chainrule.explain.derivation import Derivation, LayerDerivation


def page_of_batch(d: Derivation) -> list[Block]:
    """Return the page of a whole derivation."""
    m = len(d)
    sizes = "-".join(map(str, [d.structure.n_inputs, *(k.layer.units for k in d.layers)]))
    counted = f"{d.structure.n_parameters:,} parameters"
    if any(layer.layer.dropout for layer in d.layers):
        counted += "; nothing is dropped"
    if d.penalty:
        counted += f"; penalty l2 = {d.penalty.l2:g}, l1 = {d.penalty.l1:g}"
    named = with_constants(d.structure.loss.name, d.structure.loss.constants)
    page: list[Block] = [
        Heading("The chain rule on " + ("one example" if m == 1 else f"{m:,} examples"), 1),
        Note(f"Network {sizes}, loss {named}, {counted}."),
        values_of("a", 0, d.layers[0].A_prev, words("Inputs")),
        Heading("Forward", 2),
    ]
    for layer in d.layers:
        page += _forward(d, layer)
    page += [Heading("Loss", 2), *_loss(d), Heading("Backward", 2)]
    for layer in reversed(d.layers):
        page += _backward(d, layer)
    return [*page, Heading("Update", 2), *update_of_all(d)]


def _forward(d: Derivation, layer: LayerDerivation) -> list[Block]:
    l, g = layer.number, layer.layer.activation
    title = f"Layer {l}: {with_constants(g.name, g.constants)}"
    blocks: list[Block] = [Heading(title, 3), Formula(tuple(_forward_formulas(layer)), "rcl")]
    if len(layer.Z) > 1:
        blocks += [values_of("z", l, layer.Z, symbol("Z", l))]
        blocks += [values_of("a", l, layer.A, symbol("A", l))]
        if layer.slope is not None:
            blocks.append(_compared(d, f"slope{l}", slope(l, kind="Z"), layer.slope))
        return blocks
    if layer.A_prev.shape[1] <= MOST_TERMS and layer.U is None:
        blocks.append(_first_sum(layer))
    titles = [words("unit"), symbol("z", l), symbol("a", l)]
    if layer.slope is not None:
        titles += [slope(l), words("measured"), words("rel. error")]
    rows: list[tuple[Math, ...]] = []
    for k in some(layer.Z.shape[1]):
        if k == GAP:
            rows.append((DOTS,) * len(titles))
            continue
        row = [as_math(str(k + 1)), number(float(layer.Z[0, k])), number(float(layer.A[0, k]))]
        if layer.slope is not None:
            found = d.finite_difference(f"slope{l}", 0, k)
            row += [number(float(layer.slope[0, k])), number(found.slope)]
            row.append(error(found.relative_error, found.on_kink))
        rows.append(tuple(row))
    return [*blocks, Grid(words(f"Layer {l}, forward"), tuple(titles), tuple(rows))]


def _forward_formulas(layer: LayerDerivation) -> list[tuple[Math, ...]]:
    l, g = layer.number, layer.layer.activation
    z, Z, A, U = as_math("z"), symbol("Z", l), symbol("A", l), symbol("U", l)
    sums = symbol("A", l - 1) + " " + symbol("W", l)
    rows: list[tuple[Math, ...]] = []
    if layer.layer.normalization:
        hat = Math(rf"\hat{{{U.latex}}}", ((f"Û[{l}]", U.spans[0][1]),))
        latex = rf"\frac{{{U.latex} - \mu}}{{\sqrt{{s^2 + \varepsilon}}}}"
        standardized = Math(latex, (("(", ""), *U.spans, (" − μ) / √(s² + ε)", "")))
        rows += [(U, EQUALS, sums), (hat, EQUALS, standardized)]
        sums = hat + " ∘ " + symbol("γ", l)
    rows.append((Z, EQUALS, sums + " + " + symbol("b", l)))
    rows.append((A, EQUALS, "g(" + Z + ")"))
    rows.append(("g(" + z + ")", EQUALS, formula_of(g.latex, g.g)))
    if g.slope is not None:
        rows.append((slope(), EQUALS, formula_of(g.slope_latex, g.slope)))
    elif layer.slope is not None:
        rows.append((slope(), EQUALS, words("a finite difference of g")))
    return rows


def _first_sum(layer: LayerDerivation) -> Formula:
    """Return the sum of the first unit: symbols, numbers, value."""
    l, n = layer.number, layer.A_prev.shape[1]
    symbols = [symbol("a", l - 1, i) + " · " + symbol("w", l, i, 0) for i in range(n)]
    numbers = [
        factor(float(layer.A_prev[0, i])) + " · " + factor(float(layer.W[i, 0])) for i in range(n)
    ]
    rights = [
        total([*symbols, symbol("b", l, 0)], n + 1),
        total([*numbers, factor(float(layer.b[0, 0]))], n + 1),
        number(float(layer.Z[0, 0])),
    ]
    return equation(symbol("z", l, 0), rights)


def _loss(d: Derivation) -> list[Block]:
    loss, m, L = d.structure.loss, len(d), len(d.layers)
    formula = formula_of(loss.latex, loss.value)
    if d.Y.shape[1] > 1:
        latex = (
            formula.latex if r"\sum" in formula.latex else rf"\sum_k \left({formula.latex}\right)"
        )
        formula = Math(latex, ((f"Σₖ ({formula.text.partition(', to be')[0]})", ""),))
    rows: list[tuple[Math, ...]] = [(as_math("L"), EQUALS, formula)]
    if d.is_mean:
        if d.sample_weight is None:
            mean = Math(r"\frac{1}{m} \sum L", (("Σ L / m", ""),))
        else:
            mean = Math(r"\frac{\sum w L}{\sum w}", (("Σ w L / Σ w", ""),))
        squares = Math(
            r"\tfrac12 \lambda_2 \sum w^2 + \lambda_1 \sum |w|", (("½ l2 Σ w² + l1 Σ |w|", ""),)
        )
        penalty = " + " + squares if d.penalty else NONE
        rows.append((as_math("J"), EQUALS, mean + penalty))
    rows.append((NONE, EQUALS, number(d.cost)))
    A, Y = d.layers[-1].A, d.Y
    columns = some(Y.shape[1], MOST_COLUMNS)
    titles = [unit_symbol(kind, L, k) for kind in "ay" for k in columns]
    cells: list[tuple[Math, ...]] = []
    for e in some(m):
        if e == GAP:
            cells.append((DOTS,) * (len(titles) + 2))
            continue
        pairs = [DOTS if k == GAP else number(float(of[e, k])) for of in (A, Y) for k in columns]
        cells.append((as_math(str(e + 1)), *pairs, number(float(d.losses[e]))))
    header = (words("example"), *titles, as_math("L"))
    caption = words("Outputs, targets and losses")
    return [Formula(tuple(rows), "rcl"), Grid(caption, header, tuple(cells))]


def _backward(d: Derivation, layer: LayerDerivation) -> list[Block]:
    l = layer.number
    blocks: list[Block] = [
        Heading(f"Layer {l}", 3),
        Formula(tuple(_backward_formulas(d, layer)), "rcl"),
    ]
    if len(d) == 1:
        blocks.append(_signals_of_one(d, layer))
    else:
        blocks.append(_compared(d, f"dA{l}", derivative("L", "A", l), layer.dA))
        blocks.append(_compared(d, f"dZ{l}", derivative("L", "Z", l), layer.dZ))
    blocks.append(_compared(d, f"dW{l}", derivative(d.of, "W", l), layer.dW))
    blocks.append(_compared(d, f"db{l}", derivative(d.of, "b", l), layer.db))
    if layer.dgamma is not None:
        blocks.append(_compared(d, f"dgamma{l}", derivative(d.of, "γ", l), layer.dgamma))
    return blocks


def _backward_formulas(d: Derivation, layer: LayerDerivation) -> list[tuple[Math, ...]]:
    l, loss = layer.number, d.structure.loss
    dA, dZ, A_prev = derivative("L", "A", l), derivative("L", "Z", l), symbol("A", l - 1)
    through = dA + " ∘ " + slope(l, kind="Z")
    if layer.slope is None:
        vjp = layer.layer.activation.vjp
        through = right_side(formula_of(layer.layer.activation.slope_latex, vjp))
    rows: list[tuple[Math, ...]]
    weighted = d.sample_weight is not None
    if l == len(d.layers):
        of_loss = formula_of(loss.slope_latex, loss.slope)
        rows = [(dA, EQUALS, "w ∘ (" + of_loss + ")" if weighted else of_loss)]
        if loss.dZ is not None and loss.pairs_with(layer.layer.activation):
            short = symbol("A", l) + " − Y"
            through = through + " = " + ("w ∘ (" + short + ")" if weighted else short)
    else:
        upper = d.layers[l]
        above = derivative("L", "Z" if upper.dU is None else "U", l + 1)
        rows = [(dA, EQUALS, above + " " + transposed(symbol("W", l + 1)))]
    rows.append((dZ, EQUALS, through))
    dU = dZ
    if layer.dU is not None:
        dU = derivative("L", "U", l)
        rows.append((dU, EQUALS, words("back through the normalisation: ") + dZ))
    over = as_math((" / Σw" if weighted else " / m") if d.is_mean else "")
    penalty = " + " + words("slope of the penalty") if d.penalty else NONE
    rows.append((derivative(d.of, "W", l), EQUALS, transposed(A_prev) + " " + dU + over + penalty))
    summed = Math(r"\sum ", (("Σ ", ""),)) if d.is_mean else NONE
    rows.append((derivative(d.of, "b", l), EQUALS, summed + dZ + over))
    return rows


def _signals_of_one(d: Derivation, layer: LayerDerivation) -> Grid:
    """Return ∂L/∂a and ∂L/∂z of one example, each beside its finite difference."""
    l = layer.number
    beside, wrong = words("measured"), words("rel. error")
    signals = {f"dA{l}": layer.dA[0], f"dZ{l}": layer.dZ[0]}
    titles = (derivative("L", "a", l), beside, wrong, derivative("L", "z", l), beside, wrong)
    rows: list[tuple[Math, ...]] = []
    for k in some(layer.Z.shape[1]):
        if k == GAP:
            rows.append((DOTS,) * (1 + len(titles)))
            continue
        row = [as_math(str(k + 1))]
        for name, values in signals.items():
            measured = d.finite_difference(name, 0, k)
            its_error = error(measured.relative_error, measured.on_kink)
            row += [number(float(values[k])), number(measured.slope), its_error]
        rows.append(tuple(row))
    caption = words(f"Layer {l}, backward; measured by finite differences")
    return Grid(caption, (words("unit"), *titles), tuple(rows))


def _compared(d: Derivation, name: str, caption: Math, values: FloatArray) -> Grid:
    """Return a derivative, and under it the same by finite differences."""
    rows, columns = some(len(values)), some(values.shape[1], MOST_COLUMNS)
    measured = values.copy()
    errors, kinks = [], 0
    for i in rows:
        for k in columns:
            if GAP not in (i, k):
                found = d.finite_difference(name, i, k)
                measured[i, k], kinks = found.slope, kinks + found.on_kink
                errors += [] if found.on_kink else [found.relative_error]
    between = words("measured by finite differences")
    if errors:
        between = between + words("; greatest relative error ") + error(max(errors))
    if kinks:
        between = between + words(f"; {kinks} on a kink")
    labels = len(values) > 1
    return Grid(
        caption,
        numbered(columns),
        (*rows_of(values, columns, labels), (between,), *rows_of(measured, columns, labels)),
    )
