"""Checkpoints: a run that was cut off and gone on with ends in the very same bits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import chainrule
from chainrule import (
    Adam,
    Callback,
    Checkpoints,
    EarlyStopping,
    History,
    Layer,
    Momentum,
    Network,
    Snapshots,
    fit,
    load,
)
from chainrule.callbacks import Progress
from chainrule.schedules import Cosine, ReduceOnPlateau
from tests.dying import Dying, Killed

X = np.random.default_rng(0).normal(size=(90, 3))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)

LAYERS: list[int | Layer] = [
    3,
    Layer(9, "gelu", dropout=0.2, normalization="batch"),
    Layer(5, "tanh", normalization="layer"),
    Layer(1, "sigmoid"),
]


def network(dtype: Any = np.float64) -> Network:
    """Return a network of the same first weights each time."""
    return Network(LAYERS, random_state=1, dtype=dtype)


def in_pieces(folder: Path, lives: list[int], dtype: Any, **arguments: Any) -> tuple[Any, History]:
    """Train, and be cut off after so many checkpoints each time; the last time run to the end."""
    for number, some in enumerate(lives):
        with pytest.raises(Killed):
            fit(
                network(dtype), X, Y, checkpoint=Dying(folder, some), resume=number > 0, **arguments
            )
    last = Network(LAYERS, random_state=99, dtype=dtype)  # of which nothing is left
    history = fit(last, X, Y, checkpoint=Checkpoints(folder), resume=True, **arguments)
    return last, history


RUNS: dict[str, dict[str, Any]] = {
    "adam": {},
    "momentum": {"optimizer": Momentum(0.05), "l2": 0.01, "clip_norm": 1.0, "drop_last": True},
    "schedule": {"learning_rate": Cosine(0.02, 60, 5), "sample_weight": np.linspace(0.5, 2, 90)},
    "plateau": {"learning_rate": ReduceOnPlateau(0.05, patience=1), "validation": 0.2},
    "stopping": {"early_stopping": EarlyStopping(2), "validation": 0.3, "metrics": ["accuracy"]},
    "generator": {"random_state": "generator", "optimizer": Adam(0.02)},
}


@pytest.mark.parametrize(
    ("run", "engine"),
    [*((run, "numpy") for run in RUNS), ("adam", "compiled"), ("stopping", "compiled")],
)
def test_the_same_bits(run: str, engine: str, tmp_path: Path, compiled_apart: None) -> None:
    """Whatever a run draws, keeps or decides by: cut off in the middle of epochs and between."""

    def arguments() -> dict[str, Any]:
        given = {"epochs": 12, "batch_size": 16, "random_state": 5, "verbose": 0, "engine": engine}
        given |= RUNS[run]
        if given["random_state"] == "generator":
            given["random_state"] = np.random.default_rng(3)
        if "early_stopping" in given:
            given["early_stopping"] = EarlyStopping(2)
        return given

    whole = network()
    expected = fit(whole, X, Y, **arguments())
    cut = Network(LAYERS, random_state=1)
    for number, lives in enumerate([3, 1, 4]):
        with pytest.raises(Killed):
            fit(cut, X, Y, checkpoint=Dying(tmp_path, lives), resume=number > 0, **arguments())
        cut = Network(LAYERS, random_state=99)  # a new process has other first weights
    history = fit(cut, X, Y, checkpoint=tmp_path, resume=True, **arguments())
    np.testing.assert_array_equal(cut.vector, whole.vector)
    for name, values in whole.statistics.items():
        np.testing.assert_array_equal(cut.statistics[name], values)
    for name in ("loss", "val_loss", "metrics", "val_metrics", "learning_rate", "steps"):
        assert getattr(history, name) == getattr(expected, name)
    assert (history.stopped, history.best_epoch) == (expected.stopped, expected.best_epoch)


def test_float32(tmp_path: Path) -> None:
    """In single precision too, and with no checkpoint in between the bits are the same."""
    arguments: Any = {"epochs": 8, "batch_size": 16, "random_state": 5, "engine": "numpy"}
    whole = network(np.float32)
    fit(whole, X, Y, verbose=0, **arguments)
    saved, _ = in_pieces(tmp_path, [5, 3], np.float32, verbose=0, **arguments)
    np.testing.assert_array_equal(saved.vector, whole.vector)


def test_snapshots_go_on(tmp_path: Path) -> None:
    """The copies that were kept before the end are in the history of the run that goes on."""
    arguments: Any = {"epochs": 9, "batch_size": 16, "random_state": 5, "engine": "numpy"}
    histories = [
        fit(network(), X, Y, verbose=0, callbacks=[Snapshots(at_most=4)], **arguments),
        in_pieces(
            tmp_path, [20, 9], np.float64, verbose=0, callbacks=[Snapshots(at_most=4)], **arguments
        )[1],
    ]
    whole, cut = (history.snapshots for history in histories)
    assert [s.epoch for s in cut] == [s.epoch for s in whole] == [0, 4, 8, 9]
    for one, other in zip(whole, cut, strict=True):
        np.testing.assert_array_equal(one.network.vector, other.network.vector)
        np.testing.assert_array_equal(
            one.network.statistics["var1"], other.network.statistics["var1"]
        )


def test_the_middle_of_an_epoch_is_saved(tmp_path: Path) -> None:
    """On NumPy, which is given one mini-batch at a time, after the second of six."""
    arguments: Any = {"epochs": 3, "batch_size": 16, "random_state": 5, "engine": "numpy"}
    with pytest.raises(Killed):
        fit(network(), X, Y, verbose=0, checkpoint=Dying(tmp_path, 2), **arguments)
    assert [path.name for path in Checkpoints(tmp_path).files()] == [
        "checkpoint-000000000000-000000000002.safetensors",
        "checkpoint-000000000000-000000000001.safetensors",
    ]
    batches: list[tuple[int, int]] = []

    class Watch(Callback):
        def on_batch_end(self, progress: Progress) -> None:
            batches.append((progress.epoch, progress.batch))

    watched: Any = {**arguments, "verbose": 0, "callbacks": [Watch()]}
    with pytest.raises(ValueError, match="callbacks must be"):
        fit(network(), X, Y, checkpoint=tmp_path, resume=True, **watched)
    other = tmp_path / "other"
    with pytest.raises(Killed):
        fit(network(), X, Y, checkpoint=Dying(other, 2), **watched)
    batches.clear()
    fit(network(), X, Y, checkpoint=other, resume=True, **watched)
    assert batches[:5] == [(0, 2), (0, 3), (0, 4), (0, 5), (1, 0)]


def test_last_and_best_are_kept(tmp_path: Path) -> None:
    """The newest three, and the network of the lowest validation loss, which can be loaded."""
    trained = network()
    seen: list[npt.NDArray[Any]] = []
    history = fit(
        trained,
        X,
        Y,
        epochs=15,
        batch_size=16,
        learning_rate=0.1,
        random_state=5,
        validation=0.3,
        checkpoint=Checkpoints(tmp_path, every_epochs=1, keep=3),
        callbacks=[lambda progress: seen.append(progress.network.vector.copy())],
        verbose=0,
    )
    names = [path.name for path in Checkpoints(tmp_path).files()]
    assert [int(name.split("-")[1]) for name in names] == [15, 14, 13]
    best = int(np.argmin(history.val_loss))
    assert best < 14
    np.testing.assert_array_equal(load(tmp_path / "best.safetensors").vector, seen[best])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["best.safetensors", *sorted(names)]


def test_more_epochs(tmp_path: Path) -> None:
    """A finished run goes on to more epochs, and is done at once with as many."""
    arguments: Any = {"batch_size": 16, "random_state": 5, "verbose": 0, "checkpoint": tmp_path}
    whole = network()
    fit(whole, X, Y, epochs=9, batch_size=16, random_state=5, verbose=0)
    first = network()
    fit(first, X, Y, epochs=4, **arguments)
    again = Network(LAYERS, random_state=99)
    history = fit(again, X, Y, epochs=4, resume=True, **arguments)
    np.testing.assert_array_equal(again.vector, first.vector)
    assert len(history) == 4
    fit(again, X, Y, epochs=9, resume=True, **arguments)
    np.testing.assert_array_equal(again.vector, whole.vector)


def test_resume_with_nothing_there_begins(tmp_path: Path) -> None:
    """So that one command will do for the first time and for all others."""
    whole, saved = network(), network()
    arguments: Any = {"epochs": 3, "random_state": 5, "verbose": 0}
    fit(whole, X, Y, **arguments)
    fit(saved, X, Y, checkpoint=tmp_path / "run", resume=True, **arguments)
    np.testing.assert_array_equal(saved.vector, whole.vector)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"batch_size": 8}, "batch_size must be what the run in .* began with, 16, got 8"),
        ({"optimizer": "lion"}, "optimizer must be what the run in .* began with, adam"),
        ({"learning_rate": 0.5}, "learning_rate must be what"),
        ({"l2": 0.1}, "l2 must be what the run in .* began with, 0.0, got 0.1"),
        ({"validation": 0.2}, "validation must be what"),
        ({"engine": "compiled"}, "engine must be 'numpy' to go on with the same bits"),
        ({"random_state": np.random.default_rng(0)}, "random_state must be of the kind"),
        ({"data": 1.0}, "X must be what the run in .* began with, 90 rows, checksum"),
    ],
)
def test_another_run_is_refused(changed: dict[str, Any], message: str, tmp_path: Path) -> None:
    """What differs is named, and the network stays as it is."""
    arguments: Any = {"epochs": 2, "batch_size": 16, "random_state": 5, "engine": "numpy"}
    fit(network(), X, Y, verbose=0, checkpoint=tmp_path, **arguments)
    other = network()
    more = {**arguments, "epochs": 3, **changed}
    data = X + more.pop("data", 0.0)
    with pytest.raises(ValueError, match=message):
        fit(other, data, Y, verbose=0, checkpoint=tmp_path, resume=True, **more)
    np.testing.assert_array_equal(other.vector, network().vector)


def test_another_set_to_validate_on_is_refused(tmp_path: Path) -> None:
    """By its numbers, not only by how many arrays it has."""
    arguments: Any = {"batch_size": 16, "random_state": 5, "verbose": 0, "checkpoint": tmp_path}
    fit(network(), X, Y, epochs=1, validation=(X[:20], Y[:20]), **arguments)
    for other in ((X[20:40], Y[20:40]), (X[:20], 1 - Y[:20]), (X[:20], Y[:20], np.arange(20) + 1)):
        with pytest.raises(ValueError, match="validation must be what the run in"):
            fit(network(), X, Y, epochs=2, validation=other, resume=True, **arguments)
    again = network()
    fit(again, X, Y, epochs=2, validation=(X[:20].tolist(), Y[:20]), resume=True, **arguments)


def test_a_stop_after_the_last_mini_batch_is_saved(tmp_path: Path) -> None:
    """What a callback stops there goes on with that epoch's end, to the same bits."""

    class Stop(Callback):
        def __init__(self, at: tuple[int, int]) -> None:
            self.at = at

        def on_batch_end(self, progress: Progress) -> None:
            if (progress.epoch, progress.batch) == self.at:
                progress.stop("enough")

    arguments: Any = {"epochs": 4, "batch_size": 16, "random_state": 5, "engine": "numpy"}
    whole, cut = network(), network()
    expected = fit(whole, X, Y, verbose=0, callbacks=[Stop((9, 9))], **arguments)
    stopped = fit(cut, X, Y, verbose=0, callbacks=[Stop((1, 5))], checkpoint=tmp_path, **arguments)
    assert (stopped.stopped, len(stopped)) == ("enough", 1)
    assert "-000000000012." in Checkpoints(tmp_path).files()[0].name
    again = network()
    history = fit(
        again,
        X,
        Y,
        verbose=0,
        callbacks=[Stop((9, 9))],
        checkpoint=tmp_path,
        resume=True,
        **arguments,
    )
    np.testing.assert_array_equal(again.vector, whole.vector)
    assert (history.loss, history.learning_rate) == (expected.loss, expected.learning_rate)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """And is left alone."""
    path = tmp_path / "a file"
    path.write_text("mine")
    with pytest.raises(ValueError, match=r"checkpoint must be a folder, and .*a file is a file"):
        fit(network(), X, Y, epochs=1, verbose=0, checkpoint=path)
    assert path.read_text() == "mine"


