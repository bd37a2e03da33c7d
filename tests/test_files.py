"""Saved models: they come back to the bit, no bad file does harm, and none is half written."""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import (
    ELU,
    Activation,
    Huber,
    Layer,
    LeakyReLU,
    ModelFileError,
    Network,
    Pinball,
    Structure,
    fit,
    load,
)
from chainrule._files import replacing, writing
from chainrule.activations import ACTIVATIONS
from chainrule.initializers import INITIALIZERS
from chainrule.losses import LOSSES
from tests.processes import run_python

X = np.random.default_rng(0).normal(size=(20, 3))
FIXTURE = Path(__file__).parent / "data" / "network-format-1.safetensors"
HIDDEN = [g for g in ACTIVATIONS.values() if g.vjp is None]
LOSS = [*LOSSES.values(), Huber(0.3), Pinball(0.9)]


def layers() -> st.SearchStrategy[Layer]:
    """Layers of every activation, normalisation and initialiser."""
    return st.builds(
        Layer,
        st.integers(1, 6),
        st.sampled_from([*HIDDEN, ELU(0.7), LeakyReLU(0.2)]),
        dropout=st.sampled_from([0.0, 0.25]),
        normalization=st.sampled_from([None, "batch", "layer"]),
        initializer=st.sampled_from([*INITIALIZERS]),
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(layers(), max_size=3),
    st.sampled_from(LOSS),
    st.sampled_from(["float32", "float64"]),
    st.integers(0, 2**32 - 1),
)
def test_every_network_comes_back_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory,
    hidden: list[Layer],
    loss: Any,
    dtype: str,
    seed: int,
) -> None:
    """Structure, parameters, statistics and type: whatever it is made of."""
    path = tmp_path_factory.mktemp("n") / "n.safetensors"
    network = Network(Structure([3, *hidden, 2], loss=loss), dtype=dtype, random_state=seed)
    for i, values in enumerate(network.statistics.values()):
        values[:] += i + 0.5
    network.save(path)
    again = load(path)
    assert again.structure == network.structure
    assert again.dtype == network.dtype
    assert again.vector.tobytes() == network.vector.tobytes()
    assert {k: v.tobytes() for k, v in again.statistics.items()} == {
        k: v.tobytes() for k, v in network.statistics.items()
    }
    np.testing.assert_array_equal(again.forward(X), network.forward(X))


def test_a_loaded_network_goes_on_learning(tmp_path: Path) -> None:
    """Its parameters are views into a vector of its own, as those of any network."""
    network = Network([3, 4, 1], random_state=0)
    network.save(tmp_path / "n")
    again = load(tmp_path / "n")
    for each in (network, again):
        fit(each, X, X[:, 0] > 0, epochs=3, random_state=0, verbose=0)
    assert again.vector.tobytes() == network.vector.tobytes()


def test_your_own_formulas_go_by_name(tmp_path: Path) -> None:
    """Refused without a name, and given back by it; another formula of that name is, too."""
    bent = Activation(
        "bent", lambda z: z + 0.1 * np.tanh(z), lambda z, a: 1.1 - 0.1 * np.tanh(z) ** 2
    )
    network = Network([3, 4, 1], hidden=bent, random_state=0)
    path = tmp_path / "n"
    with pytest.raises(ValueError, match="activation of layer 1 is your own 'bent'"):
        network.save(path)
    assert not path.exists()
    network.save(path, custom={"bent": bent})
    with pytest.raises(ModelFileError, match="give it back as custom="):
        load(path)
    np.testing.assert_array_equal(load(path, custom={"bent": bent}).forward(X), network.forward(X))
    with pytest.raises(TypeError, match="custom must be a dict"):
        load(path, custom=[bent])  # type: ignore[arg-type]


def test_a_file_of_the_first_format_is_read_forever() -> None:
    """Written by version 0.1.0: 3-5-2, batch normalisation, ELU with a constant, float32."""
    network = load(FIXTURE)
    assert network.structure.layers[0].activation == ELU(0.5)
    assert network.dtype == np.float32
    expected = [0.08460293710231781, 0.8590471148490906]
    np.testing.assert_allclose(network.forward([[0.5, -1.0, 2.0]])[0], expected, rtol=1e-6)


def header(path: Path) -> tuple[dict[str, Any], bytes]:
    """Return the header of a safetensors file as JSON, and what comes after it."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def rewrite(path: Path, head: Any, rest: bytes) -> None:
    """Write a safetensors file by hand."""
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + rest)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A small saved network."""
    path = tmp_path / "n.safetensors"
    Network([3, Layer(4, "elu", normalization="batch"), 1], random_state=0).save(path)
    return path


