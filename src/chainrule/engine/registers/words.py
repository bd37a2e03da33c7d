"""A register of 32-bit words, on which the generator of the dropout masks compiles.

A word stands for each lane of a float register: sums wrap around, shifts fill with zeros.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, models, register_model

from chainrule.engine.registers.types import I32, REGISTERS, Mask, splat


class Words(types.Type):
    """The Numba type of a register of 32-bit words."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"Words({lanes})")


@register_model(Words)
class _WordsModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Words) -> None:
        super().__init__(manager, kind, ir.VectorType(I32, kind.lanes))


def _as_words(builder: Any, x: Any, kind: Any, lanes: int) -> Any:
    if isinstance(kind, Words):
        return x
    if x.type.width > 32:
        x = builder.trunc(x, I32)
    elif x.type.width < 32:
        x = builder.zext(x, I32)
    return splat(builder, x, lanes)


def _define(operation: Any, emit: Callable[[Any, Any, Any], Any], compares: bool = False) -> None:
    @infer_global(operation)
    class Typing(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            words = [kind for kind in args if isinstance(kind, Words)]
            if not words or not all(isinstance(kind, (Words, types.Integer)) for kind in args):
                return None
            return signature(Mask(words[0].lanes) if compares else words[0], *args)

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        lanes = next(kind.lanes for kind in sig.args if isinstance(kind, Words))
        x, y = (_as_words(builder, a, k, lanes) for a, k in zip(args, sig.args, strict=True))
        return emit(builder, x, y)

    for pair in ((Words, Words), (Words, types.Integer), (types.Integer, Words)):
        lower_builtin(operation, *pair)(lower)


_define(operator.add, lambda builder, x, y: builder.add(x, y))
_define(operator.xor, lambda builder, x, y: builder.xor(x, y))
_define(operator.or_, lambda builder, x, y: builder.or_(x, y))
_define(operator.lshift, lambda builder, x, y: builder.shl(x, y))
_define(operator.rshift, lambda builder, x, y: builder.lshr(x, y))
_define(operator.ge, lambda builder, x, y: builder.icmp_unsigned(">=", x, y), compares=True)


@intrinsic
def words_from(typing: Any, pointer: Any, first: Any) -> Any:
    """Emit the words first, first + 1, …, as many as a register of the pointer's type has lanes."""
    lanes = REGISTERS[pointer.dtype].lanes

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        numbers = ir.Constant(ir.VectorType(I32, lanes), list(range(lanes)))
        return builder.add(splat(builder, builder.trunc(args[1], I32), lanes), numbers)

    return Words(lanes)(pointer, types.intp), emit


@intrinsic
def same_word(typing: Any, pointer: Any, word: Any) -> Any:
    """Emit as many times the same word as a register of the pointer's type has lanes."""
    lanes = REGISTERS[pointer.dtype].lanes

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return splat(builder, builder.trunc(args[1], I32), lanes)

    return Words(lanes)(pointer, types.intp), emit
