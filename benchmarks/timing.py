"""Times that can be compared on a noisy machine: in turn, repeated, with the peak beside them."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from benchmarks.peak import peak

# How long one measurement of a contender should take, in seconds.
EACH = 0.25


@dataclass
class Measured:
    """Seconds of a unit of work, one for each repeat, and the peak around each, in FLOP/s."""

    seconds: list[float] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Median of the seconds."""
        return statistics.median(self.seconds)

    @property
    def least(self) -> float:
        """The least, on a machine that was left alone."""
        return min(self.seconds)


def in_turn(
    work: Mapping[str, Callable[[int], object]], repeats: int, threads: int, each: float = EACH
) -> dict[str, Measured]:
    """Time ``work[name](count)``, one contender after the other in each repeat.

    Each is warmed, and then given as many units as take about `each` seconds. Who begins changes
    from repeat to repeat.
    """
    counts = {}
    for name, do in work.items():
        do(1)  # what is made the first time: code, memory, threads
        count, took = 1, _seconds(do, 1)
        while took < each / 2:  # what a call costs beside its units must not count for a unit
            count = max(count + 1, math.ceil(count * each / max(took, each / 8)))
            took = _seconds(do, count)
        counts[name] = count
    measured = {name: Measured() for name in work}
    names = list(work)
    for repeat in range(repeats):
        shift = repeat % len(names)
        for name in names[shift:] + names[:shift]:
            before = peak(threads)
            start = time.perf_counter()
            work[name](counts[name])
            took = time.perf_counter() - start
            measured[name].seconds.append(took / counts[name])
            measured[name].peaks.append((before + peak(threads)) / 2)
    return measured


def ratio(measured: dict[str, Measured], name: str, to: str) -> float:
    """Return how many times as long as `to` a contender takes: the ratio of their medians."""
    return measured[name].median / measured[to].median


def _seconds(do: Callable[[int], object], count: int) -> float:
    start = time.perf_counter()
    do(count)
    return time.perf_counter() - start
