"""Processes and machines that are unlucky: forks, threads, no home, a full disk, a kill."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chainrule import (
    MLPClassifier,
    MLPRegressor,
    Network,
    TabularClassifier,
    TabularRegressor,
    fit,
    load,
)
from tests.processes import run_python

rng = np.random.default_rng(0)
X = rng.normal(size=(120, 6))
Y = (X[:, 0] > 0).astype(int)

# What most of the processes below do, each in its own way.
TRAINS = """
import os, sys
import numpy as np
from chainrule import Network, fit
rng = np.random.default_rng(0)
X = rng.normal(size=(120, 6)); y = (X[:, 0] > 0).astype(int)

def train(seed=0, engine="compiled", threads=None):
    network = Network([6, 20, 3], random_state=seed)
    fit(network, X, y, epochs=3, random_state=seed, engine=engine, threads=threads, verbose=0)
    return network
"""
# As the engine compiles, and keeps on disk, each of its kernels.
COMPILES = """
from chainrule.engine.compilation import kernel
def double(x): return 2 * x
print(kernel("int64(int64)", lambda: double, double).ctypes(21))
"""
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such thing")


@pytest.fixture(scope="module", autouse=True)
def own_cache(compiled_apart: None) -> None:
    """Compile into a folder of the tests' own, which the processes share."""


def told(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a process printed, which must have ended well, without a word of complaint."""
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.strip()


# ---------------------------------------------------------------------------------------------
# Several processes


@POSIX
def test_a_forked_child_trains() -> None:
    """Though its parent has trained and predicted on threads, of which the child has none."""
    program = """
def bits():
    network = train(threads=2)
    return network.vector.tobytes() + network.forward(X, threads=2).tobytes()
expected = bits()
for _ in range(2):
    child = os.fork()
    if child == 0:
        os._exit(0 if bits() == expected else 1)
    assert os.waitpid(child, 0)[1] == 0
print(bits() == expected)
"""
    assert told(run_python(TRAINS + program)) == "True"


WAYS = """
if __name__ == "__main__":
    import multiprocessing, pickle
    from joblib import Parallel, delayed
    expected = [train(seed).vector for seed in range(2)]
    ways = {f"joblib {name}": Parallel(2, backend=name) for name in ("loky", "threading")}
    for name in multiprocessing.get_all_start_methods():
        with multiprocessing.get_context(name).Pool(2) as pool:
            made = pool.map(train, range(2))
            print(name, all(np.array_equal(a.vector, b) for a, b in zip(made, expected)))
    for name, parallel in ways.items():
        made = parallel(delayed(train)(seed) for seed in range(2))
        print(name, all(np.array_equal(a.vector, b) for a, b in zip(made, expected)))
"""


def test_every_way_to_start_a_process(tmp_path: Path) -> None:
    """Fork, spawn and fork server, joblib's processes and threads: the bits of one process."""
    script = tmp_path / "ways.py"
    script.write_text(TRAINS + WAYS, encoding="utf-8")
    command = [sys.executable, "-W", "ignore::DeprecationWarning", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    lines = dict(line.rsplit(" ", 1) for line in told(done).splitlines())
    assert {"spawn", "joblib loky", "joblib threading"} <= lines.keys()
    assert set(lines.values()) == {"True"}


def test_eight_fits_at_once_in_threads(tmp_path: Path) -> None:
    """Of every kind, one of which trains networks in threads of its own: as if each were alone."""

    def network(engine: str) -> Any:
        made = Network([6, 20, 3], random_state=0)
        folder = tmp_path / f"run-{rng.integers(2**60)}"
        arguments: dict[str, Any] = {"threads": 2, "checkpoint": folder, "verbose": 0}
        fit(made, X, Y, epochs=5, engine=engine, random_state=0, validation=0.2, **arguments)
        return made.vector

    def estimator(kind: Any, **arguments: Any) -> Any:
        model = kind(hidden_layer_sizes=(8,), max_iter=5, random_state=0, **arguments)
        model.fit(X, Y)
        outputs = model.predict_proba(X) if hasattr(model, "classes_") else model.predict(X)
        return np.asarray(outputs)

    fits: list[Callable[[], Any]] = [
        lambda: network("numpy"),
        lambda: network("compiled"),
        lambda: estimator(MLPClassifier, solver="lbfgs", tol=1.0),
        lambda: estimator(MLPRegressor, engine="compiled", tol=1e9, n_iter_no_change=1),
        lambda: estimator(TabularClassifier, n_members=3, engine="compiled"),
        lambda: estimator(TabularRegressor, n_members=2, engine="numpy"),
        lambda: network("compiled"),
        lambda: estimator(TabularClassifier, n_members=2, engine="compiled", dtype="float64"),
    ]
    alone = [one() for one in fits]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda one: one(), fits))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_estimators_travel_to_another_process(tmp_path: Path) -> None:
    """By pickle, before they are fitted and after, also to a Python without assertions."""
    program = """
import pickle, sys
come, back = pickle.load(open(sys.argv[1], "rb")), []
for model, X, y in come:
    fitted = hasattr(model, "networks_") or hasattr(model, "network_")
    model = model if fitted else model.fit(X, y)
    back.append((fitted, model, model.predict(X)))
pickle.dump(back, open(sys.argv[2], "wb"))
"""
    table = pd.DataFrame(X, columns=[*"abcdef"])
    table["word"] = np.where(X[:, 1] > 0, "left", "right")
    sizes: dict[str, Any] = {"hidden_layer_sizes": (8,), "random_state": 0}
    models: list[tuple[Any, Any]] = [
        (MLPClassifier(max_iter=5, tol=1e9, n_iter_no_change=1, **sizes), X),
        (MLPRegressor(solver="lbfgs", tol=1.0, **sizes), X),
        (TabularClassifier(max_iter=3, n_members=2, **sizes), table),
        (TabularRegressor(max_iter=3, n_members=2, **sizes), table),
    ]
    fitted = [pickle.loads(pickle.dumps(model)).fit(given, Y) for model, given in models]
    go = [(model, given, Y) for model, given in models]
    go += [(model, given, Y) for model, (_, given) in zip(fitted, models, strict=True)]
    (tmp_path / "go").write_bytes(pickle.dumps(go))
    paths = str(tmp_path / "go"), str(tmp_path / "back")
    assert told(run_python(program, *paths, flags=("-O",))) == ""
    back = pickle.loads((tmp_path / "back").read_bytes())
    assert [was_fitted for was_fitted, _, _ in back] == [False] * 4 + [True] * 4
    for (_, there, predicted), here, (_, given, _) in zip(back, fitted * 2, go, strict=True):
        np.testing.assert_array_equal(predicted, here.predict(given))
        np.testing.assert_array_equal(there.predict(given), predicted)


