"""Pointers: how a register is loaded from memory and stored to it."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from chainrule.engine.registers.table import Table
from chainrule.engine.registers.types import (
    I8,
    I32,
    REGISTERS,
    Mask,
    Register,
    element,
    splat,
    vector,
)


def load_register(builder: Any, pointer: Any, register: Register) -> Any:
    """Emit the load of a register from an address that is aligned for one number."""
    value = builder.load(builder.bitcast(pointer, vector(register).as_pointer()))
    value.align = register.dtype.bitwidth // 8
    return value


def store_register(builder: Any, value: Any, pointer: Any, register: Register) -> None:
    """Emit the store of a register to an address that is aligned for one number."""
    made = builder.store(value, builder.bitcast(pointer, vector(register).as_pointer()))
    made.align = register.dtype.bitwidth // 8


@intrinsic
def pointer_from(typing: Any, address: Any, kind: Any) -> Any:
    """Emit an address, given as a number, as that of numbers like a pointer's, or of NumPy's type.

    `kind` is a pointer of that type, a type such as ``np.int32``, or that of a table.
    """
    if isinstance(kind, types.CPointer):
        result = kind
    elif isinstance(kind.instance_type, Table):
        result = kind.instance_type
    else:
        result = types.CPointer(kind.instance_type)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(sig.return_type))

    return result(types.int64, kind), emit


@intrinsic
def at(typing: Any, pointer: Any, offset: Any) -> Any:
    """Emit the address `offset` numbers further."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.gep(args[0], [args[1]])

    return pointer(pointer, types.intp), emit


@intrinsic
def get(typing: Any, pointer: Any, offset: Any) -> Any:
    """Emit the load of one number."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(builder.gep(args[0], [args[1]]))

    return pointer.dtype(pointer, types.intp), emit


@intrinsic
def put(typing: Any, pointer: Any, offset: Any, value: Any) -> Any:
    """Emit the store of one number, brought to the pointer's type."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        value = context.cast(builder, args[2], sig.args[2], sig.args[0].dtype)
        builder.store(value, builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.void(pointer, types.intp, value), emit


@intrinsic
def load(typing: Any, pointer: Any, offset: Any) -> Any:
    """Emit the load of a register."""
    register = REGISTERS[pointer.dtype]

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return load_register(builder, builder.gep(args[0], [args[1]]), register)

    return register(pointer, types.intp), emit


@intrinsic
def store(typing: Any, pointer: Any, offset: Any, value: Any) -> Any:
    """Emit the store of a register."""
    register = REGISTERS[pointer.dtype]
    if value != register:
        return None

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        store_register(builder, args[2], builder.gep(args[0], [args[1]]), register)
        return context.get_dummy_value()

    return types.void(pointer, types.intp, register), emit


def loads(count: int) -> Any:
    """Return a compiled function that loads `count` registers, `stride` numbers apart."""

    @intrinsic
    def load_each(typing: Any, pointer: Any, offset: Any, stride: Any) -> Any:
        """Emit the loads, as a tuple."""
        register = REGISTERS[pointer.dtype]
        kind = types.UniTuple(register, count)

        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            address, found = builder.gep(args[0], [args[1]]), []
            for _ in range(count):
                found.append(load_register(builder, address, register))
                address = builder.gep(address, [args[2]])
            return context.make_tuple(builder, kind, found)

        return kind(pointer, types.intp, types.intp), emit

    return load_each


def stores(count: int) -> Any:
    """Return a compiled function that stores all but the first of a tuple, `stride` apart."""

    @intrinsic
    def store_rest(typing: Any, pointer: Any, offset: Any, stride: Any, values: Any) -> Any:
        """Emit the stores."""
        register = REGISTERS[pointer.dtype]
        if tuple(values) != (register,) * (count + 1):
            return None

        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            address = builder.gep(args[0], [args[1]])
            for value in cgutils.unpack_tuple(builder, args[3])[1:]:
                store_register(builder, value, address, register)
                address = builder.gep(address, [args[2]])
            return context.get_dummy_value()

        return types.void(pointer, types.intp, types.intp, values), emit

    return store_rest


@intrinsic
def lanes(typing: Any, pointer: Any) -> Any:
    """Emit how many numbers a register of the pointer's type holds."""
    count = REGISTERS[pointer.dtype].lanes

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.get_constant(types.intp, count)

    return types.intp(pointer), emit


@intrinsic
def first_lanes(typing: Any, pointer: Any, count: Any) -> Any:
    """Emit the mask of the first `count` lanes of a register of the pointer's type."""
    register = REGISTERS[pointer.dtype]

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        n = splat(builder, builder.trunc(args[1], I32), register.lanes)
        numbers = ir.Constant(ir.VectorType(I32, register.lanes), list(range(register.lanes)))
        return builder.icmp_signed("<", numbers, n)

    return Mask(register.lanes)(pointer, types.intp), emit


def emit_prefetch(builder: Any, pointer: Any, *, for_writing: bool) -> None:
    """Emit the wish that an address be in the cache soon."""
    place = builder.bitcast(pointer, I8.as_pointer())
    kind = ir.FunctionType(ir.VoidType(), [place.type, I32, I32, I32])
    ask = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    builder.call(ask, [place, *(ir.Constant(I32, n) for n in (int(for_writing), 3, 1))])


def _prefetch(for_writing: bool) -> Any:
    @intrinsic
    def function(typing: Any, pointer: Any, offset: Any) -> Any:
        """Emit the wish that an address be in the cache soon."""

        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            emit_prefetch(builder, builder.gep(args[0], [args[1]]), for_writing=for_writing)
            return context.get_dummy_value()

        return types.void(pointer, types.intp), emit

    return function


prefetch_to_read, prefetch_to_write = _prefetch(False), _prefetch(True)


@intrinsic
def lowest(typing: Any, pointer: Any, rectified: Any) -> Any:
    """Emit the least value that a tile may hold: 0 where it is rectified, else −∞."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = element(pointer.dtype)
        is_zero = builder.icmp_signed("==", args[1], ir.Constant(args[1].type, 0))
        return builder.select(is_zero, ir.Constant(kind, float("-inf")), ir.Constant(kind, 0.0))

    return pointer.dtype(pointer, types.intp), emit
