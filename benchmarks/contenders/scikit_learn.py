"""scikit-learn's own MLP, an epoch a call, from the case's weights."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from benchmarks.cases import Case
from benchmarks.contenders import Forward, with_parameters
from chainrule import Network


class ScikitLearn:
    """`partial_fit`, on rows that are in the order of the epoch already: it gathers slices."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.X, self.y = case.data()
        self.model = MLPClassifier(
            case.sizes[1:-1],
            activation=case.hidden,
            solver="adam" if case.rule == "adam" else "sgd",
            momentum=0.0,
            nesterovs_momentum=False,
            alpha=0.0,
            batch_size=case.batch_size,
            learning_rate_init=case.rate,
            shuffle=False,
        )
        few = slice(case.batch_size)
        self.model.partial_fit(self.X[few], self.y[few], classes=np.unique(self.y))
        given = list(case.network().parameters.values())
        self.model.coefs_ = [W.copy() for W in given[::2]]
        self.model.intercepts_ = [b[0].copy() for b in given[1::2]]
        del self.model._optimizer  # its state is of other weights

    def train(self, epochs: int) -> None:
        """Train for some epochs."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            for order in self.case.orders(epochs):
                self.model.partial_fit(self.X[order], self.y[order])

    def network(self) -> Network:
        """Return its weights."""
        pairs = zip(self.model.coefs_, self.model.intercepts_, strict=True)
        return with_parameters(self.case, [array for pair in pairs for array in pair])

    def predictor(self) -> Forward:
        """Return the probabilities; of the second class, where there are two."""
        if self.case.sizes[-1] == 1:
            return lambda X: self.model.predict_proba(X)[:, 1:]
        return lambda X: self.model.predict_proba(X)
