"""Layers of several inputs."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from fastnn import ops
from fastnn._tensor import Tensor, mask_of, with_mask
from fastnn.layers._arguments import format_shape
from fastnn.layers._base import Layer


class _Merge(Layer):
    """Combines a list of tensors element by element, broadcasting from the batch axis on.

    Rows of fewer axes get axes of length 1 in front. Where all inputs have masks, the output has
    one that lets through what any of them does.
    """

    _masking = True
    _least = 2
    _most: int | None = None

    def call(self, inputs: Sequence[Tensor]) -> Any:
        """The combination.

        Args:
            inputs: a list of tensors whose shapes broadcast.
        """
        if not isinstance(inputs, (list, tuple)) or len(inputs) < self._least:
            got = len(inputs) if isinstance(inputs, (list, tuple)) else "one tensor"
            raise ValueError(
                f"[{type(self).__name__}] expected a list of at least {self._least} tensors, "
                f"got {got}"
            )
        if self._most is not None and len(inputs) > self._most:
            raise ValueError(
                f"[{type(self).__name__}] expected a list of {self._most} tensors, "
                f"got {len(inputs)}"
            )
        return self._merge(self._aligned(list(inputs)))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """What any of the masks lets through; None where an input has none.

        Args:
            inputs: a list of tensors.
            mask: a list of their masks, or None.

        Raises:
            ValueError: for another number of masks.
        """
        masks = self._checked_masks(inputs, mask)
        if not masks or any(one is None for one in masks):
            return None
        return functools.reduce(ops.logical_or, masks)

    def _checked_masks(self, inputs: Any, mask: Any) -> list[Any]:
        if mask is None:
            return []
        if not isinstance(mask, (list, tuple)) or len(mask) != len(inputs):
            got = len(mask) if isinstance(mask, (list, tuple)) else "one mask"
            raise ValueError(
                f"[{type(self).__name__}] expected a list of {len(inputs)} masks, one for each "
                f"input, got {got}"
            )
        return list(mask)

    def _aligned(self, inputs: list[Tensor]) -> list[Tensor]:
        rank = max(tensor.ndim for tensor in inputs)
        return [
            with_mask(ops.reshape(t, (t.dims[0], *[1] * (rank - t.ndim), *t.dims[1:])), mask_of(t))
            if 0 < t.ndim < rank
            else t
            for t in inputs
        ]

    def _merge(self, inputs: list[Tensor]) -> Any:
        result = inputs[0]
        for other in inputs[1:]:
            result = self._pair(result, other)
        return result

    def _pair(self, a: Tensor, b: Tensor) -> Any:
        raise NotImplementedError


class Add(_Merge):
    """The sum of its inputs.

    Example:
        >>> import numpy as np
        >>> Add()([np.array([[1.0]], "float32"), np.array([[2.0]], "float32")])
        array([[3.]], dtype=float32)
    """

    def _pair(self, a: Tensor, b: Tensor) -> Any:
        return ops.add(a, b)


class Subtract(_Merge):
    """The first of two inputs less the second.

    Example:
        >>> import numpy as np
        >>> Subtract()([np.array([[1.0]], "float32"), np.array([[2.0]], "float32")])
        array([[-1.]], dtype=float32)
    """

    _most = 2

    def _pair(self, a: Tensor, b: Tensor) -> Any:
        return ops.subtract(a, b)


class Multiply(_Merge):
    """The product of its inputs.

    Steps that an input's mask leaves out count as 1 in it; those that no mask lets through are 0.

    Example:
        >>> import numpy as np
        >>> Multiply()([np.array([[3.0]], "float32"), np.array([[2.0]], "float32")])
        array([[6.]], dtype=float32)
    """

    def _merge(self, inputs: list[Tensor]) -> Any:
        masks = [_spread(mask_of(tensor), tensor) for tensor in inputs]
        factors = [
            tensor if mask is None else ops.where(mask, tensor, ops.ones_like(tensor))
            for tensor, mask in zip(inputs, masks, strict=True)
        ]
        result = super()._merge(factors)
        if any(mask is None for mask in masks):
            return result
        seen = functools.reduce(ops.logical_or, masks)
        return ops.where(seen, result, ops.zeros_like(result))

    def _pair(self, a: Tensor, b: Tensor) -> Any:
        return ops.multiply(a, b)


class Average(_Merge):
    """The mean of its inputs.

    Example:
        >>> import numpy as np
        >>> Average()([np.array([[1.0]], "float32"), np.array([[2.0]], "float32")])
        array([[1.5]], dtype=float32)
    """

    def _merge(self, inputs: list[Tensor]) -> Any:
        return super()._merge(inputs) * (1.0 / len(inputs))

    def _pair(self, a: Tensor, b: Tensor) -> Any:
        return ops.add(a, b)


class _Extreme(_Merge):
    """The largest or smallest of those inputs whose masks let a step through."""

    def _merge(self, inputs: list[Tensor]) -> Any:
        result, seen = inputs[0], _spread(mask_of(inputs[0]), inputs[0])
        for tensor in inputs[1:]:
            mask = _spread(mask_of(tensor), tensor)
            other = tensor if mask is None else ops.where(mask, tensor, result)
            if seen is not None:
                result = ops.where(seen, result, other)
            seen = None if mask is None or seen is None else ops.logical_or(seen, mask)
            result = self._pair(result, other)
        return result


class Maximum(_Extreme):
    """The largest of its inputs, element by element.

    Example:
        >>> import numpy as np
        >>> Maximum()([np.array([[1.0]], "float32"), np.array([[2.0]], "float32")])
        array([[2.]], dtype=float32)
    """

    def _pair(self, a: Tensor, b: Tensor) -> Any:
        return ops.maximum(a, b)


class Minimum(_Extreme):
    """The smallest of its inputs, element by element.

    Example:
        >>> import numpy as np
        >>> Minimum()([np.array([[1.0]], "float32"), np.array([[2.0]], "float32")])
        array([[1.]], dtype=float32)
    """

    def _pair(self, a: Tensor, b: Tensor) -> Any:
        return ops.minimum(a, b)


class Concatenate(_Merge):
    """Its inputs behind each other along an axis.

    Args:
        axis: default -1.
        **kwargs: as for :class:`Layer`.

    Example:
        >>> import numpy as np
        >>> Concatenate()([np.array([[1.0]], "float32"), np.array([[2.0]], "float32")])
        array([[1., 2.]], dtype=float32)
    """

    _least = 1

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def _aligned(self, inputs: list[Tensor]) -> list[Tensor]:
        return inputs

    def _merge(self, inputs: list[Tensor]) -> Any:
        return inputs[0] if len(inputs) == 1 else ops.concatenate(inputs, axis=self.axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The masks behind each other; an input without one lets everything through.

        Args:
            inputs: a list of tensors.
            mask: a list of their masks, or None.

        Raises:
            ValueError: for another number of masks.
        """
        masks = self._checked_masks(inputs, mask)
        if all(one is None for one in masks):
            return None
        spread = [
            ops.ones_like(tensor, "bool")
            if one is None
            else _spread(one, tensor)
            if one.ndim < tensor.ndim
            else one
            for tensor, one in zip(inputs, masks, strict=True)
        ]
        joined = ops.concatenate(spread, axis=self.axis) if len(spread) > 1 else spread[0]
        return ops.any(joined, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "axis": self.axis}


