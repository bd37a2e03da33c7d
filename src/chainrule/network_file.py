"""A network in a file: its structure as JSON, its parameters and statistics as named arrays."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from chainrule import _checks, _json
from chainrule._types import FloatArray
from chainrule.description import Custom, build_structure, describe_structure
from chainrule.model_file import ModelFile, write_model
from chainrule.network import Network
from chainrule.stored_arrays import StoredArrays
from chainrule.structure import Structure


def save_network(
    network: Network, path: str | os.PathLike[str], custom: Custom | None = None
) -> None:
    """Write a network to a file; :meth:`chainrule.Network.save` says what may go wrong."""
    write_model(path, "network", describe_network(network, custom), network_arrays(network))


def load_model(file: ModelFile, custom: Custom) -> Network:
    """Return the network of a file of the kind "network"."""
    return build_network(file.description, file.arrays, custom)


def describe_network(network: Network, custom: Custom | None = None) -> dict[str, Any]:
    """Return what JSON can say of a network: its type of number and its structure."""
    return {
        "dtype": network.dtype.name,
        "structure": describe_structure(network.structure, custom),
    }


def network_arrays(network: Network, prefix: str = "") -> dict[str, FloatArray]:
    """Return the arrays of a network by name: ``W1, b1, …``, and statistics ``mean1, var1, …``."""
    named = {**network.parameters, **network.statistics}
    return {prefix + name: array for name, array in named.items()}


def build_network(
    description: object, arrays: StoredArrays, custom: Custom | None = None
) -> Network:
    """Return the network of a description and the arrays that go with it.

    Raises ValueError or TypeError if either is not as it must be; the structure, and the names,
    types and shapes of all arrays, are checked before the first is read.
    """
    dtype, described = _json.fields("network", description, ("dtype", "structure"))
    _checks.check_choice("dtype", dtype, ("float64", "float32"))
    structure = build_structure(described, custom)
    statistics = statistics_shapes(structure)
    arrays.expect({**structure.shapes, **statistics}, dtype)

    vector = np.empty(structure.n_parameters, dtype)
    start = 0
    for name in structure.shapes:
        values = arrays.read(name).ravel()
        vector[start : start + values.size] = values
        start += values.size
    running = {name: arrays.read(name) for name in statistics}
    for name, values in running.items():
        if name.startswith("var") and (values < 0).any():
            raise ValueError(f"array {name!r} must not be negative, got {values.min()}")
    return Network.from_arrays(structure, vector, running)


def statistics_shapes(structure: Structure) -> dict[str, tuple[int, int]]:
    """Return the shape of each running statistic by its name."""
    return {
        f"{name}{l}": (1, layer.units)
        for l, layer in enumerate(structure.layers, 1)
        if layer.normalization == "batch"
        for name in ("mean", "var")
    }
