"""The network of an estimator, drawn as scikit-learn draws its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils._param_validation import StrOptions

from chainrule._types import Generator
from chainrule.activation import Activation
from chainrule.activations import ACTIVATIONS, get_activation
from chainrule.loss import Loss
from chainrule.network import Network
from chainrule.structure import Structure


class ActivationNames(StrOptions):
    """scikit-learn's check of a name, which lets a typed formula pass: it is read in `fit`."""

    def is_satisfied_by(self, val: Any) -> bool:
        return super().is_satisfied_by(val) or (isinstance(val, str) and val.startswith("="))

    def __str__(self) -> str:
        return f"{super().__str__()}, a formula such as '=z*tanh(z)'"


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

    one = isinstance(activation, (str, Activation))
    if not one and len(activation) != len(sizes) - 2:
        raise ValueError(
            f"activation must be one, or one for each of the {len(sizes) - 2} hidden layers, got "
            f"{len(activation)}: {[*activation]!r}"
        )
    return Structure(
        list(sizes),
        hidden=_named(activation) if one else [_named(g) for g in activation],
        output=output,
        loss=loss,
        dropout=np.asarray(dropout, dtype=float).tolist(),
        normalization=normalization if isinstance(normalization, str | None) else [*normalization],
        initializer="zeros",  # drawn below, with the biases
    )


def _named(g: str | Activation) -> str | Activation:
    return ACTIVATION_NAMES.get(g, g) if isinstance(g, str) else g


def draw_network(
    structure: Structure, activation: Any, dtype: npt.DTypeLike, rng: Generator
) -> Network:
    """Draw weights and biases from U(−r, r), r = √(6 / (n_in + n_out)); 2 for 6 with the sigmoid.

    Layer by layer, the weights before the biases, in float64. The output layer follows the
    activation of the layer before it; where there is none, what `activation` asks for hidden
    layers. Glorot & Bengio (2010), equation 16.
    """
    network = Network(structure, dtype=dtype)
    hidden = [layer.activation for layer in structure.layers[:-1]]
    if hidden or not isinstance(activation, (str, Activation)):
        last = hidden[-1] if hidden else structure.output
    else:
        last = get_activation(_named(activation))
    for l, g in enumerate([*hidden, last], 1):
        W, b = network.parameters[f"W{l}"], network.parameters[f"b{l}"]
        factor = 2 if g.g is ACTIVATIONS["sigmoid"].g else 6
        r = math.sqrt(factor / sum(W.shape))
        W[:] = rng.uniform(-r, r, W.shape)
        b[:] = rng.uniform(-r, r, b.shape)
    return network
