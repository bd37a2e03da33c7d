"""Every gradient of the steps, held against central differences in float64."""

from __future__ import annotations

import itertools
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.activations import ACTIVATIONS
from chainrule.losses import LOSSES, Huber, Pinball
from chainrule.penalties import Penalty
from tests.gradients import OUTPUTS, Case, random_case, relative_error

# The five-point difference is right to some 1e-11 of a gradient of norm 1, and the smallest that
# is compared has norm 1e-2; 1e-7 leaves room for strongly curved costs. A wrong term gives 1e-3
# and more.
TOLERANCE = 1e-7

PENALTIES = [Penalty(), Penalty(l2=0.3), Penalty(l1=0.2), Penalty(0.8, 0.4, shared=True)]
HIDDEN = sorted({activation.name for activation in ACTIVATIONS.values()})


def seed_of(*parts: object) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(repr(parts).encode()))


def assert_right(case: Case, *which: object) -> None:
    """Hold the library's own gradient check to more than it asks: over all parameters at once."""
    check = case.check()
    error = relative_error(check.gradient, check.finite_difference)
    assert error <= TOLERANCE, (*which, case.structure, str(check))


def test_every_loss_is_tried_with_some_output() -> None:
    """A loss that is added without its outputs in the tests' table is noticed here."""
    assert set(OUTPUTS) == set(LOSSES)


@pytest.mark.parametrize("loss", OUTPUTS)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_gradient_of_every_combination(hidden: str, loss: str) -> None:
    """Activation × loss × penalty × normalisation, with dropout or without, at depths 2 to 6.

    With each activation, what had dropout with one loss has none with the next.
    """
    outputs, depths = itertools.cycle(OUTPUTS[loss]), itertools.cycle([2, 3, 4, 5, 6])
    first = HIDDEN.index(hidden) + list(OUTPUTS).index(loss)
    for number, (penalty, normalization) in enumerate(
        itertools.product(PENALTIES, [None, "batch", "layer"]), first
    ):
        dropout = 0.4 if number % 2 else 0.0
        # e^z of e^z leaves the range of ordinary numbers: at most two such layers
        depth = min(next(depths), 3) if hidden == "exponential" else next(depths)
        case = random_case(
            seed_of(hidden, loss, penalty, normalization, dropout),
            depth,
            loss,
            next(outputs),
            hidden,
            normalization,
            dropout,
            weighted=depth % 2 == 0,
            penalty=penalty,
        )
        assert_right(case, penalty, normalization, dropout)


@pytest.mark.parametrize(
    ("loss", "output"), [(loss, output) for loss in OUTPUTS for output in OUTPUTS[loss]]
)
def test_gradient_of_a_single_layer(loss: str, output: str) -> None:
    """Every loss with every output activation it takes, with no hidden layer at all."""
    case = random_case(seed_of(loss, output), 1, loss, output, weighted=True)
    assert_right(case)


@pytest.mark.parametrize("loss", [Huber(0.3), Huber(2.5), Pinball(0.1), Pinball(0.9)])
def test_gradient_of_losses_with_a_constant(loss: object) -> None:
    """The constant of a loss reaches value and slope alike."""
    case = random_case(seed_of(loss), 3, loss, "identity")
    assert_right(case)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    hidden=st.lists(st.sampled_from(HIDDEN), min_size=0, max_size=5),
    loss=st.sampled_from(sorted(OUTPUTS)),
    data=st.data(),
)
def test_gradient_of_mixed_layers(
    seed: int, hidden: list[str], loss: str, data: st.DataObject
) -> None:
    """Layers that differ in activation, normalisation and dropout, depth 1 to 6."""
    if hidden.count("exponential") > 1:
        hidden = [name for name in hidden if name != "exponential"]
    n = len(hidden)
    kinds = data.draw(st.lists(st.sampled_from([None, "batch", "layer"]), min_size=n, max_size=n))
    case = random_case(
        np.random.default_rng(seed),
        n + 1,
        loss,
        data.draw(st.sampled_from(OUTPUTS[loss])),
        hidden,
        kinds,
        dropout=data.draw(st.sampled_from([0.0, 0.3])),
        weighted=data.draw(st.booleans()),
        penalty=data.draw(st.sampled_from(PENALTIES)),
    )
    assert_right(case)
