"""Models for tables in a file: they come back to the bit, and nothing in a file is trusted."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from chainrule import (
    ELU,
    Activation,
    Huber,
    ModelFileError,
    TabularClassifier,
    TabularRegressor,
    load,
)
from tests.saved import put_together, take_apart
from tests.test_tabular import QUICK, mixed, target

# The column `index` of the tables here numbers their rows, which is told once a fit.
pytestmark = pytest.mark.filterwarnings("ignore:column '(index|x10)' is left out")

TABLE = pl.DataFrame(mixed())
ANSWER = target(mixed())


def said(model: Any) -> str:
    """Return what `describe` prints."""
    text = io.StringIO()
    model.describe(text)
    return text.getvalue()


@pytest.mark.parametrize("scaling", ["robust", "quantile"])
@pytest.mark.parametrize("labels", ["words", "whole", "flags", "floats"])
def test_a_classifier_comes_back(tmp_path: Path, scaling: str, labels: str) -> None:
    """With columns of every kind and labels of every type: predictions, types and description."""
    y = np.array(ANSWER)
    if labels != "words":
        kinds: dict[str, tuple[Any, Any]] = {
            "whole": (3, 7),
            "flags": (False, True),
            "floats": (0.5, 1.5),
        }
        no, yes = kinds[labels]
        y = np.where(y == "yes", yes, no)
    model = TabularClassifier(scaling=scaling, max_one_hot=3, **{**QUICK, "n_members": 2})
    if labels == "floats":
        with pytest.raises(ValueError, match="continuous"):
            model.fit(TABLE, y)
        return
    model.fit(TABLE, pl.Series("answer", y))
    model.save(tmp_path / "m")
    again = load(tmp_path / "m")
    assert isinstance(again, TabularClassifier)
    np.testing.assert_array_equal(again.predict_proba(TABLE), model.predict_proba(TABLE))
    assert again.predict(TABLE).to_list() == model.predict(TABLE).to_list()
    assert again.predict(TABLE).name == "answer"
    assert again.classes_.dtype == model.classes_.dtype
    assert again.get_params() == model.get_params()
    assert again.temperatures_ == model.temperatures_
    assert said(again) == said(model)
    assert [*again.feature_names_in_] == TABLE.columns


@pytest.mark.parametrize("loss", ["squared_error", "poisson", "pinball"])
def test_a_regressor_comes_back(tmp_path: Path, loss: str) -> None:
    """With the scale and the range of its target, from an array too."""
    X = np.random.default_rng(0).normal(size=(120, 4))
    y = np.exp(X[:, 0])
    model = TabularRegressor(loss=loss, **QUICK).fit(X, y)
    model.save(tmp_path / "m")
    again = load(tmp_path / "m")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert said(again) == said(model)
    assert not hasattr(again, "feature_names_in_")


def test_your_own_activation(tmp_path: Path) -> None:
    """It goes by a name, and comes back by it."""
    bent = Activation("bent", lambda z: z + np.tanh(z), lambda z, a: 2 - np.tanh(z) ** 2)
    model = TabularClassifier(activation=bent, **QUICK).fit(TABLE, ANSWER)
    with pytest.raises(ValueError, match="is your own 'bent'"):
        model.save(tmp_path / "m")
    model.save(tmp_path / "m", custom={"bent": bent})
    again = load(tmp_path / "m", custom={"bent": bent})
    np.testing.assert_array_equal(again.predict_proba(TABLE), model.predict_proba(TABLE))


def test_what_is_there_may_be_kept(tmp_path: Path) -> None:
    """With overwrite=False, and labels that JSON has not are said."""
    model = TabularClassifier(**QUICK).fit(TABLE, ANSWER)
    (tmp_path / "m").write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError, match="is there already"):
        model.save(tmp_path / "m", overwrite=False)
    assert (tmp_path / "m").read_text(encoding="utf-8") == "mine"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a small classifier."""
    path = tmp_path_factory.mktemp("m") / "m"
    TabularClassifier(hidden_layer_sizes=(3,), **QUICK).fit(TABLE, ANSWER).save(path)
    return path.read_bytes()