class Dot(_Merge):
    """The products of the rows of two inputs, summed over one axis of each.

    Args:
        axes: one axis for both, or one for each; not the batch axis.
        normalize: whether rows are scaled to length 1 first (cosine proximity); default False.
        **kwargs: as for :class:`Layer`.

    Shapes: (batch, a..., n) and (batch, b..., n) with axes=-1 to (batch, a..., b...), or
    (batch, 1) where both have rank 2.

    Raises:
        ValueError: for axes that are no pair, for the batch axis, for ranks other than 2 and 3.

    Example:
        >>> import numpy as np
        >>> a = np.array([[1.0, 2.0]], "float32")
        >>> Dot(axes=1)([a, a])
        array([[5.]], dtype=float32)
    """

    _most = 2

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axes = axes if isinstance(axes, int) else tuple(axes)
        if not isinstance(self.axes, int) and len(self.axes) != 2:
            raise ValueError(f"[Dot] expected one axis or a pair of them, got {axes!r}")
        self.normalize = bool(normalize)

    def _merge(self, inputs: list[Tensor]) -> Any:
        axes = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        pair = [self._prepare(tensor, axis) for tensor, axis in zip(inputs, axes, strict=True)]
        (a, axis_a), (b, axis_b) = pair
        if a.ndim == 2 and b.ndim == 2:
            return ops.sum(a * b, axis=1, keepdims=True)
        squeeze = [axis - 1 for axis, t in ((1, a), (2, b)) if t.ndim == 2]
        if a.ndim == 2:
            a, axis_a = ops.expand_dims(a, 1), 2
        if b.ndim == 2:
            b, axis_b = ops.expand_dims(b, 2), 1
        product = ops.matmul(a, b, transpose_a=axis_a == 1, transpose_b=axis_b == 2)
        return ops.squeeze(product, axis=squeeze[0] + 1) if squeeze else product

    def _prepare(self, tensor: Tensor, axis: int) -> tuple[Tensor, int]:
        axis = axis + tensor.ndim if axis < 0 else axis
        if tensor.ndim not in (2, 3) or not 1 <= axis < tensor.ndim:
            raise ValueError(
                f"[Dot] expected inputs of rank 2 or 3 and axes behind the batch, got shape "
                f"{format_shape(tensor.shape)} with axes {self.axes}"
            )
        if self.normalize:
            tensor = tensor / ops.maximum(ops.norm(tensor, axis=axis, keepdims=True), 1e-12)
        return tensor, axis

    def _aligned(self, inputs: list[Tensor]) -> list[Tensor]:
        return inputs

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """None: sums over steps have no mask.

        Args:
            inputs: two tensors.
            mask: their masks.
        """
        return None

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        axes = self.axes if isinstance(self.axes, int) else list(self.axes)
        return {**super().get_config(), "axes": axes, "normalize": self.normalize}


