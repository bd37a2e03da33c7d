"""Bad input: a clear error that names the argument, and nothing half-changed."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from chainrule import (
    ELU,
    Activation,
    Adagrad,
    Adam,
    AdamW,
    EarlyStopping,
    GradientDescent,
    Huber,
    Layer,
    LeakyReLU,
    Lion,
    Loss,
    Momentum,
    Nesterov,
    Network,
    Optimizer,
    Pinball,
    RMSProp,
    Structure,
    fit,
    steps,
)
from chainrule.losses import LOSSES
from chainrule.penalties import Penalty
from chainrule.schedules import (
    Constant,
    Cosine,
    Exponential,
    InverseScaling,
    OneCycle,
    ReduceOnPlateau,
    StepDecay,
)

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 3))
Y = rng.integers(0, 2, 20)
NAN = np.where(np.arange(60).reshape(20, 3) == 31, np.nan, X)
SPARSE = scipy.sparse.csr_array(X)
UNSOUND = SPARSE.copy()
UNSOUND.indices[7] = 3


def binary() -> Network:
    return Network([3, 4, 1], normalization="batch", random_state=0)


def classes() -> Network:
    return Network([3, 4, 5], random_state=0)


def check(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)) as caught:
        call()
    assert type(caught.value) is error


# ---------------------------------------------------------------------------------------------

STRUCTURES: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"sizes": 3}, ValueError, "sizes must be a list of the number of inputs and at least one"),
    ({"sizes": [3]}, ValueError, "got [3]"),
    ({"sizes": "3, 1"}, ValueError, "sizes must be a list"),
    ({"sizes": [0, 1]}, ValueError, "the number of inputs in sizes must be at least 1, got 0"),
    ({"sizes": [3, -1, 1]}, ValueError, "each of sizes must be at least 1, got -1"),
    ({"sizes": [3, 2.5, 1]}, TypeError, "each of sizes must be an integer, got 2.5"),
    ({"sizes": [3, True, 1]}, TypeError, "each of sizes must be an integer, got True"),
    ({"sizes": [Layer(2), 1]}, TypeError, "the number of inputs in sizes must be an integer"),
    ({"hidden": "rellu"}, ValueError, "got 'rellu'; did you mean 'relu'?"),
    ({"hidden": 3}, TypeError, "hidden must be a name or of type Activation, got 3"),
    ({"hidden": ["relu", "tanh"]}, ValueError, "one for each of the 1 hidden layers, got 2"),
    ({"output": "sigmod"}, ValueError, "output must be one of"),
    ({"output": "tanh"}, ValueError, "loss must be given, as none belongs to output"),
    ({"output": "relu", "loss": "binary_cross_entropy"}, ValueError, "needs outputs in [0, 1]"),
    ({"output": "identity", "loss": "poisson_deviance"}, ValueError, "use output='exponential'"),
    ({"loss": "mse"}, ValueError, "loss must be one of"),
    ({"loss": 7}, TypeError, "loss must be a name or of type Loss, got 7"),
    ({"output": "softmax"}, ValueError, "'softmax' needs at least 2 output units, got 1"),
    ({"loss": "categorical_cross_entropy"}, ValueError, "needs at least 2 output units"),
    (
        {"sizes": [3, 2], "output": "sigmoid", "loss": "categorical_cross_entropy"},
        ValueError,
        "needs outputs that sum to 1",
    ),
    (
        {"sizes": [3, 2], "output": "softmax", "loss": "binary_cross_entropy"},
        ValueError,
        "needs outputs that don't depend on each other, such as output='sigmoid'",
    ),
    ({"dropout": -0.1}, ValueError, "dropout must be in [0, 1), got -0.1"),
    ({"dropout": 1}, ValueError, "dropout must be in [0, 1), got 1"),
    ({"dropout": "0.5"}, TypeError, "dropout must be a number, got '0.5'"),
    ({"dropout": float("nan")}, ValueError, "dropout must be a finite number, got nan"),
    ({"dropout": [0.1, 0.2]}, ValueError, "dropout must be one value or one for each"),
    ({"normalization": "bath"}, ValueError, "did you mean 'batch'?"),
    ({"normalization": True}, TypeError, "normalization must be one of 'batch', 'layer'"),
    ({"initializer": "he"}, ValueError, "initializer must be one of"),
    ({"initializer": 0.1}, TypeError, "initializer must be one of"),
    (
        {"sizes": [3, Layer(1, "sigmoid", dropout=0.5)]},
        ValueError,
        "dropout must be 0 in the output layer, got 0.5",
    ),
    (
        {"sizes": [3, Layer(1, "sigmoid")], "output": "tanh"},
        ValueError,
        "output must not be given when the last of sizes is a Layer",
    ),
]


@pytest.mark.parametrize(("arguments", "error", "message"), STRUCTURES)
@pytest.mark.parametrize("kind", [Structure, Network])
def test_structures(
    kind: Any, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    """Structure and Network refuse the same things in the same words."""
    check(lambda: kind(**({"sizes": [3, 4, 1]} | arguments)), error, message)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"units": 0}, ValueError, "units must be at least 1, got 0"),
        ({"units": "4"}, TypeError, "units must be an integer, got '4'"),
        ({"activation": "elo"}, ValueError, "activation must be one of"),
        ({"activation": None}, TypeError, "activation must be a name or of type Activation"),
    ],
)
def test_layers(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    """A layer names its own arguments."""
    check(lambda: Layer(**({"units": 4} | arguments)), error, message)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"dtype": "float16"}, ValueError, "dtype must be float64 or float32, got float16"),
        ({"dtype": int}, ValueError, "dtype must be float64 or float32, got int64"),
        ({"dtype": "nonsense"}, TypeError, "dtype must be float64 or float32, got 'nonsense'"),
        ({"random_state": -1}, ValueError, "random_state must be in [0, 2**32 - 1], got -1"),
        ({"random_state": 2**32}, ValueError, "random_state must be in [0, 2**32 - 1]"),
        ({"random_state": 1.5}, TypeError, "random_state must be None, an integer or a gen"),
        ({"random_state": "42"}, TypeError, "got '42'"),
        ({"sizes": Structure([3, 1]), "hidden": "relu"}, ValueError, "a Structure says everything"),
    ],
)
def test_networks(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    """What is the network's own."""
    check(lambda: Network(**({"sizes": [3, 4, 1]} | arguments)), error, message)


