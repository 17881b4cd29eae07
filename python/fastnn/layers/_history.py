"""Which layer call made a tensor: what a functional model is read from."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fastnn._tensor import Tensor

from fastnn import ops
from fastnn.layers._nest import flatten, map_structure

if TYPE_CHECKING:
    from fastnn.layers._base import Layer

lock = threading.RLock()


class Call:
    """One call of a layer on symbolic tensors, outside of any other layer.

    Attributes:
        layer: the layer.
        args: its positional arguments.
        kwargs: its keyword arguments, ``training`` only where the caller gave it.
        outputs: what it returned.
    """

    def __init__(
        self, layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any
    ) -> None:
        self.layer = layer
        self.args = args
        self.kwargs = kwargs
        self.outputs = outputs

    @property
    def input_tensors(self) -> list[Tensor]:
        """The tensors among the arguments, in order."""
        leaves = flatten((self.args, self.kwargs))
        return [leaf for leaf in leaves if isinstance(leaf, Tensor)]

    @property
    def output_tensors(self) -> list[Tensor]:
        """The outputs, flattened."""
        return flatten(self.outputs)


_calls: dict[Any, Call] = {}


def key(tensor: Tensor) -> Any:
    """What tells one value of a graph from another."""
    return tensor.id


def record(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any) -> Any:
    """Notes that a layer's call made these tensors, and returns them.

    A tensor that the layer only hands on is given back under an identity of its own.
    """
    known = {key(leaf) for leaf in flatten((args, kwargs)) if isinstance(leaf, Tensor)}

    def own(leaf: Any) -> Any:
        if not isinstance(leaf, Tensor) or (key(leaf) not in known and call_of(leaf) is None):
            return leaf
        return ops.identity(leaf)

    outputs = map_structure(own, outputs)
    call = Call(layer, args, kwargs, outputs)
    layer._last_call = call
    for tensor in call.output_tensors:
        _calls[key(tensor)] = call
    return outputs


def call_of(tensor: Tensor) -> Call | None:
    """The layer call that made a tensor, if any."""
    return _calls.get(key(tensor))


def parents(tensor: Tensor) -> Sequence[Tensor]:
    return [p for p in tensor.parents if isinstance(p, Tensor)]


class Replay:
    """Values of a graph for other inputs.

    Args:
        tensors: the inputs.
        values: what stands in their place.
    """

    def __init__(self, tensors: Sequence[Tensor], values: Sequence[Tensor]) -> None:
        self._values: dict[Any, Any] = {}
        self.define(tensors, values)

    def define(self, tensors: Sequence[Tensor], values: Sequence[Tensor]) -> None:
        """Says what tensors become."""
        for tensor, value in zip(tensors, values, strict=True):
            self._values[key(tensor)] = value

    def value(self, leaf: Any) -> Any:
        """What a tensor becomes; anything else stays as it is."""
        if not isinstance(leaf, Tensor):
            return leaf
        k = key(leaf)
        if k not in self._values:
            ps = parents(leaf)
            if not ps:
                return leaf
            self._values[k] = Tensor(
                leaf.fn, [self.value(p) for p in leaf.parents], leaf.shape, leaf.dtype
            )
        return self._values[k]
