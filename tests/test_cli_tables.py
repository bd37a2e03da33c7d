"""Tables on the command line: trained on, predicted, evaluated, described; bad files refused."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.feather
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from chainrule.cli.app import app
from chainrule.tabular import files
from tests.processes import run_python

M = 160
QUICK = ("--epochs", "12", "--members", "1")


def make_table() -> pl.DataFrame:
    """A table from whose columns the class and the amount follow."""
    rng = np.random.default_rng(3)
    size, kind = rng.normal(10, 3, M), rng.choice(["cat", "dog", "eel"], M)
    amount = 2 * size + 5 * (kind == "dog")
    return pl.DataFrame(
        {
            "size": [None if i % 11 == 0 else round(float(x), 3) for i, x in enumerate(size)],
            "kind": [None if i % 13 == 0 else str(k) for i, k in enumerate(kind)],
            "id": [f"n{i}" for i in range(M)],
            "answer": ["yes" if k == "cat" else "no" for k in kind],
            "amount": amount.round(3).tolist(),
        }
    )


TABLE = make_table()


def run(*arguments: object, code: int = 0) -> tuple[str, str]:
    """Run `chainrule` in this process: its output and errors, after a look at the exit code."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == code, (done.output, done.exception)
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder with a table, a model for its answer and one for its amount; the first's report."""
    folder = tmp_path_factory.mktemp("trained")
    TABLE.write_csv(folder / "table.csv")
    arguments = ("--target", "answer", "--drop", "amount", "--out", folder / "answer.safetensors")
    out, _ = run("train", folder / "table.csv", *arguments, *QUICK, "--json")
    arguments = ("--target", "amount", "--drop", "answer", "--out", folder / "amount.safetensors")
    run("train", folder / "table.csv", *arguments, "--epochs", 60, "--members", 2)
    return folder, json.loads(out)


def test_the_report(trained: tuple[Path, dict[str, Any]]) -> None:
    """Rows, columns, metrics beside a baseline, importance, and where everything was saved."""
    folder, report = trained
    assert report["task"] == "classification"
    assert report["rows"] == {"learned from": 128, "tested on": 32}
    assert report["columns"]["id"]["becomes"].startswith("dropped: 100 % of the words occur once")
    assert report["columns"]["kind"]["kind"] == "category"
    assert report["metrics"]["accuracy"] > 0.9 > report["baseline"]["accuracy"]
    assert report["metrics"]["log loss"] < report["baseline"]["log loss"]
    assert next(iter(report["importance"])) == "kind"
    assert set(report["importance"]) == {"kind", "size"}
    saved = [report["model"], *report["pictures"]]
    assert saved == [
        str(folder / name)
        for name in ("answer.safetensors", "answer-errors.png", "answer-training.png")
    ]
    for picture in report["pictures"]:
        assert Path(picture).read_bytes().startswith(b"\x89PNG")


def test_the_report_in_words(tmp_path: Path) -> None:
    """The task is guessed and said why; the same figures in tables; rows without a target go."""
    gaps = pl.when(pl.arange(0, M) < 5).then(None).otherwise(pl.col("answer"))
    TABLE.with_columns(answer=gaps).write_csv(tmp_path / "t.csv")
    arguments = ("--target", "answer", "--out", tmp_path / "m", *QUICK)
    out, err = run("train", tmp_path / "t.csv", *arguments)
    for sentence in (
        "t.csv: 160 rows, 4 columns beside 'answer'",
        "5 rows without a target are left out",
        "task: classification, because the target holds 2 different words; --task says otherwise",
        "rows: 124 to learn from, 31 held back for this report",
        "baseline (majority class)",
        "accuracy falls by, if it is shuffled",
        f"saved: {tmp_path / 'm'}, {tmp_path / 'm-errors.png'}, {tmp_path / 'm-training.png'}",
    ):
        assert sentence in out
    assert "Error" not in err


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_predictions_are_those_of_the_model(
    trained: tuple[Path, dict[str, Any]], tmp_path: Path, ending: str
) -> None:
    """In a file of either kind, row by row, with the probability of each class if asked for."""
    from chainrule import load

    folder, _ = trained
    out = tmp_path / f"p.{ending}"
    model = load(folder / "answer.safetensors")
    run("predict", folder / "answer.safetensors", folder / "table.csv", "--out", out, "--proba")
    found = pl.read_csv(out) if ending == "csv" else pl.read_parquet(out)
    assert found.columns == ["answer", "probability of no", "probability of yes"]
    assert found["answer"].to_list() == model.predict(TABLE).to_list()
    np.testing.assert_allclose(found["probability of yes"], model.predict_proba(TABLE)[:, 1])

    again = ("predict", folder / "answer.safetensors", folder / "table.csv", "--out", out)
    _, err = run(*again, code=2)
    assert "is there already" in err
    run(*again, "--force")
    printed, _ = run("predict", folder / "amount.safetensors", folder / "table.csv")
    assert printed.splitlines()[0] == '"amount"'
    amounts = np.array(printed.splitlines()[1:], dtype=float)
    assert np.corrcoef(amounts, TABLE["amount"])[0, 1] > 0.9


