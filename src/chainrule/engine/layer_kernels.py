"""Which kernels a layer needs, forward and back: entered in its row of the layer table."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types

from chainrule.activation import Activation
from chainrule.activations import ACTIVATIONS
from chainrule.engine import by_units, formulas, masking, normalizing
from chainrule.engine.layout import (
    BACKWARD,
    BACKWARD_APART,
    BY_UNITS,
    DROP,
    FORWARD,
    FORWARD_APART,
    GRADIENT,
    NORMALIZE,
    NORMALIZE_BACK,
    PRODUCT,
    PRODUCT_BACK,
    RECTIFIED,
    RUNNING,
    UNDROP,
)
from chainrule.formula_text.running import TreeFunction
from chainrule.structure import Layer, Structure

# Of a typed formula and its slope. Each part is a function of its own, which takes Numba 0.1 s.
MOST_PARTS = 100


def cannot_do(structure: Structure, *, forward_only: bool = False) -> str | None:
    """Return what of a network compiled code can't do, or None if it can do all."""
    for layer in structure.layers:
        g = layer.activation
        if g.vjp is not None and g.vjp is not ACTIVATIONS["softmax"].vjp:
            return f"activation {g.name!r} is not elementwise"
        if g.vjp is None and g.slope is None and not forward_only:
            return f"activation {g.name!r} has no slope, but a finite difference"
        if isinstance(g.g, TreeFunction) and isinstance(g.slope, TreeFunction):
            parts = g.g.parts if forward_only else g.g.parts + g.slope.parts
            if parts > MOST_PARTS:
                return f"activation {g.name!r} is long: compiling it would take {parts / 8:.0f} s"
    return None


class Kernels:
    """The kernels of a run, compiled for one float type, and kept while their addresses are used.

    Parameters
    ----------
    dtype : dtype
        float32 or float64.
    """

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self.kind = types.float32 if dtype == np.float32 else types.float64
        self._kept: set[Any] = set()

    def keep(self, kernel: Any) -> int:
        """Return the address of a kernel, which stays valid as long as this object is there."""
        self._kept.add(kernel)
        return int(kernel.address)

    def enter_forward(self, row: npt.NDArray[np.int64], g: Activation, hidden: bool) -> None:
        """Enter a = g(z); `hidden` layers of identity, and of ReLU in tiles, need no kernel."""
        row[FORWARD_APART] = g.vjp is not None or not _is_plain(row)
        if g.vjp is not None:
            row[FORWARD] = self.keep(formulas.softmax_forward_kernel(self.kind))
        elif hidden and _is_plain(row) and g.name == "relu":
            row[RECTIFIED] = 1
        elif not (hidden and g.name == "identity"):
            row[FORWARD] = self.keep(formulas.forward_kernel(g, self.kind))

    def enter_training(self, row: npt.NDArray[np.int64], layer: Layer, hidden: bool) -> None:
        """Enter all that a training step does in a layer."""
        g, kind = layer.activation, self.kind
        if by := layer.normalization:
            row[NORMALIZE] = self.keep(normalizing.NORMALIZE_BY[by].compile(kind))
            row[NORMALIZE_BACK] = self.keep(normalizing.NORMALIZE_BACK_BY[by].compile(kind))
            if by == "batch":
                row[RUNNING] = self.keep(normalizing.MOVE_RUNNING.compile(kind))
        self.enter_forward(row, g, hidden)
        row[BACKWARD_APART] = g.vjp is not None or bool(layer.dropout) or row[BY_UNITS]
        if g.vjp is not None:
            row[BACKWARD] = self.keep(formulas.softmax_backward_kernel(kind))
        elif g.name != "identity":
            row[BACKWARD] = self.keep(formulas.backward_kernel(g, kind))
        if layer.dropout:
            row[DROP] = self.keep(masking.drop_kernel(layer.dropout, kind))
            row[UNDROP] = self.keep(masking.undrop_kernel(kind))
        if row[BY_UNITS]:
            row[PRODUCT] = self.keep(by_units.FORWARD_BY_UNITS.compile(kind))
            row[PRODUCT_BACK] = self.keep(by_units.BACKWARD_BY_UNITS.compile(kind))
            row[GRADIENT] = self.keep(by_units.GRADIENT_BY_UNITS.compile(kind))

    def enter_prediction(self, row: npt.NDArray[np.int64], layer: Layer, hidden: bool) -> None:
        """Enter what a trained layer does: running statistics, and nothing is dropped."""
        if by := layer.normalization:
            normalize = normalizing.NORMALIZE_RUNNING if by == "batch" else None
            made = normalize or normalizing.NORMALIZE_BY[by]
            row[NORMALIZE] = self.keep(made.compile(self.kind))
        self.enter_forward(row, layer.activation, hidden)


def _is_plain(row: npt.NDArray[np.int64]) -> bool:
    """Whether the activation can follow each tile of the product."""
    return not row[NORMALIZE] and not row[BY_UNITS]
