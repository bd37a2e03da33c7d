"""The library's formulas as compiled kernels: the same function objects, on registers.

Each maker wraps a formula of floor 1, or of the user's own, in the loop that applies it to a
stretch of memory, compiles that for one float type, and returns it; its ``address`` goes into the
layer table.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from chainrule.activation import Activation
from chainrule.engine.compilation import callable_in_loops, kernel
from chainrule.engine.gradients import update_signature
from chainrule.engine.products import backward_signature, forward_signature
from chainrule.engine.registers import (
    POINTERS,
    first_lanes,
    get,
    lanes,
    largest_lane,
    load,
    loads,
    select,
    spread,
    store,
    stores,
    sum_of_lanes,
)
from chainrule.loss import Loss
from chainrule.losses import categorical_cross_entropy_from_z
from chainrule.optimizers import Optimizer
from chainrule.penalties import Penalty


def slope_needs_z(activation: Activation) -> bool:
    """Whether g'(z, a) changes when a is put in the place of z, and so z must be kept."""
    z = np.linspace(-6, 6, 97) + 0.0137
    if activation.vjp is not None:
        return False
    with np.errstate(all="ignore"):
        a = activation(z)
        return not np.array_equal(
            np.broadcast_to(activation.slope_at(z, a), z.shape),
            np.broadcast_to(activation.slope_at(a, a), z.shape),
            equal_nan=True,
        )


def forward_kernel(activation: Activation, dtype: Any) -> Any:
    """Compile a = g(z) over rows of n numbers; what lies beyond them becomes zero."""
    g, constants = callable_in_loops(activation.g), tuple(activation.constants.values())

    def forward(Z: Any, A: Any, rows: Any, n: Any, ldz: Any, lda: Any) -> None:
        for r in range(rows):
            for j in range(0, n, lanes(Z)):
                z = load(Z, r * ldz + j)
                a = spread(g(z, *constants), z)
                store(A, r * lda + j, select(first_lanes(Z, n - j), a, 0))

    return kernel(forward_signature(dtype), lambda: forward, "forward", activation.g, constants)


def backward_kernel(activation: Activation, dtype: Any) -> Any:
    """Compile dz = da g'(z, a) over rows of n numbers; what lies beyond them becomes zero."""
    slope, constants = callable_in_loops(activation.slope), tuple(activation.constants.values())

    def backward(Z: Any, A: Any, D: Any, rows: Any, n: Any, ldz: Any, lda: Any, ldd: Any) -> None:
        for r in range(rows):
            for j in range(0, n, lanes(Z)):
                z, a, da = load(Z, r * ldz + j), load(A, r * lda + j), load(D, r * ldd + j)
                dz = da * slope(z, a, *constants)
                store(D, r * ldd + j, select(first_lanes(Z, n - j), dz, 0))

    return kernel(
        backward_signature(dtype), lambda: backward, "backward", activation.slope, constants
    )


def softmax_forward_kernel(dtype: Any) -> Any:
    """Compile a = e^(z − max z) / Σ e^(z − max z) over rows."""

    def forward(Z: Any, A: Any, rows: Any, n: Any, ldz: Any, lda: Any) -> None:
        for r in range(rows):
            largest = get(Z, r * ldz)
            for j in range(0, n, lanes(Z)):
                z = load(Z, r * ldz + j)
                largest = max(largest, largest_lane(select(first_lanes(Z, n - j), z, largest)))
            total = load(Z, r * ldz) * 0
            for j in range(0, n, lanes(Z)):
                e = np.exp(load(Z, r * ldz + j) - largest)
                e = select(first_lanes(Z, n - j), e, 0)
                store(A, r * lda + j, e)
                total = total + e
            share = 1 / sum_of_lanes(total)
            for j in range(0, n, lanes(Z)):
                store(A, r * lda + j, load(A, r * lda + j) * share)

    return kernel(forward_signature(dtype), lambda: forward, "softmax forward")


