"""Files that say they are small and are not, and those that lead astray: refused in good time."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from benchmarks.fuzz_tables import make_table, odd_columns
from chainrule.tabular import files
from chainrule.tabular.unpacked import (
    UnpackedError,
    read_arrow,
    size_of,
    unpacked_size,
)
from tests.processes import run_python

ROOT = Path(__file__).parent.parent
CORPUS = Path(__file__).parent / "data" / "corpus"

TOO_LARGE = "unpacks to more than the 4 GB"
KEPT = {
    "astray.arrow": "can't be read: Column 0: In chunk 0: Invalid: Offset",
    "buffer.arrow": TOO_LARGE,
    "columns.csv.gz": "has 1,000,000 columns in a first line of 1,999,999 bytes",
    "footer.parquet": "can't be read: Unencoded byte array",
    "lists.parquet": TOO_LARGE,
    "negative.arrow": "can't be read: ",
    "nulls.arrow": TOO_LARGE,
    "repeated.arrow": TOO_LARGE,
    "repeated.parquet": TOO_LARGE,
    "rows.parquet": TOO_LARGE,
    "structs.parquet": TOO_LARGE,
    "views.arrow": TOO_LARGE,
    "words.parquet": "can't be read: Column 0: In chunk 0: Invalid: Invalid UTF8",
}


def test_what_is_kept_is_refused() -> None:
    """In one process that may have 256 MiB more than it begins with, and in a sentence each."""
    program = """
import sys
from pathlib import Path
from benchmarks.fuzz import limit_memory
from chainrule.tabular import files
import pyarrow.compute, pyarrow.csv, pyarrow.parquet
limit_memory()
for path in sorted(Path(sys.argv[1]).iterdir()):
    if path.is_dir() or path.suffix == ".py": continue
    try: print(path.name, "READ", files.read_file(path).num_rows)
    except files.TableFileError as error: print(str(error).replace(sys.argv[1], "")[1:])
"""
    done = run_python(program, str(CORPUS), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == len(KEPT)
    for line, (name, why) in zip(lines, KEPT.items(), strict=True):
        assert line.startswith(f"{name} {why}")


def test_a_feather_file_of_the_first_version(tmp_path: Path) -> None:
    """PyArrow reads those without a look at them: a damaged one would end the process."""
    (tmp_path / "a.feather").write_bytes(b"FEA1" + bytes(60))
    with pytest.raises(files.TableFileError, match="a Feather file of the first version; save it"):
        files.read_file(tmp_path / "a.feather")


@pytest.mark.parametrize("compression", ["zstd", "lz4", "uncompressed"])
def test_arrow_files_come_back_whole(compression: str, tmp_path: Path) -> None:
    """Of every type, in several batches; words that share their letters become plain ones."""
    path = tmp_path / "t.arrow"
    for table in (make_table(), odd_columns(60)):
        pyarrow.feather.write_feather(table, str(path), compression=compression, chunksize=25)
        read = files.read_file(path)
        assert read.to_pydict() == table.to_pydict()
        assert not any("view" in str(kind) for kind in read.schema.types)
        with pytest.raises(UnpackedError):
            read_arrow(path, 1000)


def test_sizes_are_those_in_memory(tmp_path: Path) -> None:
    """What messages say of their buffers, and what shared words would be, each in its place."""
    table = pa.table({"a": np.arange(5000), "b": pa.array(["word"] * 5000)})
    path = tmp_path / "t.arrow"
    for compression in ("zstd", "uncompressed"):
        pyarrow.feather.write_feather(table, str(path), compression=compression)
        with pa.memory_map(str(path)) as source:
            source.seek(8)
            messages = pa.ipc.MessageReader.open_stream(source)
            said = sum(unpacked_size(bytes(m.metadata), m.body) for m in messages)
        assert table.nbytes <= said <= table.nbytes + 200
    words = pa.array(["a" * 1000, None, "b"] * 50)
    for made in (words, words.dictionary_encode(), words.cast(pa.string_view())):
        assert 50 * 1001 <= size_of(made) < 50 * 1001 + 7000 + made.nbytes
        assert 17 * 1000 <= size_of(made.slice(0, 50)) < 18 * 1000 + 3000 + made.nbytes
    numbers = pa.array([1.5, 2.5] * 500).dictionary_encode()
    assert size_of(numbers) >= 8 * 1000


def test_damaged_messages_are_refused() -> None:
    """Whatever is cut off of one, or set to another number: ValueError, or a size."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    table = pa.table({"a": np.zeros(1000)})
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    *_, batch = pa.ipc.MessageReader.open_stream(sink.getvalue())
    whole = bytes(batch.metadata)
    assert unpacked_size(whole, batch.body) >= 8000
    refused = 0
    for at in range(len(whole)):
        for changed in (whole[:at], whole[:at] + b"\xff" + whole[at + 1 :]):
            try:
                assert unpacked_size(changed, batch.body) >= 0
            except ValueError:
                refused += 1
    assert refused > 100


def test_a_first_line_longer_than_a_block(tmp_path: Path) -> None:
    """Two thousand long names are read; a line without an end, and a million columns, are not."""
    names = [f"{'n' * 600}{i}" for i in range(2000)]
    lines = [",".join(names), *(",".join([str(i)] * 2000) for i in range(3))]
    (tmp_path / "t.csv").write_text("\n".join(lines), encoding="utf-8")
    table = files.read_file(tmp_path / "t.csv")
    assert table.column_names == names
    assert table[names[-1]].to_pylist() == [0, 1, 2]
    with (tmp_path / "t.csv").open("wb") as file:
        for _ in range(40):
            file.write(b"x" * 10**6)
    with pytest.raises(files.TableFileError, match="has 1 columns in a first line of"):
        files.read_file(tmp_path / "t.csv")


@pytest.mark.skipif(sys.platform == "win32", reason="names of columns may be written otherwise")
def test_odd_types_on_the_command_line(tmp_path: Path) -> None:
    """Columns of seldom types are learned from, or refused by name in a sentence."""
    from typer.testing import CliRunner

    from chainrule.cli.app import app

    pyarrow.feather.write_feather(odd_columns(60), str(tmp_path / "t.arrow"))
    given = ["train", str(tmp_path / "t.arrow"), "--target", "target", "--epochs", "1"]
    given += ["--members", "1", "--hidden", "2", "--out", str(tmp_path / "m.safetensors")]
    for name, drop in (("bytes", ""), ("list", "bytes"), ("parts", "bytes,list")):
        done = CliRunner().invoke(app, [*given, "--drop", drop])
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
        assert f"Error: column '{name}' holds" in done.stderr
    done = CliRunner().invoke(app, [*given, "--drop", "bytes,list,parts"])
    assert done.exit_code == 0, done.output
