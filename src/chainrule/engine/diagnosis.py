"""Where a number first stopped being finite: the layer, and which of its values."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from chainrule._types import Array
from chainrule.network import Network


class NotFiniteError(ArithmeticError):
    """Raised where a loss, a gradient or a parameter is not finite, with the place in words.

    `batch` is the number of the mini-batch among those that an engine was given.
    """

    batch = 0


def describe_loss(loss: float, network: Network, cache: Mapping[str, Array]) -> str:
    """Return which layer first had a value that is not finite on the way to this loss."""
    where = describe_parameters(network)
    for l in range(1, len(network.structure.layers) + 1):
        for name in ("U", "Z", "A"):
            if where is None and not np.isfinite(cache.get(f"{name}{l}", 0.0)).all():
                where = f"layer {l} is the first that is not finite, in its values {name}{l}"
    if where is None:
        where = (
            f"every layer is finite, and it overflows in the loss {network.structure.loss.name!r}"
        )
    return f"the loss is {loss}; {where}"


def describe_gradient(network: Network, gradients: Mapping[str, Array]) -> str | None:
    """Return which layer first had it on the way back, or None if every gradient is finite."""
    for l in range(len(network.structure.layers), 0, -1):
        for name in (f"dW{l}", f"db{l}", f"dgamma{l}"):
            if not np.isfinite(gradients.get(name, 0.0)).all():
                where = f"layer {l} is the first on the way back that is not, in {name}"
                return f"the loss is finite, but {describe_parameters(network) or where}"
    return None


def describe_parameters(network: Network) -> str | None:
    """Return the first layer with a parameter that is not finite, or None."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(network.vector.sum())
    if math.isfinite(total) or np.isfinite(network.vector).all():  # the first is the quicker
        return None
    for name, values in network.parameters.items():
        if not np.isfinite(values).all():
            layer = name.lstrip("Wbgam")
            return f"layer {layer} is the first that is not finite, in its parameter {name}"
    return None
