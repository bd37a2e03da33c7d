"""How many threads are taken: by the machine, by what joblib allows, by trying."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numba import types

from chainrule.engine.layout import address
from chainrule.engine.registers import get, put
from chainrule.engine.registers.calls import Addressed
from chainrule.engine.registers.threads import atomic_add
from chainrule.engine.team import task_signature, team
from chainrule.engine.threads import CALLS_BETWEEN_TRIALS, TRIALS, ThreadChoice, usable_threads


def test_no_more_threads_than_joblib_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    """OMP_NUM_THREADS, which joblib sets in its workers, is a limit; nonsense in it is not."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    most = usable_threads()
    for allowed, expected in (("1", 1), ("0", 1), ("9999", most), ("many", most)):
        monkeypatch.setenv("OMP_NUM_THREADS", allowed)
        assert usable_threads() == expected


@pytest.mark.parametrize(
    ("most", "work", "candidates"),
    [(8, 1e3, [1]), (2, 1e6, [1, 2]), (8, 2e7, [1, 4, 8]), (8, 1e12, [8]), (1, 1e12, [1])],
)
def test_what_is_tried(most: int, work: float, candidates: list[int]) -> None:
    """One thread for next to nothing, all for much work, and trials in between."""
    choice = ThreadChoice(most, work)
    assert choice.candidates == candidates
    assert choice.most == candidates[-1]


@pytest.mark.parametrize("quickest", [1, 4, 8])
def test_the_quickest_is_taken(quickest: int) -> None:
    """Each number is tried as often, the best goes on, and a machine that changes is noticed."""
    choice = ThreadChoice(8, 2e7)
    tried = []
    for call in range(2 * CALLS_BETWEEN_TRIALS):
        best = quickest if call < CALLS_BETWEEN_TRIALS else 4
        tried.append(choice.threads)
        choice.note(1e-3 if choice.threads == best else 2e-3)
    assert set(tried[20:CALLS_BETWEEN_TRIALS]) == {quickest}
    assert all(tried[:20].count(n) >= TRIALS for n in (1, 4, 8))
    assert set(tried[-50:]) == {4}


@pytest.fixture
def own_cache(compiled_apart: None) -> None:
    """Compile into a folder of the tests' own."""


def count(tid: Any, run: Any, P: Any) -> int:
    put(run, tid, get(run, tid) + 1)
    return 0


def add_up(tid: Any, run: Any, P: Any) -> int:
    """Add the numbers from 0 to 999, which each is taken from a counter, to those of a thread."""
    while True:
        i = atomic_add(run, 0, 1)
        if i >= 1000:
            return 0
        put(run, 8 + tid, get(run, 8 + tid) + i)


def check_a_task(threads: int, most: int) -> None:
    """Each number is added once, and by no thread that the task was not for."""
    kernel = Addressed(add_up, task_signature).compile(types.float64)
    run = np.zeros(16, np.int64)
    team(most, types.float64).run(kernel.address, threads, address(run), 0)
    assert run[8:].sum() == 499_500
    assert not run[8 + threads :].any()


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize("pause", [0.0, 0.02])
def test_a_team_does_all_of_a_task(pause: float) -> None:
    """Whether its threads were awake or asleep, on any number of them."""
    assert team(4, types.float64) is team(4, types.float64)
    for i in range(10 if pause else 2000):
        check_a_task(1 + i % 4, 4)
        threading.Event().wait(pause)


@pytest.mark.usefixtures("own_cache")
def test_a_team_serves_one_caller_after_another() -> None:
    """Callers in several threads don't get into each other's tasks."""

    def call(first: int) -> None:
        for i in range(300):
            check_a_task(1 + (first + i) % 3, 3)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(call, range(6)))
