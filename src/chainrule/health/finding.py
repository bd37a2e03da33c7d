"""A finding: what is wrong, the number that says so, and what to try."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One reason why a network may not learn.

    Attributes
    ----------
    name : str
        Such as ``"vanishing gradient"``.
    number : float
        The number that says so; `evidence` says what of.
    evidence : str
        What was measured, in words, with the numbers.
    advice : str
        What to try.
    """

    name: str
    number: float
    evidence: str
    advice: str
