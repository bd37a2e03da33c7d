"""A stack of PyTorch's Linear layers as a network, from its state or from a safetensors file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chainrule._checks import check_array
from chainrule._types import FloatArray
from chainrule.activation import Activation
from chainrule.importing.linear_layers import (
    Linear,
    as_array,
    build_network,
    check_chain,
    check_type,
)
from chainrule.loss import Loss
from chainrule.model_file import MAX_BYTES, read_arrays
from chainrule.network import Network
from chainrule.stored_arrays import StoredArray


def from_torch(
    weights: str | os.PathLike[str] | Mapping[str, Any],
    hidden: str | Activation | Sequence[str | Activation],
    output: str | Activation,
    *,
    loss: str | Loss | None = None,
    layers: Sequence[str] | None = None,
    max_bytes: int = MAX_BYTES,
) -> Network:
    """Return a network with the weights of a stack of PyTorch's Linear layers.

    Parameters
    ----------
    weights : str, path, or mapping of str to array
        A file that ``safetensors.torch.save_file(model.state_dict(), path)`` has written; or that
        mapping itself. It has a ``weight`` (n_out, n_in) for each layer, ``"0.weight"`` say, and a
        ``bias`` (n_out,) beside it unless the layer has none; float64 or float32. A pickle, which
        ``torch.save`` writes, is not read, as it can hold code.
    hidden : str, Activation or a sequence of them
        Activation of the hidden layers, or of each one. Weights don't tell, so there is no default.
    output : str or Activation
        Activation of the last layer. A model that PyTorch trains with CrossEntropyLoss ends with
        sums, whose probabilities are ``"softmax"``; for BCEWithLogitsLoss, ``"sigmoid"``.
    loss : str or Loss, optional
        As in :class:`~chainrule.Structure`; what `predict` decides follows it.
    layers : sequence of str, optional
        What stands before ``.weight``, in the order of the layers, such as ``["fc", "out"]``.
        Needed where the names differ in more than numbers, which else say the order.
    max_bytes : int, default 4 GiB
        The most that the file may have.

    Returns
    -------
    Network
        Of the type of the weights, which are copied and transposed.

    Raises
    ------
    ModelFileError
        If a file is missing, damaged or too large, or its arrays are not as above. Their names,
        types and shapes are checked before one is read.
    ValueError, TypeError
        If a mapping is not as above, or another argument is not.
    ImportError
        If safetensors, of the extra ``tables``, is not there for a file.
    """
    if isinstance(weights, Mapping):
        arrays = {_as_name(name): as_array(str(name), value) for name, value in weights.items()}
        known = {name: StoredArray(array.dtype, array.shape) for name, array in arrays.items()}
        found = _read_layers(known, layers, lambda name: check_array(name, arrays[name]))
    else:
        with read_arrays(weights, max_bytes=max_bytes) as (_, stored):
            found = _read_layers(stored.known, layers, stored.read)
    return build_network(found, hidden, output, loss)


def _as_name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"the names in weights must be strings, got {name!r:.60}")
    return name


def _read_layers(
    known: Mapping[str, StoredArray],
    order: Sequence[str] | None,
    read: Callable[[str], FloatArray],
) -> list[Linear]:
    """Return the layers in their order; names, types and shapes are checked before one is read."""
    prefixes = _in_order(known, order)
    first = known[_join(prefixes[0], "weight")]
    before: int | None = None
    for prefix in prefixes:
        name = _join(prefix, "weight")
        W, b = known[name], known.get(_join(prefix, "bias"))
        check_type(name, W.dtype, first.dtype)
        if len(W.shape) != 2:
            raise ValueError(f"{name} must have shape (n_out, n_in), got {W.shape}")
        check_chain(name, W.shape[1], before)
        before = W.shape[0]
        if b is not None:
            check_type(_join(prefix, "bias"), b.dtype, first.dtype)
            if b.shape != (before,):
                raise ValueError(
                    f"{_join(prefix, 'bias')} must have shape ({before},), got {b.shape}"
                )
    return [
        Linear(
            read(_join(prefix, "weight")).T,
            read(_join(prefix, "bias")) if _join(prefix, "bias") in known else None,
        )
        for prefix in prefixes
    ]


def _in_order(known: Mapping[str, StoredArray], order: Sequence[str] | None) -> list[str]:
    """Return what stands before ``.weight``, layer by layer, once each array is part of a layer."""
    found: dict[str, set[str]] = {}
    for name in known:
        prefix, _, part = name.rpartition(".")
        found.setdefault(prefix, set()).add(part)
    for prefix, parts in found.items():
        other = sorted(parts - {"weight", "bias"})
        if other or "weight" not in parts:
            what = other[0] if other else "bias"
            raise ValueError(
                f"the arrays must be the weight, and bias, of linear layers, got "
                f"{_join(prefix, what)!r:.80}; other layers, such as BatchNorm1d, are not read"
            )
    if not found:
        raise ValueError("there must be a weight at least, got nothing")
    if order is not None:
        if isinstance(order, str) or sorted(order) != sorted(found):
            listed = ", ".join(map(repr, sorted(found)))
            raise ValueError(f"layers must name each of {listed:.200} once, got {order!r:.200}")
        return list(order)
    numbers = {prefix: tuple(map(int, re.findall(r"[0-9]+", prefix))) for prefix in found}
    alike = {re.sub(r"[0-9]+", "0", prefix) for prefix in found}
    if len(alike) > 1 or len(set(numbers.values())) < len(found):
        listed = ", ".join(map(repr, found))
        raise ValueError(
            f"the names {listed:.200} don't say the order of the layers; give it, such as "
            f"layers={[*found][:4]}"
        )
    return sorted(found, key=lambda prefix: numbers[prefix])


def _join(prefix: str, part: str) -> str:
    return f"{prefix}.{part}" if prefix else part
