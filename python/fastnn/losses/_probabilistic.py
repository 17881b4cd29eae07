"""Losses of probabilities.

Probabilities are clipped to [1e-7, 1 - 1e-7] before their logarithm is taken. Where they are the
output of a sigmoid or softmax node, its input (the logits) is used instead, which needs no
clipping and loses no gradient.
"""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn._tensor import Tensor
from fastnn.losses._base import EPSILON, as_float, as_value, mean_over, pair


def logits_behind(y_pred: Any, kind: str) -> Any:
    """The logits that a sigmoid or softmax (the kind) made ``y_pred`` of, or None."""
    if not isinstance(y_pred, Tensor):
        return None
    found = ops.logits_of(y_pred)
    if found is None or found[0] != kind:
        return None
    return found[1]


def _clipped(p: Any) -> Any:
    return ops.clip(p, EPSILON, 1.0 - EPSILON)


def _smoothed_binary(y_true: Any, label_smoothing: float) -> Any:
    if not label_smoothing:
        return y_true
    return y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing


def _smoothed_classes(y_true: Any, label_smoothing: float, classes: int) -> Any:
    if not label_smoothing:
        return y_true
    return y_true * (1.0 - label_smoothing) + label_smoothing / classes


def _classes_last(x: Any, axis: int) -> Any:
    rank = len(x.shape)
    if not -rank <= axis < rank:
        raise ValueError(f"expected an axis of {rank}, got {axis}")
    if axis in (-1, rank - 1):
        return x
    order = [i for i in range(rank) if i != axis % rank]
    return ops.transpose(x, [*order, axis % rank])


def _log_probabilities(y_pred: Any) -> Any:
    return ops.log(_clipped(y_pred / ops.sum(y_pred, axis=-1, keepdims=True)))


def _binary_crossentropy(y_true: Any, p: Any) -> Any:
    p = _clipped(p)
    return -(y_true * ops.log(p) + (1.0 - y_true) * ops.log(1.0 - p))


