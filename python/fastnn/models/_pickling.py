"""Functional models as data that can be pickled and copied: the steps that make their graph."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from typing import Any

from fastnn import _core
from fastnn._tensor import Tensor
from fastnn.layers import _history
from fastnn.layers._base import Layer
from fastnn.layers._nest import flatten, map_structure
from fastnn.layers.core import InputLayer
from fastnn.models._graph import FunctionalGraph
from fastnn.models._walk import Walk


class Place:
    """Stands for a tensor: its number among those that the steps make.

    Args:
        number: counted from 0, inputs first.
    """

    def __init__(self, number: int) -> None:
        self.number = number


class _Made:
    """The numbers of tensors."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    def add(self, tensor: Tensor) -> None:
        self._numbers.setdefault(_history.key(tensor), len(self._numbers))

    def places(self, structure: Any) -> Any:
        """A structure with places for its tensors."""
        return map_structure(
            lambda leaf: Place(self._numbers[_history.key(leaf)])
            if isinstance(leaf, Tensor)
            else leaf,
            structure,
        )

    def __len__(self) -> int:
        return len(self._numbers)


def state_of(graph: FunctionalGraph, extra: Sequence[Tensor]) -> dict[str, Any]:
    """A graph as layers, settings of operations, and numbers.

    Args:
        graph: of a model.
        extra: further tensors of it.

    Raises:
        TypeError: for operations that only code can say.
    """
    made = _Made()
    for tensor in graph.input_tensors:
        made.add(tensor)
    steps: list[Any] = []
    for item in Walk(graph.input_tensors, [*graph.output_tensors, *extra]).steps:
        first = len(made)
        if isinstance(item, _history.Call):
            described = (item.layer, made.places(list(item.args)), made.places(item.kwargs))
            for tensor in item.output_tensors:
                made.add(tensor)
        else:
            value = item._value
            inputs = [made.places(Tensor(one)).number for one in value.inputs]
            described = (value.op, _settings(value), [inputs, value.index])
            made.add(item)
        if len(made) > first:  # a layer may hand its input on
            steps.append(described)
    return {
        "inputs": [_input_state(tensor) for tensor in graph.input_tensors],
        "steps": steps,
        "ends": made.places((graph.inputs, graph.outputs, list(extra))),
    }


def _input_state(tensor: Tensor) -> tuple[Any, ...]:
    call = _history.call_of(tensor)
    layer = call.layer if call is not None and isinstance(call.layer, InputLayer) else None
    return layer, tuple(tensor.shape[1:]), tensor.dtype, tensor.name


def _settings(value: Any) -> dict[str, Any]:
    """The attributes of a node; open sizes as text."""
    plain = (bool, int, float, str, type(None))
    settings: dict[str, Any] = {}
    for name, setting in value.settings().items():
        if isinstance(setting, tuple):
            setting = [one if isinstance(one, plain) else str(one) for one in setting]
        elif not isinstance(setting, (*plain, list)) and not hasattr(setting, "tobytes"):
            raise TypeError(
                f"[Model] the operation {value.op!r} between layers cannot be pickled: put it into "
                "a layer (a subclass of fastnn.layers.Layer with the ops in its call())"
            )
        settings[name] = setting
    return settings


def graph_from(state: dict[str, Any]) -> tuple[FunctionalGraph, list[Tensor]]:
    """A graph, and the further tensors, from :func:`state_of`.

    Args:
        state: of a graph.
    """
    tensors: list[Tensor] = []
    for layer, shape, dtype, name in state["inputs"]:
        tensor = Tensor(_core.placeholder(dtype, ("batch", *shape)))
        tensor.name = name
        tensors.append(tensor if layer is None else _history.record(layer, (), {}, tensor))

    def tensor_at(leaf: Any) -> Any:
        return tensors[leaf.number] if isinstance(leaf, Place) else leaf

    for what, one, other in state["steps"]:
        if isinstance(what, Layer):
            outputs = what(*map_structure(tensor_at, one), **map_structure(tensor_at, other))
            tensors += flatten(outputs)
        else:
            inputs, index = other
            tensors.append(_node(what, one, [tensors[number] for number in inputs], index))
    inputs, outputs, extra = map_structure(tensor_at, state["ends"])
    return FunctionalGraph(inputs, outputs), extra


def _node(op: str, settings: dict[str, Any], inputs: Sequence[Tensor], index: int) -> Tensor:
    if op == "constant":
        return Tensor(_core.constant(settings["value"]))
    sizes = {
        name: [_dimension(size) for size in setting] if isinstance(setting, list) else setting
        for name, setting in settings.items()
    }
    values = [tensor._value for tensor in inputs]
    make: Callable[..., Any] = _core.make_all if index else lambda *args: [_core.make(*args)]
    return Tensor(make(op, values, sizes)[index])


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
    return _core.Dim(node.id) if isinstance(node, ast.Name) else node.value
