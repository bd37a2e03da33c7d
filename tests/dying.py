"""A run that is cut off, for tests of what is saved of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chainrule import Checkpoints
from chainrule.run_state import RunState


class Killed(BaseException):
    """Stands for the end of the process."""


class Dying(Checkpoints):
    """Saves after each call of the engine, and ends everything after so many times."""

    def __init__(self, folder: Path, lives: int, **keywords: Any) -> None:
        super().__init__(folder, every_minutes=0, **keywords)
        self.lives = lives

    def save(self, state: RunState) -> None:
        super().save(state)
        self.lives -= 1
        if self.lives <= 0:
            raise Killed
