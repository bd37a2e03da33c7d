"""An experiment as something to take along: Python with chainrule, plain NumPy, a saved model."""

from __future__ import annotations

import tempfile
from pathlib import Path

from chainrule.laboratory.datasets import DATASETS
from chainrule.laboratory.experiment import OUTPUTS, Experiment

# As the settings have them by default, and `fit` and `Network` too.
_OF_FIT = {"l2": 0.0, "l1": 0.0}


def python_code(experiment: Experiment) -> str:
    """Return a script that makes the same data and network with chainrule, and trains it.

    It ends with the same parameters, where no setting was changed while the network learned.
    """
    settings, learning = experiment.settings, experiment.learning
    lines = [
        '"""An experiment of chainrule\'s lab: run it with Python, and `pip install chainrule`."""',
        "",
        "from sklearn.model_selection import train_test_split",
        "",
        "import chainrule",
    ]
    data = _data_lines(experiment)
    lines += [line for line in data if line.startswith("from ")] + [""]
    lines += [line for line in data if not line.startswith("from ")]
    lines += _split_lines(experiment)
    lines += ["", *_network_lines(experiment)]
    epochs = max(1, learning.epochs or settings.epochs or 100)
    arguments = [
        f"epochs={epochs}",
        f"batch_size={settings.batch_size}",
        f'optimizer="{settings.optimizer}"',
        f"learning_rate={settings.learning_rate!r}",
        *(
            f"{name}={getattr(settings, name)!r}"
            for name, usual in _OF_FIT.items()
            if getattr(settings, name) != usual
        ),
        f"random_state={settings.seed}",
        f'engine="{settings.engine}"',
        "verbose=0",
    ]
    lines += ["history = chainrule.fit(", "    network,", "    X_train,", "    y_train,"]
    lines += [f"    {argument}," for argument in arguments] + [")"]
    lines += ["", 'print(f"training loss {network.loss(X_train, y_train):.6f}")']
    if experiment.test is not None:
        lines.append('print(f"test loss {network.loss(X_test, y_test):.6f}")')
    return "\n".join(lines) + "\n"


def _data_lines(experiment: Experiment) -> list[str]:
    settings = experiment.settings
    if settings.data == "given":
        return ["# X (m, n) and y (m,) are the arrays that the lab was given"]
    if settings.data == "table":
        table = experiment.table
        assert table is not None
        return [
            "from pathlib import Path",
            "from chainrule.laboratory.opening import open_file",
            f"table = open_file({table.file!r}, Path({table.file!r}).read_bytes())",
            f"examples = table.examples({table.target!r})",
            "X, y = examples.X, examples.y",
        ]
    kind = DATASETS[settings.data]
    if kind.draw is None:
        rows = [f"    {list(point)}," for point in settings.points]
        return [
            "from numpy import array",
            "points = array([",
            *rows,
            "])",
            "X, y = points[:, :2], points[:, 2]",
        ]
    name = kind.draw.__name__
    classes = f", classes={settings.classes}" if kind.many_classes else ""
    seed = settings.data_seed
    return [
        f"from chainrule.laboratory.datasets import {name}",
        f"X, y = {name}({settings.n}, noise={settings.noise!r}{classes}, seed={seed})",
    ]


def _split_lines(experiment: Experiment) -> list[str]:
    labels = experiment.network.structure.loss.labels
    lines = ["y = y.astype(int)"] if labels else []
    if experiment.test is None:
        return [*lines, "X_train, y_train = X, y"]
    settings = experiment.settings
    return [
        *lines,
        "X_train, X_test, y_train, y_test = train_test_split(",
        f"    X, y, test_size={settings.test!r}, random_state={settings.data_seed}",
        ")",
    ]


def _network_lines(experiment: Experiment) -> list[str]:
    settings, structure = experiment.settings, experiment.network.structure
    if experiment.given is not None:
        return ["# The network that the lab was given, as it was before it learned here", "..."]
    output, loss = OUTPUTS[experiment.task]
    units = [structure.n_inputs, *(n for n, _ in settings.hidden), structure.n_outputs]
    lines = ["network = chainrule.Network(", f"    {units},"]
    if settings.hidden:
        lines.append(f"    hidden={[name for _, name in settings.hidden]!r},".replace("'", '"'))
    lines += [f'    output="{output}",', f'    loss="{loss}",']
    if settings.dropout:
        lines.append(f"    dropout={settings.dropout!r},")
    if settings.initializer != "default":
        lines.append(f'    initializer="{settings.initializer}",')
    return [*lines, f"    random_state={settings.seed},", ")"]


def numpy_code(experiment: Experiment) -> str:
    """Return a script with NumPy alone: it predicts, and trains again where that can be done."""
    network = experiment.learning.recorded()
    try:
        return network.to_python(training=True)
    except ValueError:
        return network.to_python()


def saved_model(experiment: Experiment) -> bytes:
    """Return the network as a file that `chainrule.load` reads."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "network.safetensors")
        experiment.network.save(path)
        return path.read_bytes()
