"""Loss on a plane through the weights.

Along two random directions from a trained network, which stands in the middle.

Contours with their losses written on them, around a star that marks the network at the bottom
of a valley.
"""

from sklearn.datasets import make_moons

from chainrule import Network, fit, plots

X, y = make_moons(200, noise=0.2, random_state=0)
network = Network([2, 16, 16, 1], random_state=0)
fit(network, X, y, epochs=60, learning_rate=0.02, random_state=0, verbose=0)
ax = plots.loss_plane(network, X, y)
