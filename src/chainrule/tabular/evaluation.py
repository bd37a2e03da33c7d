"""How good a model is on rows it has not seen, beside what one knows without looking at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import metrics
from sklearn.inspection import permutation_importance
from sklearn.model_selection import train_test_split

from chainrule.batches import as_strata
from chainrule.tabular.classifier import TabularClassifier
from chainrule.tabular.regressor import TabularRegressor
from chainrule.tabular.roles import parse_numbers
from chainrule.tabular.tables import Column, Table, as_word, read_table, read_target

# Whole numbers of so few kinds are taken for classes.
FEW_KINDS = 20


@dataclass(frozen=True)
class Evaluation:
    """The figures of a model on some rows, and those of its baseline, by the names of the metrics.

    The baseline is the majority class with the shares of all, or the mean, of training.
    """

    rows: int
    figures: Mapping[str, float]
    baseline: Mapping[str, float]


def guess_task(target: Column) -> tuple[str, str]:
    """Return "classification" or "regression" for a column, and in a few words why.

    Raises ValueError if it holds dates.
    """
    if target.kind == "date":
        raise ValueError(f"the target {target.name!r} holds dates; make numbers of them")
    there = target.values[~target.missing]
    if target.kind == "word":
        kinds = np.unique(there.astype(str))
        numbers = parse_numbers(kinds)
        if numbers is None:
            return "classification", f"the target holds {len(kinds)} different words"
    else:
        kinds = numbers = np.unique(there)
    whole = bool((numbers == np.round(numbers)).all())
    if whole and len(kinds) <= FEW_KINDS:
        return "classification", f"the target holds {len(kinds)} different whole numbers"
    what = f"{len(kinds)} different whole numbers" if whole else "numbers with fractions"
    return "regression", f"the target holds {what}"


def evaluate(model: TabularClassifier | TabularRegressor, X: Any, y: Any) -> Evaluation:
    """Return the figures of a model on the rows of a table X with target y.

    For classes accuracy, balanced accuracy, log loss and the area under the ROC curve (for several
    classes, the mean over each against the rest); for numbers R², the root of the mean squared
    error, the mean and the median absolute error.

    Raises ValueError if y holds a label that the model does not know, or is not numbers.
    """
    table = read_table(X)
    target, _ = read_target(y, table.n_rows)
    if isinstance(model, TabularRegressor):
        predicted = np.asarray(model.predict(X), dtype=float)
        mean = np.full(table.n_rows, model.baseline_)
        target = as_numbers(target)
        return Evaluation(table.n_rows, _of_numbers(target, predicted), _of_numbers(target, mean))
    P = model.predict_proba(X)
    target = as_labels(target, model.classes_)
    prior = np.tile(model.baseline_, (table.n_rows, 1))
    classes = model.classes_
    return Evaluation(
        table.n_rows, _of_classes(target, P, classes), _of_classes(target, prior, classes)
    )


def as_numbers(y: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return a target as numbers, or say which value is none."""
    try:
        return y.astype(np.float64)
    except ValueError:
        raise ValueError(f"the target must hold numbers, got {_not_a_number(y)!r:.60}") from None


def _not_a_number(y: npt.NDArray[Any]) -> Any:
    return next(v for v in y.tolist() if parse_numbers(np.array([str(v)], object)) is None)


