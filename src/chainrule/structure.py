"""The structure of a network as plain data: inputs, layers, loss. It holds no parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from chainrule import _checks
from chainrule._text import align
from chainrule.activation import Activation
from chainrule.activations import get_activation
from chainrule.initializers import Initializer, default_initializer, get_initializer
from chainrule.loss import Loss
from chainrule.losses import LOSSES, get_loss
from chainrule.normalization import NORMALIZATIONS


@dataclass(frozen=True, init=False)
class Layer:
    """One layer: A = dropout(g(normalise(A_prev W) ∘ γ + b)), of which only W, b and g must be.

    Parameters
    ----------
    units : int
        Number of units, the columns of W.
    activation : str or Activation, default "tanh"
        A name from ``chainrule.activations.ACTIVATIONS``, a typed formula such as
        ``"=z*tanh(z)"``, or your own.
    dropout : float, default 0
        Share of the layer's outputs set to zero in each training step, in [0, 1). The others
        are divided by 1 − dropout, so that nothing changes at prediction. Srivastava et al.
        (2014), JMLR 15, in the "inverted" form of its section 10.
    normalization : {None, "batch", "layer"}, default None
        Normalisation of A_prev W before the activation, with a gain γ; the bias b is its shift.
    initializer : str or callable, optional
        A name from ``chainrule.initializers.INITIALIZERS``, or ``draw(rng, n_in, n_out)``. By
        default ``"he_normal"`` for ReLU and its kin, the lecture's ``"lecun_normal"`` for others.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as above; the message names it.
    """

    units: int
    activation: Activation
    dropout: float
    normalization: str | None
    initializer: Initializer

    def __init__(
        self,
        units: int,
        activation: str | Activation = "tanh",
        *,
        dropout: float = 0.0,
        normalization: str | None = None,
        initializer: str | Initializer | None = None,
    ) -> None:
        g = get_activation(activation)
        if normalization is not None:
            _checks.check_choice("normalization", normalization, NORMALIZATIONS)
        rate = _checks.check_number("dropout", dropout, low=0, high=1, open_high=True)
        draw = default_initializer(g.name) if initializer is None else get_initializer(initializer)
        object.__setattr__(self, "units", _checks.check_integer("units", units, low=1))
        object.__setattr__(self, "activation", g)
        object.__setattr__(self, "dropout", rate)
        object.__setattr__(self, "normalization", normalization)
        object.__setattr__(self, "initializer", draw)


@dataclass(frozen=True, init=False)
class Structure:
    """Layer sizes, an activation per layer, dropout, normalisation, and the loss.

    Parameters
    ----------
    sizes : sequence of int or Layer
        Number of inputs, then each layer: its number of units, to be completed by the arguments
        below, or a :class:`Layer` that says everything itself. The last is the output layer.
    hidden : str or Activation, or a sequence of them, default "tanh"
        Activation of the hidden layers, or of each one.
    output : str or Activation, optional
        Activation of the output layer. By default the one that belongs to the loss.
    loss : str or Loss, optional
        A name from ``chainrule.losses.LOSSES``, or your own. By default the one that belongs to
        `output`; without that, binary cross-entropy for one output and categorical for more.
    dropout : float or sequence of float, default 0
        Dropout rate of the hidden layers, or of each one.
    normalization : {None, "batch", "layer"} or a sequence of them, default None
        Normalisation of the hidden layers, or of each one.
    initializer : str or callable, optional
        Initialiser of all layers given as numbers; by default by their activation.

    Attributes
    ----------
    n_inputs : int
    layers : tuple of Layer
    loss : Loss

    Raises
    ------
    ValueError, TypeError
        If an argument is not as above, or the loss can't take what the output activation gives.

    Examples
    --------
    >>> print(Structure([2, 4, 1]))
    layer   units  activation  W       b       parameters
    input       2
    1           4  tanh        (2, 4)  (1, 4)          12
    2           1  sigmoid     (4, 1)  (1, 1)           5
    loss: binary_cross_entropy, 17 parameters
    """

    n_inputs: int
    layers: tuple[Layer, ...]
    loss: Loss

    def __init__(
        self,
        sizes: Sequence[int | Layer],
        *,
        hidden: str | Activation | Sequence[str | Activation] = "tanh",
        output: str | Activation | None = None,
        loss: str | Loss | None = None,
        dropout: float | Sequence[float] = 0.0,
        normalization: str | Sequence[str | None] | None = None,
        initializer: str | Initializer | None = None,
    ) -> None:
        if isinstance(sizes, str) or not isinstance(sizes, Sequence) or len(sizes) < 2:
            raise ValueError(
                f"sizes must be a list of the number of inputs and at least one layer, "
                f"such as [2, 16, 1], got {sizes!r}"
            )
        n_hidden = len(sizes) - 2
        last = sizes[-1]
        if isinstance(last, Layer):
            if output is not None:
                raise ValueError("output must not be given when the last of sizes is a Layer")
            output = last.activation
        g_out, the_loss = _output_and_loss(output, loss, last)
        activations = [
            *(get_activation(g, "hidden") for g in _per_layer("hidden", hidden, n_hidden)),
            g_out,
        ]
        rates = [*_per_layer("dropout", dropout, n_hidden), 0.0]
        kinds = [*_per_layer("normalization", normalization, n_hidden), None]
        layers = tuple(
            size
            if isinstance(size, Layer)
            else Layer(
                _checks.check_integer("each of sizes", size, low=1),
                g,
                dropout=rate,
                normalization=kind,
                initializer=initializer,
            )
            for size, g, rate, kind in zip(sizes[1:], activations, rates, kinds, strict=True)
        )
        _check_output(layers[-1], the_loss)
        n_inputs = _checks.check_integer("the number of inputs in sizes", sizes[0], low=1)
        object.__setattr__(self, "n_inputs", n_inputs)
        object.__setattr__(self, "layers", layers)
        object.__setattr__(self, "loss", the_loss)

    @property
    def n_outputs(self) -> int:
        """Number of output units."""
        return self.layers[-1].units

    @property
    def output(self) -> Activation:
        """Activation of the output layer."""
        return self.layers[-1].activation

    @cached_property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """Shape of each parameter by its name, in the order of the parameter vector."""
        shapes: dict[str, tuple[int, int]] = {}
        n_in = self.n_inputs
        for l, layer in enumerate(self.layers, 1):
            shapes[f"W{l}"] = (n_in, layer.units)
            shapes[f"b{l}"] = (1, layer.units)
            if layer.normalization:
                shapes[f"gamma{l}"] = (1, layer.units)
            n_in = layer.units
        return shapes

    @property
    def n_parameters(self) -> int:
        """Number of weights, biases and gains."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    def __str__(self) -> str:
        shapes = self.shapes
        header = ["layer ", "units", "activation", "normalization", "dropout", "W", "b", "gamma"]
        rows = [[*header, "parameters"], ["input", str(self.n_inputs), *[""] * 7]]
        for l, layer in enumerate(self.layers, 1):
            own = {name: shapes.get(f"{name}{l}") for name in ("W", "b", "gamma")}
            count = sum(math.prod(shape) for shape in own.values() if shape)
            row = [str(l), str(layer.units), layer.activation.name, layer.normalization or ""]
            row += [f"{layer.dropout:g}" if layer.dropout else ""]
            rows.append([*row, *(str(s) if s else "" for s in own.values()), f"{count:,}"])
        used = [column for column in zip(*rows, strict=True) if any(column[1:])]
        table = align([*zip(*used, strict=True)], right={"units", "parameters", "dropout"})
        return f"{table}\nloss: {self.loss.name}, {self.n_parameters:,} parameters"


