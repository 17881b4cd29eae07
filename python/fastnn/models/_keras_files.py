"""Models and weights from files that Keras has written."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from numpy.typing import NDArray

from fastnn import _registry as registry
from fastnn._tensor import Variable
from fastnn.io._errors import FastnnFormatError
from fastnn.io._keras import KerasFile, open_keras
from fastnn.layers import Normalization, _scope
from fastnn.layers._base import Layer
from fastnn.layers.core import InputLayer
from fastnn.models._keras_config import translate_model
from fastnn.models._model import layer_from_config

SUFFIXES = (".keras", ".h5", ".hdf5")

# A layer, its variables, and what the file has for them.
Found: TypeAlias = "tuple[Layer, list[Variable], list[NDArray[Any]]]"


def load_keras(
    path: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """A model from a .keras or .h5 file: architecture and weights, not the compilation.

    Args:
        path: the file.
        custom_objects: classes and functions of one's own, by name.

    Raises:
        FastnnFormatError: for a file that is damaged, or holds what fastnn does not have.
        ImportError: without h5py.
        OSError: where it cannot be read.
    """
    with open_keras(path) as file, registry.custom_object_scope(custom_objects):
        if file.config is None:
            raise FastnnFormatError("the file holds weights and no model: use load_weights()")
        try:
            with _scope.weights_from_file(file.nbytes()):
                model: Any = layer_from_config(translate_model(file.config))
            _assign(_pairs(model, file), os.fspath(path), skip_mismatch=False)
        except FastnnFormatError:
            raise
        except (ValueError, TypeError, LookupError, AttributeError, RuntimeError,
                NotImplementedError, ArithmeticError, MemoryError) as error:  # fmt: skip
            raise FastnnFormatError(f"no model can be made of it: {error}") from error
        return model


def load_keras_weights(model: Any, path: str | os.PathLike[str], skip_mismatch: bool) -> None:
    """Weights from a .keras, .h5 or .weights.h5 file into a model of the same layers.

    Args:
        model: the model, built.
        path: the file.
        skip_mismatch: leave weights of another shape as they are, with a warning.

    Raises:
        ValueError: for weights that do not fit.
        FastnnFormatError: for a file that is damaged.
    """
    with open_keras(path) as file:
        file.nbytes()
        _assign(_pairs(model, file), os.fspath(path), skip_mismatch)


def _pairs(model: Any, file: KerasFile) -> list[Found]:
    if file.legacy:
        return [(layer, _legacy_order(layer), file.named_weights(layer.name))
                for layer in model.layers]  # fmt: skip
    return list(_by_place(model, file, ()))


def _by_place(model: Any, file: KerasFile, path: tuple[str, ...]) -> Iterator[Found]:
    """The layers of a model with their arrays."""
    for layer, group in _named(_layers_in_order(model)):
        yield from _of_layer(layer, file, (*path, "layers", group))


def _of_layer(layer: Any, file: KerasFile, path: tuple[str, ...]) -> Iterator[Found]:
    cells = getattr(getattr(layer, "cell", None), "cells", None)
    inner = getattr(layer, "layer", None)
    if hasattr(layer, "_engine"):
        yield from _by_place(layer, file, path)
    elif hasattr(inner, "_engine"):
        yield from _by_place(inner, file, (*path, "layer"))
    elif cells is not None:
        for cell, group in _named(cells):
            yield cell, cell.weights, file.layer_weights((*path, "cell", "cells", group))
    else:
        yield layer, layer.weights, file.layer_weights(path)


def _named(layers: Sequence[Layer]) -> Iterator[tuple[Layer, str]]:
    """Layers with the names that Keras gives their groups: class and number."""
    used: dict[str, int] = {}
    for layer in layers:
        name = registry.snake_case(_keras_class(layer))
        number = used.get(name, 0)
        used[name] = number + 1
        yield layer, f"{name}_{number}" if number else name


def _layers_in_order(model: Any) -> Sequence[Layer]:
    return [layer for layer in model.layers if not isinstance(layer, InputLayer)]


def _keras_class(layer: Layer) -> str:
    name = type(layer).__name__
    return "Functional" if name == "Model" else name


def _legacy_order(layer: Layer) -> list[Variable]:
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _assign(found: list[Found], path: str, skip_mismatch: bool) -> None:
    """Sets all weights, after every shape was compared."""
    chosen: list[tuple[Variable, NDArray[Any]]] = []
    for layer, variables, arrays in found:
        if isinstance(layer, Normalization):
            arrays = arrays[: len(variables)]  # Keras counts the rows that it has seen as well
        what = f"[{type(layer).__name__}] {layer.name!r}"
        if len(arrays) != len(variables):
            message = f"{what}: expected {len(variables)} weights in {path}, got {len(arrays)}"
            if not skip_mismatch:
                raise ValueError(message)
            warnings.warn(f"{message}: left as they are", UserWarning, stacklevel=4)
            continue
        for variable, array in zip(variables, arrays, strict=True):
            shape = tuple(variable.shape)
            if array.shape != shape:
                message = f"{what}: expected {variable.name} of shape {shape}, got {array.shape}"
                if not skip_mismatch:
                    raise ValueError(message)
                warnings.warn(f"{message}: left as it is", UserWarning, stacklevel=4)
                continue
            chosen.append((variable, array))
    for variable, array in chosen:
        variable.set_value(array.astype(variable.dtype))
