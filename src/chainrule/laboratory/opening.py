"""Files that a person opens: a table, a saved network, a lesson. Nothing in them is run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import _json
from chainrule.laboratory.examples import Table
from chainrule.laboratory.lessons import Lesson, read_lesson
from chainrule.laboratory.settings import SettingError
from chainrule.loading import load
from chainrule.network import Network

# What may be opened, in bytes of the file and of a table in memory; rows and inputs of a table that
# are used; classes that are shown.
LARGEST, LARGEST_TABLE = 32 * 2**20, 5 * 10**8
MOST_ROWS, MOST_INPUTS, MOST_CLASSES = 20_000, 200, 10


def open_file(name: str, data: bytes) -> OpenedTable | Network | Lesson:
    """Return what a file holds, told by its name and first bytes.

    Raises SettingError with a sentence for a person if it can't be used.
    """
    name = Path(str(name).replace("\\", "/")).name[:100] or "file"
    if len(data) > LARGEST:
        raise SettingError(
            "file",
            f"{name} has {len(data) / 2**20:.0f} MB, more than the {LARGEST // 2**20} MB that can "
            f"be opened here",
        )
    try:
        if name.lower().endswith(".json"):
            return read_lesson(_json.parse(data))
        # A file of its own, for readers that want a path
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, _safe(name))
            path.write_bytes(data)
            if name.lower().endswith(".safetensors"):
                return _network(path, name)
            from chainrule.tabular.files import read_file

            return OpenedTable(read_file(path, largest=LARGEST_TABLE), name)
    except SettingError:
        raise
    except (ValueError, TypeError, ImportError, RecursionError, OSError) as error:
        said = str(error).replace(str(tempfile.gettempdir()), "").strip() or type(error).__name__
        raise SettingError("file", f"{name} can't be opened: {_without_folder(said)}") from None


def _safe(name: str) -> str:
    """Return a name with nothing in it that a file system minds, and the same ending."""
    kept = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)
    return kept[-60:].lstrip(".") or "file"


def _without_folder(text: str) -> str:
    """Return a sentence without the folder of the temporary file."""
    return " ".join(Path(w).name if ("/" in w or "\\" in w) else w for w in text.split())


def _network(path: Path, name: str) -> Network:
    model: Any = load(path, max_bytes=LARGEST)
    if not isinstance(model, Network):
        raise SettingError(
            "file", f"{name} holds a {type(model).__name__}; the lab opens files of a Network"
        )
    return model


class OpenedTable:
    """A table from a file, of which any column may be the target."""

    def __init__(self, native: Any, name: str) -> None:
        from chainrule.tabular.tables import read_table

        self.name = name
        self.n_rows = native.num_rows
        if self.n_rows > MOST_ROWS:
            rows = np.sort(np.random.RandomState(0).permutation(self.n_rows)[:MOST_ROWS])
            native = native.take(rows)
        self.native = native
        self.columns = list(read_table(native).columns)

    def examples(self, target: str | None) -> Table:
        """Return the examples with this target, by default the last column.

        Rows without a target are left out; columns become inputs as in a `TabularClassifier`.
        Raises SettingError if nothing can be learned.
        """
        from chainrule.tabular.files import has_value
        from chainrule.tabular.preprocessing import Preprocessing
        from chainrule.tabular.tables import read_table, read_target

        target = target if target in self.columns else self.columns[-1]
        if len(self.columns) < 2:
            raise SettingError("file", f"{self.name} has one column: it needs inputs and a target")
        try:
            native = self.native.filter(has_value(self.native[target]))
            if native.num_rows < 2:
                raise ValueError(f"column {target!r} has fewer than two values")
            y, _ = read_target(native[target], native.num_rows)
            y, class_names = as_target(y)
            table = read_table(native.drop_columns([target]))
            preprocessing = Preprocessing("robust", MOST_INPUTS).fit(table)
            X = preprocessing.transform(table, np.float64)
            X = X.toarray() if hasattr(X, "toarray") else X
        except (ValueError, TypeError) as error:
            raise SettingError("target", str(error)[:400]) from None
        if X.shape[1] > MOST_INPUTS:
            raise SettingError(
                "file", f"{self.name} becomes {X.shape[1]:,} inputs; the lab shows {MOST_INPUTS}"
            )
        notes = []
        if self.n_rows > MOST_ROWS:
            notes.append(f"{self.n_rows:,} rows, of which {MOST_ROWS:,} are used.")
        dropped = [role.name for role in preprocessing.of("dropped")]
        if dropped:
            notes.append(f"Left out: {', '.join(dropped)[:200]}.")
        return Table(
            np.ascontiguousarray(X),
            y,
            preprocessing.input_names(),
            class_names,
            self.columns,
            target,
            " ".join(notes),
            self.name,
        )


def as_target(y: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float64], list[str]]:
    """Return a target as class numbers and their names, or as scaled values and no names.

    Words are classes, and so are numbers of which there are at most ten different whole ones.
    Values are brought to mean 0 and deviation 1.
    """
    values = np.unique(y)
    words = y.dtype.kind in "OUSb"
    if words and len(values) > MOST_CLASSES:
        raise ValueError(f"the target has {len(values)} classes, more than {MOST_CLASSES}")
    if len(values) < 2:
        raise ValueError(f"the target has one value only: {values[0]!r}")
    whole = not words and bool((values == np.round(values)).all())
    if words or (whole and len(values) <= MOST_CLASSES):
        names = [f"{v:g}" if not words else str(v) for v in values.tolist()]
        return np.searchsorted(values, y).astype(np.float64), names
    spread = float(y.std()) or 1.0
    return (y.astype(np.float64) - float(y.mean())) / spread, []
