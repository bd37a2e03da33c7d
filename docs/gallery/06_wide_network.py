"""A wide network as a diagram.

Without examples, units are circles. Of wide layers some units are drawn, and the number of the
others is told.

Three columns of circles, joined by lines, and below the first two "… 60 more" and "… 28 more".
"""

from chainrule import Network, plots

network = Network([64, 32, 3], hidden="relu", random_state=0)
ax = plots.network_diagram(network, at_most=4)