def softmax_backward_kernel(dtype: Any) -> Any:
    """Compile dz = a ∘ (da − Σ da ∘ a) over rows."""

    def backward(Z: Any, A: Any, D: Any, rows: Any, n: Any, ldz: Any, lda: Any, ldd: Any) -> None:
        for r in range(rows):
            total = load(A, r * lda) * 0
            for j in range(0, n, lanes(Z)):
                product = load(D, r * ldd + j) * load(A, r * lda + j)
                total = total + select(first_lanes(Z, n - j), product, 0)
            mean = sum_of_lanes(total)
            for j in range(0, n, lanes(Z)):
                dz = load(A, r * lda + j) * (load(D, r * ldd + j) - mean)
                store(D, r * ldd + j, select(first_lanes(Z, n - j), dz, 0))

    return kernel(backward_signature(dtype), lambda: backward, "softmax backward")


def loss_signature(dtype: Any) -> Any:
    """Return the signature of the loss kernels: (Z, A, Y, w, step, D, rows, n, ldz, lda, ldy, ldd).

    `w` are the shares of the rows in the mean, `step` 0 where they share one. The result is the
    rows' part of the cost; D receives dL/dz where the loss has its short form, else dL/da.
    """
    p, n = POINTERS[dtype], types.intp
    return types.float64(p, p, p, p, n, p, n, n, n, n, n, n)


def _share_of_row(W: Any, r: Any, j: Any, step: Any) -> Any:
    return get(W, r * step)


def _shares_along_row(W: Any, r: Any, j: Any, step: Any) -> Any:
    return load(W, j)


def loss_kernel(loss: Loss, short: bool, by_units: bool, dtype: Any) -> Any:
    """Compile a loss over rows, from z and with dZ where `short`, else from a and with dL/da.

    A row is an example, or, where they lie `by_units`, a unit of many examples.
    """
    if short and loss.from_z is categorical_cross_entropy_from_z:
        return _categorical_kernel(dtype)
    constants = () if short else tuple(loss.constants.values())
    value = callable_in_loops(loss.from_z if short else loss.value)
    slope = callable_in_loops(loss.dZ if short else loss.slope)
    share = callable_in_loops(_shares_along_row if by_units else _share_of_row)

    def cost(
        Z: Any,
        A: Any,
        Y: Any,
        W: Any,
        step: Any,
        D: Any,
        rows: Any,
        n: Any,
        ldz: Any,
        lda: Any,
        ldy: Any,
        ldd: Any,
    ) -> float:
        total = spread(0.0, load(A, 0))
        for r in range(rows):
            for j in range(0, n, lanes(Z)):
                w = share(W, r, j, step)
                a, y = load(A, r * lda + j), load(Y, r * ldy + j)
                at_which = load(Z, r * ldz + j) if short else a
                real = first_lanes(Z, n - j)
                L, d = value(at_which, y, *constants), slope(a, y, *constants)
                total = total + select(real, L * w, 0)
                store(D, r * ldd + j, select(real, d * w, 0))
        return float(sum_of_lanes(total))

    key = ("loss", short, by_units, value, slope, constants)
    return kernel(loss_signature(dtype), lambda: cost, *key)


def _categorical_kernel(dtype: Any) -> Any:
    """Compile −Σ y ln softmax(z) over rows, with dZ = A − Y."""

    def cost(
        Z: Any,
        A: Any,
        Y: Any,
        W: Any,
        step: Any,
        D: Any,
        rows: Any,
        n: Any,
        ldz: Any,
        lda: Any,
        ldy: Any,
        ldd: Any,
    ) -> float:
        cost = 0.0
        for r in range(rows):
            w = get(W, r * step)
            largest = get(Z, r * ldz)
            for j in range(0, n, lanes(Z)):
                z = load(Z, r * ldz + j)
                largest = max(largest, largest_lane(select(first_lanes(Z, n - j), z, largest)))
            total = weighted = load(Z, r * ldz) * 0
            for j in range(0, n, lanes(Z)):
                real = first_lanes(Z, n - j)
                z, y = load(Z, r * ldz + j) - largest, load(Y, r * ldy + j)
                total = total + select(real, np.exp(z), 0)
                weighted = weighted + select(real, y * z, 0)
                d = (load(A, r * lda + j) - y) * w
                store(D, r * ldd + j, select(real, d, 0))
            cost += w * (np.log(sum_of_lanes(total)) - sum_of_lanes(weighted))
        return cost

    return kernel(loss_signature(dtype), lambda: cost, "categorical loss")


