"""A script of a network, put together of its formulas, its steps and its numbers."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

from chainrule._types import FloatArray
from chainrule._version import __version__
from chainrule.network import Network
from chainrule.origin import Training
from chainrule.python_source.blocks import WIDTH, Block, Density, joined
from chainrule.python_source.layers import Layers
from chainrule.python_source.numbers import FILLED
from chainrule.python_source.prediction import (
    BY_LAYER,
    describe,
    formulas_of,
    forward_for_use,
    forward_of_steps,
    numbers,
    numbers_as_vector,
    predict_function,
    rows_of_file,
    sizes,
)
from chainrule.python_source.training import TrainingScript


class Script:
    """A script of a network, which trains it too where its seed and training are `known`.

    Its arrays have names of their own, Z1, or are numbered where it is `deep`, Z[1].
    """

    def __init__(self, network: Network, known: tuple[int, Training] | None, *, deep: bool) -> None:
        structure = network.structure
        self.network, self.known, self.deep = network, known, deep
        self.formulas = formulas_of(structure)
        layers = Layers(structure, self.formulas, deep=deep)
        steps: list[Block] = []
        if known is not None:
            steps = TrainingScript(network, *known, layers, self.formulas).functions()
        if steps and not any(x.dropout or x.normalization == "batch" for x in structure.layers):
            forward = forward_of_steps(network)
        else:
            forward = forward_for_use(layers, network, as_dict=known is not None or deep)
        clips = known is not None and (known[1].clip_norm, known[1].clip_value) != (None, None)
        self.blocks = [
            *([sizes(structure)] * deep),
            *self.formulas.blocks,
            *([BY_LAYER] * deep),
            *([FILLED] * (deep or clips)),
            *steps,
            forward,
            predict_function(structure),
        ]

    def data(self, most: int, pack: Callable[[FloatArray], str]) -> list[Block]:
        """Return the parameters: in at most so many readable lines, the others by `pack`."""
        trains = self.known is not None
        if self.deep:
            return numbers_as_vector(self.network, trains=trains, pack=pack)
        return numbers(self.network, as_dict=trains, most=most, pack=pack)

    def text(self, data: list[Block], density: Density) -> str:
        """Return the whole script at a density."""
        imports = {*self.formulas.imports, "import sys", *(["import base64"] * (len(data) > 1))}
        trained = "" if self.known is None else in_words(self.known[1])
        head = [*_docstring(self.network, trained), "", *sorted(imports), "", "import numpy as np"]
        blocks = [*self.blocks, *data, rows_of_file(self.network)]
        gap = "\n\n\n" if blocks[0].head else "\n\n"  # as isort has it
        return "\n".join(head) + gap + joined(blocks, density) + "\n"


def in_words(training: Training) -> str:
    """Return what the script's first lines say of a training."""
    if training.compiled:
        return (
            "train(X, y) draws and trains PARAMETERS again; they were trained by compiled code, "
            "which rounds differently."
        )
    return (
        "train(X, y) draws and trains PARAMETERS again, on the same examples to the same numbers."
    )


def _docstring(network: Network, trained: str) -> list[str]:
    about = f'"""A network of {describe(network.structure)}.'
    n = network.structure.n_inputs
    use = f"python THIS_FILE rows.csv predicts rows of {n} numbers, separated by commas."
    use = " ".join(filter(None, [use, trained, f"Written by chainrule {__version__}."]))
    return [*textwrap.wrap(about, WIDTH), "", *textwrap.wrap(use + '"""', WIDTH)]
