"""A network as nodes: its layers, and the decision behind them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from chainrule._types import FloatArray
from chainrule.export.graph import Graph, Tensor
from chainrule.export.operators import activate
from chainrule.network import Network
from chainrule.normalization import EPSILON, NORMALIZATIONS, standardize


def add_network(A: Tensor, network: Network, *, first: int = 1, prefix: str = "") -> Tensor:
    """Return the outputs A (m, n_L) for the inputs of layer `first`, as prediction has them.

    The arithmetic is of the type of the inputs. Batch normalisation is folded into W and b, dropout
    is left out. Raises ValueError if a number is not finite in that type, or an activation is not
    the library's; `prefix` stands before the names of the parameters.
    """
    graph = A.graph
    for l, layer in enumerate(network.structure.layers, 1):
        if l < first:
            continue
        W, b = network.parameters[f"W{l}"], network.parameters[f"b{l}"]
        if layer.normalization == "batch":
            W, b = _fold(W, b, network, l)
        weights = graph.constant(_finite(W, A.dtype, f"W{l}"), A.dtype, f"{prefix}W{l}")
        bias = graph.constant(_finite(b, A.dtype, f"b{l}").ravel(), A.dtype, f"{prefix}b{l}")
        if layer.normalization == "layer":
            gamma = _finite(network.parameters[f"gamma{l}"], A.dtype, f"gamma{l}")
            gain = graph.constant(gamma.ravel(), A.dtype, f"{prefix}gamma{l}")
            Z = standardize(A @ weights, NORMALIZATIONS["layer"])[0] * gain + bias
        else:
            Z = graph.apply("Gemm", A, weights, bias)
        A = activate(Z, layer.activation, l)
    return A


def _fold(W: FloatArray, b: FloatArray, network: Network, l: int) -> tuple[FloatArray, FloatArray]:
    """Return the W and b of the layer without normalisation that predicts the same.

    (A W − μ) / √(s² + ε) ∘ γ + b = A (W ∘ r) + (b − μ ∘ r), with r = γ / √(s² + ε). In float64, so
    that nothing is rounded twice.
    """
    mean, variance = network.statistics[f"mean{l}"], network.statistics[f"var{l}"]
    r = network.parameters[f"gamma{l}"] / np.sqrt(variance.astype(np.float64) + EPSILON)
    return W * r, b - mean * r


def _finite(x: FloatArray, dtype: npt.DTypeLike, name: str) -> FloatArray:
    with np.errstate(over="ignore"):
        cast: FloatArray = x.astype(dtype)
    if not np.isfinite(cast).all():
        wrong = x[~np.isfinite(cast)][0]
        raise ValueError(f"{name} must be finite as {np.dtype(dtype)}, got {wrong}")
    return cast


def add_decision(A: Tensor, network: Network) -> None:
    """Give out what `Network.predict` decides, and the outputs: `label` and `probabilities`.

    For a loss of regression, the outputs alone, as `variable`.
    """
    graph, loss, n_outputs = A.graph, network.structure.loss, network.structure.n_outputs
    if loss.labels:
        graph.output("label", most_likely(A), None)
    elif loss.name == "binary_cross_entropy":
        one = n_outputs == 1
        label = (A > 0.5).astype(np.int64)
        graph.output("label", flat(label) if one else label, None if one else n_outputs)
    else:
        graph.output("variable", A, n_outputs)
        return
    graph.output("probabilities", A, n_outputs)


def most_likely(A: Tensor) -> Tensor:
    """Return the number (m,) of the largest of each row, the first of equal ones."""
    return A.graph.apply("ArgMax", A, dtype=np.int64, axis=1, keepdims=0)


def flat(column: Tensor) -> Tensor:
    """Return a column (m, 1) as (m,)."""
    graph = column.graph
    return graph.apply("Reshape", column, graph.constant([-1], np.int64))


def beside(graph: Graph, parts: Iterable[Tensor]) -> Tensor:
    """Return tensors (m, …) side by side."""
    parts = list(parts)
    return parts[0] if len(parts) == 1 else graph.apply("Concat", *parts, axis=1)
