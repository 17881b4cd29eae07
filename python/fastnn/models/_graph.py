"""A functional model's graph: layer calls between its inputs and outputs, run again on others."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from fastnn import _registry as registry
from fastnn._tensor import Tensor
from fastnn.layers import _history
from fastnn.layers._base import Layer
from fastnn.layers._nest import flatten, map_structure, pack_like
from fastnn.models import _graph_config
from fastnn.models._walk import Walk

# So many layers are named behind an operation: residual networks lead back to all of theirs.
_NEAREST = 4


def _check_names(layers: Sequence[Layer]) -> None:
    names: set[str] = set()
    for layer in layers:
        if layer.name in names:
            raise ValueError(
                f"[Model] two layers are named {layer.name!r}: names within a model differ"
            )
        names.add(layer.name)


class FunctionalGraph:
    """The layer calls and operations that lead from input tensors to output tensors.

    Args:
        inputs: a tensor from ``Input``, or a list or dict of them.
        outputs: tensors that depend on them.

    Raises:
        TypeError: for anything but tensors.
        ValueError: for an input that appears twice, or outputs that need an input which is not
            among the inputs.
    """

    def __init__(self, inputs: Any, outputs: Any) -> None:
        for what, structure in (("inputs", inputs), ("outputs", outputs)):
            for leaf in flatten(structure):
                if not isinstance(leaf, Tensor):
                    raise TypeError(
                        f"[Model] expected {what} to be tensors (from fastnn.Input and layers "
                        f"called on it), got {type(leaf).__name__}"
                    )
        self.inputs = inputs
        self.outputs = outputs
        self.input_tensors: list[Tensor] = flatten(inputs)
        self.output_tensors: list[Tensor] = flatten(outputs)
        keys = [_history.key(tensor) for tensor in self.input_tensors]
        if len(set(keys)) != len(keys):
            raise ValueError("[Model] an input appears twice among the inputs")
        self._held = [_history.call_of(tensor) for tensor in self.input_tensors]
        order = Walk(self.input_tensors, self.output_tensors)
        self.calls = order.calls
        self.steps = order.steps
        _history.claim([*self.calls, *(call for call in self._held if call is not None)])
        self.layers = order.layers()
        _check_names(self.layers)
        self.input_names = _names(inputs, "input")

    def output_names(self) -> list[str]:
        """A name for each output: its key in a dict, else that of the layer that made it.

        Inside of further structures the keys on the way to it stand in front: ``"pair/price"``.
        """
        return _names(self.outputs, "output")

    def run(self, inputs: Sequence[Tensor], extra: Sequence[Tensor] = ()) -> tuple[Any, list[Any]]:
        """Runs every call again, on other inputs.

        Args:
            inputs: in place of the model's, in their order.
            extra: further tensors of the graph that are wanted.

        Returns:
            The outputs in their structure, and the further tensors.
        """
        replay = _history.Replay(self.input_tensors, inputs)
        for call in self.calls:
            args = map_structure(replay.value, call.args)
            kwargs = {name: map_structure(replay.value, v) for name, v in call.kwargs.items()}
            replay.define(call.output_tensors, flatten(call.layer(*args, **kwargs)))
        outputs = pack_like(self.outputs, [replay.value(t) for t in self.output_tensors])
        return outputs, [replay.value(tensor) for tensor in extra]

    def cap_depth(self) -> int:
        """The largest number of layers with weights on a path from an input to an output."""
        depths: dict[Any, int] = {_history.key(tensor): 0 for tensor in self.input_tensors}
        for step in self.steps:
            if isinstance(step, Tensor):
                needed, own, made = _history.parents(step), 0, [step]
            else:
                inner = getattr(step.layer, "cap_depth", None)
                own = inner if inner is not None else int(bool(step.layer.weights))
                needed, made = step.input_tensors, step.output_tensors
            before = max((depths[_history.key(tensor)] for tensor in needed), default=0)
            for tensor in made:
                depths.setdefault(_history.key(tensor), before + own)
        return max((depths[_history.key(tensor)] for tensor in self.output_tensors), default=0)

    def connections(self) -> dict[int, list[str]]:
        """What each layer is fed by, by the layer's id: names with the numbers of call and output.

        Operations between layers stand for the nearest layers that they compute from.
        """
        names: dict[Any, str] = {}
        for number, tensor in enumerate(self.input_tensors):
            call = _history.call_of(tensor)
            name = call.layer.name if call is not None else self.input_names[number]
            names[_history.key(tensor)] = f"{name}[0][0]"
        calls: dict[int, int] = {}
        found: dict[int, list[str]] = {}
        for call in self.calls:
            layer = id(call.layer)
            sources = [self._sources(tensor, names) for tensor in call.input_tensors]
            found.setdefault(layer, []).extend(name for group in sources for name in group)
            number = calls[layer] = calls.get(layer, -1) + 1
            for index, tensor in enumerate(call.output_tensors):
                names[_history.key(tensor)] = f"{call.layer.name}[{number}][{index}]"
        return found

    def _sources(self, tensor: Tensor, names: dict[Any, str]) -> list[str]:
        """The names of the layers' outputs that a tensor is, or is computed from."""
        found: list[str] = []
        waiting, seen = deque([tensor]), set()
        while waiting and len(found) < _NEAREST:
            current = waiting.popleft()
            key = _history.key(current)
            if key in seen:
                continue
            seen.add(key)
            if key in names:
                found.append(names[key])
            else:
                waiting.extend(_history.parents(current))
        return [*found, "…"] if waiting else found

    # --- configuration

    def get_config(self) -> dict[str, Any]:
        """The layers and their connections, as plain data.

        Raises:
            NotImplementedError: for what only code can say: loops between layers.
        """
        return _graph_config.to_config(self)


def _names(structure: Any, fallback: str) -> list[str]:
    """Names of tensors by their keys in a structure and by the layers that made them."""
    names: list[str] = []
    for number, (path, tensor) in enumerate(_leaves_with_paths(structure)):
        keys = [step for step in path if isinstance(step, str)]
        if not path or not isinstance(path[-1], str):
            call = _history.call_of(tensor)
            own = getattr(tensor, "name", None) if fallback == "input" else None
            keys.append(call.layer.name if call is not None else own or f"{fallback}_{number}")
        name = "/".join(keys)
        names.append(f"{name}_{names.count(name)}" if name in names else name)
    return names


def _leaves_with_paths(
    structure: Any, path: tuple[Any, ...] = ()
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The leaves of a structure in the order of flatten, with the keys and numbers to each."""
    if isinstance(structure, dict):
        for key in sorted(structure):
            yield from _leaves_with_paths(structure[key], (*path, str(key)))
    elif isinstance(structure, (list, tuple)):
        for number, item in enumerate(structure):
            yield from _leaves_with_paths(item, (*path, number))
    else:
        yield path, structure


def unknown_layer(name: str, layers: Sequence[Layer]) -> ValueError:
    """The error for a layer's name that a model does not have."""
    names = [layer.name for layer in layers]
    hint = registry.did_you_mean(name, names)
    return ValueError(f"there is no layer named {name!r}: {', '.join(names)}{hint}")
