"""How a column of a table becomes features."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.preprocessing import _cells

KINDS = ("number", "category", "date", "ignore")
Matrix = NDArray[np.float32]


@dataclass
class ColumnPlan:
    """How one column becomes features.

    Attributes:
        name: of the column.
        kind: "number", "category", "date" or "ignore".
        why: of an ignored column.
        features: the names of its features.
        mean: of each feature that is standardised; takes the place of a missing one.
        scale: what each of them is divided by.
        categories: the values that have a feature each; "" is a missing value.
        has_missing: whether a number or date has a feature that says that it is missing.
    """

    name: str
    kind: str
    why: str = ""
    features: list[str] = field(default_factory=list)
    mean: list[float] = field(default_factory=list)
    scale: list[float] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    has_missing: bool = False


def useless(name: str, values: NDArray[np.float64]) -> str:
    """Why a column of numbers says nothing about a row; "" where it may."""
    given = values[~np.isnan(values)]
    if len(given) == 0:
        return "no values"
    if len(given) != len(values) or len(values) < 10 or (given != np.floor(given)).any():
        return ""
    ordered = np.sort(given)
    if (np.diff(ordered) == 1).all() and ordered[0] in (0, 1):
        return "numbers the rows"
    if name.lower().endswith("id") and (np.diff(ordered) > 0).all():
        return "identifies the rows"
    return ""


def measured(name: str, kind: str, values: NDArray[np.float64]) -> ColumnPlan:
    names, raw = _raw(name, kind, values)
    absent = np.isnan(values)
    given = raw[~absent] if not absent.all() else np.zeros((1, raw.shape[1]))
    mean, scale = given.mean(axis=0), given.std(axis=0)
    # What rounding leaves of a constant column's deviation is no scale.
    scale[scale <= 1e-12 * np.maximum(1.0, np.abs(mean))] = 1.0
    if absent.any():
        names.append(f"{name} is missing")
    return ColumnPlan(
        name,
        kind,
        features=names,
        mean=mean.tolist(),
        scale=scale.tolist(),
        has_missing=bool(absent.any()),
    )


def _raw(
    name: str, kind: str, values: NDArray[np.float64]
) -> tuple[list[str], NDArray[np.float64]]:
    if kind == "number":
        return [name], values[:, None]
    names, columns = _cells.date_features(values)
    return [f"{name} {part}" for part in names], columns


def features_of(
    column: ColumnPlan, cells: list[str], note: Callable[[str], None]
) -> NDArray[np.float64]:
    """The features of a column, shape (rows, features)."""
    if column.kind == "category":
        return _one_hot(column, cells, note)
    parse = _cells.numbers if column.kind == "number" else _cells.days
    values = parse(cells)
    if values is None:
        raise ValueError(
            f"[TablePreprocessor] expected a {column.kind} in each cell of the column "
            f"{column.name!r}, as in training, got {first_other(cells, parse)!r}"
        )
    _, raw = _raw(column.name, column.kind, values)
    scaled: NDArray[np.float64] = (raw - np.array(column.mean)) / np.array(column.scale)
    absent = np.isnan(values)
    scaled[absent] = 0.0
    if column.has_missing:
        scaled = np.column_stack([scaled, absent])
    return scaled


def _one_hot(
    column: ColumnPlan, cells: list[str], note: Callable[[str], None]
) -> NDArray[np.float64]:
    places = {value: i for i, value in enumerate(column.categories)}
    values = ["" if cell in _cells.MISSING else cell for cell in cells]
    numbers = np.array([places.get(value, -1) for value in values])
    unseen = Counter(value for value, number in zip(values, numbers, strict=True) if number < 0)
    if unseen:
        common = ", ".join(repr(value) for value, _ in unseen.most_common(3))
        note(
            f"the column {column.name!r} has {sum(unseen.values())} values that are none of the "
            f"categories of the training ({common}): they count as none of them"
        )
    known: NDArray[np.float64] = np.equal.outer(numbers, range(len(column.categories))) * 1.0
    return known


def first_other(cells: list[str], parse: Callable[[list[str]], Any]) -> str:
    return next((cell for cell in cells if parse([cell]) is None), "")


def require_sound(column: ColumnPlan) -> None:
    """Checks a plan that comes from a file: its types, and that what belongs together fits.

    Raises:
        TypeError: where it does not.
    """
    for name, kind in (("name", str), ("kind", str), ("why", str), ("has_missing", bool)):
        if type(getattr(column, name)) is not kind:
            raise TypeError(f"{name} {getattr(column, name)!r} of the column {column.name!r}")
    for name in ("features", "categories"):
        require_list(getattr(column, name), str, f"{name} of the column {column.name!r}")
    wanted = {
        "category": len(column.categories),
        "number": 1 + column.has_missing,
        "date": 7 + column.has_missing,
        "ignore": 0,
    }.get(column.kind)
    if len(column.features) != wanted:
        raise TypeError(f"{len(column.features)} features of the column {column.name!r}")
    figures = wanted - column.has_missing if column.kind in ("number", "date") else 0
    for name in ("mean", "scale"):
        found = require_list(getattr(column, name), float, f"{name} of the column {column.name!r}")
        if len(found) != figures or not np.isfinite(found).all():
            raise TypeError(f"{name} of the column {column.name!r}")
    if 0.0 in column.scale or len(set(column.categories)) != len(column.categories):
        raise TypeError(f"the figures of the column {column.name!r}")


def require_list(values: Any, kind: type, what: str) -> list[Any]:
    """Checks a list of one type.

    Raises:
        TypeError: for anything else.
    """
    if type(values) is not list or any(type(value) is not kind for value in values):
        raise TypeError(what)
    return values