def test_training_without_assertions() -> None:
    """Under -OO, which leaves docstrings out too: the same bits, on both engines."""
    program = """
from chainrule import MLPClassifier, TabularClassifier, DivergenceError
parts = [train(0, engine).vector.tobytes() for engine in ("numpy", "compiled")]
model = TabularClassifier((4,), max_iter=2, n_members=2, random_state=0, engine="compiled")
parts.append(model.fit(X, y).predict_proba(X).tobytes())
model = MLPClassifier((4,), solver="lbfgs", tol=1, random_state=0)
parts.append(model.fit(X, y).predict_proba(X).tobytes())
for call in (lambda: fit(Network([6, 1]), X[:, :2], y), lambda: Network([0, 1])):
    try: call()
    except ValueError as error: parts.append(str(error).encode())
import hashlib
print(len(parts), __debug__, hashlib.sha256(b"".join(parts)).hexdigest())
"""
    plain, other = (
        told(run_python(TRAINS + program, flags=flags)).split() for flags in ((), ("-OO",))
    )
    assert plain[:2] == ["6", "True"]
    assert other == ["6", "False", plain[2]]


def test_one_thread_is_all_that_is_taken() -> None:
    """OMP_NUM_THREADS=1: no other thread is made, and the bits are those of two."""
    program = """
import hashlib, threading
made = []
begin = threading.Thread.start
threading.Thread.start = lambda thread: (made.append(thread.name), begin(thread))
network = Network([6, 400, 400, 3], random_state=0)
X = rng.normal(size=(600, 6))
fit(network, X, np.arange(600) % 3, epochs=2, batch_size=300, engine="compiled", random_state=0,
    verbose=0, threads=int(sys.argv[1]) or None)
bits = network.vector.tobytes() + network.forward(X).tobytes()
print(len(made), hashlib.sha256(bits).hexdigest())
"""
    one = told(run_python(TRAINS + program, "0", env={**os.environ, "OMP_NUM_THREADS": "1"}))
    two = told(run_python(TRAINS + program, "2"))
    assert one.split()[0] == "0"
    assert one.split()[1] == two.split()[1]