def test_evaluation_and_description(trained: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """On another file, whose target may have another name; as JSON too."""
    folder, _ = trained
    TABLE.rename({"amount": "euros"}).write_parquet(tmp_path / "t.parquet")
    amount = folder / "amount.safetensors"
    out, _ = run("evaluate", amount, tmp_path / "t.parquet", "--target", "euros", "--json")
    facts = json.loads(out)
    assert facts["rows"] == M
    assert facts["metrics"]["R²"] > 0.8 > facts["baseline"]["R²"]
    _, err = run("evaluate", amount, tmp_path / "t.parquet", code=2)
    assert "has no column 'amount' to compare with; give --target" in err
    out, _ = run("evaluate", folder / "answer.safetensors", folder / "table.csv")
    assert "ROC AUC" in out
    out, _ = run("describe", folder / "answer.safetensors")
    assert "kind    words" in out
    assert "target answer: no " in out
    out, _ = run("describe", amount, "--json")
    assert json.loads(out)["target"] == "amount"


SEPARATED = [",", ";", "\t", "|"]


@pytest.mark.parametrize("separator", SEPARATED)
def test_text_is_read_whatever_separates_it(tmp_path: Path, separator: str) -> None:
    """Commas inside words, quotes, missing values and whole numbers are what they were."""
    words = ["x, y", 'say "no"', None]
    frame = pl.DataFrame({"a": [1, 2, None], "b": words, "c": [0.5, None, 2.5]})
    frame.write_csv(tmp_path / "t.txt", separator=separator)
    table = files.read_file(tmp_path / "t.txt")
    assert table.to_pydict() == frame.to_dict(as_series=False)


def test_files_of_every_kind(tmp_path: Path) -> None:
    """Parquet and Arrow by their bytes, whatever the name; text packed; one column alone."""
    arrow = TABLE.to_arrow()
    pyarrow.parquet.write_table(arrow, tmp_path / "a.data")
    pyarrow.feather.write_feather(arrow, str(tmp_path / "b.data"))
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(TABLE.write_csv().encode()))
    (tmp_path / "d.csv").write_bytes(b"\xef\xbb\xbf" + TABLE.write_csv().encode())
    for name in ("a.data", "b.data", "c.csv.gz", "d.csv"):
        read = files.read_file(tmp_path / name)
        assert read.to_pydict() == arrow.to_pydict()
    (tmp_path / "e.csv").write_text("only\n1\n2\n", encoding="utf-8")
    assert files.read_file(tmp_path / "e.csv").to_pydict() == {"only": [1, 2]}


BAD_FILES: list[tuple[bytes, str]] = [
    (b"", "is empty"),
    (b"a,answer\n", "has 2 columns and no rows"),
    (b"a,a,answer\n1,2,yes\n3,4,no\n", "has two columns named 'a'"),
    (b"\x00\x01\x02" * 40, "is no text, nor a file of Parquet or Arrow"),
    (b"PAR1 and then nothing", "can't be read"),
    (b"ARROW1\x00\x00 and then nothing", "can't be read"),
    (b"a,answer\n\xff\xfe\xfa,yes\n" * 9, "is not in UTF-8: byte 9 is 0xff"),
    (b"a,answer\n1,yes\n1,2,3,4,no\n", "can't be read: CSV parse error: Expected 2 columns, got 5"),
    (b"a,other\n1,yes\n2,no\n", "has no column 'answer'; it has a, other"),
    (b"a,answer\n1,\n2,\n", "the target 'answer' has no value in"),
    (b"PK\x03\x04 and then sheets", "looks like an Excel file, or another packed one; save it as"),
    (b'[{"a": 1, "answer": 2}]', "looks like JSON; save it as CSV or Parquet"),
    (b"a,answer\n1,x\n2,y\n3,z\n", "each class of the target occurs once"),
    (b"answer\nyes\nno\n", "has no column to learn from beside the target"),
    (b"a,answer\n1,yes\n2,yes\n3,yes\n", "y must have at least two classes, got one: 'yes'"),
    (b"a,answer\n" + b"1,yes\n1,no\n" * 9, "no column of X can be learned from"),
]


