"""The decision boundary as it learns, as a GIF or a page of HTML."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from chainrule import _checks
from chainrule._files import replacing
from chainrule.history import History
from chainrule.network import Network
from chainrule.plots.boundary import decision_boundary
from chainrule.plots.canvas import COLOURS, new_axes
from chainrule.plots.given import check_snapshots, some_examples

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Each frame is a picture of so many inches and dots per inch: 500 × 400 points.
_WIDTH, _HEIGHT, _DPI, _RESOLUTION = 5.0, 4.0, 100, 80

# Matplotlib's page takes its signs from a font on the net; these are in most fonts.
_SIGNS = {
    "minus": "−",
    "plus": "+",
    "fast-backward": "«",
    "fast-forward": "»",
    "step-backward": "‹",
    "step-forward": "›",
    "play fa-flip-horizontal": "◀",
    "play": "▶",
    "pause": "❙❙",
}


def animate(
    history: History,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    path: str | os.PathLike[str],
    *,
    features: Sequence[int] = (0, 1),
    fixed: npt.ArrayLike | None = None,
    at_most: int = 60,
    frames_per_second: int = 8,
) -> Path:
    """Write a film of what a network made of the examples while it learned.

    It shows the decision boundary at each snapshot, or, for a network of one input, the curve of
    its outputs; with the epoch and the loss on the examples.

    Parameters
    ----------
    history : History
        With snapshots, which the callback :class:`chainrule.Snapshots` keeps.
    X : array-like (m, n₀)
        The examples.
    y : array-like
        Their targets, as :func:`chainrule.fit` takes them; classes as numbers 0 … K − 1.
    path : str or path
        The file, ``.gif``, or ``.html`` for a page with buttons that needs nothing beside it. An
        older file is replaced when the new one is complete.
    features, fixed
        As in :func:`decision_boundary`.
    at_most : int, default 60
        Frames; of more snapshots they are taken at equal distances, with the first and the last.
    frames_per_second : int, default 8

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError, TypeError
        If the history has no snapshots, the ending of `path` is another one, or there is nothing
        to draw, as for regression on several inputs.
    """
    snapshots = check_snapshots(history)
    at_most = _checks.check_integer("at_most", at_most, low=2)
    speed = _checks.check_integer("frames_per_second", frames_per_second, low=1)
    path = Path(path)
    if path.suffix not in (".gif", ".html"):
        raise ValueError(f"path must end in .gif or .html, got {str(path)!r}")
    chosen = np.linspace(0, len(snapshots) - 1, min(at_most, len(snapshots))).round().astype(int)
    first = snapshots[0].network
    batch = some_examples(first, X, y)
    ax = new_axes(_WIDTH, _HEIGHT)
    draw = (
        _curve(ax, [s.network for s in snapshots], *batch)
        if first.structure.n_inputs == 1
        else _boundary(ax, first, X, y, features, fixed)
    )
    draw(first)  # what can't be drawn is refused before a file is begun
    ax.set_title("epoch")
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # found once, for all frames: the picture must not tremble
    with replacing(path) as temporary:
        writer = _writer(path, speed)
        with writer.saving(figure, str(temporary), _DPI):
            for i in chosen:
                epoch, network = snapshots[i].epoch, snapshots[i].network
                draw(network)
                ax.set_title(f"epoch {epoch}, loss {network.loss(*batch, engine='numpy'):.4f}")
                writer.grab_frame()
        if path.suffix == ".html":
            _make_whole(temporary)
    return path


def _boundary(
    ax: Axes,
    network: Network,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    features: Sequence[int],
    fixed: npt.ArrayLike | None,
) -> Callable[[Network], None]:
    labels = np.asarray(y)
    if network.structure.loss.labels and labels.ndim == 2 and labels.shape[1] > 1:
        labels = labels.argmax(axis=1)

    def draw(network: Network) -> None:
        ax.clear()
        decision_boundary(network, X, labels, ax, _RESOLUTION, features=features, fixed=fixed)

    return draw


def _curve(
    ax: Axes, networks: list[Network], X: npt.NDArray[Any], Y: npt.NDArray[Any]
) -> Callable[[Network], None]:
    low, high = X.min(), X.max()
    margin = 0.05 * (high - low) or 0.5
    x = np.linspace(low - margin, high + margin, 200).reshape(-1, 1).astype(X.dtype)
    outputs = networks[0].structure.n_outputs
    if networks[0].structure.loss.labels and Y.shape[1] == 1:
        Y = np.eye(outputs)[Y[:, 0]]
    # All frames have the same axes: those that hold the targets, and the last curve
    shown = np.concatenate([Y.ravel(), networks[-1].forward(x).ravel()])
    room = 0.1 * (shown.max() - shown.min()) or 0.5

    def draw(network: Network) -> None:
        ax.clear()
        A = network.forward(x, engine="numpy")
        for k in range(outputs):
            name = f" {k}" if outputs > 1 else ""
            colour, style = COLOURS[k % len(COLOURS)], ("-", "--", ":", "-.")[k % 4]
            ax.scatter(X[:, 0], Y[:, k], s=8, color=colour, alpha=0.5)
            ax.plot(x[:, 0], A[:, k], style, color=colour, linewidth=2.5, label=f"output{name}")
        ax.set(xlabel="x", ylabel="y", xlim=(x[0, 0], x[-1, 0]))
        ax.set_ylim(shown.min() - room, shown.max() + room)
        ax.legend(loc="upper right")

    return draw


def _writer(path: Path, speed: int) -> Any:
    from matplotlib.animation import HTMLWriter, PillowWriter

    if path.suffix == ".gif":
        return PillowWriter(fps=speed)
    return HTMLWriter(fps=speed, embed_frames=True, default_mode="once")


def _make_whole(path: Path) -> None:
    """Make a page of what Matplotlib wrote that needs nothing from the net."""
    body = re.sub(r"<link[^>]*>", "", path.read_text(encoding="ascii"))
    for name, sign in _SIGNS.items():
        body = body.replace(f'<i class="fa fa-{name}"></i>', sign)
    page = (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f"<title>Training</title></head>\n<body>{body}</body>\n</html>\n"
    )
    path.write_text(page, encoding="utf-8")