def _spread(mask: Tensor | None, tensor: Tensor) -> Any:
    """A mask of steps as one of the elements of a tensor."""
    return None if mask is None else ops.broadcast_to(ops.expand_dims(mask, -1), tensor.dims)


# --- the same as functions


def add(inputs: Sequence[Tensor], **kwargs: Any) -> Any:
    """``Add(**kwargs)(inputs)``.

    Example:
        >>> import fastnn
        >>> x = fastnn.Input((4,))
        >>> add([x, x]).shape
        (None, 4)
    """
    return Add(**kwargs)(inputs)


def subtract(inputs: Sequence[Tensor], **kwargs: Any) -> Any:
    """``Subtract(**kwargs)(inputs)``."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[Tensor], **kwargs: Any) -> Any:
    """``Multiply(**kwargs)(inputs)``."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Sequence[Tensor], **kwargs: Any) -> Any:
    """``Average(**kwargs)(inputs)``."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Sequence[Tensor], **kwargs: Any) -> Any:
    """``Maximum(**kwargs)(inputs)``."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[Tensor], **kwargs: Any) -> Any:
    """``Minimum(**kwargs)(inputs)``."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Sequence[Tensor], axis: int = -1, **kwargs: Any) -> Any:
    """``Concatenate(axis, **kwargs)(inputs)``.

    Example:
        >>> import fastnn
        >>> a, b = fastnn.Input((4,)), fastnn.Input((3,))
        >>> concatenate([a, b]).shape
        (None, 7)
    """
    return Concatenate(axis, **kwargs)(inputs)


def dot(inputs: Sequence[Tensor], axes: int | Sequence[int] = -1, **kwargs: Any) -> Any:
    """``Dot(axes, **kwargs)(inputs)``."""
    return Dot(axes, **kwargs)(inputs)
