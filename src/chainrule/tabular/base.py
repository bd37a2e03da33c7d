"""What the two estimators for tables have in common."""

from __future__ import annotations

import copy
import os
import sys
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from chainrule import _checks
from chainrule._text import align
from chainrule._types import FloatArray
from chainrule.activation import Activation
from chainrule.activations import ACTIVATIONS
from chainrule.callbacks import Callback, OnEpoch, Progress
from chainrule.checkpoints import Checkpoints, as_checkpoints
from chainrule.description import Custom
from chainrule.engine import ENGINES
from chainrule.estimators.initialization import ActivationNames
from chainrule.history import History
from chainrule.loss import Loss
from chainrule.network import Network
from chainrule.normalization import NORMALIZATIONS
from chainrule.tabular.members import Plan, Rows, as_inputs, train_members
from chainrule.tabular.preprocessing import Preprocessing
from chainrule.tabular.roles import NUMBERS_ROWS
from chainrule.tabular.scaling import SCALINGS
from chainrule.tabular.tables import Table, as_series, read_table, read_target

# Networks of one ensemble, and of a file that one is loaded from.
MOST_MEMBERS = 1000

CONSTRAINTS: dict[str, Any] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [ActivationNames({*ACTIVATIONS} - {"softmax"}), Activation],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "normalization": [StrOptions({*NORMALIZATIONS}), None],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "patience": [Interval(Integral, 1, None, closed="left")],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_members": [Interval(Integral, 1, MOST_MEMBERS, closed="both")],
    "scaling": [StrOptions({*SCALINGS})],
    "max_one_hot": [Interval(Integral, 0, None, closed="left")],
    "categorical_features": ["array-like", None],
    "numeric_features": ["array-like", None],
    "output": [StrOptions({"input", "array"})],
    "time_limit": [Interval(Real, 0, None, closed="neither"), None],
    "random_state": ["random_state"],
    "dtype": [StrOptions({"float32", "float64"})],
    "engine": [StrOptions({*ENGINES})],
    "threads": [Interval(Integral, 1, None, closed="left"), None],
    "verbose": ["verbose"],
}


