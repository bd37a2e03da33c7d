"""What people write for sigmoid, tanh and softplus, run as these: e^z alone overflows at 710.

Everything else runs as it was typed.
"""

from __future__ import annotations

from chainrule.formula_text.simplifying import negative, times
from chainrule.formula_text.tree import ONE, Binary, Call, E, Node, rebuilt


def without_overflow(node: Node) -> Node:
    """Return a formula that is equal, and finite where the mathematics is."""
    node = rebuilt(node, without_overflow)
    match node:
        case Call("log", (inside,)) if (x := _one_and_power_of_e(inside)) is not None:
            return Call("softplus", (x,))
        case Call("log1p", (inside,)) if (x := _power_of_e(inside)) is not None:
            return Call("softplus", (x,))
        case Binary("/", above, below) if (x := _one_and_power_of_e(below)) is not None:
            if _power_of_e(above) == x:
                return Call("sigmoid", (x,))
            return times(above, Call("sigmoid", (negative(x),)))
        case Binary("/", Binary("-", u, v), Binary("+", above, below)) if (u, v) == (above, below):
            x, minus_x = _power_of_e(u), _power_of_e(v)
            if x is not None and minus_x == negative(x):
                return Call("tanh", (x,))
    return node


def _power_of_e(node: Node) -> Node | None:
    """Return x where a node is e^x."""
    match node:
        case Call("exp", (x,)):
            return x
        case Binary("^", base, x) if base == E:
            return x
    return None


def _one_and_power_of_e(node: Node) -> Node | None:
    """Return x where a node is 1 + e^x."""
    match node:
        case Binary("+", one, power) if one == ONE:
            return _power_of_e(power)
        case Binary("+", power, one) if one == ONE:
            return _power_of_e(power)
    return None
