"""A typed formula as an activation: read, differentiated, and held against what one must be."""

from __future__ import annotations

import warnings
from functools import lru_cache

import numpy as np

from chainrule._types import FloatArray
from chainrule.activation import Activation
from chainrule.formula_text.bounds import range_of
from chainrule.formula_text.differentiating import slope_of
from chainrule.formula_text.kinks import kinks_of, poles_of
from chainrule.formula_text.overflow import without_overflow
from chainrule.formula_text.reading import read
from chainrule.formula_text.running import TreeFunction
from chainrule.formula_text.tree import FormulaError, Node, every, varies
from chainrule.formula_text.writing import as_latex, as_text

# Where a formula and its slope must be finite; their values there say the rest.
_POINTS = np.arange(-600, 601) / 100
# The parts that a slope may have: of more, nobody reads it, and each step of training waits for it.
_MOST_PARTS = 1000


def activation_from_formula(text: str, argument: str = "formula") -> Activation:
    """Return the activation of a typed formula, such as ``z*tanh(z)``.

    A formula is made of ``z``, numbers, ``pi`` and ``e``, ``+ - * / ^``, parentheses, and named
    functions such as ``tanh``, ``exp`` and ``max``. ``where(z > 0, z, exp(z) - 1)`` chooses by a
    comparison. Its slope is found by the chain rule, as a formula too. Nothing in the text is run
    as Python.

    Parameters
    ----------
    text : str
        The formula, with or without an equals sign before it; at most 200 characters.
    argument : str, default "formula"
        What errors call it.

    Returns
    -------
    Activation
        Its name is the formula behind an equals sign, such as ``=z*tanh(z)``, by which
        :func:`~chainrule.activations.get_activation` and a saved model know it.

    Raises
    ------
    FormulaError
        If it can't be read (the message says at which character, and what is expected there), if
        it or its slope is not finite for some z between −6 and 6, or if z has no effect on it.
    TypeError
        If it is not a string.

    Warns
    -----
    UserWarning
        If its slope is 0 everywhere, as that of ``step(z)``: nothing before it can learn.

    Examples
    --------
    >>> g = activation_from_formula("z / (1 + abs(z))")
    >>> g.name, float(g(3.0))
    ('=z/(1 + abs(z))', 0.75)
    >>> g.slope.__doc__
    '(1 - a*sign(z))/(1 + abs(z))'
    """
    if not isinstance(text, str):
        raise TypeError(f"{argument} must be a string such as '=z*tanh(z)', got {text!r:.60}")
    try:
        return _made(text)
    except FormulaError as error:
        raise FormulaError(f"{argument} {text!r:.60}: {error}") from None
    except RecursionError:
        raise FormulaError(f"{argument} {text!r:.60}: it is too long; shorten it") from None


@lru_cache(256)
def _made(text: str) -> Activation:
    typed = read(text)
    name = f"={as_text(typed)}"
    try:
        read(name)  # as it is from a saved model
    except FormulaError as error:  # spaces and parentheses may have made it longer, and deeper
        raise FormulaError(f"shorten it; written out as {name!r:.40}…, {error}") from None
    tree = without_overflow(typed)
    slope_tree = slope_of(tree)
    parts = sum(1 for _ in every(slope_tree))
    if parts > _MOST_PARTS:
        raise FormulaError(f"its slope has {parts} parts, and may have {_MOST_PARTS}; shorten it")
    if not varies(typed):
        raise FormulaError("it has no z in it; its slope is 0 everywhere, and nothing would learn")
    g, slope = TreeFunction(tree), TreeFunction(slope_tree, of_a=True)
    a = np.asarray(g(_POINTS))
    _check_finite("it", a)
    slopes = np.asarray(slope(_POINTS, a))
    _check_finite("its slope", slopes)
    if (a == a[0]).all():
        raise FormulaError(
            f"it is {a[0] + 0.0:g} for every z; its slope is 0, and nothing would learn"
        )
    for pole in poles_of(tree, g):
        raise FormulaError(f"it grows without end at z = {pole:.6g}, where it divides by zero")
    kinks = kinks_of(tree, g, lambda z: slope(z, g(z)))
    made = _activation(name, typed, g, slope, tuple(kinks))
    if not slopes.any():
        warnings.warn(
            f"the slope of activation {name!r} is 0 everywhere but at its jumps, so that no weight "
            f"before it learns",
            stacklevel=3,
        )
    return made


def _activation(
    name: str, typed: Node, g: TreeFunction, slope: TreeFunction, kinks: tuple[float, ...]
) -> Activation:
    try:
        return Activation(
            name,
            g,
            slope,
            kinks=kinks,
            range=range_of(g.tree),
            latex=as_latex(typed),
            slope_latex=as_latex(slope.tree),
        )
    except ValueError as error:  # right on paper, but not in 16 digits, or too steep to measure
        raise FormulaError(
            f"its values lose too many digits, or swing too fast, for its slope to be checked: "
            f"{error}"
        ) from None


def _check_finite(what: str, values: FloatArray) -> None:
    """Refuse what is not finite, and say for which z."""
    wrong = np.flatnonzero(~np.isfinite(values))
    if not wrong.size:
        return
    first = wrong[0]
    end = first
    while end + 1 < values.size and not np.isfinite(values[end + 1]):
        end += 1
    low, high = _POINTS[first], _POINTS[end]
    where = f"z = {low:g}" if first == end else f"z from {low:g} to {high:g}"
    more = ", and at other places" if wrong.size > end - first + 1 else ""
    raise FormulaError(
        f"{what} is not a finite number for {where}{more}, expected one for every z from -6 to 6"
    )
