"""What a desk tells its page: the setup, frames, panels; and the state that they are made of."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from chainrule.laboratory.curve import Curve
from chainrule.laboratory.examples import Table
from chainrule.laboratory.experiment import Experiment, Score
from chainrule.laboratory.frames import describe, frame_of, setup_buffers
from chainrule.laboratory.lessons import titles
from chainrule.laboratory.opening import LARGEST, OpenedTable
from chainrule.laboratory.pace import Pace
from chainrule.laboratory.panel import panel_of
from chainrule.laboratory.settings import SettingError, Settings
from chainrule.laboratory.walk import Walk
from chainrule.network import Network


class Telling:
    """The state of a desk, and what its page is told of it.

    Attributes
    ----------
    experiment : Experiment
    playing : bool
        Whether the network learns by itself.
    stopped : str
        Why it ended by itself.
    selection : dict or None
        What the panel shows, as the page asked for it.
    walk : Walk or None
        The walk through a mini-batch, where there is one.
    """

    def __init__(
        self,
        desk: str,
        say: Callable[..., None],
        pace: Pace,
        network: Network | None,
        table: Table | None,
    ) -> None:
        self.desk, self.say, self.pace = desk, say, pace
        self.given, self.table = network, table
        self.opened: OpenedTable | None = None
        self.settings = Settings() if table is None else Settings(data="given")
        self.playing, self.stopped = False, ""
        self.selection: dict[str, Any] | None = None
        self.walk: Walk | None = None
        self.curve = Curve()
        self._last_panel = 0.0
        self._waits = False
        self.experiment = Experiment(self.settings, table, network, self._wait_for)

    def _wait_for(self, what: str) -> None:
        """Say what keeps the desk from its answers, such as a compiler."""
        self._waits = True
        self.say({"kind": "note", "message": f"{what}."})

    def _wait_no_more(self) -> None:
        if self._waits:
            self._waits = False
            self.say({"kind": "note", "message": ""})

    def _setup(self) -> None:
        message = {
            "kind": "setup",
            "desk": self.desk,
            "lessons": titles(),
            "selection": self.selection,
            **describe(self.experiment),
        }
        message["limits"] = {**message["limits"], "upload": LARGEST}
        self.say(message, setup_buffers(self.experiment))

    def _settings(self) -> None:
        self.say(
            {
                "kind": "settings",
                "settings": self.settings.as_dict(),
                "batches": self.experiment.learning.batches,
                "note": "",
            }
        )

    def _measure(self, now: float) -> tuple[Score, Score | None]:
        train = self.experiment.score(self.experiment.train)
        test = self.experiment.score(self.experiment.test)
        assert train is not None
        learning = self.experiment.learning
        part = learning.batch / learning.batches
        self.curve.add(learning.epochs + part, learning.steps, train, test, now)
        return train, test

    def _frame(self, curve_from: int | None = None) -> None:
        now = time.monotonic()
        train, test = self._measure(now)
        message, buffers = frame_of(self.experiment)
        if self.playing and not math.isfinite(train.loss):
            self.playing, self.stopped = False, "diverged: the loss is not finite"
        message |= {
            "kind": "frame",
            "n": self.pace.next_frame(now),
            "playing": self.playing,
            "stopped": self.stopped,
            "loss": {"train": train.loss, "test": test.loss if test else None},
            "accuracy": {"train": train.accuracy, "test": test.accuracy if test else None},
            "rate": self.curve.rate if self.playing else 0.0,
            "curve": self.curve.take(everything=curve_from is not None),
        }
        if curve_from is not None:
            message["curve_from"] = curve_from
        self.say(message, buffers)

    def _panel(self) -> None:
        """Show what is selected as it is now; nothing, if there is no such thing any more."""
        if self.selection is None:
            return
        self._last_panel = time.monotonic()
        try:
            panel = panel_of(self.experiment, self.selection, self._derivation())
        except (ValueError, TypeError):
            self.selection = None
            return
        self._say_panel(panel)

    def _derivation(self) -> Any:
        """Return the numbers of the walk where there is one: they stay while it lasts."""
        return None if self.walk is None else self.walk.derivation

    def _say_panel(self, panel: dict[str, Any]) -> None:
        assert self.selection is not None
        self.say({"kind": "panel", "selection": self.selection, "live": self.playing, **panel})

    def _refuse(self, error: SettingError) -> None:
        self.say({"kind": "refused", "what": error.what, "message": str(error)})
