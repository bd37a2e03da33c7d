"""Activations and their slopes: that the curves are theirs, and kinks are shown as kinks."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes

from chainrule import Activation, plots
from chainrule.activations import ACTIVATIONS

ELEMENTWISE = {g.name: g for g in ACTIVATIONS.values() if g.vjp is None}


@pytest.mark.parametrize("name", list(ELEMENTWISE))
def test_curves(name: str) -> None:
    """The solid one is g, the dashed one its slope by a finite difference, from −4 to 4."""
    g = ELEMENTWISE[name]
    value, slope = plots.activation(name).lines[:2]
    z = np.asarray(value.get_xdata())
    assert (z[0], z[-1]) == (-4, 4)
    np.testing.assert_array_equal(value.get_ydata(), g(z))
    away = np.abs(z) > 0.005  # where they have kinks, or a jump of the second derivative
    h = 1e-4  # whose square, times the third derivative, is the error
    expected = (g(z + h) - g(z - h)) / (2 * h)
    np.testing.assert_allclose(
        np.asarray(slope.get_ydata())[away], expected[away], rtol=1e-6, atol=1e-6
    )
    assert (value.get_linestyle(), slope.get_linestyle()) == ("-", "--")


def test_a_kink() -> None:
    """The slope is drawn in two pieces, with a ring at the end of each, and a dot on g."""
    _, slope, rings, dot = plots.activation("leaky_relu").lines[:4]
    y = np.asarray(slope.get_ydata())
    assert np.isnan(y[np.asarray(slope.get_xdata()) == 0]).all()
    assert np.asarray(rings.get_ydata()).tolist() == [0.01, 1.0]
    assert (np.asarray(dot.get_xdata()).tolist(), np.asarray(dot.get_ydata()).tolist()) == (
        [0],
        [0],
    )


def test_all_activations_have_a_panel() -> None:
    """Each elementwise one, by its name."""
    ax = plots.activations()
    titles = [
        panel.get_title().split("(")[0]
        for panel in ax.child_axes
        if isinstance(panel, Axes) and panel.lines
    ]
    assert titles == list(ELEMENTWISE)


def test_an_activation_of_ones_own() -> None:
    """Its constants are in the title; where it is no number, there is a gap."""
    root = Activation("root", lambda z, c: np.sqrt(z + c), numerical_slope=True, constants={"c": 1})
    ax = plots.activation(root)
    assert ax.get_title() == "root(c = 1)"
    y = np.asarray(ax.lines[0].get_ydata())
    assert np.isnan(y[0])
    assert y[-1] == np.sqrt(5)
    assert np.isfinite(ax.get_ylim()).all()


def test_softmax_is_refused() -> None:
    """It is no curve over z; and a name that is not known has its nearest."""
    with pytest.raises(ValueError, match=r"activation must be elementwise .* got 'softmax'"):
        plots.activation("softmax")
    with pytest.raises(ValueError, match="did you mean 'tanh'"):
        plots.activation("tahn")
