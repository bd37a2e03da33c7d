"""The loop over epochs and mini-batches, and what happens around it."""

from __future__ import annotations

import contextlib
import math
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from chainrule import steps
from chainrule._types import FloatArray, Generator
from chainrule.batches import Examples
from chainrule.callbacks import Callback, Progress, ProgressBar
from chainrule.engine.diagnosis import NotFiniteError, describe_loss, describe_parameters
from chainrule.engine.interface import Engine
from chainrule.network import Network
from chainrule.resuming import Saver
from chainrule.schedules import Constant

Metric: TypeAlias = Callable[[Any, Any], float]

# Metrics of scikit-learn that want the outputs, not the decisions that are made of them.
OF_OUTPUTS = {
    "average_precision_score",
    "brier_score_loss",
    "log_loss",
    "roc_auc_score",
    "top_k_accuracy_score",
}


# As many epochs as are worth one call, and parameters of which a copy for it is no burden.
MOST_EPOCHS, MOST_PARAMETERS = 1000, 100_000


class DivergenceError(ArithmeticError):
    """Raised when a loss or a parameter stops being finite: says where first, and what to try."""


def batch_weights(
    rows: npt.NDArray[np.intp], sample_weight: FloatArray | None, batch_size: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Return the rows of the mini-batches that count, and the sum of the weights in each.

    A mini-batch of no weight has no mean loss, and is passed over.
    """
    starts = np.arange(0, len(rows), batch_size)
    if sample_weight is None:
        shares = np.full(len(starts), float(batch_size))
        shares[-1] = len(rows) - starts[-1]
        return rows, shares
    shares = np.add.reduceat(sample_weight[rows, 0].astype(np.float64), starts)
    if shares.all():
        return rows, shares
    counts = np.diff([*starts, len(rows)])
    return rows[np.repeat(shares > 0, counts)], shares[shares > 0]


def _state_of(rng: Generator) -> Any:
    return rng.get_state() if isinstance(rng, np.random.RandomState) else rng.bit_generator.state


def _go_back(rng: Generator, state: Any) -> None:
    if isinstance(rng, np.random.RandomState):
        rng.set_state(state)
    else:
        rng.bit_generator.state = state


@dataclass
class Run:
    """A training run: the network, its data, the engine that trains it, and who listens."""

    network: Network
    train: Examples
    held: Examples | None
    metrics: dict[str, Metric]
    listeners: list[Callback]
    engine: Engine
    progress: Progress
    batch_size: int
    shuffle: bool
    drop_last: bool
    rng: Generator
    one_by_one: bool = False
    saver: Saver | None = None
    ended_within: bool = False

    def run(self) -> None:
        """Run all epochs, unless something ends them before.

        A run that saves checkpoints answers Ctrl-C, and a request to terminate, between two
        mini-batches; after the latter it raises SystemExit.
        """
        if self.saver is None:
            self.run_all()
            return
        with self.saver.stopping.listening() as stopping:
            self.run_all()
        if stopping.signal == signal.SIGTERM:
            raise SystemExit(128 + signal.SIGTERM)

    def run_all(self) -> None:
        """Do so, whatever signal may come."""
        progress, history = self.progress, self.progress.history
        try:
            for listener in self.listeners:
                listener.on_train_begin(progress)
            ended = self.saver is not None and self.saver.go_on(self)
            while len(history) < progress.epochs and not ended:
                progress.epoch = len(history)
                several = min(self.epochs_at_once(), progress.epochs - progress.epoch)
                if not (several > 1 and self.run_epochs(several)) and not self.run_epoch():
                    self.ended_within = True
                    break
                for listener in self.listeners:
                    listener.on_epoch_end(progress)
                if self.saver is not None:
                    self.saver.after_epoch(self)
                if progress.stop_reason is not None:
                    break
            history.stopped = progress.stop_reason or "epochs"
        except KeyboardInterrupt:
            history.stopped = "interrupted"
            with contextlib.suppress(NotFiniteError):
                self.engine.end_epoch()
        except DivergenceError:
            history.stopped = "diverged"
            raise
        finally:
            history.steps = self.engine.steps
            for listener in self.listeners:
                listener.on_train_end(progress)

    def epochs_at_once(self) -> int:
        """How many epochs the engine is given in one call: one, if something happens in between.

        On small data a call costs more than what it computes.
        """
        busy = any(not isinstance(listener, ProgressBar) for listener in self.listeners)
        busy |= self.saver is not None
        changes = not isinstance(self.engine.rates.schedule, Constant)
        weighted = self.train.sample_weight is not None
        large = len(self.network.vector) > MOST_PARAMETERS
        if self.held or self.metrics or busy or changes or weighted or large or self.one_by_one:
            return 1
        return min(MOST_EPOCHS, self.engine.stride // self.progress.batches)

    def run_epochs(self, count: int) -> bool:
        """Run several epochs in one call of the engine; False, with nothing changed, if one fails.

        They are then to be run one by one, to find where.
        """
        progress, network, engine = self.progress, self.network, self.engine
        before = network.copy(), engine.get_state(), _state_of(self.rng)
        start, history = time.perf_counter(), progress.history
        engine.rates.begin_epoch(history.monitored)
        rows = np.concatenate([self.draw_order() for _ in range(count)])
        try:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                losses = engine.train_batches(
                    self.train.X, self.train.Y, None, rows, self.batch_size, len(rows) // count
                )
                if where := describe_parameters(network):
                    raise NotFiniteError(where)
        except NotFiniteError:
            network.restore(before[0])
            engine.set_state(before[1])
            _go_back(self.rng, before[2])
            self.one_by_one = True
            return False
        _, shares = batch_weights(rows[: len(rows) // count], None, self.batch_size)
        costs, all_shares = np.reshape(losses, (count, -1)), shares.sum()
        progress.epoch += count - 1
        progress.batch, progress.batch_loss = progress.batches - 1, losses[-1]
        seconds = (time.perf_counter() - start) / count
        history.loss += [float(np.dot(J, shares) / all_shares) for J in costs]
        history.learning_rate += [engine.rates.last] * count
        history.seconds += [seconds] * count
        return True

    def draw_order(self) -> npt.NDArray[np.intp]:
        """Draw the order of the examples in the next epoch."""
        return steps.draw_order(
            len(self.train),
            self.batch_size,
            self.shuffle,
            self.drop_last,
            random_state=self.rng,
        )

    def run_epoch(self) -> bool:
        """Run one epoch and enter it in the history; False if it was stopped on the way."""
        progress, history = self.progress, self.progress.history
        start = time.perf_counter()
        watched = self.held is not None or self.someone_wants_batches()
        if self.saver is not None:
            self.saver.begin_epoch(self.rng)
        self.engine.begin_epoch(watched=watched)
        self.engine.rates.begin_epoch(history.monitored)
        # Overflow on the way to a number that is not finite: reported below, with its place.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            try:
                loss = self.run_batches()
                self.engine.end_epoch()
                val_loss = self.validate()
            except NotFiniteError as error:
                self.engine.go_back()
                raise DivergenceError(
                    f"training diverged in epoch {progress.epoch}, batch {progress.batch}: {error}."
                    f" Try a smaller learning_rate (it was {self.engine.rates.last:g}), inputs and "
                    f"targets scaled to about -3 … 3, or clip_norm=1.0. The network has its "
                    f"parameters from before that epoch, or of its best with early stopping"
                ) from None
        if loss is None:
            return False
        metrics = self.measure(self.train)
        val_metrics = {} if self.held is None else self.measure(self.held)
        # All at once, so that an interruption leaves no list longer than another
        history.loss.append(loss)
        if val_loss is not None:
            history.val_loss.append(val_loss)
        for record, measured in ((history.metrics, metrics), (history.val_metrics, val_metrics)):
            for name, value in measured.items():
                record.setdefault(name, []).append(value)
        history.learning_rate.append(self.engine.rates.last)
        history.seconds.append(time.perf_counter() - start)
        return True

    def run_batches(self) -> float | None:
        """Train on every mini-batch; return the mean loss, or None if a callback stopped it."""
        train = self.train
        rows, shares = batch_weights(self.draw_order(), train.sample_weight, self.batch_size)
        costs = [] if self.saver is None else self.saver.take_costs()
        if not self.run_rows(train, rows, len(shares), costs):
            return None
        return float(np.dot(costs, shares) / shares.sum())

    def run_rows(
        self,
        examples: Examples,
        rows: npt.NDArray[np.intp],
        batches: int,
        costs: list[float],
        earlier: Sequence[float] = (),
    ) -> bool:
        """Train on the mini-batches of these rows, and add their losses to `costs`.

        So many of them are done as there are `costs`; `earlier` are the losses of those of the
        epoch that came before these. Returns False if a callback stopped it.
        """
        progress, batch_size, before = self.progress, self.batch_size, len(earlier)
        while (done := len(costs)) < batches:
            count = 1 if self.someone_wants_batches() else self.engine.stride
            chunk = rows[done * batch_size : (done + count) * batch_size]
            try:
                losses = self.engine.train_batches(
                    examples.X, examples.Y, examples.sample_weight, chunk, batch_size
                )
            except NotFiniteError as error:
                progress.batch = before + done + error.batch
                raise
            costs += losses
            progress.batch, progress.batch_loss = before + len(costs) - 1, losses[-1]
            for listener in self.listeners:
                listener.on_batch_end(progress)
            # After the last mini-batch the epoch's end saves it, if nothing stops the run before
            stops = progress.stop_reason is not None
            if self.saver is not None and (stops or len(costs) < batches):
                self.saver.after_batches(self, earlier, costs)
            if progress.stop_reason is not None:
                return False
        return True

    def someone_wants_batches(self) -> bool:
        """Whether a callback does something after each mini-batch."""
        return any(
            type(listener).on_batch_end is not Callback.on_batch_end and listener.every_batch
            for listener in self.listeners
        )

    def validate(self) -> float | None:
        """Return the loss on the validation examples, or None if there are none."""
        if self.held is None:
            return None
        return self.loss_of(self.held)

    def loss_of(self, held: Examples) -> float:
        """Return the loss on these examples; raises NotFiniteError if it is not finite."""
        network = self.network
        loss = network.loss(held.X, held.Y, held.sample_weight)
        if math.isfinite(loss):
            return loss
        for rows in held.X.parts():
            _, cache = steps.forward_propagation(
                held.X[rows], network.parameters, network.structure, statistics=network.statistics
            )
            if not all(np.isfinite(values).all() for values in cache.values()):
                break
        raise NotFiniteError(f"in validation, {describe_loss(loss, network, cache)}")

    def measure(self, examples: Examples) -> dict[str, float]:
        """Return every metric on these examples, by its name."""
        if not self.metrics:
            return {}
        return self.score(examples.targets(), self.network.forward(examples.X))

    def score(self, y: npt.NDArray[Any], A: FloatArray) -> dict[str, float]:
        """Return every metric of outputs A for targets y, as `Examples.targets` has them."""
        if self.network.structure.loss.labels and y.ndim == 2:
            y = y.argmax(axis=1)
        decisions = self.network.decide(A)
        outputs = A[:, 0] if A.shape[1] == 1 else A
        measured = {}
        for name, metric in self.metrics.items():
            wants_outputs = getattr(metric, "__name__", "") in OF_OUTPUTS
            measured[name] = float(metric(y, outputs if wants_outputs else decisions))
        return measured
