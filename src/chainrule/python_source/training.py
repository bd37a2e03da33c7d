"""The half of a script that trains: the lecture's steps, and the loop over epochs around them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from itertools import groupby

from chainrule.dropout import draw_key
from chainrule.initializers import INITIALIZERS
from chainrule.losses import residual
from chainrule.network import Network
from chainrule.normalization import unbiased, update_running
from chainrule.optimizers import clip_by_norm, clip_by_value, weight_decay
from chainrule.origin import Training
from chainrule.python_source.blocks import Block
from chainrule.python_source.formulas import Formulas
from chainrule.python_source.layers import Layers, slope_name
from chainrule.python_source.prediction import float_name
from chainrule.schedules import Constant, ReduceOnPlateau

# So many lines of costs a training prints, or up to twice as many.
PRINTED = 10


class TrainingScript:
    """Writes the functions that train a network as a record of its training says."""

    def __init__(
        self, network: Network, seed: int, training: Training, layers: Layers, formulas: Formulas
    ) -> None:
        self.network, self.seed, self.training = network, seed, training
        self.layers, self.formulas = layers, formulas
        self.structure = network.structure
        self.drops = any(layer.dropout for layer in self.structure.layers)
        kinds = {layer.normalization for layer in self.structure.layers}
        self.normalizes, self.batch_normalizes = bool(kinds - {None}), "batch" in kinds

    def functions(self) -> list[Block]:
        """Return the functions, in the order of the lecture."""
        initialize = self.initialize_parameters()
        for layer in self.structure.layers[:-1]:
            self.layers.g(layer)
            if layer.activation.vjp is None:
                slope_name(self.formulas, layer)
        return [
            initialize,
            self.forward_propagation(),
            self.compute_cost(),
            self.backward_propagation(),
            *([self.clip_gradients()] if self.clips else []),
            self.update_parameters(),
            *([self.update_statistics()] if self.batch_normalizes else []),
            self.batch_generator(),
            self.train(),
        ]

    @property
    def clips(self) -> bool:
        """Whether the gradient is clipped."""
        return (self.training.clip_norm, self.training.clip_value) != (None, None)

    def initialize_parameters(self) -> Block:
        """Return the function that draws the first parameters."""
        layers, single = self.structure.layers, self.network.dtype.name == "float32"

        def draw(l: int, *sizes: object) -> str:
            rule = layers[l - 1].initializer
            name = self.formulas.name(f"initializer of layer {l}", rule)
            text = f"{name}(rng, {sizes[0]}, {sizes[1]})"
            known = rule in INITIALIZERS.values()
            return text if known or single else f"np.asarray({text}, dtype=float)"

        if not self.layers.deep:
            lines = ["parameters = {" if single else "return {"]
            for l, layer in enumerate(layers, 1):
                values = {f"W{l}": draw(l, *self.structure.shapes[f"W{l}"])}
                values[f"b{l}"] = f"np.zeros((1, {layer.units}))"
                if layer.normalization:
                    values[f"gamma{l}"] = f"np.ones((1, {layer.units}))"
                text = ", ".join(f'"{name}": {value}' for name, value in values.items())
                lines.append(f"    {text},")
            lines.append("}")
        else:
            rules = []
            for rule, group in groupby(
                range(1, len(layers) + 1), lambda l: layers[l - 1].initializer
            ):
                l, *others = group
                name = self.formulas.name(f"initializer of layer {l}", rule)
                rules.append(f"[{name}] * {1 + len(others)}" if others else f"[{name}]")
            drawn = "draw(rng, SIZES[l - 1], SIZES[l])"
            if not all(layer.initializer in INITIALIZERS.values() for layer in layers):
                drawn = f"np.asarray({drawn}, dtype=float)"
            lines = [
                "parameters = {}",
                f"for l, draw in enumerate({' + '.join(rules)}, 1):",
                f'    parameters[f"W{{l}}"] = {drawn}',
                '    parameters[f"b{l}"] = np.zeros((1, SIZES[l]))',
            ]
            if self.normalizes:
                lines.append("    if l in NORMALIZED:")
                lines.append('        parameters[f"gamma{l}"] = np.ones((1, SIZES[l]))')
            lines += [] if single else ["return parameters"]
        if single:
            lines.append("return {name: w.astype(np.float32) for name, w in parameters.items()}")
        doc = "Draw the weights, layer by layer; biases are zero"
        doc += " and gains one." if self.normalizes else "."
        lines = [f"rng = np.random.RandomState({self.seed})", *lines]
        return Block("initialize_parameters()", doc, lines)

    def forward_propagation(self) -> Block:
        """Return the way forward of a step."""
        dtype = ", np.float32" if self.network.dtype.name == "float32" else ""
        lines = self.layers.forward(training=True, dtype=dtype)
        taken = self.layers.taken("parameters", lines, ("W", "b", "gamma"))
        if not self.layers.deep and taken:
            taken = [f"{', '.join(self.structure.shapes)} = parameters.values()"]
        kept = [x for x in ("U", "mean", "var", "Z", "G", "D") if self._is_made(x, lines)]
        if self.layers.deep:
            taken.append(f"{', '.join([*kept, 'A'])} = {'{}, ' * len(kept)}{{0: X}}")
            lines.append(f"return A[{len(self.structure.layers)}], {{{_pairs([*kept, 'A'])}}}")
        else:
            every = [
                f"{x}{l}"
                for l in range(1, len(self.structure.layers) + 1)
                for x in [*kept, "A"]
                if self._is_made(f"{x}{l}", lines)
            ]
            cache = f"cache = {{{_pairs(['X', *every])}}}"
            lines += textwrap.wrap(cache, 96, subsequent_indent=" " * 9)
            lines.append(f"return A{len(self.structure.layers)}, cache")
        arguments = "X, parameters, key, step" if self.drops else "X, parameters"
        doc = "Z[l] = A[l−1] W[l] + b[l], A[l] = g(Z[l]): the outputs, and all for the way back."
        return Block(f"forward_propagation({arguments})", doc, [*taken, *lines])

    def _is_made(self, name: str, lines: list[str]) -> bool:
        marks = "[" if self.layers.deep else ("", " ", ",", *"123456789")
        starts = tuple(f"{name}{mark}" for mark in marks)
        made = [part for line in lines if " = " in line for part in line.split(" = ")[0].split(",")]
        return any(part.strip().startswith(starts) for part in made)

    def _from_cache(self, name: str) -> str:
        last = len(self.structure.layers)
        return f'cache["{name}"][{last}]' if self.layers.deep else f'cache["{name}{last}"]'

    def _is_pair(self) -> bool:
        loss = self.structure.loss
        return loss.dZ is not None and loss.pairs_with(self.structure.output)

    def compute_cost(self) -> Block:
        """Return the cost of a mini-batch."""
        loss = self.structure.loss
        if self._is_pair() and loss.from_z is not None:
            name = self.formulas.name(f"loss {loss.name!r}", loss.from_z)
            L = f"{name}({self._from_cache('Z')}, Y)"
        else:
            name = self.formulas.name(f"loss {loss.name!r}", loss.value, loss.constants)
            L = f"{name}({self._from_cache('A')}, Y)"
        doc = "J = 1/m Σ L, the mean over the m examples."
        return Block("compute_cost(cache, Y)", doc, [f"return np.sum({L}) / len(Y)"])

    def backward_propagation(self) -> Block:
        """Return the way back of a step."""
        loss, last = self.structure.loss, len(self.structure.layers)
        Z, A, dZ = (self.layers.at(name, last) for name in ("Z", "A", "dZ"))
        if self._is_pair() and loss.dZ is not None:
            short = f"{A} - Y"
            if loss.dZ is not residual:
                short = f"{self.formulas.name(f'dZ of {loss.name!r}', loss.dZ)}({A}, Y)"
            at_output = [f"{dZ} = {short}"]
        else:
            slope = self.formulas.name(f"slope of {loss.name!r}", loss.slope, loss.constants)
            g = self.structure.output
            dA = f"{slope}({A}, Y)"
            if g.vjp is not None:
                vjp = self.formulas.name(f"vjp of {g.name!r}", g.vjp, g.constants)
                at_output = [f"{dZ} = {vjp}({Z}, {A}, {dA})"]
            else:
                own = slope_name(self.formulas, self.structure.layers[-1])
                at_output = [f"{dZ} = {dA} * {own}({Z}, {A})"]
        lines = self.layers.backward(at_output, self._penalty())
        given = [
            *self.layers.taken("cache", lines, ("U", "var", "Z", "G", "D", "A")),
            *self.layers.taken("parameters", lines, ("W", "gamma")),
        ]
        first = "m = len(Y)"
        if not self.layers.deep and any("X.T" in line for line in lines):
            first = 'm, X = len(Y), cache["X"]'
        if self.layers.deep:
            made = [x for x in ("dZ", "dU", "dW", "db", "dgamma") if self._is_made(x, lines)]
            given.append(f"{', '.join(made)} = {', '.join(['{}'] * len(made))}")
            ends = '("W", dW), ("b", db)'
            if self.normalizes:
                ends += ', ("gamma", dgamma)'
                lines.append(f"kinds = {ends}")
                ends = "kinds"
            of = f"for l in W for x, d in ({ends})" + " if l in d" * self.normalizes
            lines.append(f'return {{f"{{x}}{{l}}": d[l] {of}}}'.replace("(kinds)", "kinds"))
        else:
            line = f"return {{{_pairs(self.structure.shapes, 'd')}}}"
            lines += textwrap.wrap(line, 96, subsequent_indent=" " * 8)
        doc = "dW = A_prevᵀ dZ / m, dA_prev = dZ Wᵀ; the chain rule, from the cost to X"
        given = [first, *given]
        return Block("backward_propagation(cache, Y, parameters)", doc, [*given, *lines])

    def _penalty(self) -> str:
        l2, l1 = self.training.l2, self.training.l1
        parts = [f"{l2!r} * {{W}}"] if l2 else []
        parts += [f"{l1!r} * np.sign({{W}})"] if l1 else []
        if not parts:
            return ""
        return f" + ({' + '.join(parts)})" if len(parts) > 1 else f" + {parts[0]}"

    def clip_gradients(self) -> Block:
        """Return the function that clips the gradient of all parameters."""
        lines = ["dw = np.concatenate([gradient.ravel() for gradient in gradients.values()])"]
        if (limit := self.training.clip_value) is not None:
            lines.append(f"dw = {self.formulas.name('clipping', clip_by_value)}(dw, {limit!r})")
        if (limit := self.training.clip_norm) is not None:
            lines.append(f"dw = {self.formulas.name('clipping', clip_by_norm)}(dw, {limit!r})")
        lines.append("return filled(gradients, dw)")
        return Block("clip_gradients(gradients)", "The gradient as one vector, clipped.", lines)

    def update_parameters(self) -> Block:
        """Return the function that takes a step of the update rule."""
        rule = self.training.optimizer
        name = self.formulas.name(f"rule of optimizer {rule.name!r}", rule.rule, rule.constants)
        w, lines = "parameters[name]", ["for name, dw in gradients.items():"]
        if rule.weight_decay:
            decay = self.formulas.name("weight decay", weight_decay)
            factor = repr(rule.weight_decay)
            if self.network.dtype.name == "float32":
                factor = f"np.float32({factor})"
            w = "w"
            lines += [
                "    w = parameters[name]",
                '    if name[0] == "W":',
                f"        w = {decay}(w, alpha, {factor})",
            ]
        if rule.state:
            lines.append(
                f"    parameters[name], *state[name] = {name}({w}, dw, *state[name], alpha, t)"
            )
        else:
            lines.append(f"    (parameters[name],) = {name}({w}, dw, alpha, t)")
        state = ", state" if rule.state else ""
        doc = "Take step t, with the rate α, for every parameter and its gradient."
        return Block(f"update_parameters(parameters, gradients{state}, alpha, t)", doc, lines)

    def update_statistics(self) -> Block:
        """Return the function that lets running statistics follow those of a mini-batch."""
        follow = self.formulas.name("normalisation", update_running)
        spread = self.formulas.name("normalisation", unbiased)
        lines = ["for name, running in statistics.items():"]
        if self.layers.deep:
            lines += [
                '    kind, l = ("mean", name[4:]) if name[0] == "m" else ("var", name[3:])',
                "    batch = cache[kind][int(l)]",
            ]
        else:
            lines.append("    batch = cache[name]")
        lines += [
            '    if name[0] == "v":',
            f"        batch = {spread}(batch, m)",
            f"    statistics[name] = {follow}(running, batch)",
        ]
        doc = "Let the running means and variances follow those of a mini-batch."
        return Block("update_statistics(statistics, cache, m)", doc, lines)

    def batch_generator(self) -> Block:
        """Return the generator of mini-batches."""
        size, shuffle = self.training.batch_size, self.training.shuffle
        lines = ["order = np.arange(len(X))"]
        if shuffle:
            lines.append("rng.shuffle(order)")
        if self.training.drop_last:
            lines.append(f"order = order[: len(X) - len(X) % {size} or len(X)]")
        lines += [
            f"for rows in np.split(order, range({size}, len(order), {size})):",
            "    yield X[rows], Y[rows]",
        ]
        how = "in a new order" if shuffle else "in their order"
        doc = f"One epoch: the rows {how}, in mini-batches of {size}"
        doc += "; an incomplete last one is left out." if self.training.drop_last else "."
        return Block(f"batch_generator(X, Y{', rng' if shuffle else ''})", doc, lines)

    def train(self) -> Block:
        """Return the loop over epochs and mini-batches."""
        training, rule = self.training, self.training.optimizer
        schedule, drops = rule.learning_rate, self.drops
        plateau = isinstance(schedule, ReduceOnPlateau)
        alpha, before_epoch, after_epoch, in_step = self._rate()
        kind, n = float_name(self.network), self.structure.n_outputs
        Y = f"np.asarray(y, dtype={kind}).reshape(-1, {n})"
        if training.labels:
            own = "" if kind == "float" else f", dtype={kind}"
            Y = f"np.eye({n}{own})[np.ravel(y).astype(int)]"
        before = [f"X, Y = np.asarray(X, dtype={kind}), {Y}"]
        first = "parameters, t = initialize_parameters(), 0"
        if plateau:
            first = "parameters, t, losses = initialize_parameters(), 0, []"
        before.append(first)
        if training.shuffle or drops:
            before.append(f"rng = np.random.RandomState({training.seed})")
        if drops:
            before.append(f"key = {self.formulas.name('dropout', draw_key)}(rng)")
        if rule.state:
            zeros = ", ".join(["np.zeros_like(w)"] * len(rule.state))
            before.append(f"state = {{name: [{zeros}] for name, w in parameters.items()}}")
        if self.batch_normalizes:
            before.append("# Means are 0, variances 1, before there is anything to average over")
            before.append(
                'statistics = {name: np.full_like(a, name[0] == "v") '
                "for name, a in STATISTICS.items()}"
            )
        more = ", key, t" if drops else ""
        state = ", state" if rule.state else ""
        step = [
            f"_, cache = forward_propagation(X_batch, parameters{more})",
            "J = compute_cost(cache, Y_batch)",
            "gradients = backward_propagation(cache, Y_batch, parameters)",
            *(["gradients = clip_gradients(gradients)"] if self.clips else []),
            *in_step,
            f"update_parameters(parameters, gradients{state}, alpha={alpha}, t=t + 1)",
            *(["update_statistics(statistics, cache, len(X_batch))"] * self.batch_normalizes),
            "t += 1",
        ]
        rng = ", rng" if training.shuffle else ""
        every = max(1, training.epochs // PRINTED)
        end = ['print(f"Cost after epoch {epoch}: {J}")']
        if every > 1:
            end = [f"if epoch % {every} == 0:", "    " + end[0]]
        lines = [
            *before,
            f"for epoch in range({training.epochs}):",
            *(f"    {line}" for line in before_epoch),
            f"    for X_batch, Y_batch in batch_generator(X, Y{rng}):",
            *(f"        {line}" for line in step),
            *(f"    {line}" for line in [*after_epoch, *end]),
            "return parameters, statistics" if self.batch_normalizes else "return parameters",
        ]
        what = "parameters and the statistics" if self.batch_normalizes else "parameters"
        return Block("train(X, y)", f"Train from the start, and return the {what}.", lines)

    def _rate(self) -> tuple[str, list[str], list[str], list[str]]:
        """Return α as text, and what comes before an epoch, after it, and in each step."""
        schedule = self.training.optimizer.learning_rate
        if isinstance(schedule, ReduceOnPlateau):
            name = self.formulas.method("schedule", schedule, "after_epochs")
            return (
                "alpha",
                [f"alpha, costs, counts = {name}(losses), [], []"],
                ["losses.append(np.dot(costs, counts) / sum(counts))"],
                ["costs, counts = [*costs, float(J)], [*counts, len(X_batch)]"],
            )
        if isinstance(schedule, Constant):
            return repr(float(schedule.learning_rate)), [], [], []
        if not callable(schedule):
            return repr(float(schedule)), [], [], []
        if type(schedule).__module__ == Constant.__module__:
            name = self.formulas.method("schedule", schedule, "__call__")
        else:
            name = self.formulas.name("schedule", schedule)
            return "alpha", [], [], [f"alpha = float({name}(t))"]
        return "alpha", [], [], [f"alpha = {name}(t)"]


def _pairs(names: Iterable[str], prefix: str = "") -> str:
    return ", ".join(f'"{name}": {prefix}{name}' for name in names)
