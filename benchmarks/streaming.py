"""Trains on a Parquet set larger than the memory it is allowed: what it takes, and how fast.

``python -m benchmarks.streaming --gigabytes 5 --limit 1GB`` writes files of random numbers, trains
on them in a process of its own, and reads how much memory that had resident at most; then the same
on a tenth of them. ``--speed`` times epochs of a set that fits, read from disk and in memory, in
turn in one process.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.cases import CASES
from chainrule import fit

CASE = CASES["table"]
# Rows of a group, as PyArrow writes them if it is not told otherwise; and groups in a file.
GROUP, GROUPS = 2**20, 4

PROGRAM = """
import json, sys, time
from benchmarks.cases import CASES
from chainrule import Stream, fit

folder, limit, engine = sys.argv[1:]
start = time.perf_counter()
stream = Stream(folder, "y")
opened = time.perf_counter() - start
case = CASES["table"]
history = fit(case.network(), stream, epochs=1, batch_size=case.batch_size, memory_limit=limit,
              validation=0.05, early_stopping=5, random_state=0, verbose=0, engine=engine)
lines = open("/proc/self/status").read().splitlines()
peak = int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
print(json.dumps({"rows": len(stream), "peak": peak, "opened": opened,
                  "seconds": history.seconds[0], "loss": history.loss[0],
                  "val_loss": history.val_loss[0]}))
"""


def rows(m: int, seed: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Return inputs of a normal distribution, and classes that depend on them."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, CASE.sizes[0]), np.float32)
    return X, (X[:, :10].sum(axis=1) > 0).astype(np.int64)


def generate(folder: Path, n_bytes: int) -> int:
    """Write files of at least so many bytes in all, and return how many they have."""
    import pyarrow as pa
    import pyarrow.parquet

    folder.mkdir(parents=True, exist_ok=True)
    written = group = 0
    while written < n_bytes:
        path = folder / f"{group // GROUPS:04}.parquet"
        writer = None
        for _ in range(GROUPS):
            X, y = rows(GROUP, group)
            table = pa.table({f"x{j}": X[:, j] for j in range(X.shape[1])} | {"y": y})
            writer = writer or pyarrow.parquet.ParquetWriter(path, table.schema)
            writer.write_table(table)
            group += 1
            if written + path.stat().st_size >= n_bytes:
                break
        assert writer is not None
        writer.close()
        written += path.stat().st_size
    return written


def train(folder: Path, limit: str, engine: str = "auto") -> dict[str, Any]:
    """Train in a process of its own, and return what it tells of it."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), limit, engine],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def speed(
    folder: Path, repeats: int, limit: str, engine: str = "compiled"
) -> dict[str, dict[str, list[float]]]:
    """Time epochs from disk and in memory in turn; return seconds, and seconds of CPU, of each."""
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(folder)
    X = np.stack([table[f"x{j}"].to_numpy() for j in range(CASE.sizes[0])], axis=1)
    y = table["y"].to_numpy()
    del table
    data: dict[str, tuple[Any, Any, dict[str, Any]]] = {
        "memory": (X, y, {}),
        "stream": (str(folder), "y", {"memory_limit": limit}),
    }
    times: dict[str, dict[str, list[float]]] = {name: {"s": [], "CPU": []} for name in data}
    for repeat in range(repeats + 1):  # the first warms
        for name in list(data)[:: 1 if repeat % 2 else -1]:
            given, targets, keywords = data[name]
            begun = time.process_time()
            history = fit(
                CASE.network(),
                given,
                targets,
                epochs=1,
                batch_size=CASE.batch_size,
                random_state=0,
                engine=engine,
                verbose=0,
                **keywords,
            )
            if repeat:
                times[name]["s"].append(history.seconds[0])
                times[name]["CPU"].append(time.process_time() - begun)
    return times


def main() -> None:
    """Write, train, and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--gigabytes", type=float, default=5.0)
    parser.add_argument("--limit", default="1GB")
    parser.add_argument("--speed", type=int, metavar="REPEATS", default=0)
    parser.add_argument("--folder", help="where to write the files; by default a temporary folder")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        if options.speed:
            generate(Path(name) / "data", 450 * 10**6)
            found = speed(Path(name) / "data", options.speed, "500MB")
            for what, taken in (("median", statistics.median), ("least", min)):
                for kind in ("s", "CPU"):
                    stream, memory = (taken(found[name][kind]) for name in ("stream", "memory"))
                    print(
                        f"{what} {kind}: {stream:.2f} from disk, {memory:.2f} in memory, "
                        f"{stream / memory:.2f} times as long"
                    )
            print(f"load {os.getloadavg()[0]:.1f}")
            return
        for share in (0.1, 1.0):
            folder = Path(name) / f"{share}"
            start = time.perf_counter()
            written = generate(folder, int(share * options.gigabytes * 1e9))
            print(f"{written / 1e9:.2f} GB written in {time.perf_counter() - start:.0f} s")
            told = train(folder, options.limit)
            print(
                f"{told['rows']:,} rows, limit {options.limit}: peak {told['peak'] / 1e6:.0f} MB "
                f"resident; opened in {told['opened']:.0f} s, an epoch in {told['seconds']:.0f} s, "
                f"{told['rows'] / told['seconds']:,.0f} rows/s; loss {told['loss']:.4f}, "
                f"validation {told['val_loss']:.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
