"""How the pages are built. Before that, tables are written from the library's own data.

So a formula on a page is the one that the library holds: nobody copies it, and it can't differ.
"""

from __future__ import annotations

import inspect
import math
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import chainrule
from chainrule.activation import Activation
from chainrule.activations import ACTIVATIONS
from chainrule.formula_text.functions import ALSO, FUNCTIONS
from chainrule.formula_text.reading import read
from chainrule.formula_text.writing import as_latex
from chainrule.initializers import INITIALIZERS
from chainrule.losses import LOSSES
from chainrule.notebook.writing import lecture_text
from chainrule.optimizers import OPTIMIZERS

sys.path.insert(0, str(Path(__file__).parent))

import pictures

project = "chainrule"
author = "The chainrule developers"
copyright = author
version = release = chainrule.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build", "_generated"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

# The lecture is a notebook, which is run while the pages are built; an error in it fails the build.
nb_execution_mode = "force"
nb_execution_timeout = 60
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_output_stderr = "remove"  # where Matplotlib says that it collects the fonts, on a new machine
nb_code_prompt_show = "The code of the picture"
nb_code_prompt_hide = "The code of the picture"

napoleon_google_docstring = False
napoleon_use_ivar = True  # attributes in a list; as entries they would double the properties
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_type_aliases = {
    name: name
    for name in ("Array", "FloatArray", "Generator", "RandomState", "Schedule", "Initializer")
} | {"npt.ArrayLike": "ArrayLike", "npt.DTypeLike": "DTypeLike"}
maximum_signature_line_length = 80
default_role = "code"

html_theme = "furo"
html_title = f"chainrule {release}"
html_copy_source = False


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table; as a list, because a formula may hold the sign that parts columns."""
    lines = ["* - " + "\n  - ".join(row) for row in (header, *rows)]
    return "\n".join(["```{list-table}", ":header-rows: 1", "", *lines, "```", ""])


def code(functions: Iterable[Callable[..., object] | None]) -> str:
    """Return the source of functions, each once, as one block."""
    sources = {inspect.getsource(f).strip(): None for f in functions if f is not None}
    return "```python\n" + "\n\n\n".join(sources) + "\n```\n"


def interval(low: float, high: float) -> str:
    left = "(-\\infty" if low == -math.inf else f"[{low:.5g}"
    right = "\\infty)" if high == math.inf else f"{high:.5g}]"
    return f"${left}, {right}$"


def constants(values: Iterable[tuple[str, float]]) -> str:
    return ", ".join(f"`{name} = {value:g}`" for name, value in values)


def first_line(thing: object) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def names_of_the_package() -> str:
    rows = []
    for name in chainrule.__all__:
        thing = getattr(chainrule, name)
        role = "class" if inspect.isclass(thing) else "func"
        home = thing.__module__
        link = f"{{py:{role}}}`{name} <{home}.{name}>`"
        rows.append((link, f"{{py:mod}}`{home}`", first_line(thing)))
    return table(("name", "defined in", "what it is"), rows)


def activations() -> str:
    rows = []
    for g in unique_activations():
        names = ", ".join(f"`{name}`" for name, same in ACTIVATIONS.items() if same is g)
        own = constants(g.constants.items())
        name = f"{names}; {own}" if own else names
        rows.append((name, f"${g.latex}$", f"${g.slope_latex}$", interval(*g.range)))
    return table(("name", "$g(z)$", "$g'(z, a)$", "values"), rows)


def unique_activations() -> list[Activation]:
    return list({g.name: g for g in ACTIVATIONS.values()}.values())


def typed_functions() -> str:
    also = {name: other for other, name in ALSO.items()}
    rows = []
    for name, function in FUNCTIONS.items():
        names = f"`{name}(z)`" + (f", also `{also[name]}`" if name in also else "")
        rows.append((names, f"${as_latex(read(f'{name}(z)'))}$", f"`{function.slope}`"))
    return table(("function", "in print", "slope"), rows)


def losses() -> str:
    rows = []
    for loss in LOSSES.values():
        own = constants(loss.constants.items())
        rows.append(
            (
                f"`{loss.name}`" + (f"; {own}" if own else ""),
                f"${loss.latex}$",
                f"${loss.slope_latex}$",
                f"`{loss.output}`" + (", $dZ = A - Y$" if loss.dZ is not None else ""),
                interval(*loss.targets),
            )
        )
    header = ("name", "$L(a, y)$", "$dL/da$", "output that belongs to it", "targets")
    return table(header, rows)


def optimizers() -> str:
    rows = []
    for rule in OPTIMIZERS.values():
        own = [*rule.constants.items(), ("weight_decay", rule.weight_decay)]
        state = ", ".join(f"`{name}`" for name in rule.state) or "none"
        rows.append((f"`{rule.name}`", f"{rule.learning_rate}", constants(own), state))
    return table(("name", "learning rate", "constants", "state"), rows)


def initializers() -> str:
    rows = [(f"`{name}`", first_line(draw)) for name, draw in INITIALIZERS.items()]
    return table(("name", "rule"), rows)


def write_tables(app: Sphinx) -> None:
    """Write the generated parts of the reference, each only if it has changed."""
    folder = Path(app.srcdir) / "_generated"
    folder.mkdir(exist_ok=True)
    parts = {
        "names": names_of_the_package(),
        "activations": activations(),
        "activations_code": code(f for g in unique_activations() for f in (g.g, g.slope, g.vjp)),
        "typed_functions": typed_functions(),
        "losses": losses(),
        "losses_code": code(
            f for loss in LOSSES.values() for f in (loss.value, loss.slope, loss.from_z, loss.dZ)
        ),
        "optimizers": optimizers(),
        "optimizers_code": code(rule.rule for rule in OPTIMIZERS.values()),
        "initializers": initializers(),
        "gallery": pictures.gallery(Path(app.srcdir) / "gallery", folder / "gallery"),
    }
    for name, text in parts.items():
        write_if_changed(folder / f"{name}.md", text)
    write_if_changed(Path(app.srcdir) / "lecture.md", lecture_text())


def write_if_changed(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def always_run(app: Sphinx, *_: Any) -> list[str]:
    """Run the lecture in every build: it changes with the library, not only with its text."""
    return ["lecture"]


def find_at_home(app: Sphinx, env: BuildEnvironment, node: pending_xref, shown: Any) -> Any:
    """Lead ``chainrule.fit`` to ``chainrule.training.fit``, where it is described."""
    package, _, name = node["reftarget"].rpartition(".")
    if package != "chainrule" or name not in chainrule.__all__:
        return None
    target = f"{getattr(chainrule, name).__module__}.{name}"
    python = env.get_domain("py")
    return python.resolve_xref(
        env, node["refdoc"], app.builder, node["reftype"], target, node, shown
    )


def plain_names(
    app: Sphinx, what: str, name: str, obj: object, options: object, *parts: str | None
) -> tuple[str | None, ...]:
    """Write plain names where Python has TypeAliasForwardRef('name') and <factory>."""
    alias = re.compile(r"TypeAliasForwardRef\('([\w.]+)'\)")
    return tuple(part and alias.sub(r"\1", part).replace("<factory>", "...") for part in parts)


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", write_tables)
    app.connect("env-get-outdated", always_run)
    app.connect("missing-reference", find_at_home)
    app.connect("autodoc-process-signature", plain_names)
