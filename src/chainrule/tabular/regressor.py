"""A regressor for tables as they come."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import StrOptions

from chainrule._types import FloatArray
from chainrule.callbacks import Callback, Progress
from chainrule.checkpoints import Checkpoints
from chainrule.estimators.regressor import LOSS_NAMES
from chainrule.loss import Loss
from chainrule.losses import LOSSES
from chainrule.tabular.base import CONSTRAINTS, BaseTabular


class TabularRegressor(RegressorMixin, BaseTabular):
    """Numbers from the rows of a table, as they come: numbers, words, dates, and missing values.

    Needs narwhals, which scikit-learn 1.9 brings; before it, from the extra ``tables``.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default (128, 128)
        Units of each hidden layer.
    activation : str or Activation, default "relu"
        Activation of the hidden layers: a name in ``chainrule.activations.ACTIVATIONS``, a typed
        formula such as ``"=z*tanh(z)"``, or an :class:`~chainrule.Activation` of one's own.
    loss : str or Loss, default "squared_error"
        Also "absolute_error", "huber", "pinball", "poisson", or a :class:`~chainrule.Loss`. The
        target is scaled to mean 0 and standard deviation 1, in which its constants count, except
        where the output activation is not the identity.
    dropout : float, default 0.1
        Share of the outputs of the hidden layers that a training step sets to zero.
    normalization : {"batch", "layer"} or None, default "batch"
        Normalisation of the hidden layers.
    learning_rate_init : float, default 0.002
        The highest rate of AdamW. It rises over the first twentieth of all updates, and falls by
        half a cosine to 0 at the last of `max_iter` epochs.
    weight_decay : float, default 0.01
        Decoupled decay of the weights.
    batch_size : int or "auto", default "auto"
        Examples in each update; "auto" is a 32nd of all, but at least 16 and at most 256.
    max_iter : int, default 200
        Most epochs.
    patience : int, default 40
        Training stops after so many epochs in a row without a new least loss on the validation
        part. Each network ends with the weights of its best epoch.
    validation_fraction : float, default 0.2
        The share of the rows that each network holds back to validate on, drawn anew for each.
    n_members : int, default 4
        How many networks are trained, at most 1000, side by side, each with weights, an order and a
        validation part of its own. The prediction is the mean of theirs.
    scaling : {"robust", "quantile"}, default "robust"
        Numbers are scaled by their median and quartiles, and far ones are drawn in smoothly to ±3;
        or each column is made a normal distribution.
    max_one_hot : int, default 50
        A column of more categories than this gets a learned vector for each, any other a column of
        0 and 1 for each.
    categorical_features : sequence of str, optional
        Columns that are categories though they hold numbers or dates.
    numeric_features : sequence of str, optional
        Columns of numbers that are kept though they number the rows.
    time_limit : float, optional
        Seconds after which training stops, with the best weights so far. Each network has at least
        one epoch.
    random_state : None, int or RandomState, default None
        Draws everything. The bits are the same for the same number and data on the same engine,
        whatever the number of threads, unless a time limit ends training. "auto" may take another
        engine once compiled code is on disk; name one, where that matters.
    output : {"input", "array"}, default "input"
        Whether predictions are of the kind that X is of, or arrays, which some tools insist on,
        such as scikit-learn's TransformedTargetRegressor.
    dtype : {"float32", "float64"}, default "float32"
        Type of the weights and of all arithmetic.
    engine : {"auto", "numpy", "compiled"}, default "auto"
        What runs the steps, as in :func:`chainrule.fit`.
    threads : int, optional
        Threads in all; by default as many as there are cores.
    verbose : bool or int, default False
        Whether to print the losses of each epoch.

    Attributes
    ----------
    baseline_ : float
        The mean target of training: what one knows without looking at X.
    target_range_ : tuple of float
        The least and the greatest target of training; no prediction lies outside it.
    target_name_ : str
        Name of the target, "prediction" if it had none.
    networks_ : list of Network
        The trained networks.
    histories_ : list of History
        Their losses by epoch.
    preprocessing_ : Preprocessing
        What became of the columns: `describe` prints it.
    n_iter_ : int
        The most epochs that a network was trained for.
    n_features_in_, feature_names_in_
        Columns of X, and their names where they had any.

    Raises
    ------
    ValueError, TypeError
        In `fit`, if a parameter or the data are not as above.
    ImportError
        If narwhals is not there.

    Notes
    -----
    Columns of numbers are scaled, with a column beside them that says where a number is missing.
    Columns of words become categories, of which those seen less than three times are one, and a
    missing value is one of its own; unless all the words are numbers, or dates in the form of
    ISO 8601. Dates become days, and places in the year, the week and the day. What can't be learned
    from is dropped: constant columns, numbers of rows, names and free text.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = TabularRegressor(n_members=1, random_state=0).fit(X, y)
    >>> model.predict(X).shape
    (442,)
    """

    _parameter_constraints = {  # noqa: RUF012  (scikit-learn's name and kind)
        **CONSTRAINTS,
        "loss": [StrOptions({*LOSS_NAMES}), Loss],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (128, 128),
        activation: Any = "relu",
        *,
        loss: Any = "squared_error",
        dropout: float = 0.1,
        normalization: str | None = "batch",
        learning_rate_init: float = 0.002,
        weight_decay: float = 0.01,
        batch_size: int | str = "auto",
        max_iter: int = 200,
        patience: int = 40,
        validation_fraction: float = 0.2,
        n_members: int = 4,
        scaling: str = "robust",
        max_one_hot: int = 50,
        categorical_features: Any = None,
        numeric_features: Any = None,
        time_limit: float | None = None,
        random_state: Any = None,
        output: str = "input",
        dtype: str = "float32",
        engine: str = "auto",
        threads: int | None = None,
        verbose: bool | int = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.dropout = dropout
        self.normalization = normalization
        self.learning_rate_init = learning_rate_init
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.n_members = n_members
        self.scaling = scaling
        self.max_one_hot = max_one_hot
        self.categorical_features = categorical_features
        self.numeric_features = numeric_features
        self.time_limit = time_limit
        self.random_state = random_state
        self.output = output
        self.dtype = dtype
        self.engine = engine
        self.threads = threads
        self.verbose = verbose

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
        callbacks: Iterable[Callback | Callable[[Progress], Any]] = (),
        checkpoint: str | os.PathLike[str] | Checkpoints | None = None,
        resume: bool = False,
    ) -> TabularRegressor:
        """Train on the rows of a table, and return the estimator itself.

        Parameters
        ----------
        X : table, or array-like (m, n_columns)
            Of pandas, Polars, PyArrow or another kind that narwhals knows.
        y : series or array-like (m,)
            Numbers.
        sample_weight : array-like (m,), optional
            Weight of each example.
        X_val, y_val : as X and y, optional
            Examples to validate on, in place of parts that are held back.
        sample_weight_val : array-like, optional
            Weight of each of them.
        callbacks : iterable of Callback or callable, default none
            As in :func:`chainrule.fit`, for each network, in the thread that trains it. A function
            is called for all of them; of a Callback, each has a copy of its own.
        checkpoint, resume : optional
            As in :func:`chainrule.fit`: where training is saved, a folder for each network in it,
            and whether to go on with what is there. `random_state` must then be an integer.
        """
        self._fit(
            X, y, sample_weight, (X_val, y_val, sample_weight_val), callbacks, checkpoint, resume
        )
        return self

    def predict(self, X: Any) -> Any:
        """Return the prediction for each row (m,), as a series of the kind that X is of."""
        table = self._read(X)
        return self._as_asked(self._decide(self._outputs(table)), table)

    def _decide(self, A: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):  # infinite, that is, beyond the range
            y: FloatArray = A[:, 0] * self.target_scale_ + self.target_mean_
        return np.clip(y, *self.target_range_)

    def _score(self, A: FloatArray, y: npt.NDArray[Any]) -> float:
        return float(r2_score(y, self._decide(A)))

    def _learn_target(self, y: npt.NDArray[Any]) -> None:
        y = _numbers(y)
        largest = float(np.abs(y).max()) or 1.0  # sums, and squares, of 1e200 would overflow
        self.baseline_ = float((y / largest).mean() * largest)
        self.target_range_ = float(y.min()), float(y.max())
        self.target_mean_, self.target_scale_ = 0.0, 1.0
        if self._output_and_loss()[0] == "identity":
            self.target_mean_ = self.baseline_
            self.target_scale_ = float((y / largest).std() * largest) or 1.0

    def _encode(self, y: npt.NDArray[Any]) -> npt.NDArray[Any]:
        with np.errstate(over="ignore"):  # what is too large for the type is refused by `fit`
            scaled: npt.NDArray[Any] = (_numbers(y) - self.target_mean_) / self.target_scale_
            return scaled.astype(self.dtype)

    def _output_and_loss(self) -> tuple[str, Loss, int]:
        loss = LOSSES[LOSS_NAMES[self.loss]] if isinstance(self.loss, str) else self.loss
        return loss.output, loss, 1

    def _target_in_words(self) -> str:
        low, high = self.target_range_
        scaled = ""
        if (self.target_mean_, self.target_scale_) != (0.0, 1.0):
            scaled = f", scaled by mean {self.target_mean_:g} and deviation {self.target_scale_:g}"
        return f"target {self.target_name_}: numbers from {low:g} to {high:g}{scaled}"


def _numbers(y: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    try:
        numbers = y.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            f"y must hold numbers, got {y.tolist()[0]!r:.60}; for classes, TabularClassifier"
        ) from None
    if not np.isfinite(numbers).all():
        raise ValueError("y must be finite numbers, got an infinite one")
    return numbers
