"""The half of a script that predicts: the way forward, the decision, and the numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import groupby

import numpy as np

from chainrule._types import FloatArray
from chainrule.network import Network
from chainrule.python_source.blocks import Block, wrapped
from chainrule.python_source.formulas import Formulas
from chainrule.python_source.layers import Layers
from chainrule.python_source.numbers import assignments, unpack
from chainrule.structure import Layer, Structure

BY_LAYER = Block(
    "by_layer(arrays, name)",
    "The arrays of that name by the numbers of their layers: W[1] of W1, W[2] of W2, …",
    ['return {l: arrays[f"{name}{l}"] for l in range(1, len(SIZES)) if f"{name}{l}" in arrays}'],
)


def float_name(network: Network) -> str:
    """Return the name of the network's type, as the script writes it."""
    return "float" if network.dtype == np.float64 else "np.float32"


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


def forward_for_use(layers: Layers, network: Network, *, as_dict: bool) -> Block:
    """Return the function `forward` where it is another than that of a training step.

    W1, b1, … are names of the script, or else in its dicts PARAMETERS and STATISTICS.
    """
    last = len(network.structure.layers)
    lines = layers.forward(training=False)
    before = []
    if as_dict:
        before = layers.taken("PARAMETERS", lines, ("W", "b", "gamma"))
        before += layers.taken("STATISTICS", lines, ("mean", "var"))
    used = [name for name in ("Z", "U") if any(f"{name}[" in line for line in lines)]
    if layers.deep:
        before += [f"{', '.join([*used, 'A'])} = {'{}, ' * len(used)}{{0: X}}"]
    lines = [f"X = np.asarray(X, dtype={float_name(network)})", *before, *lines]
    final = layers.at("A", last)
    if lines[-1].startswith(f"{final} = "):
        lines[-1] = "return " + lines[-1].removeprefix(f"{final} = ")
    else:
        lines.append(f"return {final}")
    return Block("forward(X)", outputs_doc(network.structure), lines)


def forward_of_steps(network: Network) -> Block:
    """Return the function `forward` where it is that of a training step."""
    lines = [
        f"return forward_propagation(np.asarray(X, dtype={float_name(network)}), PARAMETERS)[0]"
    ]
    return Block("forward(X)", outputs_doc(network.structure), lines)


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
        )
    if structure.loss.name == "binary_cross_entropy":
        return Block(
            "predict(X)",
            "1 where the output is above 0.5, else 0, for each row of X.",
            [f"return (forward(X) > 0.5).astype(int){ravel}"],
        )
    return Block("predict(X)", "The outputs for each row of X.", [f"return forward(X){ravel}"])


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
    return Block("", "", lines)


def numbers(
    network: Network, *, as_dict: bool, most: int, pack: Callable[[FloatArray], str]
) -> list[Block]:
    """Return the lines that hold parameters and statistics, of which `most` hold readable ones.

    As ``W1 = …``, or in a dict ``PARAMETERS``, and ``STATISTICS`` for batch normalisation.
    """
    kept = {"PARAMETERS": dict(network.parameters)}
    if network.statistics:
        kept["STATISTICS"] = network.statistics
    lines: list[str] = []
    are_packed = False
    if not as_dict:
        every = {name: array for arrays in kept.values() for name, array in arrays.items()}
        lines, are_packed = assignments(every, "", " = ", "", most=most, pack=pack)
    else:
        for title, arrays in kept.items():
            inner, some = assignments(
                arrays, '    "', '": ', ",", most=most // len(kept), pack=pack
            )
            lines += [f"{title} = {{", *inner, "}"]
            are_packed |= some
    return [*([unpack(network.dtype)] * are_packed), Block("", "", lines)]


def numbers_as_vector(
    network: Network, *, trains: bool, pack: Callable[[FloatArray], str]
) -> list[Block]:
    """Return all parameters as one vector on one line, and the lines that cut it up."""
    shapes, lines = "initialize_parameters()", []
    if not trains:
        names = '("W", "b")'
        if any(layer.normalization for layer in network.structure.layers):
            names = '(("W", "b", "gamma") if l in NORMALIZED else ("W", "b"))'
        shapes = "ARRAYS"
        lines = [
            "ARRAYS = {",
            '    f"{x}{l}": np.empty((SIZES[l - 1] if x == "W" else 1, SIZES[l]))',
            "    for l in range(1, len(SIZES))",
            f"    for x in {names}",
            "}",
        ]
    lines.append(f'PARAMETERS = filled({shapes}, unpack("{pack(network.vector)}", -1))')
    if network.statistics:
        of_all = np.concatenate([array.ravel() for array in network.statistics.values()])
        lines += [
            "BOTH = {",
            '    f"{x}{l}": np.empty((1, SIZES[l]))',
            '    for l in BATCH_NORMALIZED for x in ("mean", "var")',
            "}",
            f'STATISTICS = filled(BOTH, unpack("{pack(of_all)}", -1))',
        ]
    return [unpack(network.dtype), Block("", "", lines)]


def sizes(structure: Structure) -> Block:
    """Return the lines that say how many units the layers have, and which are normalised."""
    text = str([structure.n_inputs, *(layer.units for layer in structure.layers)])
    lines = wrapped("SIZES = ", text)
    layers = list(enumerate(structure.layers, 1))
    for name, kinds in (("NORMALIZED", ("batch", "layer")), ("BATCH_NORMALIZED", ("batch",))):
        if numbers := [l for l, layer in layers if layer.normalization in kinds]:
            lines.append(_set(name, numbers))
    return Block("", "", lines)


def _set(name: str, layers: list[int]) -> str:
    whole = layers == list(range(layers[0], layers[-1] + 1)) and len(layers) > 3
    return f"{name} = " + (
        f"range({layers[0]}, {layers[-1] + 1})" if whole else f"{{{', '.join(map(str, layers))}}}"
    )


def formulas_of(structure: Structure) -> Formulas:
    """Return an empty collection, in which no formula takes a name that a script uses."""
    letters = ("X", "Y", "Z", "A", "U", "G", "D", "W", "b", "gamma", "mean", "var")
    numbered = [f"{x}{l}" for x in letters for l in range(len(structure.layers) + 1)]
    gradients = [f"d{name}" for name in (*letters, *numbered)]
    return Formulas([*letters, *numbered, *gradients, *_RESERVED])


# What a script calls its own things
_RESERVED = re.findall(
    r"\w+",
    """
    J L m l t y key step alpha state rng order start rows costs epoch gradients statistics
    parameters cache vector name names arrays np sys base64 forward predict unpack named
    by_layer initialize_parameters forward_propagation compute_cost backward_propagation
    update_parameters clip_gradients batch_generator train PARAMETERS STATISTICS SIZES
    NORMALIZED BATCH_NORMALIZED ARRAYS BOTH filled draw x a part parts
    """,
)
