"""Dates for a network: how many days, and where in the year, the week and the day."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from chainrule._types import FloatArray

DAY = 86400.0
CYCLES = {"year": 365.2425 * DAY, "week": 7 * DAY, "day": DAY}


def cycles_in(seconds: FloatArray) -> list[str]:
    """Return in which cycles the dates (m,), seconds since 1970, are spread: year, week, day.

    A cycle is there if the dates go over two of it, and are not all at one place in it.
    """
    there = seconds[np.isfinite(seconds)]
    return [
        name
        for name, length in CYCLES.items()
        if np.ptp(there) >= 2 * length and np.ptp(there % length) > 0
    ]


def to_days(seconds: FloatArray) -> FloatArray:
    """Return dates (m,), seconds since 1970, as days."""
    return seconds / DAY


def waves(seconds: FloatArray, cycles: list[str]) -> npt.NDArray[np.float64]:
    """Return where dates (m,) lie in n cycles, as sine and cosine (m, 2 n) of an angle."""
    angles = [2 * np.pi * seconds / CYCLES[name] for name in cycles]
    columns = [wave(angle) for angle in angles for wave in (np.sin, np.cos)]
    return np.column_stack(columns) if columns else np.empty((len(seconds), 0))
