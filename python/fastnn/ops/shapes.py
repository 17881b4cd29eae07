"""Moving data: shapes, slices, concatenation, indices."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from .. import _core
from .._tensor import Dimension, Tensor, _operators
from ._dispatch import TensorLike, node, operation, to_tensors


def _axis(axis: int, ndim: int, op: str) -> int:
    axis = operator.index(axis)
    if not -ndim <= axis < ndim:
        raise ValueError(f"[{op}] axis {axis} is out of bounds for a tensor of {ndim} dimensions")
    return axis % ndim


def _axes(axis: int | Sequence[int], ndim: int, op: str) -> set[int]:
    axes = axis if isinstance(axis, Sequence) else [axis]
    return {_axis(a, ndim, op) for a in axes}


@operation()
def reshape(x: Tensor, shape: Sequence[Dimension] | int) -> Any:
    """The same elements in C order under another shape; one -1 stands for what is left.

    Raises:
        ValueError: if the number of elements differs.

    Example:
        >>> from fastnn import ops
        >>> ops.reshape([[1, 2], [3, 4]], (4,))
        array([1, 2, 3, 4])
    """
    dims = [shape] if isinstance(shape, (int, np.integer)) else list(shape)  # type: ignore[arg-type]
    return Tensor(_core.reshape(x._value, dims))


@operation()
def transpose(x: Tensor, axes: Sequence[int] | None = None) -> Any:
    """Axes in another order (default: reversed).

    Example:
        >>> from fastnn import ops
        >>> ops.transpose([[1, 2], [3, 4]])
        array([[1, 3],
               [2, 4]])
    """
    order = list(range(x.ndim))[::-1] if axes is None else [int(a) for a in axes]
    return node("transpose", [x], axes=order)


@operation()
def expand_dims(x: Tensor, axis: int) -> Any:
    """A new axis of length 1 at ``axis``.

    Example:
        >>> from fastnn import ops
        >>> ops.expand_dims([1, 2], 0).shape
        (1, 2)
    """
    dims: list[Any] = list(x.dims)
    dims.insert(_axis(axis, x.ndim + 1, "expand_dims"), 1)
    return Tensor(_core.reshape(x._value, dims))


@operation()
def squeeze(x: Tensor, axis: int | Sequence[int] | None = None) -> Any:
    """Without its axes of length 1 (all, or those named).

    Raises:
        ValueError: if a named axis is longer.

    Example:
        >>> from fastnn import ops
        >>> ops.squeeze([[1, 2]]).shape
        (2,)
    """
    if axis is None:
        gone = {i for i, d in enumerate(x.shape) if d == 1}
    else:
        gone = _axes(axis, x.ndim, "squeeze")
    for i in gone:
        if x.shape[i] != 1:
            raise ValueError(f"[squeeze] expected axis {i} of length 1, got shape {x.shape}")
    return Tensor(_core.reshape(x._value, [d for i, d in enumerate(x.dims) if i not in gone]))


@operation()
def broadcast_to(x: Tensor, shape: Sequence[Dimension]) -> Any:
    """Repeated along axes of length 1.

    Raises:
        ValueError: if an axis has another length.

    Example:
        >>> from fastnn import ops
        >>> ops.broadcast_to([1, 2], (2, 2))
        array([[1, 2],
               [1, 2]])
    """
    return Tensor(_core.broadcast_to(x._value, list(shape)))


@operation(-1)
def concatenate(xs: Sequence[Tensor], axis: int = 0) -> Any:
    """One after the other along an axis.

    Raises:
        ValueError: if the other axes differ.

    Example:
        >>> from fastnn import ops
        >>> ops.concatenate([[1, 2], [3]])
        array([1, 2, 3])
    """
    tensors = to_tensors(xs, "concatenate")
    if not tensors:
        raise ValueError("[concatenate] expected at least one tensor, got none")
    dtype = tensors[0].dtype
    for t in tensors[1:]:
        dtype = _core.promote(dtype, t.dtype)
    values = [_core.cast(t._value, dtype) for t in tensors]
    return Tensor(_core.make("concatenate", values, {"axis": axis}))


@operation(-1)
def stack(xs: Sequence[Tensor], axis: int = 0) -> Any:
    """Along a new axis.

    Example:
        >>> from fastnn import ops
        >>> ops.stack([[1, 2], [3, 4]]).shape
        (2, 2)
    """
    if not xs:
        raise ValueError("[stack] expected at least one tensor, got none")
    return concatenate([expand_dims(t, axis) for t in to_tensors(xs, "stack")], axis)


@operation()
def split(x: Tensor, indices_or_sections: int | Sequence[int], axis: int = 0) -> Any:
    """Parts along an axis: equal ones, or cut at the given indices.

    Raises:
        ValueError: if the axis does not divide into equal parts.

    Example:
        >>> from fastnn import ops
        >>> [part.tolist() for part in ops.split([1, 2, 3, 4], 2)]
        [[1, 2], [3, 4]]
    """
    axis = _axis(axis, x.ndim, "split")
    length = x.dims[axis]
    if isinstance(indices_or_sections, int):
        sections = indices_or_sections
        if not isinstance(length, int):
            raise ValueError("[split] the axis to split is known only at run time")
        if length % sections != 0:
            raise ValueError(f"[split] an axis of {length} does not divide into {sections} parts")
        cuts = [length // sections * i for i in range(1, sections)]
    else:
        cuts = [int(i) for i in indices_or_sections]
    edges: list[Any] = [0, *cuts, length]
    before = (slice(None),) * axis
    return [getitem(x, (*before, slice(a, b))) for a, b in pairwise(edges)]


@operation()
def flip(x: Tensor, axis: int | Sequence[int] | None = None) -> Any:
    """In reverse order along axes (default: all).

    Example:
        >>> from fastnn import ops
        >>> ops.flip([1, 2, 3])
        array([3, 2, 1])
    """
    turned = set(range(x.ndim)) if axis is None else _axes(axis, x.ndim, "flip")
    return getitem(x, tuple(slice(None, None, -1 if i in turned else 1) for i in range(x.ndim)))


def _bound(index: Any, length: Any, default: Any) -> Any:
    """A slice bound as a length from the start; clipped where the length is known."""
    if index is None:
        return default
    if isinstance(index, _core.Dim):
        return index
    index = int(index)
    if isinstance(length, int):
        return max(0, min(length, index + length if index < 0 else index))
    return length + index if index < 0 else index


def _slice_axis(s: slice, length: Any) -> tuple[Any, int, Any]:
    step = 1 if s.step is None else int(s.step)
    if step == 0:
        raise ValueError("slice step must not be 0")
    if isinstance(length, int):
        plain = all(v is None or isinstance(v, (int, np.integer)) for v in (s.start, s.stop))
        if plain:
            indices = range(*s.indices(length))
            return (indices.start if len(indices) else 0), step, len(indices)
    if step < 0:
        if s.start is None and s.stop is None and step == -1:
            return length - 1, -1, length
        raise ValueError("an open axis can be reversed as a whole, not sliced with a negative step")
    begin = _bound(s.start, length, 0)
    size = _bound(s.stop, length, length) - begin
    if step != 1:
        size = (size + (step - 1)) // step
    return begin, step, size


def _is_whole(k: Any) -> bool:
    return isinstance(k, (int, np.integer)) and not isinstance(k, bool)


def _check_arrays(keys: Sequence[Any]) -> None:
    """NumPy moves an array's axis to the front where a slice parts it from an index before it."""
    plain = [k is None or k is Ellipsis or isinstance(k, slice) for k in keys]
    arrays = [i for i, k in enumerate(keys) if not plain[i] and not _is_whole(k)]
    if len(arrays) > 1:
        raise ValueError("[getitem] expected at most one array among the indices, got several")
    for i in arrays:
        whole = [j for j in range(i) if _is_whole(keys[j])]
        if whole and any(plain[whole[0] : i]):
            raise ValueError(
                "[getitem] expected no slice between an index and an array, got one: "
                "index in two steps"
            )


