"""chainrule against PyTorch, wide: random networks, every rule, whole trainings, schedules."""

from __future__ import annotations

import functools
import itertools
import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chainrule import (
    ELU,
    Activation,
    Adagrad,
    Adam,
    AdamW,
    GradientDescent,
    Layer,
    LeakyReLU,
    Momentum,
    NAdam,
    Nesterov,
    Network,
    Optimizer,
    RMSProp,
    Structure,
    fit,
    steps,
)
from chainrule._types import Array, FloatArray
from chainrule.initializers import INITIALIZERS
from chainrule.losses import LOSSES, Huber, Loss, Pinball
from chainrule.optimizers import clip_by_norm, clip_by_value
from chainrule.penalties import NO_PENALTY, Penalty
from chainrule.schedules import (
    Cosine,
    Exponential,
    OneCycle,
    ReduceOnPlateau,
    Schedule,
    StepDecay,
)

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module", autouse=True)
def _float64_on_one_thread() -> Iterator[None]:
    """Let PyTorch make float64 tensors, and leave the other cores alone."""
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    yield
    torch.set_default_dtype(dtype)
    torch.set_num_threads(threads)


def distance(given: FloatArray, expected: FloatArray) -> float:
    """Return the norm of the difference over the norm of what was expected."""
    return float(np.linalg.norm(given - expected) / np.linalg.norm(expected))


# ---------------------------------------------------------------------------------------------
# Costs and gradients

# Both sides add up the same numbers in another order. Each rounding is 1e-16; a case is kept only
# if its gradient is at most SENSITIVITY times as sensitive, which leaves 1e-13 for each and a
# factor of 1000 for their number.
TOLERANCE = 1e-10
SENSITIVITY = 1e3
# A parameter's gradient is a sum in which larger terms may cancel: it is held to the tolerance
# relative to its own norm, or to this share of the whole gradient's where that is more.
SHARE = 1e-2

ACTIVATIONS: dict[str, tuple[str | Activation, Callable[[Any], Any]]] = {
    "identity": ("identity", lambda z: z),
    "sigmoid": ("sigmoid", torch.sigmoid),
    "tanh": ("tanh", torch.tanh),
    "relu": ("relu", F.relu),
    "leaky_relu": ("leaky_relu", F.leaky_relu),
    "leaky_relu(0.3)": (LeakyReLU(0.3), lambda z: F.leaky_relu(z, 0.3)),
    "elu": ("elu", F.elu),
    "elu(0.4)": (ELU(0.4), lambda z: F.elu(z, 0.4)),
    "selu": ("selu", F.selu),
    "softplus": ("softplus", lambda z: F.softplus(z, threshold=700)),  # by default cut off at 20
    "gelu": ("gelu", F.gelu),
    "silu": ("silu", F.silu),
    "mish": ("mish", F.mish),
    "exponential": ("exponential", torch.exp),
    "softmax": ("softmax", lambda z: torch.softmax(z, dim=1)),
}

# The output activations that each loss can take.
OUTPUTS: dict[str, list[str]] = {
    "binary_cross_entropy": ["sigmoid", "softmax"],
    "categorical_cross_entropy": ["softmax"],
    "mean_squared_error": list(ACTIVATIONS),
    "mean_absolute_error": list(ACTIVATIONS),
    "huber": list(ACTIVATIONS),
    "poisson_deviance": ["exponential", "softplus", "sigmoid", "softmax"],
    "pinball": list(ACTIVATIONS),
}

ALL_LOSSES: dict[str, Loss] = {
    **LOSSES,
    "huber(0.3)": Huber(0.3),
    "huber(2.5)": Huber(2.5),
    "pinball(0.1)": Pinball(0.1),
    "pinball(0.85)": Pinball(0.85),
}

PENALTIES = [NO_PENALTY, Penalty(l2=0.3), Penalty(l1=0.2), Penalty(l2=0.1, l1=0.1)]


