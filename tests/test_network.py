"""Network: one vector with named views, prediction, copies."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import numpy as np
import pytest

from chainrule import Layer, Network, Structure
from chainrule.losses import LOSSES
from tests.gradients import random_case

X = np.random.default_rng(0).normal(size=(9, 3))


def test_parameters_are_views_into_the_vector() -> None:
    """A change of one is a change of the other, in the order W1, b1, W2, …"""
    network = Network([3, 4, 2], random_state=0)
    network.parameters["b1"][:] = 7
    assert network.vector[12:16].tolist() == [7, 7, 7, 7]
    network.vector[:] = 0
    assert not network.parameters["W2"].any()
    assert network.vector.flags.c_contiguous
    assert network.vector.size == network.structure.n_parameters


def test_same_seed_same_weights_and_dtype() -> None:
    """An integer decides; float32 holds the rounded float64 weights."""
    first, second = (Network([3, 4, 2], random_state=5) for _ in range(2))
    np.testing.assert_array_equal(first.vector, second.vector)
    narrow = Network([3, 4, 2], random_state=5, dtype=np.float32)
    np.testing.assert_array_equal(narrow.vector, first.vector.astype(np.float32))
    assert narrow.forward(X).dtype == np.float32


def test_a_structure_will_do() -> None:
    """Network(structure) is Network of the same arguments."""
    short = Network([3, 4, 2], hidden="relu", random_state=0)
    long = Network(Structure([3, Layer(4, "relu"), Layer(2, "softmax")]), random_state=0)
    np.testing.assert_array_equal(short.vector, long.vector)
    assert short.structure == long.structure


def test_predictions_have_the_shape_of_the_question() -> None:
    """(m,) for one decision a row, (m, n) for several."""
    assert Network([3, 1]).predict(X).shape == (9,)
    assert Network([3, 4]).predict(X).shape == (9,)
    assert Network([3, 4], loss="binary_cross_entropy").predict(X).shape == (9, 4)
    assert Network([3, 1], loss="huber").predict(X).shape == (9,)
    assert Network([3, 2], loss="huber").predict(X).shape == (9, 2)
    assert Network([3, 4]).forward(X).shape == (9, 4)


def test_many_rows_go_in_parts() -> None:
    """More rows than a part holds give what they give one part at a time."""
    network = Network([3, 5, 2], normalization="batch", random_state=0)
    many = np.random.default_rng(1).normal(size=(9000, 3))
    labels = np.arange(9000) % 2
    w = np.random.default_rng(2).uniform(size=9000) * (np.arange(9000) > 4096)
    together = network.forward(many)
    np.testing.assert_allclose(together[5000:5010], network.forward(many[5000:5010]), rtol=1e-13)
    each = [network.loss(many[i : i + 1], labels[i : i + 1]) for i in range(0, 9000, 100)]
    assert network.loss(many[::100], labels[::100]) == pytest.approx(np.mean(each), rel=1e-12)
    L = -np.log(together[np.arange(9000), labels])
    expected = np.average(L, weights=w)
    assert network.loss(many, labels, w) == pytest.approx(expected, rel=1e-12)


def test_data_as_it_comes() -> None:
    """Lists, integers, Fortran order and strides give what a plain array gives."""
    network = Network([3, 4, 1], random_state=0)
    whole = np.arange(12).reshape(4, 3)
    expected = network.forward(whole.astype(float))
    for data in (whole.tolist(), whole, np.asfortranarray(whole), np.repeat(whole, 2, 0)[::2]):
        np.testing.assert_allclose(network.forward(data), expected, rtol=1e-14)


@pytest.mark.parametrize("loss", LOSSES)
def test_backward_is_the_gradient_of_the_cost(loss: str) -> None:
    """The method gives what the steps give."""
    case = random_case(np.random.default_rng(3), 3, loss, LOSSES[loss].output, weighted=True)
    assert case.sample_weight is not None
    gradients = case.network.backward(case.X, case.Y, case.sample_weight.ravel())
    np.testing.assert_array_equal(case.network.flatten(gradients, prefix="d"), case.gradient())


@pytest.mark.parametrize("how", ["copy", "deepcopy", "pickle"])
def test_copies_stand_alone(how: str) -> None:
    """A copy predicts the same, and neither changes with the other."""
    network = Network([3, 4, 1], normalization="batch", random_state=0)
    network.statistics["mean1"][:] = 0.5
    ways: dict[str, Callable[[], Network]] = {
        "copy": network.copy,
        "deepcopy": lambda: copy.deepcopy(network),
        "pickle": lambda: pickle.loads(pickle.dumps(network)),
    }
    twin = ways[how]()
    expected = network.forward(X)
    np.testing.assert_array_equal(twin.forward(X), expected)
    twin.vector[:] = 0
    twin.statistics["mean1"][:] = 0
    assert not twin.parameters["W1"].any()
    np.testing.assert_array_equal(network.forward(X), expected)


def test_prints_its_structure() -> None:
    """The table of the structure."""
    assert repr(Network([3, 4, 1])) == str(Structure([3, 4, 1]))
