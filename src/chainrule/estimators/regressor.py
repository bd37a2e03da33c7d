"""A regressor with the parameters, attributes and results of scikit-learn's, and more."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data

from chainrule._types import FloatArray
from chainrule.estimators.base import CONSTRAINTS, BaseMLP
from chainrule.loss import Loss
from chainrule.losses import LOSSES
from chainrule.network import Network

# The losses by the names that scikit-learn gives them.
LOSS_NAMES = {
    "squared_error": "mean_squared_error",
    "poisson": "poisson_deviance",
    "absolute_error": "mean_absolute_error",
    "huber": "huber",
    "pinball": "pinball",
}


class MLPRegressor(RegressorMixin, BaseMLP):
    """A multi-layer perceptron for numbers, which takes the place of scikit-learn's.

    With scikit-learn's parameters it draws the same weights and the same order of the examples as
    ``sklearn.neural_network.MLPRegressor``, and learns the same, within rounding. What is marked
    as ours is beyond that; its defaults change nothing.

    Parameters
    ----------
    loss : str or Loss, default "squared_error"
        ``"squared_error"``, halved, and ``"poisson"``, half the deviance, with e^z as the outputs
        and for targets of at least 0, are scikit-learn's. Ours are ``"absolute_error"``,
        ``"huber"``, ``"pinball"``, with the constants that :func:`~chainrule.Huber` and
        :func:`~chainrule.Pinball` have, and a :class:`~chainrule.Loss`.
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
        Whether to hold back a part of the examples, stop when the R² score on it no longer gets
        better, and give back the weights of the best epoch. scikit-learn's.
    validation_fraction : float, default 0.1
        The share to hold back. scikit-learn's.
    beta_1, beta_2 : float, default 0.9 and 0.999
        Memories of "adam" for the gradient and its square. scikit-learn's.
    epsilon : float, default 1e-08
        What "adam" adds to the root of the squares, before it is corrected. scikit-learn's.
    n_iter_no_change : int or inf, default 10
        Training stops after more epochs in a row than this without one that is better by `tol`.
        scikit-learn's.
    max_fun : int, default 15000
        Most evaluations of the cost by "lbfgs". scikit-learn's.
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
    coefs_, intercepts_ : list of array
        W (n_in, n_out) and b (n_out,) of each layer, views into the network. scikit-learn's.
    loss_curve_ : list of float
        Mean cost of each epoch's mini-batches, each before its update, with its penalty;
        for the squared error of several outputs, the mean over them;
        not for "lbfgs". scikit-learn's.
    loss_, best_loss_ : float
        The last of them, and the least; the least is None with `early_stopping`. scikit-learn's.
    validation_scores_ : list of float or None
        R² on the validation part after each epoch. scikit-learn's.
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

    Raises
    ------
    ValueError, TypeError
        In `fit`, if a parameter or the data are not as above, or the weights stop being finite.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> mlp = MLPRegressor(solver="lbfgs", hidden_layer_sizes=(), random_state=0).fit(X, y)
    >>> round(mlp.score(X, y), 2)
    0.52
    """

    _parameter_constraints = {  # noqa: RUF012  (scikit-learn's name and kind)
        **CONSTRAINTS,
        "loss": [StrOptions({*LOSS_NAMES}), Loss],
    }

    def __init__(
        self,
        loss: Any = "squared_error",
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
        clip_norm: float | None = None,
        clip_value: float | None = None,
        patience: int | None = None,
        restore_best: bool | None = None,
        dtype: Any = None,
        engine: str = "auto",
        threads: int | None = None,
    ) -> None:
        self.loss = loss
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
    ) -> MLPRegressor:
        """Train on rows X, and return the estimator itself.

        Parameters
        ----------
        X : array-like or sparse matrix (m, n_features)
            Examples as rows.
        y : array-like (m,) or (m, n_outputs)
            Targets.
        sample_weight : array-like (m,), optional
            Weight of each example.
        X_val, y_val : as X and y, optional
            Examples to validate on, in place of a part that is held back. Their scores and losses
            are recorded; they stop training with `early_stopping`. Not for "lbfgs".
            Ours.
        sample_weight_val : array-like, optional
            Weight of each of them. Ours.
        """
        self._fit(X, y, sample_weight, validation=(X_val, y_val, sample_weight_val))
        return self

    @available_if(lambda mlp: mlp._check_solver())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train for one epoch on these rows, going on from where the last call ended.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        """
        self._fit(X, y, sample_weight, incremental=True)
        return self

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the outputs for rows X (m, n_features), of shape (m,) or (m, n_outputs)."""
        return self._decide(self._outputs(X))

    def _check_data(self, X: Any, y: Any, reset: bool) -> tuple[Any, npt.NDArray[Any]]:
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            y_numeric=True,
            dtype=self._float_types(),
            reset=reset,
        )
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _encode(self, y: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def _output_and_loss(self) -> tuple[str, Loss]:
        loss = LOSSES[LOSS_NAMES[self.loss]] if isinstance(self.loss, str) else self.loss
        return loss.output, loss

    def _targets(self, network: Network, Y: npt.NDArray[Any], training: bool) -> npt.NDArray[Any]:
        return network.structure.loss.encode(Y, network.structure.n_outputs, network.dtype)

    def _loss_divisor(self) -> int:
        return int(self.n_outputs_) if self.loss == "squared_error" else 1

    def _decide(self, A: FloatArray) -> FloatArray:
        return A.ravel() if A.shape[1] == 1 else A

    def _score(self, A: FloatArray, y: npt.NDArray[Any], w: FloatArray | None) -> float:
        if not np.isfinite(A).all():
            return math.nan
        sample_weight = None if w is None else w.ravel()
        return float(r2_score(y, self._decide(A), sample_weight=sample_weight))
