"""Data as it is: dense in any order and type, mapped from a file, sparse; the same bits of all."""

from __future__ import annotations

import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from chainrule import DivergenceError, Network, _checks, _inputs, fit
from chainrule._inputs import Inputs, check_inputs

ENGINES = ["numpy", "compiled"]
rng = np.random.default_rng(0)
# Quarters are numbers of float32 too, so that no type of the file changes them.
X = rng.integers(-8, 9, (120, 11)) / 4 * (rng.random((120, 11)) < 0.4)
Y = rng.integers(0, 2, 120)
W = rng.uniform(0.5, 2, 120)


def mapped(folder: Path, order: str = "C", dtype: Any = float, numbers: Any = X) -> Any:
    """Write the numbers into a file, and return them as they lie there, to be read alone."""
    path = folder / str(len(list(folder.iterdir())))
    shape = numbers.shape
    np.memmap(path, dtype, "w+", shape=shape, order=order)[:] = numbers  # type: ignore[call-overload]
    return np.memmap(path, dtype, "r", shape=shape, order=order)  # type: ignore[call-overload]


def read_only(_: Path) -> Any:
    array = X.copy()
    array.flags.writeable = False
    return array


def unaligned(_: Path) -> Any:
    raw = np.zeros(X.nbytes + 1, np.uint8)[1:]
    array = raw.view(float).reshape(X.shape)
    array[:] = X
    return array


def shuffled_csr(_: Path) -> Any:
    """Columns of a row in no order, an explicit zero, 64-bit indices, and arrays to read alone."""
    csr = scipy.sparse.csr_array(X)
    for start, stop in zip(csr.indptr, csr.indptr[1:], strict=False):
        backward = slice(start, stop)
        csr.indices[backward] = csr.indices[backward][::-1].copy()
        csr.data[backward] = csr.data[backward][::-1].copy()
    csr.has_sorted_indices = False
    csr.indices, csr.indptr = csr.indices.astype(np.int64), csr.indptr.astype(np.int64)
    for array in (csr.data, csr.indices, csr.indptr):
        array.flags.writeable = False
    return csr


def with_duplicates(_: Path) -> Any:
    """Each number in two halves at the same place."""
    csr = scipy.sparse.csr_array(X)
    twice = scipy.sparse.csr_array(csr.shape)
    twice.data, twice.indices = np.repeat(csr.data / 2, 2), np.repeat(csr.indices, 2)
    twice.indptr = csr.indptr * 2
    return twice


FORMS: dict[str, Callable[[Path], Any]] = {
    "Fortran": lambda _: np.asfortranarray(X),
    "strides": lambda _: np.repeat(np.repeat(X, 2, 0), 3, 1)[::2, ::3],
    "backward": lambda _: X[::-1, ::-1].copy()[::-1, ::-1],
    "read-only": read_only,
    "other bytes": lambda _: X.astype(">f8"),
    "unaligned": unaligned,
    "float32": lambda _: X.astype(np.float32),
    "longdouble": lambda _: X.astype(np.longdouble),
    "list": lambda _: X.tolist(),
    "mapped": mapped,
    "mapped Fortran": lambda folder: mapped(folder, "F"),
    "mapped part": lambda folder: mapped(folder, numbers=np.repeat(X, 2, 0))[::2],
    "mapped float32": lambda folder: mapped(folder, "C", np.float32),
    "mapped other bytes": lambda folder: mapped(folder, "F", ">f4"),
    "csr_array": lambda _: scipy.sparse.csr_array(X),
    "csr_matrix": lambda _: scipy.sparse.csr_matrix(X.astype(np.float32)),
    "csc": lambda _: scipy.sparse.csc_array(X),
    "coo": lambda _: scipy.sparse.coo_matrix(X),
    "shuffled csr": shuffled_csr,
    "duplicates": with_duplicates,
}


