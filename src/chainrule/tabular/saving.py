"""A model for tables in a file: columns, target and networks as JSON, their numbers as arrays."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import QuantileTransformer, RobustScaler

from chainrule import _checks, _json
from chainrule.description import Custom
from chainrule.history import History
from chainrule.model_file import ModelFile, write_model
from chainrule.network_file import build_network, describe_network, network_arrays
from chainrule.stored_arrays import StoredArrays
from chainrule.tabular.base import MOST_MEMBERS, BaseTabular
from chainrule.tabular.classifier import TabularClassifier
from chainrule.tabular.dates import CYCLES
from chainrule.tabular.preprocessing import Preprocessing
from chainrule.tabular.regressor import TabularRegressor
from chainrule.tabular.roles import Role
from chainrule.tabular.scaling import SCALINGS, NumberScaling

MODELS: dict[str, type[BaseTabular]] = {
    "classification": TabularClassifier,
    "regression": TabularRegressor,
}
FIELDS = (
    *("task", "parameters", "features", "columns", "scaling", "max_one_hot", "target"),
    *("networks", "histories"),
)
LABELS = {"bool": bool, "int": int, "float": float, "str": str}


def save_model(
    model: BaseTabular, path: str | os.PathLike[str], custom: Custom | None, overwrite: bool
) -> None:
    """Write a fitted model to a file; its method `save` says what may go wrong."""
    task = "classification" if isinstance(model, TabularClassifier) else "regression"
    done = model.preprocessing_
    description = {
        "task": task,
        "parameters": _describe_parameters(model),
        "features": {
            "count": model.n_features_in_,
            "names": [str(name) for name in getattr(model, "feature_names_in_", [])],
        },
        "columns": [_describe_column(done, role) for role in done.roles],
        "scaling": done.scaling,
        "max_one_hot": done.max_one_hot,
        "target": {"name": model.target_name_, **_describe_target(model)},
        "networks": [describe_network(network, custom) for network in model.networks_],
        "histories": [_describe_history(history) for history in model.histories_],
    }
    arrays = _scaler_arrays(done.numbers)
    for i, network in enumerate(model.networks_):
        arrays |= network_arrays(network, f"{i}.")
    write_model(path, "tabular", description, arrays, overwrite=overwrite)


def load_model(file: ModelFile, custom: Custom) -> BaseTabular:
    """Return the model of a file of the kind "tabular"."""
    fields = dict(zip(FIELDS, _json.fields("model", file.description, FIELDS), strict=True))
    model = MODELS[_checks.check_choice("task", fields["task"], MODELS)](
        **_parameters(fields["parameters"], MODELS[fields["task"]])
    )
    count, labels = _json.fields("features", fields["features"], ("count", "names"))
    model.n_features_in_ = _checks.check_integer("count", count, low=1)
    if count != len(_json.items("columns", fields["columns"])):
        raise ValueError(f"there must be {count} columns, got {len(fields['columns'])}")
    if labels:
        model.feature_names_in_ = np.array(_strings("names of features", labels), dtype=object)
    model.preprocessing_ = _build_preprocessing(fields, file.arrays)
    _build_target(model, fields["target"])
    described = _json.items("networks", fields["networks"])
    if len(described) > MOST_MEMBERS:
        raise ValueError(f"a model has at most {MOST_MEMBERS} networks, got {len(described)}")
    n_inputs = model.preprocessing_.n_inputs
    n_outputs = 1 if len(getattr(model, "classes_", ())) <= 2 else len(model.classes_)
    model.networks_ = []
    for i, description in enumerate(described):
        network = build_network(description, file.arrays.under(f"{i}."), custom)
        structure = network.structure
        if (structure.n_inputs, structure.n_outputs) != (n_inputs, n_outputs):
            raise ValueError(
                f"network {i} must have {n_inputs} inputs and {n_outputs} outputs, got "
                f"{structure.n_inputs} and {structure.n_outputs}"
            )
        model.networks_.append(network)
    model.histories_ = [_build_history(h) for h in _json.items("histories", fields["histories"])]
    n = len(model.networks_)
    if {len(model.histories_), len(getattr(model, "temperatures_", model.networks_))} != {n}:
        raise ValueError("there must be a history, and a temperature, for each network")
    last = model.networks_[-1].structure
    if "activation" not in fields["parameters"] and len(last.layers) > 1:
        model.activation = last.layers[-2].activation
    if isinstance(model, TabularRegressor) and "loss" not in fields["parameters"]:
        model.loss = last.loss
    model.n_iter_ = max(len(history) for history in model.histories_)
    return model


# Parameters of the estimator: activation and loss are in the networks, a generator is not kept.
def _describe_parameters(model: BaseTabular) -> dict[str, Any]:
    described = {}
    for name, value in model.get_params().items():
        plain = _as_plain(value)
        if name == "class_weight" and isinstance(value, dict):
            plain = [[_as_plain(label), float(weight)] for label, weight in value.items()]
        if _is_plain(plain):
            described[name] = plain
    return described


def _as_plain(value: Any) -> Any:
    """Return numbers and sequences of NumPy as Python's own."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return [_as_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _is_plain(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_is_plain(each) for each in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, (bool, int, str))


