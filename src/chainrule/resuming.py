"""A training run on its way to a checkpoint, and back from one."""

from __future__ import annotations

import signal
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule._types import Array, Generator
from chainrule.batches import Examples, split_validation
from chainrule.callbacks import Callback, ProgressBar
from chainrule.checkpoints import Checkpoints, Stopping
from chainrule.engine.interface import Engine
from chainrule.engine.numpy_engine import NumpyEngine
from chainrule.network import Network
from chainrule.optimizers import Optimizer
from chainrule.run_state import (
    AnotherRunError,
    RunState,
    fill_history,
    generator_state,
    set_generator_state,
)

if TYPE_CHECKING:
    from chainrule.loop import Run

# Rows of X that are looked at, to tell whether the data are those of the run before.
_LOOKED_AT = 1000
# What ends a run for good; whatever else stopped it, it can go on, to more epochs say.
_FOR_GOOD = "early stopping"


@dataclass
class Saver:
    """What a run needs to save itself, and the state it goes on from, if there is one.

    Attributes
    ----------
    checkpoints : Checkpoints
    settings : dict of str to str
        What must be the same in a run that goes on with this one.
    start : dict
        State of the random generator before the run drew anything.
    saved : RunState or None
        The run that is gone on with.
    stopping : Stopping
        Whether a signal has come.
    epoch_began : dict
        State of the generator before the order of the epoch was drawn.
    costs : list of float
        The losses of the mini-batches of the epoch that the saved run had done.
    """

    checkpoints: Checkpoints
    settings: dict[str, str]
    start: dict[str, Any]
    saved: RunState | None = None
    stopping: Stopping = field(default_factory=Stopping)
    epoch_began: dict[str, Any] = field(default_factory=dict)
    costs: list[float] = field(default_factory=list)

    @classmethod
    def open(
        cls,
        checkpoints: Checkpoints,
        network: Network,
        optimizer: Optimizer,
        rng: Generator,
        resume: bool,
        settings: dict[str, str],
    ) -> Saver:
        """Return the saver of a run that is about to begin, or to go on.

        `rng` is then where it was when the run began, so that it draws the same again. Raises as
        `Checkpoints.prepare` and `Checkpoints.newest`, but ValueError if the run was another one.
        """
        checkpoints.prepare(network, resume)
        shapes = {name: array.shape for name, array in network.get_arrays().items()}
        shapes |= {f"state{i}": network.vector.shape for i in range(len(optimizer.state))}
        try:
            saved = checkpoints.newest(settings, shapes, network.dtype) if resume else None
        except AnotherRunError as error:
            raise ValueError(str(error)) from None
        if saved is not None:
            set_generator_state(rng, saved.start)
        return cls(checkpoints, settings, generator_state(rng), saved)

    def engine(self, asked: str) -> str:
        """Return the engine to take: that of the run that is gone on with.

        Raises ValueError if another one was asked for.
        """
        if self.saved is None or asked == self.saved.engine:
            return asked
        if asked != "auto":
            raise ValueError(
                f"engine must be {self.saved.engine!r} to go on with the same bits, as the run "
                f"began with it; got {asked!r}"
            )
        return self.saved.engine

    def go_on(self, run: Run) -> bool:
        """Bring a run to the saved state; return whether there is nothing left to do.

        Raises ValueError if its engine is not that of the run before.
        """
        if (saved := self.saved) is None:
            return False
        if _name_of(run.engine) != saved.engine:
            raise ValueError(
                f"the run began on the engine {saved.engine!r}, which can't be had here"
            )
        network, engine = run.network, run.engine
        network.restore(network.with_arrays(saved.arrays))
        engine.set_state(saved.optimizer_state)
        if saved.steps:
            engine.rates.at(saved.steps - 1)  # the last rate, if no mini-batch of its epoch is left
        fill_history(run.progress.history, saved.history)
        *states, best = saved.callbacks
        for listener, state in zip(_that_decide(run), states, strict=True):
            listener.set_state(state, network)
        self.checkpoints.set_state(best, network)
        set_generator_state(run.rng, saved.now)
        self.costs = saved.costs.tolist()
        if saved.finished != _FOR_GOOD:
            return False
        run.progress.stop_reason = saved.finished
        return True

    def begin_epoch(self, rng: Generator) -> None:
        """Take note of where the order of an epoch is drawn from."""
        self.epoch_began = generator_state(rng)

    def take_costs(self) -> list[float]:
        """Return the losses of the mini-batches of this epoch that are done already."""
        costs, self.costs = self.costs, []
        return costs

    def after_batches(self, run: Run, earlier: Sequence[float], costs: list[float]) -> None:
        """Save in the middle of an epoch, if it is time to, or training is about to stop."""
        if self.stopping.signal is not None:
            run.progress.stop(self.reason())
        if self.checkpoints.is_due() or run.progress.stop_reason is not None:
            self.checkpoints.save(self.state(run, [*earlier, *costs], self.epoch_began, None))

    def after_epoch(self, run: Run) -> None:
        """Save at the end of an epoch, if it is time to, or training is about to stop."""
        history = run.progress.history
        self.checkpoints.note_loss(history.monitored[-1], run.network)
        if self.stopping.signal is not None:
            run.progress.stop(self.reason())
        reason = run.progress.stop_reason
        if reason is None and len(history) >= run.progress.epochs:
            reason = "epochs"
        if self.checkpoints.is_due(len(history)) or reason is not None:
            self.checkpoints.save(self.state(run, [], generator_state(run.rng), reason))

    def reason(self) -> str:
        """Return why training stops, once a signal has come."""
        return "interrupted" if self.stopping.signal == signal.SIGINT else "terminated"

    def state(
        self, run: Run, costs: list[float], now: Mapping[str, Any], finished: str | None
    ) -> RunState:
        """Return the state of a run as it is."""
        rule = run.engine.get_state()
        values = {f"state{i}": value for i, value in enumerate(rule.values)}
        return RunState(
            settings=self.settings,
            engine=_name_of(run.engine),
            start=self.start,
            now=dict(now),
            arrays={**run.engine.learned().get_arrays(), **values},
            steps=rule.steps,
            costs=np.array(costs, np.float64),
            history=run.progress.history,
            callbacks=[
                *(listener.get_state() for listener in _that_decide(run)),
                self.checkpoints.get_state(),
            ],
            finished=finished,
        )


