"""The engines that run the steps: the door through which `fit` chooses one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from chainrule._types import Generator
from chainrule.dropout import draw_key
from chainrule.engine.interface import Engine
from chainrule.engine.numpy_engine import NumpyEngine
from chainrule.network import Network
from chainrule.optimizers import Optimizer
from chainrule.penalties import Penalty

ENGINES = ("auto", "numpy", "compiled")

# Below this many multiplications and additions in all, waiting for a compiler may not pay. At the
# 10 GFLOP/s of NumPy's whole step it is half a minute, of which compiled code saves more than the
# 9 s that compiling took on the slowest machine it was measured on.
WORTH_COMPILING = 300e9


def choose_engine(
    engine: str,
    network: Network,
    optimizer: Optimizer,
    penalty: Penalty,
    clip_norm: float | None,
    clip_value: float | None,
    rng: Generator,
    *,
    batch_size: int,
    updates: int,
    threads: int | None,
    say: Callable[[str], object] | None = None,
) -> Engine:
    """Return the engine that ``engine=`` asks for, made for a training run.

    What the compiled engine can't do, or can't compile, goes to NumPy; with a warning that says
    why, if "compiled" was asked for by name. `say` is told when there is something to wait for.
    """
    # Drawn only where it is used: the order of the examples comes from the same stream.
    drops = any(layer.dropout for layer in network.structure.layers)
    key = draw_key(rng) if drops else np.zeros(2, np.uint32)
    arguments: tuple[Any, ...] = (network, optimizer, penalty, clip_norm, clip_value, key)
    if engine == "compiled" or (engine == "auto" and _work(network, batch_size, updates)):
        made, why = _try_to_compile(arguments, batch_size, threads, say)
        if made is not None:
            return made
        if engine == "compiled":
            warnings.warn(f"the NumPy engine is used, because {why}", stacklevel=3)
    return NumpyEngine(*arguments)


def _work(network: Network, batch_size: int, updates: int) -> bool:
    """Whether a run is long enough to pay for its compilation."""
    weights = sum(n * m for name, (n, m) in network.structure.shapes.items() if name[0] == "W")
    overhead = 1e6  # what a step of NumPy costs beside its arithmetic, in the same measure
    return updates * (6 * batch_size * weights + overhead) > WORTH_COMPILING


def _try_to_compile(
    arguments: tuple[Any, ...],
    batch_size: int,
    threads: int | None,
    say: Callable[[str], object] | None,
) -> tuple[Engine | None, str]:
    try:
        if find_spec("numba") is None:
            return None, "Numba is not installed"
    except ValueError:  # what find_spec says of a module that was blocked
        return None, "Numba is not installed"
    from numba.core.errors import NumbaError

    from chainrule.engine.compilation import is_first_use
    from chainrule.engine.compiled_engine import CompiledEngine, cannot_do

    if why := cannot_do(arguments[0].structure):
        return None, why
    if say is not None and is_first_use():
        say("chainrule compiles its formulas for this machine: some seconds, the first time only")
    try:
        return CompiledEngine(*arguments, batch_size=batch_size, threads=threads), ""
    except NumbaError as error:
        return None, f"a formula can't be compiled: {error}"
