"""Reads damaged files of tables, and learns and predicts from what can be read of them.

A file of CSV, packed or not, Parquet or Arrow is changed at random, in its bytes, its words, its
length or its footer. `read_file` may return a table or raise TableFileError, and a stream of it may
give rows or raise StreamError; what is made of a table may be predictions, or a ValueError or
TypeError that says why not. All else is a failure: another error, a crash, more memory than is
allowed, more time than a file may take.
"""

from __future__ import annotations

import contextlib
import gzip
import itertools
import random
import signal
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz import limit_memory
from chainrule import DivergenceError
from chainrule.streaming.source import StreamError
from chainrule.streaming.tables import TableSource
from chainrule.tabular import TabularClassifier, TabularRegressor, files

# Seconds that a file may take, bytes that a table may have in memory here, and those of a file.
MOST_SECONDS, LARGEST, LARGEST_FILE = 20, 32 * 2**20, 2**22
# Pieces of a stream, and batches of each, that are read.
MOST_PIECES = 20
# The files of `odd_columns`.
ODD = ("odd.parquet", "odd.arrow")
# Of so many files that could be read one is learned from.
ONE_OF = 20

WORDS = [
    *("", "NA", "nan", "-", "?", "inf", "-inf", "1e999", "-1e999", "5e-324", "1e308", "0", "-0"),
    *("9" * 400, "1" * 30, str(2**63), str(2**64), "-9223372036854775808", "007", "1,5", "1.5.2"),
    *("true", "False", "2026-01-01", "9999-12-31T23:59:59", "0000-00-00", "2026-13-45", "12:30"),
    *("é" * 50, "\u2028", "\x1c", "\x00", '"', '""', '"open', "a\nb", "\r", "a;b|c\td", "x" * 9000),
    *(" missing", " other", "=1+1", "\ufeff", "𝟙", "٣", "½"),
]


def make_table(m: int = 60) -> Any:
    """Return a table with columns of every kind that is read."""
    import pyarrow as pa

    rng = np.random.default_rng(0)
    number, kind = rng.normal(size=m), rng.choice(["cat", "dog", "eel"], m)
    return pa.table(
        {
            "number": pa.array([None if i % 9 == 0 else float(x) for i, x in enumerate(number)]),
            "whole": pa.array(rng.integers(0, 9, m)),
            "word": pa.array([None if i % 7 == 0 else str(k) for i, k in enumerate(kind)]),
            "name": pa.array([f"n{i % 50}" for i in range(m)]),
            "day": pa.array(np.datetime64("2026-01-01", "us") + np.arange(m) * 86_400_000_000),
            "flag": pa.array(number > 0),
            "code": pa.array(kind.tolist()).dictionary_encode(),
            "target": pa.array(np.where(kind == "cat", "yes", "no").tolist()),
        }
    )


def odd_columns(m: int) -> Any:
    """Return a table of columns of seldom types, some of which can't be learned from."""
    import pyarrow as pa

    number, words = np.arange(m), [f"word {i % 3}" for i in range(m)]
    columns = {
        "decimal": pa.array([Decimal(i) / 8 for i in range(m)]),
        "half": pa.array(number.astype(np.float16)),
        "time": pa.array(number.astype(np.int32), pa.time32("s")),
        "long": pa.array(number, pa.duration("us")),
        "date": pa.array(number.astype(np.int32), pa.date32()),
        "zone": pa.array(number, pa.timestamp("s", "Europe/Berlin")),
        "large": pa.array(words, pa.large_string()),
        "view": pa.array(words, pa.string_view()),
        "unsigned": pa.array([2**64 - 1 - i for i in range(m)], pa.uint64()),
        "nothing": pa.nulls(m),
        "target": pa.array(words).dictionary_encode(),
        "bytes": pa.array([b"ab"] * m),
        "list": pa.array([[i] for i in range(m)]),
        "parts": pa.array([{"a": i} for i in range(m)]),
    }
    return pa.table(columns)


def seeds(folder: Path) -> list[Path]:
    """Write the table in every form that is read."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.feather
    import pyarrow.parquet

    table = make_table()
    plain = table.set_column(6, "code", table["code"].cast(pa.string()))
    for name, separator in (("comma.csv", ","), ("semicolon.csv", ";"), ("tab.tsv", "\t")):
        options = pyarrow.csv.WriteOptions(delimiter=separator)
        pyarrow.csv.write_csv(plain, folder / name, options)
    (folder / "packed.csv.gz").write_bytes(gzip.compress((folder / "comma.csv").read_bytes()))
    pyarrow.parquet.write_table(table, folder / "snappy.parquet", row_group_size=25)
    options = {"compression": "zstd", "use_dictionary": False, "data_page_version": "2.0"}
    pyarrow.parquet.write_table(plain, folder / "zstd.parquet", **options)
    pyarrow.feather.write_feather(table, str(folder / "lz4.arrow"), chunksize=25)
    pyarrow.feather.write_feather(table, str(folder / "plain.arrow"), compression="uncompressed")
    odd = odd_columns(len(table))
    pyarrow.feather.write_feather(odd, str(folder / "odd.arrow"), compression="uncompressed")
    parts = odd.drop_columns(["view", "parts"])
    pyarrow.parquet.write_table(parts, folder / "odd.parquet")
    return sorted(path for path in folder.iterdir() if path.is_file())


def learners() -> list[Callable[[], Any]]:
    """Return what makes models that learn in a moment."""
    arguments: dict[str, Any] = {"n_members": 1, "random_state": 0, "max_iter": 1}
    arguments |= {"hidden_layer_sizes": (3,), "engine": "numpy"}
    return [lambda: TabularClassifier(**arguments), lambda: TabularRegressor(**arguments)]


# ---------------------------------------------------------------------------------------------
# What may happen to a file


def change_bytes(data: bytes, chance: random.Random) -> bytes:
    """Set some bytes, more often at either end, where the headers and footers are."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 5, 30])):
        near = chance.randrange(min(len(data), chance.choice([64, 1024, len(data)])))
        at = near if chance.random() < 0.5 else len(data) - 1 - near
        changed[at] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
    return bytes(changed)


