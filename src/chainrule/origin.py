"""How a network came to be: the seed it was drawn with, and what `fit` did with it."""

from __future__ import annotations

import numbers
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule._types import Array, RandomState
from chainrule.optimizers import Optimizer


@dataclass(frozen=True)
class Training:
    """One call of `fit`: all that decides its parameters, but for the data.

    Attributes
    ----------
    optimizer : Optimizer
        The rule, with the rate or the schedule that was used.
    batch_size, l2, l1, clip_norm, clip_value, shuffle, drop_last
        As in :func:`chainrule.fit`.
    seed : int or None
        The integer given as `random_state`, None for anything else.
    labels : bool
        Whether the targets were class numbers.
    weighted : bool
        Whether the examples had weights.
    gaps : bool
        Whether some of them had the weight 0, so that a mini-batch may have none.
    rows : array of int or None
        The rows that were trained on, in their order, where others were held back at random.
    compiled : bool
        Whether the compiled engine ran it.
    before, after : int
        Checksums of the network when it began and when it ended.
    epochs : int
        The epochs that led to the parameters: those up to the best one, where it was given back.
    obstacle : str
        Why it can't be done again from this record alone, as the end of a sentence; or "".
    """

    optimizer: Optimizer
    batch_size: int
    l2: float
    l1: float
    clip_norm: float | None
    clip_value: float | None
    shuffle: bool
    drop_last: bool
    seed: int | None
    labels: bool
    before: int
    weighted: bool = False
    gaps: bool = False
    rows: npt.NDArray[np.intp] | None = field(default=None, repr=False, compare=False)
    obstacle: str = ""
    compiled: bool = False
    epochs: int = 0
    after: int | None = None

    def ended(self, epochs: int, after: int, *, compiled: bool, obstacle: str) -> Training:
        """Return the record of the same call once it has ended."""
        return replace(
            self,
            epochs=epochs,
            after=after,
            compiled=compiled,
            obstacle=self.obstacle or obstacle,
        )


@dataclass(frozen=True)
class Origin:
    """The integer seed of the first weights, or None, and the calls of `fit` since."""

    seed: int | None = None
    trainings: tuple[Training, ...] = ()

    def and_then(self, training: Training) -> Origin:
        """Return the origin after one more call of `fit`."""
        return replace(self, trainings=(*self.trainings, training))

    def ending_with(self, training: Training) -> Origin:
        """Return the origin with another record of the last call."""
        return replace(self, trainings=(*self.trainings[:-1], training))


def seed_of(random_state: RandomState) -> int | None:
    """Return an integer that was given as `random_state`, None for anything else."""
    return int(random_state) if isinstance(random_state, numbers.Integral) else None


def checksum(arrays: Mapping[str, Array]) -> int:
    """Return a number that other parameters or statistics have not."""
    total = 0
    for array in arrays.values():
        contiguous: Any = np.ascontiguousarray(array)
        total = zlib.crc32(contiguous.view(np.uint8).ravel(), total)
    return total
