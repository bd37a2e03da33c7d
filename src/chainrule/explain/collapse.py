"""Linear layers merged into the one layer that they equal: why a network needs activations."""

from __future__ import annotations

from chainrule.activations import ACTIVATIONS
from chainrule.network import Network
from chainrule.structure import Layer, Structure


def collapse(network: Network) -> Network:
    """Return the network with each run of linear layers merged into the one layer they equal.

    With g(z) = z, two layers are one: (X W¹ + b¹) W² + b² = X W′ + b′, where W′ = W¹ W² and
    b′ = b¹ W² + b². This is why a network needs activations that are not linear. The last layer
    of a run may have any activation, which stays; a layer with normalisation is never merged,
    and dropout, which does nothing at prediction, is left out of a merged layer.

    Parameters
    ----------
    network : Network
        The network; it stays as it is.

    Returns
    -------
    Network
        A network with the same outputs up to rounding; with as many layers, if none are linear.

    Examples
    --------
    >>> print(collapse(Network([2, 4, 3, 1], hidden="identity", random_state=0)))
    layer   units  activation  W       b       parameters
    input       2
    1           1  sigmoid     (2, 1)  (1, 1)           3
    loss: binary_cross_entropy, 3 parameters
    """
    layers = network.structure.layers
    runs: list[list[int]] = []  # the layers, by number, that each new layer is made of
    for l, layer in enumerate(layers, 1):
        if runs and _is_linear(layers[runs[-1][-1] - 1]) and not layer.normalization:
            runs[-1].append(l)
        else:
            runs.append([l])
    last_of_each = [layers[run[-1] - 1] for run in runs]
    structure = Structure([network.structure.n_inputs, *last_of_each], loss=network.structure.loss)
    merged = Network(structure, dtype=network.dtype, random_state=0)
    for l, run in enumerate(runs, 1):
        W, b = network.parameters[f"W{run[0]}"], network.parameters[f"b{run[0]}"]
        for k in run[1:]:
            W = W @ network.parameters[f"W{k}"]
            b = b @ network.parameters[f"W{k}"] + network.parameters[f"b{k}"]
        merged.parameters[f"W{l}"][:], merged.parameters[f"b{l}"][:] = W, b
        if f"gamma{l}" in merged.parameters:
            merged.parameters[f"gamma{l}"][:] = network.parameters[f"gamma{run[0]}"]
        for name in ("mean", "var"):
            if f"{name}{l}" in merged.statistics:
                merged.statistics[f"{name}{l}"][:] = network.statistics[f"{name}{run[0]}"]
    return merged


def _is_linear(layer: Layer) -> bool:
    return layer.activation.g is ACTIVATIONS["identity"].g and not layer.normalization
