"""Streams of tables: any file and folder, columns by name, and what is wrong with its place."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.feather
import pyarrow.parquet
import pytest

from chainrule import Network, Stream, StreamError, fit
from tests.streams import numbers, table, write

X = numbers(400, 3)
Y = (X[:, 0] > 0).astype(int)
NETWORK = Network([3, 1], random_state=0)


def inputs(stream: Stream, network: Network = NETWORK) -> Any:
    """Return all inputs of a stream."""
    return np.concatenate(list(stream.part(network).inputs()))


def test_files_of_each_kind_hold_the_same(tmp_path: Path) -> None:
    """Parquet; Arrow, packed or not; by their first bytes, whatever they are called."""
    rows = table(X, Y)
    write(tmp_path / "a.parquet", rows, group=70)
    pyarrow.feather.write_feather(rows, tmp_path / "b.feather", chunksize=70)
    with pa.ipc.new_file(str(tmp_path / "c.data"), rows.schema) as writer:
        writer.write_table(rows, max_chunksize=70)
    streams = [Stream(tmp_path / name, "y") for name in ("a.parquet", "b.feather", "c.data")]
    for stream in streams:
        assert (stream.columns, len(stream)) == (("a", "b", "c"), 400)
        assert stream.source.rows.tolist() == [70] * 5 + [50]
        np.testing.assert_allclose(inputs(stream), (X - X.mean(axis=0)) / X.std(axis=0))
        assert stream.statistics is not None
        np.testing.assert_allclose(stream.statistics.var, X.var(axis=0))
    whole = Stream(tmp_path, "y", scale=False)
    assert (inputs(whole) == np.concatenate([X, X, X])).all()


def test_words_of_an_arrow_file(tmp_path: Path) -> None:
    """Targets that are words come from Arrow as from Parquet, though their type has no width."""
    rows = table(X, np.where(Y, "yes", "no"))
    pyarrow.feather.write_feather(rows, tmp_path / "t.arrow")
    stream = Stream(tmp_path / "t.arrow", "y")
    assert stream.classes == ("no", "yes")
    targets = np.concatenate([block.Y for block in stream.part(NETWORK).blocks()])
    assert (targets.ravel() == Y).all()


@pytest.mark.parametrize(
    ("name", "column", "target", "why"),
    [("astray.arrow", "b", "a", "Offset"), ("footer.parquet", "flag", "code", "byte array")],
)
def test_files_over_which_pyarrow_would_end_the_process(
    name: str, column: str, target: str, why: str
) -> None:
    """Words that lead elsewhere, and a footer that says how many letters truth values have."""
    path = Path(__file__).parent / "data" / "corpus" / name
    with pytest.raises(StreamError, match=f"{name} can't be read: .*{why}"):
        Stream(path, target, columns=[column]).part(Network([1, 1]))


def test_a_folder_in_parts(tmp_path: Path) -> None:
    """Folders called name=value are columns: numbers as inputs, words as classes."""
    for year in (2023, 2024):
        for kind in ("mouse", "big cat"):
            folder = tmp_path / f"year={year}" / f"kind={kind.replace(' ', '%20')}"
            write(folder / "0.parquet", table(X[:50]))
    write(tmp_path / "_metadata" / "0.parquet", table(X[:3, :1]))
    (tmp_path / ".hidden").write_text("nothing")
    stream = Stream(tmp_path, "kind", scale=False)
    assert stream.columns == ("a", "b", "c", "year")
    assert stream.classes == ("big cat", "mouse")
    network = Network([4, 1])
    assert inputs(stream, network)[:, 3].tolist() == [2023] * 100 + [2024] * 100
    targets = np.concatenate([block.Y for block in stream.part(network).blocks()])
    assert targets.ravel().tolist() == ([0] * 50 + [1] * 50) * 2
    dataset = pyarrow.dataset.dataset(
        tmp_path, format="parquet", partitioning="hive", exclude_invalid_files=True
    )
    given = Stream(dataset, "kind", scale=False)
    assert given.columns == stream.columns
    assert (inputs(given, network) == inputs(stream, network)).all()


def test_every_type_of_number_and_truth_values(tmp_path: Path) -> None:
    """Integers, floats, decimals, truth values, encoded numbers: as float64."""
    whole = np.arange(100)
    columns = {
        "byte": pa.array(whole, pa.uint8()),
        "long": pa.array(whole - 50, pa.int64()),
        "half": pa.array((whole / 4).astype(np.float16)),
        "single": pa.array(whole / 8, pa.float32()),
        "decimal": pa.array(whole, pa.int64()).cast(pa.decimal128(25, 2)),
        "truth": pa.array(whole % 2 == 0),
        "encoded": pa.array(whole / 3).dictionary_encode(),
    }
    path = write(tmp_path / "x.parquet", pa.table(columns | {"y": whole}))
    stream = Stream(path, "y", scale=False)
    expected = [whole, whole - 50, whole / 4, whole / 8, whole, whole % 2 == 0, whole / 3]
    np.testing.assert_allclose(inputs(stream, Network([7, 1])), np.transpose(expected), rtol=1e-15)
    assert np.isfinite(inputs(Stream(path, "y"), Network([7, 1], dtype=np.float32))).all()


def test_single_precision_keeps_its_digits(tmp_path: Path) -> None:
    """Of columns far from zero, whatever their type and the network's."""
    far = X + 1e5
    for kind, dtype in ((np.float64, np.float32), (np.float32, np.float64)):
        path = write(tmp_path / "x.parquet", table(far.astype(kind), Y))
        seen = inputs(Stream(path, "y"), Network([3, 1], dtype=dtype))
        rows = far.astype(kind).astype(np.float64)
        expected = (rows - rows.mean(axis=0)) / rows.std(axis=0)
        np.testing.assert_allclose(seen, expected, rtol=1e-6, atol=1e-6)


