"""Intersection over union of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastnn import ops
from fastnn.losses._base import as_like, as_value, dtype_of
from fastnn.metrics._base import Metric, Pair, quotient


class IoU(Metric):
    """The mean, over some classes, of (both) / (target or prediction).

    Classes that occur nowhere do not count. Class numbers outside of 0 … num_classes - 1 are left
    out.

    Args:
        num_classes: how many classes there are.
        target_class_ids: those whose mean is taken.
        name: of this metric.
        ignore_class: targets of this class are left out.
        sparse_y_true: whether targets are class numbers (else one-hot).
        sparse_y_pred: whether predictions are class numbers (else scores).
        axis: of the classes in one-hot targets and scores.

    Raises:
        ValueError: for a target class that is none of the classes.

    Example:
        >>> round(IoU(2, [0])([0, 0, 1, 1], [0, 1, 0, 1]), 4)
        0.3333
    """

    direction = "up"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(name)
        self.num_classes = int(num_classes)
        self.target_class_ids = [int(i) for i in target_class_ids]
        bad = [i for i in self.target_class_ids if not 0 <= i < self.num_classes]
        if bad:
            raise ValueError(
                f"[{type(self).__name__}] expected class numbers below {num_classes}, got {bad}"
            )
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.matrix = self.add_variable(
            "total_confusion_matrix", (self.num_classes, self.num_classes)
        )

    def _numbers(self, values: Any, sparse: bool) -> Any:
        if not sparse:
            values = ops.argmax(values, axis=self.axis)
        if dtype_of(values) != "int64":
            values = ops.cast(values, "int64")
        return ops.reshape(values, (-1,)) if len(values.shape) != 1 else values

    def update(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> list[Pair]:
        true = self._numbers(as_value(y_true, "y_true"), self.sparse_y_true)
        predicted = self._numbers(as_value(y_pred), self.sparse_y_pred)
        rows = ops.one_hot(true, self.num_classes, "float64")
        weight = None
        if sample_weight is not None:
            weight = ops.reshape(as_like(sample_weight, rows, "sample_weight"), (-1, 1))
        if self.ignore_class is not None:
            kept = ops.cast(ops.not_equal(true, self.ignore_class), "float64")
            kept = ops.expand_dims(kept, -1)
            weight = kept if weight is None else weight * kept
        if weight is not None:
            rows = rows * weight
        counts = ops.matmul(
            rows, ops.one_hot(predicted, self.num_classes, "float64"), transpose_a=True
        )
        return [(self.matrix, self.matrix + counts)]

    def result(self) -> float:
        matrix = self.matrix.get_value()
        both = np.diag(matrix)
        either = matrix.sum(axis=0) + matrix.sum(axis=1) - both
        both, either = both[self.target_class_ids], either[self.target_class_ids]
        present = either > 1e-9
        return float(quotient(quotient(both, either)[present].sum(), present.sum()))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "target_class_ids": self.target_class_ids,
            "ignore_class": self.ignore_class,
            "sparse_y_true": self.sparse_y_true,
            "sparse_y_pred": self.sparse_y_pred,
            "axis": self.axis,
        }


class MeanIoU(IoU):
    """:class:`IoU` over all classes.

    Args:
        num_classes: how many classes there are.
        name: of this metric.
        ignore_class: see :class:`IoU`.
        sparse_y_true: see :class:`IoU`.
        sparse_y_pred: see :class:`IoU`.
        axis: see :class:`IoU`.

    Example:
        >>> round(MeanIoU(2)([0, 0, 1, 1], [0, 1, 0, 1]), 4)
        0.3333
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes,
            range(num_classes),
            name,
            ignore_class,
            sparse_y_true,
            sparse_y_pred,
            axis,
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["target_class_ids"]
        return config
