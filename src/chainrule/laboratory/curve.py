"""The curve of an experiment: losses and accuracies over epochs, thinned out as it grows."""

from __future__ import annotations

from chainrule.laboratory.experiment import Score

MOST_POINTS = 2000

# Seconds between two points where nobody looks, and over which the speed is taken.
EVERY, OVER = 1.0, 0.5

Point = tuple[float, float, float | None, float, float | None]


class Curve:
    """Points (epoch, training loss, test loss, training accuracy, test accuracy), and the speed."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self._given = 0
        self._last_step, self._last_time = -1, float("-inf")
        self._counted, self._since = 0, float("-inf")
        self.rate = 0.0

    def add(self, epoch: float, step: int, train: Score, test: Score | None, now: float) -> None:
        """Add a point, unless nothing was learned since the last one."""
        self._last_time = now
        if step == self._last_step:
            return
        self._last_step = step
        of_test = (None, None) if test is None else (test.loss, test.accuracy)
        self.points.append((epoch, train.loss, of_test[0], train.accuracy, of_test[1]))
        if len(self.points) > MOST_POINTS:
            kept = self.points[: self._given : 2]
            self.points, self._given = [*kept, *self.points[self._given :]], len(kept)

    def take(self, everything: bool = False) -> list[Point]:
        """Return the points that were not returned before, or all."""
        points = self.points if everything else self.points[self._given :]
        self._given = len(self.points)
        return list(points)

    def is_due(self, now: float) -> bool:
        """Whether it is time for a point that nobody asked for."""
        return now - self._last_time >= EVERY

    def count(self, steps: int, now: float) -> None:
        """Count updates; `rate` is how many there were a second."""
        self._counted += steps
        if now - self._since > OVER:
            if self._counted > steps:
                self.rate = self._counted / (now - self._since)
            self._counted, self._since = 0, now
