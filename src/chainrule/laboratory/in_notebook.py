"""``chainrule.lab``: the lab inside Jupyter, VS Code or marimo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.laboratory.widget import LabWidget
    from chainrule.network import Network


def lab(
    network: Network | None = None,
    X: Any = None,
    y: Any = None,
    *,
    names: list[str] | None = None,
) -> LabWidget:
    """Return the lab as a widget, which a notebook shows where it is a cell's last value.

    A network learns in it step by step, and each number on the way can be followed back through
    the chain rule. It runs in a thread of its own, so that the notebook goes on.

    Parameters
    ----------
    network : Network, optional
        The network to look at, of which a copy learns. Without it there is one of four hidden units
        that is changed in the lab.
    X : array or table of shape (m, n), optional
        The examples. Without them, and without a network, there are two moons to begin with.
    y : array of shape (m,), optional
        The targets.
    names : list of str, optional
        The names of the inputs, if they are not those of the columns of `X`.

    Returns
    -------
    LabWidget
        An anywidget. Its ``close()`` ends the work, and takes it out of the notebook.

    Raises
    ------
    ImportError
        If anywidget, of the extra ``lab``, is not there.
    """
    try:
        from chainrule.laboratory.widget import LabWidget
    except ImportError as error:
        raise _needs_the_extra(error) from None
    from chainrule.laboratory.desk import Desk

    return LabWidget(lambda send: Desk(send, network=network, X=X, y=y, names=names))


def _needs_the_extra(error: ImportError) -> ImportError:
    if (error.name or "").split(".")[0] not in ("anywidget", "ipywidgets", "traitlets"):
        return error
    return ImportError("the lab in a notebook needs an extra: pip install 'chainrule[lab]'")