@operation()
def getitem(x: Tensor, key: Any) -> Any:
    """NumPy's basic indexing, and one array of integers (taken along its axis).

    Example:
        >>> from fastnn import ops
        >>> ops.getitem([[1, 2], [3, 4]], (0, slice(None)))
        array([1, 2])
    """
    keys = key if isinstance(key, tuple) else (key,)
    used = sum(1 for k in keys if k is not None and k is not Ellipsis)
    if used > x.ndim:
        raise IndexError(f"too many indices: {used} for a tensor of {x.ndim} dimensions")
    _check_arrays(keys)
    fill = (slice(None),) * (x.ndim - used)
    if any(k is Ellipsis for k in keys):
        at = next(i for i, k in enumerate(keys) if k is Ellipsis)
        keys = keys[:at] + fill + keys[at + 1 :]
    else:
        keys = keys + fill
    begin, step, size = [], [], []
    shape: list[Any] = []
    arrays: list[tuple[int, Any]] = []
    axis = 0
    for k in keys:
        if k is None:
            shape.append(1)
            continue
        length: Any = x.dims[axis]
        if isinstance(k, slice):
            b, s, n = _slice_axis(k, length)
            shape.append(n)
        elif _is_whole(k):
            i = int(k)
            if isinstance(length, int) and not -length <= i < length:
                raise IndexError(f"index {i} is out of bounds for an axis of length {length}")
            b, s, n = (length + i if i < 0 else i), 1, 1
        else:
            arrays.append((len(shape), k))
            b, s, n = 0, 1, length
            shape.append(length)
        begin.append(b)
        step.append(s)
        size.append(n)
        axis += 1
    result = node("slice", [x], begin=begin, step=step, size=size)
    result = Tensor(_core.reshape(result._value, shape))
    for at, indices in arrays:
        result = take(result, indices, at)
    return result