@dataclass
class Case:
    """A network and a batch, with all that the cost depends on, and PyTorch's activations."""

    network: Network
    activations: Sequence[str]
    X: FloatArray
    y: Array
    masks: Mapping[str, FloatArray]
    sample_weight: FloatArray | None
    penalty: Penalty

    def cost(self) -> float:
        """Return chainrule's cost."""
        structure, parameters = self.network.structure, self.network.parameters
        X, Y, w = self.network.check_examples(self.X, self.y, self.sample_weight)
        A, cache = steps.forward_propagation(X, parameters, structure, masks=self.masks)
        return steps.compute_cost(
            A,
            Y,
            structure,
            Z=cache[f"Z{len(structure.layers)}"],
            sample_weight=w,
            parameters=parameters,
            penalty=self.penalty,
        )

    def gradients(self) -> dict[str, FloatArray]:
        """Return chainrule's gradients, ``W1, b1, …``."""
        gradients = self.network.backward(
            self.X, self.y, self.sample_weight, masks=self.masks, penalty=self.penalty
        )
        return {name[1:]: value for name, value in gradients.items()}

    def torch_cost_and_gradients(self, noise: float = 0.0) -> tuple[float, dict[str, FloatArray]]:
        """Return PyTorch's, with relative `noise` on what a layer makes, and on its gradients."""
        torch.manual_seed(0)
        parameters = {
            name: torch.tensor(value, requires_grad=True)
            for name, value in self.network.parameters.items()
        }

        def disturb(T: Any) -> Any:
            T = T * (1 + noise * torch.randn(T.shape))
            if T.requires_grad:
                T.register_hook(lambda dT: dT * (1 + noise * torch.randn(dT.shape)))
            return T

        J = self.torch_cost(parameters, disturb if noise else lambda T: T)
        J.backward()
        return J.item(), {name: value.grad.numpy() for name, value in parameters.items()}

    def torch_cost(self, parameters: Mapping[str, Any], disturb: Callable[[Any], Any]) -> Any:
        A = torch.tensor(self.X)
        for l, layer in enumerate(self.network.structure.layers, 1):
            W, b = parameters[f"W{l}"], parameters[f"b{l}"].ravel()
            if layer.normalization is None:
                Z = disturb(F.linear(A, W.T, b))
            else:
                U, gamma = disturb(A @ W), parameters[f"gamma{l}"].ravel()
                if layer.normalization == "batch":
                    Z = F.batch_norm(U, None, None, gamma, b, training=True)
                else:
                    Z = F.layer_norm(U, (layer.units,), gamma, b)
                Z = disturb(Z)
            A = disturb(ACTIVATIONS[self.activations[l - 1]][1](Z))
            if f"D{l}" in self.masks:
                A = A * torch.tensor(self.masks[f"D{l}"])
        w = torch.ones(len(A)) if self.sample_weight is None else torch.tensor(self.sample_weight)
        L = torch_loss(self.network.structure.loss, self.activations[-1], Z, A, self.y)
        J = (w * L.reshape(len(A), -1).sum(dim=1)).sum() / w.sum()
        weights = [W for name, W in parameters.items() if name.startswith("W")]
        l2, l1 = self.penalty.l2, self.penalty.l1
        return J + sum(0.5 * l2 * (W**2).sum() + l1 * W.abs().sum() for W in weights)

    def expected(self) -> tuple[float, dict[str, FloatArray]] | None:
        """Return PyTorch's cost and gradients; None if the numbers hardly determine them."""
        if not self.keeps_its_digits():
            return None
        J, expected = self.torch_cost_and_gradients()
        if not (math.isfinite(J) and all(np.isfinite(g).all() for g in expected.values())):
            return None
        noise = 1e-9
        _, moved = self.torch_cost_and_gradients(noise)
        return (J, expected) if gradient_error(moved, expected) <= SENSITIVITY * noise else None

    def keeps_its_digits(self) -> bool:
        """Whether no variance is near 0, and no logarithm, where z is not used, near its floor.

        Sums that differ by little lose their digits when their mean is taken off. PyTorch's slope
        has a floor of 1e-12 below a (1 − a), chainrule's one of 1e-30 below each; and of the
        sixteen digits of 1 − a four are lost at 1e-4.
        """
        loss, structure = self.network.structure.loss, self.network.structure
        with np.errstate(over="ignore", invalid="ignore"):
            A, cache = steps.forward_propagation(
                self.X, self.network.parameters, structure, masks=self.masks
            )
        if not all(v.min() > 1e-3 for name, v in cache.items() if name.startswith("var")):
            return False
        if loss.from_z is None or loss.pairs_with(structure.output):
            return True
        below_one = 1e-4 if loss.name == "binary_cross_entropy" else -math.inf
        return bool(A.min() > 1e-7 and 1 - A.max() >= below_one)


def torch_loss(loss: Loss, output: str, Z: Any, A: Any, y: Array) -> Any:
    """Return the loss of each output or example, by PyTorch's own function where it has one."""
    if loss.name == "categorical_cross_entropy":  # takes class numbers and rows alike
        return F.cross_entropy(Z, torch.tensor(y), reduction="none")
    Y = torch.tensor(y).reshape(A.shape)
    if loss.name == "binary_cross_entropy" and output == "sigmoid":
        return F.binary_cross_entropy_with_logits(Z, Y, reduction="none")
    if loss.name == "binary_cross_entropy":
        return F.binary_cross_entropy(A, Y, reduction="none")
    if loss.name == "mean_squared_error":
        return 0.5 * F.mse_loss(A, Y, reduction="none")
    if loss.name == "mean_absolute_error":
        return F.l1_loss(A, Y, reduction="none")
    if loss.name == "huber":
        return F.huber_loss(A, Y, reduction="none", delta=loss.constants["delta"])
    if loss.name == "poisson_deviance":  # PyTorch's leaves out what depends on y alone
        J = F.poisson_nll_loss(A, Y, log_input=False, eps=0, reduction="none")
        return J + torch.xlogy(Y, Y) - Y
    assert loss.name == "pinball"
    q = loss.constants["quantile"]
    return torch.where(Y > A, q * (Y - A), (1 - q) * (A - Y))


def gradient_error(given: Mapping[str, Array], expected: Mapping[str, Array]) -> float:
    """Return the worst error of a parameter's gradient, and of the whole one, as SHARE has it."""
    norms = {name: float(np.linalg.norm(g)) for name, g in expected.items()}
    errors = {name: float(np.linalg.norm(given[name] - g)) for name, g in expected.items()}
    total = max(math.hypot(*norms.values()), SHARE)  # all may vanish, of terms that are of size 1
    own = [errors[name] / max(norms[name], SHARE * total) for name in expected]
    return max(*own, math.hypot(*errors.values()) / total)


