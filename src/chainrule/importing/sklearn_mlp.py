"""scikit-learn's own multi-layer perceptrons, fitted, as the estimators here."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from chainrule.engine.interface import State
from chainrule.network import Network

if TYPE_CHECKING:
    from chainrule.estimators import MLPClassifier, MLPRegressor

# What a fit by a stochastic solver records, and any fit; both sides call it by one name.
_RECORDED = (
    *("n_iter_", "t_", "loss_", "loss_curve_", "best_loss_", "validation_scores_"),
    *("best_validation_score_", "_no_improvement_count"),
)


def from_sklearn(model: Any) -> MLPClassifier | MLPRegressor:
    """Return a fitted estimator of scikit-learn as the one of the same name here.

    Parameters
    ----------
    model : sklearn.neural_network.MLPClassifier or MLPRegressor
        Fitted. It stays as it is.

    Returns
    -------
    MLPClassifier or MLPRegressor
        With the same parameters, a copy of the weights, the record of the fit and the state of the
        solver: it predicts the same, and `partial_fit` goes on as scikit-learn's would.

    Raises
    ------
    TypeError
        If `model` is something else.
    sklearn.exceptions.NotFittedError
        If it is not fitted.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> theirs = MLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, y)
    >>> ours = from_sklearn(theirs)
    >>> bool((ours.predict(X) == theirs.predict(X)).all())
    True
    """
    from sklearn import neural_network as theirs  # which the other imports need not wait for
    from sklearn.utils.validation import check_is_fitted

    from chainrule import estimators as ours

    if type(model) is theirs.MLPClassifier:
        kind: Any = ours.MLPClassifier
    elif type(model) is theirs.MLPRegressor:
        kind = ours.MLPRegressor
    else:
        raise TypeError(
            "model must be an MLPClassifier or MLPRegressor of sklearn.neural_network, got "
            f"{model!r:.80}"
        )
    check_is_fitted(model)
    mlp = kind(**copy.deepcopy(model.get_params()))  # of one meaning on both sides
    for name in ("n_features_in_", "feature_names_in_", "n_outputs_", "classes_"):
        if hasattr(model, name):
            setattr(mlp, name, copy.deepcopy(getattr(model, name)))
    if kind is ours.MLPClassifier:
        mlp._label_binarizer, mlp.temperature_ = copy.deepcopy(model._label_binarizer), 1.0
    sizes = [model.n_features_in_, *(W.shape[1] for W in model.coefs_)]
    network = Network(mlp._structure(sizes), dtype=model.coefs_[0].dtype)
    network.vector[:] = _flatten(network, model.coefs_ + model.intercepts_)
    mlp._begin(network)
    for name in _RECORDED:
        if hasattr(model, name):
            setattr(mlp, name, copy.deepcopy(getattr(model, name)))
    if hasattr(model, "_optimizer"):
        mlp._optimizer = _solver(mlp, network, model._optimizer)
    return mlp


def _flatten(network: Network, arrays: list[Any]) -> Any:
    """Return weights of all layers, and then all biases, in the order of the network's vector."""
    n = len(network.structure.layers)
    named = {f"W{l}": arrays[l - 1] for l in range(1, n + 1)}
    return network.flatten(named | {f"b{l}": arrays[n + l - 1] for l in range(1, n + 1)})


def _solver(mlp: Any, network: Network, theirs: Any) -> Any:
    """Return the solver of an estimator in the state of scikit-learn's."""
    from chainrule.estimators.solvers import EpochRate, Solver

    solver = Solver(mlp)
    values: list[Any] = []
    if hasattr(theirs, "ms"):
        values = [theirs.ms, theirs.vs]
    elif mlp.momentum > 0:
        values = [theirs.velocities]
    if isinstance(schedule := solver.optimizer.learning_rate, EpochRate):
        schedule.rate = float(theirs.learning_rate)
    flat = tuple(_flatten(network, value).astype(network.dtype) for value in values)
    solver.state = State(steps=int(getattr(theirs, "t", 0)), values=flat)
    return solver
