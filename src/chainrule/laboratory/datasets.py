"""Data for the eye: two inputs, and a class or a number to predict from them.

Each function draws n points by a seed; the same seed draws the same ones, in any session. So a
script that calls them has the data of the lab.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chainrule._types import FloatArray

Drawn = tuple[FloatArray, npt.NDArray[np.float64]]


def moons(n: int = 1000, noise: float = 0.2, classes: int = 2, seed: int = 42) -> Drawn:
    """Return two half circles in each other's arms, as the lecture has them: X (n, 2), y (n,)."""
    from sklearn.datasets import make_moons

    X, y = make_moons(n, noise=noise, random_state=seed)
    return X, y.astype(np.float64)


def circles(n: int = 500, noise: float = 0.1, classes: int = 2, seed: int = 42) -> Drawn:
    """Return a circle of radius ½ in one of radius 1."""
    from sklearn.datasets import make_circles

    X, y = make_circles(n, noise=noise, factor=0.5, random_state=seed)
    return X, y.astype(np.float64)


def blobs(n: int = 500, noise: float = 0.2, classes: int = 3, seed: int = 42) -> Drawn:
    """Return a normal cloud for each class, with centres evenly on a circle of radius 1."""
    rng = np.random.RandomState(seed)
    y = np.arange(n) % classes
    angle = 2 * np.pi * y / classes
    X = np.column_stack([np.cos(angle), np.sin(angle)]) + noise * rng.standard_normal((n, 2))
    return X, y.astype(np.float64)


def xor(n: int = 500, noise: float = 0.1, classes: int = 2, seed: int = 42) -> Drawn:
    """Return points of a square; the class is 1 where both coordinates have the same sign."""
    rng = np.random.RandomState(seed)
    X = rng.uniform(-1, 1, (n, 2))
    y = (X[:, 0] * X[:, 1] > 0).astype(np.float64)
    return X + noise * rng.standard_normal((n, 2)), y


def spirals(n: int = 500, noise: float = 0.05, classes: int = 2, seed: int = 42) -> Drawn:
    """Return an arm for each class, all turning around the origin one and a half times."""
    rng = np.random.RandomState(seed)
    y = np.arange(n) % classes
    r = rng.uniform(0.05, 1, n)
    angle = 3 * np.pi * r + 2 * np.pi * y / classes
    X = np.column_stack([r * np.cos(angle), r * np.sin(angle)])
    return X + noise * rng.standard_normal((n, 2)), y.astype(np.float64)


def plane(n: int = 500, noise: float = 0.1, classes: int = 2, seed: int = 42) -> Drawn:
    """Return points of a square with the number y = (x₁ + x₂) / 2."""
    rng = np.random.RandomState(seed)
    X = rng.uniform(-1, 1, (n, 2))
    return X, X.sum(axis=1) / 2 + noise * rng.standard_normal(n)


# Centres and heights of three hills and three hollows.
_HILLS = (
    (-0.6, 0.6, 1),
    (0.6, 0.6, -1),
    (0, 0, 1),
    (-0.6, -0.6, -1),
    (0.6, -0.6, 1),
    (0, -0.8, -1),
)


def gaussians(n: int = 500, noise: float = 0.1, classes: int = 2, seed: int = 42) -> Drawn:
    """Return points of a square with a number from a mix of Gaussian hills and hollows."""
    rng = np.random.RandomState(seed)
    X = rng.uniform(-1, 1, (n, 2))
    y = sum(h * np.exp(-((X[:, 0] - a) ** 2 + (X[:, 1] - b) ** 2) / 0.08) for a, b, h in _HILLS)
    return X, y + noise * rng.standard_normal(n)


def sine(n: int = 500, noise: float = 0.1, classes: int = 2, seed: int = 42) -> Drawn:
    """Return points of a square with the number y = sin(π x₁) · cos(π x₂ / 2)."""
    rng = np.random.RandomState(seed)
    X = rng.uniform(-1, 1, (n, 2))
    y = np.sin(np.pi * X[:, 0]) * np.cos(np.pi * X[:, 1] / 2)
    return X, y + noise * rng.standard_normal(n)


@dataclass(frozen=True)
class Dataset:
    """A kind of data: its title, what is predicted, and what draws it (None: a person does)."""

    title: str
    task: str
    draw: Callable[..., Drawn] | None
    many_classes: bool = False


# "classes" has two of them or as many as are asked for; "regression" predicts a number.
DATASETS = {
    "moons": Dataset("Two moons", "classes", moons),
    "circles": Dataset("Circles", "classes", circles),
    "blobs": Dataset("Blobs", "classes", blobs, many_classes=True),
    "xor": Dataset("Exclusive or", "classes", xor),
    "spirals": Dataset("Spirals", "classes", spirals, many_classes=True),
    "drawn": Dataset("Drawn by hand", "classes", None, many_classes=True),
    "plane": Dataset("Plane", "regression", plane),
    "gaussians": Dataset("Gaussian hills", "regression", gaussians),
    "sine": Dataset("Sine", "regression", sine),
    "drawn_values": Dataset("Values drawn by hand", "regression", None),
}
