"""Checkpoints of runs over streams: cut off and gone on with, they end in the very same bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import Checkpoints, EarlyStopping, Layer, Network, Stream, fit
from chainrule.callbacks import Callback, Progress
from tests.dying import Dying, Killed
from tests.streams import mapped, numbers, table, write

X = numbers(1000)
Y = (X[:, 0] * 10 + (X[:, 1] - 1) > 0).astype(np.int64)
LAYERS: list[int | Layer] = [4, Layer(5, "tanh", dropout=0.2, normalization="batch"), 1]
# Of which the rows take more than a half, so that they are read anew in each epoch
ARGUMENTS: dict[str, Any] = {"epochs": 3, "batch_size": 16, "random_state": 0, "verbose": 0}
LIMITED: dict[str, Any] = ARGUMENTS | {"memory_limit": 90_000, "engine": "numpy"}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read some rows at a time, as of a large file."""
    monkeypatch.setattr("chainrule.streaming.source.BLOCK_ROWS", 64)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files of ten groups of rows in all, with weights."""
    for number, rows in enumerate((slice(0, 300), slice(300, 1000))):
        some = table(X[rows], Y[rows], w=np.linspace(0.5, 2, len(X[rows])))
        write(tmp_path / "data" / f"{number}.parquet", some)
    return tmp_path / "data"


class Counter(Callback):
    """Notes which mini-batches were learned."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def on_batch_end(self, progress: Progress) -> None:
        self.seen.append((progress.epoch, progress.batch))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"validation": 0.2, "drop_last": True, "metrics": ["accuracy"], "memory_limit": 110_000},
        {"engine": "compiled", "l2": 0.01},
        {"memory_limit": "1GB"},
    ],
    ids=["read anew", "held back", "compiled", "kept in memory"],
)
def test_the_same_bits(
    more: dict[str, Any], folder: Path, tmp_path: Path, compiled_apart: None
) -> None:
    """Cut off in the first buffer, in a later one, and in other epochs."""

    def arguments() -> dict[str, Any]:
        stops = {"early_stopping": EarlyStopping(2)} if "validation" in more else {}
        return LIMITED | more | stops

    def stream() -> Stream:
        return Stream(folder, "y", sample_weight="w")

    whole = Network(LAYERS, random_state=1)
    expected = fit(whole, stream(), **arguments())
    cut = Network(LAYERS, random_state=1)
    for number, lives in enumerate([3, 1, 2] if "engine" in more else [3, 45, 40]):
        checkpoint = Dying(tmp_path / "run", lives)
        with pytest.raises(Killed):
            fit(cut, stream(), checkpoint=checkpoint, resume=number > 0, **arguments())
        cut = Network(LAYERS, random_state=99)  # a new process has other first weights
    history = fit(cut, stream(), checkpoint=tmp_path / "run", resume=True, **arguments())
    np.testing.assert_array_equal(cut.vector, whole.vector)
    for name, values in whole.statistics.items():
        np.testing.assert_array_equal(cut.statistics[name], values)
    for name in ("loss", "val_loss", "metrics", "val_metrics", "learning_rate", "steps"):
        assert getattr(history, name) == getattr(expected, name)


def test_what_was_learned_is_passed_over(folder: Path, tmp_path: Path) -> None:
    """A run that goes on reads the rows before its place, and learns from those after it."""
    network, dying = Network(LAYERS, random_state=1), Dying(tmp_path / "run", 40)
    with pytest.raises(Killed):
        fit(
            network,
            folder,
            "y",
            sample_weight="w",
            checkpoint=dying,
            callbacks=[Counter()],
            **LIMITED,
        )
    counter = Counter()
    fit(
        Network(LAYERS, random_state=9),
        folder,
        "y",
        sample_weight="w",
        checkpoint=tmp_path / "run",
        resume=True,
        callbacks=[counter],
        **LIMITED,
    )
    first, batches = counter.seen[0], -(-len(X) // 16)
    assert first[0] == 0
    assert first[1] >= 39
    assert counter.seen == [divmod(n, batches) for n in range(first[1], 3 * batches)]


def test_other_rows_are_refused(folder: Path, tmp_path: Path) -> None:
    """As is another limit, on which their order depends; and another set to validate on."""
    there = mapped(tmp_path / "X.npy", X)
    held = write(tmp_path / "held.parquet", table(X[:50], Y[:50], w=np.ones(50)))

    def go_on(*data: Any, **more: Any) -> None:
        some = LIMITED | {"checkpoint": tmp_path / "run", "resume": True} | more
        fit(Network(LAYERS, random_state=1), *data, **some)

    with pytest.raises(Killed):
        go_on(
            folder,
            "y",
            sample_weight="w",
            checkpoint=Dying(tmp_path / "run", 2),
            resume=False,
            validation=held,
        )
    for wrong in ({"memory_limit": 80_000}, {"validation": 0.1}):
        name = next(iter(wrong))
        with pytest.raises(ValueError, match=f"^{name} must be what the run in"):
            go_on(folder, "y", sample_weight="w", **({"validation": held} | wrong))
    with pytest.raises(ValueError, match=r"^X must be what the run in"):
        go_on(there, Y, validation=(X[:50], Y[:50]))
    changed = X.copy()
    changed[0, 0] += 1
    write(folder / "0.parquet", table(changed[:300], Y[:300], w=np.ones(300)))
    with pytest.raises(ValueError, match=r"^X must be what the run in"):
        go_on(folder, "y", sample_weight="w", validation=held)


def test_a_stop_on_the_way_is_saved(folder: Path, tmp_path: Path) -> None:
    """Whatever ends a run in the middle of a buffer leaves a checkpoint to go on from."""

    def stop(progress: Progress) -> None:
        progress.stop("enough")

    class Stops(Callback):
        def on_batch_end(self, progress: Progress) -> None:
            if (progress.epoch, progress.batch) == (0, 30):
                stop(progress)

    network = Network(LAYERS, random_state=1)
    history = fit(
        network,
        folder,
        "y",
        sample_weight="w",
        checkpoint=tmp_path / "run",
        callbacks=[Stops()],
        **LIMITED,
    )
    assert history.stopped == "enough"
    (path, *_) = Checkpoints(tmp_path / "run").files()
    assert "-000000000031." in path.name
