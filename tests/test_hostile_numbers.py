"""Numbers that nobody expects: the right answer, or an error that says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.exceptions import ConvergenceWarning

from chainrule import (
    DivergenceError,
    MLPClassifier,
    MLPRegressor,
    Network,
    TabularClassifier,
    TabularRegressor,
    fit,
)

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
SIGNS = np.where(X >= 0, 1.0, -1.0)
Y = (X[:, 0] > 0).astype(int)
ENGINES = ["numpy", "compiled"]
TYPES = [np.float64, np.float32]
QUICK: dict[str, Any] = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}
# Of a training that is cut off after a few epochs nothing else is expected.
ENOUGH = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module", autouse=True)
def own_cache(compiled_apart: None) -> None:
    """Compile into a folder of the tests' own."""


def trained(
    x: Any, y: Any, sizes: list[int] | None = None, *, epochs: int = 3, **given: Any
) -> tuple[Network, Any]:
    """Return a small network that was trained on rows x, y, and its history."""
    names = ["dtype", "loss", "hidden", "normalization"]
    of_network = {name: given.pop(name) for name in names if name in given}
    network = Network(sizes or [x.shape[1], 4, 1], random_state=0, **of_network)
    return network, fit(network, x, y, epochs=epochs, random_state=0, verbose=0, **given)


def is_finite(network: Network, history: Any) -> bool:
    """Whether nothing of a network and its history is infinite or NaN."""
    numbers = [network.vector, *network.statistics.values(), np.array(history.loss)]
    return all(bool(np.isfinite(part).all()) for part in numbers)


# ---------------------------------------------------------------------------------------------
# Networks, on both engines and in both types


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("engine", ENGINES)
def test_inputs_of_1e30_are_learned_from(engine: str, dtype: Any) -> None:
    """tanh only sees their signs, which say all there is to know of y."""
    network, history = trained(SIGNS * 1e30, Y, engine=engine, dtype=dtype, epochs=300)
    assert is_finite(network, history)
    np.testing.assert_array_equal(network.predict(SIGNS * 1e30), Y)


@pytest.mark.parametrize("kind", ["batch", "layer"])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_variance_that_overflows_is_an_error(engine: str, kind: str) -> None:
    """In float32 it would make all rows alike, and nothing would be learned, silently."""
    with pytest.raises(DivergenceError, match=r"epoch 0, batch 0.*layer 1 is the first.*scaled to"):
        trained(X * 1e30, Y, engine=engine, dtype=np.float32, normalization=kind)
    network, history = trained(X * 1e30, Y, engine=engine, normalization=kind)
    assert is_finite(network, history)
    assert len(set(network.forward(X * 1e30).ravel())) > 10


@pytest.mark.parametrize("engine", ENGINES)
def test_a_loss_that_overflows_is_an_error(engine: str) -> None:
    """The square of 1e300 is no number: the epoch, the mini-batch and the loss are named."""
    for x, y in ((X * 1e300, X[:, 0]), (X, X[:, 0] * 1e300)):
        with pytest.raises(DivergenceError, match="overflows in the loss 'mean_squared_error'"):
            trained(x, y, engine=engine, hidden="relu", loss="mean_squared_error")


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", [None, "batch", "layer"])
@pytest.mark.parametrize(
    ("x", "y"),
    [(np.ones((60, 3)), Y), (X[:1], Y[:1]), (X * 5e-310, Y), (X, np.zeros(60)), (X, np.ones(60))],
    ids=["constant columns", "a single row", "denormals", "only zeros", "only ones"],
)
def test_little_to_learn_from(x: Any, y: Any, kind: str | None, engine: str, dtype: Any) -> None:
    """It is learned all the same, with no number that is not finite, and the loss falls."""
    network, history = trained(
        x, y, engine=engine, dtype=dtype, normalization=kind, epochs=50, batch_size=60
    )
    assert is_finite(network, history)
    assert history.loss[-1] < history.loss[0]
    assert np.isin(network.predict(x), [0, 1]).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_single_class_of_several(engine: str) -> None:
    """The others are never seen, and not predicted."""
    network, history = trained(X, np.full(60, 2), [3, 4, 3], engine=engine, epochs=200)
    assert is_finite(network, history)
    assert (network.predict(X) == 2).all()


