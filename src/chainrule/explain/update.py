"""The step that an update rule takes, line by line of its own source, with before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chainrule import _checks
from chainrule._types import Array, FloatArray
from chainrule.optimizers import Optimizer
from chainrule.schedules import ReduceOnPlateau


@dataclass(frozen=True, eq=False, repr=False)
class Update:
    """One update of all parameters by an optimiser.

    Attributes
    ----------
    optimizer : Optimizer
    learning_rate : float
        α of this update.
    t : int
        Number of the update, from 1.
    before, after : dict of str to array
        ``W1, b1, …``
    state_before, state_after : dict of str to dict of str to array
        The optimiser's running values by their name and the parameter's: ``["m"]["W1"]``.
    """

    optimizer: Optimizer
    learning_rate: float
    t: int
    before: dict[str, FloatArray]
    after: dict[str, FloatArray]
    state_before: dict[str, dict[str, FloatArray]]
    state_after: dict[str, dict[str, FloatArray]]


def derive_update(
    optimizer: Optimizer,
    parameters: Mapping[str, FloatArray],
    gradients: Mapping[str, FloatArray],
    state: Mapping[str, Array] | None,
    t: int,
) -> Update:
    """Take the step; `state` is (n_parameters,) for each name, or None for a first update."""
    t = _checks.check_integer("t", t, low=1)
    schedule = optimizer.learning_rate
    if isinstance(schedule, ReduceOnPlateau):
        alpha = schedule.learning_rate
    else:
        alpha = float(schedule(t - 1) if callable(schedule) else schedule)
    w = np.concatenate([values.ravel() for values in parameters.values()])
    dw = np.concatenate([gradients[f"d{name}"].ravel() for name in parameters])
    is_weight = np.concatenate([np.full(p.size, n[0] == "W") for n, p in parameters.items()])
    before = _checked_state(optimizer, state, w)
    moved, after = optimizer.update(w, dw, before, alpha, t, is_weight)

    def named(vector: FloatArray) -> dict[str, FloatArray]:
        ends = np.cumsum([values.size for values in parameters.values()])
        parts = np.split(vector, ends[:-1])
        pairs = zip(parameters.items(), parts, strict=True)
        return {name: part.reshape(values.shape) for (name, values), part in pairs}

    return Update(
        optimizer,
        alpha,
        t,
        named(w),
        named(moved),
        {name: named(v) for name, v in zip(optimizer.state, before, strict=True)},
        {name: named(v) for name, v in zip(optimizer.state, after, strict=True)},
    )


def _checked_state(
    optimizer: Optimizer, state: Mapping[str, Array] | None, w: FloatArray
) -> tuple[Array, ...]:
    if state is None:
        return optimizer.initial_state(w)
    if set(state) != set(optimizer.state):
        names = ", ".join(map(repr, optimizer.state)) or "nothing"
        raise ValueError(
            f"state must hold {names} for optimizer {optimizer.name!r}, got {sorted(state)}"
        )
    values = []
    for name in optimizer.state:
        value = _checks.check_array(f"state[{name!r}]", state[name], dtype=np.float64)
        if value.shape != w.shape:
            raise ValueError(
                f"state[{name!r}] must have a number for each parameter, shape {w.shape}, "
                f"got {value.shape}"
            )
        values.append(value)
    return tuple(values)
