"""A network that learns a few mini-batches at a time, as `fit` does and to the same bits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import _checks, steps
from chainrule._types import FloatArray
from chainrule.batches import Examples
from chainrule.engine import choose_engine
from chainrule.engine.diagnosis import NotFiniteError
from chainrule.engine.interface import Engine, Rates
from chainrule.history import History
from chainrule.laboratory.settings import Settings
from chainrule.loop import batch_weights
from chainrule.network import Network
from chainrule.optimizers import OPTIMIZERS, Optimizer
from chainrule.origin import Origin
from chainrule.penalties import Penalty
from chainrule.recording import begin_record, end_record

# What the engine is told that there will be of updates: it decides nothing where it is named.
MANY = 1_000_000


class Learning:
    """A training run that stops after any mini-batch, and goes on.

    Parameters
    ----------
    network : Network
        It learns in place.
    train : Examples
    settings : Settings
        What it learns by; `take_over` changes some of them on the way.
    say : callable, optional
        It is told, in a sentence, of an engine that has to be compiled first.

    Attributes
    ----------
    epochs : int
        Completed ones.
    batch : int
        How many mini-batches of the current epoch are done.
    losses : list of float
        Mean loss of each completed epoch over its mini-batches, as in a `History`.
    as_begun : bool
        Whether it has learned by the same settings since it began, so that `fit` would do the same.
    """

    def __init__(
        self,
        network: Network,
        train: Examples,
        settings: Settings,
        say: Callable[[str], object] | None = None,
    ) -> None:
        self.network, self.train, self.settings, self._say = network, train, settings, say
        self.rng = _checks.check_random_state(settings.seed)
        self.epochs = self.batch = 0
        self.losses: list[float] = []
        self.as_begun = True
        self._rows: npt.NDArray[np.intp] | None = None
        self._size = settings.batch_size  # of the epoch that was begun
        self._costs: list[float] = []
        begin_record(
            network,
            self.optimizer,
            self.penalty,
            random_state=settings.seed,
            train=train,
            validation=None,
            resumed=False,
            streamed=False,
            batch_size=settings.batch_size,
            clip_norm=None,
            clip_value=None,
            shuffle=True,
            drop_last=False,
        )
        self.engine = self._make_engine()

    @property
    def optimizer(self) -> Optimizer:
        """The update rule with its rate."""
        rule = OPTIMIZERS[self.settings.optimizer]
        return replace(rule, learning_rate=self.settings.learning_rate)

    @property
    def penalty(self) -> Penalty:
        """The penalty on the weights."""
        return Penalty(self.settings.l2, self.settings.l1)

    @property
    def batches(self) -> int:
        """How many mini-batches an epoch has."""
        return -(-len(self.train) // self.settings.batch_size)

    @property
    def steps(self) -> int:
        """How many updates there were."""
        return self.engine.steps

    def _make_engine(self) -> Engine:
        settings = self.settings
        return choose_engine(
            settings.engine,
            self.network,
            self.optimizer,
            self.penalty,
            None,
            None,
            self.rng,
            batch_size=min(settings.batch_size, len(self.train)),
            updates=MANY,
            threads=1,
            say=self._say,
        )

    def take_over(self, settings: Settings) -> None:
        """Go on by other settings: of the rate, the rule, the penalty, the batches, the engine.

        A rule goes on with what it remembers; another begins anew, and an epoch that was begun ends
        where it is.
        """
        old, self.settings = self.settings, settings
        changed = {
            name for name, value in old.as_dict().items() if value != settings.as_dict()[name]
        }
        if changed & {"learning_rate", "optimizer", "l1", "l2", "batch_size", "engine"}:
            self.as_begun = False
        if changed & {"optimizer", "l1", "l2", "batch_size", "engine"}:
            self._end_epoch()
            state, self.engine = self.engine.get_state(), self._make_engine()
            if self._rows is not None:  # the order of an epoch that has yet to begin stays
                self._begin_epoch()
            if "optimizer" not in changed:
                self.engine.set_state(state)
            else:
                self.engine.steps = state.steps
        elif "learning_rate" in changed:
            self.engine.rates = Rates(settings.learning_rate)

    def next_rows(self) -> npt.NDArray[np.intp]:
        """Return the numbers of the examples in the mini-batch that comes next."""
        size = self.settings.batch_size
        return self._order()[self.batch * size : (self.batch + 1) * size]

    def learn(self, count: int) -> int:
        """Do up to `count` mini-batches, but at most to the end of the epoch; return how many.

        Raises NotFiniteError if a loss or a parameter is no longer finite: the network is then as
        it was when the epoch began.
        """
        size, rows = self.settings.batch_size, self._order()
        chunk = rows[self.batch * size : (self.batch + count) * size]
        try:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                self._costs += self.engine.train_batches(
                    self.train.X, self.train.Y, None, chunk, size
                )
                done = -(-len(chunk) // size)
                self.batch += done
                if self.batch >= self.batches:
                    self._end_epoch()
        except NotFiniteError:
            self.engine.go_back()
            self._rows, self.batch, self._costs, self.as_begun = None, 0, [], False
            raise
        return done

    def _order(self) -> npt.NDArray[np.intp]:
        """Return the order of the examples in this epoch, drawn where it begins."""
        if self._rows is None:
            self._rows = steps.draw_order(
                len(self.train), self.settings.batch_size, True, False, random_state=self.rng
            )
            self._begin_epoch()
        return self._rows

    def _begin_epoch(self) -> None:
        self._size = self.settings.batch_size
        self.engine.begin_epoch(watched=True)
        self.engine.rates.begin_epoch(self.losses)

    def _end_epoch(self) -> None:
        if self._rows is None or not self.batch:
            return
        self.engine.end_epoch()
        # As `fit` has it: each mini-batch by the number of its examples
        _, shares = batch_weights(self._rows, None, self._size)
        shares = shares[: len(self._costs)]
        self.losses.append(float(np.dot(self._costs, shares) / shares.sum()))
        self.epochs += 1
        self._rows, self.batch, self._costs = None, 0, []

    def optimizer_state(self) -> dict[str, FloatArray]:
        """Return what the update rule remembers, by name, for `Network.explain`."""
        values = self.engine.get_state().values
        return dict(zip(self.optimizer.state, (np.asarray(v, float) for v in values), strict=True))

    def recorded(self) -> Network:
        """Return a copy of the network that knows how it came to be, where `fit` would do the same.

        That is at the end of an epoch, with no setting changed on the way.
        """
        copy = self.network.copy()
        if self.as_begun and self.batch == 0 and self.epochs:
            copy.predicts_compiled = self.network.predicts_compiled
            history = History(loss=list(self.losses), steps=self.steps)
            end_record(copy, history, within=False)
        else:
            copy.origin = Origin()
        return copy


def examples_of(network: Network, X: FloatArray, y: FloatArray) -> Examples:
    """Return examples as the engines take them; class numbers as whole ones."""
    target: Any = y.astype(np.int64) if network.structure.loss.labels else y
    return Examples(*network.check_examples(X, target))
