"""A stream: rows on disk that are read again and again, some at a time."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import _checks
from chainrule._types import FloatArray
from chainrule.network import Network
from chainrule.streaming.part import Part
from chainrule.streaming.preparation import learn
from chainrule.streaming.reading_ahead import read_ahead
from chainrule.streaming.source import ArraySource, Source, StreamError
from chainrule.streaming.statistics import Statistics
from chainrule.streaming.tables import TableSource, check_names

MISSING = ("error", "mean")
# Pieces that are looked at, to tell whether the rows are those of the run before.
_LOOKED_AT = 8


class Stream:
    """Rows on disk to learn from or to predict for, more than fit into memory.

    Parameters
    ----------
    source : path, list of paths, pyarrow.dataset.Dataset, or array in a file (m, n)
        A file of Parquet or Arrow (Feather), a folder of them, partitioned or not, or an array
        that is mapped from a file, as by `numpy.memmap`.
    target : str, list of str, or array (m,) or (m, n_L), optional
        Name of the column to predict, or of several; for an array the targets themselves. A
        column of words or truth values holds classes, which are numbered in their order.
    columns : list of str, optional
        The inputs; by default all columns but `target` and `sample_weight`. They must hold
        numbers or truth values.
    sample_weight : str or array (m,), optional
        Column of the weights of the rows, or the weights themselves.
    scale : bool, default True
        Whether each column is brought to mean 0 and standard deviation 1.
    missing : {"error", "mean"}, default "error"
        Whether a missing number is an error, or its column's mean is put in its place. A missing
        target is always an error.

    Raises
    ------
    StreamError
        If the data can't be read, a column is not there or holds another type, or a number is not
        finite: says in which file, group of rows, row and column.
    ValueError, TypeError
        If an argument is not as above.
    ImportError
        If PyArrow, of the extra ``tables``, is not there to read a file.

    Notes
    -----
    Making one opens every file. Unless the columns are taken as they are, it then goes through all
    rows once, for means, scales and classes.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from chainrule import Network, fit
    >>> file = tempfile.TemporaryFile()
    >>> X = np.memmap(file, np.float32, "w+", shape=(1000, 3))
    >>> X[:] = np.random.default_rng(0).normal(5, 2, X.shape)
    >>> stream = Stream(X, X[:, 0] > 5)
    >>> network = Network([stream.n_inputs, 8, 1], random_state=0)
    >>> history = fit(network, stream, epochs=30, random_state=0, verbose=0)
    >>> plain = stream.unscaled(network)  # takes numbers as they are in the file
    >>> bool((plain.predict(X) == (X[:, 0] > 5)).mean() > 0.95)
    True
    >>> file.close()
    """

    def __init__(
        self,
        source: Any,
        target: Any = None,
        *,
        columns: Sequence[str] | None = None,
        sample_weight: Any = None,
        scale: bool = True,
        missing: str = "error",
    ) -> None:
        _checks.check_bool("scale", scale)
        filled = _checks.check_choice("missing", missing, MISSING) == "mean"
        self.source = _open(source, target, columns, sample_weight)
        self.preparation = learn(self.source, scaled=scale, filled=filled)
        self.asked = target, sample_weight

    def like(self, source: Any, target: Any = None, *, sample_weight: Any = None) -> Stream:
        """Return a stream of other rows, prepared as these are: by the same means and classes.

        Parameters
        ----------
        source
            As for the stream itself; it must have the same columns.
        target, sample_weight
            Likewise. By default those of an array are not known, and those of files not read.

        Raises
        ------
        StreamError, ValueError, TypeError
            As for the stream itself.
        """
        if isinstance(self.source, ArraySource):
            other: Source = _open(source, target, None, sample_weight)
            if len(other.columns) != self.n_inputs:
                raise ValueError(
                    f"source must have {self.n_inputs} columns, got {len(other.columns)}"
                )
        else:
            other = _open(source, target, self.columns, sample_weight)
        stream = object.__new__(Stream)
        stream.source, stream.preparation = other, self.preparation
        stream.asked = target, sample_weight
        if other.words != (self.classes is not None) and target is not None:
            raise StreamError("the target must hold words, or numbers, as in the first stream")
        return stream

    def __len__(self) -> int:
        return int(self.source.rows.sum())

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return self.preparation.columns

    @property
    def n_inputs(self) -> int:
        """How many inputs there are: what a network begins with."""
        return len(self.columns)

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The words of the target in the order of their class numbers; None if it has numbers."""
        return self.preparation.classes

    @property
    def statistics(self) -> Statistics | None:
        """Count, mean, variance and range of each column; None where they are not needed."""
        return self.preparation.statistics

    def predict(self, network: Network) -> Iterator[npt.NDArray[Any]]:
        """Yield what `Network.predict` returns, for some rows at a time in their order.

        Classes of words are given by their words. Raises StreamError as the stream itself,
        ValueError if the network has another number of inputs.
        """
        part = self.part(network)
        words = None if self.classes is None else np.array(self.classes)

        def parts() -> Iterator[npt.NDArray[Any]]:
            with read_ahead(part.inputs()) as blocks:
                for X in blocks:
                    found = network.predict(X)
                    yield found if words is None else words[found]

        return parts()

    def forward(self, network: Network) -> Iterator[FloatArray]:
        """Yield what `Network.forward` returns, as `predict` does."""
        part = self.part(network)

        def parts() -> Iterator[FloatArray]:
            with read_ahead(part.inputs()) as blocks:
                for X in blocks:
                    yield network.forward(X)

        return parts()

    def loss(self, network: Network) -> float:
        """Return the mean loss on all rows, as `Network.loss` does; raises as `predict`."""
        part = self.part(network)
        part.check_targets()
        total = weight = 0.0
        with read_ahead(part.blocks()) as blocks:
            for block in blocks:
                if share := block.weight():
                    total += share * network.loss(block.X, block.Y, block.sample_weight)
                    weight += share
        return total / weight

    def unscaled(self, network: Network) -> Network:
        """Return a network that makes of columns as they are what `network` makes of scaled ones.

        It predicts for arrays, can be saved and exported, and is equal up to rounding: the mean
        and scale of each column go into its first layer. What `missing` fills in does not.

        Raises ValueError if the first layer has layer normalisation, which can't take them.
        """
        self.part(network)
        return self.preparation.unscaled(network)

    def fingerprint(self) -> str:
        """Return what other data have not: names, numbers of rows, and some of them summed up.

        Of some pieces the first rows are looked at. Raises StreamError as the stream itself.
        """
        rows = self.source.rows
        told = zlib.crc32(repr((self.columns, self.asked, self.preparation.classes)).encode())
        told = zlib.crc32(rows.tobytes(), told)
        for piece in np.unique(np.linspace(0, len(rows) - 1, _LOOKED_AT).astype(int)):
            raw = next(self.source.read(int(piece)), None)
            if raw is None:  # a damaged group that has no rows after all
                continue
            X = raw.X if isinstance(raw.X, np.ndarray) else np.stack(raw.X, axis=1)
            told = zlib.crc32(np.ascontiguousarray(X).tobytes(), told)
            for some in (raw.y, raw.w):
                told = zlib.crc32(repr(None if some is None else some.tolist()).encode(), told)
        return f"{len(self)} rows on disk, checksum {told:08x}"

    def part(self, network: Network) -> Part:
        """Return all rows as a network takes them.

        Raises TypeError if it is no network, ValueError if it has another number of inputs.
        """
        if not isinstance(network, Network):
            raise TypeError(f"network must be a Network, got {type(network).__name__}")
        if network.structure.n_inputs != self.n_inputs:
            some = ", ".join(self.columns[:10]) + (", …" if self.n_inputs > 10 else "")
            raise ValueError(
                f"the network must have an input for each of the {self.n_inputs} columns {some}, "
                f"got {network.structure.n_inputs}"
            )
        return Part(self.source, self.preparation, network)


def _open(source: Any, target: Any, columns: Sequence[str] | None, weight: Any) -> Source:
    if isinstance(source, np.ndarray):
        if columns is not None:
            raise ValueError("columns are for tables; take those of an array by X[:, …]")
        return ArraySource(source, target, weight)
    if columns is not None:
        columns = check_names("columns", columns)
    if target is not None and not isinstance(target, str):
        target = check_names("target", target)
    if weight is not None and not isinstance(weight, str):
        raise TypeError(f"sample_weight must be the name of a column, got {weight!r:.80}")
    return TableSource(source, target, columns, weight)
