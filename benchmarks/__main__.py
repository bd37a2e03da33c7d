"""``python -m benchmarks``: runs the cases, prints the tables and saves them with the figures."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from benchmarks import growth, machine, prediction, processes, report, training
from benchmarks.cases import CASES
from benchmarks.contenders import NAMES, contenders
from benchmarks.timing import Measured

RESULTS = Path("benchmarks/results")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--cases", default=",".join(CASES), help="of " + ", ".join(CASES))
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="three repeats of the steps alone")
    parser.add_argument("--output", type=Path, help="a folder; --quick saves nothing without it")
    arguments = parser.parse_args()
    unknown = set(arguments.cases.split(",")) - set(CASES)
    if unknown or arguments.repeats < 1:
        parser.error(f"cases must be of {', '.join(CASES)}, and repeats at least 1")
    return arguments


def main() -> int:
    """Run what was asked for; return 1 if a contender did not learn what the others did."""
    asked = _arguments()
    repeats = 3 if asked.quick else asked.repeats
    about, names = machine.describe(), NAMES
    trained = [training.compare(CASES[name], repeats) for name in asked.cases.split(",")]
    wrong = [line for each in trained for line in each.disagreements()]
    parts = [report.training_table(trained, names)]
    figures: dict[str, object] = {
        "about": about,
        "training": {t.case.name: _figures(t.step) | {"of peak": t.of_peak} for t in trained},
        "losses": {t.case.name: t.losses for t in trained},
        "apart": {t.case.name: t.apart for t in trained},
    }
    predicted = {}
    for rows in prediction.ROWS:
        predicted[rows], differ = prediction.compare(rows, repeats)
        wrong += differ
    parts.append(report.prediction_table(predicted, names))
    figures["prediction"] = {rows: _figures(each) for rows, each in predicted.items()}
    folder = asked.output or (None if asked.quick else RESULTS)
    path = (folder or Path()) / machine.slug(about["processor"])
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    if not asked.quick:
        first = {
            name: processes.first_run(name, 3) for name in contenders() if "1 thread" not in name
        }
        imports = {
            name: processes.import_seconds(processes.IMPORTS[name], 5)
            for name in first
            if name in processes.IMPORTS
        }
        curves = growth.curves(3)
        growth.draw(curves, path.with_suffix(".png"))
        parts += [report.process_table(imports, first), report.growth_table(curves)]
        figures |= {
            "import": imports,
            "first run": {name: dataclasses.asdict(run) for name, run in first.items()},
            "growth": curves,
        }
    heading = "\n".join(f"- {name}: {value}" for name, value in about.items())
    verdict = wrong or ["All weights and outputs agree within the stated tolerances."]
    text = "\n\n".join([heading, *parts, "\n".join(verdict)]) + "\n"
    print(text)
    if folder:
        path.with_suffix(".md").write_text(text, encoding="utf-8")
        path.with_suffix(".json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return 1 if wrong else 0


def _figures(measured: dict[str, Measured]) -> dict[str, object]:
    return {name: {"seconds": each.seconds, "peaks": each.peaks} for name, each in measured.items()}


if __name__ == "__main__":
    sys.exit(main())
