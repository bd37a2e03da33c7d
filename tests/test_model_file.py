"""The format: nothing but what was written by it is read, whatever else a file may be."""

from __future__ import annotations

import copy
import json
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from chainrule import (
    ModelFileError,
    Network,
    load,
)
from chainrule.model_file import HEADER_LIMIT, read_model, write_model
from tests.saved import small_network, through_a_file, valid, with_text


def raw(header: bytes | str, data: bytes = b"", length: int | None = None) -> bytes:
    """Return the bytes of a safetensors file with this header, right or wrong."""
    text = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(text) if length is None else length) + text + data


NETWORK = with_text(json.dumps(valid()[0]))
ENTRY = '{"dtype":"F64","shape":[1],"data_offsets":[0,8]}'

FILES: list[tuple[str, bytes, str]] = [
    ("empty", b"", "0 bytes, too few"),
    ("short", b"1234567", "7 bytes, too few"),
    ("junk", bytes(range(256)) * 4, "no safetensors file"),
    ("a pickle", pickle.dumps({"W1": np.ones(2)}), "no safetensors file"),
    ("cut in the header", NETWORK[:100], "or not a whole one"),
    ("cut in the data", NETWORK[:-1], "or not a whole one"),
    ("more than it says", NETWORK + b"\0", "or not a whole one"),
    ("a header of 2**63", raw("{}", length=2**63), "header would have"),
    ("a header too long", raw(b"{}" + b" " * HEADER_LIMIT), f"at most {HEADER_LIMIT}"),
    ("not JSON", raw("{'a': 1}"), "its header is wrong"),
    ("not UTF-8", raw(b'{"\xff": 1}'), "its header is wrong"),
    ("nested deeply", raw("[" * 10**6), "nested too deeply"),
    ("objects nested deeply", raw('{"a":' * 10**5), "nested too deeply"),
    ("a list", raw("[]"), "no safetensors file"),
    ("an array twice", raw(f'{{"W":{ENTRY},"W":{ENTRY}}}', bytes(8)), "'W' is there twice"),
    (
        "arrays that overlap",
        raw(f'{{"V":{ENTRY},"W":{ENTRY}}}', bytes(8)),
        "no safetensors file, or not a whole one",
    ),
    (
        "a shape of 10**12",
        raw(ENTRY.join(('{"W":', "}")).replace("[1]", "[1000000000000]"), bytes(8)),
        "no safetensors file, or not a whole one",
    ),
    (
        "a negative shape",
        raw(ENTRY.join(('{"W":', "}")).replace("[1]", "[-1]"), bytes(8)),
        "no safetensors file, or not a whole one",
    ),
    (
        "a shape of 10**30",
        raw(ENTRY.join(('{"W":', "}")).replace("[1]", f"[{10**30}]"), bytes(8)),
        "no safetensors file, or not a whole one",
    ),
    ("NaN in the header", raw('{"W": NaN}'), "not finite"),
    ("digits without end", raw('{"W": ' + "9" * 10**5 + "}"), "has 100000 digits"),
    ("no metadata", save(valid()[1]), "no model of chainrule"),
    ("metadata of others", save(valid()[1], {"format": "pt"}), "no model of chainrule"),
    ("more metadata", save(valid()[1], {"chainrule": "{}", "x": "y"}), "no other entries"),
    ("metadata not JSON", with_text("junk"), "Expecting value"),
    ("metadata nested deeply", with_text("[" * 10**6), "nested too deeply"),
    ("metadata a list", with_text("[]"), "the model must be an object"),
    ("an entry twice", with_text('{"kind": "a", "kind": "b"}'), "'kind' is there twice"),
    (
        "a number beyond floats",
        with_text(json.dumps(valid()[0]).replace("0.25", "1e999")),
        "not finite",
    ),
    ("NaN", with_text(json.dumps(valid()[0]).replace("0.25", "NaN")), "not finite"),
    ("a type of no model", raw(
        '{"__metadata__":{"chainrule":' + json.dumps(json.dumps(valid()[0]))
        + '},"W":{"dtype":"BF16","shape":[4],"data_offsets":[0,8]}}', bytes(8)), "has type BF16"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "message"), [f[1:] for f in FILES], ids=[f[0] for f in FILES])