def _pad_widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    """A pair for each axis, as np.pad reads them."""
    given = np.asarray(pad_width)
    if given.dtype.kind not in "iu":
        raise TypeError(f"[pad] expected whole numbers in pad_width, got {pad_width!r}")
    try:
        pairs = np.broadcast_to(given, (ndim, 2))
    except ValueError:
        raise ValueError(
            f"[pad] expected a number, a pair or {ndim} pairs in pad_width, got {pad_width!r}"
        ) from None
    if (pairs < 0).any():
        raise ValueError(f"[pad] expected widths of at least 0, got {pad_width!r}")
    return [(int(before), int(after)) for before, after in pairs]


@operation()
def pad(x: Tensor, pad_width: Any, mode: str = "constant", constant_values: float = 0) -> Any:
    """x with borders.

    Args:
        x: any shape.
        pad_width: how much before and behind each axis: a number, a pair for all axes, or a pair
            for each.
        mode: 'constant', or one of NumPy's that repeats elements: 'reflect', 'symmetric', 'edge',
            'wrap'; these need the sizes of the padded axes.
        constant_values: what a constant border holds.

    Raises:
        ValueError: for another mode, negative widths, or an open axis that is not padded with a
            constant.

    Example:
        >>> from fastnn import ops
        >>> ops.pad([1, 2, 3], (1, 2)), ops.pad([1, 2, 3], (2, 0), "reflect")
        (array([0, 1, 2, 3, 0, 0]), array([3, 2, 1, 2, 3]))
    """
    widths = _pad_widths(pad_width, x.ndim)
    if mode == "constant":
        return _pad_constant(x, widths, constant_values)
    if mode not in ("reflect", "symmetric", "edge", "wrap"):
        raise ValueError(
            f"[pad] expected a mode of 'constant', 'reflect', 'symmetric', 'edge' and 'wrap', got "
            f"{mode!r}"
        )
    for axis, (length, width) in enumerate(zip(x.shape, widths, strict=True)):
        if width == (0, 0):
            continue
        if length is None:
            raise ValueError(f"[pad] mode {mode!r} needs the size of axis {axis}, which is open")
        places: Any = np.pad(np.arange(length), width, mode=mode)  # type: ignore[call-overload]
        x = _take(x, Tensor(_core.constant(places)), axis)
    return x


def _pad_constant(x: Tensor, widths: list[tuple[int, int]], value: float) -> Tensor:
    if all(width == (0, 0) for width in widths):
        return x
    attrs = {
        "begin": [before for before, _ in widths],
        "step": [1] * x.ndim,
        "size": list(x.dims),
        "shape": [d + b + a for d, (b, a) in zip(x.dims, widths, strict=True)],
    }
    padded = node("unslice", [x], **attrs)
    if value == 0:
        return padded
    inside = node("unslice", [ones_like(x, "bool")], **attrs)
    border = full((), value, x.dtype)
    return node("where", [inside, padded, border])


