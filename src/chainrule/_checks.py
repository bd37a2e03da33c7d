"""The checks at the door: each names the argument, repeats what was given, says what is right."""

from __future__ import annotations

import contextlib
import difflib
import math
import mmap
import numbers
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn, TypeVar

import numpy as np
import numpy.typing as npt

from chainrule._types import FloatArray, Generator, RandomState

T = TypeVar("T")

# Numbers that are looked at at a time, so that a large array needs little memory beside it.
_PART = 2**20


def check_number(
    name: str,
    value: object,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    open_low: bool = False,
    open_high: bool = False,
) -> float:
    """Return `value` as a finite float between `low` and `high`, or say what is wrong."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    x = float(value)
    below = x <= low if open_low else x < low
    above = x >= high if open_high else x > high
    if not math.isfinite(x):
        raise ValueError(f"{name} must be a finite number, got {value}")
    if below or above:
        raise ValueError(f"{name} must be {_interval(low, high, open_low, open_high)}, got {value}")
    return x


def _interval(low: float, high: float, open_low: bool, open_high: bool) -> str:
    if math.isfinite(low) and math.isfinite(high):
        return f"in {'(' if open_low else '['}{low:g}, {high:g}{')' if open_high else ']'}"
    return f"{'greater than' if open_low else 'at least'} {low:g}"


def check_integer(name: str, value: object, *, low: int = 0) -> int:
    """Return `value` as an int of at least `low`, or say what is wrong."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < low:
        raise ValueError(f"{name} must be at least {low}, got {value}")
    return int(value)


