"""Decision boundary of two features.

What the network makes of the plane around the examples; the black line is where it finds both
classes equally likely.

Two interleaved half moons of points, circles and squares, and between them a curved black line
with the two sides shaded in blue and orange.
"""

from sklearn.datasets import make_moons

from chainrule import Network, fit, plots

X, y = make_moons(200, noise=0.2, random_state=0)
network = Network([2, 16, 16, 1], random_state=0)
fit(network, X, y, epochs=100, learning_rate=0.02, random_state=0, verbose=0)
ax = plots.decision_boundary(network, X, y)
