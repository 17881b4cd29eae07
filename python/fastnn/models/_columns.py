"""Arrays that are trained on: x, y and weights in the order in which a program takes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import _registry as registry
from fastnn.layers._nest import flatten, is_deep, map_structure, spread_over
from fastnn.models import _checks


@dataclass
class Columns:
    """Arrays that share their rows.

    Attributes:
        template: the structure of x, with None for each array.
        x: the arrays of x, flattened.
        y: one array an output, or none; None for an output that is neither trained nor measured.
        weights: one array of sample weights an output, or None for those without.
    """

    template: Any
    x: list[NDArray[Any]]
    y: list[NDArray[Any] | None]
    weights: list[NDArray[Any] | None]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.x[0].shape[0])

    @property
    def arrays(self) -> list[NDArray[Any]]:
        """All arrays, in the order in which a program takes them."""
        return [*self.x, *(a for a in [*self.y, *self.weights] if a is not None)]

    def slice(self, start: int, stop: int) -> Columns:
        """The rows from start up to stop, as views."""
        return self.map(lambda array: array[start:stop])

    def map(self, function: Callable[[NDArray[Any]], NDArray[Any]]) -> Columns:
        """The same columns with a function applied to each array."""
        return Columns(
            self.template,
            [function(array) for array in self.x],
            [None if array is None else function(array) for array in self.y],
            [None if array is None else function(array) for array in self.weights],
        )

    @property
    def is_mapped(self) -> bool:
        """Whether an array lies in a file that is mapped into memory."""
        return any(_checks.is_memory_map(array) for array in self.arrays)


def flatten_inputs(
    owner: str, x: Any, names: list[str] | None, template: Any
) -> tuple[Any, list[NDArray[Any]]]:
    """The arrays of x in the order of a model's inputs.

    Args:
        owner: the class that error messages name.
        x: an array, or a list, tuple or dict of them.
        names: of the model's inputs; None where the model takes any structure.
        template: the structure of the model's inputs.

    Returns:
        The structure of x, and its arrays.

    Raises:
        ValueError: for another number of inputs, or unknown or missing names.
        TypeError: for data that are no numbers.
    """
    if x is None:
        raise ValueError(f"[{owner}] expected data for x, got None")
    if isinstance(x, (list, tuple)) and not _holds_arrays(x):
        x = _checks.as_array(owner, "x", x)
    if names is None:
        leaves = flatten(x)
        named = zip(_leaf_names("x", x), leaves, strict=True)
        arrays = [_checks.as_array(owner, name, leaf) for name, leaf in named]
        return map_structure(lambda _: None, x), arrays
    if is_deep(template) and isinstance(x, Mapping) <= isinstance(template, dict):
        leaves = _deep_parts(owner, "x", x, template, "inputs")
        if any(leaf is None for leaf in leaves):
            missing = names[[leaf is None for leaf in leaves].index(True)]
            raise ValueError(f"[{owner}] x lacks the input {missing!r}")
        pairs = zip([f"x {name!r}" for name in names], leaves, strict=True)
        return template, [_checks.as_array(owner, label, leaf) for label, leaf in pairs]
    if isinstance(x, Mapping):
        keys = sorted(template) if isinstance(template, dict) else names
        arrays = _by_name(owner, "x", x, list(keys))
        return template, arrays
    leaves = list(flatten(x)) if isinstance(x, (list, tuple)) else [x]
    if len(leaves) != len(names):
        raise ValueError(
            f"[{owner}] expected {len(names)} input{'s' * (len(names) != 1)} "
            f"({', '.join(names)}), got {len(leaves)}"
        )
    labels = ["x"] if len(names) == 1 else [f"x[{i}]" for i in range(len(names))]
    pairs = zip(labels, leaves, strict=True)
    return template, [_checks.as_array(owner, label, leaf) for label, leaf in pairs]


def as_parts(owner: str, what: str, y: Any) -> Any:
    """y or sample_weight with arrays at its leaves; a list of numbers is one array.

    Args:
        owner: the class that error messages name.
        what: "y" or "sample_weight".
        y: an array, or a list, tuple or dict of them, or None.

    Raises:
        ValueError: for ragged lists.
        TypeError: for data that are no numbers.
    """
    if y is None:
        return None
    if isinstance(y, Mapping):
        return {key: as_parts(owner, f"{what}[{key!r}]", value) for key, value in y.items()}
    if isinstance(y, (list, tuple)) and _holds_arrays(y):
        return [as_parts(owner, f"{what}[{i}]", part) for i, part in enumerate(y)]
    return _checks.as_array(owner, what, y)


def flatten_targets(
    owner: str, what: str, y: Any, names: list[str], template: Any, wanted: list[bool]
) -> list[Any]:
    """The parts of y (or of sample_weight) in the order of a model's outputs; None where missing.

    Args:
        owner: the class that error messages name.
        what: "y" or "sample_weight".
        y: an array, or a list, tuple or dict of them.
        names: of the model's outputs.
        template: the structure of the model's outputs.
        wanted: which outputs are trained or measured; a list may leave out the others.

    Raises:
        ValueError: for another number of parts, or unknown names.
        TypeError: for data that are no numbers.
    """
    if y is None:
        return []
    if is_deep(template) and is_deep(y):
        parts = _deep_parts(owner, what, y, template, "outputs")
        labels = [f"{what} {name!r}" for name in names]
    elif isinstance(y, Mapping):
        unknown = [key for key in y if key not in names]
        if unknown:
            hint = registry.did_you_mean(str(unknown[0]), names)
            raise ValueError(
                f"[{owner}] {what} names an output {unknown[0]!r}, the model has "
                f"{', '.join(names)}{hint}"
            )
        parts = [y.get(name) for name in names]
        labels = [f"{what}[{name!r}]" for name in names]
    elif isinstance(y, (list, tuple)) and (len(names) > 1 or _holds_arrays(y)):
        parts, labels = list(y), [f"{what}[{i}]" for i in range(len(y))]
    else:
        parts, labels = [y], [what]
    if len(parts) == 1:
        labels = [what]
    if len(parts) != len(names) and len(parts) == sum(wanted):
        given = iter(parts)
        parts = [next(given) if want else None for want in wanted]
        labels = [f"{what}[{i}]" for i in range(len(parts))]
    if len(parts) != len(names):
        raise ValueError(
            f"[{owner}] expected {len(names)} array{'s' * (len(names) != 1)} for {what} "
            f"({', '.join(names)}), got {len(parts)}"
        )
    pairs = zip(labels, parts, strict=True)
    return [None if p is None else _checks.as_array(owner, label, p) for label, p in pairs]


def _deep_parts(owner: str, what: str, given: Any, template: Any, whose: str) -> list[Any]:
    try:
        return spread_over(template, given)
    except KeyError as error:
        raise ValueError(f"[{owner}] {what} has no place for the key {error}") from None
    except ValueError as error:
        raise ValueError(f"[{owner}] {what} differs from the {whose}' structure: {error}") from None


def _by_name(owner: str, what: str, given: Mapping[Any, Any], names: list[str]) -> list[Any]:
    for key in given:
        if key not in names:
            hint = registry.did_you_mean(str(key), names)
            raise ValueError(
                f"[{owner}] {what} names an input {key!r}, the model has {', '.join(names)}{hint}"
            )
    missing = [name for name in names if name not in given]
    if missing:
        raise ValueError(f"[{owner}] {what} lacks the input {missing[0]!r}")
    return [_checks.as_array(owner, f"{what}[{name!r}]", given[name]) for name in names]


def _leaf_names(what: str, x: Any) -> list[str]:
    if isinstance(x, dict):
        return [name for key in sorted(x) for name in _leaf_names(f"{what}[{key!r}]", x[key])]
    if isinstance(x, (list, tuple)):
        return [name for i, item in enumerate(x) for name in _leaf_names(f"{what}[{i}]", item)]
    return [what]


def _holds_arrays(items: list[Any] | tuple[Any, ...]) -> bool:
    """Whether a list is one of arrays; else it is itself the rows of one."""
    return (
        len(items) > 0
        and all(
            isinstance(item, (dict, np.ndarray))
            or hasattr(item, "__array__")
            or hasattr(item, "to_numpy")
            or hasattr(item, "toarray")
            or (isinstance(item, (list, tuple)) and _holds_arrays(item))
            for item in items
            if item is not None and not isinstance(item, np.generic)
        )
        and not all(item is None or isinstance(item, np.generic) for item in items)
    )


def train_rows(owner: str, rows: int, validation_split: float) -> int:
    """How many rows train when the last share of them validates: floor(rows * (1 - share)).

    Raises:
        ValueError: for a share outside (0, 1), or one that leaves either part empty.
    """
    if not 0 < validation_split < 1:
        raise ValueError(
            f"[{owner}] expected validation_split between 0 and 1, got {validation_split}"
        )
    kept = math.floor(rows * (1.0 - validation_split))
    if kept in (0, rows):
        raise ValueError(
            f"[{owner}] validation_split={validation_split} of {rows} rows leaves "
            f"{'none to train on' if kept == 0 else 'none to validate on'}"
        )
    return kept


def class_weights(
    owner: str, class_weight: Mapping[int, float], y: NDArray[Any]
) -> NDArray[np.float32]:
    """A weight for each row from its class.

    Args:
        owner: the class that error messages name.
        class_weight: class number to weight; a class that is missing has weight 1.
        y: labels (rows,) or (rows, 1), or one-hot rows.

    Raises:
        TypeError: for anything but a mapping.
        ValueError: for keys that are no class numbers, or labels of several values a row.
    """
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            f"[{owner}] expected class_weight as a dict of class number to weight, e.g. "
            f"{{0: 1.0, 1: 5.0}}, got {class_weight!r}"
        )
    for key, value in class_weight.items():
        if isinstance(key, bool) or not isinstance(key, (int, float, np.number)) or key != int(key):
            raise ValueError(f"[{owner}] expected class numbers in class_weight, got {key!r}")
        if not math.isfinite(float(value)):
            raise ValueError(f"[{owner}] class_weight[{key}] is {value}")
    if y.ndim > 2:
        raise ValueError(f"[{owner}] class_weight needs one label a row, got y of shape {y.shape}")
    y = np.asarray(y)
    labels = y.reshape(-1) if y.ndim == 1 or y.shape[1] == 1 else np.argmax(y, axis=1)
    weights = np.ones(len(labels), np.float32)
    for key, value in class_weight.items():
        weights[labels == int(key)] = value
    return weights
