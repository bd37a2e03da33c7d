"""The engines that run the steps: the door through which one is chosen, to train or to predict."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from chainrule import _checks
from chainrule._types import Generator
from chainrule.dropout import draw_key
from chainrule.engine.code_on_disk import is_there
from chainrule.engine.interface import Engine
from chainrule.engine.numpy_engine import NumpyEngine
from chainrule.network import Network
from chainrule.optimizers import Optimizer
from chainrule.penalties import Penalty

ENGINES = ("auto", "numpy", "compiled")

# From so many multiplications and additions on, waiting for a compiler pays. At the 10 GFLOP/s of
# NumPy's whole step it is half a minute, of which compiled code saves more than the 10 s that
# compiling takes on one slow core. Loading what was compiled before takes below half a second, and
# pays after one.
WORTH_COMPILING, WORTH_LOADING = 300e9, 10e9
# What a step, or a call, of NumPy costs beside its arithmetic, in the same measure; and what
# dropout and normalisation add to it, for each layer and for each number that goes through it.
OVERHEAD = 1e6
COMPILES = "chainrule compiles its formulas for this machine: some seconds, the first time only"
DROPOUT, NORMALIZATION = (2.5e6, 270), (1e6, 180)


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
    The network will predict by the same engine, where none is asked for.
    """
    # Drawn only where it is used: the order of the examples comes from the same stream.
    drops = any(layer.dropout for layer in network.structure.layers)
    key = draw_key(rng) if drops else np.zeros(2, np.uint32)
    arguments: tuple[Any, ...] = (network, optimizer, penalty, clip_norm, clip_value, key)
    network.predictor, network.predicts_compiled = None, False
    work = updates * step_of_numpy(network, batch_size)

    def make() -> Engine:
        from chainrule.engine.compiled_engine import CompiledEngine

        return CompiledEngine(*arguments, batch_size=batch_size, threads=threads)

    if _pays(engine, work, network.dtype.name):
        made: Engine | None = _compile(engine, network, make, network.dtype.name, say=say)
        if made is not None:
            network.predicts_compiled = True
            return made
    return NumpyEngine(*arguments)


def choose_for_runs(
    engine: str,
    network: Network,
    *,
    batch_size: int,
    updates: int,
    say: Callable[[str], object] | None = None,
) -> str:
    """Return the engine to ask for where several runs like one make so many `updates` in all.

    "auto" by the rules of `choose_engine`: "compiled" or "numpy"; another is returned as it is.
    """
    if engine != "auto":
        if engine == "compiled" and say is not None and not is_there(network.dtype.name):
            say(COMPILES)
        return engine
    work = updates * step_of_numpy(network, batch_size)
    if not (_pays(engine, work, network.dtype.name) and _numba_is_there()):
        return "numpy"
    from chainrule.engine.layer_kernels import cannot_do

    if cannot_do(network.structure):
        return "numpy"
    if say is not None and not is_there(network.dtype.name):
        say(COMPILES)
    return "compiled"


def step_of_numpy(network: Network, batch_size: int) -> float:
    """Return what a training step costs on NumPy, in multiplications and additions."""
    work = 6 * batch_size * _weights(network) + OVERHEAD
    for layer in network.structure.layers:
        numbers = batch_size * layer.units
        for used, (once, each) in (
            (layer.dropout > 0, DROPOUT),
            (layer.normalization is not None, NORMALIZATION),
        ):
            work += used * (once + numbers * each)
    return work


def choose_predictor(engine: str, network: Network, *, rows: int, threads: int | None) -> Any:
    """Return the `CompiledPredictor` that is to predict, or None where NumPy shall.

    By the same rules as `choose_engine`; but after compiled training "auto" is compiled for
    whatever number of rows.
    """
    _checks.check_choice("engine", engine, ENGINES)
    if threads is not None:
        _checks.check_integer("threads", threads, low=1)
    if engine == "numpy":
        return None
    work = 2 * rows * _weights(network) + OVERHEAD

    def make() -> Any:
        from chainrule.engine.prediction import CompiledPredictor

        return CompiledPredictor(network)

    name = f"{network.dtype.name}-prediction"
    if network.predictor is None and (network.predicts_compiled or _pays(engine, work, name)):
        say = None if network.predicts_compiled else lambda text: print(text, file=sys.stderr)
        network.predictor = _compile(engine, network, make, name, forward_only=True, say=say)
        network.predicts_compiled = network.predictor is not None
    return network.predictor


def _weights(network: Network) -> int:
    return sum(n * m for name, (n, m) in network.structure.shapes.items() if name[0] == "W")


def _pays(engine: str, work: float, code: str) -> bool:
    """Whether to compile, or load, the code of this name: as asked, or where it saves time."""
    if engine == "auto" and work > WORTH_LOADING:
        return work > WORTH_COMPILING or is_there(code)
    return engine == "compiled"


def _compile(
    engine: str,
    network: Network,
    make: Callable[[], Any],
    code: str,
    *,
    forward_only: bool = False,
    say: Callable[[str], object] | None = None,
) -> Any:
    """Return what `make` makes by Numba, or None; with a warning if it was asked for by name."""
    why = "Numba is not installed"
    if _numba_is_there():
        from numba.core.errors import NumbaError

        from chainrule.engine.layer_kernels import cannot_do

        why = cannot_do(network.structure, forward_only=forward_only) or ""
        if not why:
            if say is not None and not is_there(code):
                say(COMPILES)
            try:
                return make()
            except (NumbaError, AssertionError, NotImplementedError) as error:  # all from Numba
                why = f"a formula can't be compiled: {error}"
    if engine == "compiled":
        warnings.warn(f"the NumPy engine is used, because {why}", stacklevel=4)
    return None


def _numba_is_there() -> bool:
    try:
        return find_spec("numba") is not None
    except ValueError:  # what find_spec says of a module that was blocked
        return False
