"""Reasons in the layers: what becomes of the signal on the way forward and of the gradient back."""

from __future__ import annotations

import math

import numpy as np

from chainrule._types import Array
from chainrule.engine.diagnosis import describe_gradient, describe_loss
from chainrule.health.dead import greatest_slope, slopes
from chainrule.health.finding import Finding
from chainrule.health.measurement import LayerHealth, Measurement, norm, ratio

# A signal or gradient that is so much smaller at the other end of the network. With the default
# initialisers it kept above 2e-3 of its size in 108 networks of nine activations, up to six layers
# and three data sets, at the start and after training. Six sigmoids were at 1e-5, since each
# divides it by 4 and more (Glorot & Bengio 2010, section 4.2; He et al. 2015, arXiv:1502.01852,
# section 2.2).
VANISHING = 1e-4
# The same for growth: in those networks it was below 20.
EXPLODING = 1e3

# A layer of which half is dead has lost half of what it could say. In networks that learned, up to
# a quarter of a layer's ReLUs were off on all rows (see also Lu et al. 2019, arXiv:1903.06733).
DEAD_SHARE = 0.5

# Half of the outputs of a layer where a hundredth of the gradient passes, or less (Glorot & Bengio
# 2010, section 3). In networks that learned it was up to 16 %.
SATURATED_SHARE = 0.5
# Far out on both sides, where an activation that can saturate is flat, and a ReLU is not.
_FAR = 20.0


def not_finite(measured: Measurement) -> Finding | None:
    """Find a parameter, value or gradient that is not finite, and where it is first."""
    if measured.finite:
        return None
    network = measured.network
    if math.isfinite(measured.loss):
        where = describe_gradient(network, measured.gradients) or "a value on the way is not finite"
    else:
        where = describe_loss(measured.loss, network, measured.cache)
    return Finding(
        "not finite",
        measured.loss,
        where,
        "draw the network anew, scale inputs and targets to about -3 … 3, and train with a smaller "
        "learning_rate or clip_norm=1.0",
    )


def equal_units(measured: Measurement) -> Finding | None:
    """Find hidden layers whose units all have the same weights, in and out, and so stay equal."""
    layers = equal_layers(measured)
    if not layers:
        return None
    return Finding(
        "equal units",
        len(layers),
        f"all units of {_layers(layers)} have the same weights, in and out: each gets the "
        f"same gradient as its neighbours, and the layer counts as one unit for ever",
        "draw the weights by chance, which the default initializer does",
    )


def equal_layers(measured: Measurement) -> list[int]:
    """Return the numbers of the layers whose units are all the same."""
    parameters = measured.network.parameters
    return [
        layer.layer
        for layer in measured.layers[:-1]
        if layer.units > 1
        and all(
            _same(parameters[f"{name}{layer.layer}"])
            for name in ("W", "b", "gamma")
            if f"{name}{layer.layer}" in parameters
        )
        and _same(parameters[f"W{layer.layer + 1}"].T)
    ]


def _same(columns: Array) -> bool:
    return bool((columns == columns[:, :1]).all())


def dead(measured: Measurement) -> Finding | None:
    """Find layers of which half of the units are dead, or more."""
    equal = equal_layers(measured)
    ill = [
        layer
        for layer in measured.layers
        if len(layer.dead) >= DEAD_SHARE * layer.units and layer.layer not in equal
    ]
    output = measured.layers[-1]
    if output in ill and measured.learned:
        ill.remove(output)
    if not ill:
        return None
    worst = max(ill, key=lambda layer: len(layer.dead) / layer.units)
    return Finding(
        "dead units",
        len(worst.dead) / worst.units,
        f"{len(worst.dead)} of {worst.units} units of layer {worst.layer} ({worst.activation}) "
        f"have slope 0, or the same output, on all {len(measured.X)} rows"
        + _also([layer.layer for layer in ill if layer is not worst]),
        "they can't come back: draw the network anew, and train with a smaller learning_rate; or "
        "use 'leaky_relu' or 'elu', whose slope is nowhere 0"
        + (", and output='identity' or 'softplus'" if output in ill else ""),
    )


