"""The compiled engine: the same steps, fused, on SIMD registers and threads."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types

from chainrule import steps
from chainrule._inputs import MOST_NUMBERS, Inputs
from chainrule._types import Array, FloatArray
from chainrule.activations import ACTIVATIONS
from chainrule.dropout import Key, layer_keys
from chainrule.engine import formulas, masking, normalizing
from chainrule.engine.clipping import NORM_PART
from chainrule.engine.diagnosis import NotFiniteError, describe_loss
from chainrule.engine.epoch import run_epoch
from chainrule.engine.interface import Rates, State
from chainrule.engine.layout import (
    BACKWARD,
    BACKWARD_APART,
    BY_UNITS,
    DROP,
    FORWARD,
    FORWARD_APART,
    LD,
    N_IN,
    N_OUT,
    N_PAD,
    NORMALIZE,
    NORMALIZE_BACK,
    RECTIFIED,
    RUNNING,
    STATISTICS_AT,
    UNDROP,
    Layout,
    aligned_zeros,
    lie_by_units,
)
from chainrule.engine.packing import copy_arrays
from chainrule.engine.registers.tile import TILE_ROWS, publish_tile
from chainrule.engine.registers.types import REGISTERS
from chainrule.engine.source import Source, can_be_read
from chainrule.network import Network
from chainrule.optimizers import Optimizer
from chainrule.penalties import Penalty
from chainrule.structure import Structure

# A thread is worth its barriers from this many multiplications and additions a step. Measured.
WORTH_A_THREAD = 3e6
# How long one call of the compiled loop should take, so that Ctrl-C and the bar are not kept.
SECONDS_A_CALL = 0.1


def cannot_do(structure: Structure, penalty: Penalty) -> str | None:
    """Return what of a training run the compiled engine can't do, or None if it can do all."""
    if penalty and penalty.shared:
        return "the compiled engine has no penalty that the examples share yet"
    for layer in structure.layers:
        g = layer.activation
        if g.vjp is not None and g.vjp is not ACTIVATIONS["softmax"].vjp:
            return f"activation {g.name!r} is not elementwise"
        if g.vjp is None and g.slope is None:
            return f"activation {g.name!r} has no slope, but a finite difference"
    return None


