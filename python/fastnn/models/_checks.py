"""What is checked of data before any work is done with it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import _core, ops
from fastnn._tensor import from_other_library
from fastnn.layers._arguments import format_shape

_BLOCK = 1 << 16
_FAST = (np.dtype("float32"), np.dtype("float64"))


def as_array(owner: str, name: str, value: Any) -> NDArray[Any]:
    """An array of numbers from whatever holds some, without a copy where there is one already.

    Args:
        owner: the class that error messages name.
        name: what they call the array.
        value: an array, a pandas or polars frame or column, a list, anything NumPy takes. What
            lies on a GPU stays there: a :class:`fastnn.DeviceArray`.

    Raises:
        TypeError: for objects, strings, complex numbers, dates, sparse matrices.
        ValueError: for ragged lists and for a single number.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"[{owner}] {name}: expected a plain array, got a masked one: fill it")
    if not isinstance(value, np.ndarray):
        there = _core.device_array(value)
        value = _converted(owner, name, value) if there is None else there
    array: NDArray[Any] = value
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"[{owner}] {name}: expected an array of numbers, got dtype {array.dtype}"
            f"{_offending(array)}{_encoding(array)}"
        )
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    if array.ndim == 0:
        raise ValueError(f"[{owner}] {name}: expected rows of data, got a single number")
    return array


def _converted(owner: str, name: str, value: Any) -> NDArray[Any]:
    value = from_other_library(value)
    if hasattr(value, "toarray") and hasattr(value, "nnz"):
        raise TypeError(
            f"[{owner}] {name}: expected a dense array, got {type(value).__name__}: pass "
            f"{name}.toarray()"
        )
    if hasattr(value, "to_numpy"):
        return _from_frame(owner, name, value)
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"[{owner}] {name}: rows of different lengths: {error}") from None


def _from_frame(owner: str, name: str, frame: Any) -> NDArray[Any]:
    """A pandas or polars frame or column; columns of several kinds are brought to one."""
    array = np.asarray(frame.to_numpy())
    if array.dtype.kind != "O" or not hasattr(frame, "columns"):
        return array if array.dtype.kind != "O" else _from_objects(array)
    columns = []
    for label in frame.columns:
        column = np.asarray(frame[label].to_numpy())
        if column.dtype.kind == "O":
            column = _from_objects(column)
        if column.dtype.kind not in "fiub":
            raise TypeError(
                f"[{owner}] {name}: expected numbers in every column, got dtype {column.dtype} in "
                f"column {label!r}: encode it first"
            )
        columns.append(column)
    return np.stack(columns, axis=1)


def _from_objects(column: NDArray[Any]) -> NDArray[Any]:
    """Numbers that came as Python objects (nullable columns); anything else stays as it is."""
    if all(isinstance(item, (bool, int, float, np.number, np.bool_)) for item in column.flat):
        return column.astype(np.float64)
    return column


def _offending(array: NDArray[Any]) -> str:
    if array.dtype.kind != "O" or array.size == 0:
        return ""
    for index, item in enumerate(array.flat):
        if not isinstance(item, (bool, int, float, np.number)):
            return f" ({item!r} at index [{_unravel(array, index)}])"
    return ": all are numbers, astype('float64') makes it one"


def _encoding(array: NDArray[Any]) -> str:
    """How text becomes numbers."""
    text = array.dtype.kind in "US" or isinstance(next(array.flat, None), str)
    ways = "LabelEncoder for labels, TablePreprocessor for tables, Vocabulary for texts"
    return f": make numbers of it first (fastnn.preprocessing: {ways})" if text else ""


def is_memory_map(array: Any) -> bool:
    """Whether an array is a memory map, or a view of one.

    Example:
        >>> is_memory_map(np.zeros(3))
        False
    """
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return True
        array = array.base
    return False


def _unravel(array: NDArray[Any], flat: int, first: int = 0) -> str:
    row, *rest = (int(i) for i in np.unravel_index(flat, array.shape))
    return ", ".join(str(i) for i in (row + first, *rest))


