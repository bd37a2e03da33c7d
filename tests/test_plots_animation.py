"""Films of a network that learns: their frames, their files, and what they need."""

from __future__ import annotations

import base64
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from chainrule import History, Network, Snapshots, fit, plots

X = np.random.default_rng(0).normal(size=(30, 2))
Y = np.repeat([0, 1], 15)


def train(network: Network, X: np.ndarray, y: np.ndarray, epochs: int = 2) -> History:
    return fit(
        network,
        X,
        y,
        epochs=epochs,
        learning_rate=0.1,
        callbacks=[Snapshots()],
        random_state=0,
        verbose=0,
    )


@pytest.fixture(scope="module")
def history() -> History:
    return train(Network([2, 8, 1], random_state=0), X, Y)


def titles(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that the title of each frame will be entered in, when it is drawn."""
    from matplotlib.axes import Axes

    seen: list[str] = []
    original = Axes.set_title

    def set_title(self: Axes, label: str, *arguments: object, **options: object) -> object:
        if label.startswith("epoch "):
            seen.append(label)
        return original(self, label, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Axes, "set_title", set_title)
    return seen


def test_gif(history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame a snapshot, each another picture, with its epoch and its loss in the title."""
    seen = titles(monkeypatch)
    path = plots.animate(history, X, Y, str(tmp_path / "film.gif"), frames_per_second=5)
    with Image.open(path) as film:
        assert (film.format, film.n_frames, film.size) == ("GIF", 3, (500, 400))  # type: ignore[attr-defined]
        frames, waits = [], []
        for i in range(3):
            film.seek(i)
            frames.append(np.asarray(film.convert("RGB")))
            waits.append(film.info["duration"])
    # below the title, where the plane is: a network that moved has another boundary
    assert all((a[60:] != b[60:]).any() for a, b in pairwise(frames))
    assert waits == [200] * 3
    losses = [snapshot.network.loss(X, Y) for snapshot in history.snapshots]
    assert seen == [f"epoch {i}, loss {loss:.4f}" for i, loss in enumerate(losses)]


def test_html_needs_nothing_beside_it(history: History, tmp_path: Path) -> None:
    """All frames lie in the page, and it names no address."""
    path = plots.animate(history, X, Y, tmp_path / "film.html")
    assert [file.name for file in tmp_path.iterdir()] == ["film.html"]
    page = path.read_text(encoding="utf-8")
    frames = re.findall(r'"data:image/png;base64,([^"]*)"', page)
    assert len(frames) == 3
    for frame in frames:
        assert base64.b64decode(frame.replace("\\", "")).startswith(b"\x89PNG")
    assert not re.search(r"https?://|<link|<script[^>]*src=|fa-", page)
    assert page.startswith("<!DOCTYPE html>")


def test_frames_are_bounded(
    tmp_path: Path, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many snapshots as many are taken as are asked for, with the first and the last."""
    seen = titles(monkeypatch)
    plots.animate(history, X, Y, tmp_path / "film.gif", at_most=2)
    assert [title.split(",")[0] for title in seen] == ["epoch 0", "epoch 2"]


def test_a_curve_for_one_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is the network's output over x, the points are the examples."""
    x = np.linspace(-1, 1, 20).reshape(-1, 1)
    record = train(Network([1, 4, 1], loss="mean_squared_error", random_state=0), x, x**2, 1)
    ax = plots.new_axes()
    monkeypatch.setattr("chainrule.plots.animation.new_axes", lambda *_: ax)
    plots.animate(record, x, x**2, tmp_path / "film.gif")
    at, a = (np.asarray(data) for data in ax.lines[0].get_data())
    last = record.snapshots[-1].network
    np.testing.assert_array_equal(a, last.forward(at.reshape(-1, 1), engine="numpy")[:, 0])
    np.testing.assert_array_equal(ax.collections[0].get_offsets(), np.hstack([x, x**2]))


def test_classes_in_any_shape(tmp_path: Path) -> None:
    """As columns, or with a 1 in the place of the class, as `fit` takes them."""
    record = train(Network([2, 4, 2], random_state=0), X, np.eye(2)[Y], 1)
    plots.animate(record, X, np.eye(2)[Y], tmp_path / "a.gif")
    plots.animate(record, X, Y.reshape(-1, 1), tmp_path / "b.gif")
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


def test_refusals_leave_no_file(history: History, tmp_path: Path) -> None:
    """No snapshots, another ending, a network whose outputs are no classes."""
    with pytest.raises(ValueError, match=r"must have snapshots.*callbacks=\[chainrule.Snapshots"):
        plots.animate(History(), X, Y, tmp_path / "film.gif")
    with pytest.raises(ValueError, match=r"path must end in .gif or .html, got '.*film.mp4'"):
        plots.animate(history, X, Y, tmp_path / "film.mp4")
    record = train(Network([2, 4, 1], loss="mean_squared_error", random_state=0), X, X[:, :1], 1)
    with pytest.raises(ValueError, match="needs a network that tells classes apart"):
        plots.animate(record, X, X[:, :1], tmp_path / "film.gif")
    with pytest.raises(TypeError, match="history must be a History"):
        plots.animate([1.0], X, Y, tmp_path / "film.gif")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
