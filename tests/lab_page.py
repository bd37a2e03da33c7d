"""The page of the lab as a person has it: what is clicked, typed and read, and the desk behind."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chainrule.laboratory.desk import Desk
from tests.laboratory import Served

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


class Lab:
    """The page and the desk behind it."""

    def __init__(self, page: Page, served: Served) -> None:
        self.page, self.served = page, served

    def open(self, link: str = "") -> Lab:
        """Open the page, and wait until the network is there."""
        self.page.goto("about:blank")
        self.page.goto(self.served.lab.url + link)
        self.shown("Step", "0")
        self.region("Network").get_by_role("button", name=re.compile("^unit 1 of")).first.wait_for()
        return self

    @property
    def desk(self) -> Desk:
        desk: Desk = self.served.made[-1]
        return desk

    @property
    def settings(self) -> Any:
        return self.desk.answers.settings

    def region(self, name: str) -> Locator:
        return self.page.get_by_role("region", name=name, exact=True)

    def click(self, name: str | re.Pattern[str], **options: Any) -> None:
        self.page.get_by_role("button", name=name, exact=isinstance(name, str)).click(**options)

    def fill(self, label: str, value: object, role: Any = "spinbutton") -> None:
        field = self.page.get_by_role(role, name=label, exact=True)
        field.fill(str(value))
        field.press("Tab")

    def choose(self, label: str, value: str) -> None:
        self.page.get_by_role("combobox", name=label, exact=True).select_option(value)

    def until(self, holds: Callable[[], Any], seconds: int = 30) -> None:
        """Wait until something holds; the page goes on meanwhile."""
        for _ in range(40 * seconds):
            if holds():
                return
            self.page.wait_for_timeout(25)
        raise AssertionError("it never came to hold")

    def has(self, **settings: Any) -> None:
        """Wait until the desk has these settings."""
        self.until(lambda: settings.items() <= self.settings.as_dict().items())

    def shown(self, term: str, value: str | re.Pattern[str]) -> None:
        """Wait until a figure of the run is shown."""
        figure = self.page.locator("dt", has_text=re.compile(f"^{term}$")).locator("+ dd")
        pattern = value if isinstance(value, re.Pattern) else re.compile(f"^{re.escape(value)}$")
        self.until(lambda: pattern.search(figure.inner_text()))

    def place_of(self, weight: str) -> tuple[float, float]:
        """Where on the screen the curve of a weight is, not far from where it ends."""
        curve = self.page.get_by_role("button", name=re.compile(f"^{weight}"))
        curve.scroll_into_view_if_needed()
        x, y = curve.evaluate(
            """curve => {
                const path = curve.matches("path") ? curve : curve.querySelector("path");
                const p = path.getPointAtLength(path.getTotalLength() * 0.85);
                const q = new DOMPoint(p.x, p.y).matrixTransform(path.getScreenCTM());
                return [q.x, q.y];
            }"""
        )
        return x, y

    def click_weight(self, weight: str) -> None:
        self.page.mouse.click(*self.place_of(weight))

    @property
    def panel(self) -> Locator:
        return self.region("Chain rule")

    def drawn(self, canvas: str) -> str:
        """What is on a canvas now, as one text."""
        text: str = self.page.locator(canvas).first.evaluate("canvas => canvas.toDataURL()")
        return text

    def open_file(self, name: str, content: bytes) -> None:
        with self.page.expect_file_chooser() as chosen:
            self.click("Open a file…")
        kind = "application/octet-stream"
        chosen.value.set_files({"name": name, "mimeType": kind, "buffer": content})

    def tab_to(self, name: str) -> None:
        """Press Tab until a control has the focus, as who has no mouse does."""
        words = "e => e.ariaLabel ?? e.labels?.[0]?.textContent ?? e.textContent"
        for _ in range(150):
            self.page.keyboard.press("Tab")
            if self.page.locator(":focus").evaluate(words).startswith(name):
                return
        raise AssertionError(f"Tab never comes to {name!r}")
