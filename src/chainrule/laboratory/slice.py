"""The loss along the way that the gradient points down: a slice of the surface it descends."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.laboratory.experiment import Experiment
from chainrule.penalties import Penalty

POINTS = 61


def slice_of(experiment: Experiment) -> dict[str, Any]:
    """Return the loss at w − α dL/dw for many α, and where the network's own rate leads.

    The gradient is that of all training examples. α goes as far as makes the step half as long as
    the parameters are, or twice the rate if that is more, and a fifth of it backwards.
    """
    network, train, settings = experiment.network, experiment.train, experiment.settings
    gradients = network.backward(train.X[:], train.Y, penalty=Penalty(settings.l2, settings.l1))
    dw = network.flatten(gradients, prefix="d")
    norm = float(np.linalg.norm(dw))
    far = 0.5 * float(np.linalg.norm(network.vector)) / norm if norm else 1.0
    far = max(far, 2 * settings.learning_rate)
    moved = network.copy()

    def loss_at(alpha: float) -> float:
        moved.vector[:] = network.vector - alpha * dw
        with np.errstate(over="ignore", invalid="ignore"):
            return moved.loss(train.X, train.Y, engine="numpy")

    alphas = np.linspace(-far / 5, far, POINTS)
    return {
        "alpha": [float(alpha) for alpha in alphas],
        "loss": [loss_at(float(alpha)) for alpha in alphas],
        "here": loss_at(0.0),
        "rate": settings.learning_rate,
        "loss_at_rate": loss_at(settings.learning_rate),
    }
