"""``chainrule predict``, ``evaluate`` and ``describe``: what is done with a saved model."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from chainrule.cli.refusing import refusal, refusing
from chainrule.cli.train import check_free

ModelPath = Annotated[Path, typer.Argument(help="What `chainrule train` saved.")]
TablePath = Annotated[Path, typer.Argument(help="CSV, TSV, Parquet or Arrow.")]
ENDINGS = (".csv", ".parquet")
AsJson = Annotated[bool, typer.Option("--json", help="Report as JSON.")]


def predict(
    model: ModelPath,
    file: TablePath,
    out: Annotated[
        Path | None, typer.Option(help="A file of CSV or Parquet; without it, CSV is printed.")
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="The probability of each class as well.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Predict the target of each row of a table."""
    with refusing():
        from chainrule.tabular.files import read_file, write_file

        if out is not None:
            check_free([out], force, [model, file])
            if out.suffix.lower() not in ENDINGS:
                raise refusal(f"--out must end in {' or '.join(ENDINGS)}, got {out}")
        loaded = _load(model)
        if proba and not hasattr(loaded, "classes_"):
            raise refusal(f"--proba: {model} predicts numbers, which have no probabilities")
        table = read_file(file, words_of(loaded))
        predicted = {loaded.target_name_: loaded.predict(table)}
        if proba:
            P = loaded.predict_proba(table)
            predicted |= {f"probability of {c}": P[:, k] for k, c in enumerate(loaded.classes_)}
        if out is None:
            write_file(predicted, sys.stdout.buffer)
        else:
            write_file(predicted, out, overwrite=force)
            typer.echo(f"{table.num_rows:,} predictions: {out}")


def evaluate(
    model: ModelPath,
    file: TablePath,
    target: Annotated[
        str | None, typer.Option(help="The column of the truth, if not named as in training.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell how good a model is on a table with its target, beside a baseline."""
    with refusing():
        from chainrule.cli import reports
        from chainrule.tabular import evaluation
        from chainrule.tabular.files import has_value, read_file

        loaded = _load(model)
        table = read_file(file, words_of(loaded))
        name = target or loaded.target_name_
        if name not in table.column_names:
            raise refusal(f"{file} has no column {name!r} to compare with; give --target")
        known = table.filter(has_value(table[name]))
        if known.num_rows == 0:
            raise refusal(f"the target {name!r} has no value in {file}")
        found = evaluation.evaluate(loaded, known.drop_columns([name]), known.select([name]))
    if as_json:
        facts = {"rows": found.rows, "metrics": found.figures, "baseline": found.baseline}
        typer.echo(json.dumps(facts, indent=1, ensure_ascii=False))
    else:
        reports.show(reports.metrics_table(loaded, found))


def describe(model: ModelPath, as_json: AsJson = False) -> None:
    """Tell what a model is: its columns and what becomes of each, its target and its networks."""
    with refusing():
        from chainrule.cli import reports

        loaded = _load(model)
    if as_json:
        typer.echo(json.dumps(reports.model_facts(loaded), indent=1, ensure_ascii=False))
    else:
        loaded.describe()


def words_of(model: Any) -> list[str]:
    """Return the columns that held words in training of which some look like numbers."""
    done = model.preprocessing_
    return [
        role.name
        for role in done.roles
        if role.came_as == "word"
        and any(word[0] in "+-.0123456789" for word in done.categories.get(role.name, ()))
    ]


def _load(path: Path) -> Any:
    """Return the model of a file, if it is one for tables."""
    from chainrule.loading import load
    from chainrule.tabular.base import BaseTabular

    model = load(path)
    if not isinstance(model, BaseTabular):
        raise refusal(f"{path} holds a {type(model).__name__}, not a model of `chainrule train`")
    return model
