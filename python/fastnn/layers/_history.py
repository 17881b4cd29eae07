"""Which layer call made a tensor: what a functional model is read from."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from fastnn import _core, _locks
from fastnn._tensor import Tensor, with_mask
from fastnn.layers._nest import flatten, map_structure

if TYPE_CHECKING:
    from fastnn.layers._base import Layer

_PENDING_LIMIT = 4096

lock = _locks.rlock()


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


# A call lives as long as its layer, its output tensors or a model that holds it. In `x = D(x) + 1`
# nothing holds the call of D until the model is made: such calls wait in a bounded queue.
_calls: WeakValueDictionary[Any, Call] = WeakValueDictionary()
_pending: OrderedDict[int, Call] = OrderedDict()


def key(tensor: Tensor) -> Any:
    """What tells one value of a graph from another."""
    return tensor._value.id, tensor._value.index


def record(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any) -> Any:
    """Notes that a layer's call made these tensors, and returns them.

    A tensor that the layer only hands on is given back under an identity of its own.
    """
    known = {key(leaf) for leaf in flatten((args, kwargs)) if isinstance(leaf, Tensor)}

    def own(leaf: Any) -> Any:
        if not isinstance(leaf, Tensor) or (key(leaf) not in known and call_of(leaf) is None):
            return leaf
        return with_mask(Tensor(_core.make("identity", [leaf._value])), leaf._mask)

    outputs = map_structure(own, outputs)
    call = Call(layer, args, kwargs, outputs)
    layer._calls.append(call)
    with lock:
        _pending[id(call)] = call
        if len(_pending) > _PENDING_LIMIT:
            _pending.popitem(last=False)
        for tensor in call.output_tensors:
            _calls[key(tensor)] = call
            tensor._call = call  # type: ignore[attr-defined]
    return outputs


def claim(calls: Iterable[Call]) -> None:
    """Says that a model holds these calls from now on."""
    with lock:
        for call in calls:
            _pending.pop(id(call), None)


def call_of(tensor: Tensor) -> Call | None:
    """The layer call that made a tensor, if any."""
    return _calls.get(key(tensor))


def parents(tensor: Tensor) -> list[Tensor]:
    """What the node of a tensor is computed from.

    Raises:
        ValueError: for a variable, which no layer holds.
    """
    if tensor._value.op == "variable":
        raise ValueError(
            f"[Model] the outputs use the variable {tensor.name!r} outside of any layer: put the "
            "operation into a layer that holds it (a subclass of fastnn.layers.Layer)"
        )
    return [Tensor(value) for value in tensor._value.inputs]


class Replay:
    """Values of a graph for other inputs.

    Args:
        tensors: the inputs.
        values: what stands in their place.
    """

    def __init__(self, tensors: Sequence[Tensor], values: Sequence[Tensor]) -> None:
        self._values: dict[Any, Tensor] = {}
        self.define(tensors, values)

    def define(self, tensors: Sequence[Tensor], values: Sequence[Tensor]) -> None:
        """Says what tensors become."""
        for tensor, value in zip(tensors, values, strict=True):
            self._values[key(tensor)] = value

    def value(self, leaf: Any) -> Any:
        """What a tensor becomes; anything else stays as it is."""
        if not isinstance(leaf, Tensor):
            return leaf
        known = self._values.get(key(leaf))
        if known is None:
            known = Tensor(_core.substitute([leaf._value], *self._nearest(leaf))[0])
            self._values[key(leaf)] = known
        return known

    def _nearest(self, leaf: Tensor) -> tuple[list[Any], list[Any]]:
        """The known values that a tensor is computed from, and what they become.

        Only these: what lies behind them is not made again.
        """
        old: list[Any] = []
        new: list[Any] = []
        waiting, seen = list(leaf._value.inputs), set()
        while waiting:
            value = waiting.pop()
            place = value.id, value.index
            if place in seen:
                continue
            seen.add(place)
            known = self._values.get(place)
            if known is None:
                waiting.extend(value.inputs)
            else:
                old.append(value)
                new.append(known._value)
        return old, new
