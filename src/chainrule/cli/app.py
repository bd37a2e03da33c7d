"""The commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainrule import __version__, _checks
from chainrule.activations import get_activation
from chainrule.cli.lab import lab
from chainrule.cli.lecture import run_lecture, write_lecture
from chainrule.cli.refusing import refusal, refusing
from chainrule.cli.train import train
from chainrule.cli.use import describe, evaluate, predict

app = typer.Typer(
    help="A multi-layer neural network from scratch, to read and to use.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chainrule {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Options that every command has."""


@app.command()
def lecture(
    context: typer.Context,
    hidden: Annotated[
        str, typer.Option(help="Units of the hidden layers: 4, or 8,8, or '' for none.")
    ] = "4",
    activation: Annotated[
        str, typer.Option(help="Activation of the hidden layers, or a formula, '=z*tanh(z)'.")
    ] = "tanh",
    epochs: Annotated[int, typer.Option(help="How often all examples are gone through.")] = 10,
    learning_rate: Annotated[float, typer.Option(help="The rate α of gradient descent.")] = 0.01,
    batch_size: Annotated[int, typer.Option(help="Examples in each update, of the 800.")] = 32,
    seed: Annotated[
        int, typer.Option(help="Draws the first weights and the order; the data stay the same.")
    ] = 42,
    notebook: Annotated[
        bool, typer.Option("--notebook", help="Write the lecture as a notebook, and run nothing.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the pictures (lecture), or the notebook (lecture.ipynb)."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a notebook.")] = False,
) -> None:
    """Run the lecture's experiment, then go beyond it; or write it as a notebook.

    The options change the experiment; what lies beyond it stays as it is, but for the seed.
    """
    if notebook:
        _refuse_options_of_the_experiment(context)
        write_lecture(out or Path("lecture.ipynb"), force)
        return
    if force:
        raise refusal("--force is for --notebook; pictures are always replaced")
    out = out or Path("lecture")
    try:
        units = [int(n) for n in hidden.split(",")] if hidden.strip() else []
    except ValueError:
        raise refusal(f"--hidden must be whole numbers with commas, got {hidden!r}") from None
    with refusing():
        for n in units:
            _checks.check_integer("--hidden", n, low=1)
        get_activation(activation, "--activation")
        _checks.check_integer("--epochs", epochs, low=1)
        _checks.check_number("--learning-rate", learning_rate, low=0)
        _checks.check_integer("--batch-size", batch_size, low=1)
        _checks.check_random_state(seed, "--seed")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refusal(f"--out {out} can't be made a folder: {error.strerror}") from None
    with refusing():
        run_lecture(units, activation, epochs, learning_rate, batch_size, seed, out)


def _refuse_options_of_the_experiment(context: typer.Context) -> None:
    """Refuse what would have no effect on a notebook, whose numbers are changed inside it."""
    for name in ("hidden", "activation", "epochs", "learning_rate", "batch_size", "seed"):
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = f"--{name.replace('_', '-')}"
            raise refusal(f"{option} does not go with --notebook; change it in the notebook itself")


app.command()(lab)
app.command()(train)
app.command()(predict)
app.command()(evaluate)
app.command()(describe)