def prepare_signature(dtype: Any) -> Any:
    """Return the signature of the gradient's preparation: (P, G, n, share) -> Σ g²."""
    p, n, d = POINTERS[dtype], types.intp, types.float64
    return d(p, p, n, d)


def prepare_kernel(penalty: Penalty, clip_value: float | None, dtype: Any) -> Any:
    """Compile g := clip(g + share (l2 w + l1 sign w)) on a stretch, and the sum of its squares."""
    l2, l1, penalised, clipped = penalty.l2, penalty.l1, bool(penalty), clip_value is not None
    limit = 0.0 if clip_value is None else clip_value

    def prepare(P: Any, G: Any, n: Any, share: Any) -> float:
        total = load(G, 0) * 0
        for i in range(0, n, lanes(G)):
            g = load(G, i)
            if penalised and share != 0:
                w = load(P, i)
                g = g + share * (l2 * w + l1 * np.sign(w))
            if clipped:
                g = np.minimum(np.maximum(g, -limit), limit)
            store(G, i, g)
            total = total + g * g
        return float(sum_of_lanes(total))

    return kernel(prepare_signature(dtype), lambda: prepare, "prepare", l2, l1, clip_value)


def update_kernel(
    optimizer: Optimizer, penalty: Penalty, clip_value: float | None, prepared: bool, dtype: Any
) -> Any:
    """Compile an update rule on a stretch of parameters, penalty, clipping and decay included.

    Where the gradient was `prepared` before, penalty and clipping are left out of it here. A
    penalty that the examples share is added up for the cost.
    """
    rule, constants = callable_in_loops(optimizer.rule), tuple(optimizer.constants.values())
    n_states, decay = len(optimizer.state), float(optimizer.weight_decay)
    l2, l1, told = penalty.l2, penalty.l1, bool(penalty) and penalty.shared
    penalised, clipped = bool(penalty) and not prepared, clip_value is not None and not prepared
    limit = 0.0 if clip_value is None else clip_value

    def ready(w: Any, g: Any, scale: Any, share: Any) -> Any:
        if penalised and share != 0:
            g = g + share * (l2 * w + l1 * np.sign(w))
        if clipped:
            g = np.minimum(np.maximum(g, -limit), limit)
        return g * scale

    def shrunk(w: Any, alpha: Any, share: Any) -> Any:
        if decay != 0 and share != 0:
            w = w - alpha * decay * w
        return w

    for helper in (ready, shrunk):
        callable_in_loops(helper)

    load_states, store_states = loads(n_states), stores(n_states)

    def update(
        P: Any, G: Any, S: Any, stride: Any, n: Any, alpha: Any, t: Any, scale: Any, share: Any
    ) -> float:
        added = load(P, 0) * 0
        number = float(t)  # of a whole number, β ** t would be multiplied out for every register
        for i in range(0, n, lanes(P)):
            w = load(P, i)
            if told and share != 0:
                added = added + (0.5 * l2 * w * w + l1 * np.abs(w))
            g, states = ready(w, load(G, i), scale, share), load_states(S, i, stride)
            w = shrunk(w, alpha, share)
            after = rule(w, g, *states, alpha, number, *constants)
            store(P, i, after[0])
            store_states(S, i, stride, after)
        return float(sum_of_lanes(added)) * share if told else 0.0

    return kernel(
        update_signature(dtype),
        lambda: update,
        *("update", optimizer.rule, constants, decay, n_states, penalty, clip_value, prepared),
    )
