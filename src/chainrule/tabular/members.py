"""The networks of an ensemble: each draws its own weights, order and validation part."""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from chainrule._inputs import Inputs, check_inputs
from chainrule._types import FloatArray
from chainrule.batches import as_strata
from chainrule.callbacks import Callback, EarlyStopping, Progress, TimeLimit
from chainrule.checkpoints import Checkpoints, Stopping
from chainrule.engine import choose_for_runs
from chainrule.engine.threads import usable_threads
from chainrule.estimators.temperature import learn_temperature, with_temperature
from chainrule.history import History
from chainrule.loss import Loss
from chainrule.network import Network
from chainrule.optimizers import AdamW
from chainrule.schedules import Cosine
from chainrule.tabular.embeddings import draw_vectors, n_embedded, only_blocks
from chainrule.tabular.preprocessing import Embedded
from chainrule.training import fit


@dataclass(frozen=True, eq=False)
class Rows:
    """Inputs X (m, n₀), targets Y, their weights (m,) or None, and by what they are split."""

    X: Inputs
    Y: npt.NDArray[Any]
    sample_weight: FloatArray | None
    strata: npt.NDArray[Any] | None = None

    @property
    def n_inputs(self) -> int:
        """Number of inputs."""
        return int(self.X.data.shape[1])

    def take(self, rows: npt.NDArray[np.intp]) -> Rows:
        """Return the rows of these numbers; X is not copied."""
        w, strata = self.sample_weight, self.strata
        return Rows(
            self.X.take(rows),
            self.Y[rows],
            None if w is None else w[rows],
            None if strata is None else strata[rows],
        )


@dataclass(frozen=True, eq=False)
class Member:
    """A trained network of the ensemble, its history, and its temperature."""

    network: Network
    history: History
    temperature: float = 1.0


@dataclass(frozen=True)
class Plan:
    """How the members are trained; each argument is that of the estimators.

    `listeners` are called with the number of the member, and return callbacks for it; each has a
    folder of its own in `checkpoints`, and goes on with what is there if `resume` says so.
    """

    hidden: Sequence[int]
    activation: Any
    dropout: float
    normalization: Any
    loss: Loss
    output: str
    n_outputs: int
    embedded: Sequence[Embedded]
    learning_rate: float
    weight_decay: float
    batch_size: int | str
    max_iter: int
    patience: int
    validation_fraction: float
    calibrate: bool
    time_limit: float | None
    dtype: Any
    engine: str
    threads: int | None
    listeners: Callable[[int], list[Any]]
    smooth: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
    say: Callable[[str], object] | None
    checkpoints: Checkpoints | None = None
    resume: bool = False


class Interruption(Callback):
    """Stops training once an event is set, from whatever thread."""

    every_batch = False

    def __init__(self) -> None:
        self.event = threading.Event()

    def on_batch_end(self, progress: Progress) -> None:
        """Stop if it was set."""
        if self.event.is_set():
            progress.stop("interrupted")


