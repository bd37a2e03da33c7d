"""Penalties on the weights, a part of the cost: J + ½ λ₂ Σ w² + λ₁ Σ abs(w).

They change the gradient, and so pass through whatever an update rule makes of it. Weight decay
that goes past the gradient ("decoupled") is another thing, and belongs to the update rule:
see ``weight_decay`` in :mod:`chainrule.optimizers`. Biases and normalisation gains carry none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule import _checks
from chainrule._types import Array


def l2_penalty(w: Array, l2: float) -> Array:
    """½ λ₂ w²."""
    return 0.5 * l2 * w * w


def l2_penalty_slope(w: Array, l2: float) -> Array:
    """λ₂ w."""
    return l2 * w


def l1_penalty(w: Array, l1: float) -> Array:
    """λ₁ abs(w)."""
    return l1 * np.abs(w)


def l1_penalty_slope(w: Array, l1: float) -> Array:
    """λ₁ sign w."""
    return l1 * np.sign(w)


@dataclass(frozen=True)
class Penalty:
    """The penalties of one training run.

    Parameters
    ----------
    l2, l1 : float, default 0
        The factors.
    shared : bool, default False
        Whether the examples of a mini-batch share it: it is then divided by their number, or by
        the sum of their weights, J = (Σᵢ wᵢ Lᵢ + penalty) / Σᵢ wᵢ, as scikit-learn's ``alpha`` is.

    Raises
    ------
    ValueError, TypeError
        If a factor is negative, or not a number.
    """

    l2: float = 0.0
    l1: float = 0.0
    shared: bool = False

    def __post_init__(self) -> None:
        _checks.check_number("l2", self.l2, low=0)
        _checks.check_number("l1", self.l1, low=0)

    def __bool__(self) -> bool:
        return bool(self.l2 or self.l1)

    def value(self, W: Array, m: Array = 1) -> Array:
        """Return ½ l2 Σ w² + l1 Σ abs(w) over the weights of one matrix.

        `m` is the number of examples in the batch, or the sum of their weights; it counts where
        they share the penalty.
        """
        value = np.sum(l2_penalty(W, self.l2) + l1_penalty(W, self.l1))
        return value / m if self.shared else value

    def slope(self, W: Array, m: Array = 1) -> Array:
        """Return its slope at each weight, of the shape of `W`; `m` as in `value`."""
        slope = l2_penalty_slope(W, self.l2) + l1_penalty_slope(W, self.l1)
        return slope / m if self.shared else slope


NO_PENALTY = Penalty()
