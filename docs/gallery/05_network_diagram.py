"""The network as a diagram.

Each unit is a small map of what it answers over the plane of the two inputs, and each weight a
line: the wider, the larger, blue and solid where it is positive, vermilion and dashed where it
is negative. The first layer draws lines through the plane, the second puts them together.

Columns of small square maps, from the inputs at the left to the output at the right, joined by
lines of different width. The maps of the first layer have straight edges, the output's has the
shape of a moon.
"""

from sklearn.datasets import make_moons

from chainrule import Network, fit, plots

X, y = make_moons(200, noise=0.15, random_state=0)
network = Network([2, 5, 4, 1], random_state=1)
fit(network, X, y, epochs=150, learning_rate=0.02, random_state=0, verbose=0)
ax = plots.network_diagram(network, X)
