"""A table of whole numbers in memory, with a fixed number of columns: ``L[l, COLUMN]``.

NumPy's arrays would do, but each place where Numba meets one is compiled with what an array may
need: strides, wrapped indices, errors and a count of its owners.
"""

from __future__ import annotations

import operator
from typing import Any

from numba import types
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import models, register_model

from chainrule.engine.registers.types import I64


class Table(types.Type):
    """The Numba type of the address of a table of int64, with so many columns."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        super().__init__(name=f"Table({columns})")


@register_model(Table)
class _TableModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Table) -> None:
        super().__init__(manager, kind, I64.as_pointer())


@infer_global(operator.getitem)
class _GetItem(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        table, place = args
        if not isinstance(table, Table) or not isinstance(place, types.BaseTuple):
            return None
        return signature(types.int64, table, types.UniTuple(types.intp, 2))


@lower_builtin(operator.getitem, Table, types.UniTuple)
def _get_item(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    row, column = (builder.extract_value(args[1], i) for i in range(2))
    start = builder.mul(row, I64(sig.args[0].columns))
    return builder.load(builder.gep(args[0], [builder.add(start, column)]))
