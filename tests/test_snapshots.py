"""Snapshots: which copies of the network are kept, and that they are copies."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import History, Network, Snapshots, fit
from chainrule.callbacks import Progress

X = np.random.default_rng(0).normal(size=(20, 2))
Y = (X[:, 0] > 0).astype(int)


def trained(snapshots: Snapshots, epochs: int) -> tuple[Network, History]:
    network = Network([2, 3, 1], random_state=0)
    history = fit(
        network, X, Y, epochs=epochs, callbacks=[snapshots], random_state=0, verbose=0, threads=1
    )
    return network, history


@pytest.mark.parametrize(
    ("every", "at_most", "epochs", "kept"),
    [
        (1, 100, 4, [0, 1, 2, 3, 4]),
        (3, 100, 7, [0, 3, 6, 7]),
        (1, 4, 6, [0, 2, 4, 6]),
        (1, 4, 7, [0, 4, 7]),
        (1, 2, 9, [0, 9]),
    ],
)
def test_which_are_kept(every: int, at_most: int, epochs: int, kept: list[int]) -> None:
    """The first, each `every` th, and the latest; thinned by doubling where they are too many."""
    _, history = trained(Snapshots(every, at_most), epochs)
    assert [snapshot.epoch for snapshot in history.snapshots] == kept


def test_never_more_than_at_most() -> None:
    """Not even while training goes on."""
    held: list[int] = []
    network = Network([2, 3, 1], random_state=0)

    def watch(progress: Progress) -> None:
        held.append(len(progress.history.snapshots))

    callbacks = (Snapshots(at_most=5), watch)
    fit(network, X, Y, epochs=40, callbacks=callbacks, random_state=0, verbose=0)
    assert max(held) == 5


def test_each_is_the_network_of_its_epoch() -> None:
    """Before the first epoch, after shorter runs of the same seed, and at the end."""
    network, history = trained(Snapshots(), 3)
    at = {snapshot.epoch: snapshot.network.vector for snapshot in history.snapshots}
    np.testing.assert_array_equal(at[0], Network([2, 3, 1], random_state=0).vector)
    np.testing.assert_array_equal(at[2], trained(Snapshots(), 2)[0].vector)
    np.testing.assert_array_equal(at[3], network.vector)
    assert not any(np.shares_memory(vector, network.vector) for vector in at.values())


def test_batch_normalization_is_kept_too() -> None:
    """The running statistics are those of the moment."""
    network = Network([2, 3, 1], normalization="batch", random_state=0)
    history = fit(network, X, Y, epochs=2, callbacks=[Snapshots()], random_state=0, verbose=0)
    first, *_, last = (snapshot.network.statistics["mean1"] for snapshot in history.snapshots)
    assert not first.any()
    np.testing.assert_array_equal(last, network.statistics["mean1"])


def test_one_callback_serves_several_runs() -> None:
    """Each run begins anew, in a history of its own."""
    snapshots = Snapshots(at_most=3)
    _, one = trained(snapshots, 9)
    _, two = trained(snapshots, 2)
    assert [s.epoch for s in one.snapshots] == [0, 8, 9]
    assert [s.epoch for s in two.snapshots] == [0, 1, 2]


def test_a_history_without_them() -> None:
    """Has none, and prints as before with them."""
    network = Network([2, 3, 1], random_state=0)
    assert fit(network, X, Y, epochs=1, random_state=0, verbose=0).snapshots == []
    assert "snapshot" not in repr(trained(Snapshots(), 1)[1]).lower()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0,), "every must be at least 1, got 0"), ((1, 1), "at_most must be at least 2, got 1")],
)
def test_refusals(arguments: tuple[int, ...], message: str) -> None:
    """Too few are refused when the callback is made."""
    with pytest.raises(ValueError, match=message):
        Snapshots(*arguments)
