"""Optimisers: one elementwise update rule each, with its state explicit.

A rule is a pure function ``(w, dw, *state, alpha, t, *constants) -> (w, *state)``: the parameters
and their gradient, the running values it keeps of each parameter, the learning rate α, the number
t = 1, 2, … of the update, and the rule's own constants. It holds for one number as for the whole
parameter vector.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from chainrule import _checks
from chainrule._types import Array
from chainrule.schedules import Schedule, as_schedule

# ---------------------------------------------------------------------------------------------
# The formulas


def gradient_descent(w: Array, dw: Array, alpha: float, t: int) -> tuple[Array]:
    """w := w − α dw."""
    return (w - alpha * dw,)


def momentum(
    w: Array, dw: Array, v: Array, alpha: float, t: int, mu: float = 0.9
) -> tuple[Array, Array]:
    """The velocity v remembers past steps. Sutskever et al. (2013), ICML, equations 1 and 2."""
    v = mu * v - alpha * dw
    return w + v, v


def nesterov(
    w: Array, dw: Array, v: Array, alpha: float, t: int, mu: float = 0.9
) -> tuple[Array, Array]:
    """Momentum, with the gradient taken one velocity ahead.

    Sutskever et al. (2013), ICML, equations 3 and 4, with w standing for the point ahead:
    Bengio, Boulanger-Lewandowski & Pascanu (2013), arXiv:1212.0901, equation 7.
    """
    v = mu * v - alpha * dw
    return w + mu * v - alpha * dw, v


def rmsprop(
    w: Array, dw: Array, s: Array, alpha: float, t: int, rho: float = 0.99, epsilon: float = 1e-8
) -> tuple[Array, Array]:
    """Each step divided by the root of a running mean of squares. Hinton (2012), lecture 6e."""
    s = rho * s + (1 - rho) * dw * dw
    return w - alpha * dw / (np.sqrt(s) + epsilon), s


def adagrad(
    w: Array, dw: Array, s: Array, alpha: float, t: int, epsilon: float = 1e-10
) -> tuple[Array, Array]:
    """Each step divided by the root of the sum of squares. Duchi, Hazan & Singer (2011), JMLR."""
    s = s + dw * dw
    return w - alpha * dw / (np.sqrt(s) + epsilon), s


def adam(
    w: Array,
    dw: Array,
    m: Array,
    v: Array,
    alpha: float,
    t: int,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> tuple[Array, Array, Array]:
    """Running mean over root of running mean of squares. Kingma & Ba (2015), algorithm 1."""
    m = beta1 * m + (1 - beta1) * dw
    v = beta2 * v + (1 - beta2) * dw * dw
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return w - alpha * m_hat / (np.sqrt(v_hat) + epsilon), m, v


def adam_epsilon_hat(
    w: Array,
    dw: Array,
    m: Array,
    v: Array,
    alpha: float,
    t: int,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> tuple[Array, Array, Array]:
    """Adam with ε added to √v before its correction, in the order that ends their section 2."""
    m = beta1 * m + (1 - beta1) * dw
    v = beta2 * v + (1 - beta2) * dw * dw
    alpha_t = alpha * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
    return w - alpha_t * m / (np.sqrt(v) + epsilon), m, v


def nadam(
    w: Array,
    dw: Array,
    m: Array,
    v: Array,
    alpha: float,
    t: int,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> tuple[Array, Array, Array]:
    """Adam with Nesterov's look ahead. Dozat (2016), algorithm 2, with constant β₁."""
    m = beta1 * m + (1 - beta1) * dw
    v = beta2 * v + (1 - beta2) * dw * dw
    m_hat = beta1 * m / (1 - beta1 ** (t + 1)) + (1 - beta1) * dw / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return w - alpha * m_hat / (np.sqrt(v_hat) + epsilon), m, v


def lion(
    w: Array, dw: Array, m: Array, alpha: float, t: int, beta1: float = 0.9, beta2: float = 0.99
) -> tuple[Array, Array]:
    """The sign of a running mean. Chen et al. (2023), arXiv:2302.06675, algorithm 2."""
    step = np.sign(beta1 * m + (1 - beta1) * dw)
    return w - alpha * step, beta2 * m + (1 - beta2) * dw


def weight_decay(w: Array, alpha: float, decay: Array) -> Array:
    """w := w − α λ w, past the gradient ("decoupled").

    Loshchilov & Hutter (2019), arXiv:1711.05101, algorithm 2.
    """
    return w - alpha * decay * w


def clip_by_value(gradient: Array, limit: float) -> Array:
    """Each component of the gradient, kept within ±`limit`."""
    return np.minimum(np.maximum(gradient, -limit), limit)


