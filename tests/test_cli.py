"""The command line, as a person runs it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chainrule import __version__
from chainrule.cli import main
from tests.processes import run_python

GOLDEN = (Path(__file__).parent / "golden.txt").read_text(encoding="utf-8")
README = Path(__file__).parent.parent / "README.md"
PICTURES = ["best_boundary", "cost_curve", "decision_boundary", "label_histogram"]


MAIN = "from chainrule.cli import main; main()"


def run(*arguments: str, cwd: Path, code: str = MAIN) -> tuple[int, str, str]:
    """Run `chainrule` with these arguments: exit code, output, errors."""
    done = run_python(code, *arguments, cwd=cwd)
    return done.returncode, done.stdout, done.stderr


def test_lecture(tmp_path: Path) -> None:
    """The golden text first, then the collapse, the table and the pictures in ./lecture/."""
    code, out, err = run("lecture", cwd=tmp_path)
    assert (code, err) == (0, "")
    cost = re.compile(r"(?<=epoch \d: )0\.\d{9,}")
    assert cost.sub("…", out).startswith(cost.sub("…", GOLDEN))
    difference = re.search(r"greatest difference of their outputs: (\S+)", out)
    assert difference is not None
    assert float(difference[1]) < 1e-14
    rows = re.findall(r"│ (.+?) +│ (\S+) +│ +(\d+) │ +(0\.\d{3}) │ +\d\.\d\d │", out)
    assert [row[0] for row in rows] == [
        *("identity", "sigmoid", "tanh", "relu", "elu"),
        "tanh, then softmax",
    ]
    assert {row[1:3] for row in rows[:5]} == {("2-16-16-1", "337")}
    assert max(float(row[3]) for row in rows) >= 0.975
    for name in PICTURES:
        assert (tmp_path / "lecture" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_options_change_the_experiment(tmp_path: Path) -> None:
    """Depth, activation, epochs, rate, batch size, seed and folder."""
    options = "--hidden 4,3 --activation relu --epochs 200 --learning-rate 0.1 --batch-size 64"
    code, out, _ = run("lecture", *options.split(), "--seed", "7", "--out", "a b", cwd=tmp_path)
    assert code == 0
    assert len(re.findall(r"^Cost after epoch \d+: ", out, re.MULTILINE)) == 200
    assert re.search(r"^W3 = \[\[", out, re.MULTILINE)
    accuracy = re.search(r"^Accuracy: (\S+)", out, re.MULTILINE)
    assert accuracy is not None
    assert float(accuracy[1]) > 0.9
    assert sorted(path.stem for path in (tmp_path / "a b").iterdir()) == PICTURES
    assert not (tmp_path / "lecture").exists()


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--hidden", "4,x", "--hidden must be whole numbers"),
        ("--hidden", "0", "--hidden must be at least 1, got 0"),
        ("--activation", "rel", "did you mean 'relu'?"),
        ("--epochs", "0", "--epochs must be at least 1, got 0"),
        ("--learning-rate", "-1", "--learning-rate must be at least 0, got -1"),
        ("--learning-rate", "nan", "--learning-rate must be a finite number, got nan"),
        ("--batch-size", "0", "--batch-size must be at least 1, got 0"),
        ("--seed", "-1", "--seed must be in"),
    ],
)
def test_bad_options(
    tmp_path: Path,
    option: str,
    value: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One sentence that names the option, exit code 2, and nothing is made."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["chainrule", "lecture", option, value])
    with pytest.raises(SystemExit, match="2"):
        main()
    out, err = capsys.readouterr()
    assert message in err
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
    assert out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_rate_too_large(tmp_path: Path) -> None:
    """The lecture's training diverges: one sentence, exit code 1, no warning."""
    options = ("--learning-rate", "1e300", "--activation", "identity")
    code, _, err = run("lecture", *options, cwd=tmp_path)
    assert code == 1
    assert re.fullmatch(r"Error: the cost is \S+ in epoch \d; try a smaller .* 1e\+300\n", err)


def test_a_file_in_the_way_of_the_folder(tmp_path: Path) -> None:
    """Said in a sentence, exit code 2."""
    (tmp_path / "lecture").write_text("mine", encoding="utf-8")
    code, _, err = run("lecture", cwd=tmp_path)
    assert code == 2
    assert "Error: --out" in err
    assert (tmp_path / "lecture").read_text(encoding="utf-8") == "mine"


def test_version_and_help(tmp_path: Path) -> None:
    """The usual two."""
    assert run("--version", cwd=tmp_path)[:2] == (0, f"chainrule {__version__}\n")
    code, out, _ = run("--help", cwd=tmp_path)
    assert code == 0
    assert "lecture" in out


@pytest.mark.parametrize(
    ("module", "extra"), [("typer", "cli"), ("rich", "cli"), ("matplotlib", "plots")]
)
def test_a_missing_extra_is_named(tmp_path: Path, module: str, extra: str) -> None:
    """One sentence with the extra to install, and no traceback."""
    code = f"""
import sys
for name in ("{module}", "{module}.figure", "{module}.console", "{module}.table"):
    sys.modules[name] = None
from chainrule.cli import main; main()
"""
    status, out, err = run("lecture", cwd=tmp_path, code=code)
    assert status == 1
    assert out == ""
    assert extra in re.findall(r"chainrule\[(\S+)\]", err)[0].split(",")
    assert err.count("\n") == 1


def test_the_readmes_commands_run(tmp_path: Path) -> None:
    """Every `chainrule …` line of the README's shell blocks does what it says, without an error."""
    blocks = re.findall(r"```bash\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines()]
    name = ".venv/bin/chainrule "
    ours = [line.split("#")[0].split()[1:] for line in commands if line.startswith(name)]
    assert ours
    for arguments in ours:
        code, _, err = run(*arguments, cwd=tmp_path)
        assert (code, err) == (0, "")
