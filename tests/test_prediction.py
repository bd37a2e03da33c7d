"""Compiled prediction and evaluation against the NumPy steps."""

from __future__ import annotations

import copy
import os
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Activation, Network, fit
from chainrule.activations import ACTIVATIONS
from chainrule.engine.prediction import ROWS_AT_ONCE
from chainrule.losses import LOSSES
from tests.gradients import OUTPUTS
from tests.processes import run_python

HIDDEN = sorted({activation.name for activation in ACTIVATIONS.values()} - {"exponential"})


@pytest.fixture(autouse=True)
def own_cache(compiled_apart: None) -> None:
    """Compile into a folder of the tests' own."""


def trained(sizes: list[int], dtype: Any = np.float64, **arguments: Any) -> Network:
    """Return a network with statistics and biases that are not what it began with."""
    network = Network(sizes, random_state=0, dtype=dtype, **arguments)
    rng = np.random.default_rng(1)
    network.vector += rng.normal(0, 0.1, len(network.vector)).astype(dtype)
    for name, values in network.statistics.items():
        values[:] = rng.uniform(0.5, 2, values.shape) if name[0] == "v" else rng.normal()
    return network


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**31 - 1),
    widths=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    m=st.integers(1, 700),
    threads=st.integers(1, 3),
    data=st.data(),
)
def test_random_networks(
    seed: int, widths: list[int], m: int, threads: int, data: st.DataObject
) -> None:
    """Outputs and losses of any depth, width, activation, normalisation and number of rows."""
    n = len(widths) - 1
    pick: Any = data.draw
    loss = pick(st.sampled_from(sorted(LOSSES)))
    widths[-1] += loss == "categorical_cross_entropy"
    network = trained(
        [pick(st.integers(1, 30)), *widths],
        hidden=pick(st.lists(st.sampled_from(HIDDEN), min_size=n, max_size=n)),
        normalization=pick(
            st.lists(st.sampled_from([None, "batch", "layer"]), min_size=n, max_size=n)
        ),
        dropout=0.3,
        loss=loss,
        output=pick(st.sampled_from(OUTPUTS[loss])),
    )
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(m, network.structure.n_inputs))
    y = rng.integers(0, 2, (m, widths[-1])) if "loss" not in loss else rng.normal(size=m)
    if loss == "categorical_cross_entropy":
        y = rng.integers(0, widths[-1], m)
    w = rng.uniform(0.1, 2, m)
    how: dict[str, Any] = {"engine": "compiled", "threads": threads}
    expected = network.forward(X, engine="numpy")
    # 1e-12: the roundings of five layers, and of e^x and its kin, which are right to 3 ulp
    np.testing.assert_allclose(network.forward(X, **how), expected, rtol=1e-11, atol=1e-12)
    np.testing.assert_array_equal(network.forward(X), network.forward(X, **how))
    J = network.loss(X, y, w, **how)
    np.testing.assert_allclose(J, network.loss(X, y, w, engine="numpy"), rtol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [[5, 17, 3], [1100, 30, 2], [30, 150, 150, 1]])
def test_same_bits_however_many_rows_and_threads(dtype: Any, sizes: list[int]) -> None:
    """A row's outputs are the same alone, among few and among many, on 1, 2, 3 and 4 threads."""
    network = trained(sizes, dtype)
    X = np.random.default_rng(0).normal(size=(3000, sizes[0])).astype(dtype)
    A = network.forward(X, engine="compiled", threads=1)
    for threads in (2, 3, 4, None):
        np.testing.assert_array_equal(
            network.forward(X, engine="compiled", threads=threads), A, strict=True
        )
    for m in (1, 2, 5, 6, 7, 12, 13, 100, 401, 3000):
        np.testing.assert_array_equal(network.forward(X[:m]), A[:m], strict=True)
    assert np.abs(A - network.forward(X, engine="numpy")).max() < 1e3 * np.finfo(dtype).eps


def test_more_rows_than_go_at_once() -> None:
    """They go in parts, to the same bits; a number that is not finite is found in the last."""
    network = trained([3, 8, 2])
    X = np.random.default_rng(0).normal(size=(2 * ROWS_AT_ONCE + 7, 3))
    A = network.forward(X, engine="compiled", threads=1)
    np.testing.assert_array_equal(network.forward(X), A, strict=True)
    X[-1, -1] = np.nan
    with pytest.raises(ValueError, match="X must be finite"):
        network.forward(X)


def test_it_follows_every_change() -> None:
    """Parameters that change after a prediction count in the next, and so in a copy of its own."""
    network = trained([4, 9, 2])
    X = np.random.default_rng(0).normal(size=(50, 4))
    before = network.forward(X, engine="compiled")
    twin, again = copy.deepcopy(network), pickle.loads(pickle.dumps(network))
    network.parameters["W2"][:] *= 2
    for rows in (X[:3], X):
        expected = network.forward(rows, engine="numpy")
        np.testing.assert_allclose(network.forward(rows), expected, rtol=1e-12)
        for other in (twin, again):
            expected = before[: len(rows)]
            np.testing.assert_allclose(other.forward(rows, engine="compiled"), expected, rtol=1e-12)


