"""The lecture's steps on whole arrays, each beside its equation, for any number of layers.

A batch is rows: X (m, n₀), W[l] (n[l−1], n[l]), b[l] (1, n[l]). Parameters are a dict
``{"W1": …, "b1": …, "W2": …}`` and gradients ``{"dW1": …, "db1": …}``; a normalised layer has a
gain ``gamma`` too. Every function is pure: it changes none of its arguments, but for the dict
`signals` that one may give to `backward_propagation` to see what travels back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import _checks
from chainrule._types import Array, FloatArray, RandomState
from chainrule.dropout import Key, dropout_mask, layer_keys
from chainrule.loss import mean_over_examples, one_hot
from chainrule.normalization import (
    NORMALIZATIONS,
    standardize,
    standardize_backward,
    standardize_with,
)
from chainrule.penalties import NO_PENALTY, Penalty
from chainrule.structure import Layer, Structure

Parameters = Mapping[str, Array]
Cache = dict[str, Array]


def initialize_parameters(
    structure: Structure, random_state: RandomState = None, dtype: npt.DTypeLike = np.float64
) -> dict[str, FloatArray]:
    """Draw the weights, layer by layer; biases are zero and gains one.

    W[l] by the layer's initialiser, b[l] = 0, γ[l] = 1.

    Parameters
    ----------
    structure : Structure
        The layers.
    random_state : None, int, RandomState or Generator, default None
        The same integer draws the same weights.
    dtype : dtype, default float64
        Type of the result; the weights are drawn in float64 in any case.

    Returns
    -------
    dict of str to array
        ``W1 (n₀, n₁), b1 (1, n₁), …``
    """
    rng = _checks.check_random_state(random_state)
    parameters = {}
    for name, shape in structure.shapes.items():
        if name.startswith("W"):
            draw = structure.layers[int(name[1:]) - 1].initializer
            parameters[name] = np.asarray(draw(rng, *shape), dtype=dtype)
        else:
            parameters[name] = np.full(shape, name.startswith("gamma"), dtype=dtype)
    return parameters


def forward_propagation(
    X: FloatArray,
    parameters: Parameters,
    structure: Structure,
    *,
    masks: Mapping[str, Array] | None = None,
    statistics: Mapping[str, Array] | None = None,
) -> tuple[FloatArray, Cache]:
    """Send a batch through the layers: Z[l] = A[l−1] W[l] + b[l], A[l] = g[l](Z[l]).

    Parameters
    ----------
    X : array (m, n₀)
        The batch, A[0].
    parameters : mapping of str to array
        As `initialize_parameters` returns them.
    structure : Structure
        The layers.
    masks : mapping of str to array, optional
        Dropout masks of a training step, from `dropout_masks`. None drops nothing.
    statistics : mapping of str to array, optional
        Running ``mean1``, ``var1``, … of the layers with batch normalisation, for prediction.
        None takes those of this batch, as a training step does, and leaves them in the cache.

    Returns
    -------
    A : array (m, n_L)
        The outputs.
    cache : dict of str to array
        All ``Z1, A1, Z2, …`` for the way back, ``A0`` being X; ``A1`` is what layer 2 gets. With
        dropout also the masks ``D1`` and the activations before them ``G1``; with normalisation
        the sums brought to mean 0 and variance 1, ``U1``, and their ``mean1`` and ``var1``.
    """
    A, cache = X, {"A0": X}
    for l, layer in enumerate(structure.layers, 1):
        W, b = parameters[f"W{l}"], parameters[f"b{l}"]
        if layer.normalization:
            Z = _normalize(A @ W, layer, l, cache, statistics) * parameters[f"gamma{l}"] + b
        else:
            Z = A @ W + b
        A = layer.activation(Z)
        if masks is not None and f"D{l}" in masks:
            cache[f"G{l}"], cache[f"D{l}"] = A, masks[f"D{l}"]
            A = A * masks[f"D{l}"]
        cache[f"Z{l}"], cache[f"A{l}"] = Z, A
    return A, cache


def _normalize(
    U: Array, layer: Layer, l: int, cache: Cache, statistics: Mapping[str, Array] | None
) -> Array:
    assert layer.normalization is not None
    if layer.normalization == "batch" and statistics is not None:
        mean, var = statistics[f"mean{l}"], statistics[f"var{l}"]
        U_hat = standardize_with(U, mean, var)
    else:
        U_hat, mean, var = standardize(U, NORMALIZATIONS[layer.normalization])
    cache[f"U{l}"], cache[f"mean{l}"], cache[f"var{l}"] = U_hat, mean, var
    return U_hat


def dropout_masks(
    structure: Structure, m: int, key: Key, step: int = 0, dtype: npt.DTypeLike = np.float64
) -> dict[str, FloatArray]:
    """Draw a mask (m, n[l]) for each layer with dropout p: 0 with probability p, else 1/(1 − p).

    Parameters
    ----------
    structure : Structure
        The layers.
    m : int
        Examples in the mini-batch.
    key : array of uint32 (2,)
        Of the training run, from :func:`chainrule.dropout.draw_key`; the same key and step give
        the same masks.
    step : int, default 0
        Number of the update, from 0.
    dtype : dtype, default float64

    Returns
    -------
    dict of str to array
        ``D1, …``, for the layers that have a dropout rate.
    """
    return {
        f"D{l}": dropout_mask(layer_keys(key, step, l), m, layer.units, layer.dropout, dtype)
        for l, layer in enumerate(structure.layers, 1)
        if layer.dropout
    }


def compute_cost(
    A: FloatArray,
    Y: Array,
    structure: Structure,
    *,
    Z: FloatArray | None = None,
    sample_weight: Array | None = None,
    parameters: Parameters | None = None,
    penalty: Penalty = NO_PENALTY,
) -> float:
    """Compute the cost J = (1/m) Σᵢ Σₖ L(aᵢₖ, yᵢₖ), plus the penalty if there is one.

    Parameters
    ----------
    A : array (m, n_L)
        The outputs, from `forward_propagation`.
    Y : array (m, n_L), or class numbers (m, 1)
        The targets.
    structure : Structure
        The layers and the loss.
    Z : array (m, n_L), optional
        The sums that the outputs came from, the last Z of the cache. Where loss and output
        activation belong together, L is then computed from z, so that a confident wrong answer
        has its right cost too; from a, it can't cost more than −ln 1e-30, about 69.
    sample_weight : array (m, 1), optional
        Weights w: the mean becomes Σᵢ wᵢ Lᵢ / Σᵢ wᵢ.
    parameters : mapping of str to array, optional
        Needed where a `penalty` is given, whose sum over all W is added.
    penalty : Penalty, default none

    Returns
    -------
    float
    """
    loss, Y = structure.loss, _rows(Y, A)
    if Z is not None and loss.from_z is not None and loss.pairs_with(structure.output):
        L = loss.from_z(Z, Y)
    else:
        L = loss.elementwise(A, Y)
    J = float(mean_over_examples(L, sample_weight))
    if penalty:
        if parameters is None:
            raise ValueError("parameters must be given where there is a penalty")
        J += penalty_on(parameters, penalty, weight_of(A, sample_weight))
    return J


def penalty_on(parameters: Parameters, penalty: Penalty, m: Array) -> float:
    """Return the penalty on all weights W, in the cost of a batch of `m` examples."""
    return sum(float(penalty.value(W, m)) for name, W in parameters.items() if name[0] == "W")


def weight_of(rows: Array, sample_weight: Array | None) -> Array:
    """Return by how much a batch counts: its number of rows, or the sum of their weights."""
    return len(rows) if sample_weight is None else sample_weight.sum()


def backward_propagation(
    parameters: Parameters,
    cache: Cache,
    Y: Array,
    structure: Structure,
    *,
    sample_weight: Array | None = None,
    penalty: Penalty = NO_PENALTY,
    signals: dict[str, FloatArray] | None = None,
) -> dict[str, FloatArray]:
    """Apply the chain rule from the cost back to every parameter.

    From the last layer to the first: dZ = dA ∘ g′(Z) (at the output, where loss and activation
    belong together, dZ = A − Y), dW = A_prevᵀ dZ / m, db = Σ dZ / m, dA_prev = dZ Wᵀ.

    Parameters
    ----------
    parameters : mapping of str to array
        As `initialize_parameters` returns them.
    cache : dict of str to array
        From `forward_propagation`.
    Y, structure, sample_weight, penalty
        As in `compute_cost`, whose gradient this is.
    signals : dict, optional
        Is given what travels back, for whoever wants to see it: ``dZ1, dZ2, …`` (m, n[l]), and
        ``dA1, …`` of the hidden layers, of each example for itself, not yet divided by m; and
        ``dU1, …``, which differs from dZ where a layer is normalised.

    Returns
    -------
    dict of str to array
        ``dW1, db1, …``, each of the shape of its parameter.
    """
    L = len(structure.layers)
    dZ = _output_gradient(cache, Y, structure)
    m = weight_of(dZ, sample_weight)
    if sample_weight is not None:
        dZ = sample_weight * dZ
    gradients, signals = {}, {} if signals is None else signals
    for l in range(L, 0, -1):
        W, A_prev = parameters[f"W{l}"], cache[f"A{l - 1}"]
        kind = structure.layers[l - 1].normalization
        dU = dZ
        if kind:
            U, gamma = cache[f"U{l}"], parameters[f"gamma{l}"]
            gradients[f"dgamma{l}"] = (dZ * U).sum(axis=0, keepdims=True) / m
            dU = standardize_backward(dZ * gamma, U, cache[f"var{l}"], NORMALIZATIONS[kind])
        signals[f"dZ{l}"], signals[f"dU{l}"] = dZ, dU
        gradients[f"dW{l}"] = A_prev.T @ dU / m
        gradients[f"db{l}"] = dZ.sum(axis=0, keepdims=True) / m
        if penalty:
            gradients[f"dW{l}"] += penalty.slope(W, m)
        if l > 1:
            dA_prev = dU @ W.T
            signals[f"dA{l - 1}"] = dA_prev
            dZ = _through_activation(dA_prev, l - 1, cache, structure)
    return gradients


def _output_gradient(cache: Cache, Y: Array, structure: Structure) -> FloatArray:
    loss, L = structure.loss, len(structure.layers)
    A = cache[f"A{L}"]
    Y = _rows(Y, A)
    if loss.dZ is not None and loss.pairs_with(structure.output):
        dZ: FloatArray = loss.dZ(A, Y)
        return dZ
    return _through_activation(loss.backward(A, Y), L, cache, structure)


def _through_activation(dA: FloatArray, l: int, cache: Cache, structure: Structure) -> FloatArray:
    if f"D{l}" in cache:
        dA, A = dA * cache[f"D{l}"], cache[f"G{l}"]
    else:
        A = cache[f"A{l}"]
    dZ: FloatArray = structure.layers[l - 1].activation.backward(cache[f"Z{l}"], A, dA)
    return dZ


def _rows(Y: Array, A: FloatArray) -> FloatArray:
    rows: FloatArray = Y if Y.shape == A.shape else one_hot(Y, A.shape[1], A.dtype)
    return rows


def update_parameters(
    parameters: Parameters, gradients: Mapping[str, Array], learning_rate: float = 0.01
) -> dict[str, FloatArray]:
    """Take one step of gradient descent: θ := θ − α dθ for every parameter θ.

    Parameters
    ----------
    parameters : mapping of str to array
        ``W1, b1, …``
    gradients : mapping of str to array
        ``dW1, db1, …``
    learning_rate : float, default 0.01
        The rate α. The other rules, from momentum to AdamW, stand in
        :mod:`chainrule.optimizers` and take any parameter and its gradient.

    Returns
    -------
    dict of str to array
        The new parameters; the old ones stay as they were.
    """
    return {
        name: theta - learning_rate * gradients[f"d{name}"] for name, theta in parameters.items()
    }


def batch_generator(
    *arrays: npt.NDArray[Any] | None,
    batch_size: int = 32,
    shuffle: bool = True,
    drop_last: bool = False,
    random_state: RandomState = None,
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of the arrays in mini-batches, shuffled together: one epoch.

    Parameters
    ----------
    *arrays : array (m, …) or None
        Arrays with the same number of rows, such as X and Y; a None is passed on as it is.
    batch_size : int, default 32
        Rows in each mini-batch.
    shuffle : bool, default True
        Whether to draw a new order first.
    drop_last : bool, default False
        Whether to leave out an incomplete last mini-batch, as the lecture does. If it would be
        the only one, it is kept.
    random_state : None, int, RandomState or Generator, default None
        Where the order comes from; pass the same generator each epoch for a new order each.

    Yields
    ------
    tuple of array
        The next rows of each array.

    Raises
    ------
    ValueError, TypeError
        If the arrays differ in their number of rows, or `batch_size` is not at least 1.
    """
    _checks.check_integer("batch_size", batch_size, low=1)
    lengths = {len(array) for array in arrays if array is not None}
    if not lengths:
        raise ValueError("at least one array must be given")
    if len(lengths) > 1:
        raise ValueError(f"all arrays must have the same number of rows, got {sorted(lengths)}")
    rows = draw_order(lengths.pop(), batch_size, shuffle, drop_last, random_state)
    for start in range(0, len(rows), batch_size):
        batch = rows[start : start + batch_size]
        yield tuple(None if array is None else array[batch] for array in arrays)


