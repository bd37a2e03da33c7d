"""How many threads are taken: by the machine, by what joblib allows, by trying."""

from __future__ import annotations

import pytest

from chainrule.engine.threads import (
    CALLS_BETWEEN_TRIALS,
    TRIALS,
    ThreadChoice,
    shared_pool,
    usable_threads,
)


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


def test_the_pool_is_kept() -> None:
    """A pool is made once for a number of threads, in a process."""
    assert shared_pool(2) is shared_pool(2)
    assert shared_pool(2).submit(lambda: 3).result() == 3
