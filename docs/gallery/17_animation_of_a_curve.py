"""A curve as it learns.

For a network with one input, the film shows its output over it.

A moving picture: a line through noisy points of a sine wave begins almost straight and bends
until it follows them.
"""

import numpy as np

from chainrule import Network, Snapshots, fit, plots

rng = np.random.default_rng(0)
x = np.linspace(-3, 3, 120).reshape(-1, 1)
y = np.sin(2 * x) + 0.15 * rng.normal(size=x.shape)
network = Network([1, 32, 32, 1], loss="mean_squared_error", random_state=0)
snapshots = Snapshots(every=8)
history = fit(
    network, x, y, epochs=120, learning_rate=0.01, callbacks=[snapshots], random_state=0, verbose=0
)
path = plots.animate(history, x, y, "sine.gif")
