"""An epoch of a stream: its pieces in a new order, their rows mixed in buffers of bounded size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from chainrule.batches import Examples
from chainrule.streaming.part import Buffer, Part
from chainrule.streaming.plan import BUFFERS, Plan
from chainrule.streaming.source import Raw, block_rows

# How often the first buffer of an epoch is halved; the next ones once less each.
_HALVED = 3
# So many blocks, of several pieces, a buffer has room for even then.
_MIXED = 8


@dataclass
class Mixer:
    """Goes through rows to learn from, epoch by epoch.

    Attributes
    ----------
    part : Part
        The rows.
    plan : Plan
        How much of them is in memory.
    shuffle : bool
        Whether each epoch takes pieces, and rows in a buffer, in a new order.
    """

    part: Part
    plan: Plan
    shuffle: bool
    buffers: list[Buffer] = field(init=False)

    def __post_init__(self) -> None:
        rows = self.plan.buffer_rows
        self.buffers = [Buffer(rows, self.part) for _ in range(BUFFERS)]

    def epoch(self, rng: np.random.Generator) -> Iterator[tuple[Examples, npt.NDArray[np.intp]]]:
        """Yield full buffers and at last the rest, each with the order to go through its rows.

        The first ones are smaller, so that learning need not wait long for them. A buffer's memory
        is used again after `BUFFERS` of them. All that is drawn comes from `rng`, one draw after
        the other, so the order is the same whatever a thread's timing.
        """
        number = 0
        buffer = self.buffers[0]
        buffer.empty(self._rows_of(0))
        for piece, block in self._blocks(rng):
            rest: Raw | None = block
            while rest is not None:
                rest = buffer.take(piece, rest)
                if buffer.filled == buffer.room:
                    yield buffer.examples(), self._order(buffer.filled, rng)
                    number += 1
                    buffer = self.buffers[number % BUFFERS]
                    buffer.empty(self._rows_of(number))
        if buffer.filled:
            yield buffer.examples(), self._order(buffer.filled, rng)

    def _rows_of(self, number: int) -> int:
        """Return how many rows a buffer gets: a multiple of the mini-batch, but for the last."""
        whole, batch_size = self.plan.buffer_rows, self.plan.batch_size
        mixed = _MIXED * block_rows(len(self.part.source.columns))
        rows = max(min(whole, mixed), whole >> max(0, _HALVED - number))
        return max(1, rows // batch_size) * batch_size

    def _order(self, n: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
        order = np.arange(n)
        if self.shuffle:
            rng.shuffle(order)
        return order

    def _blocks(self, rng: np.random.Generator) -> Iterator[tuple[int, Raw]]:
        """Yield the rows of all pieces, of several in turn, each time with the piece's number."""
        pieces = self._order(len(self.part.source.rows), rng)
        waiting = iter(pieces.tolist())
        at_once = self.plan.pieces if self.shuffle else 1
        reading: list[tuple[int, Iterator[Raw]]] = []
        while True:
            while len(reading) < at_once and (piece := next(waiting, None)) is not None:
                reading.append((piece, self.part.raws(piece)))
            if not reading:
                return
            chosen = int(rng.integers(len(reading))) if len(reading) > 1 else 0
            piece, blocks = reading[chosen]
            block = next(blocks, None)
            if block is None:
                del reading[chosen]
            else:
                yield piece, block