def _parameters(given: object, kind: type[BaseTabular]) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise TypeError(f"parameters must be an object, got {given!r:.60}")
    known = kind().get_params()
    for name, value in given.items():
        if name not in known or not _is_plain(value):
            raise ValueError(f"parameters must be those of {kind.__name__}, got {name!r:.60}")
    parameters = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
    if isinstance(pairs := given.get("class_weight"), list):
        if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
            raise ValueError("class_weight must be pairs of a label and a weight")
        parameters["class_weight"] = {
            label: _checks.check_number("class_weight", weight, low=0) for label, weight in pairs
        }
    kind(**parameters)._validate_params()
    return parameters


# Columns
def _describe_column(done: Preprocessing, role: Role) -> dict[str, Any]:
    return {
        "name": role.name,
        "kind": role.kind,
        "came_as": role.came_as,
        "missing": role.missing,
        "distinct": role.distinct,
        "reason": role.reason,
        "categories": done.categories.get(role.name, []),
        "cycles": done.cycles.get(role.name, []),
    }


def _build_preprocessing(fields: dict[str, Any], arrays: StoredArrays) -> Preprocessing:
    scaling = _checks.check_choice("scaling", fields["scaling"], SCALINGS)
    done = Preprocessing(scaling, _checks.check_integer("max_one_hot", fields["max_one_hot"]))
    done.roles, done.categories, done.cycles = [], {}, {}
    names = ("name", "kind", "came_as", "missing", "distinct", "reason", "categories", "cycles")
    for description in _json.items("columns", fields["columns"]):
        name, kind, came_as, missing, distinct, reason, categories, cycles = _json.fields(
            "column", description, names
        )
        role = Role(
            _json.string("name of a column", name),
            _checks.check_choice("kind", kind, ("number", "date", "category", "dropped")),
            _checks.check_choice("came_as", came_as, ("number", "date", "word")),
            _checks.check_integer("missing", missing),
            _checks.check_integer("distinct", distinct),
            _json.string("reason", reason),
        )
        done.roles.append(role)
        if role.kind == "category":
            done.categories[name] = _strings(f"categories of {name!r:.60}", categories)
            if not categories:
                raise ValueError(f"column {name!r:.60} must have categories")
        if role.kind == "date":
            done.cycles[name] = _strings(f"cycles of {name!r:.60}", cycles)
            for cycle in cycles:
                _checks.check_choice("cycle", cycle, CYCLES)
    _strings("names of columns", [role.name for role in done.roles])
    done.numbers = _build_scaler(scaling, len(done.of("number")) + len(done.of("date")), arrays)
    done.lay_out()
    if done.n_inputs == 0:
        raise ValueError("a model must have at least one column to learn from")
    return done


def _strings(what: str, value: object) -> list[str]:
    """Return a list of different strings, which may be empty."""
    if not isinstance(value, list):
        raise TypeError(f"{what} must be a list, got {value!r:.60}")
    strings = [_json.string(f"each of {what}", each) for each in value]
    if len(set(strings)) < len(strings):
        raise ValueError(f"{what} must be different")
    return strings


# Scaling of numbers
def _scaler_arrays(numbers: NumberScaling) -> dict[str, npt.NDArray[Any]]:
    arrays: dict[str, npt.NDArray[Any]] = {"numbers.with_missing": numbers.with_missing}
    if isinstance(numbers.scaler, RobustScaler):
        arrays["numbers.center"] = np.asarray(numbers.scaler.center_, float)
        arrays["numbers.scale"] = np.asarray(numbers.scaler.scale_, float)
    elif numbers.scaler is not None:
        arrays["numbers.quantiles"] = np.asarray(numbers.scaler.quantiles_, float)
    return arrays


def _build_scaler(scaling: str, n: int, arrays: StoredArrays) -> NumberScaling:
    numbers, stored = NumberScaling(scaling), arrays.under("numbers.")
    shapes: dict[str, tuple[int, ...]] = {"with_missing": (n,)}
    if n and scaling == "robust":
        shapes |= {"center": (n,), "scale": (n,)}
    elif n:
        shapes["quantiles"] = (_rows_of(stored, "quantiles"), n)
    for name in stored.known:
        if name not in shapes:
            raise ValueError(f"array 'numbers.{name:.60}' belongs to nothing")
    for name, shape in shapes.items():
        if name not in stored.known:
            raise ValueError(f"array 'numbers.{name}' is missing")
        stored.expect_one(name, shape, np.bool_ if name == "with_missing" else np.float64)
    numbers.with_missing = stored.read("with_missing")
    numbers.scaler = None
    if n and scaling == "robust":
        numbers.scaler = RobustScaler()
        numbers.scaler.center_, numbers.scaler.scale_ = stored.read("center"), stored.read("scale")
        if not (numbers.scaler.scale_ > 0).all():
            raise ValueError("array 'numbers.scale' must be positive")
    elif n:
        quantiles = stored.read("quantiles")
        if (np.diff(quantiles, axis=0) < 0).any():
            raise ValueError("array 'numbers.quantiles' must be in order")
        numbers.scaler = QuantileTransformer(
            n_quantiles=len(quantiles), output_distribution="normal", random_state=0
        )
        numbers.scaler.quantiles_, numbers.scaler.n_quantiles_ = quantiles, len(quantiles)
        numbers.scaler.references_ = np.linspace(0, 1, len(quantiles))
    if numbers.scaler is not None:
        numbers.scaler.n_features_in_ = n
    return numbers


