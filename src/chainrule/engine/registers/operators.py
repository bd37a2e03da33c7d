"""What + − * / and comparisons mean on registers, and np.where, abs, minimum, maximum."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, overload

from chainrule.engine.registers.types import (
    Mask,
    Register,
    promote,
    register_among,
    vector,
)

# A product and a sum may become one fused instruction; nothing else may be rearranged.
CONTRACT = ("contract",)
# Dividing many numbers by one may multiply by its inverse: one rounding more, six times as fast.
BY_INVERSE = ("contract", "arcp")


def call_llvm(builder: Any, name: str, register: Register, arguments: Any) -> Any:
    """Emit a call of LLVM's function of this name on registers."""
    suffix = f"v{register.lanes}f{register.dtype.bitwidth}"
    kind = ir.FunctionType(vector(register), [x.type for x in arguments])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.{suffix}")
    return builder.call(function, arguments)


_OTHERS = (types.Float, types.Integer, types.Boolean)
_PAIRS = (
    (Register, Register),
    *((Register, other) for other in _OTHERS),
    *((other, Register) for other in _OTHERS),
)


def _define_binary(
    operation: Any, emit: Callable[[Any, Any, Any, Any], Any], compares: bool = False
) -> None:
    @infer_global(operation)
    class Typing(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            register = register_among(args) if len(args) == 2 else None
            if register is None:
                return None
            return signature(Mask(register.lanes) if compares else register, *args)

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        register = register_among(sig.args)
        assert register is not None
        x, y = (promote(builder, a, k, register) for a, k in zip(args, sig.args, strict=True))
        return emit(builder, x, y, sig.args)

    for pair in _PAIRS:
        lower_builtin(operation, *pair)(lower)


def _divide(builder: Any, x: Any, y: Any, kinds: Any) -> Any:
    by_one_number = not isinstance(kinds[1], Register)
    return builder.fdiv(x, y, flags=BY_INVERSE if by_one_number else CONTRACT)


_define_binary(operator.add, lambda b, x, y, kinds: b.fadd(x, y, flags=CONTRACT))
_define_binary(operator.sub, lambda b, x, y, kinds: b.fsub(x, y, flags=CONTRACT))
_define_binary(operator.mul, lambda b, x, y, kinds: b.fmul(x, y, flags=CONTRACT))
_define_binary(operator.truediv, _divide)


def _define_comparison(operation: Any, sign: str) -> None:
    # Ordered: false where one is a NaN, but for "!="
    def emit(builder: Any, x: Any, y: Any, kinds: Any) -> Any:
        compare = builder.fcmp_unordered if sign == "!=" else builder.fcmp_ordered
        return compare(sign, x, y)

    _define_binary(operation, emit, compares=True)


for _operation, _sign in (
    (operator.lt, "<"),
    (operator.le, "<="),
    (operator.gt, ">"),
    (operator.ge, ">="),
    (operator.eq, "=="),
    (operator.ne, "!="),
):
    _define_comparison(_operation, _sign)


@intrinsic
def _negative(typing: Any, x: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.fneg(args[0])

    return x(x), emit


@intrinsic
def select(typing: Any, mask: Any, x: Any, y: Any) -> Any:
    """Emit x where the mask is true, else y; each a register or a number."""
    register = register_among((x, y))
    if register is None:
        return None

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        a, b = (promote(builder, args[i], sig.args[i], register) for i in (1, 2))
        return builder.select(args[0], a, b)

    return register(mask, x, y), emit


@intrinsic
def _both(typing: Any, x: Any, y: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.and_(*args)

    return x(x, y), emit


@intrinsic
def _either(typing: Any, x: Any, y: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.or_(*args)

    return x(x, y), emit


@intrinsic
def spread(typing: Any, x: Any, like: Any) -> Any:
    """Emit a register like `like` with the number `x` in every lane."""
    if not isinstance(like, Register):
        return None

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return promote(builder, args[0], sig.args[0], like)

    return like(x, like), emit


def _unary(name: str) -> Any:
    @intrinsic
    def function(typing: Any, x: Any) -> Any:
        """Emit LLVM's function of a register, lane by lane."""
        if not isinstance(x, Register):
            return None

        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return call_llvm(builder, name, x, args)

        return x(x), emit

    return function


square_root, absolute, nearest, floor = (_unary(name) for name in ("sqrt", "fabs", "rint", "floor"))


@intrinsic
def with_sign_of(typing: Any, x: Any, y: Any) -> Any:
    """Emit the size of x with the sign of y."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return call_llvm(builder, "copysign", x, args)

    return x(x, y), emit


def _over_lanes(name: str) -> Any:
    @intrinsic
    def function(typing: Any, x: Any) -> Any:
        """Emit the sum, or the largest, of a register's numbers."""
        if not isinstance(x, Register):
            return None

        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            # A tree of halves: the same order, and so the same bits, on every machine.
            lanes, y = x.lanes, args[0]
            while lanes > 1:
                lanes //= 2
                undefined = ir.Constant(y.type, ir.Undefined)
                low, high = (
                    builder.shuffle_vector(
                        y,
                        undefined,
                        ir.Constant(
                            ir.VectorType(ir.IntType(32), lanes),
                            list(range(start, start + lanes)),
                        ),
                    )
                    for start in (0, lanes)
                )
                if name == "add":
                    y = builder.fadd(low, high)
                else:
                    y = builder.select(builder.fcmp_unordered(">", high, low), high, low)
            return builder.extract_element(y, ir.Constant(ir.IntType(32), 0))

        return x.dtype(x), emit

    return function


sum_of_lanes, largest_lane = _over_lanes("add"), _over_lanes("max")


# ---------------------------------------------------------------------------------------------
# The same, by NumPy's and Python's names


def _is(kind: Any) -> bool:
    return isinstance(kind, Register)


@overload(operator.neg, strict=False)
def _neg(x: Any) -> Any:
    return (lambda x: _negative(x)) if _is(x) else None


@overload(operator.and_, strict=False)
def _and(x: Any, y: Any) -> Any:
    return (lambda x, y: _both(x, y)) if isinstance(x, Mask) and x == y else None


@overload(operator.or_, strict=False)
def _or(x: Any, y: Any) -> Any:
    return (lambda x, y: _either(x, y)) if isinstance(x, Mask) and x == y else None


@overload(operator.pow, strict=False)
def _pow(x: Any, n: Any) -> Any:
    if not (_is(x) and isinstance(n, types.IntegerLiteral)):
        return None
    if n.literal_value == 2:
        return lambda x, n: x * x
    if n.literal_value == 3:
        return lambda x, n: x * x * x
    return None


@overload(np.where, strict=False)
def _where(mask: Any, x: Any, y: Any) -> Any:
    if not isinstance(mask, Mask) or register_among((x, y)) is None:
        return None
    return lambda mask, x, y: select(mask, x, y)


def _both_ways(kinds: Any) -> bool:
    return register_among(kinds) is not None


@overload(np.maximum, strict=False)
def _maximum(x: Any, y: Any) -> Any:
    if not _both_ways((x, y)):
        return None
    # Written so that a NaN of x comes through: it fails every comparison.
    return lambda x, y: select(x < y, y, x)


@overload(np.minimum, strict=False)
def _minimum(x: Any, y: Any) -> Any:
    if not _both_ways((x, y)):
        return None
    return lambda x, y: select(x > y, y, x)


@overload(np.sqrt, strict=False)
def _sqrt(x: Any) -> Any:
    return (lambda x: square_root(x)) if _is(x) else None


@overload(np.abs, strict=False)
def _abs(x: Any) -> Any:
    return (lambda x: absolute(x)) if _is(x) else None


@overload(abs, strict=False)
def _builtin_abs(x: Any) -> Any:
    return (lambda x: absolute(x)) if _is(x) else None


@overload(np.square, strict=False)
def _square(x: Any) -> Any:
    return (lambda x: x * x) if _is(x) else None


@overload(np.sign, strict=False)
def _sign_of(x: Any) -> Any:
    if not _is(x):
        return None
    return lambda x: select(x > 0, 1, select(x < 0, -1, x))  # 0 and NaN stay


@overload(np.heaviside, strict=False)
def _heaviside(x: Any, at_zero: Any) -> Any:
    if not _is(x):
        return None
    return lambda x, at_zero: select(x > 0, 1, select(x < 0, x * 0, select(x == 0, at_zero, x)))
