"""Training: networks that learn, and everything around the loop."""

from __future__ import annotations

import builtins
import sys
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import train_test_split

from chainrule import (
    Adam,
    AdamW,
    Callback,
    DivergenceError,
    EarlyStopping,
    GradientDescent,
    History,
    Layer,
    Momentum,
    Network,
    TimeLimit,
    fit,
)
from chainrule.activations import ACTIVATIONS
from chainrule.callbacks import Progress
from chainrule.optimizers import OPTIMIZERS
from chainrule.schedules import Cosine, Exponential, ReduceOnPlateau
from tests.processes import run_python

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def quick(network: Network, **arguments: Any) -> History:
    """Fit to the sixty points with a fixed seed, silently."""
    arguments = {"epochs": 3, "random_state": 0, "verbose": 0} | arguments
    return fit(network, arguments.pop("X", X), arguments.pop("y", Y), **arguments)


# ---------------------------------------------------------------------------------------------
# Networks that learn: each would fail with a wrong gradient


def test_full_batch_descent_lowers_the_cost_at_every_step() -> None:
    """With all examples in each step and a small rate, gradient descent can only go down."""
    network = Network([2, 5, 1], random_state=1)
    history = quick(network, epochs=200, batch_size=60, optimizer=GradientDescent(0.3))
    assert (np.diff(history.loss) < 0).all()
    assert history.loss[-1] < 0.8 * history.loss[0]


@pytest.mark.parametrize("hidden", sorted({a.name for a in ACTIVATIONS.values()} - {"identity"}))
def test_xor(hidden: str) -> None:
    """Every nonlinear activation solves what no line can; the identity can't."""
    corners, labels = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    network = Network([2, 16, 1], hidden=hidden, random_state=3)
    quick(network, X=corners, y=labels, epochs=500, batch_size=4, learning_rate=0.05)
    assert network.predict(corners).tolist() == labels.tolist()
    assert network.loss(corners, labels) < 0.1
    line = Network([2, 16, 1], hidden="identity", random_state=3)
    quick(line, X=corners, y=labels, epochs=500, batch_size=4, learning_rate=0.05)
    assert line.loss(corners, labels) > 0.69  # ln 2 at best


def test_spirals() -> None:
    """Two spirals, wound once around each other."""
    t = np.sqrt(np.linspace(0.05, 1, 150)) * 2 * np.pi
    arm = np.column_stack([t * np.cos(t), t * np.sin(t)]) / np.pi
    points, labels = np.concatenate([arm, -arm]), np.repeat([0, 1], 150)
    network = Network([2, 32, 32, 1], random_state=0)
    quick(network, X=points, y=labels, epochs=150, learning_rate=0.01)
    assert (network.predict(points) == labels).mean() > 0.98


def test_digits() -> None:
    """scikit-learn's digits with softmax: at least 0.97 of the test set."""
    data, labels = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        data / 16, labels, random_state=0, stratify=labels
    )
    network = Network([64, 64, 10], hidden="relu", random_state=0)
    quick(network, X=X_train, y=y_train, epochs=40, learning_rate=0.003)
    assert (network.predict(X_test) == y_test).mean() >= 0.97


@pytest.mark.parametrize("loss", ["mean_squared_error", "mean_absolute_error", "huber", "pinball"])
def test_diabetes(loss: str) -> None:
    """scikit-learn's diabetes: an R² of at least 0.3 on this split, where a line has 0.36."""
    data, target = load_diabetes(return_X_y=True)
    data, target = data / data.std(axis=0), (target - target.mean()) / target.std()
    X_train, X_test, y_train, y_test = train_test_split(data, target, random_state=0)
    network = Network([10, 16, 1], hidden="tanh", loss=loss, random_state=0)
    quick(network, X=X_train, y=y_train, epochs=60, l2=0.03, learning_rate=0.003)
    residual = ((network.predict(X_test) - y_test) ** 2).sum()
    assert 1 - residual / ((y_test - y_test.mean()) ** 2).sum() > 0.3


