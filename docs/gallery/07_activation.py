"""An activation and its slope.

One of the library by its name, or one of your own. At a kink the slope jumps: rings stand at
the ends of its two pieces.

The leaky ReLU, a line that bends at 0, and its slope, dashed, which jumps there from 0.01 to 1.
"""

from chainrule import plots

ax = plots.activation("leaky_relu")
