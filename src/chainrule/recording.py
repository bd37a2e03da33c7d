"""The record of a call of `fit` that its network keeps, and what such a record can't hold."""

from __future__ import annotations

import numbers
from dataclasses import replace

import numpy as np

from chainrule._types import RandomState
from chainrule.batches import Examples
from chainrule.history import History
from chainrule.network import Network
from chainrule.optimizers import Optimizer
from chainrule.origin import Origin, Training, checksum, seed_of
from chainrule.penalties import Penalty
from chainrule.schedules import ReduceOnPlateau


def begin_record(
    network: Network,
    optimizer: Optimizer,
    penalty: Penalty,
    *,
    random_state: RandomState,
    train: Examples | object,
    validation: object,
    streamed: bool,
    resumed: bool,
    batch_size: int,
    clip_norm: float | None,
    clip_value: float | None,
    shuffle: bool,
    drop_last: bool,
) -> None:
    """Let the network remember that it is being trained, and how."""
    seed = seed_of(random_state)
    draws = shuffle or any(layer.dropout for layer in network.structure.layers)
    obstacles = {
        "went on with the training of another, from a checkpoint; train it without resume": resumed,
        "was trained on a stream, whose rows the script can't read; give fit arrays": streamed,
        "was trained with an order of examples that can't be drawn again; give fit an integer "
        "random_state": draws and seed is None,
        "was trained with a rate that depended on validation examples, which the script does not "
        "know; give another schedule": validation is not None
        and isinstance(optimizer.learning_rate, ReduceOnPlateau),
        "was trained by an update rule with a start of its own, which the script does not know": (
            bool(optimizer.start)
        ),
    }
    there = train if isinstance(train, Examples) else None  # a stream's rows are not
    weights = None if there is None else there.sample_weight
    training = Training(
        # Arrays as large as the network, which are of no use to the record
        optimizer=replace(optimizer, start={}) if optimizer.start else optimizer,
        batch_size=batch_size,
        l2=penalty.l2,
        l1=penalty.l1,
        clip_norm=clip_norm,
        clip_value=clip_value,
        shuffle=shuffle,
        drop_last=drop_last,
        seed=seed,
        labels=there is not None and there.Y.dtype.kind == "i",
        weighted=weights is not None,
        gaps=weights is not None and not np.all(weights),
        rows=there.X.rows if there and isinstance(validation, numbers.Real) else None,
        before=checksum(network.get_arrays()),
        obstacle=next((obstacle for obstacle, met in obstacles.items() if met), ""),
    )
    network.origin = (network.origin or Origin()).and_then(training)


def end_record(network: Network, history: History, *, within: bool) -> None:
    """Let it remember how the training that was begun has ended, and if `within` an epoch."""
    assert network.origin is not None
    *_, training = network.origin.trainings
    best, obstacle = history.best_epoch, ""
    if best is None and (within or history.stopped == "interrupted"):
        obstacle = (
            f"has a training that ended within an epoch ({history.stopped}); let it end with one"
        )
    ended = training.ended(
        len(history) if best is None else best + 1,
        checksum(network.get_arrays()),
        compiled=network.predicts_compiled,
        obstacle=obstacle,
    )
    network.origin = network.origin.ending_with(ended)
