"""`to_onnx`: a fitted model of any kind as an ONNX graph, and that in a file."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from chainrule import _checks
from chainrule._files import writing
from chainrule.estimators import MLPClassifier, MLPRegressor
from chainrule.export.estimators import add_estimator
from chainrule.export.graph import Graph
from chainrule.export.layers import add_decision, add_network
from chainrule.export.tables import add_table_model
from chainrule.network import Network
from chainrule.tabular import TabularClassifier, TabularRegressor


def to_onnx(
    model: Any, path: str | os.PathLike[str] | None = None, *, dtype: str | None = None
) -> Any:
    """Return a model as an ONNX graph, for runtimes that know nothing of chainrule.

    Parameters
    ----------
    model : Network, estimator or Pipeline
        A network; a fitted `MLPClassifier`, `MLPRegressor`, `TabularClassifier` or
        `TabularRegressor`; or a fitted pipeline of scikit-learn that ends with one of the first
        two, behind any of its `StandardScaler`, `MinMaxScaler`, `MaxAbsScaler`, `RobustScaler` and
        `SimpleImputer` for NaN.
    path : str or path, optional
        The file to write, such as ``"moons.onnx"``. It takes the place of an older one in one step.
    dtype : {"float32", "float64"}, optional
        Type of the arithmetic, and of the input `X`; by default that of the network.

    Returns
    -------
    onnx.ModelProto
        Of opset 15, with any number of rows m. Its inputs and outputs have the names that
        converters from scikit-learn give them:

        - input ``X`` (m, n_features). A model for tables has an input for each column that it
          learned from instead, by the column's name: (m, 1) of float64 for numbers and dates, as
          seconds since 1970, NaN where one is missing; or of strings, ``""`` where a word is
          missing, without spaces around it. Numbers named in `categorical_features` are strings,
          too.
        - outputs ``label``, what `predict` returns, and ``probabilities``, what `predict_proba`
          returns, or `forward` of a network; for a regression ``variable`` (m, n_outputs). Those of
          a model for tables are float64.

    Raises
    ------
    ValueError
        If an activation is your own; if a table is scaled by quantiles, which needs a function
        that ONNX has not, or has a column by the name of an output; if a parameter is not finite in
        the type, or they have 2 GiB or more.
    TypeError
        If a model, a step of a pipeline or a label is of another kind; the message names it.
    sklearn.exceptions.NotFittedError
        If an estimator is not fitted.
    ImportError
        If onnx, of the extra ``onnx``, is not there.

    Notes
    -----
    Batch normalisation is folded into the weights, and dropout left out. In float32, activations
    are ONNX's operators where it has one. In float64 the formulas of ELU, SELU, softplus, GELU,
    SiLU and Mish are written out, as ONNX Runtime lacks kernels for them, and that of leaky ReLU,
    whose α ONNX rounds to float32. A graph does not check its inputs: what chainrule refuses, such
    as a NaN, goes through it.

    Examples
    --------
    >>> from chainrule import Network
    >>> graph = to_onnx(Network([2, 3, 1], random_state=0)).graph
    >>> [tensor.name for tensor in [*graph.input, *graph.output]]
    ['X', 'label', 'probabilities']
    """
    if dtype is not None:
        _checks.check_choice("dtype", dtype, ("float32", "float64"))
    made = _graph(model, dtype).model(type(model).__name__)
    if path is not None:
        with writing(path) as file:
            file.write(made.SerializeToString(deterministic=True))
    return made


def _graph(model: Any, dtype: str | None) -> Graph:
    if isinstance(model, Network):
        graph = Graph()
        X = graph.input("X", np.dtype(dtype or model.dtype), model.structure.n_inputs)
        add_decision(add_network(X, model), model)
        return graph
    last, steps = model, []
    if isinstance(model, Pipeline):
        last, steps = model.steps[-1][1], model.steps[:-1]
    if isinstance(last, MLPClassifier | MLPRegressor):
        check_is_fitted(last)
        return add_estimator(last, steps, dtype)
    if isinstance(last, TabularClassifier | TabularRegressor) and not steps:
        check_is_fitted(last, "networks_")
        return add_table_model(last, dtype)
    raise TypeError(
        "model must be a Network, a fitted MLPClassifier, MLPRegressor, TabularClassifier or "
        f"TabularRegressor, or a pipeline that ends with one of the first two, got {model!r:.100}"
    )
