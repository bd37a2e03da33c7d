"""Predicted against true.

For regression: each example is a point, and on the dashed line the two are the same.

A cloud of points around a dashed diagonal, flatter than the line.
"""

from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

from chainrule import Network, fit, plots

X, y = load_diabetes(return_X_y=True)
X, scaled = StandardScaler().fit_transform(X), (y - y.mean()) / y.std()
network = Network([10, 16, 1], loss="mean_squared_error", random_state=0)
fit(network, X, scaled, epochs=20, random_state=0, verbose=0)
ax = plots.predicted_against_true(y, network.predict(X) * y.std() + y.mean())
