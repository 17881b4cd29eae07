"""Convolutions of each channel by itself, alone or followed by one that mixes the channels."""

from __future__ import annotations

from typing import Any, ClassVar

from fastnn import ops
from fastnn._tensor import Tensor
from fastnn.layers._arguments import Shape, positive_int
from fastnn.layers._legacy import renamed_arguments
from fastnn.layers._windows import OLD_NAMES, WindowedProduct

_OLD_NAMES = {
    **OLD_NAMES,
    "init": "depthwise_initializer",
    "W_regularizer": "depthwise_regularizer",
    "W_constraint": "depthwise_constraint",
}


class _Depthwise(WindowedProduct):
    _kernels: ClassVar[tuple[str, ...]] = ("depthwise",)

    @renamed_arguments(**_OLD_NAMES)
    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.depth_multiplier = positive_int(
            type(self).__name__, "depth_multiplier", depth_multiplier
        )
        self._set_windows(kernel_size, strides, padding, data_format, dilation_rate)
        self._set_kernel(
            "depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint
        )
        self._set_output(activation, use_bias, bias_initializer, bias_regularizer, bias_constraint)

    def build(self, input_shape: Shape) -> None:
        """Makes kernel and bias.

        Args:
            input_shape: (batch, spatial sizes ..., channels); the channels must be known.

        Raises:
            ValueError: for another rank.
        """
        channels = self._channels(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.kernel = self._add_kernel(shape, of="depthwise")
        self._add_bias(channels * self.depth_multiplier, channels)

    def call(self, inputs: Tensor) -> Any:
        """``activation(depthwise_conv(inputs, kernel) + bias)``.

        Args:
            inputs: (batch, spatial sizes ..., channels).
        """
        outputs = ops.depthwise_conv(
            self._input(inputs), self.kernel, self.strides, self.padding, self.dilation_rate
        )
        return self._output(outputs)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "depth_multiplier": self.depth_multiplier}


class DepthwiseConv2D(_Depthwise):
    """A convolution of each channel of an image by itself.

    Args:
        kernel_size: of the window, a number or (height, width).
        strides: of the windows; default 1.
        padding: "valid" (default) or "same".
        depth_multiplier: outputs of each channel; default 1.
        data_format: "channels_last" or None; others are refused.
        dilation_rate: distance of a window's pixels; default 1. Strides or it must be 1.
        activation: a name or function; default none (linear).
        use_bias: whether there is a bias; default True.
        depthwise_initializer: of the kernel; default "glorot_uniform".
        bias_initializer: default "zeros".
        depthwise_regularizer, bias_regularizer, activity_regularizer: default none.
        depthwise_constraint, bias_constraint: default none.
        **kwargs: name, trainable, dtype, input_shape, as for :class:`Layer`.

    Shapes: (batch, height, width, channels) to (batch, height', width', channels *
    depth_multiplier); kernel (height, width, channels, depth_multiplier).

    Raises:
        ValueError: for sizes below 1, unknown names, an image smaller than a window.
        TypeError: for sizes that are no whole numbers.

    Example:
        >>> import numpy as np
        >>> DepthwiseConv2D(3, depth_multiplier=2)(np.zeros((1, 8, 8, 3), "float32")).shape
        (1, 6, 6, 6)
    """


class DepthwiseConv1D(_Depthwise):
    """A convolution of each channel of a sequence by itself; see :class:`DepthwiseConv2D`.

    Args:
        kernel_size: of the window.
        strides, padding, depth_multiplier, data_format, dilation_rate, activation, use_bias,
            depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer,
            activity_regularizer, depthwise_constraint, bias_constraint: as for
            :class:`DepthwiseConv2D`.
        **kwargs: name, trainable, dtype, input_shape, as for :class:`Layer`.

    Shapes: (batch, steps, channels) to (batch, steps', channels * depth_multiplier).

    Raises:
        ValueError: for sizes below 1, unknown names, a sequence shorter than a window.
        TypeError: for sizes that are no whole numbers.

    Example:
        >>> import numpy as np
        >>> DepthwiseConv1D(3)(np.zeros((1, 8, 3), "float32")).shape
        (1, 6, 3)
    """

    _rank: ClassVar[int] = 1


