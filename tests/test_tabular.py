"""Tables as they come: every kind of column and frame, what becomes of it, and what is learned."""

from __future__ import annotations

import io
import pickle
import warnings
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule import EarlyStopping, TabularClassifier, TabularRegressor
from chainrule.callbacks import Progress
from chainrule.tabular.dates import DAY, cycles_in
from chainrule.tabular.members import Rows, as_inputs, split
from chainrule.tabular.preprocessing import MISSING, OTHER, Preprocessing, vector_size
from chainrule.tabular.roles import find_roles
from chainrule.tabular.scaling import NumberScaling, smooth_clip
from chainrule.tabular.tables import read_table

# The column `index` of the tables here numbers their rows, which is told once a fit.
pytestmark = pytest.mark.filterwarnings("ignore:column '(index|x10)' is left out")

RNG = np.random.default_rng(0)
M = 240
QUICK: dict[str, Any] = {"max_iter": 15, "n_members": 1, "random_state": 0, "engine": "numpy"}


def mixed(m: int = M) -> dict[str, list[Any]]:
    """Columns of every kind, with missing values in them."""
    rng = np.random.default_rng(7)
    kinds = rng.choice(["red", "green", "blue"], m)
    numbers = rng.normal(size=m)
    days = [datetime(2020, 1, 1) + timedelta(days=int(d)) for d in rng.integers(0, 1500, m)]
    columns: dict[str, list[Any]] = {
        "number": [*numbers.tolist()],
        "whole": rng.integers(0, 9, m).tolist(),
        "word": kinds.tolist(),
        "flag": (rng.random(m) > 0.5).tolist(),
        "day": days,
        "as_text": [f"{x:.3f}" for x in rng.normal(size=m)],
        "date_as_text": [d.date().isoformat() for d in days],
        "postal_code": [f"0{c}" for c in rng.integers(100, 105, m)],
        "constant": ["same"] * m,
        "index": list(range(100, 100 + m)),
        "name": [f"person {i}" for i in range(m)],
        "nothing": [None] * m,
    }
    for name in ("number", "whole", "word", "flag", "day", "as_text", "date_as_text"):
        for i in rng.choice(m, 12, replace=False):
            columns[name][i] = None
    return columns


def target(columns: dict[str, list[Any]]) -> list[str]:
    """Words that follow from the columns: red ones, and of the others those of large numbers."""
    pairs = zip(columns["word"], columns["number"], strict=True)
    return ["yes" if word == "red" or (x or 0) > 1 else "no" for word, x in pairs]


FRAMES: dict[str, Any] = {
    "pandas": lambda columns: pd.DataFrame(columns, index=range(1000, 1000 + M)),
    "polars": pl.DataFrame,
    "pyarrow": pa.table,
}


@pytest.mark.parametrize("kind", FRAMES)
def test_columns_are_what_they_are_in_every_kind_of_frame(kind: str) -> None:
    """The same roles, and the same numbers for a network, from pandas, Polars and Arrow."""
    table = read_table(FRAMES[kind](mixed()))
    roles = {role.name: role.kind for role in find_roles(table)}
    assert roles == {
        "number": "number",
        "whole": "number",
        "word": "category",
        "flag": "category",
        "day": "date",
        "as_text": "number",
        "date_as_text": "date",
        "postal_code": "category",
        "constant": "dropped",
        "index": "dropped",
        "name": "dropped",
        "nothing": "dropped",
    }
    inputs = Preprocessing("robust", 50).fit(table).transform(table, np.float64)
    reference = read_table(pl.DataFrame(mixed()))
    theirs = Preprocessing("robust", 50).fit(reference).transform(reference, np.float64)
    np.testing.assert_allclose(inputs, theirs, rtol=1e-12)
    assert np.isfinite(inputs).all()
    assert np.abs(inputs).max() <= 3


