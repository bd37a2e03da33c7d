"""Training steps of every contender on every case, and whether all learned the same."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from benchmarks.cases import Case
from benchmarks.contenders import contenders
from benchmarks.timing import Measured, in_turn, ratio
from chainrule.engine.threads import usable_threads

# By how much the losses after two epochs may differ, of the loss: float32 sums in another order
# differ in the 7th digit, and 100 steps of Adam, which divides by roots of small squares, magnify
# that.
TOLERANCE = dict.fromkeys(contenders(), 0.002)
# Its Adam adds ε before the correction of the means, and so goes another way while they are small.
TOLERANCE["scikit-learn"] = 1e-2
OURS = "chainrule"


@dataclass
class Trained:
    """What came of a case: times of a step, ratios to chainrule's, and losses of all."""

    case: Case
    step: dict[str, Measured]
    losses: dict[str, float]

    @property
    def ratios(self) -> dict[str, float]:
        """How many times as long as chainrule each contender takes."""
        return {name: ratio(self.step, name, OURS) for name in self.step}

    @property
    def of_peak(self) -> float:
        """chainrule's share of the most that all cores' multiply-add units did meanwhile."""
        ours = self.step[OURS]
        return self.case.flops / ours.median / max(ours.peaks)

    def disagreements(self) -> list[str]:
        """Return who did not learn what chainrule learned, with both losses."""
        expected = self.losses[OURS]
        return [
            f"{self.case.name}: {name} ended with the loss {loss:.6g}, not {expected:.6g}"
            for name, loss in self.losses.items()
            if not abs(loss - expected) <= TOLERANCE[name] * expected
        ]


def compare(case: Case, repeats: int) -> Trained:
    """Train all contenders that are installed, in turn."""
    X, y = case.data()
    work, losses = {}, {}
    for name, kind in contenders().items():
        if kind is None:
            continue
        print(f"  {case.name}: {name}", file=sys.stderr)
        learner = kind(case)
        learner.train(2)
        losses[name] = learner.network().loss(X, y, engine="numpy")
        work[name] = learner.train
    measured = in_turn(work, repeats, usable_threads())
    for each in measured.values():  # of an epoch, until here
        each.seconds = [seconds / case.batches for seconds in each.seconds]
    return Trained(case, measured, losses)
