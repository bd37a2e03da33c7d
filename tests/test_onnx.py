"""ONNX graphs give what the models give, in ONNX Runtime, from numbers and words to labels."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from onnx.reference import ReferenceEvaluator
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)

from chainrule import (
    ELU,
    Activation,
    LeakyReLU,
    MLPClassifier,
    MLPRegressor,
    Network,
    TabularClassifier,
    TabularRegressor,
    to_onnx,
)
from chainrule.activations import ACTIVATIONS, relu, relu_slope
from chainrule.export import graph as graph_module

# An estimator of which no more than the formulas counts is trained for a few epochs.
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")

BUILT_IN = {name: g for name, g in ACTIVATIONS.items() if g.name == name}

# Of the largest output. Each side rounds in float32, 6e-8 a time and in an order of its own,
# through up to six layers; the worst that was measured on such networks is 2e-6.
FLOAT32 = 1e-5
# The same in float64, where a rounding is 1e-16; but some kernels of older ONNX Runtimes, such as
# 1.20, are good to 1e-12 alone. A constant that is rounded to float32 is wrong by 1e-8.
FLOAT64 = 1e-11


def session_of(model: Any, **options: Any) -> Any:
    """Return ONNX Runtime with a model's graph, once ONNX's own checker has passed it."""
    made = to_onnx(model, **options)
    onnx.checker.check_model(made, full_check=True)
    serial = onnxruntime.SessionOptions()
    serial.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        made.SerializeToString(), serial, providers=["CPUExecutionProvider"]
    )


def run(model: Any, inputs: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Return the outputs of a model's graph by name."""
    session = session_of(model, **options)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, inputs), strict=True))


def random_network(g: Any, depth: int, **arguments: Any) -> Network:
    """Return a network of `depth` layers with random biases, gains and statistics."""
    rng = np.random.default_rng(depth)
    network = Network([5, *[7] * (depth - 1), 3], hidden=g, random_state=depth, **arguments)
    for name, value in network.parameters.items():
        value[:] += rng.normal(0, 0.2, value.shape) * (name[0] != "W")
    for value in network.statistics.values():
        value[:] = rng.uniform(0.3, 2, value.shape)
    if getattr(g, "name", g) == "exponential":  # whose towers would overflow
        network.vector[:] *= 0.4
    return network


def rows(m: int, dtype: Any = np.float32) -> Any:
    """Return m rows of five numbers."""
    return np.random.default_rng(m).normal(size=(m, 5)).astype(dtype)


@pytest.mark.parametrize("name", BUILT_IN)
def test_outputs_are_those_of_the_network(name: str) -> None:
    """Every activation, with either normalisation and none, one to six layers, 1 and 1,000 rows."""
    for depth in range(1, 7):
        for normalization in (None, "batch", "layer"):
            network = random_network(
                *(name, depth),
                output="identity",
                loss="mean_squared_error",
                normalization=normalization,
                dropout=0.3,
                dtype="float32",
            )
            session = session_of(network)
            for X in (rows(1), rows(1000)):
                A, (got,) = network.forward(X, engine="numpy"), session.run(None, {"X": X})
                assert (got.dtype, got.shape) == (A.dtype, A.shape)
                np.testing.assert_allclose(got, A, rtol=0, atol=FLOAT32 * np.abs(A).max())


@pytest.mark.parametrize("g", [*BUILT_IN.values(), ELU(0.3), LeakyReLU(0.2)], ids=lambda g: g.name)
def test_float64_loses_no_digits(g: Activation) -> None:
    """Also where ONNX Runtime has no kernel, or ONNX keeps a constant as float32."""
    X = rows(100, np.float64)
    for normalization in ("batch", "layer"):
        network = random_network(g, 4, output="identity", loss="huber", normalization=normalization)
        A, got = network.forward(X, engine="numpy"), run(network, {"X": X})["variable"]
        np.testing.assert_allclose(got, A, rtol=0, atol=FLOAT64 * np.abs(A).max())


@pytest.mark.parametrize("g", [*BUILT_IN.values(), ELU(0.3), LeakyReLU(0.2)], ids=lambda g: g.name)
def test_another_runtime_reads_the_same(g: Activation) -> None:
    """ONNX's reference in NumPy, which shares no code with ONNX Runtime, has the same outputs."""
    network = random_network(
        g, 3, output="identity", loss="huber", normalization="layer", dtype="float32"
    )
    X = rows(20)
    (got,) = ReferenceEvaluator(to_onnx(network)).run(None, {"X": X})
    A = network.forward(X, engine="numpy")
    np.testing.assert_allclose(got, A, rtol=0, atol=FLOAT32 * np.abs(A).max())


