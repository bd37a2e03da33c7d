"""The way through the layers and back as lines of code, for each layer or in a loop over many.

In a shallow network each number has a name of its own, as in the lecture: Z1, A1, Z2. In a deep
one they are numbered, Z[1], A[1], Z[2], and layers of one kind that follow each other are a loop.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

from chainrule.dropout import dropout_mask, layer_keys
from chainrule.normalization import (
    NORMALIZATIONS,
    standardize,
    standardize_backward,
    standardize_with,
)
from chainrule.python_source.blocks import WIDTH
from chainrule.python_source.formulas import Formulas
from chainrule.structure import Layer, Structure


class Layers:
    """Writes the lines of a structure; `formulas` takes the functions that they call.

    In a `deep` one arrays are numbered, rather than named.
    """

    def __init__(self, structure: Structure, formulas: Formulas, *, deep: bool) -> None:
        self.structure, self.formulas = structure, formulas
        self.deep, self.last = deep, len(structure.layers)

    def at(self, name: str, l: int | str, shift: int = 0) -> str:
        """Return what a layer's array is called, in the layer `shift` from l."""
        if isinstance(l, str):
            return (
                f"{name}[l{f' {shift:+d}'.replace('+', '+ ').replace('-', '- ') if shift else ''}]"
            )
        if self.deep:
            return f"{name}[{l + shift}]"
        return "X" if (name, l + shift) == ("A", 0) else f"{name}{l + shift}"

    def by_kind(
        self, kind: Callable[[int, Layer], Any], write: Callable[[int | str, Layer], list[str]]
    ) -> list[str]:
        """Return the lines of all layers; those of one kind are a loop in a deep network."""
        lines = []
        numbered = list(enumerate(self.structure.layers, 1))
        if not self.deep:
            return [line for l, layer in numbered for line in write(l, layer)]
        for _, group in groupby(numbered, lambda pair: kind(*pair)):
            (first, layer), *others = group
            if others:
                lines.append(f"for l in range({first}, {others[-1][0] + 1}):")
                lines += ["    " + line for line in write("l", layer)]
            else:
                lines += write(first, layer)
        return lines

    def g(self, layer: Layer) -> str:
        """Return what the layer's activation is called."""
        g = layer.activation
        return self.formulas.name(f"activation {g.name!r}", g.g, g.constants)

    def forward(self, *, training: bool, dtype: str = "") -> list[str]:
        """Return the lines from X to the outputs; a step of training drops, and keeps all.

        `dtype` is the last argument of what draws a mask, if it must be given.
        """

        def write(l: int | str, layer: Layer) -> list[str]:
            product = f"{self.at('A', l, -1)} @ {self.at('W', l)}"
            Z, A, b = self.at("Z", l), self.at("A", l), self.at("b", l)
            lines = []
            if layer.normalization is None:
                lines.append(f"{Z} = {product} + {b}")
            else:
                U, mean, var = (self.at(name, l) for name in ("U", "mean", "var"))
                axis = NORMALIZATIONS[layer.normalization]
                if layer.normalization == "batch" and not training:
                    with_known = self.formulas.name("normalisation", standardize_with)
                    lines.append(f"{U} = {with_known}({product}, {mean}, {var})")
                else:
                    name = self.formulas.name("normalisation", standardize)
                    kept = f"{U}, {mean}, {var}" if training else f"{U}, _, _"
                    lines.append(f"{kept} = {name}({product}, axis={axis})")
                lines.append(f"{Z} = {U} * {self.at('gamma', l)} + {b}")
            g = self.g(layer)
            if layer.dropout and training:
                G, D = self.at("G", l), self.at("D", l)
                keys = self.formulas.name("dropout", layer_keys)
                mask = self.formulas.name("dropout", dropout_mask)
                lines += [
                    f"{G} = {g}({Z})",
                    f"{D} = {mask}({keys}(key, step, {l}), *{G}.shape, {layer.dropout!r}{dtype})",
                    f"{A} = {G} * {D}",
                ]
            else:
                lines.append(f"{A} = {g}({Z})")
            return lines

        return self.by_kind(
            lambda l, layer: (layer.activation, layer.normalization, layer.dropout), write
        )

    def backward(self, at_output: list[str], penalty: str) -> list[str]:
        """Return the lines from dL/dz of the outputs, `at_output`, to the gradients of all."""

        def flows(l: int) -> str:
            """Return what goes back through W of layer l: past its normalisation, if there is."""
            return "dU" if self.structure.layers[l - 1].normalization else "dZ"

        def write(l: int | str, layer: Layer, following: str) -> list[str]:
            Z, dZ, A = self.at("Z", l), self.at("dZ", l), self.at("A", l)
            lines = []
            if following:
                dA = f"{self.at(following, l, 1)} @ {self.at('W', l, 1)}.T"
                g = layer.activation
                if layer.dropout:
                    A = self.at("G", l)
                    dA = f"({dA}) * {self.at('D', l)}"
                if g.vjp is not None:
                    vjp = self.formulas.name(f"vjp of {g.name!r}", g.vjp, g.constants)
                    lines.append(f"{dZ} = {vjp}({Z}, {A}, {dA})")
                else:
                    lines.append(f"{dZ} = {dA} * {slope_name(self.formulas, layer)}({Z}, {A})")
            else:
                lines += at_output
            d = dZ
            if layer.normalization:
                U, d, var = self.at("U", l), self.at("dU", l), self.at("var", l)
                back = self.formulas.name("normalisation", standardize_backward)
                axis = NORMALIZATIONS[layer.normalization]
                gamma, total = self.at("gamma", l), f"({dZ} * {U}).sum(axis=0, keepdims=True)"
                lines.append(f"{self.at('dgamma', l)} = {total} / m")
                lines.append(f"{d} = {back}({dZ} * {gamma}, {U}, {var}, axis={axis})")
            more = penalty.replace("{W}", self.at("W", l))
            lines.append(f"{self.at('dW', l)} = {self.at('A', l, -1)}.T @ {d} / m{more}")
            lines.append(f"{self.at('db', l)} = {dZ}.sum(axis=0, keepdims=True) / m")
            return lines

        kinds = []
        for l, layer in enumerate(self.structure.layers, 1):
            following = flows(l + 1) if l < self.last else ""
            kinds.append((l, layer, following))
        lines = []

        def key(kind: tuple[int, Layer, str]) -> Any:
            _, layer, following = kind
            return layer.activation, layer.normalization, layer.dropout, following

        for _, group in groupby(reversed(kinds), key if self.deep else lambda kind: kind[0]):
            (first, layer, following), *others = group
            if others:
                lines.append(f"for l in range({first}, {others[-1][0] - 1}, -1):")
                lines += ["    " + line for line in write("l", layer, following)]
            else:
                lines += write(first, layer, following)
        return lines

    def taken(self, source: str, lines: Iterable[str], names: Iterable[str]) -> list[str]:
        """Return the lines that take those arrays out of a dict that `lines` use.

        A shallow network's dict has ``W1, b1, …``; of a deep one's, ``W[l]`` are made of it.
        """
        text = "\n".join(lines)
        if self.deep:
            given = {name: f'by_layer({source}, "{name}")' for name in names}
        else:
            numbers = range(1, self.last + 1)
            given = {f"{x}{l}": f'{source}["{x}{l}"]' for l in numbers for x in names}
        if self.deep and source == "cache":
            given = {name: f'cache["{name}"]' for name in names}
        used = [name for name in given if re.search(rf"\b{name}\b", text)]
        return side_by_side([(name, given[name]) for name in used])


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


def slope_name(formulas: Formulas, layer: Layer) -> str:
    """Return what the slope of a layer's activation is called.

    Raises ValueError if it is taken by a finite difference.
    """
    g = layer.activation
    if g.slope is None:
        raise ValueError(
            f"activation {g.name!r} has no formula for its slope, which the script would show; "
            f"give slope=g'(z, a) in place of numerical_slope=True, or training=False"
        )
    return formulas.name(f"slope of {g.name!r}", g.slope, g.constants)
