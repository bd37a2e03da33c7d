"""The benchmarks: the same work for all, who is faster, and who learned something else."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import fuzz, fuzz_commands, fuzz_tables, kills, machine, report, streaming
from benchmarks.cases import CASES, Case
from benchmarks.contenders.ours import Ours
from benchmarks.contenders.scikit_learn import ScikitLearn
from benchmarks.processes import FirstRun
from benchmarks.timing import Measured, in_turn
from benchmarks.training import Trained
from chainrule.tabular import files
from tests.processes import run_python

SMALL = Case("small", (6, 12, 3), 16, 8)


@pytest.fixture(autouse=True)
def own_cache(compiled_apart: None) -> None:
    """Compile into a folder of the tests' own."""


def test_the_cases_are_the_promised_ones() -> None:
    """Sizes, batches and rules; and the operations of a step, counted by hand for one."""
    labels = [case.label for case in CASES.values()]
    assert labels == [
        "2-4-1, batch 32, gradient descent",
        "20-64-64-1, batch 128, Adam",
        "50-128-128-1, batch 256, Adam",
        "784-512-256-10, batch 128, Adam",
        "1024-2048-2048-10, batch 1024, Adam",
    ]
    # Z and dW of both layers, and dA of the second: 2 operations for each weight and row
    assert CASES["lecture"].flops == 32 * 2 * (2 * (2 * 4 + 4) + 4)


@pytest.mark.parametrize("rule", ["adam", "gradient_descent"])
@pytest.mark.parametrize("sizes", [(6, 12, 3), (6, 12, 1)])
def test_contenders_do_the_same_work(rule: str, sizes: tuple[int, ...]) -> None:
    """From the same weights on the same rows, chainrule and scikit-learn end within tolerance."""
    case = replace(SMALL, rule=rule, sizes=sizes)
    vectors, begun = {}, case.network()
    for name, kind in (("chainrule", Ours), ("scikit-learn", ScikitLearn)):
        learner: Any = kind(case)
        learner.train(2)
        vectors[name] = learner.network().vector
        assert learner.network().loss(*case.data()) < begun.loss(*case.data())
    went = np.linalg.norm(vectors["chainrule"] - begun.vector)
    apart = np.linalg.norm(vectors["chainrule"] - vectors["scikit-learn"])
    assert apart / went < Trained(case, {}, {}, {}).limit("scikit-learn")
    X = case.data()[0][:5]
    kinds: tuple[Any, ...] = (Ours, ScikitLearn)
    ours, theirs = (kind(case).predictor()(X) for kind in kinds)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)  # float32


def test_another_result_is_noticed() -> None:
    """Weights beyond the tolerance, or a NaN, are named with their case; so is another order."""
    for apart in (2 * SMALL.tolerance, float("nan")):
        losses = {"chainrule": 0.5, "PyTorch": 0.6}
        said = Trained(SMALL, {}, losses, {"chainrule": 0.0, "PyTorch": apart}).disagreements()
        assert len(said) == 1
        assert "small: the weights of PyTorch" in said[0]
    assert Trained(SMALL, {}, {"chainrule": 0.5}, {"chainrule": 0.0}).disagreements() == []
    for case in (CASES["lecture"], CASES["small table"], CASES["images"]):
        learners = Ours(case), Ours(case)
        learners[1].X, learners[1].y = learners[1].X[::-1], learners[1].y[::-1]
        for learner in learners:
            learner.train(2)
        first, second = (learner.net.vector for learner in learners)
        way = np.linalg.norm(first - case.network().vector)
        assert np.linalg.norm(second - first) / way > case.tolerance


