"""The lab's page without a mouse, without motion, in large text, on any screen."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.lab_page import Lab


def test_all_of_it_by_keyboard(lab: Lab) -> None:
    lab.open()
    press = lab.page.keyboard.press
    press("b")
    lab.shown("Step", "1")
    press("e")
    lab.shown("Epoch", "1")
    press("r")
    lab.shown("Step", "0")
    press(" ")
    lab.page.get_by_role("button", name="Pause", exact=True).wait_for()
    press(" ")
    lab.page.get_by_role("button", name="Play", exact=True).wait_for()
    assert not lab.desk.answers.playing
    lab.tab_to("Play")
    press("Enter")
    lab.page.get_by_role("button", name="Pause", exact=True).wait_for()
    press("Enter")
    lab.page.get_by_role("button", name="Play", exact=True).wait_for()
    assert not lab.desk.answers.playing
    lab.tab_to("add a hidden layer")
    press("Enter")
    lab.until(lambda: len(lab.settings.hidden) == 2)
    lab.tab_to("one unit more in layer 1")
    press(" ")
    lab.until(lambda: lab.settings.hidden[0][0] == 5)
    lab.tab_to("activation of layer 1")
    press("r")  # alone: slow letters after it would each choose anew
    lab.until(lambda: lab.settings.hidden[0][1] == "relu")
    lab.tab_to("input 1")
    press("ArrowRight")
    press("ArrowDown")
    press("Enter")
    lab.panel.get_by_text(re.compile("Unit . of layer 1")).first.wait_for()
    press("w")
    press("ArrowDown")
    press("Enter")
    lab.panel.get_by_text(re.compile(r"The chain rule for W1\[1, .\]")).first.wait_for()
    lab.tab_to("Walk through a mini-batch")
    press("Enter")
    lab.panel.get_by_text("Forward: from the examples to the outputs").first.wait_for()


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_nothing_moves_for_who_asked_for_that(lab: Lab, motion: Any) -> None:
    lab.page.emulate_media(reduced_motion=motion)
    lab.page.add_init_script(
        """window.moves = [];
        const scroll = Element.prototype.scrollIntoView;
        Element.prototype.scrollIntoView = function (options) {
            moves.push(options.behavior);
            scroll.call(this, options);
        };"""
    )
    lab.open()
    lab.click(re.compile("^unit 2 of layer 1"))
    lab.until(lambda: lab.page.evaluate("moves.length"))
    still = motion == "reduce"
    assert lab.page.evaluate("moves") == ["auto" if still else "smooth"]
    takes = lab.page.get_by_role("button", name="Reset").evaluate(
        "button => getComputedStyle(button).transitionDuration"
    )
    assert (takes == "0s") == still


def test_the_chain_rule_and_the_diagram_are_in_sight_together(lab: Lab) -> None:
    """On a wide screen, however far down the chain rule is read."""
    lab.page.set_viewport_size({"width": 1400, "height": 900})
    lab.open("#hidden=6:tanh,4:tanh")
    lab.click_weight("weight from input 2 to unit 3 of layer 1")
    lab.panel.get_by_text("The chain rule for W1[1, 2]").first.wait_for()
    for summary in lab.panel.locator("summary").all():
        summary.click()
    lab.panel.locator("table").last.scroll_into_view_if_needed()
    assert lab.page.evaluate("scrollY") > 500
    for unit in ("unit 1 of layer 1", "unit 6 of layer 1"):
        node = lab.region("Network").get_by_role("button", name=re.compile(f"^{unit}"))
        box = node.bounding_box()
        assert box is not None
        assert 0 < box["y"] < 900 - box["height"]


def test_large_text_covers_nothing(lab: Lab) -> None:
    """With a font of twice the size no two parts of a layer's controls lie on each other."""
    lab.page.emulate_media(reduced_motion="reduce")
    lab.page.add_init_script(
        "addEventListener('DOMContentLoaded', () => {"
        "document.documentElement.style.fontSize = '32px'; })"
    )
    lab.open("#hidden=4:tanh,3:%3Dz*tanh(z)")
    covered = lab.region("Network").evaluate(
        """network => {
            const box = (node) => node.getBoundingClientRect();
            const units = [...network.querySelectorAll(".unit")];
            const highest = Math.min(...units.map((unit) => box(unit).top));
            return [...network.querySelectorAll(".column-head")].filter((head) => {
                const boxes = [...head.children].map(box);
                const onto = boxes.slice(1).some((b, i) => b.top < boxes[i].bottom - 1);
                return onto || boxes.at(-1).bottom > highest + 1;
            }).map((head) => head.textContent);
        }"""
    )
    assert covered == []
    wide = lab.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
def test_nothing_stands_in_anyones_way(lab: Lab, scheme: Any, width: int) -> None:
    """No serious violation by axe-core, in light and dark, wide and narrow."""
    from axe_playwright_python.sync_playwright import Axe

    lab.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    lab.page.set_viewport_size({"width": width, "height": 900})
    lab.open()
    lab.click(re.compile("^unit 2 of layer 1"))
    lab.panel.get_by_text("Unit 2 of layer 1").first.wait_for()
    lab.click("Look along the gradient")
    for summary in lab.panel.locator("summary").all():
        summary.click()
    found = Axe().run(lab.page).response["violations"]
    serious = [
        (violation["id"], violation["nodes"][0]["target"])
        for violation in found
        if violation["impact"] in ("serious", "critical")
    ]
    assert serious == []
    wide = lab.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0
