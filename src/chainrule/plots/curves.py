"""The cost, or a metric, after each epoch of training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chainrule import _checks
from chainrule.history import History
from chainrule.plots.canvas import COLOURS, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def cost_curve(
    cost: Sequence[float], val_cost: Sequence[float] = (), ax: Axes | None = None
) -> Axes:
    """Draw the cost after each epoch, and that of validation where there is one.

    Parameters
    ----------
    cost, val_cost : sequence of float
        One number for each epoch, such as ``history.loss`` and ``history.val_loss``.
    ax : Axes, optional
        Where to draw; new axes by default.
    """
    ax = ax or new_axes()
    few = "." if len(cost) <= 50 else ""
    ax.plot(range(len(cost)), cost, color=COLOURS[0], marker=few, label="training")
    if len(val_cost):
        ax.plot(range(len(val_cost)), val_cost, "--", color=COLOURS[3], label="validation")
        ax.legend()
    ax.set(title="Cost", xlabel="epoch", ylabel="cost J")
    ax.grid(alpha=0.3)
    return ax


def training_curves(history: History, what: str = "loss", ax: Axes | None = None) -> Axes:
    """Draw the loss or a metric after each epoch, in training and validation, and the best epoch.

    The best epoch is the one whose parameters early stopping gave back. Without early stopping,
    the one with the lowest validation loss is marked, if there is validation and `what` is
    ``"loss"``.

    Parameters
    ----------
    history : History
        What :func:`chainrule.fit` returned.
    what : str, default "loss"
        ``"loss"``, or the name of a metric that was recorded, such as ``"accuracy"``.
    ax : Axes, optional
        Where to draw; new axes by default.

    Raises
    ------
    ValueError
        If `what` was not recorded, or no epoch was completed.
    TypeError
        If `history` is no History.
    """
    if not isinstance(history, History):
        raise TypeError(
            f"history must be a History, as fit returns it, got {type(history).__name__}; "
            f"cost_curve takes lists of numbers"
        )
    _checks.check_choice("what", what, ["loss", *history.metrics])
    if not len(history):
        raise ValueError("history must have at least one completed epoch to be drawn, got none")
    if what == "loss":
        ax = cost_curve(history.loss, history.val_loss, ax)
        ax.set(title="Loss", ylabel="loss")
    else:
        ax = cost_curve(history.metrics[what], history.val_metrics.get(what, ()), ax)
        ax.set(title=what.replace("_", " ").capitalize(), ylabel=what.replace("_", " "))
    best, name = history.best_epoch, "best epoch"
    if best is None and what == "loss" and history.val_loss:
        best, name = history.val_loss.index(min(history.val_loss)), "lowest validation loss: epoch"
    if best is not None:
        ax.axvline(best, color="black", linewidth=1, linestyle=":", label=f"{name} {best}")
        ax.legend()
    return ax
