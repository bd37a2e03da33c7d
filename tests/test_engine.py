"""The compiled engine against the NumPy steps: the same formulas, the same numbers."""

from __future__ import annotations

import os
import platform
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import (
    Activation,
    Callback,
    DivergenceError,
    GradientDescent,
    History,
    Loss,
    Network,
    Optimizer,
    fit,
)
from chainrule._inputs import Inputs
from chainrule.activations import ACTIVATIONS
from chainrule.callbacks import Progress, ProgressBar
from chainrule.engine import choose_engine
from chainrule.engine.interface import Engine
from chainrule.losses import LOSSES
from chainrule.optimizers import OPTIMIZERS
from chainrule.penalties import NO_PENALTY, Penalty
from chainrule.schedules import Exponential
from tests.gradients import OUTPUTS
from tests.processes import run_python

HIDDEN = sorted({activation.name for activation in ACTIVATIONS.values()} - {"exponential"})


@pytest.fixture(autouse=True)
def own_cache(compiled_apart: None) -> None:
    """Compile into a folder of the tests' own, so that nothing is answered from an old one."""


def targets(rng: np.random.Generator, network: Network, m: int) -> Any:
    name, n = network.structure.loss.name, network.structure.n_outputs
    if name == "binary_cross_entropy":
        return rng.integers(0, 2, (m, n))
    if name == "categorical_cross_entropy":
        return rng.integers(0, n, m) if rng.random() < 0.5 else rng.dirichlet(np.ones(n), m)
    return rng.poisson(2, (m, n)) if name == "poisson_deviance" else rng.normal(size=(m, n))


