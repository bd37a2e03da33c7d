"""What scikit-learn's callbacks are told of a fit: its beginning, each epoch, and its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupportMixin
except ImportError:  # scikit-learn before 1.9 has no callbacks

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in the place of the class that scikit-learn 1.9 brought."""


class Tasks:
    """The fit of an estimator as a task for scikit-learn's callbacks, with a subtask an epoch.

    Parameters
    ----------
    estimator : estimator
        On which the callbacks were set, if any were.
    X, y, sample_weight
        The training data as they were given to ``fit``.
    max_iter : int
        How many epochs there are at most.
    """

    def __init__(
        self, estimator: Any, X: object, y: object, sample_weight: object, max_iter: int
    ) -> None:
        metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.arguments = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self.context: Any = None
        self.epoch: Any = None
        if hasattr(estimator, "_init_callback_context"):
            self.context = estimator._init_callback_context(max_subtasks=max_iter)
            self.context.call_on_fit_task_begin(**self.arguments)

    def begin_epoch(self) -> None:
        """Tell the callbacks that an epoch begins."""
        if self.context is not None:
            self.epoch = self.context.subcontext(task_name="epoch")
            self.epoch.call_on_fit_task_begin(**self.arguments)

    def end_epoch(self, snapshot: Callable[[], dict[str, Any]]) -> bool:
        """Tell them that it ended, and return whether one of them wants to stop.

        `snapshot` returns the attributes with which a copy of the estimator is fitted as it is now.
        """
        return self.context is not None and bool(
            self.epoch.call_on_fit_task_end(**self.arguments, reconstruction_attributes=snapshot)
        )

    def end(self, snapshot: Callable[[], dict[str, Any]]) -> None:
        """Tell them that the fit ended."""
        if self.context is not None:
            self.context.call_on_fit_task_end(**self.arguments, reconstruction_attributes=snapshot)
