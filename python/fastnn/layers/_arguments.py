"""Checks of what layers are given: shapes, sizes, dtypes, names."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from fastnn import _registry as registry
from fastnn import activations

Shape: TypeAlias = tuple["int | None", ...]

FLOATS = ("float32", "float64")
DTYPES = ("float32", "float64", "int32", "int64", "uint8", "bool")


def is_shape(thing: Any) -> bool:
    """Whether something is one shape rather than a structure of shapes."""
    return isinstance(thing, (tuple, list)) and all(
        size is None or isinstance(size, (int, np.integer)) for size in thing
    )


def map_shapes(function: Any, structure: Any) -> Any:
    """Applies a function to every shape in a structure of shapes."""
    if is_shape(structure):
        return function(tuple(structure))
    if isinstance(structure, dict):
        return {key: map_shapes(function, value) for key, value in structure.items()}
    if isinstance(structure, (tuple, list)):
        return [map_shapes(function, value) for value in structure]
    raise ValueError(f"expected a shape (a tuple of sizes, None for open), got {structure!r}")


def format_shape(shape: Sequence[int | None]) -> str:
    """A shape as error messages show it: ``(batch, 11)``.

    Example:
        >>> format_shape((None, 3, None)), format_shape((5,))
        ('(batch, 3, None)', '(5,)')
    """
    items = [str(size) for size in shape]
    if items and shape[0] is None:
        items[0] = "batch"
    return "(" + ", ".join(items) + ("," if len(items) == 1 else "") + ")"


def constant(value: Any, dtype: str) -> Any:
    """A constant operand: numbers take the other operand's dtype, arrays are given the layer's."""
    return value if isinstance(value, (int, float)) else np.asarray(value, dtype)


def get_activation(owner: str, identifier: Any) -> Any:
    """An activation by name, configuration or itself; ``None`` is linear."""
    try:
        return activations.get(identifier)
    except ValueError as error:
        raise ValueError(f"[{owner}] {error}") from None


def positive_int(owner: str, name: str, value: Any) -> int:
    """Checks a size argument.

    Raises:
        TypeError: if it is no whole number.
        ValueError: if it is below 1.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        else:
            raise TypeError(f"[{owner}] expected {name} to be a whole number, got {value!r}")
    if value < 1:
        raise ValueError(f"[{owner}] expected {name} of at least 1, got {value}")
    return int(value)


def channels_last(owner: str, data_format: str | None) -> None:
    """Checks a data format: features and channels come last.

    Raises:
        ValueError: for any other.
    """
    if data_format not in (None, "channels_last"):
        raise ValueError(
            f"[{owner}] expected data_format None or 'channels_last', got {data_format!r}: move "
            "the channels to the end"
        )


def declared_shape(cls: type, kwargs: dict[str, Any]) -> Shape | None:
    """Takes the input's shape (batch axis included) out of the keywords of a layer's constructor.

    Raises:
        TypeError: for a keyword that is left.
    """
    owner = cls.__name__
    shape: Shape | None = None
    if "batch_input_shape" in kwargs or "batch_shape" in kwargs:
        given = kwargs.pop("batch_input_shape", None) or kwargs.pop("batch_shape", None)
        shape = checked_shape(owner, given)
    elif "input_shape" in kwargs:
        shape = (None, *checked_shape(owner, kwargs.pop("input_shape")))
        kwargs.pop("input_dim", None)
    elif "input_dim" in kwargs:
        shape = (None, positive_int(owner, "input_dim", kwargs.pop("input_dim")))
        if "input_length" in kwargs:
            length = kwargs.pop("input_length")
            steps = None if length is None else positive_int(owner, "input_length", length)
            shape = (None, steps, *shape[1:])
    if kwargs:
        known = ["name", "trainable", "dtype", "activity_regularizer", "input_shape", "input_dim"]
        unknown = next(iter(kwargs))
        own = inspect.signature(cls).parameters
        hint = registry.did_you_mean(unknown, [*own, *known])
        raise TypeError(f"[{owner}] got an unknown argument {unknown!r}{hint}")
    return shape


def checked_shape(owner: str, shape: Any) -> Shape:
    """A tuple of sizes, None for open ones; a number is a tuple of one.

    Raises:
        TypeError: for something else.
        ValueError: for a negative size.
    """
    if isinstance(shape, (int, np.integer)):
        shape = (shape,)
    if not is_shape(shape):
        raise TypeError(f"[{owner}] expected a tuple of sizes (None for open), got {shape!r}")
    for size in shape:
        if size is not None and size < 0:
            raise ValueError(f"[{owner}] expected sizes that are not negative, got {tuple(shape)}")
    return tuple(None if size is None else int(size) for size in shape)


def checked_weight_shape(owner: str, name: str | None, shape: Any) -> tuple[int, ...]:
    """The shape of a variable: known sizes, whose product can be addressed.

    Raises:
        TypeError: for something that is no shape.
        ValueError: for an open, negative or overflowing size.
    """
    sizes = () if shape is None else checked_shape(owner, shape)
    total = 1
    for size in sizes:
        if size is None:
            raise ValueError(
                f"[{owner}] the shape {format_shape(sizes)} of weight {name or 'variable'!r} has "
                "an open axis: the input's size along it must be known"
            )
        total *= size
    if total * 8 >= 2**63:
        raise ValueError(
            f"[{owner}] weight {name or 'variable'!r} of shape {sizes} would have {total} "
            "elements: more than can be addressed"
        )
    return tuple(size for size in sizes if size is not None)


def checked_dtype(owner: str, dtype: Any) -> str:
    """The name of one of fastnn's dtypes; default "float32".

    Raises:
        ValueError: for any other.
    """
    if dtype is None:
        return "float32"
    try:
        name = str(np.dtype(dtype).name)
    except TypeError:
        name = str(dtype)
    if name not in DTYPES:
        hint = registry.did_you_mean(name, DTYPES)
        raise ValueError(f"[{owner}] expected a dtype of {', '.join(DTYPES)}, got {dtype!r}{hint}")
    return name
