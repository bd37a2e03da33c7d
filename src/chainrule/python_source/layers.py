"""The way through the layers and back as lines of code, layer by layer, as in the lecture.

Each number has a name of its own: Z1, A1, Z2. For networks of a few layers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from chainrule.normalization import NORMALIZATIONS, standardize, standardize_with
from chainrule.python_source.blocks import WIDTH
from chainrule.python_source.formulas import Formulas
from chainrule.python_source.recipe import back_name
from chainrule.structure import Layer, Structure


class Layers:
    """Writes the lines of a structure; `formulas` takes the functions that they call."""

    def __init__(self, structure: Structure, formulas: Formulas) -> None:
        self.structure, self.formulas = structure, formulas
        self.last = len(structure.layers)

    def g(self, layer: Layer) -> str:
        """Return what the layer's activation is called."""
        g = layer.activation
        return self.formulas.name(f"activation {g.name!r}", g.g, g.constants)

    def forward(self) -> list[str]:
        """Return the lines from X to the outputs of a trained network."""
        lines = []
        for l, layer in enumerate(self.structure.layers, 1):
            product = f"{'X' if l == 1 else f'A{l - 1}'} @ W{l}"
            if layer.normalization is None:
                lines.append(f"Z{l} = {product} + b{l}")
            else:
                if layer.normalization == "batch":
                    name = self.formulas.name("normalisation", standardize_with)
                    lines.append(f"U{l} = {name}({product}, mean{l}, var{l})")
                else:
                    name = self.formulas.name("normalisation", standardize)
                    axis = NORMALIZATIONS[layer.normalization]
                    lines.append(f"U{l}, _, _ = {name}({product}, axis={axis})")
                lines.append(f"Z{l} = U{l} * gamma{l} + b{l}")
            lines.append(f"A{l} = {self.g(layer)}(Z{l})")
        return lines

    def backward(self, at_output: list[str], penalty: str) -> list[str]:
        """Return the lines from dL/dz of the outputs, `at_output`, to the gradients of all.

        `penalty` is added to dL/dW of each layer, with its weights for ``{W}``.
        """
        lines = [*at_output]
        for l in range(self.last, 0, -1):
            A_prev = "X" if l == 1 else f"A{l - 1}"
            lines.append(f"dW{l} = {A_prev}.T @ dZ{l} / m{penalty.replace('{W}', f'W{l}')}")
            lines.append(f"db{l} = dZ{l}.sum(axis=0, keepdims=True) / m")
            if l > 1:
                layer, dA = self.structure.layers[l - 2], f"dZ{l} @ W{l}.T"
                lines.append(f"dZ{l - 1} = {through_activation(self.formulas, layer, l - 1, dA)}")
        return lines

    def taken(self, source: str, lines: Iterable[str], names: Iterable[str]) -> list[str]:
        """Return the lines that take those arrays out of a dict ``W1, b1, …`` that `lines` use."""
        text = "\n".join(lines)
        numbered = [f"{name}{l}" for l in range(1, self.last + 1) for name in names]
        used = [name for name in numbered if re.search(rf"\b{name}\b", text)]
        return side_by_side([(name, f'{source}["{name}"]') for name in used])


def through_activation(formulas: Formulas, layer: Layer, l: int, dA: str) -> str:
    """Return dL/dz of a layer l from dL/da."""
    name = back_name(formulas, layer)
    if layer.activation.vjp is not None:
        return f"{name}(Z{l}, A{l}, {dA})"
    return f"{dA} * {name}(Z{l}, A{l})"


def side_by_side(pairs: list[tuple[str, str]]) -> list[str]:
    """Return assignments, as many a line as fit."""
    lines: list[tuple[list[str], list[str]]] = []
    for name, value in pairs:
        if lines and len(", ".join([*lines[-1][0], name, *lines[-1][1], value])) <= WIDTH - 6:
            lines[-1][0].append(name)
            lines[-1][1].append(value)
        else:
            lines.append(([name], [value]))
    return [f"{', '.join(names)} = {', '.join(values)}" for names, values in lines]
