"""Snapshots: copies of a network while it learns, for pictures of how it came about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule import _checks
from chainrule.callbacks import Callback, Progress
from chainrule.history import History, Snapshot
from chainrule.network import Network


class Snapshots(Callback):
    """Keep copies of the network, before the first epoch and after some, in the history.

    They are found in ``history.snapshots``. The network of the latest epoch is always among them,
    as training left it: early stopping gives the best parameters back after that. So that memory
    stays bounded, `every` is doubled, and the copies in between are dropped, whenever there would
    be more than `at_most`.

    Parameters
    ----------
    every : int, default 1
        After how many epochs a copy is kept.
    at_most : int, default 100
        How many copies are held; at least 2, the first and the latest.

    Raises
    ------
    ValueError, TypeError
        If `every` is below 1 or `at_most` below 2, or of another type.

    Examples
    --------
    >>> from chainrule import Network, fit
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> history = fit(Network([2, 8, 1]), X, y, epochs=25, callbacks=[Snapshots(10)], verbose=0)
    >>> [snapshot.epoch for snapshot in history.snapshots]
    [0, 10, 20, 25]
    """

    def __init__(self, every: int = 1, at_most: int = 100) -> None:
        self.every = _checks.check_integer("every", every, low=1)
        self.at_most = _checks.check_integer("at_most", at_most, low=2)
        self._every_now = self.every
        self._history = History()

    def on_train_begin(self, progress: Progress) -> None:
        self._every_now, self._history = self.every, progress.history
        progress.history.snapshots = [Snapshot(0, progress.network.copy())]

    def on_epoch_end(self, progress: Progress) -> None:
        latest = Snapshot(progress.epoch + 1, progress.network.copy())
        while True:
            kept = [s for s in progress.history.snapshots if s.epoch % self._every_now == 0]
            if len(kept) < self.at_most:
                break
            self._every_now *= 2
        progress.history.snapshots = [*kept, latest]

    def get_state(self) -> dict[str, Any]:
        """Return all copies, so that a run that is gone on with has them too."""
        snapshots = self._history.snapshots
        arrays = [snapshot.network.get_arrays() for snapshot in snapshots]
        stacked = {name: np.stack([of[name] for of in arrays]) for name in arrays[0]}
        return {"every": self._every_now, "epochs": [s.epoch for s in snapshots], **stacked}

    def set_state(self, state: Mapping[str, Any], network: Network) -> None:
        """Take them over."""
        self._every_now, names = int(state["every"]), network.get_arrays()
        self._history.snapshots = [
            Snapshot(epoch, network.with_arrays({name: state[name][i] for name in names}))
            for i, epoch in enumerate(state["epochs"])
        ]
