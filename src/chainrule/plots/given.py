"""What pictures of a network are given: the network, its snapshots, not too many examples."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import _checks
from chainrule._inputs import Rows
from chainrule._types import Array, FloatArray
from chainrule.history import History, Snapshot
from chainrule.network import Network

# Of more examples as many are drawn by chance, always the same: a picture needs no more.
MOST_EXAMPLES = 2000


def as_network(network: Any, name: str = "network") -> Network:
    """Return the network, or that of a fitted MLPClassifier or MLPRegressor."""
    found = getattr(network, "network_", network)
    if not isinstance(found, Network):
        raise TypeError(
            f"{name} must be a Network, or a fitted MLPClassifier or MLPRegressor, got "
            f"{type(network).__name__}"
        )
    return found


def some_examples(network: Network, X: Rows, y: Any) -> tuple[FloatArray, Array]:
    """Return at most `MOST_EXAMPLES` checked rows of X (m, n₀), dense, with their targets."""
    inputs, Y, _ = network.check_examples(X, y)
    rows = np.arange(len(inputs))
    if len(rows) > MOST_EXAMPLES:
        rows = np.sort(_checks.check_random_state(0).choice(rows, MOST_EXAMPLES, replace=False))
    return inputs[rows], Y[rows]


def check_snapshots(history: Any) -> list[Snapshot]:
    """Return the snapshots of a history, or say how to get some."""
    if not isinstance(history, History):
        raise TypeError(f"history must be a History, as fit returns it, got {history!r:.80}")
    if not history.snapshots:
        raise ValueError(
            "history must have snapshots of the network, got none; train it with "
            "fit(…, callbacks=[chainrule.Snapshots()])"
        )
    return history.snapshots
