"""What a derivation shows of itself: the right symbols with the right numbers, in every form."""

from __future__ import annotations

import inspect
import re
import sys
import xml.etree.ElementTree as ET
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from chainrule import ELU, Activation, Huber, Network, Optimizer
from chainrule.activations import ACTIVATIONS
from chainrule.explain import Derivation
from chainrule.explain.notation import COLOURS, NEGATIVE, POSITIVE, format_number
from chainrule.explain.rule_lines import rule_lines
from chainrule.losses import LOSSES
from chainrule.optimizers import OPTIMIZERS
from tests.gradients import OUTPUTS


def moons(**keywords: Any) -> Derivation:
    """Explain one example in the lecture's network."""
    network = Network([2, 4, 1], random_state=42)
    return network.explain([0.5, -1.0], 1, **keywords)


def mixed() -> Derivation:
    """Explain a mini-batch with all that a page may hold."""
    rng = np.random.default_rng(0)
    network = Network([3, 12, 4, 3], hidden="elu", normalization=["batch", None], random_state=0)
    X, y, w = rng.normal(size=(20, 3)), rng.integers(0, 3, 20), rng.uniform(0.5, 2, 20)
    return network.explain(X, y, sample_weight=w, l2=0.1, optimizer="adamw")


def shown(value: float) -> str:
    return format_number(float(value))


def test_text_of_one_example() -> None:
    """Symbols first, numbers under them: sums, values, slopes, signals, gradient, update."""
    d = moons()
    text, first = str(d), d.layers[0]
    w = [shown(x) for x in first.W[:, 0]]
    w = [f"({x})" if x.startswith("−") else x for x in w]
    assert "z[1]₁ = a[0]₁ · w[1]₁₁ + a[0]₂ · w[1]₂₁ + b[1]₁" in text
    assert f"      = 0.5 · {w[0]} + (−1) · {w[1]} + 0" in text
    assert f"      = {shown(first.Z[0, 0])}\n" in text
    for k in range(4):
        assert first.slope is not None
        row = [str(k + 1), *(shown(x[0, k]) for x in (first.Z, first.A, first.slope))]
        row.append(row[-1])  # as it is measured, to these digits
        assert re.search(r"\n +" + r" +".join(map(re.escape, row)) + r" ", text)
        signals = [shown(first.dA[0, k])] * 2 + [r".*", shown(first.dZ[0, k])]
        assert re.search(rf"\n +{k + 1} +" + r" +".join(signals), text)
    for rows in (d.gradients["dW1"], d.update.before["W1"], d.update.after["W1"]):
        for i, row_ in enumerate(rows):
            numbers = r" +".join(re.escape(shown(x)) for x in row_)
            assert re.search(rf"\n +{i + 1} +{numbers}\n", text)
    assert "∂L/∂Z[2] = ∂L/∂A[2] ∘ g′(Z[2]) = A[2] − Y" in text
    assert f"L = {inspect.getdoc(d.structure.loss.value).rstrip('.')}" in text  # type: ignore[union-attr]
    assert f"= {shown(d.cost)}\n" in text


def test_text_of_one_weight() -> None:
    """The product with its numbers under it, the path, the quotient, and the step."""
    p = moons().weight("W1[0, 2]")
    lines = str(p).splitlines()
    symbols = next(line for line in lines if line.strip().startswith("∂L/∂w[1]₁₃ ="))
    numbers = lines[lines.index(symbols) + 1]
    assert [part.strip() for part in symbols.split(" = ")[1].split(" · ")] == [
        "∂L/∂a[1]₃",
        "∂a[1]₃/∂z[1]₃",
        "∂z[1]₃/∂w[1]₁₃",
    ]
    assert [part.strip(" ()") for part in numbers.split(" = ")[1].split("·")] == [
        shown(f.value) for f in p.factors
    ]
    # each number stands under its symbol
    assert [i for i, x in enumerate(symbols) if x == "·"] == [
        i for i, x in enumerate(numbers) if x == "·"
    ]
    text = str(p)
    assert re.search(rf"\n +=  +{re.escape(shown(p.of_example))}\n", text)
    assert "From the loss down to it leads 1 path." in text
    assert f"{format_number(p.finite_difference, 8)}" in text
    assert (
        f"w[1]₁₃ := w[1]₁₃ − α · ∂L/∂w[1]₁₃\n           =  {format_number(p.before, 6)} − 0.01 · "
        in text
    )
    assert f"=  {format_number(p.after, 6)}" in text


