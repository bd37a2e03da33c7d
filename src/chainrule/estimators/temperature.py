"""Calibration by a temperature T: outputs g(z / T), with T learned on examples held back.

Guo, Pleiss, Sun & Weinberger (2017), *On calibration of modern neural networks*, ICML, section
4.2. T does not change which class is the likeliest.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import minimize_scalar

from chainrule._types import Array, FloatArray
from chainrule.loss import one_hot
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

    The arguments are those of `Network.loss`. The targets are a little less sure than they are
    given, (y m + 1) / (m + K) for K classes, as though one more example of each had been seen: else
    T would go to 0 where few examples are all told apart. Platt (1999), *Probabilistic outputs for
    support vector machines*, section 2.2, with each class alike.
    """
    structure, m = network.structure, len(Y)
    K = structure.n_outputs if structure.output.vjp is not None else 2
    if structure.loss.labels:
        Y = structure.loss.encode(Y, K, network.dtype)
        Y = one_hot(Y, K, network.dtype) if Y.shape[1] == 1 else Y
    unsure = ((Y * m + 1) / (m + K)).astype(network.dtype)

    def loss(log_T: float) -> float:
        return with_temperature(network, math.exp(log_T)).loss(X, unsure, sample_weight)

    bounds = (math.log(COLDEST), math.log(HOTTEST))
    with np.errstate(over="ignore"):
        found = minimize_scalar(loss, bounds=bounds, method="bounded")
    return math.exp(found.x)