def _indices(indices: Tensor, op: str) -> Tensor:
    if indices.dtype[0] == "f" or indices.dtype == "bool":
        raise TypeError(f"[{op}] expected integers as indices, got {indices.dtype}")
    return Tensor(_core.cast(indices._value, "int64"))


def take(x: TensorLike, indices: TensorLike, axis: int | None = None) -> Any:
    """The slices of x at indices along an axis (default: of the flattened x).

    Raises:
        IndexError: when run, if an index is out of bounds.

    Example:
        >>> from fastnn import ops
        >>> ops.take([10, 20, 30], [2, 0])
        array([30, 10])
    """
    # A number would take the dtype of x beside it.
    return _take(x, indices if isinstance(indices, Tensor) else np.asarray(indices), axis)


@operation(2)
def _take(x: Tensor, indices: Tensor, axis: int | None) -> Any:
    index = _indices(indices, "take")
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    return node("take", [x, index], axis=axis)


@operation(2)
def take_along_axis(x: Tensor, indices: Tensor, axis: int = -1) -> Any:
    """The elements of x at an index for each place along an axis.

    Example:
        >>> from fastnn import ops
        >>> ops.take_along_axis([[1, 2], [3, 4]], [[1], [0]])
        array([[2],
               [3]])
    """
    return node("take_along_axis", [x, _indices(indices, "take_along_axis")], axis=axis)


@operation()
def one_hot(x: Tensor, num_classes: int, dtype: str = "float32") -> Any:
    """1 at the index, 0 elsewhere, along a new last axis.

    Example:
        >>> from fastnn import ops
        >>> ops.one_hot([1, 0], 2)
        array([[0., 1.],
               [1., 0.]], dtype=float32)
    """
    return node("one_hot", [_indices(x, "one_hot")], num_classes=int(num_classes), dtype=dtype)


@operation()
def cast(x: Tensor, dtype: str) -> Any:
    """The same numbers in another dtype.

    Example:
        >>> from fastnn import ops
        >>> ops.cast([1.7, -1.7], "int32")
        array([ 1, -1], dtype=int32)
    """
    return Tensor(_core.cast(x._value, dtype))


@operation()
def stop_gradient(x: Tensor) -> Any:
    """x, through which no gradient flows.

    Example:
        >>> from fastnn import ops
        >>> ops.stop_gradient([1.0])
        array([1.])
    """
    return node("stop_gradient", [x])


def shape_of(x: TensorLike, axis: int, dtype: str = "int64") -> Any:
    """The length of an axis, also where it is known only at run time, as a 0-d tensor.

    Example:
        >>> from fastnn import ops
        >>> int(ops.shape_of([1, 2, 3], 0))
        3
    """
    if not isinstance(x, Tensor):
        return np.asarray(np.shape(x)[axis], dtype)[()]
    return Tensor(_core.extent_value(x.dims[_axis(axis, x.ndim, "shape_of")], dtype))


def full(shape: Sequence[Dimension], value: float, dtype: str = "float32") -> Any:
    """A tensor filled with one number.

    Example:
        >>> from fastnn import ops
        >>> ops.full((2,), 3.0).shape
        (2,)
    """
    return node("full", [], shape=list(shape), value=float(value), dtype=dtype)


@operation()
def zeros_like(x: Tensor, dtype: str | None = None) -> Any:
    """Zeros of the shape of x.

    Example:
        >>> from fastnn import ops
        >>> ops.zeros_like([1.0, 2.0])
        array([0., 0.])
    """
    return full(x.dims, 0.0, dtype or x.dtype)


@operation()
def ones_like(x: Tensor, dtype: str | None = None) -> Any:
    """Ones of the shape of x.

    Example:
        >>> from fastnn import ops
        >>> ops.ones_like([5.0, 2.0])
        array([1., 1.])
    """
    return full(x.dims, 1.0, dtype or x.dtype)


_operators["transpose"] = transpose
_operators["getitem"] = getitem
