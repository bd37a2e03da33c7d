"""Statistics of one pass: those of NumPy, whatever the blocks, and where sums of squares fail."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.streaming.statistics import Statistics


def in_blocks(X: Any, *ends: int) -> Statistics:
    """Return the statistics of rows that come in blocks with these ends."""
    blocks = np.split(np.asarray(X, float), sorted(ends))
    parts = (Statistics.of(block) for block in blocks if len(block))
    return reduce(Statistics.merge, parts, Statistics.none(np.shape(X)[1]))


@settings(deadline=None)
@given(
    st.lists(st.tuples(*[st.floats(-1e6, 1e6)] * 2), min_size=1, max_size=60),
    st.lists(st.integers(0, 60), max_size=4),
    st.sampled_from([0.0, 1.0, -1e9]),
)
def test_they_are_those_of_numpy(rows: list[tuple[float, ...]], ends: list[int], at: float) -> None:
    """In any blocks, and far from zero."""
    X = np.array(rows) + at
    found = in_blocks(X, *ends)
    size = np.abs(X).max() + 1e-300
    np.testing.assert_allclose(found.mean, X.mean(axis=0), rtol=1e-13, atol=1e-14 * size)
    np.testing.assert_allclose(found.var, X.var(axis=0), rtol=1e-9, atol=(1e-14 * size) ** 2)
    assert (found.count == len(X)).all()
    assert (found.low == X.min(axis=0)).all()
    assert (found.high == X.max(axis=0)).all()


def test_no_digits_are_lost_far_from_zero() -> None:
    """Around 1e9 the mean of squares less the square of the mean has no right digit left."""
    X = 1e9 + np.random.default_rng(0).normal(size=(10_000, 1))
    wrong = float((X * X).mean() - X.mean() ** 2)
    assert abs(wrong / X.var() - 1) > 0.1
    np.testing.assert_allclose(in_blocks(X, *range(0, 10_000, 7)).var, X.var(axis=0), rtol=1e-7)


def test_missing_numbers_do_not_count() -> None:
    """Also where a whole block, or a whole column, is missing."""
    X = np.random.default_rng(0).normal(5, 2, size=(300, 3))
    X[::3, 0], X[:100, 1], X[:, 2] = np.nan, np.nan, np.nan
    found = in_blocks(X, 100, 150)
    assert found.count.tolist() == [200, 200, 0]
    np.testing.assert_allclose(found.mean[:2], np.nanmean(X[:, :2], axis=0), rtol=1e-14)
    np.testing.assert_allclose(found.var[:2], np.nanvar(X[:, :2], axis=0), rtol=1e-13)
    assert (found.low[2], found.high[2], found.scale[2]) == (np.inf, -np.inf, 1)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e300, -7.0])
def test_a_constant_column_has_scale_1(constant: float) -> None:
    """Whatever rounding makes of its mean."""
    found = in_blocks(np.full((1001, 1), constant), 3, 500)
    assert found.scale.tolist() == [1.0]
    assert found.mean == pytest.approx(constant, rel=1e-15)
