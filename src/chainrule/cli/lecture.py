"""``chainrule lecture``: prints its figures, draws its pictures, goes beyond; or is a notebook."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from chainrule import plots
from chainrule.cli.refusing import refusal, refusing
from chainrule.cli.train import check_free
from chainrule.lecture import Trial, beyond, linear_collapse, load_moons, model, parameter_lines
from chainrule.notebook import write_notebook


def run_lecture(
    hidden: list[int],
    activation: str,
    epochs: int,
    learning_rate: float,
    batch_size: int,
    seed: int,
    out: Path,
) -> None:
    """Run the experiment with these options and leave the pictures in `out`."""
    boundary = plots.new_axes()  # says at once if Matplotlib is not there
    data = load_moons()
    typer.echo(f"n_input = {data.X_train.shape[1]}, n_output = {data.Y_train.shape[1]}")
    with np.errstate(all="ignore"):  # a rate too large ends in an error that says so
        trained = model(
            data.X_train,
            data.Y_train,
            hidden,
            activation=activation,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            random_state=seed,
            say=typer.echo,
        )
    for line in parameter_lines(trained.parameters):
        typer.echo(line)
    typer.echo(f"Accuracy: {trained.accuracy(data.X_test, data.Y_test)}")

    typer.echo("\nWhy an activation that is not linear: with g(z) = z, two layers are one.")
    shown = linear_collapse(data.X_test, seed)
    for title, network in (("two layers", shown.two), ("the one they equal", shown.one)):
        typer.echo(f"{title}:")
        for line in parameter_lines(network.parameters):
            typer.echo(f"  {line}".replace("\n", "\n  "))
    typer.echo(f"greatest difference of their outputs: {shown.greatest_difference:.2g}")

    typer.echo("\nBeyond the lecture: deeper and longer on the same split")
    trials = beyond(data, seed)
    Console().print(_table(trials))
    best = max(trials, key=lambda trial: trial.accuracy)

    pictures = {
        "label_histogram": plots.label_histogram(data.labels),
        "cost_curve": plots.cost_curve(trained.costs),
        "decision_boundary": plots.decision_boundary(
            trained.outputs, data.X_test, data.Y_test, ax=boundary
        ),
        "best_boundary": plots.decision_boundary(best.network.forward, data.X_test, data.Y_test),
    }
    pictures["best_boundary"].set_title(
        f"{_activations(best)}, {_sizes(best)}: {best.accuracy:.3f} of the test set"
    )
    pictures["cost_curve"].set_title("Cost of the last mini-batch of each epoch")
    for name, ax in pictures.items():
        plots.save(ax, out / f"{name}.png")
    typer.echo(f"Pictures: {', '.join(f'{name}.png' for name in pictures)} in {out}")


def write_lecture(path: Path, force: bool) -> None:
    """Write the lecture as a notebook, and say how to open it."""
    if path.suffix != ".ipynb":
        raise refusal(f"--out must end in .ipynb, got {path}")
    check_free([path], force, [])
    with refusing():
        write_notebook(path, overwrite=force)
    typer.echo(f"The lecture's notebook: {path}")
    missing = [name for name in ("ipykernel", "matplotlib") if find_spec(name) is None]
    if missing:
        typer.echo(
            f"To run it, {' and '.join(missing)} must be there: pip install 'chainrule[notebook]'"
        )
    typer.echo(f"Open it in an editor for notebooks, such as VS Code, or: jupyter lab {path}")
    if find_spec("jupyterlab") is None:
        typer.echo("(JupyterLab is not installed here: pip install jupyterlab)")


def _sizes(trial: Trial) -> str:
    structure = trial.network.structure
    return "-".join(str(n) for n in [structure.n_inputs, *(g.units for g in structure.layers)])


def _activations(trial: Trial) -> str:
    hidden = trial.network.structure.layers[0].activation.name
    return hidden if hidden == trial.activation else f"{hidden}, then {trial.activation}"


def _table(trials: list[Trial]) -> Table:
    table = Table()
    table.add_column("activation")
    table.add_column("layers")
    for title in ("parameters", "test accuracy", "seconds"):
        table.add_column(title, justify="right")
    for trial in trials:
        table.add_row(
            _activations(trial),
            _sizes(trial),
            f"{trial.network.structure.n_parameters}",
            f"{trial.accuracy:.3f}",
            f"{trial.seconds:.2f}",
        )
    return table
