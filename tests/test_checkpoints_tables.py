"""Checkpoints of models for tables, and from the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from chainrule import Checkpoints, TabularClassifier, TabularRegressor, load
from chainrule.callbacks import Progress
from chainrule.cli.app import app

RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "size": RNG.normal(size=120).round(3),
        "age": RNG.integers(1, 90, 120),
        "town": RNG.choice(["Ulm", "Bonn", "Kiel"], 120),
    }
)
PRICE = (3 * TABLE["size"] + 0.01 * TABLE["age"] + (TABLE["town"] == "Ulm")).round(3)


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("kind", [TabularClassifier, TabularRegressor])
def test_the_same_model(kind: Any, tmp_path: Path) -> None:
    """Cut off in the second of three networks, and gone on with."""
    y = PRICE if kind is TabularRegressor else PRICE > 0
    arguments = {"n_members": 3, "max_iter": 8, "random_state": 3, "engine": "numpy"}
    whole = kind(**arguments).fit(TABLE, y, callbacks=[lambda _: None])
    epochs = []

    def killing(progress: Progress) -> None:
        epochs.append(progress.epoch)
        if len(epochs) == 11:
            raise Killed

    saving = Checkpoints(tmp_path, every_epochs=2)
    with pytest.raises(Killed):
        kind(**arguments).fit(TABLE, y, callbacks=[killing], checkpoint=saving)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["network-1", "network-2"]
    done: list[int] = []
    again = kind(**arguments)
    again.fit(
        TABLE, y, callbacks=[lambda p: done.append(p.epoch)], checkpoint=tmp_path, resume=True
    )
    assert done == [2, 3, 4, 5, 6, 7, *range(8)]  # none of the first network, all of the third
    for one, other in zip(again.networks_, whole.networks_, strict=True):
        np.testing.assert_array_equal(one.vector, other.vector)
    assert again.temperatures_ == whole.temperatures_


def test_seeds_must_be_known(tmp_path: Path) -> None:
    """What is drawn before training must be the same the next time."""
    with pytest.raises(ValueError, match="random_state must be an integer where checkpoints are"):
        TabularRegressor().fit(TABLE, PRICE, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="resume=True needs the folder of the run"):
        TabularRegressor().fit(TABLE, PRICE, resume=True)


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


def test_the_command_needs_the_folder(tmp_path: Path) -> None:
    """And refuses to write over a run."""
    file = tmp_path / "houses.csv"
    TABLE.assign(price=PRICE).to_csv(file, index=False)
    model, run = str(tmp_path / "model.safetensors"), str(tmp_path / "run")
    short = ["train", str(file), "--target", "price", "--out", model, "--members", "1"]
    short += ["--epochs", "2", "--force"]
    done = invoke(*short, "--resume")
    assert (done.exit_code, "--resume needs the folder" in done.output) == (2, True)
    assert invoke(*short, "--checkpoint", run).exit_code == 0
    done = invoke(*short, "--checkpoint", run)
    assert done.exit_code == 2
    assert "holds a training: go on with it by --resume" in done.output
    before = load(model).networks_[0].vector
    assert invoke(*short, "--checkpoint", run, "--resume").exit_code == 0
    np.testing.assert_array_equal(load(model).networks_[0].vector, before)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_the_command_goes_on(tmp_path: Path) -> None:
    """One that was terminated ends, gone on with, in the very model of one left alone."""
    file = tmp_path / "houses.csv"
    pd.concat([TABLE.assign(price=PRICE)] * 20).to_csv(file, index=False)

    def start(name: str, *more: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", "import chainrule.cli; chainrule.cli.main()", "train"]
        command += [str(file), "--target", "price", "--members", "2", "--epochs", "25"]
        command += ["--out", str(tmp_path / name), *more]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)

    run = tmp_path / "run"
    whole = start("whole.safetensors")
    process = start("cut.safetensors", "--checkpoint", str(run))
    while not run.exists() and process.poll() is None:
        time.sleep(0.02)  # for the training to begin, not for a time to pass
    process.send_signal(signal.SIGTERM)
    # Terminated before it listened, while it trained, or when it was done
    assert process.wait() in (-signal.SIGTERM, 128 + signal.SIGTERM, 0)
    again = start("cut.safetensors", "--checkpoint", str(run), "--resume", "--force")
    assert again.wait() == whole.wait() == 0
    models = [load(tmp_path / f"{name}.safetensors") for name in ("whole", "cut")]
    for one, other in zip(*(model.networks_ for model in models), strict=True):
        np.testing.assert_array_equal(one.vector, other.vector)
