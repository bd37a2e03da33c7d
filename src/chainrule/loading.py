"""Loading a saved model, of whatever kind: only what its kind needs is imported."""

from __future__ import annotations

import importlib
import os
from typing import Any

from chainrule.description import Custom, check_custom
from chainrule.model_file import MAX_BYTES, read_model

# The module of each kind, which has `load_model(file, custom)`.
KINDS = {"network": "chainrule.network_file", "tabular": "chainrule.tabular.saving"}


def load(
    path: str | os.PathLike[str], *, custom: Custom | None = None, max_bytes: int = MAX_BYTES
) -> Any:
    """Return the model that was saved in a file, such as a :class:`~chainrule.Network`.

    The file is not trusted: no code comes out of it, and its size, its header and the whole
    structure are checked before an array is made.

    Parameters
    ----------
    path : str or path
        The file, as :meth:`chainrule.Network.save` writes it.
    custom : mapping of str to Activation, Loss or initialiser, optional
        Your own formulas, by the names that they were saved with.
    max_bytes : int, default 4 GiB
        The most that the file may have.

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, too large, of a newer format, or not of this library; if
        a formula in it is not in `custom`.
    TypeError, ValueError
        If another argument is not as above.
    ImportError
        If safetensors is not installed.
    """
    custom = check_custom(custom)
    with read_model(path, kinds=KINDS, max_bytes=max_bytes) as file:
        return importlib.import_module(KINDS[file.kind]).load_model(file, custom)
