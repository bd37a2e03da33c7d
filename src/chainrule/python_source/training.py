"""The half of a script that trains: the lecture's steps, and the loop over epochs around them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from chainrule.python_source.blocks import Block
from chainrule.python_source.layers import Layers, through_activation
from chainrule.python_source.recipe import Recipe


class TrainingScript:
    """Writes the functions that train a network of plain layers as a recipe says."""

    def __init__(self, recipe: Recipe, layers: Layers) -> None:
        self.recipe, self.layers = recipe, layers
        self.structure, self.training = recipe.structure, recipe.training

    def functions(self) -> list[Block]:
        """Return the functions, in the order of the lecture."""
        return [
            self.initialize_parameters(),
            self.forward_propagation(),
            self.compute_cost(),
            self.backward_propagation(),
            *([self.recipe.clipping()] if self.recipe.clips else []),
            self.update_parameters(),
            self.batch_generator(),
            self.train(),
        ]

    def initialize_parameters(self) -> Block:
        """Return the function that draws the first parameters."""
        single = self.recipe.network.dtype.name == "float32"
        lines = [f"rng = np.random.RandomState({self.recipe.seed})"]
        lines.append("parameters = {" if single else "return {")
        for l, layer in enumerate(self.structure.layers, 1):
            n_in, n = self.structure.shapes[f"W{l}"]
            W = self.recipe.drawn(
                layer.initializer, f"{self.recipe.initializer(l)}(rng, {n_in}, {n})"
            )
            lines.append(f'    "W{l}": {W}, "b{l}": np.zeros((1, {n})),')
        lines.append("}")
        if single:
            lines.append("return {name: w.astype(np.float32) for name, w in parameters.items()}")
        doc = "Draw the weights, layer by layer; biases are zero."
        return Block("initialize_parameters()", doc, lines)

    def forward_propagation(self) -> Block:
        """Return the way forward of a step."""
        last = self.layers.last
        kept = ["X", *(f"{x}{l}" for l in range(1, last + 1) for x in ("Z", "A"))]
        lines = [
            f"{', '.join(self.structure.shapes)} = parameters.values()",
            *self.layers.forward(),
            *textwrap.wrap(f"cache = {{{_pairs(kept)}}}", 96, subsequent_indent=" " * 9),
            f"return A{last}, cache",
        ]
        doc = "Z[l] = A[l−1] W[l] + b[l], A[l] = g(Z[l]): the outputs, and all for the way back."
        return Block("forward_propagation(X, parameters)", doc, lines)

    def compute_cost(self) -> Block:
        """Return the cost of a mini-batch."""
        out = f'cache["{"Z" if self.recipe.cost_of_z else "A"}{self.layers.last}"]'
        doc = "J = 1/m Σ L, the mean over the m examples."
        body = [f"return np.sum({self.recipe.cost(out, 'Y')}) / len(Y)"]
        return Block("compute_cost(cache, Y)", doc, body)

    def backward_propagation(self) -> Block:
        """Return the way back of a step."""
        last, dL = self.layers.last, self.recipe.at_output(f"A{self.layers.last}")
        if not self.recipe.is_pair:
            layer = self.structure.layers[-1]
            dL = through_activation(self.recipe.formulas, layer, last, dL)
        lines = self.layers.backward([f"dZ{last} = {dL}"], self.recipe.penalty("{W}"))
        gradients = f"return {{{_pairs(self.structure.shapes, 'd')}}}"
        body = [
            'm, X = len(Y), cache["X"]',
            *self.layers.taken("cache", lines, ("Z", "A")),
            *self.layers.taken("parameters", lines, ("W",)),
            *lines,
            *textwrap.wrap(gradients, 96, subsequent_indent=" " * 8),
        ]
        doc = "dW = A_prevᵀ dZ / m, dA_prev = dZ Wᵀ; the chain rule, from the cost to X"
        return Block("backward_propagation(cache, Y, parameters)", doc, body)

    def update_parameters(self) -> Block:
        """Return the function that takes a step of the update rule."""
        lines = self.recipe.step_of_rule("alpha")
        state = ", state" if self.training.optimizer.state else ""
        doc = "Take step t, with the rate α, for every parameter and its gradient."
        return Block(f"update_parameters(parameters, gradients{state}, alpha, t)", doc, lines)

    def batch_generator(self) -> Block:
        """Return the generator of mini-batches."""
        shuffle, size = self.training.shuffle, self.training.batch_size
        lines = [
            self.recipe.order(),
            f"for rows in {self.recipe.batches()}:",
            "    yield X[rows], Y[rows]",
        ]
        how = "in a new order" if shuffle else "in their order"
        doc = f"One epoch: the rows {how}, in mini-batches of {size}"
        doc += "; an incomplete last one is left out." if self.training.drop_last else "."
        return Block(f"batch_generator(X, Y{', rng' if shuffle else ''})", doc, lines)

    def train(self) -> Block:
        """Return the loop over epochs and mini-batches."""
        recipe = self.recipe
        alpha, start, before_epoch, after_epoch, in_step = recipe.rate()
        state = ", state" if self.training.optimizer.state else ""
        step = [
            "_, cache = forward_propagation(X_batch, parameters)",
            "J = compute_cost(cache, Y_batch)",
            "gradients = backward_propagation(cache, Y_batch, parameters)",
            *(["gradients = clip_gradients(gradients)"] if recipe.clips else []),
            *(line.replace("len(rows)", "len(X_batch)") for line in in_step),
            f"update_parameters(parameters, gradients{state}, alpha={alpha}, t=t + 1)",
            "t += 1",
        ]
        rng = ", rng" if self.training.shuffle else ""
        lines = [
            *recipe.start(),
            *start,
            *recipe.state(),
            f"for epoch in range({self.training.epochs}):",
            *(f"    {line}" for line in before_epoch),
            f"    for X_batch, Y_batch in batch_generator(X, Y{rng}):",
            *(f"        {line}" for line in step),
            *(f"    {line}" for line in [*after_epoch, *recipe.printing()]),
            "return parameters",
        ]
        return Block("train(X, y)", "Train from the start, and return the parameters.", lines)


def _pairs(names: Iterable[str], prefix: str = "") -> str:
    return ", ".join(f'"{name}": {prefix}{name}' for name in names)
