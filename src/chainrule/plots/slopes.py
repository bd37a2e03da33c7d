"""Activation functions and their slopes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.activation import Activation
from chainrule.activations import ACTIVATIONS, get_activation
from chainrule.plots.canvas import COLOURS, new_axes, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# How far the curves go to both sides, and the values between which they are shown.
_REACH, _LOW, _HIGH = 4.0, -4.0, 4.0
# How far from a kink the slopes on both sides of it are taken.
_BESIDE = 0.01


def activation(activation: str | Activation, ax: Axes | None = None) -> Axes:
    """Draw an activation g(z) and its slope g′(z), from −4 to 4.

    Where the slope jumps, it is drawn as two pieces, with rings at the ends of both and a dot on
    g: at the kink itself there is no slope.

    Parameters
    ----------
    activation : str or Activation
        A name from ``chainrule.activations.ACTIVATIONS``, or an activation of your own.
    ax : Axes, optional
        Where to draw; new axes by default.

    Raises
    ------
    ValueError, TypeError
        If there is no such activation, or it is not elementwise, as softmax.
    """
    g = get_activation(activation)
    if g.vjp is not None:
        raise ValueError(
            f"activation must be elementwise to be drawn over z, got {g.name!r}, where each output "
            f"depends on all z of its row"
        )
    ax = ax or new_axes()
    kinks = np.array([kink for kink in g.kinks if abs(kink) < _REACH])
    ends = np.sort(np.concatenate([kinks - _BESIDE, kinks + _BESIDE]))
    z = np.unique(np.concatenate([np.linspace(-_REACH, _REACH, 401), kinks, ends]))
    with np.errstate(all="ignore"):  # one's own may have places where it is no number
        a = np.asarray(g(z))
        slope = np.where(np.isin(z, kinks), np.nan, g.slope_at(z, a))
    ax.plot(z, a, color=COLOURS[0], linewidth=2, label="g(z)")
    ax.plot(z, slope, "--", color=COLOURS[3], linewidth=1.5, label="g′(z)")
    if len(kinks):
        points: dict[str, Any] = {
            "marker": "o",
            "linestyle": "none",
        }
        beside = slope[np.isin(z, ends)]
        ax.plot(ends, beside, color=COLOURS[3], markersize=7, markerfacecolor="none", **points)
        ax.plot(
            kinks, np.asarray(g(kinks)), color=COLOURS[0], label="kink", markersize=3.5, **points
        )
    constants = ", ".join(f"{name} = {value:.4g}" for name, value in g.constants.items())
    ax.set(title=f"{g.name}({constants})" if constants else g.name, xlabel="z")
    shown = np.concatenate([a, slope])
    shown = shown[np.isfinite(shown)]
    if len(shown):
        low, high = max(_LOW, shown.min()), min(_HIGH, shown.max())
        margin = 0.06 * (high - low) or 0.5
        ax.set_ylim(low - margin, high + margin)
    ax.axhline(0, color="black", linewidth=0.6)
    ax.axvline(0, color="black", linewidth=0.6)
    ax.grid(alpha=0.3)
    ax.legend(loc="upper left")
    return ax


def activations(ax: Axes | None = None) -> Axes:
    """Draw every elementwise activation of the library with its slope, a panel each.

    Parameters
    ----------
    ax : Axes, optional
        Where to draw; new axes by default. The panels are ``ax.child_axes``.
    """
    drawn = [g for name, g in ACTIVATIONS.items() if g.vjp is None and name == g.name]
    columns = 3
    rows = -(-len(drawn) // columns)
    ax = ax or new_axes(9.0, 2.3 * rows)
    for panel, g in zip(panels(ax, rows, columns, gap=0.36), drawn, strict=False):
        activation(g, panel)
        panel.set(xlabel="")
        legend = panel.get_legend()
        if legend is not None and g is not drawn[-1]:  # whose upper left is free
            legend.remove()
    return ax