@pytest.mark.parametrize("kind", FRAMES)
def test_predictions_come_out_in_the_users_kind(kind: str) -> None:
    """A series of the frame's kind, with its index and the target's name; learned from it, too."""
    columns = mixed()
    X, y = FRAMES[kind](columns), pd.Series(target(columns), name="answer")
    model = TabularClassifier(**QUICK).fit(X, y)
    predicted = model.predict(X)
    types = {"pandas": pd.Series, "polars": pl.Series, "pyarrow": pa.ChunkedArray}
    assert isinstance(predicted, types[kind])
    assert np.mean(np.asarray(predicted) == y.to_numpy()) > 0.95
    P = model.predict_proba(X, as_frame=True)
    assert isinstance(P, type(X))
    np.testing.assert_array_equal(np.asarray(P["yes"]), model.predict_proba(X)[:, 1])
    if kind == "pandas":
        assert predicted.index.equals(X.index)
        assert P.index.equals(X.index)
        assert predicted.name == "answer"


def test_arrays_and_lists() -> None:
    """An array of objects gives the same as a table; predictions are arrays."""
    columns = mixed()
    X = np.array([*zip(*columns.values(), strict=True)], dtype=object)
    y = target(columns)
    model = TabularClassifier(**QUICK).fit(X, y)
    assert isinstance(model.predict(X), np.ndarray)
    frame = pl.DataFrame(columns)
    other = TabularClassifier(**QUICK).fit(frame, y)
    np.testing.assert_array_equal(model.predict_proba(X), other.predict_proba(frame))
    assert not hasattr(model, "feature_names_in_")
    assert [*other.feature_names_in_] == [*columns]


def test_unseen_and_missing_at_prediction() -> None:
    """New categories, new missing values, infinities, another order and more columns: all go."""
    columns = mixed()
    model = TabularClassifier(**QUICK).fit(pl.DataFrame(columns), target(columns))
    row: dict[str, list[Any]] = {name: [values[5]] for name, values in columns.items()}
    new: dict[str, list[Any]] = {
        "word": ["violet"],
        "number": [float("inf")],
        "day": [date(1900, 1, 1)],
        "postal_code": [None],
    }
    for name, values in new.items():
        P = model.predict_proba(pl.DataFrame({**row, name: values}))
        assert np.isfinite(P).all()
    reordered = pl.DataFrame({"more": [1], **dict(reversed(row.items()))})
    np.testing.assert_array_equal(
        model.predict_proba(reordered), model.predict_proba(pl.DataFrame(row))
    )
    gone = {name: values for name, values in row.items() if name != "word"}
    with pytest.raises(ValueError, match="'word' is not among number"):
        model.predict(pl.DataFrame(gone))
    with pytest.raises(ValueError, match=r"'number' must hold numbers.* got 'many'"):
        model.predict(pl.DataFrame({**row, "number": ["many"]}))
    with pytest.raises(ValueError, match=r"'day' must hold dates.* got numbers"):
        model.predict(pl.DataFrame({**row, "day": [3.0]}))
    without = {name: values for name, values in row.items() if name != "name"}
    assert len(model.predict(pl.DataFrame(without))) == 1  # what was dropped need not be there


def test_categories_are_one_whatever_they_are_written_in() -> None:
    """1, 1.0 and "1" in a column of categories are the same one."""
    y = [0, 1, 0] * 20
    whole = pl.DataFrame({"c": [1, 2, 3] * 20, "x": RNG.normal(size=60)})
    model = TabularClassifier(categorical_features=["c"], **QUICK).fit(whole, y)
    for other in (pl.Float64, pl.String):
        again = whole.with_columns(pl.col("c").cast(other))
        np.testing.assert_array_equal(model.predict_proba(again), model.predict_proba(whole))
    categorical = pd.DataFrame({"c": pd.Categorical([1, 2, 3] * 20), "x": whole["x"].to_numpy()})
    np.testing.assert_array_equal(model.predict_proba(categorical), model.predict_proba(whole))


def test_rare_categories_are_one() -> None:
    """A category seen less than three times is one of the others; a missing one is not."""
    words = ["a"] * 10 + ["b"] * 5 + ["c", "d", None]
    table = read_table(pl.DataFrame({"w": words}))
    done = Preprocessing("robust", 50).fit(table)
    assert done.categories == {"w": ["a", "b", MISSING, OTHER]}
    inputs = done.transform(table, np.float64)
    np.testing.assert_array_equal(inputs.sum(axis=0), [10, 5, 1, 2])
    unseen = done.transform(read_table(pl.DataFrame({"w": ["new"]})), np.float64)
    np.testing.assert_array_equal(unseen, [[0, 0, 0, 1]])


