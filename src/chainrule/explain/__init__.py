"""The chain rule with a network's own numbers in it."""

from chainrule.explain.collapse import collapse
from chainrule.explain.derivation import Derivation, LayerDerivation, explain
from chainrule.explain.gradient_check import GradientCheck, gradient_check
from chainrule.explain.one_parameter import ParameterDerivation

__all__ = [
    "Derivation",
    "GradientCheck",
    "LayerDerivation",
    "ParameterDerivation",
    "collapse",
    "explain",
    "gradient_check",
]
