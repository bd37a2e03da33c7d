"""A classifier with the parameters, attributes and results of scikit-learn's, and more."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    type_of_target,
    unique_labels,
)
from sklearn.utils.validation import validate_data

from chainrule import _checks
from chainrule._types import FloatArray
from chainrule.estimators.base import CONSTRAINTS, BaseMLP
from chainrule.estimators.stochastic import Held
from chainrule.estimators.temperature import learn_temperature, with_temperature
from chainrule.loss import Loss
from chainrule.losses import LOSSES
from chainrule.network import Network


class MLPClassifier(ClassifierMixin, BaseMLP):
    """A multi-layer perceptron for classes, which takes the place of scikit-learn's.

    With scikit-learn's parameters it draws the same weights and the same order of the examples as
    ``sklearn.neural_network.MLPClassifier``, and learns the same, within rounding. What is marked
    as ours is beyond that; its defaults change nothing.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default (100,)
        Units of each hidden layer. scikit-learn's.
    activation : str, Activation or a sequence of them, default "relu"
        Activation of the hidden layers, or of each one. scikit-learn's are ``"identity"``,
        ``"logistic"``, ``"tanh"`` and ``"relu"``; any other name in
        ``chainrule.activations.ACTIVATIONS``, a typed formula such as ``"=z*tanh(z)"``, an
        :class:`~chainrule.Activation` of one's own, and one for each layer are ours.
    solver : str or Optimizer, default "adam"
        ``"lbfgs"``, ``"sgd"`` and ``"adam"`` are scikit-learn's. Ours are the other names in
        ``chainrule.optimizers.OPTIMIZERS``, such as ``"adamw"``, with their own constants and the
        rate `learning_rate_init`; and an :class:`~chainrule.Optimizer`, such as
        ``AdamW(0.01, weight_decay=0.1)``, with its own rate, beside which `learning_rate_init`
        must stay as it is by default.
    alpha : float, default 0.0001
        Factor of the penalty ½ alpha Σ w² on the weights. The examples of a mini-batch share it: it
        is divided by their number, or the sum of their weights. scikit-learn's.
    batch_size : int or "auto", default "auto"
        Examples in each update; "auto" is 200, or all if there are fewer. scikit-learn's.
    learning_rate : str or schedule, default "constant"
        scikit-learn's, for ``solver="sgd"`` alone: ``"constant"``; ``"invscaling"``, which divides
        the first rate by tᵖ after each epoch, with t the examples seen and p = `power_t`;
        ``"adaptive"``, which divides it by 5 where training would otherwise stop, down to 1e-6.
        Ours, for every solver but "lbfgs": a function of the step, or ``ReduceOnPlateau``, of
        :mod:`chainrule.schedules`.
    learning_rate_init : float, default 0.001
        The first rate. scikit-learn's.
    power_t : float, default 0.5
        The power of "invscaling". scikit-learn's.
    max_iter : int, default 200
        Most epochs, or iterations of L-BFGS. scikit-learn's.
    shuffle : bool, default True
        Whether each epoch goes through the examples in a new order. scikit-learn's.
    random_state : None, int or RandomState, default None
        Draws the first weights, the validation part and the order, from one stream and as
        scikit-learn draws them; then the masks of dropout. scikit-learn's.
    tol : float, default 0.0001
        By how much an epoch must be better than the best to count; for "lbfgs", the largest
        component of the gradient that counts as zero. scikit-learn's.
    verbose : bool or int, default False
        Whether to print the loss, and the validation score, after each epoch. scikit-learn's.
    warm_start : bool, default False
        Whether `fit` goes on from the weights of the last, with the parameters as they are now;
        those that the shapes of the weights follow must stay. scikit-learn's.
    momentum : float, default 0.9
        Momentum of "sgd", in [0, 1]. scikit-learn's.
    nesterovs_momentum : bool, default True
        Whether it is Nesterov's. scikit-learn's.
    early_stopping : bool, default False
        Whether to hold back a part of the examples, stop when the accuracy on it no longer gets
        better, and give back the weights of the best epoch. scikit-learn's.
    validation_fraction : float, default 0.1
        The share to hold back, of each class alike where there are two. scikit-learn's.
    beta_1, beta_2 : float, default 0.9 and 0.999
        Memories of "adam" for the gradient and its square. scikit-learn's.
    epsilon : float, default 1e-08
        What "adam" adds to the root of the squares, before it is corrected. scikit-learn's.
    n_iter_no_change : int or inf, default 10
        Training stops after more epochs in a row than this without one that is better by `tol`.
        scikit-learn's.
    max_fun : int, default 15000
        Most evaluations of the cost by "lbfgs". scikit-learn's.
    loss : "log_loss" or Loss, default "log_loss"
        Cross-entropy, or a loss of one's own between outputs in [0, 1] and targets 0
        and 1. Ours.
    class_weight : dict, "balanced" or None, default None
        Weight of each class in the training loss: a number for each label, or such that every
        class has the same weight in all. Ours.
    label_smoothing : float, default 0
        Share s in [0, 1) of each target that is spread evenly over the classes: y (1 − s) + s / K.
        Szegedy et al. (2016), arXiv:1512.00567, section 7. Ours.
    calibrate : bool, default False
        Whether to learn a temperature T on the validation part after training, so that
        probabilities g(z / T) are right on average. Needs `early_stopping`, or `X_val`. Ours.
    dropout : float or sequence of float, default 0
        Share of the outputs of the hidden layers, or of each one, that a training step sets to
        zero. Ours.
    normalization : {None, "batch", "layer"} or a sequence of them, default None
        Normalisation of the hidden layers, or of each one. Ours.
    clip_norm, clip_value : float, optional
        Largest norm of the whole gradient; largest size of each component. Ours.
    patience : int, optional
        Stop after so many epochs in a row without a new best, however little better it is. Takes
        the place of `tol` and `n_iter_no_change`. The best is that of the training loss, or with
        `early_stopping` of the validation score. Ours.
    restore_best : bool, optional
        Whether to end with the weights of the best epoch: by the validation score, or by the
        training loss where nothing is held back. By default, with `early_stopping`. Ours.
    dtype : {None, float32, float64}, default None
        Type of the weights and of all arithmetic; None takes that of X, float64 for other types
        than these two. Ours.
    engine : {"auto", "numpy", "compiled"}, default "auto"
        What runs the steps, as in :func:`chainrule.fit`. Ours.
    threads : int, optional
        Threads of the compiled engine, as in :func:`chainrule.fit`. Ours.

    Attributes
    ----------
    classes_ : array (n_classes,)
        The labels. scikit-learn's.
    coefs_, intercepts_ : list of array
        W (n_in, n_out) and b (n_out,) of each layer, views into the network. scikit-learn's.
    loss_curve_ : list of float
        Mean cost of each epoch's mini-batches, each before its update, with its penalty;
        not for "lbfgs". scikit-learn's.
    loss_, best_loss_ : float
        The last of them, and the least; the least is None with `early_stopping`. scikit-learn's.
    validation_scores_ : list of float or None
        Accuracy on the validation part after each epoch. scikit-learn's.
    best_validation_score_ : float or None
        The highest of them. scikit-learn's.
    validation_loss_curve_ : list of float or None
        Mean loss on the validation part after each epoch, without penalty. Ours.
    n_iter_, t_, n_layers_, n_outputs_, n_features_in_ : int
        Epochs of the last fit; examples seen in all; layers with the input; outputs; inputs.
        scikit-learn's.
    feature_names_in_ : array of str
        Names of the columns of X, where it had any. scikit-learn's.
    out_activation_ : str
        Name of the output activation. scikit-learn's.
    network_ : Network
        The trained network itself. Ours.
    temperature_ : float
        T, 1 without `calibrate`. Ours.

    Raises
    ------
    ValueError, TypeError
        In `fit`, if a parameter or the data are not as above, or the weights stop being finite.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = MLPClassifier((16,), solver="lbfgs", random_state=0).fit(X, y)
    >>> mlp.predict(X[:2])
    array([0, 0])
    """

    _parameter_constraints = {  # noqa: RUF012  (scikit-learn's name and kind)
        **CONSTRAINTS,
        "loss": [StrOptions({"log_loss"}), Loss],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "calibrate": ["boolean"],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        normalization: Any = None,
        loss: Any = "log_loss",
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        calibrate: bool = False,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        patience: int | None = None,
        restore_best: bool | None = None,
        dtype: Any = None,
        engine: str = "auto",
        threads: int | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.normalization = normalization
        self.loss = loss
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing
        self.calibrate = calibrate
        self.clip_norm = clip_norm
        self.clip_value = clip_value
        self.patience = patience
        self.restore_best = restore_best
        self.dtype = dtype
        self.engine = engine
        self.threads = threads

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> MLPClassifier:
        """Train on rows X, and return the estimator itself.

        Parameters
        ----------
        X : array-like or sparse matrix (m, n_features)
            Examples as rows.
        y : array-like (m,) or (m, n_labels)
            Labels of any kind, or 0 and 1 for each of several labels.
        sample_weight : array-like (m,), optional
            Weight of each example.
        X_val, y_val : as X and y, optional
            Examples to validate on, in place of a part that is held back. Their scores and losses
            are recorded; they stop training with `early_stopping`. With "lbfgs", to calibrate
            alone. Ours.
        sample_weight_val : array-like, optional
            Weight of each of them. Ours.
        """
        self._check_calibration(X_val)
        self._fit(X, y, sample_weight, validation=(X_val, y_val, sample_weight_val))
        return self

    @available_if(lambda mlp: mlp._check_solver())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> MLPClassifier:
        """Train for one epoch on these rows, going on from where the last call ended.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array-like (n_classes,), optional
            All labels that will ever be there; needed in the first call.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all examples at once; for partial_fit, give a dict, "
                "such as of sklearn.utils.compute_class_weight"
            )
        if self.calibrate:
            raise ValueError("calibrate=True needs examples held back, which partial_fit has not")
        if _check_partial_fit_first_call(self, classes):
            self._label_binarizer = LabelBinarizer()
            many = type_of_target(y).startswith("multilabel")
            self._label_binarizer.fit(y if many else classes)
        self._fit(X, y, sample_weight, incremental=True)
        return self

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the likeliest label for rows X (m, n_features): (m,), or (m, n_labels)."""
        return self._decide(self._outputs(X))

    def predict_proba(self, X: Any) -> npt.NDArray[Any]:
        """Return the probability of each class for rows X, of shape (m, n_classes)."""
        A = self._outputs(X)
        return np.hstack([1 - A, A]) if self.n_outputs_ == 1 else A

    def predict_log_proba(self, X: Any) -> npt.NDArray[Any]:
        """Return the logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _predictor(self) -> Network:
        network, T = super()._predictor(), getattr(self, "temperature_", 1.0)
        return network if T == 1 else with_temperature(network, T)

    def _check_data(self, X: Any, y: Any, reset: bool) -> tuple[Any, npt.NDArray[Any]]:
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            dtype=self._float_types(),
            reset=reset,
        )
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _learn_targets(self, y: npt.NDArray[Any], incremental: bool) -> None:
        self.temperature_ = 1.0
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        elif self.warm_start and set(classes := unique_labels(y)) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {classes}"
            )

    def _encode(self, y: npt.NDArray[Any]) -> npt.NDArray[Any]:
        classes = unique_labels(y)
        if len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {classes}."
            )
        return np.asarray(self._label_binarizer.transform(y)).astype(bool)

    def _output_and_loss(self) -> tuple[str, Loss]:
        several = self._label_binarizer.y_type_ == "multiclass"
        name = "categorical_cross_entropy" if several else "binary_cross_entropy"
        loss = LOSSES[name] if isinstance(self.loss, str) else self.loss
        return LOSSES[name].output, loss

    def _targets(self, network: Network, Y: npt.NDArray[Any], training: bool) -> npt.NDArray[Any]:
        structure, s = network.structure, self.label_smoothing if training else 0.0
        if structure.loss.labels and s == 0:
            return Y.argmax(axis=1).reshape(-1, 1)
        K = structure.n_outputs if structure.output.vjp is not None else 2
        return (Y * (1 - s) + s / K).astype(network.dtype)

    def _training_weight(self, y: npt.NDArray[Any], w: Any) -> Any:
        if self.class_weight is None:
            return w
        of_classes = compute_sample_weight(self.class_weight, y)
        return of_classes if w is None else w * of_classes

    def _strata(self, Y: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
        return Y if self.n_outputs_ == 1 else None

    def _decide(self, A: FloatArray) -> npt.NDArray[Any]:
        _checks.check_decidable(A)
        labels: npt.NDArray[Any]
        labels = self._label_binarizer.inverse_transform(A.ravel() if A.shape[1] == 1 else A)
        return labels

    def _score(self, A: FloatArray, y: npt.NDArray[Any], w: FloatArray | None) -> float:
        if not np.isfinite(A).all():
            return math.nan
        sample_weight = None if w is None else w.ravel()
        return float(accuracy_score(y, self._decide(A), sample_weight=sample_weight))

    def _check_calibration(self, X_val: Any) -> None:
        holds_back = self.early_stopping and self.solver != "lbfgs"
        if self.calibrate and X_val is None and not holds_back:
            raise ValueError(
                "calibrate=True needs examples held back: early_stopping=True (not with "
                "solver='lbfgs'), or X_val and y_val"
            )

    def _calibrate(self, network: Network, held: Held | None) -> None:
        if self.calibrate and held is not None:
            examples = held.examples
            X, Y, w = examples.X, examples.Y, examples.sample_weight
            self.temperature_ = learn_temperature(network, X, Y, w)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
