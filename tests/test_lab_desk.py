"""The desk of the lab: what it answers is what the library says, and nothing ends it."""

import json
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule.laboratory.code import python_code
from chainrule.laboratory.desk import Desk
from chainrule.laboratory.experiment import Experiment
from chainrule.laboratory.frames import MAP
from chainrule.laboratory.lessons import SHIPPED, read_lesson
from chainrule.laboratory.pace import PAUSE, Pace
from chainrule.laboratory.settings import SettingError, Settings

CORPUS = Path(__file__).parent / "data" / "corpus"
Answer = tuple[dict[str, Any], list[bytes]]


class Page:
    """A page without a browser: it sends, and waits for what comes back."""

    first: Answer

    def __init__(self, **given: Any) -> None:
        self.answers: queue.Queue[Answer] = queue.Queue()
        self.desk = Desk(lambda message, buffers: self.answers.put((message, buffers)), **given)

    def send(self, do: str, *buffers: bytes, **rest: Any) -> None:
        self.desk.receive({"do": do, **rest}, list(buffers))

    def wait_for(self, kind: str) -> Answer:
        while True:
            message, buffers = self.answers.get(timeout=30)
            message = json.loads(json.dumps(message, allow_nan=False))  # as the page has it
            if message["kind"] == "frame":
                self.send("seen", n=message["n"])
            if message["kind"] == kind:
                return message, buffers

    def ask(self, do: str, kind: str, *buffers: bytes, **rest: Any) -> Answer:
        self.send(do, *buffers, **rest)
        answer = self.wait_for(kind)
        if kind == "setup":  # which a frame follows
            self.first = self.wait_for("frame")
        return answer

    def set(self, kind: str = "setup", **settings: Any) -> Answer:
        return self.ask("set", kind, settings=settings)


@pytest.fixture
def page() -> Iterator[Page]:
    page = Page()
    page.ask("hello", "frame", settings=None, desk=None)
    yield page
    page.desk.close()


def floats(data: bytes) -> Any:
    return np.frombuffer(data, "<f4")


def trained(epochs: int, **arguments: Any) -> tuple[chainrule.Network, Experiment]:
    """What the library makes of the lab's default data, with its own `fit`."""
    experiment = Experiment(Settings())
    split = experiment.split
    network = chainrule.Network([2, 4, 1], random_state=42)
    chainrule.fit(
        network,
        split.X_train,
        split.y_train,
        epochs=epochs,
        optimizer="gradient_descent",
        learning_rate=0.01,
        random_state=42,
        engine="numpy",
        verbose=0,
        **arguments,
    )
    return network, experiment


def test_epochs_end_in_the_numbers_of_fit(page: Page) -> None:
    network, experiment = trained(3)
    for _ in range(3):
        frame, buffers = page.ask("epoch", "frame")
    assert (frame["epoch"], frame["batch"], frame["step"]) == (3, 0, 75)
    assert np.array_equal(floats(buffers[0]), network.vector.astype("f4"))
    split = experiment.split
    assert frame["loss"]["train"] == pytest.approx(network.loss(split.X_train, split.y_train))
    assert frame["loss"]["test"] == pytest.approx(network.loss(split.X_test, split.y_test))
    right = np.mean(network.predict(split.X_test) == split.y_test)
    assert frame["accuracy"]["test"] == pytest.approx(right)


def test_learning_by_itself_ends_where_it_should_with_the_numbers_of_fit(page: Page) -> None:
    page.set("settings", epochs=5)
    page.send("play")
    frame, buffers = page.wait_for("frame")
    while frame["stopped"] == "":
        frame, buffers = page.wait_for("frame")
    assert (frame["stopped"], frame["playing"], frame["epoch"]) == ("epochs", False, 5)
    assert np.array_equal(floats(buffers[0]), trained(5)[0].vector.astype("f4"))


def test_learning_ends_at_a_loss(page: Page) -> None:
    page.set("settings", learning_rate=1.0, target_loss=0.3)
    page.send("play")
    frame, _ = page.wait_for("frame")
    while frame["stopped"] == "":
        frame, _ = page.wait_for("frame")
    assert frame["stopped"] == "target loss"
    assert frame["loss"]["train"] <= 0.3


