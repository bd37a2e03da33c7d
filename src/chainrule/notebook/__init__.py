"""The lecture as a notebook: its text, and what its cells call to show and to check.

The text is ``lecture.md`` beside this file, a notebook of MyST Markdown; ``chainrule lecture
--notebook`` writes it as an .ipynb file, and the documentation shows it executed.
"""

from chainrule.notebook.checks import Checks
from chainrule.notebook.showing import formula, source
from chainrule.notebook.writing import write_notebook

__all__ = ["Checks", "formula", "source", "write_notebook"]
