"""A functional model's layers, operations and their connections as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn._tensor import Tensor
from fastnn.layers import _history
from fastnn.layers._nest import flatten, map_structure
from fastnn.layers.core import InputLayer
from fastnn.models import _operations

if TYPE_CHECKING:
    from fastnn.models._graph import FunctionalGraph

# Tensors that operations make have a place as those of layers have; no layer has this name.
_OPERATION = "/operation"


def to_config(graph: FunctionalGraph) -> dict[str, Any]:
    """See :meth:`FunctionalGraph.get_config`."""
    position: dict[Any, list[Any]] = {}
    for tensor in graph.input_tensors:
        call = _history.call_of(tensor)
        if call is None:
            raise NotImplementedError(
                "[Model] an input that does not come from fastnn.Input has no configuration"
            )
        position[_history.key(tensor)] = [call.layer.name, 0, 0]
    nodes: dict[str, list[Any]] = {}
    operations: list[dict[str, Any]] = []
    for step, item in enumerate(graph.steps):
        if isinstance(item, _history.Call):
            node = nodes.setdefault(item.layer.name, [])
            for index, tensor in enumerate(item.output_tensors):
                position[_history.key(tensor)] = [item.layer.name, len(node), index]
            args, kwargs = _encode(list(item.args), position), _encode(item.kwargs, position)
            node.append({"args": args, "kwargs": kwargs, "step": step})
            continue
        position[_history.key(item)] = [_OPERATION, len(operations), 0]
        operations.append(
            {
                "op": item._value.op,
                "settings": _operations.settings_of(item),
                "inputs": _encode([Tensor(value) for value in item._value.inputs], position),
                "index": item._value.index,
                "step": step,
            }
        )
    config = {
        "layers": [
            {
                "class_name": type(layer).__name__,
                "config": layer.get_config(),
                "name": layer.name,
                "inbound_nodes": nodes.get(layer.name, []),
            }
            for layer in graph.layers
        ],
        "input_layers": _encode(graph.inputs, position),
        "output_layers": _encode(graph.outputs, position),
    }
    return {**config, "operations": operations} if operations else config


def _encode(structure: Any, position: dict[Any, list[Any]]) -> Any:
    if isinstance(structure, tuple):
        structure = list(structure)
    return map_structure(
        lambda leaf: {"tensor": position[_history.key(leaf)]} if isinstance(leaf, Tensor) else leaf,
        structure,
    )


def tensors_from_config(config: dict[str, Any], make_layer: Any) -> tuple[Any, Any]:
    """Inputs and outputs, made again from what :meth:`FunctionalGraph.get_config` gave.

    Args:
        config: with "layers", "input_layers" and "output_layers", and perhaps "operations".
        make_layer: makes a layer from {"class_name", "config"}.

    Raises:
        ValueError: for connections to layers that are not there, or unknown operations.
    """
    tensors: dict[tuple[str, int, int], Tensor] = {}
    waiting: list[tuple[Any, int, dict[str, Any]]] = [
        (None, i, entry) for i, entry in enumerate(config.get("operations", ()))
    ]
    for entry in config["layers"]:
        layer = make_layer(entry)
        if isinstance(layer, InputLayer):
            tensor = layer.make_tensor()
            _history.record(layer, (), {}, tensor)
            tensors[(layer.name, 0, 0)] = tensor
        waiting += [(layer, i, node) for i, node in enumerate(entry["inbound_nodes"])]
    # In the order of the steps one pass serves; a configuration may say none.
    waiting.sort(key=lambda item: item[2].get("step", 0))
    while waiting:
        blocked = [item for item in waiting if not _made(*item, tensors)]
        if len(blocked) == len(waiting):
            layer, _, node = blocked[0]
            name = node.get("op") if layer is None else layer.name
            raise ValueError(
                f"[Model] the configuration connects {name!r} to a layer that it does not have"
            )
        waiting = blocked
    inputs = _decode(config["input_layers"], tensors)
    outputs = _decode(config["output_layers"], tensors)
    if inputs is None or outputs is None:
        raise ValueError("[Model] the configuration names an input or output it does not have")
    return inputs, outputs


def _made(
    layer: Any, number: int, node: dict[str, Any], tensors: dict[tuple[str, int, int], Tensor]
) -> bool:
    """Makes the tensors of a call, or of an operation, once what it needs is there."""
    if layer is None:
        inputs = _decode(node["inputs"], tensors)
        if inputs is None:
            return False
        made = _operations.make(node["op"], node["settings"], inputs, node["index"])
        tensors[(_OPERATION, number, 0)] = made
        return True
    args, kwargs = _decode(node["args"], tensors), _decode(node["kwargs"], tensors)
    if args is None or kwargs is None:
        return False
    outputs = flatten(layer(*args, **kwargs))
    tensors.update({(layer.name, number, i): tensor for i, tensor in enumerate(outputs)})
    return True


def _decode(structure: Any, tensors: dict[tuple[str, int, int], Tensor]) -> Any:
    """The structure with its tensors, or None while one of them is not made yet."""
    if isinstance(structure, dict) and set(structure) == {"tensor"}:
        name, node, index = structure["tensor"]
        return tensors.get((name, node, index))
    if isinstance(structure, dict):
        items = {key: _decode(value, tensors) for key, value in structure.items()}
        missing = [key for key, value in structure.items() if value is not None]
        return None if any(items[key] is None for key in missing) else items
    if isinstance(structure, (list, tuple)):
        values = [_decode(value, tensors) for value in structure]
        blocked = any(
            new is None and old is not None for new, old in zip(values, structure, strict=True)
        )
        return None if blocked else values
    return structure
