"""Some rows of a stream, as a network takes them: those to learn from, or those held back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from chainrule._inputs import Inputs
from chainrule._types import Array, FloatArray
from chainrule.batches import Examples
from chainrule.network import Network
from chainrule.streaming.preparation import Preparation, refuse_not_finite
from chainrule.streaming.source import Raw, Source, StreamError

_U = np.uint64


@dataclass(frozen=True)
class Draw:
    """Which rows are held back: each with the same chance, drawn from its number, so for good."""

    seed: int
    share: float

    def of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return whether rows of these numbers are held back."""
        # Steele, Lea & Flood (2014), *Fast splittable pseudorandom number generators*, figure 15:
        # what SplitMix64 draws at step `row`, of which the 53 highest bits make a fraction
        with np.errstate(over="ignore"):
            z = (rows.astype(_U) + _U(1)) * _U(0x9E3779B97F4A7C15) + _U(self.seed)
            z = (z ^ (z >> _U(30))) * _U(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> _U(27))) * _U(0x94D049BB133111EB)
            z ^= z >> _U(31)
        held: npt.NDArray[np.bool_] = (z >> _U(11)) * 2.0**-53 < self.share
        return held


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of a stream, prepared for a network.

    Attributes
    ----------
    source : Source
    preparation : Preparation
    network : Network
        Whose type the numbers get, and whose loss says what targets are.
    draw : Draw or None
        What divides the rows; None if these are all of them.
    held : bool
        Whether these are the rows that it holds back.
    """

    source: Source
    preparation: Preparation
    network: Network
    draw: Draw | None = None
    held: bool = False
    firsts: npt.NDArray[np.int64] = field(init=False)
    n_rows: int = field(init=False)

    def __post_init__(self) -> None:
        rows = self.source.rows
        object.__setattr__(self, "firsts", np.cumsum(rows) - rows)
        object.__setattr__(self, "n_rows", self._count())

    def __len__(self) -> int:
        return self.n_rows

    def _count(self) -> int:
        total = int(self.source.rows.sum())
        if self.draw is None:
            return total
        starts = range(0, total, 2**20)
        numbers = (np.arange(start, min(start + 2**20, total)) for start in starts)
        held = sum(int(self.draw.of(rows).sum()) for rows in numbers)
        return held if self.held else total - held

    def check_targets(self) -> None:
        """Raise ValueError if the stream has no targets, or classes where the loss wants none."""
        loss, classes = self.network.structure.loss, self.preparation.classes
        if not self.source.has_targets:
            raise ValueError("the stream has no target; name its column, or give the array y")
        if classes is not None and not (loss.labels or loss.name == "binary_cross_entropy"):
            raise ValueError(
                f"the target holds words, which are classes; loss {loss.name!r} wants numbers"
            )
        n = self.network.structure.n_outputs
        if classes is not None and (n if loss.labels else 2) != len(classes):
            wanted = f"{len(classes)} outputs" if len(classes) > 2 else "one output or two"
            raise ValueError(
                f"the target has {len(classes)} classes, for which the network must have {wanted}, "
                f"got {n}"
            )

    def blocks(self) -> Iterator[Examples]:
        """Yield all of them in their order, some at a time."""
        for piece in range(len(self.source.rows)):
            yield from self.read(piece)

    def read(self, piece: int) -> Iterator[Examples]:
        """Yield those of a piece in their order; raises StreamError, with the place."""
        for raw in self.source.read(piece):
            X = self._inputs(piece, raw)
            examples = Examples(
                Inputs(X, self.network.dtype), self._targets(piece, raw), self._weights(piece, raw)
            )
            if self.draw is not None:
                start = self.firsts[piece] + raw.first
                chosen = self.draw.of(np.arange(start, start + len(raw))) == self.held
                rows = np.flatnonzero(chosen)
                examples = Examples(
                    Inputs(X[rows], self.network.dtype),
                    examples.Y[rows],
                    None if examples.sample_weight is None else examples.sample_weight[rows],
                )
            if len(examples):
                yield examples

    def inputs(self) -> Iterator[FloatArray]:
        """Yield the inputs of all rows in their order, whatever their targets, some at a time."""
        for piece in range(len(self.source.rows)):
            for raw in self.source.read(piece):
                yield self._inputs(piece, raw)

    def _inputs(self, piece: int, raw: Raw) -> FloatArray:
        X = self.preparation.inputs(raw, self.network.dtype)
        refuse_not_finite(self.source, piece, raw.first, X, filled=False)
        return X

    def _targets(self, piece: int, raw: Raw) -> Array:
        structure = self.network.structure
        try:
            return self.preparation.targets(
                raw, structure.loss, structure.n_outputs, self.network.dtype
            )
        except (ValueError, TypeError) as error:
            rows = f"the {len(raw)} rows from {self.source.place(piece, raw.first)}"
            raise StreamError(f"in {rows}: {error}") from None

    def _weights(self, piece: int, raw: Raw) -> FloatArray | None:
        if raw.w is None:
            return None
        w = np.asarray(raw.w, self.network.dtype).reshape(-1, 1)
        if not (np.isfinite(w).all() and (w >= 0).all()):
            rows = f"the {len(raw)} rows from {self.source.place(piece, raw.first)}"
            raise StreamError(f"in {rows}: sample_weight must be finite and not negative")
        return w

    @property
    def row_bytes(self) -> int:
        """Memory that a prepared row takes, with its place in a shuffled order."""
        structure, dtype = self.network.structure, self.network.dtype
        return (structure.n_inputs + structure.n_outputs + 1) * dtype.itemsize + 16

    def in_memory(self) -> Examples:
        """Return all of them at once, in their order."""
        buffer = Buffer(len(self), self.network)
        for block in self.blocks():
            buffer.take(block)
        return buffer.examples()


class Buffer:
    """Memory for so many examples, which may be filled again and again."""

    def __init__(self, rows: int, network: Network) -> None:
        self.rows, self.dtype = rows, network.dtype
        self.X = np.empty((rows, network.structure.n_inputs), network.dtype)
        self.Y: Array | None = None
        self.w: FloatArray | None = None
        self.filled = 0

    def take(self, block: Examples) -> Examples | None:
        """Take over as many of these examples as there is room for; return the others, or None."""
        if self.Y is None:
            self.Y = np.empty((self.rows, block.Y.shape[1]), block.Y.dtype)
        if self.w is None and block.sample_weight is not None:
            self.w = np.empty((self.rows, 1), self.dtype)
        n = min(len(block), self.rows - self.filled)
        to = slice(self.filled, self.filled + n)
        self.X[to], self.Y[to] = block.X.data[:n], block.Y[:n]
        if self.w is not None and block.sample_weight is not None:
            self.w[to] = block.sample_weight[:n]
        self.filled += n
        if n == len(block):
            return None
        w = block.sample_weight
        rest = block.X.data[n:]
        return Examples(Inputs(rest, self.dtype), block.Y[n:], None if w is None else w[n:])

    def examples(self) -> Examples:
        """Return what was taken, in its order; it lies in this memory."""
        n = self.filled
        w = None if self.w is None else self.w[:n]
        return Examples(Inputs(self.X[:n], self.dtype), self.Y[:n], w)  # type: ignore[index]
