"""Dense layers of Keras as a network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy.typing as npt

from chainrule._checks import check_array
from chainrule.activation import Activation
from chainrule.importing.linear_layers import (
    Linear,
    as_array,
    build_network,
    check_chain,
    check_type,
)
from chainrule.loss import Loss
from chainrule.network import Network


def from_keras(
    weights: Iterable[npt.ArrayLike],
    hidden: str | Activation | Sequence[str | Activation],
    output: str | Activation,
    *,
    loss: str | Loss | None = None,
) -> Network:
    """Return a network with the weights of a stack of Keras's Dense layers.

    Parameters
    ----------
    weights : iterable of array
        What ``model.get_weights()`` returns: a kernel (n_in, n_out), and a bias (n_out,) behind it
        unless the layer has none, for each layer; float64 or float32.
    hidden : str, Activation or a sequence of them
        Activation of the hidden layers, or of each one. Weights don't tell, so there is no default.
        Keras's names are the library's; its ``leaky_relu`` is ``LeakyReLU(0.2)`` here.
    output : str or Activation
        Activation of the last layer.
    loss : str or Loss, optional
        As in :class:`~chainrule.Structure`; what `predict` decides follows it.

    Returns
    -------
    Network
        Of the type of the weights, which are copied.

    Raises
    ------
    ValueError, TypeError
        If an array is not as above, such as one of a BatchNormalization layer, or the shapes do not
        follow each other.

    Notes
    -----
    A file of Keras is read by Keras: its layout changes with the versions, and holds code.

    Examples
    --------
    >>> import numpy as np
    >>> weights = [np.ones((2, 3)), np.zeros(3), np.ones((3, 1)), np.zeros(1)]
    >>> from_keras(weights, hidden="relu", output="sigmoid").predict([[1.0, 2.0]])
    array([1])
    """
    layers: list[Linear] = []
    for i, value in enumerate(weights):
        name = f"weights[{i}]"
        array = check_array(name, as_array(name, value))
        last = layers[-1] if layers else None
        check_type(name, array.dtype, last.W.dtype if last else array.dtype)
        if array.ndim == 2:
            check_chain(name, array.shape[0], last.W.shape[1] if last else None)
            layers.append(Linear(array))
        elif last is None or last.b is not None or array.shape != last.W.shape[1:]:
            wanted = "a kernel (n_in, n_out)"
            if last is not None and last.b is None:
                wanted += f" or a bias ({last.W.shape[1]},)"
            raise ValueError(f"{name} must be {wanted} of a Dense layer, got shape {array.shape}")
        else:
            layers[-1] = Linear(last.W, array)
    if not layers:
        raise ValueError("weights must hold a kernel at least, got nothing")
    return build_network(layers, hidden, output, loss)