def _that_decide(run: Run) -> list[Callback]:
    """Return the callbacks of a run, without the bar, which only shows."""
    return [listener for listener in run.listeners if not isinstance(listener, ProgressBar)]


def describe_settings(
    network: Network, optimizer: Optimizer, data: Mapping[str, str], **others: object
) -> dict[str, str]:
    """Return in words what makes a run what it is, apart from how long it lasts."""
    schedule = optimizer.learning_rate
    rate = getattr(schedule, "__qualname__", None) or repr(schedule)
    constants = ", ".join(f"{name}={value!r}" for name, value in optimizer.constants.items())
    return {
        "network": str(network).replace("\n", "; "),
        "dtype": network.dtype.name,
        "optimizer": f"{optimizer.name}({constants}), weight_decay={optimizer.weight_decay!r}",
        "learning_rate": rate,
        **data,
        **{name: repr(value) for name, value in others.items()},
    }


def describe_examples(network: Network, examples: Examples, validation: object) -> dict[str, str]:
    """Return in words what a run in memory learns from."""
    return {
        "X": _fingerprint(examples.X),
        "y": _fingerprint(examples.Y),
        "sample_weight": _fingerprint(examples.sample_weight),
        "validation": _in_words(network, examples, validation),
    }


def _in_words(network: Network, examples: Examples, validation: object) -> str:
    if not isinstance(validation, (tuple, list)):
        return repr(validation)
    _, held = split_validation(network, examples, validation, np.random.RandomState(0))
    assert held is not None  # a set of its own, for which nothing is drawn
    parts = (held.X, held.Y, held.sample_weight)
    return "a set of its own, " + "; ".join(map(_fingerprint, parts))


def _fingerprint(rows: Array | None) -> str:
    """Return a number that other data have not, and their number of rows."""
    if rows is None:
        return "None"
    m = len(rows)
    some = np.unique(np.linspace(0, m - 1, min(m, _LOOKED_AT)).astype(np.intp))
    return f"{m} rows, checksum {zlib.crc32(np.ascontiguousarray(rows[some]).tobytes()):08x}"


def _name_of(engine: Engine) -> str:
    return "numpy" if isinstance(engine, NumpyEngine) else "compiled"