def test_no_other_file_is_loaded(content: bytes, message: str, tmp_path: Path) -> None:
    """One error of ours, which names the file and says what is wrong."""
    path = tmp_path / "it.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=message) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path} can't be loaded: ")
    assert len(str(caught.value)) < 1500


Change = Callable[[dict[str, Any], dict[str, Any]], object]


def put(*place: Any, value: Any) -> Change:
    """Return what puts a value at a place in the description of the network."""

    def change(model: dict[str, Any], arrays: dict[str, Any]) -> None:
        inner: Any = model
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = value

    return change


OF = ("description", "structure")
FIRST = (*OF, "layers", 0)


WRONG: list[tuple[Change, str]] = [
    (put("format", value="another"), "format must be 'chainrule model', got 'another'"),
    (put("format_version", value=2), "written in format 2 by chainrule '0.1.0', .* newer"),
    (put("format_version", value=0), "format_version must be at least 1"),
    (put("format_version", value="1"), "format_version must be an integer"),
    (put("format_version", value=True), "format_version must be an integer"),
    (put("written_by", value=1), "written_by must be a string"),
    (put("kind", value="forest"), "holds a 'forest', and what can be loaded is network"),
    (put("kind", value=[]), "kind must be a string"),
    (put("more", value=1), "the model must have no other entries than its own, got 'more'"),
    (lambda model, arrays: model.pop("description"), "must have an entry 'description'"),
    (put("description", value=[]), "network must be an object"),
    (put("description", "dtype", value="float16"), "dtype must be one of"),
    (put(*OF, value=None), "structure must be an object"),
    (put(*OF, "n_inputs", value=0), "n_inputs must be at least 1, got 0"),
    (put(*OF, "n_inputs", value=-1), "n_inputs must be at least 1"),
    (put(*OF, "n_inputs", value=2.0), "n_inputs must be an integer"),
    (put(*OF, "n_inputs", value=10**12), r"'W1' must be float64 of shape \(1000000000000, 3\)"),
    (put(*OF, "layers", value={}), "layers must be a list"),
    (put(*OF, "layers", value=[]), "layers must not be empty"),
    (put(*OF, "layers", value=[1]), "layer 1 must be an object with units"),
    (put(*FIRST, "units", value=10**12), r"'W1' must be float64 of shape \(2, 1000000000000\)"),
    (put(*FIRST, "units", value=10**30), "'W1' must be float64 of shape"),
    (put(*FIRST, "units", value=-3), "units of layer 1 must be at least 1"),
    (put(*FIRST, "units", value="3"), "units of layer 1 must be an integer"),
    (put(*FIRST, "colour", value=3), "layer 1 must have no other entries"),
    (put(*FIRST, "dropout", value=1.0), r"dropout must be in \[0, 1\)"),
    (put(*FIRST, "dropout", value=10**39), r"dropout must be in \[0, 1\)"),
    (put(*FIRST, "dropout", value=None), "dropout must be a number"),
    (put(*FIRST, "normalization", value="bach"), "did you mean 'batch'"),
    (put(*FIRST, "normalization", value=[]), "normalization of layer 1 must be a string"),
    (put(*FIRST, "initializer", value="zeros"), "initializer of layer 1 must be an object"),
    (put(*FIRST, "initializer", "name", value="one"), "initializer of layer 1 must be one of"),
    (put(*FIRST, "initializer", "name", value=[]), "name must be a string"),
    (put(*FIRST, "initializer", "custom", value=0), "must be True or False"),
    (put(*FIRST, "initializer", "custom", value=True), "is the writer's own 'he_normal'"),
    (put(*FIRST, "activation", "name", value="elo"), "did you mean 'elu'"),
    (put(*FIRST, "activation", "name", value={}), "name must be a string"),
    (put(*FIRST, "activation", "name", value="relu"), "must have no other entries"),
    (put(*FIRST, "activation", "custom", value=1), "must be True or False"),
    (put(*FIRST, "activation", "constants", value=[]), "must have constants by name"),
    (put(*FIRST, "activation", "constants", value={}), "must have an entry 'alpha'"),
    (put(*FIRST, "activation", "constants", "alpha", value=-1), "alpha must be at least 0"),
    (put(*FIRST, "activation", "constants", "alpha", value="x"), "alpha must be a number"),
    (put(*FIRST, "activation", "constants", "beta", value=1), "must have no other entries"),
    (put(*OF, "loss", "name", value="elu"), "loss must be one of"),
    (put(*OF, "loss", "constants", "delta", value=0), "delta must be greater than 0"),
    (
        put(*OF, "loss", value={"name": "poisson_deviance", "constants": {}, "custom": False}),
        r"needs outputs in \[0, inf\]",
    ),
    (lambda model, arrays: model["description"]["structure"]["layers"].pop(), "belongs to nothing"),
    (lambda model, arrays: arrays.pop("b2"), "array 'b2' is missing"),
    (lambda model, arrays: arrays.pop("var1"), "array 'var1' is missing"),
    (lambda model, arrays: arrays.update(W9=np.ones(3)), "array 'W9' belongs to nothing"),
    (lambda model, arrays: arrays.update(b1=np.ones(3)), r"'b1' must be float64 of shape \(1, 3\)"),
    (lambda model, arrays: arrays.update(b1=np.ones((1, 3), "f4")), "got float32"),
    (lambda model, arrays: arrays.update(b1=np.ones((1, 3), "i8")), "got int64"),
    (
        lambda model, arrays: arrays.update(b1=np.array([[1.0, np.nan, 1.0]])),
        r"array 'b1' must be finite, got nan at \[0, 1\]",
    ),
    (lambda model, arrays: arrays.update(var1=-np.ones((1, 3))), "'var1' must not be negative"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), WRONG, ids=[message for _, message in WRONG])
