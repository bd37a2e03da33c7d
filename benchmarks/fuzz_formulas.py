"""Reads random texts as typed formulas: is anything but read, or refused by FormulaError?

``python -m benchmarks.fuzz_formulas --texts 100000`` puts texts together: of the words of formulas,
of any characters, and formulas with a few characters changed. A text may become an activation or be
refused. Anything else is a failure: another error, a formula that is not the same when its name is
read again, values or slopes that are not finite, or a text that takes longer than a second.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import warnings
from collections import Counter

import numpy as np

from chainrule.activations import get_activation
from chainrule.formula_text import FormulaError, activation_from_formula
from chainrule.formula_text.functions import ALSO, ARGUMENTS, COMPARISONS, CONSTANTS, OPERATIONS

WORDS = [
    *(*ARGUMENTS, *ALSO, *CONSTANTS, *COMPARISONS, *OPERATIONS, "z", "z", "z", "a", "x", "**"),
    *(
        "(",
        ")",
        ",",
        " ",
        "=",
        "0",
        "1",
        "2",
        "0.5",
        ".",
        "1e30",
        "1e-30",
        "9" * 25,
        "lambda",
        "\n",
    ),
    *(
        "__class__",
        "import",
        "'",
        '"',
        "[",
        "]",
        "{",
        "}",
        "\x00",
        "é",
        "²",
        "−",
        "٣",
        "𝟙",
        "\ud800",
    ),
]
SIGNS = ["+", "-", "*", "/", "^"]
# A second is much for a formula, on any machine.
MOST_SECONDS = 1.0
POINTS = np.linspace(-6, 6, 101)


def tree(chance: random.Random, levels: int) -> str:
    """Return the text of a formula that is one, of at most so many levels."""
    if levels == 0 or chance.random() < 0.15:
        return chance.choice(["z", "z", "z", "pi", "e", str(chance.randrange(10)), "0.5", "1e-3"])
    below = [tree(chance, levels - 1) for _ in range(3)]
    what = chance.random()
    if what < 0.5:
        return f"({below[0]}{chance.choice(SIGNS)}{below[1]})"
    if what < 0.6:
        return f"-{below[0]}"
    name = chance.choice([*ARGUMENTS])
    if name == "where":
        return f"where({below[0]}{chance.choice([*COMPARISONS])}z,{below[1]},{below[2]})"
    return f"{name}({','.join(below[: ARGUMENTS[name]])})"


def text(chance: random.Random) -> str:
    """Return a text that may be a formula."""
    what = chance.random()
    if what < 0.2:
        return "".join(chance.choice(WORDS) for _ in range(chance.randrange(60)))
    if what < 0.25:
        return "".join(chr(chance.randrange(0x300)) for _ in range(chance.randrange(220)))
    if what < 0.35:
        return (
            chance.choice(["(", "-", "tanh(", "z^", "1/(", "z*", "where(z>0,", "max(z,"])
            * (chance.randrange(200))
            + chance.choice(["", "z"])
            + ")" * chance.randrange(100)
        )
    made = tree(chance, chance.randrange(1, 7))
    if what < 0.7:
        return made
    letters = list(made)
    for _ in range(chance.choice([1, 1, 2, 5])):
        letters[chance.randrange(len(letters))] = chance.choice(
            ["", *"z)(,*^-.e1", chance.choice(WORDS)]
        )
    return "".join(letters)


def outcome(given: str) -> str:
    """Return what came of a text: "read" or "refused", or a sentence that says what went wrong."""
    began = time.process_time()
    try:
        came = refused_or_wrong(given) or "read"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    took = time.process_time() - began
    return came if took < MOST_SECONDS else f"it took {took:.1f} s"


def refused_or_wrong(given: str) -> str:
    """Return "refused", what is wrong with the activation of a text, or "" if nothing is."""
    try:
        g = activation_from_formula(given)
    except FormulaError as error:
        return "refused" if len(str(error)) < 1000 else f"an error of {len(str(error))} characters"
    if get_activation(g.name) != g:
        return f"{g.name} is another formula when it is read again"
    a = g(POINTS)
    if not (np.isfinite(a).all() and np.isfinite(g.slope_at(POINTS, a)).all()):
        return f"{g.name} is not finite everywhere"
    return ""


def try_texts(seed: int, count: int) -> Counter[str]:
    """Read so many texts, and count what came of them; failures are written to stderr."""
    chance, outcomes = random.Random(seed), Counter[str]()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the slope of activation")
        for _ in range(count):
            given = text(chance)
            came = outcome(given)
            if came not in ("read", "refused"):
                print(f"{given!a}: {came}"[:500], file=sys.stderr)
                came = "failed"
            outcomes[came] += 1
    return outcomes


def main() -> None:
    """Read the options and the texts, and say what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    outcomes = try_texts(options.seed, options.texts)
    print(
        f"{options.texts:,} texts: {outcomes['read']:,} read, {outcomes['refused']:,} refused, "
        f"{outcomes['failed']} failed"
    )
    sys.exit(bool(outcomes["failed"]))


if __name__ == "__main__":
    main()