# ---------------------------------------------------------------------------------------------
# A home that can't be written to, or is not there


def homeless(tmp_path: Path, *, named: bool) -> dict[str, str]:
    """Return an environment without a folder for any cache."""
    kept = ("PATH", "PYTHONPATH", "SYSTEMROOT", "OMP_NUM_THREADS", "PYTHONDONTWRITEBYTECODE")
    env = {name: os.environ[name] for name in kept if name in os.environ}
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be", encoding="utf-8")
    if not named:
        return env
    inside = str(blocked / "home")
    return env | {"HOME": inside, "USERPROFILE": inside, "LOCALAPPDATA": inside}


@pytest.mark.parametrize("named", [False, True], ids=["no home", "a home in a file's place"])
def test_training_without_a_home(named: bool, tmp_path: Path) -> None:
    """Code is compiled for this process alone, a model is saved elsewhere, and no word is said."""
    program = """
from chainrule import load
network = train(engine="numpy")
network.save(sys.argv[1])
print(np.array_equal(load(sys.argv[1]).forward(X), network.forward(X)))
"""
    env = homeless(tmp_path, named=named)
    done = run_python(TRAINS + program + COMPILES, str(tmp_path / "model.safetensors"), env=env)
    assert told(done) == "True\n42"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["blocked", "model.safetensors"]


def test_the_command_line_without_a_home(tmp_path: Path) -> None:
    """It trains, draws and predicts; nothing but Matplotlib says that it has no folder."""
    table = pd.DataFrame(X, columns=[*"abcdef"]).assign(y=np.where(Y, "yes", "no"))
    table.to_csv(tmp_path / "table.csv", index=False)
    env = homeless(tmp_path, named=True) | {"NUMBA_CACHE_DIR": "blocked"}
    run = "import sys; from chainrule.cli import main; sys.argv[0] = 'chainrule'; main()"
    options = ["--epochs", "2", "--members", "1", "--hidden", "4"]
    done = run_python(run, "train", "table.csv", "--target", "y", *options, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "model-errors.png").exists()
    done = run_python(run, "predict", "model.safetensors", "table.csv", cwd=tmp_path, env=env)
    assert len(told(done).splitlines()) == 121


# ---------------------------------------------------------------------------------------------
# A full disk: a file system of 1 MB, or a limit to the size of a file that says the same