def set_at(tree: Any, place: tuple[Any, ...], value: Any) -> None:
    """Put a value at a place in JSON; an entry ... takes it away."""
    for step in place[:-1]:
        tree = tree[step]
    if value is ...:
        del tree[place[-1]]
    else:
        tree[place[-1]] = value


LAYER = ("description", "structure", "layers", 0)
WRONG: list[tuple[tuple[Any, ...], Any, str]] = [
    (("format",), "other", "format must be 'chainrule model', got 'other'"),
    (("format_version",), 2, "written in format 2 .* reads formats up to 1; install a newer"),
    (("format_version",), 0, "format_version must be at least 1"),
    (("format_version",), True, "format_version must be an integer"),
    (("kind",), "pipeline", "it holds a 'pipeline', and what can be loaded is network"),
    (("kind",), ..., "must have an entry 'kind'"),
    (("more",), 1, "no other entries than its own, got 'more'"),
    (("description",), None, "network must be an object with dtype, structure"),
    (("description", "dtype"), "float16", "dtype must be one of"),
    (("description", "structure", "n_inputs"), 4, "array 'W1' must be float64 of shape"),
    (("description", "structure", "n_inputs"), -1, "n_inputs must be at least 1"),
    (("description", "structure", "n_inputs"), 10**30, "array 'W1' must be float64"),
    (("description", "structure", "layers"), [], "layers must not be empty"),
    (("description", "structure", "layers"), "x", "layers must be a list"),
    ((*LAYER, "units"), 10**12, "array 'W1' must be float64 of shape"),
    ((*LAYER, "units"), 2.5, "units of layer 1 must be an integer"),
    ((*LAYER, "units"), "4", "units of layer 1 must be an integer"),
    ((*LAYER, "dropout"), 1.5, "dropout must be in"),
    ((*LAYER, "dropout"), [0], "dropout must be a number"),
    ((*LAYER, "normalization"), "group", "normalization must be one of"),
    ((*LAYER, "normalization"), None, "array '.*1' belongs to nothing"),
    ((*LAYER, "activation", "name"), "exec", "activation of layer 1 must be one of"),
    ((*LAYER, "activation", "name"), ["elu"], "activation of layer 1's name must be a string"),
    ((*LAYER, "activation", "constants"), {"alpha": "x"}, "alpha must be a number"),
    ((*LAYER, "activation", "constants"), {"beta": 1}, "must have an entry 'alpha'"),
    ((*LAYER, "activation", "custom"), True, "is the writer's own 'elu'"),
    ((*LAYER, "initializer", "name"), "os.system", "initializer of layer 1 must be one of"),
    (("description", "structure", "loss", "name"), "huber", "constants of the loss must have"),
]


@pytest.mark.parametrize(("place", "value", "message"), WRONG)
def test_a_description_that_is_wrong_is_refused(
    saved: Path, place: tuple[Any, ...], value: Any, message: str
) -> None:
    """By a sentence that names the file and the place, before an array is made."""
    head, rest = header(saved)
    model = json.loads(head["__metadata__"]["chainrule"])
    set_at(model, place, value)
    head["__metadata__"]["chainrule"] = json.dumps(model)
    rewrite(saved, head, rest)
    with pytest.raises(ModelFileError, match=message) as caught:
        load(saved)
    assert str(caught.value).startswith(f"{saved} can't be loaded: ")


def test_arrays_that_are_wrong_are_refused(saved: Path) -> None:
    """Numbers that are not finite, a variance below 0, another type or shape, more, or fewer."""
    whole, rest = header(saved)
    for name, value, message in (
        ("W1", np.nan, "array 'W1' must be finite, got nan"),
        ("b2", np.inf, "array 'b2' must be finite, got inf"),
        ("var1", -1.0, "array 'var1' must not be negative"),
    ):
        start = whole[name]["data_offsets"][0]
        rewrite(saved, whole, rest[:start] + struct.pack("<d", value) + rest[start + 8 :])
        with pytest.raises(ModelFileError, match=message):
            load(saved)
    for entry, message in (
        ({"dtype": "I64"}, "array 'W1' must be float64 of shape"),
        ({"dtype": "F32"}, "no safetensors file, or not a whole one"),
        ({"shape": [4, 3]}, "array 'W1' must be float64 of shape"),
        ({"shape": [2**62, 2**62]}, "no safetensors file, or not a whole one"),
        ({"dtype": "BF16"}, "no safetensors file|has type BF16"),
        ({"data_offsets": [0, 2**60]}, "no safetensors file, or not a whole one"),
    ):
        head = json.loads(json.dumps(whole))
        head["W1"].update(entry)
        rewrite(saved, head, rest)
        with pytest.raises(ModelFileError, match=message):
            load(saved)


