"""The network of an estimator, drawn as scikit-learn draws its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule._types import Generator
from chainrule.activation import Activation
from chainrule.activations import ACTIVATIONS
from chainrule.loss import Loss
from chainrule.network import Network
from chainrule.structure import Structure

# What scikit-learn calls ours by another name.
ACTIVATION_NAMES = {"logistic": "sigmoid", "exp": "exponential"}
THEIR_NAMES = {ours: theirs for theirs, ours in ACTIVATION_NAMES.items()}


def make_structure(
    sizes: Sequence[int],
    activation: Any,
    output: str,
    loss: Loss,
    dropout: Any,
    normalization: Any,
) -> Structure:
    """Return the structure of these layer sizes, inputs and outputs included.

    Raises ValueError or TypeError if there is not one value, or one for each hidden layer, of
    `activation`, `dropout` and `normalization`.
    """

    def named(g: str | Activation) -> Any:
        return ACTIVATION_NAMES.get(g, g) if isinstance(g, str) else g

    one = isinstance(activation, (str, Activation))
    return Structure(
        list(sizes),
        hidden=named(activation) if one else [named(g) for g in activation],
        output=output,
        loss=loss,
        dropout=np.asarray(dropout, dtype=float).tolist(),
        normalization=normalization if isinstance(normalization, str | None) else [*normalization],
        initializer="zeros",  # drawn below, with the biases
    )


def draw_network(structure: Structure, dtype: npt.DTypeLike, rng: Generator) -> Network:
    """Draw weights and biases from U(−r, r), r = √(6 / (n_in + n_out)); 2 for 6 with the sigmoid.

    Layer by layer, the weights before the biases, in float64. The output layer follows the
    activation of the layer before it. Glorot & Bengio (2010), equation 16.
    """
    network = Network(structure, dtype=dtype)
    hidden = [layer.activation for layer in structure.layers[:-1]]
    rules = [*hidden, hidden[-1] if hidden else structure.output]
    for l, g in enumerate(rules, 1):
        W, b = network.parameters[f"W{l}"], network.parameters[f"b{l}"]
        factor = 2 if hidden and g.g is ACTIVATIONS["sigmoid"].g else 6
        r = math.sqrt(factor / sum(W.shape))
        W[:] = rng.uniform(-r, r, W.shape)
        b[:] = rng.uniform(-r, r, b.shape)
    return network