def make_case(
    rng: np.random.Generator,
    activations: Sequence[str],
    loss: Loss,
    normalization: Sequence[str | None],
    dropout: Sequence[float],
    weighted: bool,
    penalty: Penalty,
) -> Case:
    """Draw the numbers of a case, its widths in 1 … 8 and its batch size in 2 … 9 among them."""
    n_in, *units = (int(n) for n in rng.integers(1, 9, size=len(activations) + 1))
    if activations[-1] == "softmax":
        units[-1] = max(units[-1], 2)
    # One unit is its own mean: the gradient before it is 0, which PyTorch has with roundings.
    units = [max(n, 2) if k == "layer" else n for n, k in zip(units, normalization, strict=True)]
    layers = [
        Layer(
            n,
            ACTIVATIONS[name][0],
            normalization=kind,
            dropout=rate,
            initializer="lecun_normal",
        )
        for n, name, kind, rate in zip(
            units, activations, normalization, [*dropout, 0.0], strict=True
        )
    ]
    structure = Structure([n_in, *layers], loss=loss)
    network = Network(structure, random_state=rng)
    network.vector += 0.2 * rng.standard_normal(network.vector.shape)
    m = int(rng.integers(2, 10))
    w = rng.uniform(0, 2, m) if weighted else None
    if w is not None:
        w[rng.integers(m)] = 0
    return Case(
        network,
        activations,
        rng.standard_normal((m, n_in)),
        targets(rng, loss, m, units[-1]),
        steps.dropout_masks(structure, m, rng),
        w,
        penalty,
    )


def targets(rng: np.random.Generator, loss: Loss, m: int, n: int) -> Array:
    if loss.name == "categorical_cross_entropy":
        return rng.integers(0, n, m) if rng.random() < 0.5 else rng.dirichlet(np.ones(n), m)
    if loss.name == "binary_cross_entropy":
        return rng.integers(0, 2, (m, n)) * 1.0 if rng.random() < 0.5 else rng.random((m, n))
    if loss.name == "poisson_deviance":
        return rng.poisson(1.5, (m, n)).astype(float)
    return rng.standard_normal((m, n))


def assert_same_gradient(case: Case, expected: tuple[float, dict[str, FloatArray]]) -> None:
    J, gradients = expected
    assert abs(case.cost() - J) <= TOLERANCE * max(abs(J), SHARE)
    assert gradient_error(case.gradients(), gradients) <= TOLERANCE


@pytest.mark.parametrize("loss", ALL_LOSSES)
@pytest.mark.parametrize("hidden", ACTIVATIONS)
def test_gradient_of_every_combination(hidden: str, loss: str) -> None:
    """Every hidden activation, loss and output activation; penalty, normalisation, dropout."""
    the_loss = ALL_LOSSES[loss]
    rng = np.random.default_rng(zlib.crc32(f"{hidden} {loss}".encode()))
    cycles = (itertools.cycle(values) for values in (OUTPUTS[the_loss.name], PENALTIES))
    for kind, rate, output, penalty in zip(
        [None, "batch", "layer"] * 5, [0.0, 0.0, 0.4] * 4 + [0.4] * 3, *cycles, strict=False
    ):
        for _ in range(200):
            # e^(e^z) is out of bounds soon
            n = 1 if hidden == "exponential" else int(rng.integers(1, 6))
            weighted = rng.random() < 0.5
            case = make_case(
                *(rng, [hidden] * n + [output], the_loss, [kind] * n + [None], [rate] * n),
                *(weighted, penalty),
            )
            if (expected := case.expected()) is not None:
                assert_same_gradient(case, expected)
                break
        else:
            pytest.fail("no case was determined by its numbers")


@st.composite
def mixed_cases(draw: st.DrawFn) -> Case:
    """Draw a case whose layers differ in everything, the output layer normalised too."""
    loss = ALL_LOSSES[draw(st.sampled_from(sorted(ALL_LOSSES)))]
    hidden = draw(st.lists(st.sampled_from(sorted(ACTIVATIONS)), max_size=5))
    names = [*hidden, draw(st.sampled_from(OUTPUTS[loss.name]))]
    n = len(hidden)
    rates = st.lists(st.sampled_from([0.0, 0.0, 0.2, 0.5]), min_size=n, max_size=n)
    kinds = st.lists(st.sampled_from([None, "batch", "layer"]), min_size=n + 1, max_size=n + 1)
    return make_case(
        np.random.default_rng(draw(st.integers(0, 2**32 - 1))),
        names,
        loss,
        draw(kinds),
        draw(rates),
        draw(st.booleans()),
        draw(st.sampled_from(PENALTIES)),
    )


@settings(max_examples=400, deadline=None)
@given(case=mixed_cases())
def test_gradient_of_mixed_layers(case: Case) -> None:
    """Depths 1 to 6, layers that differ in width, activation, normalisation and dropout."""
    expected = case.expected()
    assume(expected is not None)
    assert expected is not None
    assert_same_gradient(case, expected)


def test_gradient_before_a_layer_normalisation_of_one_unit() -> None:
    """It is 0: exactly for chainrule, to rounding for PyTorch; what comes after it is alike."""
    rng = np.random.default_rng(6)
    network = Network(
        [3, 4, Layer(1, "tanh", normalization="layer"), Layer(2, "identity")],
        loss="mean_squared_error",
        random_state=rng,
    )
    network.parameters["b2"][:] = 0.3
    X, y = rng.standard_normal((6, 3)), rng.standard_normal((6, 2))
    case = Case(network, ["tanh", "tanh", "identity"], X, y, {}, None, NO_PENALTY)
    (_, expected), given = case.torch_cost_and_gradients(), case.gradients()
    for name in ("W1", "b1", "W2", "gamma2"):
        assert not given[name].any()
        # 1e-12: a rounding, divided by the √1e-5 that keeps a variance of 0 from dividing
        assert np.abs(expected[name]).max() < 1e-12
    for name in ("b2", "W3", "b3"):
        assert distance(given[name], expected[name]) <= 1e-14  # two layers


