"""Training on streams: the same bits as in memory, each row once, bounded, and stopped in order."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import (
    Callback,
    Layer,
    Network,
    Stream,
    StreamError,
    TimeLimit,
    fit,
)
from chainrule.batches import Examples
from chainrule.callbacks import Progress
from chainrule.streaming.mixing import Mixer
from chainrule.streaming.part import Draw, Part
from chainrule.streaming.plan import Plan, as_bytes, plan_memory
from chainrule.streaming.reading_ahead import read_ahead
from tests.processes import run_python
from tests.streams import mapped, numbers, table, write

X = numbers(1000)
Y = (X[:, 0] * 10 + (X[:, 1] - 1) > 0).astype(np.int64)
# A limit of which the rows of the stream below take more than a half
SMALL = 90_000
ARGUMENTS: dict[str, Any] = {"epochs": 3, "batch_size": 16, "random_state": 0, "verbose": 0}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files of 10 groups of rows in all."""
    for number, rows in enumerate((slice(0, 300), slice(300, 350), slice(350, 1000))):
        write(tmp_path / "data" / f"{number}.parquet", table(X[rows], Y[rows]))
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read some rows at a time, as of a large file, and little of a file beside them."""
    monkeypatch.setattr("chainrule.streaming.source.BLOCK_ROWS", 64)
    monkeypatch.setattr("chainrule.streaming.source.ARRAY_PIECE", 4096)
    monkeypatch.setattr("chainrule.streaming.table_files._PAGE", 1)


def network(**keywords: Any) -> Network:
    """Return a network of the same first weights each time."""
    return Network([4, 8, 1], random_state=1, **keywords)


def buffers(part: Part, rows: int, *, seed: int = 0, shuffle: bool = True) -> Iterator[Any]:
    """Yield what an epoch is made of, copied out of the buffers."""
    mixer = Mixer(part, Plan(False, False, rows, 3, 16), shuffle)
    for examples, order in mixer.epoch(np.random.default_rng(seed)):
        yield examples.X[:][order], examples.Y[order]


# ---------------------------------------------------------------------------------------------
# The same as in memory


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rows_in_their_order_train_to_the_same_bits(
    folder: Path, engine: str, dtype: Any, compiled_apart: None
) -> None:
    """However they are cut into buffers; mini-batches keep their size."""
    others: dict[str, Any] = {"shuffle": False, "engine": engine, "drop_last": True}
    whole, read = network(dtype=dtype), network(dtype=dtype)
    expected = fit(whole, X, Y, **ARGUMENTS, **others)
    history = fit(read, folder, "y", memory_limit=SMALL, **ARGUMENTS, **others)
    assert (read.vector == whole.vector).all()
    np.testing.assert_allclose(history.loss, expected.loss, rtol=1e-12)
    assert history.steps == expected.steps == 3 * (1000 // 16)


def test_a_shuffled_epoch_is_an_epoch_in_memory_of_the_same_order(folder: Path) -> None:
    """The mini-batches run on through the buffers, and the last one is what is left."""
    read, whole = network(), network()
    part = Stream(folder, "y", scale=False).part(read)
    arguments = ARGUMENTS | {"epochs": 1}
    plan = plan_memory(SMALL, part, None, 16, False)
    assert not plan.everything
    assert plan.buffer_rows < 600
    history = fit(read, folder, "y", memory_limit=SMALL, **arguments)
    seed = int(np.random.RandomState(0).uniform(0, 2**32))
    mixer = Mixer(part, plan, True)
    order = [(e.X[:][rows], e.Y[rows]) for e, rows in mixer.epoch(np.random.default_rng(seed))]
    rows, targets = (np.concatenate(both) for both in zip(*order, strict=True))
    expected = fit(whole, rows, targets, shuffle=False, **arguments)
    assert (read.vector == whole.vector).all()
    np.testing.assert_allclose(history.loss, expected.loss, rtol=1e-12)


def test_rows_that_fit_are_read_once_and_train_as_in_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The very same run: the same order, the same bits."""
    read, whole = network(), network()
    expected = fit(whole, X, Y, **ARGUMENTS)
    stream = Stream(folder, "y", scale=False)
    reads: list[int] = []
    inner = stream.source.read

    def read_and_note(piece: int) -> Any:
        reads.append(piece)
        return inner(piece)

    monkeypatch.setattr(stream.source, "read", read_and_note)
    assert fit(read, stream, **ARGUMENTS).loss == expected.loss
    assert (read.vector == whole.vector).all()
    assert sorted(reads) == list(range(11))