def test_scaling() -> None:
    """Half of the numbers lie within ½; none beyond 3; missing ones in the middle, and marked."""
    X = RNG.standard_cauchy((4001, 1))
    scaled = NumberScaling("robust").fit(X).transform(X)
    q1, q2, q3 = np.quantile(scaled, [0.25, 0.5, 0.75])
    assert abs(q2) < 1e-12
    assert q3 - q1 == pytest.approx(1, abs=0.02)  # the clipping takes a little of ½
    assert np.abs(scaled).max() < 3
    order = np.argsort(X, axis=0)[:, 0]
    assert (np.diff(scaled[order, 0]) >= 0).all()
    assert smooth_clip(np.array([1e-3]))[0] == pytest.approx(1e-3, rel=1e-6)

    mostly_zero = np.where(np.arange(100) < 90, 0.0, 500.0).reshape(-1, 1)
    assert np.ptp(NumberScaling("robust").fit(mostly_zero).transform(mostly_zero)) > 1

    with_gaps = np.array([[1.0], [2.0], [3.0], [np.nan]])
    done = NumberScaling("robust").fit(with_gaps)
    np.testing.assert_array_equal(done.transform(with_gaps)[:, 1], [0, 0, 0, 1])
    np.testing.assert_array_equal(done.transform(np.array([[np.nan]])), [[0, 1]])
    np.testing.assert_array_equal(done.transform(np.array([[np.inf], [-np.inf]]))[:, 0], [3, -3])


def test_quantile_scaling_is_normal() -> None:
    """Whatever the distribution was, quantiles become those of the normal one."""
    X = np.exp(RNG.normal(size=(3000, 1)) * 3)
    scaled = NumberScaling("quantile").fit(X).transform(X)
    quantiles = np.quantile(scaled, [0.025, 0.16, 0.5, 0.84, 0.975])
    np.testing.assert_allclose(quantiles, [-1.96, -0.994, 0, 0.994, 1.96], atol=0.03)


def test_dates() -> None:
    """Days, and a place in each cycle that the dates go around at least twice."""
    days = np.arange(0, 800) * DAY
    assert cycles_in(days) == ["year", "week"]
    assert cycles_in(days[:20]) == ["week"]
    assert cycles_in(days[::7]) == ["year"]
    assert cycles_in(np.arange(100) * 3600.0) == ["day"]


def test_vectors_of_categories_are_learned_and_the_rest_is_left() -> None:
    """The first layer is the identity, and blocks that moved; a category means what it did."""
    words = np.array([f"w{i}" for i in range(30)])
    chosen, x = RNG.integers(0, 30, 600), RNG.normal(size=600)
    X = pl.DataFrame({"w": words[chosen], "x": x})
    effect = RNG.normal(size=30)
    y = effect[chosen] + 0.3 * x
    for engine in ("numpy", "compiled"):
        model = TabularRegressor(
            (32,), max_one_hot=10, max_iter=60, n_members=1, random_state=0, engine=engine
        ).fit(X, y)
        (block,) = model.preprocessing_.embedded
        assert (block.name, block.stop - block.start, block.size) == ("w", 30, vector_size(30))
        W, b = (model.networks_[0].parameters[name] for name in ("W1", "b1"))
        n = block.start
        np.testing.assert_array_equal(W[:n], np.eye(n, W.shape[1]))
        np.testing.assert_array_equal(W[n:, :n], 0)
        np.testing.assert_array_equal(b, 0)
        assert np.linalg.matrix_rank(W[n:, n:]) == block.size
        assert model.score(X, y) > 0.9
        alone = model.predict(pl.DataFrame({"w": words, "x": np.zeros(30)}))
        assert np.corrcoef(alone, effect)[0, 1] > 0.9


def test_it_is_better_than_scikit_learns_mlp_by_its_defaults() -> None:
    """On two thirds of small data sets, by their other third."""
    for load, ours, theirs in (
        (load_breast_cancer, TabularClassifier, MLPClassifier),
        (load_diabetes, TabularRegressor, MLPRegressor),
    ):
        X, y = load(return_X_y=True, as_frame=True)
        test = np.arange(len(X)) % 3 == 0
        peer = make_pipeline(StandardScaler(), theirs(random_state=0))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peer.fit(X[~test], y[~test])
        model = ours(random_state=0, engine="compiled").fit(X[~test], y[~test])
        assert model.score(X[test], y[test]) > peer.score(X[test], y[test]) - 0.01


