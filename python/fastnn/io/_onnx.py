"""ONNX: the graph of a traced model as a model file for other programs.

Source: https://onnx.ai/onnx/operators, operator set 18.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import _core
from fastnn.io._atomic import replace_file

OPSET = 18
_IR_VERSION = 9

Value = Any  # _core.Value
Converter = Callable[["Builder", Value, list[str]], "str | list[str]"]


def _onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise ImportError("writing ONNX needs onnx: pip install 'fastnn[formats]'") from error
    return onnx


class Builder:
    """Collects the nodes of an ONNX graph, or of the body of one.

    Args:
        extents: how a name of a dimension is found: (input, axis).
        outer: the graph around this body.
    """

    def __init__(self, extents: dict[str, tuple[str, int]], outer: Builder | None = None) -> None:
        self._onnx = _onnx()
        self._outer = outer
        self._extents = extents
        self._count: list[int] = outer._count if outer else [0]
        self._constants: dict[Any, str] = {}
        self._shapes: dict[str, str] = {}
        self.nodes: list[Any] = []
        self.initializers: list[Any] = outer.initializers if outer else []

    def name(self, hint: str = "v") -> str:
        """A name that no other value has."""
        self._count[0] += 1
        return f"{hint}_{self._count[0]}"

    def op(self, kind: str, inputs: Sequence[str], outputs: int = 1, **attributes: Any) -> Any:
        """Adds a node and returns the name of its output, or a list of several."""
        names = [self.name(kind.lower()) for _ in range(outputs)]
        node = self._onnx.helper.make_node(kind, list(inputs), names, **attributes)
        self.nodes.append(node)
        return names[0] if outputs == 1 else names

    def constant(self, array: Any, dtype: Any = None, name: str | None = None) -> str:
        """The name of an array that is part of the file."""
        array = np.asarray(array, dtype)
        key = (array.dtype.str, array.shape, array.tobytes()) if array.size <= 64 else None
        if key in self._constants:
            return self._constants[key]
        name = self.name(name or "constant")
        self.initializers.append(self._onnx.numpy_helper.from_array(array, name))
        if key is not None:
            self._constants[key] = name
        return name

    def ints(self, values: Sequence[int]) -> str:
        """A vector of 64-bit numbers."""
        return self.constant(values, np.int64)

    def elem_type(self, dtype: str) -> int:
        """ONNX's number for a dtype."""
        return int(self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    # --- bodies of loops

    def body(self) -> Builder:
        """A graph inside of this one, which may use its values."""
        return Builder(self._extents, self)

    def as_graph(
        self, inputs: Sequence[tuple[str, str]], outputs: Sequence[tuple[str, str]]
    ) -> Any:
        """The body as a graph.

        Args:
            inputs: names and dtypes.
            outputs: likewise.
        """

        def info(pair: tuple[str, str]) -> Any:
            kind = self.elem_type(pair[1])
            return self._onnx.helper.make_tensor_value_info(pair[0], kind, None)

        return self._onnx.helper.make_graph(
            self.nodes, self.name("body"), [info(p) for p in inputs], [info(p) for p in outputs]
        )

    # --- sizes

    def dim(self, dim: Any) -> str:
        """A dimension as a vector of one number: known, or computed from an input's shape."""
        if isinstance(dim, int):
            return self.ints([dim])
        text = str(dim)
        if text in self._extents:
            return self._measured(text)
        return self._expression(ast.parse(text, mode="eval").body, text)

    def _measured(self, name: str) -> str:
        if name not in self._shapes:
            source, axis = self._extents[name]
            shape = self.op("Shape", [source])
            self._shapes[name] = self.op("Gather", [shape, self.ints([axis])])
        return self._shapes[name]

    def _expression(self, node: ast.AST, text: str) -> str:
        kinds = {ast.Add: "Add", ast.Sub: "Sub", ast.Mult: "Mul", ast.FloorDiv: "Div"}
        if isinstance(node, ast.BinOp) and type(node.op) in kinds:
            left, right = self._expression(node.left, text), self._expression(node.right, text)
            return str(self.op(kinds[type(node.op)], [left, right]))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return str(self.op("Neg", [self._expression(node.operand, text)]))
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return self.ints([node.value])
        if isinstance(node, ast.Name) and node.id in self._extents:
            return self._measured(node.id)
        raise NotImplementedError(f"[to_onnx] the size {text} has no counterpart in ONNX")

    def shape(self, dims: Sequence[Any]) -> str:
        """A shape as a vector."""
        if all(isinstance(dim, int) for dim in dims):
            return self.ints(list(dims))
        return str(self.op("Concat", [self.dim(dim) for dim in dims], axis=0))


def _shape_of(value: Value) -> list[Any]:
    return [dim if isinstance(dim, int) else str(dim) for dim in value.dims]


def convert(builder: Builder, roots: Sequence[Value], known: dict[Any, str]) -> list[str]:
    """Adds all that leads to some values and returns their names.

    Args:
        builder: receives the nodes.
        roots: the values.
        known: names of values that are there, by (node, output); it is added to.

    Raises:
        NotImplementedError: for an operation that ONNX cannot say.
    """
    from fastnn.io._onnx_ops import CONVERTERS

    for value in _core.topological_order(list(roots)):
        if (value.id, 0) in known:
            continue
        converter = CONVERTERS.get(value.op)
        if converter is None:
            raise NotImplementedError(
                f"[to_onnx] the operation {value.op!r} has no counterpart in ONNX"
            )
        inputs = [known[(item.id, item.index)] for item in value.inputs]
        made = converter(builder, value, inputs)
        names = [made] if isinstance(made, str) else made
        known.update({(value.id, index): name for index, name in enumerate(names)})
    return [known[(root.id, root.index)] for root in roots]


def export(
    path: str | os.PathLike[str],
    name: str,
    inputs: Sequence[tuple[str, Value]],
    outputs: Sequence[tuple[str, Value]],
) -> None:
    """Writes a graph to an ONNX file.

    Args:
        path: the file; replaced in one step.
        name: of the model.
        inputs: names and placeholders.
        outputs: names and values.

    Raises:
        NotImplementedError: for an operation that ONNX cannot say.
        ImportError: without onnx.
        OSError: where the file cannot be written.
    """
    onnx = _onnx()
    extents: dict[str, tuple[str, int]] = {}
    for label, value in inputs:
        for axis, dim in enumerate(value.dims):
            if not isinstance(dim, int):
                extents.setdefault(str(dim), (label, axis))
    builder = Builder(extents)
    known = {(value.id, 0): label for label, value in inputs}
    roots = _core.rewrite([value for _, value in outputs])
    made = convert(builder, roots, known)
    labels = {label for label, _ in inputs}
    for (label, _), source in zip(outputs, made, strict=True):
        if label in labels:
            raise ValueError(f"[to_onnx] an input and an output are both named {label!r}")
        builder.nodes.append(onnx.helper.make_node("Identity", [source], [label]))

    def info(label: str, value: Value) -> Any:
        kind = builder.elem_type(value.dtype)
        return onnx.helper.make_tensor_value_info(label, kind, _shape_of(value))

    graph = onnx.helper.make_graph(
        builder.nodes,
        name,
        [info(label, value) for label, value in inputs],
        [info(label, value) for label, value in outputs],
        initializer=builder.initializers,
    )
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)], producer_name="fastnn"
    )
    model.ir_version = _IR_VERSION
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    replace_file(path, lambda file: file.write(content))


def array_of(value: Value) -> NDArray[Any]:
    """The numbers of a constant or a variable."""
    settings = value.settings()
    if value.op == "variable":
        return np.asarray(settings["variable"].get())
    return np.asarray(settings["value"])