def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """``-mean(t * log(p) + (1 - t) * log(1 - p))`` over an axis.

    Args:
        y_true: targets between 0 and 1, of the predictions' shape.
        y_pred: probabilities, or logits.
        from_logits: whether ``y_pred`` are logits.
        label_smoothing: targets move this far (of 1) towards one half.
        axis: of the mean.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import numpy as np
        >>> binary_crossentropy(np.array([[1.0]]), np.array([[0.5]])).round(4)
        array([0.6931])
    """
    logits = y_pred if from_logits else logits_behind(y_pred, "sigmoid")
    if logits is not None:
        y_true, logits = pair(y_true, logits, "binary_crossentropy")
        losses = ops.sigmoid_cross_entropy(logits, _smoothed_binary(y_true, label_smoothing))
    else:
        y_true, y_pred = pair(y_true, y_pred, "binary_crossentropy")
        losses = _binary_crossentropy(_smoothed_binary(y_true, label_smoothing), y_pred)
    return mean_over(losses, axis)


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Binary cross-entropy times ``(1 - p_t)^gamma``, which dampens what is easy.

    Args:
        y_true: targets between 0 and 1.
        y_pred: probabilities, or logits.
        apply_class_balancing: whether class 1 is weighed by ``alpha`` and class 0 by 1 - alpha.
        alpha: see there.
        gamma: how strongly easy samples are dampened.
        from_logits: whether ``y_pred`` are logits.
        label_smoothing: see :func:`binary_crossentropy`.
        axis: of the mean.

    Source: Lin et al., 2017, "Focal loss for dense object detection".

    Example:
        >>> import numpy as np
        >>> binary_focal_crossentropy(np.array([[1.0]]), np.array([[0.5]])).round(4)
        array([0.1733])
    """
    logits = y_pred if from_logits else logits_behind(y_pred, "sigmoid")
    y_true, source = pair(y_true, y_pred if logits is None else logits, "binary_focal_crossentropy")
    y_true = _smoothed_binary(y_true, label_smoothing)
    if logits is not None:
        p = ops.sigmoid(source)
        losses = ops.sigmoid_cross_entropy(source, y_true)
    else:
        p = source
        losses = _binary_crossentropy(y_true, p)
    p_true = y_true * p + (1.0 - y_true) * (1.0 - p)
    losses = (1.0 - p_true) ** gamma * losses
    if apply_class_balancing:
        losses = (y_true * alpha + (1.0 - y_true) * (1.0 - alpha)) * losses
    return mean_over(losses, axis)


def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """``-sum(t * log(p))`` over the classes.

    Args:
        y_true: one-hot targets, or distributions, of the predictions' shape.
        y_pred: probabilities (what does not sum to 1 is divided by its sum), or logits.
        from_logits: whether ``y_pred`` are logits.
        label_smoothing: targets move this far (of 1) towards the uniform distribution.
        axis: of the classes.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import numpy as np
        >>> categorical_crossentropy(np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]])).round(4)
        array([0.6931])
    """
    logits = y_pred if from_logits else logits_behind(y_pred, "softmax")
    y_true, source = pair(y_true, y_pred if logits is None else logits, "categorical_crossentropy")
    source = _classes_last(source, axis)
    y_true = _smoothed_classes(_classes_last(y_true, axis), label_smoothing, source.shape[-1])
    if logits is not None:
        return ops.softmax_cross_entropy(source, y_true)
    return -ops.sum(y_true * _log_probabilities(source), axis=-1)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """``-sum(alpha * (1 - p)^gamma * t * log(p))`` over the classes.

    Args:
        y_true: one-hot targets.
        y_pred: probabilities, or logits.
        alpha: a factor.
        gamma: how strongly easy samples are dampened.
        from_logits: whether ``y_pred`` are logits.
        label_smoothing: see :func:`categorical_crossentropy`.
        axis: of the classes.

    Source: Lin et al., 2017, "Focal loss for dense object detection".

    Example:
        >>> import numpy as np
        >>> t, p = np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]])
        >>> categorical_focal_crossentropy(t, p).round(4)
        array([0.0433])
    """
    y_true, y_pred = pair(y_true, y_pred, "categorical_focal_crossentropy")
    y_pred = _classes_last(y_pred, axis)
    y_true = _smoothed_classes(_classes_last(y_true, axis), label_smoothing, y_pred.shape[-1])
    if from_logits:
        y_pred = ops.softmax(y_pred, axis=-1)
    p = _clipped(y_pred / ops.sum(y_pred, axis=-1, keepdims=True))
    return -ops.sum(alpha * (1.0 - p) ** gamma * (y_true * ops.log(p)), axis=-1)


def _labels(y_true: Any, y_pred: Any, who: str) -> Any:
    """Class numbers as int64, one for each row of the predictions."""
    labels = as_value(y_true, "y_true")
    if len(labels.shape) == len(y_pred.shape) and labels.shape[-1] == 1:
        labels = ops.squeeze(labels, -1)
    wanted = tuple(y_pred.shape[:-1])
    agree = len(labels.shape) == len(wanted) and all(
        a is None or b is None or a == b for a, b in zip(labels.shape, wanted, strict=True)
    )
    if not agree:
        raise ValueError(
            f"[{who}] expected class numbers of shape {wanted} for predictions of shape "
            f"{tuple(y_pred.shape)}, got {tuple(y_true.shape)}"
        )
    return labels if str(labels.dtype) == "int64" else ops.cast(labels, "int64")


def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Any:
    """``-log(p[y])``, with the classes given as numbers.

    Args:
        y_true: class numbers, of the predictions' shape without the classes' axis.
        y_pred: probabilities (what does not sum to 1 is divided by its sum), or logits.
        from_logits: whether ``y_pred`` are logits.
        ignore_class: rows of this class have the loss 0.
        axis: of the classes.

    Raises:
        ValueError: if the shapes do not fit, or a class number is no class.

    Example:
        >>> import numpy as np
        >>> sparse_categorical_crossentropy(np.array([1]), np.array([[0.5, 0.5]])).round(4)
        array([0.6931])
    """
    y_pred = as_float(y_pred)
    logits = y_pred if from_logits else logits_behind(y_pred, "softmax")
    source = _classes_last(y_pred if logits is None else logits, axis)
    labels = _labels(y_true, source, "sparse_categorical_crossentropy")
    valid = None
    if ignore_class is not None:
        valid = ops.not_equal(labels, ignore_class)
        labels = ops.where(valid, labels, ops.zeros_like(labels))
    if logits is not None:
        losses = ops.sparse_softmax_cross_entropy(source, labels)
    else:
        picked = ops.take_along_axis(
            _log_probabilities(source), ops.expand_dims(labels, -1), axis=-1
        )
        losses = -ops.squeeze(picked, -1)
    return losses if valid is None else ops.where(valid, losses, ops.zeros_like(losses))


def valid_labels(y_true: Any, y_pred: Any, ignore_class: int, axis: int = -1) -> Any:
    """Which rows are not of the ignored class, as booleans."""
    labels = _labels(y_true, _classes_last(y_pred, axis), "sparse_categorical_crossentropy")
    return ops.not_equal(labels, ignore_class)


def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """``sum(t * log(t / p))`` over the last axis; both are clipped to [1e-7, 1].

    Example:
        >>> import numpy as np
        >>> kl_divergence(np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])).round(4)
        array([0.1438])
    """
    y_true, y_pred = pair(y_true, y_pred, "kl_divergence")
    y_true = ops.clip(y_true, EPSILON, 1.0)
    y_pred = ops.clip(y_pred, EPSILON, 1.0)
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> Any:
    """``mean(p - t * log(p + 1e-7))`` over the last axis: counts with the mean p.

    Example:
        >>> import numpy as np
        >>> poisson(np.array([[2.0]]), np.array([[1.0]])).round(4)
        array([1.])
    """
    y_true, y_pred = pair(y_true, y_pred, "poisson")
    return mean_over(y_pred - y_true * ops.log(y_pred + EPSILON))
