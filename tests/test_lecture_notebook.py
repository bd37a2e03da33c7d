"""The lecture's notebook: it teaches in the promised order, it runs, and its checks can tell.

It is run here as a reader runs it who tries each exercise: with the dots left, with wrong answers,
then with the solution. The build of the docs runs it in a kernel, with all dots left.
"""

from __future__ import annotations

import ast
import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jupytext
import matplotlib
import numpy as np
import pytest

from chainrule.notebook.writing import lecture_text

GOLDEN = (Path(__file__).parent / "golden.txt").read_text(encoding="utf-8")
COST = re.compile(r"(?<=: )0\.\d{9,}")
CELLS: list[Any] = jupytext.reads(lecture_text(), fmt="md:myst").cells

# For each exercise, what goes wrong in class, and what the check says of it.
WRONG: dict[str, list[tuple[list[str], str]]] = {
    "1": [
        (["np.cos(x) * 2 * x"], "It is too large. There are two slopes"),
        (["-2 * x * np.cos(x**2)"], "the wrong sign"),
        (["'steep'"], "It should be a number, and is of type str."),
    ],
    "2": [(["1 - a**2"], "One more link")],
    "3": [(["(a - y) * x"], "Three slopes")],
    "4": [(["1 / (1 + np.abs(z))"], "5 of its 5 numbers are off"), (["1.0"], "of shape (5,)")],
    "5": [(["W1 @ W2", "b2"], "Exercise 5b: not yet. It is too small."), (["W1", "b1"], "(2, 1)")],
    "6": [(["2 * 16 + 16 * 16 + 16"], "It is too small. Each unit")],
    "7": [(["1 / 400"], "The variance of c·w"), (["None"], "It ends in an error")],
    "8": [(["12"], "too small")],
    "9": [(['A2 @ deep["W3"] + deep["b3"]'], "it has the sigmoid")],
    "10": [(["0.5"], "too small")],
    "11": [
        (["dZ2 @ W2.T * (1 - A1 * A1)"], "Only the slope of the activation"),
        (["32 * dZ2 @ W2.T * (Z1 > 0)"], "It is 32 times what it should be."),
    ],
    "12": [(["1 / 4"], "θ shrinks"), (["3"], "θ shrinks")],
    "13": [
        (["forward_propagation(X_batch, parameters, structure)"], "still as it was drawn"),
        (
            [
                """
            A, cache = forward_propagation(X_train, parameters, structure)
            gradients = backward_propagation(parameters, cache, Y_train, structure)
            parameters = update_parameters(parameters, gradients, learning_rate)
"""
            ],
            "this mini-batch alone",
        ),
    ],
    "14": [(["np.mean(predicted == Y_test)"], "too large")],
    "15": [(["0.01"], "factors of ten"), (["1000.0"], "factors of ten")],
    "16": [(["np.zeros((50, 2)), np.arange(50) % 2"], "same order")],
}


def has(cell: Any, tag: str) -> bool:
    """Whether a cell has this tag."""
    return tag in cell.metadata.get("tags", [])


def sections() -> Iterator[tuple[str, list[Any]]]:
    """Yield the heading of each section, and its cells."""
    starts = [i for i, cell in enumerate(CELLS) if cell.source.startswith("## ")]
    for start, end in zip(starts, [*starts[1:], len(CELLS)], strict=True):
        yield CELLS[start].source.splitlines()[0][3:], CELLS[start:end]


def solution_of(cell: Any) -> str:
    """Return the code of the folded solution that a text holds."""
    (code,) = re.findall(
        r"<details>\n<summary>Solution</summary>\n.*?```python\n(.*?)```\n.*?</details>",
        cell.source,
        re.DOTALL,
    )
    return str(code)


