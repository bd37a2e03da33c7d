"""Training by mini-batches as scikit-learn's users know it: losses, scores, and when to stop."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning

from chainrule import steps
from chainrule._types import Generator
from chainrule.batches import Examples
from chainrule.engine import choose_engine
from chainrule.engine.diagnosis import NotFiniteError, describe_parameters
from chainrule.engine.interface import Engine
from chainrule.estimators.solvers import Solver
from chainrule.estimators.tasks import Tasks
from chainrule.loop import batch_weights
from chainrule.network import Network
from chainrule.penalties import Penalty


@dataclass(frozen=True)
class Held:
    """Examples to validate on, and their labels or values `y` as the user has them."""

    examples: Examples
    y: npt.NDArray[Any]


def fit_stochastic(
    mlp: Any,
    network: Network,
    train: Examples,
    held: Held | None,
    rng: Generator,
    tasks: Tasks | None,
) -> None:
    """Train the network of an estimator in place, and enter what happens in its attributes.

    Without `tasks` it is a partial fit: one epoch, which goes on from the state of the last.
    """
    incremental, m = tasks is None, len(train)
    batch_size = _batch_size(mlp, m)
    if not incremental or not hasattr(mlp, "_optimizer"):
        mlp._optimizer = Solver(mlp)
    solver: Solver = mlp._optimizer
    if not hasattr(mlp, "loss_curve_"):  # the last fit was by "lbfgs"
        mlp._begin_record(network)
    if held is not None and mlp.validation_loss_curve_ is None:
        mlp.validation_scores_, mlp.validation_loss_curve_ = [], []
        mlp.best_validation_score_ = -math.inf
    if not mlp.early_stopping and mlp.best_loss_ is None:
        mlp.best_loss_ = math.inf
    epochs = 1 if incremental else mlp.max_iter
    engine = choose_engine(
        mlp.engine,
        network,
        solver.optimizer,
        Penalty(l2=mlp.alpha, shared=True),
        mlp.clip_norm,
        mlp.clip_value,
        rng,
        batch_size=batch_size,
        updates=epochs * -(-m // batch_size),
        threads=mlp.threads,
        say=print if mlp.verbose else None,
    )
    if solver.state is not None:
        engine.set_state(solver.state)
    try:
        # Overflow on the way to a number that is not finite: reported where it arrives.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            _run(mlp, network, engine, train, held, rng, tasks, batch_size, epochs)
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=5)
    solver.state = engine.get_state()
    if _restores(mlp) and mlp._best is not None:
        network.restore(mlp._best)


def _batch_size(mlp: Any, m: int) -> int:
    if mlp.batch_size == "auto":
        return min(200, m)
    if mlp.batch_size > m:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=6,
        )
    return int(min(mlp.batch_size, m))


def _restores(mlp: Any) -> bool:
    return bool(mlp.early_stopping if mlp.restore_best is None else mlp.restore_best)


def _run(
    mlp: Any,
    network: Network,
    engine: Engine,
    train: Examples,
    held: Held | None,
    rng: Generator,
    tasks: Tasks | None,
    batch_size: int,
    epochs: int,
) -> None:
    solver, m = mlp._optimizer, len(train)
    order = np.arange(m)
    mlp.n_iter_ = 0
    while mlp.n_iter_ < epochs:
        if tasks is not None:
            tasks.begin_epoch()
        engine.rates.begin_epoch(getattr(mlp, "validation_loss_curve_", None) or mlp.loss_curve_)
        if mlp.shuffle:
            order = order[steps.draw_order(m, batch_size, random_state=rng)]
        try:
            loss = _epoch(mlp, engine, train, order, batch_size)
            if where := describe_parameters(network):
                error = NotFiniteError(where)
                error.batch = (m - 1) // batch_size
                raise error
            _enter(mlp, network, loss, held, m)
        except NotFiniteError as error:
            _diverge(mlp, error)
            return
        solver.end_epoch(mlp.t_)
        stopped = _has_stalled(mlp) and not _goes_on(mlp)
        stopped |= tasks is not None and tasks.end_epoch(mlp._snapshot)
        if stopped or tasks is None:
            return
    warnings.warn(
        f"Stochastic Optimizer: Maximum iterations ({epochs}) reached and the optimization "
        "hasn't converged yet.",
        ConvergenceWarning,
        stacklevel=6,
    )


def _epoch(
    mlp: Any,
    engine: Engine,
    train: Examples,
    order: npt.NDArray[np.intp],
    batch_size: int,
) -> float:
    """Train on every mini-batch, and return the mean cost over the examples."""
    order, shares = batch_weights(order, train.sample_weight, batch_size)
    losses: list[float] = []
    penalties: list[float] = []
    while (done := len(losses)) < len(shares):
        chunk = order[done * batch_size : (done + engine.stride) * batch_size]
        try:
            losses += engine.train_batches(train.X, train.Y, train.sample_weight, chunk, batch_size)
        except NotFiniteError as error:
            error.batch += done
            raise
        penalties += engine.penalties
    counts = np.full(len(losses), batch_size)
    counts[-1] = len(order) - (len(losses) - 1) * batch_size
    costs = np.divide(losses, mlp._loss_divisor()) + (penalties or 0.0)
    return float(np.dot(costs, counts) / len(train))


def _enter(mlp: Any, network: Network, loss: float, held: Held | None, m: int) -> None:
    """Enter the figures of an epoch, and whether it was better than those before."""
    mlp.n_iter_ += 1
    mlp.loss_ = loss
    mlp.t_ += m
    mlp.loss_curve_.append(loss)
    if mlp.verbose:
        print(f"Iteration {mlp.n_iter_}, loss = {loss:.8f}")
    score = -math.inf if held is None else _validate(mlp, network, held)
    if mlp.early_stopping:  # turned around, so that a score of NaN counts as scikit-learn counts it
        stalled = score < mlp.best_validation_score_ + mlp.tol
    else:
        stalled = loss > mlp.best_loss_ - mlp.tol
    better = not mlp.early_stopping and loss < mlp.best_loss_
    if better:
        mlp.best_loss_ = loss
    higher = held is not None and score > mlp.best_validation_score_
    if higher:
        mlp.best_validation_score_ = score
    if mlp.patience is not None:
        stalled = not (higher if mlp.early_stopping else better)
    mlp._no_improvement_count = mlp._no_improvement_count + 1 if stalled else 0
    if _restores(mlp) and (better if held is None else higher):
        mlp._best = network.copy()


def _validate(mlp: Any, network: Network, held: Held) -> float:
    examples, how = held.examples, {"engine": mlp.engine, "threads": mlp.threads}
    score = float(mlp._score(network.forward(examples.X, **how), held.y, examples.sample_weight))
    loss = network.loss(examples.X, examples.Y, examples.sample_weight, **how) / mlp._loss_divisor()
    mlp.validation_scores_.append(score)
    mlp.validation_loss_curve_.append(loss)
    if mlp.verbose:
        print(f"Validation score: {score:f}")
    return score


def _has_stalled(mlp: Any) -> bool:
    if mlp.patience is not None:
        return bool(mlp._no_improvement_count >= mlp.patience)
    return bool(mlp._no_improvement_count > mlp.n_iter_no_change)


def _goes_on(mlp: Any) -> bool:
    what = "Validation score" if mlp.early_stopping else "Training loss"
    tol, epochs = (mlp.tol, mlp.n_iter_no_change) if mlp.patience is None else (0.0, mlp.patience)
    message = f"{what} did not improve more than tol={tol:f} for {epochs} consecutive epochs."

    def say(rest: str) -> None:
        if mlp.verbose:
            print(message + rest)

    if not mlp._optimizer.goes_on(say):
        return False
    mlp._no_improvement_count = 0
    return True


def _diverge(mlp: Any, error: NotFiniteError) -> None:
    """Say where training diverged: an error, or a warning where the best weights are there."""
    mlp.n_iter_ += 1
    where = f"In epoch {mlp.n_iter_}, mini-batch {error.batch + 1}: {error}."
    advice = "Try a smaller learning_rate_init, inputs and targets scaled to about -3 … 3, or "
    if not _restores(mlp) or mlp._best is None:
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may contain large values "
            f"and need to be preprocessed. {where} {advice}clip_norm=1.0"
        )
    mlp.loss_ = math.nan
    mlp.loss_curve_.append(math.nan)
    if mlp.validation_loss_curve_ is not None:
        mlp.validation_scores_.append(math.nan)
        mlp.validation_loss_curve_.append(math.nan)
    warnings.warn(
        f"Training diverged, and stopped; the weights of the best epoch are kept. {where} "
        f"{advice}clip_norm=1.0",
        ConvergenceWarning,
        stacklevel=7,
    )
