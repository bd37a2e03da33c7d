"""Callbacks: what else happens after a mini-batch or an epoch."""

from __future__ import annotations

import math
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chainrule import _checks
from chainrule.history import History
from chainrule.network import Network


@dataclass
class Progress:
    """Where a training run stands: what each callback is handed.

    Attributes
    ----------
    network : Network
        The network as it is now.
    history : History
        The completed epochs.
    epochs : int
        How many epochs there will be.
    batches : int
        How many mini-batches in each.
    examples : int
        How many examples in each.
    epoch : int
        The current epoch, from 0.
    batch : int
        The current mini-batch of the epoch, from 0.
    batch_loss : float
        Loss of the last mini-batch, before its update.
    stop_reason : str or None
        Set by `stop`.
    """

    network: Network
    history: History
    epochs: int
    batches: int
    examples: int
    epoch: int = 0
    batch: int = 0
    batch_loss: float = math.nan
    stop_reason: str | None = None

    def stop(self, reason: str) -> None:
        """End training after this mini-batch; `reason` becomes ``history.stopped``."""
        self.stop_reason = reason or "callback"


class Callback:
    """A base for callbacks: override what is wanted; each method does nothing by default.

    Attributes
    ----------
    every_batch : bool
        Whether `on_batch_end` is needed after each mini-batch. If no callback needs that, it is
        called after as many as the engine is given at a time, some hundredths of a second's.
    """

    every_batch = True

    def on_train_begin(self, progress: Progress) -> None:
        """Before the first mini-batch."""

    def on_batch_end(self, progress: Progress) -> None:
        """After the update on a mini-batch."""

    def on_epoch_end(self, progress: Progress) -> None:
        """After an epoch and its validation; its figures are the last in the history."""

    def on_train_end(self, progress: Progress) -> None:
        """After the last mini-batch, whatever ended training."""

    def get_state(self) -> dict[str, Any]:
        """Return what a checkpoint must keep of the callback: numbers, strings and arrays by name.

        A callback that decides by what it saw before needs it, to decide the same in a run that
        is gone on with.
        """
        return {}

    def set_state(self, state: Mapping[str, Any], network: Network) -> None:
        """Take over what `get_state` returned in the run before, after `on_train_begin`."""


class OnEpoch(Callback):
    """A plain function as a callback, called with the progress after each epoch."""

    def __init__(self, function: Callable[[Progress], Any]) -> None:
        self.function = function

    def on_epoch_end(self, progress: Progress) -> None:
        self.function(progress)


@dataclass
class EarlyStopping(Callback):
    """Stop when the loss has not fallen for a while, and give the best parameters back.

    It watches the validation loss, or the training loss where there is no validation.

    Parameters
    ----------
    patience : int, default 10
        Epochs in a row without a new best loss after which training stops.
    min_delta : float, default 0
        By how much a loss must fall below the best to count as better.
    restore_best : bool, default True
        Whether the network ends with the parameters of its best epoch, rather than the last.

    Raises
    ------
    ValueError, TypeError
        If `patience` is below 1 or `min_delta` below 0, or of another type.
    """

    patience: int = 10
    min_delta: float = 0.0
    restore_best: bool = True
    _best: float = field(default=math.inf, init=False, repr=False)
    _best_epoch: int | None = field(default=None, init=False, repr=False)
    _best_network: Network | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        _checks.check_integer("patience", self.patience, low=1)
        _checks.check_number("min_delta", self.min_delta, low=0)
        _checks.check_bool("restore_best", self.restore_best)

    def on_train_begin(self, progress: Progress) -> None:
        self._best, self._best_epoch, self._best_network = math.inf, None, None

    def on_epoch_end(self, progress: Progress) -> None:
        loss = progress.history.monitored[-1]
        if self._best_epoch is None or loss < self._best - self.min_delta:
            self._best, self._best_epoch = loss, progress.epoch
            self._best_network = progress.network.copy() if self.restore_best else None
        elif progress.epoch - self._best_epoch >= self.patience:
            progress.stop("early stopping")

    def get_state(self) -> dict[str, Any]:
        """Return the best epoch, its loss, and its network."""
        if self._best_epoch is None:
            return {}
        state = {"epoch": self._best_epoch, "loss": self._best}
        return state if self._best_network is None else state | self._best_network.get_arrays()

    def set_state(self, state: Mapping[str, Any], network: Network) -> None:
        """Take them over."""
        if state:
            self._best, self._best_epoch = float(state["loss"]), int(state["epoch"])
            self._best_network = network.with_arrays(state) if self.restore_best else None

    def on_train_end(self, progress: Progress) -> None:
        if self._best_network is None:
            return
        progress.network.restore(self._best_network)
        progress.history.best_epoch = self._best_epoch
        self._best_network = None


