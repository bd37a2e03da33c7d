"""The chain-rule panel: what is selected, as factors with their places and pages of mathematics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chainrule import _checks
from chainrule.explain import Derivation
from chainrule.explain.as_html import html_of, mathml
from chainrule.explain.notation import COLOURS, by_parameter, derivative, format_number, symbol
from chainrule.explain.one_parameter import Factor, ParameterDerivation
from chainrule.explain.pieces import error
from chainrule.explain.shown import Block, Heading
from chainrule.laboratory.experiment import Experiment
from chainrule.laboratory.unit_page import page_of_unit

# More digits where a number stands beside its finite difference, or before its update.
DIGITS = 6

_QUANTITIES = {colour: name for name, colour in COLOURS.items()}


def derive(experiment: Experiment) -> Derivation:
    """Return the chain rule on the mini-batch that comes next, with the update it will bring."""
    learning, settings = experiment.learning, experiment.settings
    rows = learning.next_rows()
    return experiment.network.explain(
        experiment.train.X[rows],
        experiment.train.Y[rows],
        l1=settings.l1,
        l2=settings.l2,
        optimizer=learning.optimizer,
        state=learning.optimizer_state(),
        t=learning.steps + 1,
    )


def panel_of(
    experiment: Experiment, selection: Mapping[str, Any], derivation: Derivation | None = None
) -> dict[str, Any]:
    """Return what the panel shows of a weight, a unit or a point.

    Raises ValueError or TypeError if there is no such thing.
    """
    of = _checks.check_choice("of", selection.get("of"), ("weight", "unit", "point"))
    if of == "point":
        return _of_point(experiment, selection)
    d = derivation or derive(experiment)
    example = min(_checks.check_integer("example", selection.get("example", 0)), len(d) - 1)
    if of == "weight":
        name = selection.get("name")
        p = d.weight(str(name), selection.get("row"), selection.get("column"), example=example)
        return _of_parameter(p)
    l, layers = _checks.check_integer("layer", selection.get("layer")), d.layers
    if l > len(layers):
        raise ValueError(f"layer must be at most {len(layers)}, got {l}")
    unit = _checks.check_integer("unit", selection.get("unit"))
    if l == 0:
        return _of_input(experiment, d, unit, example)
    p = d.weight(f"b{l}", unit, example=example)
    panel = _of_parameter(p)
    page = [*page_of_unit(d, l, unit, example), *p.page[1:]]
    return {
        **panel,
        "of": "unit",
        "title": f"Unit {unit + 1} of layer {l} ({p.layer.layer.activation.name})",
        "factors": panel["factors"][:-1],
        "product": {
            "symbol": mathml(derivative("L", "z", l, unit)),
            "value": format_number(float(p.layer.dZ[example, unit])),
        },
        "sections": sections_of(page),
    }


def _of_parameter(p: ParameterDerivation) -> dict[str, Any]:
    return {
        "of": "weight",
        "title": p.page[0].text if isinstance(p.page[0], Heading) else p.name,
        "symbol": mathml(p.symbol),
        "example": p.example,
        "factors": [_factor(f, p) for f in p.factors],
        "product": {
            "symbol": mathml(by_parameter(p.symbol, "L")),
            "value": format_number(p.of_example),
        },
        "sections": sections_of(p.page),
        "paths": [
            {"units": list(path.units), "value": format_number(path.value)} for path in p.paths
        ],
        "paths_note": "" if p.paths or p.n_paths < 2 else f"{p.n_paths:,} paths: {p.why_no_paths}",
        "measured": {
            "chain_rule": format_number(p.value, DIGITS),
            "finite_difference": format_number(p.finite_difference, DIGITS),
            "relative_error": error(p.relative_error, p.on_kink).text,
            "on_kink": p.on_kink,
        },
        "update": {
            "before": format_number(p.before, DIGITS),
            "after": format_number(p.after, DIGITS),
        },
    }


def _factor(f: Factor, p: ParameterDerivation) -> dict[str, Any]:
    """Return a factor with its place: of the last, where what the weight is multiplied by lives."""
    l, (i, j) = p.layer.number, p.place
    place: dict[str, Any] = {"layer": l, "unit": j}
    if f is p.factors[-1]:
        place = (
            {"layer": l - 1, "unit": i}
            if p.name[0] == "W"
            else {"name": p.name, "row": 0, "column": j}
        )
    colour = f.symbol.spans[0][1]
    return {
        "symbol": mathml(f.symbol),
        "value": format_number(f.value),
        "quantity": _QUANTITIES.get(colour, ""),
        "place": place,
    }


def _of_input(experiment: Experiment, d: Derivation, unit: int, example: int) -> dict[str, Any]:
    names = experiment.split.names
    if unit >= len(names):
        raise ValueError(f"unit must be below {len(names)}, got {unit}")
    return {
        "of": "unit",
        "title": f"Input {unit + 1}: {names[unit]}",
        "factors": [],
        "product": {
            "symbol": mathml(symbol("a", 0, unit)),
            "value": format_number(float(d.X[example, unit])),
        },
        "sections": [],
        "paths": [],
        "paths_note": "",
    }


def _of_point(experiment: Experiment, selection: Mapping[str, Any]) -> dict[str, Any]:
    which = _checks.check_choice("set", selection.get("set"), ("train", "test"))
    examples = experiment.train if which == "train" else experiment.test
    m = 0 if examples is None else len(examples)
    index = _checks.check_integer("index", selection.get("index"))
    if examples is None or index >= m:
        raise ValueError(f"index must be below {m}, the number of {which} points, got {index}")
    rows = slice(index, index + 1)
    d = experiment.network.explain(
        examples.X[rows], examples.Y[rows], optimizer=experiment.learning.optimizer
    )
    said = " It is not learned from." if which == "test" else ""
    return {
        "of": "point",
        "title": f"Point {index + 1} of {m:,} to {which}.{said}",
        "factors": [],
        "product": {
            "symbol": "<math><mi>L</mi></math>",
            "value": format_number(float(d.losses[0])),
        },
        "sections": sections_of(d.page),
        "paths": [],
        "paths_note": "",
    }


def sections_of(page: Sequence[Block]) -> list[dict[str, Any]]:
    """Return a page as sections, each with its title and its HTML; the first has the page's.

    A title with nothing but other titles under it stands in front of each of them.
    """
    sections: list[dict[str, Any]] = []
    above = ""
    for block in page:
        if isinstance(block, Heading):
            above = block.text if block.level < 3 else above
            title = f"{above}: {block.text}" if block.level == 3 and above else block.text
            sections.append({"title": title, "html": ""})
            continue
        if not sections:
            sections.append({"title": "", "html": ""})
        sections[-1]["html"] += html_of(block)
    return [section for section in sections if section["html"]]
