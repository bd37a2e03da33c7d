"""JAX: an epoch is one compiled scan over its mini-batches, and Adam is written out."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.cases import Case
from benchmarks.contenders import Forward, with_parameters
from chainrule import Network

HIDDEN = {"relu": jax.nn.relu, "tanh": jnp.tanh}


class Jax:
    """The parameters and the state of the rule stay on the device, and are donated."""

    def __init__(self, case: Case) -> None:
        self.case = case
        X, y = case.data()
        self.X, self.y = jnp.asarray(X), jnp.asarray(y)
        self.parameters = [jnp.array(value) for value in case.network().parameters.values()]
        zeros = [jnp.zeros_like(p) for p in self.parameters]
        self.state: Any = (zeros, [jnp.zeros_like(p) for p in zeros], jnp.zeros(()))
        self.epoch = jax.jit(self._epoch, donate_argnums=(0, 1))

    def _sums(self, parameters: Any, X: Any) -> Any:
        A = X
        for l in range(0, len(parameters), 2):
            Z = A @ parameters[l] + parameters[l + 1]
            A = HIDDEN[self.case.hidden](Z)
        return Z

    def _loss(self, parameters: Any, X: Any, y: Any) -> Any:
        Z = self._sums(parameters, X)
        if Z.shape[1] == 1:
            return (jnp.logaddexp(0, Z[:, 0]) - y * Z[:, 0]).mean()
        return -jax.nn.log_softmax(Z)[jnp.arange(len(y)), y].mean()

    def _epoch(self, parameters: Any, state: Any, order: Any) -> Any:
        rows = order.reshape(-1, self.case.batch_size)
        return jax.lax.scan(self._step, (parameters, state), rows)[0]

    def _step(self, carried: Any, rows: Any) -> Any:
        parameters, (m, v, t) = carried
        dw = jax.grad(self._loss)(parameters, self.X[rows], self.y[rows])
        t, alpha = t + 1, self.case.rate
        if self.case.rule == "adam":
            m = [0.9 * a + 0.1 * g for a, g in zip(m, dw, strict=True)]
            v = [0.999 * a + 0.001 * g * g for a, g in zip(v, dw, strict=True)]
            dw = [
                a / (1 - 0.9**t) / (jnp.sqrt(b / (1 - 0.999**t)) + 1e-8)
                for a, b in zip(m, v, strict=True)
            ]
        parameters = [w - alpha * g for w, g in zip(parameters, dw, strict=True)]
        return (parameters, (m, v, t)), None

    def train(self, epochs: int) -> None:
        """Train for some epochs, and wait for the last."""
        for order in self.case.orders(epochs):
            made = self.epoch(self.parameters, self.state, order)
            self.parameters, self.state = made
        jax.block_until_ready(self.parameters)

    def network(self) -> Network:
        """Return its parameters."""
        return with_parameters(self.case, list(self.parameters))

    def predictor(self) -> Forward:
        """Return the jitted forward pass."""
        last = jax.nn.sigmoid if self.case.sizes[-1] == 1 else jax.nn.softmax
        forward = jax.jit(lambda parameters, X: last(self._sums(parameters, X)))
        return lambda X: np.asarray(forward(self.parameters, X))