def change_numbers(data: bytes, chance: random.Random) -> bytes:
    """Write a huge or negative number of 4 or 8 bytes, as those of a length or an offset are."""
    width = chance.choice([4, 8])
    value = chance.choice([-1, 2**31 - 1, 2**20, -(2**31), 10**9, chance.randrange(10**4)])
    at = 4 * chance.randrange(max(1, len(data) // 4))
    at = at if chance.random() < 0.5 else chance.randrange(len(data))
    return data[:at] + value.to_bytes(width, "little", signed=True) + data[at + width :]


def change_length(data: bytes, chance: random.Random) -> bytes:
    """Cut, repeat or leave out a part."""
    at, n = chance.randrange(len(data)), chance.choice([1, 8, 100, len(data)])
    what = chance.randrange(3)
    if what == 0:
        return data[:at]
    if what == 1:
        part = data[at : at + n]
        times = min(chance.choice([2, 2, 200]), LARGEST_FILE // len(part))
        return data[:at] + part * times + data[at:]
    return data[:at] + data[at + n :]


def change_words(data: bytes, chance: random.Random) -> bytes:
    """Exchange words of a text, in one place or in a whole column, or the separator."""
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    separator = max(",;\t", key=lines[0].count)
    if chance.random() < 0.1:
        lines = [line.replace(separator, chance.choice(",;\t| ")) for line in lines]
    word, column = chance.choice(WORDS), chance.randrange(9)
    whole = chance.random() < 0.4
    for at in range(len(lines)) if whole else [chance.randrange(len(lines))]:
        words = lines[at].split(separator)
        if column < len(words) and (at or not whole):
            words[column] = word
        lines[at] = separator.join(words)
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def changed(name: str, data: bytes, chance: random.Random) -> bytes:
    """Return a damaged file; one that is packed is often damaged inside."""
    if name.endswith(".gz") and chance.random() < 0.7:
        return gzip.compress(changed(name[:-3], gzip.decompress(data), chance), 1)
    kinds = [change_bytes, change_length, change_numbers]
    kinds = [change_words] * 4 + kinds if name.endswith(("csv", "tsv")) else kinds
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        data = (chance.choice(kinds)(data, chance) or data)[:LARGEST_FILE]
    return data


# ---------------------------------------------------------------------------------------------
# The process that reads them


class TooLongError(Exception):
    """Raised when a file has taken more time than it may."""


@contextlib.contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Raise TooLongError in a block that takes more time of processors; on Windows, never."""
    if not hasattr(signal, "SIGPROF"):
        yield
        return

    def ring(*_: object) -> None:
        raise TooLongError(f"more than {seconds} s")

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def stream(path: Path) -> None:
    """Read a file as a stream does, with numbers as inputs, or have it refused."""
    names = ["decimal", "half", "unsigned"] if path.name.endswith(ODD) else ["number", "whole"]
    with contextlib.suppress(StreamError):
        source = TableSource(str(path), "target", names, None)
        for piece in range(min(len(source.rows), MOST_PIECES)):
            for _ in itertools.islice(source.read(piece), MOST_PIECES):
                pass


def use(path: Path, models: list[Any], learn: Callable[[], Any] | None) -> str:
    """Read a file, predict and perhaps learn from it, and return what came of it."""
    if path.suffix in (".parquet", ".arrow"):
        stream(path)
    try:
        table = files.read_file(path)
    except files.TableFileError:
        return "refused"
    outcome = "read"
    for model in models:
        try:
            model.predict(table)
            outcome = "used"
        except (ValueError, TypeError):
            pass
    if learn is not None and "target" in table.column_names:
        with contextlib.suppress(ValueError, TypeError, DivergenceError):
            learn().fit(table.drop_columns(["target"]), table["target"]).predict(table)
    return outcome


def try_files(seed: int, count: int, kept: Path) -> Counter[str]:
    """Use so many damaged files, and count what came of them; failures are written to `kept`."""
    chance, outcomes = random.Random(seed), Counter[str]()
    files.LARGEST = LARGEST
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        originals = [(path.name, path.read_bytes()) for path in seeds(Path(folder))]
    table = make_table()
    X, learn = table.drop_columns(["target"]), learners()
    models = [learn[0]().fit(X, table["target"]), learn[1]().fit(X, table["whole"])]
    limit_memory()
    for number in range(count):
        name, original = chance.choice(originals)
        data = changed(name, original, chance)
        # What stays there is what ended the process
        running = kept / f"{seed}-{number}-{name}"
        running.write_bytes(data)
        learner = chance.choice(learn) if chance.randrange(ONE_OF) == 0 else None
        try:
            with warnings.catch_warnings(), at_most(MOST_SECONDS):
                warnings.simplefilter("ignore")
                outcomes[use(running, models, learner)] += 1
        except Exception as error:
            outcomes["failed"] += 1
            print(f"{running.name}: {type(error).__name__}: {error}"[:300], file=sys.stderr)
            continue
        running.unlink()
    return outcomes
