"""Loss along a line through the weights.

Down the gradient: the number below is the rate of one step. The lowest point says how long a
single step could be; `direction="random"` or another network shows other lines.

A curve that falls from the network's own loss, marked at rate 0, reaches a lowest point and
rises again.
"""

from sklearn.datasets import make_moons

from chainrule import Network, plots

X, y = make_moons(200, noise=0.2, random_state=0)
network = Network([2, 16, 16, 1], hidden="relu", random_state=0)
ax = plots.loss_along_line(network, X, y)
