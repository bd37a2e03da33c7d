"""The lab's page in a browser: each control as a person uses it, and what is shown afterwards."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
import pytest
from pyarrow.csv import read_csv
from pyarrow.parquet import write_table

import chainrule
from chainrule.laboratory.desk import Desk
from chainrule.laboratory.lessons import SHIPPED, shipped_lesson
from chainrule.laboratory.settings import Settings
from tests.laboratory import Served

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, WebSocketRoute


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

    def until(self, holds: Callable[[], Any], seconds: int = 10) -> None:
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


@pytest.fixture
def lab(browser_page: Page, lab_server: Served) -> Lab:
    return Lab(browser_page, lab_server)


def test_the_data_are_chosen(lab: Lab) -> None:
    lab.open()
    for title, name in {
        "Circles": "circles",
        "Blobs": "blobs",
        "Exclusive or": "xor",
        "Spirals": "spirals",
        "Plane": "plane",
        "Gaussian hills": "gaussians",
        "Sine": "sine",
        "Two moons": "moons",
    }.items():
        lab.page.get_by_role("radio", name=title, exact=True).click()
        lab.has(data=name, noise=0.05 if name == "spirals" else 0.2)
    lab.page.get_by_role("radio", name="Spirals").click()
    lab.fill("Classes", 5)
    lab.fill("Examples, as a number", 200)
    lab.fill("Noise, as a number", 0.15)
    lab.fill("Test share, as a number", 0.3)
    lab.fill("Seed of the data", 7)
    wanted = {"data": "spirals", "classes": 5, "n": 200, "noise": 0.15, "test": 0.3, "data_seed": 7}
    lab.has(**wanted)
    lab.region("Output").get_by_text("140 training and 60 test points").wait_for()
    lab.click("New draw")
    lab.until(lambda: lab.settings.data_seed == 8)
    lab.page.get_by_role("slider", name="Noise", exact=True).press("ArrowRight")
    lab.until(lambda: lab.settings.noise == pytest.approx(0.2))
    assert lab.desk.answers.experiment.network.structure.n_outputs == 5


def test_a_value_that_cannot_be_is_refused_beside_its_field(lab: Lab) -> None:
    lab.open()
    lab.fill("Learning rate", -1)
    lab.region("Training").get_by_text("must be in [0, 1000], got -1").wait_for()
    field = lab.page.get_by_role("spinbutton", name="Learning rate", exact=True)
    lab.until(lambda: field.input_value() == "0.01")
    assert lab.settings.learning_rate == 0.01


def test_the_training_is_set(lab: Lab) -> None:
    lab.open()
    lab.choose("Optimizer", "adam")
    lab.choose("Initializer", "he_normal")
    lab.fill("Learning rate", 0.03)
    lab.fill("Batch size", 10)
    lab.fill("L1", 0.001)
    lab.fill("L2", 0.01)
    lab.fill("Dropout", 0.1)
    lab.fill("Seed", 5)
    lab.choose("Speed", "slow")
    wanted = {
        "optimizer": "adam",
        "initializer": "he_normal",
        "learning_rate": 0.03,
        "seed": 5,
        "batch_size": 10,
        "l1": 0.001,
        "l2": 0.01,
        "dropout": 0.1,
        "speed": "slow",
    }
    lab.has(**wanted)
    lab.shown("Batch", "0 of 80")


def test_the_engine_is_chosen(lab: Lab) -> None:
    lab.open()

    def chosen(engine: str) -> bool:
        return lab.settings.engine == engine  # type: ignore[no-any-return]

    for engine in ("compiled", "numpy"):
        lab.choose("Engine", engine)
        lab.until(partial(chosen, engine), seconds=120)  # it may have to be compiled
        made = lab.desk.answers.experiment.learning.engine
        assert type(made).__name__.lower().startswith(engine[:5]), made
        lab.click("One epoch")
        lab.shown("Epoch", "1" if engine == "compiled" else "2")


def test_layers_and_units_are_added_and_removed_on_the_diagram(lab: Lab) -> None:
    lab.open()
    lab.click("add a hidden layer")
    lab.until(lambda: len(lab.settings.hidden) == 2)
    lab.click("one unit more in layer 1")
    lab.until(lambda: lab.settings.hidden[0][0] == 5)
    units = lab.settings.hidden[1][0]
    lab.click("one unit less in layer 2")
    lab.until(lambda: lab.settings.hidden[1][0] == units - 1)
    lab.choose("activation of layer 2", "relu")
    lab.until(lambda: lab.settings.hidden[1][1] == "relu")
    name = f"unit {units - 1} of layer 2, relu"
    lab.region("Network").get_by_role("button", name=re.compile(f"^{name}")).wait_for()
    lab.click("remove the last hidden layer")
    lab.until(lambda: lab.settings.hidden == ((5, "tanh"),))


def test_layers_are_changed_in_a_list(lab: Lab) -> None:
    lab.open()
    lab.page.get_by_text("Layers as a list").click()
    lab.fill("Layer 1: units", 6)
    lab.until(lambda: lab.settings.hidden == ((6, "tanh"),))
    lab.choose("Layer 1: activation", "elu")
    lab.until(lambda: lab.settings.hidden == ((6, "elu"),))
    lab.click("Add a layer")
    lab.until(lambda: len(lab.settings.hidden) == 2)
    lab.click("Remove Layer 1")
    lab.until(lambda: len(lab.settings.hidden) == 1)


def test_a_formula_is_typed(lab: Lab) -> None:
    lab.open()
    lab.choose("activation of layer 1", "formula…")
    field = lab.region("Network").get_by_role("textbox").first
    field.fill("z*tanh(z)")
    field.press("Enter")
    lab.until(lambda: lab.settings.hidden[0][1].startswith("="))
    z = np.linspace(-2, 2, 9)
    g = lab.desk.network.structure.layers[0].activation
    assert g(z) == pytest.approx(z * np.tanh(z))
    lab.click("One epoch")
    lab.shown("Epoch", "1")


def test_a_formula_is_not_run_as_code(lab: Lab) -> None:
    lab.open()
    for formula in ("__import__('os').getcwd()", "z.__class__", "open('x')", "(" * 150):
        lab.choose("activation of layer 1", "formula…")
        field = lab.region("Network").get_by_role("textbox").first
        field.fill(formula)
        field.press("Enter")
        lab.region("Network").get_by_text(
            re.compile("character|letters|nested|deep")
        ).first.wait_for()
        assert lab.settings.hidden == ((4, "tanh"),)


def test_it_learns_and_ends_as_it_is_told(lab: Lab) -> None:
    lab.open()
    lab.click("One batch")
    lab.shown("Step", "1")
    lab.click("One epoch")
    lab.shown("Epoch", "1")
    lab.shown("Step", "25")
    lab.click("Play")
    lab.shown("Steps a second", re.compile(r"\d"))
    lab.click("Pause")
    lab.until(lambda: not lab.desk.answers.playing)
    lab.click("Reset")
    lab.shown("Step", "0")
    lab.fill("Stop after", 3)
    lab.until(lambda: lab.settings.epochs == 3)
    lab.click("Play")
    lab.shown("Step", "75")
    lab.page.get_by_role("button", name="Play", exact=True).wait_for()
    lab.fill("Stop after", 0)
    lab.fill("or at a loss of", 0.65)
    lab.until(lambda: lab.settings.target_loss == 0.65)
    lab.click("Play")
    lab.until(lambda: lab.desk.answers.stopped == "target loss")


def test_the_numbers_shown_are_those_of_the_library(lab: Lab) -> None:
    lab.open()
    lab.fill("Stop after", 10)
    lab.until(lambda: lab.settings.epochs == 10)
    lab.click("Play")
    lab.shown("Step", "250")
    split = lab.desk.answers.experiment.split
    network = chainrule.Network([2, 4, 1], random_state=42)
    chainrule.fit(
        network,
        split.X_train,
        split.y_train,
        epochs=10,
        optimizer="gradient_descent",
        learning_rate=0.01,
        random_state=42,
        engine="numpy",
        verbose=0,
    )
    assert np.array_equal(network.vector, lab.desk.network.vector)
    region = lab.region("Learning")
    for loss in (
        network.loss(split.X_train, split.y_train),
        network.loss(split.X_test, split.y_test),
    ):
        region.get_by_text(f"{loss:.4g}", exact=True).wait_for()
    W2 = network.parameters["W2"]
    for j in range(4):
        x, y = lab.place_of(f"weight from unit {j + 1} to unit 1 of layer 2")
        lab.page.mouse.move(x, y)
        value = f"w[2]{'₁₂₃₄'[j]}₁ = {W2[j, 0]:.4g}".replace("-", "−")
        lab.region("Network").get_by_text(value).first.wait_for()


def test_the_chain_rule_of_a_weight(lab: Lab) -> None:
    lab.open()
    lab.click_weight("weight from input 2 to unit 3 of layer 1")
    lab.panel.get_by_text("The chain rule for W1[1, 2]").first.wait_for()
    experiment = lab.desk.answers.experiment
    rows = experiment.learning.next_rows()
    weight = lab.desk.network.explain(
        experiment.split.X_train[rows], experiment.split.y_train[rows], learning_rate=0.01
    ).weight("W1", 1, 2)
    shown = lab.panel.inner_text()
    for factor in weight.factors:
        assert f"{factor.value:.4g}".replace("-", "−") in shown
    for value in (weight.value, weight.finite_difference, weight.before, weight.after):
        assert f"{value:.6g}".replace("-", "−") in shown
    assert lab.panel.locator("math").count() > 3
    assert lab.panel.get_by_role("button", name=re.compile("unit 3 → 1 → L")).count() == 1
    section = lab.panel.locator("details", has_text="From the examples to the cost")
    section.locator("summary").click()
    section.locator("table").first.wait_for()
    lab.click("One batch")  # and the panel follows
    lab.until(lambda: f"{weight.after:.6g}".replace("-", "−") in lab.panel.inner_text())
    assert section.get_attribute("open") is not None


def test_a_factor_lights_up_where_it_lives(lab: Lab) -> None:
    lab.open()
    lab.click_weight("weight from input 2 to unit 3 of layer 1")
    lab.panel.get_by_text("The chain rule for W1[1, 2]").first.wait_for()
    chips = lab.panel.locator(".chip")
    lit = lab.region("Network").locator(".lit")
    for chip, name in ((0, "unit 3 of layer 1"), (2, "input 2")):
        chips.nth(chip).hover()
        lit.and_(lab.page.get_by_role("button", name=re.compile(f"^{name}"))).first.wait_for()


def test_units_points_and_the_walk(lab: Lab) -> None:
    lab.open("#optimizer=adam")
    lab.click(re.compile("^unit 2 of layer 1"))
    lab.panel.get_by_text("Unit 2 of layer 1 (tanh)").first.wait_for()
    lab.panel.get_by_role("button", name=re.compile(r"^w\[1\]")).first.click()
    lab.panel.get_by_text("The chain rule for W1[0, 1]").first.wait_for()
    for phase, title in (
        ("forward", "Forward: from the examples to the outputs"),
        ("loss", "Loss: how far the outputs are from the targets"),
        ("backward", "Backward: the chain rule"),
        ("update", "Update: every weight takes a step downhill"),
    ):
        lab.panel.get_by_role(
            "button", name=re.compile("mini-batch|Forward|Loss|Backward|Update")
        ).first.click()
        lab.panel.get_by_text(title).first.wait_for()
        assert lab.desk.answers.experiment.learning.steps == (phase == "update")


def test_the_plane_is_followed_and_points_are_selected(lab: Lab) -> None:
    lab.open()
    plane = lab.region("Output").get_by_role("application")
    plane.focus()
    plane.press("ArrowRight")
    lab.region("Network").get_by_text(re.compile(r"0\.\d")).first.wait_for()
    plane.press("Enter")
    lab.panel.get_by_text(re.compile("Point .* of (800|200)")).first.wait_for()


def test_the_map_is_discretised_and_its_test_points_are_shown(lab: Lab) -> None:
    lab.open("#n=60&epochs=3")
    lab.click("Play")
    lab.shown("Epoch", "3")
    region = lab.region("Output")
    of_two_colours = """canvas => {
        const { data } = canvas.getContext("2d").getImageData(60, 30, 200, 200);
        const counts = new Map();
        const pixels = new Uint32Array(data.buffer);
        for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
        const [most, second] = [...counts.values()].sort((a, b) => b - a);
        return (most + (second ?? 0)) / pixels.length;
    }"""
    for label, canvas, key in (
        ("discretise", "canvas.map", "v_discrete"),
        ("test points", "canvas.fixed", "v_test"),
    ):
        box = region.get_by_role("checkbox", name=label)
        before = lab.drawn(canvas)
        box.check()
        assert lab.drawn(canvas) != before
        assert f"{key}=1" in lab.page.url
        if key == "v_discrete":
            assert region.locator(canvas).evaluate(of_two_colours) > 0.9  # and some at their edge
        else:
            region.get_by_text("outlined: test").wait_for()
        box.uncheck()
        assert lab.drawn(canvas) == before
        assert key not in lab.page.url
    assert region.locator("canvas.map").evaluate(of_two_colours) < 0.5


def test_the_curve_has_a_logarithmic_scale(lab: Lab) -> None:
    lab.open("#n=60&epochs=3")
    lab.click("Play")
    lab.shown("Epoch", "3")
    canvases = [f".lab-chart:nth-child({i}) canvas" for i in (1, 2)]
    before = [lab.drawn(canvas) for canvas in canvases]
    box = lab.region("Learning").get_by_role("checkbox", name="log scale")
    box.check()
    assert lab.drawn(canvases[0]) != before[0]  # of the loss alone
    assert lab.drawn(canvases[1]) == before[1]
    box.uncheck()
    assert [lab.drawn(canvas) for canvas in canvases] == before


def test_points_are_drawn_by_hand(lab: Lab) -> None:
    lab.open()
    lab.page.get_by_role("radio", name="Drawn by hand", exact=True).click()
    lab.until(lambda: lab.settings.data == "drawn")
    plane = lab.region("Output").get_by_role("application")
    box = plane.bounding_box()
    assert box is not None
    before = len(lab.settings.points)
    lab.page.mouse.click(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.3)
    lab.until(lambda: len(lab.settings.points) == before + 1)
    lab.page.get_by_role("radio", name="Values drawn by hand", exact=True).click()
    lab.until(lambda: lab.settings.data == "drawn_values")


def test_the_slice_along_the_gradient(lab: Lab) -> None:
    lab.open()
    lab.click("Look along the gradient")
    region = lab.region("Along the gradient")
    network = lab.desk.network
    split = lab.desk.answers.experiment.split
    here = network.loss(split.X_train, split.y_train)
    region.get_by_text(re.compile(re.escape(f"{here:.4g}"))).first.wait_for()


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
    lab.page.keyboard.type("relu")
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
