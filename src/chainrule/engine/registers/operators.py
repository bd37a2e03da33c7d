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


absolute, nearest = (_unary(name) for name in ("fabs", "rint"))


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
# The same, by NumPy's and Python's names. Emitted where they are called: a function of its own,
# as Numba's `overload` makes, takes it a tenth of a second to compile.


def _define_function(
    function: Any, emit: Callable[..., Any], patterns: Any, masks: bool = False
) -> None:
    @infer_global(function)
    class Typing(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            if kws or len(args) != len(patterns[0]):
                return None
            if masks:
                same = isinstance(args[0], Mask) and all(kind == args[0] for kind in args)
                return signature(args[0], *args) if same else None
            numbers = args[1:] if isinstance(args[0], Mask) else args
            register = register_among(numbers)
            known = register is not None and (len(numbers) == len(args)) == (len(args) < 3)
            return signature(register, *args) if known else None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        if masks:
            return emit(builder, *args)
        register = sig.return_type
        given = [
            a if isinstance(k, Mask) else promote(builder, a, k, register)
            for a, k in zip(args, sig.args, strict=True)
        ]
        return emit(builder, register, *given)

    for pattern in patterns:
        lower_builtin(function, *pattern)(lower)


def _select_if(builder: Any, sign: str, x: Any, y: Any, then: Any, otherwise: Any) -> Any:
    return builder.select(builder.fcmp_ordered(sign, x, y), then, otherwise)


def _extreme(builder: Any, sign: str, x: Any, y: Any) -> Any:
    # A NaN of either comes through: that of x fails every comparison
    is_y = builder.or_(builder.fcmp_ordered(sign, x, y), builder.fcmp_unordered("uno", y, y))
    return builder.select(is_y, y, x)


def _sign_of(builder: Any, register: Register, x: Any) -> Any:
    zero, one, minus = (ir.Constant(x.type, [n] * register.lanes) for n in (0.0, 1.0, -1.0))
    negative = _select_if(builder, "<", x, zero, minus, x)  # 0 and NaN stay
    return _select_if(builder, ">", x, zero, one, negative)


def _heaviside(builder: Any, register: Register, x: Any, at_zero: Any) -> Any:
    zero, one = (ir.Constant(x.type, [n] * register.lanes) for n in (0.0, 1.0))
    y = _select_if(builder, "==", x, zero, at_zero, x)  # NaN stays
    return _select_if(builder, ">", x, zero, one, _select_if(builder, "<", x, zero, zero, y))


_ONE, _MASKS = [(Register,)], [(Mask, Mask)]
_define_function(operator.and_, lambda b, x, y: b.and_(x, y), _MASKS, masks=True)
_define_function(operator.or_, lambda b, x, y: b.or_(x, y), _MASKS, masks=True)
_define_function(operator.neg, lambda b, register, x: b.fneg(x), _ONE)
_define_function(np.square, lambda b, register, x: b.fmul(x, x, flags=CONTRACT), _ONE)
_define_function(np.sqrt, lambda b, register, x: call_llvm(b, "sqrt", register, [x]), _ONE)
for _absolute in (np.abs, abs):
    _define_function(_absolute, lambda b, register, x: call_llvm(b, "fabs", register, [x]), _ONE)
_define_function(np.sign, _sign_of, _ONE)
_define_function(
    np.where,
    lambda b, register, mask, x, y: b.select(mask, x, y),
    [(Mask, *pair) for pair in _PAIRS],
)
_define_function(np.maximum, lambda b, r, x, y: _extreme(b, "<", x, y), _PAIRS)
_define_function(np.minimum, lambda b, r, x, y: _extreme(b, ">", x, y), _PAIRS)
_define_function(np.heaviside, _heaviside, _PAIRS)


@overload(operator.pow, strict=False)
def _pow(x: Any, n: Any) -> Any:
    if not (isinstance(x, Register) and isinstance(n, types.IntegerLiteral)):
        return None
    if n.literal_value == 2:
        return lambda x, n: x * x
    if n.literal_value == 3:
        return lambda x, n: x * x * x
    return None