def test_huge_and_tiny_numbers_are_scaled_before_they_are_rounded(tmp_path: Path) -> None:
    """Those that single precision does not know are numbers like any after it."""
    path = write(tmp_path / "x.parquet", table(X * [1e120, 1.0, 1e-100], Y))
    seen = inputs(Stream(path, "y"), Network([3, 1], dtype=np.float32))
    np.testing.assert_allclose(seen, (X - X.mean(axis=0)) / X.std(axis=0), rtol=1e-5, atol=1e-5)
    with pytest.raises(StreamError, match="got inf in"):
        inputs(Stream(path, "y", scale=False), Network([3, 1], dtype=np.float32))


@pytest.mark.parametrize("encoded", [False, True])
def test_words_are_classes(tmp_path: Path, encoded: bool) -> None:
    """Numbered in their order; predicted as words; others than those known are refused."""
    words = np.array(["mouse", "cat", "dog"])[np.digitize(X[:, 0], [-0.05, 0.05])]
    column = pa.array(words).dictionary_encode() if encoded else pa.array(words)
    path = write(tmp_path / "x.parquet", table(X, column))
    stream = Stream(path, "y")
    assert stream.classes == ("cat", "dog", "mouse")
    network = Network([3, 16, 3], random_state=0)
    history = fit(network, stream, epochs=60, learning_rate=0.02, random_state=0, verbose=0)
    assert history.loss[-1] < 0.25
    new = stream.like(write(tmp_path / "new.parquet", table(X)))
    assert np.mean(np.concatenate(list(new.predict(network))) == words) > 0.9
    words[350] = "bird"
    other = stream.like(write(tmp_path / "new.parquet", table(X, words)), "y")
    with pytest.raises(StreamError, match=r"row group 3, row 0: the target 'bird' is none"):
        other.loss(network)
    with pytest.raises(ValueError, match="must have 3 outputs, got 2"):
        fit(Network([3, 2]), stream)
    with pytest.raises(ValueError, match="loss 'mean_squared_error' wants numbers"):
        fit(Network([3, 3], loss="mean_squared_error"), stream)


def test_truth_values_and_several_targets(tmp_path: Path) -> None:
    """Truth values are the classes false and true; several columns are a target each."""
    path = write(tmp_path / "x.parquet", table(X, Y == 1, z=X[:, 1], w=X[:, 2]))
    stream = Stream(path, "y", columns=["a"])
    assert stream.classes == ("false", "true")
    network = Network([1, 1], random_state=0)
    fit(network, stream, epochs=20, learning_rate=0.1, random_state=0, verbose=0)
    found = np.concatenate(list(stream.predict(network)))
    assert np.mean((found == "true") == (Y == 1)) > 0.9
    both = Stream(path, ["z", "w"], columns=["a"], scale=False)
    network = Network([1, 2], loss="mean_squared_error", random_state=0)
    assert both.loss(network) == pytest.approx(network.loss(X[:, :1], X[:, 1:]))


def test_missing_numbers(tmp_path: Path) -> None:
    """An error with its place, or the mean of those that are there; infinite is always an error."""
    broken = X.copy()
    broken[250, 1] = np.nan
    rows = table(broken, Y).set_column(0, "a", pa.array([None, *X[1:, 0]]))
    path = write(tmp_path / "x.parquet", rows)
    with pytest.raises(StreamError, match=r"x\.parquet, row group 0, row 0, column 'a'"):
        Stream(path, "y")
    with pytest.raises(StreamError, match=r"x\.parquet, row group 0, row 0, column 'a'"):
        fit(Network([3, 1]), path, "y", verbose=0)
    stream = Stream(path, "y", scale=False, missing="mean")
    seen = inputs(stream)
    assert seen[0, 0] == pytest.approx(X[1:, 0].mean())
    assert seen[250, 1] == pytest.approx(np.delete(X[:, 1], 250).mean())
    assert inputs(Stream(path, "y", missing="mean"))[250, 1] == 0
    broken[300, 2] = -np.inf
    write(tmp_path / "x.parquet", table(broken, Y))
    with pytest.raises(StreamError, match=r"got -inf in .*row group 3, row 0, column 'c'"):
        Stream(path, "y", missing="mean")