def test_another_network_is_refused(tmp_path: Path) -> None:
    """By its structure, before any array is read."""
    fit(network(), X, Y, epochs=1, verbose=0, random_state=0, checkpoint=tmp_path)
    with pytest.raises(ValueError, match=r"network must be what the run in .* began with, layer"):
        fit(Network([3, 2, 1]), X, Y, epochs=2, verbose=0, checkpoint=tmp_path, resume=True)


def test_a_run_is_not_overwritten(tmp_path: Path) -> None:
    """A folder that holds one is gone on with, or refused."""
    fit(network(), X, Y, epochs=1, verbose=0, random_state=0, checkpoint=tmp_path)
    with pytest.raises(ValueError, match=r"holds a run already: go on with it by resume=True"):
        fit(network(), X, Y, epochs=1, verbose=0, random_state=0, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="resume=True needs the folder of the run"):
        fit(network(), X, Y, epochs=1, verbose=0, resume=True)


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "other"])
def test_a_broken_newest_is_skipped(damage: str, tmp_path: Path) -> None:
    """For the one before, with a warning; the bits are the same all the same."""
    arguments: Any = {"epochs": 6, "batch_size": 16, "random_state": 5, "engine": "numpy"}
    whole = network()
    fit(whole, X, Y, verbose=0, **arguments)
    with pytest.raises(Killed):
        fit(network(), X, Y, verbose=0, checkpoint=Dying(tmp_path, 9), **arguments)
    newest = Checkpoints(tmp_path).files()[0]
    data = newest.read_bytes()
    newest.write_bytes(
        {
            "cut": data[: len(data) // 2],
            "changed": data.replace(b'"MT19937', b'"MT19938', 1),
            "empty": b"",
            "other": b"x" * len(data),
        }[damage]
    )
    cut = Network(LAYERS, random_state=99)
    with pytest.warns(UserWarning, match="can't be loaded: .*; the checkpoint before is taken"):
        fit(cut, X, Y, verbose=0, checkpoint=tmp_path, resume=True, **arguments)
    np.testing.assert_array_equal(cut.vector, whole.vector)


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    """And nothing else."""
    left = tmp_path / ".checkpoint-00000000-0123456789abcdef.safetensors"
    mine = tmp_path / ".checkpoint-notes.txt"
    for path in (left, mine):
        path.write_text("")
    fit(network(), X, Y, epochs=1, verbose=0, random_state=0, checkpoint=tmp_path)
    assert not left.exists()
    assert mine.exists()


def test_a_full_disk_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training goes on, and ends as it would have."""
    whole, saved = network(), network()
    arguments: Any = {"epochs": 3, "random_state": 5, "verbose": 0}
    fit(whole, X, Y, **arguments)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("chainrule.checkpoints.write_state", full)
    with pytest.warns(UserWarning, match="no checkpoint was saved: .*No space left on device"):
        fit(saved, X, Y, checkpoint=tmp_path, **arguments)
    np.testing.assert_array_equal(saved.vector, whole.vector)


PROGRAM = """
import sys, numpy as np
from chainrule import Checkpoints, Network, fit
folder, engine, epochs = sys.argv[1], sys.argv[2], int(sys.argv[3])
rng = np.random.default_rng(0)
X = rng.normal(size=(2000, 6)); y = (X[:, 0] * X[:, 1] > 0).astype(int)
network = Network([6, 32, 32, 1], dropout=0.1, random_state=0)
print("begins", flush=True)
history = fit(network, X, y, epochs=epochs, batch_size=20, random_state=1, verbose=0, engine=engine,
              checkpoint=Checkpoints(folder, every_minutes=0.0005) if folder != "-" else None,
              resume=folder != "-")
print(history.stopped, len(history))
np.save(sys.argv[4], network.vector)
"""


def start(folder: object, out: Path, epochs: int = 6) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    arguments = [sys.executable, "-c", PROGRAM, str(folder), "numpy", str(epochs), str(out)]
    return subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_signals(number: int, tmp_path: Path) -> None:
    """Ctrl-C and a request to terminate save at once; after a kill the last checkpoint is there."""
    folder = tmp_path / "run"
    whole = start("-", tmp_path / "whole.npy")
    process = start(folder, tmp_path / "cut.npy")
    while not list(folder.glob("checkpoint-*")):
        time.sleep(0.01)  # for a checkpoint to be there, not for a time to pass
        assert process.poll() is None
    process.send_signal(number)
    said = process.communicate()[0].split()
    if number == signal.SIGINT:
        assert (process.returncode, said[1]) == (0, "interrupted")
    else:
        assert process.returncode == (143 if number == signal.SIGTERM else -9)
    again = start(folder, tmp_path / "cut.npy")
    assert again.communicate()[0].split() == ["begins", "epochs", "6"]
    assert whole.communicate()[0].split() == ["begins", "epochs", "6"]
    np.testing.assert_array_equal(np.load(tmp_path / "cut.npy"), np.load(tmp_path / "whole.npy"))


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"every_minutes": -1}, ValueError, "every_minutes must be at least 0, got -1"),
        ({"every_epochs": 0}, ValueError, "every_epochs must be at least 1, got 0"),
        ({"keep": 0}, ValueError, "keep must be at least 1, got 0"),
    ],
)
def test_bad_arguments(keywords: dict[str, Any], error: type[Exception], message: str) -> None:
    """Each is named."""
    with pytest.raises(error, match=message):
        Checkpoints("run", **keywords)
    with pytest.raises(TypeError, match="checkpoint must be a folder or Checkpoints, got 5"):
        fit(network(), X, Y, checkpoint=5)  # type: ignore[arg-type]


def test_a_formula_of_ones_own(tmp_path: Path) -> None:
    """Is named for the best network at once, not after hours."""
    bent = chainrule.Activation("bent", lambda z: z + np.sin(z), lambda z, a: 1 + np.cos(z))
    own = Network([3, 4, 1], hidden=bent, random_state=0)
    with pytest.raises(ValueError, match=r"give it here, and give it back .*as custom="):
        fit(own, X, Y, epochs=2, verbose=0, checkpoint=tmp_path)
    fit(own, X, Y, epochs=2, verbose=0, checkpoint=Checkpoints(tmp_path, custom={"bent": bent}))
    assert load(tmp_path / "best.safetensors", custom={"bent": bent}).structure == own.structure


def test_a_checkpoint_is_plain_data(tmp_path: Path) -> None:
    """Its description is JSON, in which nothing is code."""
    fit(network(), X, Y, epochs=1, verbose=0, random_state=0, checkpoint=tmp_path)
    data = Checkpoints(tmp_path).files()[0].read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    model = json.loads(header["__metadata__"]["chainrule"])
    assert model["kind"] == "checkpoint"
    assert model["description"]["finished"] == "epochs"
