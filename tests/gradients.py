"""The gradient of a network by finite differences, and random networks to hold it against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import Network, Structure, steps
from chainrule._types import Array, FloatArray
from chainrule.dropout import draw_key
from chainrule.explain.gradient_check import GradientCheck, check_gradients
from chainrule.explain.nudging import Nudged
from chainrule.penalties import Penalty

# Activations and losses whose slope jumps; near the jump a finite difference means nothing.
KINKED_ACTIVATIONS = {"relu", "leaky_relu", "elu", "selu"}  # elu's at least in its second slope
KINKED_LOSSES = {"mean_absolute_error", "huber", "pinball"}

# Output activations that each loss can take.
OUTPUTS = {
    "binary_cross_entropy": ["sigmoid"],
    "categorical_cross_entropy": ["softmax"],
    "mean_squared_error": ["identity", "tanh", "sigmoid", "softmax", "gelu"],
    "mean_absolute_error": ["identity", "tanh", "silu"],
    "huber": ["identity", "mish"],
    "poisson_deviance": ["exponential", "softplus"],
    "pinball": ["identity", "tanh"],
}


@dataclass
class Case:
    """A network with a batch, and all that its cost depends on."""

    network: Network
    X: FloatArray
    Y: Array
    masks: dict[str, FloatArray]
    sample_weight: FloatArray | None
    penalty: Penalty

    @property
    def structure(self) -> Structure:
        return self.network.structure

    @property
    def nudged(self) -> Nudged:
        return Nudged(
            self.structure,
            dict(self.network.parameters),
            self.X,
            self.Y,
            self.sample_weight,
            self.penalty,
            self.masks,
        )

    def forward(self) -> steps.Cache:
        return self.nudged.forward()

    def cost(self) -> float:
        return self.nudged.cost()

    def gradient(self) -> FloatArray:
        return self.network.flatten(self.nudged.gradients(self.forward()), prefix="d")

    def check(self) -> GradientCheck:
        """Hold the gradient of every parameter against the finite difference of the cost."""
        return check_gradients(self.nudged)

    def is_smooth_here(self, margin: float = 2e-3) -> bool:
        """Whether no z, error or penalised weight is near enough to a kink to step over it.

        A layer normalisation of almost equal sums bends so sharply that it counts as a kink.
        """
        cache = self.forward()
        A = cache[f"A{len(self.structure.layers)}"]
        for l, layer in enumerate(self.structure.layers, 1):
            near = np.abs(cache[f"Z{l}"]).min() < margin
            if layer.activation.name in KINKED_ACTIVATIONS and near:
                return False
            if layer.normalization and cache[f"var{l}"].min() < 1e-3:
                return False
        if self.structure.loss.name in KINKED_LOSSES:
            error = np.abs(A - self.Y)
            kinks = [0.0, *self.structure.loss.constants.values()]
            if min(np.abs(error - kink).min() for kink in kinks) < margin:
                return False
        return self.penalty.l1 == 0 or bool(
            min(np.abs(W).min() for n, W in self.network.parameters.items() if n[0] == "W") > 1e-3
        )


def random_case(
    rng: np.random.Generator,
    depth: int,
    loss: Any,
    output: Any,
    hidden: Any = "tanh",
    normalization: Any = None,
    dropout: float = 0.0,
    weighted: bool = False,
    penalty: Penalty = Penalty(),  # noqa: B008  (plain frozen data)
) -> Case:
    """Draw networks until one has a smooth cost of ordinary size, and a gradient to compare."""
    while True:
        widths = [int(n) for n in rng.integers(2, 5, size=depth + 1)]
        structure = Structure(
            widths,
            hidden=hidden,
            output=output,
            loss=loss,
            normalization=normalization,
            dropout=dropout,
        )
        network = Network(structure, random_state=rng)
        network.vector += 0.3 * rng.standard_normal(network.vector.shape)
        m = 5
        X = rng.standard_normal((m, widths[0]))
        Y = _targets(rng, structure, m)
        masks = steps.dropout_masks(structure, m, draw_key(rng))
        w = rng.uniform(0.1, 2, (m, 1)) if weighted else None
        case = Case(network, X, Y, masks, w, penalty)
        with np.errstate(over="ignore", invalid="ignore"):
            sums = case.forward()[f"Z{depth}"]  # beyond ±10, 1 − a loses its digits
            ordinary = np.abs(sums).max() < 10 and case.cost() < 30
            ordinary &= bool(1e-2 < np.linalg.norm(case.gradient()) < 100)
        if ordinary and case.is_smooth_here():
            return case


def _targets(rng: np.random.Generator, structure: Structure, m: int) -> Array:
    n, name = structure.n_outputs, structure.loss.name
    if name == "binary_cross_entropy":
        return rng.uniform(0, 1, (m, n)).round(int(rng.integers(0, 2)) * 3)
    if name == "categorical_cross_entropy":
        return rng.integers(0, n, (m, 1)) if rng.random() < 0.5 else rng.dirichlet(np.ones(n), m)
    if name == "poisson_deviance":
        return rng.poisson(2, (m, n)).astype(float)
    return rng.standard_normal((m, n))


def relative_error(given: FloatArray, expected: FloatArray) -> float:
    """Norm of the difference over the norm of what was expected, over all parameters at once."""
    return float(np.linalg.norm(given - expected) / np.linalg.norm(expected))