def test_ten_thousand_classes() -> None:
    """Class numbers to the last one; the loss of one who knows nothing is ln 10,000."""
    y = np.arange(2000) * 5 + 4
    network, history = trained(np.zeros((2000, 2)), y, [2, 2, 10_000], epochs=1, batch_size=1000)
    assert history.loss[0] == pytest.approx(np.log(10_000), abs=0.1)
    assert network.forward(np.zeros((1, 2))).sum() == pytest.approx(1)
    with pytest.raises(ValueError, match=re.escape("must be in 0 … 9999, got 10000")):
        network.loss([[0, 0]], [10_000])


def test_a_hundred_thousand_columns() -> None:
    """More than a hundred times as many as rows: what was learned is known again."""
    x = rng.normal(size=(20, 100_000))
    network, _ = trained(x, np.arange(20) % 2, epochs=5, dtype=np.float32)
    np.testing.assert_array_equal(network.predict(x), np.arange(20) % 2)


INT64, UINT64 = np.iinfo(np.int64), np.iinfo(np.uint64)


@pytest.mark.parametrize(
    ("y", "wrong"),
    [
        (np.full(60, INT64.max), INT64.max),
        (np.full(60, INT64.min), INT64.min),
        (np.full(60, UINT64.max), UINT64.max),
        (np.full(60, 2**63 + 1, np.uint64), 2**63 + 1),
        (np.full(60, -1, np.int8), -1),
        (np.full(60, 255, np.uint8), 255),
        (np.full(60, 2.0**60), 2.0**60),
        ([2**64] * 60, float(2**64)),
    ],
    ids=lambda value: f"{value.dtype}" if hasattr(value, "dtype") else "",
)
def test_class_numbers_do_not_wrap_around(y: Any, wrong: Any) -> None:
    """The number that was given is the one in the error, and not what is left of it."""
    with pytest.raises(ValueError, match=re.escape(f"must be in 0 … 2, got {wrong}")):
        trained(X, y, [3, 4, 3])


@pytest.mark.parametrize("dtype", [np.uint64, np.int8, np.uint8, bool, np.float16, object])
def test_labels_of_every_type_mean_the_same(dtype: Any) -> None:
    """Zeros and ones, to the bit, as numbers of a class and as targets of one output."""
    for sizes in ([3, 4, 2], [3, 4, 1]):
        network, _ = trained(X, Y.astype(dtype), sizes)
        np.testing.assert_array_equal(network.vector, trained(X, Y, sizes)[0].vector)


@pytest.mark.parametrize("x", [np.full((60, 3), INT64.max), np.full((60, 3), UINT64.max)])
def test_inputs_of_the_largest_integers(x: npt.NDArray[Any]) -> None:
    """They are floats, not negative numbers."""
    network, history = trained(x, Y)
    assert is_finite(network, history)
    np.testing.assert_array_equal(network.forward(x), network.forward(x.astype(float)))


def test_long_doubles_beyond_a_float() -> None:
    """1e4000 is a number there, and none here."""
    huge = np.longdouble("1e4000") if np.finfo(np.longdouble).max > 1e308 else np.inf
    for x, y, w in ((X * huge, Y, None), (X, Y * huge, None), (X, Y, np.full(60, huge))):
        with pytest.raises(ValueError, match=r"must be finite, got (inf|-inf|nan)"):
            trained(x, y, loss="mean_squared_error", sample_weight=w)


@pytest.mark.parametrize(
    ("x", "y", "share", "message"),
    [
        (X, Y, (X[:0], Y[:0]), "in validation: X must not be empty, got shape (0, 3)"),
        (X, Y, (X, Y[:0]), "in validation: y must not be empty"),
        (X[:1], Y[:1], 0.5, "validation=0.5 of 1 rows leaves none to train on"),
        (X, Y, 1 - 1e-16, "validation=1 of 60 rows leaves none to train on"),
    ],
)
def test_nothing_to_validate_on_or_to_train_on(x: Any, y: Any, share: Any, message: str) -> None:
    """It is said which of the two is empty; the least share is one row."""
    with pytest.raises(ValueError, match=re.escape(message)):
        trained(x, y, validation=share)
    assert len(trained(X, Y, validation=1e-300)[1].val_loss) == 3


@pytest.mark.parametrize("engine", ENGINES)
def test_outputs_that_overflow_decide_nothing(engine: str) -> None:
    """A class that is made of NaN would be the first, or 0, whatever X says."""
    for last in (3, 1):
        network = Network([3, 4, last], hidden="relu", random_state=0)
        network.parameters["W1"][:], network.parameters["W2"][0] = 1, -1
        with np.errstate(over="ignore", invalid="ignore"):
            assert np.isnan(network.forward(np.full((2, 3), 1.7e308), engine=engine)).any()
            with pytest.raises(ValueError, match="outputs for row 1 are nan, which is no class"):
                network.predict(np.array([[0.0] * 3, [1.7e308] * 3]), engine=engine)


