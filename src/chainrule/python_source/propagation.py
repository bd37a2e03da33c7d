"""The steps of a script whose layers are a table: the first parameters, the way forward and back.

Normalisation, dropout and the weights of examples are lines in their loops.
"""

from __future__ import annotations

from chainrule.normalization import EPSILON, MOMENTUM
from chainrule.python_source.blocks import WIDTH, Block
from chainrule.python_source.recipe import Recipe, back_name
from chainrule.python_source.table import Table

# A loop's lines stand so far in.
INDENT = 8


def initialize_parameters(recipe: Recipe, table: Table) -> Block:
    """Return the function that draws the first parameters, and begins the running statistics."""
    text = f"{table.entry('draw')}(rng, n_in, n)"
    # Made an array of float for all, if it must be for one
    drawn = max((recipe.drawn(x.initializer, text) for x in table.layers), key=len)
    first = 'parameters[f"W{l}"], parameters[f"b{l}"]', f"{drawn}, np.zeros((1, n))"
    doc, lines = "W is drawn, layer by layer; b is 0", []
    if table.kinds:
        doc += ", γ is 1"
        lines += table.normalized(['parameters[f"gamma{l}"] = np.ones((1, n))'])
    if "batch" in table.kinds:
        doc += "; running means are 0, variances 1"
        running = (
            'parameters[f"mean{l}"], parameters[f"var{l}"] = np.zeros((1, n)), np.ones((1, n))'
        )
        if table.kinds == {"batch"}:  # within the same branch
            lines[-1:] = [lines[-1], lines[-1][: -len(lines[-1].lstrip())] + running]
        else:
            lines += table.normalized([running], "batch")
    end = "parameters"
    if recipe.network.dtype.name == "float32":
        end = "{name: w.astype(np.float32) for name, w in parameters.items()}"
    n_in = recipe.structure.n_inputs

    def body(loop: list[str]) -> list[str]:
        start = f"rng, parameters, n_in = np.random.RandomState({recipe.seed}), {{}}, {n_in}"
        return [start, *table.loop(loop), f"return {end}"]

    airy, joined = [" = ".join(first), *lines, "n_in = n"], f"{first[0]}, n_in = {first[1]}, n"
    tight = [joined, *lines] if len(joined) + INDENT <= WIDTH else airy
    return Block("initialize_parameters()", f"{doc}.", body(airy), tight=body(tight))


def forward(table: Table, kind: str, doc: str) -> Block:
    """Return the way forward of a script that does not train."""
    lines = [*_to_Z(table, None), f"A = {table.entry('g')}(Z)"]
    body = [f"A = np.asarray(X, dtype={kind})", *table.loop(lines), "return A"]
    return Block("forward(X)", doc, body)


def forward_propagation(recipe: Recipe, table: Table) -> Block:
    """Return the way forward, of a step and for use."""
    lines, kept = _to_Z(table, recipe), ", ".join(_kept(recipe, table))
    all_kept = ", ".join([kept, *_of_layer(recipe, table)])
    before = f"A_prev, A = A, {table.entry('g')}(Z)"
    end, tight = ([before, f"cache[l] = A_prev, {more}"] for more in (kept, all_kept))
    if recipe.drops:
        g, mask = f"{table.entry('g')}(Z)", "dropout_mask(key, t, l, *Z.shape, rate)"
        D = f"{mask} if rate and key is not None else 1.0"
        end = [f"G = {g}", f"D = {D}", f"cache[l] = A, {kept}", "A = G * D"]
        tight = [f"G, D = {g}, {D}", f"cache[l], A = (A, {all_kept}), G * D"]
        tight = [*end[:2], tight[1]] if len(tight[0]) + INDENT > WIDTH else tight
    more = ", key=None, t=0" if recipe.drops else ""
    if not recipe.drops and "batch" in table.kinds:
        more = ", training=False"
    start = "A, cache, m = X, {}, len(X)" if "batch" in table.kinds else "A, cache = X, {}"

    def body(end: list[str]) -> list[str]:
        last = f"return A, {'Z, ' * recipe.cost_of_z}cache"
        return [start, *table.loop([*lines, *end]), last]

    doc = "Z[l] = A[l−1] W[l] + b[l], A[l] = g(Z[l]): the outputs, and all for the way back."
    return Block(f"forward_propagation(X, parameters{more})", doc, body(end), tight=body(tight))