class BaseTabular(BaseEstimator):
    """An ensemble of networks behind scikit-learn's interface, which takes tables as they come.

    A base, not to be used itself.
    """

    _parameter_constraints: dict[str, Any] = CONSTRAINTS
    tells = False  # whether to say what there is to wait for, without all that `verbose` prints
    networks_: list[Network]
    histories_: list[History]
    preprocessing_: Preprocessing

    # What the two kinds of estimators differ in.
    def _learn_target(self, y: npt.NDArray[Any]) -> None:
        """Take note of what the target is."""
        raise NotImplementedError

    def _encode(self, y: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the target (m,) as a network has it."""
        raise NotImplementedError

    def _output_and_loss(self) -> tuple[str, Loss, int]:
        """Return the output activation, the loss and the number of outputs."""
        raise NotImplementedError

    def _decide(self, A: FloatArray) -> npt.NDArray[Any]:
        """Return the predictions (m,) of outputs A (m, n_L), the mean of the networks'."""
        raise NotImplementedError

    def _score(self, A: FloatArray, y: npt.NDArray[Any]) -> float:
        """Return the accuracy, or R², of outputs A."""
        raise NotImplementedError

    def _strata(self, y: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
        """Return by what the split of the validation part is stratified."""
        return None

    def _training_weight(self, y: npt.NDArray[Any], w: FloatArray | None) -> FloatArray | None:
        """Return the weights (m,) of the examples in the loss, of the user's own, or None."""
        return w

    def _smooth(self, Y: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the targets of training."""
        return Y

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation: tuple[Any, Any, Any],
        callbacks: Iterable[Callback | Callable[[Progress], Any]],
        checkpoint: str | os.PathLike[str] | Checkpoints | None,
        resume: bool,
    ) -> None:
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None"
            )
        table = read_table(X)
        if table.n_rows == 1:
            raise ValueError("X must have more than 1 sample, of which some are validated on")
        target, name = read_target(y, table.n_rows)
        self.__dict__.pop("networks_", None)  # what fails from here on leaves no half of a model
        sample_weight = _check_weights(sample_weight, table.n_rows)
        self._learn_target(target)
        self._set_features(table)
        self.target_name_ = name or "prediction"
        named = [
            () if names is None else list(names)
            for names in (self.categorical_features, self.numeric_features)
        ]
        self.preprocessing_ = Preprocessing(self.scaling, self.max_one_hot, *named).fit(table)
        for role in self.preprocessing_.roles:
            if role.reason == NUMBERS_ROWS:
                warnings.warn(
                    f"column {role.name!r} is left out, as it numbers the rows; "
                    f"numeric_features=[{role.name!r}] keeps it",
                    stacklevel=5,
                )
        rows = Rows(
            as_inputs(self.preprocessing_.transform(table, self.dtype)),
            self._encode(target),
            self._training_weight(target, sample_weight),
            self._strata(target),
        )
        held = self._held(*validation)
        callbacks = list(callbacks)
        rng = check_random_state(self.random_state)
        seeds = rng.randint(np.iinfo(np.int32).max, size=self.n_members)
        plan = replace(self._plan(callbacks), **self._saving(checkpoint, resume))
        members = train_members(plan, rows, held, seeds.tolist())
        self.networks_ = [member.network for member in members]
        self.histories_ = [member.history for member in members]
        self.temperatures_ = [member.temperature for member in members]
        if len(members) < self.n_members or any(
            history.stopped == "interrupted" for history in self.histories_
        ):
            warnings.warn(
                f"training was interrupted: {len(members)} of {self.n_members} networks are kept",
                stacklevel=4,
            )
        self.n_iter_ = max(len(history) for history in self.histories_)

    def _saving(
        self, checkpoint: str | os.PathLike[str] | Checkpoints | None, resume: bool
    ) -> dict[str, Any]:
        _checks.check_bool("resume", resume)
        if checkpoint is None:
            if resume:
                raise ValueError("resume=True needs the folder of the run, as checkpoint=")
            return {}
        if not isinstance(self.random_state, (int, np.integer)):
            raise ValueError(
                f"random_state must be an integer where checkpoints are saved, so that what is "
                f"drawn before training is the same again, got {self.random_state!r}"
            )
        return {"checkpoints": as_checkpoints(checkpoint), "resume": resume}

    def _held(self, X_val: Any, y_val: Any, sample_weight_val: Any) -> Rows | None:
        if X_val is None and y_val is None and sample_weight_val is None:
            return None
        if X_val is None or y_val is None:
            raise ValueError("X_val and y_val belong together: give both, or neither")
        table = read_table(X_val, "X_val")
        target, _ = read_target(y_val, table.n_rows)
        w = _check_weights(sample_weight_val, table.n_rows)
        X = self.preprocessing_.transform(table, self.dtype)
        Y = self._encode(target)
        return Rows(as_inputs(X), Y, self._training_weight(target, w))

    def _plan(self, callbacks: Iterable[Callback | Callable[[Progress], Any]]) -> Plan:
        sizes = self.hidden_layer_sizes
        sizes = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
        output, loss, n_outputs = self._output_and_loss()
        return Plan(
            hidden=sizes,
            activation=self.activation,
            dropout=self.dropout,
            normalization=self.normalization,
            loss=loss,
            output=output,
            n_outputs=n_outputs,
            embedded=self.preprocessing_.embedded,
            learning_rate=self.learning_rate_init,
            weight_decay=self.weight_decay,
            batch_size=self.batch_size,
            max_iter=self.max_iter,
            patience=self.patience,
            validation_fraction=self.validation_fraction,
            calibrate=getattr(self, "calibrate", False),
            time_limit=self.time_limit,
            dtype=self.dtype,
            engine=self.engine,
            threads=self.threads,
            listeners=lambda number: [*map(_own, callbacks), *self._listeners(number)],
            smooth=self._smooth,
            say=(lambda text: print(text, file=sys.stderr)) if self.verbose or self.tells else None,
        )

    def _listeners(self, number: int) -> list[Callback]:
        """Return what listens to the training of a network, by its number from 0."""

        def tell(progress: Progress) -> None:
            history, epoch = progress.history, progress.epoch + 1
            losses = f"loss {history.loss[-1]:.6f}, validation loss {history.val_loss[-1]:.6f}"
            print(f"Network {number + 1}, epoch {epoch}: {losses}")

        return [OnEpoch(tell)] if self.verbose else []

    def _set_features(self, table: Table) -> None:
        self.n_features_in_ = len(table.columns)
        self.__dict__.pop("feature_names_in_", None)
        if hasattr(table.native, "columns") or hasattr(table.native, "column_names"):
            self.feature_names_in_ = np.array(list(table.columns), dtype=object)

    def _outputs(self, table: Table) -> FloatArray:
        """Return the mean of what the networks give out for the rows of a table, (m, n_L)."""
        inputs = self.preprocessing_.transform(table, self.dtype)
        outputs: FloatArray = np.mean(
            [
                network.forward(inputs, engine=self.engine, threads=self.threads).astype(float)
                for network in self.networks_
            ],
            axis=0,
        )
        return outputs

    def _as_asked(self, predicted: npt.NDArray[Any], table: Table) -> Any:
        """Return predictions (m,) in the kind of a table, or as they are."""
        if self.output == "array":
            return predicted
        return as_series(predicted, self.target_name_, table)

    def _read(self, X: Any) -> Table:
        check_is_fitted(self, "networks_")
        table = read_table(X)
        if not table.named and len(table.columns) != self.n_features_in_:
            raise ValueError(
                f"X has {len(table.columns)} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )
        return table

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        custom: Custom | None = None,
        overwrite: bool = True,
    ) -> None:
        """Write the model to one file, for :func:`chainrule.load`: no pickle, no code.

        Parameters
        ----------
        path : str or path
            The file, such as ``"model.safetensors"``. It takes the place of an older one in one
            step: if anything fails, that one stays as it was.
        custom : mapping of str to Activation, Loss or initialiser, optional
            Your own formulas, as in :meth:`chainrule.Network.save`.
        overwrite : bool, default True
            Whether a file may be there already.

        Raises
        ------
        ValueError
            If a formula is neither the library's nor in `custom`, or labels are of a type that
            JSON has not.
        OSError
            If the file can't be written.
        ImportError
            If safetensors, of the extra ``tables``, is not there.
        """
        check_is_fitted(self, "networks_")
        from chainrule.tabular.saving import save_model  # which knows both estimators

        save_model(self, path, custom, overwrite)

    def describe(self, file: TextIO | None = None) -> None:
        """Print the columns, what became of each, and how the networks were trained.

        Parameters
        ----------
        file : text file, optional
            Where to print; the standard output by default.
        """
        check_is_fitted(self, "networks_")
        print(self._description(), file=file)

    def _description(self) -> str:
        done = self.preprocessing_
        header = ["column", "came as", "missing", "distinct", "becomes"]
        lines = [header]
        for role in done.roles:
            cells = [role.name, role.came_as + "s", f"{role.missing:,}", f"{role.distinct:,}"]
            lines.append([*cells, done.becomes(role)])
        parts = [align(lines, right={"missing", "distinct"}), "", self._target_in_words()]
        n = len(self.networks_)
        parts += [
            f"{n} network{'s' * (n > 1)}{' side by side, each' * (n > 1)} of this structure:",
            str(self.networks_[0].structure),
        ]
        for i, history in enumerate(self.histories_, 1):
            parts.append(
                f"network {i}: {len(history)} epochs, best {history.best_epoch}, "
                f"validation loss {min(history.val_loss):.4g}, stopped: {history.stopped}"
            )
        return "\n".join(parts)

    def _target_in_words(self) -> str:
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def _check_weights(sample_weight: Any, n_rows: int) -> FloatArray | None:
    if sample_weight is None:
        return None
    rows = np.empty((n_rows, 1))
    w: FloatArray = _check_sample_weight(sample_weight, rows, ensure_non_negative=True)
    if not w.any():
        raise ValueError("sample_weight must not be zero for every example")
    _checks.check_size_of_weights(w)
    return w


def _own(callback: Any) -> Any:
    """Return a callback for one network: a copy, if it may remember something of another."""
    return copy.deepcopy(callback) if isinstance(callback, Callback) else callback
