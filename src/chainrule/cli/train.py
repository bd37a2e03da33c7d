"""``chainrule train``: from a file of a table to a saved model, and a report of how good it is."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from chainrule import _checks
from chainrule.activations import get_activation
from chainrule.cli import reports
from chainrule.cli.refusing import refusal, refusing

TASKS = ("auto", "classification", "regression")


def train(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, Parquet or Arrow.")],
    target: Annotated[str, typer.Option(help="The column to predict.")],
    task: Annotated[
        str, typer.Option(help="classification, regression, or auto: guessed, and said.")
    ] = "auto",
    out: Annotated[Path, typer.Option(help="Where the model is saved.")] = Path(
        "model.safetensors"
    ),
    hidden: Annotated[str, typer.Option(help="Units of the hidden layers.")] = "128,128",
    activation: Annotated[
        str, typer.Option(help="Activation of the hidden layers, or a formula, '=z*tanh(z)'.")
    ] = "relu",
    epochs: Annotated[int, typer.Option(help="The most epochs.")] = 200,
    members: Annotated[int, typer.Option(help="Networks in the ensemble.")] = 4,
    test: Annotated[float, typer.Option(help="Share of the rows that the report is on.")] = 0.2,
    validation: Annotated[
        float, typer.Option(help="Share of the others that each network is stopped by.")
    ] = 0.2,
    time_limit: Annotated[float | None, typer.Option(help="Seconds of training.")] = None,
    drop: Annotated[str, typer.Option(help="Columns to leave out, with commas.")] = "",
    categorical: Annotated[
        str, typer.Option(help="Columns of numbers that are categories, with commas.")
    ] = "",
    numeric: Annotated[
        str, typer.Option(help="Columns to keep though they number the rows, with commas.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Draws everything.")] = 0,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Folder in which the training is saved on its way, for --resume."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the training in --checkpoint.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
) -> None:
    """Train on the table in a file, report on rows held back, and save the model.

    Pictures of the errors and of the training are saved beside the model.
    """
    with refusing():
        from chainrule.tabular import TabularClassifier, TabularRegressor, evaluation

        _checks.check_choice("--task", task, TASKS)
        _check_share("--test", test)
        if resume and checkpoint is None:
            raise refusal("--resume needs the folder that the training was saved in: --checkpoint")
        if checkpoint is not None and not resume and any(checkpoint.glob("*/checkpoint-*")):
            raise refusal(
                f"--checkpoint {checkpoint} holds a training: go on with it by --resume, or give "
                f"another folder"
            )
        arguments = {
            **_arguments(hidden, activation, epochs, members, time_limit, seed),
            "validation_fraction": _check_share("--validation", validation),
            "categorical_features": _names(categorical) or None,
            "numeric_features": _names(numeric) or None,
        }
        pictures = [out.with_name(f"{out.stem}-{name}.png") for name in ("errors", "training")]
        check_free([out, *pictures], force, [file])
        said = Said(quiet=as_json)
        named = {"--drop": drop, "--categorical": categorical, "--numeric": numeric}
        X, y = _read(file, target, {k: _names(v) for k, v in named.items()}, said)
        task = _choose_task(task, y, target, said)
        learn, held = evaluation.split_rows(
            _values(y), test, classes=task == "classification", seed=seed
        )
        said(f"rows: {len(learn):,} to learn from, {len(held):,} held back for this report")
        model = (TabularClassifier if task == "classification" else TabularRegressor)(**arguments)
        model.tells = not as_json
        start = time.perf_counter()
        with reports.progress_bar(members * epochs) as tell:
            saving: dict[str, Any] = {"checkpoint": checkpoint, "resume": resume}
            model.fit(X.take(learn), y.take(learn), callbacks=[tell], **saving)
        seconds = time.perf_counter() - start
        X_held, y_held = X.take(held), y.take(held)
        found = evaluation.evaluate(model, X_held, y_held)
        columns = evaluation.importance(model, X_held, y_held, seed=seed)
        model.save(out, overwrite=force)
        drawn = reports.draw_pictures(model, X_held, y_held, *pictures, overwrite=force, say=said)
    if not as_json:
        reports.show(reports.columns_table(model))
        reports.show(reports.metrics_table(model, found))
        reports.show(reports.importance_table(model, columns))
        stopped = ", ".join(f"{len(h)} epochs ({h.stopped})" for h in model.histories_)
        n = len(model.networks_)
        said(f"trained {n} network{'s' * (n > 1)} in {seconds:.1f} s: {stopped}")
        said(f"saved: {', '.join(str(path) for path in [out, *drawn])}")
        return
    report = {
        "file": str(file),
        "task": task,
        "rows": {"learned from": len(learn), "tested on": len(held)},
        **reports.model_facts(model),
        "seconds": seconds,
        "metrics": found.figures,
        "baseline": found.baseline,
        "importance": {name: mean for name, (mean, _) in columns.items()},
        "model": str(out),
        "pictures": [str(path) for path in drawn],
    }
    typer.echo(json.dumps(report, indent=1, ensure_ascii=False))


class Said:
    """What is told on the way: on the output, or, for a report in JSON, nowhere."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet

    def __call__(self, text: str) -> None:
        if not self.quiet:
            try:
                typer.echo(text)
            except BrokenPipeError:  # nobody reads on; the model is to be saved all the same
                self.quiet = True


