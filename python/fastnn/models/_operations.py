"""Operations between layers as plain data, and made again from it."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fastnn import _core
from fastnn._tensor import Tensor
from fastnn.layers._arguments import DTYPES

_PLAIN = (bool, int, float, str, type(None))


def settings_of(tensor: Tensor) -> dict[str, Any]:
    """The attributes of the node that makes a tensor; open sizes as text, arrays as lists.

    Args:
        tensor: of a graph.

    Raises:
        NotImplementedError: for a node with a body, such as a loop.
    """
    value = tensor._value
    settings: dict[str, Any] = {}
    for name, setting in value.settings().items():
        if isinstance(setting, np.ndarray):
            setting = {"array": setting.tolist(), "dtype": str(setting.dtype)}
        elif isinstance(setting, (tuple, list)):
            setting = [one if isinstance(one, _PLAIN) else str(one) for one in setting]
        elif not isinstance(setting, _PLAIN):
            raise NotImplementedError(
                f"[Model] the operation {value.op!r} between layers has no configuration: put it "
                "into a layer (a subclass of fastnn.layers.Layer with the ops in its call())"
            )
        settings[name] = setting
    return settings


def make(op: str, settings: Mapping[str, Any], inputs: Sequence[Tensor], index: int) -> Tensor:
    """A node from its settings.

    Args:
        op: the operation's name.
        settings: from :func:`settings_of`.
        inputs: tensors.
        index: which of its outputs.

    Raises:
        ValueError: for an unknown operation, or settings that it does not take.
    """
    try:
        if op == "constant":
            value = settings["value"]
            if value["dtype"] not in DTYPES:  # NumPy has some whose single elements fill a memory
                raise TypeError(f"expected a dtype of {', '.join(DTYPES)}")
            return Tensor(_core.constant(np.array(value["array"], value["dtype"])))
        attributes = {
            name: [_dimension(size) for size in setting] if isinstance(setting, list) else setting
            for name, setting in settings.items()
        }
        values = [tensor._value for tensor in inputs]
        made = _core.make_all(op, values, attributes)
        if index not in range(len(made)):
            raise IndexError(f"it has {len(made)} outputs, not one of number {index}")
        return Tensor(made[index])
    except (TypeError, KeyError, IndexError, RuntimeError, SyntaxError) as error:
        raise ValueError(f"[Model] no operation {op!r} with {dict(settings)!r}: {error}") from None


def _dimension(size: Any) -> Any:
    """A size, or from its text an expression of extents."""
    return _evaluated(ast.parse(size, mode="eval").body) if isinstance(size, str) else size


_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}


def _evaluated(node: Any) -> Any:
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](_evaluated(node.left), _evaluated(node.right))
    if isinstance(node, ast.UnaryOp):
        return -1 * _evaluated(node.operand)
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.Name):
        return _core.Dim(node.id)
    raise TypeError("sizes are sums and products of numbers and names")
