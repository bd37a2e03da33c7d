"""chainrule, by its public function `fit`: all that a user pays for is in it."""

from __future__ import annotations

from typing import ClassVar

from benchmarks.cases import Case
from benchmarks.contenders import Forward
from chainrule import Adam, GradientDescent, Network, fit


class Ours:
    """The compiled engine on as many threads as it takes."""

    threads: ClassVar[int | None] = None

    def __init__(self, case: Case) -> None:
        self.case, self.net = case, case.network()
        self.X, self.y = case.data()

    def train(self, epochs: int) -> None:
        """Train for some epochs."""
        case = self.case
        rule = Adam(case.rate) if case.rule == "adam" else GradientDescent(case.rate)
        fit(
            self.net,
            self.X,
            self.y,
            epochs=epochs,
            batch_size=case.batch_size,
            optimizer=rule,
            engine="compiled",
            threads=self.threads,
            random_state=0,
            verbose=0,
        )

    def network(self) -> Network:
        """Return the network itself."""
        return self.net

    def predictor(self) -> Forward:
        """Return its method, compiled."""
        self.net.forward(self.X[:1], engine="compiled")
        if self.threads is None:
            return self.net.forward
        return lambda X: self.net.forward(X, threads=self.threads)


class OursOnOneThread(Ours):
    """The same on one thread."""

    threads = 1