def both(network: Network, m: int, seed: int, **arguments: Any) -> tuple[float, History]:
    """Train with both engines; return how far apart they end, over how far they went."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(m, network.structure.n_inputs)), targets(rng, network, m)
    start, twin = network.vector.copy(), network.copy()
    arguments = {"epochs": 1, "random_state": seed, "verbose": 0} | arguments
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no falling back
        history = fit(network, X, y, engine="compiled", **arguments)
    expected = fit(twin, X, y, engine="numpy", **arguments)
    # 1e-5 in float32: a loss is a sum of numbers with 7 digits
    rtol = 1e-10 if network.dtype == np.float64 else 1e-5
    np.testing.assert_allclose(history.loss, expected.loss, rtol=rtol, atol=rtol)
    assert history.steps == expected.steps
    assert history.learning_rate == expected.learning_rate
    went = np.linalg.norm(twin.vector.astype(np.float64) - start)
    apart = np.linalg.norm(network.vector.astype(np.float64) - twin.vector)
    return float(apart / went), history


@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_activation(hidden: str) -> None:
    """One step in float64, to 1e-12 of the way it goes: e^x and its kin are right to 3 ulp."""
    network = Network([7, 19, 5, 3], hidden=hidden, random_state=0)
    assert both(network, 33, 1, batch_size=33, optimizer=GradientDescent(0.1))[0] < 1e-12


@pytest.mark.parametrize(
    ("loss", "output"), [(k, output) for k in OUTPUTS for output in OUTPUTS[k]]
)
def test_every_loss(loss: str, output: str) -> None:
    """With every output activation it takes, weighted."""
    network = Network([5, 9, 3], loss=loss, output=output, random_state=0)
    w = np.random.default_rng(0).uniform(0.1, 2, 33)
    apart, _ = both(network, 33, 1, batch_size=33, optimizer=GradientDescent(0.1), sample_weight=w)
    assert apart < 1e-12


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("extra", ["plain", "penalties", "clip_value", "clip_norm"])
def test_every_rule(name: str, extra: str) -> None:
    """Five steps, with penalties, clipping and a schedule."""
    arguments: dict[str, dict[str, Any]] = {
        "plain": {"learning_rate": Exponential(0.01, 0.9)},
        "penalties": {"l2": 0.1, "l1": 0.01},
        "clip_value": {"clip_value": 0.01, "l2": 0.1},
        "clip_norm": {"clip_norm": 0.05, "clip_value": 0.04, "l1": 0.01},
    }
    network = Network([7, 19, 3], hidden="tanh", random_state=0)
    apart, _ = both(network, 80, 2, batch_size=16, optimizer=name, **arguments[extra])
    # 1e-9: Adam and its kin divide by roots of tiny squares, which magnify a rounding
    assert apart < 1e-9


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**31 - 1),
    widths=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    n_inputs=st.integers(1, 40),
    n_outputs=st.integers(1, 20),
    m=st.integers(1, 90),
    batch_size=st.integers(1, 90),
    threads=st.integers(1, 3),
    data=st.data(),
)
def test_random_networks(
    seed: int,
    widths: list[int],
    n_inputs: int,
    n_outputs: int,
    m: int,
    batch_size: int,
    threads: int,
    data: st.DataObject,
) -> None:
    """Any depth, width, batch size, remainder and number of threads."""
    n = len(widths)
    hidden = data.draw(st.lists(st.sampled_from(HIDDEN), min_size=n, max_size=n))
    loss = data.draw(st.sampled_from(sorted(LOSSES)))
    if loss == "categorical_cross_entropy":
        n_outputs = max(2, n_outputs)
    network = Network([n_inputs, *widths, n_outputs], hidden=hidden, loss=loss, random_state=seed)
    try:
        apart, _ = both(
            network,
            m,
            seed,
            batch_size=batch_size,
            threads=threads,
            optimizer=GradientDescent(0.001),
        )
    except DivergenceError:
        return  # an exponential output can overflow, in both
    # a kink stepped over by a rounding would be 1e-3; roundings of some steps are 1e-12
    assert apart < 1e-10


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**31 - 1),
    m=st.integers(2, 90),
    batch_size=st.integers(1, 90),
    threads=st.integers(1, 3),
    data=st.data(),
)
def test_dropout_and_normalization(
    seed: int, m: int, batch_size: int, threads: int, data: st.DataObject
) -> None:
    """Masks, means over the batch or the layer, and running statistics, as NumPy has them."""
    n = data.draw(st.integers(1, 4))

    def of_each(values: Any) -> Any:
        return data.draw(st.lists(values, min_size=n, max_size=n))

    network = Network(
        [data.draw(st.integers(1, 30)), *of_each(st.integers(2, 40)), data.draw(st.integers(1, 9))],
        hidden=of_each(st.sampled_from(HIDDEN)),
        normalization=of_each(st.sampled_from([None, "batch", "layer"])),
        dropout=of_each(st.sampled_from([0.0, 0.2, 0.9])),
        loss="mean_squared_error",
        random_state=seed,
    )
    twin = network.copy()
    arguments: dict[str, Any] = {"batch_size": batch_size, "threads": threads}
    apart, _ = both(network, m, seed, optimizer=GradientDescent(1e-4), epochs=2, **arguments)
    # 1e-8: a mean over two nearly equal examples divides a rounding by a root as small as 0.003
    assert apart < 1e-8
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(m, network.structure.n_inputs)), targets(rng, network, m)
    both_again = [twin, twin.copy()]
    for net, engine in zip(both_again, ("compiled", "numpy"), strict=True):
        fit(net, X, y, epochs=1, engine=engine, random_state=seed, verbose=0, **arguments)
    for name, values in both_again[0].statistics.items():
        np.testing.assert_allclose(values, both_again[1].statistics[name], rtol=1e-6, atol=1e-8)


def test_dropout_by_seed() -> None:
    """The same seed drops the same on any number of threads, another seed drops others."""
    X, y = np.random.default_rng(0).normal(size=(300, 5)), np.arange(300) % 3
    vectors = []
    for seed, threads in ((0, 1), (0, 2), (0, 3), (1, 1)):
        network = Network([5, 33, 17, 3], dropout=0.5, normalization="batch", random_state=0)
        arguments: dict[str, Any] = {"engine": "compiled", "threads": threads, "verbose": 0}
        fit(network, X, y, epochs=2, shuffle=False, random_state=seed, **arguments)
        vectors.append(network.vector)
    np.testing.assert_array_equal(vectors[0], vectors[1])
    np.testing.assert_array_equal(vectors[0], vectors[2])
    assert not np.array_equal(vectors[0], vectors[3])


@pytest.mark.parametrize(
    ("sizes", "batch_size"),
    [([2, 4, 1], 32), ([3, 2, 4, 2], 21), ([40, 37, 1], 50), ([5, 70, 2], 33), ([4, 1], 16)],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("extra", [{}, {"clip_norm": 0.1, "l2": 0.01}])
def test_narrow_ends(sizes: list[int], batch_size: int, dtype: Any, extra: Any) -> None:
    """Layers of a few units lie unit by unit; weighted, with remainders, on three threads."""
    network = Network(
        sizes, hidden="sigmoid", loss="mean_squared_error", random_state=0, dtype=dtype
    )
    w = np.random.default_rng(0).uniform(0.1, 2, 117)
    arguments = {"batch_size": batch_size, "threads": 3, "sample_weight": w} | extra
    apart, _ = both(network, 117, 1, optimizer="momentum", **arguments)
    assert apart < (1e-12 if dtype is np.float64 else 1e-4)  # roundings of a few steps


def test_a_rule_with_three_states() -> None:
    """A rule may keep as many running values as it likes."""

    def third(w: Any, dw: Any, a: Any, b: Any, c: Any, alpha: Any, t: Any) -> Any:
        a, b, c = 0.9 * a + dw, 0.9 * b + a, 0.9 * c + b
        return w - alpha * c, a, b, c

    rule = Optimizer("third", third, learning_rate=1e-3, state=("a", "b", "c"))
    network = Network([7, 19, 3], random_state=0)
    assert both(network, 80, 2, batch_size=16, optimizer=rule)[0] < 1e-12


@pytest.mark.parametrize(
    ("sizes", "m", "batch_size"),
    [([1100, 70, 40, 3], 1500, 700), ([30, 1030, 20, 1], 100, 64), ([2, 4, 1], 100, 1)],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sizes_that_go_in_parts(sizes: list[int], m: int, batch_size: int, dtype: Any) -> None:
    """Sums of over 1,000 terms and batches of over 500 rows are cut, and come out the same."""
    network = Network(sizes, hidden="relu", random_state=0, dtype=dtype)
    apart, _ = both(network, m, 0, batch_size=batch_size, optimizer=GradientDescent(0.01))
    assert apart < (1e-11 if dtype is np.float64 else 1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("arguments", [{}, {"clip_norm": 0.1}])
@pytest.mark.parametrize("batch_size", [3, 64, 130])  # more activations than weights, and fewer
def test_same_bits_on_any_number_of_threads(
    dtype: Any, arguments: dict[str, float], batch_size: int
) -> None:
    """Parameters after three epochs are identical on 1, 2, 3 and 4 threads, and in a second run."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 23)), rng.integers(0, 5, 500)
    vectors = []
    for threads in (1, 2, 3, 4, 2):
        network = Network([23, 67, 31, 5], hidden="gelu", random_state=0, dtype=dtype)
        fit(
            network,
            X,
            y,
            epochs=3,
            batch_size=batch_size,
            engine="compiled",
            threads=threads,
            random_state=0,
            verbose=0,
            **arguments,  # type: ignore[arg-type]
        )
        vectors.append(network.vector.copy())
    for vector in vectors[1:]:
        np.testing.assert_array_equal(vector, vectors[0])