class Reader:
    """Runs cells as a notebook does: one after the other, and shows the last value of each."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}

    def run(self, code: str, *, trying: bool = False) -> str:
        """Run a cell and return what it printed and showed; `trying` leaves no names behind."""
        names = dict(self.names) if trying else self.names
        *before, last = ast.parse(code).body
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            if isinstance(last, ast.Expr):
                exec(compile(ast.Module(before, []), "cell", "exec"), names)
                value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
                if value is not None:
                    print(repr(value))
            else:
                exec(compile(code, "cell", "exec"), names)
        return printed.getvalue()


@pytest.fixture(scope="module")
def outputs() -> dict[int, str]:
    """What each cell shows, to a reader who solves all exercises after trying everything else."""
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    reader, shown = Reader(), {}
    for i, cell in enumerate(CELLS):
        if cell.cell_type != "code":
            continue
        if has(cell, "exercise"):
            number, check, solution = exercise_at(i)
            dots = reader.run(f"{cell.source}\n{check}", trying=True)
            assert dots.count(f"Exercise {number}") == dots.count(": not yet. ") >= 1
            for answers, says in WRONG[number]:
                wrong = reader.run(f"{answered(cell.source, answers)}\n{check}", trying=True)
                assert says in wrong, (number, answers)
                assert ": not yet. " in wrong, (number, answers)
            shown[i] = reader.run(solution)
        else:
            shown[i] = reader.run(cell.source)
        plt.close("all")
    return shown


def exercise_at(i: int) -> tuple[str, str, str]:
    """Return the number of the exercise in cell i, its check and its solution."""
    number = re.findall(r"\*\*Exercise (\d+)\.\*\*", CELLS[i - 1].source)[-1]
    assert has(CELLS[i + 1], "check")
    return number, CELLS[i + 1].source, solution_of(CELLS[i + 2])


def answered(code: str, answers: list[str]) -> str:
    """Return the code of an exercise with answers in place of its dots."""
    parts = code.split("...")
    assert len(parts) == len(answers) + 1
    return "".join(a + b for a, b in zip(parts, [*answers, ""], strict=True))


def test_the_sections_are_those_of_the_lecture() -> None:
    """Chain rule, neuron, loss, activations, the seven steps, training, test, deeper, own data."""
    headings = [heading for heading, _ in sections()]
    assert [h.split(":")[0] for h in headings if h.startswith("Step")] == [
        f"Step {n}" for n in range(1, 8)
    ]
    for n, word in enumerate(("chain rule", "neuron", "loss", "Activations")):
        assert word in headings[n]
    for n, word in enumerate(("Training", "Test", "Deeper", "own data")):
        assert word in headings[11 + n]


@pytest.mark.parametrize(("heading", "cells"), list(sections())[:-2])
def test_each_section_has_all_its_parts(heading: str, cells: list[Any]) -> None:
    """A formula, its function's source, numbers, a picture, an exercise, its check and solution."""
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    text = [cell.source for cell in cells if cell.cell_type == "markdown"]
    assert any("$$" in t for t in text) or any(c.startswith("formula(") for c in code)
    assert any(c.startswith("source(") for c in code)
    assert any("print(" in c for c in code)
    assert any(has(cell, "hide-input") for cell in cells)
    assert any(has(cell, "exercise") for cell in cells)


def test_each_exercise_has_dots_a_check_and_a_solution() -> None:
    """In this order, numbered from 1, and somebody thought of what goes wrong in it."""
    places = [i for i, cell in enumerate(CELLS) if has(cell, "exercise")]
    numbers = [exercise_at(i)[0] for i in places]
    assert numbers == [str(n + 1) for n in range(len(places))] == list(WRONG)
    assert all("..." in CELLS[i].source for i in places)


def test_checks_say_right_to_the_solutions_and_not_yet_to_all_else(outputs: dict[int, str]) -> None:
    """Dots and wrong answers were refused on the way; in the end every exercise is right."""
    n = sum(cell.source.count("check(\n") + cell.source.count('check("') for cell in CELLS)
    assert outputs[len(CELLS) - 2] == f"{n} of {n} exercises are right.\n"


def test_the_golden_figures_are_its_output(outputs: dict[int, str]) -> None:
    """The costs to 1e-12, as another BLAS may round the last digits otherwise; the rest exactly."""
    text = "".join(outputs[i] for i, cell in enumerate(CELLS) if has(cell, "golden"))
    assert COST.sub("…", text) == COST.sub("…", GOLDEN)
    costs, golden = ([float(x) for x in COST.findall(t)] for t in (text, GOLDEN))
    np.testing.assert_allclose(costs, golden, rtol=0, atol=1e-12)


def test_depth_and_steps_reach_what_the_lecture_leaves_open(outputs: dict[int, str]) -> None:
    """0.97 and more where there are bends to use, a straight line's share where there are none."""
    (text,) = (shown for shown in outputs.values() if "but linear" in shown)
    bent, deeper, linear = (float(a) for a in re.findall(r"accuracy (\S+)", text))
    assert min(bent, deeper) >= 0.97
    assert linear < 0.9


def test_measured_slopes_are_those_of_the_chain_rule(outputs: dict[int, str]) -> None:
    """What a reader sees: all 17 differences below 1e-9, and two layers that are one."""
    (text,) = (shown for shown in outputs.values() if shown.startswith("greatest difference of 17"))
    assert float(text.split(":")[1]) < 1e-9  # a difference quotient is right to about 1e-12
    (text,) = (shown for shown in outputs.values() if "difference of their outputs" in shown)
    assert float(text.rsplit(":", 1)[1]) < 1e-14
