"""Typed formulas: read as on paper, differentiated rightly, run as any other, never as code."""

from __future__ import annotations

import ast
import copy
import math
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from latex2mathml.converter import convert
from sklearn.utils._param_validation import InvalidParameterError

import chainrule
from benchmarks import fuzz_formulas
from chainrule import Layer, MLPClassifier, ModelFileError, Network, Structure, fit, load
from chainrule.activation import Activation
from chainrule.activations import get_activation
from chainrule.description import build_structure, describe_structure
from chainrule.finite_differences import central_difference
from chainrule.formula_text import FormulaError, activation_from_formula, making
from chainrule.formula_text.differentiating import slope_of
from chainrule.formula_text.functions import ARGUMENTS, FUNCTIONS
from chainrule.formula_text.reading import read
from chainrule.formula_text.running import TreeFunction
from chainrule.formula_text.tree import (
    Binary,
    Call,
    Comparison,
    Name,
    Negative,
    Node,
    Number,
    every,
)
from chainrule.formula_text.writing import as_latex, as_text
from tests.duck import Duck
from tests.processes import run_python
from tests.saved import through_a_file

KEPT = Path(__file__).parent / "data" / "typed-formula-format-1.safetensors"
Z = np.linspace(-5, 5, 41) + 0.01

# Formulas, beside the same in Python.
FORMULAS: dict[str, Callable[[float], float]] = {
    "z*tanh(z)": lambda z: z * math.tanh(z),
    "max(0, z) - 0.1*min(z, 0)": lambda z: max(0, z) - 0.1 * min(z, 0),
    "z/(1 + abs(z))": lambda z: z / (1 + abs(z)),
    "log(1 + exp(z))": lambda z: math.log(1 + math.exp(z)),
    "where(z > 0, z, exp(z) - 1)": lambda z: z if z > 0 else math.exp(z) - 1,
    "where(z <= -1, -1, where(z < 1, z, 1))": lambda z: -1 if z <= -1 else z if z < 1 else 1,
    "where(z != 0, sin(z)/z, 1)": lambda z: math.sin(z) / z if z != 0 else 1,
    "where(1 >= z, z, 1) + z/9": lambda z: (z if z <= 1 else 1) + z / 9,
    "z^2": lambda z: z * z,
    "-z^2 + 3*z - 1": lambda z: -(z**2) + 3 * z - 1,
    "2^-z": lambda z: 2 ** (-z),
    "z - 1 - 2*z": lambda z: z - 1 - 2 * z,
    "z/2/4*z": lambda z: z / 2 / 4 * z,
    "2^3^(z/9)": lambda z: 2 ** (3 ** (z / 9)),
    "1e-3*z + .5*z + 2.*z": lambda z: 1e-3 * z + 0.5 * z + 2.0 * z,
    "pi*z + e": lambda z: math.pi * z + math.e,
    "e^(-z^2/2)/sqrt(2*pi)": lambda z: math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi),
    "1/(1 + exp(-z))": lambda z: 1 / (1 + math.exp(-z)),
    "(exp(z) - exp(-z))/(exp(z) + exp(-z))": math.tanh,
    "z*sigmoid(2*z)": lambda z: z / (1 + math.exp(-2 * z)),
    "relu(z)^2": lambda z: max(z, 0) ** 2,
    "softplus(z) - log(2)": lambda z: math.log(1 + math.exp(z)) - math.log(2),
    "sign(z)*log1p(abs(z))": lambda z: math.copysign(math.log1p(abs(z)), z),
    "step(z) + z/10": lambda z: (z > 0) + z / 10,
    "expm1(z/9) + sinh(z/9) + cosh(z/9)": lambda z: math.expm1(z / 9) + math.exp(z / 9),
    "sin(3*z) + cos(z) + atan(z)": lambda z: math.sin(3 * z) + math.cos(z) + math.atan(z),
    "erf(z)": math.erf,
    "sqrt(1 + z^2)": lambda z: math.sqrt(1 + z * z),
    "(2 + sin(z))^(z/3)": lambda z: (2 + math.sin(z)) ** (z / 3),
}
MADE = {text: activation_from_formula(text) for text in FORMULAS}


