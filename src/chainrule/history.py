"""What a training run leaves behind: its losses, metrics and rates, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass, field

from chainrule.network import Network


@dataclass(frozen=True)
class Snapshot:
    """A network as it was while it learned, kept by :class:`~chainrule.snapshots.Snapshots`.

    Attributes
    ----------
    epoch : int
        How many epochs had been completed; 0 is before the first.
    network : Network
        A copy with the parameters and statistics of that moment.
    """

    epoch: int
    network: Network


@dataclass(repr=False)
class History:
    """The record of a training run; every list of figures has one for each completed epoch.

    Attributes
    ----------
    loss : list of float
        Mean training loss over the epoch's mini-batches, each before its update, without
        penalty and, where there is dropout, with it.
    val_loss : list of float
        Loss on the validation examples after the epoch; empty without validation.
    metrics : dict of str to list of float
        Each metric on the training examples after the epoch.
    val_metrics : dict of str to list of float
        Each metric on the validation examples after the epoch.
    learning_rate : list of float
        Rate of the epoch's last update.
    seconds : list of float
        Time that the epoch took, its validation included.
    steps : int
        Number of updates in all.
    best_epoch : int or None
        Epoch, from 0, whose parameters early stopping gave back; None without it.
    stopped : str
        Why training ended: ``"epochs"`` when all were done, ``"early stopping"``,
        ``"interrupted"`` after Ctrl-C, or the reason a callback gave.
    snapshots : list of Snapshot
        The network after some of the epochs, where the callback
        :class:`~chainrule.snapshots.Snapshots` was given; empty without it.
    """

    loss: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    val_metrics: dict[str, list[float]] = field(default_factory=dict)
    learning_rate: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    steps: int = 0
    best_epoch: int | None = None
    stopped: str = "epochs"
    snapshots: list[Snapshot] = field(default_factory=list)

    @property
    def monitored(self) -> list[float]:
        """The losses that decide, of validation where there is one, else of training."""
        return self.val_loss or self.loss

    def __repr__(self) -> str:
        parts = [f"{len(self)} epochs, {self.steps} steps, stopped: {self.stopped}"]
        shown = {"loss": self.loss, "val_loss": self.val_loss} | self.metrics
        shown |= {f"val_{name}": values for name, values in self.val_metrics.items()}
        parts += [f"{name} {v[0]:.4g} → {v[-1]:.4g}" for name, v in shown.items() if v]
        if self.best_epoch is not None:
            parts.append(f"best epoch {self.best_epoch}")
        return f"History({'; '.join(parts)})"

    def __len__(self) -> int:
        return len(self.loss)
