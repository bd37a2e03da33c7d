"""Where everything lies in the compiled engine's memory: the layer table.

The activations of a batch lie row by row, an example a row; those of a few units at a narrow end
of the network lie unit by unit, so that the examples fill the registers which the units would not.

The weights of a layer lie in panels of two registers' width, ``[n_out / 2V][n_in][2V]``, with
columns padded to whole registers by zeros that stay zero; where the activations lie unit by unit,
the transposed weights do, ``[n_in / 2V][n_out][2V]``. The bias comes after them, then the gain of
a normalised layer. So a tile of a weight matrix, of its gradient and of its optimiser's state is
one contiguous stretch of memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule._types import FloatArray
from chainrule.engine.registers.table import Table
from chainrule.engine.registers.types import CACHE_LINE, REGISTER_BYTES
from chainrule.structure import Structure

# Columns of the layer table; row 0 is the input.
(
    N_IN,  # inputs of the layer
    N_OUT,  # units
    N_PAD,  # units, padded to whole registers
    IN_PAD,  # inputs, padded to whole registers
    BY_UNITS,  # 1 if its activations lie unit by unit
    PRODUCT,  # address of the kernel of its sums then
    PRODUCT_BACK,  # address of the kernel dA = dZ Wᵀ then
    GRADIENT,  # address of the kernel of its gradient and update then
    LD,  # how far a row, or a unit, is from the next
    EXAMPLE,  # how far an example is from the next
    W_AT,  # where its panels begin in the parameters
    W_SIZE,  # how many numbers they have; the bias follows
    W_LD,  # 0; or how far a row of weights is from the next, where they lie in no panels
    SIZE,  # how many numbers all its parameters have
    W_FROM,  # where its weights begin in the network's vector
    B_FROM,  # where its bias begins there
    GAMMA_FROM,  # where its gain begins there
    T_AT,  # where the panels of its transposed weights begin
    U_AT,  # where its sums begin, which normalisation brings to û: at Z, if there is none
    Z_AT,  # where its normalised sums begin: at G, if g' needs no z
    G_AT,  # where its activations begin: at A, if none are dropped
    A_AT,  # where begins what the next layer gets
    M_AT,  # where its dropout mask begins
    D_AT,  # where the gradient dZ begins
    E_AT,  # where the gradient dU begins: at dZ, if there is no normalisation
    STATISTICS_AT,  # where its means, variances, and their running values begin
    RECTIFIED,  # 1 if the activation is ReLU, which the tile kernel does itself
    FORWARD,  # address of the kernel a = g(z), or 0
    FORWARD_APART,  # 1 if it runs on whole rows after the product, not on each tile
    BACKWARD,  # address of the kernel dz = da g'(z, a), or 0
    BACKWARD_APART,  # the same of it
    NORMALIZE,  # address of the kernel û = (u − μ)/√(s² + ε), or 0
    NORMALIZE_BACK,  # address of its gradient's
    RUNNING,  # address of the running statistics', or 0
    DROP,  # address of the kernel that drops, or 0
    UNDROP,  # address of its gradient's
    N_COLUMNS,
) = range(37)
TABLE = Table(N_COLUMNS)


def aligned_zeros(n: int, dtype: npt.DTypeLike) -> FloatArray:
    """Return `n` zeros that begin on a cache line."""
    size = np.dtype(dtype).itemsize
    raw = np.zeros(n * size + CACHE_LINE, np.uint8)
    start = -raw.ctypes.data % CACHE_LINE
    return raw[start : start + n * size].view(dtype)


def address(array: npt.NDArray[Any]) -> int:
    """Return where an array's first number lies; quicker than by way of ``array.ctypes``."""
    place: int = array.__array_interface__["data"][0]
    return place


def lie_by_units(structure: Structure, lanes: int, batch_size: int) -> list[bool]:
    """Say of the inputs and of each layer whether its activations lie unit by unit.

    All do where none is wider than half a register; else the outputs alone, if a quarter holds
    them.
    """
    layers = structure.layers
    plain = [
        layer.activation.vjp is None and not layer.normalization and not layer.dropout
        for layer in layers
    ]
    widest = max(structure.n_inputs, *(layer.units for layer in layers))
    if batch_size < lanes or not plain[-1]:
        return [False] * (len(layers) + 1)
    if widest <= lanes // 2 and all(plain):
        return [True] * (len(layers) + 1)
    return [*[False] * len(layers), layers[-1].units <= max(1, lanes // 4)]


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
    def of(
        cls,
        structure: Structure,
        lanes: int,
        batch_size: int,
        keep_z: list[bool],
        by_units: list[bool],
    ) -> Layout:
        """Lay out a structure; `keep_z` says of each layer whether its slope needs z as well."""
        sizes = [structure.n_inputs, *(layer.units for layer in structure.layers)]
        table = np.zeros((len(sizes), N_COLUMNS), np.int64)
        line = lanes * (CACHE_LINE // REGISTER_BYTES)
        taken = {"P": 0, "V": 0, "T": 0, "A": 0, "D": 0}

        def take(memory: str, n: int) -> int:
            taken[memory] += int(n)
            return taken[memory] - int(n)

        def padded(n: int) -> int:
            return -(-n // lanes) * lanes

        for l, n in enumerate(sizes):
            row, turned = table[l], by_units[l]
            row[N_OUT], row[N_PAD], row[BY_UNITS] = n, padded(n), turned
            # An odd number of cache lines from row to row keeps rows off each other's cache sets.
            row[LD] = (-(-(batch_size if turned else n) // line) | 1) * line
            row[EXAMPLE] = 1 if turned else row[LD]
            size = row[LD] * (n if turned else batch_size)
            row[A_AT] = row[G_AT] = row[Z_AT] = row[U_AT] = take("A", size)
            if l == 0:
                continue
            layer = structure.layers[l - 1]
            if layer.dropout:
                row[M_AT] = take("A", size)
                row[G_AT] = row[Z_AT] = row[U_AT] = take("A", size)
            if keep_z[l - 1]:
                row[Z_AT] = row[U_AT] = take("A", size)
            row[D_AT] = row[E_AT] = take("D", size)
            if layer.normalization:
                row[U_AT], row[E_AT] = take("A", size), take("D", size)
                per_batch = layer.normalization == "batch"
                row[STATISTICS_AT] = take("A", 4 * row[N_PAD] if per_batch else 2 * batch_size)
            row[N_IN], row[IN_PAD] = sizes[l - 1], padded(sizes[l - 1])
            row[W_SIZE] = n * row[IN_PAD] if turned else row[N_IN] * row[N_PAD]
            row[SIZE] = row[W_SIZE] + row[N_PAD] * (2 if layer.normalization else 1)
            row[W_AT] = take("P", row[SIZE])
            row[W_FROM], row[B_FROM] = take("V", row[N_IN] * n), take("V", n)
            row[GAMMA_FROM] = take("V", n) if layer.normalization else 0
            row[T_AT] = take("T", 0 if turned else row[IN_PAD] * n)
        return cls(table, lanes, taken["P"], taken["T"], taken["A"], taken["D"])
