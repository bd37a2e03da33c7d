"""Typed formulas: text such as z*tanh(z) becomes an activation, its slope found by the chain rule.

No text is ever run as Python: it is read into a tree by a parser of its own, and the tree is put
together of functions that are here.
"""

from chainrule.formula_text.making import activation_from_formula
from chainrule.formula_text.tree import FormulaError

__all__ = ["FormulaError", "activation_from_formula"]
