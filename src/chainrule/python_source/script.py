"""A script of a network, put together of its formulas, its steps and its numbers."""

from __future__ import annotations

import re
import textwrap
from typing import Protocol

from chainrule._version import __version__
from chainrule.network import Network
from chainrule.origin import Training
from chainrule.python_source import propagation
from chainrule.python_source.blocks import WIDTH, Block, Density, joined
from chainrule.python_source.layers import Layers
from chainrule.python_source.numbers import packed, packed_files, reading_of
from chainrule.python_source.prediction import (
    describe,
    formulas_of,
    forward_for_use,
    forward_of_steps,
    numbers,
    outputs_doc,
    predict_function,
    rows_of_file,
)
from chainrule.python_source.random_masks import masks
from chainrule.python_source.recipe import Recipe, float_name
from chainrule.python_source.table import Table
from chainrule.python_source.training import TrainingScript

Known = tuple[int, Training]


class Script(Protocol):
    """A script of a network, which trains it too where its seed and training are known."""

    def text(self, density: Density, *, pack: bool = True) -> str:
        """Return the whole script, or without what is packed, in as many lines."""
        ...


def is_plain(network: Network, known: Known) -> bool:
    """Whether a network can be trained by steps without normalisation, dropout and weights."""
    layers = network.structure.layers
    return not known[1].weighted and not any(x.dropout or x.normalization for x in layers)


class NamedScript:
    """A script in which each array has a name of its own, Z1, and small ones can be read.

    They take at most `most` lines.
    """

    def __init__(self, network: Network, known: Known | None, most: int) -> None:
        self.network, self.known, self.most = network, known, most
        formulas = formulas_of(network)
        layers = Layers(network.structure, formulas)
        if known is None:
            steps, self.rows = [forward_for_use(layers, network)], []
        else:
            recipe = Recipe(network, *known, formulas)
            recipe.name_activations()
            steps, self.rows = TrainingScript(recipe, layers).functions(), recipe.rows()
            steps.append(forward_of_steps(network))
        self.imports = formulas.imports
        self.blocks = [*formulas.blocks, *steps, predict_function(network.structure)]

    def text(self, density: Density, *, pack: bool = True) -> str:
        """Return the whole script, as `Script` says."""
        trains = self.known is not None
        how = packed if pack else lambda array: ""
        data = numbers(self.network, as_dict=trains, most=self.most, pack=how)
        if self.rows:
            data.append(Block("", "", self.rows))
        return _whole(self.network, self.known, self.imports, [*self.blocks, *data], density)


class TabledScript:
    """A script whose layers are the rows of a table, with all arrays on one line.

    Where it must be as short as can be, it `prints` no cost.
    """

    def __init__(self, network: Network, known: Known | None, *, prints: bool = True) -> None:
        self.network, self.known = network, known
        structure, doc = network.structure, outputs_doc(network.structure)
        formulas = formulas_of(network)
        recipe = None if known is None else Recipe(network, *known, formulas, prints=prints)
        table = Table(network, formulas, recipe)
        self.rows: list[str] = []
        if recipe is None:
            steps = [propagation.forward(table, float_name(network), doc)]
        else:
            self.rows = recipe.rows()
            steps = [
                *(masks(single=network.dtype.name == "float32") if recipe.drops else []),
                propagation.initialize_parameters(recipe, table),
                propagation.forward_propagation(recipe, table),
                propagation.backward_propagation(recipe, table),
                *([recipe.clipping()] if recipe.clips else []),
                propagation.train(recipe, table),
                forward_of_steps(network),
            ]
        self.imports = formulas.imports
        self.blocks = [*formulas.blocks, table.block(), *steps, predict_function(structure)]

    def text(self, density: Density, *, pack: bool = True) -> str:
        """Return the whole script, as `Script` says."""
        arrays = {**self.network.parameters, **self.network.statistics}
        reading = packed_files(arrays) if pack else reading_of("")
        about = "# By their names: a file of NumPy (.npz) in base64"
        lines = [*([] if density.bare else [about]), f"PARAMETERS = dict({reading})", *self.rows]
        blocks = [*self.blocks, Block("", "", lines)]
        return _whole(self.network, self.known, self.imports, blocks, density)


def _whole(
    network: Network,
    known: Known | None,
    imports: set[str],
    blocks: list[Block],
    density: Density,
) -> str:
    """Return a script of these blocks, behind its docstring and its imports."""
    body = joined([*blocks, rows_of_file(network)], density) + "\n"
    used = {f"import {name}" for name in ("base64", "io") if re.search(rf"\b{name}\.", body)}
    used |= {*imports, "import sys"}
    imported, alias = [*sorted(used)], "import numpy as np"
    if density.tight:
        imported = [", ".join([imported[0], *(x.removeprefix("import ") for x in imported[1:])])]
    if density.brief:
        imported[0] += f", {alias.removeprefix('import ')}"
    else:
        imported += [*([] if density.bare else [""]), alias]
    head = [
        *_docstring(network, None if known is None else known[1], density),
        *([] if density.bare else [""]),
        *imported,
    ]
    gap = 2 if blocks[0].head and not density.bare else 1  # as isort has it
    gap = density.between if density.tight else gap
    return "\n".join(head) + "\n" * (1 + gap) + body


def _docstring(network: Network, training: Training | None, density: Density) -> list[str]:
    """Return the script's first lines: what it is, and what it is there for."""
    n, compiled = network.structure.n_inputs, training is not None and training.compiled
    predicts, again = "python THIS_FILE rows.csv predicts", "makes PARAMETERS again"
    if density.brief:  # the table says the rest
        use = predicts if training is None else f"{predicts}, train(X, y) {again}"
        line = f'"""{use}{", to rounding" * compiled}'
        by = f' (chainrule {__version__})."""'
        return [line + by if len(line + by) <= WIDTH else f'{line}."""']
    about = f'"""A network of {describe(network.structure)}.'
    use = f"{predicts} rows of {n} numbers."
    if compiled:
        use += (
            " train(X, y) draws and trains PARAMETERS again; compiled code trained them, which "
            "rounds differently."
        )
    elif training is not None:
        use += f" train(X, y) {again}, from the same examples."
    use += f' Written by chainrule {__version__}."""'
    if density.beside:
        return textwrap.wrap(f"{about} {use}", WIDTH)
    return [*textwrap.wrap(about, WIDTH), "", *textwrap.wrap(use, WIDTH)]
