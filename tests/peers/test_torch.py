"""chainrule against PyTorch in float64: gradients, update rules, schedules, normalisation."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import (
    Adagrad,
    Adam,
    AdamW,
    GradientDescent,
    Momentum,
    Nesterov,
    Network,
    Optimizer,
    RMSProp,
    Structure,
    fit,
)
from chainrule.loss import Loss, one_hot
from chainrule.losses import LOSSES, Huber, Pinball
from chainrule.optimizers import clip_by_norm, clip_by_value
from chainrule.penalties import Penalty
from chainrule.schedules import Cosine, Exponential, OneCycle, ReduceOnPlateau, StepDecay
from tests.gradients import OUTPUTS, Case, random_case, relative_error

pytestmark = pytest.mark.peers
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

# Both sides compute the same sums in another order: 1e-16 a rounding, times some 1e3 roundings
# through six layers, on networks that are drawn to have gradients of ordinary size.
TOLERANCE = 1e-10

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "softplus": lambda z: torch.logaddexp(z, torch.zeros(())),  # F.softplus cuts off at 20
    "gelu": F.gelu,
    "silu": F.silu,
    "mish": F.mish,
    "exponential": torch.exp,
    "softmax": lambda z: torch.softmax(z, dim=1),
}


def torch_loss(loss: Loss, Z: Any, A: Any, Y: Any) -> Any:
    """Return the loss of each output or example, written with PyTorch's own functions."""
    if loss.name == "binary_cross_entropy":
        return F.binary_cross_entropy(A, Y, reduction="none")
    if loss.name == "categorical_cross_entropy":
        return F.cross_entropy(Z, Y, reduction="none")
    if loss.name == "mean_squared_error":
        return 0.5 * F.mse_loss(A, Y, reduction="none")
    if loss.name == "mean_absolute_error":
        return F.l1_loss(A, Y, reduction="none")
    if loss.name == "huber":
        return F.huber_loss(A, Y, reduction="none", delta=loss.constants["delta"])
    if loss.name == "poisson_deviance":
        return F.poisson_nll_loss(A, Y, log_input=False, eps=0, reduction="none") + (
            torch.xlogy(Y, Y) - Y
        )
    q = loss.constants["quantile"]
    return torch.maximum(q * (Y - A), (q - 1) * (Y - A))


def torch_cost(case: Case, parameters: dict[str, Any]) -> Any:
    """Return the cost of a case, computed by PyTorch from its parameters."""
    A = torch.tensor(case.X)
    layers = case.structure.layers
    for l, layer in enumerate(layers, 1):
        W, b = parameters[f"W{l}"], parameters[f"b{l}"].ravel()
        if layer.normalization == "batch":
            Z = F.batch_norm(A @ W, None, None, parameters[f"gamma{l}"].ravel(), b, training=True)
        elif layer.normalization == "layer":
            Z = F.layer_norm(A @ W, (layer.units,), parameters[f"gamma{l}"].ravel(), b)
        else:
            Z = F.linear(A, W.T, b)
        A = ACTIVATIONS[layer.activation.name](Z)
        if f"D{l}" in case.masks:
            A = A * torch.tensor(case.masks[f"D{l}"])
    Y = case.Y
    if case.structure.loss.labels and Y.shape[1] == 1:
        Y = one_hot(Y, case.structure.n_outputs)
    L = torch_loss(case.structure.loss, Z, A, torch.tensor(Y))
    L = L.reshape(len(Y), -1).sum(dim=1)
    w = np.ones(len(Y)) if case.sample_weight is None else case.sample_weight.ravel()
    J = (torch.tensor(w) * L).sum() / w.sum()
    for name, W in parameters.items():
        if name.startswith("W"):
            J = J + 0.5 * case.penalty.l2 * (W**2).sum() + case.penalty.l1 * W.abs().sum()
    return J


def assert_same_gradient(case: Case) -> None:
    parameters = {
        name: torch.tensor(value, requires_grad=True)
        for name, value in case.network.parameters.items()
    }
    J = torch_cost(case, parameters)
    J.backward()
    expected = {name: value.grad.numpy() for name, value in parameters.items()}
    assert case.cost() == pytest.approx(J.item(), rel=TOLERANCE)
    assert relative_error(case.gradient(), case.network.flatten(expected)) <= TOLERANCE


PENALTIES = [Penalty(), Penalty(l2=0.3), Penalty(l1=0.2), Penalty(l2=0.1, l1=0.1)]


