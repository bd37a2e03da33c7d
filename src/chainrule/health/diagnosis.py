"""The door: a network, its data and how it is trained go in, and a report comes out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import _checks
from chainrule._inputs import Rows
from chainrule.health import data, rates, signals
from chainrule.health.dead import check_network
from chainrule.health.finding import Finding
from chainrule.health.measurement import Measurement, measure
from chainrule.health.rates import Training
from chainrule.health.report import Report
from chainrule.history import History
from chainrule.network import Network
from chainrule.optimizers import Optimizer, get_optimizer


def diagnose(
    network: Network,
    X: Rows,
    y: npt.ArrayLike,
    *,
    history: History | Sequence[float] | None = None,
    optimizer: str | Optimizer = "adam",
    learning_rate: float | None = None,
    sample_weight: npt.ArrayLike | None = None,
) -> Report:
    """Report why a network does not learn: what was found, the number that says so, what to try.

    It looks for numbers that are not finite, inputs and targets of a wrong scale, constant inputs,
    targets that the output can't give, units that are all equal, dead or saturated, gradients that
    vanish or explode, a rate too high or too low, a network that has learned nothing but a
    constant, and overfitting. The thresholds stand, each with its reason, in the modules of
    ``chainrule.health``.

    Parameters
    ----------
    network : Network
        The network, before, after or in the middle of training. It stays as it is.
    X : array-like or sparse matrix (m, n₀)
        The rows it learns from; columns have their names in the report if X is a data frame.
        10,000 rows are looked at, drawn at random but the same each time, or fewer, but at
        least 100, where inputs and units are more than 1,600 in all.
    y : array-like (m, n_L) or (m,)
        Targets, as :func:`chainrule.fit` takes them.
    history : History or sequence of float, optional
        What `fit` returned, or the loss of each epoch. Without it, the record of training is not
        judged, and overfitting not looked for.
    optimizer : str or Optimizer, default "adam"
        The update rule, as it was given to `fit`.
    learning_rate : float, optional
        The rate, as it was given to `fit`. By default the largest in `history`, else that of the
        rule. Of a schedule, give the number at which it does not learn.
    sample_weight : array-like (m,), optional
        Weight of each example; those of weight 0 are not looked at.

    Returns
    -------
    Report
        ``print(report)`` shows it. ``report.findings`` is empty for a healthy network.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as above; the message names it.

    Notes
    -----
    The gradient is that of a training step on the rows looked at, as one batch: batch
    normalisation has their statistics, nothing is dropped, and there is neither penalty nor
    clipping. A rate is judged by ten steps on a copy, on at most 1,000 of the rows; they are what
    takes time on a large network.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> network = Network([2, 8, 1], random_state=0)
    >>> report = diagnose(network, 1000 * X, X[:, 0] > 0)
    >>> [finding.name for finding in report.findings]
    ['unscaled inputs', 'saturation']
    """
    check_network(network)
    training = _check_training(history, optimizer, learning_rate)
    inputs, Y, w = network.check_examples(X, y, sample_weight)
    columns = _names_of_columns(X, network.structure.n_inputs)
    measured = measure(network, inputs, Y, w, columns, training.rule, training.rate)
    with np.errstate(all="ignore"):
        findings = _findings(measured, training)
    return Report(
        findings=findings,
        layers=measured.layers,
        first_to_last=signals.first_to_last(measured.layers),
        loss=measured.loss,
        baseline=measured.baseline,
        rows=len(measured.X),
    )


def _findings(measured: Measurement, training: Training) -> list[Finding]:
    """Return all findings, causes first; where a number is not finite, those of the data alone."""
    of_data = (
        data.unscaled_inputs,
        data.constant_inputs,
        data.targets_out_of_reach,
        data.unscaled_targets,
    )
    found = [signals.not_finite(measured), *(rule(measured) for rule in of_data)]
    if found[0] is None:
        of_layers = (
            signals.equal_units,
            signals.dead,
            signals.saturation,
            signals.vanishing_gradient,
            signals.exploding_gradient,
        )
        in_layers = [rule(measured) for rule in of_layers]
        slow = None
        if not any(in_layers):  # else they are what makes the steps short
            slow = rates.rate_too_low(measured, training)
        found += [
            *in_layers,
            rates.rate_too_high(measured, training),
            slow,
            rates.nothing_learned(measured, training),
            rates.overfitting(measured, training),
        ]
    return [finding for finding in found if finding is not None]


def _check_training(history: object, optimizer: str | Optimizer, learning_rate: object) -> Training:
    rule = get_optimizer(optimizer)
    known = history if isinstance(history, History) else History(loss=_losses(history))
    if learning_rate is None and known.learning_rate:
        learning_rate = max(known.learning_rate)
    if learning_rate is None:
        learning_rate = rule.learning_rate
    if callable(learning_rate) or hasattr(learning_rate, "after_epochs"):
        raise TypeError(
            f"learning_rate must be a number here, the rate at which the network does not learn, "
            f"got the schedule {learning_rate!r}"
        )
    rate = _checks.check_number("learning_rate", learning_rate, low=0)
    return Training(
        rule=replace(rule, learning_rate=rate),
        rate=rate,
        loss=known.loss,
        val_loss=known.val_loss,
        restored=known.best_epoch is not None,
    )


def _losses(history: object) -> list[float]:
    if history is None:
        return []
    try:
        losses = np.asarray(history, dtype=float)
    except (TypeError, ValueError):
        losses = None
    if losses is None or losses.ndim != 1:
        raise TypeError(
            f"history must be what fit returned, or a list of the loss of each epoch, got "
            f"{history!r:.60}"
        )
    return [float(loss) for loss in losses]


def _names_of_columns(X: Any, n_inputs: int) -> tuple[str, ...]:
    names = getattr(X, "column_names", getattr(X, "columns", ()))  # Arrow, and other data frames
    if isinstance(names, Iterable) and not isinstance(X, np.ndarray):
        named = tuple(repr(name) for name in names if isinstance(name, (str, int, tuple)))
        if len(named) == n_inputs:
            return named
    return tuple(str(column) for column in range(n_inputs))
