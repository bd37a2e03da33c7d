"""The compiled engine: the same steps, fused, on SIMD registers and threads."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import steps
from chainrule._inputs import MOST_NUMBERS, Inputs
from chainrule._types import Array, FloatArray
from chainrule.dropout import Key, layer_keys
from chainrule.engine import ahead, blocks, epoch, formulas
from chainrule.engine.clipping import NORM_PART, UPDATE_CLIPPED
from chainrule.engine.code_on_disk import is_there, mark_as_there
from chainrule.engine.diagnosis import NotFiniteError, describe_loss, describe_parameters
from chainrule.engine.gathering import gathering
from chainrule.engine.gradients import GRADIENT_AND_UPDATE, scratch_size
from chainrule.engine.interface import Rates, State, nobody
from chainrule.engine.layer_kernels import Kernels
from chainrule.engine.layout import (
    BY_UNITS,
    DROP,
    LD,
    N_IN,
    N_OUT,
    N_PAD,
    RUNNING,
    STATISTICS_AT,
    Layout,
    address,
    aligned_zeros,
    lie_by_units,
)
from chainrule.engine.packing import COPY_FROM_PYTHON, COPY_PARAMETERS
from chainrule.engine.passes import BACKWARD_ROWS, FORWARD_ROWS
from chainrule.engine.products import MULTIPLY_ROWS
from chainrule.engine.registers.tile import TILE
from chainrule.engine.registers.types import REGISTERS
from chainrule.engine.source import GATHER, Source, can_be_read
from chainrule.engine.threads import ThreadChoice, usable_threads
from chainrule.network import Network
from chainrule.optimizers import Optimizer
from chainrule.penalties import Penalty
from chainrule.structure import Structure

# What the epoch calls by name, in the order in which they call each other.
PARTS = (TILE, MULTIPLY_ROWS, FORWARD_ROWS, BACKWARD_ROWS, GRADIENT_AND_UPDATE, COPY_PARAMETERS)
# What is not trained with, but soon asked for.
AFTER_TRAINING = (("prediction", "PREDICT_ROWS"), *(("team", x) for x in ("SERVE", "POST", "LEAD")))
# How long one call of the compiled loop should take, so that Ctrl-C and the bar are not kept.
SECONDS_A_CALL = 0.1
# And while numbers of threads are tried, each of them some times.
SECONDS_A_TRIAL = 0.003
# And while a core is left to another thread of the run, without which threads that wait for each
# other would wait for one that was sent away for it.
SECONDS_BESIDE_OTHERS = 0.01


class CompiledEngine:
    """A training run on compiled kernels; see :class:`chainrule.engine.interface.Engine`.

    Parameters
    ----------
    network : Network
        Changed in place. Its structure must be such that `cannot_do` is None.
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
        self.holds = self.holds_more = False  # whether only the panels are to change; and have
        self.most = max(1, MOST_NUMBERS // (batch_size * structure.n_inputs))
        self.each: float | None = None  # seconds that a mini-batch took, the last time
        self.reads_all = True
        self.others_at_work: Callable[[], bool] = nobody
        self.kernels = kernels = Kernels(dtype)
        self.kind = kind = kernels.kind
        lanes = REGISTERS[kind].lanes
        activations = [layer.activation for layer in structure.layers]
        keep = [formulas.slope_needs_z(g) or g.vjp is not None for g in activations]
        paired = structure.loss.pairs_with(structure.output)
        keep[-1] = True
        turned = lie_by_units(structure, lanes, batch_size)
        self.layout = layout = Layout.of(structure, lanes, batch_size, keep, turned)
        table = layout.table
        whole = clip_norm is not None
        of_loss = structure.loss, paired, turned[-1]
        of_rule = optimizer, penalty, clip_value, whole
        if not is_there(dtype.name):
            ahead.start(dtype.name, _jobs(structure, of_loss, of_rule, any(turned)), AFTER_TRAINING)
        for function in PARTS:
            function.publish(kind)
        if threads is None:
            work = 6 * batch_size * layout.n_parameters
            self.choice = ThreadChoice(usable_threads(), work)
        else:
            self.choice = ThreadChoice(threads, math.inf)
        self.threads = threads = self.choice.most
        # A pool of its own: threads that wait for each other must all be running.
        self.pool = ThreadPoolExecutor(max(1, threads - 1), thread_name_prefix="chainrule")
        for l, layer in enumerate(structure.layers, 1):
            kernels.enter_training(table[l], layer, l < len(structure.layers))
        in_blocks = blocks.pay(table, layout.n_parameters, batch_size)
        self.max_norm = 0.0 if clip_norm is None else float(clip_norm)
        run = self.run = np.zeros(epoch.N_NUMBERS, np.int64)
        run[epoch.LOSS] = kernels.keep(formulas.loss_kernel(*of_loss, kind))
        run[epoch.SHORT], run[epoch.IN_BLOCKS] = paired, in_blocks
        run[epoch.TRANSPOSED_SIZE] = layout.n_transposed
        if whole:
            run[epoch.CLIPPED] = kernels.keep(UPDATE_CLIPPED.compile(kind))
            run[epoch.PREPARE] = kernels.keep(formulas.prepare_kernel(penalty, clip_value, kind))
        run[epoch.SHARED] = bool(penalty) and penalty.shared
        run[epoch.UPDATE] = kernels.keep(formulas.update_kernel(*of_rule, kind))
        self.run_epoch = epoch.EPOCH_FROM_PYTHON(kernels.keep(epoch.RUN_EPOCH.compile(kind)))
        mark_as_there(dtype.name)
        n_gradients = layout.n_parameters * (blocks.BLOCKS if in_blocks else int(whole))
        self._take_memory(batch_size, len(optimizer.state), n_gradients)
        if optimizer.start:
            self.set_state(State(0, optimizer.initial_state(network.vector)))

    def _take_memory(self, batch_size: int, n_states: int, n_gradients: int) -> None:
        """Take the memory of the run, and enter where it is in its table."""
        layout, run, dtype, threads = self.layout, self.run, self.network.dtype, self.threads
        table, lanes, size = layout.table, layout.lanes, layout.n_parameters
        self.P = aligned_zeros(size, dtype)
        self.A = aligned_zeros(layout.n_activations, dtype)
        across = int(table[-1, N_OUT] if table[-1, BY_UNITS] else batch_size)
        scratch = 2 * lanes + scratch_size(int(max(table[1:, N_IN])), batch_size, lanes)
        shares = batch_size + 3 * lanes
        run[epoch.LAYERS] = len(table)
        run[epoch.N_PARAMETERS], run[epoch.N_STATES] = size, n_states
        run[epoch.SCRATCH_SIZE], run[epoch.SHARES_SIZE] = scratch, shares
        self.memory = {
            epoch.BARRIER: np.zeros(64, np.int64),
            epoch.LAYER_TABLE: table,
            epoch.ACTIVATIONS: self.A,
            epoch.STATES: aligned_zeros(size * n_states, dtype),
            epoch.GRADIENTS: aligned_zeros(n_gradients, dtype),
            epoch.TRANSPOSED: aligned_zeros(
                layout.n_transposed * (threads if run[epoch.IN_BLOCKS] else 1), dtype
            ),
            epoch.DELTAS: aligned_zeros(layout.n_gradients, dtype),
            epoch.BATCH_TARGETS: aligned_zeros(int(across * table[-1, LD]), dtype),
            epoch.SCRATCH: aligned_zeros(threads * scratch, dtype),
            epoch.SHARES: aligned_zeros(threads * shares, dtype),
            epoch.NORMS: np.zeros(size // NORM_PART + 2 * len(table)),
        }
        for place, array in self.memory.items():
            run[place] = array.ctypes.data
        self.addresses = run.ctypes.data, self.P.ctypes.data
        self.drops, self.statistics = bool(table[:, DROP].any()), self._statistics()

    def begin_epoch(self, *, watched: bool) -> None:
        """Begin an epoch; what is learned stays in the panels, if the network is not watched.

        So the network itself is the copy to go back to, and need not be written in each call.
        """
        network, self.holds, self.holds_more = self.network, not watched, False
        self.before = network.vector.copy() if watched else network.vector
        self.statistics_before = {name: v.copy() for name, v in network.statistics.items()}

    def end_epoch(self) -> None:
        """Bring what was learned to the network, if it is all finite."""
        with np.errstate(over="ignore", invalid="ignore"):
            finite = self.holds_more and math.isfinite(self.P.sum())
        if not finite and (where := describe_parameters(self.learned())):
            raise NotFiniteError(where)
        if self.holds_more:
            self._copy_vector(self.network.vector)
        self.holds = self.holds_more = False

    def go_back(self) -> None:
        """Forget what the panels hold, and restore the rest."""
        self.holds = self.holds_more = False
        self.network.vector[:] = self.before
        for name, values in self.statistics_before.items():
            self.network.statistics[name][:] = values

    def learned(self) -> Network:
        """Return the network, or, where only the panels have its parameters, a copy with them."""
        if not self.holds_more:
            return self.network
        learned = self.network.copy()
        self._copy_vector(learned.vector)
        return learned

    def _copy_vector(self, vector: FloatArray) -> None:
        table = self.layout.table
        copy = COPY_FROM_PYTHON(COPY_PARAMETERS.publish(self.kind).address)
        copy(address(table), len(table), address(vector), address(self.P), 1, 0, 1)

    @property
    def stride(self) -> int:
        """How many mini-batches it would like to be given at a time."""
        if self.each is None:
            return min(16, self.most)
        seconds = SECONDS_A_TRIAL if self.choice.trials else SECONDS_A_CALL
        if self._leaves_a_core():
            seconds = SECONDS_BESIDE_OTHERS
        count = max(1, int(seconds / self.each))
        return count if self.reads_all else min(count, self.most)

    def _leaves_a_core(self) -> bool:
        """Whether another thread of the run needs one of the cores that would all be taken."""
        return 1 < self.choice.threads >= usable_threads() and self.others_at_work()

    def train_batches(
        self,
        X: Inputs,
        Y: Array,
        sample_weight: FloatArray | None,
        rows: npt.NDArray[np.intp],
        batch_size: int,
        epoch_rows: int | None = None,
    ) -> list[float]:
        """Train on mini-batches of `rows`, as every engine does."""
        epoch_rows = epoch_rows or len(rows)
        n_batches = len(rows) // epoch_rows * -(-epoch_rows // batch_size)
        start = time.perf_counter()
        self.run[epoch.EPOCH_ROWS] = epoch_rows
        leaves_a_core = self._leaves_a_core()
        threads = self.choice.threads - leaves_a_core
        done, losses = self._run(X, Y, sample_weight, rows, batch_size, n_batches, threads)
        self.steps += done
        if done < n_batches:
            raise self._not_finite(X, Y, rows[done * batch_size :][:batch_size], losses[done], done)
        self.each = (time.perf_counter() - start) / n_batches
        if not leaves_a_core:
            self.choice.note(self.each)
        self.reads_all = can_be_read(X)
        return losses.tolist()

    def _run(
        self,
        X: Inputs,
        Y: Array,
        w: FloatArray | None,
        rows: npt.NDArray[np.intp],
        batch_size: int,
        n_batches: int,
        threads: int,
    ) -> tuple[int, FloatArray]:
        source, order = self._source(X, Y, w, rows)
        losses, penalties = np.zeros((2, n_batches, threads))
        for name, running in self.statistics.items():
            running[:] = self.network.statistics[name][0]
        used = {
            epoch.VECTOR: self.network.vector,
            epoch.SOURCE: source.table,
            epoch.ORDER: order,
            epoch.RATES: self.rates.of(self.steps, n_batches),
            epoch.LOSSES: losses,
            epoch.PENALTIES: penalties,
        }
        if self.drops:
            used[epoch.KEYS] = self._keys(n_batches)
        run = self.run
        for place, array in used.items():
            run[place] = address(array)
        run[epoch.N_THREADS] = threads
        run[epoch.LOAD], run[epoch.STORE] = not self.holds_more, not self.holds
        run[epoch.N_ROWS], run[epoch.BATCH_SIZE] = len(order), batch_size
        run[epoch.FIRST_STEP] = self.steps
        arguments = (*self.addresses, self.max_norm)
        others = [self.pool.submit(self.run_epoch, tid, *arguments) for tid in range(1, threads)]
        done = self.run_epoch(0, *arguments)
        for other in others:
            other.result()
        self.holds_more = self.holds
        for name, running in self.statistics.items():
            self.network.statistics[name][0] = running
        if run[epoch.SHARED]:
            self.penalties = penalties.sum(axis=1)[:done].tolist()
        return done, losses.sum(axis=1) if threads > 1 else losses[:, 0]

    def _keys(self, n_batches: int) -> npt.NDArray[np.int64]:
        """Return the keys of the dropout masks by update and layer: (n_batches, L + 1, 2)."""
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
            part = Source(Inputs(X[rows], X.dtype), Y[rows], None if w is None else w[rows])
            return self._with_gathering(part), np.arange(len(rows))
        source, given = self.source, (X, Y, w)
        if source is None or any(a is not b for a, b in zip(source.given, given, strict=True)):
            self.source = source = self._with_gathering(Source(*given))
        return source, rows.astype(np.int64, copy=False)

    def _with_gathering(self, source: Source) -> Source:
        by_units = bool(self.layout.table[0, BY_UNITS])
        source.table[GATHER] = self.kernels.keep(
            gathering(source.table, by_units).compile(self.kind)
        )
        return source

    def _not_finite(
        self, X: Inputs, Y: Array, rows: npt.NDArray[np.intp], loss: float, batch: int
    ) -> NotFiniteError:
        network = self.learned()
        _, cache = steps.forward_propagation(X[rows], network.parameters, network.structure)
        error = NotFiniteError(describe_loss(loss, network, cache))
        error.batch = batch
        return error

    def get_state(self) -> State:
        """Return the state of the update rule, as every engine does."""
        values = tuple(
            np.zeros_like(self.network.vector) for _ in range(int(self.run[epoch.N_STATES]))
        )
        self._copy_states(values, back=1)
        return State(self.steps, values)

    def set_state(self, state: State) -> None:
        """Go on from a state, as every engine does."""
        self.steps = state.steps
        self._copy_states(state.values, back=0)

    def _copy_states(self, values: tuple[FloatArray, ...], back: int) -> None:
        """Copy the rule's states, or, if `back`, bring them there."""
        table, states = self.layout.table, self.memory[epoch.STATES]
        copy = COPY_FROM_PYTHON(COPY_PARAMETERS.publish(self.kind).address)
        for i, value in enumerate(values):
            panels = states[i * self.layout.n_parameters :]
            copy(table.ctypes.data, len(table), value.ctypes.data, panels.ctypes.data, back, 0, 1)


def _jobs(
    structure: Structure, of_loss: tuple[Any, ...], of_rule: tuple[Any, ...], by_units: bool
) -> list[ahead.Job]:
    """Return what other processes may compile: first what takes long and is asked for last."""
    output, narrow = structure.output, ("GRADIENT", "FORWARD", "BACKWARD") if by_units else ()
    return [
        ("epoch", "RUN_EPOCH"),
        ("formulas", "loss_kernel", *of_loss),
        ("formulas", "update_kernel", *of_rule),
        ("gathering", "GATHER_ROWS"),
        *([("formulas", "forward_kernel", output)] if output.vjp is None else []),
        ("gradients", "GRADIENT_AND_UPDATE"),
        *(("by_units", f"{way}_BY_UNITS") for way in narrow),
        ("packing", "COPY_PARAMETERS"),
    ]
