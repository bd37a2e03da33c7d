"""Calibration by a temperature T: outputs g(z / T), with T learned on examples held back.

Guo, Pleiss, Sun & Weinberger (2017), *On calibration of modern neural networks*, ICML, section
4.2. T does not change which class is the likeliest.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import minimize_scalar

from chainrule._types import Array, FloatArray
from chainrule.network import Network

# T is looked for between these; beyond them, probabilities are all alike or all 0 and 1.
COLDEST, HOTTEST = 0.01, 100.0


def with_temperature(network: Network, T: float) -> Network:
    """Return a network whose outputs are g(z / T), where those of `network` are g(z)."""
    twin, last = network.copy(), len(network.structure.layers)
    for name in (f"W{last}", f"b{last}"):
        twin.parameters[name][:] = network.parameters[name] / T
    return twin


def learn_temperature(
    network: Network, X: Array, Y: Array, sample_weight: FloatArray | None = None
) -> float:
    """Return the T for which the loss on examples X (m, n₀), Y is least.

    The arguments are those of `Network.loss`.
    """

    def loss(log_T: float) -> float:
        return with_temperature(network, math.exp(log_T)).loss(X, Y, sample_weight)

    bounds = (math.log(COLDEST), math.log(HOTTEST))
    with np.errstate(over="ignore"):
        found = minimize_scalar(loss, bounds=bounds, method="bounded")
    return math.exp(found.x)
