"""What `fit` trains on where it is given a stream: rows to learn from, rows held back, a plan."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from chainrule import _checks
from chainrule._types import Generator
from chainrule.batches import Examples
from chainrule.network import Network
from chainrule.streaming.part import Draw, Part
from chainrule.streaming.plan import DEFAULT_LIMIT, Plan, as_bytes, plan_memory
from chainrule.streaming.source import ArraySource
from chainrule.streaming.stream import Stream

# What the arguments of `fit` are called in a stream.
_KEYWORDS = {"y": "target", "sample_weight": "sample_weight"}


def as_stream(X: Any, y: Any, sample_weight: Any, memory_limit: object) -> Stream | None:
    """Return the stream that `fit` was given, or None if X is rows in memory.

    A path is a stream of columns as they are; so is an array in a file, if there is a limit.

    Raises ValueError or TypeError if the arguments don't belong together, and as
    :class:`~chainrule.Stream`.
    """
    if isinstance(X, Stream):
        for name, value in (("y", y), ("sample_weight", sample_weight)):
            if value is not None:
                raise ValueError(f"{name} belongs to the stream: Stream(…, {_KEYWORDS[name]}=…)")
        return X
    if _is_path(X) or hasattr(X, "get_fragments"):
        if y is None:
            raise TypeError("y must be the name of the column to predict, got None")
        return Stream(X, y, sample_weight=sample_weight, scale=False)
    if memory_limit is None:
        return None
    if not (isinstance(X, np.ndarray) and _checks.is_mapped(X)):
        raise ValueError(
            "memory_limit is for what is read from disk: a path, a Stream, or an array that is "
            "mapped from a file; X is in memory already"
        )
    return Stream(X, y, sample_weight=sample_weight, scale=False)


def _is_path(value: object) -> bool:
    some = value if isinstance(value, (list, tuple)) and value else [value]
    return all(isinstance(each, (str, os.PathLike)) for each in some)


def describe_stream(stream: Stream, validation: Any, memory_limit: object) -> dict[str, str]:
    """Return in words what a run learns from, to tell it from others.

    The memory is part of it, since the order of the rows depends on it. Raises as `divide`.
    """
    held = repr(validation)
    if validation is not None and _is_rows(validation):
        held = f"a set of its own, {_own_rows(stream, validation).fingerprint()}"
    return {
        "X": stream.fingerprint(),
        "validation": held,
        "memory_limit": f"{_limit(memory_limit):,} bytes",
    }


def _limit(memory_limit: object) -> int:
    return as_bytes(DEFAULT_LIMIT if memory_limit is None else memory_limit)


def divide(
    stream: Stream,
    network: Network,
    validation: Any,
    memory_limit: object,
    rng: Generator,
    *,
    batch_size: int,
    measured: bool,
) -> tuple[Examples | Part, Examples | Part | None, Plan]:
    """Return the rows to learn from, those held back, and how much of them is in memory.

    Those that fit are read. Raises ValueError or TypeError if an argument is not as in `fit`,
    StreamError if rows that fit can't be read.
    """
    limit = _limit(memory_limit)
    train = stream.part(network)
    train.check_targets()
    held: Part | None = None
    if validation is not None and not _is_rows(validation):
        share = _checks.check_number(
            "validation", validation, low=0, high=1, open_low=True, open_high=True
        )
        draw = Draw(int(rng.uniform(0, 2**32)), share)
        train, held = (
            Part(train.source, train.preparation, network, draw, of_held)
            for of_held in (False, True)
        )
        if not (len(train) and len(held)):
            raise ValueError(
                f"validation={share:g} of {len(stream)} rows leaves {len(train)} to train on and "
                f"{len(held)} to validate on; give a stream of its own"
            )
    elif validation is not None:
        held = _own_rows(stream, validation).part(network)
        held.check_targets()
    plan = plan_memory(limit, train, held, batch_size, measured)
    kept = held.in_memory() if held is not None and plan.held else held
    return (train.in_memory() if plan.everything else train), kept, plan


def _is_rows(validation: object) -> bool:
    return (
        isinstance(validation, (Stream, tuple, list))
        or _is_path(validation)
        or hasattr(validation, "get_fragments")
    )


def _own_rows(stream: Stream, validation: Any) -> Stream:
    """Return a validation set of its own, prepared as the stream is."""
    if isinstance(validation, Stream):
        if validation.preparation is not stream.preparation:
            raise ValueError(
                "validation must be prepared as the stream to learn from: make it by like(…) of it"
            )
        return validation
    if isinstance(stream.source, ArraySource):
        if not isinstance(validation, (tuple, list)) or len(validation) not in (2, 3):
            raise ValueError("validation must be a share or (X_val, y_val[, sample_weight_val])")
        X, y, *w = validation
        return stream.like(X, y, sample_weight=w[0] if w else None)
    target, weight = stream.asked
    return stream.like(validation, target, sample_weight=weight)
