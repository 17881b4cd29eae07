"""What the stages of a data set pass on: elements, or numbers that stand for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def map_leaves(function: Callable[[Any], Any], element: Any) -> Any:
    """The element with a function applied to each part; tuples and dicts are structure."""
    if isinstance(element, dict):
        return {key: map_leaves(function, value) for key, value in element.items()}
    if isinstance(element, tuple):
        parts = [map_leaves(function, value) for value in element]
        return type(element)(*parts) if hasattr(element, "_fields") else tuple(parts)
    return function(element)


def leaves(element: Any) -> list[Any]:
    """The parts of an element, in order."""
    found: list[Any] = []
    map_leaves(found.append, element)
    return found


def common_length(element: Any) -> int:
    """How many rows the parts of an element have.

    Raises:
        ValueError: there is no part, one has no rows, or they differ in length.
    """
    parts = [np.asarray(part) if np.isscalar(part) else part for part in leaves(element)]
    if not parts:
        raise ValueError("[Dataset] expected arrays, got none")
    if any(np.ndim(part) == 0 for part in parts):
        raise ValueError("[Dataset] expected arrays with rows, got a single number")
    lengths = [len(part) for part in parts]
    if min(lengths) != max(lengths):
        raise ValueError(
            "[Dataset] expected arrays of one length, got " + ", ".join(map(str, lengths))
        )
    return lengths[0]


class Elements:
    """Tokens that are the elements themselves."""

    def one(self, token: Any) -> Any:
        """The element of a token."""
        return token

    def many(self, tokens: list[Any], pad: float | None = None) -> Any:
        """Elements joined along a new first axis.

        Args:
            tokens: at least one.
            pad: fills elements up to the longest along their first axis; None expects one shape.

        Raises:
            ValueError: for elements of different structures or shapes.
        """
        parts = [leaves(token) for token in tokens]
        first = tokens[0]
        for number, (token, own) in enumerate(zip(tokens, parts, strict=True)):
            if type(token) is not type(first) or len(own) != len(parts[0]):
                raise ValueError(
                    f"[Dataset] expected the elements of a batch to be alike, got {_form(first)}"
                    f" first and {_form(token)} at {number}"
                )
        columns = iter([_join(list(column), pad) for column in zip(*parts, strict=True)])
        return map_leaves(lambda _: next(columns), first)


class Items(Elements):
    """Tokens that are numbers of items of a sequence.

    Args:
        sequence: an object with ``__len__`` and ``__getitem__``.
    """

    def __init__(self, sequence: Any) -> None:
        self._sequence = sequence

    def one(self, token: Any) -> Any:
        """See `Elements.one`."""
        return self._sequence[token]

    def many(self, tokens: list[Any], pad: float | None = None) -> Any:
        """See `Elements.many`."""
        return super().many([self._sequence[token] for token in tokens], pad)


class Rows(Elements):
    """Tokens that are numbers of rows of arrays.

    Args:
        arrays: an array, or a tuple or dict of arrays, of one length.
    """

    def __init__(self, arrays: Any) -> None:
        self._arrays = arrays

    def one(self, token: Any) -> Any:
        """See `Elements.one`."""
        return map_leaves(lambda array: array[token], self._arrays)

    def many(self, tokens: list[Any], pad: float | None = None) -> Any:
        """See `Elements.many`; rows that follow each other come as a view."""
        first, count = tokens[0], len(tokens)
        if tokens[-1] == first + count - 1 and tokens == list(range(first, first + count)):
            return map_leaves(lambda array: array[first : first + count], self._arrays)
        rows = np.array(tokens)
        return map_leaves(lambda array: array[rows], self._arrays)


def _join(column: list[Any], pad: float | None) -> NDArray[Any]:
    arrays = [np.asarray(item) for item in column]
    if pad is not None and arrays[0].ndim:
        arrays = _padded(arrays, pad)
    for number, array in enumerate(arrays):
        if array.shape != arrays[0].shape:
            raise ValueError(
                f"[Dataset] expected the elements of a batch to have one shape, got"
                f" {arrays[0].shape} first and {array.shape} at {number}"
                + (" (pad= fills up the first axis)" if pad is None else "")
            )
    return np.stack(arrays)


def _padded(arrays: Sequence[NDArray[Any]], pad: float) -> list[NDArray[Any]]:
    longest = max(len(array) if array.ndim else 0 for array in arrays)
    filled = []
    for array in arrays:
        if array.ndim and len(array) < longest:
            rest = np.full((longest - len(array), *array.shape[1:]), pad, array.dtype)
            array = np.concatenate([array, rest])
        filled.append(array)
    return filled


def _form(element: Any) -> str:
    if isinstance(element, (tuple, dict)):
        return f"a {type(element).__name__} of {len(leaves(element))} parts"
    return type(element).__name__
