"""Schedules: the rate at chosen steps, by hand."""

from __future__ import annotations

import pytest

from chainrule.schedules import (
    Constant,
    Cosine,
    Exponential,
    InverseScaling,
    OneCycle,
    ReduceOnPlateau,
    StepDecay,
    as_schedule,
)


def test_values_by_hand() -> None:
    """Each formula at a few steps."""
    assert [Constant(0.1)(t) for t in (0, 99)] == [0.1, 0.1]
    assert [StepDecay(1.0, every=10, factor=0.5)(t) for t in (0, 9, 10, 25)] == [1, 1, 0.5, 0.25]
    assert Exponential(1.0, 0.9)(2) == pytest.approx(0.81)
    assert [InverseScaling(1.0)(t) for t in (0, 3)] == [1.0, 0.5]
    cosine = Cosine(1.0, steps=110, warmup_steps=10, final=0.2)
    assert cosine(0) == pytest.approx(1 / 11)
    assert cosine(9) == pytest.approx(10 / 11)
    assert [cosine(t) for t in (10, 60, 110, 500)] == pytest.approx([1.0, 0.6, 0.2, 0.2])


def test_one_cycle_rises_to_its_peak_and_falls_to_its_end() -> None:
    """learning_rate / 25 at the start, learning_rate at 30 %, almost nothing at the last step."""
    cycle = OneCycle(1.0, steps=100)
    rates = [cycle(t) for t in range(100)]
    assert rates[0] == pytest.approx(1 / 25)
    assert max(rates) == rates[29] == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(1 / 25 / 1e4)
    assert rates[:30] == sorted(rates[:30])
    assert rates[29:] == sorted(rates[29:], reverse=True)
    assert cycle(1000) == rates[-1]


def test_plateau_cuts_after_patience_and_not_below_its_minimum() -> None:
    """Three epochs without a fall cut the rate; a fall starts the count anew."""
    plateau = ReduceOnPlateau(1.0, factor=0.5, patience=3, min_delta=0.0, minimum=0.3)
    assert plateau.after_epochs([]) == 1.0
    assert plateau.after_epochs([5, 5, 5]) == 1.0
    assert plateau.after_epochs([5, 5, 5, 5]) == 0.5
    assert plateau.after_epochs([5, 5, 5, 4, 4, 4]) == 1.0
    assert plateau.after_epochs([5] * 50) == 0.3
    below = ReduceOnPlateau(0.1, patience=1, minimum=0.3)
    assert below.after_epochs([5] * 50) == 0.1  # never raised


def test_a_number_is_a_constant_and_any_function_a_schedule() -> None:
    """What `learning_rate=` takes."""
    schedule = as_schedule(0.25)
    assert callable(schedule)
    assert schedule(7) == 0.25

    def halving(step: int) -> float:
        return 0.5**step

    assert as_schedule(halving) is halving
