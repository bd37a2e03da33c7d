"""The one tile kernel that all matrix products are made of: C = max(low, I + A B).

A tile of C, up to 12 rows by two registers, stays in registers while k runs over the columns of A:
C[i, :] += A[i, k] · B[k, :]. A's number (i, k) lies at ``i * rs + k * cs``, so that A may be read
as it is or transposed; I is what the sums start from, with its own row stride: the bias (stride
0), zeros, or C itself. Three uses, one kernel: Z = A W + b, dA = dZ Wᵀ and dW = Aᵀ dZ.

A call does a column of tiles, one below the other, all with the same B: to call for each takes as
long as a dozen rows of B.

The loop is written in LLVM's language by hand. Compiled from Python, LLVM specialises it for a
stride that is constant and spills the tile: a third of the speed.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from chainrule.engine.registers.calls import Named
from chainrule.engine.registers.memory import emit_prefetch, load_register, store_register
from chainrule.engine.registers.types import (
    HAS_FMA,
    I64,
    POINTERS,
    REGISTER_COUNT,
    REGISTERS,
    splat,
    vector,
)

# 12 rows of 2 registers, 2 of B and 1 of A fill 27 of 32 registers; 6 rows fill 15 of 16.
TILE_ROWS = 12 if REGISTER_COUNT == 32 else 6
TILE_REGISTERS = 2


def _number(value: int) -> ir.Constant:
    return ir.Constant(I64, value)


def _multiply_add(builder: Any, a: Any, b: Any, c: Any, register: Any) -> Any:
    if not HAS_FMA:  # without the instruction, llvm.fma is a call for every lane
        return builder.fadd(builder.fmul(a, b), c)
    kind = ir.FunctionType(vector(register), [vector(register)] * 3)
    name = f"llvm.fma.v{register.lanes}f{register.dtype.bitwidth}"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [a, b, c])


def _hidden(builder: Any, value: Any) -> Any:
    """Emit a value that LLVM knows nothing about, in no instruction at all."""
    return builder.asm(ir.FunctionType(value.type, [value.type]), "", "=r,0", [value], False)


def _no_unrolling(module: Any, name: str) -> Any:
    """Return the metadata of a loop, which refers to itself, that must not be unrolled."""
    disabled = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    loop = module.add_metadata([ir.MetaDataString(module, name), disabled])
    loop.operands = (loop, disabled)
    return loop


def _emit_column(
    builder: Any, register: Any, rows: int, registers: int, arguments: Any, count: Any, a_step: Any
) -> None:
    """Emit the loop over the tiles of one size, at the builder's place."""
    A, rs, cs, B, ldb, K, C, ldc, I, ldi, low = arguments
    steps = [a_step, *(builder.mul(ld, _number(rows)) for ld in (ldc, ldi))]
    before, body, done = builder.block, *map(builder.append_basic_block, ("tile", "end_of_column"))
    builder.cbranch(builder.icmp_signed(">", count, _number(0)), body, done)
    builder.position_at_end(body)
    t = builder.phi(I64)
    places = [builder.phi(first.type) for first in (A, C, I)]
    for phi, first in zip((t, *places), (_number(0), A, C, I), strict=True):
        phi.add_incoming(first, before)
    A, C, I = places
    t_next = builder.add(t, _number(1))
    goes_on = builder.icmp_signed("<", t_next, count)
    with builder.if_then(goes_on):  # where C is not in the cache, it comes while sums are made
        below = builder.gep(C, [steps[1]])
        for i in range(rows):
            row = builder.gep(below, [builder.mul(ldc, _number(i))])
            emit_prefetch(builder, row, for_writing=True)
    _emit_tile(builder, register, rows, registers, (A, rs, cs, B, ldb, K, C, ldc, I, ldi, low))
    t.add_incoming(t_next, builder.block)
    for phi, step in zip(places, steps, strict=True):
        phi.add_incoming(builder.gep(phi, [step]), builder.block)
    builder.cbranch(goes_on, body, done)
    builder.position_at_end(done)


