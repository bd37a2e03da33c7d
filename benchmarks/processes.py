"""What a fresh process needs: to import a library, to train for the first time, and in memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

IMPORTS = {
    "chainrule": "chainrule",
    "PyTorch": "torch",
    "JAX": "jax",
    "scikit-learn": "sklearn.neural_network",
}
# Ten steps of 50-128-128-1 with a mini-batch of 256, from the start of the process.
FIRST_FIT = """
import dataclasses, sys
from benchmarks.cases import CASES
from benchmarks.contenders import contender
kind = contender(sys.argv[1])
kind(dataclasses.replace(CASES["table"], batches=10)).train(1)
"""
# The most memory in MB that a process had since its own start; `resource` would count what the
# parent had when it was forked.
PEAK_MEMORY = """
from pathlib import Path
status = Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
found = [int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")]
print(*found or ["n/a"])
"""


@dataclass(frozen=True)
class FirstRun:
    """Seconds of a process that trains, with nothing compiled before and again; its peak in MB."""

    cold: float
    warm: float
    memory: str


def run(code: str, *arguments: str, env: dict[str, str] | None = None) -> tuple[float, str]:
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=dict(os.environ) | (env or {}),
        capture_output=True,
        text=True,
        check=True,
    )
    return time.perf_counter() - start, done.stdout.strip()


def import_seconds(module: str, repeats: int) -> float:
    """Return the median time of a process that imports a module, less one that imports nothing."""
    nothing = statistics.median(run("")[0] for _ in range(repeats))
    return statistics.median(run(f"import {module}")[0] for _ in range(repeats)) - nothing


def first_run(name: str, repeats: int) -> FirstRun:
    """Return what a first fit takes, from the start of the process to its end."""
    code = FIRST_FIT + PEAK_MEMORY
    with tempfile.TemporaryDirectory() as folder:
        env = {"NUMBA_CACHE_DIR": folder, "TORCHINDUCTOR_CACHE_DIR": folder}
        cold, _ = run(code, name, env=env)
        warm = [run(code, name, env=env) for _ in range(repeats)]
    return FirstRun(cold, statistics.median(seconds for seconds, _ in warm), warm[0][1])