@pytest.mark.parametrize(("content", "message"), BAD_FILES)
def test_bad_files_get_one_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    """On the error output, with exit code 2, and nothing is written."""
    (tmp_path / "t.csv").write_bytes(content)
    out = tmp_path / "m.safetensors"
    _, err = run("train", tmp_path / "t.csv", "--target", "answer", "--out", out, code=2)
    assert message in err
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_a_file_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its size on disk, of which nothing is read; packed Parquet by what it unpacks to."""
    with (tmp_path / "t.csv").open("wb") as file:
        file.truncate(10**10)
    _, err = run("train", tmp_path / "t.csv", "--target", "answer", code=2)
    assert "has 10.0 GB, more than the 4 GB that are read into memory" in err
    pl.DataFrame({"a": np.zeros(10**6)}).write_parquet(tmp_path / "t.parquet")
    monkeypatch.setattr(files, "LARGEST", 10**6)
    with pytest.raises(files.TableFileError, match="unpacks to"):
        files.read_file(tmp_path / "t.parquet")


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    """No file is replaced without --force; a missing folder is said before any training."""
    TABLE.write_csv(tmp_path / "t.csv")
    (tmp_path / "m-errors.png").write_text("mine", encoding="utf-8")
    given = ("train", tmp_path / "t.csv", "--target", "answer", *QUICK, "--out")
    _, err = run(*given, tmp_path / "m.safetensors", code=2)
    assert "m-errors.png is there already; give another --out, or --force" in err
    assert (tmp_path / "m-errors.png").read_text(encoding="utf-8") == "mine"
    _, err = run(*given, tmp_path / "none" / "m.safetensors", code=2)
    assert "there is no folder" in err
    run(*given, tmp_path / "m.safetensors", "--force")
    assert (tmp_path / "m-errors.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--task", "regress", "--task must be one of"),
        ("--hidden", "4,x", "--hidden must be whole numbers"),
        ("--activation", "rel", "did you mean 'relu'?"),
        ("--epochs", "0", "--epochs must be at least 1, got 0"),
        ("--members", "0", "--members must be at least 1, got 0"),
        ("--test", "1", "--test must be in (0, 1), got 1.0"),
        ("--validation", "0", "--validation must be in (0, 1), got 0.0"),
        ("--time-limit", "-1", "--time-limit must be greater than 0"),
        ("--drop", "sise", "--drop: "),
        ("--categorical", "sise", "has no column 'sise'"),
        ("--task", "regression", "y must hold numbers, got 'yes'"),
    ],
)
def test_bad_options(tmp_path: Path, option: str, value: str, message: str) -> None:
    """One sentence that names the option, exit code 2, and nothing is made."""
    TABLE.head(20).with_columns(answer=pl.lit("yes")).write_csv(tmp_path / "t.csv")
    out = tmp_path / "m.safetensors"
    arguments = ("--target", "answer", option, value, "--out", out)
    _, err = run("train", tmp_path / "t.csv", *arguments, code=2)
    assert message in err
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_bad_models_and_tables_at_prediction(
    trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    """Junk in place of a model, a column gone, other types, probabilities of numbers."""
    folder, _ = trained
    table, model = folder / "table.csv", folder / "answer.safetensors"
    (tmp_path / "junk").write_bytes(b"\x80\x04 a pickle, or not")
    _, err = run("predict", tmp_path / "junk", table, code=2)
    assert "junk can't be loaded" in err
    _, err = run("predict", tmp_path / "gone", table, code=2)
    assert "gone can't be loaded: No such file" in err
    _, err = run("predict", model, tmp_path / "gone.csv", code=2)
    assert "gone.csv can't be read: No such file" in err
    TABLE.drop("kind").write_csv(tmp_path / "t.csv")
    _, err = run("predict", model, tmp_path / "t.csv", code=2)
    assert "'kind' is not among size, id" in err
    TABLE.with_columns(size=pl.lit("large")).write_csv(tmp_path / "t.csv")
    _, err = run("predict", model, tmp_path / "t.csv", code=2)
    assert "column 'size' must hold numbers, as in training; got 'large'" in err
    _, err = run("predict", folder / "amount.safetensors", table, "--proba", code=2)
    assert "predicts numbers, which have no probabilities" in err
    TABLE.with_columns(answer=pl.lit("perhaps")).write_csv(tmp_path / "t.csv")
    _, err = run("evaluate", model, tmp_path / "t.csv", code=2)
    assert "the target holds 'perhaps', which is not one of no, yes" in err


def test_a_network_is_no_model_of_a_table(tmp_path: Path) -> None:
    """It is loaded, and refused by its kind."""
    from chainrule import Network

    Network([2, 3, 1]).save(tmp_path / "n.safetensors")
    _, err = run("describe", tmp_path / "n.safetensors", code=2)
    assert "holds a Network, not a model of `chainrule train`" in err


def test_the_same_seed_writes_the_same_predictions(tmp_path: Path) -> None:
    """To the last digit, in processes of their own."""
    TABLE.write_csv(tmp_path / "t.csv")
    main, written = "from chainrule.cli import main; main()", []
    for name in ("a", "b"):
        given = ("train", "t.csv", "--target", "answer", *QUICK, "--seed", "5", "--out", name)
        done = run_python(main, *given, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        done = run_python(main, "predict", name, "t.csv", "--proba", cwd=tmp_path)
        written.append(done.stdout)
    assert written[0] == written[1]
    assert len(written[0].splitlines()) == M + 1


def test_a_missing_extra_is_named(tmp_path: Path) -> None:
    """One sentence with the extra to install, exit code 1."""
    TABLE.write_csv(tmp_path / "t.csv")
    code = "import sys; sys.modules['pyarrow'] = None; from chainrule.cli import main; main()"
    done = run_python(code, "train", "t.csv", "--target", "answer", cwd=tmp_path)
    assert done.returncode == 1
    assert "pip install 'chainrule[tables]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_postal_codes_are_words_whatever_else_is_in_the_file(tmp_path: Path) -> None:
    """Zeros in front are kept, and a row is predicted alike in every file."""
    rng = np.random.default_rng(0)
    codes = rng.choice(["01067", "04109", "10115", "D-10115"], M)
    table = pl.DataFrame({"code": codes, "answer": ["yes" if c[0] == "0" else "no" for c in codes]})
    table.write_csv(tmp_path / "t.csv")
    out = tmp_path / "m.safetensors"
    run("train", tmp_path / "t.csv", "--target", "answer", "--out", out, *QUICK)
    rows = {}
    for name, lines in (("a", "01067"), ("b", "01067\nD-10115"), ("c", "10115")):
        (tmp_path / name).write_text(f"code\n{lines}\n", encoding="utf-8")
        rows[name] = run("predict", out, tmp_path / name, "--proba")[0].splitlines()
    assert rows["a"][1] == rows["b"][1]
    assert rows["a"][1].startswith('"yes"')
    assert rows["c"][1].startswith('"no"')
    read = files.read_file(tmp_path / "a")
    assert read.to_pydict() == {"code": ["01067"]}


def test_decimal_commas_and_packed_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Excel writes them in much of Europe; and what a packed file unpacks to is counted."""
    (tmp_path / "t.csv").write_text("a;b;c\n1,5;x;2\n-0,25;y, z;3\n", encoding="utf-8")
    assert files.read_file(tmp_path / "t.csv").to_pydict() == {
        "a": [1.5, -0.25],
        "b": ["x", "y, z"],
        "c": [2, 3],
    }
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 10**6))
    monkeypatch.setattr(files, "LARGEST", 2 * 10**6)
    with pytest.raises(files.TableFileError, match="unpacks to more than"):
        files.read_file(tmp_path / "t.csv.gz")


