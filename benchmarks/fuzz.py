"""Loads model files and checkpoints that were damaged at random: is anything but refused?

``python -m benchmarks.fuzz --files 1000000`` writes small models of every kind, changes each
many times over (bytes, lengths, and entries of the JSON in its header), and loads what comes out. A
file may load, if it is still a model, or be refused by ModelFileError. Anything else is a failure:
another error, a crash of the process, or more memory than the process is allowed. Failures are kept
in a folder. With ``--what tables`` or ``--what commands`` it does so to what `fuzz_tables` and
`fuzz_commands` do.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import random
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from chainrule import Checkpoints, Layer, ModelFileError, Network, fit, load
from chainrule.model_file import read_model
from chainrule.run_state import KIND, AnotherRunError, read_state

# What a process may have beyond what it has when it begins.
MOST_BYTES = 256 * 2**20
# Files that one process loads, so that a crash is found and told from the others.
EACH = 25_000
# Seconds that such a process may take: one that hangs is as bad as one that crashed.
LONGEST = 3600
# What is damaged, and which module loads it.
WHAT = {
    "models": "benchmarks.fuzz",
    "tables": "benchmarks.fuzz_tables",
    "commands": "benchmarks.fuzz_commands",
}
CHECKPOINT = "checkpoint.safetensors"
NASTY: list[Any] = [
    *(None, True, False, 0, -1, 1, 2, 7, 2**31, 2**53, 2**63, 10**38, -(2**63), 0.5, 1e308, -1e308),
    *(
        "",
        "x",
        "W1",
        "\x00",
        "é" * 300,
        [],
        [[]],
        {},
        {"a": 1},
        [0] * 50,
        "F64",
        "F32",
        "I8",
        "tanh",
        "=z*tanh(z)",
        "=log(z)",
    ),
]


def seeds(folder: Path) -> list[Path]:
    """Write a model of every kind, small so that a change hits what matters."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    layers: list[int | Layer] = [
        3,
        Layer(4, "elu", normalization="batch"),
        Layer(3, "gelu", dropout=0.2),
        Layer(2, "=z/(1 + abs(z))"),
        1,
    ]
    network = Network(layers, random_state=0)
    network.save(folder / "network.safetensors")
    Network([2, 3], dtype=np.float32, random_state=0).save(folder / "single.safetensors")
    run = Checkpoints(folder / "run", every_epochs=1, keep=1)
    arguments: dict[str, Any] = {"epochs": 3, "random_state": 0, "early_stopping": 2, "verbose": 0}
    fit(network, X, X[:, 0] > 0, checkpoint=run, **arguments)
    run.files()[0].rename(folder / CHECKPOINT)
    with contextlib.suppress(ImportError):  # without pandas, the models for tables are left out
        import pandas as pd

        from chainrule import TabularClassifier, TabularRegressor

        table = pd.DataFrame({"a": X[:, 0], "b": rng.choice(["u", "v", "w"], 40), "c": X[:, 1] > 0})
        table["d"] = pd.date_range("2026-01-01", periods=40)
        arguments = {"n_members": 2, "random_state": 0, "max_iter": 2, "hidden_layer_sizes": (3,)}
        TabularClassifier(**arguments).fit(table, table["b"]).save(
            folder / "classifier.safetensors"
        )
        TabularRegressor(**arguments).fit(table, X[:, 2]).save(folder / "regressor.safetensors")
    return sorted(folder.glob("*.safetensors"))


def loader_of(folder: Path) -> Callable[[Path], Any]:
    """Return what reads a checkpoint of the run that `seeds` has saved."""
    path = folder / CHECKPOINT
    with read_model(path, kinds=[KIND]) as file:
        settings = file.description["settings"]
        names = [name for name in file.arrays.known if "." not in name and name != "costs"]
        shapes = {name: file.arrays.known[name].shape for name in names}
    return lambda damaged: read_state(damaged, settings, shapes, np.float64)


# ---------------------------------------------------------------------------------------------
# What may happen to a file


def change_bytes(data: bytes, chance: random.Random) -> bytes:
    """Set some bytes, more often in the header than in the numbers."""
    changed = bytearray(data)
    header = 8 + int.from_bytes(data[:8], "little")
    for _ in range(chance.choice([1, 1, 2, 5, 30])):
        end = min(header, len(data)) if chance.random() < 0.7 else len(data)
        changed[chance.randrange(end)] = chance.randrange(256)
    return bytes(changed)


def change_length(data: bytes, chance: random.Random) -> bytes:
    """Cut, repeat or leave out a part, or change the length that the file gives its header."""
    at, n = chance.randrange(len(data)), chance.choice([1, 8, 100, len(data)])
    what = chance.randrange(4)
    if what == 0:
        return data[:at]
    if what == 1:
        return data[:at] + data[at : at + n] + data[at:]
    if what == 2:
        return data[:at] + data[at + n :]
    length = chance.choice([0, 1, 2**20, 2**31, 2**63, chance.randrange(len(data))])
    return length.to_bytes(8, "little") + data[8:]


def change_numbers(data: bytes, chance: random.Random) -> bytes:
    """Make some of the stored numbers infinite, NaN, huge or denormal."""
    start = 8 + int.from_bytes(data[:8], "little")
    if len(data) - start < 8:
        return data
    changed = bytearray(data)
    for _ in range(chance.choice([1, 2, 10])):
        at = chance.randrange(start, len(data) - 7)
        value = chance.choice([np.nan, np.inf, -np.inf, 1e308, 5e-324, -0.0])
        changed[at : at + 8] = np.float64(value).tobytes()
    return bytes(changed)


