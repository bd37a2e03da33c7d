"""Weights over the epochs.

How the weights of each layer are distributed, from the first epoch to the last. It needs
snapshots, which a callback keeps.

Three panels, one for each layer, each with a median line and two bands around it that grow
wider from left to right.
"""

from sklearn.datasets import make_moons

from chainrule import Network, Snapshots, fit, plots

X, y = make_moons(200, noise=0.2, random_state=0)
network = Network([2, 16, 16, 1], random_state=0)
history = fit(
    network, X, y, epochs=60, learning_rate=0.02, callbacks=[Snapshots()], random_state=0, verbose=0
)
ax = plots.distributions(history)
