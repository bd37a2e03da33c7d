"""Calls from compiled code into code that was compiled apart: by its address, or by a name.

What is compiled apart is not compiled anew with each of its callers, as Numba does otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from chainrule.engine.compilation import kernel


def caller(make_signature: Any) -> Any:
    """Return a compiled function ``call(address, like, arguments)`` for kernels of one signature.

    ``make_signature(dtype)`` is the kernel's, for the float type of the pointer `like`.
    """

    @intrinsic
    def call(typing: Any, address: Any, like: Any, arguments: Any) -> Any:
        """Emit the call of the kernel at an address."""
        made = make_signature(like.dtype)

        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            pointer = builder.inttoptr(args[0], _type(context, made).as_pointer())
            return _emit_call(context, builder, pointer, made, args[2], sig.args[2])

        return made.return_type(types.int64, like, arguments), emit

    return call


class Addressed:
    """A function that is compiled where it is needed, for a float type, and called by its address.

    ``Addressed(function, make_signature).call`` is its `caller`.
    """

    def __init__(self, function: Callable[..., Any], make_signature: Any) -> None:
        self.function, self.make_signature = function, make_signature
        self.call: Any = caller(make_signature)

    def compile(self, dtype: Any) -> Any:
        """Return the kernel; its ``address`` holds as long as it is kept."""
        return kernel(self.make_signature(dtype), lambda: self.function, self.function.__qualname__)


class Named:
    """A function that is compiled once for each float type, and called by a name.

    ``Named(function, make_signature).call(like, arguments)`` calls it in compiled code, as `caller`
    does; it must be published first, and again in each process.
    """

    all: ClassVar[list[Named]] = []

    def __init__(self, function: Callable[..., Any], make_signature: Any) -> None:
        self.function, self.make_signature = function, make_signature
        self._kernels: dict[Any, Any] = {}
        self.all.append(self)
        name_of = self._name_of

        @intrinsic
        def call(typing: Any, like: Any, arguments: Any) -> Any:
            """Emit the call of the function by its name."""
            made = make_signature(like.dtype)

            def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
                function = cgutils.get_or_insert_function(
                    builder.module, _type(context, made), name_of(like.dtype)
                )
                return _emit_call(context, builder, function, made, args[1], sig.args[1])

            return made.return_type(like, arguments), emit

        self.call: Any = call

    def _name_of(self, dtype: Any) -> str:
        return f"chainrule_{self.function.__name__}_{dtype}"

    def publish(self, dtype: Any) -> Any:
        """Compile the function for a float type, or load it, before code that calls it."""
        if dtype not in self._kernels:
            self._kernels[dtype] = made = self.compile(dtype)
            llvmlite.binding.add_symbol(self._name_of(dtype), made.address)
        return self._kernels[dtype]

    def compile(self, dtype: Any) -> Any:
        """Compile the function, or load it, without giving it its name."""
        return kernel(self.make_signature(dtype), lambda: self.function, self._name_of(dtype))

    @classmethod
    def publish_nothing(cls, dtype: Any) -> None:
        """Give the names of all such functions to nothing, where they are never called."""
        for each in cls.all:
            llvmlite.binding.add_symbol(each._name_of(dtype), 1)


def _type(context: Any, signature: Any) -> ir.FunctionType:
    returned = signature.return_type
    result = ir.VoidType() if returned == types.void else context.get_value_type(returned)
    return ir.FunctionType(result, [context.get_value_type(kind) for kind in signature.args])


def _emit_call(
    context: Any, builder: Any, function: Any, signature: Any, arguments: Any, kinds: Any
) -> Any:
    given = cgutils.unpack_tuple(builder, arguments)
    values = [
        context.cast(builder, value, have, want)
        for value, have, want in zip(given, kinds, signature.args, strict=True)
    ]
    value = builder.call(function, values)
    return context.get_dummy_value() if signature.return_type == types.void else value