def test_no_other_model_is_loaded(change: Change, message: str, tmp_path: Path) -> None:
    """Each part of a model is checked, and the message says which is wrong."""
    model, arrays = valid()
    change(model, arrays)
    path = tmp_path / "n"
    path.write_bytes(with_text(json.dumps(model), arrays))
    with pytest.raises(ModelFileError, match=message):
        load(path)


def test_what_the_wrong_ones_differ_from_is_right(tmp_path: Path) -> None:
    """The file that the tests above change can be loaded as it is."""
    (tmp_path / "n").write_bytes(NETWORK)
    assert load(tmp_path / "n").structure == small_network().structure


def test_no_file_no_model(tmp_path: Path) -> None:
    """Missing, a folder, no regular file, or no path at all."""
    with pytest.raises(ModelFileError, match="No such file"):
        load(tmp_path / "missing")
    with pytest.raises(ModelFileError, match="it is a folder"):
        load(tmp_path)
    with pytest.raises(ModelFileError, match=r"it is not a file|No such file"):
        load(os.devnull)
    with pytest.raises(ModelFileError, match="null"):
        load("a\0b")
    with pytest.raises(TypeError, match="int"):
        load(3)  # type: ignore[arg-type]


def test_size_is_limited(tmp_path: Path) -> None:
    """A file larger than the limit is not opened."""
    small_network().save(tmp_path / "n")
    size = (tmp_path / "n").stat().st_size
    with pytest.raises(ModelFileError, match=f"has {size} bytes, and max_bytes is {size - 1}"):
        load(tmp_path / "n", max_bytes=size - 1)
    assert load(tmp_path / "n", max_bytes=size).structure.n_inputs == 2
    with pytest.raises(TypeError, match="max_bytes must be an integer"):
        load(tmp_path / "n", max_bytes=1e9)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one path that many examples write to."""
    return tmp_path_factory.mktemp("scratch") / "n"


def is_refused_or_valid(path: Path) -> None:
    """Load the file, which gives a whole network or the one error."""
    try:
        network = load(path)
    except ModelFileError as error:
        message = str(error)
    else:
        is_whole(network)
        return
    assert message.startswith(f"{path} can't be loaded: ")


def is_whole(network: Network) -> None:
    """Look at everything that the rest of the library takes for granted."""
    assert isinstance(network, Network)
    assert np.isfinite(network.vector).all()
    assert network.vector.size == network.structure.n_parameters
    assert all((v >= 0).all() for n, v in network.statistics.items() if n.startswith("var"))
    assert through_a_file(network).structure == network.structure


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_changed_bytes(scratch: Path, data: st.DataObject) -> None:
    """Bytes changed, put in and left out, most of them in the header."""
    content = bytearray(NETWORK)
    header = 8 + int.from_bytes(NETWORK[:8], "little")
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, header) | st.integers(0, len(content) - 1))
        some = data.draw(st.binary(max_size=3) | st.sampled_from([b"9", b"-", b'"', b"}", b"e9"]))
        content[place : place + data.draw(st.sampled_from([0, len(some), 1]))] = some
    scratch.write_bytes(content)
    is_refused_or_valid(scratch)


junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["elu", "leaky_relu", "softmax", "huber", "batch", "float32"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to each part of a JSON value."""
    if not isinstance(value, (dict, list)):
        return [place]
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return [place, *(p for step, part in inner for p in places(part, (*place, step)))]


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_changed_descriptions(scratch: Path, data: st.DataObject) -> None:
    """A valid file but for one part of its description, which is anything that JSON can say."""
    model, arrays = copy.deepcopy(valid())
    put(*data.draw(st.sampled_from(places(model)[1:])), value=data.draw(junk))(model, arrays)
    scratch.write_bytes(with_text(json.dumps(model), arrays))
    is_refused_or_valid(scratch)