def test_paths_are_written_while_they_are_few() -> None:
    """A row for each of 12 paths; of 64 the number."""
    few = Network([2, 3, 4, 3, 1], random_state=0).explain([0.5, 1.0], 1)
    text = str(few.weight("W2", 0, 0))
    assert "lead 3 paths" in text
    text = str(few.weight("W1", 0, 0))
    assert "lead 12 paths" in text
    rows = re.findall(r"^ +1→[123]→[1234]→1 .*$", text, flags=re.M)
    assert len(rows) == 12
    for row, path in zip(rows, few.weight("W1", 0, 0).paths, strict=True):
        assert row.split()[1:] == [*(shown(f.value) for f in path.factors), shown(path.value)]
    many = Network([2, 3, 8, 8, 1], random_state=0).explain([0.5, 1.0], 1)
    text = str(many.weight("W1", 0, 0))
    assert "lead 64 paths: too many to write out" in text
    assert "a sum over the 8 units of layer 2" in text


@pytest.mark.parametrize("file", ["README.md", "docs/howto.md"])
def test_what_the_readme_shows(file: str) -> None:
    """Each line of it is one that is printed, in this order."""
    text = (Path(__file__).parent.parent / file).read_text(encoding="utf-8")
    block = text[text.index("The chain rule for W1[0, 2]") :].partition("```")[0]
    printed = iter(str(moons().weight("W1[0, 2]")).splitlines())
    for line in block.splitlines():
        assert line == "…" or line in printed  # goes on where the last line was found


def test_wide_layers_are_folded() -> None:
    """300 inputs and 200 units fit on a page, and take finite differences of what is shown only."""
    rng = np.random.default_rng(0)
    network = Network([300, 200, 10], random_state=0)
    text = str(network.explain(rng.normal(size=(3, 300)), [1, 2, 3]))
    assert len(text.splitlines()) < 250
    assert max(map(len, text.splitlines())) < 100
    assert text.count("…") > 20


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_rule_is_followed_line_by_line(name: str) -> None:
    """The last line that sets a name has the value that the rule returns for it."""
    rule = OPTIMIZERS[name]
    values = {"w": 0.7, "dw": -0.3, **dict.fromkeys(rule.state, 0.2), "alpha": 0.1, "t": 3.0}
    values |= rule.constants
    lines = rule_lines(rule.rule, values, ("w", *rule.state), rule.weight_decay)
    after = {line.target.text: line.value for line in lines}
    state = tuple(np.array(0.2) for _ in rule.state)
    w, moved = rule.update(np.array(0.7), np.array(-0.3), state, 0.1, 3)
    for own, value in zip(("w", *rule.state), (w, *moved), strict=True):
        assert after[own] == pytest.approx(float(value), rel=1e-14)


def test_a_rule_as_mathematics() -> None:
    """Precedence, functions and constants come through, as symbols and as numbers."""

    def rule(w: Any, dw: Any, s: Any, alpha: float, t: int, k: float = 2.0) -> Any:
        s = (s + abs(dw)) / 2
        step = -(dw - s) * np.sqrt(s + 1) ** t
        return w - alpha * (step - np.maximum(s, k)), s

    values = {"w": 1.0, "dw": -0.5, "s": 0.5, "alpha": 0.1, "t": 2.0, "k": 2.0}
    lines = rule_lines(rule, values, ("w", "s"))
    assert [f"{x.target.text} = {x.formula.text}" for x in lines] == [
        "s = (s + |∂J/∂w|) / 2",
        "step = −(∂J/∂w − s) · √(s + 1)^t",
        "w = w − α · (step − max(s, k))",
    ]
    assert lines[0].substituted.text == "(0.5 + |(−0.5)|) / 2"
    assert lines[0].formula.latex.startswith(r"\frac{s + |")
    assert lines[2].value == pytest.approx(1 - 0.1 * (1.5 - 2))


def test_what_is_returned_is_set_at_once() -> None:
    """Each part from the values before; and a rule that does more shows before and after alone."""

    def rule(w: Any, dw: Any, s: Any, alpha: float, t: int) -> Any:
        return w - alpha * (dw + s), s + w

    values = {"w": 1.0, "dw": -0.5, "s": 0.5, "alpha": 0.1, "t": 2.0}
    lines = rule_lines(rule, values, ("w", "s"))
    assert [line.value for line in lines] == [1.0, 1.5]

    def clipping(w: Any, dw: Any, alpha: float, t: int) -> Any:
        return (w - alpha * np.clip(dw, a_min=-1, a_max=1),)

    def method(w: Any, dw: Any, alpha: float, t: int) -> Any:
        return (w - alpha * dw.clip(-1, 1),)

    for more in (clipping, method):
        own = Optimizer("own", more, 0.1)
        assert rule_lines(more, values, ("w",)) == []
        assert "Before and after" in str(moons(optimizer=own).weight("W1", 0, 0))


