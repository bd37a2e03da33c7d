"""A structure as JSON, and back: formulas by name and constants, your own by a name you give.

The name of a typed formula is the formula.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, TypeAlias, TypeVar

from chainrule import _checks, _json
from chainrule.activation import Activation
from chainrule.activations import ACTIVATIONS, ELU, LeakyReLU, get_activation
from chainrule.initializers import INITIALIZERS, Initializer
from chainrule.loss import Loss
from chainrule.losses import LOSSES, Huber, Pinball
from chainrule.structure import Layer, Structure

# The library's formulas with constants, by the functions that make them with others.
MAKERS: dict[str, Any] = {
    "elu": ELU,
    "leaky_relu": LeakyReLU,
    "huber": Huber,
    "pinball": Pinball,
}

Custom: TypeAlias = Mapping[str, Activation | Loss | Initializer]
Formula = TypeVar("Formula", Activation, Loss)

_LAYER = ("units", "activation", "dropout", "normalization", "initializer")


def check_custom(custom: Custom | None) -> Custom:
    """Return what was given as `custom`, or an empty mapping for None.

    Raises TypeError if it is not a mapping of names to activations, losses and initialisers.
    """
    if custom is None:
        return {}
    if not isinstance(custom, Mapping):
        raise TypeError(f"custom must be a dict such as {{'bent': bent}}, got {custom!r:.60}")
    for name, own in custom.items():
        if not isinstance(name, str):
            raise TypeError(f"the names in custom must be strings, got {name!r:.60}")
        if not (isinstance(own, (Activation, Loss)) or callable(own)):
            raise TypeError(
                f"custom[{name!r}] must be an Activation, a Loss or an initialiser, got {own!r:.60}"
            )
    return custom


def describe_structure(structure: Structure, custom: Custom | None = None) -> dict[str, Any]:
    """Return a structure as objects, lists, strings and numbers, of which JSON can be made.

    Parameters
    ----------
    structure : Structure
        What to describe.
    custom : mapping of str to Activation, Loss or initialiser, optional
        Your own formulas by the names that stand for them in the description.

    Raises
    ------
    ValueError
        If a formula is neither the library's nor in `custom`.
    """
    custom = check_custom(custom)
    layers = [
        {
            "units": layer.units,
            "activation": _describe(f"activation of layer {l}", layer.activation, custom),
            "dropout": layer.dropout,
            "normalization": layer.normalization,
            "initializer": _describe_initializer(l, layer.initializer, custom),
        }
        for l, layer in enumerate(structure.layers, 1)
    ]
    loss = _describe("loss", structure.loss, custom)
    return {"n_inputs": structure.n_inputs, "layers": layers, "loss": loss}


def build_structure(description: object, custom: Custom | None = None) -> Structure:
    """Return the structure that `describe_structure` has described.

    Raises ValueError or TypeError, naming the place, if the description is not as that function
    makes it, or a formula of your own is not in `custom`.
    """
    custom = check_custom(custom)
    n_inputs, layers, loss = _json.fields("structure", description, ("n_inputs", "layers", "loss"))
    return Structure(
        [
            _checks.check_integer("n_inputs", n_inputs, low=1),
            *(_layer(l, layer, custom) for l, layer in enumerate(_json.items("layers", layers), 1)),
        ],
        loss=_build("loss", loss, Loss, LOSSES, custom),
    )


def _layer(l: int, description: object, custom: Custom) -> Layer:
    fields = _json.fields(f"layer {l}", description, _LAYER)
    units, activation, dropout, normalization, initializer = fields
    if normalization is not None:
        _json.string(f"normalization of layer {l}", normalization)
    return Layer(
        _checks.check_integer(f"units of layer {l}", units, low=1),
        _build(f"activation of layer {l}", activation, Activation, ACTIVATIONS, custom),
        dropout=dropout,
        normalization=normalization,
        initializer=_build_initializer(f"initializer of layer {l}", initializer, custom),
    )


def _describe(what: str, formula: Activation | Loss, custom: Custom) -> dict[str, Any]:
    constants = {
        name: _checks.check_number(f"constant {name!r} of the {what}", value)
        for name, value in formula.constants.items()
    }
    table: Mapping[str, Any] = LOSSES if isinstance(formula, Loss) else ACTIVATIONS
    with contextlib.suppress(ValueError, TypeError):  # a name or constants that only you know
        if _of_the_library(what, formula.name, constants, table) == formula:
            return {"name": formula.name, "constants": constants, "custom": False}
    for name, own in custom.items():
        if own == formula:
            return {"name": name, "constants": constants, "custom": True}
    raise _your_own(what, formula.name)


def _build(
    what: str, description: object, kind: type[Formula], table: Mapping[str, Formula], own: Custom
) -> Formula:
    name, constants, is_custom = _json.fields(what, description, ("name", "constants", "custom"))
    _json.string(f"{what}'s name", name)
    if not isinstance(constants, dict):
        raise TypeError(f"{what} must have constants by name, got {constants!r:.60}")
    if not _checks.check_bool(f"custom of the {what}", is_custom):
        return _of_the_library(what, name, constants, table)
    formula = _given_back(what, name, own)
    if not isinstance(formula, kind):
        raise TypeError(f"custom[{name!r}] must be of type {kind.__name__}, got {formula!r:.60}")
    if dict(formula.constants) != constants:
        raise ValueError(
            f"custom[{name!r}] must have the constants that it was saved with, {constants}, got "
            f"{dict(formula.constants)}"
        )
    return formula


def _of_the_library(
    what: str, name: str, constants: Mapping[str, Any], table: Mapping[str, Formula]
) -> Formula:
    if name.startswith("=") and table is ACTIVATIONS:
        _json.fields(f"constants of the {what}", constants, ())
        typed: Formula = get_activation(name, what)  # type: ignore[assignment]
        return typed
    if name not in table:
        _checks.raise_unknown(what, name, table)
    _json.fields(f"constants of the {what}", constants, tuple(table[name].constants))
    made: Formula = MAKERS[name](**constants) if constants else table[name]
    return made


def _describe_initializer(l: int, draw: Initializer, custom: Custom) -> dict[str, Any]:
    for is_custom, table in ((False, INITIALIZERS), (True, custom)):
        for name, known in table.items():
            if known is draw:
                return {"name": name, "custom": is_custom}
    raise _your_own(f"initializer of layer {l}", getattr(draw, "__name__", "rule"))


def _build_initializer(what: str, description: object, custom: Custom) -> Initializer:
    name, is_custom = _json.fields(what, description, ("name", "custom"))
    _json.string(f"{what}'s name", name)
    if not _checks.check_bool(f"custom of the {what}", is_custom):
        return INITIALIZERS[_checks.check_choice(what, name, INITIALIZERS)]
    draw = _given_back(what, name, custom)
    if isinstance(draw, (Activation, Loss)):
        raise TypeError(f"custom[{name!r}] must be an initialiser, got {draw!r:.60}")
    own: Initializer = draw
    return own


def _given_back(what: str, name: str, custom: Custom) -> Any:
    if name not in custom:
        raise ValueError(
            f"the {what} is the writer's own {name!r:.60}, whose formula is not in the file; give "
            f"it back as custom={{{name!r:.60}: …}}"
        )
    return custom[name]


def _your_own(what: str, name: str) -> ValueError:
    return ValueError(
        f"the {what} is your own {name!r}, and no formula is written to a file; give it here, and "
        f"give it back to chainrule.load, as custom={{{name!r}: …}}"
    )
