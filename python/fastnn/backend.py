"""What older code calls ``keras.backend``: the operations, and a few settings.

Example:
    >>> from fastnn import backend as K
    >>> float(K.mean(K.square([1.0, 3.0])) + K.epsilon())
    5.0000001
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import ops
from fastnn._tensor import Tensor, Variable
from fastnn.ops import *  # noqa: F403
from fastnn.utils import clear_session


def epsilon() -> float:
    """The small number that keeps logarithms and quotients finite: 1e-7."""
    return 1e-7


def floatx() -> str:
    """The dtype of layers that are given none: "float32"."""
    return "float32"


def set_floatx(value: str) -> None:
    """Accepts "float32".

    Raises:
        NotImplementedError: for another dtype: layers are given theirs one by one.
    """
    if value != "float32":
        raise NotImplementedError(
            f"[set_floatx] float32 is the dtype of all layers that are given none, got {value!r}: "
            f"give the layers dtype={value!r}"
        )


def image_data_format() -> str:
    """Where the channels of images are: "channels_last"."""
    return "channels_last"


def int_shape(x: Any) -> tuple[int | None, ...]:
    """The shape, with None for open axes.

    Example:
        >>> import fastnn
        >>> int_shape(fastnn.Input((3,)))
        (None, 3)
    """
    return x.shape if isinstance(x, Tensor) else np.shape(x)


def get_value(x: Any) -> NDArray[Any]:
    """The numbers of a variable."""
    return np.asarray(x)


def set_value(x: Variable, value: Any) -> None:
    """Replaces the numbers of a variable.

    Example:
        >>> import fastnn
        >>> optimizer = fastnn.optimizers.SGD(0.1)
        >>> set_value(optimizer.learning_rate, 0.5)
        >>> float(get_value(optimizer.learning_rate))
        0.5
    """
    x.assign(value)


def flatten(x: Any) -> Any:
    """All elements along one axis."""
    return ops.ravel(x)


def batch_flatten(x: Any) -> Any:
    """Rows of all elements behind the first axis."""
    return ops.reshape(x, (ops.shape(x)[0], -1))


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """Element by element; outputs are kept 1e-7 from 0 and 1.

    Example:
        >>> binary_crossentropy([1.0], [0.5]).round(4)
        array([0.6931])
    """
    if from_logits:
        return ops.sigmoid_cross_entropy(output, target)
    output = ops.clip(output, epsilon(), 1.0 - epsilon())
    missed = ops.multiply(ops.subtract(1.0, target), ops.log(ops.subtract(1.0, output)))
    return ops.negative(ops.add(ops.multiply(target, ops.log(output)), missed))


__all__ = [
    *ops.__all__,
    "batch_flatten",
    "binary_crossentropy",
    "clear_session",
    "epsilon",
    "flatten",
    "floatx",
    "get_value",
    "image_data_format",
    "int_shape",
    "set_floatx",
    "set_value",
]
