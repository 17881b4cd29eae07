"""Small helpers in Keras's names: seeds, one-hot labels, a progress bar."""

from __future__ import annotations

import collections.abc as abc
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastnn import _registry as registry
from fastnn._random import set_random_seed
from fastnn._registry import custom_object_scope, register_keras_serializable
from fastnn.callbacks._progbar import Progbar

if TYPE_CHECKING:
    from fastnn.models._picture import plot_model

__all__ = [
    "Progbar",
    "PyDataset",
    "Sequence",
    "clear_session",
    "custom_object_scope",
    "normalize",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "set_random_seed",
    "to_categorical",
]


def __getattr__(name: str) -> Any:
    # Drawing brings all of models with it, which setting a seed should not.
    if name == "plot_model":
        from fastnn.models._picture import plot_model

        return plot_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


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


def pad_sequences(
    sequences: abc.Sequence[ArrayLike],
    maxlen: int | None = None,
    dtype: DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float = 0.0,
) -> NDArray[Any]:
    """Sequences of different lengths as one array.

    Args:
        sequences: each of shape (steps, ...); all but the steps alike.
        maxlen: steps of the result; default: those of the longest sequence.
        dtype: of the result.
        padding: "pre" or "post": where shorter sequences are filled up.
        truncating: "pre" or "post": where longer ones are cut.
        value: what they are filled with.

    Returns:
        An array of shape (sequences, maxlen, ...).

    Raises:
        TypeError: for a sequence that has no length, or of numbers that are not whole where `dtype`
            is.
        ValueError: for another padding or truncating, a maxlen below 1, no sequences, or sequences
            that differ in more than their length.

    Example:
        >>> pad_sequences([[1, 2, 3], [4]], padding="post")
        array([[1, 2, 3],
               [4, 0, 0]], dtype=int32)
        >>> pad_sequences([[1, 2, 3], [4]], maxlen=2)
        array([[2, 3],
               [0, 4]], dtype=int32)
    """
    for name, choice in (("padding", padding), ("truncating", truncating)):
        if choice not in ("pre", "post"):
            raise ValueError(f"pad_sequences expected {name} 'pre' or 'post', got {choice!r}")
    if maxlen is not None and maxlen < 1:
        raise ValueError(f"pad_sequences expected maxlen of at least 1, got {maxlen}")
    arrays = [_sequence(number, given, np.dtype(dtype)) for number, given in enumerate(sequences)]
    if not arrays:
        raise ValueError("pad_sequences expected sequences, got none")
    steps = max(len(array) for array in arrays) if maxlen is None else maxlen
    tail = next((array.shape[1:] for array in arrays if len(array)), ())
    padded = np.full((len(arrays), steps, *tail), value, dtype)
    for number, array in enumerate(arrays):
        if len(array) and array.shape[1:] != tail:
            raise ValueError(
                f"pad_sequences expected steps of shape {tail}, got {array.shape[1:]} in sequence"
                f" {number}"
            )
        kept = array[-steps:] if truncating == "pre" else array[:steps]
        if len(kept):
            first = steps - len(kept) if padding == "pre" else 0
            padded[number, first : first + len(kept)] = kept
    return padded


def _sequence(number: int, given: ArrayLike, dtype: np.dtype[Any]) -> NDArray[Any]:
    array = np.asarray(given)
    if array.ndim == 0:
        raise TypeError(f"pad_sequences expected a sequence at {number}, got {given!r}")
    if array.size and array.dtype.kind == "f" and dtype.kind in "iu":
        raise TypeError(
            f"pad_sequences expected whole numbers for dtype {dtype}, got {array.dtype} in sequence"
            f" {number}: give another dtype"
        )
    return array


class PyDataset:
    """Batches by number: a base class for what ``fit`` takes as x.

    Subclasses define ``__len__`` and ``__getitem__``, which returns (x, y) or (x, y, weights);
    ``on_epoch_end`` is called behind each epoch. Anything with these methods does as well.

    Args:
        workers: accepted and ignored; ``fastnn.data.Dataset`` prepares batches in a thread.
        use_multiprocessing: accepted and ignored.
        max_queue_size: accepted and ignored.

    Example:
        >>> class Squares(PyDataset):
        ...     def __len__(self):
        ...         return 2
        ...     def __getitem__(self, index):
        ...         x = np.arange(4.0) + 4 * index
        ...         return x[:, None], x**2
        >>> import fastnn
        >>> model = fastnn.Sequential([fastnn.layers.Dense(1, input_dim=1)])
        >>> model.compile("sgd", "mse")
        >>> len(model.predict(Squares(), verbose=0))
        8
    """

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __len__(self) -> int:
        raise NotImplementedError(f"[{type(self).__name__}] has no __len__(): define it")

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"[{type(self).__name__}] has no __getitem__(): define it")

    def on_epoch_end(self) -> None:
        """Called behind each epoch of a training."""


Sequence = PyDataset  # Keras 2 calls it so


def clear_session() -> None:
    """Lets the numbers in the names of new layers and models start again.

    Example:
        >>> clear_session()
    """
    registry.reset_unique_names()
