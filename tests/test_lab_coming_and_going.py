"""What comes to the lab's page and leaves it: files, links, lessons; a page that is loaded anew."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
import pytest
from pyarrow.csv import read_csv
from pyarrow.parquet import write_table

from chainrule.laboratory.lessons import SHIPPED, shipped_lesson
from chainrule.laboratory.settings import Settings
from tests.lab_page import Lab

if TYPE_CHECKING:
    from playwright.sync_api import Page, WebSocketRoute


CSV = "size,colour,price,kind\n" + "".join(
    f"{i * 37 % 50},{'red' if i % 3 else 'green'},{i * 0.5},{'cat' if i % 2 else 'dog'}\n"
    for i in range(60)
)


def test_a_file_is_opened_and_its_columns_chosen(lab: Lab) -> None:
    lab.open()
    lab.open_file("pets.csv", CSV.encode())
    lab.until(lambda: lab.settings.data == "table")
    lab.choose("Target column", "colour")
    lab.until(lambda: lab.desk.answers.table and lab.desk.answers.table.target == "colour")
    lab.choose("Across", "price")
    lab.until(lambda: lab.settings.x == "price")
    lab.region("Output").get_by_text("price").first.wait_for()
    lab.open_file("broken.csv", b"a,b\n1,2,3\n")
    lab.page.get_by_text(re.compile("broken.csv can.t be read")).first.wait_for()
    assert lab.settings.data == "table"


def test_a_parquet_file_is_opened(lab: Lab) -> None:
    table, file = read_csv(io.BytesIO(CSV.encode())), io.BytesIO()
    write_table(table, file)
    lab.open()
    lab.open_file("pets.parquet", file.getvalue())
    lab.region("Output").get_by_text("dog", exact=True).wait_for()
    split = lab.desk.answers.experiment.split
    assert split.names == ["size", "price", "colour = red", "colour = green"]
    assert len(split.y_train) + len(split.y_test) == 60


def taken(lab: Lab, item: str, *, code: bool = False) -> bytes:
    """What is downloaded by an item of the menu; code is shown before."""
    lab.page.get_by_role("button", name=re.compile("^Take along")).click()
    entry = lab.page.get_by_role("button", name=re.compile(f"^{item}"))
    if code:
        entry.click()
        entry = lab.page.get_by_role("button", name="Download")
    with lab.page.expect_download() as download:
        entry.click()
    if code:
        lab.page.keyboard.press("Escape")
    return Path(download.value.path()).read_bytes()


def test_it_is_taken_along(lab: Lab) -> None:
    lab.open("#n=100")
    lab.click("One epoch")
    lab.shown("Epoch", "1")
    names: dict[str, Any] = {}
    exec(taken(lab, "Python with chainrule", code=True), names)
    assert np.array_equal(names["network"].vector, lab.desk.network.vector)
    assert b"import numpy as np" in taken(lab, "Plain NumPy", code=True)
    assert taken(lab, "Picture, PNG").startswith(b"\x89PNG")
    svg = ElementTree.fromstring(taken(lab, "Picture, SVG"))
    assert len(svg.findall(".//{http://www.w3.org/2000/svg}image")) >= 8  # a map for each unit


def test_a_saved_model_is_opened_and_left_again(lab: Lab) -> None:
    lab.open("#n=100&hidden=3:relu")
    lab.click("One epoch")
    lab.shown("Epoch", "1")
    learned, model = lab.desk.network, taken(lab, "Saved model")
    lab.click("Reset")
    lab.shown("Epoch", "0")
    lab.open_file("mine.safetensors", model)
    lab.until(lambda: np.array_equal(lab.desk.network.vector, learned.vector))
    region = lab.region("Network")
    region.get_by_text("its layers stay").wait_for()
    assert region.get_by_role("button", name="one unit more in layer 1").count() == 0
    lab.click("Begin another")
    region.get_by_role("button", name="one unit more in layer 1").click()
    lab.until(lambda: lab.settings.hidden == ((4, "relu"),))


def test_a_link_is_sent_without_the_token(lab: Lab) -> None:
    lab.open("#n=100&hidden=3:relu")
    lab.page.get_by_role("button", name=re.compile("^Take along")).click()
    lab.page.get_by_role("button", name=re.compile("^Link")).click()
    link = lab.page.get_by_role("textbox", name="Link to send").input_value()
    assert link == "#n=100&hidden=3:relu"
    lab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    lab.click("Copy")
    lab.page.get_by_role("button", name="Copied").wait_for()
    assert lab.page.evaluate("navigator.clipboard.readText()") == link
    lab.page.keyboard.press("Escape")
    lab.page.get_by_role("radio", name="Circles").click()
    lab.has(data="circles")
    lab.page.get_by_role("button", name=re.compile("^Open( ▾)?$")).click()
    lab.page.get_by_role("button", name=re.compile("^Link")).click()
    field = lab.page.get_by_role("textbox", name="Link", exact=True)
    field.fill(link)
    field.press("Enter")
    lab.has(data="moons", n=100, hidden=((3, "relu"),))


def test_what_a_link_cannot_have_is_said_on_the_page(lab: Lab) -> None:
    lab.open("#n=7&mood=good&hidden=3:relu&data=table")
    lab.region("Data").get_by_text("must be").wait_for()
    lab.page.get_by_text("a link does not hold its rows").wait_for()
    lab.page.get_by_text("settings that the lab does not know").wait_for()


def test_a_link_gives_the_same_experiment(lab: Lab, browser_page: Page) -> None:
    lab.open()
    lab.page.get_by_role("radio", name="Exclusive or").click()
    lab.fill("Noise, as a number", 0.3)
    lab.choose("activation of layer 1", "relu")
    lab.choose("Optimizer", "adam")
    lab.until(lambda: "adam" in browser_page.url and "relu" in browser_page.url)
    link, settings = browser_page.url.partition("#")[2], lab.settings
    browser_page.evaluate("sessionStorage.clear()")
    lab.open(f"#{link}")
    lab.until(lambda: lab.settings == settings)


def test_a_reload_finds_all_as_it_was(lab: Lab) -> None:
    lab.open("#n=100&v_lesson=overfitting&v_step=2")
    lab.click("One epoch")
    lab.shown("Epoch", "1")
    lab.region("Output").get_by_role("checkbox", name="test points").check()
    lab.click("Dark")
    lab.click(re.compile("^unit 2 of layer 1"))
    lab.panel.get_by_text("Unit 2 of layer 1").first.wait_for()
    made = len(lab.served.made)
    lab.page.reload()
    lab.shown("Epoch", "1")
    lab.panel.get_by_text("Unit 2 of layer 1").first.wait_for()
    lab.page.get_by_text("Two curves part").wait_for()
    lab.page.get_by_role("button", name="Light", exact=True).wait_for()
    assert lab.region("Output").get_by_role("checkbox", name="test points").is_checked()
    assert lab.region("Network").locator(".unit.selected").count() == 1
    assert len(lab.served.made) == made


def test_a_dropped_socket_comes_back_to_its_network(lab: Lab) -> None:
    sockets: list[WebSocketRoute] = []

    def connect(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        socket.connect_to_server()

    lab.page.route_web_socket(re.compile("/socket$"), connect)
    lab.open()
    lab.click("One epoch")
    lab.shown("Epoch", "1")
    made = len(lab.served.made)
    sockets[0].close()  # on the page's side: the server has not heard of it
    lab.until(lambda: len(sockets) == 2)

    def learned_on() -> bool:
        lab.click("One epoch")  # what is said before the socket is there again is lost
        epochs: int = lab.desk.answers.experiment.learning.epochs
        return epochs > 1

    lab.until(learned_on)
    lab.shown("Epoch", re.compile("[2-9]"))
    assert len(lab.served.made) == made


def test_a_view_in_a_notebook_says_each_minute_that_it_is_there(lab: Lab) -> None:
    """Until it is taken away; the same module draws it."""
    lab.page.clock.install()
    lab.open()
    lab.page.evaluate(
        """async () => {
            const { default: { render } } = await import("./page.js");
            window.said = [];
            const model = { send: (message) => said.push(message.do), on() {}, off() {} };
            window.takeAway = render({ model, el: document.createElement("div") });
        }"""
    )
    lab.page.clock.run_for(150_000)
    lab.page.evaluate("takeAway()")
    lab.page.clock.run_for(150_000)
    assert lab.page.evaluate("said") == ["hello", "here", "here"]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_lesson_is_gone_through_to_its_end(lab: Lab, name: str) -> None:
    lesson = shipped_lesson(name)
    lab.open()
    lab.page.get_by_role("button", name=re.compile("^Lessons")).click()
    lab.page.get_by_role("button", name=lesson.title).click()
    for number, step in enumerate(lesson.steps, 1):
        lab.page.get_by_role("heading", name=step.title).wait_for()
        lab.page.get_by_text(f"step {number} of {len(lesson.steps)}").wait_for()
        wanted = Settings().changed(step.settings).as_dict()
        lab.has(**{key: wanted[key] for key in step.settings})
        acts = [act["do"] for act in step.do]
        if "play" in acts:
            lab.until(lambda: lab.desk.answers.experiment.learning.steps > 0)
        if "explain" in acts:
            lab.panel.get_by_role("heading", name="The chain rule for W1[0, 0]").wait_for()
            lab.region("Network").locator("path.selected").wait_for(state="attached")
        if "slice" in acts:
            lab.region("Along the gradient").get_by_text("the loss is").wait_for()
        assert lab.page.locator(".lab-look").count() >= len(step.look)
        if number == 2:
            lab.click("Back")
            lab.page.get_by_role("heading", name=lesson.steps[0].title).wait_for()
            lab.click("Next")
        lab.click("Next" if number < len(lesson.steps) else "Finish")
    lab.page.get_by_role("region", name="Lesson").wait_for(state="hidden")
    assert lab.page.locator(".lab-look").count() == 0


def test_a_teachers_own_lesson_is_opened(lab: Lab) -> None:
    lab.open()
    lesson = {
        "title": "My own",
        "steps": [{"title": "One", "text": "Look.", "settings": {"n": 50}}],
    }
    lab.open_file("l.json", json.dumps(lesson).encode())
    lab.page.get_by_text("My own").first.wait_for()
    lab.until(lambda: lab.settings.n == 50)