def test_standardised_columns_train_as_if_they_had_been_before(folder: Path) -> None:
    """And the network for the columns as they are predicts the same."""
    scaled, read = (X - X.mean(axis=0)) / X.std(axis=0), network()
    whole = network()
    fit(whole, scaled, Y, shuffle=False, **ARGUMENTS)
    stream = Stream(folder, "y")
    fit(read, stream, shuffle=False, memory_limit=SMALL, **ARGUMENTS)
    np.testing.assert_allclose(read.vector, whole.vector, rtol=1e-9, atol=1e-12)
    plain = stream.unscaled(read)
    np.testing.assert_allclose(plain.forward(X), whole.forward(scaled), rtol=1e-8)
    outputs = np.concatenate(list(stream.like(folder).forward(read)))
    np.testing.assert_allclose(outputs, whole.forward(scaled), rtol=1e-8)
    assert stream.loss(read) == pytest.approx(whole.loss(scaled, Y))


@pytest.mark.parametrize("kind", ["batch", "layer"])
def test_normalised_layers_take_the_scaling_over_if_they_can(folder: Path, kind: str) -> None:
    """Batch normalisation by its running mean; layer normalisation says that it can't."""
    net = Network([4, Layer(6, normalization=kind), 1], random_state=0)
    stream = Stream(folder, "y")
    fit(net, stream, **ARGUMENTS)
    if kind == "layer":
        with pytest.raises(ValueError, match="layer normalisation"):
            stream.unscaled(net)
        return
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    np.testing.assert_allclose(stream.unscaled(net).forward(X), net.forward(scaled), rtol=1e-8)


def test_weights_of_rows(folder: Path, tmp_path: Path) -> None:
    """A column of weights weighs as the argument does; whole buffers may weigh nothing."""
    w = np.where(np.arange(1000) < 640, 0.0, np.arange(1000) % 3)
    path = write(tmp_path / "weighed.parquet", table(X, Y, w=w))
    whole, read = network(), network()
    arguments: dict[str, Any] = ARGUMENTS | {"shuffle": False}
    expected = fit(whole, X, Y, sample_weight=w, **arguments)
    history = fit(read, path, "y", sample_weight="w", memory_limit=SMALL, **arguments)
    assert (read.vector == whole.vector).all()
    assert history.loss == pytest.approx(expected.loss)
    stream = Stream(path, "y", sample_weight="w", scale=False)
    assert stream.columns == ("a", "b", "c", "d")
    assert stream.loss(read) == pytest.approx(read.loss(X, Y, w))


# ---------------------------------------------------------------------------------------------
# The order


@pytest.mark.parametrize(
    ("rows", "sizes"),
    [(16, [16] * 62 + [8]), (160, [160] * 6 + [40]), (992, [512, 488]), (4992, [624, 376])],
)
def test_each_row_comes_once_in_an_epoch(folder: Path, rows: int, sizes: list[int]) -> None:
    """With its own target, in full buffers but the first and the last, and in a new order."""
    stream = Stream(folder, "y", scale=False)
    first, again, other = (
        list(buffers(stream.part(network()), rows, seed=seed)) for seed in (0, 0, 1)
    )
    seen, targets = (np.concatenate(both) for both in zip(*first, strict=True))
    place = np.lexsort(seen.T)
    assert (seen[place] == X[np.lexsort(X.T)]).all()
    assert (targets[place, 0] == Y[np.lexsort(X.T)]).all()
    assert [len(x) for x, _ in first] == sizes
    assert all((x == z).all() for (x, _), (z, _) in zip(first, again, strict=True))
    assert not all((x == z).all() for (x, _), (z, _) in zip(first, other, strict=True))