# ---------------------------------------------------------------------------------------------

INPUTS: list[tuple[Any, type[Exception], str]] = [
    (X[0], ValueError, "X must have shape (m, 3), one row an example, got (3,); use X.reshape"),
    (X[:, :2], ValueError, "X must have 3 columns, got shape (20, 2)"),
    (X[None], ValueError, "X must have shape (m, 3), one row an example, got (1, 20, 3)"),
    (X[:0], ValueError, "X must not be empty, got shape (0, 3)"),
    ([], ValueError, "X must not be empty"),
    (3.0, ValueError, "X must be an array with a row for each example, got 3.0"),
    (None, ValueError, "X must be an array with a row for each example, got None"),
    (NAN, ValueError, "X must be finite, got nan in row 10, column 1"),
    (-np.inf * np.ones((2, 3)), ValueError, "X must be finite, got -inf in row 0, column 0"),
    ([["a", "b", "c"]], TypeError, "X must hold numbers, got dtype <U1: "),
    ([[1, 2, "x"]], TypeError, "X must hold numbers"),
    (np.array([[1, 2, None]], dtype=object), ValueError, "X must be finite, got nan in row 0"),
    (np.array([[1, 2, {}]], dtype=object), TypeError, "X must hold numbers"),
    ([[1, 2, 3], [4, 5]], ValueError, "X must be an array with rows of one length"),
    (X + 1j, TypeError, "X must hold numbers, got dtype complex128"),
    ([[datetime.datetime(2020, 1, 1)] * 3], TypeError, "X must hold numbers"),
    (np.zeros((2, 3), "M8[D]"), TypeError, "X must hold numbers, got dtype datetime64[D]"),
    (scipy.sparse.csr_array(NAN), ValueError, "X must be finite, got nan in row 10, column 1 (as"),
    (scipy.sparse.csc_matrix(NAN), ValueError, "X must be finite, got nan in row 10, column 1 (as"),
    (SPARSE[:, :2], ValueError, "X must have 3 columns, got shape (20, 2)"),
    (SPARSE[:0], ValueError, "X must not be empty, got shape (0, 3)"),
    (SPARSE[0], ValueError, "X must have shape (m, 3), one row an example, got (3,)"),
    (SPARSE * 1j, TypeError, "X must hold numbers, got dtype complex128"),
    (UNSOUND, ValueError, "X must be a sound sparse matrix: "),
    (np.ma.masked_greater(X, 1.0), ValueError, "X has masked values"),
    (np.array([[1, 2, 3], [4, 5, "six"]], dtype=object), TypeError, "'six' in row 1, column 2"),
]