@pytest.mark.parametrize("loss", OUTPUTS)
@pytest.mark.parametrize("hidden", ACTIVATIONS)
def test_gradient_of_every_combination(hidden: str, loss: str) -> None:
    """Activation × loss × penalty × normalisation × dropout × weights, at depths 1 to 6."""
    outputs, depths = itertools.cycle(OUTPUTS[loss]), itertools.cycle([1, 2, 3, 4, 5, 6])
    for penalty, normalization, dropout in itertools.product(
        PENALTIES, [None, "batch", "layer"], [0.0, 0.4]
    ):
        depth = min(next(depths), 3) if hidden == "exponential" else next(depths)
        key = (hidden, loss, penalty, normalization, dropout)
        case = random_case(
            np.random.default_rng(zlib.crc32(repr(key).encode())),
            depth,
            loss,
            next(outputs),
            hidden,
            normalization,
            dropout,
            weighted=depth % 2 == 0,
            penalty=penalty,
        )
        assert_same_gradient(case)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    hidden=st.lists(st.sampled_from(sorted(ACTIVATIONS)), min_size=0, max_size=5),
    loss=st.sampled_from([*LOSSES.values(), Huber(0.3), Pinball(0.1), Pinball(0.85)]),
    data=st.data(),
)
def test_gradient_of_mixed_layers(
    seed: int, hidden: list[str], loss: Loss, data: st.DataObject
) -> None:
    """Layers that differ in activation, normalisation and dropout."""
    if hidden.count("exponential") > 1:
        hidden = [name for name in hidden if name != "exponential"]
    n = len(hidden)
    kinds = data.draw(st.lists(st.sampled_from([None, "batch", "layer"]), min_size=n, max_size=n))
    case = random_case(
        np.random.default_rng(seed),
        n + 1,
        loss,
        data.draw(st.sampled_from(OUTPUTS[loss.name])),
        hidden,
        kinds,
        dropout=data.draw(st.sampled_from([0.0, 0.3])),
        weighted=data.draw(st.booleans()),
        penalty=data.draw(st.sampled_from(PENALTIES)),
    )
    assert_same_gradient(case)


RULES: list[tuple[Optimizer, Callable[[Any], Any]]] = [
    (GradientDescent(0.05), lambda p: torch.optim.SGD(p, lr=0.05)),
    (Momentum(0.05, 0.8), lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.8)),
    (Nesterov(0.05, 0.8), lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.8, nesterov=True)),
    (RMSProp(0.01, 0.9), lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.9)),
    (Adagrad(0.1), lambda p: torch.optim.Adagrad(p, lr=0.1)),
    (Adam(0.01, 0.8, 0.95), lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.8, 0.95))),
    (AdamW(0.01, weight_decay=0.3), lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.3)),
]


@pytest.mark.parametrize(("ours", "theirs"), RULES, ids=[rule.name for rule, _ in RULES])
def test_update_rules(ours: Optimizer, theirs: Callable[[Any], Any]) -> None:
    """Thirty updates with the same gradients, to 1e-12: some ten roundings each."""
    rng = np.random.default_rng(0)
    w = rng.normal(size=50)
    parameter = torch.nn.Parameter(torch.tensor(w))
    optimizer, state = theirs([parameter]), ours.initial_state(w)
    for t in range(1, 31):
        dw = rng.normal(size=50) * rng.uniform(0.01, 10)
        assert isinstance(ours.learning_rate, float)
        w, state = ours.update(w, dw, state, ours.learning_rate, t)
        parameter.grad = torch.tensor(dw)
        optimizer.step()
    np.testing.assert_allclose(w, parameter.detach().numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("ours", "theirs"), RULES[:6], ids=[rule.name for rule, _ in RULES[:6]])
def test_training_runs_alike(ours: Optimizer, theirs: Callable[[Any], Any]) -> None:
    """Ten epochs with batch normalisation end in the same network, statistics included."""
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(40, 3)), rng.integers(0, 4, 40)
    network = Network([3, 8, 6, 4], hidden="tanh", normalization="batch", random_state=0)
    linear = [torch.nn.Linear(n, m) for n, m in ((3, 8), (8, 6), (6, 4))]
    norms = [torch.nn.BatchNorm1d(n) for n in (8, 6)]
    model = torch.nn.Sequential(
        *(linear[0], norms[0], torch.nn.Tanh(), linear[1], norms[1], torch.nn.Tanh(), linear[2])
    )
    with torch.no_grad():
        for l, layer in enumerate(linear, 1):
            layer.weight.copy_(torch.tensor(network.parameters[f"W{l}"].T.copy()))
            layer.bias.zero_()
    optimizer = theirs([p for p in model.parameters() if p is not None])
    for _ in range(10):
        for rows in (slice(0, 16), slice(16, 32), slice(32, 40)):
            optimizer.zero_grad()
            F.cross_entropy(model(torch.tensor(X[rows])), torch.tensor(y[rows])).backward()
            for layer in linear[:2]:
                layer.bias.grad.zero_()  # ours has the one bias, after the normalisation
            optimizer.step()
    fit(network, X, y, epochs=10, batch_size=16, shuffle=False, optimizer=ours, verbose=0)
    # 1e-9: thirty updates let roundings grow; batch normalisation makes the growth exponential
    for l, layer in enumerate(linear, 1):
        ours_W = network.parameters[f"W{l}"]
        np.testing.assert_allclose(ours_W, layer.weight.detach().numpy().T, rtol=1e-9, atol=1e-9)
    for l, norm in enumerate(norms, 1):
        for name, value in (
            (f"mean{l}", norm.running_mean),
            (f"var{l}", norm.running_var),
        ):
            np.testing.assert_allclose(
                network.statistics[name].ravel(), value.numpy(), rtol=1e-9, atol=1e-9
            )
    model.eval()
    with torch.no_grad():
        expected = torch.softmax(model(torch.tensor(X)), dim=1).numpy()
    np.testing.assert_allclose(network.forward(X), expected, rtol=1e-8)


