"""Formulas in fewer lines: the same numbers, to the last bit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from chainrule.activations import ACTIVATIONS
from chainrule.normal_distribution import normal_cdf
from chainrule.optimizers import OPTIMIZERS
from chainrule.python_source.blocks import DENSITIES, WIDTH
from chainrule.python_source.formulas import Formulas
from chainrule.python_source.inlining import inlined

DENSE = DENSITIES[-1][-1]


def run(formulas: Formulas, name: str) -> Any:
    """Return a function as the densest script has it."""
    texts = [block.text(DENSE) for block in formulas.blocks]
    assert all(len(line) <= WIDTH for text in texts for line in text.splitlines())
    script: dict[str, Any] = {"np": np, "math": math}
    exec("\n".join(texts), script)
    return script[name]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_every_formula_gives_the_same_bits(dtype: Any) -> None:
    """Values and slopes of all activations, and what they are made of."""
    z = np.linspace(-40, 40, 4001).astype(dtype)
    for g in ACTIVATIONS.values():
        formulas = Formulas((), single=dtype == np.float32)
        for what, function, arguments in (
            ("value", g.g, (z,)),
            ("slope", g.slope, (z, g(z))),
            ("vjp", g.vjp, (z, g(z), z + 1)),
        ):
            if function is not None:
                made = run(formulas, formulas.name(what, function, g.constants))(*arguments)
                own = function(*arguments, **g.constants)
                np.testing.assert_array_equal(made, own, strict=True)


def test_every_rule_gives_the_same_bits() -> None:
    """After a step, with its constants."""
    w, dw = np.random.RandomState(0).standard_normal((2, 50))
    for rule in OPTIMIZERS.values():
        formulas, state = Formulas(()), [np.full(50, 0.5) for _ in rule.state]
        made = run(formulas, formulas.name("rule", rule.rule, rule.constants))
        np.testing.assert_array_equal(
            made(w, dw, *state, 0.1, 3), rule.rule(w, dw, *state, 0.1, 3, **rule.constants)
        )


def test_a_loop_over_coefficients_is_a_polynomial_of_numpy() -> None:
    """Horner's rule, by its name."""
    formulas = Formulas(())
    formulas.name("Φ", normal_cdf)
    text = formulas.blocks[-1].text(DENSE)
    assert "np.polyval(TAIL[::-1]" in text
    assert "for " not in text


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (["r = rng.uniform()", "return z * r + r"], "is drawn"),
        (["a = z + 1", "a = a * 2", "return a"], "changes"),
        (["a = z + 1", "z = 0 * z", "return a + z"], "is of what changes"),
        (["a = z + 1", "return a + a * a"], "is used three times"),
        (["t = z + 1", "for i in range(3):", "    z = z + t", "return z"], "is used in a loop"),
        (["z = z + 1", "return z"], "is an argument"),
        ([f"a = {' + '.join(['np.exp(z)'] * 8)}", "return a * a"], "is too long"),
    ],
)
def test_a_name_stays_if_its_value(body: list[str], why: str) -> None:
    """What the lines do can't change."""
    assert inlined(body, ["rng", "z"], single=False) == body, why


def test_a_name_goes_if_its_value_is_read_in_a_place_or_two() -> None:
    """The operations stay in their order."""
    body = ["s = np.exp(z) + 1", "t = z - 1", "return s / (t * s)"]
    assert inlined(body, ["z"], single=False) == [
        "return (np.exp(z) + 1) / ((z - 1) * (np.exp(z) + 1))"
    ]
    body = ["m = 2 * m", "v = m / (1 - z)", "return w - v, m"]
    assert inlined(body, ["w", "m", "z"], single=False) == [body[0], "return w - m / (1 - z), m"]