WRONG: list[tuple[tuple[Any, ...], Any, str]] = [
    (("task",), "clustering", "task must be one of"),
    (("parameters",), [1], "parameters must be an object"),
    (("parameters", "hidden"), 3, "parameters must be those of TabularClassifier, got 'hidden'"),
    (("parameters", "dropout"), 3, "'dropout' parameter"),
    (("features", "count"), 0, "count must be at least 1"),
    (("columns",), [], "columns must not be empty"),
    (("columns", 0, "kind"), "code", "kind must be one of"),
    (("columns", 0, "kind"), "dropped", "must be bool of shape"),
    (("columns", 1, "name"), "number", "names of columns must be different"),
    (("columns", 2, "categories"), [], "column 'word' must have categories"),
    (("columns", 2, "categories"), ["a", 1], "each of categories of 'word' must be a string"),
    (("columns", 2, "categories"), ["a", "a"], "must be different"),
    (("columns", 2, "categories"), ["a"], "network 0 must have"),
    (("columns", 4, "cycles"), ["century"], "cycle must be one of"),
    (("scaling",), "quantile", "array 'numbers.quantiles' must have rows and columns"),
    (("max_one_hot",), 2.5, "max_one_hot must be an integer"),
    (("target", "type"), "complex", "type must be one of"),
    (("target", "classes"), ["no"], "classes must be at least two different"),
    (("target", "classes"), ["no", 1], "each of classes must be a str, got 1"),
    (("target", "classes"), ["yes", "no"], "classes must be in order"),
    (("target", "classes"), ["a", "b", "c"], "baseline must have 3 shares"),
    (("target", "baseline"), [2, -1], "baseline must be in"),
    (("target", "baseline"), [0.9, 0.9], "shares that are 1 in all"),
    (("target", "temperatures"), [1.0, 1.0], "a history, and a temperature, for each network"),
    (("features", "count"), 77, "there must be 77 columns, got 12"),
    (("target", "name"), None, "name of the target must be a string"),
    (("networks",), [], "networks must not be empty"),
    (("networks", 0, "structure", "n_inputs"), 3, "array '0.W1' must be"),
    (("histories",), [], "histories must not be empty"),
    (("histories", 0, "val_loss"), ["x"], "val_loss must be a number"),
]


@pytest.mark.parametrize(("place", "value", "message"), WRONG)
def test_a_description_that_is_wrong_is_refused(
    saved: bytes, tmp_path: Path, place: tuple[Any, ...], value: Any, message: str
) -> None:
    """By a sentence that names the file and the place."""
    path = tmp_path / "m"
    header, rest = take_apart(saved)
    model = json.loads(header["__metadata__"]["chainrule"])
    tree = model["description"]
    for step in place[:-1]:
        tree = tree[step]
    tree[place[-1]] = value
    header["__metadata__"]["chainrule"] = json.dumps(model)
    path.write_bytes(put_together(header, rest))
    with pytest.raises(ModelFileError, match=message) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path} can't be loaded: ")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 255)), min_size=1, max_size=4))
def test_no_change_of_bytes_does_harm(
    saved: bytes, tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    """A model that predicts comes out, or our own error; nothing else."""
    content = bytearray(saved)
    for place, byte in changes:
        content[place % len(content)] = byte
    path = tmp_path_factory.mktemp("m") / "m"
    path.write_bytes(content)
    try:
        model = load(path)
    except ModelFileError:
        return
    try:
        P = model.predict_proba(TABLE)
    except ValueError as error:  # a column has another name now, or another kind
        if "X must have the columns" not in str(error) and "must hold" not in str(error):
            raise
    else:
        assert np.isfinite(P).all()


def test_parameters_come_back_from_the_networks_too(tmp_path: Path) -> None:
    """A loss with constants, weights of classes, sizes that NumPy counted: a clone is the same."""
    X, y = TABLE, np.array(ANSWER)
    sizes = (np.int64(5), np.int64(4))
    weights = {"no": 1, "yes": 5.5}
    model = TabularClassifier(sizes, ELU(0.5), class_weight=weights, **QUICK).fit(X, y)
    model.save(tmp_path / "m")
    again = load(tmp_path / "m")
    assert again.get_params() == model.get_params()
    np.testing.assert_array_equal(clone(again).fit(X, y).predict_proba(X), model.predict_proba(X))
    numbers = np.random.default_rng(0).normal(size=(50, 2))
    regressor = TabularRegressor(loss=Huber(0.1), **QUICK).fit(numbers, numbers[:, 0])
    regressor.save(tmp_path / "r")
    assert load(tmp_path / "r").loss == Huber(0.1)


def test_many_long_words_can_be_saved(tmp_path: Path) -> None:
    """As many as are kept of a column of addresses, in any script."""
    words = [f"https://example.org/{'ä' * 150}/{i}" for i in range(1500)] * 3
    model = TabularClassifier(hidden_layer_sizes=(2,), **{**QUICK, "max_iter": 1})
    model.fit(pl.DataFrame({"w": words, "v": words[::-1]}), [0, 1, 1] * 1500)
    model.save(tmp_path / "m")
    assert load(tmp_path / "m").preprocessing_.categories == model.preprocessing_.categories
