"""The gradient of a network, parameter by parameter, beside its finite difference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chainrule import _checks
from chainrule._inputs import Rows
from chainrule._text import align
from chainrule._types import FloatArray
from chainrule.explain.nudging import TOLERANCE, Nudged
from chainrule.network import Network
from chainrule.penalties import Penalty


@dataclass(frozen=True)
class Checked:
    """One parameter: its name, such as ``"W1[0, 2]"``, both derivatives, and how they differ."""

    name: str
    gradient: float
    finite_difference: float
    relative_error: float


@dataclass(frozen=True, eq=False, repr=False)
class GradientCheck:
    """The gradient of every parameter that was checked, beside its finite difference.

    Attributes
    ----------
    names : list of str
        ``"W1[0, 0]", "W1[0, 1]", …``, in the order of ``network.vector``.
    gradient, finite_difference, relative_error : array (n,)
        By the chain rule, by the five-point central difference, and their difference over the
        greater of the two (or over 1e-4 of the greatest of all, where that is more). The error is
        NaN where a parameter lies on a kink of the cost, as that of a ReLU at 0: there is no slope.
    tolerance : float
        The greatest relative error that counts as right.
    """

    names: list[str]
    gradient: FloatArray
    finite_difference: FloatArray
    relative_error: FloatArray
    tolerance: float

    @property
    def worst(self) -> Checked:
        """The parameter with the greatest relative error."""
        return self._at(self._worst_of(np.arange(len(self.names))))

    @property
    def passed(self) -> bool:
        """Whether every relative error is within the tolerance."""
        return not (self.relative_error > self.tolerance).any()

    def _worst_of(self, places: npt.NDArray[np.intp]) -> int:
        errors = np.nan_to_num(self.relative_error[places], nan=-1.0)
        return int(places[errors.argmax()])

    def _at(self, i: int) -> Checked:
        values = (self.gradient[i], self.finite_difference[i], self.relative_error[i])
        return Checked(self.names[i], *map(float, values))

    def __str__(self) -> str:
        """A row for each array of parameters, with its worst, and the verdict."""
        rows = [["parameters", "checked", "worst", "gradient", "finite difference", "rel. error"]]
        arrays = np.array([name.partition("[")[0] for name in self.names])
        for array in dict.fromkeys(arrays.tolist()):
            own = np.flatnonzero(arrays == array)
            worst = self._at(self._worst_of(own))
            numbers = [f"{worst.gradient:.8g}", f"{worst.finite_difference:.8g}"]
            rows.append([array, str(len(own)), worst.name, *numbers, _show_error(worst)])
        return f"{align(rows, right=set(rows[0]) - {'parameters', 'worst'})}\n{self._verdict()}"

    def __repr__(self) -> str:
        return f"<GradientCheck: {self._verdict()}>"

    def _verdict(self) -> str:
        worst, n = self.worst, len(self.names)
        found = "right" if self.passed else "WRONG"
        kinks = int(np.isnan(self.relative_error).sum())
        on_kinks = f"; {kinks} on a kink, where there is no slope" if kinks else ""
        return (
            f"gradient of {n:,} parameter{'s' * (n > 1)} {found}: worst {worst.name}, "
            f"{worst.gradient:.8g} by the chain rule, {worst.finite_difference:.8g} by finite "
            f"difference, relative error {worst.relative_error:.1e} (tolerance {self.tolerance:g})"
            f"{on_kinks}"
        )


def _show_error(checked: Checked) -> str:
    return "kink" if np.isnan(checked.relative_error) else f"{checked.relative_error:.1e}"


def gradient_check(
    network: Network,
    X: Rows,
    y: npt.ArrayLike,
    *,
    sample_weight: npt.ArrayLike | None = None,
    l2: float = 0.0,
    l1: float = 0.0,
    at_most: int | None = None,
    tolerance: float = TOLERANCE,
    verbose: int = 1,
) -> GradientCheck:
    """Hold the gradient of every parameter against a finite difference of the cost.

    Parameters
    ----------
    network : Network
        The network; it stays as it is. Nothing is dropped, and batch normalisation takes the
        batch's own statistics, as in a training step.
    X, y, sample_weight
        Examples, as `Network.loss` takes them; a few will do.
    l2, l1 : float, default 0
        Penalties in the cost, as in :func:`chainrule.fit`.
    at_most : int, optional
        Check so many parameters, evenly spaced over the vector. Each costs four times the way
        forward; by default all are checked.
    tolerance : float, default 1e-6
        The greatest relative error that counts as right.
    verbose : {0, 1}, default 1
        1 prints the verdict, with the worst parameter by its name.

    Returns
    -------
    GradientCheck
        ``print`` it for a table.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as above.

    Examples
    --------
    >>> network = Network([2, 3, 1], random_state=0)
    >>> check = gradient_check(network, [[0.5, -1.0], [2.0, 0.3]], [1, 0], verbose=0)
    >>> check.passed, len(check.names)
    (True, 13)
    """
    nudged = Nudged.of(network, X, y, sample_weight, Penalty(l2, l1))
    tolerance = _checks.check_number("tolerance", tolerance, low=0)
    check = check_gradients(nudged, at_most=at_most, tolerance=tolerance)
    if verbose:
        print(check._verdict())
    return check


def check_gradients(
    nudged: Nudged, *, at_most: int | None = None, tolerance: float = TOLERANCE
) -> GradientCheck:
    """Do the same for a cost that may have dropout masks."""
    gradients = nudged.gradients(nudged.forward())
    places = [
        (name, (i, j))
        for name, (rows, columns) in nudged.structure.shapes.items()
        for i in range(rows)
        for j in range(columns)
    ]
    if at_most is not None and _checks.check_integer("at_most", at_most, low=1) < len(places):
        places = [places[k] for k in np.linspace(0, len(places) - 1, at_most).astype(int)]
    given = np.array([gradients[f"d{name}"][place] for name, place in places])
    scale = max(float(np.abs(values).max()) for values in gradients.values())
    pairs = [
        nudged.measure(name, place, nudged.parameters[name], float(value), scale)
        for (name, place), value in zip(places, given, strict=True)
    ]
    measured, error = np.array(pairs).T
    names = [f"{name}[{i}, {j}]" for name, (i, j) in places]
    return GradientCheck(names, given, measured, error, tolerance)
