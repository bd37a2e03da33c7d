"""The update rule of an estimator, its learning rate from epoch to epoch, and its state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chainrule.engine.interface import State
from chainrule.optimizers import (
    OPTIMIZERS,
    Optimizer,
    adam_epsilon_hat,
    gradient_descent,
    momentum,
    nesterov,
)
from chainrule.schedules import Constant, ReduceOnPlateau, Schedule

# The rules of scikit-learn's learning_rate, which has no say over any solver but "sgd".
RATES = ("constant", "invscaling", "adaptive")
SLOWEST = 1e-6
DEFAULT_RATE = 0.001  # learning_rate_init where nobody set it


class EpochRate:
    """A schedule whose rate is set from outside, between epochs."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, step: int) -> float:
        return self.rate


class Solver:
    """The update rule that an estimator's parameters ask for, and what it carries.

    Parameters
    ----------
    mlp : estimator
        Whose ``solver``, ``learning_rate``, ``momentum``, ``beta_1``, … count.

    Attributes
    ----------
    optimizer : Optimizer
    state : State or None
        Where the last run of the engine ended.
    """

    def __init__(self, mlp: Any) -> None:
        self.initial, self.power = mlp.learning_rate_init, mlp.power_t
        self.state: State | None = None
        self.kind = mlp.learning_rate if mlp.solver == "sgd" else "constant"
        schedule: Any = Constant(self.initial)
        if isinstance(mlp.learning_rate, ReduceOnPlateau) or callable(mlp.learning_rate):
            self.kind, schedule = "schedule", mlp.learning_rate
        elif self.kind != "constant":
            schedule = EpochRate(float(self.initial))
        elif isinstance(mlp.solver, Optimizer):
            schedule = mlp.solver.learning_rate
            if mlp.learning_rate_init != DEFAULT_RATE:
                raise ValueError(
                    f"learning_rate_init={mlp.learning_rate_init} has no say over an Optimizer as "
                    f"the solver, whose own rate counts: give {mlp.solver.name!r} the rate"
                )
        self.optimizer = _rule(mlp, schedule)

    @property
    def learning_rate(self) -> Any:
        """The rate, or the schedule that it comes from."""
        schedule = self.optimizer.learning_rate
        if isinstance(schedule, Constant):
            return schedule.learning_rate
        return schedule.rate if isinstance(schedule, EpochRate) else schedule

    def end_epoch(self, t: int) -> None:
        """Set the rate for the next epoch, after `t` examples in all."""
        if self.kind == "invscaling":
            self._set(self.initial / (t + 1) ** self.power)

    def goes_on(self, say: Callable[[str], object]) -> bool:
        """Whether to go on where training would stop, because the rate can still be cut."""
        if self.kind != "adaptive":
            say(" Stopping.")
            return False
        if self.learning_rate <= SLOWEST:
            say(" Learning rate too small. Stopping.")
            return False
        self._set(self.learning_rate / 5)
        say(f" Setting learning rate to {self.learning_rate:f}")
        return True

    def _set(self, rate: float) -> None:
        schedule = self.optimizer.learning_rate
        assert isinstance(schedule, EpochRate)
        schedule.rate = float(rate)


def _rule(mlp: Any, schedule: Schedule) -> Optimizer:
    solver = mlp.solver
    if isinstance(solver, Optimizer):
        return replace(solver, learning_rate=schedule)
    if solver == "adam":
        constants = {"beta1": mlp.beta_1, "beta2": mlp.beta_2, "epsilon": mlp.epsilon}
        return Optimizer("adam", adam_epsilon_hat, schedule, ("m", "v"), constants)
    if solver == "sgd":
        if mlp.momentum == 0:
            return Optimizer("sgd", gradient_descent, schedule)
        rule = nesterov if mlp.nesterovs_momentum else momentum
        return Optimizer("sgd", rule, schedule, ("v",), {"mu": mlp.momentum})
    return replace(OPTIMIZERS[solver], learning_rate=schedule)
