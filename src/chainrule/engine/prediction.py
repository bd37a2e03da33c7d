"""Prediction in compiled code: a trained network's forward pass, on a few rows or on very many.

Rows go through all layers a chunk at a time, so that what lies between the layers stays in the
cache; threads take the next chunk from a counter. So few rows as one tile holds are multiplied
with the weights where they are; for more, the weights are first brought into panels.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule._inputs import MOST_NUMBERS, Inputs
from chainrule._types import FloatArray
from chainrule.engine.code_on_disk import mark_as_there
from chainrule.engine.compilation import inlined
from chainrule.engine.gathering import call_gather, gathering
from chainrule.engine.layer_kernels import Kernels
from chainrule.engine.layout import (
    A_AT,
    G_AT,
    LD,
    N_IN,
    N_OUT,
    N_PAD,
    STATISTICS_AT,
    TABLE,
    W_AT,
    W_FROM,
    W_LD,
    W_SIZE,
    Z_AT,
    Layout,
    address,
    aligned_zeros,
)
from chainrule.engine.packing import COPY_FROM_PYTHON, COPY_PARAMETERS
from chainrule.engine.passes import FORWARD_ROWS, call_forward_rows
from chainrule.engine.products import MULTIPLY_ROWS
from chainrule.engine.registers import (
    at,
    get,
    lanes,
    load,
    pointer_from,
    put,
    spread,
    sum_of_lanes,
)
from chainrule.engine.registers.calls import Addressed
from chainrule.engine.registers.threads import atomic_add
from chainrule.engine.registers.tile import TILE, TILE_ROWS
from chainrule.engine.registers.types import REGISTERS
from chainrule.engine.source import COLUMN_STRIDE, DATA, GATHER, ROW_STRIDE, Source, can_be_read
from chainrule.engine.source import N_NUMBERS as N_SOURCE
from chainrule.engine.team import TASK_FROM_PYTHON, task_signature, team
from chainrule.engine.threads import usable_threads
from chainrule.network import Network

# Numbers between the layers of a chunk of rows, and the fewest and most rows in it. Measured.
NUMBERS_IN_A_CHUNK, LEAST_ROWS, MOST_ROWS = 48_000, 96, 240
# Up to so many parameters their panels are kept, for calls on few rows.
MOST_KEPT = 1_000_000
# Of an array that lies as it is read, so many rows go at once.
ROWS_AT_ONCE = 16_384
# A thread is worth waking from this many multiplications and additions. Measured.
WORTH_A_THREAD = 1e7

# The table of a prediction, like that of a training run.
(
    LAYERS,
    LAYER_TABLE,
    ACTIVATIONS,
    ACTIVATIONS_SIZE,  # of each thread
    ZEROS,
    CHUNK,
    SOURCE,  # 0 if the few rows already lie where the first layer reads them
    ORDER,
    N_ROWS,
    NEXT,  # address of the number of the next chunk, and of how many chunks are not finite
    CHECKED,  # 1 if that is to be counted
    OUTPUTS,
    SUMS,  # address of where the last Z go, or 0
    N_NUMBERS,
) = range(14)


def predict_rows(tid: Any, run: Any, P: Any) -> int:
    """Send rows through the layers and write A[L], chunk by chunk until none is left.

    Returns 1 if the few rows are not finite, else 0. Of more rows it counts the chunks that aren't.
    """
    L, layers = pointer_from(get(run, LAYER_TABLE), TABLE), get(run, LAYERS)
    rows, nothing = get(run, N_ROWS), pointer_from(0, np.int64)
    A = at(pointer_from(get(run, ACTIVATIONS), P), tid * get(run, ACTIVATIONS_SIZE))
    zeros = pointer_from(get(run, ZEROS), P)
    last, n, ld = layers - 1, L[layers - 1, N_OUT], L[layers - 1, LD]
    if get(run, SOURCE) == 0:
        if not are_finite(A, rows * L[0, LD]):
            return 1
        of_rows = (zeros, nothing, 0, 0, rows, rows, nothing, 0, 0, 1)
        call_forward_rows(P, (L, layers, P, A, *of_rows))
        return 0
    source = pointer_from(get(run, SOURCE), np.int64)
    order, chunk = pointer_from(get(run, ORDER), np.int64), get(run, CHUNK)
    counter = pointer_from(get(run, NEXT), np.int64)
    outputs, sums = pointer_from(get(run, OUTPUTS), P), pointer_from(get(run, SUMS), P)
    while True:
        first = atomic_add(counter, 0, 1) * chunk
        if first >= rows:
            return 0
        m = min(chunk, rows - first)
        of_batch = (source, L[0, N_OUT], order, first, 0, m, rows, A, L[0, LD], 1)
        call_gather(get(source, GATHER), A, of_batch)
        if get(run, CHECKED) != 0 and not are_finite(A, m * L[0, LD]):
            atomic_add(counter, 1, 1)
        of_rows = (zeros, nothing, 0, 0, m, m, nothing, 0, 0, 1)
        call_forward_rows(P, (L, layers, P, A, *of_rows))
        copy_rows(at(A, L[last, A_AT]), ld, m, n, at(outputs, first * n))
        if get(run, SUMS) != 0:
            copy_rows(at(A, L[last, Z_AT]), ld, m, n, at(sums, first * n))


@inlined
def are_finite(A: Any, n: Any) -> Any:
    """Whether n numbers are, which end with a whole register: x · 0 is 0 then."""
    total = spread(0.0, load(A, 0))
    for i in range(0, n, lanes(A)):
        total = total + load(A, i) * 0
    return sum_of_lanes(total) == 0


@inlined
def copy_rows(A: Any, ld: Any, m: Any, n: Any, to: Any) -> None:
    """Copy m rows of n numbers to where they lie without gaps."""
    for r in range(m):
        for j in range(n):
            put(to, r * n + j, get(A, r * ld + j))


PREDICT_ROWS = Addressed(predict_rows, task_signature)


@cache
def _first_rows() -> npt.NDArray[np.int64]:
    return np.arange(ROWS_AT_ONCE, dtype=np.int64)


class CompiledPredictor:
    """The forward pass of one network, which follows every change of its parameters.

    Parameters
    ----------
    network : Network
        `chainrule.engine.layer_kernels.cannot_do` must be None for its structure.

    Raises NumbaError if a formula can't be compiled.
    """

    def __init__(self, network: Network) -> None:
        self.network, structure, dtype = network, network.structure, network.dtype
        self.kernels = kernels = Kernels(dtype)
        for function in (TILE, MULTIPLY_ROWS, FORWARD_ROWS, COPY_PARAMETERS):
            function.publish(kernels.kind)
        lanes = REGISTERS[kernels.kind].lanes
        widths = [structure.n_inputs, *(layer.units for layer in structure.layers)]
        rows = min(MOST_ROWS, max(LEAST_ROWS, NUMBERS_IN_A_CHUNK // sum(widths)))
        self.chunk = rows // TILE_ROWS * TILE_ROWS
        depth = len(structure.layers)
        keep = [False] * (depth - 1) + [True]
        self.layout = Layout.of(structure, lanes, self.chunk, keep, [False] * (depth + 1))
        table = self.layout.table
        table[:, A_AT] = table[:, G_AT]  # nothing is dropped in between
        for l, layer in enumerate(structure.layers, 1):
            kernels.enter_prediction(table[l], layer, l < depth)
        self.kernel = kernels.keep(PREDICT_ROWS.compile(kernels.kind))
        self.call = TASK_FROM_PYTHON(self.kernel)
        mark_as_there(f"{dtype.name}-prediction")
        self.copy = COPY_FROM_PYTHON(COPY_PARAMETERS.publish(kernels.kind).address)
        self.lock, self.gathers = threading.Lock(), dict[Addressed, int]()
        self.zeros = aligned_zeros(2 * lanes, dtype)
        self._take_memory(1)
        self._prepare_few()

    def _take_memory(self, threads: int) -> None:
        """Take what lies between the layers, for each thread; it is kept for the next call."""
        layout, self.threads = self.layout, threads
        self.A = aligned_zeros(threads * layout.n_activations, self.network.dtype)
        self.of_threads = self.A.reshape(threads, -1)
        self.run = np.zeros(N_NUMBERS, np.int64)
        self.run[[LAYERS, CHUNK]] = len(layout.table), self.chunk
        self.run[LAYER_TABLE] = layout.table.ctypes.data
        self.run[ACTIVATIONS], self.run[ACTIVATIONS_SIZE] = self.A.ctypes.data, layout.n_activations
        self.run[ZEROS] = self.zeros.ctypes.data

    def _prepare_few(self) -> None:
        """Make ready what a call on few rows needs, so that it need not be made then.

        For as many as one tile holds there is a second table, whose weights are the network's own
        vector; for as many as a chunk holds, panels are kept if they are not large.
        """
        layout, network, table = self.layout, self.network, self.layout.table
        normalized = any(layer.normalization for layer in network.structure.layers)
        self.most_direct = 0 if normalized else TILE_ROWS
        self.most_few = self.chunk if layout.n_parameters <= MOST_KEPT else self.most_direct
        direct = self.table_of_few = table.copy()
        direct[1:, W_AT], direct[1:, W_LD] = direct[1:, W_FROM], direct[1:, N_OUT]
        direct[1:, W_SIZE] = direct[1:, N_IN] * direct[1:, N_OUT]
        self.run_of_few, self.run_of_direct = self.run.copy(), self.run.copy()
        self.run_of_direct[LAYER_TABLE] = direct.ctypes.data
        self._prepare_plain()
        kept = layout.n_parameters if self.most_few > self.most_direct else 0
        self.panels, self.vector = aligned_zeros(kept, network.dtype), network.vector
        vector, panels = self.vector.ctypes.data, self.panels.ctypes.data
        self.of_direct = 0, self.run_of_direct.ctypes.data, vector
        self.of_few = 0, self.run_of_few.ctypes.data, panels
        self.to_panels = table.ctypes.data, len(table), vector, panels, 0, 0, 1
        self.inputs, self.outputs = self._rows_of(0), self._rows_of(-1)
        self.n_inputs = network.structure.n_inputs

    def _prepare_plain(self) -> None:
        """The same for more rows, which are gathered from an array that lies as they are read."""
        self.panels_stay = self.most_few == self.chunk
        run = self.run_of_plain = self.run.copy()
        self.source, self.counter = np.zeros(N_SOURCE, np.int64), np.zeros(8, np.int64)
        self.source[COLUMN_STRIDE], self.source[ROW_STRIDE] = 1, self.network.structure.n_inputs
        self.source[GATHER] = self._gather_from(self.source)
        run[SOURCE], run[ORDER] = address(self.source), address(_first_rows())
        run[NEXT], run[CHECKED] = address(self.counter), 1

    def _gather_from(self, source: npt.NDArray[np.int64]) -> int:
        """Return the address of what gathers from a source."""
        gather = gathering(source, by_units=False)
        if gather not in self.gathers:
            self.gathers[gather] = self.kernels.keep(gather.compile(self.kernels.kind))
        return self.gathers[gather]

    def _rows_of(self, l: int) -> FloatArray:
        """Return the activations of a layer as rows of an array that is a view of them."""
        row = self.layout.table[l]
        flat = self.A[row[A_AT] :][: self.chunk * row[LD]]
        return flat.reshape(self.chunk, row[LD])[:, : row[N_OUT]]

    def forward_quickly(self, X: npt.NDArray[Any]) -> FloatArray | None:
        """Return the outputs of rows as they lie, or None where `forward` must see to them.

        They have the bits of `forward`. A call on few rows takes some microseconds beside its
        arithmetic.
        """
        if X.ndim != 2:
            return None
        m, n = X.shape
        if X.dtype != self.inputs.dtype or self.network.vector is not self.vector:
            return None
        if not m or n != self.n_inputs:
            return None
        if m > self.most_few:
            return self._forward_plain(X)
        with self.lock:
            self.inputs[:m] = X
            if m <= self.most_direct:
                self.run_of_direct[N_ROWS] = m
                wrong = self.call(*self.of_direct)
            else:
                self.copy(*self.to_panels)
                self._take_statistics()
                self.run_of_few[N_ROWS] = m
                wrong = self.call(*self.of_few)
            return None if wrong else self.outputs[:m].copy()

    def _forward_plain(self, X: npt.NDArray[Any]) -> FloatArray | None:
        if not (self.panels_stay and X.flags.c_contiguous and X.flags.aligned):
            return None
        m, n = len(X), self.outputs.shape[1]
        with self.lock:
            threads = self._threads_for(m, None)
            A = np.empty((m, n), X.dtype)
            self.copy(*self.to_panels)
            self._take_statistics()
            run, size = self.run_of_plain, X.dtype.itemsize
            inputs, outputs = address(X), address(A)
            self.counter[1] = 0
            for start in range(0, m, ROWS_AT_ONCE):  # a part of them, so that Ctrl-C is heard
                self.counter[0] = 0
                self.source[DATA] = inputs + start * self.n_inputs * size
                run[OUTPUTS] = outputs + start * n * size
                self._send(run, self.panels, min(ROWS_AT_ONCE, m - start), threads)
            return None if self.counter[1] else A

    def forward(
        self, X: Inputs, *, threads: int | None = None, sums: bool = False
    ) -> tuple[FloatArray, FloatArray | None]:
        """Return the outputs A (m, n_L), and Z (m, n_L) if `sums` are asked for.

        The bits are the same on any number of threads.
        """
        network, m = self.network, len(X)
        shape = m, network.structure.n_outputs
        A, Z = np.empty(shape, network.dtype), np.empty(shape, network.dtype) if sums else None
        with self.lock:
            P, table = self.panels, self.layout.table
            if not len(P):  # they are large, and made for this call alone
                P = aligned_zeros(self.layout.n_parameters, network.dtype)
            self.copy(address(table), len(table), address(network.vector), address(P), 0, 0, 1)
            step = m if can_be_read(X) else max(1, MOST_NUMBERS // self.n_inputs)
            for start in range(0, m, step):
                rows = slice(start, start + step)
                part = X if step == m else Inputs(X[rows], X.dtype)
                self._forward_part(part, P, A[rows], None if Z is None else Z[rows], threads)
        return A, Z

    def _forward_part(
        self, X: Inputs, P: FloatArray, A: FloatArray, Z: FloatArray | None, threads: int | None
    ) -> None:
        source, m = Source(X), len(X)
        threads = self._threads_for(m, threads)
        self._take_statistics()
        run, order, counter = self.run, np.arange(m), np.zeros(8, np.int64)
        source.table[GATHER] = self._gather_from(source.table)
        used = {SOURCE: source.table, ORDER: order, NEXT: counter, OUTPUTS: A}
        for place, array in used.items():
            run[place] = address(array)
        run[SUMS] = 0 if Z is None else address(Z)
        self._send(run, P, m, threads)

    def _threads_for(self, m: int, threads: int | None) -> int:
        """Return how many threads m rows are sent to, for which there is memory then."""
        if threads is None:
            work = 2 * m * self.layout.n_parameters
            threads = min(usable_threads(), int(work / WORTH_A_THREAD))
        threads = max(1, min(threads, -(-m // TILE_ROWS)))
        if threads > self.threads:
            self._take_memory(threads)
            self._prepare_few()
        return threads

    def _send(self, run: npt.NDArray[np.int64], P: FloatArray, m: int, threads: int) -> None:
        """Send m rows through the layers, on so many threads."""
        rounds = -(-m // (threads * self.chunk))  # as many for each thread, of whole tiles
        run[CHUNK] = -(-m // (threads * rounds * TILE_ROWS)) * TILE_ROWS
        run[N_ROWS] = m
        arguments = address(run), address(P)
        if threads == 1:
            self.call(0, *arguments)
        else:
            team(max(threads, usable_threads()), self.kernels.kind).run(
                self.kernel, threads, *arguments
            )

    def _take_statistics(self) -> None:
        """Bring the running means and variances to where each thread's kernels read them."""
        statistics = self.network.statistics
        if not statistics:
            return
        for l, row in enumerate(self.layout.table):
            for name, part in ((f"mean{l}", 2), (f"var{l}", 3)):
                if name in statistics:
                    start = row[STATISTICS_AT] + part * row[N_PAD]
                    self.of_threads[:, start : start + row[N_OUT]] = statistics[name][0]
