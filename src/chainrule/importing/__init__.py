"""Weights from elsewhere: of scikit-learn's estimators, of PyTorch and of Keras."""

from chainrule.importing.keras_weights import from_keras
from chainrule.importing.sklearn_mlp import from_sklearn
from chainrule.importing.torch_state import from_torch

__all__ = ["from_keras", "from_sklearn", "from_torch"]
