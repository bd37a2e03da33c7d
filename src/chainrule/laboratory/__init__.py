"""The lab: a page on which a network learns, and each number is followed through the chain rule."""

from chainrule.laboratory.in_notebook import lab

__all__ = ["lab"]
