"""How many threads compiled code takes."""

from __future__ import annotations

import math
import os

# For steps of fewer multiplications and additions a thread than the first, another is no gain on
# any machine; for more than the second it surely is. Between them it is tried.
PERHAPS_WORTH, SURELY_WORTH = 2e5, 1.5e7
TRIALS, CALLS_BETWEEN_TRIALS = 3, 200


def usable_threads() -> int:
    """Return how many threads this process may use: its cores, or OMP_NUM_THREADS if that is less.

    Workers of joblib have that variable set, so that together they don't take too many.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(cores, int(allowed))) if allowed.isdigit() else cores


class ThreadChoice:
    """How many threads a run takes: the quickest of some numbers, found by trying them.

    Where a step is so short that threads may lose by waiting for each other more than they gain,
    it depends on the machine, and on what else it does. The bits are the same with each number.

    Parameters
    ----------
    most : int
        The most threads to take.
    work : float
        Multiplications and additions of a step.

    Attributes
    ----------
    threads : int
        The number to take next.
    """

    def __init__(self, most: int, work: float) -> None:
        tried = (1, most // 2, most) if work < SURELY_WORTH * most else (most,)
        worth = {n for n in tried if n > 0 and n * PERHAPS_WORTH < work}
        self.candidates = sorted(worth | {1} if len(tried) > 1 else worth)
        self.most = max(self.candidates)
        self.begin_trials()

    def begin_trials(self) -> None:
        """Try each number anew."""
        self.seconds = dict.fromkeys(self.candidates, math.inf)
        self.trials = self.candidates * TRIALS if len(self.candidates) > 1 else []
        self.calls_left, self.threads = CALLS_BETWEEN_TRIALS, self.candidates[-1]

    def note(self, seconds: float) -> None:
        """Take note of how long a step took with the last number of threads."""
        self.seconds[self.threads] = min(self.seconds[self.threads], seconds)
        self.calls_left -= 1
        if self.trials:
            self.threads = self.trials.pop()
        elif self.calls_left < 0 and len(self.candidates) > 1:
            self.begin_trials()
        else:
            self.threads = min(self.candidates, key=self.seconds.__getitem__)
