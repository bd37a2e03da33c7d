"""The walk through one mini-batch: forward, loss, backward, update, a phase at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.explain import Derivation
from chainrule.explain.as_html import html_of
from chainrule.explain.notation import format_number
from chainrule.explain.shown import Block, Heading
from chainrule.laboratory.experiment import Experiment
from chainrule.laboratory.panel import DIGITS, derive

PHASES = ("forward", "loss", "backward", "update")

_TITLES = {
    "forward": "Forward: from the examples to the outputs",
    "loss": "Loss: how far the outputs are from the targets",
    "backward": "Backward: the chain rule, from the loss to every weight",
    "update": "Update: every weight takes a step downhill",
}


class Walk:
    """A walk through the mini-batch that comes next; its numbers stay while it lasts."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.rows = [int(row) for row in experiment.learning.next_rows()]
        self.number, self.of = experiment.learning.batch + 1, experiment.learning.batches
        self.derivation: Derivation = derive(experiment)
        self.pages = phases_of(self.derivation)
        self.phase = -1

    def go_on(self) -> bool:
        """Go to the next phase; the last one updates the network. False after it."""
        if self.phase + 1 == len(PHASES):
            return False
        self.phase += 1
        if PHASES[self.phase] == "update":
            self.experiment.learning.learn(1)
        return True

    def message(self, selection: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return what the page shows of this phase; of a selected weight, before and after too."""
        phase = PHASES[self.phase]
        message = {
            "phase": phase,
            "title": _TITLES[phase],
            "html": "".join(html_of(block) for block in self.pages[phase]),
            "batch": {"number": self.number, "of": self.of, "examples": self.rows},
            "places": self._places(phase),
        }
        if selection is not None and selection.get("of") == "weight":
            p = self.derivation.weight(
                selection["name"], selection.get("row"), selection.get("column")
            )
            message["before"] = format_number(p.before, DIGITS)
            if phase == "update":
                message["after"] = format_number(p.after, DIGITS)
        if self.experiment.settings.dropout and phase == "forward":
            message["note"] = "Nothing is dropped here; the update drops units by chance."
        return message

    def _places(self, phase: str) -> list[dict[str, Any]]:
        """Return what lights up: the layers in the forward phase, the weights in the others."""
        if phase == "loss":
            return [{"loss": True}]
        structure = self.derivation.structure
        if phase == "forward":
            return [
                {"layer": l, "unit": j}
                for l, layer in enumerate(structure.layers, 1)
                for j in range(layer.units)
            ]
        return [
            {"name": name, "row": i, "column": j}
            for name, (rows, columns) in structure.shapes.items()
            if rows * columns <= 400
            for i in range(rows)
            for j in range(columns)
        ]


def phases_of(d: Derivation) -> dict[str, list[Block]]:
    """Return the page of a derivation phase by phase, each with the blocks under its headings."""
    pages: dict[str, list[Block]] = {phase: [] for phase in PHASES}
    phase = "forward"
    for block in d.page[1:]:
        if isinstance(block, Heading) and block.level == 2:
            name = block.text.lower()
            phase = next((p for p in PHASES if name.startswith(p)), phase)
            continue
        pages[phase].append(block)
    return pages
