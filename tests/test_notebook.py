"""What a notebook's cells call, and the file that is written of the lecture."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import jupytext
import nbformat
import numpy as np
import pytest
from typer.testing import CliRunner

from chainrule import Structure, steps
from chainrule.activations import ACTIVATIONS
from chainrule.cli.app import app
from chainrule.losses import LOSSES
from chainrule.notebook import Checks, formula, source, write_notebook
from chainrule.notebook.checks import what_is_wrong
from chainrule.notebook.writing import lecture_text


def run(*arguments: object, code: int = 0) -> tuple[str, str]:
    """Run `chainrule lecture --notebook`: its output and errors, after a look at the exit code."""
    done = CliRunner().invoke(app, ["lecture", *(str(argument) for argument in arguments)])
    assert done.exit_code == code, (done.output, done.exception)
    return done.stdout, done.stderr


def test_source_is_what_runs() -> None:
    """Every line of a step, and of its docstring the first."""
    shown = repr(source(steps.forward_propagation))
    whole = inspect.getsource(steps.forward_propagation)
    head, _, body = whole.split('"""')
    assert shown.startswith(head)
    assert shown.endswith(body.rstrip())
    first = "Send a batch through the layers: Z[l] = A[l−1] W[l] + b[l], A[l] = g[l](Z[l])."
    assert f'"""{first}"""' in shown
    assert "Parameters\n" not in shown
    assert source(steps.forward_propagation)._repr_markdown_() == f"```python\n{shown}\n```"


def test_source_of_methods_properties_and_several() -> None:
    """Without the indentation of their class, one after the other."""
    shown = repr(source(Structure.shapes, Structure.n_outputs, ACTIVATIONS["relu"].slope))
    assert [line for line in shown.splitlines() if line.startswith("def ")] == [
        "def shapes(self) -> dict[str, tuple[int, int]]:",
        "def n_outputs(self) -> int:",
        "def relu_slope(z: Array, a: Array) -> Array:",
    ]
    square = lambda z: z * z  # noqa: E731
    assert "lambda z: z * z" in repr(source(square))
    assert repr(source(Structure)).startswith(
        "@dataclass(frozen=True, init=False)\nclass Structure"
    )
    with pytest.raises(TypeError, match=r"written in Python to be shown, got <ufunc 'exp'>"):
        source(np.exp)


@pytest.mark.parametrize("thing", [*ACTIVATIONS.values(), *LOSSES.values()], ids=lambda f: f.name)
def test_a_formula_is_the_one_that_the_library_holds(thing: object) -> None:
    """Value and slope of every activation and loss, set as mathematics, with two columns."""
    latex = formula(thing)._repr_latex_()  # type: ignore[arg-type]
    assert latex.startswith("$$\n\\begin{aligned}")
    assert thing.latex in latex  # type: ignore[attr-defined]
    assert thing.slope_latex in latex  # type: ignore[attr-defined]


def test_a_formula_of_something_else_is_refused() -> None:
    """With its type."""
    with pytest.raises(TypeError, match="must be activations or losses, got function"):
        formula(steps.predict)  # type: ignore[arg-type]


RIGHT = np.array([[1.0, -2.0, 4.0]])


@pytest.mark.parametrize(
    ("answer", "expected", "says"),
    [
        (..., RIGHT, "in place of the dots"),
        (RIGHT.T, RIGHT, "an array of shape (1, 3), and is an array of shape (3, 1)"),
        (3, RIGHT, "an array of shape (1, 3), and is a number"),
        (-RIGHT, RIGHT, "the wrong sign"),
        (800 * RIGHT, RIGHT, "800 times what it should be"),
        (RIGHT + np.array([0, 1e-5, 0]), RIGHT, "1 of its 3 numbers are off, the first at [0, 1]"),
        (RIGHT * np.nan, RIGHT, "not finite"),
        ([1.0, ...], RIGHT, "is of type list"),
        (0.7, np.log(2), "too large"),
        (0.0, np.log(2), "too small"),
        (2.0, lambda x: x > 3, ""),
        (0, lambda x: 1 / x > 3, "It ends in an error: division by zero."),
        (RIGHT, np.zeros((1, 3)), "3 of its 3 numbers"),
        (np.zeros((1, 3)), RIGHT, "3 of its 3 numbers"),
    ],
)
def test_what_a_check_says_of_a_wrong_answer(answer: object, expected: object, says: str) -> None:
    """How it differs: in shape, sign, a factor, or where."""
    wrong = what_is_wrong(answer, expected)
    assert wrong is not None
    assert says in wrong


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (RIGHT + 1e-7, RIGHT),
        ([[1, -2, 4]], RIGHT),
        ([[5.0]], 5),
        (True, lambda x: x),
        (np.zeros(3), [0, 0, 0]),
    ],
)
def test_what_is_right(answer: object, expected: object) -> None:
    """Rounding, other types of numbers, and one number in an array don't matter."""
    assert what_is_wrong(answer, expected) is None