@pytest.mark.parametrize("size", [30.0, 300.0])
@pytest.mark.parametrize("loss", ["binary_cross_entropy", "categorical_cross_entropy"])
def test_cost_of_confident_answers(loss: str, size: float) -> None:
    """Logits in the hundreds, where a probability has no digits left: right to rounding."""
    rng = np.random.default_rng(5)
    names, the_loss = ["sigmoid" if loss.startswith("binary") else "softmax"], LOSSES[loss]
    case = make_case(rng, names, the_loss, [None], [], False, NO_PENALTY)
    case.network.vector *= size
    J, expected = case.torch_cost_and_gradients()
    # 1e-13: one layer, whose few roundings the logits carry into the loss as they are
    assert case.cost() == pytest.approx(J, rel=1e-13)
    assert gradient_error(case.gradients(), expected) <= 1e-13


# ---------------------------------------------------------------------------------------------
# Update rules


def _nadam(parameters: Any, **constants: Any) -> Any:
    # PyTorch warms β₁ up by 1 − ½ · 0.96^(t · momentum_decay), which is 1 with a decay that large.
    return torch.optim.NAdam(
        parameters, momentum_decay=1e6, decoupled_weight_decay=True, **constants
    )


# Ours, and PyTorch's, made with its learning rate.
RULES: dict[str, tuple[Optimizer, Callable[..., Any]]] = {
    "gradient_descent": (GradientDescent(0.05), torch.optim.SGD),
    "momentum": (Momentum(0.02, 0.8), lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.8)),
    "nesterov": (
        Nesterov(0.02, 0.8),
        lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.8, nesterov=True),
    ),
    "rmsprop": (RMSProp(0.005), torch.optim.RMSprop),
    "rmsprop(0.9)": (
        RMSProp(0.005, 0.9, 1e-6),
        lambda p, lr: torch.optim.RMSprop(p, lr=lr, alpha=0.9, eps=1e-6),
    ),
    "adagrad": (Adagrad(0.05), torch.optim.Adagrad),
    "adagrad(1e-3)": (Adagrad(0.05, 1e-3), lambda p, lr: torch.optim.Adagrad(p, lr=lr, eps=1e-3)),
    "adam": (Adam(0.01), torch.optim.Adam),
    "adam(0.7, 0.9)": (
        Adam(0.01, 0.7, 0.9, 1e-4),
        lambda p, lr: torch.optim.Adam(p, lr=lr, betas=(0.7, 0.9), eps=1e-4),
    ),
    "adamw": (AdamW(0.01), torch.optim.AdamW),
    "adamw(0.3)": (
        AdamW(0.01, weight_decay=0.3),
        lambda p, lr: torch.optim.AdamW(p, lr=lr, weight_decay=0.3),
    ),
    "nadam": (NAdam(0.01), _nadam),
    "nadam(0.7, 0.9)": (
        NAdam(0.01, 0.7, 0.9, weight_decay=0.3),
        lambda p, lr: _nadam(p, lr=lr, betas=(0.7, 0.9), weight_decay=0.3),
    ),
}
# At a rate that changes, PyTorch's momentum is another rule: its velocity leaves α out.
AT_A_CONSTANT_RATE = {"momentum", "nesterov"}


@pytest.mark.parametrize("name", RULES)
def test_update_rules(name: str) -> None:
    """Twenty updates with the same gradients, of sizes from 0 to 1000, at rates that change."""
    ours, make = RULES[name]
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    assert isinstance(ours.learning_rate, float)
    alpha, scale = ours.learning_rate, 10.0 ** rng.uniform(-4, 3, 50)
    w = rng.standard_normal(50)
    start, state = w.copy(), ours.initial_state(w)
    parameter = torch.nn.Parameter(torch.tensor(w))
    optimizer = make([parameter], lr=alpha)
    for t in range(1, 21):
        dw = rng.standard_normal(50) * scale * (rng.random(50) < 0.9)
        if name not in AT_A_CONSTANT_RATE:
            alpha = ours.learning_rate * rng.uniform(0.1, 1)
        w, state = ours.update(w, dw, state, alpha, t)
        optimizer.param_groups[0]["lr"] = alpha
        parameter.grad = torch.tensor(dw)
        optimizer.step()
    expected = parameter.detach().numpy()
    # 1e-12: some ten roundings of 1e-16 an update, which no rule here lets grow
    assert distance(w, expected) <= 1e-12
    assert distance(w - start, expected - start) <= 1e-12
    assert np.linalg.norm(w - start) > 0.05


