"""What both forms of a training script have in common: its loss, penalty, rate and clipping."""

from __future__ import annotations

import re

import numpy as np

from chainrule.initializers import INITIALIZERS, Initializer
from chainrule.losses import residual
from chainrule.network import Network
from chainrule.origin import Training
from chainrule.python_source.blocks import WIDTH, Block
from chainrule.python_source.formulas import Formulas
from chainrule.python_source.numbers import packed_file
from chainrule.schedules import Constant, ReduceOnPlateau
from chainrule.structure import Layer

# A step's lines stand so far in, where they stand farthest.
STEP_INDENT = 16
# So many lines of costs a training prints, or up to twice as many.
PRINTED = 10


def float_name(network: Network) -> str:
    """Return the name of the network's type, as the script writes it."""
    return "float" if network.dtype == np.float64 else "np.float32"


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


def back_name(formulas: Formulas, layer: Layer) -> str:
    """Return what goes back through a layer's activation: its slope, or its `vjp`."""
    g = layer.activation
    if g.vjp is None:
        return slope_name(formulas, layer)
    return formulas.name(f"vjp of {g.name!r}", g.vjp, g.constants)


class Recipe:
    """Writes the parts of a training, from the record of it; `formulas` takes what they call.

    One that does not print the cost does not compute it, unless its rate depends on it.
    """

    def __init__(
        self,
        network: Network,
        seed: int,
        training: Training,
        formulas: Formulas,
        *,
        prints: bool = True,
    ) -> None:
        self.network, self.seed, self.training = network, seed, training
        self.formulas, self.structure = formulas, network.structure
        self.drops = any(layer.dropout for layer in self.structure.layers)
        self.clips = (training.clip_norm, training.clip_value) != (None, None)
        loss = self.structure.loss
        self.is_pair = loss.dZ is not None and loss.pairs_with(self.structure.output)
        self.prints = prints
        self.has_cost = prints or self.is_plateau
        self.cost_of_z = self.has_cost and self.is_pair and loss.from_z is not None

    def name_activations(self) -> None:
        """Note the value of each activation, and beside it the slope that the way back needs."""
        last = len(self.structure.layers)
        for l, layer in enumerate(self.structure.layers, 1):
            g = layer.activation
            self.formulas.name(f"activation {g.name!r}", g.g, g.constants)
            if l < last or not self.is_pair:
                back_name(self.formulas, layer)

    def drawn(self, rule: Initializer, text: str) -> str:
        """Return `text`, which draws weights by a rule, as an array of float."""
        known = rule in INITIALIZERS.values() or self.network.dtype.name == "float32"
        return text if known else f"np.asarray({text}, dtype=float)"

    def initializer(self, l: int) -> str:
        """Return what draws the weights of layer l."""
        rule = self.structure.layers[l - 1].initializer
        return self.formulas.name(f"initializer of layer {l}", rule)

    def cost(self, out: str, Y: str) -> str:
        """Return the losses of the outputs `out`, which are Z where `cost_of_z`, else A."""
        loss = self.structure.loss
        if self.cost_of_z and loss.from_z is not None:
            return f"{self.formulas.name(f'loss {loss.name!r}', loss.from_z)}({out}, {Y})"
        name = self.formulas.name(f"loss {loss.name!r}", loss.value, loss.constants)
        return f"{name}({out}, {Y})"

    def at_output(self, A: str) -> str:
        """Return dL/dz of the outputs where `is_pair`, else dL/da."""
        loss = self.structure.loss
        if self.is_pair and loss.dZ is not None:
            if loss.dZ is residual:
                return f"{A} - Y"
            return f"{self.formulas.name(f'dZ of {loss.name!r}', loss.dZ)}({A}, Y)"
        slope = self.formulas.name(f"slope of {loss.name!r}", loss.slope, loss.constants)
        return f"{slope}({A}, Y)"

    def penalty(self, W: str) -> str:
        """Return what the penalties add to dL/dW, or ""."""
        l2, l1 = self.training.l2, self.training.l1
        parts = [f"{l2!r} * {W}"] if l2 else []
        parts += [f"{l1!r} * np.sign({W})"] if l1 else []
        if not parts:
            return ""
        return f" + ({' + '.join(parts)})" if len(parts) > 1 else f" + {parts[0]}"

    def rule(self) -> str:
        """Return what the update rule is called."""
        rule = self.training.optimizer
        return self.formulas.name(f"rule of optimizer {rule.name!r}", rule.rule, rule.constants)

    def step_of_rule(self, alpha: str, *, tight: bool = False) -> list[str]:
        """Return the loop that updates the parameters, each by its gradient."""
        rule = self.training.optimizer
        w, lines = "parameters[name]", []
        if rule.weight_decay:
            factor = repr(rule.weight_decay)
            if self.network.dtype.name == "float32":
                factor = f"np.float32({factor})"
            lines.append("theta = parameters[name]  # weights decay, biases do not")
            decayed = f"theta - {alpha} * {factor} * theta"
            lines.append(f'theta = {decayed} if name[0] == "W" else theta')
            decay = f'(name[0] == "W") * {alpha} * {factor}'  # 0 for others
            one = f"theta = parameters[name] - {decay} * parameters[name]"
            lines, w = [one] if tight else lines, "theta"
        left, state = "(parameters[name],)", ""
        if rule.state:
            left, state = "parameters[name], *state[name]", ", *state[name]"
        lines.append(f"{left} = {self.rule()}({w}, dw{state}, {alpha}, t)")
        if tight and max(map(len, lines)) + STEP_INDENT > WIDTH:
            lines = [line.replace("name[", "k[").replace("[name]", "[k]") for line in lines]
            return ["for k, dw in gradients.items():", *(f"    {line}" for line in lines)]
        if len(lines) == 1 and len(lines[0]) + STEP_INDENT > WIDTH:
            lines = ["theta = parameters[name]", lines[0].replace(f"({w}", "(theta")]
        return ["for name, dw in gradients.items():", *(f"    {line}" for line in lines)]

    def state(self) -> list[str]:
        """Return the line that begins the state of the update rule, if it has one."""
        zeros = ", ".join(["np.zeros_like(w)"] * len(self.training.optimizer.state))
        line = f"state = {{name: [{zeros}] for name, w in parameters.items()}}"
        return [line] if zeros else []

    def start(self, *, tight: bool = False) -> list[str]:
        """Return the lines that make X, Y and the first parameters, and what is drawn from."""
        training, key = self.training, "key = np.frombuffer({}, np.uint32).reshape(2, 1)"
        lines = self._data(tight=tight)
        if not training.shuffle and not self.drops:
            return [*lines, "parameters, t = initialize_parameters(), 0"]
        rng = f"np.random.RandomState({training.seed})"
        lines.append(f"rng, parameters, t = {rng}, initialize_parameters(), 0")
        if training.rows is not None and self.drops and tight:  # as the two lines below
            return [*lines, key.format("rng.bytes(16)[8:]")]
        if training.rows is not None:
            lines.append("rng.uniform()  # with which the rows were drawn")
        return [*lines, *([key.format("rng.bytes(8)")] * self.drops)]

    def _data(self, *, tight: bool) -> list[str]:
        """Return the lines that make arrays of the data, and take the rows that were trained on."""
        kind, n, training = float_name(self.network), self.structure.n_outputs, self.training
        X, Y = f"np.asarray(X, dtype={kind})", f"np.asarray(y, dtype={kind}).reshape(-1, {n})"
        if training.labels:
            own = "" if kind == "float" else f", dtype={kind}"
            Y = f"np.eye({n}{own})[np.ravel(y).astype(int)]"
        lines, arrays = [f"X, Y = {X}, {Y}"], ["X", "Y"]
        if training.weighted:
            lines.append(f"weights = np.asarray(sample_weight, dtype={kind}).reshape(-1, 1)")
            arrays.append("weights")
        if training.rows is None:
            return lines
        X, Y = (re.sub(r"asarray\((\w), dtype=", r"asarray(\1, ", text) for text in (X, Y))
        first = f"X, Y = {X}[ROWS], {Y}[ROWS]"
        if tight and len(first) + 4 <= WIDTH:
            return [first, *(f"{line}[ROWS]" for line in lines[1:])]
        taken = ", ".join(f"{name}[ROWS]" for name in arrays)
        return [*lines, f"{', '.join(arrays)} = {taken}  # others were held back for validation"]

    def order(self) -> str:
        """Return the line that makes the `order` of the examples in an epoch."""
        size, training = self.training.batch_size, self.training
        line = f"order = {'rng.permutation' if training.shuffle else 'np.arange'}(len(X))"
        if training.drop_last:
            line += f"[: len(X) - len(X) % {size} or len(X)]"
        return line

    def batches(self) -> str:
        """Return the mini-batches of the rows in `order`."""
        size = self.training.batch_size
        return f"np.split(order, range({size}, len(order), {size}))"

    def clipping(self) -> Block:
        """Return the function that clips the gradients."""
        value, norm = self.training.clip_value, self.training.clip_norm
        lines, docs, tight = [], [], None
        if value is not None:
            clipped = f"np.clip(dw, {-value!r}, {value!r})"
            lines = [f"gradients = {{name: {clipped} for name, dw in gradients.items()}}"]
            docs.append(f"each number within ±{value!r}")
        if norm is not None:
            lines += [
                "dw = np.concatenate([dw.ravel() for dw in gradients.values()])",
                "largest = np.max(np.abs(dw)) or 1.0  # squares of 1e200 would overflow",
                "norm = largest * np.linalg.norm(dw / largest)",
                f"shorter = float({norm!r} / max(norm, {norm!r}))",
            ]
            docs.append(f"all together with a norm of at most {norm!r}")
            all_of = "for name, dw in gradients.items()}"
            tight = [*lines[:-1], f"return {{name: dw * {lines[-1].split(' = ')[1]} {all_of}"]
            lines.append(f"return {{name: dw * shorter {all_of}")
        else:
            lines[-1] = lines[-1].replace("gradients = ", "return ", 1)
        doc = f"The gradients, {', '.join(docs)}."
        return Block("clip_gradients(gradients)", doc, lines, tight=tight)

    @property
    def is_plateau(self) -> bool:
        """Whether the rate depends on the losses."""
        return isinstance(self.training.optimizer.learning_rate, ReduceOnPlateau)

    def rate(self) -> tuple[str, list[str], list[str], list[str], list[str]]:
        """Return α as text, and what comes first, before an epoch, after it, and in each step."""
        schedule = self.training.optimizer.learning_rate
        if isinstance(schedule, ReduceOnPlateau):
            start, factor, least = schedule.learning_rate, schedule.factor, schedule.minimum
            better = f"loss < best - {schedule.min_delta!r}"
            count = "w.sum()" if self.training.weighted else "len(rows)"
            cut = f"min(alpha, max(alpha * {factor!r}, {least!r})), 0"
            then = f"alpha, waited = ({cut}) if waited == {schedule.patience} else (alpha, waited)"
            lines = [f"if waited == {schedule.patience}:", f"    alpha, waited = {cut}"]
            return (
                "alpha",
                [f"alpha, best, waited = {start!r}, np.inf, 0"],
                ["costs, counts = [], []"],
                [
                    "loss = np.dot(costs, counts) / sum(counts)",
                    f"best, waited = (loss, 0) if {better} else (best, waited + 1)",
                    *([then] if len(then) + 8 <= WIDTH else lines),
                ],
                [f"costs, counts = [*costs, float(J)], [*counts, {count}]"],
            )
        if isinstance(schedule, Constant):
            return repr(float(schedule.learning_rate)), [], [], [], []
        if not callable(schedule):
            return repr(float(schedule)), [], [], [], []
        if type(schedule).__module__ == Constant.__module__:
            name = self.formulas.method("schedule", schedule, "__call__")
            return "alpha", [], [], [], [f"alpha = {name}(t)"]
        name = self.formulas.name("schedule", schedule)
        return "alpha", [], [], [], [f"alpha = float({name}(t))"]

    def printing(self) -> list[str]:
        """Return the lines that print the cost of some epochs."""
        if not self.prints:
            return []
        every = max(1, self.training.epochs // PRINTED)
        line = 'print(f"Cost after epoch {epoch}: {J}")'
        return [line] if every == 1 else [f"if epoch % {every} == 0:", f"    {line}"]

    def rows(self) -> list[str]:
        """Return the line with the numbers of the rows that were trained on, if not all were."""
        rows = self.training.rows
        if rows is None:
            return []
        smallest = rows.astype(np.min_scalar_type(int(rows.max())).newbyteorder("<"))
        return [f"ROWS = {packed_file(smallest)}"]
