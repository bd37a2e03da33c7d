"""A graph of ONNX's operators, and its tensors, which formulas in NumPy's notation run on.

A formula that is called on a :class:`Tensor` computes nothing: each of its operations becomes a
node of the graph. So the library's own formulas are written out where no operator is their equal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.mixins import NDArrayOperatorsMixin

from chainrule._version import __version__

# Operators as of 2021, which runtimes since then know: nothing newer is needed.
OPSET, ML_OPSET, IR_VERSION = 15, 2, 8

# A protobuf message, which an ONNX file is, must stay below 2 GiB; 1 MiB is left for the nodes.
MOST_BYTES = 2**31 - 2**20

STRING = np.dtype(object)

_OPERATORS: dict[Any, str] = {
    np.add: "Add",
    np.subtract: "Sub",
    np.multiply: "Mul",
    np.true_divide: "Div",
    np.power: "Pow",
    np.matmul: "MatMul",
    np.negative: "Neg",
    np.absolute: "Abs",
    np.maximum: "Max",
    np.minimum: "Min",
    np.exp: "Exp",
    np.log: "Log",
    np.sqrt: "Sqrt",
    np.tanh: "Tanh",
    np.sin: "Sin",
    np.sign: "Sign",
}
_COMPARISONS: dict[Any, str] = {
    np.greater: "Greater",
    np.greater_equal: "GreaterOrEqual",
    np.less: "Less",
    np.less_equal: "LessOrEqual",
    np.equal: "Equal",
    np.isnan: "IsNaN",
}
# Which ONNX has not, or runtimes not for float64, as Cos. The first two, and sinh, lose digits
# near 0 that matter to a relative error alone.
_COMPOSED: dict[Any, Callable[..., Any]] = {
    np.expm1: lambda x: np.exp(x) - 1,
    np.log1p: lambda x: np.log(1 + x),
    np.cos: lambda x: 1 - 2 * np.sin(x / 2) ** 2,
    np.cosh: lambda x: (np.exp(x) + np.exp(-x)) / 2,
    np.sinh: lambda x: (np.exp(x) - np.exp(-x)) / 2,
    np.heaviside: lambda x, at_zero: np.where(x == 0, at_zero, (np.sign(x) + 1) / 2),
}


def load_onnx() -> Any:
    """Return the module onnx, or say which extra has it."""
    try:
        import onnx
    except ImportError:
        raise ImportError("ONNX files need onnx: pip install 'chainrule[onnx]'") from None
    return onnx


class Graph:
    """Inputs, constants, nodes and outputs, in the order in which they were made.

    Rows are examples everywhere: the first axis of each input and output is called m.
    """

    def __init__(self) -> None:
        self.onnx = load_onnx()
        self._inputs: list[Any] = []
        self._constants: list[Any] = []
        self._nodes: list[Any] = []
        self._outputs: list[Any] = []
        self._scalars: dict[tuple[str, object], Tensor] = {}
        self._names: set[str] = {"label", "probabilities", "variable"}
        self._n_bytes = 0

    def input(self, name: str, dtype: npt.DTypeLike, columns: int) -> Tensor:
        """Return a new input (m, columns). Raises ValueError for a name that is taken."""
        if name in self._names or not name:
            raise ValueError(
                f"column {name!r} can't be an input of its own in ONNX, where that name is an "
                "output's or no name at all; rename the column before training"
            )
        self._inputs.append(self._described(name, np.dtype(dtype), ["m", columns]))
        return self._named(name, dtype)

    def constant(self, value: Any, dtype: npt.DTypeLike, name: str = "constant") -> Tensor:
        """Return an array or a number as a tensor. A number is kept but once."""
        array = np.asarray(value, dtype)
        key = (array.dtype.str, array.item()) if array.ndim == 0 else None
        if key in self._scalars:
            return self._scalars[key]
        self._n_bytes += array.nbytes
        if self._n_bytes > MOST_BYTES:
            raise ValueError(
                f"model must have less than 2 GiB of parameters to fit into one ONNX file, got "
                f"{self._n_bytes} bytes or more; dtype='float32' halves a float64 model"
            )
        tensor = self._named(self._fresh(name), array.dtype)
        made = self.onnx.numpy_helper.from_array(np.ascontiguousarray(array), tensor.name)
        if array.ndim == 0:  # which ascontiguousarray makes (1,) of
            del made.dims[:]
        self._constants.append(made)
        if key is not None:
            self._scalars[key] = tensor
        return tensor

    def apply(
        self,
        operator: str,
        *operands: Tensor,
        dtype: npt.DTypeLike | None = None,
        domain: str = "",
        **attributes: Any,
    ) -> Tensor:
        """Return what an operator of ONNX makes, of type `dtype`, or that of the first operand."""
        tensor = self._named(self._fresh(operator), operands[0].dtype if dtype is None else dtype)
        names = [operand.name for operand in operands]
        node = self.onnx.helper.make_node(
            operator, names, [tensor.name], name=tensor.name, domain=domain, **attributes
        )
        self._nodes.append(node)
        return tensor

    def output(self, name: str, tensor: Tensor, columns: int | None) -> None:
        """Give out a tensor (m, columns), or (m,) for None, under a name."""
        node = self.onnx.helper.make_node("Identity", [tensor.name], [name], name=f"{name}_out")
        self._nodes.append(node)
        shape = ["m"] if columns is None else ["m", columns]
        self._outputs.append(self._described(name, tensor.dtype, shape))

    def model(self, name: str) -> Any:
        """Return the whole as a ModelProto."""
        helper = self.onnx.helper
        graph = helper.make_graph(
            self._nodes, name, self._inputs, self._outputs, initializer=self._constants
        )
        opsets = [helper.make_opsetid("", OPSET)]
        if any(node.domain for node in self._nodes):
            opsets.append(helper.make_opsetid("ai.onnx.ml", ML_OPSET))
        return helper.make_model(
            graph,
            opset_imports=opsets,
            ir_version=IR_VERSION,
            producer_name="chainrule",
            producer_version=__version__,
        )

    def _described(self, name: str, dtype: np.dtype[Any], shape: list[Any]) -> Any:
        helper = self.onnx.helper
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(dtype), shape)

    def _named(self, name: str, dtype: npt.DTypeLike) -> Tensor:
        self._names.add(name)
        return Tensor(self, name, np.dtype(dtype))

    def _fresh(self, name: str) -> str:
        number = len(self._nodes) + len(self._constants) + 1
        while (fresh := f"{name}_{number}") in self._names:
            number += 1
        return fresh


class Tensor(NDArrayOperatorsMixin):
    """What an input, a constant or a node gives; NumPy's operations on it become nodes.

    Attributes
    ----------
    graph : Graph
    name : str
    dtype : dtype
        float32, float64, int64, bool, or object for strings.
    """

    def __init__(self, graph: Graph, name: str, dtype: np.dtype[Any]) -> None:
        self.graph, self.name, self.dtype = graph, name, dtype

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if ufunc in _COMPOSED:
            return _COMPOSED[ufunc](*inputs)
        operator = _OPERATORS.get(ufunc) or _COMPARISONS.get(ufunc)
        if operator is None or method != "__call__" or options:
            return NotImplemented
        dtype = np.bool_ if ufunc in _COMPARISONS else self.dtype
        return self.graph.apply(operator, *(self._alike(x) for x in inputs), dtype=dtype)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function is not np.where or options:
            return NotImplemented
        condition, x, y = args
        like = x if isinstance(x, Tensor) else y
        return self.graph.apply(
            "Where", condition, like._alike(x), like._alike(y), dtype=like.dtype
        )

    def mean(self, axis: int, keepdims: bool) -> Tensor:
        """Return the mean along an axis."""
        return self.graph.apply("ReduceMean", self, axes=[axis], keepdims=int(keepdims))

    def astype(self, dtype: npt.DTypeLike) -> Tensor:
        """Return the same values as another type."""
        kind = np.dtype(dtype)
        if kind == self.dtype:
            return self
        to = self.graph.onnx.helper.np_dtype_to_tensor_dtype(kind)
        return self.graph.apply("Cast", self, dtype=kind, to=to)

    def _alike(self, x: Any) -> Tensor:
        return x if isinstance(x, Tensor) else self.graph.constant(x, self.dtype)
