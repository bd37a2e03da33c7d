"""Saving and loading: what is written comes back to the bit, your own formulas by name."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open

import chainrule
from chainrule import (
    ELU,
    Activation,
    Huber,
    Layer,
    LeakyReLU,
    Loss,
    ModelFileError,
    Network,
    Pinball,
    Structure,
    load,
)
from chainrule.activations import ACTIVATIONS
from chainrule.description import build_structure, describe_structure
from chainrule.initializers import INITIALIZERS
from chainrule.losses import LOSSES
from tests.gradients import OUTPUTS
from tests.processes import run_python
from tests.saved import KEPT, small_network, through_a_file

bent = Activation(
    "bent",
    lambda z, c: (np.sqrt(z * z + 1) - 1) * c + z,
    lambda z, a, c: z * c / np.sqrt(z * z + 1) + 1,
    constants={"c": 0.5},
)
log_cosh = Loss("log_cosh", lambda a, y: np.log(np.cosh(a - y)), lambda a, y: np.tanh(a - y))


def ones(rng: Any, n_in: int, n_out: int) -> Any:
    """Draw nothing: all weights are one."""
    return np.ones((n_in, n_out))


constants = st.floats(0.01, 0.99)
activations = st.one_of(
    st.sampled_from(sorted(ACTIVATIONS)), constants.map(ELU), constants.map(LeakyReLU)
)


@st.composite
def structures(draw: Any) -> Structure:
    """Draw a structure of any depth, activations, normalisations, loss and constants."""
    name = draw(st.sampled_from(sorted(LOSSES)))
    made = {"huber": Huber, "pinball": Pinball}
    hidden = [
        Layer(
            draw(st.integers(1, 4)),
            draw(activations),
            dropout=draw(st.floats(0, 0.9)),
            normalization=draw(st.sampled_from([None, "batch", "layer"])),
            initializer=draw(st.sampled_from([None, *INITIALIZERS])),
        )
        for _ in range(draw(st.integers(0, 3)))
    ]
    last = Layer(draw(st.integers(2, 3)), draw(st.sampled_from(OUTPUTS[name])))
    loss = made[name](draw(constants)) if name in made else LOSSES[name]
    return Structure([draw(st.integers(1, 4)), *hidden, last], loss=loss)


@given(structures(), st.sampled_from(["float32", "float64"]), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_a_network_comes_back_to_the_bit(structure: Structure, dtype: str, seed: int) -> None:
    """Structure, parameters and statistics, whatever they are; and so do its predictions."""
    rng = np.random.default_rng(seed)
    network = Network(structure, dtype=dtype, random_state=0)
    network.vector[:] = rng.normal(size=network.vector.size)
    for values in network.statistics.values():
        values[:] = rng.uniform(0.1, 2, values.shape)
    again = through_a_file(network)
    assert again.structure == structure
    assert again.dtype == dtype
    np.testing.assert_array_equal(again.vector, network.vector)
    assert list(again.statistics) == list(network.statistics)
    for name, values in network.statistics.items():
        np.testing.assert_array_equal(again.statistics[name], values)
    X = rng.normal(size=(3, structure.n_inputs))
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(again.forward(X), network.forward(X))


@pytest.mark.parametrize("formula", [*ACTIVATIONS.values(), *LOSSES.values()], ids=lambda f: f.name)
def test_every_formula_can_be_described(formula: Activation | Loss) -> None:
    """A new entry of the tables, with constants or without, is found again."""
    if isinstance(formula, Activation):
        structure = Structure([2, Layer(2, formula), 1])
    else:
        structure = Structure([2, Layer(2, OUTPUTS[formula.name][0])], loss=formula)
    described = json.loads(json.dumps(describe_structure(structure)))
    assert build_structure(described) == structure


def test_what_is_loaded_learns_on() -> None:
    """Parameters are views into the vector again, and the copy is free of the file."""
    again = through_a_file(small_network())
    again.parameters["W1"][:] = 7
    assert (again.vector[:6] == 7).all()
    X = np.random.default_rng(0).normal(size=(20, 2))
    chainrule.fit(again, X, X[:, :1], epochs=2, random_state=0, verbose=0)
    assert np.isfinite(again.vector).all()


def test_the_kept_file_of_format_1() -> None:
    """A file that the first version wrote is read by every later one; it is never rewritten."""
    network = load(KEPT)
    expected = Structure(
        [
            3,
            Layer(4, ELU(0.5), dropout=0.25, normalization="batch"),
            Layer(3, LeakyReLU(0.125), normalization="layer", initializer="orthogonal"),
            Layer(2, "identity"),
        ],
        loss=Pinball(0.75),
    )
    assert network.structure == expected
    assert network.dtype == np.float32
    X = [[0.5, -1.0, 2.0], [3.0, 0.25, -0.75]]
    known = [[-1.98243678, -1.46109390], [-1.83584392, -1.50272107]]
    np.testing.assert_allclose(network.predict(X), known, rtol=1e-5)


def test_the_same_network_makes_the_same_bytes(tmp_path: Path) -> None:
    """Nothing of the day, the machine or the order of a hash is in a file."""
    for name in ("a", "b"):
        small_network().save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_others_can_read_the_file(tmp_path: Path) -> None:
    """It is a plain safetensors file with the parameters by their names."""
    network = small_network()
    network.save(str(tmp_path / "n.safetensors"))
    with safe_open(tmp_path / "n.safetensors", framework="np") as file:
        assert set(file.keys()) == {*network.parameters, *network.statistics}
        np.testing.assert_array_equal(file.get_tensor("W2"), network.parameters["W2"])
        assert json.loads(file.metadata()["chainrule"])["kind"] == "network"


# ---------------------------------------------------------------------------------------------
# Your own formulas


def test_your_own_formulas_come_back_by_name() -> None:
    """An activation with constants, a loss and an initialiser, under names of your choice."""
    network = Network([2, Layer(3, bent, initializer=ones), 1], loss=log_cosh, random_state=0)
    again = through_a_file(network, custom={"mine": bent, "log_cosh": log_cosh, "ones": ones})
    assert again.structure == network.structure
    np.testing.assert_array_equal(again.vector, network.vector)


@pytest.mark.parametrize(
    ("network", "what"),
    [
        (Network([2, 3, 1], hidden=bent), "the activation of layer 1 is your own 'bent'"),
        (Network([2, 1], loss=log_cosh), "the loss is your own 'log_cosh'"),
        (Network([2, 1], initializer=ones), "the initializer of layer 1 is your own 'ones'"),
        (
            Network([2, 3, 1], hidden=Activation("relu", np.tanh, lambda z, a: 1 - a * a)),
            "the activation of layer 1 is your own 'relu'",
        ),
    ],
)  # fmt: skip
def test_your_own_formula_is_refused_at_save(network: Network, what: str, tmp_path: Path) -> None:
    """The message says what to do; a borrowed name makes nothing the library's."""
    with pytest.raises(ValueError, match=rf"^{what}, and no formula .* as custom={{'") as caught:
        network.save(tmp_path / "n")
    assert not isinstance(caught.value, ModelFileError)
    assert list(tmp_path.iterdir()) == []


