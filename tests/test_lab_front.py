"""The front end: modules joined into one that means the same."""

from __future__ import annotations

import json
import re
from collections import Counter
from importlib.resources import files

import pytest

from chainrule.laboratory import front
from chainrule.laboratory.settings import Settings

FRONT = files("chainrule.laboratory") / "front"
MODULES = sorted(file.name for file in FRONT.iterdir() if file.name.endswith(".js"))
DECLARED = re.compile(r"^(?:export )?(?:async )?(?:const|let|var|function\*?|class) +(\w+)", re.M)


def source(name: str) -> str:
    return (FRONT / name).read_text(encoding="utf-8")


def test_what_is_imported_comes_first_and_once() -> None:
    """Whichever of the modules ask for it."""
    texts = {
        "a.js": 'import { b } from "./b.js";\nimport { c, d } from "./c.js";\nexport default b;\n',
        "b.js": '// b\nimport { c } from "./c.js";\n\nexport const b = c;\n',
        "c.js": "/**\n * c\n */\nexport const c = 1; // 1\nexport function d() {\n  // d\n  c\n}\n",
    }
    joined = "const c = 1; // 1\nfunction d() {\nc\n}\nconst b = c;\nexport default b;\n"
    assert front.join("a.js", texts.__getitem__) == joined


def test_all_modules_are_joined_with_nothing_left_over() -> None:
    """One default export, no import, and none that is never asked for."""
    joined = front.module()
    assert re.findall(r"^(?:export|import)\b.*", joined, re.M) == ["export default { render };"]
    for name in MODULES:
        assert source(name).startswith("// "), name
        for line in source(name).splitlines():
            if DECLARED.match(line):
                assert joined.count(line.removeprefix("export ")) == 1, (name, line)


@pytest.mark.parametrize("name", MODULES)
def test_no_text_goes_on_over_the_end_of_a_line(name: str) -> None:
    """Indents are left out where modules are joined, and would be missing in it."""
    code = re.sub(r"/\*\*.*?\*/|^\s*//[^\n]*", "", source(name), flags=re.S | re.M)
    for line in code.splitlines():
        assert line.count("`") % 2 == 0, line
        assert not line.endswith("\\"), line


def test_what_the_address_leaves_out_are_the_defaults() -> None:
    """The page has them too, to read an address before it has heard of the desk."""
    literal = re.search(r"LECTURE_SETTINGS = (\{.*?\n\});", source("address.js"), re.S)
    assert literal is not None
    as_json = re.sub(r"(\w+):", r'"\1":', literal[1]).replace(",\n}", "\n}")
    assert json.loads(as_json) == json.loads(json.dumps(Settings().as_dict()))


@pytest.mark.parametrize("name", MODULES)
def test_imports_and_exports_are_of_the_form_that_is_joined(name: str) -> None:
    """One line, names as they are; a name that is imported is exported there."""
    for line in re.findall(r"^import\b.*", source(name), re.M):
        found = re.fullmatch(r'import \{ ([\w, ]+) \} from "\./(\w+\.js)";', line)
        assert found is not None, line
        for imported in found[1].split(", "):
            exported = re.compile(
                rf"^export (?:async )?(?:const|let|function|class) {imported}\b", re.M
            )
            assert exported.search(source(found[2])), (line, imported)
    assert "import(" not in source(name)
    for line in re.findall(r"^export\b.*", source(name), re.M):
        assert DECLARED.match(line) or line == "export default { render };", line


def test_no_two_modules_have_the_same_name_at_their_top() -> None:
    """Joined, they would be one."""
    names = Counter(name for module in MODULES for name in DECLARED.findall(source(module)))
    assert [name for name, count in names.items() if count > 1] == []


def test_the_module_is_small() -> None:
    """Under 150 kB, not packed."""
    assert len(front.page_module().encode()) < 150_000


def test_all_is_here() -> None:
    """Nothing is asked of a network: neither by the page, nor by its modules or its style."""
    for text in (front.page(), front.page_module(), front.style()):
        addresses = set(re.findall(r"https?://[^\s\"'`)]+", text))
        names = {"http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML"}
        assert {a for a in addresses - names if not a.startswith("http://localhost")} == set()
    assert set(re.findall(r'(?:src|href)="([^"]*)"', front.page())) == {
        "icon.svg",
        "lab.css",
        "page.js",
    }


def test_the_style_stays_in_the_lab() -> None:
    """A notebook around it looks as before."""
    style = re.sub(r"/\*.*?\*/", "", front.style(), flags=re.S)
    style = re.sub(r"\([^()]*\)", "", style)  # what is inside of :is(…) narrows, and leads nowhere
    selectors = re.findall(r"([^{};]+)\{", style)
    for selector in (part.strip() for group in selectors for part in group.split(",")):
        inside = selector.startswith((".chainrule-lab", "@", "from", "to", "&")) or "%" in selector
        assert inside or selector.startswith(("html:has", "body.chainrule-lab")), selector
