"""What a desk does for each message, and what it does while the network learns by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule import _checks, steps
from chainrule.engine.diagnosis import NotFiniteError
from chainrule.laboratory import code
from chainrule.laboratory.curve import Curve
from chainrule.laboratory.examples import Table
from chainrule.laboratory.experiment import Experiment, Score
from chainrule.laboratory.lessons import Lesson, shipped_lesson
from chainrule.laboratory.opening import open_file
from chainrule.laboratory.pace import HIDDEN, SPEEDS
from chainrule.laboratory.panel import panel_of
from chainrule.laboratory.settings import LIVE, SettingError, Settings
from chainrule.laboratory.slice import slice_of
from chainrule.laboratory.telling import Telling
from chainrule.laboratory.walk import Walk
from chainrule.network import Network

# Seconds between two panels while the network learns; longer for a whole point's derivation.
PANEL_EVERY = {"weight": 0.5, "unit": 0.5, "point": 2.0}


class Answers(Telling):
    """What is done on a desk. All of it runs in the desk's thread."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._next_batch = 0.0

    # What comes from the page

    def take(self, message: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        """Answer one message. Raises SettingError, ValueError or TypeError for what can't be."""
        act = _checks.check_choice("do", message.get("do"), _ACTS)
        _ACTS[act](self, message, buffers)

    def hello(self, message: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        """Answer a page that begins, or comes back: it has seen nothing yet."""
        given = message.get("settings")
        refused: list[SettingError] = []
        if isinstance(given, Mapping) and message.get("desk") != self.desk:
            refused = self._begin_by_link(given)
        self.pace.begin()
        self._setup()
        self._frame(curve_from=0)
        for error in refused:  # a page that has its setup can show them where they belong
            self._refuse(error)

    def _begin_by_link(self, given: Mapping[str, Any]) -> list[SettingError]:
        """Take what can be of a link's settings, and return what can't."""
        settings = self.settings
        refused: list[SettingError] = []
        for name, value in given.items():
            try:
                settings = settings.changed({name: value})
            except SettingError as error:
                refused.append(error)
        if settings != self.settings:
            try:
                self._begin(settings)
            except SettingError as error:
                refused.append(error)
        return refused

    def change(self, message: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        """Change settings: the network learns on, or begins anew."""
        changes = message.get("settings")
        if not isinstance(changes, Mapping):
            raise TypeError(f"settings must be an object, got {changes!r:.40}")
        old, new = self.settings, self.settings.changed(changes)
        if new == old:
            self._settings()
            return
        changed = {k for k, v in new.as_dict().items() if v != old.as_dict()[k]}
        if changed <= LIVE:
            self._take_over(new, changed)
            return
        if self.given is not None and changed & {"hidden", "initializer", "dropout"}:
            raise SettingError("hidden", "the network was given, and keeps its layers")
        self._begin(new, opening=bool(changed & {"target", "data"}))
        self._show_anew()

    def play(self, message: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        """Learn by itself until something ends it."""
        self.playing, self.stopped, self.walk = True, "", None
        self._next_batch = time.monotonic()
        self._check_end(None)
        self._frame()

    def pause(self, message: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        """Stop learning after this mini-batch."""
        self.playing = False
        self._after_learning()

    def batch(self, message: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        """Learn one mini-batch."""
        self.playing, self.stopped, self.walk = False, "", None
        self._learn(1)
        self._after_learning()

    def epoch(self, message: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        """Learn to the end of the epoch."""
        self.playing, self.stopped, self.walk = False, "", None
        before = self.experiment.learning.epochs
        while self.experiment.learning.epochs == before and not self.stopped:
            self._learn(max(1, self.pace.chunk))
        self._after_learning()

    def reset(self, message: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        """Begin anew with the same settings."""
        self._begin(self.settings)
        self._frame(curve_from=0)
        self._panel()

    def explain(self, message: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        """Select a weight, a unit or a point, and show its chain rule."""
        if message.get("of") is None:
            self.selection = None
            return
        selection = {key: value for key, value in message.items() if key != "do"}
        panel = panel_of(self.experiment, selection, self._derivation())
        self.selection = selection
        self._say_panel(panel)

    def walk_on(self, message: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        """Go to the next phase of a mini-batch, or to the first of the next one."""
        self.playing, self.stopped = False, ""
        try:
            if self.walk is None or not self.walk.go_on():
                self.walk = Walk(self.experiment)
                self.walk.go_on()
        except NotFiniteError as error:
            self._diverged(error)
            self._after_learning()
            return
        self.say({"kind": "walk", **self.walk.message(self.selection)})
        if self.walk.phase == 3:
            self._frame()
        self._panel()

    def follow(self, message: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        """Send one point through the network."""
        x, target = self._followed(message)
        if x is None:
            self.say({"kind": "followed", "x": None, "values": [], "target": None, "loss": None})
            return
        network = self.experiment.network
        A, cache = steps.forward_propagation(
            x, network.parameters, network.structure, statistics=network.statistics
        )
        values = [cache[f"A{l}"][0].tolist() for l in range(len(network.structure.layers) + 1)]
        loss = None
        if target is not None:
            Z = cache[f"Z{len(network.structure.layers)}"]
            loss = steps.compute_cost(A, target, network.structure, Z=Z)
        axes = list(self.experiment.split.axes)
        self.say(
            {
                "kind": "followed",
                "x": x[0, axes].tolist(),
                "values": values,
                "target": None if target is None else target[0].tolist(),
                "loss": loss,
            }
        )

    def _followed(self, message: Mapping[str, Any]) -> tuple[Any, Any]:
        given = message.get("x")
        if given is not None:
            if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != 2:
                raise ValueError(f"x must be two numbers, got {given!r:.40}")
            place = [np.array([_checks.check_number("x", v)]) for v in given]
            return self.experiment.split.points_on(place), None
        if message.get("index") is None:
            return None, None
        which = _checks.check_choice("set", message.get("set"), ("train", "test"))
        examples = self.experiment.train if which == "train" else self.experiment.test
        index = _checks.check_integer("index", message["index"])
        if examples is None or index >= len(examples):
            raise ValueError(f"there is no {which} point {index}")
        return examples.X[index : index + 1], examples.Y[index : index + 1]

    def slice(self, message: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        """Show the loss along the gradient."""
        self.say({"kind": "slice", **slice_of(self.experiment)})

    def free(self, message: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        """Take a network of the settings in place of one that was opened or given."""
        experiment = self._made(self.settings, self.table, None)
        self.given = None
        self._use(self.settings, experiment)
        self._show_anew()

    def export(self, message: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        """Give the experiment to take along."""
        form = _checks.check_choice("as", message.get("as"), ("chainrule", "numpy", "model"))
        if form == "model":
            content = code.saved_model(self.experiment)
            file = {"name": "network.safetensors", "type": "application/octet-stream"}
            self.say({"kind": "file", **file}, [content])
            return
        write = code.python_code if form == "chainrule" else code.numpy_code
        name = "experiment.py" if form == "chainrule" else "network.py"
        text = write(self.experiment)
        self.say({"kind": "file", "name": name, "type": "text/x-python", "text": text})

    def open(self, message: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        """Open a file: a table or a network to learn on, or a lesson."""
        if len(buffers) != 1:
            raise SettingError("file", f"a file must be given, got {len(buffers)}")
        opened = open_file(str(message.get("name", "")), bytes(buffers[0]))
        if isinstance(opened, Lesson):
            self.say({"kind": "lesson", **opened.as_dict()})
            return
        if isinstance(opened, Network):
            self._open_network(opened)
        else:
            table = opened.examples(None)
            new = self.settings.changed({"data": "table", "target": None, "x": None, "y": None})
            experiment = self._made(new, table, None)
            self.opened, self.given, self.table = opened, None, table
            self._use(new, experiment)
        self._show_anew()

    def _open_network(self, network: Network) -> None:
        """Show a network on the data that are there, or on its like with so many inputs."""
        new = self.settings
        if network.structure.n_inputs != len(self.experiment.split.names):
            if network.structure.n_inputs != 2:
                raise SettingError(
                    "file",
                    f"the network has {network.structure.n_inputs} inputs: open the table that it "
                    f"learns from first",
                )
            new = Settings()
        try:
            experiment = self._made(new, self.table, network)
        except SettingError as error:
            raise SettingError("file", f"the network does not fit the data: {error}") from None
        self.given = network
        self._use(new, experiment)

    def lesson(self, message: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        """Give a lesson of the library."""
        self.say({"kind": "lesson", **shipped_lesson(str(message.get("name"))).as_dict()})

    # What happens by itself

    def seconds_to_wait(self, now: float) -> float | None:
        """Return how long to wait for a message: None for ever, 0 not at all."""
        if not self.playing:
            return None
        if self.settings.speed == "full":
            return self.pace.pause(now)
        return max(0.0, min(self._next_batch - now, 0.25)) or 0

    def go_on(self, now: float) -> None:
        """Learn a little, and send a frame where one may be sent."""
        if not self.playing:
            return
        if self.settings.speed == "full":
            self._learn(self.pace.chunk)
        elif now >= self._next_batch:
            every = 1 / SPEEDS[self.settings.speed]
            several = max(1, min(int((now - self._next_batch) / every), 4))
            self._next_batch = max(self._next_batch + several * every, now - 1)
            self._learn(several)
        now = time.monotonic()
        if not self.playing:
            self._after_learning()
        elif self.pace.may_send(now):
            self._frame()
            if self.selection and now - self._last_panel > PANEL_EVERY[self.selection["of"]]:
                self._panel()
        elif now - self.pace.last_time > HIDDEN and self.curve.is_due(now):
            self._measure(now)

    def _learn(self, count: int) -> None:
        learning = self.experiment.learning
        before, start = learning.epochs, time.perf_counter()
        try:
            done = learning.learn(count)
        except NotFiniteError as error:
            self._diverged(error)
            return
        self.pace.learned(done, time.perf_counter() - start)
        self.curve.count(done, time.monotonic())
        if learning.epochs != before and (self.settings.epochs or self.settings.target_loss):
            self._check_end(self.experiment.score(self.experiment.train))

    def _diverged(self, error: NotFiniteError) -> None:
        self.playing, self.walk = False, None
        self.stopped = f"diverged: {error}. Try a smaller learning rate"

    def _check_end(self, score: Score | None) -> None:
        """Stop where the settings say that it ends: after some epochs, or at a loss."""
        settings, learning = self.settings, self.experiment.learning
        if settings.epochs and learning.epochs >= settings.epochs and not learning.batch:
            self.playing, self.stopped = False, "epochs"
        elif score is not None and settings.target_loss and score.loss <= settings.target_loss:
            self.playing, self.stopped = False, "target loss"

    def _after_learning(self) -> None:
        self._frame()
        self._panel()

    # How an experiment begins

    def _show_anew(self) -> None:
        """Show an experiment, and what is selected, if there is such a thing in it."""
        self._setup()
        self._frame(curve_from=0)
        self._panel()

    def _begin(self, settings: Settings, opening: bool = False) -> None:
        """Begin anew by settings; nothing changes where they can't be."""
        table = self.table
        if settings.data == "table" and self.opened is not None:
            if opening or table is None:
                table = self.opened.examples(settings.target)
        elif settings.data == "table":
            raise SettingError("data", "open the file again: a link does not hold its rows")
        experiment = self._made(settings, table, self.given)
        self.table = table
        self._use(settings, experiment)

    def _made(self, settings: Settings, table: Table | None, given: Network | None) -> Experiment:
        try:
            return Experiment(settings, table, given, self._wait_for)
        finally:
            self._wait_no_more()

    def _use(self, settings: Settings, experiment: Experiment) -> None:
        self.settings, self.experiment = settings, experiment
        self.playing, self.stopped, self.walk = False, "", None
        self.curve = Curve()
        self.pace.chunk = 1

    def _take_over(self, settings: Settings, changed: set[str]) -> None:
        self.walk = None
        try:
            self.experiment.take_over(settings)
        finally:
            self._wait_no_more()
        self.settings = settings
        if changed & {"x", "y"}:
            self._setup()
            self._frame(curve_from=0)
        else:
            self._settings()
            self._panel()


_ACTS: dict[str, Callable[[Answers, Mapping[str, Any], Sequence[bytes]], None]] = {
    "hello": Answers.hello,
    "set": Answers.change,
    "play": Answers.play,
    "pause": Answers.pause,
    "batch": Answers.batch,
    "epoch": Answers.epoch,
    "reset": Answers.reset,
    "explain": Answers.explain,
    "walk": Answers.walk_on,
    "follow": Answers.follow,
    "slice": Answers.slice,
    "free": Answers.free,
    "export": Answers.export,
    "open": Answers.open,
    "lesson": Answers.lesson,
}
