"""Small helpers in Keras's names: seeds, one-hot labels, a progress bar."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn import _registry as registry
from fastnn._random import set_random_seed
from fastnn._registry import custom_object_scope
from fastnn.callbacks._progbar import Progbar
from fastnn.models._picture import plot_model

__all__ = [
    "Progbar",
    "clear_session",
    "custom_object_scope",
    "normalize",
    "plot_model",
    "set_random_seed",
    "to_categorical",
]


def to_categorical(x: ArrayLike, num_classes: int | None = None) -> NDArray[np.float32]:
    """Class numbers as one-hot rows.

    Args:
        x: whole numbers from 0, of any shape; a last axis of length 1 is dropped.
        num_classes: default: the largest number plus 1.

    Returns:
        float32 of shape (*x.shape, num_classes).

    Raises:
        TypeError: for something that is no number.
        ValueError: for a number that is negative, not whole, or not below num_classes.

    Example:
        >>> to_categorical([0, 2])
        array([[1., 0., 0.],
               [0., 0., 1.]], dtype=float32)
    """
    labels = np.asarray(x)
    if labels.dtype.kind not in "fiub":
        raise TypeError(f"[to_categorical] expected class numbers, got dtype {labels.dtype}")
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if labels.size and (labels != np.floor(labels)).any():
        raise ValueError("[to_categorical] expected whole numbers")
    whole = labels.astype(np.int64)
    if num_classes is None:
        num_classes = int(whole.max()) + 1 if whole.size else 0
    if whole.size and (whole.min() < 0 or whole.max() >= num_classes):
        wrong = whole.min() if whole.min() < 0 else whole.max()
        raise ValueError(
            f"[to_categorical] expected class numbers from 0 to {num_classes - 1}, got {wrong}"
        )
    one_hot = np.zeros((*whole.shape, num_classes), np.float32)
    np.put_along_axis(one_hot, whole[..., None], 1.0, axis=-1)
    return one_hot


def normalize(x: ArrayLike, axis: int = -1, order: Any = 2) -> NDArray[Any]:
    """Vectors scaled to length 1.

    Args:
        x: numbers.
        axis: along which a vector runs; default -1.
        order: of the norm; default 2.

    Returns:
        An array of x's shape; vectors of length 0 stay as they are.

    Example:
        >>> normalize([[3.0, 4.0]])
        array([[0.6, 0.8]])
    """
    array = np.asarray(x, dtype=np.result_type(np.asarray(x).dtype, np.float32))
    norm = np.linalg.norm(array, order, axis, keepdims=True)
    return array / np.where(norm == 0, 1, norm)


def clear_session() -> None:
    """Lets the numbers in the names of new layers and models start again.

    Example:
        >>> clear_session()
    """
    registry.reset_unique_names()
