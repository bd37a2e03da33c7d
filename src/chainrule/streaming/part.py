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
        for raw in self.raws(piece):
            X = self.inputs_of(piece, raw)
            yield Examples(
                Inputs(X, self.network.dtype), self.targets(piece, raw), self.weights(piece, raw)
            )

    def raws(self, piece: int) -> Iterator[Raw]:
        """Yield those of a piece as they are on disk."""
        for raw in self.source.read(piece):
            if self.draw is not None:
                start = self.firsts[piece] + raw.first
                chosen = self.draw.of(np.arange(start, start + len(raw))) == self.held
                raw = raw.take(np.flatnonzero(chosen))
            if len(raw):
                yield raw

    def inputs(self) -> Iterator[FloatArray]:
        """Yield the inputs of all rows in their order, whatever their targets, some at a time."""
        for piece in range(len(self.source.rows)):
            for raw in self.source.read(piece):
                yield self.inputs_of(piece, raw)

    def inputs_of(self, piece: int, raw: Raw, out: FloatArray | None = None) -> FloatArray:
        """Return the inputs (m, n) of rows, in `out` if that is given."""
        X = (
            np.empty((len(raw), len(self.source.columns)), self.network.dtype)
            if out is None
            else out
        )
        self.preparation.write_inputs(raw, X)
        refuse_not_finite(self.source, piece, raw, X, filled=False)
        return X

    def targets(self, piece: int, raw: Raw) -> Array:
        """Return the targets of rows, as the loss has them."""
        structure = self.network.structure
        try:
            return self.preparation.targets(
                raw, structure.loss, structure.n_outputs, self.network.dtype
            )
        except (ValueError, TypeError) as error:
            rows = f"the {len(raw)} rows from {self.source.place(piece, raw.number(0))}"
            raise StreamError(f"in {rows}: {error}") from None

    def weights(self, piece: int, raw: Raw) -> FloatArray | None:
        """Return the weights (m, 1) of rows, if there are any."""
        if raw.w is None:
            return None
        w = np.asarray(raw.w, self.network.dtype).reshape(-1, 1)
        if not (np.isfinite(w).all() and (w >= 0).all()):
            rows = f"the {len(raw)} rows from {self.source.place(piece, raw.number(0))}"
            raise StreamError(f"in {rows}: sample_weight must be finite and not negative")
        return w

    @property
    def row_bytes(self) -> int:
        """Memory that a prepared row takes, with its place in a shuffled order."""
        structure, dtype = self.network.structure, self.network.dtype
        return (structure.n_inputs + structure.n_outputs + 1) * dtype.itemsize + 16

    def in_memory(self) -> Examples:
        """Return all of them at once, in their order."""
        buffer = Buffer(len(self), self)
        for piece in range(len(self.source.rows)):
            for raw in self.raws(piece):
                buffer.take(piece, raw)
        return buffer.examples()


class Buffer:
    """Memory for so many examples of a part, which may be filled again and again."""

    def __init__(self, rows: int, part: Part) -> None:
        self.rows, self.room, self.part = rows, rows, part
        structure, self.dtype = part.network.structure, part.network.dtype
        self.X = np.empty((rows, structure.n_inputs), self.dtype)
        self.Y: Array | None = None
        self.w: FloatArray | None = None
        self.filled = 0

    def empty(self, room: int) -> None:
        """Begin anew, for at most so many examples."""
        self.filled, self.room = 0, min(room, self.rows)

    def take(self, piece: int, raw: Raw) -> Raw | None:
        """Take over as many rows of a piece as there is room for; return the others, or None.

        Raises StreamError, with the place, if they can't be learned from.
        """
        n = min(len(raw), self.room - self.filled)
        now, rest = (raw, None) if n == len(raw) else (raw.take(slice(n)), raw.take(slice(n, None)))
        to = slice(self.filled, self.filled + n)
        self.part.inputs_of(piece, now, out=self.X[to])
        Y, w = self.part.targets(piece, now), self.part.weights(piece, now)
        if self.Y is None:
            self.Y = np.empty((self.rows, Y.shape[1]), Y.dtype)
        self.Y[to] = Y
        if w is not None:
            if self.w is None:
                self.w = np.empty((self.rows, 1), self.dtype)
            self.w[to] = w
        self.filled += n
        return rest

    def examples(self) -> Examples:
        """Return what was taken, in its order; it lies in this memory."""
        n = self.filled
        w = None if self.w is None else self.w[:n]
        return Examples(Inputs(self.X[:n], self.dtype), self.Y[:n], w)  # type: ignore[index]
