"""The peers of the benchmarks do what chainrule does."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from benchmarks.cases import Case
from benchmarks.contenders import contender

PEERS = [
    "PyTorch",
    pytest.param("JAX", marks=pytest.mark.skipif(not find_spec("jax"), reason="needs JAX")),
]


@pytest.mark.peers
@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("rule", ["adam", "gradient_descent"])
@pytest.mark.parametrize("sizes", [(6, 12, 3), (6, 12, 1)])
def test_a_peer_does_the_same_work(name: str, rule: str, sizes: tuple[int, ...]) -> None:
    """From the same weights, on the same rows in the same order, to the same loss and outputs."""
    case = replace(Case("small", (6, 12, 3), 16, 8), rule=rule, sizes=sizes)
    vectors, outputs = [], []
    for who in ("chainrule", name):
        kind: Any = contender(who)
        learner = kind(case)
        learner.train(3)
        vectors.append(learner.network().vector.copy())
        outputs.append(learner.predictor()(case.data()[0][:9]))
    way = np.linalg.norm(vectors[0] - case.network().vector)
    assert np.linalg.norm(vectors[1] - vectors[0]) / way < case.tolerance
    np.testing.assert_allclose(outputs[1], outputs[0], atol=1e-3)  # float32, after 24 steps