def test_the_map_is_what_the_network_predicts(page: Page) -> None:
    setup, _ = page.set(hidden=[[3, "tanh"], [5, "relu"]])
    _, buffers = page.first
    network = page.desk.network
    (x0, x1), (y0, y1) = setup["axes"]["x"], setup["axes"]["y"]
    output = floats(buffers[1]).reshape(1, MAP, MAP)
    corners = network.forward([[x0, y1], [x1, y1], [x0, y0], [x1, y0]])
    assert output[0, [0, 0, -1, -1], [0, -1, 0, -1]] == pytest.approx(corners[:, 0], rel=1e-6)
    assert len(floats(buffers[2])) == (3 + 5) * 20 * 20


def test_the_panel_is_the_derivation_of_the_next_mini_batch(page: Page) -> None:
    page.send("batch")
    panel, _ = page.ask("explain", "panel", of="weight", name="W1", row=1, column=2, example=3)
    experiment = page.desk.answers.experiment
    rows = experiment.learning.next_rows()
    derivation = page.desk.network.explain(
        experiment.split.X_train[rows], experiment.split.y_train[rows], learning_rate=0.01, t=2
    )
    weight = derivation.weight("W1", 1, 2, example=3)

    def shown(value: float, digits: int = 4) -> str:
        return f"{value:.{digits}g}".replace("-", "−")

    assert [f["value"] for f in panel["factors"]] == [shown(f.value) for f in weight.factors]
    assert panel["product"]["value"] == shown(weight.of_example)
    assert panel["measured"]["chain_rule"] == shown(weight.value, 6)
    assert panel["update"] == {"before": shown(weight.before, 6), "after": shown(weight.after, 6)}
    assert panel["factors"][-1]["place"] == {"layer": 0, "unit": 1}
    assert [section["title"] for section in panel["sections"]][-1] == "Update"
    page.send("batch")
    page.wait_for("panel")  # anew, with the next numbers
    assert page.desk.network.parameters["W1"][1, 2] == pytest.approx(weight.after)


@pytest.mark.parametrize("data", ["moons", "blobs", "sine"])
def test_units_and_points_are_explained(page: Page, data: str) -> None:
    page.set(data=data, classes=3, n=60, hidden=[[3, "tanh"], [2, "relu"]])
    for of in (
        {"of": "unit", "layer": 0, "unit": 1},
        {"of": "unit", "layer": 1, "unit": 2},
        {"of": "unit", "layer": 3, "unit": 0},
        {"of": "weight", "name": "b3", "row": 0, "column": 0},
        {"of": "point", "set": "train", "index": 4},
        {"of": "point", "set": "test", "index": 0},
    ):
        panel, _ = page.ask("explain", "panel", **of)
        assert panel["selection"] == of
        assert panel["sections"] or of.get("layer") == 0
    titles = [section["title"] for section in panel["sections"]]
    assert titles[0] == "The chain rule on one example"
    assert {"Forward: Layer 1: tanh", "Loss", "Backward: Layer 2", "Update"} < set(titles)
    A = page.desk.network.forward(page.desk.answers.experiment.split.X_test[:1])
    followed, _ = page.ask("follow", "followed", set="test", index=0)
    assert followed["values"][-1] == pytest.approx(A[0])


def test_a_walk_shows_the_update_before_it_is_done(page: Page) -> None:
    page.set("settings", optimizer="adam")
    page.ask("explain", "panel", of="weight", name="W2", row=0, column=0)
    walks = [page.ask("walk", "walk")[0] for _ in range(4)]
    assert [walk["phase"] for walk in walks] == ["forward", "loss", "backward", "update"]
    frame, _ = page.wait_for("frame")
    assert frame["step"] == 1
    assert float(walks[3]["before"].replace("−", "-")) == float(
        walks[0]["before"].replace("−", "-")
    )
    after = float(walks[3]["after"].replace("−", "-"))
    assert page.desk.network.parameters["W2"][0, 0] == pytest.approx(after, rel=1e-5)
    assert page.ask("walk", "walk")[0]["batch"]["number"] == 2


def test_a_walk_goes_through_a_network_without_the_weight_that_was_selected(page: Page) -> None:
    page.ask("explain", "panel", of="weight", name="W1", row=0, column=3)
    page.set(hidden=[[2, "tanh"]])
    page.send("walk")
    answer, _ = page.answers.get(timeout=30)
    assert (answer["kind"], answer["phase"]) == ("walk", "forward")


