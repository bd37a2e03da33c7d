"""Training: epochs over mini-batches, with validation, callbacks and a history."""

from __future__ import annotations

import functools
import math
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy.typing as npt

from chainrule import _checks
from chainrule._inputs import Rows
from chainrule._types import RandomState
from chainrule.batches import Examples, split_validation
from chainrule.callbacks import Callback, EarlyStopping, OnEpoch, Progress, ProgressBar
from chainrule.checkpoints import Checkpoints, as_checkpoints
from chainrule.engine import ENGINES, choose_engine
from chainrule.history import History
from chainrule.loop import Metric, Run
from chainrule.network import Network
from chainrule.optimizers import Optimizer, get_optimizer
from chainrule.penalties import Penalty
from chainrule.recording import begin_record, end_record
from chainrule.resuming import Saver, describe_examples, describe_settings
from chainrule.schedules import Schedule, as_schedule
from chainrule.streaming.data import as_stream, describe_stream, divide
from chainrule.streaming.mixing import Mixer
from chainrule.streaming.part import Part
from chainrule.streaming.run import StreamRun
from chainrule.streaming.stream import Stream


def fit(
    network: Network,
    X: Rows | Stream | Any,
    y: npt.ArrayLike | str | Sequence[str] | None = None,
    *,
    epochs: int = 100,
    batch_size: int = 32,
    optimizer: str | Optimizer = "adam",
    learning_rate: float | Schedule | None = None,
    l2: float = 0.0,
    l1: float = 0.0,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    sample_weight: npt.ArrayLike | None = None,
    validation: float | tuple[Any, ...] | Stream | str | os.PathLike[str] | None = None,
    early_stopping: EarlyStopping | int | None = None,
    metrics: Iterable[str | Metric] = (),
    callbacks: Iterable[Callback | Callable[[Progress], Any]] = (),
    shuffle: bool = True,
    drop_last: bool = False,
    random_state: RandomState = None,
    engine: str = "auto",
    threads: int | None = None,
    checkpoint: str | os.PathLike[str] | Checkpoints | None = None,
    resume: bool = False,
    memory_limit: int | str | None = None,
    verbose: int = 1,
) -> History:
    """Train a network in place, by mini-batches.

    Parameters
    ----------
    network : Network
        The network; its parameters and running statistics change.
    X : array-like or sparse matrix (m, n₀); or Stream, path or pyarrow.dataset.Dataset
        Examples as rows. Finite numbers; scale them to about −3 … 3 for quick learning. Only
        mini-batches are made dense of a sparse matrix, and read of an array that is mapped from
        a file (`numpy.memmap`); an array in memory of another type than the network's is
        converted once. A :class:`~chainrule.Stream` is read from disk in each epoch; a path, to
        a file of Parquet or Arrow or a folder of them, is short for one whose columns are taken
        as they are, ``Stream(X, y, scale=False)``.
    y : array-like (m, n_L) or (m,), or name of a column
        Targets; class numbers 0 … n_L − 1 will do for categorical cross-entropy. A name, or
        several, where X is a path; not given where it is a stream, which has its own.
    epochs : int, default 100
        How often all examples are gone through.
    batch_size : int, default 32
        Examples in each update; an incomplete last mini-batch is kept.
    optimizer : str or Optimizer, default "adam"
        A name from ``chainrule.optimizers.OPTIMIZERS``, or an optimiser with its constants.
        Its state starts anew with each call.
    learning_rate : float or schedule, optional
        Takes the place of the optimiser's own rate. A schedule is a function of the step, or
        ``ReduceOnPlateau``; see :mod:`chainrule.schedules`.
    l2, l1 : float, default 0
        Penalties ½ l2 Σ w² and l1 Σ abs(w) on the weights in the cost. For weight decay past the
        gradient, see ``weight_decay`` of the optimisers.
    clip_norm, clip_value : float, optional
        Largest Euclidean norm of the whole gradient; largest size of each component. With both,
        the components are clipped first.
    sample_weight : array-like (m,), or name of a column, optional
        Weight of each example in the mean loss of its mini-batch.
    validation : float or (X_val, y_val[, sample_weight_val]), Stream or path, optional
        A share of the rows to hold back, each class in its proportion, or a set of its own. Of a
        stream each row is held back with this chance; a set of its own is ``stream.like(…)``, or
        a path where X is one.
    early_stopping : EarlyStopping or int, optional
        When to stop for lack of progress; an integer is its `patience`. The network then ends
        with the parameters of its best epoch.
    metrics : iterable of str or callable, default none
        ``metric(y_true, y_predicted)`` after each epoch: functions, or names of them in
        ``sklearn.metrics``, with or without ``_score``: ``"accuracy"``, ``"r2"``, …. They get
        what `Network.predict` returns; ``roc_auc``, ``log_loss``, ``brier_score_loss``,
        ``average_precision`` and ``top_k_accuracy`` get the outputs.
    callbacks : iterable of Callback or callable, default none
        A plain function is called with the :class:`~chainrule.callbacks.Progress` after each
        epoch.
    shuffle : bool, default True
        Whether each epoch goes through the examples in a new order. Of a stream, groups of rows
        are read in a new order, several in turn, and mixed in memory.
    drop_last : bool, default False
        Whether to leave out an incomplete last mini-batch, unless it is the only one.
    random_state : None, int, RandomState or Generator, default None
        Draws the validation rows, the order and the dropout masks, all from one stream.
    engine : {"auto", "numpy", "compiled"}, default "auto"
        What runs the steps: the NumPy arrays of :mod:`chainrule.steps`, or the same formulas
        compiled by Numba. "auto" compiles where the work will pay for it, and where the compiled
        code is on disk already, takes it for less. What can't be compiled runs on NumPy; if
        "compiled" was asked for, a warning says why. The engines agree within rounding; for the
        same bits in each run name one. The network then predicts by the same engine.
    threads : int, optional
        Threads of the compiled engine; by default as many as are quickest, which is tried where
        a step is short. The parameters have the same bits whatever their number.
    checkpoint : str, path or Checkpoints, optional
        A folder in which the run is saved every five minutes, when it ends, and on Ctrl-C or a
        request to terminate (SIGTERM, which then ends the process); or
        :class:`~chainrule.Checkpoints`, which say how often.
    resume : bool, default False
        Go on with the run that was saved there, if there is one: `network` takes its parameters,
        and the run ends with the same bits as one that never stopped. Everything else must be
        given as before, but `epochs` may be more. Functions, as of a schedule, are compared by
        their names; the run's own random numbers go on, whatever `random_state` is.
    memory_limit : int or str, optional
        Where rows are read from disk: how much memory the process may take, in bytes or such as
        "500MB" or "2GiB"; "1GB" by default. Of that, 512 MB or half are left to Python and its
        libraries, which take some 350 MB, and the rest is for the rows; so a limit below 800 MB
        bounds the rows alone. The order of the rows depends on it, as on
        `random_state`. Rows that fit are read once. With it, an array that is mapped from a file
        is a stream too.
    verbose : {0, 1}, default 1
        1 shows a progress bar in a terminal or notebook.

    Returns
    -------
    History
        Losses, metrics and rates by epoch, and why training ended. Ctrl-C ends it and keeps what
        was learned: the parameters of that moment, or the best with early stopping.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as above; the message names it, and the network is unchanged.
    DivergenceError
        If a loss or a parameter is no longer finite: says in which epoch, mini-batch and layer
        first. The network has the parameters from before that epoch, or of its best epoch with
        early stopping.
    StreamError
        If rows of a stream can't be read, or hold a number that is not finite: says where. The
        network has the parameters as after a DivergenceError.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> network = Network([2, 8, 1], random_state=0)
    >>> history = fit(network, X, [0, 1, 1, 0], epochs=200, learning_rate=0.05,
    ...               random_state=0, verbose=0)
    >>> network.predict(X)
    array([0, 1, 1, 0])
    """
    if not isinstance(network, Network):
        raise TypeError(f"network must be a Network, got {type(network).__name__}")
    _checks.check_choice("engine", engine, ENGINES)
    if threads is not None:
        threads = _checks.check_integer("threads", threads, low=1)
    epochs = _checks.check_integer("epochs", epochs, low=1)
    batch_size = _checks.check_integer("batch_size", batch_size, low=1)
    _checks.check_bool("shuffle", shuffle)
    _checks.check_bool("drop_last", drop_last)
    _checks.check_integer("verbose", verbose)
    rule = get_optimizer(optimizer)
    if learning_rate is not None:
        rule = replace(rule, learning_rate=as_schedule(learning_rate))
    for name, limit in (("clip_norm", clip_norm), ("clip_value", clip_value)):
        if limit is not None:
            _checks.check_number(name, limit, low=0, open_low=True)
    rng = _checks.check_random_state(random_state)
    _checks.check_bool("resume", resume)
    measures = _named_metrics(metrics)
    listeners = _listeners(callbacks, early_stopping, verbose)
    stream = as_stream(X, y, sample_weight, memory_limit)
    saver = plan = None
    if stream is None:
        examples = Examples(*network.check_examples(X, y, sample_weight))
    if checkpoint is not None:
        settings = describe_settings(
            network,
            rule,
            describe_examples(network, examples, validation)
            if stream is None
            else describe_stream(stream, validation, memory_limit),
            batch_size=batch_size,
            l2=l2,
            l1=l1,
            clip_norm=clip_norm,
            clip_value=clip_value,
            shuffle=shuffle,
            drop_last=drop_last,
            metrics=list(measures),
            callbacks=[type(x).__name__ for x in listeners if not isinstance(x, ProgressBar)],
        )
        saver = Saver.open(as_checkpoints(checkpoint), network, rule, rng, resume, settings)
        engine = saver.engine(engine)
    elif resume:
        raise ValueError("resume=True needs the folder of the run, as checkpoint=")
    train: Examples | Part
    held: Examples | Part | None
    if stream is None:
        train, held = split_validation(network, examples, validation, rng)
    else:
        train, held, plan = divide(
            stream,
            network,
            validation,
            memory_limit,
            rng,
            batch_size=batch_size,
            measured=bool(measures),
        )
    penalty = Penalty(l2, l1)
    begin_record(
        network,
        rule,
        penalty,
        random_state=random_state,
        train=train,
        validation=validation,
        streamed=stream is not None,
        resumed=saver is not None and saver.saved is not None,
        batch_size=batch_size,
        clip_norm=clip_norm,
        clip_value=clip_value,
        shuffle=shuffle,
        drop_last=drop_last,
    )

    m = len(train)
    batches = max(1, m // batch_size if drop_last else math.ceil(m / batch_size))
    history = History()
    make: Callable[..., Run] = Run
    if plan is not None and isinstance(train, Part):
        make = functools.partial(StreamRun, mixer=Mixer(train, plan, shuffle))
    run = make(
        network=network,
        train=train,
        held=held,
        metrics=measures,
        listeners=listeners,
        engine=choose_engine(
            engine,
            network,
            rule,
            penalty,
            clip_norm,
            clip_value,
            rng,
            batch_size=min(batch_size, m),
            updates=epochs * batches,
            threads=threads,
            say=(lambda text: print(text, file=sys.stderr)) if verbose else None,
        ),
        progress=Progress(network, history, epochs, batches, m),
        batch_size=batch_size,
        shuffle=shuffle,
        drop_last=drop_last,
        rng=rng,
        saver=saver,
    )
    run.run()
    end_record(network, history, within=run.ended_within)
    return history


def _named_metrics(metrics: Iterable[str | Metric]) -> dict[str, Metric]:
    if isinstance(metrics, str) or not isinstance(metrics, Iterable):
        raise TypeError(f"metrics must be a list of names or functions, got {metrics!r}")
    named: dict[str, Metric] = {}
    for metric in metrics:
        if isinstance(metric, str):
            name, metric = metric, _metric_of_sklearn(metric)
        elif callable(metric):
            name = getattr(metric, "__name__", type(metric).__name__)
        else:
            raise TypeError(f"each of metrics must be a name or a function, got {metric!r}")
        if name in named:
            raise ValueError(f"metrics must have different names, got {name!r} twice")
        named[name] = metric
    return named


def _metric_of_sklearn(name: str) -> Metric:
    import sklearn.metrics  # loaded only where a metric is asked for by name

    known = [n for n in sklearn.metrics.__all__ if n.endswith(("_score", "_error", "_loss"))]
    full_name = name if name in known else f"{name}_score"
    if full_name not in known:
        _checks.raise_unknown("each of metrics", name, known)
    metric: Metric = getattr(sklearn.metrics, full_name)
    return metric


def _listeners(
    callbacks: Iterable[Callback | Callable[[Progress], Any]],
    early_stopping: EarlyStopping | int | None,
    verbose: int,
) -> list[Callback]:
    if not isinstance(callbacks, Iterable):
        raise TypeError(f"callbacks must be a list, got {callbacks!r}")
    listeners: list[Callback] = [ProgressBar()] if verbose else []
    for callback in callbacks:
        if isinstance(callback, type):
            raise TypeError(
                f"each of callbacks must be an instance, got the class {callback.__name__}; "
                f"call it: {callback.__name__}()"
            )
        if isinstance(callback, Callback):
            listeners.append(callback)
        elif callable(callback):
            listeners.append(OnEpoch(callback))
        else:
            raise TypeError(f"each of callbacks must be a Callback or a function, got {callback!r}")
    if early_stopping is not None and not isinstance(early_stopping, EarlyStopping):
        _checks.check_integer("early_stopping", early_stopping, low=1)
        early_stopping = EarlyStopping(patience=early_stopping)
    return listeners if early_stopping is None else [*listeners, early_stopping]
