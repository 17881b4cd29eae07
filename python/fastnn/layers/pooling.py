"""Pooling over windows and over whole images or sequences; channels come last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from fastnn import ops
from fastnn._tensor import Tensor
from fastnn.layers._base import Layer
from fastnn.layers._legacy import renamed_arguments
from fastnn.layers._windows import check_data_format, check_padding, check_room, whole_numbers


class _Pooling(Layer):
    _rank: ClassVar[int] = 2
    _pool: ClassVar[Callable[..., Any]]

    @renamed_arguments(pool_length="pool_size", stride="strides", border_mode="padding")
    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        owner = type(self).__name__
        self.pool_size = whole_numbers(owner, "pool_size", pool_size, self._rank)
        self.strides = self.pool_size
        if strides is not None:
            self.strides = whole_numbers(owner, "strides", strides, self._rank)
        self.padding = check_padding(owner, padding)
        self.data_format = check_data_format(owner, data_format)
        self._expect_rank(self._rank + 2)

    def _check_shape(self, shape: Sequence[int | None]) -> None:
        super()._check_shape(shape)
        if self.padding == "valid":
            check_room(type(self).__name__, shape, self.pool_size, (1,) * self._rank)

    def call(self, inputs: Tensor) -> Any:
        """The pooled input.

        Args:
            inputs: (batch, spatial sizes ..., channels).
        """
        return type(self)._pool(inputs, self.pool_size, self.strides, self.padding)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {
            **super().get_config(),
            "pool_size": list(self.pool_size),
            "strides": list(self.strides),
            "padding": self.padding,
            "data_format": self.data_format,
        }


class MaxPooling2D(_Pooling):
    """The largest value of each window of an image, channel by channel.

    Args:
        pool_size: of the window, a number or (height, width); default 2.
        strides: of the windows; default: side by side.
        padding: "valid" (default) or "same" (ceil(size / stride) windows).
        data_format: "channels_last" or None; others are refused.
        **kwargs: as for :class:`Layer`.

    Shapes: (batch, height, width, channels) to (batch, height', width', channels).

    Raises:
        ValueError: for sizes below 1 or an image smaller than a window.
        TypeError: for sizes that are no whole numbers.

    Example:
        >>> import numpy as np
        >>> MaxPooling2D()(np.arange(16.0).reshape(1, 4, 4, 1).astype("f")).ravel()
        array([ 5.,  7., 13., 15.], dtype=float32)
    """

    _pool = staticmethod(ops.max_pool)


class MaxPooling1D(_Pooling):
    """The largest value of each window of a sequence; see :class:`MaxPooling2D`.

    Args:
        pool_size: of the window; default 2.
        strides: of the windows; default: side by side.
        padding: "valid" (default) or "same".
        data_format: "channels_last" or None; others are refused.
        **kwargs: as for :class:`Layer`.

    Shapes: (batch, steps, channels) to (batch, steps', channels). The steps may be open.

    Raises:
        ValueError: for sizes below 1 or a sequence shorter than a window.

    Example:
        >>> import numpy as np
        >>> MaxPooling1D(3)(np.zeros((2, 9, 4), "float32")).shape
        (2, 3, 4)
    """

    _rank: ClassVar[int] = 1
    _pool = staticmethod(ops.max_pool)


class AveragePooling2D(_Pooling):
    """The mean of each window of an image; with "same", of its pixels inside the image.

    Args:
        pool_size, strides, padding, data_format: as for :class:`MaxPooling2D`.
        **kwargs: as for :class:`Layer`.

    Shapes: (batch, height, width, channels) to (batch, height', width', channels).

    Raises:
        ValueError: for sizes below 1 or an image smaller than a window.

    Example:
        >>> import numpy as np
        >>> AveragePooling2D()(np.arange(16.0).reshape(1, 4, 4, 1).astype("f")).ravel()
        array([ 2.5,  4.5, 10.5, 12.5], dtype=float32)
    """

    _pool = staticmethod(ops.average_pool)


class AveragePooling1D(_Pooling):
    """The mean of each window of a sequence; with "same", of its steps inside the sequence.

    Args:
        pool_size, strides, padding, data_format: as for :class:`MaxPooling1D`.
        **kwargs: as for :class:`Layer`.

    Shapes: (batch, steps, channels) to (batch, steps', channels).

    Raises:
        ValueError: for sizes below 1 or a sequence shorter than a window.

    Example:
        >>> import numpy as np
        >>> AveragePooling1D(2, strides=1)(np.zeros((2, 9, 4), "float32")).shape
        (2, 8, 4)
    """

    _rank: ClassVar[int] = 1
    _pool = staticmethod(ops.average_pool)


class _GlobalPooling(Layer):
    _rank: ClassVar[int] = 2
    _reduce: ClassVar[Callable[..., Any]]

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = check_data_format(type(self).__name__, data_format)
        self.keepdims = bool(keepdims)
        self._expect_rank(self._rank + 2)

    def call(self, inputs: Tensor) -> Any:
        """The input reduced over its spatial axes.

        Args:
            inputs: (batch, spatial sizes ..., channels).
        """
        axes = tuple(range(1, self._rank + 1))
        return type(self)._reduce(inputs, axes, keepdims=self.keepdims)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {
            **super().get_config(),
            "data_format": self.data_format,
            "keepdims": self.keepdims,
        }


class GlobalMaxPooling2D(_GlobalPooling):
    """The largest value of each channel over the whole image.

    Args:
        data_format: "channels_last" or None; others are refused.
        keepdims: whether the spatial axes stay, of length 1; default False.
        **kwargs: as for :class:`Layer`.

    Shapes: (batch, height, width, channels) to (batch, channels).

    Example:
        >>> import numpy as np
        >>> GlobalMaxPooling2D()(np.arange(4.0).reshape(1, 2, 2, 1).astype("f"))
        array([[3.]], dtype=float32)
    """

    _reduce = staticmethod(ops.max)


class GlobalMaxPooling1D(_GlobalPooling):
    """The largest value of each channel over all steps; see :class:`GlobalMaxPooling2D`.

    Args:
        data_format: "channels_last" or None; others are refused.
        keepdims: whether the axis of the steps stays, of length 1; default False.
        **kwargs: as for :class:`Layer`.

    Shapes: (batch, steps, channels) to (batch, channels).

    Example:
        >>> import numpy as np
        >>> GlobalMaxPooling1D(keepdims=True)(np.zeros((2, 9, 4), "float32")).shape
        (2, 1, 4)
    """

    _rank: ClassVar[int] = 1
    _reduce = staticmethod(ops.max)


class GlobalAveragePooling2D(_GlobalPooling):
    """The mean of each channel over the whole image.

    Args:
        data_format: "channels_last" or None; others are refused.
        keepdims: whether the spatial axes stay, of length 1; default False.
        **kwargs: as for :class:`Layer`.

    Shapes: (batch, height, width, channels) to (batch, channels).

    Example:
        >>> import numpy as np
        >>> GlobalAveragePooling2D()(np.arange(4.0).reshape(1, 2, 2, 1).astype("f"))
        array([[1.5]], dtype=float32)
    """

    _reduce = staticmethod(ops.mean)


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean of each channel over all steps, or over those that a mask lets count.

    Args:
        data_format: "channels_last" or None; others are refused.
        keepdims: whether the axis of the steps stays, of length 1; default False.
        **kwargs: as for :class:`Layer`.

    Shapes: (batch, steps, channels) to (batch, channels).

    Example:
        >>> import numpy as np
        >>> GlobalAveragePooling1D()(np.ones((2, 9, 4), "float32")).shape
        (2, 4)
    """

    _rank: ClassVar[int] = 1
    _reduce = staticmethod(ops.mean)

    def call(self, inputs: Tensor, mask: Any = None) -> Any:
        """The mean over the steps.

        Args:
            inputs: (batch, steps, channels).
            mask: (batch, steps), False for steps that do not count; a row without any gives NaN.
        """
        if mask is None:
            return super().call(inputs)
        counts = ops.expand_dims(ops.cast(mask, inputs.dtype), -1)
        kept = ops.where(ops.expand_dims(ops.cast(mask, "bool"), -1), inputs, 0.0)
        total = ops.sum(kept, 1, keepdims=self.keepdims)
        return total / ops.sum(counts, 1, keepdims=self.keepdims)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """None: the steps are gone.

        Args:
            inputs: as for :meth:`call`.
            mask: as for :meth:`call`.
        """


MaxPool1D, MaxPool2D = MaxPooling1D, MaxPooling2D
AvgPool1D, AvgPool2D = AveragePooling1D, AveragePooling2D
GlobalMaxPool1D, GlobalMaxPool2D = GlobalMaxPooling1D, GlobalMaxPooling2D
GlobalAvgPool1D, GlobalAvgPool2D = GlobalAveragePooling1D, GlobalAveragePooling2D