def _kept(recipe: Recipe, table: Table) -> list[str]:
    """Return what is kept of a layer for the way back, beside its inputs."""
    dropout = ["G", "D"] if recipe.drops else ["A"]
    return ["Z", *dropout, *(["U", "var"] if table.kinds else [])]


def _keeps_layer(recipe: Recipe) -> bool:
    """Whether the way back of a tight script goes over what was kept: if A is not given too."""
    return recipe.is_pair or recipe.drops


def _of_layer(recipe: Recipe, table: Table) -> list[str]:
    """Return the columns that the way back reads, which a tight script keeps too."""
    if not _keeps_layer(recipe):
        return []
    slopes = table.layers[:-1] if recipe.is_pair else table.layers
    read = [*(["slope"] * bool(slopes)), *(["axis"] * bool(table.kinds))]
    return [name for name in read if name in table.columns]


def _to_Z(table: Table, recipe: Recipe | None) -> list[str]:
    """Return the lines from a layer's inputs A to Z."""
    of = "PARAMETERS" if recipe is None else "parameters"
    W, b, gamma = (f'{of}[f"{name}{{l}}"]' for name in ("W", "b", "gamma"))
    if not table.kinds:
        return [f"Z = A @ {W} + {b}"]
    first = f"U = A @ {W}"
    if recipe is not None and table.some_are_not:
        first = f"U, var = A @ {W}, None"
    if table.some_are_not:
        gamma = f'{of}.get(f"gamma{{l}}", 1.0)'
    normalize = [
        *_statistics(table, recipe, of),
        f"U = (U - mean) / np.sqrt(var + {EPSILON!r})",
    ]
    more = "  # γ, else 1" if table.some_are_not else ""
    return [first, *table.normalized(normalize), f"Z = U * {gamma} + {b}{more}"]


def _statistics(table: Table, recipe: Recipe | None, of: str) -> list[str]:
    """Return the lines that make mean and variance: of the rows at hand, or running ones."""
    axis = f"axis={table.entry('axis')}, keepdims=True"
    own = [f"mean, var = U.mean({axis}), U.var({axis})"]
    running = f'mean, var = {of}[f"mean{{l}}"], {of}[f"var{{l}}"]'
    if "batch" not in table.kinds:
        return own
    both = "layer" in table.kinds
    if recipe is None:
        return [*own, "if axis == 0:", f"    {running}"] if both else [running]
    trains = "key is not None" if recipe.drops else "training"
    return [
        *own,
        f"if {'axis == 0 and ' * both}{trains}:",
        '    for x, new in (("mean", mean), ("var", var * (m / max(m - 1, 1)))):',
        f'        {of}[f"{{x}}{{l}}"] += {MOMENTUM!r} * (new - {of}[f"{{x}}{{l}}"])',
        "elif axis == 0:" if both else "else:",
        f"    {running}",
    ]


