"""Confusion matrix.

Which class is taken for which: a row is what is true, a column what was predicted.

A matrix of ten rows and columns, one for each digit, with almost all counts on the diagonal.
"""

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from chainrule import Network, fit, plots

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
network = Network([64, 32, 10], hidden="relu", random_state=0)
fit(network, X_train, y_train, epochs=10, learning_rate=0.003, random_state=0, verbose=0)
ax = plots.confusion_matrix(y_test, network.predict(X_test))
