"""The data of a training run: what is learned from, and what is held back to validate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import _checks
from chainrule._inputs import Inputs
from chainrule._types import Array, FloatArray, Generator
from chainrule.network import Network


@dataclass(frozen=True)
class Examples:
    """Checked examples: X (m, n₀), targets Y (m, n_L) or class numbers (m, 1), weights or None."""

    X: Inputs
    Y: Array
    sample_weight: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: npt.NDArray[np.intp]) -> Examples:
        """Return the examples of these row numbers; X is not copied, but Y and the weights are."""
        w = self.sample_weight
        return Examples(self.X.take(rows), self.Y[rows], None if w is None else w[rows])

    def weight(self) -> float:
        """Return by how much they count in a mean: their number, or the sum of their weights."""
        return float(len(self) if self.sample_weight is None else self.sample_weight.sum())

    def targets(self) -> npt.NDArray[Any]:
        """Return the targets in the shape of `Network.predict`: (m,), or (m, n) for several."""
        Y: npt.NDArray[Any] = self.Y
        return Y.ravel() if Y.shape[1] == 1 else Y


def split_validation(
    network: Network, examples: Examples, validation: object, rng: Generator
) -> tuple[Examples, Examples | None]:
    """Return training and validation examples, as ``validation=`` of `fit` asks for them.

    A share in (0, 1) holds back that part of the rows, each class in its proportion; a tuple
    ``(X_val, y_val)`` or ``(X_val, y_val, sample_weight_val)`` is a set of its own; None is none.
    Both sets of a share see the one X through their row numbers.

    Raises ValueError or TypeError for anything else, or a share that leaves either set empty.
    """
    if validation is None:
        return examples, None
    if isinstance(validation, (tuple, list)):
        if len(validation) not in (2, 3):
            raise ValueError(
                f"validation must be a share or (X_val, y_val[, sample_weight_val]), "
                f"got {len(validation)} arrays"
            )
        try:
            return examples, Examples(*network.check_examples(*validation))
        except (TypeError, ValueError) as error:
            raise type(error)(f"in validation: {error}") from None
    share = _checks.check_number(
        "validation", validation, low=0, high=1, open_low=True, open_high=True
    )
    m = len(examples)
    n_held = int(np.ceil(share * m))
    if n_held >= m:
        raise ValueError(f"validation={share:g} of {m} rows leaves none to train on")
    from sklearn.model_selection import train_test_split

    train, held = train_test_split(
        np.arange(m),
        test_size=n_held,
        random_state=int(rng.uniform(0, 2**32)),
        stratify=_classes(network, examples, min(n_held, m - n_held)),
    )
    if (w := examples.sample_weight) is not None and not (w[train].any() and w[held].any()):
        raise ValueError(
            f"validation={share:g} leaves no row with a sample_weight above 0 in one of the sets"
        )
    return examples.take(train), examples.take(held)


def _classes(network: Network, examples: Examples, smallest: int) -> npt.NDArray[Any] | None:
    """Return the class of each example, or None where the rows can't be split class by class."""
    loss, Y = network.structure.loss, examples.Y
    if loss.labels:
        classes = Y.argmax(axis=1) if Y.shape[1] > 1 else Y.ravel()
    elif loss.name == "binary_cross_entropy" and Y.shape[1] == 1:
        classes = Y.ravel()
    else:
        return None
    return as_strata(classes, smallest)


def as_strata(classes: npt.NDArray[Any], smallest: int) -> npt.NDArray[Any] | None:
    """Return classes (m,) if rows can be split by them into two sets of which one has `smallest`.

    Each class must have two examples, and there must be no more classes than that set has rows;
    else None.
    """
    _, counts = np.unique(classes, return_counts=True)
    return classes if counts.min() >= 2 and len(counts) <= smallest else None
