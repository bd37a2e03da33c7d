"""L-BFGS: SciPy's minimiser on the cost of all examples, with the gradient of the steps."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from chainrule import steps
from chainrule._types import FloatArray
from chainrule.batches import Examples
from chainrule.network import Network
from chainrule.penalties import NO_PENALTY, Penalty


def cost_and_gradient(
    network: Network, examples: Examples, penalty: Penalty = NO_PENALTY
) -> tuple[float, FloatArray]:
    """Return the loss J without penalty, and the gradient (n_parameters,) with it, in float64.

    The examples are gone through in parts, of which only one is dense at a time.
    """
    parameters, structure = network.parameters, network.structure
    w = examples.sample_weight
    whole = float(steps.weight_of(examples.X, w))
    loss, gradient = 0.0, np.zeros(len(network.vector))
    for rows in examples.X.parts():
        X, Y, w_rows = examples.X[rows], examples.Y[rows], None if w is None else w[rows]
        share = float(steps.weight_of(X, w_rows)) / whole
        if share == 0:
            continue
        A, cache = steps.forward_propagation(X, parameters, structure)
        Z = cache[f"Z{len(structure.layers)}"]
        loss += share * steps.compute_cost(A, Y, structure, Z=Z, sample_weight=w_rows)
        gradients = steps.backward_propagation(
            parameters, cache, Y, structure, sample_weight=w_rows
        )
        gradient += share * network.flatten(gradients, prefix="d")
    for name, slope in network.unflatten(gradient).items():
        if penalty and name[0] == "W":
            slope += penalty.slope(parameters[name], whole)
    return loss, gradient


def minimize_cost(
    network: Network,
    examples: Examples,
    penalty: Penalty,
    *,
    tol: float,
    max_iter: int,
    max_fun: int,
    after_each: Callable[[], bool],
) -> tuple[float, float, int]:
    """Train a network in place by L-BFGS, and return its loss, its penalty and the iterations.

    Liu & Nocedal (1989), *On the limited memory BFGS method*, Mathematical Programming 45; in the
    form of SciPy, L-BFGS-B. `after_each` iteration says whether to stop. A ConvergenceWarning says
    what kept it from its tolerance.
    """
    m = steps.weight_of(examples.X, examples.sample_weight)

    def cost(vector: npt.NDArray[np.float64]) -> tuple[float, FloatArray]:
        network.vector[:] = vector
        loss, gradient = cost_and_gradient(network, examples, penalty)
        return loss + steps.penalty_on(network.parameters, penalty, m), gradient

    def callback(intermediate_result: Any) -> None:
        network.vector[:] = intermediate_result.x
        if after_each():
            raise StopIteration

    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        result = minimize(
            cost,
            network.vector.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=callback,
            options={"maxfun": max_fun, "maxiter": max_iter, "gtol": tol},
        )
        network.vector[:] = result.x
        penalty_part = steps.penalty_on(network.parameters, penalty, m)
    if not np.isfinite(result.fun):
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may contain large values "
            f"and need to be preprocessed. The cost is {result.fun} after {result.nit} iterations; "
            "scale inputs and targets to about -3 … 3"
        )
    if result.status != 0 and "StopIteration" not in result.message:
        _warn(result, max_iter)
    return float(result.fun) - penalty_part, penalty_part, min(int(result.nit), max_iter)


def _warn(result: Any, max_iter: int) -> None:
    hint = f" Raise max_iter (it was {max_iter})" if result.nit >= max_iter else " Raise max_fun"
    warnings.warn(
        f"lbfgs failed to converge after {result.nit} iteration(s) (status={result.status}): "
        f"{result.message}.{hint}, or scale the inputs to about -3 … 3.",
        ConvergenceWarning,
        stacklevel=7,
    )
