"""Reasons in the training: a rate too high or too low, nothing learned, or too much by heart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.health.data import largest_class
from chainrule.health.finding import Finding
from chainrule.health.measurement import LayerHealth, Measurement, draw, spread
from chainrule.health.trial import STEPS, rows_of_trial, try_steps
from chainrule.optimizers import Optimizer

# Ten steps should lower the loss. A rule that starts anew near the minimum may raise it a little,
# but not by so much of what there is to lose: the loss itself, or that of the best constant.
RISE = 0.25

# A first step of ten times the weights' own size, and of the size √n that they are drawn with
# (LeCun), leaves nothing of them. What it kills may even lower the loss, to that of a constant.
LARGE_UPDATE = 10.0
# ‖ΔW‖ / ‖W‖ should be about 1e-3 (Karpathy, notes to CS231n, "Neural networks 3", ratio of weights
# to updates). A hundredth of that takes 100,000 steps to change the weights by their own size.
SMALL_UPDATE = 1e-5
# Such a rate is too low only if a larger one learns: one whose first step changes the W that
# changes most by 1 % of itself, as Adam's do by default, lowers the loss by 1 % of the best
# constant's.
GOOD_UPDATE, FALL = 0.01, 0.01

# A curve that swings by a tenth of itself from epoch to epoch, and has not fallen by half.
SWING, HALF = 0.1, 0.5
# A curve that has fallen by less than a tenth, in its second half by at least half of that in its
# first, is on its way, but slowly.
SLOW, STEADY = 0.1, 0.5
# Epochs of a curve from which on its shape can be told from chance.
FEWEST_EPOCHS = 5

# Better than the best constant by less than 2 %, it is as good as none.
NOTHING = 0.98
# Without a record, it must be at that cost, and its outputs differ by less than a tenth of what the
# targets do: a network that has just begun costs about as much, but by saying different things.
DIFFERS = 0.1
# From this share on, always predicting the largest class looks like success.
IMBALANCE = 0.9

# A validation loss above its lowest by a quarter, in the median of the last epochs: what a single
# epoch has by chance on few rows, most of five have not.
WORSE, LAST = 1.25, 5


@dataclass(frozen=True)
class Training:
    """How the network is trained: its rule and rate, and the losses so far, if they are known.

    `restored` says whether it has the parameters of its best epoch.
    """

    rule: Optimizer
    rate: float
    loss: Sequence[float] = ()
    val_loss: Sequence[float] = ()
    restored: bool = False

    def try_steps(self, measured: Measurement, times: float = 1.0) -> list[float]:
        """Return the losses of some steps on a copy, at `times` the rate."""
        rows = draw(np.arange(len(measured.X)), rows_of_trial(measured.network))
        w = measured.sample_weight
        return try_steps(
            measured.network,
            measured.X[rows],
            measured.Y[rows],
            None if w is None else w[rows],
            self.rule,
            times * self.rate,
        )


def rate_too_high(measured: Measurement, training: Training) -> Finding | None:
    """Find that the loss rises or swings, in the record or in some steps on a copy."""
    advice = f"try a tenth of it, learning_rate={training.rate / 10:.2g}, and again"
    loss = np.asarray(training.loss, dtype=float)
    if not np.isfinite(loss).all():
        epoch = int(np.argmin(np.isfinite(loss)))
        words = f"the loss is {loss[epoch]} in epoch {epoch} of the history"
        return Finding("rate too high", float(loss[epoch]), words, advice)
    if len(loss) >= FEWEST_EPOCHS:
        end = loss[len(loss) // 2 :]
        level, swing = end.mean(), np.maximum(np.diff(end), 0).mean() / (end.mean() or 1)
        if swing > SWING and level > HALF * loss[0]:
            words = (
                f"in the second half of the history the loss rises by {swing:.0%} of itself per "
                f"epoch, in the mean, and falls again; it is at {level:.4g} there, and began at "
                f"{loss[0]:.4g}"
            )
            return Finding("rate too high", float(swing), words, advice)
        if level > (1 + SWING) * loss[0] and loss[-1] > loss[0]:
            words = f"the loss has risen from {loss[0]:.4g} to {loss[-1]:.4g} in {len(loss)} epochs"
            return Finding("rate too high", float(loss[-1] / (loss[0] or 1)), words, advice)
    tried = training.try_steps(measured)
    after = float(np.median(tried[len(tried) // 2 :])) if math.isfinite(tried[-1]) else tried[-1]
    if after <= tried[0] + RISE * max(tried[0], measured.baseline):
        longest, layer = max((_length(layer), layer.layer) for layer in measured.layers)
        if longest <= LARGE_UPDATE:
            return None
        words = (
            f"a step of {training.rule.name} at a rate of {training.rate:.3g} is {longest:.3g} "
            f"times as long as the weights of layer {layer}"
        )
        return Finding("rate too high", longest, words, advice)
    words = (
        f"{len(tried) - 1} steps of {training.rule.name} at a rate of {training.rate:.3g}, tried "
        f"on a copy, take the loss on the same rows from {tried[0]:.4g} to {after:.4g}"
    )
    return Finding("rate too high", after, words, advice)


def _length(layer: LayerHealth) -> float:
    """Return the norm of the first step over that of the weights, or what it should be."""
    usual = math.sqrt(layer.units)
    if layer.weight_norm == 0:
        return 0.0
    return layer.update_ratio * min(1.0, layer.weight_norm / usual)


def rate_too_low(measured: Measurement, training: Training) -> Finding | None:
    """Find that the loss falls, but so slowly that a larger rate would be better."""
    advice = f"try ten times it, learning_rate={training.rate * 10:.2g}, and again; or more epochs"
    loss = np.asarray(training.loss, dtype=float)
    if len(loss) >= FEWEST_EPOCHS and loss[0] > 0:
        before, after = loss[0] - loss[len(loss) // 2], loss[len(loss) // 2] - loss[-1]
        share = (loss[0] - loss[-1]) / loss[0]
        if 0 < share < SLOW and after > STEADY * before > 0 and _is_steady(loss):
            words = (
                f"the loss fell by {share:.2g} of itself in {len(loss)} epochs, from {loss[0]:.5g} "
                f"to {loss[-1]:.5g}, and still falls as it did at the start"
            )
            return Finding("rate too low", float(share), words, advice)
    largest = max(layer.update_ratio for layer in measured.layers)
    if not 0 < largest < SMALL_UPDATE or measured.learned:
        return None
    times = GOOD_UPDATE / largest
    now, faster = training.try_steps(measured), training.try_steps(measured, times)
    fall, faster_fall = now[0] - now[-1], faster[0] - faster[-1]
    if not faster_fall > max(FALL * measured.baseline, 10 * fall):
        return None
    words = (
        f"a step of {training.rule.name} at a rate of {training.rate:.3g} changes no W by "
        f"more than {largest:.2g} of its norm; {STEPS} of them, tried on a copy, lower the loss by "
        f"{fall:.2g}, and by {faster_fall:.2g} at a rate of {times * training.rate:.2g}"
    )
    advice = f"try learning_rate={times * training.rate:.1g}, or a rule such as 'adam'"
    return Finding("rate too low", largest, words, advice)


def _is_steady(loss: np.ndarray) -> bool:
    return float((np.diff(loss[len(loss) // 2 :]) < 0).mean()) >= 0.75


def nothing_learned(measured: Measurement, training: Training) -> Finding | None:
    """Find that a network that was trained is no better than the best constant."""
    if measured.loss < NOTHING * measured.baseline or measured.baseline == 0:
        return None
    if not _has_ended(training.loss) and not (len(training.loss) == 0 and _is_constant(measured)):
        return None
    constant = ", ".join(f"{a:.3g}" for a in measured.best_constant[0, :6])
    words = (
        f"the loss is {measured.loss:.4g}; to give {constant}"
        f"{', …' if measured.best_constant.shape[1] > 6 else ''} for every row costs "
        f"{measured.baseline:.4g}"
    )
    advice = (
        "see to the other findings first; then whether the rows of X and y belong together, and "
        "whether y can be told from X at all"
    )
    share = largest_class(measured)
    if share is not None and share >= IMBALANCE:
        words += f", because {share:.1%} of the rows are of one class"
        advice += "; give the rare classes a larger sample_weight, and look at another metric"
    return Finding("nothing learned", measured.loss / measured.baseline, words, advice)


def _has_ended(loss: Sequence[float]) -> bool:
    return len(loss) >= FEWEST_EPOCHS and loss[-1] > (1 - SLOW) * loss[len(loss) // 2]


def _is_constant(measured: Measurement) -> bool:
    """Whether a network that was trained, as its biases show, gives about the best constant."""
    parameters = measured.network.parameters
    trained = any(b.any() for name, b in parameters.items() if name.startswith("b"))
    level = measured.loss < measured.baseline / NOTHING
    differs = spread(measured.cache[f"A{len(measured.layers)}"])
    return trained and level and differs < DIFFERS * spread(measured.Y)


def overfitting(measured: Measurement, training: Training) -> Finding | None:
    """Find that the validation loss has risen since its best epoch, while that of training fell."""
    loss, val = np.asarray(training.loss), np.asarray(training.val_loss)
    if training.restored or len(val) < FEWEST_EPOCHS or len(val) != len(loss):
        return None
    best = int(np.nanargmin(val)) if not np.isnan(val).all() else 0
    lowest, last = val[best], float(np.median(val[-LAST:]))
    worse = last > WORSE * lowest and last - lowest > 0.02 * val[0] and loss[-1] < loss[best]
    if not worse:
        return None
    return Finding(
        "overfitting",
        float(last / lowest) if lowest > 0 else math.inf,
        f"the validation loss was lowest in epoch {best}, {lowest:.4g}, and is {last:.4g} at "
        f"the end, while that of training went on from {loss[best]:.4g} to {loss[-1]:.4g}",
        "early_stopping=10 ends with the best epoch; more rows, dropout, l2, or fewer units keep "
        "it from learning by heart",
    )
