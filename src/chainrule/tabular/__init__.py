"""Estimators for tables as they come: columns of any kind in, predictions of the same kind out."""

from chainrule.tabular.classifier import TabularClassifier
from chainrule.tabular.regressor import TabularRegressor

__all__ = ["TabularClassifier", "TabularRegressor"]