def backward_propagation(recipe: Recipe, table: Table) -> Block:
    """Return the way back of a step."""
    weighted, dU = recipe.training.weighted, "dU" if table.kinds else "dZ"
    before, to_dZ, after = _to_dZ(recipe, table, dU)
    if table.kinds and table.some_are_not:
        one = f"dU = {to_dZ[-1]}"  # dU is dZ, unless more is done
        short = one.startswith("dU = dZ") and len(one) + INDENT <= WIDTH
        to_dZ = [*to_dZ[:-1], one] if short else [*to_dZ, "dU = dZ"]
    lines, kept = [*to_dZ], ["A_prev", *_kept(recipe, table)]
    if table.kinds:
        axis = f"axis={table.entry('axis')}, keepdims=True"
        back = [
            'gradients = {f"gamma{l}": (dZ * U).sum(axis=0, keepdims=True) / m} | gradients',
            'dU = dZ * parameters[f"gamma{l}"]',
            f"mean, along = dU.mean({axis}), (dU * U).mean({axis})",
            f"dU = (dU - mean - U * along) / np.sqrt(var + {EPSILON!r})  # through μ and s² too",
        ]
        lines += table.normalized(back)
    m, behind = "w.sum()" if weighted else "len(Y)", "dA" if after else dU
    start = f"gradients, m = {{}}, {m}"
    if before:
        start = f"gradients, m, dA = {{}}, {m}, {before}"
    elif len(table.layers) > 1:  # behind the outputs there is none
        start = f"gradients, m, {behind} = {{}}, {m}, None"
    doc = "dW = A_prevᵀ dZ / m, dA_prev = dZ Wᵀ: the chain rule, from the cost to X."
    head, dW = f"backward_propagation({given_back(recipe)})", f"A_prev.T @ {dU} / m"
    dW += recipe.penalty('parameters[f"W{l}"]')
    airy = [f"{', '.join(kept)} = cache[l]", *lines, *_gradients(dW), *after]
    tight, taken = [*lines, *_gradients(dW, tight=True), *after], airy[0]
    loop = table.loop([taken, *tight], back=True)
    if _keeps_layer(recipe):
        all_kept = ", ".join([*kept, *_of_layer(recipe, table)])
        head_of_loop = f"for l, ({all_kept}) in reversed(cache.items()):"
        loop = [head_of_loop, *(f"    {line}" for line in tight)]
    body, end = [start, *table.loop(airy, back=True)], "return gradients"
    return Block(head, doc, [*body, end], tight=[start, *loop, end])


def _gradients(dW: str, *, tight: bool = False) -> list[str]:
    """Return the lines that put the gradients of a layer before those of the layers behind it."""
    db, end = "dZ.sum(axis=0, keepdims=True) / m", "} | gradients"
    one = f'gradients = {{f"W{{l}}": {dW}, f"b{{l}}": {db}{end}'
    if tight and len(one) + INDENT <= WIDTH:
        return [one]
    if tight:
        return [f"dW = {dW}", f'gradients = {{f"W{{l}}": dW, f"b{{l}}": {db}{end}']
    return [f"dW = {dW}", f"db = {db}", f'gradients = {{f"W{{l}}": dW, f"b{{l}}": db{end}']


def given_back(recipe: Recipe, rows: str = "") -> str:
    """Return the arguments of the way back, of which Y is that of the `rows`."""
    names = [*([] if recipe.is_pair else ["A"]), "cache", f"Y{rows}"]
    return ", ".join([*names, *(["w"] * recipe.training.weighted), "parameters"])


def _to_dZ(recipe: Recipe, table: Table, dU: str) -> tuple[str, list[str], list[str]]:
    """Return dA of the outputs, and the lines in the loop up to dZ and behind the gradients.

    dA comes with the layer behind; where dZ of the outputs is known, it is part of one formula,
    and dA is "".
    """
    last, weighted, G = len(table.layers), recipe.training.weighted, "G" if recipe.drops else "A"
    if not recipe.is_pair:
        dZ = _through(table, G, "dA * D" if recipe.drops else "dA", with_last=True)
        one = f"{dZ} * (w if l == {last} else 1)"
        at_once = weighted and " if " not in dZ and len(f"dU = dZ = {one}") + INDENT <= WIDTH
        weigh = [f"dZ = w * dZ if l == {last} else dZ"] * (weighted and not at_once)
        dZ = one if at_once else dZ
        before = recipe.at_output("A")
        behind = [f'dA = {dU} @ parameters[f"W{{l}}"].T'] * (last > 1)
        return before, [f"dZ = {dZ}", *weigh], behind
    short = recipe.at_output(G)
    short = f"w * ({short})" if weighted else short
    if last == 1:
        return "", [f"dZ = {short}"], []
    for dA in (f'{dU} @ parameters[f"W{{l + 1}}"].T', "dA"):
        hidden = _through(table, G, f"{dA} * D" if recipe.drops else dA, with_last=False)
        hidden = f"({hidden})" if " if " in hidden else hidden
        line = f"dZ = {hidden} if l < {last} else {short}"
        if len(line) + INDENT <= WIDTH:
            break
    behind = [f'dA = {dU} @ parameters[f"W{{l}}"].T'] if dA == "dA" else []
    if len(line) + INDENT <= WIDTH:
        return "", [line], behind
    return "", [f"if l < {last}:", f"    dZ = {hidden}", "else:", f"    dZ = {short}"], behind