@pytest.mark.parametrize("text", FORMULAS)
def test_values_are_those_of_python(text: str) -> None:
    """Signs and powers bind as on paper, functions are what they are called."""
    for z in (-2.5, -1.0, -0.3, 0.4, 1.0, 3.0):
        assert float(MADE[text](z)) == pytest.approx(FORMULAS[text](z), rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("text", FORMULAS)
def test_slope_is_that_of_a_finite_difference(text: str) -> None:
    """Away from its kinks, to 1e-8: the five-point quotient is h⁴ f⁽⁵⁾ / 30 beside the slope."""
    g = MADE[text]
    z = Z[[min([abs(x - k) for k in g.kinks], default=1) > 0.02 for x in Z]]
    np.testing.assert_allclose(g.slope_at(z, g(z)), central_difference(g, z), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_its_slope(name: str) -> None:
    """Of u = z / 4 + 1.5, where all are smooth: f'(u) / 4."""
    f = TreeFunction(read(f"{name}(z/4 + 1.5)"))
    slope = TreeFunction(slope_of(f.tree), of_a=True)
    z = np.linspace(-3, 3, 13)
    np.testing.assert_allclose(slope(z, f(z)), central_difference(f, z), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("text", "slope"),
    [
        ("tanh(z)", "1 - a^2"),
        ("exp(z)", "a"),
        ("1/(1 + exp(-z))", "a*(1 - a)"),
        ("log(1 + exp(z))", "sigmoid(z)"),
        ("z/(1 + exp(-z))", "sigmoid(z) + a*(1 - sigmoid(z))"),
        ("z*tanh(z)", "tanh(z) + z*(1 - tanh(z)^2)"),
        ("z/(1 + abs(z))", "(1 - a*sign(z))/(1 + abs(z))"),
        ("z - z^3/6", "1 - z^2/2"),
        ("sin(3*z)", "3*cos(3*z)"),
        ("exp(-z^2)", "-2*a*z"),
        ("0.1*z*3", "0.3"),
        ("max(0, z)", "where(z > 0, 1, 0)"),
        ("sqrt(1 + z^2)", "z/a"),
        ("-2*-z", "2"),
    ],
)
def test_slopes_are_short_enough_to_read(text: str, slope: str) -> None:
    """As a person would write them, with a for the value."""
    assert as_text(activation_from_formula(text).slope.tree) == slope  # type: ignore[union-attr]


# ---------------------------------------------------------------------------------------------
# Random trees

numbers = st.one_of(
    st.sampled_from([0.0, 1.0, 2.0, 3.0, 0.5, 0.1]), st.floats(1e-3, 1e3), st.integers(0, 9)
).map(lambda value: Number(float(value)))
leaves = st.one_of(*[st.just(Name("z"))] * 3, numbers, st.sampled_from([Name("pi"), Name("e")]))


def above(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return the trees of one level more."""
    comparisons = st.builds(Comparison, st.sampled_from(["<", "<=", ">", ">="]), below, below)
    one = st.builds(lambda name, x: Call(name, (x,)), st.sampled_from([*FUNCTIONS]), below)
    two = st.builds(lambda name, *x: Call(name, x), st.sampled_from(["max", "min"]), below, below)
    three = st.builds(lambda *x: Call("where", x), comparisons, below, below)
    signs = st.builds(Binary, st.sampled_from("+-*/^"), below, below)
    return st.one_of(signs, signs, st.builds(Negative, below), one, two, three)


trees = st.recursive(leaves, above, max_leaves=10)


def as_read(tree: Node) -> Node:
    """Return what is read of a tree's text, where its parts without z have a value."""
    text = as_text(tree)
    assume(len(text) <= 200)
    try:
        return read(text)
    except FormulaError as error:
        assume(not any(word in str(error) for word in ("finite", "same for every z")))
        raise


@given(trees)
@settings(max_examples=300, deadline=None)
def test_a_text_is_the_tree_again(tree: Node) -> None:
    """What is written of a tree is read as that tree, with parentheses where they are needed."""
    assert as_read(tree) == tree


@given(trees)
@settings(max_examples=300, deadline=None)
def test_the_slope_of_any_formula_is_right(tree: Node) -> None:
    """Where a random formula is smooth and of moderate size, the chain rule gives its quotient.

    Or no number, as for 0^z, whose slope has ln 0 in it; such a formula is refused.
    """
    tree = as_read(tree)
    f, slope = TreeFunction(tree), TreeFunction(slope_of(tree), of_a=True)
    z = np.linspace(-2, 2, 33) + 0.0137
    with np.errstate(all="ignore"):
        wide, narrow = (np.asarray(central_difference(f, z, h)) for h in (1e-3, 2e-4))
        smooth = np.abs(wide - narrow) < 1e-8 * (1 + np.abs(wide))  # no kink, no pole between
        smooth &= np.abs(np.asarray(f(z))) < 1e3
    given_ = np.broadcast_to(np.asarray(slope(z, f(z))), z.shape)
    smooth &= np.isfinite(given_)
    np.testing.assert_allclose(given_[smooth], wide[smooth], rtol=1e-6, atol=1e-6)


@given(trees)
@settings(max_examples=150, deadline=None)
def test_the_range_holds_every_value(tree: Node) -> None:
    """Whatever the formula, no value lies outside of the interval that it promises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            g = activation_from_formula(as_text(as_read(tree)))
        except FormulaError as error:
            assume("range" in str(error))  # which no formula may be refused for
            raise
    a = np.asarray(g(np.linspace(-60, 60, 1001)))
    a = a[~np.isnan(a)]
    assert g.range[0] <= a.min()
    assert a.max() <= g.range[1]


@given(trees)
@settings(max_examples=100, deadline=None)
def test_latex_is_whole(tree: Node) -> None:
    """MathML can be made of it: its braces are balanced, and no power stands on a power."""
    latex = as_latex(tree)
    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\left") == latex.count(r"\right")
    assert convert(latex).startswith("<math")
    assert convert(as_latex(slope_of(as_read(tree)))).startswith("<math")


# ---------------------------------------------------------------------------------------------
# What is refused


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2z", "at character 2: got 'z', expected an operator between '2' and it, such as 2 * z"),
        ("=2z", "at character 3: got 'z'"),
        ("z(3)", "at character 2: got '(', expected an operator"),
        ("z z", "at character 3: got 'z'"),
        ("", "at character 1: got the end, expected a number, z, a function or '('"),
        ("z +", "at character 4: got the end, expected a number"),
        ("(z", "at character 3: got the end, expected an operator or ')'"),
        ("z)", "at character 2: got ')', expected an operator or the end"),
        ("z*/2", "at character 3: got '/', expected a number"),
        ("tnah(z)", "did you mean 'tanh'?"),
        ("tanh z", "at character 6: got 'z', expected '(' and the arguments of tanh"),
        ("x", "the variable is called z"),
        ("tanh(z, 2)", "at character 1: got 2 arguments, expected 1 of them in tanh(…)"),
        ("max(z)", "expected 2 of them in max(…, …)"),
        ("max()", "at character 5: got ')', expected a number"),
        ("where(z, 1, 2)", "at character 8: got ',', expected a comparison, such as z > 0"),
        ("where(0 < z < 1, z, 0)", "at character 13: got '<', expected one comparison alone"),
        ("where(1 > 0, z, 0)", "at character 9: the comparison is the same for every z"),
        ("z > 0", "at character 3: got '>', expected no comparison but as the first argument of"),
        ("z = 2", "at character 3: got '='"),
        ("z.real", "at character 2: got '.'"),
        ("1e31*z", "at character 1: got the number 1e31, expected 0, or one from 1e-30 to 1e+30"),
        ("1/0 + z", "at character 2: '/' makes inf here, expected a finite number"),
        ("log(-1) + z", "at character 1: 'log' makes nan here"),
        ("z" + "+z" * 100, "it has 201 characters, and a formula may have 200"),
        (
            "z" + "+z" * 99,
            "shorten it; written out as '=z + z + ",
        ),
        ("z" + "+z" * 99, "…, it has 398 characters, and a formula may have 200"),
        ("-" * 20 + "z", "no more than 32 levels"),
        ("(" * 40 + "z" + ")" * 40, "no more than 32 levels"),
        ("-" * 40 + "z", "no more than 32 levels"),
        ("z" + "^z" * 40, "no more than 32 levels"),
        ("*".join("z" * 60), "its slope has"),
        ("1", "it has no z in it; its slope is 0 everywhere, and nothing would learn"),
        ("z - z", "it is 0 for every z; its slope is 0, and nothing would learn"),
        ("log(z)", "it is not a finite number for z from -6 to 0, expected one for every z"),
        ("sqrt(z)", "it is not a finite number for z from -6 to -0.01"),
        ("1/z", "it is not a finite number for z = 0"),
        ("1/(z^2 - 1)", "for z = -1, and at other places"),
        ("1/(z - 1/3)", "it grows without end at z = 0.333333, where it divides by zero"),
        ("1/(z - 1/3)^2", "it grows without end at z = 0.333333"),
        ("sin(z)/cos(z)", "it grows without end at z = "),
        ("(z - 1/3)^-1", "it grows without end at z = 0.333333"),
        ("sqrt(abs(z))", "its slope is not a finite number for z = 0"),
        ("sin(1e4*z)", "its values lose too many digits, or swing too fast"),
    ],
)
def test_the_error_says_where_and_what(text: str, message: str) -> None:
    """In one sentence that names the formula, the place, and what would be right there."""
    with pytest.raises(FormulaError) as caught:
        activation_from_formula(text, "hidden")
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"hidden {text!r:.60}: ")
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("text", [None, 3, b"z", ["z"]])
def test_a_formula_is_a_string(text: Any) -> None:
    """Of another type, it is a TypeError that repeats it."""
    with pytest.raises(TypeError, match="formula must be a string such as"):
        activation_from_formula(text)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "().__class__",
        "lambda: z",
        "z if z else 1",
        "[z for z in z]",
        "exec(z)",
        "eval(z)",
        "open(z)",
        "z := 1",
        "z;z",
        "print(z)",
        "f'{z}'",
        "z\\n",
        "9**9**9**9**z",
        "ｚ",
        "z²",
        "١*z",
    ],
)
def test_nothing_of_python_is_read(text: str) -> None:
    """Nor any letter or digit that is not plain."""
    with pytest.raises(FormulaError):
        activation_from_formula(text)


def test_no_text_is_made_into_code() -> None:
    """No module of the parser calls eval, exec or compile, or Python's own parser."""
    folder = Path(chainrule.formula_text.__file__).parent
    for path in folder.glob("*.py"):
        names = {
            part.id if isinstance(part, ast.Name) else part.attr
            for part in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(part, (ast.Name, ast.Attribute))
        }
        assert not names & {"eval", "exec", "compile", "ast", "literal_eval", "__import__"} - (
            {"compile"} if path.name == "tokens.py" else set()  # of a regular expression
        )


def test_fuzz() -> None:
    """Some of the random texts of which the benchmark reads 100,000: read, or refused."""
    outcomes = fuzz_formulas.try_texts(1, 1500)
    assert sum(outcomes.values()) == 1500
    assert outcomes["failed"] == 0
    assert min(outcomes["read"], outcomes["refused"]) > 100


def test_a_formula_that_can_not_learn_is_warned_of() -> None:
    """A step may be shown, but no weight before it has a gradient."""
    with pytest.warns(UserWarning, match="slope of activation .* is 0 everywhere"):
        g = activation_from_formula("step(z) - 0.25")
    assert g.kinks == (0.0,)


# ---------------------------------------------------------------------------------------------
# How it runs


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_types_are_kept(text: str, dtype: type[np.floating[Any]]) -> None:
    """Value and slope of float32 are float32, of the shape of z, and right to rounding."""
    g, z = MADE[text], Z.reshape(1, -1).astype(dtype)
    a = g(z)
    slope = g.slope_at(z, a)
    assert (a.dtype, slope.dtype, slope.shape) == (dtype, dtype, z.shape)
    wide, eps = g(z.astype(np.float64)), float(np.finfo(dtype).eps)
    np.testing.assert_allclose(a, wide, rtol=64 * eps, atol=64 * eps)


@pytest.mark.parametrize("text", FORMULAS)
def test_other_array_types_and_scalars(text: str) -> None:
    """NumPy's protocols are all that is used; a Python number is as good as an array."""
    g, z = MADE[text], Duck(Z.reshape(1, -1))
    a = g(z)
    assert isinstance(a, Duck)
    np.testing.assert_array_equal(a.array, g(Z.reshape(1, -1)))
    assert isinstance(g.slope_at(z, a), Duck)
    for number in (2, -1.5):
        assert float(g(number)) == pytest.approx(float(g(np.array([float(number)]))[0]), rel=1e-14)
    np.testing.assert_array_equal(g(np.array([1, 2])), g(np.array([1.0, 2.0])))


@pytest.mark.parametrize("text", FORMULAS)
def test_nan_is_not_hidden(text: str) -> None:
    """Neither by a where, nor by a max, nor by a slope that is constant."""
    g, z = MADE[text], np.array([[np.nan, 1.0]])
    a = g(z)
    assert np.isnan(a).tolist() == [[True, False]]
    assert np.isnan(g.slope_at(z, a)).tolist() == [[True, False]]


BOUNDED = ["log(1 + exp(z))", "1/(1 + exp(-z))", "1/(1 + e^-z)", "z/(1 + exp(-z))", "z*tanh(z)",
           "exp(z)/(1 + exp(z))", "(exp(z) - exp(-z))/(exp(z) + exp(-z))", "exp(-z^2)",
           "where(z > 0, z, exp(z) - 1)", "z/(1 + abs(z))", "log1p(exp(-2*z))", "erf(z)",
           "max(0, z) - 0.1*min(z, 0)", "sqrt(1 + z^2)", "where(z > 0, z, sin(z))"]  # fmt: skip


@pytest.mark.parametrize("text", BOUNDED)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_sums_are_finite(text: str, dtype: type[np.floating[Any]]) -> None:
    """At |z| = 1000 value and slope are finite, without a warning, however they were typed."""
    g, z = activation_from_formula(text), np.array([[-1000, 1000, 0, -50, 50]], dtype=dtype)
    a = g(z)
    assert np.isfinite(a).all()
    assert np.isfinite(g.slope_at(z, a)).all()


@pytest.mark.parametrize(
    ("text", "kinks"),
    [
        ("z*tanh(z)", []),
        ("max(0, z) - 0.1*min(z, 0)", [0]),
        ("z/(1 + abs(z))", []),  # smooth in spite of the abs
        ("where(z > 0, z, exp(z) - 1)", []),
        ("where(z > 0, z, 2*exp(z) - 2)", [0]),
        ("abs(abs(z) - 1)", [-1, 0, 1]),
        ("max(-1, min(1, z))", [-1, 1]),
        ("relu(relu(z - 1/3))", [1 / 3]),
        ("abs(z^2 - 2)", [-math.sqrt(2), math.sqrt(2)]),
        ("where(exp(z) > 2, z, 0)", [math.log(2)]),
        ("z + step(z - 0.123)", [0.123]),
    ],
)
def test_kinks_are_found(text: str, kinks: list[float]) -> None:
    """Where the slope, or the value, jumps; and nowhere else."""
    assert activation_from_formula(text).kinks == pytest.approx(kinks, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("0.5*(1 + tanh(z))", 0, 1),
        ("1/(1 + exp(-z))", 0, 1),
        ("exp(-z^2)", 0, 1),
        ("where(z > 0, z, exp(z) - 1)", -1, math.inf),
        ("z^2 + 1", 1, math.inf),
        ("max(-1, min(1, z))", -1, 1),
        ("z*tanh(z)", -math.inf, math.inf),  # an interval that holds it, not the smallest
    ],
)
def test_the_range_is_found_where_it_is_cheap(text: str, low: float, high: float) -> None:
    """So that a formula may be an output activation of a loss that needs probabilities."""
    assert activation_from_formula(text).range == (low, high)


def test_the_same_formula_is_equal_in_every_spelling() -> None:
    """Equal, of one hash, pickled and copied: it travels between processes like any other."""
    g = activation_from_formula("z * tanh( z )")
    assert g.name == "=z*tanh(z)"
    assert g == activation_from_formula("=z*tanh(z)") == pickle.loads(pickle.dumps(g))
    assert copy.deepcopy(g) == copy.copy(g) == g
    assert hash(g.g) == hash(pickle.loads(pickle.dumps(g.g)))
    assert activation_from_formula("z**2") == activation_from_formula("z^2")
    assert g != activation_from_formula("tanh(z)*z")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(g))(Z), g(Z))


