"""The cost that scikit-learn's networks minimise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastnn import graph, losses, ops
from fastnn._tensor import Variable


class PenalizedLoss(losses.Loss):
    """A sum over outputs, its mean over rows, and half the squared weights by the rows' number.

    ``(sum_i w_i loss_i + alpha/2 ||W||^2) / (rows * mean_weight)``. The mean weight is that of all
    rows that are trained on, so that the batches of an epoch add up to the weighted cost.

    Args:
        kind: "binary" (cross-entropy of each output), "multiclass" (of class numbers), "squared"
            (half the squared error) or "poisson" (half the deviance; the outputs are logarithms).
        alpha: of the penalty.
        kernels: the weights it falls on; biases are free.
        dtype: of the network.
    """

    def __init__(self, kind: str, alpha: float, kernels: Sequence[Variable], dtype: str) -> None:
        super().__init__(name=f"penalized_{kind}")
        self.kind = kind
        self.alpha = alpha
        self.kernels = list(kernels)
        self.mean_weight = graph.shared(1.0, "mean_weight", "hyperparameter", dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The losses: one a row, or one a row and output."""
        if self.kind == "multiclass":
            _, logits = _logits(y_pred)
            return ops.sparse_softmax_cross_entropy(logits, ops.cast(y_true, "int64"))
        if self.kind == "binary":
            _, logits = _logits(y_pred)
            return ops.sigmoid_cross_entropy(logits, y_true)
        if self.kind == "squared":
            return 0.5 * ops.square(y_true - y_pred)
        positive = ops.greater(y_true, 0.0)
        entropy = y_true * ops.log(ops.where(positive, y_true, ops.ones_like(y_true)))
        return entropy - y_true * y_pred - y_true + ops.exp(y_pred)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The cost of a batch; its value is what scikit-learn reports, its gradient what it takes.

        The two differ for the squared error of several outputs: a mean over outputs is reported,
        and their sum is minimised.
        """
        values = self.call(y_true, y_pred)
        rows = ops.shape_of(y_pred, 0, y_pred.dtype)
        if sample_weight is not None:
            rows = rows * self.mean_weight
            weights = sample_weight
            values = values * (ops.expand_dims(weights, -1) if len(values.shape) == 2 else weights)
        total = ops.sum(values)
        cost = total
        if self.alpha:
            penalty = [ops.sum(ops.square(kernel)) for kernel in self.kernels]
            cost = total + 0.5 * self.alpha * sum(penalty[1:], penalty[0])
        outputs = y_pred.shape[-1]
        if self.kind == "squared" and outputs > 1:
            cost = cost - ops.stop_gradient(total * (1.0 - 1.0 / outputs))
        return cost / rows


def _logits(y_pred: Any) -> Any:
    found = ops.logits_of(y_pred)
    assert found is not None
    return found
