"""What convolution and pooling layers share: the checks of their windows, bias and activation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from fastnn import _registry as registry
from fastnn import constraints, initializers, ops, regularizers
from fastnn._tensor import Tensor
from fastnn.layers._arguments import Shape, format_shape, get_activation
from fastnn.layers._base import Layer

OLD_NAMES = {
    "nb_filter": "filters",
    "filter_length": "kernel_size",
    "subsample": "strides",
    "subsample_length": "strides",
    "border_mode": "padding",
    "atrous_rate": "dilation_rate",
    "bias": "use_bias",
    "init": "kernel_initializer",
    "W_regularizer": "kernel_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "b_constraint": "bias_constraint",
}


def whole_numbers(owner: str, name: str, value: Any, rank: int, least: int = 1) -> tuple[int, ...]:
    """A number for each spatial axis; one number stands for all.

    Raises:
        TypeError: for something else than whole numbers.
        ValueError: for another number of them, or one below ``least``.
    """
    given = tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank
    if len(given) != rank:
        raise ValueError(f"[{owner}] expected {name} of {rank} numbers, got {value!r}")
    for v in given:
        if isinstance(v, bool) or not isinstance(v, (int, np.integer)):
            raise TypeError(f"[{owner}] expected {name} to be a whole number, got {value!r}")
        if v < least:
            raise ValueError(f"[{owner}] expected {name} of at least {least}, got {value!r}")
    return tuple(int(v) for v in given)


def check_padding(owner: str, padding: Any, kinds: tuple[str, ...] = ("valid", "same")) -> str:
    """The kind of padding in lower case.

    Raises:
        ValueError: for another.
    """
    kind = padding.lower() if isinstance(padding, str) else padding
    if kind not in kinds:
        raise ValueError(
            f"[{owner}] expected padding {' or '.join(map(repr, kinds))}, got {padding!r}"
        )
    return str(kind)


def check_data_format(owner: str, data_format: Any) -> str:
    """Channels come last, everywhere.

    Raises:
        ValueError: for anything else.
    """
    if data_format not in (None, "channels_last"):
        raise ValueError(
            f"[{owner}] expected data_format 'channels_last' (batch, ..., channels), got "
            f"{data_format!r}: bring the channels to the end with Permute"
        )
    return "channels_last"


def check_room(
    owner: str, shape: Sequence[int | None], size: Sequence[int], dilation: Sequence[int]
) -> None:
    """Raises ValueError where an axis is known to be shorter than a window."""
    for axis, (n, d) in enumerate(zip(size, dilation, strict=True), 1):
        length, reach = shape[axis], (n - 1) * d + 1
        if length is not None and length < reach:
            raise ValueError(
                f"[{owner}] expected at least {reach} elements along axis {axis} for a window, "
                f"got {format_shape(shape)}"
            )


class WindowedProduct(Layer):
    """Kernels over windows, then bias and activation."""

    _rank: ClassVar[int] = 2
    _paddings: ClassVar[tuple[str, ...]] = ("valid", "same")
    _kernels: ClassVar[tuple[str, ...]] = ("kernel",)  # each with initializer, regularizer, ...
    _transposed: ClassVar[bool] = False

    def _set_windows(
        self, kernel_size: Any, strides: Any, padding: Any, data_format: Any, dilation_rate: Any
    ) -> None:
        owner = type(self).__name__
        self.kernel_size = whole_numbers(owner, "kernel_size", kernel_size, self._rank)
        self.strides = whole_numbers(owner, "strides", strides, self._rank)
        self.padding = check_padding(owner, padding, self._paddings)
        self.data_format = check_data_format(owner, data_format)
        self.dilation_rate = whole_numbers(owner, "dilation_rate", dilation_rate, self._rank)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"[{owner}] expected strides or dilation_rate of 1, got strides {self.strides} "
                f"and dilation_rate {self.dilation_rate}"
            )
        self._expect_rank(self._rank + 2)

    def _set_output(
        self,
        activation: Any,
        use_bias: bool,
        bias_initializer: Any,
        bias_regularizer: Any,
        bias_constraint: Any,
    ) -> None:
        self.activation = get_activation(type(self).__name__, activation)
        self.use_bias = bool(use_bias)
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)

    def _set_kernel(self, name: str, initializer: Any, regularizer: Any, constraint: Any) -> None:
        setattr(self, f"{name}_initializer", initializers.get(initializer))
        setattr(self, f"{name}_regularizer", regularizers.get(regularizer))
        setattr(self, f"{name}_constraint", constraints.get(constraint))

    def _check_shape(self, shape: Sequence[int | None]) -> None:
        super()._check_shape(shape)
        if self.padding == "valid" and not self._transposed:
            check_room(type(self).__name__, shape, self.kernel_size, self.dilation_rate)

    def _channels(self, input_shape: Shape) -> int:
        """The input's channels, which must be known."""
        self._check_shape(input_shape)
        if input_shape[-1] is None:
            raise ValueError(
                f"[{type(self).__name__}] expected a known number of channels, got {input_shape}"
            )
        return int(input_shape[-1])

    def _add_kernel(self, shape: tuple[int, ...], name: str = "kernel", of: str = "kernel") -> Any:
        return self.add_weight(
            shape,
            getattr(self, f"{of}_initializer"),
            regularizer=getattr(self, f"{of}_regularizer"),
            constraint=getattr(self, f"{of}_constraint"),
            name=name,
        )

    def _add_bias(self, size: int, channels: int) -> None:
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                (size,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        self._expected.axes = {-1: channels}

    def _input(self, inputs: Tensor) -> Tensor:
        return inputs if inputs.dtype == self.dtype else ops.cast(inputs, self.dtype)

    def _output(self, outputs: Any) -> Any:
        if self.bias is not None:
            outputs = ops.add(outputs, self.bias)
        return self.activation(outputs)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        config = {
            **super().get_config(),
            "kernel_size": list(self.kernel_size),
            "strides": list(self.strides),
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": list(self.dilation_rate),
            "activation": registry.serialize(self.activation),
            "use_bias": self.use_bias,
        }
        for name in (*self._kernels, "bias"):
            for kind in ("initializer", "regularizer", "constraint"):
                key = f"{name}_{kind}"
                config[key] = registry.serialize(getattr(self, key))
        return config