def test_members_are_trained_side_by_side_with_the_same_bits() -> None:
    """On one thread and on two, on compiled code; and the mean of members is the prediction."""
    X, y = load_iris(return_X_y=True)
    many: dict[str, Any] = {"n_members": 3, "max_iter": 10, "random_state": 1}
    one = TabularClassifier(engine="compiled", threads=1, **many).fit(X, y)
    two = TabularClassifier(engine="compiled", threads=2, **many).fit(X, y)
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    inputs = one.preprocessing_.transform(read_table(X), "float32")
    mean = np.mean([network.forward(inputs) for network in one.networks_], axis=0)
    np.testing.assert_allclose(one.predict_proba(X), mean, atol=1e-6)  # float32
    vectors = [network.vector for network in one.networks_]
    assert len({vector.tobytes() for vector in vectors}) == 3


def test_probabilities_are_calibrated() -> None:
    """The same network with its sums divided by T, which is above 1 for one that is too sure."""
    X = RNG.normal(size=(300, 12))
    y = (X[:, 0] + 2 * RNG.normal(size=300) > 0).astype(int)
    logits = {}
    for calibrate in (False, True):
        model = TabularClassifier(calibrate=calibrate, **QUICK).fit(X, y)
        P = model.predict_proba(X)
        logits[calibrate] = np.log(P[:, 1] / P[:, 0])
        T = model.temperatures_[0]
        assert (T == 1) != calibrate
    np.testing.assert_allclose(logits[True] * T, logits[False], rtol=1e-4, atol=1e-5)  # float32


def test_class_weights_sample_weights_and_smoothing() -> None:
    """A rare class weighed up is found more often; a weight of 0 leaves an example out."""
    X = RNG.normal(size=(500, 3))
    y = np.where(X[:, 0] + RNG.normal(size=500) > 2, "rare", "common")
    plain = TabularClassifier(**QUICK).fit(X, y)
    balanced = TabularClassifier(class_weight="balanced", **QUICK).fit(X, y)
    found = [(np.asarray(model.predict(X)) == "rare").sum() for model in (plain, balanced)]
    assert found[1] > found[0]

    wrong = np.where(np.arange(500) % 2, y, "rare")
    weight = np.arange(500) % 2
    weighed = TabularClassifier(**QUICK).fit(X, wrong, sample_weight=weight)
    assert (np.asarray(weighed.predict(X)) == "rare").sum() < 100

    X3, y3 = load_iris(return_X_y=True)
    sure = TabularClassifier(calibrate=False, **QUICK).fit(X3, y3).predict_proba(X3).max(axis=1)
    smooth = TabularClassifier(calibrate=False, label_smoothing=0.3, **QUICK).fit(X3, y3)
    assert smooth.predict_proba(X3).max(axis=1).mean() < sure.mean()


def test_targets_of_every_kind() -> None:
    """Booleans, whole numbers, words, dates as classes; and the same labels come out."""
    X = RNG.normal(size=(80, 2))
    truth = X[:, 0] > 0
    for low, high in ((False, True), (3, 7), ("a", "b"), (np.str_("x"), np.str_("y"))):
        y = np.where(truth, high, low)
        predicted = TabularClassifier(**QUICK).fit(X, y).predict(X)
        assert predicted.dtype == y.dtype
        assert np.mean(predicted == y) > 0.9
    for series in (pd.Series(truth.astype(int)), pl.Series(truth), pd.Series(truth, dtype=object)):
        assert TabularClassifier(**QUICK).fit(X, series).score(X, truth) > 0.9


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "pinball", "poisson"])
def test_losses_of_regression(loss: str) -> None:
    """Heavy-tailed counts: each loss learns them, and none predicts beyond what it saw."""
    X = RNG.normal(size=(300, 2))
    y = np.round(np.exp(1 + X[:, 0]))
    model = TabularRegressor(loss=loss, **{**QUICK, "max_iter": 60}).fit(X, y)
    predicted = model.predict(X)
    assert np.corrcoef(np.log1p(predicted), np.log1p(y))[0, 1] > 0.9
    assert predicted.min() >= y.min()
    assert model.predict(X * 100).max() <= y.max()