@pytest.mark.parametrize("name", ["adamw(0.3)", "nadam(0.7, 0.9)"])
def test_decay_is_on_weights_alone(name: str) -> None:
    """`is_weight` is PyTorch's parameter group without weight decay."""
    rng = np.random.default_rng(7)
    ours, make = RULES[name]
    w, is_weight = rng.standard_normal(12), np.arange(12) < 8
    parts = [torch.nn.Parameter(torch.tensor(w[:8])), torch.nn.Parameter(torch.tensor(w[8:]))]
    optimizer = make([{"params": parts[:1]}, {"params": parts[1:], "weight_decay": 0.0}], lr=0.01)
    state = ours.initial_state(w)
    for t in range(1, 21):
        dw = rng.standard_normal(12)
        w, state = ours.update(w, dw, state, 0.01, t, is_weight)
        parts[0].grad, parts[1].grad = torch.tensor(dw[:8]), torch.tensor(dw[8:])
        optimizer.step()
    # 1e-12 as above
    assert distance(w, torch.cat(parts).detach().numpy()) <= 1e-12


# ---------------------------------------------------------------------------------------------
# Training


class Twin:
    """The same network made of PyTorch's modules, with the same parameters."""

    def __init__(self, network: Network) -> None:
        self.linears: list[Any] = []
        self.norms: list[Any] = []
        self.g = [ACTIVATIONS[layer.activation.name][1] for layer in network.structure.layers[:-1]]
        with torch.no_grad():
            for l, layer in enumerate(network.structure.layers, 1):
                W, b = network.parameters[f"W{l}"], network.parameters[f"b{l}"].ravel()
                linear = torch.nn.Linear(*W.shape, bias=layer.normalization is None)
                linear.weight.copy_(torch.tensor(W.T.copy()))
                norm: Any = None
                if layer.normalization is None:
                    linear.bias.copy_(torch.tensor(b))
                else:
                    batch = layer.normalization == "batch"
                    norm = (torch.nn.BatchNorm1d if batch else torch.nn.LayerNorm)(len(b))
                    norm.weight.copy_(torch.tensor(network.parameters[f"gamma{l}"].ravel()))
                    norm.bias.copy_(torch.tensor(b))
                self.linears.append(linear)
                self.norms.append(norm)

    def logits(self, X: FloatArray, masks: Mapping[str, FloatArray] | None = None) -> Any:
        """Return the last sums: of a training step where masks are given, else of prediction."""
        A = torch.tensor(X)
        for l, (linear, norm) in enumerate(zip(self.linears, self.norms, strict=True), 1):
            Z = linear(A)
            if norm is not None:
                Z = norm.train(masks is not None)(Z)
            A = Z if l == len(self.linears) else self.g[l - 1](Z)
            if masks is not None and f"D{l}" in masks:
                A = A * torch.tensor(masks[f"D{l}"])
        return A

    def groups(self) -> tuple[list[Any], list[Any]]:
        """Return the weights, and all other parameters."""
        weights = [linear.weight for linear in self.linears]
        others = [linear.bias for linear in self.linears if linear.bias is not None]
        return weights, others + [p for norm in self.norms if norm for p in norm.parameters()]

    def vector(self, network: Network) -> FloatArray:
        """Return the parameters in the order of the network's vector."""
        parameters = {}
        for l, (linear, norm) in enumerate(zip(self.linears, self.norms, strict=True), 1):
            parameters[f"W{l}"] = linear.weight.detach().numpy().T
            parameters[f"b{l}"] = (linear if norm is None else norm).bias.detach().numpy()
            if norm is not None:
                parameters[f"gamma{l}"] = norm.weight.detach().numpy()
        return network.flatten(parameters)

    def statistics(self) -> dict[str, FloatArray]:
        """Return the running statistics of batch normalisation, by the network's names."""
        found = {}
        for l, norm in enumerate(self.norms, 1):
            if isinstance(norm, torch.nn.BatchNorm1d):
                found[f"mean{l}"] = norm.running_mean.numpy()
                found[f"var{l}"] = norm.running_var.numpy()
        return found


# Every kind of layer.
LAYERS: list[int | Layer] = [
    3,
    Layer(8, "tanh", normalization="batch"),
    Layer(7, "gelu", normalization="layer", dropout=0.25),
    Layer(6, "softplus", normalization="batch", dropout=0.1),
    Layer(5, "elu"),
    4,
]


def training_data() -> tuple[FloatArray, Array, FloatArray]:
    """Return 43 examples of four classes, of which the last mini-batch of 8 has three."""
    rng = np.random.default_rng(11)
    X = rng.standard_normal((43, 3))
    return X, (X[:, 0] > 0) * 2 + (X[:, 1] * X[:, 2] > 0), rng.uniform(0.2, 2, 43)


