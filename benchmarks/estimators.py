"""``python -m benchmarks.estimators``: the estimators' `fit` beside peers, and a first prediction.

`MLPClassifier` on 100,000 rows of 50 columns, hidden layers of 128 and 128, mini-batches of 256,
float32, beside scikit-learn's, beside PyTorch by hand, and beside the engine's own loop; and how
long a fresh process takes to the first prediction of a saved network, beside one that imports
PyTorch.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import sklearn.neural_network
from sklearn.exceptions import ConvergenceWarning

from benchmarks import machine, processes, report
from benchmarks.cases import Case
from benchmarks.timing import Measured, in_turn, ratio
from chainrule import MLPClassifier, Network
from chainrule.batches import Examples
from chainrule.engine import choose_engine
from chainrule.engine.threads import usable_threads
from chainrule.estimators.initialization import draw_network, make_structure
from chainrule.estimators.solvers import Solver
from chainrule.losses import LOSSES
from chainrule.penalties import Penalty
from chainrule.steps import draw_order

RESULTS = Path("benchmarks/results")


class Kept(Case):
    """A case whose data are made once, so that nobody's time has that in it."""

    @cache  # noqa: B019  (there is one, as long as the program runs)
    def data(self) -> Any:
        """Return the inputs and the classes."""
        return super().data()


CASE = Kept("table", (50, 128, 128, 1), 256, 390)  # 99,840 rows
OURS, LOOP, THEIRS, TORCH = "chainrule", "its engine's loop", "scikit-learn", "PyTorch by hand"
PARAMETERS: dict[str, Any] = {
    "hidden_layer_sizes": CASE.sizes[1:-1],
    "batch_size": CASE.batch_size,
    "alpha": 0.0,
    "tol": 0.0,
    "n_iter_no_change": math.inf,
    "random_state": 0,
}
# The losses after some epochs agree to this share: float32, and an ε in another place of Adam.
TOLERANCE = 0.02
FIRST_PREDICTION = """
import sys, numpy, chainrule
chainrule.load(sys.argv[1]).predict(numpy.zeros((1, 50), numpy.float32))
"""


def fit_estimator(kind: Any, epochs: int, **more: Any) -> float:
    """Fit an estimator for some epochs, and return its last loss."""
    X, y = CASE.data()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = kind(max_iter=epochs, **PARAMETERS, **more).fit(X, y)
    return float(model.loss_curve_[-1])


def beginning() -> tuple[Network, np.random.RandomState]:
    """Return the network that both estimators begin with, and the stream that draws the orders."""
    rng = np.random.RandomState(PARAMETERS["random_state"])
    loss = LOSSES["binary_cross_entropy"]
    structure = make_structure(CASE.sizes, "relu", loss.output, loss, 0.0, None)
    return draw_network(structure, "relu", np.float32, rng), rng


def run_loop(epochs: int) -> float:
    """Train by the engine's own loop, and return the mean loss of the last epoch."""
    network, rng = beginning()
    X, y = CASE.data()
    examples = Examples(*network.check_examples(X, y))
    solver = Solver(MLPClassifier(**PARAMETERS))
    engine = choose_engine(
        "compiled",
        network,
        solver.optimizer,
        Penalty(),
        None,
        None,
        rng,
        batch_size=CASE.batch_size,
        updates=epochs * CASE.batches,
        threads=None,
    )
    order, losses = np.arange(len(X)), [0.0]
    for _ in range(epochs):
        order = order[draw_order(len(X), CASE.batch_size, random_state=rng)]
        losses, done = [], 0
        while done < len(X):
            chunk = order[done : done + engine.stride * CASE.batch_size]
            losses += engine.train_batches(examples.X, examples.Y, None, chunk, CASE.batch_size)
            done += len(chunk)
    return float(np.mean(losses))


