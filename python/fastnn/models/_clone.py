"""Copies of models: the same structure, layers of their own, fresh weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnn.layers import _history
from fastnn.layers._base import Layer
from fastnn.layers._nest import flatten, map_structure, pack_like
from fastnn.layers.core import InputLayer
from fastnn.models._model import Model
from fastnn.models._sequential import Sequential


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
) -> Model:
    """A model of the same structure with fresh weights. What is shared in it stays shared.

    Args:
        model: functional or Sequential.
        input_tensors: what the copy is built on; default: new inputs.
        clone_function: makes the copy's layer from a layer; default: from its configuration.
        call_function: called as (layer, *args, **kwargs) to apply a layer; default: calls it. Not
            for a Sequential.
        recursive: whether models inside are cloned by this function too, with the same arguments,
            rather than by clone_function; default False.

    Raises:
        TypeError: for something that is no model.
        ValueError: for a subclassed model, whose structure is code; for a call_function with a
            Sequential.

    Example:
        >>> from fastnn.layers import Dense
        >>> model = Sequential([Dense(3, input_dim=2), Dense(1)])
        >>> clone_model(model).count_params()
        13
    """
    if not isinstance(model, Model):
        raise TypeError(f"[clone_model] expected a model, got {model!r}")
    make = _Cloner(clone_function, call_function, recursive)
    if isinstance(model, Sequential):
        if call_function is not None:
            raise ValueError(
                f"[clone_model] a call_function is for functional models, {model.name!r} is a "
                "Sequential"
            )
        return _clone_sequential(model, input_tensors, make)
    if model._graph is None:
        raise ValueError(
            f"[clone_model] the structure of {model.name!r} is code: use "
            "type(model).from_config(model.get_config())"
        )
    return _clone_functional(model, input_tensors, make)


class _Cloner:
    """Makes a layer of each layer, once."""

    def __init__(
        self,
        clone_function: Callable[[Layer], Layer] | None,
        call_function: Callable[..., Any] | None,
        recursive: bool,
    ) -> None:
        self._clone = clone_function
        self._call = call_function
        self._recursive = recursive
        self._made: dict[int, Layer] = {}

    def layer(self, layer: Layer) -> Layer:
        """The copy of a layer."""
        found = self._made.get(id(layer))
        if found is None:
            found = self._made[id(layer)] = self._make(layer)
        return found

    def _make(self, layer: Layer) -> Layer:
        clonable = isinstance(layer, Sequential) or getattr(layer, "_graph", None) is not None
        if isinstance(layer, Model) and clonable and (self._recursive or self._clone is None):
            call = None if isinstance(layer, Sequential) else self._call
            return clone_model(layer, None, self._clone, call, self._recursive)
        if self._clone is None or isinstance(layer, InputLayer):
            return layer._copy()
        made = self._clone(layer)
        if not isinstance(made, Layer):
            raise TypeError(f"[clone_model] expected clone_function to give a layer, got {made!r}")
        return made

    def call(self, layer: Layer, args: Any, kwargs: dict[str, Any]) -> Any:
        """Applies a copy."""
        return layer(*args, **kwargs) if self._call is None else self._call(layer, *args, **kwargs)


def _clone_sequential(model: Sequential, inputs: Any, make: _Cloner) -> Sequential:
    layers: list[Any] = [make.layer(layer) for layer in model._stack]
    copy = Sequential(layers, name=model.name, trainable=model.trainable)
    if inputs is not None:
        tensor = flatten(inputs)[0]
        outer = Sequential([tensor], name=model.name, trainable=model.trainable)
        for layer in copy.layers:
            outer.add(layer)
        return outer
    if copy._graph is None and model._graph is not None:
        copy.build(model._graph.input_tensors[0].shape)
    return copy


def _clone_functional(model: Model, inputs: Any, make: _Cloner) -> Model:
    graph = model._require_graph()
    given = flatten(inputs) if inputs is not None else [_new_input(t) for t in graph.input_tensors]
    if len(given) != len(graph.input_tensors):
        raise ValueError(
            f"[clone_model] expected {len(graph.input_tensors)} input_tensors, got {len(given)}"
        )
    replay = _history.Replay(graph.input_tensors, given)
    for call in graph.calls:
        args = map_structure(replay.value, call.args)
        kwargs = {name: map_structure(replay.value, v) for name, v in call.kwargs.items()}
        outputs = make.call(make.layer(call.layer), args, kwargs)
        replay.define(call.output_tensors, flatten(outputs))
    outputs = pack_like(graph.outputs, [replay.value(t) for t in graph.output_tensors])
    copy = Model(
        pack_like(graph.inputs, given), outputs, name=model.name, trainable=model.trainable
    )
    for term in model._symbolic_losses:
        copy.add_loss(replay.value(term))
    return copy


def _new_input(tensor: Any) -> Any:
    call = _history.call_of(tensor)
    name = call.layer.name if call is not None and isinstance(call.layer, InputLayer) else None
    layer = InputLayer(tensor.shape[1:], dtype=tensor.dtype, name=name)
    return _history.record(layer, (), {}, layer.make_tensor())