def assert_trained_alike(
    name: str,
    penalty: Penalty = NO_PENALTY,
    schedule: Schedule | None = None,
    torch_schedule: Callable[[Any], Any] | None = None,
    clip_norm: float | None = None,
    clip_value: float | None = None,
) -> None:
    """Train a network and its twin by 54 updates, and hold everything they end with together."""
    X, y, w = training_data()
    ours, make = RULES[name]
    network = Network(LAYERS, random_state=0)
    twin, before = Twin(network), network.vector.copy()
    weights, others = twin.groups()
    without = {"weight_decay": 0.0} if ours.weight_decay else {}
    optimizer = make([{"params": weights}, {"params": others, **without}], lr=ours.learning_rate)
    scheduler = None if torch_schedule is None else torch_schedule(optimizer)
    rng = np.random.default_rng(3)
    losses, updates = [], 0
    for _ in range(9):
        total = 0.0
        for X_batch, y_batch, w_batch in steps.batch_generator(
            X, y, w, batch_size=8, random_state=rng
        ):
            masks = steps.dropout_masks(network.structure, len(X_batch), rng)
            optimizer.zero_grad()
            L = F.cross_entropy(
                twin.logits(X_batch, masks), torch.tensor(y_batch), reduction="none"
            )
            J = (torch.tensor(w_batch) * L).sum() / w_batch.sum()
            total += J.item() * w_batch.sum()
            for W in weights:
                J = J + 0.5 * penalty.l2 * (W**2).sum() + penalty.l1 * W.abs().sum()
            J.backward()
            if clip_value is not None:
                torch.nn.utils.clip_grad_value_(weights + others, clip_value)
            if clip_norm is not None:  # clip_grad_norm_ without the 1e-6 that it adds
                norm = torch.nn.utils.get_total_norm([p.grad for p in weights + others])
                for p in weights + others:
                    p.grad *= min(1.0, clip_norm / norm.item())
            optimizer.step()
            updates += 1
            if scheduler is not None and updates < 54:  # OneCycleLR refuses a step past its end
                scheduler.step()
        losses.append(total / w.sum())
    history = fit(
        network,
        X,
        y,
        epochs=9,
        batch_size=8,
        optimizer=ours,
        learning_rate=schedule,
        l2=penalty.l2,
        l1=penalty.l1,
        clip_norm=clip_norm,
        clip_value=clip_value,
        sample_weight=w,
        random_state=np.random.default_rng(3),
        engine="numpy",
        verbose=0,
    )
    assert history.steps == updates == 54
    assert distance(network.vector, before) > 0.01
    # 1e-11: some ten roundings of 1e-16 an update, which 54 updates carry on, and room for a
    # factor of a hundred by which normalisation and divisions by small roots let them grow
    assert distance(network.vector, twin.vector(network)) <= 1e-11
    assert distance(np.array(history.loss), np.array(losses)) <= 1e-11
    for key, expected in twin.statistics().items():
        assert distance(network.statistics[key].ravel(), expected) <= 1e-11
    with torch.no_grad():
        logits = twin.logits(X)
    assert distance(network.forward(X), torch.softmax(logits, dim=1).numpy()) <= 1e-11
    assert network.loss(X, y) == pytest.approx(
        F.cross_entropy(logits, torch.tensor(y)).item(), rel=1e-11
    )
    np.testing.assert_array_equal(network.predict(X), logits.argmax(dim=1).numpy())


@pytest.mark.parametrize("name", RULES)
def test_training_runs_alike(name: str) -> None:
    """With dropout, normalisation and sample weights, by every rule."""
    assert_trained_alike(name)


@pytest.mark.parametrize("name", ["gradient_descent", "adam", "adamw(0.3)"])
def test_training_with_penalties_runs_alike(name: str) -> None:
    """A penalty goes through the rule's gradient, on weights alone; a decay goes past it."""
    assert_trained_alike(name, Penalty(l2=0.02, l1=0.005))


@pytest.mark.parametrize("name", ["gradient_descent", "nadam"])
@pytest.mark.parametrize(("norm", "value"), [(0.3, None), (None, 0.02), (0.2, 0.05)])
def test_training_with_clipping_runs_alike(
    name: str, norm: float | None, value: float | None
) -> None:
    """The norm is that of all parameters together; components are clipped before it."""
    assert_trained_alike(name, clip_norm=norm, clip_value=value)


@pytest.mark.parametrize("name", ["gradient_descent", "rmsprop", "adamw(0.3)"])
def test_training_with_schedules_runs_alike(name: str) -> None:
    """A schedule counts updates, from 0, and scales a decoupled decay too."""
    scheduler = torch.optim.lr_scheduler

    def step_decay(optimizer: Any) -> Any:
        for group in optimizer.param_groups:
            group["lr"] = 0.02
        return scheduler.StepLR(optimizer, 10, 0.5)

    def one_cycle(optimizer: Any) -> Any:
        return scheduler.OneCycleLR(optimizer, 0.02, total_steps=54, cycle_momentum=False)

    assert_trained_alike(name, schedule=StepDecay(0.02, 10, 0.5), torch_schedule=step_decay)
    assert_trained_alike(name, schedule=OneCycle(0.02, 54), torch_schedule=one_cycle)


def test_running_statistics() -> None:
    """Mini-batches of several sizes through a network at rest: BatchNorm1d's, to rounding."""
    rng = np.random.default_rng(13)
    network = Network(
        [4, 6, 5, 2],
        hidden=["tanh", "silu"],
        output="identity",
        loss="mean_squared_error",
        normalization="batch",
        random_state=1,
    )
    network.vector += rng.standard_normal(network.vector.shape)
    twin, before = Twin(network), network.vector.copy()
    for m in (2, 3, 16, 5, 2, 40):
        X, y = 2 + 3 * rng.standard_normal((m, 4)), rng.standard_normal((m, 2))
        at_rest = GradientDescent(0.0)
        fit(network, X, y, epochs=1, batch_size=m, optimizer=at_rest, engine="numpy", verbose=0)
        with torch.no_grad():
            twin.logits(X, {})
        # 1e-13: sums over 40 examples, with nothing that lets a rounding grow
        for key, expected in twin.statistics().items():
            assert distance(network.statistics[key].ravel(), expected) <= 1e-13
    np.testing.assert_array_equal(network.vector, before)
    X = rng.standard_normal((7, 4))
    with torch.no_grad():
        # 1e-13: three layers, whose normalisation is an affine map in prediction
        assert distance(network.forward(X), twin.logits(X).numpy()) <= 1e-13