# ---------------------------------------------------------------------------------------------
# Sums of weights

TOO_LARGE = "sample_weight must have a finite sum, and a largest weight of at least"


@ENOUGH
@pytest.mark.parametrize(
    ("each", "dtype"), [(1e308, np.float64), (5e-324, np.float64), (1e38, np.float32)]
)
def test_weights_whose_sum_is_no_number(each: float, dtype: Any) -> None:
    """Infinite, or so small that nothing of their ratios is left: for every door."""
    w = np.full(60, each)
    for engine in ENGINES:
        with pytest.raises(ValueError, match=TOO_LARGE):
            trained(X, Y, sample_weight=w, dtype=dtype, engine=engine)
    with pytest.raises(ValueError, match=TOO_LARGE):
        Network([3, 1], dtype=dtype).loss(X, Y, w)
    models = [TabularClassifier(n_members=1, dtype=np.dtype(dtype).name, **QUICK)]
    if dtype == np.float64:
        models += [MLPClassifier(solver=solver, **QUICK) for solver in ("adam", "lbfgs")]
    for model in models:
        with pytest.raises(ValueError, match=TOO_LARGE):
            model.fit(X, Y, sample_weight=w)


@pytest.mark.parametrize("engine", ENGINES)
def test_only_ratios_of_weights_count(engine: str) -> None:
    """Down to 1e-290 and up to 1e300, a power of two changes no bit of a network."""
    w = rng.uniform(0.5, 2, 60)
    plain = trained(X, Y, sample_weight=w, engine=engine)[0].vector
    for scale in (2.0**-960, 2.0**990):
        scaled = trained(X, Y, sample_weight=w * scale, engine=engine)[0].vector
        np.testing.assert_array_equal(scaled, plain)


# ---------------------------------------------------------------------------------------------
# scikit-learn's estimators

LABELS = [
    np.array([INT64.max, INT64.max - 1]),
    np.array([INT64.min, -1]),
    np.array([UINT64.max, UINT64.max - 1], np.uint64),
    np.array([2**63, 2**63 + 1], np.uint64),
    np.array([0.0, 2.0**60]),
    np.array([True, False]),
]


def labels_of(kinds: npt.NDArray[Any]) -> str:
    """Return a name for a test."""
    return f"{kinds[0]}"


@ENOUGH
@pytest.mark.parametrize("kinds", LABELS, ids=labels_of)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_labels_that_no_float_can_tell_apart(solver: str, kinds: npt.NDArray[Any]) -> None:
    """They come out as they went in, in their type; learned well where they say something."""
    model = MLPClassifier((8,), solver=solver, max_iter=200, learning_rate_init=0.05)
    model.set_params(random_state=0).fit(X, kinds[Y])
    assert model.classes_.dtype == kinds.dtype
    assert model.classes_.tolist() == sorted(kinds.tolist())
    assert (model.predict(X) == kinds[Y]).mean() > 0.95


@ENOUGH
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_estimators_of_one_row_one_class_or_one_value(solver: str) -> None:
    """As scikit-learn's: the one class there is, a constant that is approached."""
    arguments: dict[str, Any] = {**QUICK, "solver": solver, "max_iter": 300}
    classifier = MLPClassifier(**arguments)
    assert classifier.fit(X[:1], Y[:1]).predict(X[:1]) == Y[:1]
    assert set(classifier.fit(X, Y * 0 + 7).predict(X)) == {7}
    assert np.isfinite(classifier.fit(X * 0 + 1, Y).loss_)
    assert np.isfinite(classifier.fit(X * 1e-310, Y).loss_)
    regressor = MLPRegressor(**arguments, learning_rate_init=0.1)
    np.testing.assert_allclose(regressor.fit(X, Y * 0 + 7).predict(X), 7, atol=0.5)
    np.testing.assert_allclose(regressor.fit(X[:1], [3]).predict(X[:1]), 3, atol=0.5)


