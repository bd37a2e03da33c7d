"""Scripts of networks: run where chainrule is not, they predict and train to the same numbers."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import (
    ELU,
    Activation,
    EarlyStopping,
    Layer,
    LeakyReLU,
    Loss,
    Network,
    Structure,
    fit,
)
from chainrule.activations import ACTIVATIONS
from chainrule.initializers import INITIALIZERS
from chainrule.loop import DivergenceError
from chainrule.losses import LOSSES, Huber, Pinball
from chainrule.optimizers import OPTIMIZERS, AdamW, Optimizer
from chainrule.schedules import (
    Cosine,
    Exponential,
    InverseScaling,
    OneCycle,
    ReduceOnPlateau,
    StepDecay,
)
from tests.gradients import OUTPUTS
from tests.processes import run_python

SCALE = 0.5


def bend(z: Any, c: float) -> Any:
    """A curve of one's own."""
    root: Any = helper(z)
    return c * root + z


def helper(z: Any) -> Any:  # used by both
    return np.sqrt(z * z + 1) - 1 * SCALE


def bend_slope(z: Any, a: Any, c: float) -> Any:
    """Its slope."""
    # a comment stays
    return c * z / (helper(z) + SCALE) + 1


def log_cosh(a: Any, y: Any) -> Any:
    """ln cosh(a − y)."""
    return np.log(np.cosh(a - y))


def log_cosh_slope(a: Any, y: Any) -> Any:
    """tanh(a − y)."""
    return np.tanh(a - y)


def ones(rng: Any, n_in: int, n_out: int) -> Any:
    """Draw nothing: all weights are one."""
    return np.ones((n_in, n_out), int)


def halved(step: int) -> float:
    """A schedule of one's own."""
    return float(0.1 * 0.5**step)


def sign_descent(w: Any, dw: Any, alpha: float, t: int) -> tuple[Any]:
    """A rule of one's own."""
    return (w - alpha * np.sign(dw),)


BENT = Activation("bent", bend, bend_slope, {"c": 0.3})
LOG_COSH = Loss("log_cosh", log_cosh, log_cosh_slope)

# Networks and what fit is given beside, by what they are there for; `COMMON` ones are short.
COMMON: dict[str, tuple[Callable[[], Network], dict[str, Any]]] = {}
OTHERS: dict[str, tuple[Callable[[], Network], dict[str, Any]]] = {}


def make(sizes: Any, **options: Any) -> Callable[[], Network]:
    """Return what makes a network of these."""
    return lambda: Network(sizes, random_state=3, **options)


for g in sorted(set(ACTIVATIONS) - {"linear", "swish"}):
    for hidden in ([4], [8, 8], [5] * 6):
        if g != "exponential" or hidden != [5] * 6:  # which overflows
            COMMON[f"{g} {hidden}"] = make([3, *hidden, 3], hidden=g), {"l2": 0.01}
for of, outputs in OUTPUTS.items():
    for output in outputs:
        COMMON[f"{of} of {output}"] = make([3, 4, 2], output=output, loss=of), {}
for rule in OPTIMIZERS:
    COMMON[rule] = make([3, 4, 1]), {"optimizer": rule}
    COMMON[f"{rule} float32"] = make([3, 8, 4, 1], dtype="float32"), {"optimizer": rule}
for draw in INITIALIZERS:
    COMMON[draw] = make([3, 4, 1], initializer=draw), {}
