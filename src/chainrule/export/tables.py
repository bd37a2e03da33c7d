"""Models for tables as graphs: an input for each column, what becomes of it, and the ensemble."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule._types import Array
from chainrule.export.estimators import add_classes
from chainrule.export.graph import STRING, Graph, Tensor
from chainrule.export.layers import add_network, beside, flat
from chainrule.network import Network
from chainrule.tabular import TabularClassifier
from chainrule.tabular.dates import CYCLES, to_days
from chainrule.tabular.embeddings import blocks
from chainrule.tabular.preprocessing import MISSING, OTHER, Embedded, Preprocessing
from chainrule.tabular.roles import Role
from chainrule.tabular.scaling import NumberScaling, smooth_clip

# How a missing value, and a flag, is written as a word: what the models for tables read as such.
MISSING_WORDS = ("", "nan", "<NA>", "NaT")
FLAGS = {"True": ("true", "TRUE", "1"), "False": ("false", "FALSE", "0")}


def add_table_model(model: Any, dtype: npt.DTypeLike | None) -> Graph:
    """Return the graph of a fitted TabularClassifier or TabularRegressor.

    Numbers of a table, in and out, are float64, dates are seconds since 1970, and words strings;
    `dtype` is that within the networks. Raises ValueError for a way of scaling that ONNX has not.
    """
    graph, done = Graph(), model.preprocessing_
    _check(done)
    columns = {
        role.name: graph.input(role.name, STRING if role.kind == "category" else np.float64, 1)
        for role in done.roles
        if role.kind != "dropped"
    }
    kind = np.dtype(dtype or model.networks_[0].dtype)
    plain, places = _inputs(graph, done, columns, kind)
    outputs = []
    for i, network in enumerate(model.networks_):
        vectors = _vectors(graph, network, done.embedded, places, kind, i)
        first = 2 if done.embedded else 1  # vectors are what the first of these layers makes
        A = add_network(beside(graph, plain + vectors), network, first=first, prefix=f"{i}.")
        outputs.append(A.astype(np.float64))
    A = outputs[0] if len(outputs) == 1 else graph.apply("Sum", *outputs) / len(outputs)
    if isinstance(model, TabularClassifier):
        if len(model.classes_) > 2:  # float32 sums to 1 but roughly
            A = A / graph.apply("ReduceSum", A, graph.constant([1], np.int64), keepdims=1)
        add_classes(A, model.classes_)
        return graph
    y = A * model.target_scale_ + model.target_mean_
    low, high = model.target_range_
    graph.output("variable", np.minimum(np.maximum(y, low), high), 1)
    return graph


def _check(done: Preprocessing) -> None:
    numbers = done.of("number") + done.of("date")
    if numbers and done.scaling != "robust":
        raise ValueError(
            f"scaling={done.scaling!r} brings column {numbers[0].name!r} to a normal distribution, "
            "by the inverse of Φ, which ONNX has not; train with scaling='robust'"
        )


def _inputs(
    graph: Graph, done: Preprocessing, columns: dict[str, Tensor], dtype: np.dtype[Any]
) -> tuple[list[Tensor], dict[str, Tensor]]:
    """Return the inputs (m, …) that have no vectors, and the places (m,) of categories that have.

    The inputs are in the order of :class:`~chainrule.tabular.preprocessing.Preprocessing`.
    """
    parts: list[Array] = []
    dates: dict[str, Array] = {role.name: columns[role.name] for role in done.of("date")}
    numbers: list[Array] = [columns[role.name] for role in done.of("number")]
    numbers += [to_days(seconds) for seconds in dates.values()]
    if numbers:
        parts.append(_scale(beside(graph, numbers), done.numbers).astype(dtype))
    parts += [
        np.where(np.isnan(seconds), 0.0, wave(2 * np.pi * seconds / CYCLES[cycle])).astype(dtype)
        for name, seconds in dates.items()
        for cycle in done.cycles[name]
        for wave in (np.sin, np.cos)
    ]
    roles, places = {role.name: role for role in done.roles}, dict[str, Tensor]()
    embedded = {e.name for e in done.embedded}
    for name in done.encoders:
        place = _place(columns[name], roles[name], done.categories[name])
        if name in embedded:
            places[name] = flat(place)
        else:
            each = graph.constant(np.arange(len(done.categories[name])), np.int64)
            one_hot = graph.apply("Equal", place, each, dtype=np.bool_)
            parts.append(one_hot.astype(dtype))
    return parts, places


def _scale(X: Array, numbers: NumberScaling) -> Array:
    """Return numbers X (m, n) as `NumberScaling.transform` does; an infinite one becomes ±3."""
    assert numbers.scaler is not None
    center, scale = numbers.scaler.center_, numbers.scaler.scale_
    missing = np.isnan(X)
    z = np.where(missing, 0.0, (X - center) / scale)
    scaled: Array = smooth_clip(np.minimum(np.maximum(z, -1e9), 1e9))
    if not numbers.with_missing.any():
        return scaled
    which = X.graph.constant(np.flatnonzero(numbers.with_missing), np.int64)
    said = X.graph.apply("Gather", missing.astype(np.float64), which, axis=1)
    return beside(X.graph, [scaled, said])


def _place(words: Tensor, role: Role, categories: list[str]) -> Tensor:
    """Return the place (m, 1) of each word among the categories, or their number if it has none."""
    found = {word: i for i, word in enumerate(categories)}
    other = found.pop(OTHER, len(categories))
    missing = found.pop(MISSING, other)
    if role.came_as == "number":  # a float's own way to write a whole number
        found |= {f"{word}.0": i for word, i in found.items() if word.lstrip("-").isdigit()}
    if found.keys() <= FLAGS.keys():
        found |= {word: i for flag, i in found.items() for word in FLAGS[flag]}
    found |= dict.fromkeys(MISSING_WORDS, missing)
    return words.graph.apply(
        "LabelEncoder",
        words,
        dtype=np.int64,
        domain="ai.onnx.ml",
        keys_strings=[*found],
        values_int64s=[*found.values()],
        default_int64=other,
    )


def _vectors(
    graph: Graph,
    network: Network,
    embedded: list[Embedded],
    places: dict[str, Tensor],
    dtype: np.dtype[Any],
    i: int,
) -> list[Tensor]:
    """Return the learned vectors (m, size) of each such column: rows of its block of W1.

    Raises ValueError if the first layer of network `i` does more than that.
    """
    if not embedded:
        return []
    W, others = network.parameters["W1"], embedded[0].start
    rest = W.copy()
    rest[:others, :others] -= np.eye(others, dtype=W.dtype)
    vectors = []
    for e, block in zip(embedded, blocks(embedded), strict=True):
        rest[block] = 0
        nothing = np.zeros((1, e.size))  # for a category that is not there
        table = graph.constant(np.vstack([W[block], nothing]), dtype, f"{i}.vectors of {e.name}")
        vectors.append(graph.apply("Gather", table, places[e.name]))
    if rest.any() or network.parameters["b1"].any():
        raise ValueError(f"W1 and b1 of network {i} must hold learned vectors alone, and do more")
    return vectors
