"""Networks of every kind that scripts are written of, and how each of them was trained."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

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
from chainrule.losses import Huber, Pinball
from chainrule.optimizers import OPTIMIZERS, AdamW, NAdam, Optimizer
from chainrule.schedules import (
    Cosine,
    Exponential,
    InverseScaling,
    OneCycle,
    ReduceOnPlateau,
    StepDecay,
)
from tests.gradients import OUTPUTS

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

# Networks and what fit is given beside, by what they are there for.
CASES: dict[str, tuple[Callable[[], Network], dict[str, Any]]] = {}


def make(sizes: Any, **options: Any) -> Callable[[], Network]:
    """Return what makes a network of these."""
    return lambda: Network(sizes, random_state=3, **options)


for g in sorted(set(ACTIVATIONS) - {"linear", "swish"}):
    for hidden in ([4], [8, 8], [5] * 6):
        if g != "exponential" or hidden != [5] * 6:  # which overflows
            CASES[f"{g} {hidden}"] = make([3, *hidden, 3], hidden=g), {"l2": 0.01}
for of, outputs in OUTPUTS.items():
    for output in outputs:
        CASES[f"{of} of {output}"] = make([3, 4, 2], output=output, loss=of), {}
for rule in OPTIMIZERS:
    CASES[rule] = make([3, 4, 1]), {"optimizer": rule}
    CASES[f"{rule} float32"] = make([3, 8, 4, 1], dtype="float32"), {"optimizer": rule}
for draw in INITIALIZERS:
    CASES[draw] = make([3, 4, 1], initializer=draw), {}
CASES |= {
    "constants": (make([3, Layer(4, ELU(0.5)), Layer(4, ELU(1.5)), 2], loss=Huber(0.5)), {}),
    "others": (make([3, Layer(4, LeakyReLU(0.2)), 1], output="identity", loss=Pinball(0.9)), {}),
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
    "typed formulas": (
        make(
            [3, *(Layer(4, g) for g in ("=z/(1+abs(z))", "=max(0, z) - 0.1*erf(z)")), 1],
            output="=1/(1 + exp(-z))",
            loss="binary_cross_entropy",
        ),
        {},
    ),
    "own formulas": (
        make([3, 4, 1], hidden=BENT, output="identity", loss=LOG_COSH, initializer=ones),
        {"optimizer": Optimizer("sign", sign_descent, halved)},
    ),
}
SOME: Any = np.random.RandomState(2).randint(0, 3, 70) * 1.0
# Of which the third mini-batch has none
GAPS = np.where(np.arange(70) // 16 == 2, 0, 1 + SOME)
MIXED: list[Any] = [
    3,
    Layer(4, "elu", normalization="batch"),
    Layer(5, "relu", dropout=0.2),
    Layer(5, "tanh"),
    Layer(6, "mish", normalization="layer"),
    Layer(2, "softmax", normalization="batch"),
]
CASES |= {
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
CASES |= {
    "mixed": (make(Structure(MIXED)), {"clip_norm": 0.1}),
    "softmax within": (
        make([3, Layer(4, "softmax"), Layer(4, "tanh", dropout=0.1), 2], loss="huber"),
        {},
    ),
    "weighted": (make([3, 4, 1]), {"sample_weight": SOME}),
    "weighted of another pair": (
        make([3, 4, 2], output="tanh", loss="mean_squared_error", dropout=0.1),
        {"sample_weight": SOME, "clip_norm": 0.1},
    ),
    "a mini-batch without weight": (
        make([3, 4, 1], normalization="batch"),
        {"sample_weight": GAPS, "shuffle": False},
    ),
    "weighted plateau": (
        make([3, 4, 1]),
        {"sample_weight": SOME, "learning_rate": ReduceOnPlateau(0.1, patience=1, min_delta=0.1)},
    ),
    "a share held back": (make([3, 4, 1]), {"validation": np.float32(0.2)}),
    "a share held back in order": (
        make([3, 4, 3]),
        {"validation": 0.3, "shuffle": False, "random_state": None},
    ),
    "a share held back, weighted": (
        make([3, 4, 3], dropout=0.1),
        {"validation": 0.3, "sample_weight": 1 + SOME},
    ),
}
CASES |= {
    "by norm": (make([3, 4, 1]), {"clip_norm": 0.1}),
    "by both": (make([3, *[4] * 4, 1]), {"clip_norm": 0.1, "clip_value": 0.02}),
    "plateau": (
        make([3, 4, 1]),
        {"learning_rate": ReduceOnPlateau(0.1, patience=1, min_delta=0.1)},
    ),
}


# All that there is to train with, but for a rate that follows the losses
ALL: dict[str, Any] = {
    "clip_norm": 1.0,
    "clip_value": 0.5,
    "l2": 0.01,
    "l1": 0.001,
    "sample_weight": SOME,
    "validation": 0.2,
    "drop_last": True,
    "epochs": 20,
    "optimizer": NAdam(OneCycle(0.01, 100), weight_decay=0.01),
}


def one_of_each(activations: Any, kinds: Any = ("batch",), dropout: float = 0.2) -> list[Any]:
    """Return the inputs, and a hidden layer of each activation, normalised in turn."""
    return [
        3,
        *(
            Layer(4 + i, g, normalization=kinds[i % len(kinds)], dropout=dropout)
            for i, g in enumerate(activations)
        ),
    ]


# What is longest, and fits all the same
LONG = ("gelu", "mish", "selu", "elu", "leaky_relu", "silu")
CASES |= {
    f"all for {g} {dtype}": (
        make([*one_of_each([g] * 2, ("batch", "layer")), Layer(3, output)], loss=loss, dtype=dtype),
        ALL,
    )
    for g, output, loss, dtype in (
        ("gelu", "mish", "huber", "float64"),
        ("gelu", "mish", "huber", "float32"),
        ("softmax", "gelu", "mean_squared_error", "float64"),
        ("mish", "softmax", "categorical_cross_entropy", "float32"),
    )
}
CASES |= {
    "all and a plateau": (
        make([*one_of_each(["gelu"] * 4), 3], initializer="orthogonal"),
        ALL
        | {
            "optimizer": NAdam(ReduceOnPlateau(0.01, patience=2), weight_decay=0.01),
            "validation": None,
            "sample_weight": GAPS,
            "shuffle": False,
        },
    ),
    "all for three": (make([*one_of_each(LONG[:3]), 1], output="identity", loss="huber"), ALL),
    "six of a kind each": (
        make([*one_of_each(LONG), 3]),
        {"optimizer": AdamW(Cosine(0.01, 100, 5)), "clip_norm": 1.0, "validation": 0.2},
    ),
    "six of a kind each, unlike": (
        make([*one_of_each(LONG, ("batch", "layer", None), 0.0), 3]),
        {"optimizer": NAdam(OneCycle(0.01, 100), weight_decay=0.01), "l2": 0.01, "epochs": 20},
    ),
}


def any_of(seed: int) -> tuple[Callable[[], Network], dict[str, Any]]:
    """Return some network, and some way to train it."""
    rng = np.random.RandomState(seed)

    def pick(of: Any) -> Any:
        options = [*of]
        return options[rng.randint(len(options))]

    loss = pick(OUTPUTS)
    output = pick(OUTPUTS[loss])
    kinds = rng.permutation(sorted({*ACTIVATIONS} - {"linear", "swish", "exponential", "softmax"}))
    normalizations = pick([[None], ["batch"], ["layer"], ["batch", None], ["batch", "layer"]])
    several, dropout = pick((True, False)), pick((0.0, 0.25))
    layers = [
        Layer(
            rng.randint(2, 7),
            kinds[l] if several else kinds[0],
            normalization=pick(normalizations),
            dropout=dropout,
        )
        for l in range(rng.randint(1, 6))
    ]
    network = make([3, *layers, Layer(3, output)], loss=loss, dtype=pick(("float64", "float32")))
    more: Any = (
        {},
        {"clip_norm": 0.1},
        {"clip_value": 0.05},
        {"l2": 0.1, "l1": 0.01},
        {"learning_rate": Cosine(0.01, 12, 3)},
        {"learning_rate": StepDecay(0.01, 4)},
        {"drop_last": True},
        {"epochs": 25},
        {"sample_weight": SOME},
        {"validation": 0.2},
    )
    shuffle = {"optimizer": pick(OPTIMIZERS), "shuffle": pick((True, True, False))}
    return network, shuffle | pick(more) | pick(more) | pick(more)


CASES |= {f"any {seed}": any_of(seed) for seed in range(48)}


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
