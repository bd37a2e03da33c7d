"""scikit-learn's own tests of its MLP, run with chainrule's classes in place of its own."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import numpy as np
import pytest
import sklearn.neural_network

from chainrule import MLPClassifier, MLPRegressor

# Why a test of theirs is not run.
LEFT_OUT = {
    "test_gradient": "calls their private method _loss_grad_lbfgs, on lists of arrays of its own; "
    "tests/test_gradients.py holds our gradients against finite differences",
}


def their_tests() -> ModuleType:
    """Return their test module, loaded anew while our classes stand in the place of theirs."""
    name = "sklearn.neural_network.tests.test_mlp"
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sklearn.neural_network, "MLPClassifier", MLPClassifier)
        patch.setattr(sklearn.neural_network, "MLPRegressor", MLPRegressor)
        spec.loader.exec_module(module)
    return module


THEIRS = their_tests()
globals().update(
    {
        name: value
        for name, value in vars(THEIRS).items()
        if name.startswith("test_") and name not in LEFT_OUT
    }
)

# Their tests are written for warnings that are not errors.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def global_random_seed() -> int:
    """Return what their own configuration gives by default."""
    return 42


def test_the_classes_are_ours() -> None:
    """The names in their module are our classes, and what is left out is there to be left out."""
    assert THEIRS.MLPClassifier is MLPClassifier
    assert THEIRS.MLPRegressor is MLPRegressor
    assert "sklearn.neural_network.tests.test_mlp" not in sys.modules
    assert all(hasattr(THEIRS, name) for name in LEFT_OUT)
    assert np.array_equal(THEIRS.iris.data.shape, (150, 4))
