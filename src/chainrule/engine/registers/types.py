"""The register type: one SIMD register of floats, which Numba handles like a number."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import config
from numba.core.registry import cpu_target
from numba.extending import models, register_model

# Numba compiles for these features, which NUMBA_CPU_FEATURES can narrow: the width of a register
# must come from them and not from what the processor could do.
FEATURES = frozenset(
    feature[1:]
    for feature in (
        config.CPU_FEATURES or cpu_target.target_context.codegen()._get_host_cpu_features()
    ).split(",")
    if feature.startswith("+")
)
ARM = "neon" in FEATURES or "fp-armv8" in FEATURES
REGISTER_BYTES = 64 if "avx512f" in FEATURES else 32 if "avx" in FEATURES else 16
REGISTER_COUNT = 32 if "avx512f" in FEATURES or ARM else 16
CACHE_LINE = 64  # bytes, on every processor that is meant here; no register is longer
HAS_FMA = "fma" in FEATURES or ARM

I1, I8, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 32, 64))


class Register(types.Type):
    """The Numba type of a register of float32 or float64."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        self.lanes = REGISTER_BYTES // (dtype.bitwidth // 8)
        super().__init__(name=f"Register({dtype} x {self.lanes})")


class Mask(types.Type):
    """The Numba type of a comparison of two registers: a truth value a lane."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"Mask({lanes})")


REGISTERS = {types.float32: Register(types.float32), types.float64: Register(types.float64)}
POINTERS = {dtype: types.CPointer(dtype) for dtype in REGISTERS}
NUMBERS = types.CPointer(types.int64)


def element(dtype: Any) -> ir.Type:
    """Return the LLVM type of one number."""
    return ir.FloatType() if dtype == types.float32 else ir.DoubleType()


def vector(register: Register) -> ir.VectorType:
    """Return the LLVM type of a register."""
    return ir.VectorType(element(register.dtype), register.lanes)


def int_vector(register: Register) -> ir.VectorType:
    """Return the LLVM type of a register read as integers."""
    return ir.VectorType(ir.IntType(register.dtype.bitwidth), register.lanes)


@register_model(Register)
class _RegisterModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Register) -> None:
        super().__init__(manager, kind, vector(kind))


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Mask) -> None:
        super().__init__(manager, kind, ir.VectorType(I1, kind.lanes))


def splat(builder: Any, x: Any, lanes: int) -> Any:
    """Emit a register with the number `x` in every lane."""
    kind = ir.VectorType(x.type, lanes)
    undefined = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(undefined, x, ir.Constant(I32, 0))
    zeros = ir.Constant(ir.VectorType(I32, lanes), [0] * lanes)
    return builder.shuffle_vector(first, undefined, zeros)


def promote(builder: Any, x: Any, kind: Any, register: Register) -> Any:
    """Emit `x`, a register or a number, as a register: numbers take its float type."""
    if isinstance(kind, Register):
        return x
    target = element(register.dtype)
    if isinstance(kind, types.Float):
        if kind.bitwidth > register.dtype.bitwidth:
            x = builder.fptrunc(x, target)
        elif kind.bitwidth < register.dtype.bitwidth:
            x = builder.fpext(x, target)
    elif isinstance(kind, types.Boolean):
        x = builder.uitofp(x, target)
    else:
        x = builder.sitofp(x, target)
    return splat(builder, x, register.lanes)


def register_among(kinds: Any) -> Register | None:
    """Return the register type among argument types that mix registers and numbers, or None."""
    numbers = (Register, types.Float, types.Integer, types.Boolean)
    if not all(isinstance(kind, numbers) for kind in kinds):
        return None
    return next((kind for kind in kinds if isinstance(kind, Register)), None)
