"""Scripts of networks: run where chainrule is not, they predict and train to the same numbers."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import Activation, EarlyStopping, Layer, Network, fit
from chainrule.loop import DivergenceError
from chainrule.losses import LOSSES
from chainrule.schedules import ReduceOnPlateau
from tests.gradients import OUTPUTS
from tests.processes import run_python
from tests.scripts import ALL, CASES, LONG, SOME, one_of_each, trained

# Runs where chainrule can't be imported: each script is trained, and asked for predictions.
RUNNER = """
import contextlib, io, pathlib, sys
sys.modules["chainrule"] = None
before = set(sys.modules)
import numpy as np
folder = pathlib.Path(sys.argv[1])
for path in sorted(folder.glob("*.train.py")):
    number = path.name.split(".")[0]
    data, made = np.load(folder / f"{number}.npz"), {}
    for kind in ("train", "predict"):
        script = {"__name__": "script"}
        source = (folder / f"{number}.{kind}.py").read_text("utf-8")
        exec(compile(source, f"{number}.{kind}", "exec"), script)
        made[f"{kind} forward"] = script["forward"](data["X"])
        made[f"{kind} predict"] = script["predict"](data["X"])
        if kind == "train":
            with contextlib.redirect_stdout(io.StringIO()):
                made |= script["train"](*(data[name] for name in ("X", "y", "w") if name in data))
    np.savez(folder / f"{number}.made.npz", **made)
