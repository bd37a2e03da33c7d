"""The loss along a line and on a plane: that its numbers are losses, and the network stays."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import Network, plots
from chainrule.plots.landscape import random_direction

X = np.random.default_rng(0).normal(size=(30, 2))
Y = np.repeat([0, 1], 15)


def line(network: Network, *arguments: object, **options: object) -> dict[float, float]:
    """Return the losses along a line, by t."""
    before = network.vector.copy()
    ax = plots.loss_along_line(network, X, Y, *arguments, **options)  # type: ignore[arg-type]
    np.testing.assert_array_equal(network.vector, before)
    t, J = (np.asarray(data).tolist() for data in ax.lines[0].get_data())
    return dict(zip(t, J, strict=True))


@pytest.mark.parametrize("direction", ["gradient", "random"])
def test_at_zero_it_is_the_networks_loss(direction: str) -> None:
    """Whichever way the line goes."""
    network = Network([2, 4, 1], random_state=0)
    # NumPy may add in another order than compiled code
    assert line(network, direction)[0.0] == pytest.approx(network.loss(X, Y), rel=1e-12)


def test_down_the_gradient_t_is_the_rate() -> None:
    """At each t stands the loss after one step of gradient descent with that rate."""
    network = Network([2, 4, 1], random_state=0)
    losses = line(network, resolution=7)
    gradient = network.flatten(network.backward(X, Y), "d")
    for rate, loss in losses.items():
        moved = network.copy()
        moved.vector[:] -= rate * gradient
        assert loss == pytest.approx(moved.loss(X, Y), rel=1e-12)  # rounding
    first = min(rate for rate in losses if rate > 0)
    assert losses[first] < losses[0.0]


@pytest.mark.parametrize("normalization", [None, "batch"])
def test_towards_another_network(normalization: str | None) -> None:
    """At 0 stands the loss of the one, at 1 that of the other, its running statistics included."""
    one, other = (Network([2, 4, 1], normalization=normalization, random_state=s) for s in (0, 1))
    for name, value in other.statistics.items():
        value += 0.7 if name.startswith("mean") else 2.0
    losses = line(one, other, resolution=4)
    # θ + 1 (θ′ − θ) is θ′ to rounding
    assert losses[0.0] == pytest.approx(one.loss(X, Y), rel=1e-12)
    assert losses[1.0] == pytest.approx(other.loss(X, Y), rel=1e-12)


def test_random_directions_are_as_long_as_the_weights_into_each_unit() -> None:
    """Li et al. (2018), section 4; biases and gains stay, and a unit of no weights too."""
    network = Network([3, 4, 2], normalization="layer", random_state=0)
    network.parameters["W1"][:, 1] = 0
    d = network.unflatten(random_direction(network, np.random.RandomState(0)))
    for name in ("W1", "W2"):
        lengths, wanted = (np.linalg.norm(v[name], axis=0) for v in (d, network.parameters))
        np.testing.assert_allclose(lengths, wanted, rtol=1e-12)  # rounding
    assert not any(d[name].any() for name in d if not name.startswith("W"))


def test_random_state_draws_the_direction() -> None:
    """The same one for the same integer."""
    network = Network([2, 4, 1], random_state=0)
    one, same, other = (line(network, "random", random_state=s) for s in (0, 0, 1))
    assert one == same != other


def test_plane() -> None:
    """Each number is the loss at θ + s d + t e, with s to the right and t upwards."""
    network = Network([2, 4, 1], random_state=0)
    before = network.vector.copy()
    ax = plots.loss_plane(network, X, Y, reach=0.5, resolution=5, random_state=3)
    np.testing.assert_array_equal(network.vector, before)
    rng = np.random.RandomState(3)
    d, e = random_direction(network, rng), random_direction(network, rng)
    levels = np.asarray(ax.collections[1].levels)  # type: ignore[attr-defined]
    steps = np.linspace(-0.5, 0.5, 5)

    def loss(s: float, t: float) -> float:
        moved = network.copy()
        moved.vector[:] += s * d + t * e
        return moved.loss(X, Y)

    J = np.array([[loss(s, t) for s in steps] for t in steps])
    expected = np.quantile(J, np.linspace(0.02, 0.98, 12))
    np.testing.assert_allclose(levels, expected, rtol=1e-12)  # rounding
    # A line of a level crosses the grid's edges where the loss, straight between two points, has it
    for level, path in zip(levels, ax.collections[1].get_paths(), strict=True):
        for s, t in np.asarray(path.vertices):
            if np.isclose(t, steps[1], atol=1e-9) and s < steps[-1]:
                i = min(int(np.searchsorted(steps, s, side="right")) - 1, 3)
                share = (s - steps[i]) / (steps[i + 1] - steps[i])
                between = (1 - share) * J[1, i] + share * J[1, i + 1]
                assert between == pytest.approx(level, rel=1e-9)  # contour's own rounding
    (star,) = ax.lines
    assert (list(star.get_xdata()), list(star.get_ydata())) == ([0], [0])  # type: ignore[arg-type]


def test_plane_of_one_loss() -> None:
    """Weights of zero have no directions: the loss is the same everywhere, and said to be."""
    ax = plots.loss_plane(Network([2, 1], initializer="zeros"), X, Y, resolution=3)
    assert [text.get_text() for text in ax.texts] == ["0.693 everywhere"]


def test_far_out_there_is_a_gap() -> None:
    """Where the loss is not finite, nothing is drawn, and nothing warned of."""
    network = Network([2, 4, 1], hidden="exponential", loss="mean_squared_error", random_state=0)
    network.vector[:] *= 300
    losses = line(network, "random")
    assert any(np.isnan(J) for J in losses.values())


def test_refusals() -> None:
    """Other words, other structures, no gradient, no reach."""
    network = Network([2, 4, 1], random_state=0)
    with pytest.raises(ValueError, match="direction must be one of 'gradient', 'random'"):
        plots.loss_along_line(network, X, Y, "down")
    with pytest.raises(
        ValueError, match="same parameters and statistics, got 25 parameters for 17"
    ):
        plots.loss_along_line(network, X, Y, Network([2, 6, 1]))
    batch, layer = (Network([2, 4, 1], normalization=kind) for kind in ("batch", "layer"))
    with pytest.raises(ValueError, match="same parameters and statistics"):
        plots.loss_along_line(batch, X, Y, layer)
    with pytest.raises(TypeError, match="direction must be a Network"):
        plots.loss_along_line(network, X, Y, 3)
    flat = Network([2, 1], loss="mean_squared_error", initializer="zeros")
    with pytest.raises(ValueError, match="where the gradient is 0"):
        plots.loss_along_line(flat, X, np.zeros(30))
    with pytest.raises(ValueError, match="reach must be greater than 0"):
        plots.loss_plane(network, X, Y, reach=0)
