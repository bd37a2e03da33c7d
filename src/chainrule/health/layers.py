"""How each layer does: its sums and outputs, its dead and saturated units, its gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chainrule._inputs import Rows, check_inputs
from chainrule._types import FloatArray
from chainrule.activation import Activation
from chainrule.explain.nudging import Nudged
from chainrule.network import Network

# Of its greatest slope, where an activation that is bounded on both sides counts as flat.
FLAT = 0.01


@dataclass(frozen=True)
class LayerHealth:
    """How one layer does.

    Attributes
    ----------
    number : int
        From 1.
    activation : str
    units : int
    mean_z, std_z, mean_a, std_a : float
        Of its sums and of its outputs, over rows and units.
    saturated : float or None
        Share of outputs where the slope is below a hundredth of the greatest, of an activation
        bounded on both sides, such as tanh; else None.
    dead : array of int
        Units, from 0, whose slope is 0 on every row.
    signal : float
        Root mean square of dZ, what comes back to it.
    gradient, weights : float
        Euclidean norms of dW and W.
    step : float or None
        Norm of the change of W in one update, over that of W; None where no rate is known.
    """

    number: int
    activation: str
    units: int
    mean_z: float
    std_z: float
    mean_a: float
    std_a: float
    saturated: float | None
    dead: npt.NDArray[np.intp]
    signal: float
    gradient: float
    weights: float
    step: float | None


def dead_units(network: Network, X: Rows) -> dict[int, npt.NDArray[np.intp]]:
    """Return the units, by layer, whose slope g′(z) is 0 on every row: nothing can teach them.

    Parameters
    ----------
    network : Network
        Predicts as it does once trained: batch normalisation uses its running statistics.
    X : array-like or sparse (m, n₀)
        Examples; all of them are looked at, some at a time.

    Returns
    -------
    dict of int to array of int
        For each layer from 1 the numbers of its dead units from 0; an empty array if none is. A
        layer whose activation is not elementwise, such as softmax, has none.

    Raises
    ------
    ValueError, TypeError
        If X is not as above.
    """
    inputs = check_inputs("X", X, network.structure.n_inputs, network.dtype)
    layers = list(enumerate(network.structure.layers, 1))
    dead = {l: np.ones(layer.units, bool) for l, layer in layers}
    for rows in inputs.parts():
        _, cache = network._forward(inputs[rows])
        for l, layer in layers:
            dead[l] &= _is_dead(layer.activation, cache[f"Z{l}"], cache[f"A{l}"])
    return {l: np.flatnonzero(units) for l, units in dead.items()}


def _is_dead(g: Activation, Z: FloatArray, A: FloatArray) -> npt.NDArray[np.bool_]:
    if g.vjp is not None:
        return np.zeros(Z.shape[1], bool)
    dead: npt.NDArray[np.bool_] = (np.asarray(g.slope_at(Z, A)) == 0).all(axis=0)
    return dead


def _saturated(g: Activation, Z: FloatArray, A: FloatArray) -> float | None:
    """Return the share of flat places of an activation that is bounded on both sides."""
    if g.vjp is not None or not np.isfinite(g.range).all():
        return None
    z = np.linspace(-6, 6, 241)
    greatest = float(np.abs(g.slope_at(z, g(z))).max())
    return float(np.mean(np.abs(g.slope_at(Z, A)) < FLAT * greatest))


def layer_health(
    l: int,
    nudged: Nudged,
    cache: dict[str, FloatArray],
    signals: dict[str, FloatArray],
    gradients: dict[str, FloatArray],
    after: dict[str, FloatArray] | None,
) -> LayerHealth:
    """Return how layer l does; `after` are the parameters after a step, if one is judged."""
    layer, W = nudged.structure.layers[l - 1], nudged.parameters[f"W{l}"]
    Z, A, g = cache[f"Z{l}"], cache[f"A{l}"], layer.activation
    weights = float(np.linalg.norm(W))
    moved = 0.0 if after is None else float(np.linalg.norm(after[f"W{l}"] - W))
    return LayerHealth(
        number=l,
        activation=g.name,
        units=layer.units,
        mean_z=float(Z.mean()),
        std_z=float(Z.std()),
        mean_a=float(A.mean()),
        std_a=float(A.std()),
        saturated=_saturated(g, Z, A),
        dead=np.flatnonzero(_is_dead(g, Z, A)),
        signal=float(np.sqrt(np.mean(signals[f"dZ{l}"] ** 2))),
        gradient=float(np.linalg.norm(gradients[f"dW{l}"])),
        weights=weights,
        step=None if after is None else moved / max(weights, 1e-300),
    )