def trained(x: Any, engine: str, dtype: Any = float, validation: Any = 0.25) -> list[Any]:
    """Fit with validation, weights and a metric; return all that came out, as numbers."""
    network = Network([11, 6, 1], hidden="tanh", dtype=dtype, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no falling back
        history = fit(
            network,
            x,
            Y,
            epochs=2,
            sample_weight=W,
            validation=validation,
            metrics=["log_loss"],
            engine=engine,
            random_state=0,
            verbose=0,
        )
    return [
        network.vector,
        history.loss,
        history.val_loss,
        *history.metrics.values(),
        *history.val_metrics.values(),
        network.forward(x),
        network.predict(x),
        network.loss(x, Y, W),
        *network.backward(x, Y, W).values(),
    ]


def same_bits(ours: list[Any], theirs: list[Any]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_bits(form: str, dtype: Any, engine: str, tmp_path: Path) -> None:
    """Weights, losses, metrics, predictions and gradients of rows in C order."""
    same_bits(trained(FORMS[form](tmp_path), engine, dtype), trained(X, engine, dtype))


def test_the_compiled_epoch_reads_rows_where_they_lie(tmp_path: Path) -> None:
    """Of its own type; others are converted, some mini-batches at a time."""
    from chainrule.engine.source import DATA, Source, can_be_read

    for name in ("Fortran", "strides", "backward", "read-only", "mapped Fortran", "mapped part"):
        (tmp_path / name).mkdir()
        x = FORMS[name](tmp_path / name)
        inputs = check_inputs("X", x, 11, np.float64)
        assert can_be_read(inputs)
        assert Source(inputs, Y.reshape(-1, 1), None).table[DATA] == x.ctypes.data
    for name in ("unaligned", "mapped float32", "mapped other bytes"):
        (tmp_path / name).mkdir()
        assert not can_be_read(check_inputs("X", FORMS[name](tmp_path / name), 11, np.float64))


@pytest.mark.parametrize("form", ["Fortran", "mapped", "mapped float32", "csr_array"])
def test_on_threads_and_in_small_batches(form: str, tmp_path: Path) -> None:
    """More threads than rows in the last mini-batch: the same bits."""
    vectors = []
    for x in (X, FORMS[form](tmp_path)):
        network = Network([11, 6, 1], random_state=0)
        fit(
            network,
            x,
            Y,
            epochs=2,
            batch_size=7,
            engine="compiled",
            threads=3,
            random_state=0,
            verbose=0,
        )
        vectors.append(network.vector)
    np.testing.assert_array_equal(vectors[0], vectors[1])


def test_one_compiled_epoch_reads_every_form(tmp_path: Path) -> None:
    """Data that can't be written, lies apart or is sparse compiles its own gathering at most."""
    from chainrule.engine import compilation

    trained(X, "compiled")
    before = set(compilation._kernels)
    for name, make in FORMS.items():
        (tmp_path / name).mkdir()
        trained(make(tmp_path / name), "compiled")
    assert all("'gather_" in name for name in set(compilation._kernels) - before)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool])
def test_integers_and_truth_values(dtype: Any, engine: str, tmp_path: Path) -> None:
    """Numbers of another kind, in memory, in a file and sparse."""
    numbers = (X > 0).astype(dtype) if dtype is bool else (X > 0).astype(dtype) * dtype(3)
    expected = trained(numbers.astype(float), engine)
    for x in (numbers, mapped(tmp_path, "C", dtype, numbers), scipy.sparse.csr_array(numbers)):
        same_bits(trained(x, engine), expected)


@pytest.mark.parametrize("engine", ENGINES)
def test_validation_of_another_form(engine: str) -> None:
    """A set of its own may be sparse where X is dense, and the other way round."""
    sparse, w = scipy.sparse.csr_array(X), W[:40]
    expected = trained(X, engine, validation=(X[:40], Y[:40], w))
    for x, held in ((X, sparse[:40]), (sparse, X[:40]), (sparse, sparse[:40])):
        same_bits(trained(x, engine, validation=(held, Y[:40], w)), expected)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.float32])
def test_duplicates_mean_what_scipy_means(dtype: Any) -> None:
    """Numbers at the same place are summed, before they are converted, in their own type."""
    numbers, places = np.array([100, 100, 0.1, 0.7], dtype), [2, 2, 1, 1]
    twice = scipy.sparse.csr_array((numbers, places, [0, 4]), shape=(1, 3))
    np.testing.assert_array_equal(check_inputs("X", twice, 3, np.float64)[:], twice.toarray())


def test_the_data_stay_as_they_are(tmp_path: Path) -> None:
    """Neither the numbers nor the order of a sparse matrix change, nor what it is told of them."""
    for make in (shuffled_csr, with_duplicates):
        x, before = make(tmp_path), make(tmp_path)
        trained(x, "numpy")
        for name in ("data", "indices", "indptr"):
            np.testing.assert_array_equal(getattr(x, name), getattr(before, name))
            assert getattr(x, name).dtype == getattr(before, name).dtype


def test_nothing_is_copied_that_need_not_be(tmp_path: Path) -> None:
    """What is of the network's type, or in a file, is used where it lies, by every selection."""
    for x in (X, np.asfortranarray(X), mapped(tmp_path), mapped(tmp_path, dtype=np.float32)):
        inputs = check_inputs("X", x, 11, np.float64)
        assert np.shares_memory(inputs.take(np.arange(5)).take(np.arange(2)).data, x)
    sparse = scipy.sparse.csr_array(X)
    inputs = check_inputs("X", sparse, 11, np.float64)
    for name in ("data", "indices", "indptr"):
        assert np.shares_memory(getattr(inputs.data, name), getattr(sparse, name))


