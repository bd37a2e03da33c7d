"""``python -m benchmarks.tables``: the defaults for tables beside scikit-learn's MLP, by accuracy.

scikit-learn's built-in data, and with ``--data FOLDER`` real tables: ``datasets.json`` there lists
their names and tasks, and each is a Parquet file with a column ``target``. Each contender has its
defaults, and five folds; the mean and each fold's figure are printed and saved.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sklearn.datasets
from sklearn.compose import (
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score, log_loss, median_absolute_error, r2_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks import machine, report
from chainrule import TabularClassifier, TabularRegressor

RESULTS = Path("benchmarks/results")
BUILT_IN = ("iris", "wine", "breast_cancer", "digits", "diabetes")
OURS, ALONE = "chainrule", "chainrule, 1 network"
THEIRS, SCALED = "scikit-learn", "scikit-learn, target scaled"
# By its first figure a contender is better, the higher it is; the second is told beside it.
FIGURES = {"classes": ("accuracy", "log loss"), "regression": ("R²", "median error")}


@dataclass(frozen=True)
class Data:
    """A table X, its target y, and the task: "classes" or "regression"."""

    name: str
    X: pd.DataFrame
    y: pd.Series
    task: str


def built_in() -> Iterator[Data]:
    """Yield scikit-learn's own small data sets."""
    for name in BUILT_IN:
        bunch = getattr(sklearn.datasets, f"load_{name}")(as_frame=True)
        task = "regression" if name == "diabetes" else "classes"
        yield Data(name, bunch.data, bunch.target, task)


def in_folder(folder: Path) -> Iterator[Data]:
    """Yield the tables that a folder's ``datasets.json`` lists."""
    for entry in json.loads((folder / "datasets.json").read_text(encoding="utf-8")):
        frame = pd.read_parquet(folder / f"{entry['name']}.parquet")
        task = "regression" if entry["task"] == "regression" else "classes"
        yield Data(entry["name"], frame.drop(columns="target"), frame["target"], task)


def pipeline(model: Any) -> Any:
    """Return scikit-learn's model behind its usual preprocessing for tables."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    words = make_pipeline(
        SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")
    )
    are_numbers = make_column_selector(dtype_include="number")
    are_words = make_column_selector(dtype_exclude="number")
    return make_pipeline(make_column_transformer((numbers, are_numbers), (words, are_words)), model)


def contenders(task: str) -> dict[str, Any]:
    """Return a model by each name, with its defaults."""
    if task == "classes":
        return {
            THEIRS: pipeline(MLPClassifier(random_state=0)),
            OURS: TabularClassifier(random_state=0),
            ALONE: TabularClassifier(n_members=1, random_state=0),
        }
    scaled = TransformedTargetRegressor(MLPRegressor(random_state=0), transformer=StandardScaler())
    return {
        THEIRS: pipeline(MLPRegressor(random_state=0)),
        SCALED: pipeline(scaled),
        OURS: TabularRegressor(random_state=0),
        ALONE: TabularRegressor(n_members=1, random_state=0),
    }


def figures(model: Any, X: pd.DataFrame, y: pd.Series, task: str) -> tuple[float, float]:
    """Return the two figures of a fitted model on rows it has not seen."""
    if task == "classes":
        P = model.predict_proba(X)
        return accuracy_score(y, model.predict(X)), log_loss(y, P, labels=model.classes_)
    predicted = model.predict(X)
    return r2_score(y, predicted), median_absolute_error(y, predicted)


def compare(data: Data) -> dict[str, dict[str, Any]]:
    """Return the figures of each contender by fold, and its seconds in all; in turn, by fold."""
    X, y = for_scikit_learn(data.X), data.y
    folds = (KFold if data.task == "regression" else StratifiedKFold)(
        5, shuffle=True, random_state=0
    )
    found: dict[str, dict[str, Any]] = {}
    for train, test in folds.split(X, y):
        for name, model in contenders(data.task).items():
            start = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(X.iloc[train], y.iloc[train])
            each = found.setdefault(name, {"folds": [], "seconds": 0.0})
            each["folds"].append(figures(model, X.iloc[test], y.iloc[test], data.task))
            each["seconds"] += time.perf_counter() - start
    return found


def for_scikit_learn(X: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose words are in columns of objects, with NaN where one is missing."""
    words = X.select_dtypes(exclude="number").columns
    return X.assign(**{name: X[name].astype(object).where(X[name].notna()) for name in words})


def result_table(task: str, results: dict[str, dict[str, Any]]) -> str:
    """A row a table: the means over the folds of each contender, and who is ahead."""
    first, second = FIGURES[task]
    rows, names = [], list(contenders(task))
    for data, found in results.items():
        means = {name: np.mean(found[name]["folds"], axis=0) for name in names}
        best = max(means[name][0] for name in names if name not in (OURS, ALONE))
        cells = [
            f"{means[name][0]:.4f}, {means[name][1]:.4g}, {found[name]['seconds']:.0f} s"
            for name in names
        ]
        rows.append([data, *cells, f"{means[OURS][0] - best:+.4f}"])
    title = f"{first}, {second}, time"
    return report.table([title, *names, f"{first} ahead"], rows)


def main() -> int:
    """Compare on all tables, and print and save the figures after each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    parser.add_argument("--data", type=Path, help="a folder of real tables")
    parser.add_argument("--only", help="names, with commas")
    parser.add_argument("--output", type=Path, default=RESULTS)
    asked = parser.parse_args()
    data = [*built_in(), *(in_folder(asked.data) if asked.data else ())]
    if asked.only:
        data = [each for each in data if each.name in asked.only.split(",")]
    about = machine.describe()
    results: dict[str, dict[str, Any]] = {task: {} for task in FIGURES}
    asked.output.mkdir(parents=True, exist_ok=True)
    text = ""
    for each in sorted(data, key=lambda d: d.X.size):
        results[each.task][each.name] = compare(each)
        parts = ["\n".join(f"- {name}: {value}" for name, value in about.items())]
        for task, found in results.items():
            if found:
                wins = _wins(found)
                parts += [
                    result_table(task, found),
                    f"chainrule is ahead on {wins} of {len(found)}.",
                ]
        text = "\n\n".join(parts) + "\n"
        (asked.output / "tables.md").write_text(text, encoding="utf-8")
        saved = json.dumps({"about": about, "results": results}, indent=1)
        (asked.output / "tables.json").write_text(saved, encoding="utf-8")
        print(f"{each.name} done", file=sys.stderr, flush=True)
    print(text)
    return 0


def _wins(results: dict[str, dict[str, Any]]) -> int:
    """Return on how many tables chainrule's first figure is above all of scikit-learn's."""
    wins = 0
    for found in results.values():
        means = {name: np.mean(each["folds"], axis=0)[0] for name, each in found.items()}
        wins += all(means[OURS] > mean for name, mean in means.items() if name in (THEIRS, SCALED))
    return wins


if __name__ == "__main__":
    sys.exit(main())