def test_it_is_an_estimator_of_scikit_learn() -> None:
    """Cloned, pickled, searched, cross-validated, its columns' importance found."""
    columns = mixed()
    X, y = pd.DataFrame(columns), pd.Series(target(columns))
    model = clone(TabularClassifier(**QUICK)).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    for scoring in ("accuracy", "roc_auc", "neg_log_loss"):
        assert np.isfinite(cross_val_score(model, X, y, cv=3, scoring=scoring)).all()
    search = GridSearchCV(model, {"dropout": [0.0, 0.2]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.8
    importance = permutation_importance(model, X, y, n_repeats=2, random_state=0)
    assert X.columns[importance.importances_mean.argmax()] == "word"
    assert model._repr_html_()


def test_a_time_limit_ends_training_with_the_best_so_far() -> None:
    """At least one epoch each, and the reason in the history."""
    X, y = load_iris(return_X_y=True)
    model = TabularClassifier(time_limit=1e-6, n_members=2, random_state=0).fit(X, y)
    assert [history.stopped for history in model.histories_] == ["time limit"] * 2
    assert all(len(history) >= 1 for history in model.histories_)


def test_validation_rows_of_ones_own_and_callbacks() -> None:
    """Nothing is held back, and each network tells of its epochs."""
    X, y = load_iris(return_X_y=True)
    told: list[int] = []
    model = TabularClassifier(n_members=2, max_iter=3, engine="numpy", random_state=0)
    model.fit(X, y, X_val=X, y_val=y, callbacks=[lambda progress: told.append(progress.examples)])
    assert told == [150] * 6
    with pytest.raises(ValueError, match="belong together"):
        model.fit(X, y, X_val=X)


def test_describe() -> None:
    """What each column became, in words, the target and the networks."""
    columns = mixed()
    model = TabularClassifier(max_one_hot=2, **QUICK).fit(pl.DataFrame(columns), target(columns))
    said = io.StringIO()
    model.describe(said)
    lines = {line.split()[0]: " ".join(line.split()) for line in said.getvalue().splitlines()[1:13]}
    assert lines == {
        "number": "number numbers 12 228 scaled by median and quartiles, and a column that says "
        "where it is missing",
        "whole": "whole numbers 12 9 scaled by median and quartiles, and a column that says where "
        "it is missing",
        "word": "word words 12 3 4 categories, a learned vector of 3 for each",
        "flag": "flag words 12 2 3 categories, a learned vector of 3 for each",
        "day": lines["day"],
        "as_text": lines["as_text"],
        "date_as_text": lines["date_as_text"],
        "postal_code": "postal_code words 0 5 5 categories, a learned vector of 4 for each",
        "constant": "constant words 0 1 dropped: all values are 'same'",
        "index": "index numbers 0 240 dropped: numbers the rows",
        "name": "name words 0 240 dropped: 100 % of the words occur once: a name or free text",
        "nothing": "nothing words 240 0 dropped: no value is there",
    }
    assert lines["as_text"].endswith("(all words are numbers)")
    assert (
        "days, scaled by median and quartiles, place in the year, place in the week" in lines["day"]
    )
    assert "target prediction: no " in said.getvalue()
    assert "1 network of this structure:" in said.getvalue()


BAD: list[tuple[Any, Any, str]] = [
    (np.zeros((3, 0)), [0, 1, 0], "must have rows and columns"),
    (pl.DataFrame({"a": []}), [], "must have rows and columns"),
    (np.zeros(3), [0, 1, 0], r"got ndarray of shape \(3,\)"),
    ([[1, 2], [3]], [0, 1], "rows of one length"),
    (pl.DataFrame({"a": [1, 2]}), [0, 1, 1], "each of the 2 rows"),
    (pl.DataFrame({"a": [1, 2, 3]}), [0, None, 1], "missing values, got 1 of 3"),
    (pl.DataFrame({"a": [1, 1, 1]}), [0, 1, 1], "no column of X can be learned from: a: all"),
    (pl.DataFrame({"a": [1, 2, 4]}), ["x", "x", "x"], "at least two classes, got one: 'x'"),
    (pl.DataFrame({"a": [[1], [2]]}), [0, 1], "column 'a' holds List"),
    (pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"y": [0, 1], "z": [0, 1]}), "y must have one col"),
]


