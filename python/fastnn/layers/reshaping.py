"""Layers that change the shape, or only scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from fastnn import ops
from fastnn._tensor import Tensor
from fastnn.layers._arguments import Shape, constant, format_shape, is_shape, positive_int
from fastnn.layers._base import Layer


class Identity(Layer):
    """Hands its input on.

    Example:
        >>> import numpy as np
        >>> Identity()(np.array([1.0, 2.0], "float32"))
        array([1., 2.], dtype=float32)
    """

    _masking = True

    def call(self, inputs: Any) -> Any:
        """The inputs themselves.

        Args:
            inputs: anything.
        """
        return inputs


class Flatten(Layer):
    """Rows of any rank to rows of rank one.

    Args:
        data_format: accepted and ignored: the order of elements is that of the array.
        **kwargs: as for :class:`Layer`.

    Shapes: (batch, a, b, ...) to (batch, a * b * ...); (batch,) to (batch, 1).

    Example:
        >>> import numpy as np
        >>> Flatten()(np.zeros((2, 3, 4), "float32")).shape
        (2, 12)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def call(self, inputs: Tensor) -> Any:
        """The flattened rows.

        Args:
            inputs: any shape of rank 1 or above.
        """
        return ops.reshape(inputs, (inputs.dims[0], -1))


class Reshape(Layer):
    """Rows in another shape of as many elements.

    Args:
        target_shape: of one row; one size may be -1, which follows from the others.
        **kwargs: as for :class:`Layer`.

    Raises:
        ValueError: for two sizes of -1, or, when called, another number of elements.

    Example:
        >>> import numpy as np
        >>> Reshape((2, -1))(np.zeros((5, 6), "float32")).shape
        (5, 2, 3)
    """

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not is_shape(target_shape) or None in target_shape:
            raise TypeError(f"[Reshape] expected a tuple of sizes, got {target_shape!r}")
        self.target_shape = tuple(int(size) for size in target_shape)
        if self.target_shape.count(-1) > 1 or min(self.target_shape, default=0) < -1:
            raise ValueError(
                f"[Reshape] expected sizes with at most one -1, got {self.target_shape}"
            )

    def call(self, inputs: Tensor) -> Any:
        """The reshaped rows.

        Args:
            inputs: (batch, ...), with known sizes behind the batch.
        """
        return ops.reshape(inputs, (inputs.dims[0], *self._resolved(inputs.shape)))

    def _resolved(self, shape: Shape) -> tuple[int, ...]:
        if None in shape[1:]:
            raise ValueError(
                f"[Reshape] expected known sizes behind the batch, got {format_shape(shape)}"
            )
        available = math.prod(int(size or 0) for size in shape[1:])
        fixed = math.prod(size for size in self.target_shape if size != -1)
        has_free = -1 in self.target_shape
        fits = available % fixed == 0 if has_free and fixed else available == fixed
        if not fits:
            raise ValueError(
                f"[Reshape] expected rows of {fixed} elements{' or a multiple' * has_free} for "
                f"the shape {self.target_shape}, got {format_shape(shape)} with {available}"
            )
        return tuple(available // fixed if size == -1 else size for size in self.target_shape)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "target_shape": list(self.target_shape)}


class Permute(Layer):
    """Rows with their axes in another order.

    Args:
        dims: the axes of a row, counted from 1, in their new order.
        **kwargs: as for :class:`Layer`.

    Raises:
        ValueError: for dims that are no permutation of 1 .. n.

    Example:
        >>> import numpy as np
        >>> Permute((2, 1))(np.zeros((5, 3, 4), "float32")).shape
        (5, 4, 3)
    """

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"[Permute] expected a permutation of the axes 1 .. n of a row, got {self.dims}"
            )
        self._expect_rank(len(self.dims) + 1)

    def call(self, inputs: Tensor) -> Any:
        """The permuted rows.

        Args:
            inputs: of rank ``len(dims) + 1``.
        """
        return ops.transpose(inputs, (0, *self.dims))

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "dims": list(self.dims)}


class RepeatVector(Layer):
    """Each row n times.

    Args:
        n: how often.
        **kwargs: as for :class:`Layer`.

    Shapes: (batch, features) to (batch, n, features).

    Raises:
        ValueError: for n below 1.

    Example:
        >>> import numpy as np
        >>> RepeatVector(3)(np.zeros((5, 2), "float32")).shape
        (5, 3, 2)
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = positive_int("RepeatVector", "n", n)
        self._expect_rank(2)

    def call(self, inputs: Tensor) -> Any:
        """The repeated rows.

        Args:
            inputs: (batch, features).
        """
        rows, features = inputs.dims
        return ops.broadcast_to(ops.expand_dims(inputs, 1), (rows, self.n, features))

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "n": self.n}


class Rescaling(Layer):
    """``x * scale + offset``.

    Args:
        scale: a number, or one for each element of the last axis.
        offset: the same; default 0.
        **kwargs: as for :class:`Layer`.

    Example:
        >>> import numpy as np
        >>> Rescaling(1 / 255)(np.array([[255.0, 0.0]], "float32"))
        array([[1., 0.]], dtype=float32)
    """

    _masking = True

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset

    def call(self, inputs: Tensor) -> Any:
        """The rescaled input.

        Args:
            inputs: any shape; whole numbers are cast to the layer's dtype.
        """
        if inputs.dtype != self.dtype:
            inputs = ops.cast(inputs, self.dtype)
        return inputs * constant(self.scale, self.dtype) + constant(self.offset, self.dtype)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "scale": self.scale, "offset": self.offset}
