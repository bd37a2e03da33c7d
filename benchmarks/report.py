"""The tables of a run, in Markdown: a peer that is faster is said to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from benchmarks.processes import FirstRun
from benchmarks.timing import Measured, ratio
from benchmarks.training import OURS, Trained


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown, whose first column is text."""
    header = list(header)
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *map(list, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def factor(times: float) -> str:
    """Say how many times as long as chainrule a peer takes."""
    if times < 1:
        return f"**peer faster: {1 / times:.2f}×**"
    return f"{times:.0f}×" if times >= 20 else f"{times:.1f}×"


def duration(seconds: float) -> str:
    """Return seconds, with three digits, in the unit that fits."""
    for size, unit in ((1, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.2f} µs"


def _others(names: Iterable[str]) -> list[str]:
    return [name for name in names if not name.startswith(OURS)]


def _times(measured: Mapping[str, Measured], names: Iterable[str]) -> list[str]:
    own = [duration(measured[name].median) for name in (OURS, f"{OURS}, 1 thread")]
    cells = []
    for name in _others(names):
        if name not in measured:
            cells.append("not installed")
            continue
        times = ratio(dict(measured), name, OURS)
        cells.append(f"{duration(measured[name].median)}, {factor(times)}")
    return own + cells


def _fastest(measured: Mapping[str, Measured]) -> str:
    return factor(min(ratio(dict(measured), name, OURS) for name in _others(measured)))


def training_table(trained: Iterable[Trained], names: list[str]) -> str:
    """A row a case: the time of a step, and how many times as long the others take."""
    header = ["training step", OURS, "1 thread", *_others(names), "fastest peer", "of the peak"]
    return table(
        header,
        (
            [t.case.label, *_times(t.step, names), _fastest(t.step), f"{100 * t.of_peak:.0f} %"]
            for t in trained
        ),
    )


def prediction_table(by_rows: Mapping[int, Mapping[str, Measured]], names: list[str]) -> str:
    """A row a number of rows: the time of a call."""
    header = ["prediction, 50-128-128-1", OURS, "1 thread", *_others(names), "fastest peer"]
    rows = (
        [f"{m:,} row{'s' if m > 1 else ''}", *_times(t, names), _fastest(t)]
        for m, t in by_rows.items()
    )
    return table(header, rows)


def process_table(imports: Mapping[str, float], first: Mapping[str, FirstRun]) -> str:
    """A row a library: import, first fit with nothing compiled before, and again, and memory."""
    header = ["fresh process", "import", "first fit", "once compiled", "peak memory"]
    rows = []
    for name, run in first.items():
        imported = duration(imports[name]) if name in imports else "as above"
        memory = f"{run.memory} MB" if run.memory.isdigit() else run.memory
        rows.append([name, imported, duration(run.cold), duration(run.warm), memory])
    return table(header, rows)


def growth_table(found: Mapping[str, Mapping[str, list[float]]]) -> str:
    """A row a point of a curve."""
    rows = []
    for what, curve in found.items():
        peers = curve.get("PyTorch", [])
        for i, x in enumerate(curve["x"]):
            ours = curve[OURS][i] / 1e6
            cells = [duration(peers[i] / 1e6), factor(peers[i] / 1e6 / ours)] if peers else ["", ""]
            rows.append([f"{what} {x:,.0f}", duration(ours), *cells])
    return table(["growth of a step", OURS, "PyTorch", "times as long"], rows)