def as_labels(y: npt.NDArray[Any], classes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a target in the type of the classes, of which each value must be one."""
    labels = {str(as_word(label)): label for label in classes.tolist()}
    words = [str(as_word(value)) for value in y.tolist()]
    for word in words:
        if word not in labels:
            known = ", ".join([*labels][:10]) + (", …" if len(labels) > 10 else "")
            raise ValueError(f"the target holds {word!r:.60}, which is not one of {known}")
    return np.array([labels[word] for word in words], dtype=classes.dtype)


def _of_classes(
    y: npt.NDArray[Any], P: npt.NDArray[Any], classes: npt.NDArray[Any]
) -> dict[str, float]:
    predicted = classes[P.argmax(axis=1)]
    found = {
        "accuracy": metrics.accuracy_score(y, predicted),
        "balanced accuracy": metrics.recall_score(y, predicted, average="macro", zero_division=0),
        "log loss": metrics.log_loss(y, P, labels=classes),
    }
    there = [k for k, label in enumerate(classes) if 0 < (y == label).sum() < len(y)]
    if len(classes) == 2 and len(there) == 2:
        found["ROC AUC"] = metrics.roc_auc_score(y == classes[1], P[:, 1])
    elif there:
        each = [metrics.roc_auc_score(y == classes[k], P[:, k]) for k in there]
        found["ROC AUC"] = np.mean(each)
    return {name: float(value) for name, value in found.items()}


def _of_numbers(y: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> dict[str, float]:
    found = {
        "R²": metrics.r2_score(y, predicted) if len(y) > 1 else np.nan,
        "root mean squared error": metrics.root_mean_squared_error(y, predicted),
        "mean absolute error": metrics.mean_absolute_error(y, predicted),
        "median absolute error": metrics.median_absolute_error(y, predicted),
    }
    return {name: float(value) for name, value in found.items()}


def split_rows(
    y: npt.NDArray[Any], share: float, classes: bool, seed: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the numbers of the rows to learn from and to test on.

    Each class in its proportion, where each has rows enough; the only row of a class is learned
    from.
    """
    rows = np.arange(len(y))
    alone: npt.NDArray[np.intp] = rows[:0]
    strata = None
    if classes:
        _, places, counts = np.unique(y, return_inverse=True, return_counts=True)
        single = counts[places] == 1
        alone, rows = rows[single], rows[~single]
        if len(rows) == 0:
            raise ValueError(
                "each class of the target occurs once; is it a regression? (--task regression)"
            )
        n_test = int(np.ceil(share * len(rows)))
        strata = as_strata(places[rows], min(n_test, len(rows) - n_test)) if len(rows) else None
    learn, test = train_test_split(rows, test_size=share, random_state=seed, stratify=strata)
    return np.sort(np.concatenate([learn, alone])), np.sort(test)


class _Shuffled:
    """A model on row numbers, one for each column, so that a column alone can be shuffled."""

    def __init__(self, model: TabularClassifier | TabularRegressor, table: Table) -> None:
        self.model, self.table = model, table

    def fit(self) -> None:
        """Only there because scikit-learn asks for it."""

    def score(self, rows: npt.NDArray[np.intp], y: npt.NDArray[Any]) -> float:
        """Return accuracy, or R²."""
        columns = {
            column.name: Column(column.name, column.kind, column.values[rows[:, i]])
            for i, column in enumerate(self.table.columns.values())
        }
        A = self.model._outputs(Table(None, columns, len(rows)))
        return float(self.model._score(A, y))


def importance(
    model: TabularClassifier | TabularRegressor, X: Any, y: Any, *, repeats: int = 3, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Return by how much accuracy, or R², falls when a column is shuffled: mean and deviation.

    Breiman (2001), *Random forests*, section 10. The greatest first; columns that were dropped are
    left out. The arguments are those of `evaluate`, and how often each column is shuffled.
    """
    table = read_table(X)
    used = [r.name for r in model.preprocessing_.roles if r.kind != "dropped"]
    table = Table(None, {name: table.columns[name] for name in used}, table.n_rows)
    target, _ = read_target(y, table.n_rows)
    if isinstance(model, TabularClassifier):
        target = as_labels(target, model.classes_)
    rows = np.repeat(np.arange(table.n_rows)[:, None], len(used), axis=1)
    found = permutation_importance(
        _Shuffled(model, table), rows, target, n_repeats=repeats, random_state=seed
    )
    pairs = zip(found.importances_mean.tolist(), found.importances_std.tolist(), strict=True)
    each = dict(zip(used, pairs, strict=True))
    return dict(sorted(each.items(), key=lambda item: -item[1][0]))