@ENOUGH
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_estimators_say_that_numbers_are_too_large(solver: str) -> None:
    """L-BFGS too, whose line search gives up at an infinite cost as if that were the least."""
    for x, y in ((X * 1e300, X[:, 0]), (X, X[:, 0] * 1e200)):
        with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
            MLPRegressor(solver=solver, **QUICK).fit(x, y)
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        MLPRegressor(solver=solver, dtype=np.float32, **QUICK).fit(X, X[:, 0] * 1e25)
    assert np.isfinite(MLPRegressor(solver=solver, **QUICK).fit(X * 1e30, X[:, 0]).loss_)


@ENOUGH
def test_estimators_refuse_what_is_not_there() -> None:
    """A validation set of no rows, or of NaN, is told from the training data."""
    model = MLPClassifier(**QUICK)
    with pytest.raises(ValueError, match=r"in X_val.*: Found array with 0 sample"):
        model.fit(X, Y, X_val=X[:0], y_val=Y[:0])
    with pytest.raises(ValueError, match=r"in X_val.*: Input X contains NaN"):
        model.fit(X, Y, X_val=X * np.nan, y_val=Y)
    with pytest.raises(ValueError, match="Input X contains infinity"):
        model.fit(np.where(X > 2, np.inf, X), Y)
    with pytest.raises(ValueError, match="validation set is too small"):
        model.set_params(early_stopping=True).fit(X[:3], Y[:3])


@ENOUGH
def test_estimators_with_many_classes_and_columns() -> None:
    """A class for each of 1,000 rows; 100,000 columns, of which any row is known again."""
    model = MLPClassifier((2,), solver="sgd", max_iter=1, random_state=0)
    model.fit(rng.normal(size=(1000, 2)), np.arange(1000) * 10**15)
    assert model.n_outputs_ == 1000
    assert set(model.predict(X[:, :2])) <= set(range(0, 1000 * 10**15, 10**15))
    wide = rng.normal(size=(20, 100_000))
    model = MLPClassifier((4,), max_iter=20, random_state=0).fit(wide, np.arange(20) % 2)
    np.testing.assert_array_equal(model.predict(wide), np.arange(20) % 2)


# ---------------------------------------------------------------------------------------------
# Tables

BOTH: list[Any] = [(TabularClassifier, Y), (TabularRegressor, X[:, 0])]
TABLES: dict[str, Any] = {**QUICK, "n_members": 1, "max_iter": 3}

COLUMNS: dict[str, Callable[[npt.NDArray[Any]], npt.NDArray[Any]]] = {
    "1e30": lambda x: x * 1e30,
    "the largest": lambda x: np.where(x > 0, 1.7e308, -1.7e308) * np.abs(np.sin(x)),
    "one huge": lambda x: np.where(np.arange(x.size).reshape(x.shape) == 5, 1.7e308, x),
    "denormals": lambda x: x * 1e-310,
    "infinite": lambda x: np.where(x > 1, np.inf, np.where(x < -1, -np.inf, x)),
    "half missing": lambda x: np.where(x > 0, np.nan, x),
    "one number": lambda x: np.where(np.arange(len(x))[:, None] > 0, np.nan, x),
}


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("scaling", ["robust", "quantile"])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("model", "y"), BOTH)
def test_numbers_of_any_size_in_tables(
    model: Any, y: Any, engine: str, scaling: str, column: str
) -> None:
    """They become inputs in −3 … 3 and finite predictions, of all other numbers too."""
    x = COLUMNS[column](X)
    fitted = model(engine=engine, scaling=scaling, **TABLES).fit(x, y)
    rows = [x, X, X * 1e300, X * np.nan, np.where(X > 0, np.inf, -np.inf)]
    for given in rows:
        inputs = fitted.preprocessing_.transform(fitted._read(given), np.float64)
        assert np.abs(inputs).max() <= 3
        assert np.isfinite(np.asarray(fitted.predict(given), float)).all()


def test_the_order_of_huge_numbers_is_kept() -> None:
    """Where differences overflow, a larger number is a larger input still, up to 1e300."""
    x = np.array([-1.7e308, -1e299, 0, 1e299, 1.7e308]).repeat(8)[:, None] * [1.0, 0.5]
    for scaling in ("robust", "quantile"):
        model = TabularRegressor(scaling=scaling, **TABLES).fit(x, np.arange(40.0))
        inputs = model.preprocessing_.transform(model._read(x[::8]), np.float64)
        assert (np.diff(inputs, axis=0) > 0).all()


