"""A classifier for tables as they come."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.metrics import accuracy_score
from sklearn.utils import compute_class_weight
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import type_of_target

from chainrule import _checks
from chainrule._types import FloatArray
from chainrule.callbacks import Callback, Progress
from chainrule.checkpoints import Checkpoints
from chainrule.loss import Loss, one_hot
from chainrule.losses import LOSSES
from chainrule.tabular.base import CONSTRAINTS, BaseTabular
from chainrule.tabular.tables import as_table


class TabularClassifier(ClassifierMixin, BaseTabular):
    """Classes from the rows of a table, as they come: numbers, words, dates, and missing values.

    Needs narwhals, which scikit-learn 1.9 brings; before it, from the extra ``tables``.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default (128, 128)
        Units of each hidden layer.
    activation : str or Activation, default "relu"
        Activation of the hidden layers: a name in ``chainrule.activations.ACTIVATIONS``, a typed
        formula such as ``"=z*tanh(z)"``, or an :class:`~chainrule.Activation` of one's own.
    class_weight : dict, "balanced" or None, default None
        Weight of each class in the losses of training and of validation: a number for each label,
        or such that every class has the same weight in all. Probabilities are then those of rows
        so weighed, in which a rare class is less rare.
    label_smoothing : float, default 0
        Share s in [0, 1) of each target that is spread evenly over the classes.
    calibrate : bool, default True
        Whether each network learns a temperature T on its validation part, so that probabilities
        g(z / T) are right on average. Guo et al. (2017), section 4.2.
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
    classes_ : array (n_classes,)
        The labels.
    baseline_ : array (n_classes,)
        The share of each class in training: what one knows without looking at X.
    temperatures_ : list of float
        T of each network, which is in its weights already.
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
    >>> import polars as pl
    >>> columns = {"size": [1.0, 9.5, None, 8.7] * 25, "kind": ["a", "b", "a", "c"] * 25}
    >>> table = pl.DataFrame(columns)
    >>> model = TabularClassifier(max_iter=20, random_state=0)
    >>> model = model.fit(table, ["small", "large", "small", "large"] * 25)
    >>> model.predict(table[:4]).to_list()
    ['small', 'large', 'small', 'large']
    """

    _parameter_constraints = {  # noqa: RUF012  (scikit-learn's name and kind)
        **CONSTRAINTS,
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "calibrate": ["boolean"],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (128, 128),
        activation: Any = "relu",
        *,
        dropout: float = 0.1,
        normalization: str | None = "batch",
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        calibrate: bool = True,
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
        self.dropout = dropout
        self.normalization = normalization
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing
        self.calibrate = calibrate
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
    ) -> TabularClassifier:
        """Train on the rows of a table, and return the estimator itself.

        Parameters
        ----------
        X : table, or array-like (m, n_columns)
            Of pandas, Polars, PyArrow or another kind that narwhals knows.
        y : series or array-like (m,)
            Labels of any kind.
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
        """Return the likeliest label of each row (m,), as a series of the kind that X is of."""
        table = self._read(X)
        return self._as_asked(self._decide(self._outputs(table)), table)

    def predict_proba(self, X: Any, *, as_frame: bool = False) -> Any:
        """Return the probability of each class (m, n_classes).

        An array, as scikit-learn's tools expect; with `as_frame`, a table of the kind that X is of,
        with a column for each class.
        """
        table = self._read(X)
        P = self._probabilities(self._outputs(table))
        if not as_frame:
            return P
        return as_table({str(label): P[:, k] for k, label in enumerate(self.classes_)}, table)

    def _decide(self, A: FloatArray) -> npt.NDArray[Any]:
        _checks.check_decidable(A)
        labels: npt.NDArray[Any] = self.classes_[self._probabilities(A).argmax(axis=1)]
        return labels

    def _score(self, A: FloatArray, y: npt.NDArray[Any]) -> float:
        return float(accuracy_score(y, self._decide(A)))

    def _probabilities(self, A: FloatArray) -> FloatArray:
        if A.shape[1] == 1:
            return np.hstack([1 - A, A])
        P: FloatArray = A / A.sum(axis=1, keepdims=True)  # float32 sums to 1 but roughly
        return P

    def _learn_target(self, y: npt.NDArray[Any]) -> None:
        with np.errstate(invalid="ignore"):  # it tries whole numbers, which 1e300 is none of
            kind = type_of_target(y)
        if kind not in ("binary", "multiclass"):
            raise ValueError(
                f"y must hold classes, got {kind} values; for numbers, TabularRegressor"
            )
        self.classes_, counts = np.unique(y, return_counts=True)
        if len(self.classes_) < 2:
            (one,) = self.classes_.tolist()
            raise ValueError(f"y must have at least two classes, got one: {one!r}")
        self.baseline_ = counts / counts.sum()
        self._counts = counts

    def _encode(self, y: npt.NDArray[Any]) -> npt.NDArray[Any]:
        places = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        if (wrong := self.classes_[places] != y).any():
            raise ValueError(f"y_val has a label that is not in y: {y[wrong].tolist()[0]!r}")
        return places if len(self.classes_) > 2 else places.astype(self.dtype)

    def _output_and_loss(self) -> tuple[str, Loss, int]:
        n = len(self.classes_)
        loss = LOSSES["binary_cross_entropy" if n == 2 else "categorical_cross_entropy"]
        return loss.output, loss, 1 if n == 2 else n

    def _strata(self, y: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return y

    def _training_weight(self, y: npt.NDArray[Any], w: FloatArray | None) -> FloatArray | None:
        if self.class_weight is None:
            return w
        # By the shares in training, for the rows of validation too
        y_learned = np.repeat(self.classes_, self._counts)
        weights = compute_class_weight(self.class_weight, classes=self.classes_, y=y_learned)
        of_classes: FloatArray = weights[np.searchsorted(self.classes_, y)]
        return of_classes if w is None else w * of_classes

    def _smooth(self, Y: npt.NDArray[Any]) -> npt.NDArray[Any]:
        s, n = self.label_smoothing, len(self.classes_)
        if s == 0:
            return Y
        Y = one_hot(Y.reshape(-1, 1), n, self.dtype) if n > 2 else Y
        return (Y * (1 - s) + s / n).astype(self.dtype)

    def _target_in_words(self) -> str:
        kinds = [
            f"{label} {100 * share:.3g} %"
            for label, share in zip(self.classes_, self.baseline_, strict=True)
        ]
        more = f", and {len(kinds) - 10} more" if len(kinds) > 10 else ""
        return f"target {self.target_name_}: {', '.join(kinds[:10])}{more}"
