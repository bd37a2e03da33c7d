"""Units that no step can change: their slope is zero, or their output the same, on every row."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from chainrule import steps
from chainrule._inputs import Rows, check_inputs
from chainrule._types import Array, FloatArray
from chainrule.activation import Activation
from chainrule.activations import softmax
from chainrule.network import Network
from chainrule.structure import Structure


def dead_units(network: Network, X: Rows) -> dict[int, npt.NDArray[np.intp]]:
    """Return which units of each layer learn nothing from any row of X.

    A unit is dead if its slope g′(z) is 0 on every row, such as that of a ReLU whose z is never
    above 0: no gradient passes it. It is dead too if its output never changes though what it is
    given does: the next layer has no more of it than of a bias.

    Parameters
    ----------
    network : Network
        The network, as it predicts: nothing is dropped, and batch normalisation uses its running
        statistics. It stays as it is.
    X : array-like or sparse matrix (m, n₀)
        The rows, all of which are looked at; a part of them is made dense at a time.

    Returns
    -------
    dict of int to array of int
        For each layer from 1 the numbers of its dead units, from 0. An array is empty where none
        is dead.

    Raises
    ------
    ValueError, TypeError
        If `network` is not a Network, or X is not finite numbers of that shape.

    Notes
    -----
    "0" and "the same" are meant up to rounding: a slope counts as 0 below the precision of the
    network's dtype, relative to the greatest slope between z = −1 and 1. So an output of a sigmoid
    or softmax that is quite sure of every row is counted too, though with the loss that belongs to
    it, it can still learn.

    Examples
    --------
    >>> network = Network([2, 3, 1], hidden="relu", random_state=0)
    >>> network.parameters["b1"][:] = [[0.0, -100.0, 0.0]]
    >>> dead_units(network, [[0.0, 1.0], [1.0, 0.0], [-1.0, -1.0]])[1]
    array([1])
    """
    check_network(network)
    inputs = check_inputs("X", X, network.structure.n_inputs, network.dtype)
    seen = Seen(network.structure, network.dtype)
    with np.errstate(all="ignore"):
        for rows in inputs.parts():
            _, cache = steps.forward_propagation(
                inputs[rows],
                network.parameters,
                network.structure,
                statistics=network.statistics,
            )
            seen.add(cache)
    return seen.dead()


def check_network(network: object) -> None:
    """Raise TypeError unless this is a network."""
    if not isinstance(network, Network):
        raise TypeError(f"network must be a Network, got {type(network).__name__}")


class Seen:
    """What the rows so far have shown of each unit: its range of outputs, and any slope above 0."""

    def __init__(self, structure: Structure, dtype: npt.DTypeLike) -> None:
        self.structure = structure
        self.precision = float(np.finfo(dtype).eps)
        sizes = [structure.n_inputs, *(layer.units for layer in structure.layers)]
        self.lowest = [np.full(n, np.inf) for n in sizes]
        self.highest = [np.full(n, -np.inf) for n in sizes]
        self.flat = [np.ones(n, dtype=bool) for n in sizes]

    def add(self, cache: Mapping[str, Array]) -> None:
        """Take in some rows, of which this is the cache of `forward_propagation`."""
        for l in range(len(self.lowest)):
            A = cache[f"A{l}"]
            np.minimum(self.lowest[l], A.min(axis=0), out=self.lowest[l])
            np.maximum(self.highest[l], A.max(axis=0), out=self.highest[l])
            if l > 0:
                activation = self.structure.layers[l - 1].activation
                steepest = np.abs(slopes(activation, cache[f"Z{l}"], A)).max(axis=0)
                self.flat[l] &= steepest <= self.precision * greatest_slope(activation, A.shape[1])

    def dead(self) -> dict[int, npt.NDArray[np.intp]]:
        """Return the numbers of the dead units of each layer."""
        never_changes = [self._never_changes(l) for l in range(len(self.lowest))]
        return {
            l: np.flatnonzero(self.flat[l] | (never_changes[l] & (not never_changes[l - 1].all())))
            for l in range(1, len(self.lowest))
        }

    def _never_changes(self, l: int) -> npt.NDArray[np.bool_]:
        size = np.maximum(np.abs(self.lowest[l]), np.abs(self.highest[l]))
        # The same number may come out of the same row in another place with other last digits
        unchanged: npt.NDArray[np.bool_] = (
            self.highest[l] - self.lowest[l] <= 8 * self.precision * size
        )
        return unchanged


def slopes(activation: Activation, Z: FloatArray, A: FloatArray) -> FloatArray:
    """Return ∂a/∂z (m, n) of each unit's output by its own sum, where A = g(Z)."""
    if activation.vjp is None:
        slope: FloatArray = np.broadcast_to(activation.slope_at(Z, A), A.shape)
        return slope
    if activation.g is softmax:
        return A * (1 - A)
    own = np.empty_like(A)  # the diagonal of the Jacobian, one unit at a time
    for k in range(A.shape[1]):
        dA = np.zeros_like(A)
        dA[:, k] = 1
        own[:, k] = activation.backward(Z, A, dA)[:, k]
    return own


def greatest_slope(activation: Activation, units: int) -> float:
    """Return the greatest abs(∂a/∂z) between z = −1 and 1, where the sums of scaled inputs lie."""
    Z = np.zeros((33, units if activation.vjp else 1))
    Z[:, 0] = np.linspace(-1, 1, 33)
    with np.errstate(all="ignore"):
        A = activation(Z)
        return float(np.nanmax(np.abs(slopes(activation, Z, A)[:, 0]))) or 1.0
