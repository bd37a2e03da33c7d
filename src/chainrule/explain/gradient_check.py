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
    on_kink: bool


@dataclass(frozen=True, eq=False, repr=False)
class GradientCheck:
    """The gradient of every parameter that was checked, beside its finite difference.

    Attributes
    ----------
    names : list of str
        ``"W1[0, 0]", "W1[0, 1]", …``, in the order of ``network.vector``.
    gradient, finite_difference, relative_error : array (n,)
        By the chain rule, by the five-point central difference, and their difference over the
        greater of the two (or over 1e-4 of the greatest of all, where that is more).
    beyond_rounding : array (n,)
        The same without what rounding can explain: what is judged.
    on_kink : array of bool (n,)
        Where a parameter lies on a kink of the cost, as that of a ReLU at 0: there is no slope.
    tolerance : float
        The greatest relative error that counts as right.
    """

    names: list[str]
    gradient: FloatArray
    finite_difference: FloatArray
    relative_error: FloatArray
    beyond_rounding: FloatArray
    on_kink: npt.NDArray[np.bool_]
    tolerance: float

    @property
    def worst(self) -> Checked:
        """The parameter with the greatest relative error."""
        return self._at(self._worst_of(np.arange(len(self.names))))

    @property
    def passed(self) -> bool:
        """Whether every relative error is within the tolerance, and any could be taken."""
        wrong = (self.beyond_rounding > self.tolerance) & ~self.on_kink
        return not wrong.any() and not self.on_kink.all()

    def _worst_of(self, places: npt.NDArray[np.intp]) -> int:
        # The greatest first; of those that rounding explains, the greatest of all
        keys = (self.relative_error, self.beyond_rounding, ~self.on_kink)
        return int(places[np.lexsort([key[places] for key in keys])[-1]])

    def _at(self, i: int) -> Checked:
        both = float(self.gradient[i]), float(self.finite_difference[i])
        error, on_kink = float(self.relative_error[i]), bool(self.on_kink[i])
        return Checked(self.names[i], *both, error, on_kink)

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
        worst, n, kinks = self.worst, len(self.names), int(self.on_kink.sum())
        counted = f"{n:,} parameter{'s' * (n > 1)}"
        if kinks == n:
            return f"gradient of {counted} not checked: all lie on a kink, where there is no slope"
        on_kinks = f"; {kinks} on a kink, where there is no slope" if kinks else ""
        return (
            f"gradient of {counted} {'right' if self.passed else 'WRONG'}: worst {worst.name}, "
            f"{worst.gradient:.8g} by the chain rule, {worst.finite_difference:.8g} by finite "
            f"difference, relative error {worst.relative_error:.1e} (tolerance {self.tolerance:g})"
            f"{on_kinks}"
        )


def _show_error(checked: Checked) -> str:
    return "kink" if checked.on_kink else f"{checked.relative_error:.1e}"


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
        Check so many parameters, drawn alike each time, and at least one of each array. Each costs
        four times the way forward from its layer; by default all are checked.
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
        places = _some_of(places, at_most)
    finite = [float(np.abs(g[np.isfinite(g)]).max(initial=0.0)) for g in gradients.values()]
    measured = [
        nudged.measure(
            name, place, nudged.parameters[name], float(gradients[f"d{name}"][place]), max(finite)
        )
        for name, place in places
    ]
    slope, error, beyond, on_kink = (np.array(column) for column in zip(*measured, strict=True))
    return GradientCheck(
        [f"{name}[{i}, {j}]" for name, (i, j) in places],
        np.array([gradients[f"d{name}"][place] for name, place in places]),
        slope,
        error,
        beyond,
        on_kink,
        tolerance,
    )


def _some_of(
    places: list[tuple[str, tuple[int, int]]], count: int
) -> list[tuple[str, tuple[int, int]]]:
    """Return so many places, drawn alike each time, in their order; of each array at least one."""
    drawn = np.random.default_rng(0).permutation(len(places))
    first_of: dict[str, int] = {}
    for k in drawn.tolist():
        first_of.setdefault(places[k][0], k)
    some = dict.fromkeys([*first_of.values(), *drawn.tolist()])  # each once, in this order
    return [places[k] for k in sorted(list(some)[: max(count, len(first_of))])]