# ---------------------------------------------------------------------------------------------
# Schedules


def torch_rates(make: Callable[[Any], Any], count: int, rate: float) -> FloatArray:
    """Return the rate of PyTorch's schedule at each step."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    schedule, seen = make(optimizer), []
    for step in range(count):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step + 1 < count:  # OneCycleLR refuses a step past its end
            schedule.step()
    return np.array(seen)


def assert_same_rates(
    ours: Callable[[int], float], make: Callable[[Any], Any], count: int, rate: float
) -> None:
    expected = torch_rates(make, count, rate)
    given = np.array([ours(step) for step in range(count)])
    # 1e-12, for PyTorch's rates are products of as many factors as there were steps; 1e-15 of
    # the highest rate at the end of a cosine, where 1 + cos is the difference of two ones.
    np.testing.assert_allclose(given, expected, rtol=1e-12, atol=1e-15 * rate)
    assert len(set(given.tolist())) > 1


@pytest.mark.parametrize("factor", [0.1, 0.5, 0.97])
def test_step_and_exponential_decay(factor: float) -> None:
    """StepLR and ExponentialLR, step by step, while the rates are above 1e-9."""
    scheduler = torch.optim.lr_scheduler
    for every in (1, 2, 7):
        step = functools.partial(scheduler.StepLR, step_size=every, gamma=factor)
        assert_same_rates(StepDecay(0.5, every, factor), step, 9 * every, 0.5)
    exponential = functools.partial(scheduler.ExponentialLR, gamma=factor)
    assert_same_rates(Exponential(0.5, factor), exponential, 9, 0.5)


@pytest.mark.parametrize("length", [2, 3, 40, 500])
@pytest.mark.parametrize("final", [0.0, 1e-3, 0.2])
def test_cosine(length: int, final: float) -> None:
    """CosineAnnealingLR from its first step to its last, where ours stays."""
    ours = Cosine(0.5, steps=length, final=final)
    cosine = functools.partial(
        torch.optim.lr_scheduler.CosineAnnealingLR, T_max=length, eta_min=final
    )
    expected = torch_rates(cosine, length + 1, 0.5)
    given = np.array([ours(step) for step in range(length + 1)])
    # 1e-13 of the highest rate: PyTorch makes each rate from the one before, with some ten
    # roundings of 1e-16 a step, which shrink with the rate.
    np.testing.assert_allclose(given, expected, rtol=0, atol=0.5e-13)
    assert ours(length) == ours(length + 5) == final


@pytest.mark.parametrize("length", [5, 40, 333])
@pytest.mark.parametrize(
    "constants", [{}, {"warmup": 0.45}, {"warmup": 0.27, "start_div": 4.0, "final_div": 50.0}]
)
def test_one_cycle(length: int, constants: dict[str, float]) -> None:
    """OneCycleLR without its momentum, from the first step to the last."""
    names = {"warmup": "pct_start", "start_div": "div_factor", "final_div": "final_div_factor"}
    theirs = {names[name]: value for name, value in constants.items()}
    assert_same_rates(
        OneCycle(0.5, length, **constants),
        lambda o: torch.optim.lr_scheduler.OneCycleLR(
            o, 0.5, total_steps=length, cycle_momentum=False, **theirs
        ),
        length,
        0.5,
    )


def torch_plateau(ours: ReduceOnPlateau) -> tuple[Any, Any]:
    """Return an optimiser and PyTorch's rule, whose patience counts one epoch less than ours."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=ours.learning_rate)
    return optimizer, torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        factor=ours.factor,
        patience=ours.patience - 1,
        threshold=ours.min_delta,
        threshold_mode="abs",
        min_lr=ours.minimum,
        eps=0.0,  # by default it leaves out cuts of less than 1e-8
    )


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    factor=st.sampled_from([0.1, 0.5, 0.9]),
    patience=st.integers(1, 6),
    min_delta=st.sampled_from([0.0, 1e-4, 0.01]),
    minimum=st.sampled_from([0.0, 0.05]),
)
def test_reduce_on_plateau(
    seed: int, factor: float, patience: int, min_delta: float, minimum: float
) -> None:
    """The very same cuts as ReduceLROnPlateau's with a patience of one epoch less."""
    rng = np.random.default_rng(seed)
    falling = np.linspace(1, 0, 50) ** 3 * rng.uniform(0, 0.5)
    losses = (falling + rng.uniform(0, 0.1, 50)).round(int(rng.integers(2, 8))).tolist()
    losses += [0.2] * 6  # at least one cut
    ours = ReduceOnPlateau(1.0, factor, patience, min_delta, minimum)
    optimizer, theirs = torch_plateau(ours)
    for epoch, loss in enumerate(losses, 1):
        theirs.step(loss)
        assert ours.after_epochs(losses[:epoch]) == optimizer.param_groups[0]["lr"]
    assert ours.after_epochs(losses) < 1


