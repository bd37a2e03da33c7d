"""The lab's page in a browser: each control as a person uses it, and what is shown afterwards."""

from __future__ import annotations

import re
from functools import partial

import numpy as np
import pytest

import chainrule
from tests.lab_page import Lab


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
