"""Estimators with scikit-learn's interface as graphs, and the scalers before them in pipelines."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.utils.validation import check_is_fitted

from chainrule._types import Array
from chainrule.estimators import MLPClassifier
from chainrule.export.graph import STRING, Graph, Tensor
from chainrule.export.layers import add_network, beside, flat, most_likely


def add_estimator(model: Any, steps: list[tuple[str, Any]], dtype: npt.DTypeLike | None) -> Graph:
    """Return the graph of a fitted MLPClassifier or MLPRegressor behind the steps of a pipeline."""
    network = model._predictor()  # with the temperature, where one was learned
    graph = Graph()
    # No step that is known here changes the number of columns
    X = graph.input("X", dtype or network.dtype, network.structure.n_inputs)
    for name, step in steps:
        X = _scale(X, name, step)
    A = add_network(X, network)
    if not isinstance(model, MLPClassifier):
        graph.output("variable", A, network.structure.n_outputs)
        return graph
    n = network.structure.n_outputs
    if model._label_binarizer.y_type_.startswith("multilabel"):
        graph.output("label", (A > 0.5).astype(np.int64), n)
        graph.output("probabilities", A, n)
        return graph
    # One class alone is every prediction
    classes = model.classes_ if len(model.classes_) > 1 else np.repeat(model.classes_, 2)
    add_classes(A, classes)
    return graph


def add_classes(A: Tensor, classes: npt.NDArray[Any]) -> None:
    """Give out the likeliest of the classes, and the probability of each, of outputs A (m, n_L)."""
    graph = A.graph
    if len(classes) == 2:
        numbers = flat((A > 0.5).astype(np.int64))
        A = beside(graph, [1 - A, A])
    else:
        numbers = most_likely(A)
    table = graph.constant(*as_labels(classes), "classes")
    graph.output("label", graph.apply("Gather", table, numbers), None)
    graph.output("probabilities", A, len(classes))


def as_labels(classes: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], np.dtype[Any]]:
    """Return labels in a type that ONNX has, and the type: strings, integers, floats or booleans.

    Raises TypeError for labels of another type.
    """
    if classes.dtype.kind in "OU" and all(isinstance(label, str) for label in classes.tolist()):
        return np.array(classes.tolist(), dtype=object), STRING
    kinds = {"b": np.bool_, "i": np.int64, "u": np.int64, "f": np.float64}
    if classes.dtype.kind not in kinds:
        raise TypeError(
            f"labels must be strings, integers, floats or booleans to go to ONNX, got "
            f"{classes.tolist()[0]!r:.60}"
        )
    dtype = np.dtype(kinds[classes.dtype.kind])
    return classes.astype(dtype), dtype


def _scale(X: Array, name: str, step: Any) -> Array:
    """Return what a fitted step makes of X, or raise TypeError for one that is not known here."""
    if step is None or step == "passthrough":
        return X
    if type(step) in (StandardScaler, RobustScaler, MaxAbsScaler, MinMaxScaler, SimpleImputer):
        check_is_fitted(step)
    if type(step) is StandardScaler:
        X = X - step.mean_ if step.with_mean else X
        return X / step.scale_ if step.with_std else X
    if type(step) is RobustScaler:
        X = X - step.center_ if step.with_centering else X
        return X / step.scale_ if step.with_scaling else X
    if type(step) is MaxAbsScaler:  # which can clip in newer scikit-learn
        return _clip(X / step.scale_, (-1, 1) if getattr(step, "clip", False) else None)
    if type(step) is MinMaxScaler:
        return _clip(X * step.scale_ + step.min_, step.feature_range if step.clip else None)
    if type(step) is SimpleImputer and _fills_nan(step):
        return np.where(np.isnan(X), step.statistics_.astype(np.float64), X)
    raise TypeError(
        f"step {name!r} of the pipeline must be a StandardScaler, MinMaxScaler, MaxAbsScaler, "
        f"RobustScaler or a SimpleImputer that fills each NaN, to go to ONNX, got {step!r:.80}"
    )


def _fills_nan(step: Any) -> bool:
    """Whether an imputer puts a number in the place of each NaN, and does nothing else."""
    try:
        filled = np.isfinite(step.statistics_.astype(np.float64)).all()
    except (TypeError, ValueError):  # words
        return False
    return bool(filled and np.isnan(step.missing_values) and not step.add_indicator)


def _clip(X: Array, interval: tuple[float, float] | None) -> Array:
    return X if interval is None else np.minimum(np.maximum(X, interval[0]), interval[1])