@pytest.mark.parametrize(("X", "y", "message"), BAD)
def test_bad_tables_are_refused_in_a_sentence(X: Any, y: Any, message: str) -> None:
    """ValueError or TypeError, which names the column or what else is wrong."""
    with pytest.raises((ValueError, TypeError), match=message):
        TabularClassifier(**QUICK).fit(X, y)


def test_bad_arguments() -> None:
    """Unknown columns, a target of words for a regression, labels that were not there."""
    X, y = pl.DataFrame({"a": RNG.normal(size=40)}), [0, 1] * 20
    with pytest.raises(ValueError, match="must be columns of X, a; got 'b'"):
        TabularClassifier(categorical_features=["b"], **QUICK).fit(X, y)
    with pytest.raises(ValueError, match="y must hold numbers, got 'x'"):
        TabularRegressor(**QUICK).fit(X, ["x"] * 40)
    with pytest.raises(ValueError, match="label that is not in y: 2"):
        TabularClassifier(**QUICK).fit(X, y, X_val=X, y_val=[0, 2] * 20)
    with pytest.raises(ValueError, match="leaves none to train on"):
        TabularClassifier(validation_fraction=0.99, **QUICK).fit(X, y)
    with pytest.raises(ValueError, match="'scaling' parameter"):
        TabularClassifier(scaling="none").fit(X, y)


def test_columns_named_by_numbers() -> None:
    """As pandas names those of an array, and by pairs."""
    X, y = RNG.normal(size=(60, 3)), [0, 1, 0] * 20
    plain = TabularClassifier(**QUICK).fit(X, y).predict_proba(X)
    for columns in ([0, 1, 2], pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)])):
        frame = pd.DataFrame(X, columns=columns)
        model = TabularClassifier(**QUICK).fit(frame, pd.DataFrame({0: y}))
        np.testing.assert_array_equal(model.predict_proba(frame), plain)
    with pytest.raises(ValueError, match="X has 4 features, but TabularClassifier is expecting 3"):
        TabularClassifier(**QUICK).fit(X, y).predict(np.zeros((2, 4)))


def test_numbers_of_rows_are_known_in_a_part_of_the_table() -> None:
    """As in a training part; but years, and numbers far from each other, are numbers."""
    numbers = RNG.permutation(1000)[:640] + 5000
    columns = {"id": numbers, "far": RNG.permutation(10**6)[:640], "x": RNG.normal(size=640)}
    kinds = {role.name: role.kind for role in find_roles(read_table(pl.DataFrame(columns)))}
    assert kinds == {"id": "dropped", "far": "number", "x": "number"}
    years = read_table(pl.DataFrame({"year": range(1990, 2024)}))
    assert find_roles(years)[0].kind == "number"


def test_words_that_look_like_ours() -> None:
    """A category called (other) or (missing) is one like any other."""
    words = ["(other)"] * 20 + ["(missing)"] * 20 + ["other"] * 20 + ["rare", None]
    done = Preprocessing("robust", 50).fit(read_table(pl.DataFrame({"w": words})))
    assert len(done.categories["w"]) == 5
    TabularClassifier(**QUICK).fit(pl.DataFrame({"w": words}), [0, 1] * 31)


def test_columns_without_a_finite_number_are_dropped() -> None:
    """Infinite or missing in all rows: nothing can be scaled by them."""
    X = np.column_stack([RNG.normal(size=40), np.full(40, np.inf)])
    X[3, 1] = np.nan
    model = TabularClassifier(**QUICK).fit(X, [0, 1] * 20)
    assert model.preprocessing_.roles[1].kind == "dropped"
    assert np.isfinite(model.predict_proba(X)).all()


def test_what_fails_leaves_no_half_of_a_model() -> None:
    """After a second fit that fails, there is no model, rather than a mixture of two."""
    X, y = RNG.normal(size=(60, 3)), np.array(["a", "b"] * 30)
    model = TabularClassifier(**QUICK).fit(X, y)

    def fail(progress: Progress) -> None:
        raise RuntimeError("on purpose")

    for engine in ("numpy", "compiled"):
        model.set_params(engine=engine, n_members=3, threads=2)
        with pytest.raises(RuntimeError, match="on purpose"):
            model.fit(X, np.array(["c", "d"] * 30), callbacks=[fail])
        with pytest.raises(NotFittedError):
            model.predict(X)


