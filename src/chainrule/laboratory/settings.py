"""The settings of an experiment as plain data: what a link holds, and what a person may change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from chainrule import _checks
from chainrule.activations import ACTIVATIONS, get_activation
from chainrule.initializers import INITIALIZERS
from chainrule.laboratory.datasets import DATASETS
from chainrule.optimizers import OPTIMIZERS

# From and to, for each setting that is a number. A network for the eye has no more layers.
LIMITS: dict[str, tuple[float, float]] = {
    "n": (20, 5000),
    "noise": (0, 1),
    "classes": (2, 10),
    "test": (0, 0.9),
    "data_seed": (0, 2**32 - 1),
    "seed": (0, 2**32 - 1),
    "units": (1, 16),
    "layers": (0, 6),
    "points": (2, 2000),
    "learning_rate": (0, 1000),
    "batch_size": (1, 5000),
    "l1": (0, 10),
    "l2": (0, 10),
    "dropout": (0, 0.9),
    "epochs": (0, 1_000_000),
    "target_loss": (0, 1_000_000),
}
WHOLE = ("n", "classes", "data_seed", "seed", "batch_size", "epochs")
ENGINES = ("numpy", "compiled")
SPEEDS = ("slow", "normal", "full")
# A table that was opened, and data that came from Python, are data too.
OPENED = ("table", "given")

# An activation that begins so is a formula that a person typed.
TYPED = "="


class SettingError(ValueError):
    """Raised for a setting that can't be: `what` is its name, and the message is for a person."""

    def __init__(self, what: str, message: str) -> None:
        super().__init__(message)
        self.what = what


@dataclass(frozen=True)
class Settings:
    """All that decides an experiment; the defaults are the lecture's.

    Attributes
    ----------
    data : str
        A name in `DATASETS`, or "table" or "given".
    n, noise, classes, test, data_seed
        Number of points, their noise, number of classes where the data can have any, share that is
        held back to test, and what draws them.
    points : tuple of (x1, x2, target)
        Those drawn by hand.
    target, x, y : str or None
        Of a table: the column to predict; the inputs that are on the axes.
    hidden : tuple of (units, activation)
        The hidden layers. An activation is a name, or a formula that begins with "=".
    initializer, seed
        What the first weights are drawn by; "default" leaves it to the activation.
    optimizer, learning_rate, batch_size, l1, l2, dropout, engine
        As in :func:`chainrule.fit`.
    epochs, target_loss
        Where learning ends by itself; 0 is never.
    speed : {"slow", "normal", "full"}
    """

    data: str = "moons"
    n: int = 1000
    noise: float = 0.2
    classes: int = 2
    test: float = 0.2
    data_seed: int = 42
    points: tuple[tuple[float, float, float], ...] = ((-0.5, 0.0, 0.0), (0.5, 0.0, 1.0))
    target: str | None = None
    x: str | None = None
    y: str | None = None
    hidden: tuple[tuple[int, str], ...] = ((4, "tanh"),)
    initializer: str = "default"
    seed: int = 42
    optimizer: str = "gradient_descent"
    learning_rate: float = 0.01
    batch_size: int = 32
    l1: float = 0.0
    l2: float = 0.0
    dropout: float = 0.0
    engine: str = "numpy"
    epochs: int = 0
    target_loss: float = 0.0
    speed: str = "full"

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """Return these settings with some changed. Raises SettingError for one that can't be."""
        checked = {}
        for name, value in changes.items():
            if name not in NAMES:
                raise SettingError(name, f"there is no setting {name!r:.40}")
            try:
                checked[name] = _CHECKS.get(name, _check_number)(name, value)
            except (TypeError, ValueError) as error:
                raise SettingError(name, str(error)[:400]) from None
        return replace(self, **checked)

    def as_dict(self) -> dict[str, Any]:
        """Return them as JSON can hold them."""
        return asdict(self)


NAMES = tuple(field.name for field in fields(Settings))

# What these change, a network that learns takes over; anything else begins anew.
LIVE = {
    *("learning_rate", "batch_size", "optimizer", "l1", "l2", "engine"),
    *("epochs", "target_loss", "speed", "x", "y"),
}


def _check_number(name: str, value: object) -> float:
    low, high = LIMITS[name]
    if name in WHOLE:
        whole = _checks.check_integer(name, value, low=int(low))
        if whole > high:
            raise ValueError(f"{name} must be at most {high:.0f}, got {whole}")
        return whole
    return _checks.check_number(name, value, low=low, high=high)


def _check_choice_of(*choices: str) -> Callable[[str, object], str]:
    return lambda name, value: _checks.check_choice(name, value, choices)


def _check_column(name: str, value: object) -> str | None:
    if value is None or (isinstance(value, str) and len(value) <= 200):
        return value
    raise TypeError(f"{name} must be the name of a column, got {value!r:.40}")


def _check_points(name: str, value: object) -> tuple[tuple[float, float, float], ...]:
    low, high = LIMITS["points"]
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise TypeError(f"{name} must be a list of [x1, x2, target], got {value!r:.40}")
    if not low <= len(value) <= high:
        raise ValueError(f"{name} must be from {low:.0f} to {high:.0f}, got {len(value)}")
    points = []
    for point in value:
        if not isinstance(point, Sequence) or len(point) != 3:
            raise ValueError(f"each of {name} must be [x1, x2, target], got {point!r:.40}")
        x1, x2, target = (
            _checks.check_number(f"a number of {name}", v, low=-100, high=100) for v in point
        )
        points.append((x1, x2, target))
    return tuple(points)


def _check_hidden(name: str, value: object) -> tuple[tuple[int, str], ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise TypeError(f"{name} must be a list of [units, activation], got {value!r:.40}")
    most, (fewest_units, most_units) = int(LIMITS["layers"][1]), LIMITS["units"]
    if len(value) > most:
        raise ValueError(f"{name} must be at most {most} layers, got {len(value)}")
    layers = []
    for layer in value:
        if not isinstance(layer, Sequence) or isinstance(layer, str) or len(layer) != 2:
            raise ValueError(f"each of {name} must be [units, activation], got {layer!r:.40}")
        units = _checks.check_integer("units", layer[0], low=int(fewest_units))
        if units > most_units:
            raise ValueError(f"units must be at most {most_units:.0f}, got {units}")
        if not isinstance(layer[1], str):
            raise TypeError(f"an activation must be a name or a formula, got {layer[1]!r:.40}")
        if not layer[1].startswith(TYPED):
            _checks.check_choice("activation", layer[1], HIDDEN_ACTIVATIONS)
        layers.append((units, get_activation(layer[1]).name))
    return tuple(layers)


# Each by its own name; the softmax is for an output, and needs two units at least.
HIDDEN_ACTIVATIONS = tuple(
    name for name, g in ACTIVATIONS.items() if g.vjp is None and g.name == name
)

_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "data": _check_choice_of(*DATASETS, *OPENED),
    "points": _check_points,
    "target": _check_column,
    "x": _check_column,
    "y": _check_column,
    "hidden": _check_hidden,
    "initializer": _check_choice_of("default", *INITIALIZERS),
    "optimizer": _check_choice_of(*OPTIMIZERS),
    "engine": _check_choice_of(*ENGINES),
    "speed": _check_choice_of(*SPEEDS),
}
