"""How the time of a step grows with rows, width, depth, batch and threads, and its picture."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.cases import CASES, Case
from benchmarks.contenders import contenders
from benchmarks.contenders.ours import Ours
from benchmarks.timing import in_turn
from chainrule.engine.threads import usable_threads

Curve = dict[str, list[float]]
SHOWN = ("chainrule", "PyTorch")


def _cases() -> Iterator[tuple[str, int, Case]]:
    table = CASES["table"]
    for rows in (1_024, 8_192, 65_536, 262_144):
        yield "rows", rows, replace(table, batches=rows // table.batch_size)
    for width in (8, 32, 128, 512, 2048):
        yield "width", width, replace(table, sizes=(50, width, width, 1), batches=8)
    for depth in (1, 2, 4, 8):
        yield "depth", depth, replace(table, sizes=(50, *[128] * depth, 1), batches=8)
    for batch_size in (8, 32, 128, 512, 2048):
        yield "batch", batch_size, replace(table, batch_size=batch_size, batches=8192 // batch_size)


def curves(repeats: int) -> dict[str, Curve]:
    """Return by what grows: its values under "x", and microseconds a step by contender."""
    found: dict[str, Curve] = {}
    kinds = {name: kind for name, kind in contenders().items() if name in SHOWN}
    for what, x, case in _cases():
        print(f"  growth: {what} {x}", file=sys.stderr)
        measured = in_turn(
            {name: kind(case).train for name, kind in kinds.items()},
            repeats,
            usable_threads(),
            each=0.05,
        )
        curve = found.setdefault(what, {"x": []})
        curve["x"].append(x)
        for name, each in measured.items():
            curve.setdefault(name, []).append(1e6 * each.median / case.batches)
    found["threads"] = _threads(repeats)
    return found


def _threads(repeats: int) -> Curve:
    case, work = CASES["images"], {}
    for n in range(1, usable_threads() + 1):
        kind = type(f"On{n}", (Ours,), {"threads": n})
        work[str(n)] = kind(case).train
    measured = in_turn(work, repeats, usable_threads())
    times = [1e6 * each.median / case.batches for each in measured.values()]
    return {"x": [float(n) for n in measured], "chainrule": times}


def draw(found: dict[str, Curve], path: Path) -> None:
    """Draw the curves side by side, with logarithmic axes."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(found), figsize=(3.6 * len(found), 3.2), sharey=True)
    for ax, (what, curve) in zip(axes, found.items(), strict=True):
        for name, color, marker in zip(SHOWN, ("#0072B2", "#D55E00"), "os", strict=True):
            if name in curve:
                ax.plot(curve["x"], curve[name], color=color, marker=marker, label=name)
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.set_xlabel(what)
        ax.set_xticks(curve["x"], [f"{x:,.0f}" for x in curve["x"]])
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("µs a step")
    axes[0].legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
