"""The linear collapse: the merged network gives the same outputs with fewer layers."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import Layer, Network
from chainrule.explain import collapse

X = np.random.default_rng(0).normal(size=(50, 3))


@pytest.mark.parametrize(
    ("layers", "left"),
    [
        ([Layer(4, "identity"), Layer(2, "softmax")], ["softmax"]),
        ([Layer(4, "identity"), Layer(5, "identity"), Layer(2, "softmax")], ["softmax"]),
        ([Layer(4, "tanh"), Layer(2, "softmax")], ["tanh", "softmax"]),
        (
            [Layer(4, "identity"), Layer(5, "relu"), Layer(3, "identity"), Layer(2, "softmax")],
            ["relu", "softmax"],
        ),
        ([Layer(4, "identity"), Layer(2, "identity")], ["identity"]),
        (
            [
                Layer(4, "identity", normalization="batch"),
                Layer(5, "identity"),
                Layer(3, "tanh", normalization="batch"),
                Layer(2, "softmax"),
            ],
            ["identity", "identity", "tanh", "softmax"],
        ),
        (
            [
                Layer(4, "identity"),
                Layer(5, "identity"),
                Layer(3, "tanh", normalization="layer"),
                Layer(2, "softmax"),
            ],
            ["identity", "tanh", "softmax"],
        ),
    ],
)
def test_collapse(layers: list[Layer], left: list[str]) -> None:
    """Runs of linear layers become one; all else, statistics included, stays."""
    network = Network([3, *layers], random_state=0)
    rng = np.random.default_rng(1)
    network.vector += 0.5 * rng.normal(size=network.vector.shape)
    for value in network.statistics.values():
        value += rng.uniform(0.1, 1, size=value.shape)
    merged = collapse(network)
    assert [layer.activation.name for layer in merged.structure.layers] == left
    # 1e-12: the products are added up in another order
    np.testing.assert_allclose(merged.forward(X), network.forward(X), rtol=1e-12, atol=1e-13)


def test_collapse_leaves_the_network_alone() -> None:
    """The original keeps its parameters, and shares none."""
    network = Network([3, 4, 1], hidden="identity", random_state=0)
    before = network.vector.copy()
    collapse(network).vector[:] = 0
    np.testing.assert_array_equal(network.vector, before)