@pytest.mark.parametrize(("x", "error", "message"), INPUTS)
@pytest.mark.parametrize("method", ["forward", "predict", "loss", "backward", "fit"])
def test_inputs(method: str, x: Any, error: type[Exception], message: str) -> None:
    """Every door refuses the same X in the same words."""
    network = binary()
    calls: dict[str, Callable[[], object]] = {
        "forward": lambda: network.forward(x),
        "predict": lambda: network.predict(x),
        "loss": lambda: network.loss(x, Y),
        "backward": lambda: network.backward(x, Y),
        "fit": lambda: fit(network, x, Y, verbose=0),
    }
    check(calls[method], error, message)


def test_numbers_too_large_for_float32(tmp_path: Path) -> None:
    """1e39 is a number in float64 and none in float32, in whatever form it comes."""
    network = Network([2, 1], dtype=np.float32)
    np.save(tmp_path / "x.npy", np.array([[0, 0], [0, 1e39]]))
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    for form in (x.tolist(), x, scipy.sparse.csr_array(x), scipy.sparse.lil_matrix(x)):
        check(
            lambda form=form: network.forward(form),  # type: ignore[misc]
            ValueError,
            "X must be finite, got inf in row 1, column 1 (as float32)",
        )


def test_a_sum_that_is_too_large() -> None:
    """Numbers at the same place of a sparse matrix are one number, their sum."""
    twice = scipy.sparse.csr_array(([1e308, 1e308], [1, 1], [0, 0, 2]), shape=(2, 3))
    check(lambda: binary().forward(twice), ValueError, "got inf in row 1, column 1 (as float64)")


HUGE = 10**400

TARGETS: list[tuple[Callable[[], Network], Any, type[Exception], str]] = [
    (binary, Y[:-1], ValueError, "X and y must have a row each, got 20 and 19 rows"),
    (binary, np.zeros((20, 2)), ValueError, "y must have shape (m, 1) or (m,), got (20, 2)"),
    (binary, Y + 0.5, ValueError, "y must be in [0, 1] for loss 'binary_cross_entropy', got 1.5"),
    (binary, -Y, ValueError, "got -1"),
    (binary, np.where(Y, np.nan, 0), ValueError, "y must be finite, got nan in row"),
    (binary, ["yes"] * 20, TypeError, "y must hold numbers, got dtype <U3: "),
    (binary, None, ValueError, "y must be an array with a row for each example, got None"),
    (binary, SPARSE[:, [0]], TypeError, "y must be a dense array, got a sparse matrix; pass y.to"),
    (binary, [HUGE] * 20, TypeError, "y must hold numbers, got 1000"),
    (classes, np.full(20, 5), ValueError, "class numbers in y must be in 0 … 4, got 5"),
    (classes, np.full(20, -1), ValueError, "class numbers in y must be in 0 … 4, got -1"),
    (classes, np.full(20, 0.5), ValueError, "class numbers in y must be integers, got 0.5"),
    (classes, np.full(20, 1e300), ValueError, "class numbers in y must be"),
    (classes, np.full(20, np.nan), ValueError, "y must be finite"),
    (classes, np.zeros((20, 4)), ValueError, "y must have shape (m, 5) or class numbers (m,)"),
    (classes, np.full((20, 5), 0.5), ValueError, "rows of y must sum to 1"),
    (classes, np.zeros((20, 5, 1)), ValueError, "y must have shape (m, 5) or class numbers (m,)"),
    (
        lambda: Network([3, 1], loss="poisson_deviance"),
        Y - 1.0,
        ValueError,
        "y must be in [0, inf] for loss 'poisson_deviance', got -1",
    ),
    (
        lambda: Network([3, 2], loss="huber"),
        X[:, 0],
        ValueError,
        "y must have shape (m, 2), got (20,)",
    ),
]