def clip_by_norm(gradient: Array, max_norm: float) -> Array:
    """The whole gradient, shortened to the Euclidean norm `max_norm` where it is longer.

    Pascanu, Mikolov & Bengio (2013), arXiv:1211.5063, algorithm 1.
    """
    largest = np.max(np.abs(gradient))
    if not 0 < largest < np.inf:  # NaN too: let it through to where it is reported
        return gradient
    norm = largest * np.linalg.norm(gradient / largest)  # squares of 1e200 would overflow
    return gradient * float(max_norm / norm) if norm > max_norm else gradient


# ---------------------------------------------------------------------------------------------
# The formulas as data


@dataclass(frozen=True)
class Optimizer:
    """An update rule with its constants and its learning rate.

    Parameters
    ----------
    name : str
        What the rule is called in tables and errors.
    rule : callable
        ``rule(w, dw, *state, alpha, t, *constants) -> (w, *state)``, elementwise.
    learning_rate : float or schedule
        The rate α, or a function of the step (see :mod:`chainrule.schedules`).
    state : tuple of str, optional
        Names of the arrays that the rule keeps, each of the shape of w and zero at the start.
    constants : mapping of str to float, optional
        The rule's further arguments, in their order.
    weight_decay : float, default 0
        λ of the decoupled decay w := w − α λ w, done before the rule, on weights alone: biases
        and normalisation gains are left as they are. (A penalty in the cost is another thing:
        ``l2=`` of :func:`chainrule.fit`.)
    start : mapping of str to array (n_parameters,), optional
        What an array of the state is at the start, in the order of ``network.vector``, where it
        is not zero. So a rule can know what each parameter is: whether it is to be trained, say.

    Raises
    ------
    TypeError
        If `rule` is not callable, or a number is not one.
    ValueError
        If a rate or the decay is negative, or the rule, tried on two numbers, does not return
        w and the state in their shapes.

    Examples
    --------
    >>> sign_descent = Optimizer("sign descent", lambda w, dw, alpha, t: (w - alpha * np.sign(dw),),
    ...                          learning_rate=0.01)
    >>> sign_descent.update(np.array([1.0]), np.array([5.0]), (), alpha=0.5, t=1)[0]
    array([0.5])
    """

    name: str
    rule: Callable[..., tuple[Array, ...]]
    learning_rate: float | Schedule
    state: tuple[str, ...] = ()
    constants: Mapping[str, float] = field(default_factory=dict)
    weight_decay: float = 0.0
    start: Mapping[str, Array] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not callable(self.rule):
            raise TypeError(f"rule of optimizer {self.name!r} must be a function")
        as_schedule(self.learning_rate)
        _checks.check_number("weight_decay", self.weight_decay, low=0)
        for name in self.start:
            if name not in self.state:
                _checks.raise_unknown("each name in start", name, self.state)
        w = np.array([1.0, -2.0])
        zeros = [np.zeros_like(w) for _ in self.state]
        with _checks.naming(f"rule of optimizer {self.name!r}"):
            result = self.rule(w, w, *zeros, 0.1, 1, *self.constants.values())
        shapes = [np.shape(part) for part in result] if isinstance(result, tuple) else None
        if shapes != [w.shape] * (1 + len(self.state)):
            names = ", ".join(("w", *self.state)) + ("," if not self.state else "")
            got = type(result).__name__ if shapes is None else f"shapes {shapes}"
            raise ValueError(
                f"rule of optimizer {self.name!r} must return a tuple ({names}), each of the "
                f"shape of w {w.shape}; it returned {got}"
            )

    def initial_state(self, w: Array) -> tuple[Array, ...]:
        """Return the state before the first update, of the shape and type of `w`.

        Raises ValueError if an array of `start` has another shape.
        """
        state = []
        for name in self.state:
            value = np.zeros_like(w) if name not in self.start else np.array(self.start[name])
            if value.shape != w.shape:
                raise ValueError(
                    f"start of {name!r} must have a number for each parameter, shape {w.shape}, "
                    f"got {value.shape}"
                )
            state.append(value.astype(w.dtype, copy=False))
        return tuple(state)

    def update(
        self,
        w: Array,
        dw: Array,
        state: tuple[Array, ...],
        alpha: float,
        t: int,
        is_weight: Array | bool = True,
    ) -> tuple[Array, tuple[Array, ...]]:
        """Return the parameters and the state after one update; its arguments stay as they are.

        Parameters
        ----------
        w, dw : array
            Parameters and their gradient, of one shape.
        state : tuple of array
            What the last update, or `initial_state`, returned.
        alpha : float
            Learning rate of this update.
        t : int
            Number of this update, from 1.
        is_weight : array of bool, default True
            Which of w are weights, and decay.
        """
        if self.weight_decay:
            w = weight_decay(w, alpha, self.weight_decay * np.asarray(is_weight, dtype=w.dtype))
        w, *state_after = self.rule(w, dw, *state, alpha, t, *self.constants.values())
        return w, tuple(state_after)


