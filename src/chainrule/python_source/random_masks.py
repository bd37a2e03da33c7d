"""Dropout masks as a script draws them: the bits of `chainrule.dropout` in half of the lines."""

from __future__ import annotations

from dataclasses import replace

from chainrule.python_source.blocks import Block


def masks(*, single: bool) -> list[Block]:
    """Return the functions up to ``dropout_mask``, whose masks are float32 if `single`."""
    kept_words = "words >= min(round(rate * 2**32), 2**32 - 1)"
    kept = "* np.float32(1 / (1 - rate))" if single else "/ (1 - rate)"
    return [_THREEFRY, replace(_MASK, body=[*_MASK.body, f"return ({kept_words}) {kept}"])]


_THREEFRY = Block(
    "threefry(x0, x1, key)",
    "Random words of counters and a key: Threefry of Salmon and others (2011).",
    [
        "keys = key[0], key[1], 0x1BD11BDA ^ key[0] ^ key[1]",
        "for i in range(5):",
        "    x0, x1 = x0 + keys[i % 3], x1 + keys[(i + 1) % 3] + i",
        "    for r in (17, 29, 16, 24) if i % 2 else (13, 15, 26, 6):",
        "        x0 = x0 + x1",
        "        x1 = ((x1 << r) | (x1 >> (32 - r))) ^ x0",
        "return x0 + keys[2], x1 + keys[0] + 5",
    ],
    formula=True,
)
_MASK = Block(
    "dropout_mask(key, t, l, m, n, rate)",
    "0 with probability rate, else 1/(1 − rate): drawn from the key, the step t and layer l.",
    [
        "of_layer = np.array(threefry(*np.array([[t], [l]], np.uint32), key))",
        "pairs, units = np.indices(((m + 1) // 2, n), dtype=np.uint32)",
        "words = np.stack(threefry(pairs, units, of_layer), axis=1).reshape(-1, n)[:m]",
    ],
    formula=True,
)