@pytest.mark.parametrize(("make", "y", "error", "message"), TARGETS)
def test_targets(make: Callable[[], Network], y: Any, error: type[Exception], message: str) -> None:
    """The loss says what its targets may be; the network stays as it was."""
    calls: list[Callable[[Network], object]] = [
        lambda network: network.loss(X, y),
        lambda network: network.backward(X, y),
        lambda network: fit(network, X, y, verbose=0),
    ]
    for call in calls:
        network = make()
        before = network.vector.copy()
        with pytest.raises(error, match=re.escape(message)):
            call(network)
        np.testing.assert_array_equal(network.vector, before)


@pytest.mark.parametrize(
    ("w", "error", "message"),
    [
        (np.ones(19), ValueError, "sample_weight must have shape (20,), one an example, got (19,)"),
        (np.ones((20, 2)), ValueError, "sample_weight must have shape (20,)"),
        (-np.ones(20), ValueError, "sample_weight must not be negative, got -1.0"),
        (np.zeros(20), ValueError, "sample_weight must not be zero for every example"),
        (np.full(20, np.nan), ValueError, "sample_weight must be finite"),
        (["a"] * 20, TypeError, "sample_weight must hold numbers"),
        (SPARSE[:, [0]], TypeError, "sample_weight must be a dense array, got a sparse matrix"),
        (1.0, ValueError, "sample_weight must be an array with a row for each example"),
    ],
)
def test_sample_weights(w: Any, error: type[Exception], message: str) -> None:
    """Of every function that takes them."""
    network = binary()
    check(lambda: network.loss(X, Y, w), error, message)
    check(lambda: network.backward(X, Y, w), error, message)
    check(lambda: fit(network, X, Y, sample_weight=w, verbose=0), error, message)


# ---------------------------------------------------------------------------------------------

