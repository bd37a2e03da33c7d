"""Kills a training at random moments, and goes on with it: does it end in the same bits?

``python -m benchmarks.kills --kills 200`` trains a network in a process of its own that saves a
checkpoint every few hundredths of a second, kills it with SIGKILL at a random moment, goes on with
what it left behind, and so on until it ends. The parameters are compared with those of a training
that was left alone, and every file that a kill left behind is read.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

PROGRAM = """
import sys
import numpy as np
from chainrule import Checkpoints, EarlyStopping, Layer, Network, fit
from chainrule.schedules import Cosine

folder, out, engine, epochs = *sys.argv[1:4], int(sys.argv[4])
rng = np.random.default_rng(0)
X = rng.normal(size=(3000, 8))
y = (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(int)
network = Network([8, Layer(48, "gelu", dropout=0.1, normalization="batch"), Layer(48, "tanh"), 1],
                  random_state=0)
saving = {} if folder == "-" else {
    "checkpoint": Checkpoints(folder, every_minutes=0.03 / 60), "resume": True}
fit(network, X, y, epochs=epochs, batch_size=20, optimizer="adamw", random_state=1, verbose=0,
    learning_rate=Cosine(0.01, 150 * epochs, 50), validation=0.2, engine=engine,
    early_stopping=EarlyStopping(epochs), **saving)
np.save(out, np.concatenate([network.vector, *(v.ravel() for v in network.statistics.values())]))
"""


@dataclass
class Outcome:
    """What came of it: kills, trainings, those that ended in other bits, files that are broken."""

    kills: int = 0
    trainings: int = 0
    different: int = 0
    unreadable: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        same, broken = self.trainings - self.different, len(self.unreadable)
        return (
            f"{self.kills} kills in {self.trainings} trainings: {same} of {self.trainings} ended "
            f"in the same bits, {broken} unreadable files"
        )


def start(folder: str, out: Path, engine: str, epochs: int) -> subprocess.Popen[bytes]:
    """Start a training; "-" is no folder."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROGRAM, folder, str(out), engine, str(epochs)]
    return subprocess.Popen(command, env=environment)


def run(kills: int, *, engine: str = "numpy", epochs: int = 12, seed: int = 0) -> Outcome:
    """Kill so many times in all, in as many trainings as that takes."""
    chance, outcome = random.Random(seed), Outcome()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        began = time.monotonic()
        if start("-", place / "whole.npy", engine, epochs).wait() != 0:
            raise RuntimeError("the training that was to be left alone failed")
        lasts = time.monotonic() - began
        whole = np.load(place / "whole.npy")
        while outcome.kills < kills:
            folder, out = place / f"run-{outcome.trainings}", place / "cut.npy"
            while not train(folder, out, engine, epochs, chance.uniform(0, lasts)):
                outcome.kills += 1
                outcome.unreadable += unreadable(folder)
                if outcome.kills >= kills:  # the last one is left to end
                    train(folder, out, engine, epochs, None)
                    break
            outcome.trainings += 1
            outcome.different += not np.array_equal(np.load(out), whole)
            out.unlink()
    return outcome


def train(folder: Path, out: Path, engine: str, epochs: int, seconds: float | None) -> bool:
    """Train, or go on; kill it after some seconds, if any; return whether it came to its end."""
    process = start(str(folder), out, engine, epochs)
    try:
        if process.wait(seconds) != 0:
            raise RuntimeError(f"a training in {folder} failed")
        return True
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False


def unreadable(folder: Path) -> list[str]:
    """Return the files of checkpoints, and of the best network, that are not whole."""
    from safetensors.numpy import load_file

    broken = []
    for path in [*folder.glob("checkpoint-*"), *folder.glob("best.safetensors")]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                load_file(path)
        except Exception as error:
            broken.append(f"{path.name}: {error}")
    return broken


def main() -> None:
    """Read the options, run, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--engine", choices=["numpy", "compiled"], default="numpy")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.monotonic()
    outcome = run(options.kills, engine=options.engine, epochs=options.epochs, seed=options.seed)
    print(f"{options.engine} engine: {outcome}; {time.monotonic() - began:.0f} s")
    sys.exit(bool(outcome.different or outcome.unreadable))


if __name__ == "__main__":
    main()