COMMON |= {
    "constants": (make([3, Layer(4, ELU(0.5)), Layer(4, ELU(1.5)), 2], loss=Huber(0.5)), {}),
    "others": (make([3, Layer(4, LeakyReLU(0.2)), 1], output="identity", loss=Pinball(0.9)), {}),
    "typed formulas": (
        make(
            [3, *(Layer(4, g) for g in ("=z/(1+abs(z))", "=max(0, z) - 0.1*erf(z)")), 1],
            output="=1/(1 + exp(-z))",
            loss="binary_cross_entropy",
        ),
        {},
    ),
    "penalties": (make([3, 4, 1]), {"l2": 0.1, "l1": 0.01}),
    "wide": (make([3, 300, 1]), {}),
    "wide and deep": (make([3, *[40] * 30, 1], hidden="relu"), {"epochs": 1}),
    "one layer": (make([3, 1]), {"optimizer": "gradient_descent", "batch_size": 1000}),
    "in order": (make([3, 4, 1]), {"shuffle": False, "random_state": None}),
    "last left out": (make([3, 4, 1]), {"drop_last": True}),
    "last is the only one": (make([3, 4, 1]), {"drop_last": True, "batch_size": 1000}),
    "by value": (make([3, 4, 1]), {"clip_value": 0.01}),
    "step": (make([3, 4, 1]), {"learning_rate": StepDecay(0.1, 4)}),
    "exponential rate": (make([3, 4, 1]), {"learning_rate": Exponential(0.1, 0.9)}),
    "inverse": (make([3, 4, 1]), {"learning_rate": InverseScaling(0.1)}),
    "cosine": (make([3, 4, 1]), {"learning_rate": Cosine(0.1, 12, 3)}),
    "one cycle": (make([3, 4, 1]), {"learning_rate": OneCycle(0.1, 12)}),
    "best epoch": (
        make([3, 4, 1]),
        {"early_stopping": EarlyStopping(2), "epochs": 40, "learning_rate": 1.0},
    ),
    "own formulas": (
        make([3, 4, 1], hidden=BENT, output="identity", loss=LOG_COSH, initializer=ones),
        {"optimizer": Optimizer("sign", sign_descent, halved)},
    ),
}
MIXED: list[Any] = [
    3,
    Layer(4, "elu", normalization="batch"),
    Layer(5, "relu", dropout=0.2),
    Layer(5, "tanh"),
    Layer(6, "mish", normalization="layer"),
    Layer(2, "softmax", normalization="batch"),
]
OTHERS |= {
    f"{kind} {rate} {sizes} {dtype}": (
        make([3, *sizes, 1], hidden="relu", normalization=kind, dropout=rate, dtype=dtype),
        {"optimizer": AdamW(weight_decay=0.1)},
    )
    for kind in (None, "batch", "layer")
    for rate in (0.0, 0.25)
    for sizes in ([4], [6, 6], [5] * 5)
    for dtype in ("float64", "float32")
    if kind or rate
}
OTHERS |= {
    "mixed": (make(Structure(MIXED)), {"clip_norm": 0.1}),
}
COMMON |= {
    "by norm": (make([3, 4, 1]), {"clip_norm": 0.1}),
    "by both": (make([3, *[4] * 4, 1]), {"clip_norm": 0.1, "clip_value": 0.02}),
    "plateau": (
        make([3, 4, 1]),
        {"learning_rate": ReduceOnPlateau(0.1, patience=1, min_delta=0.1)},
    ),
}
CASES = COMMON | OTHERS

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
                trained = script["train"](data["X"], data["y"])
            trained = trained if isinstance(trained, tuple) else (trained,)
            made |= {name: value for arrays in trained for name, value in arrays.items()}
    np.savez(folder / f"{number}.made.npz", **made)
top = {name.split(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
# NumPy's own compiled modules register these two
print(*sorted(name for name in top if not name.startswith(("_cython_", "cython_runtime"))))
"""


def targets(network: Network, m: int) -> Any:
    """Return m targets that the loss of a network takes."""
    rng, structure = np.random.RandomState(1), network.structure
    if structure.loss.labels:
        return rng.randint(0, structure.n_outputs, m)
    if structure.loss.name == "binary_cross_entropy":
        return rng.randint(0, 2, (m, structure.n_outputs))
    return np.abs(rng.standard_normal((m, structure.n_outputs)))


@cache
def trained(name: str) -> tuple[Network, Any, Any]:
    """Return a trained network, and what it was trained with."""
    network, options = CASES[name][0](), CASES[name][1]
    X = np.random.RandomState(0).standard_normal((70, 3))
    y = targets(network, len(X))
    usual: dict[str, Any] = {"epochs": 3, "batch_size": 16, "random_state": 5}
    fit(network, X, y, **(usual | options), engine="numpy", verbose=0)
    return network, X, y


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a script of each case, and what a clean interpreter made of it."""
    folder = tmp_path_factory.mktemp("scripts")
    for number, name in enumerate(CASES):
        network, X, y = trained(name)
        np.savez(folder / f"{number}.npz", X=X, y=y)
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
    """At most 120 lines for what is common, 100 columns but for packed numbers, no lint."""
    for number, name in enumerate(CASES):
        lines = (folder / f"{number}.{kind}.py").read_text("utf-8").splitlines()
        if name in COMMON or kind == "predict":
            assert len(lines) <= 120, name
        wide = [line for line in lines if len(line) > 100 and "unpack(" not in line]
        assert wide == [], name
    # E741: l is the number of a layer, as in the lecture
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "-q"]
    done = subprocess.run(
        [*command, "--ignore", "E741", *map(str, folder.glob(f"*.{kind}.py"))],
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
        (lambda: fitted(small(), validation=np.float32(0.2)), "split them before"),
        (lambda: fitted(small(), sample_weight=np.ones(30)), "sample_weight"),
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


def test_every_loss_of_the_library_is_tried() -> None:
    """The cases above follow the library's tables."""
    assert set(OUTPUTS) >= set(LOSSES)
