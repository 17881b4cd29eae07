"""How often predictions are right."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.losses._base import as_float, as_like, as_value, dtype_of, pair, same_rank
from fastnn.metrics._reduction import MeanMetricWrapper


def _hits(matches: Any, y_pred: Any) -> Any:
    return ops.cast(matches, "float32" if dtype_of(y_pred) == "float32" else "float64")


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where prediction and target are equal.

    Example:
        >>> import numpy as np
        >>> accuracy(np.array([1, 2]), np.array([1, 3]))
        array([1., 0.])
    """
    y_pred = as_value(y_pred)
    y_true, y_pred = same_rank(as_like(y_true, y_pred), y_pred)
    return _hits(ops.equal(y_true, y_pred), y_pred)


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """1 where "prediction above threshold" is the target.

    Args:
        y_true: targets of 0 and 1.
        y_pred: predictions.
        threshold: above it, a prediction means 1.

    Example:
        >>> import numpy as np
        >>> binary_accuracy(np.array([[1.0], [0.0]]), np.array([[0.7], [0.6]]))
        array([[1.],
               [0.]])
    """
    y_true, y_pred = pair(y_true, y_pred, "binary_accuracy")
    chosen = ops.cast(ops.greater(y_pred, threshold), dtype_of(y_true))
    return _hits(ops.equal(y_true, chosen), y_pred)


def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the highest prediction is at the one of the one-hot target.

    Example:
        >>> import numpy as np
        >>> y_true = np.array([[0, 1], [1, 0]])
        >>> categorical_accuracy(y_true, np.array([[0.2, 0.8], [0.3, 0.7]]))
        array([1., 0.])
    """
    y_pred = as_float(y_pred)
    matches = ops.equal(
        ops.argmax(as_value(y_true, "y_true"), axis=-1), ops.argmax(y_pred, axis=-1)
    )
    return _hits(matches, y_pred)


def _class_numbers(y_true: Any, y_pred: Any) -> Any:
    labels = as_value(y_true, "y_true")
    if len(labels.shape) == len(y_pred.shape) and labels.shape[-1] == 1:
        labels = ops.squeeze(labels, -1)
    return labels if dtype_of(labels) == "int64" else ops.cast(labels, "int64")


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the highest prediction is at the class number.

    Example:
        >>> import numpy as np
        >>> sparse_categorical_accuracy(np.array([1, 0]), np.array([[0.2, 0.8], [0.3, 0.7]]))
        array([1., 0.])
    """
    y_pred = as_float(y_pred)
    labels = _class_numbers(y_true, y_pred)
    return _hits(ops.equal(labels, ops.argmax(y_pred, axis=-1)), y_pred)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """1 where fewer than k predictions are higher than that of the class number.

    Args:
        y_true: class numbers.
        y_pred: predictions.
        k: how many places count.

    Example:
        >>> import numpy as np
        >>> y_pred = np.array([[0.1, 0.2, 0.7], [0.1, 0.2, 0.7]])
        >>> sparse_top_k_categorical_accuracy(np.array([1, 0]), y_pred, k=2)
        array([1., 0.])
    """
    y_pred = as_float(y_pred)
    labels = _class_numbers(y_true, y_pred)
    own = ops.take_along_axis(y_pred, ops.expand_dims(labels, -1), axis=-1)
    higher = ops.sum(_hits(ops.greater(y_pred, own), y_pred), axis=-1)
    # A prediction of NaN is in no place.
    found = ops.logical_and(ops.less(higher, float(k)), ops.equal(*[ops.squeeze(own, -1)] * 2))
    return _hits(found, y_pred)


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """As :func:`sparse_top_k_categorical_accuracy`, with one-hot targets.

    Example:
        >>> import numpy as np
        >>> y_pred = np.array([[0.1, 0.2, 0.7]])
        >>> top_k_categorical_accuracy(np.array([[0, 1, 0]]), y_pred, k=2)
        array([1.])
    """
    labels = ops.argmax(as_value(y_true, "y_true"), axis=-1)
    return sparse_top_k_categorical_accuracy(labels, y_pred, k)


class _AccuracyMetric(MeanMetricWrapper):
    direction = "up"


class Accuracy(_AccuracyMetric):
    """How often prediction and target are equal: :func:`accuracy`.

    Args:
        name: of this metric.

    Example:
        >>> Accuracy()([1, 2, 3, 4], [0, 2, 3, 4])
        0.75
    """

    def __init__(self, name: str | None = "accuracy") -> None:
        super().__init__(accuracy, name)


class BinaryAccuracy(_AccuracyMetric):
    """How often "prediction above threshold" is the target: :func:`binary_accuracy`.

    Args:
        name: of this metric.
        threshold: above it, a prediction means 1.

    Example:
        >>> BinaryAccuracy()([[1], [1], [0], [0]], [[0.98], [1], [0], [0.6]])
        0.75
    """

    def __init__(self, name: str | None = "binary_accuracy", threshold: float = 0.5) -> None:
        super().__init__(binary_accuracy, name, threshold=threshold)


class CategoricalAccuracy(_AccuracyMetric):
    """How often the highest prediction is the one-hot target's: :func:`categorical_accuracy`.

    Example:
        >>> CategoricalAccuracy()([[0, 1], [1, 0]], [[0.2, 0.8], [0.3, 0.7]])
        0.5
    """

    def __init__(self, name: str | None = "categorical_accuracy") -> None:
        super().__init__(categorical_accuracy, name)


class SparseCategoricalAccuracy(_AccuracyMetric):
    """How often the highest prediction is the class: :func:`sparse_categorical_accuracy`.

    Example:
        >>> SparseCategoricalAccuracy()([1, 0], [[0.2, 0.8], [0.3, 0.7]])
        0.5
    """

    def __init__(self, name: str | None = "sparse_categorical_accuracy") -> None:
        super().__init__(sparse_categorical_accuracy, name)


class TopKCategoricalAccuracy(_AccuracyMetric):
    """How often the one-hot target is among the k highest predictions.

    Args:
        k: how many places count.
        name: of this metric.

    Example:
        >>> TopKCategoricalAccuracy(k=2)([[0, 1, 0]], [[0.1, 0.2, 0.7]])
        1.0
    """

    def __init__(self, k: int = 5, name: str | None = "top_k_categorical_accuracy") -> None:
        super().__init__(top_k_categorical_accuracy, name, k=k)


class SparseTopKCategoricalAccuracy(_AccuracyMetric):
    """How often the class is among the k highest predictions.

    Args:
        k: how many places count.
        name: of this metric.

    Example:
        >>> SparseTopKCategoricalAccuracy(k=2)([1, 0], [[0.1, 0.2, 0.7], [0.1, 0.2, 0.7]])
        0.5
    """

    def __init__(self, k: int = 5, name: str | None = "sparse_top_k_categorical_accuracy") -> None:
        super().__init__(sparse_top_k_categorical_accuracy, name, k=k)
