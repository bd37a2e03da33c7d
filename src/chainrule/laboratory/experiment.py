"""An experiment: settings, examples, and a network that learns them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chainrule import steps
from chainrule._types import FloatArray
from chainrule.activations import get_activation
from chainrule.batches import Examples
from chainrule.laboratory.examples import Split, Table, split_examples
from chainrule.laboratory.learning import Learning, examples_of
from chainrule.laboratory.settings import SettingError, Settings
from chainrule.network import Network
from chainrule.origin import Origin
from chainrule.structure import Layer, Structure

# The output and the loss of each task.
OUTPUTS = {
    "binary": ("sigmoid", "binary_cross_entropy"),
    "classes": ("softmax", "categorical_cross_entropy"),
    "regression": ("identity", "mean_squared_error"),
}


@dataclass(frozen=True)
class Score:
    """The loss on some examples, and the share that is right; R² where a number is predicted."""

    loss: float
    accuracy: float


class Experiment:
    """Settings, the examples they ask for, and the network that learns from them.

    Parameters
    ----------
    settings : Settings
    table : Table, optional
        Examples that were opened or given, for ``data="table"`` and ``"given"``.
    given : Network, optional
        A network from elsewhere, in place of the one that the settings describe. A copy learns.
    say : callable, optional
        It is told, in a sentence, of an engine that has to be compiled first.

    Raises
    ------
    SettingError
        If the settings can't be: the message is for a person.
    """

    def __init__(
        self,
        settings: Settings,
        table: Table | None = None,
        given: Network | None = None,
        say: Callable[[str], object] | None = None,
    ) -> None:
        self.settings, self.table, self.given, self._say = settings, table, given, say
        self.split = split_examples(settings, table)
        network = build_network(settings, self.split) if given is None else given.copy()
        if network.structure.n_inputs != len(self.split.names):
            raise SettingError(
                "data",
                f"the network has {network.structure.n_inputs} inputs, "
                f"and the data have {len(self.split.names)}",
            )
        self.network = network
        try:
            self.train = examples_of(network, self.split.X_train, self.split.y_train)
            self.test = (
                examples_of(network, self.split.X_test, self.split.y_test)
                if len(self.split.y_test)
                else None
            )
        except (TypeError, ValueError) as error:
            raise SettingError("data", str(error)) from None
        self._seed = network.origin.seed if network.origin else None
        self._begin()

    def _begin(self) -> None:
        self.network.origin = Origin(self._seed)
        self.learning = Learning(self.network, self.train, self.settings, self._say)

    @property
    def task(self) -> str:
        """What is predicted: "binary", "classes" or "regression"."""
        loss = self.network.structure.loss
        if loss.labels:
            return "classes"
        return "binary" if loss.name == "binary_cross_entropy" else "regression"

    def take_over(self, settings: Settings) -> None:
        """Go on by settings of which only some of `LIVE` differ."""
        self.split = split_examples(settings, self.table)
        self.settings = settings
        if self.learning.steps:
            self.learning.take_over(settings)
        else:  # as if these had been the settings from the start
            self._begin()

    def score(self, examples: Examples | None) -> Score | None:
        """Return loss and accuracy on examples, without dropout; None where there are none."""
        if examples is None:
            return None
        network, structure = self.network, self.network.structure
        with np.errstate(over="ignore", invalid="ignore"):
            A, cache = steps.forward_propagation(
                examples.X[:], network.parameters, structure, statistics=network.statistics
            )
            Z = cache[f"Z{len(structure.layers)}"]
            loss = steps.compute_cost(A, examples.Y, structure, Z=Z)
        return Score(loss, accuracy_of(A, examples.Y, self.task))


def accuracy_of(A: FloatArray, Y: FloatArray, task: str) -> float:
    """Return the share of outputs A (m, n_L) that decide rightly; R² for regression."""
    if task == "classes":
        classes = Y[:, 0] if Y.shape[1] == 1 else Y.argmax(axis=1)
        return float(np.mean(A.argmax(axis=1) == classes))
    if task == "binary":
        return float(np.mean((A > 0.5) == (Y > 0.5)))
    spread = float(((Y - Y.mean(axis=0)) ** 2).sum())
    return 1 - float(((A - Y) ** 2).sum()) / spread if spread else 0.0


def build_network(settings: Settings, split: Split) -> Network:
    """Return the network that the settings describe, for examples."""
    output, loss = OUTPUTS[split.task]
    n_outputs = len(split.class_names) if split.task == "classes" else 1
    initializer = None if settings.initializer == "default" else settings.initializer
    hidden = [
        Layer(units, get_activation(name), dropout=settings.dropout, initializer=initializer)
        for units, name in settings.hidden
    ]
    structure = Structure(
        [len(split.names), *hidden, n_outputs], output=output, loss=loss, initializer=initializer
    )
    return Network(structure, random_state=settings.seed)
