"""The order of a functional model's layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastnn._tensor import Tensor
from fastnn.layers import _history
from fastnn.layers._base import Layer
from fastnn.layers.core import InputLayer


class Walk:
    """A graph, walked from its outputs back to its inputs.

    Layers are in Keras's order: by their distance to the outputs, the farthest first, and at equal
    distance as the walk has met them. Weights are in that order too.

    Args:
        inputs: tensors.
        outputs: tensors that depend on them.

    Attributes:
        steps: calls of layers, and tensors that operations between layers make, each behind those
            it needs.
        calls: of layers between inputs and outputs, each behind those it needs.

    Raises:
        ValueError: for an input that is not among the inputs.
    """

    def __init__(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
        self._inputs = {_history.key(tensor): tensor for tensor in inputs}
        self._met: dict[int, int] = {}  # layer: when the walk met it
        self._calls: dict[int, _history.Call] = {}
        self._operations: dict[Any, Tensor] = {}
        self._needs: dict[Any, list[Any]] = {}  # node: the nodes it is computed from
        self._behind: list[Any] = []  # nodes, each behind those it needs
        self._walk(outputs)
        made: dict[Any, Any] = {**self._calls, **self._operations}
        self.steps = [made[node] for node in self._behind if node in made]
        self.calls = [self._calls[node] for node in self._behind if node in self._calls]

    def _node(self, tensor: Tensor) -> tuple[Any, Sequence[Tensor]]:
        """What makes a tensor (a call, an input, an operation), and from what."""
        key = _history.key(tensor)
        call = _history.call_of(tensor)
        if key in self._inputs:
            if call is not None and isinstance(call.layer, InputLayer):
                self._met.setdefault(id(call.layer), len(self._met))
            return key, ()
        if call is None:
            self._operations[key] = tensor
            return key, _history.parents(tensor)
        if isinstance(call.layer, InputLayer):
            raise ValueError(
                f"[Model] the outputs depend on the input {call.layer.name!r}, which is not "
                "among the inputs"
            )
        self._met.setdefault(id(call.layer), len(self._met))
        self._calls[id(call)] = call
        return id(call), call.input_tensors

    def _walk(self, outputs: Sequence[Tensor]) -> None:
        """Depth first, without recursion: a model may have thousands of layers."""
        stack: list[tuple[Any, Tensor | None]] = [(None, t) for t in reversed(outputs)]
        while stack:
            node, tensor = stack.pop()
            if tensor is None:
                self._behind.append(node)
                continue
            found, needed = self._node(tensor)
            if node is not None:
                self._needs[node].append(found)
            if found not in self._needs:
                self._needs[found] = []
                stack.append((found, None))
                stack.extend((found, t) for t in reversed(needed))

    def layers(self) -> list[Layer]:
        """The layers, inputs included."""
        depths: dict[Any, int] = {}
        of_layers: dict[int, int] = {}
        for node in reversed(self._behind):
            layer = self._layer(node)
            depth = depths.get(node, 0)
            if layer is not None:
                depth = of_layers[id(layer)] = max(depth, of_layers.get(id(layer), 0))
            for needed in self._needs[node]:
                depths[needed] = max(depth + 1, depths.get(needed, 0))
        found = {id(layer): layer for node in self._behind if (layer := self._layer(node))}
        for key in self._inputs:  # those that no output needs
            layer = self._layer(key)
            if layer is not None:
                found.setdefault(id(layer), layer)
        return sorted(
            found.values(),
            key=lambda layer: (-of_layers.get(id(layer), 0), self._met.get(id(layer), -1)),
        )

    def _layer(self, node: Any) -> Layer | None:
        if node in self._inputs:
            call = _history.call_of(self._inputs[node])
            return call.layer if call is not None and isinstance(call.layer, InputLayer) else None
        return self._calls[node].layer if node in self._calls else None
