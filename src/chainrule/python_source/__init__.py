"""A network as a script of plain Python: its formulas, its numbers, and how it was trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from chainrule.network import Network
from chainrule.python_source.blocks import DENSITIES, MOST_LINES, Density
from chainrule.python_source.known import check_origin
from chainrule.python_source.script import NamedScript, Script, TabledScript, is_plain

# Lines that readable numbers may take, in the order in which it is tried.
READABLE_LINES = (24, 12, 6, 0)
# So many layers have arrays with names of their own, where there is room.
MOST_NAMED = 3


def network_source(network: Network, *, training: bool = False) -> str:
    """Return the source of a script that predicts as a network does, as `to_python` says.

    It is as airy, with as many readable numbers, as there is room for.
    """
    known = check_origin(network) if training else None
    scripts: list[Script] = []
    if len(network.structure.layers) <= MOST_NAMED and (known is None or is_plain(network, known)):
        scripts = [NamedScript(network, known, most) for most in READABLE_LINES]
    scripts.append(TabledScript(network, known))
    ways = [*_from_airy_to_dense(scripts)]
    if known is not None:
        ways.append((TabledScript(network, known, prints=False), DENSITIES[-1][-1]))
    for script, density in ways:
        # What is packed takes a line, whatever it is
        room = MOST_LINES - script.text(density, pack=False).count("\n")
        if room >= 0:
            return script.text(density if density.between else replace(density, air=room))
    return scripts[-1].text(DENSITIES[1][-1])


def _from_airy_to_dense(scripts: list[Script]) -> Iterator[tuple[Script, Density]]:
    """Yield all ways; there is room between functions before readable numbers, and before names."""
    for densities in DENSITIES:
        for script in scripts:
            for density in densities:
                yield script, density
