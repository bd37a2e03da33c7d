"""The house: light import, floors, types, and the promises of the README's commands."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest

import chainrule
from tests.processes import run_python

ROOT = Path(__file__).parent.parent


def test_import_loads_numpy_and_the_standard_library_only() -> None:
    """`import chainrule` brings in no other package than NumPy."""
    program = """
import sys
before = set(sys.modules)
import chainrule
# NumPy's own compiled modules register these two
cython = [name for name in sys.modules if name.startswith(("_cython_", "cython_runtime"))]
top = {name.split(".")[0] for name in set(sys.modules) - before}
print(*sorted(top - set(sys.stdlib_module_names) - {"chainrule", "numpy"} - set(cython)))
"""
    done = run_python(program)
    assert (done.stdout.split(), done.stderr) == ([], "")


def test_import_works_with_assertions_off_and_no_home() -> None:
    """Under -OO, with no HOME and nothing else in the environment."""
    program = "import chainrule; print(chainrule.Network([2, 3, 1]).predict([[1, 2]]).shape)"
    done = run_python(program, flags=("-OO",), env={})
    assert (done.stdout, done.stderr) == ("(1,)\n", "")


def test_every_public_name_is_documented() -> None:
    """Each public module, class, function and method has a docstring of its own."""
    bare = []
    modules = [
        importlib.import_module(name)
        for _, name, _ in pkgutil.walk_packages(chainrule.__path__, "chainrule.")
    ]
    formulas = {"activations", "losses", "penalties"}  # a formula is its own sentence
    for module in modules:
        if not module.__doc__:
            bare.append(module.__name__)
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
                continue
            short = module.__name__.split(".")[-1]
            if not value.__doc__ and not (short in formulas and name.islower()):
                bare.append(f"{module.__name__}.{name}")
    assert bare == []


def test_all_names_are_there_and_sorted() -> None:
    """`from chainrule import *` gives what __all__ says."""
    assert all(hasattr(chainrule, name) for name in chainrule.__all__)
    assert len(set(chainrule.__all__)) == len(chainrule.__all__)


def test_core_dependencies_are_few() -> None:
    """NumPy, Numba, scikit-learn and SciPy; everything else is an extra."""
    core = [line for line in requires("chainrule") or [] if "extra ==" not in line]
    assert sorted(line.split(">")[0].split("<")[0].strip() for line in core) == [
        "numba",
        "numpy",
        "scikit-learn",
        "scipy",
    ]


def test_each_promise_has_its_test() -> None:
    """The page of promises names tests that are there."""
    page = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page)
    assert len(named) > 15
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8") or not test


@pytest.mark.skipif(sys.platform == "win32", reason="make is not a part of Windows")
@pytest.mark.parametrize(
    "target", ["lecture", "test", "test-peers", "benchmark", "format", "docs", "clean"]
)
def test_make_targets(target: str) -> None:
    """The commands that README and CONTRIBUTING name are there."""
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
