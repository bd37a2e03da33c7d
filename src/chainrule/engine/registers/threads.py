"""What threads need: atomic numbers, and the scheduler."""

from __future__ import annotations

import ctypes
import os
from typing import Any

import llvmlite.binding
from numba import types
from numba.extending import intrinsic

# The system's call that offers this core to another thread, by a name that compiled code can find.
_system: Any = ctypes
_scheduler = (
    _system.WinDLL("kernel32").SwitchToThread if os.name == "nt" else ctypes.CDLL(None).sched_yield
)
_address = ctypes.cast(_scheduler, ctypes.c_void_p).value
llvmlite.binding.add_symbol("chainrule_let_others_run", _address)
let_others_run = types.ExternalFunction("chainrule_let_others_run", types.int32())


# All in the one order that every thread sees, so that two that each write and then read what the
# other writes do not miss each other.


@intrinsic
def atomic_add(typing: Any, pointer: Any, offset: Any, value: Any) -> Any:
    """Emit an addition that no other thread can break; returns what was there before."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", builder.gep(args[0], [args[1]]), args[2], "seq_cst")

    return types.int64(pointer, types.intp, types.int64), emit


@intrinsic
def atomic_load(typing: Any, pointer: Any, offset: Any) -> Any:
    """Emit a load that sees all that was stored before what it reads."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load_atomic(builder.gep(args[0], [args[1]]), "seq_cst", 8)

    return types.int64(pointer, types.intp), emit


@intrinsic
def atomic_store(typing: Any, pointer: Any, offset: Any, value: Any) -> Any:
    """Emit a store after which all that was stored before can be seen."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.store_atomic(args[2], builder.gep(args[0], [args[1]]), "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(pointer, types.intp, types.int64), emit