# ---------------------------------------------------------------------------------------------
# The format for other kinds


def test_other_kinds_use_the_same_format(tmp_path: Path) -> None:
    """A description and arrays of any name, type and shape; parts of them by a prefix."""
    path = tmp_path / "m"
    arrays = {
        "a/x": np.arange(6).reshape(2, 3).T,
        "a/y": np.array(2.5, ">f4"),
        "b": np.array([True, False]),
        "none": np.empty((0, 2)),
    }
    write_model(path, "thing", {"names": ["é", "\ud800"], "empty": None}, arrays)
    with read_model(path, kinds=["thing"]) as file:
        assert file.kind == "thing"
        assert file.description == {"names": ["é", "\ud800"], "empty": None}
        assert file.arrays.known["a/x"].shape == (3, 2)
        part = file.arrays.under("a/")
        assert list(part.known) == ["x", "y"]
        np.testing.assert_array_equal(part.read("x"), arrays["a/x"])
        assert part.read("y") == np.float32(2.5)
        assert file.arrays.read("b").tolist() == [True, False]
        assert file.arrays.read("none").shape == (0, 2)
        with pytest.raises(ValueError, match=r"array 'a/x' must be float64 of shape \(3, 2\)"):
            part.expect({"x": (3, 2), "y": ()}, np.float64)
    with pytest.raises(ModelFileError, match="holds a 'thing', and what can be loaded is network"):
        load(path)


@pytest.mark.parametrize(
    ("description", "array", "message"),
    [
        ({}, np.array([1.0, np.inf]), r"a must be finite to be saved, got inf at \[1\]"),
        ({}, np.array(["text"]), "array 'a' must hold floats, integers or booleans"),
        ({}, np.array([1j]), "array 'a' must hold floats, integers or booleans"),
        ({"x": np.nan}, np.ones(1), "not JSON compliant"),
        ({"x": "y" * HEADER_LIMIT}, np.ones(1), f"must fit into {HEADER_LIMIT} bytes"),
    ],
)
def test_nothing_is_written_that_could_not_be_read(
    description: Any, array: Any, message: str, tmp_path: Path
) -> None:
    """What `read_model` would refuse is refused before there is a file."""
    with pytest.raises(ValueError, match=message):
        write_model(tmp_path / "m", "thing", description, {"a": array})
    assert list(tmp_path.iterdir()) == []