top = {name.split(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
# NumPy's own compiled modules register these two
print(*sorted(name for name in top if not name.startswith(("_cython_", "cython_runtime"))))
"""


# Arrays that are packed
NUMBERS = re.compile(r".*(unpack|b64decode)\(\"")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a script of each case, and what a clean interpreter made of it."""
    folder = tmp_path_factory.mktemp("scripts")
    for number, name in enumerate(CASES):
        network, X, y = trained(name)
        weights = CASES[name][1].get("sample_weight")
        np.savez(folder / f"{number}.npz", X=X, y=y, **({} if weights is None else {"w": weights}))
        for kind in ("train", "predict"):
            source = network.to_python(training=kind == "train")
            (folder / f"{number}.{kind}.py").write_text(source, encoding="utf-8")
    done = run_python(RUNNER, str(folder), flags=("-I",), cwd=folder)
    assert (done.stdout.split(), done.stderr) == (["numpy"], "")
    return folder


@pytest.mark.parametrize("name", CASES)
def test_a_script_trains_to_the_very_same_parameters_and_predicts_the_same(
    name: str, folder: Path
) -> None:
    """Both without chainrule, for each formula, rule, schedule and kind of layer."""
    network, X, _ = trained(name)
    made = np.load(folder / f"{list(CASES).index(name)}.made.npz")
    # The script does the same operations in the same order; what remains is left to BLAS
    tolerance = 1e-12 if network.dtype == np.float64 else 1e-6
    for own, value in {**network.parameters, **network.statistics}.items():
        assert made[own].dtype == value.dtype
        np.testing.assert_allclose(made[own], value, rtol=0, atol=tolerance)
    for kind in ("train", "predict"):
        A = network.forward(X, engine="numpy")
        np.testing.assert_allclose(made[f"{kind} forward"], A, rtol=tolerance, atol=tolerance)
        decided = network.predict(X, engine="numpy")
        assert made[f"{kind} predict"].shape == decided.shape
        np.testing.assert_allclose(made[f"{kind} predict"], decided, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", ["train", "predict"])
def test_scripts_are_short_and_tidy(kind: str, folder: Path) -> None:
    """At most 120 lines, of 100 columns but for the numbers that nobody reads, no lint."""
    for number, name in enumerate(CASES):
        lines = (folder / f"{number}.{kind}.py").read_text("utf-8").splitlines()
        assert len(lines) <= 120, name
        wide = [line for line in lines if len(line) > 100 and not NUMBERS.match(line)]
        assert wide == [], name
    # E741: l is the number of a layer, as in the lecture; I001: a dense script has no empty lines
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "-q"]
    done = subprocess.run(
        [*command, "--ignore", "E401,E741,I001", *map(str, folder.glob(f"*.{kind}.py"))],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.stdout, done.returncode) == ("", 0)


def test_a_script_predicts_the_rows_of_a_file(tmp_path: Path) -> None:
    """Run by itself in a clean interpreter, it prints a prediction for each row."""
    for name in ("relu [4]", "mean_squared_error of identity", "best epoch"):
        network, X, _ = trained(name)
        (tmp_path / "network.py").write_text(network.to_python(), encoding="utf-8")
        np.savetxt(tmp_path / "rows.csv", X[:5], delimiter=",", fmt="%.17g")
        done = subprocess.run(
            [sys.executable, "-I", "-X", "utf8", "network.py", "rows.csv"],
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        printed = [[float(x) for x in line.split(",")] for line in done.stdout.splitlines()]
        expected = network.predict(X[:5]).reshape(5, -1)
        # 1e-12: the rounding of another BLAS; all digits are printed
        np.testing.assert_allclose(printed, expected, rtol=1e-12)


def test_class_probabilities_can_be_trained_on() -> None:
    """Rows of targets in place of class numbers give the same parameters in the script."""
    network = Network([3, 4, 3], random_state=0)
    X, Y = np.random.RandomState(0).standard_normal((40, 3)), np.full((40, 3), 1 / 3)
    fit(network, X, Y, epochs=2, random_state=0, verbose=0, engine="numpy")
    script: dict[str, Any] = {}
    exec(network.to_python(training=True), script)
    # The same operations in the same order
    np.testing.assert_allclose(script["train"](X, Y)["W1"], network.parameters["W1"], atol=1e-12)


X_SMALL = np.random.RandomState(0).standard_normal((30, 3))
Y_SMALL = (X_SMALL[:, 0] > 0) * 1


def fitted(network: Network, **options: Any) -> Network:
    """Return the network, trained for two epochs."""
    usual: dict[str, Any] = {"epochs": 2, "random_state": 0, "engine": "numpy", "verbose": 0}
    fit(network, X_SMALL, Y_SMALL, **(usual | options))
    return network


def small(random_state: Any = 0, **options: Any) -> Network:
    """Return a network that was not trained."""
    return Network([3, 4, 1], random_state=random_state, **options)


def changed(network: Network) -> Network:
    """Return it with another parameter."""
    network.vector[0] += 1
    return network


def stop_at_once(progress: Any) -> None:
    """Stop."""
    progress.stop("enough")


class StopInTheMiddle(EarlyStopping):
    """Stop after a mini-batch."""

    def on_batch_end(self, progress: Any) -> None:
        """Stop."""
        progress.stop("enough")


@pytest.mark.parametrize(
    ("make_network", "words"),
    [
        (small, "never trained"),
        (lambda: fitted(fitted(small())), "2 times"),
        (lambda: fitted(small(None)), "not drawn from a seed"),
        (lambda: fitted(small(np.random.RandomState(0))), "not drawn from a seed"),
        (lambda: fitted(small(), random_state=None), "give fit an integer random_state"),
        (lambda: fitted(changed(small())), "between being drawn and being trained"),
        (lambda: changed(fitted(small())), "changed after its training"),
        (lambda: pickle.loads(pickle.dumps(fitted(small()))), "no record"),
        (
            lambda: fitted(small(), callbacks=[StopInTheMiddle(restore_best=False)]),
            "within an epoch",
        ),
        (
            lambda: fitted(
                small(), validation=(X_SMALL, Y_SMALL), learning_rate=ReduceOnPlateau(0.1)
            ),
            "depended on validation",
        ),
    ],
)
def test_what_cannot_be_trained_again_is_refused(
    make_network: Callable[[], Network], words: str
) -> None:
    """The reason is said, and the script without training is there all the same."""
    network = make_network()
    with pytest.raises(ValueError, match=words):
        network.to_python(training=True)
    assert "def predict" in network.to_python()


def test_a_training_that_diverged_is_refused() -> None:
    """It did not come to its end."""
    network = Network([3, 4, 1], output="identity", loss="mean_squared_error", random_state=0)
    with pytest.raises(DivergenceError):
        fitted(network, optimizer="gradient_descent", learning_rate=1e200)
    with pytest.raises(ValueError, match="did not end"):
        network.to_python(training=True)


def test_a_run_that_went_on_is_refused(tmp_path: Path) -> None:
    """Its first weights were drawn elsewhere."""
    fitted(small(), checkpoint=tmp_path / "run")
    network = fitted(small(), epochs=4, checkpoint=tmp_path / "run", resume=True)
    with pytest.raises(ValueError, match="without resume"):
        network.to_python(training=True)


def test_a_set_to_validate_and_a_stop_after_an_epoch_change_nothing() -> None:
    """Such a network can be trained again, for the epochs that it had."""
    network = fitted(small(), validation=(X_SMALL, Y_SMALL), callbacks=[stop_at_once])
    assert "for epoch in range(1):" in network.to_python(training=True)


def test_a_copy_knows_how_it_came_to_be() -> None:
    """And goes its own way when it is trained on; copies and pickles predict as before."""
    network = fitted(small())
    other = network.copy()
    assert other.to_python(training=True) == network.to_python(training=True)
    fitted(other)
    assert "def train" in network.to_python(training=True)
    for again in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert again.to_python() == network.to_python()


@pytest.mark.parametrize(
    "g",
    [
        Activation("own", lambda z: 2 * z, lambda z, a: z * 0 + 2),
        Activation("own", lambda z: 2 * z, numerical_slope=True),
    ],
)
def test_a_formula_without_source_is_refused_by_its_name(g: Activation) -> None:
    """A lambda can't be written down, nor a slope that is no formula."""
    network = fitted(small(hidden=g))
    with pytest.raises(ValueError, match="own"):
        network.to_python(training=True)


def test_names_of_ones_own_do_not_meet_those_of_the_script() -> None:
    """A formula called like a function of the script, or of the library, gets another name."""

    def tanh(z: Any) -> Any:
        return z * 3

    def tanh_slope(z: Any, a: Any) -> Any:
        return z * 0 + 3

    tanh.__name__ = "forward"
    own = Activation("own", tanh, tanh_slope)
    network = fitted(Network([3, Layer(4, own), Layer(4, "tanh"), 1], random_state=0))
    script: dict[str, Any] = {}
    exec(network.to_python(training=True), script)
    # The same operations in the same order
    A = network.forward(X_SMALL, engine="numpy")
    np.testing.assert_allclose(script["forward"](X_SMALL), A, rtol=1e-12)
    vector = network.flatten(script["train"](X_SMALL, Y_SMALL))
    np.testing.assert_allclose(vector, network.vector, atol=1e-12)


def test_a_training_by_the_compiled_engine_fits_too() -> None:
    """What is said of its rounding takes no line more where there is none."""
    network = trained("all for gelu float32")[0].copy()
    assert network.origin is not None
    training = replace(network.origin.trainings[0], compiled=True)
    network.origin = network.origin.ending_with(training)
    source = network.to_python(training=True)
    assert "PARAMETERS again, to rounding" in source
    assert source.count("\n") <= 120


def test_a_longer_script_says_its_cost_and_has_room() -> None:
    """What is too much for 120 lines is not made dense in vain."""
    kinds, options = one_of_each(LONG, ("batch", "layer", None)), ALL | {"sample_weight": SOME[:30]}
    network = fitted(
        Network([*kinds, Layer(1, "softplus")], loss="huber", random_state=0), **options
    )
    source = network.to_python(training=True)
    assert "Cost after epoch" in source
    assert "\n\ndef train" in source
    script: dict[str, Any] = {}
    exec(source, script)
    # The same operations in the same order
    np.testing.assert_allclose(
        script["train"](X_SMALL, Y_SMALL, SOME[:30])["W3"],
        network.parameters["W3"],
        rtol=0,
        atol=1e-12,
    )


def test_the_same_network_gives_the_same_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """At any time, though its packed arrays are files in an archive."""
    network = fitted(small(normalization="batch"))
    first = network.to_python(training=True)
    monkeypatch.setattr("time.time", lambda: 2e9)
    monkeypatch.setattr("time.localtime", lambda *_: (2040, 1, 1, 0, 0, 0, 0, 1, 0))
    assert network.to_python(training=True) == first


def test_every_loss_of_the_library_is_tried() -> None:
    """The cases above follow the library's tables."""
    assert set(OUTPUTS) >= set(LOSSES)
