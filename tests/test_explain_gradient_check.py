"""The gradient check: right gradients pass, and a wrong one is found by its name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import Network, gradient_check, steps

X = np.random.default_rng(0).normal(size=(6, 3))
Y = [0, 1, 1, 0, 1, 0]


@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
def test_a_right_gradient_passes(normalization: str | None, capsys: Any) -> None:
    """Every parameter, by its name, to the precision of the quotient; the verdict is printed."""
    network = Network([3, 5, 4, 2], hidden="gelu", normalization=normalization, random_state=1)
    check = gradient_check(network, X, Y, l2=0.1, sample_weight=[1, 2, 3, 1, 1, 0.5])
    assert check.passed
    assert len(check.names) == len(network.vector)
    assert check.names[:2] == ["W1[0, 0]", "W1[0, 1]"]
    explained = network.explain(X, Y, l2=0.1, sample_weight=[1, 2, 3, 1, 1, 0.5])
    np.testing.assert_array_equal(check.gradient, network.flatten(explained.gradients, "d"))
    # 1e-9: the error of the five-point formula, of derivatives of about 0.1
    np.testing.assert_allclose(check.finite_difference, check.gradient, atol=1e-9)
    printed = capsys.readouterr().out
    assert printed.startswith(f"gradient of {len(network.vector)} parameters right: worst ")
    assert check.worst.name in printed


def broken(monkeypatch: pytest.MonkeyPatch, place: tuple[int, int], by: float) -> None:
    right = steps.backward_propagation

    def wrong(*arguments: Any, **keywords: Any) -> dict[str, Any]:
        gradients = right(*arguments, **keywords)
        gradients["dW2"][place] *= 1 + by
        return gradients

    monkeypatch.setattr(steps, "backward_propagation", wrong)


def test_a_wrong_gradient_is_named(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """One weight off by a thousandth: its name, and both numbers."""
    network = Network([3, 5, 4, 1], random_state=1)
    broken(monkeypatch, (4, 2), 1e-3)
    check = gradient_check(network, X, Y)
    assert not check.passed
    assert check.worst.name == "W2[4, 2]"
    assert check.worst.relative_error == pytest.approx(1e-3, rel=0.01)
    assert check.worst.gradient == pytest.approx(check.worst.finite_difference * 1.001, rel=1e-6)
    assert "parameters WRONG: worst W2[4, 2], " in capsys.readouterr().out


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_is_wrong(
    value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And never taken for a kink."""
    network = Network([3, 5, 4, 1], random_state=1)
    broken(monkeypatch, (0, 0), value)
    check = gradient_check(network, X, Y, verbose=0)
    assert not check.passed
    assert check.worst.name == "W2[0, 0]"


def test_an_optimum_is_no_kink(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the gradient is all but zero, a wrong one is still found."""
    A = np.hstack([X, np.ones((6, 1))])
    y = np.random.default_rng(1).normal(size=6)
    best = np.linalg.lstsq(A, y, rcond=None)[0]
    network = Network([3, 1], loss="mean_squared_error", random_state=0)
    network.vector[:] = best + 1e-8
    right = gradient_check(network, X, y, verbose=0)
    assert right.passed
    assert not right.on_kink.any()
    backward = steps.backward_propagation

    def negated(*arguments: Any, **keywords: Any) -> dict[str, Any]:
        return {name: -dw for name, dw in backward(*arguments, **keywords).items()}

    network.vector[:] = best + 1e-5  # where a difference of the costs is more than rounding
    monkeypatch.setattr(steps, "backward_propagation", negated)
    check = gradient_check(network, X, y, verbose=0)
    assert not check.on_kink.any()
    assert not check.passed


@pytest.mark.parametrize("scale", [1.0, 300.0, 1e6])
def test_large_targets_and_inputs_give_no_alarm(scale: float) -> None:
    """What the rounding of a large cost makes of its quotient is not held against the gradient."""
    rng = np.random.default_rng(0)
    network = Network([3, 10, 1], loss="mean_squared_error", random_state=0)
    y = scale * rng.normal(size=6)
    assert gradient_check(network, X, y, verbose=0).passed
    assert gradient_check(network, 50 * X, y, verbose=0).passed
    flat = Network([2, 8, 1], normalization="batch", random_state=0)
    assert gradient_check(flat, [[1, 2]] * 4, [1, 0, 1, 0], verbose=0).passed


def test_the_tolerance_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousandth passes where a hundredth is allowed."""
    broken(monkeypatch, (4, 2), 1e-3)
    network = Network([3, 5, 4, 1], random_state=1)
    assert gradient_check(network, X, Y, tolerance=0.01, verbose=0).passed


def test_kinks_are_told_apart_from_errors() -> None:
    """At z = 0 of a ReLU there is no slope; a biased slope is not taken for that."""
    network = Network([2, 8, 1], hidden="relu", random_state=0)
    check = gradient_check(network, [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], verbose=0)
    pairs = zip(check.names, check.on_kink, strict=True)
    assert [name for name, on_kink in pairs if on_kink] == [f"b1[0, {k}]" for k in range(8)]
    assert check.passed
    assert "8 on a kink, where there is no slope" in repr(check)
    assert "kink" in str(check)


def test_few_of_many(capsys: Any) -> None:
    """`at_most` checks so many, of each array at least one, and not one column alone."""
    network = Network([3, 50, 50, 1], random_state=0)
    check = gradient_check(network, X, Y, at_most=20, verbose=0)
    assert len(check.names) == 20
    assert {name.partition("[")[0] for name in check.names} == {"W1", "b1", "W2", "b2", "W3", "b3"}
    columns = {name.split(", ")[1] for name in check.names if name.startswith("W2")}
    assert len(columns) > 5
    assert capsys.readouterr().out == ""


def test_as_a_table() -> None:
    """A row for each array of parameters."""
    network = Network([3, 5, 1], random_state=0)
    lines = str(gradient_check(network, X, Y, verbose=0)).splitlines()
    assert [line.split()[:2] for line in lines[1:-1]] == [
        ["W1", "15"],
        ["b1", "5"],
        ["W2", "5"],
        ["b2", "1"],
    ]


def test_float32_is_checked_in_float64() -> None:
    """A network of float32 has its gradient checked as finely."""
    network = Network([3, 5, 1], random_state=0, dtype=np.float32)
    assert gradient_check(network, X, Y, verbose=0).passed


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"at_most": 0}, "at_most must be at least 1, got 0"),
        ({"tolerance": -1}, "tolerance must be at least 0, got -1"),
        ({"l2": -1}, "l2 must be at least 0, got -1"),
    ],
)
def test_bad_arguments(keywords: dict[str, Any], message: str) -> None:
    """Each is named."""
    with pytest.raises(ValueError, match=message):
        gradient_check(Network([3, 1], random_state=0), X, Y, **keywords)
