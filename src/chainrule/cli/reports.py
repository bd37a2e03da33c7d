"""What the commands for tables print and draw."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from chainrule import plots
from chainrule._files import replacing
from chainrule.callbacks import Progress as Training
from chainrule.tabular import TabularClassifier
from chainrule.tabular.evaluation import Evaluation, as_numbers
from chainrule.tabular.tables import read_target

# Of more columns than this the most important are told.
MOST_COLUMNS = 20


def show(table: Table) -> None:
    """Print a table, as wide as it must be where the output is no terminal."""
    console = Console()
    Console(width=None if console.is_terminal else 160).print(table)


@contextlib.contextmanager
def progress_bar(epochs: int) -> Iterator[Callable[[Training], None]]:
    """Show a bar on the error output, and give what is to be told after each epoch of a network."""
    columns = (
        TextColumn("training"),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[losses]}"),
        TimeRemainingColumn(),
    )
    lock = threading.Lock()
    console = Console(stderr=True)
    disable = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=disable) as bar:
        task = bar.add_task("", total=epochs, losses="")

        def tell(training: Training) -> None:
            history = training.history
            losses = f"loss {history.loss[-1]:.4f}, validation loss {history.val_loss[-1]:.4f}"
            with lock:
                bar.update(task, advance=1, losses=losses)

        yield tell


def columns_table(model: Any) -> Table:
    """Return what became of each column."""
    table = Table("column", "came as", title="columns", title_justify="left")
    table.add_column("missing", justify="right")
    table.add_column("distinct", justify="right")
    table.add_column("becomes")
    for role in model.preprocessing_.roles:
        facts = (f"{role.came_as}s", f"{role.missing:,}", f"{role.distinct:,}")
        table.add_row(role.name, *facts, model.preprocessing_.becomes(role))
    return table


def metrics_table(model: Any, found: Evaluation) -> Table:
    """Return the metrics of a model beside those of its baseline."""
    what = "majority class" if isinstance(model, TabularClassifier) else "mean"
    table = Table("metric", title=f"on {found.rows:,} rows", title_justify="left")
    table.add_column("model", justify="right")
    table.add_column(f"baseline ({what})", justify="right")
    for name, value in found.figures.items():
        table.add_row(name, f"{value:.4g}", f"{found.baseline[name]:.4g}")
    return table


def importance_table(model: Any, columns: Mapping[str, tuple[float, float]]) -> Table:
    """Return by how much the score falls without each column, the greatest first."""
    score = "accuracy" if isinstance(model, TabularClassifier) else "R²"
    table = Table("column", title="importance", title_justify="left")
    table.add_column(f"{score} falls by, if it is shuffled", justify="right")
    for name, (mean, deviation) in [*columns.items()][:MOST_COLUMNS]:
        table.add_row(name, f"{mean:.4f} ± {deviation:.4f}")
    if len(columns) > MOST_COLUMNS:
        table.add_row(f"{len(columns) - MOST_COLUMNS} more", "less")
    return table


def draw_pictures(
    model: Any,
    X: Any,
    y: Any,
    errors: Path,
    training: Path,
    *,
    overwrite: bool,
    say: Callable[[str], None],
) -> list[Path]:
    """Save pictures of a model's errors on rows X, y and of its training, given Matplotlib."""
    try:
        curve = plots.new_axes()
    except ImportError as error:
        say(f"no pictures: {error}")
        return []
    for history in model.histories_:
        plots.cost_curve(history.loss, history.val_loss, curve)
    for line in curve.lines[2:]:  # two names are enough for all networks
        line.set_label("_")
    curve.legend()
    truth, _ = read_target(y, len(X))
    predicted = np.asarray(model.predict(X))
    if isinstance(model, TabularClassifier):
        drawn = plots.confusion_matrix(truth.astype(str), predicted.astype(str))
    else:
        drawn = plots.predicted_against_true(as_numbers(truth), predicted)
    for ax, path in ((drawn, errors), (curve, training)):
        with replacing(path, overwrite=overwrite) as temporary:
            plots.save(ax, temporary)
    return [errors, training]


def model_facts(model: Any) -> dict[str, Any]:
    """Return what a model is, as JSON has it: its columns, its target and its networks."""
    becomes = model.preprocessing_.becomes
    columns = {
        role.name: {
            "kind": role.kind,
            "missing": role.missing,
            "distinct": role.distinct,
            "becomes": becomes(role),
        }
        for role in model.preprocessing_.roles
    }
    classes = isinstance(model, TabularClassifier)
    networks = [
        {
            "layers": [layer.units for layer in network.structure.layers],
            "parameters": network.structure.n_parameters,
            "epochs": len(history),
            "best epoch": history.best_epoch,
            "stopped": history.stopped,
        }
        for network, history in zip(model.networks_, model.histories_, strict=True)
    ]
    return {
        "target": model.target_name_,
        **({"classes": [str(label) for label in model.classes_]} if classes else {}),
        "columns": columns,
        "networks": networks,
    }
