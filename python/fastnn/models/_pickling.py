"""Functional models as data that can be pickled and copied: the steps that make their graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastnn import _core
from fastnn._tensor import Tensor
from fastnn.layers import _history
from fastnn.layers._base import Layer
from fastnn.layers._nest import flatten, map_structure
from fastnn.layers.core import InputLayer
from fastnn.models import _operations
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
        NotImplementedError: for operations that only code can say: loops.
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
            described = (value.op, _operations.settings_of(item), [inputs, value.index])
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
            tensors.append(_operations.make(what, one, [tensors[n] for n in inputs], index))
    inputs, outputs, extra = map_structure(tensor_at, state["ends"])
    return FunctionalGraph(inputs, outputs), extra
