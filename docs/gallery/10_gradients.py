"""Gradients over the epochs.

The same of the gradients dW on all examples. With `plots.distributions(network, ...)` it is a
box for each layer at one moment.

Three panels, one for each layer, each with a median line at 0 and two bands around it, wide in
the first epochs and narrow later.
"""

from sklearn.datasets import make_moons

from chainrule import Network, Snapshots, fit, plots

X, y = make_moons(200, noise=0.2, random_state=0)
network = Network([2, 16, 16, 1], random_state=0)
history = fit(
    network, X, y, epochs=60, learning_rate=0.02, callbacks=[Snapshots()], random_state=0, verbose=0
)
ax = plots.distributions(history, "gradients", X, y)