def _per_layer(name: str, value: Any, n_hidden: int) -> list[Any]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) != n_hidden:
            raise ValueError(
                f"{name} must be one value or one for each of the {n_hidden} hidden layers, "
                f"got {len(value)}: {value!r}"
            )
        return list(value)
    return [value] * n_hidden


def _output_and_loss(
    output: str | Activation | None, loss: str | Loss | None, last: int | Layer
) -> tuple[Activation, Loss]:
    if loss is not None:
        the_loss = get_loss(loss)
        return get_activation(output or the_loss.output, "output"), the_loss
    if output is None:
        binary = not isinstance(last, Layer) and last == 1
        name = "binary_cross_entropy" if binary else "categorical_cross_entropy"
        return get_activation(LOSSES[name].output), LOSSES[name]
    g = get_activation(output, "output")
    for candidate in LOSSES.values():
        if candidate.output == g.name:
            return g, candidate
    raise ValueError(f"loss must be given, as none belongs to output activation {g.name!r} alone")


def _check_output(layer: Layer, loss: Loss) -> None:
    g = layer.activation
    if layer.dropout:
        raise ValueError(f"dropout must be 0 in the output layer, got {layer.dropout}")
    if g.vjp is not None and layer.units < 2:
        raise ValueError(f"output activation {g.name!r} needs at least 2 output units, got 1")
    if loss.labels and g.vjp is None:
        raise ValueError(
            f"loss {loss.name!r} needs outputs that sum to 1, such as output='softmax', "
            f"got output {g.name!r}; for independent labels use 'binary_cross_entropy'"
        )
    if g.vjp is not None and loss.from_z is not None and not loss.labels:
        # a near 0 or 1 has lost the digits that the logarithms need, in every output of the row
        raise ValueError(
            f"loss {loss.name!r} needs outputs that don't depend on each other, such as "
            f"output={loss.output!r}, got output {g.name!r}"
        )
    if g.range[0] < loss.outputs[0] or g.range[1] > loss.outputs[1]:
        raise ValueError(
            f"loss {loss.name!r} needs outputs in [{loss.outputs[0]:g}, {loss.outputs[1]:g}], "
            f"but output activation {g.name!r} gives [{g.range[0]:g}, {g.range[1]:g}]; "
            f"use output={loss.output!r}"
        )
