"""Validation: which rows are held back, and that they are held back."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import Network
from chainrule.batches import Examples, split_validation

X = np.arange(200.0).reshape(100, 2)


def split(network: Network, y: object, share: float, seed: int = 0) -> tuple[Examples, Examples]:
    examples = Examples(*network.check_examples(X, y, np.arange(1.0, 101)))
    train, held = split_validation(network, examples, share, np.random.RandomState(seed))
    assert held is not None
    return train, held


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_each_class_in_its_proportion(n_outputs: int) -> None:
    """10 of 100 rows are of class 1, and so are 2 of the 20 held back, whatever the seed."""
    y = (np.arange(100) % 10 == 0).astype(int)
    for seed in range(5):
        train, held = split(Network([2, n_outputs]), y, 0.2, seed)
        assert (len(train), len(held)) == (80, 20)
        assert (train.Y.sum(), held.Y.sum()) == (8, 2)


def test_one_hot_rows_too() -> None:
    """Rows with a single 1 are classes as well."""
    y = np.eye(2)[(np.arange(100) % 10 == 0).astype(int)]
    _, held = split(Network([2, 2]), y, 0.2)
    assert held.Y.sum(axis=0).tolist() == [18, 2]


def test_every_row_is_in_one_set_with_its_target_and_weight() -> None:
    """Nothing is lost, doubled or mixed up."""
    train, held = split(Network([2, 1], loss="huber"), np.arange(100.0), 0.3)
    assert train.sample_weight is not None
    assert held.sample_weight is not None
    rows = np.concatenate([train.X[:][:, 0] / 2, held.X[:][:, 0] / 2])
    assert sorted(rows) == list(range(100))
    np.testing.assert_array_equal(np.concatenate([train.Y, held.Y]).ravel(), rows)
    weights = np.concatenate([train.sample_weight, held.sample_weight]).ravel()
    np.testing.assert_array_equal(weights, rows + 1)


def test_a_class_with_one_row_can_be_split() -> None:
    """Where classes can't be shared out, the split is by chance."""
    y = np.zeros(100, int)
    y[7] = 1
    train, held = split(Network([2, 1]), y, 0.2)
    assert train.Y.sum() + held.Y.sum() == 1


def test_same_seed_same_rows() -> None:
    """And another seed, others."""
    y = np.arange(100) % 2
    first, second, other = (split(Network([2, 1]), y, 0.2, seed)[1].X[:] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
