"""Pictures of data, of training, and of what a network does, drawn with Matplotlib.

Every function draws on the axes it is given, or on new ones that need no screen, and returns them;
a picture of several panels has them as insets of these axes, ``ax.child_axes``. The colours are
Okabe & Ito's, which the colour-blind can tell apart, and nothing is told apart by its colour alone.
Needs the extra ``plots``.
"""

from chainrule.plots.animation import animate
from chainrule.plots.boundary import decision_boundary
from chainrule.plots.canvas import COLOURS, MARKERS, new_axes, save
from chainrule.plots.curves import cost_curve, training_curves
from chainrule.plots.diagram import network_diagram
from chainrule.plots.distribution import distributions
from chainrule.plots.errors import confusion_matrix, predicted_against_true
from chainrule.plots.gradients import gradient_flow
from chainrule.plots.labels import label_histogram
from chainrule.plots.landscape import loss_along_line, loss_plane
from chainrule.plots.slopes import activation, activations

__all__ = [
    "COLOURS",
    "MARKERS",
    "activation",
    "activations",
    "animate",
    "confusion_matrix",
    "cost_curve",
    "decision_boundary",
    "distributions",
    "gradient_flow",
    "label_histogram",
    "loss_along_line",
    "loss_plane",
    "network_diagram",
    "new_axes",
    "predicted_against_true",
    "save",
    "training_curves",
]
