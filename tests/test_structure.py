"""Structure: both ways to say it, its defaults, its table."""

from __future__ import annotations

import pytest

from chainrule import Layer, Structure
from chainrule.losses import LOSSES


def test_short_and_long_form_are_the_same() -> None:
    """Numbers with arguments, or layers that say everything themselves."""
    short = Structure([2, 16, 8, 3], hidden=["relu", "tanh"], dropout=0.1, normalization="batch")
    long = Structure(
        [
            2,
            Layer(16, "relu", dropout=0.1, normalization="batch"),
            Layer(8, "tanh", dropout=0.1, normalization="batch"),
            Layer(3, "softmax"),
        ]
    )
    assert short == long
    assert Structure([2, Layer(16, "relu"), 1]) == Structure([2, 16, 1], hidden="relu")


@pytest.mark.parametrize(
    ("arguments", "output", "loss"),
    [
        ({"sizes": [2, 1]}, "sigmoid", "binary_cross_entropy"),
        ({"sizes": [2, 3]}, "softmax", "categorical_cross_entropy"),
        ({"sizes": [2, 3], "output": "sigmoid"}, "sigmoid", "binary_cross_entropy"),
        ({"sizes": [2, 1], "output": "identity"}, "identity", "mean_squared_error"),
        ({"sizes": [2, 1], "loss": "poisson_deviance"}, "exponential", "poisson_deviance"),
        ({"sizes": [2, 1], "loss": "huber"}, "identity", "huber"),
        ({"sizes": [2, Layer(1, "identity")]}, "identity", "mean_squared_error"),
        (
            {"sizes": [2, 1], "output": "tanh", "loss": "mean_squared_error"},
            "tanh",
            "mean_squared_error",
        ),
    ],
)
def test_output_and_loss_find_each_other(
    arguments: dict[str, object], output: str, loss: str
) -> None:
    """What is not said follows from what is."""
    structure = Structure(**arguments)  # type: ignore[arg-type]
    assert structure.output.name == output
    assert structure.loss == LOSSES[loss]


def test_shapes_and_counts() -> None:
    """Names, shapes and order of the parameters."""
    structure = Structure([3, 5, 2], normalization="layer")
    assert structure.shapes == {
        "W1": (3, 5),
        "b1": (1, 5),
        "gamma1": (1, 5),
        "W2": (5, 2),
        "b2": (1, 2),
    }
    assert structure.n_parameters == 15 + 5 + 5 + 10 + 2
    assert structure.n_outputs == 2


def test_prints_itself_as_a_table() -> None:
    """Shapes and counts in columns; columns that nothing uses are left out."""
    structure = Structure(
        [4, Layer(1000, "relu", dropout=0.25, normalization="batch"), Layer(3, "softmax")]
    )
    columns = [line.split("  ") for line in str(structure).splitlines()]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in columns]
    assert cells == [
        [
            "layer",
            "units",
            "activation",
            "normalization",
            "dropout",
            "W",
            "b",
            "gamma",
            "parameters",
        ],
        ["input", "4"],
        ["1", "1000", "relu", "batch", "0.25", "(4, 1000)", "(1, 1000)", "(1, 1000)", "6,000"],
        ["2", "3", "softmax", "(1000, 3)", "(1, 3)", "3,003"],
        ["loss: categorical_cross_entropy, 9,003 parameters"],
    ]