def _between_0_and_1(**constants: float) -> dict[str, float]:
    return {
        name: _checks.check_number(name, value, low=0, high=1, open_high=True)
        for name, value in constants.items()
    }


def _positive(**constants: float) -> dict[str, float]:
    return {
        name: _checks.check_number(name, value, low=0, open_low=True)
        for name, value in constants.items()
    }


def GradientDescent(
    learning_rate: float | Schedule = 0.01, *, weight_decay: float = 0.0
) -> Optimizer:
    """Gradient descent, the lecture's rule: w := w − α dw."""
    return Optimizer("gradient_descent", gradient_descent, learning_rate, weight_decay=weight_decay)


def Momentum(
    learning_rate: float | Schedule = 0.01, mu: float = 0.9, *, weight_decay: float = 0.0
) -> Optimizer:
    """Gradient descent with momentum `mu` in [0, 1)."""
    constants = _between_0_and_1(mu=mu)
    return Optimizer("momentum", momentum, learning_rate, ("v",), constants, weight_decay)


def Nesterov(
    learning_rate: float | Schedule = 0.01, mu: float = 0.9, *, weight_decay: float = 0.0
) -> Optimizer:
    """Gradient descent with Nesterov's momentum `mu` in [0, 1)."""
    constants = _between_0_and_1(mu=mu)
    return Optimizer("nesterov", nesterov, learning_rate, ("v",), constants, weight_decay)


def RMSProp(
    learning_rate: float | Schedule = 0.001,
    rho: float = 0.99,
    epsilon: float = 1e-8,
    *,
    weight_decay: float = 0.0,
) -> Optimizer:
    """RMSProp with memory `rho` in [0, 1) and `epsilon` > 0."""
    constants = _between_0_and_1(rho=rho) | _positive(epsilon=epsilon)
    return Optimizer("rmsprop", rmsprop, learning_rate, ("s",), constants, weight_decay)


def Adagrad(
    learning_rate: float | Schedule = 0.01, epsilon: float = 1e-10, *, weight_decay: float = 0.0
) -> Optimizer:
    """Adagrad with `epsilon` > 0."""
    constants = _positive(epsilon=epsilon)
    return Optimizer("adagrad", adagrad, learning_rate, ("s",), constants, weight_decay)


def Adam(
    learning_rate: float | Schedule = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> Optimizer:
    """Adam with memories `beta1`, `beta2` in [0, 1) and `epsilon` > 0."""
    constants = _between_0_and_1(beta1=beta1, beta2=beta2) | _positive(epsilon=epsilon)
    return Optimizer("adam", adam, learning_rate, ("m", "v"), constants)


def AdamW(
    learning_rate: float | Schedule = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    *,
    weight_decay: float = 0.01,
) -> Optimizer:
    """Adam with decoupled weight decay."""
    same = Adam(learning_rate, beta1, beta2, epsilon)
    return replace(same, name="adamw", weight_decay=weight_decay)


def NAdam(
    learning_rate: float | Schedule = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    *,
    weight_decay: float = 0.0,
) -> Optimizer:
    """Adam with Nesterov's look ahead."""
    same = Adam(learning_rate, beta1, beta2, epsilon)
    return replace(same, name="nadam", rule=nadam, weight_decay=weight_decay)


def Lion(
    learning_rate: float | Schedule = 1e-4,
    beta1: float = 0.9,
    beta2: float = 0.99,
    *,
    weight_decay: float = 0.0,
) -> Optimizer:
    """Lion with memories `beta1`, `beta2` in [0, 1)."""
    constants = _between_0_and_1(beta1=beta1, beta2=beta2)
    return Optimizer("lion", lion, learning_rate, ("m",), constants, weight_decay)


OPTIMIZERS: dict[str, Optimizer] = {
    optimizer.name: optimizer
    for optimizer in (
        GradientDescent(),
        Momentum(),
        Nesterov(),
        RMSProp(),
        Adagrad(),
        Adam(),
        AdamW(),
        NAdam(),
        Lion(),
    )
}


def get_optimizer(optimizer: str | Optimizer) -> Optimizer:
    """Return the optimiser of this name with its defaults, or the optimiser itself.

    Raises ValueError for a name that is not in `OPTIMIZERS`, TypeError for another type.
    """
    return _checks.look_up("optimizer", optimizer, OPTIMIZERS, Optimizer)
