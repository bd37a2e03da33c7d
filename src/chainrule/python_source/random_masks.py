"""Dropout masks as a script draws them: the bits of `chainrule.dropout` in half of the lines."""

from __future__ import annotations

from chainrule.python_source.blocks import Block


def masks(*, single: bool) -> list[Block]:
    """Return the functions up to ``dropout_mask``, whose masks are float32 if `single`."""
    of_layer = "np.array(threefry(*np.array([[t], [l]], np.uint32), key))"
    kept = "(words >= min(round(rate * 2**32), 2**32 - 1))"
    kept += " * np.float32(1 / (1 - rate))" if single else " / (1 - rate)"
    body = [
        f"of_layer = {of_layer}",
        "pairs, units = np.indices(((m + 1) // 2, n), dtype=np.uint32)",
        "words = np.stack(threefry(pairs, units, of_layer), axis=1).reshape(-1, n)[:m]",
        f"return {kept}",
    ]
    words = "np.stack(threefry(*np.indices(((m + 1) // 2, n), np.uint32), keys), 1)"
    tight = [
        f"keys = {of_layer}",
        f"words = {words}.reshape(-1, n)",
        f"return {kept.replace('words', 'words[:m]')}",
    ]
    doc = "0 with probability rate, else 1/(1 − rate): drawn from the key, the step t and layer l."
    head = "dropout_mask(key, t, l, m, n, rate)"
    return [_THREEFRY, Block(head, doc, body, formula=True, tight=tight)]


_START = [
    "keys = key[0], key[1], 0x1BD11BDA ^ key[0] ^ key[1]",
    "for i in range(5):",
    "    x0, x1 = x0 + keys[i % 3], x1 + keys[(i + 1) % 3] + i",
    "    for r in (17, 29, 16, 24) if i % 2 else (13, 15, 26, 6):",
]
_END = "return x0 + keys[2], x1 + keys[0] + 5"
_THREEFRY = Block(
    "threefry(x0, x1, key)",
    "Random words of counters and a key: Threefry of Salmon and others (2011).",
    [
        *_START,
        "        x0 = x0 + x1",
        "        x1 = ((x1 << r) | (x1 >> (32 - r))) ^ x0",
        _END,
    ],
    formula=True,
    tight=[*_START, "        x0, x1 = x0 + x1, ((x1 << r) | (x1 >> (32 - r))) ^ (x0 + x1)", _END],
)
