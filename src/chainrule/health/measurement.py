"""The numbers of a report: what one training step sees, layer by layer, on a sample of rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chainrule import steps
from chainrule._inputs import Inputs
from chainrule._types import Array, FloatArray
from chainrule.health.baseline import best_constant
from chainrule.health.dead import Seen, greatest_slope, slopes
from chainrule.health.trial import flat_update
from chainrule.loss import one_hot
from chainrule.network import Network
from chainrule.optimizers import Optimizer

# Rows that are looked at, and fewer where their values in all layers would fill the memory: 2^24
# numbers of 8 bytes are 128 MB.
MOST_ROWS, FEWEST_ROWS, MOST_NUMBERS = 10_000, 100, 2**24

# A unit counts as saturated on a row where its slope is below this share of the greatest: for
# tanh beyond z = ±3, for a sigmoid beyond ±6.
SATURATED_SLOPE = 0.01

# A network whose loss is below this share of the best constant's has learned, however its layers
# look: what then looks like saturation is its being sure.
LEARNED = 0.5


@dataclass(frozen=True)
class LayerHealth:
    """The numbers of one layer.

    Attributes
    ----------
    layer : int
        Its number, from 1.
    units : int
    activation : str
    z_mean, z_std, a_mean, a_std : float
        Mean of the sums Z and of the outputs A over rows and units; their standard deviation over
        the rows, as the root of the mean square over the units. So a spread of 0 says that the
        layer makes the same of every row.
    saturated : float
        Share of all outputs, in [0, 1], whose slope abs(g′(z)) is below 1 % of the greatest.
    dead : tuple of int
        Numbers of the dead units on the rows looked at, as :func:`~chainrule.dead_units` has them;
        but a unit that gets a gradient all the same is not counted.
    weight_norm, gradient_norm : float
        Euclidean norms ‖W‖ and ‖dW‖.
    gradient_ratio : float
        ‖dW‖ / ‖W‖; infinite for weights that are all zero.
    update_ratio : float
        ‖ΔW‖ / ‖W‖ for the first step ΔW of the update rule.
    """

    layer: int
    units: int
    activation: str
    z_mean: float
    z_std: float
    a_mean: float
    a_std: float
    saturated: float
    dead: tuple[int, ...]
    weight_norm: float
    gradient_norm: float
    gradient_ratio: float
    update_ratio: float


@dataclass(frozen=True, eq=False)
class Measurement:
    """What was measured of a network on a sample of rows: X (m, n₀), Y (m, n_L), weights or None.

    `best_constant` are the constant outputs with the least cost, and `baseline` that cost.
    `columns` are the names of the inputs. `sparse` says whether the rows were.
    """

    network: Network
    X: FloatArray
    Y: FloatArray
    sample_weight: FloatArray | None
    columns: tuple[str, ...]
    sparse: bool
    cache: Mapping[str, Array]
    gradients: Mapping[str, FloatArray]
    loss: float
    baseline: float
    best_constant: FloatArray
    layers: tuple[LayerHealth, ...]

    @property
    def learned(self) -> bool:
        """Whether the loss is below half of that of the best constant."""
        return self.loss < LEARNED * self.baseline

    @property
    def finite(self) -> bool:
        """Whether every parameter, value and gradient is."""
        arrays = [self.network.vector, *self.cache.values(), *self.gradients.values()]
        return math.isfinite(self.loss) and all(np.isfinite(array).all() for array in arrays)


def measure(
    network: Network,
    inputs: Inputs,
    Y: Array,
    sample_weight: FloatArray | None,
    columns: tuple[str, ...],
    rule: Optimizer,
    rate: float,
) -> Measurement:
    """Measure a network on a sample of checked examples, as a training step without dropout has it.

    Batch normalisation uses the statistics of the sample.
    """
    structure = network.structure
    rows = sample(network, len(inputs), sample_weight)
    X, Y = inputs.take(rows)[:], Y[rows]
    w = None if sample_weight is None else sample_weight[rows]
    if Y.shape[1] != structure.n_outputs:
        Y = one_hot(Y, structure.n_outputs, network.dtype)
    with np.errstate(all="ignore"):
        A, cache = steps.forward_propagation(X, network.parameters, structure)
        Z = cache[f"Z{len(structure.layers)}"]
        loss = steps.compute_cost(A, Y, structure, Z=Z, sample_weight=w)
        gradients = steps.backward_propagation(
            network.parameters, cache, Y, structure, sample_weight=w
        )
        constant, baseline = best_constant(structure, Y, w)
        return Measurement(
            network=network,
            X=X,
            Y=Y,
            sample_weight=w,
            columns=columns,
            sparse=hasattr(inputs.data, "tocsr"),
            cache=cache,
            gradients=gradients,
            loss=loss,
            baseline=baseline,
            best_constant=constant,
            layers=_layers(network, cache, gradients, rule, rate),
        )


def sample(network: Network, m: int, sample_weight: FloatArray | None) -> npt.NDArray[np.intp]:
    """Return the numbers of the rows to look at: all that count, or the same random ones each time.

    Random, because evenly spaced rows of ordered classes may be of one class.
    """
    rows = np.arange(m) if sample_weight is None else np.flatnonzero(sample_weight)
    sizes = [network.structure.n_inputs, *(layer.units for layer in network.structure.layers)]
    most = min(MOST_ROWS, max(FEWEST_ROWS, MOST_NUMBERS // sum(sizes)))
    return draw(rows, most)


def draw(rows: npt.NDArray[np.intp], most: int) -> npt.NDArray[np.intp]:
    """Return the rows, or where there are more than `most`, so many of them, in their order."""
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(0).choice(rows, most, replace=False, shuffle=False))


def _layers(
    network: Network,
    cache: Mapping[str, Array],
    gradients: Mapping[str, FloatArray],
    rule: Optimizer,
    rate: float,
) -> tuple[LayerHealth, ...]:
    structure = network.structure
    seen = Seen(structure, network.dtype)
    seen.add(cache)
    dead = seen.dead()
    update = network.unflatten(flat_update(network, gradients, rule, rate))
    layers = []
    for l, layer in enumerate(structure.layers, 1):
        Z, A, dW = cache[f"Z{l}"], cache[f"A{l}"], gradients[f"dW{l}"]
        size = norm(network.parameters[f"W{l}"])
        # Where the loss has its short form, an output's own slope drops out of the gradient.
        paired = l == len(structure.layers) and structure.loss.pairs_with(structure.output)
        flat = seen.flat[l] & (not paired)
        slope = np.abs(slopes(layer.activation, Z, A))
        small = SATURATED_SLOPE * greatest_slope(layer.activation, layer.units)
        layers.append(
            LayerHealth(
                layer=l,
                units=layer.units,
                activation=layer.activation.name,
                z_mean=float(Z.mean()),
                z_std=spread(Z),
                a_mean=float(A.mean()),
                a_std=spread(A),
                saturated=float((slope < small).mean()),
                dead=tuple(int(k) for k in dead[l] if flat[k] or not dW[:, k].any()),
                weight_norm=size,
                gradient_norm=norm(dW),
                gradient_ratio=ratio(norm(dW), size),
                update_ratio=ratio(norm(update[f"W{l}"]), size),
            )
        )
    return tuple(layers)


def spread(values: Array) -> float:
    """Return the standard deviation over the rows, as root mean square over the columns."""
    return float(np.sqrt(values.var(axis=0).mean()))


def norm(values: Array) -> float:
    """Return the Euclidean norm, in float64."""
    return float(np.linalg.norm(np.asarray(values, dtype=np.float64)))


def ratio(a: float, b: float) -> float:
    """Return a / b, infinite for b = 0, and 0 for two zeros."""
    if b == 0:
        return math.inf if a > 0 else 0.0
    return a / b
