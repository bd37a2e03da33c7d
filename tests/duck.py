"""An array type that is not NumPy's, and answers NumPy's protocols: as CuPy's does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class Duck(np.lib.mixins.NDArrayOperatorsMixin):
    """Wraps an array, and stays a Duck through ufuncs and functions; never turns into an array."""

    def __init__(self, array: Any) -> None:
        self.array = np.asarray(array)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype

    def __array__(self, *args: object, **kwargs: object) -> Any:
        raise TypeError("a Duck does not turn into a NumPy array")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Duck:
        return Duck(getattr(ufunc, method)(*map(_plain, inputs), **kwargs))

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Duck:
        return Duck(function(*map(_plain, args), **kwargs))


def _plain(value: Any) -> Any:
    return value.array if isinstance(value, Duck) else value
