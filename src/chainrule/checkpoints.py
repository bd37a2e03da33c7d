"""A folder of checkpoints: when a run is saved, which files are kept, and which is gone on from."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import numpy.typing as npt

from chainrule import _checks
from chainrule.description import Custom, describe_structure
from chainrule.model_file import ModelFileError
from chainrule.network import Network
from chainrule.run_state import RunState, read_state, write_state

_NAME = "checkpoint-{:012d}-{:012d}.safetensors"
_PATTERN = re.compile(r"checkpoint-\d{12}-\d{12}\.safetensors")
# What a process that was killed while it wrote has left behind.
_LEFT = re.compile(r"\.(checkpoint|best)-.*-[0-9a-f]{16}\.safetensors|\.best-[0-9a-f]{16}\.\w+")
BEST = "best.safetensors"


class Checkpoints:
    """Where, and how often, :func:`chainrule.fit` saves a training run, to be gone on with later.

    A checkpoint holds all that the run needs to end with the same bits as if it had never stopped:
    the parameters, the optimiser's state, the place in the shuffled epoch, the random generator,
    the history, and what the callbacks keep. Beside them, ``best.safetensors`` is the network of
    the lowest validation loss so far (training loss without validation), for
    :func:`chainrule.load`.

    Parameters
    ----------
    folder : str or path
        Is made if it is not there.
    every_minutes : float or None, default 5
        Save when so many minutes have passed since the last one, in the middle of an epoch too.
    every_epochs : int or None, default None
        Save after so many epochs.
    keep : int, default 3
        How many of the newest checkpoints are kept.
    custom : mapping of str to Activation, Loss or initialiser, optional
        Your own formulas by name, as `Network.save` wants them, for ``best.safetensors``.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as above.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        every_minutes: float | None = 5.0,
        every_epochs: int | None = None,
        keep: int = 3,
        custom: Custom | None = None,
    ) -> None:
        if not isinstance(folder, (str, os.PathLike)):
            raise TypeError(f"checkpoint must be a folder or Checkpoints, got {folder!r}")
        if every_minutes is not None:
            _checks.check_number("every_minutes", every_minutes, low=0)
        if every_epochs is not None:
            _checks.check_integer("every_epochs", every_epochs, low=1)
        self.folder, self.custom = Path(folder), custom
        self.every_minutes, self.every_epochs = every_minutes, every_epochs
        self.keep = _checks.check_integer("keep", keep, low=1)
        self._last = time.monotonic()
        self._best: tuple[float, Network] | None = None
        self._best_is_saved = True

    def within(self, name: str) -> Checkpoints:
        """Return the same for a folder of this name inside it, for one of several runs."""
        return Checkpoints(
            self.folder / name,
            every_minutes=self.every_minutes,
            every_epochs=self.every_epochs,
            keep=self.keep,
            custom=self.custom,
        )

    def prepare(self, network: Network, resume: bool) -> None:
        """Make the folder, and refuse one that holds another run unless that is gone on with.

        Raises ValueError if there are checkpoints in it and `resume` is False, or a formula of the
        network is neither the library's nor in `custom`; OSError if the folder can't be made.
        """
        describe_structure(network.structure, self.custom)
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"checkpoint must be a folder, and {self.folder} is a file")
        self.folder.mkdir(parents=True, exist_ok=True)
        if not resume and self.files():
            raise ValueError(
                f"checkpoint folder {self.folder} holds a run already: go on with it by "
                f"resume=True, or give another folder"
            )
        for path in self.folder.iterdir():
            if _LEFT.fullmatch(path.name):
                path.unlink(missing_ok=True)
        self._last = time.monotonic()

    def files(self) -> list[Path]:
        """Return the checkpoints in the folder, the newest first."""
        if not self.folder.is_dir():
            return []
        names = [path.name for path in self.folder.iterdir() if _PATTERN.fullmatch(path.name)]
        return [self.folder / name for name in sorted(names, reverse=True)]

    def newest(
        self,
        settings: Mapping[str, str],
        shapes: Mapping[str, tuple[int, ...]],
        dtype: npt.DTypeLike,
    ) -> RunState | None:
        """Return the newest state that can be read, with a warning for each that can't, or None.

        Raises ModelFileError if there are checkpoints, and none of them can be read;
        AnotherRunError if the run was another one.
        """
        files = self.files()
        for path in files:
            try:
                return read_state(path, settings, shapes, dtype)
            except ModelFileError as error:
                if path == files[-1]:
                    raise
                warnings.warn(f"{error}; the checkpoint before is taken", stacklevel=4)
        return None

    def is_due(self, epochs: int | None = None) -> bool:
        """Whether it is time to save; `epochs` is how many are completed, at the end of one."""
        if epochs is not None and self.every_epochs and epochs % self.every_epochs == 0:
            return True
        passed = time.monotonic() - self._last
        return self.every_minutes is not None and passed >= 60 * self.every_minutes

    def note_loss(self, loss: float, network: Network) -> None:
        """Remember the network if it is the best so far."""
        if self._best is None or loss < self._best[0]:
            self._best, self._best_is_saved = (loss, network.copy()), False

    def save(self, state: RunState) -> None:
        """Write a checkpoint, and the best network if there is a new one; remove what is too old.

        What can't be written, because the disk is full, say, is a warning: training goes on.
        """
        self._last = time.monotonic()
        path = self.folder / _NAME.format(len(state.history), state.steps)
        try:
            write_state(path, state)
            if self._best is not None and not self._best_is_saved:
                self._best[1].save(self.folder / BEST, custom=self.custom)
                self._best_is_saved = True
            for old in self.files()[self.keep :]:
                old.unlink(missing_ok=True)
        except (OSError, ValueError) as error:
            warnings.warn(f"no checkpoint was saved: {error}", stacklevel=2)

    def get_state(self) -> dict[str, Any]:
        """Return what is kept of the best network, as a callback does."""
        if self._best is None:
            return {}
        return {"loss": self._best[0], **self._best[1].get_arrays()}

    def set_state(self, state: Mapping[str, Any], network: Network) -> None:
        """Take it over from a checkpoint; `network` has the same structure."""
        if state:
            self._best = float(state["loss"]), network.with_arrays(state)


def as_checkpoints(checkpoint: str | os.PathLike[str] | Checkpoints) -> Checkpoints:
    """Return what was given, or the folder of this name with the defaults."""
    return checkpoint if isinstance(checkpoint, Checkpoints) else Checkpoints(checkpoint)


class Stopping:
    """Ctrl-C and a request to terminate, noted, to be answered between two mini-batches.

    Attributes
    ----------
    signal : int or None
        The signal that came, if one did.
    """

    def __init__(self) -> None:
        self.signal: int | None = None

    @contextlib.contextmanager
    def listening(self) -> Iterator[Stopping]:
        """Note SIGINT and SIGTERM in the block, in the main thread; elsewhere nothing changes."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = {}
        for number in (signal.SIGINT, signal.SIGTERM):
            # One that another program in this process answers already is left to it
            if signal.getsignal(number) in (signal.default_int_handler, signal.SIG_DFL):
                before[number] = signal.signal(number, self._note)
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal == number:  # the second time it is meant at once
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)
        self.signal = number