def first_nonfinite(array: NDArray[Any]) -> int:
    """The flat index of the first NaN or infinity, or -1; any layout, without a full copy."""
    if array.dtype.kind != "f" or array.size == 0:
        return -1
    if isinstance(array, _core.DeviceArray):
        if array.is_contiguous and array.dtype in _FAST:
            return int(array.first_nonfinite())
        array = array.get_value()
    flags = array.flags
    if flags.c_contiguous and flags.aligned and array.dtype in _FAST:
        return int(_core.first_nonfinite(array))
    row: int = max(1, array.size // array.shape[0])
    block = max(1, _BLOCK // row)
    for start in range(0, array.shape[0], block):
        bad = ~np.isfinite(array[start : start + block])
        if bad.any():
            return start * row + int(np.argmax(bad.reshape(-1)))
    return -1


def require_finite(owner: str, name: str, array: NDArray[Any], first: int = 0) -> None:
    """Raises ValueError for NaN or infinity, naming the first.

    Args:
        owner: the class that the message names.
        name: what it calls the array.
        array: numbers of any dtype and layout.
        first: the number of its first row.

    Raises:
        ValueError: if there is one.
    """
    flat = first_nonfinite(array)
    if flat >= 0:
        index = np.unravel_index(flat, array.shape)
        value = float(np.asarray(array)[index])
        text = "NaN" if math.isnan(value) else "infinite"
        raise ValueError(
            f"[{owner}] {name}[{_unravel(array, flat, first)}] is {text}: fill in or leave out "
            "such values (check_finite=False skips this check)"
        )


def require_rows(owner: str, arrays: Sequence[tuple[str, NDArray[Any]]]) -> int:
    """The common number of rows.

    Raises:
        ValueError: if there are none, or different ones.
    """
    first_name, first = arrays[0]
    rows = int(first.shape[0])
    for name, array in arrays:
        if array.shape[0] != rows:
            raise ValueError(
                f"[{owner}] expected as many rows in {name} as in {first_name}, got "
                f"{array.shape[0]} and {rows}"
            )
    if rows == 0:
        raise ValueError(f"[{owner}] {first_name} is empty: shape {first.shape}")
    return rows


def require_shape(
    owner: str, what: str, array: NDArray[Any], tail: Sequence[int | None]
) -> NDArray[Any]:
    """Checks the sizes behind the batch; a missing or extra last axis of length 1 is mended.

    Args:
        owner: the class that the message names.
        what: "input", or an array's name.
        array: the data.
        tail: the expected sizes behind the batch, None for open ones.

    Returns:
        The array, or a view of it with the axis added or removed.

    Raises:
        ValueError: for any other difference.
    """
    if array.ndim == len(tail) and len(tail) >= 1 and tail[-1] == 1:
        array = array[..., None]
    elif array.ndim == len(tail) + 2 and array.shape[-1] == 1:
        array = array[..., 0]
    good = array.ndim == len(tail) + 1 and all(
        size in (None, got) for size, got in zip(tail, array.shape[1:], strict=True)
    )
    if not good:
        raise ValueError(
            f"[{owner}] expected {what} of shape {format_shape((None, *tail))}, got {array.shape}"
        )
    return array


def _ends(labels: NDArray[Any]) -> tuple[Any, Any]:
    """The smallest and the largest; NaN where there is one."""
    if labels.size < _BLOCK:  # a tenth of NumPy's time for a batch, but copies what has gaps
        return ops.min(labels), ops.max(labels)
    return labels.min(), labels.max()


def require_unit_interval(owner: str, name: str, labels: NDArray[Any]) -> None:
    """Labels of a binary cross-entropy lie between 0 and 1.

    Raises:
        ValueError: naming the first that does not.
    """
    if labels.dtype.kind == "b" or labels.size == 0:
        return
    labels = np.asarray(labels)
    smallest, largest = _ends(labels)
    if smallest < 0 or largest > 1:
        flat = int(np.argmax(((labels < 0) | (labels > 1)).reshape(-1)))
        value = labels[np.unravel_index(flat, labels.shape)]
        raise ValueError(
            f"[{owner}] expected labels between 0 and 1 for a binary cross-entropy, got {value} "
            f"at {name}[{_unravel(labels, flat)}]"
        )


def require_classes(
    owner: str, name: str, labels: NDArray[Any], classes: int, ignored: int | None = None
) -> None:
    """Labels of a sparse cross-entropy are whole numbers below the number of classes.

    Args:
        owner: the class that the message names.
        name: what it calls the labels.
        labels: of any numeric dtype.
        classes: how many there are.
        ignored: a label that may appear beside them.

    Raises:
        ValueError: naming the first that is not.
    """
    if labels.size == 0 or labels.dtype.kind == "b":
        return
    labels = np.asarray(labels)
    whole = labels.dtype.kind != "f" or bool((labels == np.floor(labels)).all())
    smallest, largest = _ends(labels)
    if whole and smallest >= 0 and largest < classes:
        return
    wrong = (labels < 0) | (labels >= classes) | (labels != np.floor(labels))
    if ignored is not None:
        wrong &= labels != ignored
    if wrong.any():
        flat = int(np.argmax(wrong.reshape(-1)))
        value = labels[np.unravel_index(flat, labels.shape)]
        outputs = f"{classes} outputs" if classes > 1 else "1 output"
        hint = "" if classes > 1 else ": one output, two classes: use 'binary_crossentropy'"
        raise ValueError(
            f"[{owner}] expected labels that are whole numbers from 0 to {classes - 1} (the model "
            f"has {outputs}), got {value} at {name}[{_unravel(labels, flat)}]{hint}"
        )


def require_indices(name: str, array: NDArray[Any], rows: int) -> None:
    """Indices of a table's rows are below their number, and not negative.

    Args:
        name: what messages call the indices.
        array: numbers; fractions are cut off.
        rows: of the table.

    Raises:
        IndexError: naming the first that is not.
    """
    if array.dtype.kind == "b" or isinstance(array, _core.DeviceArray) or is_memory_map(array):
        return
    if array.min() > -1 and array.max() < rows:
        return
    flat = int(np.argmax(((array <= -1) | (array >= rows)).reshape(-1)))
    value = array[np.unravel_index(flat, array.shape)]
    raise IndexError(
        f"[Embedding] expected indices from 0 to {rows - 1} (input_dim={rows}), got {value} at "
        f"{name}[{_unravel(array, flat)}]"
    )


def require_positive(owner: str, name: str, value: Any) -> int:
    """A count of at least 1.

    Raises:
        TypeError: if it is no whole number.
        ValueError: if it is below 1.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"[{owner}] expected {name} to be a whole number, got {value!r}")
    if value < 1:
        raise ValueError(f"[{owner}] expected {name} of at least 1, got {value}")
    return int(value)