FITS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"network": "net"}, TypeError, "network must be a Network, got str"),
    ({"epochs": 0}, ValueError, "epochs must be at least 1, got 0"),
    ({"epochs": 1.5}, TypeError, "epochs must be an integer, got 1.5"),
    ({"epochs": True}, TypeError, "epochs must be an integer, got True"),
    ({"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
    ({"batch_size": "auto"}, TypeError, "batch_size must be an integer, got 'auto'"),
    ({"optimizer": "sgdd"}, ValueError, "optimizer must be one of"),
    ({"optimizer": "adamm"}, ValueError, "did you mean 'adam"),
    ({"optimizer": 0.1}, TypeError, "optimizer must be a name or of type Optimizer, got 0.1"),
    ({"learning_rate": -0.1}, ValueError, "learning_rate must be at least 0, got -0.1"),
    ({"learning_rate": float("nan")}, ValueError, "learning_rate must be a finite number, got nan"),
    ({"learning_rate": "fast"}, TypeError, "learning_rate must be a number, got 'fast'"),
    ({"learning_rate": lambda t: -1.0}, ValueError, "learning_rate must be at least 0, got -1.0"),
    ({"learning_rate": lambda t: "x"}, TypeError, "learning_rate must be a number, got 'x'"),
    ({"l2": -1}, ValueError, "l2 must be at least 0, got -1"),
    ({"l1": "a"}, TypeError, "l1 must be a number, got 'a'"),
    ({"clip_norm": 0}, ValueError, "clip_norm must be greater than 0, got 0"),
    ({"clip_value": -1}, ValueError, "clip_value must be greater than 0, got -1"),
    ({"validation": 0}, ValueError, "validation must be in (0, 1), got 0"),
    ({"validation": 1.0}, ValueError, "validation must be in (0, 1), got 1.0"),
    ({"validation": "x"}, TypeError, "validation must be a number, got 'x'"),
    ({"validation": 0.99}, ValueError, "validation=0.99 of 20 rows leaves none to train on"),
    ({"validation": (X,)}, ValueError, "validation must be a share or (X_val, y_val"),
    ({"validation": (X[:, :2], Y)}, ValueError, "in validation: X must have 3 columns"),
    ({"validation": (SPARSE[:, :2], Y)}, ValueError, "in validation: X must have 3 columns"),
    ({"validation": (X, Y[:3])}, ValueError, "in validation: X and y must have a row each"),
    ({"early_stopping": 0}, ValueError, "early_stopping must be at least 1, got 0"),
    ({"early_stopping": "yes"}, TypeError, "early_stopping must be an integer, got 'yes'"),
    ({"early_stopping": True}, TypeError, "early_stopping must be an integer, got True"),
    ({"metrics": "accuracy"}, TypeError, "metrics must be a list of names or functions"),
    ({"metrics": 3}, TypeError, "metrics must be a list of names or functions, got 3"),
    ({"metrics": ["acuracy_score"]}, ValueError, "did you mean 'accuracy_score'?"),
    ({"metrics": [3]}, TypeError, "each of metrics must be a name or a function, got 3"),
    ({"callbacks": [3]}, TypeError, "each of callbacks must be a Callback or a function, got 3"),
    ({"callbacks": [EarlyStopping]}, TypeError, "got the class EarlyStopping; call it: Early"),
    ({"optimizer": Adam}, TypeError, "call it: Adam()"),
    ({"metrics": [len, len]}, ValueError, "metrics must have different names, got 'len' twice"),
    ({"callbacks": 3}, TypeError, "callbacks must be a list, got 3"),
    ({"shuffle": "no"}, TypeError, "shuffle must be True or False, got 'no'"),
    ({"drop_last": 1}, TypeError, "drop_last must be True or False, got 1"),
    ({"random_state": -1}, ValueError, "random_state must be in"),
    ({"engine": "cuda"}, ValueError, "engine must be one of 'auto', 'compiled', 'numpy', got"),
    ({"threads": 0}, ValueError, "threads must be at least 1, got 0"),
    ({"engine": None}, TypeError, "engine must be one of"),
    ({"verbose": -1}, ValueError, "verbose must be at least 0, got -1"),
    ({"verbose": "yes"}, TypeError, "verbose must be an integer, got 'yes'"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), FITS)
def test_fit(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    """Refused before anything has changed: parameters, statistics, the generator, the data."""
    network = binary()
    before, statistics = network.vector.copy(), {k: v.copy() for k, v in network.statistics.items()}
    given: dict[str, Any] = {"network": network, "X": X, "y": Y, "verbose": 0} | arguments
    check(lambda: fit(**given), error, message)
    np.testing.assert_array_equal(network.vector, before)
    for name, value in statistics.items():
        np.testing.assert_array_equal(network.statistics[name], value)


# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ELU(-1), "alpha must be at least 0, got -1"),
        (lambda: LeakyReLU(2), "alpha must be in [0, 1], got 2"),
        (lambda: Huber(0), "delta must be greater than 0, got 0"),
        (lambda: Pinball(1), "quantile must be in (0, 1), got 1"),
        (lambda: Pinball(0), "quantile must be in (0, 1), got 0"),
        (lambda: GradientDescent(-1), "learning_rate must be at least 0, got -1"),
        (lambda: Momentum(mu=1), "mu must be in [0, 1), got 1"),
        (lambda: Nesterov(mu=-0.1), "mu must be in [0, 1), got -0.1"),
        (lambda: RMSProp(rho=1.5), "rho must be in [0, 1), got 1.5"),
        (lambda: RMSProp(epsilon=0), "epsilon must be greater than 0, got 0"),
        (lambda: Adagrad(epsilon=-1), "epsilon must be greater than 0, got -1"),
        (lambda: Adam(beta1=1), "beta1 must be in [0, 1), got 1"),
        (lambda: Adam(beta2=-1), "beta2 must be in [0, 1), got -1"),
        (lambda: AdamW(weight_decay=-1), "weight_decay must be at least 0, got -1"),
        (lambda: Lion(beta2=2), "beta2 must be in [0, 1), got 2"),
        (lambda: Penalty(l2=-1), "l2 must be at least 0, got -1"),
        (lambda: Constant(-1), "learning_rate must be at least 0, got -1"),
        (lambda: StepDecay(0.1, every=0), "every must be at least 1, got 0"),
        (lambda: StepDecay(0.1, every=1, factor=2), "factor must be in [0, 1], got 2"),
        (lambda: Exponential(0.1, -1), "factor must be in [0, 1], got -1"),
        (lambda: InverseScaling(0.1, -1), "power must be at least 0, got -1"),
        (lambda: Cosine(0.1, steps=5, warmup_steps=5), "steps must be at least 6, got 5"),
        (lambda: OneCycle(0.1, steps=1), "steps must be at least 2, got 1"),
        (lambda: OneCycle(0.1, steps=9, warmup=1), "warmup must be in (0, 1), got 1"),
        (lambda: ReduceOnPlateau(0.1, patience=0), "patience must be at least 1, got 0"),
        (lambda: EarlyStopping(patience=0), "patience must be at least 1, got 0"),
        (lambda: EarlyStopping(min_delta=-1), "min_delta must be at least 0, got -1"),
    ],
)
def test_constants_out_of_range(call: Callable[[], object], message: str) -> None:
    """Every factory says which of its numbers is wrong, and what would be right."""
    check(call, ValueError, message)


