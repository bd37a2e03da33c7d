"""A clean Python process, for what a test can't do inside its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def run_python(
    code: str,
    *arguments: str,
    flags: tuple[str, ...] = (),
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter, with UTF-8 whatever the machine's habit."""
    return subprocess.run(
        [sys.executable, "-X", "utf8", *flags, "-c", code, *arguments],
        cwd=cwd,
        env=dict(os.environ) if env is None else env,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
