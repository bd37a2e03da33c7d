"""Predictions of every contender for few rows and for many."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from benchmarks.cases import CASES
from benchmarks.contenders import Forward, contenders
from benchmarks.timing import Measured, in_turn
from chainrule.engine.threads import usable_threads

ROWS = (1, 1_000, 100_000)
# Outputs in float32 that were summed in another order.
TOLERANCE = 1e-5


def compare(rows: int, repeats: int) -> tuple[dict[str, Measured], list[str]]:
    """Return the times of a call for so many rows, and who gives other outputs than chainrule."""
    case = CASES["table"]
    X = np.random.default_rng(1).normal(size=(rows, case.sizes[0])).astype(np.float32)
    expected = case.network().forward(X, engine="numpy")
    work: dict[str, Callable[[int], object]] = {}
    wrong = []
    for name, kind in contenders().items():
        print(f"  prediction of {rows} rows: {name}", file=sys.stderr)
        forward = kind(case).predictor()
        apart = float(np.abs(forward(X).reshape(expected.shape) - expected).max())
        if not apart <= TOLERANCE:
            wrong.append(f"prediction of {rows} rows: {name} differs by {apart:.2g}")
        work[name] = _repeated(forward, X)
    return in_turn(work, repeats, usable_threads(), each=0.1), wrong


def _repeated(forward: Forward, X: npt.NDArray[np.float32]) -> Callable[[int], None]:
    def call(count: int) -> None:
        for _ in range(count):
            forward(X)

    return call
