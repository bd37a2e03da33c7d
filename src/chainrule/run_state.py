"""All that a training run needs to go on as if it had never ended, and one file that holds it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import _checks, _json
from chainrule._types import FloatArray, Generator
from chainrule.engine.interface import State
from chainrule.history import History
from chainrule.model_file import read_model, write_model
from chainrule.stored_arrays import StoredArrays

KIND = "checkpoint"
_FIELDS = ("settings", "engine", "start", "now", "steps", "history", "callbacks", "finished")
_LISTS, _TABLES = ("loss", "val_loss", "learning_rate", "seconds"), ("metrics", "val_metrics")
# The entries of a callback's state that are arrays of the file stand under its number.
_CALLBACK = "callback{}."


@dataclass(frozen=True)
class RunState:
    """A training run between two mini-batches.

    Attributes
    ----------
    settings : dict of str to str
        What `fit` was given, in words; another run must have the same.
    engine : str
        "numpy" or "compiled": the two differ in the last digits.
    start : dict
        State of the random generator before anything was drawn from it in this run: the validation
        rows, the key of the dropout masks.
    now : dict
        Its state before the order of the current epoch was drawn.
    arrays : dict of str to array
        ``vector``, the network's ``mean1, var1, …``, the optimiser's running values ``state0, …``.
    steps : int
        Updates so far.
    costs : array of float64
        The losses of the mini-batches of the current epoch so far.
    history : History
        The completed epochs.
    callbacks : list of dict
        What each callback keeps, as its `get_state` returns it.
    finished : str or None
        Why training ended, if it did.
    """

    settings: dict[str, str]
    engine: str
    start: dict[str, Any]
    now: dict[str, Any]
    arrays: dict[str, FloatArray]
    steps: int
    costs: npt.NDArray[np.float64]
    history: History
    callbacks: list[dict[str, Any]]
    finished: str | None

    @property
    def optimizer_state(self) -> State:
        """What the update rule carries on."""
        names = [name for name in self.arrays if name.startswith("state")]
        return State(self.steps, tuple(self.arrays[f"state{i}"] for i in range(len(names))))


def write_state(path: str | os.PathLike[str], state: RunState) -> None:
    """Write a state to a file, whole or not at all; raises as `write_model`."""
    arrays: dict[str, npt.NDArray[Any]] = {**state.arrays, "costs": state.costs}
    callbacks = []
    for number, entries in enumerate(state.callbacks):
        prefix = _CALLBACK.format(number)
        held = {k: v for k, v in entries.items() if isinstance(v, np.ndarray)}
        arrays |= {prefix + name: array for name, array in held.items()}
        callbacks.append({k: v for k, v in entries.items() if k not in held})
    history = {name: getattr(state.history, name) for name in (*_LISTS, *_TABLES)}
    write_model(
        path,
        KIND,
        {
            "settings": state.settings,
            "engine": state.engine,
            "start": state.start,
            "now": state.now,
            "steps": state.steps,
            "history": history,
            "callbacks": callbacks,
            "finished": state.finished,
        },
        arrays,
    )


class AnotherRunError(Exception):
    """Says in what the run of a checkpoint differs from the one that would go on with it."""


def read_state(
    path: str | os.PathLike[str],
    settings: Mapping[str, str],
    shapes: Mapping[str, tuple[int, ...]],
    dtype: npt.DTypeLike,
) -> RunState:
    """Return the state in a file of a run with these settings, and with arrays of these shapes.

    Raises ModelFileError if the file is damaged, or not such a file; AnotherRunError if the run
    was another one.
    """
    with read_model(path, kinds=[KIND]) as file:
        described = _json.fields("checkpoint", file.description, _FIELDS)
        saved, engine, start, now, steps, history, callbacks, finished = described
        _json.fields("settings", saved, list(settings))
        for name, value in settings.items():
            if _json.string(name, saved[name]) != value:
                raise AnotherRunError(
                    f"{name} must be what the run in {Path(path).parent} began with, "
                    f"{saved[name]}, got {value}"
                )
        _checks.check_choice("engine", engine, ("numpy", "compiled"))
        if finished is not None:
            _json.string("finished", finished)
        for state in (start, now):
            generator_of(state)
        if not isinstance(callbacks, list) or not all(isinstance(c, dict) for c in callbacks):
            raise TypeError("callbacks must be a list of objects")
        own = [file.arrays.under(_CALLBACK.format(n)) for n in range(len(callbacks))]
        n_own = sum(len(arrays.known) for arrays in own)
        _expect(file.arrays, shapes, dtype, n_own)
        arrays = {name: file.arrays.read(name) for name in shapes}
        for entries, held in zip(callbacks, own, strict=True):
            entries |= {name: held.read(name) for name in held.known}
        return RunState(
            saved,
            engine,
            start,
            now,
            arrays,
            _checks.check_integer("steps", steps),
            file.arrays.read("costs"),
            _history(history),
            callbacks,
            finished,
        )


def _expect(
    arrays: StoredArrays, shapes: Mapping[str, tuple[int, ...]], dtype: npt.DTypeLike, n_own: int
) -> None:
    """Raise ValueError unless the arrays are those of the network, before any of them is read."""
    for name in (*shapes, "costs"):
        if name not in arrays.known:
            raise ValueError(f"array {name!r} is missing")
    for name, shape in shapes.items():
        arrays.expect_one(name, shape, dtype)
    costs = arrays.known["costs"]
    if costs.dtype != np.float64 or len(costs.shape) != 1:
        raise ValueError(f"array 'costs' must be float64 of one dimension, got {costs}")
    if len(arrays.known) != len(shapes) + 1 + n_own:
        raise ValueError("there are arrays that belong to nothing")


def _history(described: object) -> History:
    lists = _json.fields("history", described, (*_LISTS, *_TABLES))
    columns: dict[str, list[Any]] = dict(zip(_LISTS, lists, strict=False))
    for table in lists[len(_LISTS) :]:
        if not isinstance(table, dict):
            raise TypeError("the metrics in history must be objects of lists")
        columns |= table
    for name, column in columns.items():
        if not isinstance(column, list):
            raise TypeError(f"{name} in history must be a list")
        for x in column:
            _checks.check_number(f"each {name} in history", x)
        if len(column) not in (len(columns["loss"]), 0):
            raise ValueError(f"{name} in history must have as many entries as loss")
    return History(**dict(zip((*_LISTS, *_TABLES), lists, strict=True)))


def fill_history(history: History, saved: History) -> None:
    """Enter the completed epochs of a saved history into one that is empty."""
    for name, value in asdict(saved).items():
        if name in (*_LISTS, *_TABLES):
            setattr(history, name, value)


# ---------------------------------------------------------------------------------------------
# The random generator


def generator_state(rng: Generator) -> dict[str, Any]:
    """Return the state of a generator as JSON has it."""
    if isinstance(rng, np.random.RandomState):
        return {"legacy": True, **_plain(rng.get_state(legacy=False))}
    return {"legacy": False, **_plain(rng.bit_generator.state)}


def set_generator_state(rng: Generator, state: Mapping[str, Any]) -> None:
    """Bring a generator of the same kind to a state; raises ValueError for another kind."""
    inner = {name: value for name, value in state.items() if name != "legacy"}
    legacy = isinstance(rng, np.random.RandomState)
    if legacy != state["legacy"] or _kind(rng) != inner.get("bit_generator"):
        raise ValueError(
            f"random_state must be of the kind that the run began with, {inner['bit_generator']}, "
            f"got {_kind(rng)}"
        )
    if isinstance(rng, np.random.RandomState):
        rng.set_state(inner)
    else:
        rng.bit_generator.state = inner


def generator_of(state: object) -> Generator:
    """Return a generator in a state, or raise ValueError or TypeError for what is none."""
    if not isinstance(state, dict) or not isinstance(state.get("legacy"), bool):
        raise TypeError("the state of the random generator must be an object")
    kinds = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
    kind = _checks.check_choice("bit_generator", state.get("bit_generator"), kinds)
    bits = getattr(np.random, kind)(0)
    rng: Generator = np.random.RandomState(bits) if state["legacy"] else np.random.Generator(bits)
    try:
        set_generator_state(rng, state)
    except (KeyError, IndexError, OverflowError) as error:
        raise ValueError(f"the state of the random generator is not whole: {error!r}") from None
    return rng


def _kind(rng: Generator) -> str:
    bits = rng._bit_generator if isinstance(rng, np.random.RandomState) else rng.bit_generator
    return type(bits).__name__


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, np.ndarray):
        return [int(x) for x in value]
    return value.item() if isinstance(value, np.generic) else value
