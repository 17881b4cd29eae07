"""Metrics with Keras's names and defaults.

Example:
    >>> get("auc").num_thresholds
    200
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastnn import losses
from fastnn._registry import Registry, serialize
from fastnn.losses import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from fastnn.metrics._accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from fastnn.metrics._auc import AUC
from fastnn.metrics._base import Metric
from fastnn.metrics._confusion import (
    FalseNegatives,
    FalsePositives,
    Precision,
    Recall,
    TrueNegatives,
    TruePositives,
)
from fastnn.metrics._fscore import F1Score, FBetaScore
from fastnn.metrics._iou import IoU, MeanIoU
from fastnn.metrics._loss_metrics import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from fastnn.metrics._reduction import Mean, MeanMetricWrapper, Sum
from fastnn.metrics._regression import (
    CosineSimilarity,
    R2Score,
    RootMeanSquaredError,
    cosine_similarity,
)

_short = {
    "bce": BinaryCrossentropy,
    "kld": KLDivergence,
    "mae": MeanAbsoluteError,
    "mape": MeanAbsolutePercentageError,
    "mse": MeanSquaredError,
    "msle": MeanSquaredLogarithmicError,
}

_registry = Registry(
    "metric",
    classes=(
        Mean,
        Sum,
        MeanMetricWrapper,
        Accuracy,
        BinaryAccuracy,
        CategoricalAccuracy,
        SparseCategoricalAccuracy,
        TopKCategoricalAccuracy,
        SparseTopKCategoricalAccuracy,
        AUC,
        TruePositives,
        TrueNegatives,
        FalsePositives,
        FalseNegatives,
        Precision,
        Recall,
        F1Score,
        FBetaScore,
        IoU,
        MeanIoU,
        MeanSquaredError,
        RootMeanSquaredError,
        MeanAbsoluteError,
        MeanAbsolutePercentageError,
        MeanSquaredLogarithmicError,
        CosineSimilarity,
        LogCoshError,
        R2Score,
        Hinge,
        SquaredHinge,
        CategoricalHinge,
        KLDivergence,
        Poisson,
        BinaryCrossentropy,
        CategoricalCrossentropy,
        SparseCategoricalCrossentropy,
    ),
    aliases={
        **_short,
        **{name.upper(): cls for name, cls in _short.items()},
        "acc": Accuracy,
        "logcosh": LogCoshError,
        "mean_iou": MeanIoU,
        "rmse": RootMeanSquaredError,
    },
)
for _name, _loss in losses.known().items():
    _registry.table.setdefault(_name, _loss)


def get(identifier: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """A metric from a name, a configuration, a class or a callable; None for None.

    Args:
        identifier: for example ``"auc"`` or ``Precision(thresholds=0.3)``.
        custom_objects: further names.

    Raises:
        ValueError: for an unknown name.

    Example:
        >>> get("mse").name
        'mean_squared_error'
    """
    return _registry.get(identifier, custom_objects)


def resolve(
    identifier: Any,
    y_true_shape: tuple[Any, ...],
    y_pred_shape: tuple[Any, ...],
    custom_objects: Mapping[str, Any] | None = None,
) -> Metric:
    """The Metric that ``compile(metrics=[identifier])`` means; a string becomes its name.

    Args:
        identifier: as for :func:`get`; 'accuracy' (or 'acc') and 'crossentropy' (or 'ce') choose
            by the shapes. A function of (y_true, y_pred) becomes a :class:`MeanMetricWrapper`.
        y_true_shape: shape of the targets.
        y_pred_shape: shape of the predictions.
        custom_objects: further names.

    Raises:
        ValueError: for an unknown name or None.

    Example:
        >>> type(resolve("accuracy", (None, 1), (None, 1))).__name__
        'BinaryAccuracy'
    """
    if identifier is None:
        raise ValueError("expected a metric, got None")
    name = identifier if isinstance(identifier, str) else None
    chosen = _BY_SHAPE.get(name.lower()) if name is not None else None
    if chosen is not None:
        found: Any = chosen[losses.kind_of_classes(y_true_shape, y_pred_shape)](name=name)
    else:
        found = get(identifier, custom_objects)
    if not isinstance(found, Metric):
        return MeanMetricWrapper(found, name=name)
    if name is not None:
        found.name = name
    return found


_accuracies: dict[str, Any] = {
    "binary": BinaryAccuracy,
    "sparse": SparseCategoricalAccuracy,
    "categorical": CategoricalAccuracy,
}
_crossentropies: dict[str, Any] = {
    "binary": BinaryCrossentropy,
    "sparse": SparseCategoricalCrossentropy,
    "categorical": CategoricalCrossentropy,
}
_BY_SHAPE: dict[str, dict[str, Any]] = {
    "accuracy": _accuracies,
    "acc": _accuracies,
    "crossentropy": _crossentropies,
    "ce": _crossentropies,
}


def deserialize(
    config: str | Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The inverse of :func:`serialize`."""
    return _registry.deserialize(config, custom_objects)


__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "IoU",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanIoU",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "Poisson",
    "Precision",
    "R2Score",
    "Recall",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "accuracy",
    "binary_accuracy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "cosine_similarity",
    "deserialize",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "resolve",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "top_k_categorical_accuracy",
]