def test_your_own_formula_must_be_given_back(tmp_path: Path) -> None:
    """By its name, of its type, and with its constants."""
    path = tmp_path / "n"
    Network([2, 3, 1], hidden=bent).save(path, custom={"bent": bent})
    other = Activation("bent", bent.g, bent.slope, constants={"c": 0.25})
    for custom, message in [
        (None, r"is the writer's own 'bent', .* custom={'bent': …}"),
        ({"bend": bent}, r"is the writer's own 'bent'"),
        ({"bent": log_cosh}, r"custom\['bent'\] must be of type Activation"),
        ({"bent": other}, r"constants that it was saved with, {'c': 0.5}, got {'c': 0.25}"),
    ]:
        with pytest.raises(ModelFileError, match=message):
            load(path, custom=custom)


@pytest.mark.parametrize("custom", [[bent], {1: bent}, {"bent": "bent"}])
def test_custom_must_be_formulas_by_name(custom: Any, tmp_path: Path) -> None:
    """A wrong argument is a TypeError of the argument, at both ends."""
    with pytest.raises(TypeError, match="custom"):
        small_network().save(tmp_path / "n", custom=custom)
    with pytest.raises(TypeError, match="custom"):
        load(tmp_path / "n", custom=custom)


# ---------------------------------------------------------------------------------------------
# What is imported


def test_loading_and_predicting_is_light() -> None:
    """NumPy and safetensors will do: no compiler, no scikit-learn, no tables."""
    program = """
import sys, chainrule
chainrule.load(sys.argv[1]).predict([[1.0, 2.0, 3.0]])
heavy = {"numba", "llvmlite", "sklearn", "scipy", "pyarrow", "narwhals"}
print(*sorted(heavy & set(sys.modules)))
"""
    done = run_python(program, str(KEPT))
    assert (done.stdout, done.stderr) == ("\n", "")


def test_without_safetensors_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At both ends, as an ImportError that says what to install."""
    for name in ("safetensors", "safetensors.numpy"):
        monkeypatch.setitem(sys.modules, name, None)
    for use in (lambda: small_network().save(tmp_path / "n"), lambda: load(KEPT)):
        with pytest.raises(ImportError, match=r"pip install 'chainrule\[tables\]'"):
            use()
