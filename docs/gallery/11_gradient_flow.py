"""Gradient flow.

How large the gradient is in each layer of a deep network. Eight layers of sigmoids: on the way
back, it vanishes.

Pairs of bars for each of nine layers, on a logarithmic scale, which shrink by orders of
magnitude from the last layer to the first.
"""

from sklearn.datasets import make_moons

from chainrule import Network, plots

X, y = make_moons(200, noise=0.2, random_state=0)
network = Network([2, *[8] * 8, 1], hidden="sigmoid", random_state=0)
ax = plots.gradient_flow(network, X, y)