@pytest.mark.parametrize(("cores", "others", "left"), [(3, True, 2), (3, False, 3), (8, True, 3)])
def test_a_core_is_left_to_others(
    cores: int, others: bool, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To a thread that reads, where all cores would be taken; the bits are the same."""
    from chainrule.engine import compiled_engine
    from chainrule.engine.epoch import N_THREADS

    monkeypatch.setattr(compiled_engine, "usable_threads", lambda: cores)
    X, Y = np.random.default_rng(0).normal(size=(40, 3)), np.zeros((40, 1))
    taken, vectors = [], []
    for at_work in (others, False):
        network = Network([3, 4, 1], random_state=0)
        arguments = (OPTIMIZERS["adam"], NO_PENALTY, None, None, np.random.default_rng(0))
        engine = choose_engine("compiled", network, *arguments, batch_size=8, updates=4, threads=3)
        assert isinstance(engine, compiled_engine.CompiledEngine)
        engine.others_at_work = partial(bool, at_work)
        engine.train_batches(Inputs(X, X.dtype), Y, None, np.arange(40), 8)
        taken.append(engine.run[N_THREADS])
        vectors.append(network.vector.copy())
    assert taken == [left, 3]
    np.testing.assert_array_equal(vectors[0], vectors[1])


def test_same_loss_however_many_batches_a_call_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is given as many as take a certain time; the history doesn't depend on it."""
    from chainrule.engine import compiled_engine

    X, y = np.random.default_rng(0).normal(size=(999, 3)), np.arange(999) % 2
    losses = []
    for seconds in (0.0, 0.1, 100.0):
        monkeypatch.setattr(compiled_engine, "SECONDS_A_CALL", seconds)
        network = Network([3, 4, 1], random_state=0)
        arguments: dict[str, Any] = {"batch_size": 8, "random_state": 0, "verbose": 0}
        losses.append(fit(network, X, y, epochs=3, engine="compiled", **arguments).loss)
    assert losses[0] == losses[1] == losses[2]


def test_float32_after_an_epoch() -> None:
    """To 1e-4 of the weights' change: 50 steps of numbers with 7 digits."""
    network = Network([20, 64, 64, 4], hidden="tanh", random_state=0, dtype=np.float32)
    assert both(network, 1600, 0, batch_size=32, optimizer=GradientDescent(0.1))[0] < 1e-4


def half(z: Any) -> Any:
    return 0.5 * z


def test_own_formulas_compile() -> None:
    """An activation that calls a function, a loss and a rule of the user's own, all at once."""
    bent = Activation(
        "bent",
        lambda z: half(np.sqrt(z * z + 1) - 1) + z,
        lambda z, a: half(z) / np.sqrt(z * z + 1) + 1,
    )
    log_cosh = Loss(
        "log_cosh",
        lambda a, y: np.log(half(np.exp(a - y) + np.exp(y - a))),
        lambda a, y: np.tanh(a - y),
    )
    heavy = Optimizer(
        "heavy",
        lambda w, dw, v, alpha, t, mu: (w - alpha * (mu * v + dw), mu * v + dw),
        learning_rate=0.05,
        state=("v",),
        constants={"mu": 0.8},
    )
    network = Network([4, 9, 2], hidden=bent, output="identity", loss=log_cosh, random_state=0)
    assert both(network, 60, 0, optimizer=heavy)[0] < 1e-12


def test_what_cannot_be_compiled_falls_back_with_the_reason() -> None:
    """A formula with an `if`, or no slope: NumPy, and a warning that says why, with the line."""

    def branchy(z: Any) -> Any:
        return np.array([x if x > 0 else 0.0 for x in np.ravel(z)]).reshape(np.shape(z))

    own = Activation("branchy", branchy, lambda z, a: np.heaviside(z, 0))
    X, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
    for hidden, why in (
        (own, r"can't be compiled[\s\S]*test_engine.py"),
        (Activation("steep", lambda z: 2 * z, numerical_slope=True), "has no slope"),
    ):
        with pytest.warns(UserWarning, match=why):
            history = fit(
                Network([3, 4, 1], hidden=hidden), X, y, epochs=2, engine="compiled", verbose=0
            )
        assert len(history) == 2


def engine_for(
    name: str, network: Network, penalty: Penalty = NO_PENALTY, clip_norm: float | None = None
) -> Engine:
    rng = np.random.default_rng(0)
    arguments = (OPTIMIZERS["adam"], penalty, clip_norm, None, rng)
    return choose_engine(name, network, *arguments, batch_size=8, updates=4, threads=1)


@pytest.mark.parametrize("first", ["numpy", "compiled"])
@pytest.mark.parametrize("second", ["numpy", "compiled"])
def test_a_state_goes_on_in_another_engine(first: str, second: str) -> None:
    """Four updates of Adam are two and two more, by the same engine or the other."""
    rng = np.random.default_rng(0)
    whole = Network([5, 17, 3], hidden="relu", normalization="layer", random_state=0)
    parts = whole.copy()
    X, Y, rows = (
        Inputs(rng.normal(size=(32, 5)), whole.dtype),
        np.zeros((32, 1), int),
        np.arange(32),
    )
    engine_for("numpy", whole).train_batches(X, Y, None, rows, 8)
    engine = engine_for(first, parts)
    engine.train_batches(X, Y, None, rows[:16], 8)
    state = engine.get_state()
    assert (state.steps, [len(value) for value in state.values]) == (2, [len(parts.vector)] * 2)
    engine = engine_for(second, parts)
    engine.set_state(state)
    engine.train_batches(X, Y, None, rows[16:], 8)
    # 1e-10: the engines differ by the rounding of sums
    np.testing.assert_allclose(parts.vector, whole.vector, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("clip_norm", [None, 0.01])
@pytest.mark.parametrize("sizes", [[5, 4, 3], [5, 40, 33, 3], [3, 3, 3]])
def test_a_shared_penalty_is_told_apart_from_the_loss(
    sizes: list[int], clip_norm: float | None
) -> None:
    """Each batch's penalty is (½ l2 Σ w² + l1 Σ |w|) over its rows or weights, on both engines."""
    rng, penalty = np.random.default_rng(0), Penalty(l2=0.5, l1=0.25, shared=True)
    data, weights = rng.normal(size=(11, sizes[0])), rng.uniform(0.5, 3, (11, 1))
    told, vectors = [], []
    for name in ("numpy", "compiled"):
        network = Network(sizes, hidden="relu", output="softmax", random_state=0)
        X, Y = Inputs(data, network.dtype), np.zeros((11, 1), int)
        W = [W for name, W in network.parameters.items() if name[0] == "W"]
        expected = sum(0.25 * (w * w).sum() + 0.25 * np.abs(w).sum() for w in W) / 8
        engine = engine_for(name, network, penalty, clip_norm)
        loss = network.loss(data[:8], Y[:8])
        losses = engine.train_batches(X, Y, None, np.arange(11), 8)
        assert losses[0] == pytest.approx(loss)
        assert len(losses) == len(engine.penalties) == 2
        assert engine.penalties[0] == pytest.approx(expected)
        expected = sum(0.25 * (w * w).sum() + 0.25 * np.abs(w).sum() for w in W)
        engine.train_batches(X, Y, weights, np.arange(8), 8)
        assert engine.penalties == [pytest.approx(expected / weights[:8].sum())]
        told.append(engine.penalties)
        vectors.append(network.vector)
    np.testing.assert_allclose(told[1], told[0], rtol=1e-12)  # rounding
    np.testing.assert_allclose(vectors[1], vectors[0], rtol=1e-10, atol=1e-12)  # of three updates


@pytest.mark.parametrize(
    ("epochs", "on_disk", "expected"),
    [(10, True, []), (2000, False, []), (2000, True, ["compiled"]), (10**6, False, ["compiled"])],
)
def test_auto_compiles_where_it_pays(
    monkeypatch: pytest.MonkeyPatch, epochs: int, on_disk: bool, expected: list[str]
) -> None:
    """A short run stays on NumPy, a long one is compiled; one between if the code is there."""
    from chainrule import engine

    made: list[str] = []
    real = engine._compile

    def spy(*arguments: Any, **options: Any) -> Any:
        made.append("compiled")
        return real(*arguments, **options)

    monkeypatch.setattr(engine, "_compile", spy)
    monkeypatch.setattr(engine, "is_there", lambda dtype: on_disk)
    X, y = np.random.default_rng(0).normal(size=(320, 3)), np.arange(320) % 2
    first_is_enough = [lambda progress: progress.stop("enough")]
    fit(Network([3, 4, 1]), X, y, epochs=epochs, verbose=0, callbacks=first_is_enough)
    assert made == expected


def test_batches_are_seen_by_callbacks() -> None:
    """A callback on batches gets each of them, with the parameters of that moment."""
    seen: list[Any] = []

    class Watch(Callback):
        def on_batch_end(self, progress: Progress) -> None:
            seen.append((progress.batch, progress.network.vector.copy()))

    X, y = np.random.default_rng(0).normal(size=(70, 3)), np.arange(70) % 2
    network = Network([3, 4, 1], random_state=0)
    fit(network, X, y, epochs=1, engine="compiled", callbacks=[Watch()], verbose=0, random_state=0)
    assert [batch for batch, _ in seen] == [0, 1, 2]
    assert not np.array_equal(seen[0][1], seen[1][1])
    np.testing.assert_array_equal(seen[2][1], network.vector)
    twin = Network([3, 4, 1], random_state=0)
    fit(twin, X, y, epochs=1, engine="compiled", verbose=0, random_state=0)
    np.testing.assert_array_equal(twin.vector, network.vector)


def test_a_change_by_a_callback_counts() -> None:
    """Parameters that a callback sets are the ones that the next epoch starts from."""

    def reset(progress: Progress) -> None:
        progress.network.vector[:] = 0

    X, y = np.random.default_rng(0).normal(size=(64, 3)), np.arange(64) % 2
    network = Network([3, 4, 1], random_state=0)
    fit(network, X, y, epochs=2, engine="compiled", callbacks=[reset], verbose=0)
    assert not network.vector.any()


@pytest.mark.parametrize("threads", [1, 2])
def test_divergence(threads: int) -> None:
    """Named by epoch, batch and layer, with the network of the last good epoch."""
    X = np.random.default_rng(0).normal(size=(200, 3))
    network = Network([3, 4, 1], hidden="relu", loss="mean_squared_error", random_state=0)
    good: list[Any] = [network.vector.copy()]
    with pytest.raises(DivergenceError, match=r"epoch \d+, batch \d+: .*(layer \d|the loss)"):
        fit(
            network,
            X,
            X[:, 0],
            optimizer=GradientDescent(1e4),
            engine="compiled",
            threads=threads,
            verbose=0,
            callbacks=[lambda progress: good.append(progress.network.vector.copy())],
        )
    np.testing.assert_array_equal(network.vector, good[-1])


def test_no_memory_is_lost_over_many_steps() -> None:
    """Ten thousand steps leave the process as large as the first hundred did, to 2 MB."""
    program = """
import resource, numpy as np
from chainrule import Network, fit
X = np.random.RandomState(0).normal(size=(320, 8)); y = (X[:, 0] > 0).astype(int)
network = Network([8, 16, 1], random_state=0)
sizes = []
for epochs in (10, 500, 500):
    fit(network, X, y, epochs=epochs, engine="compiled", verbose=0, random_state=0)
    sizes.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(sizes[2] - sizes[1])
"""
    pytest.importorskip("resource")
    done = run_python(program)
    assert int(done.stdout) < 2048, done.stderr


@pytest.mark.parametrize("rule", ["gradient_descent", "adam"])
def test_memory_of_a_run(rule: str) -> None:
    """The parameters and their panels, the transposed ones, the states, and two batches.

    In numbers: parameters × (states + 3) + 2 × batch × units, and 300,000 for threads to work in.
    """
    network = Network([200, 600, 600, 4], hidden="relu", random_state=0, dtype=np.float32)
    X, y = np.random.default_rng(0).normal(size=(512, 200)).astype(np.float32), np.arange(512) % 4
    arguments: dict[str, Any] = {"engine": "compiled", "optimizer": rule, "verbose": 0}
    fit(network, X[:8], y[:8], epochs=1, threads=2, **arguments)  # what is compiled stays
    tracemalloc.start()
    fit(network, X, y, epochs=2, batch_size=256, threads=2, **arguments)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    states = len(OPTIMIZERS[rule].state)
    numbers = len(network.vector) * (states + 3) + 2 * 256 * 1404 + 300_000
    assert most + network.vector.nbytes < 4 * numbers


def test_many_runs_at_once() -> None:
    """Six fits in as many Python threads, each on three threads of its own, all end, and right."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 6)), rng.integers(0, 3, 200)

    def run(_: int) -> Any:
        network = Network([6, 20, 3], random_state=0)
        fit(network, X, y, epochs=5, engine="compiled", threads=3, random_state=0, verbose=0)
        return network.vector

    with ThreadPoolExecutor(6) as pool:
        vectors = list(pool.map(run, range(6)))
    for vector in vectors[1:]:
        np.testing.assert_array_equal(vector, vectors[0])


NARROW = {
    "avx2": ("haswell", "+64bit,+avx,+avx2,+bmi,+bmi2,+cmov,+cx8,+f16c,+fma,+fxsr,+mmx,+sse,+sse2"),
    "sse2": ("x86-64", "+64bit,+cmov,+cx8,+fxsr,+mmx,+sse,+sse2"),
}


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names x86 features")
@pytest.mark.parametrize("name", NARROW)
def test_narrower_registers(name: str, tmp_path: Path) -> None:
    """Another width of register, another tile, no fused multiply-add: the same network."""
    from chainrule.engine.registers.types import REGISTER_BYTES

    cpu, features = NARROW[name]
    if name == "avx2" and REGISTER_BYTES == 32:
        pytest.skip("this processor's own registers are as wide")
    program = """
import numpy as np
from chainrule import GradientDescent, Network, fit
from chainrule.engine.registers.types import REGISTER_BYTES
rng = np.random.default_rng(0); X = rng.normal(size=(100, 23)); y = rng.integers(0, 5, 100)
apart = []
for engine in ("compiled", "numpy"):
    network = Network([23, 37, 31, 5], hidden=["relu", "gelu"], random_state=0)
    fit(network, X, y, epochs=2, engine=engine, threads=2, random_state=0, verbose=0,
        optimizer=GradientDescent(0.05))
    apart.append(network.vector)
print(REGISTER_BYTES, np.abs(apart[0] - apart[1]).max())
"""
    env = dict(os.environ) | {
        "NUMBA_CPU_NAME": cpu,
        "NUMBA_CPU_FEATURES": features,
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    done = run_python(program, env=env)
    width, apart = done.stdout.split()
    assert int(width) == {"avx2": 32, "sse2": 16}[name]
    assert float(apart) < 1e-13


def test_what_a_formula_refers_to_counts() -> None:
    """A number in a module of the user's, or deep in an array, makes another formula of it."""
    import types

    from chainrule.engine.compilation import fingerprint

    settings, table = types.ModuleType("settings"), np.zeros(3000)
    settings.A = 1.0  # type: ignore[attr-defined]
    names = {"settings": settings, "table": table, "np": np}
    by_module = eval("lambda z: settings.A * np.tanh(z)", names)
    by_array = eval("lambda z: table[1500] + z", names)
    before = fingerprint(by_module), fingerprint(by_array)
    assert (fingerprint(by_module), fingerprint(by_array)) == before
    settings.A, table[1500] = 2.0, 1.0  # type: ignore[attr-defined]
    assert fingerprint(by_module) != before[0]
    assert fingerprint(by_array) != before[1]


@pytest.mark.parametrize("extreme", [np.maximum, np.minimum])
@pytest.mark.parametrize("first", [True, False])
def test_nan_comes_through_an_extreme(extreme: Any, first: bool) -> None:
    """The larger, and the smaller, of a number and NaN is NaN, whichever stands first."""
    g = (lambda z: extreme(z, 0.5 + 0 * z)) if first else (lambda z: extreme(0.5 + 0 * z, z))
    bound = Activation("bound", g=g, slope=lambda z, a: np.where(a == z, 1.0, 0.0))
    network = Network([2, 3, 1], hidden=bound, random_state=0)
    network.parameters["W1"][0, 1] = np.nan
    X = np.random.default_rng(0).normal(size=(30, 2))
    expected = network.forward(X, engine="numpy")
    assert np.isnan(expected).all()
    np.testing.assert_array_equal(network.forward(X, engine="compiled"), expected)


OUTPUTS_OF_TILES = """
import sys, numpy as np
import chainrule.engine.registers.tile as tile
tile.TILE_ROWS = int(sys.argv[1]) or tile.TILE_ROWS
from tests.test_engine import outputs_of_tiles
print(outputs_of_tiles())
"""


def outputs_of_tiles() -> str:
    """Return the bits of parameters and outputs for sizes that cut tiles."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(700, 41)), rng.integers(0, 5, 700)
    network = Network([41, 150, 31, 5], hidden=["relu", "gelu"], random_state=0)
    fit(network, X, y, epochs=2, batch_size=300, engine="compiled", random_state=0, verbose=0)
    return network.vector.tobytes().hex()[:4000] + network.forward(X).tobytes().hex()[:4000]


def test_same_bits_with_another_tile(tmp_path: Path) -> None:
    """Training and prediction with tiles of 5 rows give what the tile of this processor gives."""
    # On one core, for another process that compiled would do so for its own tile.
    env = dict(os.environ) | {"NUMBA_CACHE_DIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
    told = run_python(OUTPUTS_OF_TILES, "5", env=env).stdout.strip()
    assert len(told) == 8000
    assert told == outputs_of_tiles()


CACHED = """
import numpy as np, sys
from chainrule import Network, fit
from chainrule.engine import compilation
X = np.random.RandomState(0).normal(size=(64, 3)); y = (X[:, 0] > 0).astype(int)
network = Network([3, 4, 1], random_state=0)
fit(network, X, y, epochs=2, engine="compiled", verbose=int(sys.argv[1]), random_state=0)
kernels = compilation._kernels.values()
hits = sum(k._cache.hits for k in kernels) / len(kernels)
print(hits, network.vector.sum(), "sklearn" in sys.modules)
"""


def test_code_on_disk(tmp_path: Path) -> None:
    """A process loads what another compiled; broken files and no folder do no harm.

    The first two begin at once with an empty folder, and say what takes so long, unless that is not
    wanted; later ones don't.
    """
    env = dict(os.environ) | {"NUMBA_CACHE_DIR": str(tmp_path)}
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: run_python(CACHED, "1", env=env), range(2)))
    assert any("for this machine" in process.stderr for process in both)
    expected = both[0].stdout.split()[1:]
    assert [process.stdout.split()[1:] for process in both] == [expected] * 2
    assert expected[1] == "False"
    third = run_python(CACHED, "1", env=env)
    assert (third.stdout.split(), third.stderr) == (["1.0", *expected], "")
    for path in tmp_path.rglob("*.nb*"):
        path.write_bytes(b"junk")
    silent = run_python(CACHED, "0", env=env)
    assert (silent.stdout.split(), silent.stderr) == (["0.0", *expected], "")
    blocked = tmp_path / "file"
    blocked.write_text("in the way", encoding="utf-8")
    done = run_python(CACHED, "1", env=env | {"NUMBA_CACHE_DIR": str(blocked)})
    assert done.stdout.split() == ["0.0", *expected]


def test_without_numba() -> None:
    """NumPy does it; a warning comes only where "compiled" was asked for."""
    program = """
import sys, warnings
sys.modules["numba"] = None
warnings.simplefilter("error")
from chainrule import Network, fit
fit(Network([1, 1]), [[0.0], [1.0]], [0, 1], verbose=0, epochs=2)
try: fit(Network([1, 1]), [[0.0], [1.0]], [0, 1], verbose=0, epochs=2, engine="compiled")
except UserWarning as warning: print(warning)
"""
    done = run_python(program)
    assert "Numba is not installed" in done.stdout, done.stderr


@pytest.mark.parametrize("m", [96, 101])
@pytest.mark.parametrize("engine", ["compiled", "numpy"])
def test_several_epochs_in_one_call(m: int, engine: str) -> None:
    """What nobody watches is run in calls of many epochs: with the bits, and history, of one each.

    With an incomplete last mini-batch, dropout, and a generator that is gone on with afterwards.
    """
    X, y = np.random.default_rng(0).normal(size=(m, 3)), np.arange(m) % 2
    ends = []
    for callbacks in ([], [lambda progress: None]):
        network = Network([3, 4, 1], dropout=0.3, random_state=0)
        rng = np.random.default_rng(1)
        arguments: dict[str, Any] = {"batch_size": 8, "random_state": rng, "verbose": 0}
        history = fit(network, X, y, epochs=60, engine=engine, callbacks=callbacks, **arguments)
        ends.append((network.vector.tolist(), history.loss, history.learning_rate, rng.random()))
        assert len(history.seconds) == len(history) == 60
        assert history.steps == 60 * -(-m // 8)
    assert ends[0] == ends[1]


def test_divergence_within_many_epochs() -> None:
    """It is named by the very epoch and batch, with the network of the epoch before."""
    X = np.random.default_rng(0).normal(size=(203, 3))
    said, vectors = [], []
    for callbacks in ([], [lambda progress: None]):
        network = Network([3, 1], loss="mean_squared_error", random_state=0)
        arguments: dict[str, Any] = {"engine": "compiled", "random_state": 0, "verbose": 0}
        # each step overshoots, to about twice the distance: infinite after some hundred epochs
        arguments |= {"optimizer": GradientDescent(3.0), "batch_size": 80, "epochs": 900}
        with pytest.raises(DivergenceError) as error:
            fit(network, X, X[:, 0], callbacks=callbacks, **arguments)
        said.append(str(error.value))
        vectors.append(network.vector)
    assert "epoch 0" not in said[0]
    assert said[0] == said[1]
    np.testing.assert_array_equal(vectors[0], vectors[1])


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("engine", ["compiled", "numpy"])
def test_an_interruption_keeps_what_was_learned(engine: str, watched: bool) -> None:
    """Ctrl-C within an epoch leaves the network as it is then, whoever looks on."""
    X, y = np.random.default_rng(0).normal(size=(640, 3)), np.arange(640) % 2
    network = Network([3, 4, 1], normalization="batch", random_state=0)
    start, calls = network.vector.copy(), []

    class Watch(Callback):
        def on_batch_end(self, progress: Progress) -> None:
            calls.append(progress.batch)
            if progress.batch >= 3:
                raise KeyboardInterrupt

    class Silent(ProgressBar):
        on_batch_end = Watch.on_batch_end

    history = fit(
        network,
        X,
        y,
        engine=engine,
        callbacks=[Watch() if watched else Silent()],
        random_state=0,
        verbose=0,
        metrics=["accuracy"],
    )
    assert history.stopped == "interrupted"
    assert calls
    assert not np.array_equal(network.vector, start)
    if watched:
        assert history.steps == 4
