"""The lecture's own experiment: two moons, one hidden layer, ten epochs; and what lies beyond.

The general method: 1 define the structure, 2 initialise the parameters, 3 loop over forward
propagation, cost, backward propagation and update, 4 test.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule import _checks
from chainrule._types import FloatArray
from chainrule.explain import collapse
from chainrule.loop import DivergenceError
from chainrule.network import Network
from chainrule.steps import (
    backward_propagation,
    batch_generator,
    compute_cost,
    forward_propagation,
    initialize_parameters,
    predict,
    update_parameters,
)
from chainrule.structure import Structure
from chainrule.training import fit


@dataclass(frozen=True)
class Moons:
    """The lecture's data: rows of two coordinates, labels 0 and 1 as a column."""

    X_train: FloatArray
    X_test: FloatArray
    Y_train: FloatArray
    Y_test: FloatArray

    @property
    def labels(self) -> FloatArray:
        """All labels, of both sets."""
        return np.concatenate([self.Y_train, self.Y_test])


def load_moons() -> Moons:
    """Return 1,000 points of two moons (noise 0.2, seed 42), split 80/20 with seed 42."""
    from sklearn.datasets import make_moons
    from sklearn.model_selection import train_test_split

    X, y = make_moons(1000, noise=0.2, random_state=42)
    return Moons(*train_test_split(X, y.reshape(-1, 1), test_size=0.2, random_state=42))


@dataclass(frozen=True)
class Trained:
    """What `model` learned: structure, parameters, and the cost that it printed each epoch."""

    structure: Structure
    parameters: dict[str, FloatArray]
    costs: list[float]

    def outputs(self, X: FloatArray) -> FloatArray:
        """Return A (m, 1), the probability of class 1 for each row of X."""
        return forward_propagation(X, self.parameters, self.structure)[0]

    def accuracy(self, X: FloatArray, Y: FloatArray) -> float:
        """Return the share of rows whose label is predicted."""
        return float(np.mean(predict(X, self.parameters, self.structure) == Y))


def model(
    X: FloatArray,
    Y: FloatArray,
    n_hidden: int | Sequence[int] = 4,
    *,
    activation: str = "tanh",
    epochs: int = 10,
    batch_size: int = 32,
    learning_rate: float = 0.01,
    random_state: int = 42,
    say: Callable[[str], object] = print,
) -> Trained:
    """Train the lecture's network by its seven steps, and print the cost after each epoch.

    Parameters
    ----------
    X : array (m, 2)
        Examples.
    Y : array (m, 1)
        Labels, 0 or 1.
    n_hidden : int or sequence of int, default 4
        Units of the hidden layer, or of each one.
    activation : str, default "tanh"
        Activation of the hidden layers; the output's is the sigmoid.
    epochs, batch_size : int, default 10 and 32
        An incomplete last mini-batch is dropped, as in the lecture.
    learning_rate : float, default 0.01
        The rate α of gradient descent.
    random_state : int, default 42
        One stream draws the weights, then shuffles the rows once an epoch.
    say : callable, default print
        Takes each line of text.

    Returns
    -------
    Trained

    Raises
    ------
    DivergenceError
        If the cost is no longer finite.
    """
    hidden = [n_hidden] if isinstance(n_hidden, int) else list(n_hidden)
    structure = Structure([X.shape[1], *hidden, Y.shape[1]], hidden=activation)
    rng = _checks.check_random_state(random_state)
    parameters = initialize_parameters(structure, rng)
    costs = []
    for epoch in range(epochs):
        batches = batch_generator(X, Y, batch_size=batch_size, drop_last=True, random_state=rng)
        for X_batch, Y_batch in batches:
            A, cache = forward_propagation(X_batch, parameters, structure)
            cost = compute_cost(A, Y_batch, structure)
            gradients = backward_propagation(parameters, cache, Y_batch, structure)
            parameters = update_parameters(parameters, gradients, learning_rate)
            if not math.isfinite(cost):
                raise DivergenceError(
                    f"the cost is {cost} in epoch {epoch}; try a smaller learning rate than "
                    f"{learning_rate:g}"
                )
        costs.append(cost)
        say(f"Cost after epoch {epoch}: {cost}")
    return Trained(structure, parameters, costs)


def parameter_lines(parameters: Mapping[str, FloatArray]) -> Iterator[str]:
    """Yield ``W1 = …``, ``b1 = …`` as the lecture prints them: a single column in one line."""
    for name, array in parameters.items():
        text = np.array2string(array, precision=8, prefix=f"{name} = ")
        if array.shape[1] == 1:
            text = np.array2string(array, precision=8).replace("\n", "")
        yield f"{name} = {text}"


@dataclass(frozen=True)
class Collapse:
    """Two linear layers, the one layer that they equal, and how far their outputs differ."""

    two: Network
    one: Network
    greatest_difference: float


def linear_collapse(X: FloatArray, random_state: int = 42) -> Collapse:
    """Show that with g(z) = z two layers are one: W′ = W¹W², b′ = b¹W² + b²."""
    structure = Structure([X.shape[1], 4, 1], hidden="identity", loss="mean_squared_error")
    two = Network(structure, random_state=random_state)
    two.parameters["b1"][:] = [[0.1, -0.2, 0.3, -0.4]]  # not zero, so that b′ is seen to be right
    one = collapse(two)
    return Collapse(two, one, float(np.abs(two.forward(X) - one.forward(X)).max()))


@dataclass(frozen=True)
class Trial:
    """One network that went beyond the lecture, and what it reached on the test set."""

    activation: str
    network: Network
    accuracy: float
    seconds: float


def beyond(data: Moons, random_state: int = 42) -> list[Trial]:
    """Train deeper and longer on the lecture's split, with every activation of the lecture.

    Two hidden layers of 16 units by Glorot's rule, 22 epochs of Adam at rate 0.05, mini-batches
    of 32. The softmax stands at the output, with a unit for each class.
    """
    trials = []
    for activation in ("identity", "sigmoid", "tanh", "relu", "elu", "softmax"):
        start = time.perf_counter()
        at_output = activation == "softmax"
        network = Network(
            [2, 16, 16, 2 if at_output else 1],
            hidden="tanh" if at_output else activation,
            initializer="glorot_uniform",
            random_state=random_state,
        )
        fit(
            network,
            data.X_train,
            data.Y_train,
            epochs=22,
            learning_rate=0.05,
            random_state=random_state,
            verbose=0,
        )
        accuracy = float(np.mean(network.predict(data.X_test) == data.Y_test.ravel()))
        trials.append(Trial(activation, network, accuracy, time.perf_counter() - start))
    return trials
