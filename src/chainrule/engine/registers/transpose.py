"""A square block of a matrix, turned over inside the registers."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from chainrule.engine.registers.memory import load_register, store_register
from chainrule.engine.registers.types import I32, I64, REGISTERS, vector


@intrinsic
def transpose_block(
    typing: Any, source: Any, lds: Any, target: Any, ldt: Any, n_source: Any, n_target: Any
) -> Any:
    """Emit target = sourceᵀ for a block of as many rows as a register has lanes.

    Rows of the source from `n_source` on count as zero; rows of the target from `n_target` on
    are not written.
    """
    register = REGISTERS[source.dtype]
    n = register.lanes

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        base, stride, to, to_stride, rows_in, rows_out = args
        zero = ir.Constant(vector(register), [0.0] * n)
        rows = []
        for i in range(n):
            there = builder.icmp_signed("<", ir.Constant(I64, i), rows_in)
            row = builder.select(there, ir.Constant(I64, i), ir.Constant(I64, 0))
            address = builder.gep(base, [builder.mul(stride, row)])
            rows.append(builder.select(there, load_register(builder, address, register), zero))
        half = n // 2
        while half:  # swap ever smaller quarters across the diagonal
            swapped = list(rows)
            for i in range(n):
                if i & half:
                    continue
                x, y = rows[i], rows[i | half]
                low = [k if not k & half else n + (k ^ half) for k in range(n)]
                high = [(k | half) if not k & half else n + k for k in range(n)]
                for place, order in ((i, low), (i | half, high)):
                    lanes = ir.Constant(ir.VectorType(I32, n), order)
                    swapped[place] = builder.shuffle_vector(x, y, lanes)
            rows, half = swapped, half // 2
        for i in range(n):
            there = builder.icmp_signed("<", ir.Constant(I64, i), rows_out)
            with builder.if_then(there):
                address = builder.gep(to, [builder.mul(to_stride, ir.Constant(I64, i))])
                store_register(builder, rows[i], address, register)
        return context.get_dummy_value()

    k = types.intp
    return types.void(source, k, target, k, k, k), emit