def test_counts_with_poisson() -> None:
    """The exponential output learns the rate e^(x₁ − x₂ / 2) of Poisson counts."""
    counts = rng.poisson(np.exp(X[:, 0] - X[:, 1] / 2))
    network = Network([2, 1], loss="poisson_deviance", random_state=0)
    quick(network, y=counts, epochs=300, learning_rate=0.02)
    assert network.parameters["W1"].ravel() == pytest.approx([1, -0.5], abs=0.25)


def test_quantiles_with_pinball() -> None:
    """The share of targets below the 0.9-quantile's prediction is 0.9."""
    from chainrule import Pinball

    noise = np.random.default_rng(1).exponential(size=800)
    ones = np.ones((800, 1))
    network = Network([1, 1], loss=Pinball(0.9), random_state=0)
    quick(network, X=ones, y=noise, epochs=60, learning_rate=0.02)
    assert (noise < network.predict(ones)).mean() == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_rule_learns(name: str) -> None:
    """Each rule by its name, with a rate that suits it."""
    rate = {"gradient_descent": 0.5, "momentum": 0.1, "nesterov": 0.1, "adagrad": 0.1}
    network = Network([2, 16, 1], random_state=0)
    history = quick(network, optimizer=name, learning_rate=rate.get(name, 0.01), epochs=100)
    assert history.loss[-1] < 0.25 < history.loss[0]


def test_dropout_and_normalisation_learn_and_predict_without_chance() -> None:
    """Noise in training, none in prediction; running statistics settle near the batches'."""
    network = Network(
        [
            2,
            Layer(32, "relu", dropout=0.2, normalization="batch"),
            Layer(16, "tanh", normalization="layer"),
            Layer(1, "sigmoid"),
        ],
        random_state=0,
    )
    quick(network, epochs=150, learning_rate=0.01)
    assert (network.predict(X) == Y).mean() > 0.9
    np.testing.assert_array_equal(network.forward(X), network.forward(X))
    U = X @ network.parameters["W1"]
    np.testing.assert_allclose(network.statistics["mean1"], U.mean(0, keepdims=True), atol=0.5)
    np.testing.assert_allclose(network.statistics["var1"], U.var(0, keepdims=True), rtol=0.5)


# ---------------------------------------------------------------------------------------------
# The same run again


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_same_seed_same_bits(dtype: Any) -> None:
    """Order, masks and validation rows come from random_state alone."""
    runs = []
    for _ in range(2):
        network = Network([2, 8, 1], dropout=0.3, random_state=0, dtype=dtype)
        history = quick(network, validation=0.2)
        runs.append((network.vector, history.loss, history.val_loss))
    np.testing.assert_array_equal(runs[0][0], runs[1][0])
    assert runs[0][1:] == runs[1][1:]
    assert runs[0][0].dtype == dtype


def test_global_generator_is_left_alone() -> None:
    """Nothing reads or moves NumPy's global stream."""
    np.random.seed(1)
    before = np.random.get_state()[1].tolist()  # type: ignore[index]
    quick(Network([2, 8, 1], dropout=0.3, random_state=0), validation=0.2)
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index]


def test_data_are_left_alone() -> None:
    """Neither X nor y changes, and read-only arrays will do."""
    data, labels = X.copy(), Y.copy()
    data.flags.writeable = labels.flags.writeable = False
    quick(Network([2, 8, 1], random_state=0), X=data, y=labels)
    np.testing.assert_array_equal(data, X)


# ---------------------------------------------------------------------------------------------
# Batches, weights, penalties, clipping, schedules


def test_incomplete_batch_is_kept_or_dropped() -> None:
    """60 rows in batches of 32: two updates an epoch, or one."""
    assert quick(Network([2, 1])).steps == 6
    assert quick(Network([2, 1]), drop_last=True).steps == 3


