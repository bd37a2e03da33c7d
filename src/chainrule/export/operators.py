"""Each activation of the library as ONNX has it: an operator, or the formula itself written out.

ONNX Runtime has no kernels of Elu, Selu, Softplus and Erf for float64, nor, up to 1.20 at least, of
the one that it makes of z · Sigmoid(z); and the α of LeakyRelu is a float32 in any case. There the
formula that trains the network is called on the tensor, and becomes nodes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule import activations as g
from chainrule._types import Array
from chainrule.activation import Activation
from chainrule.export.graph import Tensor
from chainrule.formula_text.running import TreeFunction

Operator = Callable[..., Tensor]

# By the formula itself, not by a name, which anyone may give to another one.
OPERATORS: dict[Callable[..., Array], Operator] = {
    g.identity: lambda z: z,
    g.sigmoid: lambda z: _apply("Sigmoid", z),
    g.tanh: lambda z: _apply("Tanh", z),
    g.relu: lambda z: _apply("Relu", z),
    g.exponential: lambda z: _apply("Exp", z),
    g.softmax: lambda z: _apply("Softmax", z, axis=-1),
}
OPERATORS_OF_FLOAT32: dict[Callable[..., Array], Operator] = {
    g.leaky_relu: lambda z, alpha=0.01: _apply("LeakyRelu", z, alpha=float(alpha)),
    g.elu: lambda z, alpha=1.0: _apply("Elu", z, alpha=float(alpha)),
    g.selu: lambda z: _apply("Selu", z, alpha=g.SELU_ALPHA, gamma=g.SELU_LAMBDA),
    g.softplus: lambda z: _apply("Softplus", z),
    g.gelu: lambda z: z * (0.5 * (1 + _apply("Erf", z / math.sqrt(2)))),
    g.silu: lambda z: z * _apply("Sigmoid", z),
    g.mish: lambda z: z * _apply("Tanh", _apply("Softplus", z)),
}


def activate(Z: Tensor, activation: Activation, l: int) -> Tensor:
    """Return g(Z) of layer `l`. Raises ValueError for an activation that is not the library's."""
    own, constants = activation.g, activation.constants.values()
    if isinstance(own, TreeFunction):
        return _written_out(activation, Z, l)
    if own in OPERATORS:
        return OPERATORS[own](Z, *constants)
    if own not in OPERATORS_OF_FLOAT32:
        raise ValueError(
            f"the activation of layer {l} is your own {activation.name!r}, and can't go to ONNX: a "
            "graph has no formulas, only ONNX's operators, and which of them equal yours is not "
            "known; train with an activation of the library, such as 'gelu' or 'mish'"
        )
    if Z.dtype == np.float32:
        return OPERATORS_OF_FLOAT32[own](Z, *constants)
    written_out: Tensor = activation(Z)
    return written_out


def _written_out(activation: Activation, Z: Tensor, l: int) -> Tensor:
    """Return a typed formula, operation by operation."""
    try:
        written_out: Tensor = activation(Z)
    except TypeError:
        raise ValueError(
            f"the activation of layer {l}, {activation.name!r}, can't go to ONNX: a function in it "
            "is no operator of runtimes, or not for every type of number"
        ) from None
    return written_out


def _apply(operator: str, z: Tensor, **attributes: Any) -> Tensor:
    return z.graph.apply(operator, z, **attributes)