@pytest.mark.parametrize(("model", "y"), BOTH)
def test_columns_without_any_number(model: Any, y: Any) -> None:
    """Left out, and said so; a table of nothing else is refused."""
    missing = X * [1, np.nan, 1]
    fitted = model(**TABLES).fit(missing, y)
    assert fitted.preprocessing_.roles[1].reason == "no value is there"
    assert np.isfinite(fitted.predict(missing)).all()
    for nothing, why in ((X * np.nan, "no value is there"), (X * 0 + 1, "all values are 1")):
        with pytest.raises(ValueError, match=f"no column of X can be learned from: x1: {why}"):
            model(**TABLES).fit(nothing, y)


@pytest.mark.parametrize(("model", "y"), BOTH)
def test_few_rows_in_tables(model: Any, y: Any) -> None:
    """Two are enough, one is not, and no row at all is refused, at each door."""
    with pytest.raises(ValueError, match="X must have more than 1 sample"):
        model(**TABLES).fit(X[:1], y[:1])
    for n in (2, 3):
        fitted = model(**TABLES).fit(X[:n], np.arange(n) % 2)
        assert np.isfinite(fitted.predict(X)).all()
    with pytest.raises(ValueError, match=re.escape("X_val must have rows and columns: 0 sample")):
        model(**TABLES).fit(X, y, X_val=X[:0], y_val=y[:0])
    with pytest.raises(ValueError, match=re.escape("X must have rows and columns: 0 sample")):
        fitted.predict(X[:0])


@pytest.mark.parametrize("kinds", LABELS, ids=labels_of)
@pytest.mark.parametrize("wrap", [np.asarray, pd.Series, pa.array], ids=lambda f: f.__module__)
def test_labels_of_tables_that_no_float_can_tell_apart(
    wrap: Callable[[Any], Any], kinds: npt.NDArray[Any]
) -> None:
    """They come out as they went in, from every kind of column."""
    model = TabularClassifier(output="array", **{**TABLES, "max_iter": 60}).fit(X, wrap(kinds[Y]))
    assert model.classes_.tolist() == sorted(kinds.tolist())
    assert (model.predict(X) == kinds[Y]).mean() > 0.8


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0] * 60, "y must have at least two classes, got one: 0"),
        (["a"] * 60, "y must have at least two classes, got one: 'a'"),
        (Y * 1e300, "y must hold classes, got continuous values"),
        (np.where(Y, np.inf, 1), "Input contains infinity"),
        ([2**64 + int(v) for v in Y], "y must hold classes, got unknown values"),
        (pa.array([None, *(2**63 - 1 - Y[1:])]), "y must not have missing values, got 1 of 60"),
    ],
)
def test_labels_that_are_none(y: Any, message: str) -> None:
    """A single class, numbers beyond all integers, and a missing one among the largest."""
    with pytest.raises(ValueError, match=re.escape(message)):
        TabularClassifier(**TABLES).fit(X, y)


def test_decimals_are_numbers() -> None:
    """As labels and as targets, and as a column with more digits than a float has."""
    decimals = pa.chunked_array([pa.array([Decimal(int(v)) for v in Y])])
    model = TabularClassifier(output="array", **{**TABLES, "max_iter": 60})
    assert (model.fit(X, decimals).predict(X) == Y).mean() > 0.8
    huge = pa.array([Decimal(10**70) + 10**65 * int(v) for v in Y])
    table = pa.table({"a": huge, "b": X[:, 1]})
    assert TabularRegressor(**TABLES).fit(table, decimals).preprocessing_.roles[0].kind == "number"


@pytest.mark.parametrize(
    "column",
    [
        [10**400 + int(v) for v in Y],
        [int("9" * 500) if v else 2 for v in Y],
        ["1e999" if v else "2" for v in Y],
        ["9" * 5000 if v else "2" for v in Y],
        np.where(Y, UINT64.max, UINT64.max - 1).astype(np.uint64),
        np.where(Y, INT64.max, INT64.min),
        [1j if v else 2 for v in Y],
        pa.array(np.where(Y, 2**62, -(2**62)), pa.timestamp("us")),
        pa.array(np.where(Y, 2**62, -(2**62)), pa.timestamp("s")),
        pa.array(np.where(Y, 2**62, -(2**62)), pa.duration("s")),
        ["0001-01-01" if v else "9999-12-31" for v in Y],
        pa.array(Y, pa.time64("us")),
    ],
    ids=lambda c: str(c.type) if hasattr(c, "type") else f"{c[0]}"[:9],
)
def test_columns_beyond_every_range(column: Any) -> None:
    """Integers, words, dates and durations that no float or calendar has: no crash, no NaN."""
    wrapped = column if isinstance(column, pa.Array) else pd.Series(column)
    table = {"far": wrapped, "near": X[:, 1]}
    given = pa.table(table) if isinstance(column, pa.Array) else pd.DataFrame(table)
    model = TabularClassifier(**TABLES).fit(given, Y)
    assert np.isfinite(model.predict_proba(given)).all()


