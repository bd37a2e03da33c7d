"""Training and validation curves.

The loss after each epoch. Here early stopping gave back the parameters of the best epoch; a
metric that was recorded is drawn by its name, such as `what="accuracy"`.

Two falling curves, the validation loss dashed, with a dotted line at the best epoch, behind
which it rises again.
"""

from sklearn.datasets import make_moons

from chainrule import Network, fit, plots

X, y = make_moons(100, noise=0.35, random_state=0)
network = Network([2, 32, 32, 1], hidden="relu", random_state=0)
history = fit(
    network,
    X,
    y,
    epochs=80,
    learning_rate=0.02,
    validation=0.4,
    early_stopping=25,
    random_state=0,
    verbose=0,
)
ax = plots.training_curves(history)