def test_reduce_on_plateau_in_training() -> None:
    """The rate of each epoch is PyTorch's after the validation losses of those before."""
    X, y, _ = training_data()
    ours = ReduceOnPlateau(0.05, factor=0.5, patience=2, min_delta=1e-3)
    network = Network([3, 16, 4], random_state=0)
    history = fit(
        network,
        X[:30],
        y[:30],
        epochs=40,
        learning_rate=ours,
        validation=(X[30:], y[30:]),
        random_state=0,
        engine="numpy",
        verbose=0,
    )
    optimizer, theirs = torch_plateau(ours)
    expected = []
    for loss in history.val_loss:
        expected.append(optimizer.param_groups[0]["lr"])
        theirs.step(loss)
    assert history.learning_rate == expected
    assert len(set(expected)) > 2


# ---------------------------------------------------------------------------------------------
# Clipping


@pytest.mark.parametrize("scale", [1e-3, 0.3, 1.0, 50.0, 1e6])
def test_clipping(scale: float) -> None:
    """By norm, over all parameters, but for the 1e-6 PyTorch adds to it; by value exactly."""
    rng = np.random.default_rng(4)
    dw = rng.standard_normal(30) * scale
    parts = [torch.nn.Parameter(torch.zeros(20)), torch.nn.Parameter(torch.zeros(2, 5))]

    def set_gradients() -> None:
        parts[0].grad, parts[1].grad = torch.tensor(dw[:20]), torch.tensor(dw[20:].reshape(2, 5))

    def gradient() -> FloatArray:
        return np.concatenate([p.grad.numpy().ravel() for p in parts])

    set_gradients()
    norm = torch.nn.utils.clip_grad_norm_(parts, 2.0).item()
    factor = norm / (norm + 1e-6) if norm > 2 else 1.0
    # 1e-14: a norm, a division and a product
    np.testing.assert_allclose(factor * clip_by_norm(dw, 2.0), gradient(), rtol=1e-14)
    set_gradients()
    torch.nn.utils.clip_grad_value_(parts, 0.5)
    np.testing.assert_array_equal(clip_by_value(dw, 0.5), gradient())


# ---------------------------------------------------------------------------------------------
# Initialisers

# PyTorch keeps W with a row for each output.
TORCH_INITIALIZERS: dict[str, Callable[[Any], Any]] = {
    "zeros": torch.nn.init.zeros_,
    "small_normal": lambda W: torch.nn.init.normal_(W, std=0.01),
    "lecun_normal": lambda W: torch.nn.init.kaiming_normal_(W, nonlinearity="linear"),
    "lecun_uniform": lambda W: torch.nn.init.kaiming_uniform_(W, nonlinearity="linear"),
    "glorot_normal": torch.nn.init.xavier_normal_,
    "glorot_uniform": torch.nn.init.xavier_uniform_,
    "he_normal": lambda W: torch.nn.init.kaiming_normal_(W, nonlinearity="relu"),
    "he_uniform": lambda W: torch.nn.init.kaiming_uniform_(W, nonlinearity="relu"),
    "orthogonal": torch.nn.init.orthogonal_,
}


def both_draws(name: str, n_in: int, n_out: int) -> tuple[FloatArray, FloatArray]:
    torch.manual_seed(0)
    ours = Network(Structure([n_in, Layer(n_out, "softmax", initializer=name)]), random_state=0)
    theirs: FloatArray = TORCH_INITIALIZERS[name](torch.empty(n_out, n_in)).numpy().T
    return ours.parameters["W1"], theirs


@pytest.mark.parametrize("shape", [(300, 200), (150, 400), (250, 250)])
@pytest.mark.parametrize("name", INITIALIZERS)
def test_initialisers_draw_alike(name: str, shape: tuple[int, int]) -> None:
    """The same distribution over 60,000 weights: spread, limits, and every quantile."""
    ours, theirs = both_draws(name, *shape)
    # 1.5 %: two sample deviations, each within 0.3 % (1 / √(2 · 60,000)), differ by 3.5 sigma
    assert ours.std() == pytest.approx(theirs.std(), rel=0.015)
    if name.endswith("uniform"):  # the largest of 60,000 is within 1e-3 of the limit, surely
        assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=1e-3)
    # Two samples of one distribution, with these seeds, are not told apart at 1 in 1000.
    assert scipy.stats.ks_2samp(ours.ravel(), theirs.ravel()).pvalue > 1e-3


@pytest.mark.parametrize("shape", [(60, 40), (30, 80), (50, 50), (1, 3), (3, 2)])
def test_orthogonal_columns(shape: tuple[int, int]) -> None:
    """WᵀW = I (WWᵀ where there are more columns), as PyTorch's."""
    for W in both_draws("orthogonal", *shape):
        assert W.shape == shape
        Q = W if shape[0] >= shape[1] else W.T
        # 1e-13: inner products of up to 80 numbers, each rounded to 1e-16
        np.testing.assert_allclose(Q.T @ Q, np.eye(Q.shape[1]), rtol=0, atol=1e-13)


def test_orthogonal_is_uniform() -> None:
    """Rotations and reflections of the plane alike, in every direction, as PyTorch's."""
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    ours = np.array([INITIALIZERS["orthogonal"](rng, 2, 2) for _ in range(4000)])
    theirs = np.array([torch.nn.init.orthogonal_(torch.empty(2, 2)).numpy() for _ in range(4000)])
    for i, j in np.ndindex(2, 2):
        assert scipy.stats.ks_2samp(ours[:, i, j], theirs[:, i, j]).pvalue > 1e-3
    # 0.04: shares of 4000 within 0.008 of ½, five sigma
    for sample in (ours, theirs):
        assert np.mean(np.linalg.det(sample) > 0) == pytest.approx(0.5, abs=0.04)
