"""The checks of a notebook's exercises: right or not yet, and what an answer is off by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

# Answers are float64, and what they are held against is right to 1e-9; a wrong term is off by more.
_TOLERANCE = 1e-6


class Checks:
    """Hold answers against what is right, say how they differ, and keep count.

    Attributes
    ----------
    results : dict of str to bool
        Whether the last answer to each exercise was right, in the order of the first checks.

    Examples
    --------
    >>> check = Checks()
    >>> check("1", ..., 4)
    Exercise 1: not yet. Put your answer in place of the dots.
    >>> check("1", 2 + 2, 4)
    Exercise 1: right.
    >>> check
    1 of 1 exercise is right.
    """

    def __init__(self) -> None:
        self.results: dict[str, bool] = {}

    def __call__(self, exercise: str, answer: Any, expected: Any, hint: str = "") -> None:
        """Check an answer, and print whether it is right, else what is wrong with it.

        Parameters
        ----------
        exercise : str
            The exercise's number.
        answer : number, array or anything
            What the reader found; ``...`` stands for no answer yet.
        expected : number, array or callable
            The right answer; or a function that is given the answer, and returns whether it is
            right.
        hint : str, optional
            A sentence for an answer that is wrong.
        """
        wrong = what_is_wrong(answer, expected)
        self.results[exercise] = wrong is None
        if wrong is None:
            print(f"Exercise {exercise}: right.")
        elif answer is ...:
            print(f"Exercise {exercise}: not yet. {wrong}")
        else:
            parts = (f"Exercise {exercise}: not yet.", wrong, hint)
            print(" ".join(part for part in parts if part))

    def __repr__(self) -> str:
        n, left = len(self.results), [name for name, right in self.results.items() if not right]
        what = "exercise is" if n == 1 else "exercises are"
        counted = f"{n - len(left)} of {n} {what} right"
        return f"{counted}; not yet: {', '.join(left)}." if left else f"{counted}."


def what_is_wrong(answer: Any, expected: Any) -> str | None:
    """Return a sentence on how an answer differs from what is expected, or None if it is right.

    Parameters
    ----------
    answer, expected
        As in :class:`Checks`. Numbers and arrays may differ by 1e-6, relative to the largest of
        the expected ones.
    """
    if answer is ...:
        return "Put your answer in place of the dots."
    if callable(expected):
        return _fails(answer, expected)
    right = np.asarray(expected, dtype=np.float64)
    try:
        given = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError):
        kind = type(answer).__name__
        return f"It should be {_shape_in_words(right)}, and is of type {kind}."
    if given.size == right.size == 1:
        given = given.reshape(right.shape)
    if given.shape != right.shape:
        return f"It should be {_shape_in_words(right)}, and is {_shape_in_words(given)}."
    if not np.isfinite(given).all():
        return "It has values that are not finite."
    return _difference(given, right)


def _fails(answer: Any, holds: Callable[[Any], object]) -> str | None:
    try:
        return None if holds(answer) else ""
    except Exception as error:  # whatever the reader's answer led to is told, and the run goes on
        return f"It ends in an error: {error}."


def _difference(given: npt.NDArray[np.float64], right: npt.NDArray[np.float64]) -> str | None:
    scale = float(np.abs(right).max())
    off = np.abs(given - right) > _TOLERANCE * (scale or 1)
    if not off.any():
        return None
    if np.allclose(given, -right, rtol=0, atol=_TOLERANCE * scale):
        return "It has the wrong sign."
    if right.size == 1:
        return f"It is too {'large' if given.sum() > right.sum() else 'small'}."
    factor = float(np.vdot(given, right) / (np.vdot(right, right) or 1))
    if factor and np.allclose(given, factor * right, rtol=0, atol=_TOLERANCE * scale * abs(factor)):
        return f"It is {factor:.4g} times what it should be."
    place = tuple(int(i) for i in np.argwhere(off)[0])
    where = f"[{', '.join(map(str, place))}]"
    return f"{int(off.sum())} of its {right.size} numbers are off, the first at {where}."


def _shape_in_words(array: npt.NDArray[Any]) -> str:
    return f"an array of shape {array.shape}" if array.ndim else "a number"