def change_entries(data: bytes, chance: random.Random) -> bytes:
    """Change, leave out or exchange entries of the header, or of the description in it."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    for _ in range(chance.choice([1, 1, 2, 4])):
        if chance.random() < 0.7 and "chainrule" in header.get("__metadata__", {}):
            described = json.loads(header["__metadata__"]["chainrule"])
            described = change_tree(described, chance)
            header["__metadata__"]["chainrule"] = json.dumps(described)
        else:
            header = change_tree(header, chance)
            if not isinstance(header, dict):
                break
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def change_tree(tree: Any, chance: random.Random) -> Any:
    """Change one place of a JSON value, which is not changed itself."""
    tree = json.loads(json.dumps(tree))
    places: list[tuple[Any, Any]] = []
    to_see = [tree]
    while to_see:
        node = to_see.pop()
        keys = node.keys() if isinstance(node, dict) else range(len(node))
        for key in keys:
            places.append((node, key))
            if isinstance(node[key], (dict, list)):
                to_see.append(node[key])
    if not places:
        return chance.choice(NASTY)
    node, key = chance.choice(places)
    what = chance.random()
    if what < 0.6:
        node[key] = near(node[key], chance) if chance.random() < 0.4 else chance.choice(NASTY)
    elif what < 0.75:
        del node[key]
    elif what < 0.9:
        other, at = chance.choice(places)
        with contextlib.suppress(KeyError, IndexError):
            node[key] = json.loads(json.dumps(other[at]))
    elif isinstance(node, dict):
        node[str(chance.choice(NASTY))[:20]] = chance.choice(NASTY)
    else:
        node.insert(key, chance.choice(NASTY))
    return tree


def near(value: Any, chance: random.Random) -> Any:
    """Return a value of the same type that is a little, or much, another."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, (int, float)):
        return chance.choice([value + 1, value - 1, -value, value * 1000, value * 2**40, value / 2])
    if isinstance(value, str):
        return chance.choice([value[:-1], value + "x", value.upper(), value * 100])
    return chance.choice([[value], [], {}])


CHANGES: list[Callable[[bytes, random.Random], bytes]] = [
    change_bytes,
    change_length,
    change_numbers,
    change_entries,
    change_entries,
    change_entries,
]


def changed(data: bytes, chance: random.Random) -> bytes:
    """Return a damaged file."""
    for _ in range(chance.choice([1, 1, 1, 2])):
        with contextlib.suppress(ValueError, TypeError, RecursionError, AttributeError):
            data = chance.choice(CHANGES)(data, chance) or data  # its header may be JSON no more
    return data


# ---------------------------------------------------------------------------------------------
# The process that loads them


def try_files(seed: int, count: int, kept: Path) -> Counter[str]:
    """Load so many damaged files, and count what came of them; failures are written to `kept`."""
    chance, outcomes = random.Random(seed), Counter[str]()
    in_memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=in_memory) as name:
        paths = seeds(Path(name))
        originals = [(path.name, path.read_bytes()) for path in paths]
        loaders = {path.name: load for path in paths} | {CHECKPOINT: loader_of(Path(name))}
        target = Path(name) / "damaged.safetensors"
        limit_memory()
        for number in range(count):
            kind, original = chance.choice(originals)
            data = changed(original, chance)
            target.write_bytes(data)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    loaders[kind](target)
                outcomes["loaded"] += 1
            except (ModelFileError, AnotherRunError):
                outcomes["refused"] += 1
            except Exception as error:
                outcomes["failed"] += 1
                kept.mkdir(parents=True, exist_ok=True)
                (kept / f"{seed}-{number}-{kind}").write_bytes(data)
                print(f"{kind}: {type(error).__name__}: {error}"[:300], file=sys.stderr)
    return outcomes


def limit_memory() -> None:
    """Allow the process no more memory than it has, and the limit."""
    if sys.platform == "linux":
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + MOST_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main() -> None:
    """Read the options, load the files in processes of their own, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", choices=WHAT, default="models")
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kept", type=Path, default=Path("fuzz-failures"))
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        module = importlib.import_module(WHAT[options.what])
        print(json.dumps(module.try_files(options.seed, options.files, options.kept)))
        return
    began, outcomes = time.monotonic(), Counter[str]()
    each = EACH if options.what == "models" else EACH // 10
    for number, start in enumerate(range(0, options.files, each)):
        count = min(each, options.files - start)
        command = [sys.executable, "-m", "benchmarks.fuzz", "--inside", "--files", str(count)]
        command += ["--seed", str(options.seed + number), "--kept", str(options.kept)]
        command += ["--what", options.what]
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=LONGEST)
            outcomes.update(json.loads(done.stdout))
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            outcomes["crashed processes"] += 1
    failed, crashed = outcomes.pop("failed", 0), outcomes.pop("crashed processes", 0)
    parts = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(outcomes.items())[::-1])
    print(
        f"{outcomes.total() + failed:,} damaged {options.what}: {parts}, "
        f"{failed} other errors, {crashed} crashed processes; {time.monotonic() - began:.0f} s"
    )
    sys.exit(bool(failed or crashed))


if __name__ == "__main__":
    main()