def test_checks_keep_count(capsys: pytest.CaptureFixture[str]) -> None:
    """The last answer to each counts, and the rest is listed."""
    check = Checks()
    check("1", 3, 4, "Count again.")
    check("2", 4, 4)
    assert repr(check) == "1 of 2 exercises are right; not yet: 1."
    check("1", 4, 4, "Count again.")
    assert check.results == {"1": True, "2": True}
    assert repr(check) == "2 of 2 exercises are right."
    assert capsys.readouterr().out.splitlines() == [
        "Exercise 1: not yet. It is too small. Count again.",
        "Exercise 2: right.",
        "Exercise 1: right.",
    ]


def test_the_file_is_valid_and_says_what_the_text_says(tmp_path: Path) -> None:
    """Cell by cell, with the pictures' code folded; the same bytes when written again."""
    write_notebook(tmp_path / "a.ipynb")
    notebook = nbformat.read(tmp_path / "a.ipynb", as_version=4)
    nbformat.validate(notebook)
    text = jupytext.reads(lecture_text(), fmt="md:myst")
    assert [(c.cell_type, c.source) for c in notebook.cells] == [
        (c.cell_type, c.source) for c in text.cells
    ]
    assert notebook.metadata.kernelspec.name == "python3"
    pictures = [c for c in notebook.cells if "hide-input" in c.metadata.get("tags", [])]
    assert pictures
    assert all(c.metadata.jupyter.source_hidden for c in pictures)
    write_notebook(tmp_path / "b.ipynb")
    assert (tmp_path / "a.ipynb").read_bytes() == (tmp_path / "b.ipynb").read_bytes()


def test_a_notebook_that_is_worked_in_is_not_lost(tmp_path: Path) -> None:
    """The command says where it is and how to open it; a second time it refuses, or is forced."""
    path = tmp_path / "my lecture.ipynb"
    out, _ = run("--notebook", "--out", path)
    assert f"The lecture's notebook: {path}" in out
    assert "jupyter lab" in out
    path.write_text("my answers", encoding="utf-8")
    out, err = run("--notebook", "--out", path, code=2)
    assert (out, err) == ("", f"Error: {path} is there already; give another --out, or --force\n")
    assert path.read_text(encoding="utf-8") == "my answers"
    run("--notebook", "--out", path, "--force")
    nbformat.read(path, as_version=4)


def test_without_a_path_it_lies_in_this_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As lecture.ipynb, and no pictures are made."""
    monkeypatch.chdir(tmp_path)
    run("--notebook")
    assert [path.name for path in tmp_path.iterdir()] == ["lecture.ipynb"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--notebook", "--out", "lecture.txt"), "--out must end in .ipynb, got lecture.txt"),
        (("--notebook", "--out", "no/where.ipynb"), "there is no folder no"),
        (("--notebook", "--epochs", "20"), "--epochs does not go with --notebook"),
        (("--notebook", "--learning-rate", "0.01"), "--learning-rate does not go with"),
        (("--force",), "--force is for --notebook"),
    ],
)
def test_what_would_be_wrong_or_have_no_effect_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    """In one sentence, exit code 2, and nothing is made."""
    monkeypatch.chdir(tmp_path)
    out, err = run(*arguments, code=2)
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_missing_jupytext_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its extra; nothing is left behind."""
    monkeypatch.setitem(sys.modules, "jupytext", None)
    _, err = run("--notebook", "--out", tmp_path / "a.ipynb", code=1)
    assert "pip install 'chainrule[notebook]'" in err
    assert list(tmp_path.iterdir()) == []


def test_missing_parts_to_run_it_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written all the same."""
    monkeypatch.setattr("chainrule.cli.lecture.find_spec", lambda name: None)
    out, _ = run("--notebook", "--out", tmp_path / "a.ipynb")
    assert "ipykernel and matplotlib must be there: pip install 'chainrule[notebook]'" in out
    assert "pip install jupyterlab" in out
