"""Decision boundary of two features of many.

A classifier with four inputs: two are shown, the others fixed at their medians, or at `fixed=`.
A data frame's names are on the axes, and a class's name where its region is broadest.

Three coloured regions named setosa, versicolor and virginica, over petal length and petal
width, with the flowers in them as circles, squares and diamonds.
"""

from sklearn.datasets import load_iris

from chainrule import MLPClassifier, plots

iris = load_iris(as_frame=True)
X, y = iris.data, iris.target_names[iris.target]
model = MLPClassifier((16,), learning_rate_init=0.02, tol=1e-3, random_state=0).fit(X, y)
ax = plots.decision_boundary(model, X, y, features=(2, 3))