def check_free(paths: Sequence[Path], force: bool, inputs: Sequence[Path]) -> None:
    """Refuse if a file would be written that is there already, or is read, or can't be made."""
    for path in paths:
        if any(path.exists() and each.exists() and path.samefile(each) for each in inputs):
            raise refusal(f"{path} is read, and can't be written; give another --out")
        if path.is_dir():
            raise refusal(f"{path} is a folder; give a file")
        if path.exists() and not force:
            raise refusal(f"{path} is there already; give another --out, or --force")
        if not path.parent.is_dir():
            raise refusal(f"{path}: there is no folder {path.parent}")
        if not os.access(path.parent, os.W_OK):
            raise refusal(f"{path}: the folder {path.parent} can't be written to")


def _arguments(
    hidden: str,
    activation: str,
    epochs: int,
    members: int,
    time_limit: float | None,
    seed: int,
) -> dict[str, Any]:
    """Return the options as arguments of an estimator, or say which is wrong."""
    try:
        units = [int(n) for n in hidden.split(",")] if hidden.strip() else []
    except ValueError:
        raise refusal(f"--hidden must be whole numbers with commas, got {hidden!r}") from None
    for n in units:
        _checks.check_integer("--hidden", n, low=1)
    get_activation(activation, "--activation")
    if time_limit is not None:
        _checks.check_number("--time-limit", time_limit, low=0, open_low=True)
    _checks.check_random_state(seed, "--seed")
    return {
        "hidden_layer_sizes": units,
        "activation": activation,
        "max_iter": _checks.check_integer("--epochs", epochs, low=1),
        "n_members": _checks.check_integer("--members", members, low=1),
        "time_limit": time_limit,
        "random_state": seed,
    }


def _check_share(name: str, value: float) -> float:
    return _checks.check_number(name, value, low=0, high=1, open_low=True, open_high=True)


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]


def _read(
    file: Path, target: str, named: Mapping[str, Sequence[str]], said: Said
) -> tuple[Any, Any]:
    """Return the columns to learn from, and that of the target, of the rows that have one."""
    from chainrule.tabular.files import has_value, read_file

    table = read_file(file)
    for option, names in {"--target": [target], **named}.items():
        for name in names:
            if name == target and option != "--target":
                raise refusal(f"{option}: {name!r} is the target")
            if name not in table.column_names:
                listed = ", ".join(table.column_names[:20])
                raise refusal(f"{option}: {file} has no column {name!r}; it has {listed}")
    known = table.filter(has_value(table[target]))
    said(f"{file}: {table.num_rows:,} rows, {table.num_columns - 1} columns beside {target!r}")
    if known.num_rows == 0:
        raise refusal(f"the target {target!r} has no value in {file}")
    if known.num_rows < table.num_rows:
        said(f"{table.num_rows - known.num_rows:,} rows without a target are left out")
    X = known.drop_columns([*{target, *named["--drop"]}])
    if X.num_columns == 0:
        raise refusal(f"{file} has no column to learn from beside the target {target!r}")
    return X, known.select([target])


def _choose_task(task: str, y: Any, target: str, said: Said) -> str:
    from chainrule.tabular.evaluation import guess_task
    from chainrule.tabular.tables import read_table

    if task != "auto":
        said(f"task: {task}")
        return task
    task, why = guess_task(read_table(y).columns[target])
    said(f"task: {task}, because {why}; --task says otherwise")
    return task


def _values(y: Any) -> Any:
    from chainrule.tabular.tables import read_target

    return read_target(y, len(y))[0]
