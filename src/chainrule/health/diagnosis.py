"""A diagnosis: a step of training looked at, and a history of losses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from chainrule import _checks
from chainrule._inputs import Rows
from chainrule._types import FloatArray
from chainrule.explain.nudging import Nudged
from chainrule.explain.update import derive_update
from chainrule.health.findings import (
    not_finite,
    of_data,
    of_layers,
    of_losses,
    of_the_step,
    of_weights,
)
from chainrule.health.layers import layer_health
from chainrule.health.report import Report
from chainrule.history import History
from chainrule.loss import one_hot
from chainrule.network import Network
from chainrule.optimizers import Optimizer, get_optimizer

# Rows that are looked at, evenly spaced over all.
MOST_ROWS = 10_000


def diagnose(
    network: Network,
    X: Rows,
    y: npt.ArrayLike,
    *,
    sample_weight: npt.ArrayLike | None = None,
    history: History | Sequence[float] | None = None,
    optimizer: str | Optimizer = "gradient_descent",
    learning_rate: float | None = None,
) -> Report:
    """Report how each layer does, and why the network may not learn.

    Parameters
    ----------
    network : Network
        Before, during or after training; it stays as it is. Nothing is dropped, and batch
        normalisation takes the batch's own statistics, as in a training step.
    X, y, sample_weight
        Examples, as `Network.loss` takes them; of more than 10,000, so many are looked at, evenly
        spaced.
    history : History or sequence of float, optional
        What :func:`chainrule.fit` returned, or the losses alone: whether they rise, jump about, are
        no better than a constant's, or part from those of validation.
    optimizer : str or Optimizer, default "gradient_descent"
        What trains it.
    learning_rate : float, optional
        Its rate: a step with it is tried on a copy. Without it no step is judged.

    Returns
    -------
    Report
        ``report.findings`` is empty if no reason was found.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as above.

    Examples
    --------
    >>> X = [[0.0, 100.0], [1.0, 900.0], [2.0, -300.0], [0.5, 700.0]]
    >>> report = diagnose(Network([2, 8, 1], random_state=0), X, [0, 1, 1, 0])
    >>> [finding.name for finding in report.findings]
    ['saturated units', 'unscaled inputs']
    """
    rule = get_optimizer(optimizer)
    if learning_rate is not None:
        rate = _checks.check_number("learning_rate", learning_rate, low=0)
        rule = replace(rule, learning_rate=rate)
    losses, val_losses = _losses(history)
    nudged = _sample(network, X, y, sample_weight)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        cost, cache = nudged.cost(), nudged.forward()
        signals: dict[str, FloatArray] = {}
        gradients = nudged.gradients(cache, signals)
        arrays = [network.vector, *cache.values(), *gradients.values()]
        finite = bool(np.isfinite(cost)) and all(np.isfinite(a).all() for a in arrays)
        baseline = _baseline(nudged)
        if not finite:
            return Report(cost, baseline, [], [not_finite(nudged, cache)])
        after = derive_update(rule, nudged.parameters, gradients, None, 1).after
        layers = [
            layer_health(l, nudged, cache, signals, gradients, after if learning_rate else None)
            for l in range(1, len(network.structure.layers) + 1)
        ]
        stepped = replace(nudged, parameters=after).cost() if learning_rate else None
    found = [
        *of_weights(nudged),
        *of_layers(layers, network),
        *of_data(nudged),
        *of_the_step(layers, cost, stepped, learning_rate),
        *of_losses(losses, val_losses, baseline),
    ]
    return Report(cost, baseline, layers, found)


def _sample(network: Network, X: Rows, y: npt.ArrayLike, sample_weight: object) -> Nudged:
    inputs, Y, w = network.check_examples(X, y, sample_weight)
    m = len(inputs)
    rows = np.arange(m) if m <= MOST_ROWS else np.linspace(0, m - 1, MOST_ROWS).astype(np.intp)
    if w is not None and not w[rows].any():
        raise ValueError("sample_weight is 0 for all rows that are looked at")
    return Nudged.of(network, inputs[rows], Y[rows], None if w is None else w[rows, 0])


def _losses(history: History | Sequence[float] | None) -> tuple[list[float], list[float]]:
    if history is None:
        return [], []
    if isinstance(history, History):
        return history.loss, history.val_loss
    return [_checks.check_number("each of history", float(x)) for x in history], []


def _baseline(nudged: Nudged) -> float:
    """Return the loss of the best constant among the mean and the percentiles of each output."""
    loss, n = nudged.structure.loss, nudged.structure.n_outputs
    Y = nudged.Y if nudged.Y.shape[1] == n and nudged.Y.dtype.kind == "f" else None
    Y = one_hot(nudged.Y, n) if Y is None else Y
    w = np.ones((len(Y), 1)) if nudged.sample_weight is None else nudged.sample_weight
    mean = (w * Y).sum(axis=0) / w.sum()
    guesses = [mean, *np.quantile(Y, np.linspace(0.01, 0.99, 99), axis=0)]
    if loss.labels:
        guesses = guesses[:1]  # shares that sum to 1; the mean is the best of them
    low, high = loss.outputs
    costs = [
        w * loss.elementwise(np.clip(np.broadcast_to(a, Y.shape), low, high), Y) for a in guesses
    ]
    each = np.array([c.sum(axis=0) / w.sum() for c in costs])
    return float(each.min(axis=0).sum())
