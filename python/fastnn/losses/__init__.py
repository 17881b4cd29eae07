"""Losses with Keras's names and defaults, on tensors and on arrays.

Example:
    >>> import numpy as np
    >>> get("mse")(np.zeros((1, 2)), np.ones((1, 2)))
    array([1.])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastnn._registry import Registry, serialize
from fastnn.losses._base import Loss, LossFunctionWrapper, reduce_weighted
from fastnn.losses._hinge import (
    CategoricalHinge,
    Hinge,
    SquaredHinge,
    categorical_hinge,
    hinge,
    squared_hinge,
)
from fastnn.losses._probabilistic import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    kl_divergence,
    poisson,
    sparse_categorical_crossentropy,
)
from fastnn.losses._probabilistic_losses import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    KLDivergence,
    Poisson,
    SparseCategoricalCrossentropy,
)
from fastnn.losses._regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)

_pairs: tuple[tuple[type[Loss], Callable[..., Any]], ...] = (
    (MeanSquaredError, mean_squared_error),
    (MeanAbsoluteError, mean_absolute_error),
    (MeanAbsolutePercentageError, mean_absolute_percentage_error),
    (MeanSquaredLogarithmicError, mean_squared_logarithmic_error),
    (Huber, huber),
    (LogCosh, log_cosh),
    (CosineSimilarity, cosine_similarity),
    (Hinge, hinge),
    (SquaredHinge, squared_hinge),
    (CategoricalHinge, categorical_hinge),
    (BinaryCrossentropy, binary_crossentropy),
    (BinaryFocalCrossentropy, binary_focal_crossentropy),
    (CategoricalCrossentropy, categorical_crossentropy),
    (CategoricalFocalCrossentropy, categorical_focal_crossentropy),
    (SparseCategoricalCrossentropy, sparse_categorical_crossentropy),
    (KLDivergence, kl_divergence),
    (Poisson, poisson),
)

_short = {
    "bce": binary_crossentropy,
    "kld": kl_divergence,
    "mae": mean_absolute_error,
    "mape": mean_absolute_percentage_error,
    "mse": mean_squared_error,
    "msle": mean_squared_logarithmic_error,
}

_registry = Registry(
    "loss",
    classes=(cls for cls, _ in _pairs),
    functions=(function for _, function in _pairs),
    aliases={
        **_short,
        **{name.upper(): function for name, function in _short.items()},
        "logcosh": log_cosh,
        "kullback_leibler_divergence": kl_divergence,
    },
)


def get(identifier: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """A loss from a name, a configuration, a class or a callable; None for None.

    Args:
        identifier: ``"mse"`` gives the function, ``"MeanSquaredError"`` an object, as in Keras.
        custom_objects: further names.

    Raises:
        ValueError: for an unknown name.

    Example:
        >>> get("mse") is mean_squared_error
        True
    """
    return _registry.get(identifier, custom_objects)


def known() -> dict[str, Any]:
    """All losses by name: classes and functions."""
    return dict(_registry.table)


def kind_of_classes(y_true_shape: tuple[Any, ...], y_pred_shape: tuple[Any, ...]) -> str:
    """'binary', 'sparse' or 'categorical': what targets and predictions of these shapes mean.

    Example:
        >>> kind_of_classes((None, 1), (None, 1)), kind_of_classes((None,), (None, 10))
        ('binary', 'sparse')
    """
    if len(y_pred_shape) < 2 or y_pred_shape[-1] == 1:
        return "binary"
    wider = y_pred_shape[-1] is None or y_pred_shape[-1] > 1
    if len(y_true_shape) < len(y_pred_shape) or (y_true_shape[-1] == 1 and wider):
        return "sparse"
    return "categorical"


def resolve(
    identifier: Any,
    y_true_shape: tuple[Any, ...] = (),
    y_pred_shape: tuple[Any, ...] = (),
    custom_objects: Mapping[str, Any] | None = None,
) -> Loss | None:
    """The Loss that ``compile(loss=identifier)`` means.

    Args:
        identifier: as for :func:`get`; 'crossentropy' (or 'ce') chooses by the shapes.
        y_true_shape: shape of the targets.
        y_pred_shape: shape of the predictions.
        custom_objects: further names.

    Raises:
        ValueError: for an unknown name.

    Example:
        >>> type(resolve("ce", (None,), (None, 10))).__name__
        'SparseCategoricalCrossentropy'
    """
    if isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce"):
        found: Any = {
            "binary": binary_crossentropy,
            "sparse": sparse_categorical_crossentropy,
            "categorical": categorical_crossentropy,
        }[kind_of_classes(y_true_shape, y_pred_shape)]
    else:
        found = get(identifier, custom_objects)
    if found is None or isinstance(found, Loss):
        return found
    for cls, function in _pairs:
        if found is function:
            return cls(name=identifier) if isinstance(identifier, str) else cls()
    return LossFunctionWrapper(found, name=identifier if isinstance(identifier, str) else None)


def deserialize(
    config: str | Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The inverse of :func:`serialize`."""
    return _registry.deserialize(config, custom_objects)


__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "cosine_similarity",
    "deserialize",
    "get",
    "hinge",
    "huber",
    "kind_of_classes",
    "kl_divergence",
    "known",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "reduce_weighted",
    "resolve",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
]
