"""Rows to train and to test on, and a count of what was mistaken for what."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def train_test_split(
    *arrays: Any, test_size: float = 0.25, random_state: int | None = None
) -> list[Any]:
    """Splits rows at random into a part to train on and a part to test on.

    The same seed gives the rows that scikit-learn's function of this name gives.

    Args:
        arrays: arrays of one length, or dicts of such columns.
        test_size: the share of the rows to test on, above 0 and below 1 (rounded up to a row).
        random_state: 0 to 2**32 - 1; None splits differently each time.

    Returns:
        ``[train, test]`` of the first, then of the second array, and so on.

    Raises:
        ValueError: no array was given, their lengths differ, `test_size` is out of its range, or
            there are too few rows for two parts.

    Example:
        >>> import numpy as np
        >>> train_test_split(np.arange(5), test_size=0.4, random_state=0)
        [array([1, 3, 4]), array([2, 0])]
    """
    if not arrays:
        raise ValueError("train_test_split expected at least one array, got none")
    if not 0.0 < test_size < 1.0:
        raise ValueError(f"train_test_split expected 0 < test_size < 1, got {test_size}")
    lengths = [length for array in arrays for length in _lengths(array)]
    if len(set(lengths)) != 1:
        raise ValueError(f"train_test_split expected arrays of one length, got {lengths}")
    n = lengths[0]
    test = math.ceil(test_size * n)
    if test >= n:
        raise ValueError(
            f"train_test_split expected rows enough for two parts, got {n} with test_size"
            f" {test_size}"
        )
    order = np.random.RandomState(random_state).permutation(n)
    return [_rows(array, part) for array in arrays for part in (order[test:], order[:test])]


def confusion_matrix(
    y_true: ArrayLike, y_pred: ArrayLike, *, labels: ArrayLike | None = None
) -> NDArray[np.int64]:
    """Counts pairs of true and predicted class.

    Args:
        y_true: the true classes, shape (rows,) or (rows, 1).
        y_pred: the predicted classes, likewise; booleans count as 0 and 1.
        labels: the classes, in the order of the result; None takes all that occur, sorted.

    Returns:
        shape (classes, classes), int64: at [i, j] how many of the true class i were taken for j.

    Raises:
        ValueError: the lengths differ, there are no rows, the shape is another, or a class is not
            among `labels`.

    Example:
        >>> confusion_matrix([0, 0, 1, 1, 1], [0, 1, 1, 1, 0])
        array([[1, 1],
               [1, 2]])
    """
    true, predicted = _labels(y_true, "y_true"), _labels(y_pred, "y_pred")
    if len(true) != len(predicted) or len(true) == 0:
        raise ValueError(
            f"confusion_matrix expected two arrays of one length of at least 1,"
            f" got {len(true)} and {len(predicted)}"
        )
    both = np.concatenate([true, predicted])
    classes = np.unique(both) if labels is None else _labels(labels, "labels")
    order = np.argsort(classes, kind="stable")
    place = np.searchsorted(classes, both, sorter=order)
    numbers = order[np.minimum(place, len(classes) - 1)]
    if (classes[numbers] != both).any():
        stranger = both[np.argmax(classes[numbers] != both)]
        raise ValueError(f"confusion_matrix expected classes of {classes}, got {stranger!r}")
    k = len(classes)
    pairs = numbers[: len(true)] * k + numbers[len(true) :]
    return np.bincount(pairs, minlength=k * k).reshape(k, k).astype(np.int64)


def _labels(values: ArrayLike, name: str) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(
            f"confusion_matrix expected {name} of shape (rows,) or (rows, 1), got {array.shape}"
        )
    return array.astype(np.int64) if array.dtype.kind == "b" else array


def _lengths(array: Any) -> list[int]:
    if isinstance(array, Mapping):
        return [len(column) for column in array.values()]
    return [len(array)]


def _rows(array: Any, rows: NDArray[np.int64]) -> Any:
    if isinstance(array, Mapping):
        return {name: np.asarray(column)[rows] for name, column in array.items()}
    if hasattr(array, "iloc"):
        return array.iloc[rows]
    return np.asarray(array)[rows]
