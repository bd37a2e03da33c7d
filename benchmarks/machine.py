"""What the figures come from: the machine, and the versions of all that takes part."""

from __future__ import annotations

import datetime
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.peak import peak
from chainrule.engine.registers import REGISTER_BYTES
from chainrule.engine.threads import usable_threads

PACKAGES = ("chainrule", "numpy", "numba", "torch", "jax", "scikit-learn")


def processor() -> str:
    """Return the processor's name, family and model, as far as the system tells."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine()
    found = dict(re.findall(r"^(model name|cpu family|model)\s*: (.*)$", info.read_text(), re.M))
    if "model name" not in found:
        return platform.machine()
    return f"{found['model name']} (family {found['cpu family']}, model {found['model']})"


def describe() -> dict[str, str]:
    """Return what a reader must know to compare the figures with others."""
    threads = usable_threads()
    best = max(peak(threads) for _ in range(20)) / 1e9
    return {
        "processor": processor(),
        "registers": f"{8 * REGISTER_BYTES} bits",
        "threads": str(threads),
        "peak": f"{best:.0f} GFLOP/s in float32, measured, all threads",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "packages": ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
        "date": datetime.date.today().isoformat(),
    }


def slug(name: str) -> str:
    """Return a name of a file for a processor's name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