@pytest.fixture(params=["a disk of 1 MB", "files of 100 kB at most"])
def full(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Give a folder in which nothing large can be written, and how a process begins there."""
    if sys.platform != "linux":
        pytest.skip("tmpfs, and what a limit does, are Linux's")
    folder = tmp_path / "small"
    folder.mkdir()
    if request.param.startswith("files"):
        yield folder, "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000,) * 2)\n"
        return
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("this user may not mount a file system")
    try:
        yield folder, ""
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_model_on_a_full_disk(full: tuple[Path, str]) -> None:
    """The error is the system's, the older file stays whole, and nothing is left beside it."""
    folder, limit = full
    program = """
from chainrule import load
path = sys.argv[1]
Network([6, 4, 1], random_state=0).save(path)
before = open(path, "rb").read()
try: Network([6, 400, 400, 1], random_state=0).save(path)
except OSError as error: print(error)
print(open(path, "rb").read() == before, load(path).structure.n_parameters, os.listdir(sys.argv[2]))
"""
    path = folder / "model.safetensors"
    error, rest = told(run_python(limit + TRAINS + program, str(path), str(folder))).split("\n")
    assert any(why in error for why in ("No space left on device", "File too large"))
    assert rest == "True 33 ['model.safetensors']"


def test_checkpoints_on_a_full_disk(full: tuple[Path, str]) -> None:
    """Training goes on with a warning, and ends in the bits of one with room; small ones fit."""
    folder, limit = full
    program = """
import warnings
from chainrule import Checkpoints
def run(where, units):
    network = Network([6, units, units, 1], random_state=0)
    every = Checkpoints(where, every_epochs=1, keep=1) if where else None
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        fit(network, X, y, epochs=2, random_state=0, engine="numpy", checkpoint=every, verbose=0)
    return network.vector.tobytes(), [str(one.message) for one in said]
bits, said = run(sys.argv[1] + "/large", 300)
print(bits == run(None, 300)[0], *said[:1], os.listdir(sys.argv[1] + "/large"))
print(run(sys.argv[1] + "/little", 4)[1], len(os.listdir(sys.argv[1] + "/little")))
"""
    large, little = told(run_python(limit + TRAINS + program, str(folder))).split("\n")
    assert large.startswith("True no checkpoint was saved: ")
    assert large.endswith("[]")
    assert little == "[] 2"


def test_compiled_code_on_a_full_disk(full: tuple[Path, str]) -> None:
    """It finds no room, which nobody need know; what was written of it does no harm after."""
    folder, limit = full
    if limit:
        limit = limit.replace("100_000", "1_000")
    else:
        (folder / "filler").write_bytes(bytes(2**20 - 2**13))
    env = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "code")}
    assert told(run_python(limit + COMPILES, env=env)) == "42"
    assert not list(folder.rglob("*.nbc"))
    (folder / "filler").unlink(missing_ok=True)
    assert told(run_python(COMPILES, env=env)) == "42"
    assert list(folder.rglob("*.nbc"))


KINDS = ("csv", "parquet")


def test_the_command_line_on_a_full_disk(full: tuple[Path, str], tmp_path: Path) -> None:
    """One sentence with the reason, exit code 2, and no part of a file."""
    folder, limit = full
    table = pd.DataFrame(rng.normal(size=(20_000, 2)), columns=["a", "b"])
    table["y"] = table["a"] * 2
    table.to_parquet(tmp_path / "table.parquet")
    table[:200].to_parquet(tmp_path / "few.parquet")
    model = TabularRegressor((4,), max_iter=1, n_members=1, random_state=0)
    model.fit(table[["a", "b"]][:200], table["y"][:200]).save(tmp_path / "model.safetensors")
    if not limit:
        (folder / "filler").write_bytes(bytes(900_000))
    left = os.listdir(folder)
    options = "train few.parquet --target y --epochs 1 --members 1 --hidden 300,300 --out"
    commands = [
        *(f"predict model.safetensors table.parquet --out {folder}/out.{kind}" for kind in KINDS),
        f"{options} {folder}/model.safetensors",
    ]
    program = """
import sys
from chainrule.cli.app import app
for command in sys.argv[1:]:
    try: app(command.split(), prog_name="chainrule")
    except SystemExit as end: print("ended by", end.code)
"""
    done = run_python(limit + program, *commands, cwd=tmp_path)
    ends = [line for line in done.stdout.splitlines() if line.startswith("ended by")]
    assert ends == ["ended by 2"] * len(commands), done.stderr
    errors = done.stderr.splitlines()
    assert len(errors) == len(commands)
    assert all(error.startswith("Error: ") for error in errors)
    assert os.listdir(folder) == left


# ---------------------------------------------------------------------------------------------
# A kill


@POSIX
def test_a_kill_while_a_model_is_saved(tmp_path: Path) -> None:
    """At whatever moment: the file is one of the two that were written in turn, and whole."""
    program = """
networks = [Network([6, units, 1], random_state=0) for units in (50, 3000)]
while True:
    for network in networks:
        network.save(sys.argv[1])
        print(len(network.vector), flush=True)
"""
    path = tmp_path / "model.safetensors"
    sizes = {network.vector.size for network in (Network([6, 50, 1]), Network([6, 3000, 1]))}
    for lines in (1, 4, 7):
        command = [sys.executable, "-c", TRAINS + program, str(path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(lines):
            process.stdout.readline()
        process.kill()  # while it writes the next
        process.communicate()
        assert load(path).vector.size in sizes
    hidden = [each.name for each in tmp_path.iterdir() if each != path]
    assert all(name.startswith(".model-") for name in hidden)
