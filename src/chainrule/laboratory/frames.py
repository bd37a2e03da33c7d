"""What the page draws of an experiment: what stays in a setup, what changes in frames."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule import steps
from chainrule._types import FloatArray
from chainrule.activations import ACTIVATIONS
from chainrule.explain.as_html import mathml
from chainrule.explain.notation import COLOURS, Math
from chainrule.initializers import INITIALIZERS
from chainrule.laboratory.datasets import DATASETS
from chainrule.laboratory.experiment import Experiment
from chainrule.laboratory.settings import ENGINES, HIDDEN_ACTIVATIONS, LIMITS, SPEEDS
from chainrule.optimizers import OPTIMIZERS
from chainrule.structure import Layer

# Points of the output's map, and of each unit's: every other one, so that one pass makes both.
MAP, UNIT_MAP = 40, 20

# Units of a layer that are drawn; the middle of a wider one is left out.
MOST_DRAWN = 10


def drawn(n: int) -> list[int]:
    """Return which of n units are drawn."""
    return list(range(min(n, MOST_DRAWN)))


def describe(experiment: Experiment) -> dict[str, Any]:
    """Return what a setup says of an experiment; `setup_buffers` go with it."""
    split, structure = experiment.split, experiment.network.structure
    table, a, b = experiment.table, *split.axes
    opened = experiment.settings.data in ("table", "given")
    return {
        "settings": experiment.settings.as_dict(),
        "choices": _choices(opened and table is not None),
        "limits": LIMITS,
        "task": experiment.task,
        "class_names": split.class_names,
        "outputs": structure.n_outputs,
        "output": structure.output.name,
        "loss": structure.loss.name,
        "layers": [_layer(layer) for layer in structure.layers],
        "inputs": {"names": split.names, "shown": drawn(len(split.names))},
        "parameters": [
            {"name": name, "rows": rows, "columns": columns}
            for name, (rows, columns) in structure.shapes.items()
        ],
        "axes": {
            "names": [split.names[a], split.names[b]],
            "inputs": [a, b],
            "choices": split.names,
            "x": split.ranges[0],
            "y": split.ranges[1],
        },
        "map": {"columns": MAP, "rows": MAP, "unit_columns": UNIT_MAP, "unit_rows": UNIT_MAP},
        "target": {
            "choices": table.columns if opened and table and table.columns else None,
            "name": table.target if opened and table else "y",
        },
        "colours": COLOURS,
        "batches": experiment.learning.batches,
        "note": table.note if opened and table else "",
        "can": {
            "restructure": experiment.given is None,
            "draw": experiment.settings.data.startswith("drawn"),
            "data": experiment.settings.data != "given",
        },
    }


def setup_buffers(experiment: Experiment) -> list[bytes]:
    """Return the points on the axes and their targets, of training and test."""
    split = experiment.split
    shown = list(split.axes)
    arrays = (split.X_train[:, shown], split.y_train, split.X_test[:, shown], split.y_test)
    return [as_bytes(array) for array in arrays]


def _choices(has_table: bool) -> dict[str, Any]:
    data = [
        {"name": name, "title": kind.title, "task": kind.task} for name, kind in DATASETS.items()
    ]
    if has_table:
        data.append({"name": "table", "title": "The opened table", "task": ""})
    return {
        "data": data,
        "activations": list(HIDDEN_ACTIVATIONS),
        "initializers": ["default", *INITIALIZERS],
        "optimizers": list(OPTIMIZERS),
        "engines": list(ENGINES),
        "speeds": list(SPEEDS),
        "many_classes": [name for name, kind in DATASETS.items() if kind.many_classes],
    }


def _layer(layer: Layer) -> dict[str, Any]:
    g = layer.activation
    return {
        "units": layer.units,
        "activation": g.name,
        "activation_mathml": mathml(Math(f"g(z) = {g.latex}", ())) if g.latex else "",
        "shown": drawn(layer.units),
        "given": g.name not in ACTIVATIONS,
    }


def frame_of(experiment: Experiment) -> tuple[dict[str, Any], list[bytes]]:
    """Return the network as it is now: its numbers, its output over the plane, each unit's."""
    network, structure = experiment.network, experiment.network.structure
    points = grid_points(experiment)
    with np.errstate(over="ignore", invalid="ignore"):
        A, cache = steps.forward_propagation(
            points, network.parameters, structure, statistics=network.statistics
        )
    learning = experiment.learning
    message = {
        "epoch": learning.epochs,
        "batch": learning.batch,
        "step": learning.steps,
        "range": _range_of(experiment, A),
    }
    output = A.T.reshape(structure.n_outputs, MAP, MAP)
    every = MAP // UNIT_MAP
    units = [
        cache[f"A{l}"].T.reshape(-1, MAP, MAP)[drawn(layer.units), ::every, ::every]
        for l, layer in enumerate(structure.layers[:-1], 1)
    ]
    maps = np.concatenate(units) if units else np.empty(0)
    return message, [as_bytes(network.vector), as_bytes(output), as_bytes(maps)]


def grid_points(experiment: Experiment) -> FloatArray:
    """Return the inputs at the points of the map (MAP², n₀), row by row from the top."""
    (x0, x1), (y0, y1) = experiment.split.ranges
    x, y = np.meshgrid(np.linspace(x0, x1, MAP), np.linspace(y1, y0, MAP))
    return experiment.split.points_on([x.ravel(), y.ravel()])


def _range_of(experiment: Experiment, A: FloatArray) -> list[float]:
    """Return the values at which the scale of the map begins and ends."""
    if experiment.task != "regression":
        return [0.0, 1.0]
    y = experiment.split.y_train
    low, high = float(y.min()), float(y.max())
    return [low, high] if low < high else [low - 1, high + 1]


def as_bytes(array: FloatArray) -> bytes:
    """Return numbers as little-endian float32 in C order."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, "<f4").tobytes()


def as_json(value: Any) -> Any:
    """Return a value with None in the place of each number that JSON can't hold."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return value