def test_weights_are_as_good_as_repetition() -> None:
    """In full batches, weight 2 is the same as the row twice, and weight 0 as no row."""
    w = rng.integers(0, 3, 60)
    weighted, repeated = (Network([2, 4, 1], random_state=0) for _ in range(2))
    same = {"batch_size": 1000, "shuffle": False, "epochs": 20, "learning_rate": 0.05}
    history = quick(weighted, sample_weight=w, **same)
    twin = quick(repeated, X=np.repeat(X, w, 0), y=np.repeat(Y, w), **same)
    np.testing.assert_allclose(weighted.vector, repeated.vector, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(history.loss, twin.loss, rtol=1e-10)


def test_a_batch_of_zero_weight_is_passed_over() -> None:
    """It has no mean loss, and changes nothing."""
    w = np.repeat([1.0, 0.0], [32, 28])
    history = quick(Network([2, 1]), sample_weight=w, shuffle=False)
    assert history.steps == 3
    assert np.isfinite(history.loss).all()


def test_penalties_and_decay_shrink_weights_and_not_biases() -> None:
    """Each in its own way; the history's loss is without the penalty."""
    sizes: dict[str, float] = {}
    runs: dict[str, dict[str, Any]] = {
        "plain": {},
        "l2": {"l2": 0.1},
        "l1": {"l1": 0.03},
        "decay": {"optimizer": AdamW(0.01, weight_decay=1.0)},
    }
    for name, arguments in runs.items():
        network = Network([2, 8, 1], random_state=0)
        history = quick(network, epochs=150, **({"learning_rate": 0.01} | arguments))
        sizes[name] = float(np.abs(network.parameters["W1"]).sum())
        assert history.loss[-1] == pytest.approx(network.loss(X, Y), rel=0.05)
    assert max(sizes["l2"], sizes["l1"], sizes["decay"]) < 0.8 * sizes["plain"]


def test_clipping_bounds_the_step() -> None:
    """With plain descent at rate 1, a step is as long as the gradient that is left."""
    limits: list[tuple[dict[str, float], float]] = [
        ({"clip_norm": 0.01}, 2),
        ({"clip_value": 0.01}, np.inf),
    ]
    for arguments, norm in limits:
        network = Network([2, 8, 1], random_state=0)
        before = network.vector.copy()
        quick(
            network,
            epochs=1,
            batch_size=60,
            optimizer=GradientDescent(1.0),
            X=X * 100,
            **arguments,
        )
        assert np.linalg.norm(network.vector - before, norm) == pytest.approx(0.01, rel=1e-9)


def test_schedules_run_by_the_step() -> None:
    """Two updates an epoch: the last of each epoch has step 1, 3, 5."""
    schedule = Exponential(0.1, 0.5)
    history = quick(Network([2, 1]), learning_rate=schedule)
    assert history.learning_rate == [schedule(1), schedule(3), schedule(5)]
    own = quick(Network([2, 1]), optimizer=Momentum(lambda step: 0.1 / (step + 1)))
    assert own.learning_rate == pytest.approx([0.1 / 2, 0.1 / 4, 0.1 / 6])


def test_plateau_follows_the_validation_loss() -> None:
    """A loss that can't fall cuts the rate after its patience."""
    network = Network([2, 1], random_state=0)
    plateau = ReduceOnPlateau(0.1, factor=0.5, patience=2, min_delta=1e9)
    history = quick(network, epochs=7, learning_rate=plateau, validation=(X, Y))
    assert history.learning_rate == [0.1, 0.1, 0.1, 0.05, 0.05, 0.025, 0.025]


def test_the_rate_takes_the_place_of_the_optimisers_own() -> None:
    """learning_rate= wins, whatever the optimiser came with."""
    history = quick(Network([2, 1]), optimizer=Adam(0.5), learning_rate=0.25)
    assert history.learning_rate == [0.25] * 3


# ---------------------------------------------------------------------------------------------
# Validation, metrics, early stopping, callbacks


def test_validation_share_is_not_trained_on() -> None:
    """48 of 60 rows make the updates; the other 12 have a loss and metrics after each epoch."""
    seen: list[int] = []

    class Count(Callback):
        def on_train_begin(self, progress: Progress) -> None:
            seen.append(progress.examples)

    network = Network([2, 1])
    history = quick(
        network, validation=0.2, callbacks=[Count()], metrics=["accuracy"], batch_size=48
    )
    assert seen == [48]
    assert history.steps == 3
    assert len(history.val_loss) == len(history.val_metrics["accuracy"]) == 3


def test_validation_loss_is_the_networks_loss() -> None:
    """With running statistics and without dropout, on the set that was given, weights included."""
    network = Network([2, 8, 1], dropout=0.5, normalization="batch", random_state=0)
    w = rng.uniform(size=20)
    history = quick(network, validation=(X[:20], Y[:20], w))
    assert history.val_loss[-1] == pytest.approx(network.loss(X[:20], Y[:20], w), rel=1e-12)


def test_metrics_by_name_or_function() -> None:
    """Names as scikit-learn has them, with or without _score."""

    def wrong(y: Any, prediction: Any) -> float:
        return float((y != prediction).mean())

    network = Network([2, 8, 1], random_state=0)
    history = quick(network, metrics=["accuracy", "f1_score", wrong], validation=(X[:9], Y[:9]))
    assert list(history.metrics) == ["accuracy", "f1_score", "wrong"]
    assert history.metrics["accuracy"][-1] == (network.predict(X) == Y).mean()
    assert history.metrics["f1_score"][-1] == f1_score(Y, network.predict(X))
    assert history.val_metrics["wrong"][-1] == (network.predict(X[:9]) != Y[:9]).mean()


def test_metrics_of_outputs() -> None:
    """What scikit-learn measures on probabilities gets them, not the decisions."""
    network = Network([2, 8, 1], random_state=0)
    history = quick(network, metrics=["roc_auc", "log_loss"])
    assert history.metrics["roc_auc"][-1] == roc_auc_score(Y, network.forward(X)[:, 0])
    assert history.metrics["log_loss"][-1] == pytest.approx(network.loss(X, Y), rel=1e-12)


def test_interruption_leaves_no_list_longer_than_another() -> None:
    """Ctrl-C inside a metric of the second epoch: one whole epoch is on record."""
    calls: list[int] = []

    def slow(y: Any, prediction: Any) -> float:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return 0.0

    history = quick(Network([2, 1]), metrics=[slow], validation=(X, Y))
    lists = (history.loss, history.val_loss, history.metrics["slow"], history.learning_rate)
    assert [len(record) for record in lists] == [1, 1, 1, 1]
    assert history.stopped == "interrupted"
    assert "1 epochs, 4 steps, stopped: interrupted" in repr(history)


def test_metrics_of_one_hot_targets() -> None:
    """Rows with a single 1 are compared as classes."""
    rows = np.eye(2)[Y]
    history = quick(Network([2, 8, 2], random_state=0), y=rows, metrics=["accuracy"])
    numbers = quick(Network([2, 8, 2], random_state=0), y=Y, metrics=["accuracy"])
    assert history.metrics == numbers.metrics
    np.testing.assert_allclose(history.loss, numbers.loss, rtol=1e-14)


def test_early_stopping_gives_the_best_back() -> None:
    """It stops `patience` epochs after the best one, whose parameters the network then has."""
    labels = np.random.default_rng(5).integers(0, 2, 60)  # noise: validation soon gets worse
    network = Network([2, 64, 1], normalization="batch", random_state=0)
    history = quick(
        network,
        y=labels,
        epochs=200,
        learning_rate=0.02,
        validation=(X[:20] + 0.1, 1 - labels[:20]),
        early_stopping=7,
    )
    best = int(np.argmin(history.val_loss))
    assert history.stopped == "early stopping"
    assert history.best_epoch == best
    assert len(history) == best + 8
    loss = network.loss(X[:20] + 0.1, 1 - labels[:20])
    assert loss == pytest.approx(history.val_loss[best], rel=1e-12)


def test_early_stopping_can_keep_the_last() -> None:
    """restore_best=False leaves the network as it was when it stopped; one object serves twice."""
    stopping = EarlyStopping(patience=2, min_delta=10.0, restore_best=False)
    for _ in range(2):
        network = Network([2, 4, 1], random_state=0)
        history = quick(network, epochs=50, early_stopping=stopping, validation=(X, Y))
        assert len(history) == 3
        assert network.loss(X, Y) == history.val_loss[-1]


def test_callbacks_are_called_in_order_and_can_stop() -> None:
    """begin, batches, epoch, …, end; a stop from a batch ends the epoch unrecorded."""
    calls: list[str] = []

    class Listen(Callback):
        def on_train_begin(self, progress: Progress) -> None:
            calls.append("begin")

        def on_batch_end(self, progress: Progress) -> None:
            calls.append(f"{progress.epoch}.{progress.batch}")
            if progress.epoch == 2:
                progress.stop("enough")

        def on_epoch_end(self, progress: Progress) -> None:
            calls.append(f"epoch {progress.epoch}: {len(progress.history)}")

        def on_train_end(self, progress: Progress) -> None:
            calls.append("end")

    losses: list[float] = []
    history = quick(
        Network([2, 1]),
        epochs=9,
        callbacks=[Listen(), lambda progress: losses.append(progress.history.loss[-1])],
    )
    expected = ["begin", "0.0", "0.1", "epoch 0: 1", "1.0", "1.1", "epoch 1: 2", "2.0", "end"]
    assert calls == expected
    assert history.stopped == "enough"
    assert losses == history.loss
    assert history.steps == 5


# ---------------------------------------------------------------------------------------------
# What can go wrong


@pytest.mark.parametrize("early_stopping", [None, 3])
def test_ctrl_c_keeps_what_was_learned(early_stopping: int | None) -> None:
    """Training ends, says so, and the network is the one of that moment, or the best."""
    network = Network([2, 4, 1], random_state=0)
    now: list[Any] = []

    def interrupt(progress: Progress) -> None:
        now.append(progress.network.vector.copy())
        if progress.epoch == 4:
            raise KeyboardInterrupt

    history = quick(network, epochs=50, callbacks=[interrupt], early_stopping=early_stopping)
    assert history.stopped == "interrupted"
    assert len(history) == 5
    if early_stopping is None:
        np.testing.assert_array_equal(network.vector, now[-1])
    else:
        assert history.best_epoch == 3  # the fifth was interrupted before it could be compared
        np.testing.assert_array_equal(network.vector, now[3])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_real_sigint_ends_training_cleanly(engine: str) -> None:
    """As Ctrl-C in a terminal: the program goes on after fit."""
    program = f"""
import os, signal, threading, numpy as np
from chainrule import Network, fit
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
X = np.random.RandomState(0).normal(size=(200, 2))
network = Network([2, 8, 1], random_state=0)
fit(network, X, X[:, 0] > 0, epochs=1, engine="{engine}")
threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
history = fit(network, X, X[:, 0] > 0, epochs=10**6, random_state=0, engine="{engine}")
print(history.stopped, (network.predict(X) == (X[:, 0] > 0)).mean() > 0.8)
"""
    done = run_python(program)
    assert done.stdout.split() == ["interrupted", "True"], done.stderr
    assert done.returncode == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_divergence_names_epoch_batch_and_layer(dtype: Any) -> None:
    """The error says where and what to try; the network is that of the last good epoch."""
    network = Network([2, 4, 4, 1], hidden="relu", loss="mean_squared_error", dtype=dtype)
    last_good: list[Any] = [network.vector.copy()]
    with pytest.raises(
        DivergenceError,
        match=r"epoch \d+, batch \d+: .* (layer [123] |the loss '.*).*rate \(it was 100000\)",
    ):
        quick(
            network,
            epochs=50,
            optimizer=GradientDescent(1e5),
            callbacks=[lambda progress: last_good.append(progress.network.vector.copy())],
        )
    np.testing.assert_array_equal(network.vector, last_good[-1])


def test_the_layer_that_was_first_is_named() -> None:
    """A weight that is infinite in layer 2 is not blamed on layer 1 or 3."""
    network = Network([2, 4, 4, 1], random_state=0)
    network.parameters["W2"][1, 1] = np.inf
    with pytest.raises(DivergenceError, match=r"batch 0: .*layer 2 is the first .* parameter W2"):
        quick(network)
    network.parameters["W2"][1, 1] = np.nan
    with pytest.raises(DivergenceError, match=r"layer 2 is the first .* in its parameter W2"):
        quick(network)
    finite = Network([2, 3, 1], hidden="exponential", loss="mean_squared_error", random_state=0)
    with pytest.raises(DivergenceError, match=r"layer 1 is the first .* in its values A1"):
        quick(finite, X=X * 1e4)


def test_the_last_update_is_looked_at_too() -> None:
    """A parameter that overflows in the very last step is not handed back as learned."""
    network = Network([2, 1], dtype=np.float32, random_state=0)
    before = network.vector.copy()
    with pytest.raises(DivergenceError, match="in its parameter W1"):
        quick(network, epochs=1, batch_size=60, optimizer=GradientDescent(1e300))
    np.testing.assert_array_equal(network.vector, before)


def test_divergence_in_validation_alone() -> None:
    """Validation rows of another size are reported as such."""
    network = Network([2, 3, 1], hidden="exponential", loss="mean_squared_error", random_state=0)
    with pytest.raises(DivergenceError, match="in validation, the loss is"):
        quick(network, validation=(X * 1e4, Y))


def test_divergence_with_early_stopping_gives_the_best() -> None:
    """What was good before is not lost."""
    network = Network([2, 4, 1], loss="mean_squared_error", random_state=0)
    good: list[Any] = []

    class Spoil(Callback):
        def on_epoch_end(self, progress: Progress) -> None:
            good.append(progress.network.vector.copy())

        def on_batch_end(self, progress: Progress) -> None:
            if progress.epoch == 3:
                progress.network.parameters["W1"][0, 0] = np.nan

    with pytest.raises(DivergenceError):
        quick(network, epochs=9, callbacks=[Spoil()], early_stopping=50)
    assert any(np.array_equal(network.vector, vector) for vector in good)
    assert np.isfinite(network.vector).all()


def test_progress_bar_shows_in_a_terminal_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silent in a pipe and with verbose=0; epoch, losses and examples/s in a terminal."""
    quick(Network([2, 1]), verbose=1)
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "140")
    quick(Network([2, 1]), verbose=0)
    assert capsys.readouterr().out == ""
    quick(Network([2, 1]), verbose=1, validation=0.2)
    shown = capsys.readouterr().out
    for part in ("3/3", "loss ", "val_loss ", "examples/s"):
        assert part in shown


def test_without_rich_it_trains_with_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """The warning names the extra, and training goes on."""
    real = builtins.__import__

    def without_rich(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] == "rich":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_rich)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with pytest.warns(UserWarning, match=r"chainrule\[cli\]"):
        history = quick(Network([2, 1]), verbose=1)
    assert len(history) == 3


def test_cosine_reaches_its_end() -> None:
    """A schedule over all steps of the run: epochs · ⌈m / batch_size⌉."""
    history = quick(Network([2, 1]), epochs=5, learning_rate=Cosine(0.1, steps=10))
    assert history.learning_rate[-1] == Cosine(0.1, steps=10)(9)


def test_a_time_limit_stops_within_an_epoch_after_the_first() -> None:
    """Of 10,000 epochs; the network has what was learned, and one epoch is there in any case."""
    network = Network([2, 4, 1], random_state=0)
    before = network.vector.copy()
    limit = TimeLimit(0)
    history = fit(network, X, Y, epochs=10_000, callbacks=[limit], verbose=0, random_state=0)
    assert history.stopped == "time limit"
    assert len(history) == 1
    assert not np.array_equal(network.vector, before)
    with pytest.raises(ValueError, match="seconds must be at least 0, got -1"):
        TimeLimit(-1)


def test_a_callback_that_needs_not_every_batch_is_called_less_often() -> None:
    """After as many as the engine is given at a time, and it can still stop there."""

    class Counting(Callback):
        def __init__(self, every_batch: bool) -> None:
            self.every_batch, self.calls = every_batch, 0

        def on_batch_end(self, progress: Progress) -> None:
            self.calls += 1

    calls = {}
    for every_batch in (True, False):
        counting = Counting(every_batch)
        network = Network([2, 4, 1], random_state=0)
        fit(
            network,
            X,
            Y,
            epochs=3,
            batch_size=1,
            callbacks=[counting],
            engine="compiled",
            verbose=0,
        )
        calls[every_batch] = counting.calls
    assert calls[True] == 3 * len(X)
    assert calls[False] < calls[True] / 4