TYPED = [
    "=z*tanh(z) + sqrt(1 + z^2) - 1",
    "=max(0, z) - 0.1*min(z, 0) + step(z - 1)",
    "=where(z <= 0, exp(z) - 1, where(z >= 1, log1p(relu(z)) + sin(3*z)/z, z))",
    "=where(z != 0, sign(z)*abs(z)^1.5, 0)/9 + cos(z) + 2^(-z^2)",
    "=z/(1 + exp(-z)) + erf(z) + expm1(z/9) + sinh(z/9) + cosh(z/9) + softplus(pi*z)",
]


@pytest.mark.parametrize("formula", TYPED)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_typed_formula_is_written_out(formula: str, dtype: str) -> None:
    """Operation by operation, in either type of number."""
    network = random_network(formula, 3, output="identity", loss="huber", dtype=dtype)
    X = rows(100, dtype)
    A, got = network.forward(X, engine="numpy"), run(network, {"X": X})["variable"]
    assert got.dtype == dtype
    atol = FLOAT32 if dtype == "float32" else FLOAT64
    np.testing.assert_allclose(got, A, rtol=0, atol=atol * np.abs(A).max())


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name != "exponential"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_huge_sums_overflow_nowhere(name: str, dtype: str) -> None:
    """At ±1000 each activation has its own value."""
    network = Network([2, 2], output=name, loss="mean_squared_error", dtype=dtype)
    network.parameters["W1"][:] = np.eye(2)
    X = np.array([[-1000, 1000], [1000, -30], [0, -1000]], dtype)
    got = run(network, {"X": X})["variable"]
    np.testing.assert_allclose(got, network.forward(X, engine="numpy"), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("sizes", "loss", "label_shape"),
    [
        ([5, 4, 1], "binary_cross_entropy", (200,)),
        ([5, 4, 3], "binary_cross_entropy", (200, 3)),
        ([5, 4, 3], "categorical_cross_entropy", (200,)),
        ([5, 4, 2], "categorical_cross_entropy", (200,)),
    ],
)
def test_labels_are_the_decisions_of_the_network(
    sizes: list[int], loss: str, label_shape: tuple[int, ...]
) -> None:
    """A bit an output, or the number of the class, beside the outputs themselves."""
    network, X = Network(sizes, loss=loss, random_state=1), rows(200, np.float64)
    got = run(network, {"X": X})
    assert [*got] == ["label", "probabilities"]
    assert (got["label"].shape, got["label"].dtype) == (label_shape, np.int64)
    assert np.array_equal(got["label"], network.predict(X))
    np.testing.assert_allclose(got["probabilities"], network.forward(X), rtol=0, atol=FLOAT64)


def test_one_row_or_none_will_do() -> None:
    """The number of rows is open: a tie goes to the first class, as in `predict`."""
    network = Network([5, 3], loss="categorical_cross_entropy")
    network.vector[:] = 0
    assert run(network, {"X": rows(1, np.float64)})["label"].tolist() == [0]
    assert run(network, {"X": np.empty((0, 5))})["label"].shape == (0,)


