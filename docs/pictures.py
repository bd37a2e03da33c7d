"""The gallery of pictures, from the examples in `gallery/`, each of which is run and shown.

An example is a file that leaves axes named `ax`, or the `path` of a film. Its docstring has three
paragraphs: a title, what the picture says, and what is to be seen in it, for those who can't.
"""

from __future__ import annotations

import ast
import contextlib
import runpy
import warnings
from pathlib import Path

import chainrule
from chainrule import plots


def gallery(examples: Path, pictures: Path) -> str:
    """Return the page's text; pictures are made where an example or the library is newer."""
    pictures.mkdir(exist_ok=True)
    library = Path(chainrule.__file__).parent
    newest = max(path.stat().st_mtime for path in library.rglob("*.py"))
    return "\n".join(
        entry(example, make(example, pictures, newest)) for example in sorted(examples.glob("*.py"))
    )


def make(example: Path, pictures: Path, newest: float) -> Path:
    """Run an example, if its picture is older than it or than the library; return the picture."""
    for picture in pictures.glob(f"{example.stem}.*"):
        if picture.stat().st_mtime > max(newest, example.stat().st_mtime):
            return picture
    with contextlib.chdir(pictures), warnings.catch_warnings():
        warnings.simplefilter("error")
        left = runpy.run_path(str(example))
        if "path" in left:
            return pictures / left["path"].replace(f"{example.stem}{left['path'].suffix}")
        plots.save(left["ax"], f"{example.stem}.png")
    return pictures / f"{example.stem}.png"


def entry(example: Path, picture: Path) -> str:
    """Return the part of the page that shows an example."""
    module = ast.parse(example.read_text(encoding="utf-8"))
    title, what, seen = (ast.get_docstring(module) or "").split("\n\n")
    first = module.body[1].lineno
    return f"""## {title.rstrip(".")}

{what}

```{{literalinclude}} /gallery/{example.name}
:lines: {first}-
:language: python
```

```{{image}} /_generated/gallery/{picture.name}
:alt: {" ".join(seen.split())}
```
"""