def test_a_long_formula_is_like_a_short_one() -> None:
    """Fifty terms, which lie in each other, are copied, compared, written and pickled."""
    g = activation_from_formula("z" + "+z" * 48 + "-9")
    assert g == copy.deepcopy(g) == pickle.loads(pickle.dumps(g)) == get_activation(g.name)
    assert isinstance(repr(g), str)
    assert g(1.0) == 40


def test_a_stack_without_room_is_a_formula_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """No RecursionError comes out, however deep the caller is."""

    def fail(text: str) -> Activation:
        raise RecursionError

    monkeypatch.setattr(making, "_made", fail)
    with pytest.raises(FormulaError, match="it is too long; shorten it"):
        activation_from_formula("z")


# ---------------------------------------------------------------------------------------------
# At every door

X = np.random.default_rng(0).normal(size=(60, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def test_a_name_with_an_equals_sign_is_a_formula() -> None:
    """Wherever an activation is named: a layer, a structure, an estimator."""
    g = activation_from_formula("z*tanh(z)")
    assert get_activation("=z*tanh(z)") == get_activation(" = z * tanh(z)") == g
    assert Layer(3, "=z*tanh(z)").activation == g
    structure = Structure([2, 3, 3, 1], hidden=["=z*tanh(z)", "relu"], output="=0.5*(1 + tanh(z))",
                          loss="binary_cross_entropy")  # fmt: skip
    assert structure.layers[0].activation == g
    assert "=z*tanh(z)" in str(structure)
    model = MLPClassifier((4,), activation="=z*tanh(z)", random_state=0, tol=0.01).fit(X, Y)
    assert model.network_.structure.layers[0].activation == g
    with pytest.raises(InvalidParameterError, match="a formula such as '=z"):
        MLPClassifier((4,), activation="tnah").fit(X, Y)


@pytest.mark.parametrize(
    "call",
    [
        lambda: Network([2, 3, 1], hidden="=2z"),
        lambda: Layer(3, "=2z"),
        lambda: MLPClassifier((4,), activation="=2z").fit(X, Y),
    ],
)
def test_doors_refuse_what_is_none(call: Callable[[], object]) -> None:
    """With the argument's name before the formula."""
    with pytest.raises(FormulaError, match=r"^(hidden|activation) '=2z': at character 3"):
        call()


def test_the_command_line_takes_a_formula(tmp_path: Path) -> None:
    """`--activation` is such a door, too."""
    main = "from chainrule.cli import main; main()"
    for formula, code, said in (("=z*tanh(z)", 0, "Accuracy: "), ("=2z", 2, "at character 3")):
        arguments = ("lecture", "--activation", formula, "--epochs", "2")
        done = run_python(main, *arguments, cwd=tmp_path)
        assert done.returncode == code
        assert said in " ".join((done.stdout + done.stderr).split())


def test_the_gradient_of_a_network_is_right() -> None:
    """And its derivation shows the formula and its slope."""
    network = Network([2, 3, 1], hidden="=z/(1 + abs(z))", random_state=0)
    assert chainrule.gradient_check(network, X[:5], Y[:5]).passed
    page = network.explain(X[0], 1)
    assert r"\frac{z}{1 + \left|z\right|}" in page.to_latex()
    assert "z/(1 + abs(z))" in str(page)
    assert "(1 - a*sign(z))/(1 + abs(z))" in str(page)


def test_compiled_code_runs_the_same_formula(compiled_apart: None) -> None:
    """To rounding; and NaNs come through there, too, so that a divergence is seen."""
    vectors = []
    for engine in ("numpy", "compiled"):
        hidden = ["=max(0, z) - 0.1*min(z, 0)", "=where(z > 0, z^2, erf(z))/2"]
        network = Network([2, 3, 3, 1], hidden=hidden, random_state=0)
        fit(network, X, Y, epochs=3, learning_rate=0.1, engine=engine, random_state=0, verbose=0)
        vectors.append(network.vector)
    np.testing.assert_allclose(vectors[0], vectors[1], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("formula", "why"),
    [("=sin(z)", "a formula can't be compiled"), ("=" + "+".join(["tanh(z)"] * 20), "is long")],
)
def test_what_can_not_be_compiled_runs_on_numpy(
    formula: str, why: str, compiled_apart: None
) -> None:
    """With a warning that says why, if the compiled engine was asked for by name."""
    vectors = []
    for engine in ("numpy", "compiled"):
        network = Network([2, 3, 1], hidden=formula, random_state=0)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit(network, X, Y, epochs=2, engine=engine, random_state=0, verbose=0)
        assert [why in str(w.message) for w in caught] == [True] * (engine == "compiled")
        vectors.append(network.vector)
    np.testing.assert_array_equal(vectors[0], vectors[1])


# ---------------------------------------------------------------------------------------------
# In a file


def test_a_saved_network_comes_back_without_custom() -> None:
    """The name of a typed formula is the formula, and what is read is parsed, not run."""
    network = Network([2, Layer(3, "= z * tanh(z)"), Layer(3, "=where(z!=0,sin(z)/z,1)"), 1])
    again = through_a_file(network)
    assert again.structure == network.structure
    np.testing.assert_array_equal(again.forward(X), network.forward(X))


def test_the_kept_file_is_read_for_ever() -> None:
    """A formula that was once written keeps its meaning; the file is never rewritten."""
    network = load(KEPT)
    assert [layer.activation.name for layer in network.structure.layers] == [
        "=z/(1 + abs(z)) - 0.1*min(z, 0)",
        "=where(z > -1, -z^2 + 2^(z/3), log(1 + exp(z)))",
        "sigmoid",
    ]
    known = [[0.7205520294593709], [0.7082499765318052]]
    np.testing.assert_allclose(network.forward([[0.5, -1.0], [2.0, 1.0]]), known, rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "=2z"}, "activation of layer 1 '=2z': at character 3"),
        ({"name": "=" + "z" * 10**6}, "it has 1000001 characters"),
        ({"constants": {"alpha": 1.0}}, "constants of the activation of layer 1 must have no"),
    ],
)
def test_a_damaged_formula_is_refused(change: dict[str, Any], message: str) -> None:
    """As anything else in a file, by the sentence of the parser."""
    described = describe_structure(Structure([2, Layer(2, "=z*tanh(z)"), 1]))
    described["layers"][0]["activation"] |= change
    with pytest.raises(ValueError, match=message.replace("(", r"\(")) as caught:
        build_structure(described)
    assert len(str(caught.value)) < 300
    assert not isinstance(caught.value, ModelFileError)


def test_your_own_formula_may_not_borrow_such_a_name(tmp_path: Path) -> None:
    """What is called =z*tanh(z), and is something else, is your own."""
    other = Activation("=z*tanh(z)", np.tanh, lambda z, a: 1 - a * a)
    with pytest.raises(ValueError, match="is your own '=z"):
        Network([2, 3, 1], hidden=other).save(tmp_path / "n")


def test_every_name_that_may_be_called_is_tried_above() -> None:
    """A new function gets a value by hand here."""
    called = {
        part.name for text in FORMULAS for part in every(read(text)) if isinstance(part, Call)
    }
    assert called == {*ARGUMENTS}
