"""What becomes of the columns of a stream on their way into a network: learned in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule._types import Array, FloatArray
from chainrule.loss import Loss
from chainrule.network import Network
from chainrule.streaming.source import Raw, Source, StreamError
from chainrule.streaming.statistics import Statistics

# So many different words a target may have: each is a class, with an output of its own.
MOST_CLASSES = 100_000


@dataclass(frozen=True, eq=False)
class Preparation:
    """What becomes of the columns.

    Attributes
    ----------
    columns : tuple of str
    scaled : bool
        Whether each column becomes (x − mean) / scale.
    filled : bool
        Whether a missing number becomes its column's mean; else it is refused.
    statistics : Statistics or None
        Of the columns; None where neither needs them.
    classes : tuple of str, or None
        The words of the target, in their order; their places are the class numbers.
    """

    columns: tuple[str, ...]
    scaled: bool
    filled: bool
    statistics: Statistics | None = None
    classes: tuple[str, ...] | None = None

    def write_inputs(self, raw: Raw, X: FloatArray) -> None:
        """Write the inputs of rows to X (m, n); they may not be finite."""
        with np.errstate(over="ignore", invalid="ignore"):
            if isinstance(raw.X, np.ndarray):
                self._write(raw.X, slice(None), X)
            else:
                for j, x in enumerate(raw.X):
                    self._write(x, j, X[:, j])
            if self.filled and np.isnan(X.sum()):
                fill = 0.0 if self.scaled else self._known.mean
                np.copyto(X, np.asarray(fill, X.dtype), where=np.isnan(X))

    def _write(self, x: npt.NDArray[Any], of: int | slice, out: FloatArray) -> None:
        """Write columns to `out`, scaled if that is wanted."""
        if not self.scaled:
            out[:] = x
            return
        # In float32 only what comes so and goes so, whose own rounding is no finer
        kind = np.result_type(x.dtype, out.dtype)
        mean, scale = (v[of].astype(kind) for v in (self._known.mean, self._known.scale))
        if kind == out.dtype:
            np.subtract(x, mean, out=out)
            out /= scale
        else:
            out[:] = (x - mean) / scale

    @property
    def _known(self) -> Statistics:
        assert self.statistics is not None
        return self.statistics

    def targets(self, raw: Raw, loss: Loss, n_outputs: int, dtype: npt.DTypeLike) -> Array:
        """Return the targets of rows as `Loss.encode` does; words as class numbers.

        Raises ValueError if they are not as the loss wants them, or a word is none of the classes.
        """
        return loss.encode(self.numbers_of(raw.y), n_outputs, dtype)

    def numbers_of(self, y: Any) -> Any:
        """Return targets as numbers: words by their class numbers."""
        if self.classes is None or y is None:
            return y
        import pyarrow as pa
        import pyarrow.compute

        numbers = pyarrow.compute.index_in(y, value_set=pa.array(self.classes, pa.string()))
        if numbers.null_count:
            place = numbers.is_null().to_numpy(zero_copy_only=False).argmax()
            word = y[int(place)].as_py()
            what = "is missing" if word is None else f"{word!r} is none of the classes"
            raise ValueError(f"the target {what}")
        return numbers.to_numpy()

    def unscaled(self, network: Network) -> Network:
        """Return a network that does with the columns as they are what this does with scaled ones.

        (x − μ) / σ W + b = x (W / σ) + b − (μ / σ) W: the first layer takes the scaling over. With
        batch normalisation, whose sums have no b, its running mean does.

        Raises ValueError if the first layer has layer normalisation, which can't.
        """
        if not self.scaled:
            return network.copy()
        if network.structure.layers[0].normalization == "layer":
            raise ValueError(
                "the first layer has layer normalisation, which can't take the scaling over; "
                "predict by like(…).predict(network)"
            )
        merged = network.copy()
        merged.origin = None
        W = network.parameters["W1"].astype(np.float64) / self._known.scale[:, None]
        shift = self._known.mean @ W
        merged.parameters["W1"][:] = W
        if "mean1" in merged.statistics:
            merged.statistics["mean1"][:] += shift
        else:
            merged.parameters["b1"][:] -= shift
        return merged


def learn(source: Source, *, scaled: bool, filled: bool) -> Preparation:
    """Go through a source once, and return what is to become of its columns.

    Raises StreamError if a number is infinite, a column holds none or huge ones, or there are too
    many words in the target.
    """
    preparation = Preparation(source.columns, scaled, filled)
    if not (scaled or filled or source.words):
        return preparation
    statistics, words = Statistics.none(len(source.columns)), set[str]()
    for piece in range(len(source.rows)):
        for raw in source.read(piece):
            if scaled or filled:
                X = raw.X if isinstance(raw.X, np.ndarray) else np.stack(raw.X, axis=1)
                refuse_not_finite(source, piece, raw, np.asarray(X, np.float64), filled)
                statistics = statistics.merge(Statistics.of(X))
            if source.words:
                words |= set(raw.y.unique().to_pylist()) - {None}
                if len(words) > MOST_CLASSES:
                    raise StreamError(
                        f"the target has more than {MOST_CLASSES:,} different words; is it a class?"
                    )
    if scaled or filled:
        for name, count, scale in zip(
            source.columns, statistics.count, statistics.scale, strict=True
        ):
            if count == 0:
                raise StreamError(f"column {name!r} holds no number at all; leave it out")
            if not np.isfinite(scale):
                raise StreamError(f"column {name!r} holds numbers too large to be scaled")
    return Preparation(
        source.columns,
        scaled,
        filled,
        statistics if scaled or filled else None,
        tuple(sorted(words)) if source.words else None,
    )


def refuse_not_finite(
    source: Source, piece: int, raw: Raw, X: npt.NDArray[Any], filled: bool
) -> None:
    """Raise StreamError, with the place, if a number is not finite; NaN may be if `filled`."""
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(X.sum()):
            return
    wrong = np.isinf(X) if filled else ~np.isfinite(X)
    if not wrong.any():
        return
    row, column = (int(i) for i in np.argwhere(wrong)[0])
    raise StreamError(
        f"numbers must be finite, got {X[row, column]} in {source.place(piece, raw.number(row))}, "
        f"column {source.columns[column]!r}; fill in or drop missing values, or give "
        f"Stream(…, missing='mean')"
    )