def test_weights_of_examples_are_in_the_formulas() -> None:
    """Beside ∂L/∂Z and over Σw on a batch's page, around the slope of the loss on a weight's."""
    network = Network([2, 3, 1], random_state=0)
    d = network.explain([[1.0, 2.0], [0.5, -1.0]], [1, 0], sample_weight=[3, 1])
    assert "= w ∘ (A[2] − Y)\n" in str(d)
    assert "∂L/∂Z[2] / Σw\n" in str(d)
    assert "∂L/∂a[2]₁ = (−y / a + (1 − y) / (1 − a)) · 3\n" in str(d.weight("W2", 0, 0))


def test_a_sure_output_has_the_right_factors() -> None:
    """At z = 40 a (1 − a) is lost; the product begins with ∂L/∂z, and says why."""
    network = Network([1, 1], random_state=0)
    network.vector[:] = [40.0, 0.0]
    p = network.explain([1.0], 0).weight("W1", 0, 0)
    assert [f.value for f in p.factors] == [1.0, 1.0]
    assert p.value == p.of_example == 1.0
    assert "so near its end that the product by itself would lose it; in short:" in str(p)
    two = Network([2, 3, 2], output="sigmoid", loss="binary_cross_entropy", random_state=0)
    two.parameters["b2"][:] = [[40.0, 0.0]]
    p = two.explain([1.0, 2.0], [0, 1]).weight("W1", 0, 0)
    assert len({len(path.factors) for path in p.paths}) == 1  # one of the outputs is sure
    assert sum(path.value for path in p.paths) == pytest.approx(p.of_example, rel=1e-12)
    assert "lead 2 paths" in str(p)


def test_several_outputs_and_constants() -> None:
    """L is a sum over outputs; what α, δ and the penalty are stands beside the formulas."""
    network = Network([2, 3, 2], hidden=ELU(0.3), loss=Huber(0.7), dropout=0.1, random_state=0)
    text = str(network.explain([1.0, 2.0], [0.5, 0.1], l2=0.1))
    for part in ("L = Σₖ (", "elu, α = 0.3\n", "loss huber, δ = 0.7", "nothing is dropped"):
        assert part in text
    assert "penalty l2 = 0.1, l1 = 0" in text


def test_a_formula_of_ones_own_is_named() -> None:
    """Rather than shown by the docstring of what it is made of."""
    own = Activation("own", np.tanh, lambda z, a: 1 - a * a)
    d = Network([2, 3, 1], hidden=own, random_state=0).explain([1.0, 2.0], 1)
    assert "g(z) = your own tanh\n" in str(d)
    assert "g′(z) = your own\n" in str(d)
    named = Activation("named", soft_ly, lambda z, a: 1 - a * a)
    d = Network([2, 3, 1], hidden=named, random_state=0).explain([1.0, 2.0], 1)
    assert r"\text{your own soft\_ly}" in d.to_latex()


def soft_ly(z: Any) -> Any:
    """Is tanh."""
    return np.tanh(z)


def test_a_rule_whose_source_cant_be_had() -> None:
    """Before and after are shown all the same."""
    rule = Optimizer("sign", lambda w, dw, alpha, t: (w - alpha * np.sign(dw),), 0.5)
    p = moons(optimizer=rule).weight("W1", 0, 0)
    text = str(p)
    assert "By sign, with α = 0.5, t = 1." in text
    assert format_number(p.after, 6) in text
    assert ":=" not in text


def test_colours() -> None:
    """Numbers by their sign, symbols by their quantity, in the terminal as in a notebook."""
    d = moons()
    target = Console(file=StringIO(), force_terminal=True, color_system="truecolor", width=120)
    d.show(target)
    coloured = target.file.getvalue()  # type: ignore[attr-defined]

    def painted(text: str, colour: str) -> str:
        r, g, b = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
        return f"\x1b[38;2;{r};{g};{b}m{text}\x1b[0m"

    Z = d.layers[0].Z[0]
    for value in Z:
        assert painted(shown(value), POSITIVE if value > 0 else NEGATIVE) in coloured
    assert painted("z[1]₁", COLOURS["z"]) in coloured
    assert painted("∂L/∂a[1]", COLOURS["dA"]) in coloured
    for form in (d.to_markdown(), d.to_latex().replace("[HTML]{", "{#"), d.to_html()):
        for quantity in ("z", "a", "slope", "dA", "dZ", "dw"):
            assert COLOURS[quantity] in form
    plain = re.sub(r"\x1b\[[\d;]*m", "", coloured)
    assert [x.rstrip() for x in plain.splitlines()] == str(d).splitlines()


