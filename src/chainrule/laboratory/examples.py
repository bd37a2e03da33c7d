"""The examples of an experiment: drawn, opened or given, and split into train and test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule._inputs import Rows, check_inputs
from chainrule._types import FloatArray
from chainrule.laboratory.datasets import DATASETS
from chainrule.laboratory.settings import SettingError, Settings
from chainrule.network import Network


@dataclass(frozen=True, eq=False)
class Table:
    """Examples that did not come from a formula: a table that was opened, or arrays from Python.

    Attributes
    ----------
    X : array (m, n₀)
        Inputs, numbers already.
    y : array (m,)
        Class numbers, or values.
    names : list of str
        Of the inputs.
    class_names : list of str
        Empty where a number is predicted.
    columns : list of str
        Those of the table that could be the target; empty where they are fixed.
    target : str
    note : str
        What a person should know of how it was read.
    file : str
        Its name.
    """

    X: FloatArray
    y: FloatArray
    names: list[str]
    class_names: list[str]
    columns: list[str] = field(default_factory=list)
    target: str = ""
    note: str = ""
    file: str = ""


@dataclass(frozen=True, eq=False)
class Split:
    """The examples of an experiment; those to test may be none.

    Attributes
    ----------
    X_train, y_train, X_test, y_test : array
    names : list of str
        Of the inputs.
    class_names : list of str
        Empty where a number is predicted.
    axes : (int, int)
        The inputs that are shown.
    base : array (n₀,)
        What the other inputs are in the map: their medians in training.
    ranges : ((float, float), (float, float))
        Of the two axes.
    """

    X_train: FloatArray
    y_train: FloatArray
    X_test: FloatArray
    y_test: FloatArray
    names: list[str]
    class_names: list[str]
    axes: tuple[int, int]
    base: FloatArray
    ranges: tuple[tuple[float, float], tuple[float, float]]

    @property
    def task(self) -> str:
        """What is predicted: "binary", "classes" or "regression"."""
        n = len(self.class_names)
        return "regression" if n == 0 else "binary" if n == 2 else "classes"

    def points_on(self, x: Sequence[FloatArray]) -> FloatArray:
        """Return inputs (m, n₀) with these coordinates on the axes, all else as in the map."""
        points = np.tile(self.base, (len(x[0]), 1))
        points[:, self.axes[0]], points[:, self.axes[1]] = x
        return points


def split_examples(settings: Settings, table: Table | None) -> Split:
    """Return the examples that the settings ask for. Raises SettingError where there are none."""
    if settings.data in ("table", "given"):
        if table is None:
            raise SettingError("data", "open the file again: a link does not hold its rows")
    else:
        table = draw(settings)
    train, test = _rows(settings, table)
    X = table.X[train]
    axes = _axes(settings, table)
    return Split(
        X,
        table.y[train],
        table.X[test],
        table.y[test],
        table.names,
        table.class_names,
        axes,
        np.median(X, axis=0),
        (_range(settings, table.X[:, axes[0]]), _range(settings, table.X[:, axes[1]])),
    )


def draw(settings: Settings) -> Table:
    """Return points drawn by a formula or by hand."""
    kind = DATASETS[settings.data]
    if kind.draw is None:
        points = np.array(settings.points)
        X, y = points[:, :2], points[:, 2]
    else:
        X, y = kind.draw(settings.n, settings.noise, settings.classes, settings.data_seed)
    names = ["x₁", "x₂"]
    if kind.task == "regression":
        return Table(X, y, names, [])
    n_classes = settings.classes if kind.many_classes else 2
    if kind.draw is None and not (np.isin(y, np.arange(n_classes)).all()):
        wrong = next(v for v in y if v not in range(n_classes))
        raise SettingError(
            "points", f"a drawn point must have a class from 0 to {n_classes - 1}, got {wrong:g}"
        )
    return Table(X, y, names, [str(k) for k in range(n_classes)])


def _rows(settings: Settings, table: Table) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the rows to train on and to test on, split as scikit-learn does."""
    from sklearn.model_selection import train_test_split

    m = len(table.y)
    if settings.test == 0 or m < 5:
        return np.arange(m), np.arange(0)
    try:
        train, test = train_test_split(
            np.arange(m), test_size=settings.test, random_state=settings.data_seed
        )
    except ValueError:
        raise SettingError(
            "test", f"test must leave a point to train on, got {settings.test:g} of {m} points"
        ) from None
    return train, test


def _axes(settings: Settings, table: Table) -> tuple[int, int]:
    places = []
    for name, other in ((settings.x, 0), (settings.y, 1)):
        if name is None or name not in table.names:
            places.append(min(other, len(table.names) - 1))
        else:
            places.append(table.names.index(name))
    if places[0] == places[1] and len(table.names) > 1:
        places[1] = 0 if places[0] else 1
    return places[0], places[1]


def _range(settings: Settings, values: FloatArray) -> tuple[float, float]:
    """Return where an axis begins and ends, with a margin of a tenth; fixed for drawing."""
    if settings.data.startswith("drawn"):
        reach = max(1.5, 1.1 * float(np.abs(values).max()))
        return -reach, reach
    low, high = float(values.min()), float(values.max())
    margin = 0.1 * (high - low) or 0.5
    return low - margin, high + margin


def given_table(
    network: Network | None, X: Rows, y: npt.ArrayLike, names: Sequence[str] | None
) -> Table:
    """Return arrays from Python as examples for a network, or for one that is made for them.

    Raises ValueError or TypeError if they are not numbers that go together, or are too many to see.
    """
    columns = getattr(X, "columns", None)
    if names is None and columns is not None:
        names = [str(column) for column in columns]
    dense = X.toarray() if hasattr(X, "toarray") else np.asarray(X, dtype=np.float64)
    if dense.ndim != 2:
        raise ValueError(f"X must have shape (m, n), got {dense.shape}")
    n_inputs = dense.shape[1] if network is None else network.structure.n_inputs
    inputs = check_inputs("X", dense, n_inputs, np.float64)[:]
    target = np.asarray(y)
    if network is not None:
        examples = network.check_examples(inputs, y)[1]
        if examples.shape[1] != 1:
            if not network.structure.loss.labels:
                raise ValueError(
                    f"y must have one column for the lab, got {examples.shape[1]} of them"
                )
            examples = examples.argmax(axis=1)[:, None]
        target = examples[:, 0]
    elif target.shape != (len(inputs),):
        raise ValueError(f"y must have shape ({len(inputs)},), got {target.shape}")
    classes = _classes_of(network, target)
    if names is None:
        names = [f"x{i + 1}".translate(_BELOW) for i in range(n_inputs)]
    if len(names) != n_inputs:
        raise ValueError(f"names must be {n_inputs} names, got {len(names)}")
    return Table(inputs, target.astype(np.float64), [str(n) for n in names], classes)


_BELOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def _classes_of(network: Network | None, target: npt.NDArray[Any]) -> list[str]:
    """Return the names of the classes 0, 1, … of a target, or none for values."""
    if network is not None:
        loss = network.structure.loss
        if loss.labels:
            return [str(k) for k in range(network.structure.n_outputs)]
        return ["0", "1"] if loss.name == "binary_cross_entropy" else []
    values = np.unique(target)
    whole = target.dtype.kind in "biu" or bool((values == np.round(values)).all())
    if whole and len(values) <= 10 and values.min() >= 0 and values.max() < 10:
        return [str(k) for k in range(max(2, int(values.max()) + 1))]
    return []
