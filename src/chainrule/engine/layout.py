"""Where everything lies in the compiled engine's memory: the layer table, and weights in panels.

The weights of a layer lie in panels of two registers' width, ``[n_out / 2V][n_in][2V]``, the bias
after them, with columns padded to whole registers by zeros that stay zero. So a tile of a weight
matrix, of its gradient and of its optimiser's state is one contiguous stretch of memory. The
activations of a batch lie row by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule._types import FloatArray
from chainrule.structure import Structure

# Columns of the layer table; row 0 is the input.
(
    N_IN,  # inputs of the layer
    N_OUT,  # units
    N_PAD,  # units, padded to whole registers
    IN_PAD,  # inputs, padded to whole registers
    W_AT,  # where its panels begin in the parameters
    T_AT,  # where the panels of its transposed weights begin
    A_AT,  # where its activations begin
    Z_AT,  # where its sums begin: at its activations, if those may take their place
    D_AT,  # where the gradient of its sums begins
    LD,  # how far a row of activations is from the next
    RECTIFIED,  # 1 if the activation is ReLU, which the tile kernel does itself
    BY_ROWS,  # 1 if the activation needs whole rows, as softmax does
    FORWARD,  # address of the kernel a = g(z), or 0
    BACKWARD,  # address of the kernel dz = da g'(z, a), or 0
    N_COLUMNS,
) = range(15)


def aligned_zeros(n: int, dtype: npt.DTypeLike) -> FloatArray:
    """Return `n` zeros that begin on a cache line."""
    size = np.dtype(dtype).itemsize
    raw = np.zeros(n * size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + n * size].view(dtype)


@dataclass(frozen=True)
class Layout:
    """The layer table of a structure, and how much memory each part takes, in numbers.

    `lanes` is how many numbers a register holds, and `batch_size` the most rows at a time.
    """

    table: npt.NDArray[np.int64]
    lanes: int
    n_parameters: int
    n_transposed: int
    n_activations: int
    n_gradients: int

    @classmethod
    def of(cls, structure: Structure, lanes: int, batch_size: int, keep_z: list[bool]) -> Layout:
        """Lay out a structure; `keep_z` says of each layer whether its slope needs z as well."""

        def padded(n: int) -> int:
            return -(-n // lanes) * lanes

        sizes = [structure.n_inputs, *(layer.units for layer in structure.layers)]
        table = np.zeros((len(sizes), N_COLUMNS), np.int64)
        w_at = t_at = a_at = d_at = 0
        for l, n in enumerate(sizes):
            row = table[l]
            # An odd number of registers from row to row keeps rows off each other's cache sets.
            row[LD] = (padded(n) // lanes | 1) * lanes
            row[N_OUT], row[N_PAD] = n, padded(n)
            row[A_AT] = row[Z_AT] = a_at
            a_at += batch_size * row[LD]
            if l == 0:
                continue
            if keep_z[l - 1]:
                row[Z_AT] = a_at
                a_at += batch_size * row[LD]
            row[N_IN], row[IN_PAD] = sizes[l - 1], padded(sizes[l - 1])
            row[W_AT], row[T_AT], row[D_AT] = w_at, t_at, d_at
            w_at += (row[N_IN] + 1) * row[N_PAD]
            t_at += row[IN_PAD] * n
            d_at += batch_size * row[LD]
        return cls(table, lanes, int(w_at), int(t_at), int(a_at), int(d_at))

    def _panels(self, l: int, vector: FloatArray) -> list[tuple[slice, FloatArray]]:
        """Return the columns and the memory (n_in, width) of each panel of a layer's weights."""
        row, width = self.table[l], 2 * self.lanes
        panels = []
        for j in range(0, row[N_PAD], width):
            w = min(width, row[N_PAD] - j)
            start = row[W_AT] + j * row[N_IN]
            panel = vector[start : start + row[N_IN] * w].reshape(row[N_IN], w)
            panels.append((slice(j, min(j + w, row[N_OUT])), panel))
        return panels

    def _bias(self, l: int, vector: FloatArray) -> FloatArray:
        row = self.table[l]
        start = row[W_AT] + row[N_IN] * row[N_PAD]
        return vector[start : start + row[N_OUT]]

    def pack(self, parameters: Any, vector: FloatArray) -> None:
        """Copy named parameters into a vector of panels."""
        for l in range(1, len(self.table)):
            W = parameters[f"W{l}"]
            for columns, panel in self._panels(l, vector):
                panel[:, : columns.stop - columns.start] = W[:, columns]
            self._bias(l, vector)[:] = parameters[f"b{l}"][0]

    def unpack(self, vector: FloatArray, parameters: Any) -> None:
        """Copy a vector of panels into named parameters."""
        for l in range(1, len(self.table)):
            W = parameters[f"W{l}"]
            for columns, panel in self._panels(l, vector):
                W[:, columns] = panel[:, : columns.stop - columns.start]
            parameters[f"b{l}"][0] = self._bias(l, vector)