def train_members(plan: Plan, rows: Rows, held: Rows | None, seeds: Sequence[int]) -> list[Member]:
    """Train a network for each seed, as many side by side as there are threads for.

    Each holds back a part of `rows` of its own to validate on, unless `held` is given. On NumPy,
    whose threads would wait for each other, they are trained one after the other. Ctrl-C ends
    training with the networks so far; where checkpoints are saved, a request to terminate ends the
    process once they are.
    """
    rngs = [np.random.RandomState(seed) for seed in seeds]
    parts = [
        (rows, held) if held is not None else split(rows, plan.validation_fraction, rng)
        for rng in rngs
    ]
    m = len(parts[0][0].Y)
    batch_size = _batch_size(plan.batch_size, m)
    plan = replace(plan, batch_size=batch_size)
    updates = len(seeds) * plan.max_iter * _batches(plan, m)
    trial = draw(plan, rows.n_inputs, np.random.RandomState(0))
    engine = choose_for_runs(
        plan.engine, trial, batch_size=batch_size, updates=updates, say=plan.say
    )
    threads = plan.threads or usable_threads()
    at_once = 1 if engine == "numpy" else min(threads, len(seeds))
    each = max(1, threads // at_once)
    plan = replace(plan, engine=engine, threads=each)
    if engine == "compiled":
        _warm_up(plan, *parts[0])
    interruption = Interruption()
    start, rounds = time.monotonic(), math.ceil(len(seeds) / at_once)

    def train(number: int) -> Member:
        listeners = [interruption, *plan.listeners(number)]
        if plan.time_limit is not None:
            left = start + plan.time_limit - time.monotonic()
            listeners.append(TimeLimit(max(0.0, left / (rounds - number // at_once))))
        own = plan
        if plan.checkpoints is not None:
            own = replace(plan, checkpoints=plan.checkpoints.within(f"network-{number + 1}"))
        return train_member(own, *parts[number], rngs[number], listeners)

    if at_once == 1:
        members = _in_turn(train, len(seeds))
    else:
        # A thread hears of no signal: the main thread does, which waits for them
        saves = plan.checkpoints is not None
        listening = Stopping().listening() if saves else contextlib.nullcontext(Stopping())
        with threadpool_limits(each), listening as stopping:
            members = _side_by_side(train, len(seeds), at_once, interruption, stopping)
        if stopping.signal == signal.SIGTERM:
            raise SystemExit(128 + signal.SIGTERM)
    members = [member for member in members if len(member.history)]
    if not members:  # interrupted before there was anything to keep
        raise KeyboardInterrupt
    return members


def _warm_up(plan: Plan, rows: Rows, held: Rows) -> None:
    """Compile, or load, what all members share, once, and before any clock runs."""
    assert isinstance(plan.batch_size, int)
    few, some = (
        Rows(part.X.take(numbers), part.Y[numbers], None)
        for part, numbers in (
            (rows, np.arange(min(plan.batch_size, len(rows.Y)))),
            (held, np.arange(min(64, len(held.Y)))),
        )
    )
    plan = replace(plan, max_iter=1, calibrate=False, checkpoints=None, resume=False)
    train_member(plan, few, some, np.random.RandomState(0), [])


def _in_turn(train: Callable[[int], Member], n: int) -> list[Member]:
    members: list[Member] = []
    for number in range(n):
        try:
            members.append(train(number))
        except KeyboardInterrupt:
            if not members:
                raise
            break
        if members[-1].history.stopped == "interrupted":
            break
    return members


def _side_by_side(
    train: Callable[[int], Member],
    n: int,
    at_once: int,
    interruption: Interruption,
    stopping: Stopping,
) -> list[Member]:
    with ThreadPoolExecutor(at_once) as pool:
        futures = [pool.submit(train, number) for number in range(n)]
        try:
            # Only a wait that ends from time to time can be interrupted on every system
            while wait(futures, timeout=0.2, return_when=FIRST_EXCEPTION).not_done:
                if any(future.done() and future.exception() for future in futures):
                    break
                if stopping.signal is not None:
                    break
        except KeyboardInterrupt:  # which reaches the main thread alone
            pass
        if not all(future.done() for future in futures):
            interruption.event.set()
            for future in futures:
                future.cancel()
        return [future.result() for future in futures if not future.cancelled()]


def train_member(
    plan: Plan, rows: Rows, held: Rows, rng: np.random.RandomState, listeners: Sequence[Callback]
) -> Member:
    """Train one network; it ends with the parameters of its best epoch by the validation loss."""
    assert isinstance(plan.batch_size, int)
    steps = plan.max_iter * _batches(plan, len(rows.Y))
    schedule = Cosine(plan.learning_rate, steps, warmup_steps=steps // 20)
    network = draw(plan, rows.n_inputs, rng)
    rule = AdamW(schedule, weight_decay=plan.weight_decay)
    if plan.embedded:
        draw_vectors(network, plan.embedded, rng)
        rule = only_blocks(network, plan.embedded, schedule, plan.weight_decay)
    validation: tuple[Any, ...] = (held.X, held.Y)
    if held.sample_weight is not None:
        validation = (*validation, held.sample_weight)
    history = fit(
        network,
        rows.X,
        plan.smooth(rows.Y),
        epochs=plan.max_iter,
        batch_size=plan.batch_size,
        drop_last=_drops_last(plan),
        optimizer=rule,
        sample_weight=rows.sample_weight,
        validation=validation,
        early_stopping=EarlyStopping(patience=plan.patience),
        callbacks=listeners,
        random_state=rng,
        engine=plan.engine,
        threads=plan.threads,
        checkpoint=plan.checkpoints,
        resume=plan.resume,
        verbose=0,
    )
    T = 1.0
    if plan.calibrate:
        T = learn_temperature(network, held.X, held.Y, held.sample_weight)
        network.restore(with_temperature(network, T))
    return Member(network, history, T)


def draw(plan: Plan, n_inputs: int, rng: np.random.RandomState) -> Network:
    """Draw a network, with a layer of vectors before the others where there are any to learn."""
    sizes, n_hidden = [*plan.hidden, plan.n_outputs], len(plan.hidden)
    hidden, dropout = [plan.activation] * n_hidden, [plan.dropout] * n_hidden
    normalization = [plan.normalization] * n_hidden
    if plan.embedded:
        sizes = [n_embedded(n_inputs, plan.embedded), *sizes]
        hidden, dropout, normalization = (
            ["identity", *hidden],
            [0.0, *dropout],
            [None, *normalization],
        )
    return Network(
        [n_inputs, *sizes],
        hidden=hidden,
        output=plan.output,
        loss=plan.loss,
        dropout=dropout,
        normalization=normalization,
        dtype=plan.dtype,
        random_state=rng,
    )


def _batch_size(given: int | str, m: int) -> int:
    """Return what was given; for "auto" a 32nd of m examples, but at least 16 and at most 256."""
    if isinstance(given, str):
        return min(256, max(16, m // 32), m)
    return min(int(given), m)


def _drops_last(plan: Plan) -> bool:
    """Whether an epoch leaves an incomplete mini-batch out: the statistics of few rows are wild."""
    return bool(plan.normalization == "batch")


def _batches(plan: Plan, m: int) -> int:
    """Return the mini-batches of an epoch of m examples."""
    assert isinstance(plan.batch_size, int)
    return max(1, m // plan.batch_size if _drops_last(plan) else math.ceil(m / plan.batch_size))


def as_inputs(X: Any) -> Inputs:
    """Return inputs (m, n₀), an array or a CSR matrix, as they are kept for training."""
    return check_inputs("X", X, X.shape[1], X.dtype)


def split(rows: Rows, share: float, rng: np.random.RandomState) -> tuple[Rows, Rows]:
    """Return rows to train on, and a share to validate on, of each class in its proportion."""
    m = len(rows.Y)
    n_held = max(1, math.ceil(share * m))
    if n_held >= m:
        raise ValueError(
            f"validation_fraction={share:g} of {m} rows leaves none to train on; give X_val, y_val"
        )
    strata = None if rows.strata is None else as_strata(rows.strata, min(n_held, m - n_held))
    train, held = train_test_split(
        np.arange(m), test_size=n_held, random_state=rng, stratify=strata
    )
    if (w := rows.sample_weight) is not None and not (w[train].any() and w[held].any()):
        raise ValueError(
            f"validation_fraction={share:g} leaves no row with a sample_weight above 0 in one of "
            "the sets"
        )
    return rows.take(train), rows.take(held)
