"""A loss as data: value L(a, y), slope dL/da, stable short forms; checked when it is made."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import _checks
from chainrule._types import Array, FloatArray
from chainrule.activation import Activation
from chainrule.activations import get_activation
from chainrule.finite_differences import worst_slope


@dataclass(frozen=True)
class Loss:
    """A loss L(a, y) with its slope dL/da, elementwise in output and target.

    The slope, and the short forms where there are any, are held against finite differences when
    the loss is made. Call `elementwise` for the value and `backward` for the slope: the fields
    `value` and `slope` are the formulas as they were given, which take the constants as further
    arguments.

    Parameters
    ----------
    name : str
        What the loss is called in tables and errors.
    value : callable
        ``value(a, y, *constants) -> L``, elementwise on arrays of shape (m, n).
    slope : callable
        ``slope(a, y, *constants) -> dL/da``, elementwise.
    constants : mapping of str to float, optional
        Further arguments of `value` and `slope`, in their order, such as ``{"delta": 1.0}``.
    output : str, default "identity"
        Name of the output activation that belongs to the loss, and the default of a network.
    from_z : callable, optional
        ``from_z(z, y) -> L`` for that activation: the value from the logits, stable for large z.
        Any other activation's outputs count as at least 1e-30 in a logarithm.
    dZ : callable, optional
        ``dZ(a, y) -> dL/dz`` for that activation: the short form of the chain rule's product.
        Given together with `from_z`.
    outputs : (float, float), default (-inf, inf)
        The interval in which every a must lie.
    targets : (float, float), default (-inf, inf)
        The interval in which every y must lie.
    labels : bool, default False
        Whether a target may be a class number, which stands for a row with one 1 in it.
    latex, slope_latex : str, optional
        The two formulas in LaTeX, in a and y.

    Raises
    ------
    ValueError
        If a slope or a short form differs from the finite difference, or changes the shape.
    TypeError
        If a formula is not callable.

    Examples
    --------
    >>> import numpy as np
    >>> log_cosh = Loss("log_cosh", lambda a, y: np.log(np.cosh(a - y)),
    ...                 lambda a, y: np.tanh(a - y))
    >>> log_cosh.elementwise(np.array([[1.0], [2.0]]), np.array([[1.0], [2.0]]))
    array([[0.],
           [0.]])
    """

    name: str
    value: Callable[..., Array]
    slope: Callable[..., Array]
    constants: Mapping[str, float] = field(default_factory=dict)
    output: str = "identity"
    from_z: Callable[[Array, Array], Array] | None = None
    dZ: Callable[[Array, Array], Array] | None = None
    outputs: tuple[float, float] = (-math.inf, math.inf)
    targets: tuple[float, float] = (-math.inf, math.inf)
    labels: bool = False
    latex: str = ""
    slope_latex: str = ""

    def __post_init__(self) -> None:
        for argument in ("value", "slope", "from_z", "dZ"):
            given = getattr(self, argument)
            if not (callable(given) or (given is None and argument in ("from_z", "dZ"))):
                raise TypeError(f"{argument} of loss {self.name!r} must be a function")
        if (self.from_z is None) != (self.dZ is None):
            raise ValueError(f"from_z and dZ of loss {self.name!r} belong together: give both")
        get_activation(self.output, "output")
        self._check_slopes()

    def elementwise(self, A: Array, Y: Array) -> Array:
        """Return L(a, y) for every output of every example, shape (m, n)."""
        return self.value(A, Y, *self.constants.values())

    def backward(self, A: Array, Y: Array) -> Array:
        """Return dL/da for every output of every example, shape (m, n)."""
        return self.slope(A, Y, *self.constants.values())

    def pairs_with(self, activation: Activation) -> bool:
        """Whether the loss has its short forms `from_z` and `dZ` for this output activation."""
        return self.from_z is not None and activation.g is get_activation(self.output).g

    def encode(self, y: object, n_outputs: int, dtype: npt.DTypeLike) -> Array:
        """Return targets as rows, checked: (m, n_outputs) numbers, or class numbers (m, 1).

        Parameters
        ----------
        y : array-like
            Targets of shape (m, n_outputs); (m,) will do for one output; where the loss takes
            labels, class numbers 0 … n_outputs − 1 of shape (m,) or (m, 1).
        n_outputs : int
            Number of output units.
        dtype : dtype
            Float type of the result; class numbers become integers.

        Raises
        ------
        ValueError, TypeError
            If `y` is not numbers of one of those shapes within the loss's interval of targets.
        """
        Y = _checks.check_array("y", y)
        if self.labels and (Y.ndim == 1 or Y.shape[1:] == (1,)):
            return self._encode_labels(Y.reshape(-1, 1), n_outputs)
        if Y.ndim == 1 and n_outputs == 1:
            Y = Y.reshape(-1, 1)
        if Y.ndim != 2 or Y.shape[1] != n_outputs:
            also = " or class numbers (m,)" if self.labels else " or (m,)" * (n_outputs == 1)
            raise ValueError(f"y must have shape (m, {n_outputs}){also}, got {Y.shape}")
        low, high = self.targets
        if Y.min() < low or Y.max() > high:
            wrong = Y.min() if Y.min() < low else Y.max()
            hint = "; numbers want another loss, classes an output each" if high == 1 else ""
            raise ValueError(
                f"y must be in [{low:g}, {high:g}] for loss {self.name!r}, got {wrong}{hint}"
            )
        if self.labels and not np.allclose(Y.sum(axis=1), 1, atol=1e-4):
            raise ValueError(f"rows of y must sum to 1 for loss {self.name!r}")
        return _checks.check_array("y", Y, dtype=dtype)

    def _encode_labels(self, Y: npt.NDArray[Any], n_outputs: int) -> Array:
        fractional = np.floor(Y) != Y
        if fractional.any():
            raise ValueError(f"class numbers in y must be integers, got {Y[fractional][0]}")
        if Y.min() < 0 or Y.max() >= n_outputs:
            wrong = Y.min() if Y.min() < 0 else Y.max()
            raise ValueError(f"class numbers in y must be in 0 … {n_outputs - 1}, got {wrong}")
        return Y.astype(np.intp)

    def _check_slopes(self) -> None:
        low, high = max(self.outputs[0], -3.0), min(self.outputs[1], 3.0)
        width = high - low  # off the ends, and off the round numbers, where kinks lie
        a = np.tile(np.linspace(low + 0.0413 * width, high - 0.0571 * width, 41), (5, 1))
        y = np.linspace(max(self.targets[0], -2.0), min(self.targets[1], 2.0), 5).reshape(5, 1)
        with np.errstate(all="ignore"), _checks.naming(f"loss {self.name!r}"):
            L = self.elementwise(a, y)
            if np.shape(L) != a.shape:
                raise ValueError(
                    f"value of loss {self.name!r} must be elementwise: it made shape "
                    f"{np.shape(L)} of {a.shape}"
                )
            wrong = worst_slope(lambda t: self.elementwise(t, y), a, self.backward(a, y))
        if wrong is not None:
            raise ValueError(
                f"slope of loss {self.name!r} is wrong: at a = {wrong.x:.6g}, "
                f"y = {float(y[wrong.place[0], 0]):g} it gives {wrong.given:.9g}, "
                f"the finite difference of value gives {wrong.measured:.9g}"
            )
        if self.from_z is not None and self.dZ is not None:
            self._check_short_forms(np.resize(y, (5, 4)))

    def _check_short_forms(self, Y: FloatArray) -> None:
        assert self.from_z is not None
        assert self.dZ is not None
        g = get_activation(self.output, argument="output")
        Z = 3 * np.sin(np.arange(20.0)).reshape(5, 4)
        Y = np.eye(4)[[0, 1, 2, 3, 0]] if self.labels else Y
        A = g(Z)
        pairs = {
            "from_z": (self.from_z(Z, Y), self.elementwise(A, Y), "value(g(z), y)"),
            "dZ": (self.dZ(A, Y), g.backward(Z, A, self.backward(A, Y)), "dL/da · da/dz"),
        }
        for short, (got, expected, long) in pairs.items():
            # 1e-9: two exact ways to the same number, which differ by rounding alone
            if not np.allclose(got, expected, rtol=1e-9, atol=1e-9):
                raise ValueError(
                    f"{short} of loss {self.name!r} is wrong: it gives {np.ravel(got)[0]:.9g} "
                    f"where {long} gives {np.ravel(expected)[0]:.9g}"
                )


def mean_over_examples(L: Array, sample_weight: Array | None = None) -> Array:
    """Return the cost J of losses `L` (m, n): summed over outputs, averaged over examples.

    With weights w (m, 1) it is Σᵢ wᵢ Σₖ Lᵢₖ / Σᵢ wᵢ.
    """
    if sample_weight is None:
        return np.sum(L) / L.shape[0]
    return np.sum(sample_weight * L) / np.sum(sample_weight)


def one_hot(labels: Array, n_classes: int, dtype: npt.DTypeLike = np.float64) -> FloatArray:
    """Return class numbers (m, 1) as rows (m, n_classes) with a 1 in the column of the class."""
    Y = np.zeros((len(labels), n_classes), dtype=dtype)
    np.put_along_axis(Y, labels, 1, axis=1)
    return Y