@pytest.mark.parametrize(
    "target", [pa.array([0.0, None] * 200), pa.array(["u", None, "v", "u"] * 100)]
)
def test_missing_targets_are_refused(tmp_path: Path, target: Any) -> None:
    """Numbers and words."""
    path = write(tmp_path / "x.parquet", table(X, target))
    with pytest.raises(StreamError, match=r"row group 0, row 0: (the target is missing|y must be)"):
        Stream(path, "y").loss(Network([3, 1] if target.type == pa.float64() else [3, 2]))


def test_a_target_out_of_range_is_named(tmp_path: Path) -> None:
    """With the rows that it is among."""
    path = write(tmp_path / "x.parquet", table(X, np.where(np.arange(400) == 320, 2, Y)))
    with pytest.raises(StreamError, match=r"in the 100 rows from .*row group 3, row 0: y must be"):
        fit(Network([3, 1]), path, "y", verbose=0)


def test_broken_and_unfitting_files_are_named(tmp_path: Path) -> None:
    """Empty, cut off, of another kind; without the column, or with another type in it."""
    good = write(tmp_path / "0.parquet", table(X, Y))
    bad = tmp_path / "1.parquet"

    def refused(said: str, **keywords: Any) -> None:
        with pytest.raises(StreamError, match=said):
            Stream(tmp_path, "y", **keywords)

    bad.write_bytes(b"")
    refused(r"1\.parquet is empty")
    bad.write_bytes(b"a,b,c,y\n1,2,3,0\n")
    refused(r"1\.parquet is no file of Parquet or Arrow")
    bad.write_bytes(good.read_bytes()[:-20])
    refused(r"1\.parquet can't be read")
    write(bad, table(X[:, :2], Y))
    refused(r"1\.parquet must have a column 'c', got 'a', 'b', 'y'")
    assert len(Stream(tmp_path, "y", columns=["b", "a"])) == 800
    write(bad, table(X))
    refused(r"1\.parquet must have a column 'y'")
    write(bad, table(X, Y).set_column(1, "b", pa.array(["word"] * 400)))
    refused(r"column 'b' must hold the same in all files: it holds words in .*1\.parquet")
    write(bad, table(X, pa.array(["word"] * 400)))
    refused("column 'y' must hold the same in all files")
    write(bad, table(X.astype(np.float32), Y.astype(float), new=["x"] * 400))
    assert len(Stream(tmp_path, "y")) == 800  # another type of number, and a column more
    write(bad, table(X[:0], Y[:0]))
    assert len(Stream(tmp_path, "y")) == 400  # no rows
    good.unlink()
    refused("holds no rows")
    bad.unlink()
    refused("holds no files")


def test_columns_that_no_network_takes(tmp_path: Path) -> None:
    """Words, dates and lists as inputs say so; leaving them out helps."""
    days = pa.array(np.arange(400), pa.timestamp("s"))
    for column, what in ((["w"] * 400, "words"), (days, "timestamp"), ([[1]] * 400, "list")):
        path = write(tmp_path / "x.parquet", table(X, Y, other=column))
        with pytest.raises(StreamError, match=f"column 'other' of .* must hold numbers.*{what}"):
            Stream(path, "y")
        assert len(Stream(path, "y", columns=["a", "b"])) == 400
    path = write(tmp_path / "x.parquet", table(X, Y, gone=pa.nulls(400)))
    with pytest.raises(StreamError, match="column 'gone' holds no number at all"):
        Stream(path, "y", missing="mean")


def test_names_that_are_none(tmp_path: Path) -> None:
    """Arguments that don't name columns or files."""
    path = write(tmp_path / "x.parquet", table(X, Y))
    wrong: list[Any] = [
        ("columns must be a list of names", (path, "y"), {"columns": "a"}),
        ("columns must be names", (path, "y"), {"columns": [0]}),
        ("columns must be different", (path, "y"), {"columns": ["a", "a"]}),
        ("target must be a list of names", (path, 5), {}),
        ("must have a column 'z'", (path, "z"), {}),
        ("must have a column 'w'", (path, "y"), {"sample_weight": "w"}),
        ("sample_weight must be the name", (path, "y"), {"sample_weight": Y}),
        ("is not there", (tmp_path / "nothing", "y"), {}),
        ("a stream must be a path", (5, "y"), {}),
        ("missing must be one of", (path, "y"), {"missing": "median"}),
        ("scale must be True or False", (path, "y"), {"scale": "yes"}),
        ("columns are for tables", (X, Y), {"columns": ["a"]}),
    ]
    for said, given, keywords in wrong:
        with pytest.raises((ValueError, TypeError), match=said):
            Stream(*given, **keywords)


def test_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named."""
    path = write(tmp_path / "x.parquet", table(X, Y))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"chainrule\[tables\]"):
        Stream(path, "y")


def test_a_large_row_group_is_read_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes a few pages of each column, not all of it."""
    monkeypatch.setattr("chainrule.streaming.source.BLOCK_ROWS", 50)
    path = write(tmp_path / "x.parquet", table(X, Y), group=400)
    stream = Stream(path, "y", scale=False)
    parts = list(stream.part(NETWORK).inputs())
    assert [len(part) for part in parts] == [50] * 8
    assert (np.concatenate(parts) == X).all()