def saturation(measured: Measurement) -> Finding | None:
    """Find layers of sigmoids, tanh and their like that are mostly in their flat parts."""
    structure = measured.network.structure
    last = len(measured.layers)
    # An output that is sure is good, if it is right; and with its own loss the slope drops out.
    judged = measured.layers[:-1]
    if measured.learned:
        return None
    if not structure.loss.pairs_with(structure.output) and measured.loss > measured.baseline:
        judged = measured.layers
    ill = [
        layer
        for layer in judged
        if layer.saturated > SATURATED_SHARE and _saturates(measured, layer)
    ]
    if not ill:
        return None
    worst = max(ill, key=lambda layer: layer.saturated)
    which = "the output layer" if worst.layer == last else f"layer {worst.layer}"
    return Finding(
        "saturation",
        worst.saturated,
        f"{worst.saturated:.0%} of the outputs of {which} ({worst.activation}) are where its slope "
        f"is below 1 % of the greatest; its sums z have a spread of {worst.z_std:.3g}"
        + _also([layer.layer for layer in ill if layer is not worst]),
        "scale the inputs; draw the weights anew by the default initializer, and train with a "
        "smaller learning_rate; normalization='batch' or 'layer' keeps z near 0"
        + ("; use the output activation that belongs to the loss" if worst.layer == last else ""),
    )


def _saturates(measured: Measurement, layer: LayerHealth) -> bool:
    activation = measured.network.structure.layers[layer.layer - 1].activation
    if activation.vjp is not None:
        return False
    Z = np.array([[-_FAR], [_FAR]])
    far = np.abs(slopes(activation, Z, activation(Z)))
    return bool((far < 0.01 * greatest_slope(activation, 1)).all())


def first_to_last(layers: tuple[LayerHealth, ...]) -> float:
    """Return ‖dW‖ / ‖W‖ of the first layer over that of the last."""
    return ratio(layers[0].gradient_ratio, layers[-1].gradient_ratio)


def vanishing_gradient(measured: Measurement) -> Finding | None:
    """Find that signal or gradient are lost between the first layer and the last."""
    layers = measured.layers
    lost = any(len(layer.dead) == layer.units for layer in layers[:-1])
    if len(layers) < 2 or lost or measured.learned or equal_layers(measured):
        return None
    back, forward = first_to_last(layers), ratio(layers[-1].z_std, layers[0].z_std)
    advice = (
        "use fewer layers, hidden='relu' or 'tanh' with the default initializer, or "
        "normalization='batch' or 'layer'"
    )
    if norm(measured.gradients[f"dW{len(layers)}"]) > 0 and back < VANISHING:
        return Finding(
            "vanishing gradient",
            back,
            f"relative to the weights, the gradient of layer 1 is {back:.2g} times that of layer "
            f"{len(layers)} (‖dW‖ / ‖W‖ is {layers[0].gradient_ratio:.2g} and "
            f"{layers[-1].gradient_ratio:.2g})",
            advice,
        )
    if layers[0].z_std > 0 and forward < VANISHING:
        return Finding(
            "vanishing gradient",
            forward,
            f"the differences between the rows are lost on the way: the sums z have a spread of "
            f"{layers[0].z_std:.2g} in layer 1 and of {layers[-1].z_std:.2g} in layer "
            f"{len(layers)}, and the gradient on its way back shrinks alike",
            advice,
        )
    return None


def exploding_gradient(measured: Measurement) -> Finding | None:
    """Find that signal or gradient grow from layer to layer."""
    layers = measured.layers
    if measured.learned:
        return None
    advice = (
        "draw the weights anew by the default initializer; use normalization='batch' or 'layer', a "
        "smaller learning_rate, and clip_norm=1.0"
    )
    back = first_to_last(layers)
    forward = ratio(layers[-1].z_std, layers[0].z_std) if layers[0].z_std > 0 else 0.0
    if forward > EXPLODING:
        return Finding(
            "exploding gradient",
            forward,
            f"the sums z have a spread of {layers[0].z_std:.2g} in layer 1 and of "
            f"{layers[-1].z_std:.2g} in layer {len(layers)}, and the gradient grows alike "
            f"(‖dW‖ / ‖W‖ is up to {max(layer.gradient_ratio for layer in layers):.2g})",
            advice,
        )
    if layers[-1].gradient_ratio > 0 and EXPLODING < back < math.inf:
        return Finding(
            "exploding gradient",
            back,
            f"relative to the weights, the gradient of layer 1 is {back:.2g} times that of layer "
            f"{len(layers)} (‖dW‖ / ‖W‖ is {layers[0].gradient_ratio:.2g} and "
            f"{layers[-1].gradient_ratio:.2g})",
            advice,
        )
    return None


def _layers(numbers: list[int]) -> str:
    return ("layer " if len(numbers) == 1 else "layers ") + ", ".join(map(str, numbers))


def _also(numbers: list[int]) -> str:
    return f"; likewise {_layers(numbers)}" if numbers else ""
