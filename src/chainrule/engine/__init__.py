"""The engines that run the steps: the door through which `fit` chooses one."""

from __future__ import annotations

from chainrule import _checks
from chainrule.engine.numpy_engine import NumpyEngine

ENGINES = ("auto", "numpy", "compiled")


def choose_engine(engine: str) -> type[NumpyEngine]:
    """Return the engine that ``engine=`` asks for, to be made for a training run.

    Raises ValueError for "compiled", which this version does not have yet, and for a name that
    is not in `ENGINES`.
    """
    _checks.check_choice("engine", engine, ENGINES)
    if engine == "compiled":
        raise ValueError(
            "engine must be 'auto' or 'numpy': this version has no compiled engine yet, "
            "got 'compiled'"
        )
    return NumpyEngine