def run_torch(epochs: int) -> float:
    """Train by PyTorch as its tutorials do, and return the mean loss of the last epoch."""
    import torch

    from benchmarks.contenders.pytorch import Eager

    network, rng = beginning()
    eager = Eager(CASE)
    with torch.no_grad():
        for p, value in zip(eager.model.parameters(), network.parameters.values(), strict=True):
            p.copy_(torch.from_numpy(value.T.copy()).reshape(p.shape))
    order, total = np.arange(CASE.rows), 0.0
    for _ in range(epochs):
        order = order[draw_order(CASE.rows, CASE.batch_size, random_state=rng)]
        total = 0.0
        for rows in torch.from_numpy(order).split(CASE.batch_size):
            eager.rule.zero_grad(set_to_none=True)
            loss = eager.loss(eager.X[rows], eager.Y[rows])
            loss.backward()
            eager.rule.step()
            total += loss.item() * len(rows)
    return total / CASE.rows


def first_predictions(repeats: int) -> dict[str, list[float]]:
    """Return the seconds of processes to a first prediction, and to have imported PyTorch."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.safetensors"
        CASE.network().save(path)
        found: dict[str, list[float]] = {"first prediction": [], "import torch": [], "nothing": []}
        for _ in range(repeats):
            found["first prediction"].append(processes.run(FIRST_PREDICTION, str(path))[0])
            found["import torch"].append(processes.run("import torch")[0])
            found["nothing"].append(processes.run("")[0])
    return found


def main() -> int:
    """Measure, print and save; return 1 if the losses do not agree."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.estimators", description=__doc__)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", type=Path, default=RESULTS)
    asked = parser.parse_args()
    about = machine.describe()
    train: dict[str, Callable[[int], float]] = {
        OURS: partial(fit_estimator, MLPClassifier, engine="compiled"),
        LOOP: run_loop,
        THEIRS: partial(fit_estimator, sklearn.neural_network.MLPClassifier),
        TORCH: run_torch,
    }
    losses = {name: do(asked.epochs) for name, do in train.items()}
    apart = {name: abs(loss / losses[OURS] - 1) for name, loss in losses.items()}
    work = {name: (lambda count, do=do: do(count * asked.epochs)) for name, do in train.items()}
    fits = in_turn(work, asked.repeats, usable_threads())
    starts = first_predictions(asked.repeats)
    text = "\n\n".join(
        [
            "\n".join(f"- {name}: {value}" for name, value in about.items()),
            fits_table(fits, losses, asked.epochs),
            starts_table(starts),
            "\n".join(
                f"The loss of {name} is {share:.2g} apart."
                for name, share in apart.items()
                if share > TOLERANCE
            )
            or f"All losses agree to {TOLERANCE:.0%}.",
        ]
    )
    print(text)
    asked.output.mkdir(parents=True, exist_ok=True)
    (asked.output / "estimators.md").write_text(text + "\n", encoding="utf-8")
    figures = {
        "about": about,
        "fit": {name: each.seconds for name, each in fits.items()},
        "losses": losses,
        "starts": starts,
    }
    (asked.output / "estimators.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return int(max(apart.values()) > TOLERANCE)


def fits_table(fits: dict[str, Measured], losses: dict[str, float], epochs: int) -> str:
    """A row a contender: the median time of a fit, and how many times as long as ours it takes."""
    rows = [
        [
            name,
            report.duration(each.median),
            f"{ratio(fits, name, OURS):.2f}×",
            f"{losses[name]:.5f}",
        ]
        for name, each in fits.items()
    ]
    return report.table(
        [f"fit, {epochs} epochs of {CASE.rows:,} × 50", "time", "of ours", "loss"], rows
    )


def starts_table(starts: dict[str, list[float]]) -> str:
    """A row a process: its median time from start to end."""
    rows = [[name, report.duration(float(np.median(each)))] for name, each in starts.items()]
    return report.table(["process, from start to end", "time"], rows)


if __name__ == "__main__":
    sys.exit(main())
