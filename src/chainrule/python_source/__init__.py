"""A network as a script of plain Python: its formulas, its numbers, and how it was trained."""

from __future__ import annotations

from chainrule.network import Network
from chainrule.python_source.blocks import DENSITIES, MOST_LINES
from chainrule.python_source.known import check_origin
from chainrule.python_source.numbers import packed
from chainrule.python_source.script import Script

# Lines that readable numbers may take, in the order in which it is tried.
READABLE_LINES = (24, 12, 6, 0)
# So many layers have arrays with names of their own, where there is room.
MOST_NAMED = 3


def network_source(network: Network, *, training: bool = False) -> str:
    """Return the source of a script that predicts as a network does, as `to_python` says.

    It is as airy, with as many readable numbers, as there is room for.
    """
    known = check_origin(network) if training else None
    shallow = len(network.structure.layers) <= MOST_NAMED
    scripts = [Script(network, known, deep=deep) for deep in ([False] if shallow else []) + [True]]
    # Room between the functions before readable numbers, and before arrays with names
    for densities in (DENSITIES[:3], DENSITIES[3:4], DENSITIES[4:]):
        for script in scripts:
            for most in READABLE_LINES:
                # What is packed takes a line, whatever it is
                data = script.data(most, lambda array: "")
                for density in densities:
                    if script.text(data, density).count("\n") <= MOST_LINES:
                        return script.text(script.data(most, packed), density)
    return scripts[0].text(scripts[0].data(READABLE_LINES[1], packed), DENSITIES[2])
