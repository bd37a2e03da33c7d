"""Runs the commands for tables with damaged files and odd arguments, in one process.

Each must end with exit code 0, or with 1 or 2 and a sentence on the error output: no other error,
no crash, no more memory or time than is allowed.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import fuzz, fuzz_tables
from benchmarks.fuzz import limit_memory
from benchmarks.fuzz_tables import LARGEST, MOST_SECONDS, at_most
from chainrule.tabular import files

# So many commands that train on one that does not: they take much longer.
TRAIN = 0.1

NUMBERS = ["", "-1", "0", "1", "2", "1.5", "1e999", "nan", "inf", "x", "９", "9" * 30, "--", "0x1"]
NAMES = [
    "target",
    "number",
    "word",
    "code",
    "flag",
    "none",
    "",
    " ",
    "é",
    "a,b",
    ",",
    "TARGET",
    "day",
]
PLACES = ["", ".", "/", "none/out.csv", "out.csv", "out.parquet", "out.txt", "é.csv", "x" * 300]
MODELS_AT = ["m.safetensors", "none/m.safetensors", ".", "m", "x" * 300 + ".safetensors"]

# The models that were learned from the tables of which the damaged ones are.
FITTING = ("classes.safetensors", "numbers.safetensors")

# What a command takes, and what is given for it; a flag has no value.
OPTIONS: dict[str, dict[str, list[str] | None]] = {
    "train": {
        "--target": ["target", "number", "whole", *NAMES],
        "--task": ["auto", "classification", "regression", "class", ""],
        "--out": MODELS_AT,
        "--hidden": ["", "2", "3,2", "0", "-1", "2,,2", "1.5", "x", "9" * 12],
        "--activation": ["relu", "tanh", "softmax", "Relu", ""],
        "--epochs": ["1", "2", "0", "-1", "x", "1.5", ""],
        "--members": ["1", "2", "0", "-1", "x", "1001", "9" * 20],
        "--test": ["0.2", "0.9", *NUMBERS],
        "--validation": ["0.2", "0.9", *NUMBERS],
        "--time-limit": ["0.1", "0", "-1", "nan", "x"],
        "--drop": NAMES,
        "--categorical": NAMES,
        "--numeric": NAMES,
        "--seed": NUMBERS,
        "--checkpoint": ["run", "out.csv", "", "none/run", "/dev/null"],
        "--resume": None,
        "--force": None,
        "--json": None,
        "--none": None,
    },
    "predict": {"--out": PLACES, "--proba": None, "--force": None, "--none": None},
    "evaluate": {"--target": NAMES, "--json": None, "--none": None},
    "describe": {"--json": None, "--none": None},
}


def draw_command(chance: random.Random, models: list[str], tables: list[str]) -> list[str]:
    """Return a command with its arguments, most of which are sound."""
    name = (
        "train" if chance.random() < TRAIN else chance.choice(["predict", "evaluate", "describe"])
    )
    command = [name]
    if name != "train":
        command.append(chance.choice(models))
    if name != "describe":
        command.append(chance.choice(tables))
    if name == "train":
        command += ["--epochs", "1", "--members", "1", "--hidden", "2", "--target", "target"]
    for _ in range(chance.choice([0, 0, 1, 1, 2, 4])):
        option = chance.choice([*OPTIONS[name]])
        values = OPTIONS[name][option]
        command += [option] if values is None else [option, chance.choice(values)]
    if chance.random() < 0.05:
        del command[chance.randrange(len(command))]
    if chance.random() < 0.05:
        command.insert(
            chance.randrange(len(command) + 1), chance.choice([*NUMBERS, *NAMES, *PLACES])
        )
    return command


@contextlib.contextmanager
def standing_in(folder: Path) -> Iterator[None]:
    """Let a block run in a folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def run(command: list[str]) -> str:
    """Run a command, and return what came of it; AssertionError if it said nothing of an error."""
    from typer.testing import CliRunner

    from chainrule.cli.app import app

    done = CliRunner().invoke(app, command)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    if done.exit_code == 0:
        return "done"
    said = done.stderr.strip()
    assert done.exit_code in (1, 2), f"exit code {done.exit_code}"
    of_typer = "─ Error ─" in said
    assert of_typer or said.splitlines()[-1].startswith("Error: "), f"it only said {said!r}"
    return "refused"


def try_files(seed: int, count: int, kept: Path) -> Counter[str]:
    """Run so many commands, and count what came of them; failures are told, with their files."""
    chance, outcomes = random.Random(seed), Counter[str]()
    files.LARGEST = LARGEST
    kept = kept.resolve()  # it leaves the folder that it is in
    kept.mkdir(parents=True, exist_ok=True)
    os.environ["MPLBACKEND"] = "agg"
    with tempfile.TemporaryDirectory() as name, standing_in(Path(name)):
        folder = Path(name)
        (folder / "from").mkdir()
        fuzz_tables.seeds(folder / "from")
        (folder / "saved").mkdir()
        fuzz.seeds(folder / "saved")
        table, learn = fuzz_tables.make_table(), fuzz_tables.learners()
        X = table.drop_columns(["target"])
        learn[0]().fit(X, table["target"]).save(folder / "saved" / "classes.safetensors")
        learn[1]().fit(X, table["whole"]).save(folder / "saved" / "numbers.safetensors")
        sources = {
            kind: [
                (path.name, path.read_bytes()) for path in sorted(at.iterdir()) if path.is_file()
            ]
            for kind, at in (("from", folder / "from"), ("saved", folder / "saved"))
        }
        sources["saved"] += 4 * [one for one in sources["saved"] if one[0] in FITTING]
        run(["--help"])
        limit_memory()
        for number in range(count):
            for path in list(folder.iterdir()):
                if path.is_file():
                    path.unlink()
            given: dict[str, Any] = {}
            for kind, change in (("from", fuzz_tables.changed), ("saved", None)):
                at, data = chance.choice(sources[kind])
                if chance.random() < 0.25:
                    data = change(at, data, chance) if change else fuzz.changed(data, chance)
                given[kind] = at
                (folder / at).write_bytes(data)
            models = [given["saved"]] * 12 + ["none.safetensors", ".", given["from"]]
            command = draw_command(chance, models, [given["from"]] * 12 + ["none", ".", ""])
            note = kept / f"{seed}-{number}.txt"
            note.write_text(repr(command), encoding="utf-8")
            try:
                with warnings.catch_warnings(), at_most(MOST_SECONDS):
                    warnings.simplefilter("ignore")
                    outcomes[run(command)] += 1
            except Exception as error:
                outcomes["failed"] += 1
                for at in given.values():
                    if (folder / at).exists():
                        (kept / f"{seed}-{number}-{at}").write_bytes((folder / at).read_bytes())
                print(f"{command}: {type(error).__name__}: {error}"[:600], file=sys.stderr)
                continue
            note.unlink()
    return outcomes