def test_weights_of_validation_are_those_of_training() -> None:
    """Rows of one's own are weighed by class as those held back are, and by their own weights."""
    X = RNG.normal(size=(300, 2))
    y = (X[:, 0] + RNG.normal(size=300) > 1).astype(int)
    first: dict[str, float] = {}
    for name, how in {
        "plain": {},
        "classes": {"class_weight": {0: 1.0, 1: 10.0}},
    }.items():
        model = TabularClassifier(**QUICK, **how).fit(X, y, X_val=X, y_val=y)  # type: ignore[arg-type]
        network = model.networks_[0]
        inputs = model.preprocessing_.transform(read_table(X), "float32")
        w = np.where(y == 1, 10.0, 1.0) if how else None
        history = model.histories_[0]
        T = model.temperatures_[0]
        for part in ("W3", "b3"):
            network.parameters[part][:] *= T
        first[name] = network.loss(inputs, y, w)
        assert first[name] == pytest.approx(min(history.val_loss), rel=1e-4)  # float32
    assert first["plain"] != first["classes"]
    alone = (np.arange(300) < 3).astype(float)
    with pytest.raises(ValueError, match="leaves no row with a sample_weight above 0"):
        TabularClassifier(validation_fraction=0.01, **QUICK).fit(X, y, sample_weight=alone)


def test_callbacks_of_several_networks() -> None:
    """Any iterable; a Callback that remembers something has a copy for each."""
    X, y = load_iris(return_X_y=True)
    told: list[int] = []
    stop = EarlyStopping(patience=2)
    model = TabularClassifier(n_members=3, max_iter=8, random_state=0, engine="compiled", threads=2)
    model.fit(X, y, callbacks=iter([lambda progress: told.append(1), stop]))
    assert len(told) == sum(len(history) for history in model.histories_)
    for history in model.histories_:
        assert len(history) == min(8, int(np.argmin(history.val_loss)) + 3)


def test_a_column_that_numbers_the_rows_can_be_kept() -> None:
    """It is said that it is left out, and how it is kept; then it is learned from."""
    X = pl.DataFrame({"day": np.arange(300), "x": RNG.normal(size=300)})
    y = np.sin(X["day"].to_numpy() / 40)
    quick = {**QUICK, "max_iter": 60}
    with pytest.warns(UserWarning, match=r"numeric_features=\['day'\] keeps it"):
        without = TabularRegressor(**quick).fit(X, y)
    model = TabularRegressor(numeric_features=["day"], **quick).fit(X, y)
    assert model.score(X, y) > 0.5 > without.score(X, y)
    with pytest.raises(ValueError, match="numeric_features must be columns of X"):
        TabularRegressor(numeric_features=["night"], **quick).fit(X, y)


def test_arrays_come_out_where_tools_insist_on_them() -> None:
    """Of a table too: scikit-learn's regressor on a logarithm reshapes what it is given."""
    X = pd.DataFrame({"a": RNG.normal(size=200), "b": RNG.normal(size=200)})
    y = np.exp(X["a"])
    inner = TabularRegressor(output="array", **{**QUICK, "max_iter": 60})
    model = TransformedTargetRegressor(inner, func=np.log1p, inverse_func=np.expm1).fit(X, y)
    assert model.score(X, y) > 0.8


def test_missing_words_are_missing_whatever_else_is_there() -> None:
    """A word for a missing number, alone in a table, is what it was among numbers."""
    words = ["-" if i % 3 == 0 else str(i % 50) for i in range(150)]
    y = [word == "-" for word in words]
    model = TabularClassifier(**QUICK).fit(pl.DataFrame({"v": words}), y)
    (role,) = model.preprocessing_.roles
    assert (role.kind, role.missing) == ("number", 50)
    both = model.predict_proba(pl.DataFrame({"v": ["-", "7"]}))
    np.testing.assert_allclose(model.predict_proba(pl.DataFrame({"v": ["-"]})), both[:1], atol=1e-6)
    with pytest.raises(ValueError, match="must hold numbers, as in training; got 'many'"):
        model.predict(pl.DataFrame({"v": ["-", "many", "3"]}))


