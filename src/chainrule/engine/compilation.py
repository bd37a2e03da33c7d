"""Compiled code, kept: in this process by formula, and on disk by the content of all sources.

Numba's own cache looks at one source file, and so answers with old code when another has changed.
Here the key is the content of every source that a kernel is made of: chainrule's, and that of the
user's formula with whatever it calls.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import threading
import types as python
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite.binding import add_symbol, address_of_symbol
from numba.core import sigutils
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile
from numba.core.ccallback import CFunc
from numba.core.runtime import _nrt_python
from numba.extending import register_jitable

from chainrule.engine import ahead
from chainrule.engine.code_on_disk import folder, source_stamp
from chainrule.formula_text.running import TreeFunction

OPTIONS = {"error_model": "numpy"}
# Chainrule's own loops have nothing to rewrite; a user's formula may.
OWN = OPTIONS | {"no_rewrites": True}
# For functions that only compiled code calls: Python needs no way in.
inner = numba.njit(**OWN, no_cpython_wrapper=True, no_cfunc_wrapper=True)
inlined = numba.njit(**OPTIONS, inline="always")
_kernels: dict[Any, CFunc] = {}
_known: set[Any] = set()


def is_fixed(module: python.ModuleType) -> bool:
    """Whether what a module's names mean is known by the versions of what is installed."""
    return module.__name__.partition(".")[0] in ("chainrule", "math", "numba", "numpy")


def fingerprint(function: Any) -> str:
    """Return a hash of a plain function and of all that it refers to, functions by their code."""
    digest, seen = hashlib.sha256(), set()

    def add(value: Any) -> None:
        if isinstance(value, python.CodeType):
            digest.update(value.co_code + repr(value.co_names).encode())
            for constant in value.co_consts:
                add(constant)
        elif isinstance(value, python.FunctionType):
            if id(value) in seen:
                return
            seen.add(id(value))
            add(value.__code__)
            add((value.__defaults__, value.__kwdefaults__))
            for cell in value.__closure__ or ():
                add(cell.cell_contents)
            names = value.__code__.co_names
            for name in names:
                found = value.__globals__.get(name)
                add(found)
                if isinstance(found, python.ModuleType) and not is_fixed(found):
                    for attribute in set(names) & vars(found).keys():
                        add(vars(found)[attribute])
        elif isinstance(value, (python.ModuleType, python.BuiltinFunctionType, type)):
            digest.update(value.__name__.encode())
        elif isinstance(value, np.ndarray):  # whose repr leaves numbers out
            digest.update(repr((value.dtype.str, value.shape)).encode() + value.tobytes())
        else:
            digest.update(repr(value).encode())

    add(function)
    return digest.hexdigest()


class _Place:
    """Where Numba shall look for compiled code."""

    def __init__(self) -> None:
        self.path = str(folder())

    def get_cache_path(self) -> str:
        return self.path

    def ensure_cache_path(self) -> None:
        os.makedirs(self.path, exist_ok=True)


class _DiskCache(FunctionCache):
    """One function's compiled code on disk. What can't be read or written is compiled anew."""

    def __init__(self, function: Any, key: str) -> None:
        self._name, self._py_func, self._key = repr(function), function, key
        self._impl = CompileResultCacheImpl.__new__(CompileResultCacheImpl)
        self._impl._locator = place = _Place()
        self._cache_path = place.get_cache_path()
        self.name = f"{function.__name__}-{hashlib.sha256(key.encode()).hexdigest()[:24]}"
        self._cache_file = IndexDataCacheFile(self._cache_path, self.name, source_stamp())
        self.hits = 0
        self.enable()

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return sig, codegen.magic_tuple(), self._key

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            found = self._cache_file.load(self._index_key(sig, target_context.codegen()))
            if found is None:
                return None
            names, data = found
            # Numba first loads all that it can compile, half a second of it, which code that is
            # compiled already seldom needs.
            if not all(map(can_be_called, names)):
                target_context.refresh()
            made = self._impl.rebuild(target_context, data)
        except Exception:  # a broken or foreign file is as good as none, and makes room
            with contextlib.suppress(OSError):
                self.flush()
            return None
        self.hits += 1
        return made

    def save_overload(self, sig: Any, data: Any) -> None:
        if data.library.has_dynamic_globals:  # addresses of this process
            return
        with contextlib.suppress(OSError):  # a read-only or full disk
            self._impl.locator.ensure_cache_path()
            kept = called_names(data.library), self._impl.reduce(data)
            self._cache_file.save(self._index_key(sig, data.codegen), kept)


def called_names(library: Any) -> list[str]:
    """Return the names by which compiled code calls what lies outside of it."""
    module = library._final_module
    text, all_values = str(module), [*module.functions, *module.global_variables]
    outside = [value.name for value in all_values if value.is_declaration]
    named = {name: rf"@(?:{re.escape(name)}\b|\"{re.escape(name)}\")" for name in outside}
    return [
        name
        for name, pattern in named.items()
        if not name.startswith("llvm.") and len(re.findall(pattern, text)) > 1  # its declaration
    ]


def can_be_called(name: str) -> bool:
    """Whether a function of this name is there, of Numba's own memory management if need be."""
    helper = _nrt_python.c_helpers.get(name.removeprefix("NRT_"))
    if helper is not None and name.startswith("NRT_"):
        add_symbol(name, helper)
    return address_of_symbol(name) is not None


# Of several trainings at once, one alone compiles what all of them then have.
_one_at_a_time = threading.RLock()


def kernel(signature: Any, make: Callable[[], Any], *key: Any) -> CFunc:
    """Return the kernel that `make` returns as a plain function, compiled for C to call.

    `key` says all that the function depends on beside chainrule's own sources: plain functions
    count by their code, everything else by its repr.
    """
    parts = [fingerprint(k) if isinstance(k, python.FunctionType) else repr(k) for k in key]
    full = repr((str(signature), parts))
    with _one_at_a_time:
        if full not in _kernels:
            function = make()
            arguments, result = sigutils.normalize_signature(signature)
            made = CFunc(function, (arguments, result), locals={}, options=dict(OWN))
            made._cache = cache = _DiskCache(function, full)  # type: ignore[attr-defined]
            if ahead.shared is not None:
                ahead.shared.begin(cache.name)
            try:
                made.compile()
            finally:
                if ahead.shared is not None:
                    ahead.shared.end(cache.name)
            _kernels[full] = made
        return _kernels[full]


def callable_in_loops(function: Callable[..., Any] | None) -> Any:
    """Let compiled code call a plain function, and whatever plain functions that calls."""
    if isinstance(function, TreeFunction):
        function = function.plain
    with _one_at_a_time:
        if not isinstance(function, python.FunctionType) or function in _known:
            return function
        _known.add(function)
        names = {**function.__globals__}
        if function.__closure__:
            cells = (cell.cell_contents for cell in function.__closure__)
            names |= dict(zip(function.__code__.co_freevars, cells, strict=True))
        for name in (*function.__code__.co_names, *function.__code__.co_freevars):
            if isinstance(names.get(name), python.FunctionType):
                callable_in_loops(names[name])
        return register_jitable(error_model="numpy")(function)
