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
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
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
        self.parent = os.getppid()

    def begin(self, name: str) -> None:
        """Return when this process may load, or compile, the function of this name.

        Raises TakenError, in a process that compiles ahead, if another has begun it.
        """
        if self.processes is None and os.getppid() != self.parent:
            shutil.rmtree(self.folder, ignore_errors=True)  # nobody else will
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
        """Tell the others that this process is done with it: it is on disk, if it can be."""
        for process in self.processes or ():
            process.poll()  # so that one that has ended is let go
        with contextlib.suppress(OSError):
            (self.folder / f"{name}.done").touch()

    def _is_worked_on(self, name: str) -> bool:
        running = any(process.poll() is None for process in self.processes or ())
        return running and not (self.folder / f"{name}.done").exists()


shared: Shared | None = None
_one_at_a_time = threading.Lock()


def start(dtype: str, jobs: Sequence[Job], later: Sequence[Job] = ()) -> None:
    """Let other processes compile functions for a float type, and `later` those for another day.

    Once in a process, and only where there are cores for them, a folder to keep code in, and a
    Python to start. A formula that can't be pickled is compiled by this process.
    """
    global shared
    with _one_at_a_time:
        count = min(usable_threads() - 1, MOST_PROCESSES)
        if shared is not None or count < 1 or not _can_be_started(sys.executable):
            return
        with contextlib.suppress(OSError, TypeError, ValueError):  # there is no need of any help
            code = code_on_disk.folder()
            code.mkdir(parents=True, exist_ok=True)
            if not os.access(code, os.W_OK):  # what they compile could not be kept
                return
            folder = Path(tempfile.mkdtemp(prefix="chainrule-"))
            shared = Shared(folder, processes := list[subprocess.Popen[bytes]]())
            _stop_at_the_end(folder, processes)
            places = [os.path.abspath(place) for place in sys.path if isinstance(place, str)]
            environment = os.environ | {"PYTHONPATH": os.pathsep.join(places)}
            told = pickle.dumps((_pickled(jobs), _pickled(later)))
            for _ in range(count):
                processes.append(_begin([str(folder), dtype], environment, told))


def _can_be_started(python: str) -> bool:
    """Whether this is Python itself, and no other program that has it inside."""
    known = Path(python or "").stem.lower().startswith(("python", "pypy"))
    return known and not getattr(sys, "frozen", False)


def _begin(
    arguments: list[str], environment: Mapping[str, str], told: bytes
) -> subprocess.Popen[bytes]:
    """Start a process that compiles."""
    # Not from the current folder (-P): what lies there need not be what this process imports.
    program = "import sys; from chainrule.engine import ahead; ahead.work(*sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", program, *arguments],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # Windows alone has them
    )
    assert process.stdin is not None
    with contextlib.suppress(OSError), process.stdin as pipe:  # it has ended already
        pipe.write(told)
    return process


def _stop_at_the_end(folder: Path, processes: list[subprocess.Popen[bytes]]) -> None:
    """See to it that neither the folder nor a process outlives this one."""
    owner = os.getpid()

    def stop() -> None:
        if os.getpid() == owner:  # and not a fork of it
            for process in processes:
                process.terminate()
                process.wait()
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    if "multiprocessing" in sys.modules:  # whose workers end in their own way
        from multiprocessing.util import Finalize

        Finalize(None, stop, exitpriority=1)


def _pickled(jobs: Sequence[Job]) -> list[bytes]:
    """Return the jobs, each pickled for itself: what one needs may not be there elsewhere."""
    found = []
    for job in jobs:
        with contextlib.suppress(Exception):  # whatever the user's own objects raise
            found.append(pickle.dumps(job))
    return found


def work(folder: str, dtype: str) -> None:
    """Compile ahead of the process that began this one, which tells what by the standard input."""
    global shared
    shared = Shared(Path(folder), None)
    jobs, later = pickle.loads(sys.stdin.buffer.read())
    _compile(dtype, jobs)
    if hasattr(os, "nice"):
        os.nice(10)  # by now the other process trains
    _compile(dtype, later)


def _compile(dtype: str, jobs: list[bytes]) -> None:
    from numba import types

    from chainrule.engine.registers.calls import Named

    kind = getattr(types, dtype)
    for pickled in jobs:
        with contextlib.suppress(Exception):  # among them TakenError
            module, name, *arguments = pickle.loads(pickled)
            function = getattr(import_module(f"chainrule.engine.{module}"), name)
            Named.publish_nothing(kind)  # nothing is called here, but addresses are asked for
            if arguments:
                function(*arguments, kind)
            else:
                function.compile(kind)
