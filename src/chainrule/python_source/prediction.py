"""The half of a script that predicts: the way forward, the decision, and the numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import groupby

import numpy as np

from chainrule._types import FloatArray
from chainrule.network import Network
from chainrule.python_source.blocks import Block
from chainrule.python_source.formulas import Formulas
from chainrule.python_source.layers import Layers
from chainrule.python_source.numbers import assignments, unpack
from chainrule.python_source.recipe import float_name
from chainrule.structure import Layer, Structure


def describe(structure: Structure) -> str:
    """Return the layers and the loss in words."""
    parts = []

    def kind(layer: Layer) -> tuple[object, ...]:
        return layer.units, layer.activation, layer.normalization, layer.dropout

    for _, group in groupby(structure.layers, kind):
        layer, *others = group
        more = f", {layer.normalization} normalisation" if layer.normalization else ""
        more += f", dropout {layer.dropout:g}" if layer.dropout else ""
        times = f"{1 + len(others)} layers of " if others else ""
        parts.append(f"{times}{layer.units} ({layer.activation.name}{more})")
    return f"{structure.n_inputs} inputs → {' → '.join(parts)}, loss {structure.loss.name}"


def forward_for_use(layers: Layers, network: Network) -> Block:
    """Return the function `forward` of a script in which W1, b1, … are names."""
    *lines, last = layers.forward()
    lines.append("return " + last.split(" = ", 1)[1])
    body = [f"X = np.asarray(X, dtype={float_name(network)})", *lines]
    return Block("forward(X)", outputs_doc(network.structure), body)


def forward_of_steps(network: Network) -> Block:
    """Return the function `forward` where it is that of a training step."""
    lines = [
        f"return forward_propagation(np.asarray(X, dtype={float_name(network)}), PARAMETERS)[0]"
    ]
    return Block("forward(X)", outputs_doc(network.structure), lines, formula=True)


def outputs_doc(structure: Structure) -> str:
    """Return what `forward` says of itself."""
    return (
        f"The outputs A (m, {structure.n_outputs}) for rows X (m, {structure.n_inputs}), "
        "Z[l] = A[l−1] W[l] + b[l], A[l] = g(Z[l])."
    )


def predict_function(structure: Structure) -> Block:
    """Return the function `predict`, which decides as `Network.decide` does."""
    one = structure.n_outputs == 1
    ravel = ".ravel()" if one else ""
    if structure.loss.labels:
        return Block(
            "predict(X)",
            "The class with the largest output, for each row of X.",
            ["return forward(X).argmax(axis=1)"],
            formula=True,
        )
    if structure.loss.name == "binary_cross_entropy":
        return Block(
            "predict(X)",
            "1 where the output is above 0.5, else 0, for each row of X.",
            [f"return (forward(X) > 0.5).astype(int){ravel}"],
            formula=True,
        )
    doc = "The outputs for each row of X."
    return Block("predict(X)", doc, [f"return forward(X){ravel}"], formula=True)


def rows_of_file(network: Network) -> Block:
    """Return the lines that run when the script is run by itself."""
    loss = network.structure.loss
    whole = loss.labels or loss.name == "binary_cross_entropy"
    digits = "%d" if whole else "%.17g" if network.dtype == np.float64 else "%.9g"
    lines = [
        'if __name__ == "__main__":',
        '    rows = np.loadtxt(sys.argv[1], delimiter=",", ndmin=2)',
        f'    np.savetxt(sys.stdout, predict(rows), fmt="{digits}", delimiter=",")',
    ]
    predicted = 'predict(np.loadtxt(sys.argv[1], delimiter=",", ndmin=2))'
    tight = [lines[0], f'    np.savetxt(sys.stdout, {predicted}, "{digits}", ",")']
    return Block("", "", lines, tight=tight)


def numbers(
    network: Network, *, as_dict: bool, most: int, pack: Callable[[FloatArray], str]
) -> list[Block]:
    """Return the lines that hold parameters and statistics, of which `most` hold readable ones.

    As ``W1 = …``, or in a dict ``PARAMETERS``.
    """
    arrays = {**network.parameters, **network.statistics}
    if as_dict:
        lines, are_packed = assignments(arrays, '    "', '": ', ",", most=most, pack=pack)
        lines = ["PARAMETERS = {", *lines, "}"]
    else:
        lines, are_packed = assignments(arrays, "", " = ", "", most=most, pack=pack)
    return [*([unpack(network.dtype)] * are_packed), Block("", "", lines)]


def formulas_of(network: Network) -> Formulas:
    """Return an empty collection, in which no formula takes a name that a script uses."""
    letters = ("X", "Y", "Z", "A", "U", "G", "D", "W", "b", "gamma", "mean", "var")
    numbered = [f"{x}{l}" for x in letters for l in range(len(network.structure.layers) + 1)]
    gradients = [f"d{name}" for name in (*letters, *numbered)]
    single = network.dtype == np.float32
    return Formulas([*letters, *numbered, *gradients, *_RESERVED], single=single)


# What a script calls its own things
_RESERVED = re.findall(
    r"\w+",
    """
    J L k m l t w y x r i n n_in g draw slope axis rate key keys step alpha state rng order rows
    costs
    counts loss best better waited weights theta epoch gradients parameters cache name dw dA along
    new U G D norm largest shorter
    np sys io base64 forward predict unpack threefry dropout_mask initialize_parameters
    forward_propagation compute_cost backward_propagation update_parameters clip_gradients
    batch_generator train PARAMETERS LAYERS ROWS X_batch Y_batch sample_weight
    """,
)
