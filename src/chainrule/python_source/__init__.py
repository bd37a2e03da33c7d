"""A network as a script of plain Python: its formulas, its numbers, and how it was trained."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import NamedTuple

from chainrule._types import FloatArray
from chainrule._version import __version__
from chainrule.network import Network
from chainrule.origin import Training, checksum
from chainrule.python_source.blocks import DENSITIES, MOST_LINES, WIDTH, Block, joined
from chainrule.python_source.layers import Layers
from chainrule.python_source.numbers import FILLED, packed
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

# Lines that readable numbers may take, in the order in which it is tried.
READABLE_LINES = (24, 12, 6, 0)
# So many layers have arrays with names of their own, where there is room.
MOST_NAMED = 3


def network_source(network: Network, *, training: bool = False) -> str:
    """Return the source of a script that predicts as a network does, as `to_python` says.

    It is as airy, with as many readable numbers, as there is room for.
    """
    known = check_origin(network) if training else None
    shallow = len(network.structure.layers) <= MOST_NAMED
    forms = [
        Form(deep, most, density)
        for deep in ((False, True) if shallow else (True,))
        for most in READABLE_LINES
        for density in DENSITIES
    ]
    beyond = Form(not shallow, READABLE_LINES[1], DENSITIES[2])
    # What is packed takes a line, whatever it is: only the text that is taken needs to be whole
    fitting = (
        form
        for form in forms
        if _source(network, known, form, pack=lambda array: "").count("\n") <= MOST_LINES
    )
    return _source(network, known, next(fitting, beyond), pack=packed)


class Form(NamedTuple):
    """How a script is written: its arrays, the lines of its readable numbers, and its density."""

    deep: bool
    most: int
    density: tuple[bool, int, int]


def _source(
    network: Network,
    known: tuple[int, Training] | None,
    form: Form,
    pack: Callable[[FloatArray], str],
) -> str:
    """Return a script of one form; it trains where seed and training are `known`."""
    structure, deep = network.structure, form.deep
    formulas = formulas_of(structure)
    layers = Layers(structure, formulas, deep=deep)
    as_dict = known is not None or deep
    steps: list[Block] = []
    if known is not None:
        steps = TrainingScript(network, *known, layers, formulas).functions()
    if steps and not any(x.dropout or x.normalization == "batch" for x in structure.layers):
        forward = forward_of_steps(network)
    else:
        forward = forward_for_use(layers, network, as_dict=as_dict)
    clips = known is not None and (known[1].clip_norm, known[1].clip_value) != (None, None)
    if deep:
        data = numbers_as_vector(network, trains=bool(steps), pack=pack)
    else:
        data = numbers(network, as_dict=as_dict, most=form.most, pack=pack)
    imports = formulas.imports | {"import sys"} | ({"import base64"} if len(data) > 1 else set())
    blocks = [
        *([sizes(structure)] * deep),
        *formulas.blocks,
        *([BY_LAYER] * deep),
        *([FILLED] * (deep or clips)),
        *steps,
        forward,
        predict_function(structure),
        *data,
        rows_of_file(network),
    ]
    trained = "" if known is None else in_words(known[1])
    head = [*_docstring(network, trained), "", *sorted(imports), "", "import numpy as np"]
    gap = "\n" * max(2, 1 + form.density[1])
    return "\n".join(head) + gap + joined(blocks, form.density) + "\n"


def check_origin(network: Network) -> tuple[int, Training]:
    """Return the seed of a network's first weights, and its training.

    Raises ValueError if the network can't be trained again from these: says why, and what to do.
    """
    origin = network.origin
    doing = "training=True needs a network that can be trained again, but this one "
    if origin is None:
        raise ValueError(
            f"{doing}was loaded or put together, which leaves no record of how it was trained; "
            "train it in this process, or leave training out"
        )
    if not origin.trainings:
        raise ValueError(f"{doing}was never trained by fit; call fit, or leave training out")
    if len(origin.trainings) > 1:
        raise ValueError(
            f"{doing}was trained by fit {len(origin.trainings)} times; train a new network once"
        )
    if origin.seed is None:
        raise ValueError(
            f"{doing}was not drawn from a seed of its own; give Network an integer random_state"
        )
    (training,) = origin.trainings
    if training.obstacle:
        raise ValueError(f"{doing}{training.obstacle}")
    if training.after is None:
        raise ValueError(f"{doing}has a training that did not end; train a new network")
    drawn = Network(network.structure, dtype=network.dtype, random_state=origin.seed)
    if checksum(drawn.get_arrays()) != training.before:
        raise ValueError(
            f"{doing}was changed between being drawn and being trained; train a new network"
        )
    if checksum(network.get_arrays()) != training.after:
        raise ValueError(
            f"{doing}was changed after its training; write the script before, or leave training out"
        )
    return origin.seed, training


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
    use = (
        f"python THIS_FILE rows.csv predicts rows of {n} numbers, separated by commas. {trained}"
        f" Written by chainrule {__version__}."
    )
    return [*textwrap.wrap(about, WIDTH), "", *textwrap.wrap(use + '"""', WIDTH)]