def _rows_of(stored: StoredArrays, name: str) -> int:
    shape: tuple[int, ...] = stored.known[name].shape if name in stored.known else ()
    if len(shape) != 2 or shape[0] < 1:
        raise ValueError(f"array 'numbers.{name}' must have rows and columns, got shape {shape}")
    return shape[0]


# Target
def _describe_target(model: BaseTabular) -> dict[str, Any]:
    if isinstance(model, TabularClassifier):
        labels = model.classes_.tolist()
        kinds = {type(label).__name__ for label in labels}
        if len(kinds) > 1 or not kinds <= {*LABELS}:
            raise ValueError(
                f"labels must be words, numbers or booleans to be saved, got {labels[0]!r:.60}"
            )
        return {
            "type": kinds.pop(),
            "classes": labels,
            "baseline": model.baseline_.tolist(),
            "temperatures": model.temperatures_,
        }
    assert isinstance(model, TabularRegressor)
    return {
        "mean": model.target_mean_,
        "scale": model.target_scale_,
        "range": list(model.target_range_),
        "baseline": model.baseline_,
    }


def _build_target(model: BaseTabular, description: object) -> None:
    if isinstance(model, TabularClassifier):
        names = ("name", "type", "classes", "baseline", "temperatures")
        name, kind, classes, baseline, temperatures = _json.fields("target", description, names)
        wanted = LABELS[_checks.check_choice("type", kind, LABELS)]
        for label in _json.items("classes", classes):
            if type(label) is not wanted:
                raise TypeError(f"each of classes must be a {kind}, got {label!r:.60}")
        try:
            model.classes_ = np.array(classes)
        except OverflowError:
            raise ValueError("classes must be numbers of 64 bits") from None
        if len(classes) < 2 or model.classes_.dtype == object or len({*classes}) < len(classes):
            raise ValueError("classes must be at least two different labels")
        if (np.sort(model.classes_) != model.classes_).any():
            raise ValueError("classes must be in order")
        shares = [
            _checks.check_number("baseline", share, low=0, high=1)
            for share in _json.items("baseline", baseline)
        ]
        if len(shares) != len(classes) or abs(sum(shares) - 1) > 1e-6:
            raise ValueError(f"baseline must have {len(classes)} shares that are 1 in all")
        model.baseline_ = np.array(shares)
        model.temperatures_ = [
            _checks.check_number("temperature", T, low=0, open_low=True)
            for T in _json.items("temperatures", temperatures)
        ]
    else:
        assert isinstance(model, TabularRegressor)
        names = ("name", "mean", "scale", "range", "baseline")
        name, mean, scale, limits, baseline = _json.fields("target", description, names)
        model.target_mean_ = _checks.check_number("mean", mean)
        model.target_scale_ = _checks.check_number("scale", scale, low=0, open_low=True)
        low, high = (_checks.check_number("range", x) for x in _json.items("range", limits))
        if low > high:
            raise ValueError(f"range must be in order, got {limits}")
        model.target_range_ = low, high
        model.baseline_ = _checks.check_number("baseline", baseline)
    model.target_name_ = _json.string("name of the target", name)


# Histories, of which the losses are kept
def _describe_history(history: History) -> dict[str, Any]:
    return {
        "loss": history.loss,
        "val_loss": history.val_loss,
        "best_epoch": history.best_epoch,
        "stopped": history.stopped,
        "steps": history.steps,
    }


def _build_history(description: object) -> History:
    names = ("loss", "val_loss", "best_epoch", "stopped", "steps")
    loss, val_loss, best_epoch, stopped, steps = _json.fields("history", description, names)
    history = History()
    for name, losses in (("loss", loss), ("val_loss", val_loss)):
        curve = [_checks.check_number(name, x) for x in _json.items(name, losses)]
        setattr(history, name, curve)
    if len(history.loss) != len(history.val_loss):
        raise ValueError("loss and val_loss must be of one length")
    history.best_epoch = _checks.check_integer("best_epoch", best_epoch)
    history.stopped = _json.string("stopped", stopped)
    history.steps = _checks.check_integer("steps", steps)
    return history