def test_files_that_are_no_models(tmp_path: Path, saved: Path) -> None:
    """Missing, empty, junk, cut off, a folder, a pickle, a bomb of brackets, or too large."""
    content, path = saved.read_bytes(), tmp_path / "f"
    deep = b'{"__metadata__":' + b"[" * 10**5 + b"]" * 10**5 + b"}"
    twice = b'{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"F32"}}'
    for junk, message in (
        (b"", "has 0 bytes, too few"),
        (b"junk", "has 4 bytes, too few"),
        (b"\xff" * 64, "its header would have"),
        (content[:100], "its header would have"),
        (content[:-8], "no safetensors file, or not a whole one"),
        (content + b"more", "no safetensors file, or not a whole one"),
        (pickle.dumps({"a": 1}) * 9, "its header would have"),
        (struct.pack("<Q", len(deep)) + deep, "nested too deeply"),
        (struct.pack("<Q", len(twice)) + twice, "'a' is there twice"),
        (struct.pack("<Q", 2) + b"{}", "but no model of chainrule"),
    ):
        path.write_bytes(junk)
        with pytest.raises(ModelFileError, match=message):
            load(path)
    with pytest.raises(ModelFileError, match="No such file"):
        load(tmp_path / "none")
    with pytest.raises(ModelFileError, match="it is a folder"):
        load(tmp_path)
    with pytest.raises(ModelFileError, match="and max_bytes is 10; if you trust it"):
        load(saved, max_bytes=10)


CONTENT = FIXTURE.read_bytes() if FIXTURE.exists() else b""


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(CONTENT) - 1), st.integers(0, 255)), max_size=4))
def test_no_change_of_bytes_does_harm(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    """A sound network of the same shape comes out, or our own error; nothing else."""
    content = bytearray(CONTENT)
    for place, byte in changes:
        content[place] = byte
    path = tmp_path_factory.mktemp("m") / "n"
    path.write_bytes(content)
    try:
        network = load(path)
    except ModelFileError:
        return
    assert np.isfinite(network.vector).all()
    assert network.forward(np.zeros((1, network.structure.n_inputs))).shape[1] >= 1


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """What fails on the way leaves the old file, and nothing beside it."""
    path = tmp_path / "f.csv"
    path.write_text("old", encoding="utf-8")

    def fail() -> None:
        with writing(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text(encoding="utf-8") == "old"
    with writing(path) as file:
        file.write(b"new")
        assert path.read_text(encoding="utf-8") == "old"
    assert path.read_text(encoding="utf-8") == "new"
    with pytest.raises(FileExistsError, match="is there already"), writing(path, overwrite=False):
        pass
    with pytest.raises(FileExistsError, match="is a folder"), replacing(tmp_path):
        pass
    with pytest.raises(FileNotFoundError), writing(tmp_path / "none" / "f"):
        pass
    assert [each.name for each in tmp_path.iterdir()] == ["f.csv"]


def test_parameters_that_are_not_finite_are_not_saved(saved: Path) -> None:
    """The old file stays."""
    before = saved.read_bytes()
    network = Network([3, 4, 1])
    network.vector[0] = np.nan
    with pytest.raises(ValueError, match="W1 must be finite to be saved"):
        network.save(saved)
    assert saved.read_bytes() == before


def test_loading_needs_neither_scikit_learn_nor_numba(saved: Path) -> None:
    """A first prediction loads NumPy and safetensors alone; without that, the extra is named."""
    program = """
import sys
import chainrule
chainrule.load(sys.argv[1]).predict([[0, 0, 0]])
print([name for name in ("sklearn", "numba", "scipy", "pandas") if name in sys.modules])
sys.modules["safetensors"] = None
try:
    chainrule.load(sys.argv[1])
except ImportError as error:
    print(error)
"""
    done = run_python(program, str(saved))
    assert done.stdout.splitlines() == [
        "[]",
        "saving and loading models needs safetensors: pip install 'chainrule[tables]'",
    ]
