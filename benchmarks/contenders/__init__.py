"""Who takes part: chainrule and its peers, each behind the same four methods."""

from __future__ import annotations

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


def contenders() -> dict[str, type[Contender] | None]:
    """Return every contender by its name; None for one that is not installed."""
    from benchmarks.contenders.ours import Ours, OursOnOneThread
    from benchmarks.contenders.scikit_learn import ScikitLearn

    found: dict[str, type[Contender] | None] = {
        "chainrule": Ours,
        "chainrule, 1 thread": OursOnOneThread,
        "PyTorch": None,
        "PyTorch, compiled": None,
        "JAX": None,
        "scikit-learn": ScikitLearn,
    }
    if find_spec("torch"):
        from benchmarks.contenders.pytorch import Compiled, Eager

        found |= {"PyTorch": Eager, "PyTorch, compiled": Compiled}
    if find_spec("jax"):
        from benchmarks.contenders.jax_scan import Jax

        found["JAX"] = Jax
    return found


def with_parameters(case: Case, arrays: list[npt.ArrayLike]) -> Network:
    """Return the network of a case with W1, b1, W2, … in place of its own."""
    network = case.network()
    for name, array in zip(network.parameters, arrays, strict=True):
        network.parameters[name][:] = np.asarray(array).reshape(network.parameters[name].shape)
    return network
