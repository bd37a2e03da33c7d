"""An activation as data: name, formula g(z), slope g'(z, a), LaTeX; checked when it is made."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from chainrule import _checks
from chainrule._types import Array
from chainrule.finite_differences import central_difference, worst_slope


@dataclass(frozen=True)
class Activation:
    """An activation function: a = g(z), and its slope g'(z, a).

    Call it for its value, ``activation(z)``, and `slope_at` for its slope: its fields `g` and
    `slope` are the formulas as they were given, which take the constants as further arguments.

    The slope is held against a finite difference of `g` when the activation is made, on 97
    points between −6 and 6; points at which `g` is not finite, and neighbourhoods of `kinks`,
    are left out.

    Parameters
    ----------
    name : str
        What the activation is called in tables and errors.
    g : callable
        ``g(z, *constants) -> a``, elementwise on an array of any shape.
    slope : callable, optional
        ``slope(z, a, *constants) -> da/dz``, elementwise, with ``a = g(z)`` given beside z
        because many slopes are shorter in a.
    constants : mapping of str to float, optional
        Further arguments of `g` and `slope`, in their order, such as ``{"alpha": 1.0}``.
    vjp : callable, optional
        For a function that is not elementwise, in place of `slope`: the vector-Jacobian product
        ``vjp(z, a, da, *constants) -> dz`` over rows of shape (m, n).
    numerical_slope : bool, default False
        Take the slope by a finite difference of `g` in float64, where none is given. It costs
        four more evaluations of `g`, and is wrong within 0.2 % of abs(z) of a kink.
    kinks : tuple of float, optional
        The z at which the slope jumps.
    range : (float, float), default (-inf, inf)
        The closed interval in which every a lies; a loss that needs probabilities asks for it.
    latex, slope_latex : str, optional
        The two formulas in LaTeX, in z and a.

    Raises
    ------
    ValueError
        If the slope differs from the finite difference (the message says at which z, and gives
        both values), if `g` changes the shape of its argument, or if neither `slope` nor `vjp`
        nor ``numerical_slope=True`` is given.
    TypeError
        If `g`, `slope` or `vjp` is not callable.

    Examples
    --------
    >>> import numpy as np
    >>> bent = Activation("bent", lambda z: (np.sqrt(z * z + 1) - 1) / 2 + z,
    ...                   lambda z, a: z / (2 * np.sqrt(z * z + 1)) + 1)
    >>> bent(0.0)
    np.float64(0.0)
    """

    name: str
    g: Callable[..., Array]
    slope: Callable[..., Array] | None = None
    constants: Mapping[str, float] = field(default_factory=dict)
    vjp: Callable[..., Array] | None = None
    numerical_slope: bool = False
    kinks: tuple[float, ...] = ()
    range: tuple[float, float] = (-math.inf, math.inf)
    latex: str = ""
    slope_latex: str = ""

    def __post_init__(self) -> None:
        for argument in ("g", "slope", "vjp"):
            value = getattr(self, argument)
            if not (callable(value) or (value is None and argument != "g")):
                raise TypeError(f"{argument} of activation {self.name!r} must be a function")
        if self.vjp is not None:
            self._check_vjp()
        elif self.slope is not None:
            self._check_slope()
        elif not self.numerical_slope:
            raise ValueError(
                f"activation {self.name!r} has no slope; give slope=g'(z, a), or ask for a "
                f"finite difference with numerical_slope=True"
            )

    def __call__(self, z: Array) -> Array:
        """Return a = g(z), of the shape and type of `z`."""
        return self.g(z, *self.constants.values())

    def slope_at(self, z: Array, a: Array) -> Array:
        """Return da/dz at z, where a = g(z); of an elementwise activation."""
        if self.slope is not None:
            return self.slope(z, a, *self.constants.values())
        return np.asarray(central_difference(self, z), dtype=np.asarray(a).dtype)

    def backward(self, z: Array, a: Array, da: Array) -> Array:
        """Return dL/dz from dL/da, both of the shape of `z`: the chain rule at this node."""
        if self.vjp is not None:
            return self.vjp(z, a, da, *self.constants.values())
        return da * self.slope_at(z, a)

    def _check_slope(self) -> None:
        z = np.linspace(-6, 6, 97) + 0.0137  # off the round numbers, where kinks lie
        for kink in self.kinks:
            z = z[np.abs(z - kink) > 0.02]
        with np.errstate(all="ignore"), _checks.naming(f"activation {self.name!r}"):
            a = self(z)
            if np.shape(a) != z.shape:
                raise ValueError(
                    f"g of activation {self.name!r} must be elementwise: it made shape "
                    f"{np.shape(a)} of {z.shape}; give vjp= for a function that is not"
                )
            wrong = worst_slope(self, z, self.backward(z, a, np.ones_like(z)))
        low, high = self.range
        if (a < low).any() or (a > high).any():
            raise ValueError(
                f"range of activation {self.name!r} is wrong: it is given as [{low:g}, {high:g}], "
                f"but g takes values from {np.nanmin(a):.6g} to {np.nanmax(a):.6g}"
            )
        if wrong is not None and math.isnan(wrong.measured):
            raise ValueError(f"g of activation {self.name!r} is not finite anywhere in [-6, 6]")
        if wrong is not None:
            raise ValueError(
                f"slope of activation {self.name!r} is wrong: at z = {wrong.x:.6g} it gives "
                f"{wrong.given:.9g}, the finite difference of g gives {wrong.measured:.9g}"
            )

    def _check_vjp(self) -> None:
        z = np.sin(np.arange(12.0)).reshape(3, 4) * 3
        da = np.cos(np.arange(12.0)).reshape(3, 4)
        a = self(z)
        if np.shape(a) != z.shape:
            raise ValueError(
                f"g of activation {self.name!r} must keep the shape of its argument: it made "
                f"{np.shape(a)} of {z.shape}"
            )
        given = self.backward(z, a, da)
        for i, j in np.ndindex(3, 4):

            def along(t: Array, i: int = i, j: int = j) -> Array:
                moved = z.copy()
                moved[i, j] = t
                return np.sum(self(moved) * da)

            measured = central_difference(along, z[i, j])
            if not abs(given[i, j] - measured) <= 1e-7 * max(1.0, abs(measured)):
                raise ValueError(
                    f"vjp of activation {self.name!r} is wrong: for z = {z[i]} and da = {da[i]} "
                    f"it gives {given[i, j]:.9g} in column {j}, the finite difference of g "
                    f"gives {measured:.9g}"
                )
