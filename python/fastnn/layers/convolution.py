"""Convolutions over one or two spatial axes, and transposed ones; channels come last."""

from __future__ import annotations

from typing import Any, ClassVar

from fastnn import ops
from fastnn._tensor import Tensor
from fastnn.layers._arguments import Shape, positive_int
from fastnn.layers._legacy import renamed_arguments
from fastnn.layers._windows import OLD_NAMES, WindowedProduct, whole_numbers


class _Convolution(WindowedProduct):
    @renamed_arguments(**OLD_NAMES)
    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        owner = type(self).__name__
        self.filters = positive_int(owner, "filters", filters)
        self.groups = positive_int(owner, "groups", groups)
        if self.filters % self.groups:
            raise ValueError(
                f"[{owner}] expected groups that divide the {self.filters} filters, got {groups}"
            )
        self._set_windows(kernel_size, strides, padding, data_format, dilation_rate)
        self._set_kernel("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_output(activation, use_bias, bias_initializer, bias_regularizer, bias_constraint)

    def build(self, input_shape: Shape) -> None:
        """Makes kernel and bias.

        Args:
            input_shape: (batch, spatial sizes ..., channels); the channels must be known.

        Raises:
            ValueError: for another rank, or channels that the groups do not divide.
        """
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"[{type(self).__name__}] expected channels that the {self.groups} groups divide, "
                f"got {channels}"
            )
        self.kernel = self._add_kernel((*self.kernel_size, channels // self.groups, self.filters))
        self._add_bias(self.filters, channels)

    def call(self, inputs: Tensor) -> Any:
        """``activation(conv(inputs, kernel) + bias)``.

        Args:
            inputs: (batch, spatial sizes ..., channels).
        """
        outputs = ops.conv(
            self._input(inputs), self.kernel, self.strides, self.padding, self.dilation_rate
        )
        return self._output(outputs)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "filters": self.filters, "groups": self.groups}


class Conv2D(_Convolution):
    """A convolution over images: ``activation(conv(x, kernel) + bias)``.

    Args:
        filters: how many; the channels of the output.
        kernel_size: of the window, a number or (height, width).
        strides: of the windows; default 1.
        padding: "valid" (default: windows inside the image) or "same" (ceil(size / stride) of
            them).
        data_format: "channels_last" or None; others are refused.
        dilation_rate: distance of a window's pixels; default 1. Strides or it must be 1.
        groups: each filter sees the channels of its group only; default 1.
        activation: a name or function; default none (linear).
        use_bias: whether there is a bias; default True.
        kernel_initializer: default "glorot_uniform".
        bias_initializer: default "zeros".
        kernel_regularizer: adds a function of the kernel to the cost; default none.
        bias_regularizer: the same for the bias.
        activity_regularizer: the same for the output.
        kernel_constraint: applied to the kernel after each update; default none.
        bias_constraint: the same for the bias.
        **kwargs: name, trainable, dtype, input_shape, as for :class:`Layer`.

    Shapes: (batch, height, width, channels) to (batch, height', width', filters); kernel (height,
    width, channels / groups, filters), bias (filters,).

    Raises:
        ValueError: for sizes below 1, unknown names, an image smaller than a window.
        TypeError: for sizes that are no whole numbers.

    Example:
        >>> import numpy as np
        >>> Conv2D(32, 3, activation="relu")(np.zeros((8, 28, 28, 1), "float32")).shape
        (8, 26, 26, 32)
    """


class Conv1D(_Convolution):
    """A convolution over sequences: ``activation(conv(x, kernel) + bias)``.

    Args:
        filters: how many; the channels of the output.
        kernel_size: of the window.
        strides: of the windows; default 1.
        padding: "valid", "same" or "causal" (an output sees no later step).
        data_format: "channels_last" or None; others are refused.
        dilation_rate: distance of a window's steps; default 1.
        groups: each filter sees the channels of its group only; default 1.
        activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer,
            bias_regularizer, activity_regularizer, kernel_constraint, bias_constraint: as for
            :class:`Conv2D`.
        **kwargs: name, trainable, dtype, input_shape, as for :class:`Layer`.

    Shapes: (batch, steps, channels) to (batch, steps', filters); kernel (size, channels / groups,
    filters), bias (filters,). The number of steps may be open.

    Raises:
        ValueError: for sizes below 1, unknown names, a sequence shorter than a window.
        TypeError: for sizes that are no whole numbers.

    Example:
        >>> import numpy as np
        >>> Conv1D(4, 3, padding="causal")(np.zeros((8, 10, 2), "float32")).shape
        (8, 10, 4)
    """

    _rank: ClassVar[int] = 1
    _paddings: ClassVar[tuple[str, ...]] = ("valid", "same", "causal")


class _Transposed(WindowedProduct):
    _transposed: ClassVar[bool] = True

    @renamed_arguments(**OLD_NAMES)
    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        owner = type(self).__name__
        self.filters = positive_int(owner, "filters", filters)
        self._set_windows(kernel_size, strides, padding, data_format, dilation_rate)
        self.output_padding: tuple[int, ...] | None = None
        if output_padding is not None:
            self.output_padding = whole_numbers(
                owner, "output_padding", output_padding, self._rank, 0
            )
            if any(p >= s for p, s in zip(self.output_padding, self.strides, strict=True)):
                raise ValueError(
                    f"[{owner}] expected output_padding below the strides {self.strides}, got "
                    f"{output_padding!r}"
                )
        self._set_kernel("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_output(activation, use_bias, bias_initializer, bias_regularizer, bias_constraint)

    def build(self, input_shape: Shape) -> None:
        """Makes kernel and bias.

        Args:
            input_shape: (batch, spatial sizes ..., channels); the channels must be known.

        Raises:
            ValueError: for another rank.
        """
        channels = self._channels(input_shape)
        self.kernel = self._add_kernel((*self.kernel_size, self.filters, channels))
        self._add_bias(self.filters, channels)

    def call(self, inputs: Tensor) -> Any:
        """``activation(conv_transpose(inputs, kernel) + bias)``.

        Args:
            inputs: (batch, spatial sizes ..., channels).
        """
        outputs = ops.conv_transpose(
            self._input(inputs),
            self.kernel,
            self.strides,
            self.padding,
            self.output_padding,
            self.dilation_rate,
        )
        return self._output(outputs)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        behind = None if self.output_padding is None else list(self.output_padding)
        return {**super().get_config(), "filters": self.filters, "output_padding": behind}


class Conv2DTranspose(_Transposed):
    """A transposed convolution over images: each pixel adds a kernel to a larger image.

    Args:
        filters: how many; the channels of the output.
        kernel_size: a number or (height, width).
        strides: the distance of the kernels in the output; default 1.
        padding: "valid" (default: all that is added to) or "same" (size * stride).
        output_padding: pixels behind the output, below the strides; default: see
            :func:`fastnn.ops.conv_transpose`.
        data_format: "channels_last" or None; others are refused.
        dilation_rate: distance of a kernel's pixels; default 1. Strides or it must be 1.
        activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer,
            bias_regularizer, activity_regularizer, kernel_constraint, bias_constraint: as for
            :class:`Conv2D`.
        **kwargs: name, trainable, dtype, input_shape, as for :class:`Layer`.

    Shapes: (batch, height, width, channels) to (batch, height', width', filters); kernel (height,
    width, filters, channels), bias (filters,).

    Raises:
        ValueError: for sizes below 1 or unknown names.
        TypeError: for sizes that are no whole numbers.

    Example:
        >>> import numpy as np
        >>> layer = Conv2DTranspose(3, 4, strides=2, padding="same")
        >>> layer(np.zeros((2, 7, 7, 16), "float32")).shape
        (2, 14, 14, 3)
    """


class Conv1DTranspose(_Transposed):
    """A transposed convolution over sequences; see :class:`Conv2DTranspose`.

    Args:
        filters: how many; the channels of the output.
        kernel_size: a number.
        strides: the distance of the kernels in the output; default 1.
        padding: "valid" or "same" (size * stride).
        output_padding: steps behind the output, below the stride.
        data_format: "channels_last" or None; others are refused.
        dilation_rate: distance of a kernel's steps; default 1.
        activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer,
            bias_regularizer, activity_regularizer, kernel_constraint, bias_constraint: as for
            :class:`Conv2D`.
        **kwargs: name, trainable, dtype, input_shape, as for :class:`Layer`.

    Shapes: (batch, steps, channels) to (batch, steps', filters); kernel (size, filters, channels).

    Raises:
        ValueError: for sizes below 1 or unknown names.
        TypeError: for sizes that are no whole numbers.

    Example:
        >>> import numpy as np
        >>> Conv1DTranspose(3, 2, strides=2)(np.zeros((2, 7, 5), "float32")).shape
        (2, 14, 3)
    """

    _rank: ClassVar[int] = 1


Convolution1D, Convolution2D = Conv1D, Conv2D
Convolution1DTranspose, Convolution2DTranspose = Conv1DTranspose, Conv2DTranspose