def test_a_fresh_process_loads_one_contender() -> None:
    """What is timed and weighed for one has not loaded another."""
    program = """
import sys
from benchmarks.contenders import contender
contender("chainrule")
print(*sorted({"torch", "jax", "sklearn"} & set(sys.modules)))
"""
    done = run_python(program, cwd=Path(__file__).parents[1])
    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_the_report_says_who_is_faster() -> None:
    """Ratios of medians, to the fastest peer too; and a peer that is not there."""
    step = {
        name: Measured([seconds, seconds * 0.9, seconds * 9], [1e9] * 3)
        for name, seconds in (("chainrule", 2e-3), ("chainrule, 1 thread", 4e-3), ("PyTorch", 1e-3))
    }
    trained = Trained(SMALL, step, {}, {})
    assert trained.ratios["PyTorch"] == pytest.approx(0.5)
    assert trained.of_peak == pytest.approx(SMALL.flops / 2e-3 / 1e9)
    text = report.training_table([trained], [*step, "JAX"])
    assert text.count("**peer faster: 2.00×**") == 2
    assert "not installed" in text
    step["PyTorch"] = Measured([6e-3] * 3)
    assert "| 3.0× |" in report.prediction_table({10: step}, list(step))
    text = report.process_table({"chainrule": 0.1}, {"chainrule": FirstRun(5.0, 0.5, "150")})
    assert "| chainrule | 100 ms | 5 s | 500 ms | 150 MB |" in text


def test_contenders_are_timed_in_turn() -> None:
    """Each is warmed, then measured once in each repeat, and not always by the same first."""
    calls: list[str] = []
    work = {name: lambda count, name=name: calls.append(name) for name in "abc"}
    measured = in_turn(work, 3, 1, each=1e-9)
    assert "".join(calls) == "aabbcc" + "abc" + "bca" + "cab"
    assert all(len(each.seconds) == len(each.peaks) == 3 for each in measured.values())


def test_the_machine_is_named() -> None:
    """By processor, versions and peak; and by a name that a file can have."""
    about = machine.describe()
    assert "numpy" in about["packages"]
    assert float(about["peak"].split()[0]) > 0
    assert machine.slug("A & B (x, 9)") == "a-b-x-9"


def test_fuzz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some of the damaged files of which the benchmark loads a million: refused, or loaded."""
    monkeypatch.setattr(fuzz, "limit_memory", lambda: None)  # of this process, for good
    outcomes = fuzz.try_files(1, 600, tmp_path / "failures")
    assert sum(outcomes.values()) == 600
    assert outcomes["failed"] == 0
    assert outcomes["refused"] > 400


@pytest.mark.parametrize(
    ("what", "count", "good"), [(fuzz_tables, 400, "used"), (fuzz_commands, 60, "done")]
)
def test_fuzz_of_tables_and_commands(
    what: Any, count: int, good: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some damaged files of tables, and commands with them: refused, or used, and nothing else."""
    monkeypatch.setattr(what, "limit_memory", lambda: None)
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setattr(files, "LARGEST", files.LARGEST)  # as it was, afterwards
    outcomes = what.try_files(1, count, tmp_path / "failures")
    assert sum(outcomes.values()) == count
    assert outcomes["failed"] == 0
    assert min(outcomes[good], outcomes["refused"]) > count // 10
    assert not list((tmp_path / "failures").iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows kills in another way")
def test_kills() -> None:
    """A few of the kills of which the benchmark makes 200: the same bits, and no broken file."""
    outcome = kills.run(2, epochs=4)
    assert (outcome.kills, outcome.different, outcome.unreadable) == (2, 0, [])
    assert str(outcome).startswith("2 kills in ")


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux says of a process")
def test_streaming(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of at least the size asked for, learned from within the limit, and timed."""
    monkeypatch.setattr(streaming, "GROUP", 1000)
    monkeypatch.setattr("chainrule.streaming.table_files._UNPACKED", 2**14)
    written = streaming.generate(tmp_path / "data", 900_000)
    assert 900_000 <= written < 1_500_000
    assert written == sum(path.stat().st_size for path in (tmp_path / "data").iterdir())
    told = streaming.train(tmp_path / "data", "1GB", "numpy")
    assert told["rows"] % 1000 == 0
    assert told["peak"] < 10**9
    assert told["val_loss"] < 1
    found = streaming.speed(tmp_path / "data", 1, "2MB", "numpy")
    assert {name: len(times["s"]) for name, times in found.items()} == {"memory": 1, "stream": 1}
