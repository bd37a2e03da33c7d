"""Processes that compile ahead: on a machine with several cores, what this one will ask for next.

Numba compiles one function at a time in a process. So another process begins with what is asked
for last, puts it on disk, where this one finds it, and takes what nobody has begun, until all is
there. Who begins a function first makes a file of its name, in a folder that lasts as long as this
process. None of this is needed: whatever goes wrong with it is compiled here.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from chainrule.engine import code_on_disk
from chainrule.engine.threads import usable_threads

MOST_PROCESSES = 3
# A process that takes longer for one function than this, in seconds, is not waited for.
PATIENCE = 30.0
PAUSE = 0.005


# A module of the engine and what it has there: a function to compile, or one that does so from
# arguments, which follow, and the float type.
Job = tuple[Any, ...]


class TakenError(Exception):
    """Another process has begun to compile a function."""


class Shared:
    """What is shared with the other processes: a folder that says who began what.

    Parameters
    ----------
    folder : path
        The folder.
    processes : sequence of Popen, or None
        Those that compile ahead; None in one of them, which goes on where it would have to wait.
    """

    def __init__(self, folder: Path, processes: Sequence[subprocess.Popen[bytes]] | None) -> None:
        self.folder, self.processes = folder, processes

    def begin(self, name: str) -> None:
        """Return when this process may load, or compile, the function of this name.

        Raises TakenError, in a process that compiles ahead, if another has begun it.
        """
        try:
            (self.folder / name).touch(exist_ok=False)
        except FileExistsError:
            if self.processes is None:
                raise TakenError(name) from None
            end = time.monotonic() + PATIENCE
            while time.monotonic() < end and self._is_worked_on(name):
                time.sleep(PAUSE)
        except OSError:
            if self.processes is None:  # the process that all is for has ended
                raise SystemExit(0) from None

    def end(self, name: str) -> None:
        """Tell the others that the function is on disk, if it can be."""
        with contextlib.suppress(OSError):
            (self.folder / f"{name}.done").touch()

    def _is_worked_on(self, name: str) -> bool:
        running = any(process.poll() is None for process in self.processes or ())
        return running and not (self.folder / f"{name}.done").exists()


shared: Shared | None = None


def start(dtype: str, jobs: Sequence[Job]) -> None:
    """Let other processes compile functions for a float type.

    Once in a process, and only where there are cores for them, a folder to keep code in, and a
    Python to start. A formula that can't be pickled is compiled by this process.
    """
    global shared
    count = min(usable_threads() - 1, MOST_PROCESSES)
    if shared is not None or count < 1 or not sys.executable or getattr(sys, "frozen", False):
        return
    code = code_on_disk.folder()
    try:
        code.mkdir(parents=True, exist_ok=True)
        if not os.access(code, os.W_OK):  # what they compile could not be kept
            return
        folder = tempfile.TemporaryDirectory(prefix="chainrule-", ignore_cleanup_errors=True)
    except OSError:
        return
    program = "import sys; from chainrule.engine import ahead; ahead.work(*sys.argv[1:])"
    command = [sys.executable, "-c", program, folder.name, dtype]
    places = [os.path.abspath(place) for place in sys.path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(places)}
    nothing, told = subprocess.DEVNULL, _pickled(jobs)
    hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows alone has windows for them
    processes: list[subprocess.Popen[bytes]] = []
    with contextlib.suppress(OSError):
        for _ in range(count):
            started = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=nothing,
                stderr=nothing,
                creationflags=hidden,
            )
            processes.append(started)
            assert started.stdin is not None
            with started.stdin as pipe:
                pipe.write(told)
    shared = Shared(Path(folder.name), processes)
    owner = os.getpid()

    def stop() -> None:
        if os.getpid() == owner:  # and not a fork of it
            for process in processes:
                process.terminate()
                process.wait()
            folder.cleanup()

    atexit.register(stop)


def _pickled(jobs: Sequence[Job]) -> bytes:
    """Return the jobs, each pickled for itself: what one needs may not be there elsewhere."""
    found = []
    for job in jobs:
        with contextlib.suppress(Exception):  # whatever the user's own objects raise
            found.append(pickle.dumps(job))
    return pickle.dumps(found)


def work(folder: str, dtype: str) -> None:
    """Compile ahead of the process that began this one, which tells what by the standard input."""
    global shared
    shared = Shared(Path(folder), None)
    from numba import types

    from chainrule.engine.registers.calls import Named

    kind = getattr(types, dtype)
    for pickled in pickle.loads(sys.stdin.buffer.read()):
        with contextlib.suppress(Exception):  # among them TakenError
            module, name, *arguments = pickle.loads(pickled)
            function = getattr(import_module(f"chainrule.engine.{module}"), name)
            Named.publish_nothing(kind)  # nothing is called here, but addresses are asked for
            if arguments:
                function(*arguments, kind)
            else:
                function.compile(kind)
