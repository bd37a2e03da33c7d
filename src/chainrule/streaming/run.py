"""A training run whose rows are read from disk in each epoch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.batches import Examples
from chainrule.loop import Run, batch_weights
from chainrule.streaming.mixing import Mixer
from chainrule.streaming.part import Part
from chainrule.streaming.reading_ahead import read_ahead
from chainrule.streaming.source import StreamError


@dataclass
class StreamRun(Run):
    """A run over buffers of rows: what is learned from does not fit into memory.

    `train`, and `held` where it does not fit either, are parts of a stream.
    """

    train: Part  # type: ignore[assignment]
    held: Examples | Part | None  # type: ignore[assignment]
    mixer: Mixer | None = None

    def epochs_at_once(self) -> int:
        """One: the rows of each must be read."""
        return 1

    def run_epoch(self) -> bool:
        """Run one epoch; rows that can't be read leave the network as it was before."""
        try:
            return super().run_epoch()
        except StreamError:
            self.engine.go_back()
            self.progress.history.stopped = "broken stream"
            raise

    def run_batches(self) -> float | None:
        """Train on buffer after buffer; return the mean loss, or None if a callback stopped it.

        Where a saved run is gone on with, what it had done is read once more, and passed over.
        """
        assert self.mixer is not None
        total = weight = 0.0
        batch_size = self.batch_size
        known = [] if self.saver is None else self.saver.take_costs()
        done: list[float] = []
        drawn = np.random.default_rng(int(self.rng.uniform(0, 2**32)))
        with read_ahead(self.mixer.epoch(drawn)) as buffers:
            self.engine.others_at_work = buffers.is_at_work
            for examples, order in buffers:
                if self.drop_last and len(order) % batch_size:
                    order = order[: len(order) - len(order) % batch_size]
                if not len(order):
                    continue
                rows, shares = batch_weights(order, examples.sample_weight, batch_size)
                if self.saver is not None and len(done) > len(known):
                    self.saver.after_batches(self, done, [])
                    if self.progress.stop_reason is not None:
                        return None
                costs = known[len(done) : len(done) + len(shares)]
                if not self.run_rows(examples, rows, len(shares), costs, earlier=done):
                    return None
                total, weight = total + float(np.dot(costs, shares)), weight + float(shares.sum())
                done += costs
        return total / weight

    def validate(self) -> float | None:
        """Return the loss on the rows that are held back, read for it if they don't fit."""
        if not isinstance(self.held, Part):
            return super().validate()
        total = weight = 0.0
        with read_ahead(self.held.blocks()) as blocks:
            for block in blocks:
                if share := block.weight():
                    total, weight = total + share * self.loss_of(block), weight + share
        return total / weight

    def measure(self, examples: Examples | Part) -> dict[str, float]:
        """Return every metric on these rows, which are read for it; their outputs must fit."""
        if not isinstance(examples, Part):
            return super().measure(examples)
        if not self.metrics:
            return {}
        targets, outputs = [], []
        with read_ahead(examples.blocks()) as blocks:
            for block in blocks:
                targets.append(block.targets().copy())
                outputs.append(self.network.forward(block.X))
        return self.score(np.concatenate(targets), np.concatenate(outputs))