def rates(make: Callable[[Any], Any], steps: int, rate: float) -> list[float]:
    """Return the rate of PyTorch's schedule at each step."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    schedule, seen = make(optimizer), []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return seen


def test_schedules() -> None:
    """Step, exponential, cosine and one cycle, rate by rate."""
    scheduler = torch.optim.lr_scheduler
    for ours, theirs in (
        (StepDecay(0.5, every=7, factor=0.3), lambda o: scheduler.StepLR(o, 7, 0.3)),
        (Exponential(0.5, 0.9), lambda o: scheduler.ExponentialLR(o, 0.9)),
        (Cosine(0.5, steps=40, final=0.1), lambda o: scheduler.CosineAnnealingLR(o, 40, 0.1)),
        (
            OneCycle(0.5, steps=40),
            lambda o: scheduler.OneCycleLR(o, 0.5, total_steps=40, cycle_momentum=False),
        ),
    ):
        expected = rates(theirs, 39, 0.5)
        np.testing.assert_allclose([ours(t) for t in range(39)], expected, rtol=1e-12)


def test_reduce_on_plateau() -> None:
    """The same cuts; PyTorch's patience counts one epoch more before it acts."""
    losses = np.random.default_rng(3).uniform(0.9, 1.1, 60) - np.linspace(0, 0.1, 60)
    ours = ReduceOnPlateau(1.0, factor=0.5, patience=4, min_delta=0.01)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=3, threshold=0.01, threshold_mode="abs"
    )
    for epoch, loss in enumerate(losses, 1):
        theirs.step(loss)
        assert ours.after_epochs(losses[:epoch].tolist()) == optimizer.param_groups[0]["lr"]
    assert optimizer.param_groups[0]["lr"] < 0.1


def test_clipping() -> None:
    """By norm to 1e-6, which PyTorch adds to the norm it divides by; by value exactly."""
    rng = np.random.default_rng(4)
    for scale in (0.01, 1.0, 100.0):
        dw = rng.normal(size=30) * scale
        parameter = torch.nn.Parameter(torch.zeros(30))
        parameter.grad = torch.tensor(dw)
        torch.nn.utils.clip_grad_norm_([parameter], 2.0)
        np.testing.assert_allclose(clip_by_norm(dw, 2.0), parameter.grad.numpy(), rtol=1e-6)
        parameter.grad = torch.tensor(dw)
        torch.nn.utils.clip_grad_value_([parameter], 0.5)
        np.testing.assert_array_equal(clip_by_value(dw, 0.5), parameter.grad.numpy())


def test_initialisers() -> None:
    """The same spread as PyTorch's, over 60,000 weights: 1.5 % is 5 sigma."""
    torch.manual_seed(0)
    W = torch.empty(200, 300)  # PyTorch keeps W with a row for each output
    names: dict[str, Callable[[], Any]] = {
        "he_normal": lambda: torch.nn.init.kaiming_normal_(W),
        "he_uniform": lambda: torch.nn.init.kaiming_uniform_(W),
        "glorot_normal": lambda: torch.nn.init.xavier_normal_(W),
        "glorot_uniform": lambda: torch.nn.init.xavier_uniform_(W),
        "lecun_normal": lambda: torch.nn.init.kaiming_normal_(W, nonlinearity="linear"),
        "orthogonal": lambda: torch.nn.init.orthogonal_(W),
    }
    for name, draw in names.items():
        ours = Network(Structure([300, 200], initializer=name), random_state=0).parameters["W1"]
        assert ours.std() == pytest.approx(draw().std().item(), rel=0.015)
