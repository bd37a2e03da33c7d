"""What threads need: atomic numbers, the scheduler, and calls of kernels by their address."""

from __future__ import annotations

import ctypes
import os
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

# The system's call that offers this core to another thread, by a name that compiled code can find.
_system: Any = ctypes
_scheduler = (
    _system.WinDLL("kernel32").SwitchToThread if os.name == "nt" else ctypes.CDLL(None).sched_yield
)
_address = ctypes.cast(_scheduler, ctypes.c_void_p).value
llvmlite.binding.add_symbol("chainrule_let_others_run", _address)
let_others_run = types.ExternalFunction("chainrule_let_others_run", types.int32())


@intrinsic
def atomic_add(typing: Any, pointer: Any, offset: Any, value: Any) -> Any:
    """Emit an addition that no other thread can break; returns what was there before."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", builder.gep(args[0], [args[1]]), args[2], "acq_rel")

    return types.int64(pointer, types.intp, types.int64), emit


@intrinsic
def atomic_load(typing: Any, pointer: Any, offset: Any) -> Any:
    """Emit a load that sees all that was stored before what it reads."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load_atomic(builder.gep(args[0], [args[1]]), "acquire", 8)

    return types.int64(pointer, types.intp), emit


@intrinsic
def atomic_store(typing: Any, pointer: Any, offset: Any, value: Any) -> Any:
    """Emit a store after which all that was stored before can be seen."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.store_atomic(args[2], builder.gep(args[0], [args[1]]), "release", 8)
        return context.get_dummy_value()

    return types.void(pointer, types.intp, types.int64), emit


def caller(make_signature: Any) -> Any:
    """Return a compiled function ``call(address, like, *arguments)`` for kernels of one signature.

    ``make_signature(dtype)`` is the kernel's, for the float type of the pointer `like`.
    """

    @intrinsic
    def call(typing: Any, address: Any, like: Any, arguments: Any) -> Any:
        """Emit the call of the kernel at an address."""
        kernel = make_signature(like.dtype)

        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            given = cgutils.unpack_tuple(builder, args[2])
            values = [
                context.cast(builder, value, have, want)
                for value, have, want in zip(given, sig.args[2], kernel.args, strict=True)
            ]
            kinds = [context.get_value_type(kind) for kind in kernel.args]
            result = context.get_value_type(kernel.return_type)
            if kernel.return_type == types.void:
                result = ir.VoidType()
            function = builder.inttoptr(args[0], ir.FunctionType(result, kinds).as_pointer())
            value = builder.call(function, values)
            return context.get_dummy_value() if kernel.return_type == types.void else value

        return kernel.return_type(types.int64, like, arguments), emit

    return call
