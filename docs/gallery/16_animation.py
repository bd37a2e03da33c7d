"""The boundary as it learns.

A film of the snapshots, as a GIF; or, with a name that ends in `.html`, as a page with buttons.

A moving picture: the black line between two half moons begins straight and bends until it lies
between them, while the loss in the title falls.
"""

from sklearn.datasets import make_moons

from chainrule import Network, Snapshots, fit, plots

X, y = make_moons(200, noise=0.2, random_state=0)
network = Network([2, 16, 16, 1], random_state=0)
snapshots = Snapshots(every=4)
history = fit(
    network, X, y, epochs=60, learning_rate=0.01, callbacks=[snapshots], random_state=0, verbose=0
)
path = plots.animate(history, X, y, "moons.gif")