WRONG: Any = "tanh"


def one(z: Any, *rest: Any) -> Any:
    return z * 0 + 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Activation("f", WRONG), TypeError, "g of activation 'f' must be a function"),
        (
            lambda: Activation("f", np.tanh, WRONG),
            TypeError,
            "slope of activation 'f' must be a func",
        ),
        (lambda: Activation("f", np.tanh), ValueError, "activation 'f' has no slope"),
        (lambda: Activation("f", np.sum, one), ValueError, "g of activation 'f' must be element"),
        (lambda: Activation("f", np.sum, vjp=one), ValueError, "g of activation 'f' must keep"),
        (
            lambda: Activation("f", lambda z: z * np.nan, one),
            ValueError,
            "g of activation 'f' is not finite anywhere",
        ),
        (
            lambda: Activation("f", np.tanh, lambda z: z),
            TypeError,
            "activation 'f' failed when it was tried on an array",
        ),
        (
            lambda: Activation("f", lambda z: z, one, range=(0, 1)),
            ValueError,
            "range of activation 'f' is wrong",
        ),
        (
            lambda: Optimizer("f", lambda w, dw: (w,), 0.1),
            TypeError,
            "rule of optimizer 'f' failed when it was tried",
        ),
        (lambda: Loss("f", WRONG, one), TypeError, "value of loss 'f' must be a function"),
        (lambda: Loss("f", lambda a, y: np.sum(a), one), ValueError, "must be elementwise"),
        (
            lambda: Loss("f", lambda a, y: a, one, from_z=lambda z, y: z),
            ValueError,
            "from_z and dZ of loss 'f' belong together",
        ),
        (lambda: Loss("f", lambda a, y: a, one, output="no"), ValueError, "output must be one of"),
        (lambda: Optimizer("f", WRONG, 0.1), TypeError, "rule of optimizer 'f' must be a function"),
        (
            lambda: Optimizer("f", lambda w, dw, alpha, t: w, 0.1),
            ValueError,
            "must return a tuple (w,), each of the shape of w (2,); it returned ndarray",
        ),
        (
            lambda: Optimizer("f", lambda w, dw, m, alpha, t: (w,), 0.1, ("m",)),
            ValueError,
            "rule of optimizer 'f' must return a tuple (w, m)",
        ),
    ],
)
def test_own_formulas(call: Callable[[], object], error: type[Exception], message: str) -> None:
    """A formula of the user's own that can't be right is refused when it is made."""
    check(call, error, message)


def test_batches_of_arrays_that_differ() -> None:
    """Rows must belong together."""
    check(
        lambda: next(steps.batch_generator(X, Y[:3])),
        ValueError,
        "all arrays must have the same number of rows, got [3, 20]",
    )
    check(lambda: next(steps.batch_generator()), ValueError, "at least one array")
    check(lambda: next(steps.batch_generator(X, batch_size=0)), ValueError, "batch_size must be")


def test_restoring_from_another_structure() -> None:
    """Parameters of another shape are refused, and nothing has changed."""
    network, other = binary(), classes()
    before = network.vector.copy()
    check(lambda: network.restore(other), ValueError, "other must have the same parameters")
    np.testing.assert_array_equal(network.vector, before)


@pytest.mark.parametrize("loss", LOSSES)
def test_empty_targets(loss: str) -> None:
    """No loss takes an empty y."""
    check(lambda: LOSSES[loss].encode([], 2, np.float64), ValueError, "y must not be empty")
