"""What every engine offers to the loop over epochs, whatever runs its steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from chainrule import _checks
from chainrule._inputs import Inputs
from chainrule._types import Array, FloatArray
from chainrule.network import Network
from chainrule.schedules import Constant, ReduceOnPlateau, Schedule, as_schedule


@dataclass(frozen=True)
class State:
    """What an update rule carries from one update to the next.

    Attributes
    ----------
    steps : int
        Number of updates so far.
    values : tuple of array (n_parameters,)
        The running values that the rule keeps, in the order of ``network.vector``.
    """

    steps: int
    values: tuple[FloatArray, ...]


def nobody() -> bool:
    """Return that no other thread of the run is at work."""
    return False


class Engine(Protocol):
    """One training run: it changes the parameters of its network, mini-batch by mini-batch.

    Attributes
    ----------
    rates : Rates
        The learning rate of each update.
    steps : int
        Number of updates so far.
    penalties : list of float
        What a penalty that the examples share added to the cost of each mini-batch of the last
        call, before its update; empty where there is none.
    others_at_work : callable () -> bool
        Tells whether another thread of the run is at work, such as one that reads ahead, which an
        engine that chooses its threads leaves a core to. One that has no say in them needn't ask.
    """

    rates: Rates
    steps: int
    penalties: list[float]
    others_at_work: Callable[[], bool]

    @property
    def stride(self) -> int:
        """How many mini-batches it would like to be given at a time."""
        ...

    def train_batches(
        self,
        X: Inputs,
        Y: Array,
        sample_weight: FloatArray | None,
        rows: npt.NDArray[np.intp],
        batch_size: int,
        epoch_rows: int | None = None,
    ) -> list[float]:
        """Update the network on mini-batches of `rows`, and return the loss before each update.

        Where `epoch_rows` is given, `rows` are several epochs of so many rows, and the last
        mini-batch of each may be smaller. No loss includes a penalty.

        Raises NotFiniteError, with the number of the mini-batch among these, if a loss or a
        gradient is not finite; the network is then as it was before that update.
        """
        ...

    def begin_epoch(self, *, watched: bool) -> None:
        """Begin an epoch, which `end_epoch` ends, or `go_back` undoes.

        The network need not show what is learned before its end, unless it is `watched`.
        """
        ...

    def end_epoch(self) -> None:
        """End an epoch, if one was begun: the network has what was learned, up to here.

        Raises NotFiniteError if a parameter is not finite.
        """
        ...

    def go_back(self) -> None:
        """Give the network the parameters and statistics that it had when the epoch began."""
        ...

    def learned(self) -> Network:
        """Return the network with all that was learned, or a copy of it, within an epoch too."""
        ...

    def get_state(self) -> State:
        """Return a copy of the state of the update rule."""
        ...

    def set_state(self, state: State) -> None:
        """Go on from the state of another run of the same network and rule."""
        ...


class Rates:
    """The learning rate α of each update, from a number or a schedule.

    `last` is the rate that was asked for last, NaN before that.
    """

    def __init__(self, learning_rate: float | Schedule) -> None:
        self.schedule = as_schedule(learning_rate)
        self.last = math.nan

    def begin_epoch(self, losses: Sequence[float]) -> None:
        """Take note of the loss after each epoch so far, on which some schedules depend."""
        if isinstance(self.schedule, ReduceOnPlateau):
            self.last = self.schedule.after_epochs(losses)

    def at(self, step: int) -> float:
        """Return α of update number `step`, from 0."""
        if not isinstance(self.schedule, ReduceOnPlateau):
            self.last = _checks.check_number("learning_rate", self.schedule(step), low=0)
        return self.last

    def of(self, start: int, count: int) -> npt.NDArray[np.float64]:
        """Return α of `count` updates from number `start`."""
        if isinstance(self.schedule, (Constant, ReduceOnPlateau)):
            return np.full(count, self.at(start))
        return np.array([self.at(step) for step in range(start, start + count)])
