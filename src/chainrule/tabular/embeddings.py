"""Learned vectors for categories: a first linear layer, of which only their blocks are trained.

Columns of 0 and 1 times W is a choice of rows: row c of a column's block is the vector of its
category c. The other columns go through the layer as they are. Guo & Berkhahn (2016), *Entity
embeddings of categorical variables*, arXiv:1604.06737.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule._types import Array, FloatArray, Generator
from chainrule.network import Network
from chainrule.optimizers import Optimizer, adam, weight_decay
from chainrule.schedules import Schedule
from chainrule.tabular.preprocessing import Embedded


def n_embedded(n_inputs: int, embedded: Sequence[Embedded]) -> int:
    """Return how many numbers leave the layer: the other columns, and the vectors."""
    return n_inputs - sum(e.stop - e.start for e in embedded) + sum(e.size for e in embedded)


def draw_vectors(network: Network, embedded: Sequence[Embedded], rng: Generator) -> None:
    """Make the first layer what it is to be: the identity, and blocks drawn from N(0, 1 / size)."""
    W, b = network.parameters["W1"], network.parameters["b1"]
    W[:], b[:] = 0, 0
    others = embedded[0].start
    W[:others, :others] = np.eye(others)
    for rows, columns in blocks(embedded):
        shape = W[rows, columns].shape
        W[rows, columns] = rng.normal(0, shape[1] ** -0.5, shape)


def blocks(embedded: Sequence[Embedded]) -> list[tuple[slice, slice]]:
    """Return the rows and columns of W of each block."""
    found, column = [], embedded[0].start
    for e in embedded:
        found.append((slice(e.start, e.stop), slice(column, column + e.size)))
        column += e.size
    return found


def adamw_of_some(
    w: Array,
    dw: Array,
    m: Array,
    v: Array,
    trained: Array,
    decays: Array,
    alpha: float,
    t: int,
    beta1: float,
    beta2: float,
    epsilon: float,
    decay: float,
) -> tuple[Array, ...]:
    """AdamW where `trained` is 1, with its decay where `decays` is 1; nothing where they are 0."""
    after, m, v = adam(
        weight_decay(w, alpha, decay * decays), dw, m, v, alpha, t, beta1, beta2, epsilon
    )
    return np.where(trained > 0, after, w), m, v, trained, decays


def only_blocks(
    network: Network,
    embedded: Sequence[Embedded],
    schedule: Schedule,
    decay: float,
) -> Optimizer:
    """Return AdamW for a network of which no more of the first layer is trained than its blocks."""
    trained = {name: np.ones_like(value) for name, value in network.parameters.items()}
    decays = {
        name: np.full_like(value, name[0] == "W") for name, value in network.parameters.items()
    }
    trained["W1"][:], trained["b1"][:], decays["W1"][:] = 0, 0, 0
    for place in blocks(embedded):
        trained["W1"][place] = decays["W1"][place] = 1
    start: dict[str, FloatArray] = {
        "trained": network.flatten(trained),
        "decays": network.flatten(decays),
    }
    constants = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "decay": decay}
    state = ("m", "v", "trained", "decays")
    return Optimizer("adamw of some", adamw_of_some, schedule, state, constants, start=start)