def _through(table: Table, G: str, dA: str, *, with_last: bool) -> str:
    """Return dL/dz from dL/da: times the slope, or for softmax by its own formula."""
    layers, slope = table.layers if with_last else table.layers[:-1], table.entry("slope")
    vjps = {back_name(table.formulas, x) for x in layers if x.activation.vjp is not None}
    by_slope, by_vjp = f"{dA} * {slope}(Z, {G})", f"{slope}(Z, {G}, {dA})"
    if not vjps:
        return by_slope
    if all(layer.activation.vjp is not None for layer in layers):
        return by_vjp
    name, *others = sorted(vjps)
    is_vjp = f"slope in ({', '.join([name, *others])})" if others else f"slope is {name}"
    return f"{by_vjp} if {is_vjp} else {by_slope}"


def train(recipe: Recipe, table: Table) -> Block:
    """Return the loop over epochs and mini-batches."""
    weighted, size = recipe.training.weighted, recipe.training.batch_size
    doc = f"Train from the start, in mini-batches of {size}."
    head = f"train(X, y{', sample_weight' * weighted})"
    return Block(head, doc, _train(recipe, table), tight=_train(recipe, table, tight=True))


def _train(recipe: Recipe, table: Table, *, tight: bool = False) -> list[str]:
    training, size = recipe.training, recipe.training.batch_size
    alpha, start, before_epoch, after_epoch, in_step = recipe.rate()
    more = ", key, t" if recipe.drops else ", training=True" * ("batch" in table.kinds)
    back = f"backward_propagation({given_back(recipe, '[rows]')})"
    order, batches = [recipe.order()], recipe.batches()
    of_rows = ["w = weights[rows]"] * training.weighted
    if training.gaps and tight:
        batches = f"(r for r in {batches} if weights[r].any())"
    elif training.gaps:
        of_rows += ["if not w.any():", "    continue"]
    if not training.drop_last and not (training.gaps and tight):
        drawn = order.pop().removeprefix("order = ")
        batches = f"np.split({drawn}, range({size}, len(X), {size}))"
    uses_A = not recipe.is_pair or (recipe.has_cost and not recipe.cost_of_z)
    made = ("A, " if uses_A else "_, ") + "Z, " * recipe.cost_of_z
    count = [*in_step, "t += 1"]
    if tight and in_step:
        names, values = in_step[0].split(" = ")
        count = [f"{names}, t = {values}, t + 1"]
    step = [
        *of_rows,
        f"{made}cache = forward_propagation(X[rows], parameters{more})",
        *_cost(recipe),
        f"gradients = {f'clip_gradients({back})' if recipe.clips else back}",
        *count,
        *recipe.step_of_rule(alpha, tight=tight),
    ]
    return [
        *recipe.start(tight=tight),
        *start,
        *recipe.state(),
        f"for epoch in range({training.epochs}):",
        *(f"    {line}" for line in [*before_epoch, *order]),
        f"    for rows in {batches}:",
        *(f"        {line}" for line in step),
        *(f"    {line}" for line in [*after_epoch, *recipe.printing()]),
        "return parameters",
    ]


def _cost(recipe: Recipe) -> list[str]:
    if not recipe.has_cost:
        return []
    cost = recipe.cost("Z" if recipe.cost_of_z else "A", "Y[rows]")
    if recipe.training.weighted:
        return [f"J = np.sum(w * {cost}) / np.sum(w)"]
    return [f"J = np.sum({cost}) / len(rows)"]
