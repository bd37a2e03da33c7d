"""Training steps of every contender on every case, and whether all learned the same."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from benchmarks.cases import Case
from benchmarks.contenders import contenders
from benchmarks.timing import Measured, in_turn, ratio
from chainrule.engine.threads import usable_threads

# scikit-learn's Adam adds ε before the correction of the means, and so goes another way at first.
OTHER_ADAM = {"scikit-learn": 0.15}
OURS = "chainrule"


@dataclass
class Trained:
    """What came of a case: times of a step, ratios to chainrule's, and losses of all."""

    case: Case
    step: dict[str, Measured]
    losses: dict[str, float]
    apart: dict[str, float]

    @property
    def ratios(self) -> dict[str, float]:
        """How many times as long as chainrule each contender takes."""
        return {name: ratio(self.step, name, OURS) for name in self.step}

    @property
    def of_peak(self) -> float:
        """chainrule's share of the most that all cores' multiply-add units did meanwhile."""
        ours = self.step[OURS]
        return self.case.flops / ours.median / max(ours.peaks)

    def limit(self, name: str) -> float:
        """Return how far a contender's weights may be from chainrule's, of their way."""
        other = OTHER_ADAM.get(name, 0.0) if self.case.rule == "adam" else 0.0
        return max(self.case.tolerance, other)

    def disagreements(self) -> list[str]:
        """Return whose weights are not chainrule's, with the loss of both."""
        expected = self.losses[OURS]
        return [
            f"{self.case.name}: the weights of {name} are {apart:.2g} of their way apart, "
            f"with a loss of {self.losses[name]:.6g} for {expected:.6g}"
            for name, apart in self.apart.items()
            if not apart <= self.limit(name)
        ]


def compare(case: Case, repeats: int) -> Trained:
    """Train all contenders that are installed, in turn."""
    X, y = case.data()
    start = case.network().vector
    work, losses, vectors = {}, {}, {}
    for name, kind in contenders().items():
        print(f"  {case.name}: {name}", file=sys.stderr)
        learner = kind(case)
        learner.train(2)
        reached = learner.network()
        losses[name] = reached.loss(X, y, engine="numpy")
        vectors[name] = reached.vector.copy()
        work[name] = learner.train
    went = float(np.linalg.norm(vectors[OURS] - start))
    apart = {name: float(np.linalg.norm(v - vectors[OURS])) / went for name, v in vectors.items()}
    measured = in_turn(work, repeats, usable_threads())
    for each in measured.values():  # of an epoch, until here
        each.seconds = [seconds / case.batches for seconds in each.seconds]
    return Trained(case, measured, losses, apart)
