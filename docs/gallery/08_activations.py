"""All activations.

Every elementwise activation of the library, solid, with its slope, dashed.

Twelve panels, from identity to exponential, each with a solid blue curve and a dashed one.
"""

from chainrule import plots

ax = plots.activations()