def test_data_as_they_are() -> None:
    """Of other types and orders, sparse, strided: the bits of what NumPy makes of them."""
    network = trained([6, 20, 3], np.float32)
    X = np.random.default_rng(0).normal(size=(500, 6)).astype(np.float32)
    X[np.abs(X) < 0.7] = 0
    expected = network.forward(X, engine="compiled")
    wide = np.zeros((1000, 12), np.float32)
    wide[::2, ::2] = X
    for other in (
        np.asfortranarray(X),
        X.astype(np.float64),
        scipy.sparse.csr_array(X),
        wide[::2, ::2],
        X.astype(">f4"),
        X.tolist(),
    ):
        np.testing.assert_array_equal(network.forward(other, engine="compiled"), expected)
    apart = np.empty((500, 8), np.float32)[:, :6]
    apart[:] = X
    unaligned = np.frombuffer(b"." + X.tobytes(), np.uint8)[1:].view(np.float32).reshape(X.shape)
    for m in (2, 500):
        for rows in (X, X.astype(np.float64), np.asfortranarray(X), apart, unaligned):
            np.testing.assert_array_equal(network.forward(rows[:m]), expected[:m])
    np.testing.assert_array_equal(network.forward(X[:2].tolist()), expected[:2])


@pytest.mark.parametrize("m", [1, 40, 700])
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_bad_input_is_refused_as_ever(m: int, wrong: float) -> None:
    """However few the rows are: not finite, of the wrong shape, none, an unknown engine."""
    network = trained([3, 4, 1])
    X = np.ones((m, 3))
    network.forward(X, engine="compiled")
    X[-1, 1] = wrong
    with pytest.raises(ValueError, match="X must be finite"):
        network.forward(X)
    with pytest.raises(ValueError, match="3 columns"):
        network.forward(np.ones((m, 4)))
    with pytest.raises(ValueError, match="not be empty"):
        network.forward(np.ones((0, 3)))
    with pytest.raises(ValueError, match="engine must be"):
        network.forward(np.ones((m, 3)), engine="fast")
    with pytest.raises(ValueError, match="threads must be"):
        network.forward(np.ones((m, 3)), threads=0)


def test_the_engine_that_trained_predicts() -> None:
    """After a compiled fit prediction is compiled without being asked; after NumPy's, it is not."""
    X, y = np.random.default_rng(0).normal(size=(64, 3)), np.arange(64) % 2
    network = Network([3, 4, 1], random_state=0)
    for engine in ("numpy", "compiled", "numpy"):
        fit(network, X, y, epochs=2, engine=engine, verbose=0, validation=0.2)
        np.testing.assert_allclose(network.forward(X), network.forward(X, engine="numpy"))
        assert (network.predictor is not None) == (engine == "compiled")


def test_what_cannot_be_compiled_warns_where_it_was_asked_for() -> None:
    """NumPy predicts then; without a warning by default."""

    def branchy(z: Any) -> Any:
        return np.array([x if x > 0 else 0.0 for x in np.ravel(z)]).reshape(np.shape(z))

    network = Network([3, 4, 1], hidden=Activation("branchy", branchy, np.heaviside))
    X = np.random.default_rng(0).normal(size=(8, 3))
    expected = network.forward(X)
    with pytest.warns(UserWarning, match="can't be compiled"):
        np.testing.assert_array_equal(network.forward(X, engine="compiled"), expected)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network.forward(X)


def test_the_first_prediction_says_what_takes_so_long(tmp_path: Path) -> None:
    """On standard error, once for a machine."""
    program = """
from chainrule import Network
Network([3, 4, 1], random_state=0).predict([[1, 2, 3]], engine="compiled")
"""
    env = dict(os.environ) | {"NUMBA_CACHE_DIR": str(tmp_path)}
    assert "for this machine" in run_python(program, env=env).stderr
    assert run_python(program, env=env).stderr == ""


def test_many_callers_at_once() -> None:
    """Eight threads that predict with one network, few rows and many, all get their own answer."""
    network = trained([8, 60, 3])
    X = np.random.default_rng(0).normal(size=(8, 900, 8))
    expected = [network.forward(part, engine="compiled") for part in X]

    def run(i: int) -> bool:
        return all(
            np.array_equal(network.forward(X[i][:m]), expected[i][:m]) for m in (1, 3, 900) * 20
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(run, range(8)))


def test_forked_and_joblib_workers() -> None:
    """A child of a process that has predicted on threads predicts on threads of its own."""
    program = """
import os, sys, numpy as np
from chainrule import Network
network = Network([50, 128, 128, 1], random_state=0)
X = np.random.default_rng(0).normal(size=(20000, 50))
expected = network.forward(X, engine="compiled", threads=2)
if hasattr(os, "fork"):
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(network.forward(X, threads=2), expected) else 1)
    assert os.waitpid(child, 0)[1] == 0
from joblib import Parallel, delayed
def threads(seed):
    from chainrule.engine.threads import usable_threads
    return usable_threads()
print(*Parallel(2)(delayed(threads)(i) for i in range(2)), os.cpu_count() // 2 or 1)
"""
    done = run_python(program)
    first, second, most = map(int, done.stdout.split())
    assert max(first, second) <= most, done.stderr