def check_bool(name: str, value: object) -> bool:
    """Return `value` if it is True or False, or say what is wrong."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def check_choice(name: str, value: object, choices: Iterable[str]) -> str:
    """Return `value` if it is one of `choices`, or say which there are."""
    known = list(choices)
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}")
    if value not in known:
        raise_unknown(name, value, known)
    return value


def look_up(name: str, value: object, table: Mapping[str, T], kind: type[T]) -> T:
    """Return `value` itself when it is a `kind` already, else the entry of `table` it names."""
    if isinstance(value, kind):
        return value
    if not isinstance(value, str):
        hint = f"; call it: {getattr(value, '__name__', '')}()" if callable(value) else ""
        raise TypeError(f"{name} must be a name or of type {kind.__name__}, got {value!r}{hint}")
    if value not in table:
        raise_unknown(name, value, table)
    return table[value]


def raise_unknown(name: str, value: str, known: Iterable[str]) -> NoReturn:
    """Raise the error for a name that is not known, with the nearest one that is."""
    names = sorted(known)
    near = difflib.get_close_matches(value, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{name} must be one of {', '.join(map(repr, names))}, got {value!r}{hint}")


def check_array(
    name: str,
    value: object,
    *,
    dtype: npt.DTypeLike | None = None,
    keep_mapped: bool = False,
) -> npt.NDArray[Any]:
    """Return `value` as a finite array of numbers with at least one row, or say what is wrong.

    `dtype` is the type to convert to; None keeps the type of the data. With `keep_mapped`, an
    array in a file is not converted, which would bring it into memory, but must be finite as
    `dtype`.
    """
    if hasattr(value, "tocsr"):
        raise TypeError(
            f"{name} must be a dense array, got a sparse matrix; pass {name}.toarray() if it fits "
            f"into memory"
        )
    if np.ma.is_masked(value):
        raise ValueError(f"{name} has masked values; fill them in, or drop their rows")
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be an array with rows of one length: {error}") from None
    if array.dtype == object:
        try:
            array = array.astype(float)
        except (TypeError, ValueError, OverflowError):
            raise TypeError(f"{name} must hold numbers, got {_first_wrong(array)}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} must hold numbers, got dtype {array.dtype}: {_first_wrong(array)}"
            + ("; np.unique(y, return_inverse=True) numbers the classes" if name == "y" else "")
        )
    if array.ndim == 0:
        raise ValueError(f"{name} must be an array with a row for each example, got {value!r}")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    if dtype is not None and not (keep_mapped and is_mapped(array)):
        with np.errstate(over="ignore"):  # a number too large for float32 is reported below
            array = array.astype(dtype, copy=False)
    kind = array.dtype if dtype is None else np.dtype(dtype)
    if (where := first_not_finite(array, kind)) is not None:
        refuse_not_finite(name, array[where], where, kind)
    return array


def is_mapped(array: npt.NDArray[Any]) -> bool:
    """Whether an array lies in a file that is mapped into memory, as `numpy.memmap` has it."""
    owner: object = array
    while owner is not None and not isinstance(owner, mmap.mmap):
        owner = getattr(owner, "base", None)
    return owner is not None


def first_not_finite(array: npt.NDArray[Any], dtype: npt.DTypeLike) -> tuple[int, ...] | None:
    """Return the place of the first number that is not finite as `dtype`, or None.

    A large array is gone through in parts, so that nothing of its size is made beside it.
    """
    if array.dtype.kind != "f":
        return None
    step = max(1, _PART // max(1, math.prod(array.shape[1:])))
    for start in range(0, len(array), step):
        with np.errstate(over="ignore"):
            finite = np.isfinite(array[start : start + step].astype(dtype, copy=False))
        if not finite.all():
            first, *others = (int(i) for i in np.argwhere(~finite)[0])
            return start + first, *others
    return None


def refuse_not_finite(
    name: str, value: Any, where: tuple[int, ...], dtype: npt.DTypeLike
) -> NoReturn:
    """Raise the error for a number that is not finite as `dtype`, with its place."""
    with np.errstate(over="ignore"):
        got = value.astype(dtype)
    raise ValueError(
        f"{name} must be finite, got {got} in {_place(where)} (as {np.dtype(dtype)}); "
        f"fill in or drop missing values, and scale huge ones, before training"
    )


def _place(where: tuple[int, ...]) -> str:
    return f"row {where[0]}" + (f", column {where[1]}" if len(where) > 1 else "")


def _first_wrong(array: npt.NDArray[Any]) -> str:
    for where, value in np.ndenumerate(array):
        try:
            if array.dtype.kind in "OSU":
                float(value)
            else:
                return f"{value!r:.60}"
        except (TypeError, ValueError, OverflowError):
            return f"{value!r:.60}" + (f" in {_place(where)}" if where else "")
    return "nothing" if array.size == 0 else f"{array.flat[0]!r:.60}"


def check_sample_weight(value: object, m: int, dtype: npt.DTypeLike) -> FloatArray | None:
    """Return the weights as a column `(m, 1)`, or None when there are none."""
    if value is None:
        return None
    w = check_array("sample_weight", value, dtype=dtype)
    if w.shape not in ((m,), (m, 1)):
        raise ValueError(f"sample_weight must have shape ({m},), one an example, got {w.shape}")
    if (w < 0).any():
        raise ValueError(f"sample_weight must not be negative, got {w.min()}")
    if not w.any():
        raise ValueError("sample_weight must not be zero for every example")
    check_size_of_weights(w)
    return w.reshape(m, 1)


def check_size_of_weights(w: FloatArray) -> None:
    """Raise ValueError if weights are so large, or all so small, that sums of them are wrong."""
    limits = np.finfo(w.dtype)
    largest, least = w.max(), limits.tiny / limits.eps
    with np.errstate(over="ignore"):
        if np.isfinite(w.sum()) and largest >= least:
            return
    raise ValueError(
        f"sample_weight must have a finite sum, and a largest weight of at least {least:.0e}, as "
        f"{w.dtype}; got {largest:g} as the largest. Only their ratios count: divide by their mean"
    )


def check_decidable(outputs: npt.NDArray[Any]) -> None:
    """Raise ValueError if an output (m, n_L) is NaN, of which no class can be made."""
    if (undecided := np.isnan(outputs)).any():
        row = int(np.argwhere(undecided)[0, 0])
        raise ValueError(
            f"X must be numbers of such a size that the network's are finite, but its outputs for "
            f"row {row} are nan, which is no class; scale X as in training"
        )


@contextlib.contextmanager
def naming(what: str) -> Iterator[None]:
    """Say of an error inside a formula of the user's own which formula it was."""
    try:
        yield
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise type(error)(f"{what} failed when it was tried on an array: {error}") from error


def check_random_state(value: RandomState, name: str = "random_state") -> Generator:
    """Return the generator that `random_state` stands for.

    None is a fresh one, an integer seeds NumPy's legacy stream (scikit-learn's meaning), and a
    generator is used as it is, so that the stream goes on where it stopped.
    """
    if isinstance(value, (np.random.RandomState, np.random.Generator)):
        return value
    if value is None:
        return np.random.RandomState()
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be None, an integer or a generator, got {value!r}")
    if not 0 <= value < 2**32:
        raise ValueError(f"{name} must be in [0, 2**32 - 1], got {value}")
    return np.random.RandomState(int(value))