def test_a_buffer_mixes_rows_from_several_groups(tmp_path: Path) -> None:
    """Rows that are sorted in the file don't come sorted."""
    path = write(tmp_path / "sorted.parquet", table(np.arange(1000.0)[:, None], Y), group=500)
    part = Stream(path, "y", scale=False).part(Network([1, 1]))
    (first, _), *_ = buffers(part, 320)
    assert (first < 500).any()
    assert (first >= 500).any()


def test_the_same_seed_gives_the_same_bits(folder: Path) -> None:
    """In each run; another seed or another limit gives others."""
    vectors = []
    for seed, limit in ((0, SMALL), (0, SMALL), (1, SMALL), (0, SMALL // 2)):
        net = network()
        arguments = ARGUMENTS | {"random_state": seed}
        fit(net, folder, "y", memory_limit=limit, validation=0.2, **arguments)
        vectors.append(net.vector)
    assert (vectors[0] == vectors[1]).all()
    assert not (vectors[0] == vectors[2]).all()
    assert not (vectors[0] == vectors[3]).all()


# ---------------------------------------------------------------------------------------------
# Validation


def test_rows_held_back_are_never_learned_from(folder: Path) -> None:
    """The two parts are all rows, each in one of them; their share is about what was asked for."""
    stream, draw = Stream(folder, "y", scale=False), Draw(7, 0.2)
    net = network()
    train, held = (Part(stream.source, stream.preparation, net, draw, h) for h in (False, True))
    mixed = np.concatenate([x for x, _ in buffers(train, 64)])
    kept = held.in_memory().X[:]
    assert len(mixed) == len(train)
    assert len(kept) == len(held)
    assert abs(len(held) - 200) < 40
    both = np.concatenate([mixed, kept])
    assert (both[np.lexsort(both.T)] == X[np.lexsort(X.T)]).all()


@pytest.mark.parametrize("limit", ["1GB", 140_000, SMALL // 4])
def test_validation_is_that_of_the_network(folder: Path, limit: Any) -> None:
    """In memory or read again, the losses and metrics after an epoch are those of its rows."""
    net = network()
    stream = Stream(folder, "y")
    losses, scores = [], []
    validation = stream.like(write(folder.parent / "val.parquet", table(X[:500], Y[:500])), "y")

    def note(progress: Progress) -> None:
        losses.append(validation.loss(progress.network))
        found = np.concatenate(list(validation.predict(progress.network)))
        scores.append(float(np.mean(found == Y[:500])))

    measured: dict[str, Any] = {} if limit == SMALL // 4 else {"metrics": ["accuracy"]}
    history = fit(
        net, stream, validation=validation, memory_limit=limit, callbacks=[note], **ARGUMENTS,
        **measured,
    )  # fmt: skip
    np.testing.assert_allclose(history.val_loss, losses, rtol=1e-12)
    if measured:
        assert history.val_metrics["accuracy"] == pytest.approx(scores)
        assert len(history.metrics["accuracy"]) == 3


def test_early_stopping_gives_the_best_back(folder: Path) -> None:
    """With the validation loss of that epoch."""
    net = network()
    history = fit(
        net, folder, "y", memory_limit=SMALL, validation=folder, early_stopping=2, epochs=50,
        learning_rate=0.3, random_state=0, verbose=0,
    )  # fmt: skip
    assert history.stopped == "early stopping"
    assert history.best_epoch == int(np.argmin(history.val_loss))
    assert net.loss(X, Y) == pytest.approx(min(history.val_loss))


# ---------------------------------------------------------------------------------------------
# What ends a run


class InterruptAfter(Callback):
    """Does what Ctrl-C does, after so many mini-batches."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    def on_batch_end(self, progress: Progress) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def test_ctrl_c_and_time_limits_keep_the_best(folder: Path) -> None:
    """Within an epoch; no thread is left behind."""
    arguments: dict[str, Any] = ARGUMENTS | {"validation": 0.2, "early_stopping": 5}
    threads = threading.active_count()
    net = network()
    history = fit(net, folder, "y", memory_limit=SMALL, callbacks=[InterruptAfter(70)], **arguments)
    assert (history.stopped, len(history), history.best_epoch) == ("interrupted", 1, 0)
    history = fit(network(), folder, "y", memory_limit=SMALL, callbacks=[TimeLimit(0)], **arguments)
    assert (history.stopped, len(history)) == ("time limit", 1)
    assert threading.active_count() == threads


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_nan_in_a_late_group_leaves_the_network_as_it_was(
    folder: Path, engine: str, compiled_apart: None
) -> None:
    """And is named with file, group, row and column; with early stopping the best is kept."""
    net = network()
    after: list[Any] = []

    def spoil(progress: Progress) -> None:
        after.append(progress.network.vector.copy())
        broken = X[350:].copy()
        broken[620, 2] = np.nan
        write(folder / "2.parquet", table(broken, Y[350:]))

    with pytest.raises(StreamError, match=r"got nan in .*2\.parquet, row group 6, row 20, column"):
        fit(
            net, folder, "y", memory_limit=SMALL, shuffle=False, callbacks=[spoil], engine=engine,
            **ARGUMENTS,
        )  # fmt: skip
    assert len(after) == 1
    assert (net.vector == after[0]).all()


@pytest.mark.parametrize("row", [0, 63, 64, 299, 620])
def test_a_nan_is_named_where_it_is(folder: Path, row: int) -> None:
    """Also where rows before it are held back, and blocks are cut by a buffer that is full."""
    broken = X[350:].copy()
    broken[row, 2] = np.nan
    write(folder / "2.parquet", table(broken, Y[350:]))
    place = rf"2\.parquet, row group {row // 100}, row {row % 100}, column 'c'"
    for shuffle in (False, True):
        with pytest.raises(StreamError, match=place):
            fit(
                network(), folder, "y", memory_limit=SMALL, validation=0.3, shuffle=shuffle,
                **ARGUMENTS,
            )  # fmt: skip


def test_a_file_that_goes_away_is_named(folder: Path) -> None:
    """The network is as it was before that epoch."""
    net = network()

    def remove(progress: Progress) -> None:
        os.remove(folder / "1.parquet")

    with pytest.raises(StreamError, match=r"1\.parquet can't be read"):
        fit(net, folder, "y", memory_limit=SMALL, callbacks=[remove], **ARGUMENTS)
    assert np.isfinite(net.vector).all()


def test_divergence_is_named_with_its_mini_batch(folder: Path) -> None:
    """Counted through the buffers, as in memory."""
    from chainrule import DivergenceError

    arguments: dict[str, Any] = ARGUMENTS | {"shuffle": False, "learning_rate": 1e300}
    said = []
    both: list[Any] = [(X, Y), (folder, "y")]
    for x, y in both:
        limit: dict[str, Any] = {} if x is X else {"memory_limit": SMALL}
        net = Network([4, 8, 1], loss="mean_squared_error", random_state=0)
        with pytest.raises(DivergenceError) as caught:
            fit(net, x, y, optimizer="gradient_descent", **arguments, **limit)
        said.append(str(caught.value))
    assert said[0] == said[1]


# ---------------------------------------------------------------------------------------------
# Arrays in files


@pytest.mark.parametrize("order", ["C", "F"])
def test_mapped_arrays(tmp_path: Path, order: Any) -> None:
    """Trained piece by piece to the same bits as in place."""
    there = mapped(tmp_path / "X.npy", np.asarray(X, order=order))
    whole, read = network(), network()
    arguments: dict[str, Any] = ARGUMENTS | {"shuffle": False}
    fit(whole, there, Y, **arguments)
    history = fit(read, there, Y, memory_limit=SMALL // 2, **arguments)
    assert (read.vector == whole.vector).all()
    assert len(history) == 3
    validated = fit(
        read, there, Y, memory_limit=SMALL // 2, validation=(X[:50], Y[:50]), **arguments
    )
    assert validated.val_loss[-1] == pytest.approx(read.loss(X[:50], Y[:50]))


def test_a_nan_in_a_mapped_array(tmp_path: Path) -> None:
    """Is named with its row; filled in where that is asked for."""
    broken = X.copy()
    broken[900, 1] = np.nan
    there = mapped(tmp_path / "X.npy", broken)
    before = network()
    net = network()
    with pytest.raises(StreamError, match="got nan in row 900 of X, column '1'"):
        fit(net, there, Y, memory_limit=SMALL // 2, **ARGUMENTS)
    assert (net.vector == before.vector).all()
    stream = Stream(there, Y, missing="mean")
    filled = np.where(np.isnan(broken), np.nanmean(broken, axis=0), broken)
    scaled = (filled - np.nanmean(broken, axis=0)) / np.nanstd(broken, axis=0)
    seen = np.concatenate(list(stream.part(net).inputs()))
    np.testing.assert_allclose(seen, scaled, rtol=1e-12, atol=1e-12)


def test_changes_made_in_memory_alone_are_kept(tmp_path: Path) -> None:
    """A file that is mapped to be changed in memory is read with the changes, again and again."""
    mapped(tmp_path / "X.npy", X)
    changed = np.load(tmp_path / "X.npy", mmap_mode="c")
    changed[:, 0] = 5
    part = Stream(changed, Y, scale=False).part(network())
    for _ in range(2):
        assert all((x[:, 0] == 5).all() for x in part.inputs())


# ---------------------------------------------------------------------------------------------
# Memory


def test_limits_as_they_are_written() -> None:
    """Bytes, or with a unit, decimal or binary."""
    assert as_bytes("1GB") == as_bytes("1000 mb") == as_bytes(10**9) == 10**9
    assert as_bytes("1.5GiB") == 3 * 2**29
    for wrong in ("1", "GB", "-1GB", "1 gigabyte", ""):
        with pytest.raises(ValueError, match="memory_limit must be"):
            as_bytes(wrong)


@pytest.mark.parametrize("limit", [SMALL // 4, 110_000, 10 * SMALL])
@pytest.mark.parametrize("measured", [False, True])
def test_a_plan_stays_below_its_limit(folder: Path, limit: int, measured: bool) -> None:
    """Buffers, rows held back, what is read and what metrics want, in half of it."""
    stream, draw = Stream(folder, "y"), Draw(0, 0.2)
    net = network()
    train, held = (Part(stream.source, stream.preparation, net, draw, h) for h in (False, True))
    if measured and limit < SMALL:
        with pytest.raises(ValueError, match=r"metrics need the outputs for all of 8\d\d rows"):
            plan_memory(limit, train, held, 16, measured)
        return
    plan = plan_memory(limit, train, held, 16, measured)
    rows = len(train) if plan.everything else 2 * plan.buffer_rows
    rows += len(held) if plan.held else 0
    outputs = 2 * 16 * len(train) if measured else 0
    assert rows * train.row_bytes + plan.pieces * train.source.piece_bytes + outputs <= limit / 2
    assert plan.everything == (limit == 10 * SMALL)
    assert plan.everything or plan.buffer_rows % 16 == 0


def test_too_small_a_limit_says_what_would_do(folder: Path) -> None:
    """And what it names does."""
    with pytest.raises(
        ValueError, match=r"memory_limit=1,000 is too small: .* take ([\d,]+) byt"
    ) as e:
        fit(network(), folder, "y", memory_limit=1000, **ARGUMENTS)
    enough = int(str(e.value).split("take ")[1].split(" bytes")[0].replace(",", ""))
    assert len(fit(network(), folder, "y", memory_limit=enough, **ARGUMENTS)) == 3


GROWING = """
import sys, resource
import numpy as np
from chainrule import Network, fit
path, limit = sys.argv[1], int(sys.argv[2])
small = np.load(path + "-small.npy", mmap_mode="r")
network = Network([100, 4, 1], loss="mean_squared_error", dtype=np.float32, random_state=0)
options = dict(batch_size=1000, epochs=1, verbose=0, engine="numpy", random_state=0)
fit(network, small, small[:, 0], memory_limit=limit, **options)
def resident():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
before = resident()
large = np.load(path + "-large.npy", mmap_mode="r")
assert large.nbytes > 2 * limit
fit(network, large, large[:, 0], memory_limit=limit, validation=0.1, **options)
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux says of a process")
def test_memory_stays_bounded_while_the_data_grow(tmp_path: Path) -> None:
    """100 MB of rows are trained on within 48 MB beyond what a small training takes."""
    limit = 48 * 10**6
    for name, rows in (("small", 2000), ("large", 250_000)):
        there = np.lib.format.open_memmap(tmp_path / f"X-{name}.npy", "w+", np.float32, (rows, 100))
        there[:] = 1
    done = run_python(GROWING, str(tmp_path / "X"), str(limit))
    assert done.stderr == ""
    assert int(done.stdout) < limit


# ---------------------------------------------------------------------------------------------
# Reading ahead


def test_at_most_so_many_items_are_there_at_a_time() -> None:
    """An iterator may use the memory of an item again, two items later."""
    memory, seen = np.zeros(2, int), []

    def items() -> Iterator[int]:
        for number in range(1, 200):
            memory[number % 2] = number
            yield number

    with read_ahead(items()) as ahead:
        for number in ahead:
            seen.append((number, int(memory[number % 2])))
    assert seen == [(n, n) for n in range(1, 200)]


def test_reading_ahead_tells_when_it_is_at_work() -> None:
    """It is while it makes an item, and not while it waits until another one may be made."""
    begun, may_end = threading.Event(), threading.Event()

    def items() -> Iterator[int]:
        yield 1
        begun.set()
        assert may_end.wait(30)
        yield 2

    with read_ahead(items()) as ahead:
        assert next(ahead) == 1
        assert begun.wait(30)
        assert ahead.is_at_work()
        may_end.set()
        assert next(ahead) == 2
        assert list(ahead) == []
        assert not ahead.is_at_work()


def test_what_fails_ahead_is_raised_in_its_place() -> None:
    """After the items before it; and an iterator that is left early is closed."""
    closed = []

    def items() -> Iterator[int]:
        try:
            yield 1
            yield 2
            raise ZeroDivisionError("ahead")
        finally:
            closed.append(True)

    seen: list[int] = []
    with pytest.raises(ZeroDivisionError, match="ahead"), read_ahead(items()) as ahead:
        seen.extend(ahead)
    with read_ahead(items()) as ahead:
        seen.append(next(ahead))
    assert closed == [True, True]
    assert seen[-1] == 1


# ---------------------------------------------------------------------------------------------
# Arguments


def test_wrong_arguments_are_named(folder: Path, tmp_path: Path) -> None:
    """Each in a sentence, and the network stays as it is."""
    net, before = network(), network()
    stream = Stream(folder, "y")
    there = mapped(tmp_path / "X.npy", X)
    wrong: list[Any] = [
        ("y belongs to the stream", (stream, "y"), {}),
        ("sample_weight belongs to the stream", (stream,), {"sample_weight": "a"}),
        ("y must be the name of the column", (folder,), {}),
        ("y must be an array", (X,), {}),
        ("X is in memory already", (X, Y), {"memory_limit": "1GB"}),
        ("resume=True needs the folder", (stream,), {"resume": True}),
        ("validation must be", (stream,), {"validation": 1.5}),
        ("validation must be", (there, Y), {"validation": "X", "memory_limit": "1GB"}),
        ("by like", (stream,), {"validation": Stream(folder, "y")}),
        ("leaves 0 to train on|and 0 to validate", (stream,), {"validation": 1e-9}),
        ("memory_limit must be", (stream,), {"memory_limit": "much"}),
        ("has no target", (Stream(folder, columns=["a", "b", "c", "d"]),), {}),
        ("an input for each of the 3 columns", (Stream(folder, "y", columns=["a", "b", "c"]),), {}),
        ("y must have a row for each of the 1000", (there, Y[:5]), {"memory_limit": "1GB"}),
    ]
    for said, data, keywords in wrong:
        with pytest.raises((ValueError, TypeError), match=said):
            fit(net, data[0], *data[1:], **(ARGUMENTS | keywords))
    assert (net.vector == before.vector).all()


def test_a_stream_leaves_no_record_to_train_again(folder: Path) -> None:
    """A script can't have the rows."""
    net = network()
    fit(net, Stream(folder, "y"), **ARGUMENTS)
    with pytest.raises(ValueError, match="was trained on a stream"):
        net.to_python(training=True)
    assert "forward" in net.to_python()


def test_buffers_hold_what_examples_are() -> None:
    """The weight of examples is their number, or the sum of their weights."""
    inputs, Y_rows, _ = network().check_examples(X[:4], Y[:4])
    assert Examples(inputs, Y_rows).weight() == 4
    assert Examples(inputs, Y_rows, np.array([[1.0], [0.5], [0.0], [2.0]])).weight() == 3.5
