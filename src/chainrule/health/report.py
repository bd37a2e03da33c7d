"""The report of a diagnosis, which shows itself."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from chainrule._text import align
from chainrule.health.findings import Finding
from chainrule.health.layers import LayerHealth


@dataclass(frozen=True, repr=False)
class Report:
    """What `diagnose` found; ``print`` it, or let a notebook show it.

    Attributes
    ----------
    loss : float
        On the rows that were looked at, without penalty.
    baseline : float
        The loss of the best prediction that is the same for every row.
    layers : list of LayerHealth
    findings : list of Finding
        The gravest first; empty if no reason was found.
    """

    loss: float
    baseline: float
    layers: list[LayerHealth]
    findings: list[Finding]

    def _rows(self) -> list[list[str]]:
        titles = ["layer", "activation", "z", "a", "saturated", "dead", "rms dZ", "|dW|", "|W|"]
        with_steps = any(layer.step is not None for layer in self.layers)
        rows = [[*titles, "step / |W|"] if with_steps else titles]
        for layer in self.layers:
            row = [str(layer.number), layer.activation]
            row += [
                f"{layer.mean_z:.2g} ± {layer.std_z:.2g}",
                f"{layer.mean_a:.2g} ± {layer.std_a:.2g}",
            ]
            row += ["" if layer.saturated is None else f"{layer.saturated:.0%}"]
            row += [f"{len(layer.dead)} of {layer.units}", f"{layer.signal:.2g}"]
            row += [f"{layer.gradient:.2g}", f"{layer.weights:.2g}"]
            rows.append([*row, f"{layer.step:.1e}"] if layer.step is not None else row)
        return rows

    def _verdict(self) -> str:
        known = f"loss {self.loss:.4g}; the best constant prediction has {self.baseline:.4g}"
        if not self.findings:
            return f"{known}\nno reason found why it should not learn"
        return known

    def __str__(self) -> str:
        rows = self._rows()
        table = align(rows, right=set(rows[0]) - {"layer", "activation"}) if self.layers else ""
        return "\n".join([*filter(None, [table]), self._verdict(), *map(str, self.findings)])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        head, *body = ([escape(cell) for cell in row] for row in self._rows())
        lines = "".join(f"<tr><td>{'</td><td>'.join(row)}</td></tr>" for row in body)
        found = "".join(
            f"<li><b>{escape(f.name)}</b>: {escape(f.says)}. Try: {escape(f.advice)}.</li>"
            for f in self.findings
        )
        verdict = escape(self._verdict()).replace("\n", "<br>")
        return (
            f"<table><tr><th>{'</th><th>'.join(head)}</th></tr>{lines}</table>"
            f"<p>{verdict}</p><ul>{found}</ul>"
        )