class TimeLimit(Callback):
    """Stop after some seconds, in the middle of an epoch if one was completed before.

    With early stopping, the network ends with the parameters of its best epoch. Compiling before
    the first mini-batch does not count.

    Parameters
    ----------
    seconds : float
        At least 0.

    Raises
    ------
    ValueError, TypeError
        If it is not such a number.
    """

    every_batch = False

    def __init__(self, seconds: float) -> None:
        self.seconds = _checks.check_number("seconds", seconds, low=0)
        self._end = math.inf

    def on_train_begin(self, progress: Progress) -> None:
        self._end = time.monotonic() + self.seconds

    def on_batch_end(self, progress: Progress) -> None:
        if len(progress.history):
            self.on_epoch_end(progress)

    def on_epoch_end(self, progress: Progress) -> None:
        if time.monotonic() > self._end:
            progress.stop("time limit")


class ProgressBar(Callback):
    """A progress bar with epoch, loss, validation loss, examples per second and time left.

    It shows in a terminal and in a notebook, and is silent anywhere else. Needs Rich, from the
    extra ``cli``; without it, it warns once and stays silent.
    """

    every_batch = False

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._start = self._shown = 0.0

    def on_train_begin(self, progress: Progress) -> None:
        if not (sys.stdout.isatty() or "ipykernel" in sys.modules or "FORCE_COLOR" in os.environ):
            return
        try:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar
        except ImportError:
            warnings.warn(
                "the progress bar needs Rich: pip install 'chainrule[cli]', or pass verbose=0",
                stacklevel=4,
            )
            return
        console = Console()
        if not (console.is_terminal or console.is_jupyter):
            return
        columns = (
            TextColumn("epoch"),
            MofNCompleteColumn(),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[losses]}"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        self._start = time.perf_counter()
        self._bar = Bar(*columns, console=console)
        self._task = self._bar.add_task("", total=progress.epochs, losses="", rate="")
        self._bar.start()

    def on_batch_end(self, progress: Progress) -> None:
        if self._bar is not None and time.perf_counter() - self._shown > 0.1:
            self._show(progress, progress.epoch + (progress.batch + 1) / progress.batches)

    def on_epoch_end(self, progress: Progress) -> None:
        if self._bar is not None:
            self._show(progress, progress.epoch + 1)

    def on_train_end(self, progress: Progress) -> None:
        if self._bar is not None:
            self._show(progress, len(progress.history))
            self._bar.stop()
            self._bar = None

    def _show(self, progress: Progress, done: float) -> None:
        self._shown = time.perf_counter()
        history = progress.history
        loss = history.loss[-1] if history.loss else progress.batch_loss
        losses = f"loss {loss:.4f}"
        if history.val_loss:
            losses += f"  val_loss {history.val_loss[-1]:.4f}"
        rate = done * progress.examples / max(self._shown - self._start, 1e-9)
        self._bar.update(self._task, completed=done, losses=losses, rate=f"{rate:,.0f} examples/s")