def test_rows_of_rows() -> None:
    """Row numbers of a selection count within it."""
    some = Inputs(X, X.dtype).take(np.array([7, 3, 5, 3])).take(np.array([3, 0, 1]))
    assert len(some) == 3
    np.testing.assert_array_equal(some[1:], X[[7, 3]])
    np.testing.assert_array_equal(some[np.array([2, 0, 2])], X[[3, 3, 3]])


def test_parts_cover_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows at a time where they are long, one at least, and each once."""
    monkeypatch.setattr(_inputs, "MOST_NUMBERS", 25)
    for width, step in ((11, 2), (5, 5), (30, 1)):
        inputs = Inputs(np.zeros((9, width)), X.dtype)
        parts = list(inputs.parts())
        assert [part.stop - part.start for part in parts] == [step] * len(parts)
        assert np.concatenate([np.arange(9)[part] for part in parts]).tolist() == list(range(9))


def test_the_place_of_a_number_that_is_not_finite(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The first in the order of rows, in whatever part it is found."""
    monkeypatch.setattr(_checks, "_PART", 40)  # three rows
    for row, column in ((0, 0), (2, 10), (3, 0), (119, 10)):
        wrong = X.copy()
        wrong[row, column] = np.inf
        wrong[row + 1 :, 5] = np.nan
        for x in (wrong, np.asfortranarray(wrong), mapped(tmp_path, numbers=wrong)):
            with pytest.raises(ValueError, match=f"got inf in row {row}, column {column} "):
                Network([11, 1]).forward(x)


def test_divergence_in_a_later_part_of_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    """The layer is found in the part of the rows that has it."""
    monkeypatch.setattr(_inputs, "MOST_NUMBERS", 110)
    held = X.copy()
    held[57] = 1e4
    network = Network([11, 3, 1], hidden="exponential", loss="mean_squared_error", random_state=0)
    network.parameters["W1"][:] = 0.1
    with pytest.raises(DivergenceError, match=r"in validation, .* layer 1 is the first .* A1"):
        fit(network, X / 9, Y, epochs=1, learning_rate=1e-3, validation=(held, Y), verbose=0)


# ---------------------------------------------------------------------------------------------
# Memory: tracemalloc counts what NumPy allocates, and not the pages of a file


def peak(network: Network, x: Any, y: Any, engine: str) -> int:
    """Return the most bytes that were in use at once, beside those before, to use a network."""
    use(network, x[:200], y[:200], engine)  # what is loaded and compiled once is not counted
    tracemalloc.start()
    try:
        use(network, x, y, engine)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def use(network: Network, x: Any, y: Any, engine: str) -> None:
    """Train an epoch with a share held back, predict and evaluate."""
    fit(
        network,
        x,
        y,
        epochs=1,
        batch_size=128,
        validation=0.1,
        metrics=["accuracy"],
        engine=engine,
        random_state=0,
        verbose=0,
    )
    network.predict(x)
    network.loss(x, y)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_sparse_matrix_is_never_dense_as_a_whole(engine: str, dtype: Any) -> None:
    """It would be 800 MB in float64, of which an eighth is used."""
    m, n, each = 20_000, 5_000, 10
    chance = np.random.default_rng(0)
    indices, starts = chance.integers(0, n, m * each), np.arange(0, m * each + 1, each)
    sparse = scipy.sparse.csr_array((chance.normal(size=m * each), indices, starts), shape=(m, n))
    network, y = Network([n, 8, 1], random_state=0, dtype=dtype), chance.integers(0, 2, m)
    # a part of 2²² numbers of 8 bytes, the one before it that is not yet let go, and 30 MB beside
    assert peak(network, sparse, y, engine) < 2 * 8 * _inputs.MOST_NUMBERS + 30e6


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_file_is_never_in_memory_as_a_whole(
    order: str, dtype: Any, engine: str, tmp_path: Path
) -> None:
    """200 MB of float64, for a network of either type, in less than half of that."""
    m, n = 50_000, 500
    fortran = order == "F"  # zeros, which lie on no disk
    np.lib.format.open_memmap(tmp_path / "x.npy", "w+", float, (m, n), fortran_order=fortran)
    x, y = np.load(tmp_path / "x.npy", mmap_mode="r"), np.arange(m) % 2
    network = Network([n, 4, 1], random_state=0, dtype=dtype)
    assert peak(network, x, y, engine) < 2 * 8 * _inputs.MOST_NUMBERS + 30e6