def test_a_constant_date_that_no_calendar_has() -> None:
    """It is left out, and shown as seconds."""
    far = pa.array([2**60] * 60, pa.timestamp("us"))
    model = TabularClassifier(**TABLES).fit(pa.table({"far": far, "near": X[:, 0]}), Y)
    assert model.preprocessing_.roles[0].reason == "all values are 1.15292e+12 seconds from 1970"


def test_large_integers_of_arrays_are_different_categories() -> None:
    """As those of a frame are, where a column is said to be one of categories."""
    ids = np.where(Y, INT64.max, INT64.max - 1)
    for given in (ids[:, None], pd.DataFrame({"x1": ids})):
        model = TabularClassifier(categorical_features=["x1"], **TABLES).fit(given, Y)
        assert sorted(model.preprocessing_.categories["x1"]) == [str(INT64.max - 1), str(INT64.max)]


@pytest.mark.parametrize(
    "y",
    [
        np.full(60, UINT64.max),
        np.where(Y, 1.7e308, -1.7e308),
        X[:, 0] * 1e-310,
        X[:, 0] * 0 + 3,
        Y > 0,
    ],
    ids=["uint64", "the largest", "denormals", "constant", "bool"],
)
def test_targets_of_any_size(y: npt.NDArray[Any]) -> None:
    """Predictions lie in the range of what was learned from, and are finite."""
    predicted = TabularRegressor(**TABLES).fit(X, y).predict(X)
    assert np.isfinite(predicted).all()
    assert (predicted >= float(y.min())).all()
    assert (predicted <= float(y.max())).all()


@pytest.mark.parametrize(
    ("y", "loss", "message"),
    [
        ([10**400] * 60, "squared_error", "y must hold numbers, got 1000"),
        (np.where(Y, np.inf, 1), "squared_error", "y must be finite numbers"),
        (np.abs(X[:, 0]) * 1e40, "poisson", "y must be finite, got inf in row"),
    ],
)
def test_targets_that_are_too_large(y: Any, loss: str, message: str) -> None:
    """Integers that no float is near, infinite ones, and numbers beyond float32 unscaled."""
    with pytest.raises(ValueError, match=re.escape(message)):
        TabularRegressor(loss=loss, **TABLES).fit(X, y)


def test_tables_with_many_classes_and_columns() -> None:
    """A thousand classes, each seen twice; 3,000 columns, of which few rows are there."""
    y = np.arange(2000) % 1000
    arguments = {**TABLES, "max_iter": 1, "batch_size": 1000, "calibrate": False}
    model = TabularClassifier(**arguments).fit(y[:, None] + rng.normal(size=(2000, 1)), y)
    assert len(model.classes_) == 1000
    P = model.predict_proba(np.arange(5)[:, None])
    np.testing.assert_allclose(P.sum(axis=1), 1)
    y = np.arange(30) % 2
    wide = rng.normal(y[:, None], 1, size=(30, 3000))
    model = TabularClassifier(**{**TABLES, "max_iter": 20}).fit(wide, y)
    assert (model.predict(wide) == y).all()


def test_more_categories_than_any_memory_has_room_for() -> None:
    """Said before a layer is made for their vectors, of which each column has its own."""
    words = np.arange(180) // 3
    table = pd.DataFrame({f"c{i}": [f"w{w}" for w in np.roll(words, i)] for i in range(600)})
    with pytest.raises(ValueError, match=r"600 columns have 36,000, .* a layer of 36,000 x 9,6"):
        TabularClassifier(**TABLES).fit(table, np.arange(180) % 2)


def test_no_more_networks_than_can_be_loaded_again() -> None:
    """A model of which the file would be refused is not trained for hours first."""
    with pytest.raises(ValueError, match=r"'n_members' .* in the range \[1, 1000\]. Got 1001"):
        TabularClassifier(n_members=1001).fit(X, Y)


def test_a_convergence_warning_is_no_error() -> None:
    """What the other tests pass over is there: training was cut off."""
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        MLPClassifier(**QUICK).fit(X, Y)