class _Separable(WindowedProduct):
    _kernels: ClassVar[tuple[str, ...]] = ("depthwise", "pointwise")

    @renamed_arguments(**_OLD_NAMES)
    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        owner = type(self).__name__
        self.filters = positive_int(owner, "filters", filters)
        self.depth_multiplier = positive_int(owner, "depth_multiplier", depth_multiplier)
        self._set_windows(kernel_size, strides, padding, data_format, dilation_rate)
        self._set_kernel(
            "depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint
        )
        self._set_kernel(
            "pointwise", pointwise_initializer, pointwise_regularizer, pointwise_constraint
        )
        self._set_output(activation, use_bias, bias_initializer, bias_regularizer, bias_constraint)

    def build(self, input_shape: Shape) -> None:
        """Makes both kernels and the bias.

        Args:
            input_shape: (batch, spatial sizes ..., channels); the channels must be known.

        Raises:
            ValueError: for another rank.
        """
        channels = self._channels(input_shape)
        between = channels * self.depth_multiplier
        self.depthwise_kernel = self._add_kernel(
            (*self.kernel_size, channels, self.depth_multiplier), "depthwise_kernel", "depthwise"
        )
        self.pointwise_kernel = self._add_kernel(
            (*(1,) * self._rank, between, self.filters), "pointwise_kernel", "pointwise"
        )
        self._add_bias(self.filters, channels)

    def call(self, inputs: Tensor) -> Any:
        """``activation(separable_conv(inputs, both kernels) + bias)``.

        Args:
            inputs: (batch, spatial sizes ..., channels).
        """
        outputs = ops.separable_conv(
            self._input(inputs),
            self.depthwise_kernel,
            self.pointwise_kernel,
            self.strides,
            self.padding,
            self.dilation_rate,
        )
        return self._output(outputs)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "depth_multiplier": self.depth_multiplier,
        }


class SeparableConv2D(_Separable):
    """A depthwise convolution of an image, then one that mixes the channels of each pixel.

    Args:
        filters: how many; the channels of the output.
        kernel_size: of the window, a number or (height, width).
        strides: of the windows; default 1.
        padding: "valid" (default) or "same".
        data_format: "channels_last" or None; others are refused.
        dilation_rate: distance of a window's pixels; default 1. Strides or it must be 1.
        depth_multiplier: channels between the two convolutions for each channel of the input;
            default 1.
        activation: a name or function; default none (linear).
        use_bias: whether there is a bias, after the second convolution; default True.
        depthwise_initializer, pointwise_initializer: default "glorot_uniform".
        bias_initializer: default "zeros".
        depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer:
            default none.
        depthwise_constraint, pointwise_constraint, bias_constraint: default none.
        **kwargs: name, trainable, dtype, input_shape, as for :class:`Layer`.

    Shapes: (batch, height, width, channels) to (batch, height', width', filters).

    Raises:
        ValueError: for sizes below 1, unknown names, an image smaller than a window.
        TypeError: for sizes that are no whole numbers.

    Example:
        >>> import numpy as np
        >>> SeparableConv2D(16, 3)(np.zeros((1, 8, 8, 3), "float32")).shape
        (1, 6, 6, 16)
    """


class SeparableConv1D(_Separable):
    """A depthwise convolution of a sequence, then one that mixes the channels of each step.

    Args:
        filters: how many; the channels of the output.
        kernel_size: of the window.
        strides, padding, data_format, dilation_rate, depth_multiplier, activation, use_bias,
            depthwise_initializer, pointwise_initializer, bias_initializer,
            depthwise_regularizer, pointwise_regularizer, bias_regularizer,
            activity_regularizer, depthwise_constraint, pointwise_constraint, bias_constraint:
            as for :class:`SeparableConv2D`.
        **kwargs: name, trainable, dtype, input_shape, as for :class:`Layer`.

    Shapes: (batch, steps, channels) to (batch, steps', filters).

    Raises:
        ValueError: for sizes below 1, unknown names, a sequence shorter than a window.
        TypeError: for sizes that are no whole numbers.

    Example:
        >>> import numpy as np
        >>> SeparableConv1D(16, 3, padding="same")(np.zeros((1, 8, 3), "float32")).shape
        (1, 8, 16)
    """

    _rank: ClassVar[int] = 1


SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