def test_flags_and_long_numbers_are_what_they_are() -> None:
    """True is 1 and "true"; whole numbers beyond the floats' are different categories."""
    flags = RNG.random(200) > 0.5
    model = TabularClassifier(**QUICK).fit(pl.DataFrame({"f": flags}), flags)
    for other in (flags.astype(int), flags.astype(float), np.where(flags, "true", "false")):
        assert model.score(pl.DataFrame({"f": other}), flags) == 1
    ids = 2**60 + flags.astype(np.int64)
    named = TabularClassifier(categorical_features=["id"], **QUICK)
    assert named.fit(pl.DataFrame({"id": ids}), flags).score(pl.DataFrame({"id": ids}), flags) == 1


def test_huge_targets_and_those_that_are_no_targets() -> None:
    """Numbers whose squares overflow are scaled; dates, mixtures and names are refused."""
    x = RNG.normal(size=200)
    model = TabularRegressor(**{**QUICK, "max_iter": 40}).fit(x.reshape(-1, 1), x * 1e200)
    assert np.corrcoef(model.predict(x.reshape(-1, 1)) / 1e200, x)[0, 1] > 0.95
    X = x.reshape(-1, 1)
    for y, message in (
        (np.arange(200).astype("datetime64[D]"), "got dates or times"),
        (pd.Series(pd.date_range("2024", periods=200)), "got dates or times"),
        ([1, "x"] * 100, "words alone, or numbers alone"),
        ("target", "must be the values of the target, got 'target'"),
        (x, "y must hold classes, got continuous values; for numbers, TabularRegressor"),
    ):
        with pytest.raises(ValueError, match=message):
            TabularClassifier(**QUICK).fit(X, y)
    with pytest.raises(TypeError, match=r"call X.collect\(\)"):
        TabularClassifier(**QUICK).fit(pl.DataFrame({"a": x}).lazy(), x > 0)


def test_two_columns_of_one_name() -> None:
    """Only pandas allows it; it is refused with the name."""
    X = pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"])
    with pytest.raises(ValueError, match="'a'"):
        TabularClassifier(**QUICK).fit(X, [0, 1])


def test_the_split_keeps_the_classes_in_proportion() -> None:
    """As far as each class has two examples; else it is drawn from all."""
    y = np.array([0] * 80 + [1] * 20)
    X = as_inputs(np.zeros((100, 1)))
    rows = Rows(X, y, None, y)
    train, held = split(rows, 0.2, np.random.RandomState(0))
    assert (len(train.Y), held.Y.sum()) == (80, 4)
    alone = np.array([0] * 99 + [1])
    train, held = split(Rows(X, alone, None, alone), 0.2, np.random.RandomState(0))
    assert (len(train.Y), len(held.Y)) == (80, 20)


CHECKED: dict[str, Any] = {
    "hidden_layer_sizes": (16,),
    "learning_rate_init": 0.02,
    "max_iter": 40,
    "n_members": 1,
    "output": "array",
    "random_state": 0,
    "dtype": "float64",
    "engine": "numpy",
}
WHY_NOT = {
    "check_sample_weight_equivalence_on_dense_data": "a row of weight 2 is in the training part or "
    "in the validation part, two equal rows may be in both",
}


@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [TabularClassifier(**CHECKED), TabularRegressor(**CHECKED)],
    expected_failed_checks=lambda model: WHY_NOT,
)
@pytest.mark.filterwarnings("default")  # their checks are written for warnings that are no errors
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    """All checks of estimators, but one."""
    check(estimator)


def test_every_input_has_a_name() -> None:
    frame = pd.DataFrame(
        {
            "size": [1.0, 2.5, np.nan, 4.0] * 10,
            "colour": ["red", "green", None, "red"] * 10,
            "day": pd.date_range("2024-01-01", periods=40, freq="37D"),
        }
    )
    done = Preprocessing("robust", 50).fit(table := read_table(frame))
    names, X = done.input_names(), done.transform(table, np.float64)
    assert len(names) == X.shape[1] == done.n_inputs
    assert names[:3] == ["size", "day (days)", "size is missing"]
    at = {name: X[:, i] for i, name in enumerate(names)}
    assert np.array_equal(at["size is missing"], frame["size"].isna())
    assert np.array_equal(at["colour = red"], frame["colour"] == "red")
    assert np.array_equal(at["colour = missing"], frame["colour"].isna())
    angle = 2 * np.pi * (frame["day"].astype("datetime64[s]").astype(int) / 86400) / 7
    assert at["day (sine of the week)"] == pytest.approx(np.sin(angle), abs=1e-9)
