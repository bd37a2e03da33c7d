"""The LLVM room: it teaches Numba a register type on which the library's formulas compile.

Behind this door a formula in NumPy's notation, ``np.where(z > 0, z, alpha * z)``, means the same
on a SIMD register of floats as on an array. Nothing outside this room writes LLVM.
"""

from chainrule.engine.registers import functions as _functions  # teaches np.exp and its kin
from chainrule.engine.registers.memory import (
    at,
    first_lanes,
    get,
    lanes,
    load,
    loads,
    pointer_from,
    prefetch_to_read,
    prefetch_to_write,
    put,
    store,
    stores,
)
from chainrule.engine.registers.operators import (
    largest_lane,
    select,
    spread,
    sum_of_lanes,
)
from chainrule.engine.registers.types import NUMBERS, POINTERS, REGISTER_BYTES, REGISTER_COUNT

__all__ = [
    "NUMBERS",
    "POINTERS",
    "REGISTER_BYTES",
    "REGISTER_COUNT",
    "at",
    "first_lanes",
    "get",
    "lanes",
    "largest_lane",
    "load",
    "loads",
    "pointer_from",
    "prefetch_to_read",
    "prefetch_to_write",
    "put",
    "select",
    "spread",
    "store",
    "stores",
    "sum_of_lanes",
]
del _functions
