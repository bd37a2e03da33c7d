"""A browser for the tests of the lab's page: the machine's own Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.lab_page import Lab
from tests.laboratory import Served, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome")


# For a module at a time: while it is there, Playwright has an event loop in this thread.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. Where there is none the test is skipped, but not in CI."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        why = f"tests of the page need one of {', '.join(NAMES)}"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def browser_page(browser: Browser) -> Iterator[Page]:
    """An empty page. What it writes to the console as an error fails the test.

    The lab's own policy forbids `eval`, by which `wait_for_function` looks at strings: locators and
    `expect` wait without it.
    """
    errors: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    yield page
    context.close()
    assert not errors, errors


@pytest.fixture(scope="module")
def lab_server() -> Iterator[Served]:
    """The lab as `chainrule lab` serves it; `lab_server.lab.url` is its page."""
    from chainrule.laboratory.desk import Desk

    Desk().close()  # loads what the first page would wait for
    with serving(Desk) as served:
        yield served


@pytest.fixture
def lab(browser_page: Page, lab_server: Served) -> Lab:
    """The lab's page, not opened yet."""
    return Lab(browser_page, lab_server)
