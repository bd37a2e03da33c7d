"""A multi-layer neural network from scratch: the formula you read is the formula that runs."""

from typing import TYPE_CHECKING, Any

from chainrule._version import __version__ as __version__
from chainrule.activation import Activation
from chainrule.activations import ELU, LeakyReLU
from chainrule.callbacks import Callback, EarlyStopping, ProgressBar, TimeLimit
from chainrule.checkpoints import Checkpoints
from chainrule.history import History, Snapshot
from chainrule.loading import load
from chainrule.loop import DivergenceError
from chainrule.loss import Loss
from chainrule.losses import Huber, Pinball
from chainrule.model_file import ModelFileError
from chainrule.network import Network
from chainrule.optimizers import (
    Adagrad,
    Adam,
    AdamW,
    GradientDescent,
    Lion,
    Momentum,
    NAdam,
    Nesterov,
    Optimizer,
    RMSProp,
)
from chainrule.snapshots import Snapshots
from chainrule.streaming import Stream, StreamError
from chainrule.structure import Layer, Structure
from chainrule.training import fit

if TYPE_CHECKING:
    from chainrule.estimators import MLPClassifier, MLPRegressor
    from chainrule.explain import collapse, gradient_check
    from chainrule.export import to_onnx
    from chainrule.health import dead_units, diagnose
    from chainrule.importing import from_keras, from_sklearn, from_torch
    from chainrule.laboratory import lab
    from chainrule.tabular import TabularClassifier, TabularRegressor

__all__ = [
    "ELU",
    "Activation",
    "Adagrad",
    "Adam",
    "AdamW",
    "Callback",
    "Checkpoints",
    "DivergenceError",
    "EarlyStopping",
    "GradientDescent",
    "History",
    "Huber",
    "Layer",
    "LeakyReLU",
    "Lion",
    "Loss",
    "MLPClassifier",
    "MLPRegressor",
    "ModelFileError",
    "Momentum",
    "NAdam",
    "Nesterov",
    "Network",
    "Optimizer",
    "Pinball",
    "ProgressBar",
    "RMSProp",
    "Snapshot",
    "Snapshots",
    "Stream",
    "StreamError",
    "Structure",
    "TabularClassifier",
    "TabularRegressor",
    "TimeLimit",
    "collapse",
    "dead_units",
    "diagnose",
    "fit",
    "from_keras",
    "from_sklearn",
    "from_torch",
    "gradient_check",
    "lab",
    "load",
    "to_onnx",
]


def __getattr__(name: str) -> Any:
    if name in ("MLPClassifier", "MLPRegressor"):
        from chainrule import estimators  # loads scikit-learn, for which the others need not wait

        return getattr(estimators, name)
    if name in ("dead_units", "diagnose"):
        from chainrule import health

        return getattr(health, name)
    if name in ("collapse", "gradient_check"):
        from chainrule import explain

        return getattr(explain, name)
    if name == "to_onnx":
        from chainrule import export

        return getattr(export, name)
    if name in ("from_keras", "from_sklearn", "from_torch"):
        from chainrule import importing

        return getattr(importing, name)
    if name == "lab":
        from chainrule import laboratory

        return laboratory.lab
    if name in ("TabularClassifier", "TabularRegressor"):
        from chainrule import tabular

        return getattr(tabular, name)
    raise AttributeError(f"module 'chainrule' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
