"""What all pictures have in common: axes, colours, files, and a place in the gallery."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from chainrule import MLPClassifier, Network, Snapshots, fit, plots
from tests.processes import run_python

X = np.random.default_rng(0).normal(size=(30, 2))
Y = np.repeat([0, 1], 15)
GALLERY = Path(__file__).parent.parent / "docs" / "gallery"


def test_each_draws_on_the_axes_it_is_given() -> None:
    """And returns them."""
    network = Network([2, 3, 1], random_state=0)
    history = fit(network, X, Y, epochs=2, callbacks=[Snapshots()], random_state=0, verbose=0)
    drawn: dict[str, Callable[[Axes], Axes]] = {
        "label_histogram": lambda ax: plots.label_histogram(Y, ax),
        "cost_curve": lambda ax: plots.cost_curve([1.0], ax=ax),
        "training_curves": lambda ax: plots.training_curves(history, ax=ax),
        "confusion_matrix": lambda ax: plots.confusion_matrix(Y, Y, ax),
        "predicted_against_true": lambda ax: plots.predicted_against_true(X[:, 0], X[:, 1], ax),
        "decision_boundary": lambda ax: plots.decision_boundary(network, X, Y, ax, 10),
        "network_diagram": lambda ax: plots.network_diagram(network, X, ax),
        "activation": lambda ax: plots.activation("tanh", ax),
        "activations": lambda ax: plots.activations(ax),
        "distributions": lambda ax: plots.distributions(history, ax=ax),
        "gradient_flow": lambda ax: plots.gradient_flow(network, X, Y, ax),
        "loss_along_line": lambda ax: plots.loss_along_line(network, X, Y, ax=ax, resolution=3),
        "loss_plane": lambda ax: plots.loss_plane(network, X, Y, ax, resolution=3),
    }
    others = {"COLOURS", "MARKERS", "animate", "new_axes", "save"}
    assert set(drawn) == set(plots.__all__) - others
    for ax, (name, draw) in zip(Figure().subplots(1, len(drawn)), drawn.items(), strict=True):
        assert draw(ax) is ax, name


def test_save(tmp_path: Path) -> None:
    """A PNG, with no screen, of a path or a name."""
    for path in (tmp_path / "cost.png", str(tmp_path / "again.png")):
        plots.save(plots.cost_curve([2.0, 1.0]), path)
        assert Path(path).read_bytes().startswith(b"\x89PNG")


def test_no_window_and_no_pyplot() -> None:
    """Pictures leave alone what other pictures of a session hang on."""
    program = """
import sys
from chainrule import Network, plots
assert "matplotlib" not in sys.modules
network = Network([2, 3, 1], random_state=0)
plots.network_diagram(network, [[0, 0], [1, 1]])
plots.decision_boundary(network, [[0, 0], [1, 1]], [0, 1])
print("matplotlib.pyplot" in sys.modules)
"""
    done = run_python(program)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_without_matplotlib() -> None:
    """The error names the extra."""
    program = """
import sys
sys.modules["matplotlib"] = sys.modules["matplotlib.figure"] = None
from chainrule import Network, plots
for draw in (lambda: plots.cost_curve([1.0]), lambda: plots.network_diagram(Network([2, 1])),
             lambda: plots.activations(), lambda: plots.distributions(Network([2, 1])),
             lambda: plots.predicted_against_true([1.0], [1.0])):
    try: draw()
    except ImportError as error: print(error)
"""
    done = run_python(program)
    assert done.stdout.count("chainrule[plots]") == 5


def test_classes_have_a_colour_and_marker_of_their_own() -> None:
    """Of the first 77 classes, no two have both the same."""
    pairs = {
        (plots.COLOURS[k % len(plots.COLOURS)], plots.MARKERS[k % len(plots.MARKERS)])
        for k in range(77)
    }
    assert len(pairs) == 77


def test_a_fitted_estimator_stands_for_its_network() -> None:
    """And what is neither is refused."""
    model = MLPClassifier((3,), max_iter=5, tol=10.0, n_iter_no_change=1, random_state=0).fit(X, Y)
    ax = plots.gradient_flow(model, X, Y)
    same = plots.gradient_flow(model.network_, X, Y)
    assert [bar.get_height() for bar in ax.patches] == [bar.get_height() for bar in same.patches]  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="network must be a Network, or a fitted MLPClassifier"):
        plots.network_diagram([2, 3, 1])


def test_every_picture_stands_in_the_gallery() -> None:
    """With an example of a title, a sentence, and an alternative text."""
    examples = [path.read_text(encoding="utf-8") for path in GALLERY.glob("*.py")]
    code = "\n".join(examples)
    left_to_others = {"COLOURS", "MARKERS", "cost_curve", "new_axes", "save"}
    missing = [n for n in plots.__all__ if f"plots.{n}(" not in code and n not in left_to_others]
    assert missing == []
    assert all(text.split('"""')[1].strip().count("\n\n") == 2 for text in examples)