def test_nothing_that_is_read_is_written(tmp_path: Path) -> None:
    """Not even by force; nor is a file made whose ending says another kind."""
    TABLE.write_csv(tmp_path / "t.csv")
    table = tmp_path / "t.csv"
    given = ("train", table, "--target", "answer", *QUICK, "--force", "--out")
    _, err = run(*given, table, code=2)
    assert "is read, and can't be written" in err
    assert pl.read_csv(table).equals(pl.read_csv(TABLE.write_csv().encode()))
    _, err = run("predict", table, table, "--out", tmp_path / "p.xlsx", code=2)
    assert "--out must end in .csv or .parquet" in err
    _, err = run("train", table, "--target", "answer", "--drop", "answer", code=2)
    assert "--drop: 'answer' is the target" in err


def test_a_row_number_is_not_learned_from(tmp_path: Path) -> None:
    """Though its rows are split before: sorted by the answer, it would tell everything."""
    rng = np.random.default_rng(0)
    columns = {
        "": np.arange(300),
        "x": rng.normal(size=300),
        "answer": ["no"] * 150 + ["yes"] * 150,
    }
    pl.DataFrame(columns).write_csv(tmp_path / "t.csv")
    out, err = run(
        *("train", tmp_path / "t.csv", "--target", "answer", "--out", tmp_path / "m", "--json"),
        *QUICK,
    )
    assert "Warning: column '' is left out, as it numbers the rows" in err
    assert json.loads(out)["metrics"]["accuracy"] < 0.7