def usable_threads() -> int:
    """Return how many threads this process may use: its cores, or OMP_NUM_THREADS if that is less.

    Workers of joblib have that variable set, so that together they don't take too many.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(cores, int(allowed))) if allowed.isdigit() else cores


class CompiledEngine:
    """A training run on compiled kernels; see :class:`chainrule.engine.interface.Engine`.

    Parameters
    ----------
    network : Network
        Changed in place. Its structure and the penalty must be such that `cannot_do` is None.
    optimizer, penalty, clip_norm, clip_value, key
        As in :class:`~chainrule.engine.numpy_engine.NumpyEngine`.
    batch_size : int
        The most rows in a mini-batch.
    threads : int or None
        By default as many as the work can use.

    Raises NumbaError if a formula can't be compiled.
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        penalty: Penalty,
        clip_norm: float | None,
        clip_value: float | None,
        key: Key,
        *,
        batch_size: int,
        threads: int | None = None,
    ) -> None:
        self.network, self.key = network, key
        structure, dtype = network.structure, network.dtype
        self.rates, self.steps = Rates(optimizer.learning_rate), 0
        self.penalties: list[float] = []
        self.source: Source | None = None
        self.most = max(1, MOST_NUMBERS // (batch_size * structure.n_inputs))
        self.stride = min(16, self.most)
        kind = types.float32 if dtype == np.float32 else types.float64
        publish_tile(kind)
        lanes = REGISTERS[kind].lanes
        activations = [layer.activation for layer in structure.layers]
        keep = [formulas.slope_needs_z(g) or g.vjp is not None for g in activations]
        paired = structure.loss.pairs_with(structure.output)
        keep[-1] = True
        by_units = lie_by_units(structure, lanes, batch_size)
        self.layout = layout = Layout.of(structure, lanes, batch_size, keep, by_units)
        table = layout.table
        if threads is None:
            work = 6 * batch_size * layout.n_parameters
            threads = max(1, min(usable_threads(), int(work / WORTH_A_THREAD)))
        self.threads = threads
        # A pool of its own: threads that wait for each other must all be running.
        self.pool = ThreadPoolExecutor(max(1, threads - 1), thread_name_prefix="chainrule")
        self.kernels: list[Any] = []
        for l in range(1, len(table)):
            self._enter_kernels(l, kind)
        self.short = int(paired)
        self.loss = self._keep(formulas.loss_kernel(structure.loss, paired, by_units[-1], kind))
        whole = clip_norm is not None
        self.max_norm = 0.0 if clip_norm is None else float(clip_norm)
        l2, l1, limit = penalty.l2, penalty.l1, clip_value
        self.prepare = self._keep(formulas.prepare_kernel(l2, l1, limit, kind)) if whole else 0
        if whole:
            l2, l1, limit = 0.0, 0.0, None
        self.update = self._keep(formulas.update_kernel(optimizer, l2, l1, limit, kind))
        self.n_states = len(optimizer.state)
        size = layout.n_parameters
        self.P = aligned_zeros(size, dtype)
        self.S = aligned_zeros(size * max(1, self.n_states), dtype)
        self.G = aligned_zeros(size if whole else 1, dtype)
        self.T = aligned_zeros(max(1, layout.n_transposed), dtype)
        self.A = aligned_zeros(layout.n_activations, dtype)
        self.D = aligned_zeros(layout.n_gradients, dtype)
        across = table[-1, N_OUT] if by_units[-1] else batch_size
        self.Y = aligned_zeros(int(across * table[-1, LD]), dtype)
        tiles = int(max(-(-table[1:, N_IN] // TILE_ROWS))) + 1
        per_thread = 2 * lanes + tiles * TILE_ROWS * 2 * lanes
        per_thread = -(-per_thread // 16) * 16
        self.scratch = aligned_zeros(threads * per_thread, dtype)
        self.shares = aligned_zeros(threads * (batch_size // threads + 3 * lanes), dtype)
        self.norms = np.zeros(size // NORM_PART + 2 * len(table))
        self.barrier = np.zeros(64, np.int64)

    def _enter_kernels(self, l: int, kind: Any) -> None:
        """Compile what a layer needs, and enter it in its row of the table."""
        structure, row = self.network.structure, self.layout.table[l]
        layer, hidden = structure.layers[l - 1], l < len(structure.layers)
        g = layer.activation
        plain = not layer.normalization and not row[BY_UNITS]
        row[FORWARD_APART] = g.vjp is not None or not plain
        row[BACKWARD_APART] = g.vjp is not None or bool(layer.dropout) or row[BY_UNITS]
        if g.vjp is not None:
            row[FORWARD] = self._keep(formulas.softmax_forward_kernel(kind))
            row[BACKWARD] = self._keep(formulas.softmax_backward_kernel(kind))
        else:
            if hidden and plain and g.name == "relu":
                row[RECTIFIED] = 1
            elif not (hidden and g.name == "identity"):
                row[FORWARD] = self._keep(formulas.forward_kernel(g, kind))
            if g.name != "identity":
                row[BACKWARD] = self._keep(formulas.backward_kernel(g, kind))
        if layer.dropout:
            row[DROP] = self._keep(masking.drop_kernel(layer.dropout, kind))
            row[UNDROP] = self._keep(masking.undrop_kernel(kind))
        if layer.normalization == "batch":
            row[NORMALIZE] = self._keep(normalizing.batch_kernel(kind))
            row[NORMALIZE_BACK] = self._keep(normalizing.batch_back_kernel(kind))
            row[RUNNING] = self._keep(normalizing.running_kernel(kind))
        elif layer.normalization == "layer":
            row[NORMALIZE] = self._keep(normalizing.layer_kernel(kind))
            row[NORMALIZE_BACK] = self._keep(normalizing.layer_back_kernel(kind))

    def _keep(self, kernel: Any) -> int:
        self.kernels.append(kernel)
        return int(kernel.address)

    def train_batches(
        self,
        X: Inputs,
        Y: Array,
        sample_weight: FloatArray | None,
        rows: npt.NDArray[np.intp],
        batch_size: int,
    ) -> list[float]:
        """Train on mini-batches of `rows`, as every engine does."""
        n_batches = -(-len(rows) // batch_size)
        start = time.perf_counter()
        done, losses = self._run(X, Y, sample_weight, rows, batch_size, n_batches)
        self.steps += done
        if done < n_batches:
            raise self._not_finite(X, Y, rows[done * batch_size :][:batch_size], losses[done], done)
        each = (time.perf_counter() - start) / n_batches
        self.stride = max(1, int(SECONDS_A_CALL / each))
        if not can_be_read(X):
            self.stride = min(self.stride, self.most)
        return losses.tolist()

    def _run(
        self,
        X: Inputs,
        Y: Array,
        w: FloatArray | None,
        rows: npt.NDArray[np.intp],
        batch_size: int,
        n_batches: int,
    ) -> tuple[int, FloatArray]:
        source, order = self._source(X, Y, w, rows)
        losses = np.zeros((n_batches, self.threads))
        rates = self.rates.of(self.steps, n_batches)
        statistics = self._statistics()
        for name, running in statistics.items():
            running[:] = self.network.statistics[name][0]
        arguments: tuple[Any, ...] = (
            *(self.threads, self.barrier, self.layout.table, self.network.vector),
            *(self.P, self.S, self.n_states),
            *(self.G, self.T, self.A, self.D, self.Y, self.scratch, self.shares),
            *(source.table, source.targets, source.labels, source.weights, order),
            *(
                batch_size,
                rates,
                self._keys(n_batches),
                self.steps,
                self.loss,
                self.short,
                self.update,
                self.prepare,
            ),
            *(self.max_norm, self.norms, losses),
        )
        others = [self.pool.submit(run_epoch, tid, *arguments) for tid in range(1, self.threads)]
        done = int(run_epoch(0, *arguments))
        for other in others:
            other.result()
        for name, running in statistics.items():
            self.network.statistics[name][0] = running
        return done, losses.sum(axis=1)

    def _keys(self, n_batches: int) -> npt.NDArray[np.int64]:
        """Return the keys of the dropout masks by update and layer: (n_batches, L + 1, 2)."""
        if not self.layout.table[:, DROP].any():
            return np.zeros((0, 0, 2), np.int64)
        numbers = np.arange(self.steps, self.steps + n_batches)[:, None]
        layers = np.arange(len(self.layout.table))[None, :]
        return layer_keys(self.key, numbers, layers).astype(np.int64)

    def _statistics(self) -> dict[str, FloatArray]:
        """Return the running means and variances where the kernels have them, by name."""
        found = {}
        for l in np.flatnonzero(self.layout.table[:, RUNNING]):
            row = self.layout.table[l]
            for name, part in ((f"mean{l}", 2), (f"var{l}", 3)):
                start = row[STATISTICS_AT] + part * row[N_PAD]
                found[name] = self.A[start : start + row[N_OUT]]
        return found

    def _source(
        self, X: Inputs, Y: Array, w: FloatArray | None, rows: npt.NDArray[np.intp]
    ) -> tuple[Source, npt.NDArray[np.int64]]:
        """Return the data as the epoch reads them, and which of them it shall.

        Made once for a run; but rows of another type are converted here, some mini-batches at a
        time.
        """
        if not can_be_read(X):
            part = Inputs(X[rows], X.dtype)
            return Source(part, Y[rows], None if w is None else w[rows]), np.arange(len(rows))
        if self.source is None or self.source.X is not X:
            self.source = Source(X, Y, w)
        return self.source, rows.astype(np.int64, copy=False)

    def _not_finite(
        self, X: Inputs, Y: Array, rows: npt.NDArray[np.intp], loss: float, batch: int
    ) -> NotFiniteError:
        network = self.network
        _, cache = steps.forward_propagation(X[rows], network.parameters, network.structure)
        error = NotFiniteError(describe_loss(loss, network, cache))
        error.batch = batch
        return error

    def get_state(self) -> State:
        """Return the state of the update rule, as every engine does."""
        values = tuple(np.zeros_like(self.network.vector) for _ in range(self.n_states))
        self._copy_states(values, back=1)
        return State(self.steps, values)

    def set_state(self, state: State) -> None:
        """Go on from a state, as every engine does."""
        self.steps = state.steps
        self._copy_states(state.values, back=0)

    def _copy_states(self, values: tuple[FloatArray, ...], back: int) -> None:
        size = self.layout.n_parameters
        for i, value in enumerate(values):
            copy_arrays(self.layout.table, value, self.S[i * size :][:size], back)
