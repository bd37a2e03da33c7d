"""Who takes part: chainrule and its peers, each behind the same four methods."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Protocol

import numpy as np
import numpy.typing as npt

from benchmarks.cases import Case
from chainrule import Network


class Contender(Protocol):
    """A network of a case, its data, and what trains it."""

    def __init__(self, case: Case) -> None: ...

    def train(self, epochs: int) -> None:
        """Train for some epochs, in the orders of the case."""
        ...

    def network(self) -> Network:
        """Return a chainrule network with the parameters that were reached."""
        ...

    def predictor(self) -> Forward:
        """Return the function from inputs (m, n₀) to outputs (m, n_L)."""
        ...


class Forward(Protocol):
    """Outputs (m, n_L) or (m,), as NumPy's array, for inputs (m, n₀)."""

    def __call__(self, X: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]: ...


# Where each is found, and the package that it needs. Loaded one by one, so that a fresh process
# pays for the one that it is about.
_PLACES = {
    "chainrule": ("ours", "Ours", "chainrule"),
    "chainrule, 1 thread": ("ours", "OursOnOneThread", "chainrule"),
    "PyTorch": ("pytorch", "Eager", "torch"),
    "PyTorch, compiled": ("pytorch", "Compiled", "torch"),
    "JAX": ("jax_scan", "Jax", "jax"),
    "scikit-learn": ("scikit_learn", "ScikitLearn", "sklearn"),
}
NAMES = list(_PLACES)


def contender(name: str) -> type[Contender] | None:
    """Return a contender by its name; None if it is not installed."""
    module, kind, package = _PLACES[name]
    if not find_spec(package):
        return None
    found: type[Contender] = getattr(import_module(f"benchmarks.contenders.{module}"), kind)
    return found


def contenders() -> dict[str, type[Contender]]:
    """Return all that are installed, by name."""
    found = {name: contender(name) for name in NAMES}
    return {name: kind for name, kind in found.items() if kind}


def with_parameters(case: Case, arrays: list[npt.ArrayLike]) -> Network:
    """Return the network of a case with W1, b1, W2, … in place of its own."""
    network = case.network()
    for name, array in zip(network.parameters, arrays, strict=True):
        network.parameters[name][:] = np.asarray(array).reshape(network.parameters[name].shape)
    return network
