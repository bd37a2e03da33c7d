"""A page of formulas and numbers as plain data, and the ways in which it shows itself."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from chainrule.explain.notation import Math

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


@dataclass(frozen=True)
class Heading:
    """A title; level 1 is the page's own."""

    text: str
    level: int


@dataclass(frozen=True)
class Note:
    """A sentence."""

    text: str


@dataclass(frozen=True)
class Formula:
    """Lines of mathematics whose cells stand under each other; `align` has l, c or r for each."""

    rows: tuple[tuple[Math, ...], ...]
    align: str


@dataclass(frozen=True)
class Grid:
    """A table: a caption, titles, and rows of symbols and numbers; what is left out is "…".

    A row of one cell goes across the table.
    """

    caption: Math
    header: tuple[Math, ...]
    rows: tuple[tuple[Math, ...], ...]


Block: TypeAlias = Heading | Note | Formula | Grid


class Shown:
    """Something that shows itself: as text, in colours, in a notebook, as LaTeX, as Markdown."""

    @cached_property
    def page(self) -> list[Block]:
        """What is shown, in whatever form: made once, with its finite differences."""
        return self._make_page()

    def _make_page(self) -> list[Block]:
        raise NotImplementedError

    def __str__(self) -> str:
        """Plain text, aligned, without colours."""
        from chainrule.explain.as_text import lines_of

        lines = ("".join(text for text, _ in line) for line in lines_of(self.page))
        return "\n".join(line.rstrip() for line in lines)

    def __repr__(self) -> str:
        return str(self)

    def __rich__(self) -> Text:
        from chainrule.explain.as_text import rich_text

        return rich_text(self.page)

    def show(self, console: Console | None = None) -> None:
        """Print it in colours: a colour for each quantity, numbers by their sign.

        Parameters
        ----------
        console : rich.console.Console, optional
            Where to; the terminal by default.

        Raises
        ------
        ImportError
            If Rich is not installed, from the extra ``cli``.
        """
        try:
            from rich.console import Console
        except ImportError:
            raise ImportError(
                "colours in the terminal need Rich, from an extra: pip install 'chainrule[cli]'; "
                "print() does without"
            ) from None
        (console or Console()).print(self, soft_wrap=True, highlight=False)

    def to_latex(self) -> str:
        """Return it as LaTeX for a document with the packages amsmath and xcolor."""
        from chainrule.explain.as_latex import document_latex

        return document_latex(self.page)

    def to_markdown(self) -> str:
        """Return it as Markdown, with formulas between dollar signs and tables."""
        from chainrule.explain.as_markdown import to_markdown

        return to_markdown(self.page)

    def to_html(self) -> str:
        """Return it as HTML with formulas in MathML, for any browser, with no script.

        Raises ImportError if latex2mathml is not installed, from the extra ``notebook``.
        """
        from chainrule.explain.as_html import to_html

        return to_html(self.page)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from chainrule.explain.as_latex import notebook_latex

        bundle = {
            "text/plain": str(self),
            "text/latex": notebook_latex(self.page),
            "text/markdown": self.to_markdown(),
        }
        with contextlib.suppress(ImportError):  # without it the notebook takes the LaTeX
            bundle["text/html"] = self.to_html()
        return bundle
