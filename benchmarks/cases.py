"""The cases: which networks are trained, on how many rows, by which rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chainrule import Network
from chainrule.steps import draw_order


@dataclass(frozen=True)
class Case:
    """A network and its training, all in float32.

    `rule` is "adam", with rate 0.001, or "gradient_descent", with rate 0.01; `batches` is how many
    mini-batches an epoch has. By `tolerance` the weights of two contenders may differ after two
    epochs, as a share of the way that they went: sums of float32 in another order differ in the
    7th digit, and Adam, which divides by roots of small squares, magnifies that, the more so the
    wider the network. Another order of the rows differs by more.
    """

    name: str
    sizes: tuple[int, ...]
    batch_size: int
    batches: int
    hidden: str = "relu"
    rule: str = "adam"
    tolerance: float = 1e-4

    @property
    def rows(self) -> int:
        """Rows of the data."""
        return self.batch_size * self.batches

    @property
    def rate(self) -> float:
        """Learning rate."""
        return 0.001 if self.rule == "adam" else 0.01

    @property
    def flops(self) -> float:
        """Multiplications and additions of a step: Z, dA and dW, but no gradient of the inputs."""
        products = [n * m for n, m in zip(self.sizes, self.sizes[1:], strict=False)]
        return 6.0 * self.batch_size * sum(products) - 2.0 * self.batch_size * products[0]

    @property
    def label(self) -> str:
        """The case in words."""
        rule = "Adam" if self.rule == "adam" else "gradient descent"
        return f"{'-'.join(map(str, self.sizes))}, batch {self.batch_size}, {rule}"

    def network(self) -> Network:
        """Return the network that every contender begins with."""
        return Network(list(self.sizes), hidden=self.hidden, random_state=0, dtype=np.float32)

    def data(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Return inputs of a normal distribution, and classes that depend on them."""
        rng = np.random.default_rng(0)
        X = rng.normal(size=(self.rows, self.sizes[0])).astype(np.float32)
        n = max(2, self.sizes[-1])
        scores = X @ rng.normal(size=(self.sizes[0], n)) + rng.normal(size=(self.rows, n))
        return X, scores.argmax(axis=1)

    def orders(self, epochs: int) -> list[npt.NDArray[np.intp]]:
        """Return the order of the rows in each epoch, as `chainrule.fit` draws it from seed 0."""
        rng = np.random.RandomState(0)
        return [draw_order(self.rows, self.batch_size, random_state=rng) for _ in range(epochs)]


CASES = {
    case.name: case
    for case in (
        Case("lecture", (2, 4, 1), 32, 25, hidden="tanh", rule="gradient_descent", tolerance=1e-5),
        Case("small table", (20, 64, 64, 1), 128, 64),
        Case("table", (50, 128, 128, 1), 256, 40),
        Case("images", (784, 512, 256, 10), 128, 40, tolerance=0.1),
        Case("wide", (1024, 2048, 2048, 10), 1024, 4, tolerance=0.02),
    )
}