def _emit_tile(builder: Any, register: Any, rows: int, registers: int, arguments: Any) -> None:
    """Emit the loop over k for a tile of one size, at the builder's place."""
    A, rs, cs, B, ldb, K, C, ldc, I, ldi, low = arguments
    places = [(i, j) for i in range(rows) for j in range(registers)]

    def cell(base: Any, stride: Any, i: int, j: int) -> Any:
        row = builder.gep(base, [builder.mul(stride, _number(i))])
        return builder.gep(row, [_number(register.lanes * j)])

    start = [load_register(builder, cell(I, ldi, i, j), register) for i, j in places]
    # One base pointer for three rows: the others are a row stride, or two, away from it. LLVM would
    # see that all are so, and go from row to row by additions that wait for each other.
    rs2, rs3 = _hidden(builder, builder.mul(rs, _number(2))), builder.mul(rs, _number(3))
    bases = [builder.gep(A, [builder.mul(rs3, _number(g))]) for g in range((rows + 2) // 3)]
    bases = [_hidden(builder, base) for base in bases]

    before = builder.block
    body, done = (builder.append_basic_block(name) for name in ("k", "done"))
    builder.cbranch(builder.icmp_signed(">", K, _number(0)), body, done)

    builder.position_at_end(body)
    k = builder.phi(I64)
    at_a = [builder.phi(A.type) for _ in bases]
    at_b = builder.phi(B.type)
    sums = [builder.phi(vector(register)) for _ in places]
    b = [
        load_register(builder, builder.gep(at_b, [_number(register.lanes * j)]), register)
        for j in range(registers)
    ]
    added = []
    for i in range(rows):
        address = at_a[i // 3]
        if i % 3:
            address = builder.gep(address, [rs if i % 3 == 1 else rs2])
        a = splat(builder, builder.load(address), register.lanes)
        added += [
            _multiply_add(builder, a, b[j], sums[i * registers + j], register)
            for j in range(registers)
        ]
    k_next = builder.add(k, _number(1))
    k.add_incoming(_number(0), before)
    k.add_incoming(k_next, body)
    for phi, first, stride in [*zip(at_a, bases, [cs] * len(bases), strict=True), (at_b, B, ldb)]:
        phi.add_incoming(first, before)
        phi.add_incoming(builder.gep(phi, [stride]), body)
    for phi, first, then in zip(sums, start, added, strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(then, body)
    branch = builder.cbranch(builder.icmp_signed("<", k_next, K), body, done)
    branch.set_metadata("llvm.loop", _no_unrolling(builder.module, f"{rows} x {registers}"))

    builder.position_at_end(done)
    ends = []
    for first, then in zip(start, added, strict=True):
        phi = builder.phi(vector(register))
        phi.add_incoming(first, before)
        phi.add_incoming(then, body)
        ends.append(phi)
    lowest = splat(builder, low, register.lanes)
    for (i, j), x in zip(places, ends, strict=True):
        # x < low is false for a NaN, which so comes through
        x = builder.select(builder.fcmp_ordered("<", x, lowest), lowest, x)
        store_register(builder, x, cell(C, ldc, i, j), register)


@intrinsic
def _every_tile(
    typing: Any,
    A: Any,
    rs: Any,
    cs: Any,
    B: Any,
    ldb: Any,
    K: Any,
    C: Any,
    ldc: Any,
    I: Any,
    ldi: Any,
    low: Any,
    rows: Any,
    registers: Any,
    count: Any,
    a_step: Any,
) -> Any:
    """Emit a switch over all sizes of tile."""
    register = REGISTERS[A.dtype]

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        *arguments, n_rows, n_registers, n_tiles, step = args
        end = builder.append_basic_block("end")
        key = builder.add(builder.mul(n_registers, _number(64)), n_rows)
        switch = builder.switch(key, end)
        for r in range(1, TILE_REGISTERS + 1):
            for i in range(1, TILE_ROWS + 1):
                block = builder.append_basic_block(f"tile_{i}_{r}")
                switch.add_case(_number(64 * r + i), block)
                builder.position_at_end(block)
                _emit_column(builder, register, i, r, arguments, n_tiles, step)
                builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    n = types.intp
    return types.void(A, n, n, B, n, n, C, n, I, n, register.dtype, n, n, n, n), emit


def tile(
    A: Any,
    rs: Any,
    cs: Any,
    B: Any,
    ldb: Any,
    K: Any,
    C: Any,
    ldc: Any,
    I: Any,
    ldi: Any,
    low: Any,
    rows: Any,
    registers: Any,
    count: Any,
    a_step: Any,
) -> None:
    """C = max(low, I + A B) on `count` tiles of `rows` by `registers`, one below the other.

    The rows of C and I go on from tile to tile; those of A begin `a_step` numbers further. Inside
    compiled code only.
    """
    _every_tile(A, rs, cs, B, ldb, K, C, ldc, I, ldi, low, rows, registers, count, a_step)


def tile_signature(dtype: Any) -> Any:
    """Return the signature of `tile`."""
    p, n = POINTERS[dtype], types.intp
    return types.void(p, n, n, p, n, n, p, n, p, n, dtype, n, n, n, n)


TILE = Named(tile, tile_signature)
call_tile = TILE.call
