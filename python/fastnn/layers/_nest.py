"""Structures of tensors: lists, tuples and dicts of them, to any depth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def flatten(structure: Any) -> list[Any]:
    """The leaves of a structure, in order (dicts in the order of their sorted keys).

    Example:
        >>> flatten([1, (2, {"b": 4, "a": 3})])
        [1, 2, 3, 4]
    """
    return list(_leaves(structure))


def _leaves(structure: Any) -> Iterator[Any]:
    if isinstance(structure, dict):
        for key in sorted(structure):
            yield from _leaves(structure[key])
    elif isinstance(structure, (list, tuple)):
        for item in structure:
            yield from _leaves(item)
    else:
        yield structure


def map_structure(function: Callable[[Any], Any], structure: Any) -> Any:
    """The same structure with ``function`` applied to every leaf.

    Example:
        >>> map_structure(abs, {"a": [-1, 2], "b": (-3,)})
        {'a': [1, 2], 'b': (3,)}
    """
    if isinstance(structure, dict):
        mapped = {key: map_structure(function, structure[key]) for key in sorted(structure)}
        return {key: mapped[key] for key in structure}
    if isinstance(structure, (list, tuple)):
        items = [map_structure(function, item) for item in structure]
        if isinstance(structure, list):
            return items
        return type(structure)(*items) if hasattr(structure, "_fields") else tuple(items)
    return function(structure)


def pack_like(structure: Any, leaves: list[Any]) -> Any:
    """The structure filled with new leaves, in the order in which :func:`flatten` gives them.

    Example:
        >>> pack_like({"b": 0, "a": [0]}, [1, 2])
        {'b': 2, 'a': [1]}
    """
    remaining = iter(leaves)
    return map_structure(lambda _: next(remaining), structure)


def is_deep(structure: Any) -> bool:
    """Whether a structure holds further structures.

    Example:
        >>> is_deep([1, 2]), is_deep([1, {"a": 2}])
        (False, True)
    """
    items = structure.values() if isinstance(structure, dict) else structure
    containers = (dict, list, tuple)
    return isinstance(structure, containers) and any(isinstance(i, containers) for i in items)


def spread_over(template: Any, given: Any) -> list[Any]:
    """What is given for each leaf of a template, in the order of :func:`flatten`.

    Dicts and lists follow the template's; anything else serves for all leaves below its place, and
    a key that is missing gives None.

    Raises:
        KeyError: for a key that the template does not have.
        ValueError: for a list of another length.

    Example:
        >>> spread_over({"a": [0, 0], "b": 0}, {"a": "x", "b": "y"})
        ['x', 'x', 'y']
    """
    if isinstance(template, dict) and isinstance(given, dict):
        for key in given:
            if key not in template:
                raise KeyError(key)
        return [
            leaf for key in sorted(template) for leaf in spread_over(template[key], given.get(key))
        ]
    if isinstance(template, (list, tuple)) and isinstance(given, (list, tuple)):
        if len(template) != len(given):
            raise ValueError(f"expected {len(template)} entries, got {len(given)}")
        pairs = zip(template, given, strict=True)
        return [leaf for inner, one in pairs for leaf in spread_over(inner, one)]
    return [given] * len(flatten(template))