LABELS = {
    "three integers": np.array([10, -5, 7], np.int8),
    "two strings": np.array(["no", "yes"]),
    "three strings": np.array(["größer", "gleich", ""], dtype=object),
    "booleans": np.array([False, True]),
    "floats": np.array([0.0, 1.0, 2.0]),
    "one class": np.array([3]),
    "several labels": np.array([[0, 1], [1, 0], [1, 1]]),
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("dtype", [None, "float32"])
def test_a_classifier_gives_its_own_labels(labels: Any, dtype: str | None) -> None:
    """Of whatever type they are, with the probabilities of `predict_proba`."""
    X = rows(150, np.float64)
    y = labels[(np.abs(X[:, 0]) * 10).astype(int) % len(labels)]
    model = MLPClassifier((6,), max_iter=3, engine="numpy", random_state=0).fit(X, y)
    got = run(model, {"X": X.astype(dtype or float)}, dtype=dtype)
    assert np.array_equal(got["label"], model.predict(X))
    assert got["probabilities"].dtype == (dtype or "float64")
    atol = FLOAT64 if dtype is None else FLOAT32
    np.testing.assert_allclose(got["probabilities"], model.predict_proba(X), rtol=0, atol=atol)


def test_a_temperature_is_exported() -> None:
    """The probabilities are the calibrated ones."""
    X = rows(200, np.float64)
    model = MLPClassifier((6,), max_iter=20, early_stopping=True, calibrate=True, engine="numpy")
    model.set_params(n_iter_no_change=30, random_state=0, tol=0).fit(X, X[:, 0] > 0)
    assert abs(model.temperature_ - 1) > 0.05
    got = run(model, {"X": X})["probabilities"]
    np.testing.assert_allclose(got, model.predict_proba(X), rtol=0, atol=FLOAT64)


def quick(kind: Any, **parameters: Any) -> Any:
    """Return an estimator that is fitted in no time."""
    return kind(hidden_layer_sizes=(6,), max_iter=3, random_state=0, **parameters)


@pytest.mark.parametrize(
    "scaler",
    [StandardScaler(), StandardScaler(with_mean=False), StandardScaler(with_std=False),
     RobustScaler(), RobustScaler(with_centering=False), RobustScaler(with_scaling=False),
     MaxAbsScaler(), MinMaxScaler(), MinMaxScaler((-1, 2), clip=True),
     SimpleImputer(strategy="median"), "passthrough"],
    ids=repr,
)  # fmt: skip
def test_a_scaler_is_in_the_graph_as_its_options_are(scaler: Any) -> None:
    """Beyond what was seen in training too."""
    X = rows(100, np.float64) + 3
    model = make_pipeline(scaler, quick(MLPRegressor, engine="numpy")).fit(X, X[:, 0])
    got = run(model, {"X": 2 * X})["variable"]
    np.testing.assert_allclose(got[:, 0], model.predict(2 * X), rtol=FLOAT64, atol=FLOAT64)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_a_pipeline_scales_as_in_training(loss: str, n_outputs: int) -> None:
    """Imputation and scalers before an estimator are in the graph."""
    X = rows(100, np.float64)
    y = np.abs(X[:, :n_outputs])
    X[::7, 1] = np.nan
    steps = [SimpleImputer(), StandardScaler(), "passthrough", RobustScaler(), MaxAbsScaler()]
    steps += [MinMaxScaler((-1, 2), clip=True), StandardScaler(with_mean=False, with_std=False)]
    model = make_pipeline(*steps, quick(MLPRegressor, loss=loss, engine="numpy"))
    model.fit(X, y.ravel() if n_outputs == 1 else y)
    X *= 2  # beyond what was seen
    got = run(model, {"X": X})["variable"]
    assert got.shape == (100, n_outputs)
    np.testing.assert_allclose(got, model.predict(X).reshape(got.shape), rtol=FLOAT64, atol=FLOAT64)


def custom(name: str) -> Activation:
    """Return an activation of one's own."""
    return Activation(name, lambda z: relu(z) * 1, relu_slope, kinks=(0.0,))


def fitted() -> Any:
    """Return an estimator that is fitted."""
    return MLPRegressor("squared_error", (), solver="lbfgs").fit(rows(9), np.arange(9))


REFUSED = {
    "own activation": (Network([2, 3, 1], hidden=custom("bent")), ValueError, "your own 'bent'"),
    "a typed atan": (Network([2, 3, 1], hidden="=atan(z)"), ValueError, "'=atan.z.', can't go"),
    "own relu": (Network([2, 3, 1], hidden=custom("relu")), ValueError, "which of them equal"),
    "unfitted scaler": (
        Pipeline([("it", StandardScaler()), ("mlp", fitted())]), NotFittedError, "not fitted"
    ),
    "a word": ("model", TypeError, "model must be a Network, .* got 'model'"),
    "a class": (Network, TypeError, "model must be a Network"),
    "unfitted": (MLPClassifier(), NotFittedError, "not fitted"),
    "unfitted table": (TabularClassifier(), NotFittedError, "not fitted"),
    "scaler alone": (Pipeline([("it", StandardScaler())]), TypeError, "model must be"),
}  # fmt: skip


@pytest.mark.parametrize(("model", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_onnx_has_not_is_refused(model: Any, error: Any, message: str, tmp_path: Path) -> None:
    """With the reason, and no file is left."""
    with pytest.raises(error, match=message):
        to_onnx(model, tmp_path / "it.onnx")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    "step",
    [PolynomialFeatures(1, include_bias=False), SimpleImputer(add_indicator=True),
     SimpleImputer(missing_values=0)],
    ids=["other", "indicator", "zeros"],
)  # fmt: skip
def test_an_unknown_step_is_refused(step: Any) -> None:
    """By its name, in a pipeline."""
    X = rows(20, np.float64)
    model = Pipeline([("odd", step), ("mlp", quick(MLPRegressor, engine="numpy"))])
    with pytest.raises(TypeError, match="step 'odd' of the pipeline must be"):
        to_onnx(model.fit(X, X[:, 0]))


def test_numbers_beyond_float32_are_refused() -> None:
    """Rather than exported as infinite."""
    network = Network([2, 1])
    network.parameters["W1"][0] = 1e300
    with pytest.raises(ValueError, match=r"W1 must be finite as float32, got 1e\+300"):
        to_onnx(network, dtype="float32")
    with pytest.raises(ValueError, match="dtype must be one of 'float32', 'float64', got 'int8'"):
        to_onnx(network, dtype="int8")


def test_a_model_too_large_for_one_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before protobuf fails on it."""
    monkeypatch.setattr(graph_module, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match="less than 2 GiB"):
        to_onnx(Network([100, 10, 1]))


def test_the_file_holds_the_graph(tmp_path: Path) -> None:
    """The same model is the same bytes, which onnx loads; a failure leaves an older file alone."""
    path, network = tmp_path / "it.onnx", Network([2, 3, 1], random_state=0)
    made = to_onnx(network, path)
    before = path.read_bytes()
    assert onnx.load(path) == made
    to_onnx(network, path)
    assert path.read_bytes() == before
    with pytest.raises(ValueError, match="your own"):
        to_onnx(Network([2, 3, 1], hidden=custom("bent")), path)
    assert path.read_bytes() == before


def test_without_onnx_an_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """And says how to get it."""
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'chainrule\[onnx\]'"):
        to_onnx(Network([2, 1]))


# Tables


def table(m: int, seed: int, **columns: Any) -> pd.DataFrame:
    """Return a table with columns of every kind, and missing values in all."""
    rng = np.random.default_rng(seed)
    made = pd.DataFrame(
        {
            "größe in m²": rng.lognormal(size=m) * 100,
            "n": rng.integers(0, 100, m).astype(float),
            "food": rng.choice(["grain", "meat", "sea food"], m),
            "city": rng.choice([f"c{i}" for i in range(60)], m),
            "tame": rng.random(m) < 0.5,
            "code": rng.integers(-2, 3, m),
            "typed": rng.integers(0, 50, m).astype(str),
            "seen": pd.Timestamp("2019-03-01")
            + pd.to_timedelta(rng.integers(0, 10**8, m), unit="s"),
            "constant": 1,
        }
    ).assign(**columns)
    for column in ("größe in m²", "food", "city", "seen"):
        made.loc[rng.integers(0, m, m // 9), column] = None
    return made


def inputs_of(model: Any, X: pd.DataFrame) -> dict[str, Any]:
    """Return the inputs of a model's graph for the rows of a table, as the docs say."""
    inputs = {}
    for role in model.preprocessing_.roles:
        column = X[[role.name]]
        if role.kind == "number":
            inputs[role.name] = column.astype(float).to_numpy()
        elif role.kind == "date":
            seconds = (column - pd.Timestamp(0)) / pd.Timedelta(seconds=1)
            inputs[role.name] = seconds.to_numpy()
        elif role.kind == "category":
            words = column.astype(object).where(column.notna(), "").astype(str)
            inputs[role.name] = words.to_numpy(dtype=object)
    return inputs


def later() -> pd.DataFrame:
    """Return rows with what training had not: new words, infinite and missing numbers."""
    X = table(200, 1)
    X.loc[0, ["city", "food"]] = "never seen"
    X.loc[1, "n"] = None
    X.loc[2, "größe in m²"], X.loc[3, "größe in m²"] = np.inf, -np.inf
    X.loc[4, "code"] = 17
    X["tame"] = X["tame"].astype(object)
    X.loc[5, "tame"] = None
    return X


TRAINED: dict[str, dict[str, Any]] = {
    "by default": {},
    "vectors": {"max_one_hot": 0},
    "layer normalisation": {"normalization": "layer", "activation": "gelu"},
    "float64": {"dtype": "float64", "activation": "elu"},
}


@pytest.mark.parametrize("options", TRAINED.values(), ids=TRAINED)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_table_goes_in_by_its_columns(options: dict[str, Any], n_classes: int) -> None:
    """Numbers, words, flags and dates, seen or not, there or missing: labels and probabilities."""
    X = table(300, 0)
    y = np.array(["no", "yes", "maybe"][:n_classes])[
        (X["n"] > 50) * 1 + (X["code"] > 1) * (n_classes - 2)
    ]
    model = TabularClassifier(
        (8,), n_members=2, max_iter=2, engine="numpy", categorical_features=["code"],
        random_state=0, **options,
    ).fit(X, y)  # fmt: skip
    X = later()
    got = run(model, inputs_of(model, X))
    assert "constant" not in inputs_of(model, X)
    atol = FLOAT64 if options.get("dtype") == "float64" else FLOAT32
    np.testing.assert_allclose(got["probabilities"], model.predict_proba(X), rtol=0, atol=atol)
    np.testing.assert_allclose(got["probabilities"].sum(axis=1), 1, rtol=FLOAT64)
    assert np.array_equal(got["label"], model.predict(X))


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_predictions_are_in_the_units_of_the_target(loss: str) -> None:
    """Far from 0 too, where float32 would have no digits left for what differs."""
    X = table(300, 0)
    y = X["n"] + (1e9 if loss == "squared_error" else 0)
    model = TabularRegressor(
        (8,), loss=loss, n_members=3, max_iter=3, engine="numpy", random_state=0
    ).fit(X, y)
    got, y = run(model, inputs_of(model, later()))["variable"], model.predict(later())
    np.testing.assert_allclose(got[:, 0], y, rtol=0, atol=FLOAT32 * np.ptp(y))


def test_words_are_read_however_they_are_written() -> None:
    """A flag as true, TRUE or 1, a whole number as 3 or 3.0, a missing word as nan."""
    X = pd.DataFrame({"tame": [True, False, None] * 30, "code": [3, 4, 3, 4, 5] * 18})
    y = X["code"] > 4
    model = TabularClassifier(
        (8,), n_members=1, max_iter=2, engine="numpy", categorical_features=["code"], random_state=0
    ).fit(X, y)

    def label(tame: str, code: str) -> Any:
        words = {"tame": tame, "code": code}
        inputs = {name: np.array([[word]], dtype=object) for name, word in words.items()}
        return run(model, inputs)["probabilities"].tolist()

    for same in (["True", "true", "TRUE", "1"], ["False", "false", "0"], ["", "nan", "<NA>"]):
        assert [label(word, "3") for word in same] == [label(same[0], "3.0")] * len(same)
    assert label("True", "3") != label("False", "3") != label("", "3") != label("", "4")


def test_an_array_goes_in_by_its_columns() -> None:
    """Which are named x1, x2, …"""
    X = rows(100, np.float64)
    model = TabularRegressor((8,), n_members=1, max_iter=2, engine="numpy", random_state=0)
    model.fit(X, X[:, 0])
    got = run(model, {f"x{i + 1}": X[:, [i]] for i in range(5)})["variable"]
    np.testing.assert_allclose(got[:, 0], model.predict(X), rtol=0, atol=FLOAT32)
    double = run(model, {f"x{i + 1}": X[:, [i]] for i in range(5)}, dtype="float64")["variable"]
    np.testing.assert_allclose(double[:, 0], model.predict(X), rtol=0, atol=FLOAT32)


@pytest.mark.parametrize(
    ("options", "columns", "message"),
    [
        ({"scaling": "quantile"}, {}, "scaling='quantile' brings column 'größe in m²'"),
        ({}, {"label": np.arange(60) % 7}, "column 'label' can't be an input"),
        ({"activation": custom("bent")}, {}, "your own 'bent'"),
    ],
)
def test_a_column_that_onnx_has_not_is_named(
    options: dict[str, Any], columns: dict[str, Any], message: str
) -> None:
    """With what would be right."""
    X = table(60, 0, **columns)
    model = TabularRegressor((4,), n_members=1, max_iter=1, engine="numpy", **options)
    with pytest.raises(ValueError, match=message):
        to_onnx(model.fit(X, X["n"]))


def test_vectors_that_are_more_than_that_are_refused() -> None:
    """A first layer that someone has changed would be lost in the graph."""
    X = table(100, 0)
    model = TabularRegressor((4,), n_members=2, max_iter=1, max_one_hot=2, engine="numpy")
    model.fit(X, X["n"])
    to_onnx(model)
    model.networks_[1].parameters["b1"][0, 0] = 1
    with pytest.raises(ValueError, match="W1 and b1 of network 1 must hold learned vectors alone"):
        to_onnx(model)
