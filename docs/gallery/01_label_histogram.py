"""Label histogram.

How many examples each class has, before anything is trained.

Three bars, labelled 0, 1 and 2, with 59, 71 and 48 examples.
"""

from sklearn.datasets import load_wine

from chainrule import plots

X, y = load_wine(return_X_y=True)
ax = plots.label_histogram(y)
