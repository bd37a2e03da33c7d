"""What the estimators have in common: parameters, fit, and the network behind the attributes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from chainrule import _checks
from chainrule._inputs import Inputs, check_inputs
from chainrule._types import FloatArray
from chainrule.activation import Activation
from chainrule.activations import ACTIVATIONS
from chainrule.batches import Examples
from chainrule.engine import ENGINES
from chainrule.estimators.initialization import (
    ACTIVATION_NAMES,
    THEIR_NAMES,
    ActivationNames,
    draw_network,
    make_structure,
)
from chainrule.estimators.lbfgs import minimize_cost
from chainrule.estimators.solvers import RATES
from chainrule.estimators.stochastic import Held, fit_stochastic
from chainrule.estimators.tasks import CallbackSupportMixin, Tasks
from chainrule.loss import Loss
from chainrule.network import Network
from chainrule.normalization import NORMALIZATIONS
from chainrule.optimizers import OPTIMIZERS, Optimizer
from chainrule.penalties import Penalty
from chainrule.schedules import ReduceOnPlateau
from chainrule.structure import Structure


def _interval(kind: Any, low: float, high: float | None, closed: str) -> Any:
    return Interval(kind, low, high, closed=closed)


CONSTRAINTS: dict[str, Any] = {
    "hidden_layer_sizes": ["array-like", _interval(Integral, 1, None, "left")],
    "activation": [ActivationNames({*ACTIVATIONS, *ACTIVATION_NAMES}), Activation, "array-like"],
    "solver": [StrOptions({"lbfgs", "sgd", "adam", *OPTIMIZERS}), Optimizer],
    "alpha": [_interval(Real, 0, None, "left")],
    "batch_size": [StrOptions({"auto"}), _interval(Integral, 1, None, "left")],
    "learning_rate": [StrOptions({*RATES}), callable, ReduceOnPlateau],
    "learning_rate_init": [_interval(Real, 0, None, "neither")],
    "power_t": [_interval(Real, 0, None, "left")],
    "max_iter": [_interval(Integral, 1, None, "left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [_interval(Real, 0, None, "left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [_interval(Real, 0, 1, "both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [_interval(Real, 0, 1, "left")],
    "beta_1": [_interval(Real, 0, 1, "left")],
    "beta_2": [_interval(Real, 0, 1, "left")],
    "epsilon": [_interval(Real, 0, None, "neither")],
    "n_iter_no_change": [_interval(Integral, 1, None, "left"), Options(Real, {math.inf})],
    "max_fun": [_interval(Integral, 1, None, "left")],
    "dropout": [_interval(Real, 0, 1, "left"), "array-like"],
    "normalization": [StrOptions({*NORMALIZATIONS}), "array-like", None],
    "clip_norm": [_interval(Real, 0, None, "neither"), None],
    "clip_value": [_interval(Real, 0, None, "neither"), None],
    "patience": [_interval(Integral, 1, None, "left"), None],
    "restore_best": ["boolean", None],
    "dtype": "no_validation",  # checked with the data
    "engine": [StrOptions({*ENGINES})],
    "threads": [_interval(Integral, 1, None, "left"), None],
}


class BaseMLP(CallbackSupportMixin, BaseEstimator):
    """A multi-layer perceptron behind scikit-learn's interface; a base, not to be used itself.

    What it learns lies in `network_`; `coefs_` and `intercepts_` are views into it.
    """

    _parameter_constraints: dict[str, Any] = CONSTRAINTS
    _best: Network | None = None
    coefs_: list[FloatArray]
    intercepts_: list[FloatArray]
    network_: Network

    # What the two kinds of estimators differ in.
    def _check_data(self, X: Any, y: Any, reset: bool) -> tuple[Any, npt.NDArray[Any]]:
        raise NotImplementedError

    def _learn_targets(self, y: npt.NDArray[Any], incremental: bool) -> None:
        """Take note of what the targets are."""

    def _encode(self, y: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return targets (m, n_outputs)."""
        raise NotImplementedError

    def _output_and_loss(self) -> tuple[str, Loss]:
        raise NotImplementedError

    def _targets(self, network: Network, Y: npt.NDArray[Any], training: bool) -> Any:
        """Return targets as the engine takes them, of what `_encode` returned."""
        raise NotImplementedError

    def _score(self, A: FloatArray, y: npt.NDArray[Any], w: FloatArray | None) -> float:
        """Return the validation score of outputs A, NaN if they are not finite."""
        raise NotImplementedError

    def _training_weight(self, y: npt.NDArray[Any], w: Any) -> Any:
        """Return the weights (m,) of the examples in the loss, of the user's own, or None."""
        return w

    def _strata(self, Y: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
        """Return by what the split of the validation part is stratified."""
        return None

    def _loss_divisor(self) -> int:
        """Return by what scikit-learn divides the sum over the outputs in the reported loss."""
        return 1

    def _calibrate(self, network: Network, held: Held | None) -> None:
        """Learn what there is to learn after training."""

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        incremental: bool = False,
        validation: tuple[Any, Any, Any] = (None, None, None),
    ) -> Any:
        """Fit all epochs, or one if `incremental`; `validation` is X, y and weights, or None."""
        given = X, y, sample_weight
        sizes = self._hidden_sizes()
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        X, y = self._check_data(X, y, reset=first)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
            _check_weights(sample_weight)
        self._learn_targets(y, incremental)
        Y = self._encode(y)
        self.n_outputs_ = Y.shape[1]
        self._random_state = rng = check_random_state(self.random_state)
        structure = self._structure([X.shape[1], *sizes, self.n_outputs_])
        if first:
            self._begin(draw_network(structure, self.activation, X.dtype, rng))
        network = self._trained_network()
        if network.structure != structure:
            network = self._rebuild(network, structure)
        examples = self._examples(network, X, Y, self._training_weight(y, sample_weight), True)
        held = self._check_validation(network, validation, incremental)
        tasks = None if incremental else Tasks(self, *given, self.max_iter)
        if self.solver == "lbfgs":
            self._minimize(network, examples, tasks)
        else:
            if self.early_stopping and held is None:
                examples, held = self._split(network, X, Y, y, sample_weight, examples)
            fit_stochastic(self, network, examples, held, rng, tasks)
        if not np.isfinite(network.vector).all():
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large "
                "values and need to be preprocessed."
            )
        self._calibrate(network, held)
        if tasks is not None:
            tasks.end(dict)
        return self

    def _hidden_sizes(self) -> list[int]:
        sizes = self.hidden_layer_sizes
        sizes = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
        if np.any(np.array(sizes) <= 0):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
        return sizes

    def _structure(self, sizes: Sequence[int]) -> Structure:
        output, loss = self._output_and_loss()
        if self.solver == "lbfgs" and (np.any(self.dropout) or "batch" in _kinds(self)):
            raise ValueError(
                "solver='lbfgs' needs a cost that is the same each time: dropout=0 and no batch "
                f"normalisation, got dropout={self.dropout!r}, normalization={self.normalization!r}"
            )
        arguments = self.activation, output, loss, self.dropout, self.normalization
        return make_structure(sizes, *arguments)

    def _begin(self, network: Network) -> None:
        """Set the attributes as they are before the first epoch."""
        self._attach(network)
        self.n_iter_ = self.t_ = 0
        self.n_layers_ = len(network.structure.layers) + 1
        name = network.structure.output.name
        self.out_activation_ = THEIR_NAMES.get(name, name)
        self.validation_loss_curve_: list[float] | None = None
        if self.solver != "lbfgs":
            self._begin_record(network)

    def _begin_record(self, network: Network) -> None:
        """Set what a stochastic solver records as it is before the first epoch."""
        self.loss_curve_: list[float] = []
        self._no_improvement_count = 0
        self.validation_scores_: list[float] | None = None
        self.best_validation_score_: float | None = None
        self.best_loss_ = None if self.early_stopping else math.inf
        self._best = network.copy() if self.early_stopping else None

    def _rebuild(self, old: Network, structure: Structure) -> Network:
        """Return a network of another activation, dropout, … with the weights of the old one."""
        if old.structure.shapes != structure.shapes:
            raise ValueError(
                "hidden_layer_sizes and normalization must stay as they are to go on from the last "
                f"fit: its parameters are {_shapes(old.structure)}, now asked for are "
                f"{_shapes(structure)}; warm_start=False begins anew"
            )
        network = Network(structure, dtype=old.dtype)
        network.vector[:] = old.vector
        for name in network.statistics.keys() & old.statistics.keys():
            network.statistics[name][:] = old.statistics[name]
        self._best = None if self._best is None else network.copy()
        self._attach(network)
        return network

    def _examples(
        self, network: Network, X: Any, Y: npt.NDArray[Any], w: Any, training: bool
    ) -> Examples:
        dtype = network.dtype
        w = None if w is None else np.asarray(w, dtype).reshape(-1, 1)
        return Examples(as_inputs(X, network), self._targets(network, Y, training), w)

    def _check_validation(
        self, network: Network, validation: tuple[Any, Any, Any], incremental: bool
    ) -> Held | None:
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        X, y, w = validation
        if X is None and y is None and w is None:
            return None
        if X is None or y is None:
            raise ValueError("X_val and y_val belong together: give both, or neither")
        try:
            X, y = self._check_data(X, y, reset=False)
            Y = self._encode(y)
            if w is not None:
                _check_weights(w := _check_sample_weight(w, X))
        except (TypeError, ValueError) as error:
            raise type(error)(f"in X_val, y_val and sample_weight_val: {error}") from error
        return Held(self._examples(network, X, Y, w, False), y)

    def _split(
        self,
        network: Network,
        X: Any,
        Y: npt.NDArray[Any],
        y: npt.NDArray[Any],
        w: Any,
        examples: Examples,
    ) -> tuple[Examples, Held]:
        """Hold back a part to validate on, drawn as scikit-learn draws it."""
        train, held = train_test_split(
            np.arange(len(examples)),
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=self._strata(Y),
        )
        if len(held) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                "your dataset."
            )
        if w is not None and not (w[held].any() and w[train].any()):
            raise ValueError(
                f"validation_fraction={self.validation_fraction:g} leaves no row with a "
                "sample_weight above 0 in one of the sets"
            )
        w = None if w is None else w[held]
        validation = self._examples(network, X[held], Y[held], w, False)
        return examples.take(train), Held(validation, y[held])

    def _minimize(self, network: Network, examples: Examples, tasks: Tasks | None) -> None:
        assert tasks is not None
        self.n_iter_ = 0

        def after_each() -> bool:
            self.n_iter_ += 1
            if self.verbose:
                print(f"Iteration {self.n_iter_}")
            tasks.begin_epoch()
            return tasks.end_epoch(self._snapshot)

        loss, penalty, self.n_iter_ = minimize_cost(
            network,
            examples,
            Penalty(l2=self.alpha, shared=True),
            tol=self.tol,
            max_iter=self.max_iter,
            max_fun=self.max_fun,
            after_each=after_each,
        )
        self.loss_ = loss / self._loss_divisor() + penalty

    # The network behind the attributes
    def _attach(self, network: Network) -> None:
        self.__dict__.update(_attributes(network))

    def _trained_network(self) -> Network:
        """Return the network, with what `coefs_` and `intercepts_` hold if they were replaced."""
        coefs, intercepts = self.coefs_, self.intercepts_
        if not hasattr(self, "network_"):
            sizes = [len(coefs[0]), *(W.shape[1] for W in coefs)]
            self._attach(Network(self._structure(sizes), dtype=coefs[0].dtype))
        network = self.network_
        for l, (W, b) in enumerate(zip(coefs, intercepts, strict=True), 1):
            for name, value in ((f"W{l}", W), (f"b{l}", b)):
                if not np.may_share_memory(value, network.parameters[name]):
                    network.parameters[name][:] = value
                    self._attach(network)
        return network

    def _snapshot(self) -> dict[str, Any]:
        """Return the attributes of an estimator that is fitted as this one is now."""
        return _attributes(self.network_.copy())

    def _outputs(self, X: Any) -> FloatArray:
        """Return the outputs A (m, n_outputs) for rows X."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        network = self._predictor()
        return network.forward(as_inputs(X, network), engine=self.engine, threads=self.threads)

    def _predictor(self) -> Network:
        """Return the network that makes the outputs."""
        return self._trained_network()

    def __getstate__(self) -> dict[str, Any]:
        state = {**super().__getstate__()}
        if "network_" in state:  # the views are made again from it
            state["network_"] = self._trained_network()
            del state["coefs_"], state["intercepts_"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "network_" in state:
            self._attach(self.network_)

    def _check_solver(self) -> bool:
        if self.solver == "lbfgs":
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. "
                f"{self.solver} is not stochastic."
            )
        return True

    def plot_history(self, ax: Any = None) -> Any:
        """Draw the loss after each epoch, and that of validation where there is one. Ours.

        Parameters
        ----------
        ax : Axes of Matplotlib, optional
            Where to draw; new axes by default.

        Returns
        -------
        Axes

        Raises
        ------
        ImportError
            If Matplotlib is not there; it is in the extra ``plots``.
        ValueError
            If the solver is "lbfgs", which has no epochs.
        """
        check_is_fitted(self)
        if not hasattr(self, "loss_curve_"):
            raise ValueError(f"solver={self.solver!r} records no loss of each epoch to draw")
        from chainrule.plots import cost_curve

        return cost_curve(self.loss_curve_, self.validation_loss_curve_ or (), ax)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _float_types(self) -> Any:
        if self.dtype is None:
            return (np.float64, np.float32)
        try:
            return np.dtype(self.dtype)
        except TypeError:
            raise TypeError(f"dtype must be float64 or float32, got {self.dtype!r}") from None


def as_inputs(X: Any, network: Network) -> Inputs:
    """Return rows that scikit-learn has checked as inputs of a network."""
    if hasattr(X, "tocsr"):
        return check_inputs("X", X, network.structure.n_inputs, network.dtype)
    return Inputs(X.astype(network.dtype, copy=False), network.dtype)


def _attributes(network: Network) -> dict[str, Any]:
    """Return a network and the views into it as the attributes of an estimator."""
    layers, parameters = range(1, len(network.structure.layers) + 1), network.parameters
    return {
        "network_": network,
        "coefs_": [parameters[f"W{l}"] for l in layers],
        "intercepts_": [parameters[f"b{l}"][0] for l in layers],
    }


def _shapes(structure: Structure) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in structure.shapes.items())


def _kinds(mlp: Any) -> list[Any]:
    kinds = mlp.normalization
    return [kinds] if isinstance(kinds, str) or kinds is None else list(kinds)


def _check_weights(w: npt.NDArray[Any]) -> None:
    if (w < 0).any():
        raise ValueError(f"sample_weight must not be negative, got {w.min()}")
    if not w.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    _checks.check_size_of_weights(w)
