"""PyTorch on all cores, as its tutorials train: a loop over mini-batches, with the fused Adam."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from benchmarks.cases import Case
from benchmarks.contenders import Forward, with_parameters
from chainrule import Network
from chainrule.engine.threads import usable_threads

HIDDEN = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}


class Eager:
    """Each operation as it comes."""

    def __init__(self, case: Case) -> None:
        torch.set_num_threads(usable_threads())
        self.case = case
        parts: list[Any] = []
        for n, m in zip(case.sizes, case.sizes[1:], strict=False):
            parts += [torch.nn.Linear(n, m, dtype=torch.float32), HIDDEN[case.hidden]()]
        self.model = torch.nn.Sequential(*parts[:-1])
        with torch.no_grad():
            given = case.network().parameters.values()
            for p, value in zip(self.model.parameters(), given, strict=True):
                p.copy_(torch.from_numpy(value.T.copy()).reshape(p.shape))
        X, y = case.data()
        self.X, self.Y = torch.from_numpy(X), torch.from_numpy(y)
        self.measure: Any = torch.nn.CrossEntropyLoss()
        if case.sizes[-1] == 1:
            self.measure, self.Y = torch.nn.BCEWithLogitsLoss(), self.Y.to(torch.float32)[:, None]
        if case.rule == "adam":
            self.rule: Any = torch.optim.Adam(self.model.parameters(), case.rate, fused=True)
        else:
            self.rule = torch.optim.SGD(self.model.parameters(), case.rate)
        self.loss: Any = self._loss

    def _loss(self, X: Any, Y: Any) -> Any:
        return self.measure(self.model(X), Y)

    def train(self, epochs: int) -> None:
        """Train for some epochs."""
        for order in self.case.orders(epochs):
            for rows in torch.from_numpy(order).split(self.case.batch_size):
                self.rule.zero_grad(set_to_none=True)
                self.loss(self.X[rows], self.Y[rows]).backward()
                self.rule.step()

    def network(self) -> Network:
        """Return the weights, which are the other way round here."""
        return with_parameters(self.case, [p.detach().numpy().T for p in self.model.parameters()])

    def predictor(self) -> Forward:
        """Return the model in inference mode, with the output's activation."""
        last = torch.nn.Sigmoid() if self.case.sizes[-1] == 1 else torch.nn.Softmax(dim=1)
        model = torch.nn.Sequential(*self.model, last).eval()

        def forward(X: Any) -> Any:
            with torch.inference_mode():
                return model(torch.from_numpy(np.ascontiguousarray(X))).numpy()

        return forward


class Compiled(Eager):
    """Forward pass and loss, and so the backward pass, by `torch.compile`."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.loss = torch.compile(self._loss)

    def predictor(self) -> Forward:
        """Return the compiled model; it is compiled anew for another number of rows."""
        last = torch.nn.Sigmoid() if self.case.sizes[-1] == 1 else torch.nn.Softmax(dim=1)
        model: Any = torch.compile(torch.nn.Sequential(*self.model, last).eval(), dynamic=False)

        def forward(X: Any) -> Any:
            with torch.inference_mode():
                return model(torch.from_numpy(np.ascontiguousarray(X))).numpy()

        return forward