def test_a_walk_that_diverges_says_so(page: Page) -> None:
    page.set(data="sine", hidden=[[8, "relu"], [8, "relu"]])
    page.set("settings", learning_rate=1000)
    answer: dict[str, Any] = {}
    for _ in range(200):
        page.send("walk")
        answer, _ = page.answers.get(timeout=30)
        assert answer["kind"] != "refused", answer
        if answer.get("stopped"):
            break
    assert answer["stopped"].startswith("diverged")
    page.ask("walk", "walk")


def test_settings_change_while_it_learns(page: Page) -> None:
    page.ask("epoch", "frame")
    before = page.desk.network.vector
    settings, _ = page.set("settings", learning_rate=0.5, batch_size=100, l2=0.01)
    assert settings["batches"] == 8
    assert np.array_equal(page.desk.network.vector, before)
    frame, _ = page.ask("epoch", "frame")
    assert (frame["epoch"], frame["step"]) == (2, 25 + 8)
    page.set(hidden=[[2, "tanh"]])
    frame, _ = page.first
    assert (frame["epoch"], frame["step"], frame["curve_from"]) == (0, 0, 0)


def test_a_rate_is_learned_by_whatever_changes_with_it(page: Page) -> None:
    page.send("batch")
    page.set("settings", learning_rate=0.5, epochs=50, speed="normal")
    panel, _ = page.ask("explain", "panel", of="weight", name="W1", row=1, column=2)
    page.ask("batch", "frame")
    page.wait_for("panel")
    after = float(panel["update"]["after"].replace("−", "-"))
    assert page.desk.network.parameters["W1"][1, 2] == pytest.approx(after, rel=1e-5)


def test_settings_change_between_the_look_at_an_epoch_and_its_beginning(page: Page) -> None:
    page.ask("epoch", "frame")
    page.ask("explain", "panel", of="weight", name="W1", row=1, column=2)
    page.set("settings", batch_size=7)
    page.set("settings", optimizer="adam")
    frame, _ = page.ask("epoch", "frame")
    assert (frame["epoch"], frame["batch"], frame["step"]) == (2, 0, 25 + 115)
    page.wait_for("panel")
    assert page.ask("walk", "walk")[0]["batch"]["of"] == 115


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"learning_rate": -1}, "learning_rate must be in [0, 1000], got -1"),
        ({"learning_rate": "fast"}, "learning_rate must be a number, got 'fast'"),
        ({"hidden": [[4, "thanh"]]}, "did you mean 'tanh'?"),
        ({"hidden": [[99, "tanh"]]}, "units must be at most 16, got 99"),
        ({"hidden": [[1, "tanh"]] * 7}, "hidden must be at most 6 layers, got 7"),
        ({"n": 10**9}, "n must be at most 5000"),
        ({"noise": float("nan")}, "noise must be a finite number"),
        ({"optimizer": "newton"}, "optimizer must be one of"),
        ({"data": "table"}, "open the file again"),
        ({"data": "drawn", "points": [[0, 0, 0], [1, 1, 7]]}, "class from 0 to 1, got 7"),
        (
            {"data": "drawn_values", "points": [[i, i, i] for i in range(6)], "test": 0.9},
            "test must leave a point to train on, got 0.9 of 6 points",
        ),
        ({"color": "red"}, "there is no setting 'color'"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_and_changes_nothing(
    page: Page, settings: dict[str, Any], said: str
) -> None:
    before = page.desk.answers.settings
    refused, _ = page.set("refused", **settings)
    assert said in refused["message"]
    assert refused["what"] in settings or refused["what"] == "points"
    assert page.desk.answers.settings == before
    assert page.ask("batch", "frame")[0]["step"] == 1


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"do": 5},
        {"do": "format the disk"},
        {"do": "set"},
        {"do": "set", "settings": [1]},
        {"do": "explain", "of": "weight", "name": "W9", "row": 0, "column": 0},
        {"do": "explain", "of": "weight", "name": "W1", "row": 77, "column": 0},
        {"do": "explain", "of": "unit", "layer": 77, "unit": 0},
        {"do": "explain", "of": "point", "set": "train", "index": 10**9},
        {"do": "explain", "of": "everything"},
        {"do": "follow", "x": [1]},
        {"do": "follow", "x": ["a", None]},
        {"do": "follow", "index": -1, "set": "train"},
        {"do": "export", "as": "virus"},
        {"do": "open", "name": "a.csv"},
        {"do": "lesson", "name": "../../secret"},
    ],
)
def test_an_odd_message_is_refused(page: Page, message: dict[str, Any]) -> None:
    page.desk.receive(message)
    refused, _ = page.wait_for("refused")
    assert refused["message"]
    assert "went wrong in the lab" not in refused["message"]
    assert page.ask("batch", "frame")[0]["step"] == 1


