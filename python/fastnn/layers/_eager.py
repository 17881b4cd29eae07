"""Layers called on arrays: traced once for each kind of input, then run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _locks, graph
from fastnn._tensor import Tensor
from fastnn.layers import _scope, _track
from fastnn.layers._arguments import DTYPES
from fastnn.layers._nest import flatten, map_structure

if TYPE_CHECKING:
    from fastnn.layers._base import Layer


class EagerFunctions:
    """The compiled functions behind a layer's calls on arrays, one a kind of input."""

    def __init__(self) -> None:
        self._functions: dict[Any, tuple[Any, Any]] = {}
        # Of calls on one array alone, by what is quick to ask of it; for this version.
        self._known: dict[Any, Any] = {}
        self._lock = _locks.lock()
        self._version = -1
        self._parts: tuple[tuple[int, bool], ...] = ()

    def _structure(self, layer: Layer) -> tuple[tuple[int, bool], ...]:
        """The layers inside, and which of them are trainable: a change asks for a new trace."""
        if self._version != _track.version.number:
            self._known.clear()
            self._version = _track.version.number
            self._parts = tuple((id(p), p.trainable) for p in _track.layers_within(layer))
        return self._parts

    def known(self, x: np.ndarray[Any, Any]) -> Any:
        """What computes a call on this array alone; None where there has been none like it."""
        if self._version != _track.version.number:
            return None
        return self._known.get((x.dtype, x.shape[1:], x.ndim))

    def run(self, layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not args:
            raise TypeError(f"[{type(layer).__name__}] expected an input, got none")
        if not any(hasattr(leaf, "shape") for leaf in flatten(args)):
            args = tuple(np.asarray(arg, layer._array_dtype) for arg in args)
        inputs = map_structure(lambda leaf: _as_input(layer, leaf), args)
        for leaf in flatten(inputs[:1]):
            if isinstance(leaf, np.ndarray):
                layer._check_shape(leaf.shape)
        named = {name: _as_named_input(layer, name, value) for name, value in kwargs.items()}
        arrays = [leaf for leaf in flatten((inputs, named)) if isinstance(leaf, np.ndarray)]
        key = (
            repr(map_structure(_input_key, inputs)),
            repr(map_structure(_input_key, named)),
            self._structure(layer),
        )
        with self._lock:
            found = self._functions.get(key)
            if found is None:
                found = self._functions[key] = _trace_function(layer, inputs, named)
            compiled, outputs = found
            if isinstance(outputs, Tensor) and not kwargs and _is_read_as_it_is(args, inputs):
                self._known[args[0].dtype, args[0].shape[1:], args[0].ndim] = compiled
        if isinstance(outputs, Tensor):
            return compiled(*arrays)
        results = iter(compiled(*arrays))
        return map_structure(lambda leaf: next(results), outputs)


def _is_read_as_it_is(args: tuple[Any, ...], inputs: tuple[Any, ...]) -> bool:
    """Whether a function brings the one array to its dtype by itself, if it has another."""
    x = args[0]
    return len(args) == 1 and type(x) is np.ndarray and (x is inputs[0] or x.dtype.kind == "f")


def _trace_function(layer: Layer, inputs: Any, kwargs: dict[str, Any]) -> tuple[Any, Any]:
    placeholders: list[Tensor] = []

    def stand_in(leaf: Any) -> Any:
        if not isinstance(leaf, np.ndarray):
            return leaf
        shape = ("batch", *leaf.shape[1:]) if leaf.ndim else ()
        placeholders.append(graph.placeholder(shape, str(leaf.dtype)))
        return placeholders[-1]

    symbolic, named = map_structure(stand_in, (inputs, kwargs))
    with _scope.tracing(training=bool(kwargs.get("training"))) as scope:
        outputs = layer._trace(scope, symbolic, named)
    results = outputs if isinstance(outputs, Tensor) else flatten(outputs)
    compiled = graph.function(placeholders, results, updates=scope.updates)
    return compiled, outputs


def _as_input(layer: Layer, leaf: Any) -> Any:
    """A leaf of a call's arguments as an array of a dtype that graphs have."""
    if leaf is None or isinstance(leaf, (str, bool)):
        return leaf
    array = np.asarray(leaf)
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"[{type(layer).__name__}] expected an array of numbers, got dtype {array.dtype}"
        )
    if array.dtype.kind == "f":
        return array.astype(layer._array_dtype, copy=False)
    if array.dtype.kind in "iu" and array.dtype.name not in DTYPES:
        return array.astype("int64")
    return array


def _as_named_input(layer: Layer, name: str, value: Any) -> Any:
    """An argument given by name: arrays are inputs, anything else is fixed at trace."""
    if name == "mask" or name.endswith("_mask"):
        value = value if hasattr(value, "shape") or not _is_numbers(value) else np.asarray(value)
    return map_structure(lambda v: _as_input(layer, v) if hasattr(v, "shape") else v, value)


def _is_numbers(value: Any) -> bool:
    """Whether this is a list of lists of numbers rather than a structure of arrays."""
    leaves = flatten(value)
    return isinstance(value, (list, tuple)) and all(
        isinstance(leaf, (bool, int, float)) for leaf in leaves
    )


def _input_key(leaf: Any) -> Any:
    return (leaf.shape[1:], leaf.ndim, str(leaf.dtype)) if isinstance(leaf, np.ndarray) else leaf
