"""Processes that compile ahead of the one that needs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from numba import types
from numba.core.errors import NumbaError

from chainrule.engine import ahead
from chainrule.engine.ahead import Shared, TakenError
from chainrule.engine.compilation import kernel
from chainrule.engine.threads import usable_threads
from tests.processes import run_python

COLD = """
import sys, numpy as np
from chainrule import Network, fit
from chainrule.engine import ahead, compilation
if sys.argv[1]:
    sys.executable = sys.argv[1]
X = np.random.RandomState(0).normal(size=(64, 3)).astype(np.float32); y = X[:, 0] > 0
network = Network([3, 4, 1], hidden=lambda_of if sys.argv[2] else "tanh", random_state=0,
                  dtype=np.float32)
fit(network, X, y, epochs=2, engine="compiled", verbose=0, random_state=0)
hits = sorted(k.__qualname__ for k in compilation._kernels.values() if k._cache.hits)
processes = len(ahead.shared.processes) if ahead.shared else 0
print(processes, network.vector.tobytes().hex(), *hits)
"""
OWN = """
import numpy as np
from chainrule import Activation
lambda_of = Activation("own", g=lambda z: z * 2.0, slope=lambda z, a: z * 0 + 2.0)
"""


def cold(
    folder: Path, cores: int, executable: str = "", own: bool = False
) -> tuple[int, str, list[str]]:
    """Train with an empty folder: how many helped, the parameters, and what was found on disk."""
    env = os.environ | {"NUMBA_CACHE_DIR": str(folder), "OMP_NUM_THREADS": str(cores)}
    done = run_python(OWN + COLD, executable, "own" if own else "", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    processes, bits, *found = done.stdout.split()
    return int(processes), bits, found


@pytest.mark.skipif(usable_threads() < 2, reason="there is one core")
def test_cores_compile_together(tmp_path: Path) -> None:
    """What another process compiled is loaded, the rest compiled here, to the same bits."""
    alone, together = cold(tmp_path / "alone", 1), cold(tmp_path / "together", 2)
    assert alone[::2] == (0, [])
    assert together[0] == 1
    assert "run_epoch" in together[2]  # which takes it longest, and is needed last
    assert "tile" not in together[2]  # which is needed first
    assert together[1] == alone[1]


@pytest.mark.skipif(usable_threads() < 2, reason="there is one core")
def test_no_help_is_needed(tmp_path: Path) -> None:
    """A process that ends at once, or none, and a formula that can't be sent: compiled here."""
    ends_at_once = tmp_path / "python-ends"
    ends_at_once.write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    ends_at_once.chmod(0o700)
    for number, executable in enumerate([str(ends_at_once), str(tmp_path / "python-not-there")]):
        processes, bits, found = cold(tmp_path / str(number), 2, executable)
        assert (processes, found) == (1 - number if os.name != "nt" else 0, [])
        assert len(bits) == 2 * 4 * (3 * 4 + 4 + 4 + 1)
    assert "run_epoch" in cold(tmp_path / "own", 2, own=True)[2]
    # Nor is another program started that has Python inside, whatever it would do
    assert cold(tmp_path / "host", 2, str(tmp_path / "host"))[::2] == (0, [])


def test_who_begins_first(tmp_path: Path) -> None:
    """One process has a function; another goes on to the next, or waits until it is there."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    main, helper = Shared(tmp_path, [process]), Shared(tmp_path, None)
    main.begin("one")
    with pytest.raises(TakenError, match="one"):
        helper.begin("one")
    helper.begin("two")
    helper.end("two")
    main.begin("two")  # it is there already
    helper.begin("three")
    process.communicate(b"\n")
    main.begin("three")  # nobody works on it any more


def test_who_has_lost_the_other(tmp_path: Path) -> None:
    """Without the folder a helper ends, and the process that all is for goes on."""
    Shared(tmp_path / "gone", []).begin("one")
    Shared(tmp_path / "gone", []).end("one")
    with pytest.raises(SystemExit):
        Shared(tmp_path / "gone", None).begin("one")


def test_waiting_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that hangs is waited for no longer than for the longest function."""
    monkeypatch.setattr(ahead, "PATIENCE", 0.05)
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    Shared(tmp_path, None).begin("one")
    Shared(tmp_path, [process]).begin("one")
    process.communicate(b"\n")


def test_what_goes_wrong_with_help_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a current folder that is gone: nothing is started, and nothing raised."""

    def gone(place: str) -> str:
        raise FileNotFoundError(place)

    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(ahead, "shared", None)
    monkeypatch.setattr(ahead, "usable_threads", lambda: 4)
    monkeypatch.setattr(os.path, "abspath", gone)
    ahead.start("float32", [("epoch", "RUN_EPOCH")])
    assert ahead.shared is None or ahead.shared.processes == []


def test_a_function_that_fails_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can't be compiled is done with, too: nobody goes on waiting for it to be there."""
    table = {1.0: 2.0}

    def broken(x: float) -> float:
        return table[x]  # compiled code knows no dict of Python's

    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "code"))
    monkeypatch.setattr(ahead, "shared", Shared(tmp_path, []))
    with pytest.raises(NumbaError):
        kernel(types.float64(types.float64), lambda: broken, "broken")
    (begun,) = (path.name for path in tmp_path.glob("broken-*") if path.suffix != ".done")
    assert (tmp_path / f"{begun}.done").exists()