def test_a_desk_that_does_not_learn_waits(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """For the next message, and takes no time from those that learn."""
    turns: list[float] = []
    monkeypatch.setattr(page.desk.answers, "go_on", turns.append)
    for _ in range(3):
        page.ask("slice", "slice")
    assert turns == []


def test_a_desk_leaves_the_cores_to_a_page_that_is_behind() -> None:
    """Not to one that has drawn all it got, nor to one that draws nothing at all."""
    pace = Pace()
    assert pace.pause(0.0) == 0
    for now in (1.0, 1.02):
        pace.next_frame(now)
    assert pace.pause(1.03) == 0  # no other frame is due yet
    assert pace.pause(1.05) == PAUSE
    assert pace.pause(1.5) == 0
    pace.seen(1)
    assert pace.pause(1.05) == 0


def test_a_thousand_clicks_end_nothing(page: Page) -> None:
    for i in range(1000):
        page.send(("play", "pause", "batch", "reset", "walk", "slice")[i % 6])
    page.send("reset")
    page.ask("export", "file", **{"as": "chainrule"})
    assert page.ask("batch", "frame")[0]["step"] == 1


def test_divergence_is_said(page: Page) -> None:
    page.set(data="sine", hidden=[[8, "relu"], [8, "relu"]])
    page.set("settings", learning_rate=1000)
    page.send("play")
    frame, _ = page.wait_for("frame")
    while not frame["stopped"]:
        frame, _ = page.wait_for("frame")
    assert frame["stopped"].startswith("diverged")


def test_the_python_that_is_taken_along_ends_in_the_same_numbers(page: Page) -> None:
    page.set(
        data="spirals", classes=3, n=90, hidden=[[5, "elu"]], dropout=0.2, l1=0.001, batch_size=7
    )
    page.set("settings", optimizer="nadam")  # before it learns, so as in one call of fit
    for _ in range(4):
        page.ask("epoch", "frame")
    names: dict[str, Any] = {}
    exec(page.ask("export", "file", **{"as": "chainrule"})[0]["text"], names)
    assert np.array_equal(names["network"].vector, page.desk.network.vector)


def test_the_numpy_that_is_taken_along_trains_to_the_same_numbers(page: Page) -> None:
    for _ in range(3):
        page.ask("epoch", "frame")
    names: dict[str, Any] = {"__name__": "script"}
    exec(page.ask("export", "file", **{"as": "numpy"})[0]["text"], names)
    split = page.desk.answers.experiment.split
    parameters = names["train"](split.X_train, split.y_train)
    assert parameters["W1"] == pytest.approx(page.desk.network.parameters["W1"], rel=1e-12)


def test_a_saved_model_is_opened_again(page: Page) -> None:
    page.ask("epoch", "frame")
    learned = page.desk.network
    _, [model] = page.ask("export", "file", **{"as": "model"})
    page.set(hidden=[[2, "tanh"]])
    setup, _ = page.ask("open", "setup", model, name="mine.safetensors")
    assert not setup["can"]["restructure"]
    assert np.array_equal(page.desk.network.vector, learned.vector)
    setup, _ = page.ask("free", "setup")  # and one is made by the settings again
    assert setup["can"]["restructure"]
    assert [layer["units"] for layer in setup["layers"]] == [2, 1]


CSV = "size,colour,price,kind\n" + "".join(
    f"{i * 37 % 50},{'red' if i % 3 else 'green'},{i * 0.5},{'cat' if i % 2 else 'dog'}\n"
    for i in range(60)
)


def test_a_table_is_learned_from(page: Page) -> None:
    setup, buffers = page.ask("open", "setup", CSV.encode(), name="pets.csv")
    assert setup["class_names"] == ["cat", "dog"]
    assert setup["inputs"]["names"] == ["size", "price", "colour = red", "colour = green"]
    assert setup["target"] == {"choices": ["size", "colour", "price", "kind"], "name": "kind"}
    assert len(floats(buffers[1])) == 48
    setup, _ = page.set(x="price", y="colour = red")
    assert setup["axes"]["names"] == ["price", "colour = red"]
    setup, _ = page.set(target="price")
    assert (setup["task"], setup["class_names"]) == ("regression", [])
    frame, _ = page.ask("epoch", "frame")
    assert frame["step"] == 2


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"x,y\n1,2,3\n4\n", "can't be read"),
        ("a.csv", b"\x00\x01\x02", "no text"),
        ("a.csv", b"only\n1\n2\n", "has one column"),
        ("a.csv", b"x,y\n1,1\n2,1\n3,1\n", "has one value only"),
        ("a.parquet", b"PAR1 and nothing more", "can't be read"),
        ("a.parquet", (CORPUS / "repeated.parquet").read_bytes(), "more than the 0.5 GB that are"),
        ("a.safetensors", b"garbage", "can't be opened"),
        ("a.json", b"{", "can't be opened"),
        ("a.json", b"[" * 100_000, "can't be opened"),
        ("a.json", b'{"title": "x", "steps": [{"do": [{"do": "open"}]}]}', "do of step 1"),
        ("a.json", b'{"title": "x", "steps": [{"settings": {"n": -1}}]}', "in step 1, n must"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_its_name(
    page: Page, name: str, data: bytes, said: str
) -> None:
    refused, _ = page.ask("open", "refused", data, name=f"../{name}")
    assert said in refused["message"]
    assert "/tmp" not in refused["message"]
    assert page.ask("batch", "frame")[0]["step"] == 1


def test_a_file_that_is_too_large_is_not_read(page: Page) -> None:
    refused, _ = page.ask("open", "refused", bytes(33 * 2**20), name="a.csv")
    assert refused["message"] == ("a.csv has 33 MB, more than the 32 MB that can be opened here")


@pytest.mark.parametrize("name", SHIPPED)
def test_each_step_of_the_lessons_can_be_done(page: Page, name: str) -> None:
    lesson, _ = page.ask("lesson", "lesson", name=name)
    for step in lesson["steps"]:
        assert step["text"]
        page.desk.receive({"do": "set", "settings": {**step["settings"], "epochs": 1}})
        for act in step["do"]:
            page.desk.receive(act)
    page.send("pause")
    page.send("export", **{"as": "chainrule"})
    while True:  # nothing was refused on the way
        message, _ = page.answers.get(timeout=60)
        assert message["kind"] != "refused", message
        if message["kind"] == "file":
            break
    given = {"title": lesson["title"], "steps": lesson["steps"]}
    assert read_lesson(given, name).as_dict() == {k: v for k, v in lesson.items() if k != "kind"}


def test_a_link_that_holds_what_cannot_be_gives_a_page_all_the_same(page: Page) -> None:
    points = [[i, i, i % 2] for i in range(6)]
    settings = {"data": "drawn", "points": points, "test": 0.9}
    page.send("hello", settings=settings, desk=None)
    assert page.wait_for("setup")[0]["settings"]["data"] == "moons"
    assert page.wait_for("refused")[0]["what"] == "test"


def test_a_page_that_is_loaded_again_is_told_what_was_selected(page: Page) -> None:
    assert page.ask("hello", "setup", settings=None, desk=None)[0]["selection"] is None
    page.ask("explain", "panel", of="unit", layer=1, unit=2)
    setup, _ = page.ask("hello", "setup", settings=None, desk=page.desk.id)
    assert setup["selection"] == {"of": "unit", "layer": 1, "unit": 2}


def test_a_page_that_comes_back_finds_its_desk_as_it_was(page: Page) -> None:
    page.ask("epoch", "frame")
    page.desk.detach()
    page.send("epoch")
    answers: queue.Queue[Answer] = queue.Queue()
    page.desk.attach(lambda message, buffers: answers.put((message, buffers)))
    page.send("hello", settings={"n": 77}, desk=page.desk.id)
    messages = [answers.get(timeout=30)[0] for _ in range(2)]
    while messages[-1]["kind"] != "frame" or "curve_from" not in messages[-1]:
        messages.append(answers.get(timeout=30)[0])
    assert messages[-1]["epoch"] == 2
    assert page.desk.answers.settings.n == 1000


def test_a_link_gives_the_experiment(page: Page) -> None:
    settings = {"data": "xor", "n": 100, "hidden": [[6, "relu"]], "seed": 7}
    page.send("hello", settings=settings, desk=None)
    setup, _ = page.wait_for("setup")
    assert {key: setup["settings"][key] for key in settings} == settings


@pytest.mark.parametrize("begins", ["by a link", "anew", "as it learns"])
def test_a_page_is_told_that_it_waits_for_the_compiler(
    page: Page, begins: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chainrule.engine.is_there", lambda code: False)
    settings: dict[str, Any] = {"engine": "compiled", "n": 50}
    if begins == "by a link":
        page.send("hello", settings=settings, desk=None)
    elif begins == "anew":
        page.send("set", settings=settings)
    else:
        page.ask("batch", "frame")
        page.send("set", settings={"engine": "compiled"})
    page.send("reset")
    answers = [page.answers.get(timeout=60)[0] for _ in range(3)]
    assert [answer["kind"] for answer in answers[:2]] == ["note", "note"]
    assert "compiles" in answers[0]["message"]
    assert answers[1]["message"] == ""
    assert answers[2]["kind"] in ("setup", "settings")


def test_what_a_link_cannot_have_is_said_and_the_rest_is_there(page: Page) -> None:
    settings = {"n": 50, "noise": "much", "mood": "good"}
    page.send("hello", settings=settings, desk=None)
    setup, _ = page.wait_for("setup")
    assert (setup["settings"]["n"], setup["settings"]["noise"]) == (50, 0.2)
    # Only a page that has its setup can show them, beside the fields that they are of
    assert page.wait_for("refused")[0]["what"] == "noise"
    assert page.wait_for("refused")[0]["what"] == "mood"


def test_a_network_and_data_from_python() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3))
    network = chainrule.Network([3, 4, 1], output="identity", random_state=0)
    page = Page(network=network, X=X, y=X.sum(axis=1), names=["a", "b", "c"])
    setup, _ = page.ask("hello", "setup", settings=None, desk=None)
    assert setup["can"] == {"restructure": False, "draw": False, "data": False}
    assert (setup["task"], setup["axes"]["names"]) == ("regression", ["a", "b"])
    page.ask("epoch", "frame")
    assert not np.array_equal(page.desk.network.vector, network.vector)
    page.desk.close()
    with pytest.raises(ValueError, match="X and y must be given for a network of 3 inputs"):
        Desk(network=network)
    with pytest.raises(ValueError, match="X and y must be given together"):
        Desk(network=network, X=X)


def test_wide_networks_are_drawn_in_part() -> None:
    X = np.random.default_rng(0).normal(size=(40, 30))
    network = chainrule.Network([30, 64, 12, 3], random_state=0)
    page = Page(network=network, X=X, y=np.arange(40) % 3)
    setup, _ = page.ask("hello", "setup", settings=None, desk=None)
    assert [len(layer["shown"]) for layer in setup["layers"]] == [10, 10, 3]
    assert len(setup["inputs"]["shown"]) == 10
    _, buffers = page.first
    assert len(floats(buffers[2])) == 20 * 20 * 20
    page.desk.close()


def test_a_script_for_every_kind_of_data_runs() -> None:
    for data in ("circles", "plane", "drawn", "drawn_values"):
        settings = Settings().changed({"data": data, "n": 40, "epochs": 1})
        exec(python_code(Experiment(settings)), {})


def test_settings_go_through_json() -> None:
    settings = Settings().changed({"hidden": [[3, "relu"]], "points": [[1, 2, 0], [0, 0, 1]]})
    again = Settings().changed(json.loads(json.dumps(settings.as_dict())))
    assert again == settings
    with pytest.raises(SettingError):
        Settings().changed({"hidden": "tanh"})
