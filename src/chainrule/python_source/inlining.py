"""A formula in fewer lines: what it names on the way stands where it is used.

The operations and their order stay the same, and so do the bits of the result.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Sequence

from chainrule.python_source.blocks import WIDTH

# A function's lines stand so far in.
INDENT = 4
# What is named for more uses than that is long, or stands for something.
MOST_USES = 2


def inlined(body: Sequence[str], arguments: Collection[str], *, single: bool) -> list[str]:
    """Return the lines of a pure function, fewer of them where they fit into the width.

    With `single`, its arrays are of float32.
    """
    statements = ast.parse("\n".join(body)).body
    originals = [*statements]
    texts = {
        id(statement): body[statement.lineno - 1 : statement.end_lineno] for statement in originals
    }
    statements = _without_horner(statements, single=single)
    for assignment in reversed([*statements]):
        if isinstance(assignment, ast.Assign) and _is_named_once(assignment, statements, arguments):
            statements = _without(assignment, statements)
    if len(statements) == 1:  # and a comment beside it says what the formula does
        return _as_text(statements[0]).splitlines()
    lines: list[str] = []
    for statement in statements:
        lines += texts.get(id(statement)) or _as_text(statement).splitlines()
    return lines


def _without_horner(statements: list[ast.stmt], *, single: bool) -> list[ast.stmt]:
    """Return them with ``np.polyval`` in place of ``p = s * 0`` and ``for c in …: p = p * s + c``.

    It does the same, from the coefficients in an array of the type of s.
    """
    for i, loop in enumerate(statements[1:], 1):
        start = ast.unparse(statements[i - 1])
        if not isinstance(loop, ast.For) or not start.endswith(" * 0"):
            continue
        p, s = start.removesuffix(" * 0").split(" = ")
        c, of = ast.unparse(loop.target), ast.unparse(loop.iter)
        if [ast.unparse(line) for line in loop.body] == [f"{p} = {p} * {s} + {c}"]:
            coefficients = f"np.float32({of})" if single else of
            polynomial = ast.parse(f"{p} = np.polyval({coefficients}, {s})").body
            return [*statements[: i - 1], *polynomial, *statements[i + 1 :]]
    return statements


def _is_named_once(
    assignment: ast.Assign, statements: list[ast.stmt], arguments: Collection[str]
) -> bool:
    """Whether a value is given a name of its own, and is the same wherever that name is read."""
    (name, *others), behind = assignment.targets, statements[statements.index(assignment) + 1 :]
    if others or not isinstance(name, ast.Name) or name.id in arguments:
        return False
    stored = [x.id for x in _names(statements, ast.Store)]
    changed = {x.id for x in _names(behind, ast.Store)}
    draws = any(  # rng.uniform(…), which is another number each time
        isinstance(part, ast.Attribute)
        and isinstance(part.value, ast.Name)
        and part.value.id in arguments
        for part in ast.walk(assignment.value)
    )
    read = {x.id for x in _names([assignment.value], ast.Load)}
    within = (ast.For, ast.While, ast.Lambda, ast.comprehension)
    loops = any(isinstance(part, within) for line in behind for part in ast.walk(line))
    return stored.count(name.id) == 1 and not (draws or loops or read & changed)


def _without(assignment: ast.Assign, statements: list[ast.stmt]) -> list[ast.stmt]:
    """Return them with the value in place of its name, or as they are if that is too long."""
    (name,), place = assignment.targets, statements.index(assignment)
    behind = statements[place + 1 :]
    uses = [x for x in _names(behind, ast.Load) if x.id == ast.unparse(name)]
    if len(uses) > MOST_USES:
        return statements
    new: list[ast.stmt] = []
    for statement in behind:
        if not any(x in uses for x in ast.walk(statement)):
            new.append(statement)
            continue
        changed = _Inlined(ast.unparse(name), assignment.value).visit(copy.deepcopy(statement))
        if any(len(line) + INDENT > WIDTH for line in _as_text(changed).splitlines()):
            return statements
        new.append(changed)
    return [*statements[:place], *new]


def _as_text(statement: ast.stmt) -> str:
    """Return its source, without parentheses around several values that are returned."""
    if isinstance(statement, ast.Return) and isinstance(statement.value, ast.Tuple):
        text = ", ".join(map(ast.unparse, statement.value.elts))
        return f"return {text}" if len(statement.value.elts) > 1 else f"return ({text},)"
    return ast.unparse(statement)


class _Inlined(ast.NodeTransformer):
    """Puts a value in place of a name."""

    def __init__(self, name: str, value: ast.expr) -> None:
        self.name, self.value = name, value

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return copy.deepcopy(self.value) if node.id == self.name else node


def _names(statements: Sequence[ast.AST], kind: type[ast.expr_context]) -> list[ast.Name]:
    return [
        part
        for statement in statements
        for part in ast.walk(statement)
        if isinstance(part, ast.Name) and isinstance(part.ctx, kind)
    ]
