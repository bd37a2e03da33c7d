"""The report: the layers as a table, and the findings beneath, in plain text or in a notebook."""

from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass

from chainrule._text import align
from chainrule.health.finding import Finding
from chainrule.health.measurement import LayerHealth

_HEALTHY = "No reason was found why this network should not learn."
_TITLES = (
    *("layer", "units", "activation", "z mean", "z std", "a mean", "a std", "saturated", "dead"),
    *("‖W‖", "‖dW‖", "‖dW‖/‖W‖", "step/‖W‖"),
)


@dataclass(frozen=True, repr=False)
class Report:
    """What :func:`chainrule.diagnose` found; ``print(report)`` shows it, and so does a notebook.

    Attributes
    ----------
    findings : list of Finding
        The reasons, causes before what may follow from them; empty if there are none.
    layers : tuple of LayerHealth
        The numbers of each layer.
    first_to_last : float
        ‖dW‖ / ‖W‖ of the first layer over that of the last.
    loss : float
        Mean loss on the rows that were looked at, as a training step without dropout has it.
    baseline : float
        That of the best constant outputs.
    rows : int
        How many rows were looked at.
    """

    findings: list[Finding]
    layers: tuple[LayerHealth, ...]
    first_to_last: float
    loss: float
    baseline: float
    rows: int

    def __str__(self) -> str:
        parts = [align([_TITLES, *self._cells()], right=set(_TITLES) - {"activation"})]
        parts.append(self._summary())
        if not self.findings:
            parts.append(f"\n{_HEALTHY}")
        for number, finding in enumerate(self.findings, 1):
            parts.append(_wrap(f"\n{number}. {finding.name}: {finding.evidence}."))
            parts.append(_wrap(f"   Try: {finding.advice}."))
        return "\n".join(parts)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        titles = "".join(f"<th>{html.escape(title)}</th>" for title in _TITLES)
        lines = [
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self._cells()
        ]
        found = "".join(
            f"<li><b>{html.escape(f.name)}</b>: {html.escape(f.evidence)}.<br>"
            f"Try: {html.escape(f.advice)}.</li>"
            for f in self.findings
        )
        return (
            f"<table><thead><tr>{titles}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
            f"<p>{html.escape(self._summary())}</p>"
            + (f"<ol>{found}</ol>" if found else f"<p>{_HEALTHY}</p>")
        )

    def _summary(self) -> str:
        return (
            f"loss {self.loss:.4g} on {self.rows:,} rows, that of the best constant "
            f"{self.baseline:.4g}; ‖dW‖/‖W‖ of the first layer over the last: "
            f"{self.first_to_last:.2g}"
        )

    def _cells(self) -> list[list[str]]:
        return [
            [
                str(layer.layer),
                str(layer.units),
                layer.activation,
                *(f"{x:.2g}" for x in (layer.z_mean, layer.z_std, layer.a_mean, layer.a_std)),
                f"{layer.saturated:.0%}",
                f"{len(layer.dead)}",
                *(f"{x:.2g}" for x in (layer.weight_norm, layer.gradient_norm)),
                *(f"{x:.1e}" for x in (layer.gradient_ratio, layer.update_ratio)),
            ]
            for layer in self.layers
        ]


def _wrap(text: str) -> str:
    start = "\n" if text.startswith("\n") else ""
    return start + textwrap.fill(
        text.removeprefix("\n"),
        96,
        subsequent_indent="   ",
        break_on_hyphens=False,
        break_long_words=False,
    )