@pytest.mark.parametrize("derivation", [moons(), mixed()], ids=["one example", "mini-batch"])
def test_html_is_well_formed_and_complete(derivation: Derivation) -> None:
    """Every formula is MathML, and every number of the text is there."""
    for thing in (derivation, derivation.weight("W1", 0, 1), derivation.weight("b2", 0)):
        html = thing.to_html()
        root = ET.fromstring(f"<all>{html}</all>")
        spoken = " ".join("".join(root.itertext()).split())
        assert "<merror" not in html
        assert "\\" not in spoken  # no LaTeX is left
        numbers = set(re.findall(r"(?<![\w.[])−?\d+\.\d+(?!\d*e)", str(thing)))
        assert len(numbers) > 5
        missing = [x for x in numbers if x not in spoken]
        assert missing == []
        for table in root.iter("table"):
            if table.get("class") == "grid":
                widths = {len(row) for row in table.iter("tr") if "colspan" not in row[0].attrib}
                assert len(widths) == 1


@pytest.mark.parametrize("derivation", [moons(), mixed()], ids=["one example", "mini-batch"])
def test_latex_is_balanced(derivation: Derivation) -> None:
    """Braces and environments close, rows have as many cells as columns."""
    for latex in (derivation.to_latex(), derivation.weight("W2", 1, 0).to_latex()):
        depth = 0
        for brace in re.findall(r"(?<!\\)[{}]", latex):
            depth += 1 if brace == "{" else -1
            assert depth >= 0
        assert depth == 0
        assert latex.count(r"\begin{array}") == latex.count(r"\end{array}") > 5
        displays = latex.replace(r"\\[1ex]", "")  # the end of a line, with room below
        assert displays.count(r"\[") == displays.count(r"\]") > 5
        assert latex.isascii() or not re.findall(r"[^\x00-\x7f]", latex.replace("û", ""))
        assert "textcolor{#" not in latex


def test_markdown_tables_have_their_columns() -> None:
    """Each row of a table has as many cells as its titles, and formulas stand between dollars."""
    markdown = mixed().to_markdown()
    tables = re.findall(r"(?:^\|.*\|\n?)+", markdown, flags=re.M)
    assert len(tables) > 10
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1
    assert markdown.startswith("## The chain rule on 20 examples\n")
    assert markdown.count("$$") % 2 == 0


@pytest.mark.parametrize("loss", OUTPUTS)
def test_every_loss_can_be_shown(loss: str) -> None:
    """With each output activation it takes, in every form, with LaTeX that becomes MathML."""
    for output in OUTPUTS[loss]:
        network = Network([2, 2], loss=loss, output=output, random_state=0)
        d = network.explain([[0.5, -0.2]], [1] if LOSSES[loss].labels else [[0.25, 0.75]])
        ET.fromstring(f"<all>{d.to_html()}</all>")
        assert f"Layer 1: {output}\n" in str(d)
        assert f"loss {loss}," in str(d)
        assert d.to_latex()


def test_every_activation_can_be_shown() -> None:
    """In a hidden layer, in every form."""
    names = sorted({g.name for g in ACTIVATIONS.values()})
    for name in names:
        d = Network([2, 2, 1], hidden=name, random_state=0).explain([0.5, -0.2], 1)
        ET.fromstring(f"<all>{d.to_html()}</all>")
        formula = (inspect.getdoc(ACTIVATIONS[name].g) or "").partition("\n")[0].rstrip(".")
        assert f"g(z) = {formula}\n" in str(d)
        assert ACTIVATIONS[name].latex in d.to_latex()


def test_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTML, LaTeX, Markdown and text; without latex2mathml, all but HTML."""
    p = moons().weight("W1", 0, 0)
    bundle = p._repr_mimebundle_()
    assert sorted(bundle) == ["text/html", "text/latex", "text/markdown", "text/plain"]
    assert bundle["text/plain"] == repr(p) == str(p)
    assert bundle["text/latex"].count("$$") % 2 == 0
    monkeypatch.setitem(sys.modules, "latex2mathml.converter", None)
    from chainrule.explain import as_html

    as_html._converted.cache_clear()
    assert sorted(p._repr_mimebundle_()) == ["text/latex", "text/markdown", "text/plain"]
    with pytest.raises(ImportError, match=r"pip install 'chainrule\[notebook\]'"):
        p.to_html()


def test_without_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra."""
    monkeypatch.setitem(sys.modules, "rich.console", None)
    with pytest.raises(ImportError, match=r"pip install 'chainrule\[cli\]'"):
        moons().show()


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.0, "0"), (1e-9, "1e−09"), (-2.5, "−2.5"), (np.inf, "∞"), (np.nan, "NaN")],
)
def test_numbers(value: float, text: str) -> None:
    """A true minus, none before zero, and what is not a number by its name."""
    assert format_number(value) == text
