"""A network of the weights and biases of linear layers, which came from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule._types import FloatArray
from chainrule.activation import Activation
from chainrule.loss import Loss
from chainrule.network import Network
from chainrule.structure import Structure

FLOATS = (np.dtype(np.float64), np.dtype(np.float32))


@dataclass(frozen=True, eq=False)
class Linear:
    """One layer: W (n_in, n_out) and b (n_out,), or None where it has no bias."""

    W: FloatArray
    b: FloatArray | None = None


def build_network(
    layers: Sequence[Linear],
    hidden: str | Activation | Sequence[str | Activation],
    output: str | Activation,
    loss: str | Loss | None,
) -> Network:
    """Return a network of layers that fit together, each with its activation; no bias is zeros."""
    sizes = [layers[0].W.shape[0], *(layer.W.shape[1] for layer in layers)]
    structure = Structure(sizes, hidden=hidden, output=output, loss=loss)
    nothing = np.zeros(structure.n_parameters, layers[0].W.dtype)
    network = Network.from_arrays(structure, nothing, {})
    for l, layer in enumerate(layers, 1):
        network.parameters[f"W{l}"][:] = layer.W
        if layer.b is not None:
            network.parameters[f"b{l}"][:] = layer.b
    return network


def check_type(name: str, dtype: np.dtype[Any], others: np.dtype[Any]) -> None:
    """Raise TypeError unless an array is of float64 or float32, and of the type of the others."""
    if dtype not in FLOATS:
        raise TypeError(f"{name} must be float64 or float32, got {dtype}")
    if dtype != others:
        raise TypeError(f"all arrays must have one type, got {others} and, for {name}, {dtype}")


def check_chain(name: str, n_in: int, before: int | None) -> None:
    """Raise ValueError unless a layer has as many inputs as the one before it has outputs."""
    if before is not None and n_in != before:
        raise ValueError(
            f"{name} must have {before} inputs, which the layer before it gives out, got {n_in}"
        )


def as_array(name: str, value: object) -> npt.NDArray[Any]:
    """Return an array, or a tensor that NumPy can read, as an array, or raise TypeError."""
    try:
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:  # a tensor that is not in memory, say
        raise TypeError(f"{name} can't be read as an array: {error}") from error
