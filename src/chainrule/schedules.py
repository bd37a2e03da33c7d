"""Learning-rate schedules: the rate α as a function of the step.

A step is one update, on one mini-batch, and the first is step 0; an epoch of m examples has
⌈m / batch_size⌉ of them. Each schedule is plain data and a pure function, ``schedule(step)``.
Any function of the step will do in its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from chainrule._checks import check_integer, check_number


def _check_rates(**rates: float) -> None:
    for name, value in rates.items():
        check_number(name, value, low=0)


@dataclass(frozen=True)
class Constant:
    """α = `learning_rate`, at every step."""

    learning_rate: float

    def __post_init__(self) -> None:
        _check_rates(learning_rate=self.learning_rate)

    def __call__(self, step: int) -> float:
        return self.learning_rate


@dataclass(frozen=True)
class StepDecay:
    """α = `learning_rate` · `factor`^⌊step / `every`⌋: cut by `factor` every `every` steps."""

    learning_rate: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        _check_rates(learning_rate=self.learning_rate)
        check_integer("every", self.every, low=1)
        check_number("factor", self.factor, low=0, high=1)

    def __call__(self, step: int) -> float:
        return float(self.learning_rate * self.factor ** (step // self.every))


@dataclass(frozen=True)
class Exponential:
    """α = `learning_rate` · `factor`^step; `factor` just below 1, such as 0.999."""

    learning_rate: float
    factor: float

    def __post_init__(self) -> None:
        _check_rates(learning_rate=self.learning_rate)
        check_number("factor", self.factor, low=0, high=1)

    def __call__(self, step: int) -> float:
        return float(self.learning_rate * self.factor**step)


@dataclass(frozen=True)
class InverseScaling:
    """α = `learning_rate` / (step + 1)^`power`; `power` 0.5 is scikit-learn's default."""

    learning_rate: float
    power: float = 0.5

    def __post_init__(self) -> None:
        _check_rates(learning_rate=self.learning_rate)
        check_number("power", self.power, low=0)

    def __call__(self, step: int) -> float:
        return float(self.learning_rate / (step + 1) ** self.power)


@dataclass(frozen=True)
class Cosine:
    """Linear warm-up to `learning_rate`, then half a cosine down to `final`.

    The rate climbs over `warmup_steps` (default 0), reaches `final` (default 0) at `steps`, and
    stays there. Loshchilov & Hutter (2017), arXiv:1608.03983, equation 5, without restarts.
    """

    learning_rate: float
    steps: int
    warmup_steps: int = 0
    final: float = 0.0

    def __post_init__(self) -> None:
        _check_rates(learning_rate=self.learning_rate, final=self.final)
        check_integer("warmup_steps", self.warmup_steps)
        check_integer("steps", self.steps, low=self.warmup_steps + 1)

    def __call__(self, step: int) -> float:
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / (self.warmup_steps + 1)
        done = min(1.0, (step - self.warmup_steps) / (self.steps - self.warmup_steps))
        return _half_cosine(self.learning_rate, self.final, done)


@dataclass(frozen=True)
class OneCycle:
    """One cycle: from `learning_rate` / `start_div` up to it, and down to almost nothing.

    Half a cosine up over the first `warmup` (default 0.3) of the `steps`, half a cosine down to
    the starting rate / `final_div` over the rest. Smith & Topin (2018), arXiv:1708.07120,
    section 3, in the two-phase form with cosines that PyTorch's OneCycleLR has by default.
    """

    learning_rate: float
    steps: int
    warmup: float = 0.3
    start_div: float = 25.0
    final_div: float = 1e4

    def __post_init__(self) -> None:
        _check_rates(learning_rate=self.learning_rate)
        check_integer("steps", self.steps, low=2)
        check_number("warmup", self.warmup, low=0, high=1, open_low=True, open_high=True)
        check_number("start_div", self.start_div, low=1)
        check_number("final_div", self.final_div, low=1)

    def __call__(self, step: int) -> float:
        start = self.learning_rate / self.start_div
        peak = self.warmup * self.steps - 1
        if peak > 0 and step <= peak:
            return _half_cosine(start, self.learning_rate, step / peak)
        done = min(1.0, (step - peak) / (self.steps - 1 - peak))
        return _half_cosine(self.learning_rate, start / self.final_div, done)


def _half_cosine(start: float, end: float, done: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * done)) / 2


@dataclass(frozen=True)
class ReduceOnPlateau:
    """α = `learning_rate`, cut by `factor` whenever the loss has stopped falling.

    A function not of the step but of the losses after each epoch so far: the validation losses
    where there are any, else the training losses. After `patience` (default 10) epochs in a row
    without a fall below the best by more than `min_delta` (default 1e-4, absolute), the rate is
    multiplied by `factor` (default 0.1), but never taken below `minimum` (default 0).
    """

    learning_rate: float
    factor: float = 0.1
    patience: int = 10
    min_delta: float = 1e-4
    minimum: float = 0.0

    def __post_init__(self) -> None:
        _check_rates(learning_rate=self.learning_rate, minimum=self.minimum)
        check_number("factor", self.factor, low=0, high=1)
        check_integer("patience", self.patience, low=1)
        check_number("min_delta", self.min_delta, low=0)

    def after_epochs(self, losses: Sequence[float]) -> float:
        """Return α for the next epoch, from the loss after each epoch so far."""
        rate, best, waited = self.learning_rate, math.inf, 0
        for loss in losses:
            if loss < best - self.min_delta:
                best, waited = loss, 0
            else:
                waited += 1
            if waited == self.patience:
                rate, waited = min(rate, max(rate * self.factor, self.minimum)), 0
        return rate


Schedule: TypeAlias = Callable[[int], float] | ReduceOnPlateau


def as_schedule(learning_rate: float | Schedule) -> Schedule:
    """Return a schedule: the one given, or `Constant` of the number given.

    Raises TypeError for anything else, ValueError for a negative rate.
    """
    if callable(learning_rate) or isinstance(learning_rate, ReduceOnPlateau):
        return learning_rate
    return Constant(check_number("learning_rate", learning_rate, low=0))
