"""How the memory of a limit is used: what is read, what waits in buffers, what stays there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chainrule import _checks
from chainrule.streaming.part import Part

# What is left to Python, the libraries and the network, of a limit: so much, or half of it. Python
# with NumPy, Numba and PyArrow was seen to take 350 MB.
OTHERS = 512 * 10**6
# Buffers: of one is learned, while the other is filled.
BUFFERS = 2
# Pieces that are read at the same time, in turn, where there is memory for them.
MOST_PIECES = 4
DEFAULT_LIMIT = "1GB"

_UNITS = {
    "B": 1,
    **{f"{letter}B": 1000**n for n, letter in enumerate("KMGT", 1)},
    **{f"{letter}IB": 1024**n for n, letter in enumerate("KMGT", 1)},
}


@dataclass(frozen=True)
class Plan:
    """How a training run uses its memory.

    Attributes
    ----------
    everything : bool
        Whether all rows fit: they are then read once, and stay in memory.
    held : bool
        Whether the rows that are held back do.
    buffer_rows : int
        How many rows a buffer has, a multiple of the mini-batch.
    pieces : int
        How many pieces are read in turn, so that their rows are mixed.
    batch_size : int
    """

    everything: bool
    held: bool
    buffer_rows: int
    pieces: int
    batch_size: int


def plan_memory(
    limit: int, train: Part, held: Part | None, batch_size: int, measured: bool
) -> Plan:
    """Return how to stay below a limit in bytes; `measured` is whether metrics want all outputs.

    Raises ValueError if it is too small: says how much would do.
    """
    memory = limit - min(OTHERS, limit // 2)
    n_held = 0 if held is None else len(held)
    if measured:
        # Targets and outputs, in parts and then as one
        outputs = 2 * 8 * (train.network.structure.n_outputs + 1) * max(len(train), n_held)
        if outputs > memory // 2:
            raise ValueError(
                f"metrics need the outputs for all of {max(len(train), n_held):,} rows at once, "
                f"for which memory_limit={limit:,} is too small; {4 * outputs:,} bytes would do"
            )
        memory -= outputs
    each = max([train.source.piece_bytes, *([] if held is None else [held.source.piece_bytes])])
    pieces = max(1, min(MOST_PIECES, memory // 3 // max(1, each)))
    held_bytes = n_held * train.row_bytes
    stays = 0 < held_bytes <= memory // 4
    rest = memory - pieces * each
    if len(train) * train.row_bytes + held_bytes <= rest:
        return Plan(True, True, len(train), 1, batch_size)
    rest -= held_bytes if stays else 0
    batches = rest // (BUFFERS * train.row_bytes * batch_size)
    if batches < 1:
        least = each + BUFFERS * train.row_bytes * batch_size
        raise ValueError(
            f"memory_limit={limit:,} is too small: {each:,} bytes to read what stands together in "
            f"a file, and {BUFFERS} buffers of a mini-batch of {batch_size:,} rows, take "
            f"{3 * least:,} bytes; give more, or write smaller groups of rows"
        )
    return Plan(False, stays, int(batches * batch_size), int(pieces), batch_size)


def as_bytes(limit: object) -> int:
    """Return a memory limit in bytes: an integer, or such as "1GB", "500 MB" or "2GiB"."""
    if isinstance(limit, str):
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?I?B)\s*", limit.upper())
        if found is None:
            raise ValueError(
                f"memory_limit must be bytes, or such as '1GB', '500MB' or '2GiB', got {limit!r}"
            )
        return int(float(found[1]) * _UNITS[found[2]])
    return _checks.check_integer("memory_limit", limit, low=1)
