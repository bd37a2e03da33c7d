"""A network: a structure, its parameters as one flat vector, and the steps as methods."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from chainrule import _checks, steps
from chainrule._inputs import Inputs, Rows, check_inputs
from chainrule._types import Array, FloatArray, RandomState
from chainrule.activation import Activation
from chainrule.initializers import Initializer
from chainrule.loss import Loss
from chainrule.origin import Origin, seed_of
from chainrule.penalties import NO_PENALTY, Penalty
from chainrule.structure import Layer, Structure

if TYPE_CHECKING:
    from chainrule.description import Custom
    from chainrule.explain.derivation import Derivation
    from chainrule.optimizers import Optimizer

# Numbers in two of the widest registers, which is how much the compiled engine reads at a time.
_SLACK = 32


class Network:
    """A multi-layer perceptron of any depth.

    Parameters
    ----------
    sizes : Structure, or sequence of int or Layer
        The structure; or the number of inputs, then each layer as its number of units or as a
        :class:`~chainrule.structure.Layer`, for a structure with the next six arguments.
    hidden, output, loss, dropout, normalization, initializer
        As in :class:`~chainrule.structure.Structure`.
    dtype : dtype, default float64
        float64 or float32, the type of the parameters and of all arithmetic.
    random_state : None, int, RandomState or Generator, default None
        Draws the first weights; the same integer draws the same ones.

    Attributes
    ----------
    structure : Structure
        Layers and loss; ``print(network)`` shows them as a table.
    vector : array (n_parameters,)
        All parameters, contiguous. Assign with ``network.vector[:] = …``.
    parameters : mapping of str to array
        ``W1 (n₀, n₁), b1 (1, n₁), W2, …``, views into the vector: a change of one changes both.
        Assign with ``network.parameters["W1"][:] = …``.
    statistics : dict of str to array
        ``mean1, var1 (1, n₁), …``, running statistics of the layers with batch normalisation.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as above; the message names it.

    Examples
    --------
    >>> network = Network([2, 16, 16, 1], hidden="tanh", random_state=42)
    >>> print(network)
    layer   units  activation  W         b        parameters
    input       2
    1          16  tanh        (2, 16)   (1, 16)          48
    2          16  tanh        (16, 16)  (1, 16)         272
    3           1  sigmoid     (16, 1)   (1, 1)           17
    loss: binary_cross_entropy, 337 parameters
    >>> network.predict([[0.5, -1.0], [2.0, 0.0]]).shape
    (2,)
    """

    # What predicts in compiled code, once that was asked for, and whether it shall. Kept by
    # `chainrule.engine`, and in no pickle or copy.
    predictor: Any
    predicts_compiled: bool
    # How it came to be, for `to_python`; a copy has it too, but no pickle and no file.
    origin: Origin | None

    def __init__(
        self,
        sizes: Structure | Sequence[int | Layer],
        *,
        hidden: str | Activation | Sequence[str | Activation] = "tanh",
        output: str | Activation | None = None,
        loss: str | Loss | None = None,
        dropout: float | Sequence[float] = 0.0,
        normalization: str | Sequence[str | None] | None = None,
        initializer: str | Initializer | None = None,
        dtype: npt.DTypeLike = np.float64,
        random_state: RandomState = None,
    ) -> None:
        if not isinstance(sizes, Structure):
            sizes = Structure(
                sizes,
                hidden=hidden,
                output=output,
                loss=loss,
                dropout=dropout,
                normalization=normalization,
                initializer=initializer,
            )
        elif (hidden, output, loss, dropout, normalization, initializer) != (
            *("tanh", None, None, 0.0, None, None),
        ):
            raise ValueError("a Structure says everything: give only dtype and random_state beside")
        self.structure = sizes
        drawn = steps.initialize_parameters(sizes, random_state)
        self.vector: FloatArray = _with_slack(self.flatten(drawn).astype(_float_type(dtype)))
        self.predictor, self.predicts_compiled = None, False
        self.origin = Origin(seed_of(random_state))
        self.statistics: dict[str, FloatArray] = {}
        for l, layer in enumerate(sizes.layers, 1):
            if layer.normalization == "batch":
                self.statistics[f"mean{l}"] = np.zeros((1, layer.units), self.dtype)
                self.statistics[f"var{l}"] = np.ones((1, layer.units), self.dtype)
        self.parameters = MappingProxyType(self.unflatten(self.vector))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the parameters, float64 or float32."""
        return self.vector.dtype

    def flatten(self, arrays: Mapping[str, Array], prefix: str = "") -> FloatArray:
        """Return arrays named like the parameters as one vector in the order of `vector`.

        ``prefix="d"`` takes gradients, ``dW1, db1, …``.
        """
        return np.concatenate([np.ravel(arrays[prefix + name]) for name in self.structure.shapes])

    def unflatten(self, vector: FloatArray) -> dict[str, FloatArray]:
        """Return a vector like `vector` as named arrays that are views into it."""
        views, start = {}, 0
        for name, (rows, columns) in self.structure.shapes.items():
            views[name] = vector[start : start + rows * columns].reshape(rows, columns)
            start += rows * columns
        return views

    def forward(self, X: Rows, *, engine: str = "auto", threads: int | None = None) -> FloatArray:
        """Return the outputs A (m, n_L) for rows X (m, n₀), as a trained network gives them.

        Nothing is dropped, and batch normalisation uses its running statistics. X may be sparse,
        or mapped from a file: a part of its rows is made dense at a time.

        `engine` is "numpy", "compiled", or "auto": compiled for a network that the compiled engine
        has trained in this process, and where there is enough work to pay for loading it. What
        can't be compiled runs on NumPy, with a warning if "compiled" was asked for. `threads` are
        those of compiled code, by default as many as the work can use; the bits are the same.

        Raises ValueError or TypeError if X is not finite numbers of that shape, or another
        argument is not as above.
        """
        # The quick way for rows as they lie, which looks at nothing twice
        if self.predictor and engine == "auto" and threads is None and type(X) is np.ndarray:
            quick: FloatArray | None = self.predictor.forward_quickly(X)
            if quick is not None:
                return quick
        inputs = check_inputs("X", X, self.structure.n_inputs, self.dtype)
        if compiled := self._compiled(engine, len(inputs), threads):
            made: FloatArray = compiled.forward(inputs, threads=threads)[0]
            return made
        outputs = np.empty((len(inputs), self.structure.n_outputs), self.dtype)
        for rows in inputs.parts():
            outputs[rows] = self._forward(inputs[rows])[0]
        return outputs

    def _compiled(self, engine: str, rows: int, threads: int | None) -> Any:
        """Return what predicts in compiled code, or None where NumPy shall."""
        from chainrule.engine import choose_predictor  # an engine knows networks

        return choose_predictor(engine, self, rows=rows, threads=threads)

    def _forward(self, X: FloatArray) -> tuple[FloatArray, steps.Cache]:
        return steps.forward_propagation(
            X, self.parameters, self.structure, statistics=self.statistics
        )

    def predict(
        self, X: Rows, *, engine: str = "auto", threads: int | None = None
    ) -> npt.NDArray[Any]:
        """Return predictions for rows X (m, n₀); the arguments are those of `forward`.

        Zeros and ones for binary cross-entropy, class numbers for categorical cross-entropy,
        the outputs for a loss of regression; of shape (m,), or (m, n_L) for several outputs
        with a decision each. Raises as `forward`, and ValueError if numbers so large overflow that
        an output which is to decide between classes is NaN.
        """
        return self.decide(self.forward(X, engine=engine, threads=threads))

    def decide(self, A: FloatArray) -> npt.NDArray[Any]:
        """Return the predictions that `predict` makes of outputs A (m, n_L).

        Raises ValueError if an output that is to decide between classes is NaN.
        """
        loss = self.structure.loss
        if loss.labels or loss.name == "binary_cross_entropy":
            _checks.check_decidable(A)
        prediction = steps.decide(A, self.structure)
        return prediction.ravel() if prediction.shape[1] == 1 else prediction

    def loss(
        self,
        X: Rows,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        *,
        engine: str = "auto",
        threads: int | None = None,
    ) -> float:
        """Return the mean loss on examples X (m, n₀) with targets y, without any penalty.

        Targets are (m, n_L), (m,) for one output, or class numbers (m,) for categorical
        cross-entropy; `sample_weight` is (m,). X, `engine` and `threads` are what `forward`
        takes. Raises ValueError or TypeError for anything else.
        """
        inputs, Y, w = self.check_examples(X, y, sample_weight)
        compiled = self._compiled(engine, len(inputs), threads)
        total = weight = 0.0
        for rows in inputs.parts():
            w_rows = None if w is None else w[rows]
            share = float(len(Y[rows]) if w_rows is None else w_rows.sum())
            if share == 0:
                continue
            if compiled:
                A, Z = compiled.forward(inputs.part(rows), threads=threads, sums=True)
            else:
                A, cache = self._forward(inputs[rows])
                Z = cache[f"Z{len(self.structure.layers)}"]
            J = steps.compute_cost(A, Y[rows], self.structure, Z=Z, sample_weight=w_rows)
            total, weight = total + share * J, weight + share
        return total / weight

    def backward(
        self,
        X: Rows,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        *,
        masks: Mapping[str, Array] | None = None,
        penalty: Penalty = NO_PENALTY,
    ) -> dict[str, FloatArray]:
        """Return the gradient of the cost on a batch, ``dW1, db1, …``, as a training step has it.

        Batch normalisation uses the statistics of this batch. Dropout drops nothing unless
        `masks` are given, from :func:`chainrule.steps.dropout_masks`. The other arguments are
        those of `loss`, with the `penalty` that is part of the cost; but a sparse X is made dense
        as a whole, being one batch. Raises as `loss`.
        """
        inputs, Y, w = self.check_examples(X, y, sample_weight)
        _, cache = steps.forward_propagation(
            inputs[:], self.parameters, self.structure, masks=masks
        )
        return steps.backward_propagation(
            self.parameters, cache, Y, self.structure, sample_weight=w, penalty=penalty
        )

    def check_examples(
        self, X: object, y: object, sample_weight: object = None
    ) -> tuple[Inputs, Array, FloatArray | None]:
        """Return X (m, n₀), targets (m, n_L) or class numbers (m, 1), and weights (m, 1) or None.

        They have the network's dtype; X has it in each batch that is taken of it. Raises
        ValueError or TypeError, naming the argument, if one is not finite numbers of its shape,
        or their numbers of rows differ.
        """
        rows = check_inputs("X", X, self.structure.n_inputs, self.dtype)
        Y = self.structure.loss.encode(y, self.structure.n_outputs, self.dtype)
        if len(Y) != len(rows):
            raise ValueError(f"X and y must have a row each, got {len(rows)} and {len(Y)} rows")
        return rows, Y, _checks.check_sample_weight(sample_weight, len(rows), self.dtype)

    def copy(self) -> Network:
        """Return a network of its own with the same structure, parameters and statistics."""
        statistics = {name: value.copy() for name, value in self.statistics.items()}
        network = Network.from_arrays(self.structure, self.vector, statistics)
        network.origin = self.origin
        return network

    @classmethod
    def from_arrays(
        cls, structure: Structure, vector: FloatArray, statistics: dict[str, FloatArray]
    ) -> Network:
        """Return a network of a copy of `vector`, with no weights drawn; nothing is checked."""
        network = object.__new__(cls)
        network.__setstate__({"structure": structure, "vector": vector, "statistics": statistics})
        return network

    def explain(
        self,
        x: Rows,
        y: npt.ArrayLike,
        *,
        sample_weight: npt.ArrayLike | None = None,
        l2: float = 0.0,
        l1: float = 0.0,
        optimizer: str | Optimizer = "gradient_descent",
        learning_rate: float | None = None,
        state: Mapping[str, Array] | None = None,
        t: int = 1,
    ) -> Derivation:
        """Return the chain rule on one example or a mini-batch, with this network's numbers.

        Forward, loss, backward and update, each number beside its symbol, each derivative beside
        its finite difference. It shows itself in a notebook and by ``print``; see
        :class:`chainrule.explain.Derivation`. ``.weight("W1", 0, 2)`` writes the product
        ∂L/∂a · ∂a/∂z · ∂z/∂w out for one weight, through all layers.

        Parameters
        ----------
        x : array-like (n₀,) or (m, n₀)
            One example, or a mini-batch. Nothing is dropped, and batch normalisation takes the
            batch's own statistics, as in a training step.
        y : target, or array-like as for `loss`
            Its target: a number, a class number, or (n_L,) for several outputs.
        sample_weight, l2, l1
            As in :func:`chainrule.fit`: all that the cost is made of.
        optimizer : str or Optimizer, default "gradient_descent"
            Whose update is shown.
        learning_rate : float, optional
            Takes the place of the optimiser's own rate.
        state : mapping of str to array (n_parameters,), optional
            What the optimiser has kept from the updates before, such as ``{"m": …, "v": …}``;
            by default it is its first update.
        t : int, default 1
            Number of the update, from 1.

        Returns
        -------
        Derivation
            In float64, and a copy: the network stays as it is.

        Raises
        ------
        ValueError, TypeError
            If an argument is not as above; the message names it.

        Examples
        --------
        >>> network = Network([2, 3, 1], random_state=0)
        >>> derivation = network.explain([0.5, -1.0], 1)
        >>> weight = derivation.weight("W1", 0, 2)
        >>> [f"{factor.symbol.text} = {factor.value:.4f}" for factor in weight.factors]
        ['∂L/∂a[1]₃ = 0.0354', '∂a[1]₃/∂z[1]₃ = 0.3967', '∂z[1]₃/∂w[1]₁₃ = 0.5000']
        """
        from chainrule.explain.derivation import explain  # which knows networks

        return explain(
            self,
            x,
            y,
            sample_weight=sample_weight,
            l2=l2,
            l1=l1,
            optimizer=optimizer,
            learning_rate=learning_rate,
            state=state,
            t=t,
        )

    def save(self, path: str | os.PathLike[str], *, custom: Custom | None = None) -> None:
        """Write structure, parameters and statistics to one file, for :func:`chainrule.load`.

        The file is in the safetensors format, with the structure as JSON in its metadata. It takes
        the place of an older one in one step: if anything fails, that one stays as it was.

        Parameters
        ----------
        path : str or path
            The file, such as ``"moons.safetensors"``.
        custom : mapping of str to Activation, Loss or initialiser, optional
            Your own formulas, such as ``{"bent": bent}``. Their names are written; give them back
            to `load` by the same names.

        Raises
        ------
        ValueError
            If a formula is neither the library's nor in `custom`, or a parameter is not finite.
        OSError
            If the file can't be written.
        ImportError
            If safetensors is not installed.
        """
        from chainrule.network_file import save_network  # which knows networks

        save_network(self, path, custom)

    def to_python(self, *, training: bool = False) -> str:
        """Return the source of a script that predicts as this network does, with NumPy alone.

        The script holds the formulas as they stand in this library, and the parameters: with all
        their digits where they are few, packed into a line each where they are many. It has
        ``forward(X)`` and ``predict(X)``, and run by itself it prints the predictions for a file
        of comma-separated rows. It needs neither chainrule nor any other package than NumPy.

        Parameters
        ----------
        training : bool, default False
            Whether the script also has the lecture's steps, from ``initialize_parameters()`` to
            ``train(X, y)``, which draws the parameters again, trains them on the same examples
            as :func:`chainrule.fit` did, and ends with the very same ones: to 1e-12 after
            training on the NumPy engine in float64, to rounding after the compiled engine. The
            script knows which rows were held back for validation; weights of the examples are
            given again, ``train(X, y, sample_weight)``.

        Returns
        -------
        str
            At most 120 lines of 100 characters, but for packed numbers, whatever the sizes. What
            needs room gets less of it: a few plain layers are written out, Z1, A1, Z2; more of
            them, or normalised ones, are rows of a table that the steps go over; then come fewer
            empty lines, then lines joined that stand alone elsewhere, and last a `train` that
            prints no cost. Hidden layers of one activation fit with all that `fit` can do at
            once, and six different ones with normalisation, dropout, a schedule and clipping.
            Only what has still more in it, or long formulas of your own, is longer: six
            different activations with everything would be so by some ten lines, and have room.

        Raises
        ------
        ValueError
            If a formula of your own has no source that stands by itself; and with `training`, if
            this network can't be trained again from what is known of it: if it was not drawn
            from an integer, loaded, trained twice or changed since, or if its training ended
            within an epoch, or had a rate that depended on validation. The message says so.

        Examples
        --------
        >>> script = Network([2, 3, 1], random_state=0).to_python()
        >>> names = {}
        >>> exec(script, names)
        >>> names["predict"]([[0.5, -1.0], [2.0, 0.0]])
        array([0, 1])
        """
        from chainrule.python_source import network_source  # which knows networks

        return network_source(self, training=_checks.check_bool("training", training))

    def get_arrays(self) -> dict[str, FloatArray]:
        """Return `vector` and the running statistics by their names; they are not copied."""
        return {"vector": self.vector, **self.statistics}

    def with_arrays(self, arrays: Mapping[str, Any]) -> Network:
        """Return a network of the same structure with arrays as `get_arrays` returns them.

        Raises ValueError if one is missing, or has another shape; others are passed over.
        """
        other = self.copy()
        for name, own in other.get_arrays().items():
            given = np.asarray(arrays.get(name))
            if given.shape != own.shape:
                raise ValueError(f"array {name!r} must have shape {own.shape}, got {given.shape}")
            own[:] = given
        return other

    def restore(self, other: Network) -> None:
        """Take over the parameters and statistics of a network of the same structure.

        Raises ValueError if the other has another number of parameters.
        """
        if other.structure.shapes != self.structure.shapes:
            raise ValueError(
                f"other must have the same parameters, got {other.structure.n_parameters} for "
                f"{self.structure.n_parameters}"
            )
        self.vector[:] = other.vector
        for name, value in other.statistics.items():
            self.statistics[name][:] = value

    def __getstate__(self) -> dict[str, Any]:
        return {
            "structure": self.structure,
            "vector": self.vector,
            "statistics": self.statistics,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.vector = _with_slack(self.vector)
        self.predictor, self.predicts_compiled, self.origin = None, False, None
        # Views again, which no pickle keeps; a mapping whose entries can't be cut loose from them.
        self.parameters = MappingProxyType(self.unflatten(self.vector))

    def __repr__(self) -> str:
        return str(self.structure)


def _with_slack(vector: FloatArray) -> FloatArray:
    """Return a copy with some numbers behind it: a register may be read there, but not used."""
    copy = np.zeros(len(vector) + _SLACK, vector.dtype)
    copy[: len(vector)] = vector
    return copy[: len(vector)]


def _float_type(dtype: npt.DTypeLike) -> np.dtype[Any]:
    try:
        kind = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype must be float64 or float32, got {dtype!r}") from None
    if kind not in (np.float64, np.float32):
        raise ValueError(f"dtype must be float64 or float32, got {kind}")
    return kind