def draw_order(
    m: int,
    batch_size: int,
    shuffle: bool = True,
    drop_last: bool = False,
    random_state: RandomState = None,
) -> npt.NDArray[np.intp]:
    """Return the row numbers 0 … m − 1 in the order of one epoch, as `batch_generator` takes them.

    Its arguments mean the same; each `batch_size` rows are a mini-batch.
    """
    order = np.arange(m)
    if shuffle:
        _checks.check_random_state(random_state).shuffle(order)
    return order[: m - m % batch_size] if drop_last and m >= batch_size else order


def predict(
    X: FloatArray,
    parameters: Parameters,
    structure: Structure,
    *,
    statistics: Mapping[str, Array] | None = None,
) -> npt.NDArray[Any]:
    """Predict: 1 where A > 0.5, else 0; the class with the largest A; or A itself.

    Parameters
    ----------
    X, parameters, structure, statistics
        As in `forward_propagation`.

    Returns
    -------
    array
        For binary cross-entropy zeros and ones (m, n_L); for categorical cross-entropy class
        numbers (m, 1); for a loss of regression the outputs (m, n_L).
    """
    A, _ = forward_propagation(X, parameters, structure, statistics=statistics)
    return decide(A, structure)


def decide(A: FloatArray, structure: Structure) -> npt.NDArray[Any]:
    """Turn outputs A (m, n_L) into predictions, as `predict` describes them."""
    if structure.loss.labels:
        classes: npt.NDArray[np.intp] = A.argmax(axis=1, keepdims=True)
        return classes
    if structure.loss.name == "binary_cross_entropy":
        return (A > 0.5).astype(np.intp)
    return A
