"""Reasons not to learn, each with the number that says so, and what to try."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from chainrule._types import FloatArray
from chainrule.explain.nudging import Nudged
from chainrule.health.layers import LayerHealth
from chainrule.network import Network

# By how much the signal dZ may shrink, or grow, from the last layer to the first. Where weights are
# drawn by LeCun's, Glorot's or He's rule it stays within a factor of ten or so: Glorot & Bengio
# (2010), section 4.2; eight layers of sigmoids, whose slope is at most 1/4, make 1e-5 of it.
VANISHES, EXPLODES = 1e-3, 1e3
# Half of a layer: some dead or saturated units are no reason not to learn.
MOST_DEAD = MOST_SATURATED = 0.5
# Root mean square of an input, or of a target, beyond which the sums of the first layer, or the
# weights of the last, are far from what the initialisers make, which count on deviations of 1.
LARGEST, SMALLEST = 10.0, 1e-3
LARGEST_TARGET = 30.0
# A good step changes the weights by about a thousandth of their size: Karpathy, Stanford CS231n,
# notes on "Learning", section "Ratio of weights:updates".
SMALLEST_STEP = 1e-6
# So many epochs of a history are looked at, and fewer say nothing.
RECENT, ENOUGH = 20, 10
# Of the greatest loss; at the end of a good training it trembles by some hundredths.
JUMP = 0.1


@dataclass(frozen=True)
class Finding:
    """One reason not to learn: its name, the number that says so, and what to try."""

    name: str
    says: str
    advice: str

    def __str__(self) -> str:
        return f"{self.name}: {self.says}. Try: {self.advice}."


def not_finite(nudged: Nudged, cache: dict[str, FloatArray]) -> Finding:
    """Return where a number first is not finite, on the way from the parameters to the loss."""
    where = "the loss"
    for name, values in [*nudged.parameters.items(), *cache.items()]:
        if not np.isfinite(values).all():
            where = f"{name} of layer {name.lstrip('WbgamZAUDGnervs')}"
            break
    return Finding(
        "not finite",
        f"{where} is the first that is not a finite number",
        "a smaller learning rate, inputs and targets scaled to about -3 … 3, clip_norm=1.0",
    )


def of_weights(nudged: Nudged) -> Iterator[Finding]:
    """Yield what is wrong with the weights: units that are the same."""
    for name, W in nudged.parameters.items():
        last = name == f"W{len(nudged.structure.layers)}"
        if name[0] == "W" and W.shape[1] > 1 and not last and (W[:, :1] == W).all():
            yield Finding(
                "equal units",
                f"all {W.shape[1]} units of layer {name[1:]} have the same weights, so that each "
                f"update is the same for all of them",
                "an initialiser that draws at random, such as 'lecun_normal' or 'he_normal'",
            )


def of_layers(layers: list[LayerHealth], network: Network) -> Iterator[Finding]:
    """Yield what is wrong with the layers: dead and saturated units, the signal that comes back."""
    hidden = layers[:-1]
    stuck = False
    for layer in hidden:
        if layer.saturated is None and len(layer.dead) > MOST_DEAD * layer.units:
            stuck = True
            yield Finding(
                "dead units",
                f"{len(layer.dead)} of {layer.units} units of layer {layer.number} have slope 0 on "
                f"every row",
                "a smaller learning rate from new first weights, activation 'leaky_relu' or 'elu', "
                "inputs scaled to mean 0 and deviation 1, normalization='batch'",
            )
    for layer in hidden:
        if layer.saturated is not None and layer.saturated > MOST_SATURATED:
            stuck = True
            yield Finding(
                "saturated units",
                f"{layer.saturated:.0%} of the outputs of layer {layer.number} lie where "
                f"{layer.activation} is flat; its sums are {layer.mean_z:.2g} ± {layer.std_z:.2g}",
                "scaled inputs, smaller first weights (initializer='lecun_normal' or "
                "'glorot_uniform'), normalization='batch', an activation such as 'relu'",
            )
    first, last = layers[0], layers[-1]
    if not hidden or last.signal == 0 or stuck:  # then the cause is named already
        return
    ratio = first.signal / last.signal
    if ratio < VANISHES:
        yield Finding(
            "vanishing gradient",
            f"the signal dZ shrinks from {last.signal:.2g} in layer {last.number} to "
            f"{first.signal:.2g} in layer 1, by a factor of {ratio:.1e}",
            "activation 'relu', 'elu' or 'tanh' in place of 'sigmoid', the default initialiser, "
            "normalization='batch' or 'layer', fewer layers",
        )
    elif ratio > EXPLODES:
        yield Finding(
            "exploding gradient",
            f"the signal dZ grows from {last.signal:.2g} in layer {last.number} to "
            f"{first.signal:.2g} in layer 1, by a factor of {ratio:.1e}",
            "smaller first weights (the default initialiser), clip_norm=1.0, "
            "normalization='batch' or 'layer', a smaller learning rate",
        )


def of_data(nudged: Nudged) -> Iterator[Finding]:
    """Yield what is wrong with the examples: inputs and targets that are not scaled."""
    X, structure = nudged.X, nudged.structure
    size = np.sqrt(np.mean(X**2, axis=0))
    odd = np.flatnonzero((size > LARGEST) | ((size < SMALLEST) & (size > 0)))
    if len(odd):
        worst = odd[np.abs(np.log(size[odd])).argmax()]
        yield Finding(
            "unscaled inputs",
            f"{len(odd)} of {X.shape[1]} columns are far from mean 0 and deviation 1; column "
            f"{worst} has mean {X[:, worst].mean():.3g} and deviation {X[:, worst].std():.3g}",
            "sklearn.preprocessing.StandardScaler on X, in training and prediction alike",
        )
    if structure.loss.labels or structure.loss.name == "binary_cross_entropy":
        return
    Y, (low, high) = nudged.Y, structure.output.range
    outside = float(np.mean((low > Y) | (high < Y)))
    if outside > 0.01:
        yield Finding(
            "targets out of reach",
            f"{outside:.0%} of the targets lie outside [{low:g}, {high:g}], all that the output "
            f"activation {structure.output.name!r} can give",
            "output='identity', or targets scaled into that interval",
        )
    elif (
        structure.loss.from_z is None and (large := float(np.sqrt(np.mean(Y**2)))) > LARGEST_TARGET
    ):
        yield Finding(
            "unscaled targets",
            f"the targets have mean {Y.mean():.3g} and deviation {Y.std():.3g}, root mean square "
            f"{large:.3g}",
            "sklearn.compose.TransformedTargetRegressor, or the targets less their mean, over "
            "their deviation",
        )


def of_the_step(
    layers: list[LayerHealth], before: float, after: float | None, rate: float | None
) -> Iterator[Finding]:
    """Yield what is wrong with the learning rate, by the loss before and after a step."""
    if after is None or rate is None:
        return
    if not after <= before * (1 + 1e-9):
        yield Finding(
            "rate too high",
            f"one step with learning rate {rate:g} takes the loss from {before:.4g} to {after:.4g}",
            f"a smaller learning_rate, such as {rate / 10:g}, or a warm-up",
        )
    elif all((layer.step or 0.0) < SMALLEST_STEP for layer in layers):
        largest = max(layer.step or 0.0 for layer in layers)
        yield Finding(
            "rate too low",
            f"one step with learning rate {rate:g} changes no layer's weights by more than "
            f"{largest:.1e} of their size; a thousandth is usual",
            f"a greater learning_rate, such as {rate * 100:g}, or optimizer='adam'",
        )


def of_losses(losses: list[float], val_losses: list[float], baseline: float) -> Iterator[Finding]:
    """Yield what the losses of the epochs say."""
    if len(losses) < ENOUGH:
        return
    recent = np.array(losses[-RECENT:])
    steps = np.diff(recent)
    rises, jumps = float(np.mean(steps > 0)), float(np.mean(np.abs(steps)))
    if losses[-1] > 1.5 * min(losses) and losses[-1] > min(losses) + 1e-3:
        yield Finding(
            "loss rises",
            f"the training loss is {losses[-1]:.4g} in the last epoch, and was {min(losses):.4g}",
            "a smaller learning rate, clip_norm=1.0, early stopping",
        )
    elif rises > 0.35 and jumps > JUMP * max(losses):
        yield Finding(
            "loss jumps about",
            f"in {rises:.0%} of the last {len(recent) - 1} epochs the training loss rose; it lay "
            f"between {recent.min():.4g} and {recent.max():.4g}",
            "a smaller learning rate, larger mini-batches, a schedule that lets the rate fall",
        )
    if losses[-1] > 0.98 * baseline:
        yield Finding(
            "nothing but the mean",
            f"after {len(losses)} epochs the loss is {losses[-1]:.4g}; predicting the same for "
            f"every row has {baseline:.4g}",
            "what else stands in this report; inputs that tell something of the targets; of rare "
            "classes, weights for them",
        )
    if val_losses and (best := min(val_losses)) * 1.2 < val_losses[-1] and losses[-1] < best:
        yield Finding(
            "overfitting",
            f"the validation loss rose from {best:.4g} to {val_losses[-1]:.4g}, while that of "
            f"training fell to {losses[-1]:.4g}",
            "early_stopping=10, dropout, l2, fewer units, more data",
        )
