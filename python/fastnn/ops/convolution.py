"""Convolution and pooling over one or two spatial axes; channels come last."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from .. import _core
from .._tensor import Tensor
from ._dispatch import node, operation
from .shapes import broadcast_to, expand_dims, reshape

Sizes = int | Sequence[int]


def sizes(op: str, name: str, value: Any, rank: int, least: int = 1) -> tuple[int, ...]:
    """A number for each spatial axis; one number stands for all.

    Raises:
        TypeError: for something else than whole numbers.
        ValueError: for another number of them, or one below ``least``.
    """
    try:
        given = tuple(operator.index(v) for v in value) if isinstance(value, (tuple, list)) else ()
        given = given or (operator.index(value),) * rank
    except TypeError:
        raise TypeError(
            f"[{op}] expected {name} as a whole number or {rank} of them, got {value!r}"
        ) from None
    if len(given) != rank:
        raise ValueError(f"[{op}] expected {name} of {rank} numbers, got {value!r}")
    if min(given) < least:
        raise ValueError(f"[{op}] expected {name} of at least {least}, got {value!r}")
    return given


def _spatial_rank(op: str, x: Tensor) -> int:
    if x.ndim not in (3, 4):
        raise ValueError(
            f"[{op}] expected shape (batch, steps, channels) or (batch, height, width, channels), "
            f"got {x.shape}"
        )
    return x.ndim - 2


def _kind_of_padding(op: str, padding: str, kinds: Sequence[str] = ("valid", "same")) -> str:
    kind = padding.lower() if isinstance(padding, str) else padding
    if kind not in kinds:
        names = " or ".join(map(repr, kinds))
        raise ValueError(f"[{op}] expected padding {names}, got {padding!r}")
    return kind


def _padding(
    op: str, kind: str, x: Tensor, reach: Sequence[int], strides: Sequence[int]
) -> list[int]:
    """Elements in front and behind for each axis; with 'same', out = ceil(in / stride)."""
    kind = _kind_of_padding(op, kind, ("valid", "same", "causal"))
    result: list[int] = []
    for axis, (size, stride) in enumerate(zip(reach, strides, strict=True), 1):
        if kind == "valid":
            result += [0, 0]
            continue
        if kind == "causal":
            result += [size - 1, 0]
            continue
        length = x.shape[axis]
        if stride == 1:
            total = size - 1
        elif length is not None:
            total = max((length - 1) // stride * stride + size - length, 0)
        else:
            raise ValueError(
                f"[{op}] padding 'same' with strides above 1 follows from the input's size, which "
                f"is open along axis {axis} of {x.shape}"
            )
        result += [total // 2, total - total // 2]
    return result


def _floats(inputs: Sequence[Tensor]) -> list[Tensor]:
    """The inputs in one floating dtype."""
    dtype = "float32"
    for x in inputs:
        dtype = _core.promote(dtype, x.dtype)
    return [Tensor(_core.cast(x._value, dtype)) for x in inputs]


def _kernel_sizes(op: str, x: Tensor, kernel: Tensor) -> list[int]:
    if kernel.ndim != x.ndim or None in kernel.shape:
        names = "(size, channels, filters)" if x.ndim == 3 else "(height, width, channels, filters)"
        raise ValueError(f"[{op}] expected a kernel {names}, got {kernel.shape}")
    return [int(k or 0) for k in kernel.shape[:-2]]


def _reach(kernel: Sequence[int], dilation: Sequence[int]) -> list[int]:
    return [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]


def _conv(
    op: str, x: Tensor, kernel: Tensor, strides: Any, padding: str, dilation_rate: Any, groups: int
) -> Tensor:
    rank = _spatial_rank(op, x)
    x, kernel = _floats([x, kernel])
    strides = sizes(op, "strides", strides, rank)
    dilation = sizes(op, "dilation_rate", dilation_rate, rank)
    reach = _reach(_kernel_sizes(op, x, kernel), dilation)
    return node(
        "conv",
        [x, kernel],
        strides=list(strides),
        padding=_padding(op, padding, x, reach, strides),
        dilation=list(dilation),
        groups=groups,
    )


@operation(2)
def conv(
    inputs: Tensor,
    kernel: Tensor,
    strides: Sizes = 1,
    padding: str = "valid",
    dilation_rate: Sizes = 1,
) -> Any:
    """Convolution (without turning the kernel around, as all networks have it).

    Args:
        inputs: (batch, steps, channels) or (batch, height, width, channels).
        kernel: (size, channels, filters) or (height, width, channels, filters). Where the input
            has a multiple of the kernel's channels, there are as many groups.
        strides: of the windows, for all axes or each.
        padding: 'valid', 'same' (ceil(size / stride) windows) or 'causal' (zeros in front only).
        dilation_rate: the distance of a window's elements.

    Raises:
        ValueError: for shapes that do not fit, or an input too small for a window.

    Example:
        >>> import numpy as np
        >>> from fastnn import ops
        >>> ops.conv(np.arange(5.0).reshape(1, 5, 1), np.ones((2, 1, 1))).ravel()
        array([1., 3., 5., 7.])
    """
    _spatial_rank("conv", inputs)
    _kernel_sizes("conv", inputs, kernel)
    channels, depth = inputs.shape[-1], kernel.shape[-2] or 1
    groups = channels // depth if channels and channels % depth == 0 else 1
    return _conv("conv", inputs, kernel, strides, padding, dilation_rate, groups)


@operation(2)
def depthwise_conv(
    inputs: Tensor,
    kernel: Tensor,
    strides: Sizes = 1,
    padding: str = "valid",
    dilation_rate: Sizes = 1,
) -> Any:
    """Convolution of each channel by itself, with several filters for each.

    Args:
        inputs: (batch, steps, channels) or (batch, height, width, channels).
        kernel: (size, channels, multiplier) or (height, width, channels, multiplier).
        strides, padding, dilation_rate: as for :func:`conv`.

    Returns:
        A tensor with channels * multiplier channels, those of the first channel first.

    Example:
        >>> import numpy as np
        >>> from fastnn import ops
        >>> x = np.array([[[1.0, 10.0], [2.0, 20.0]]])
        >>> ops.depthwise_conv(x, np.ones((2, 2, 1)))
        array([[[ 3., 30.]]])
    """
    op = "depthwise_conv"
    _spatial_rank(op, inputs)
    spatial = _kernel_sizes(op, inputs, kernel)
    channels, multiplier = int(kernel.shape[-2] or 0), int(kernel.shape[-1] or 0)
    if inputs.shape[-1] != channels:
        raise ValueError(
            f"[{op}] expected input of {channels} channels, as the kernel has, got {inputs.shape}"
        )
    total = channels * multiplier
    if multiplier > 1:  # a copy of each channel for each of its filters: vectors are of neighbours
        spread = (*inputs.dims, multiplier)
        inputs = reshape(broadcast_to(expand_dims(inputs, -1), spread), (*inputs.dims[:-1], total))
    flat = reshape(kernel, (*spatial, 1, total))
    return _conv(op, inputs, flat, strides, padding, dilation_rate, total)


@operation(3)
def separable_conv(
    inputs: Tensor,
    depthwise_kernel: Tensor,
    pointwise_kernel: Tensor,
    strides: Sizes = 1,
    padding: str = "valid",
    dilation_rate: Sizes = 1,
) -> Any:
    """A depthwise convolution, then one that mixes the channels at each place.

    Args:
        inputs: (batch, steps, channels) or (batch, height, width, channels).
        depthwise_kernel: as for :func:`depthwise_conv`.
        pointwise_kernel: (1, channels * multiplier, filters) or (1, 1, ...).
        strides, padding, dilation_rate: as for :func:`conv`, of the first convolution.

    Example:
        >>> import numpy as np
        >>> from fastnn import ops
        >>> x = np.ones((1, 4, 2))
        >>> ops.separable_conv(x, np.ones((3, 2, 1)), np.ones((1, 2, 5))).shape
        (1, 2, 5)
    """
    outputs = depthwise_conv(inputs, depthwise_kernel, strides, padding, dilation_rate)
    return _conv("separable_conv", outputs, pointwise_kernel, 1, "valid", 1, 1)


def _transposed_axis(
    length: Any, kernel: int, stride: int, dilation: int, padding: str, output_padding: int | None
) -> tuple[Any, int, int]:
    """The result's size, and the padding of the convolution that this one undoes.

    As Keras has it: `total` zeros go around the input, whose elements stride apart.
    """
    reach = (kernel - 1) * dilation + 1
    if padding == "valid":
        extra = max(reach, stride) - reach if output_padding is None else output_padding
        total = 2 * (reach - 1) + extra
        left = reach - 1
    else:
        if output_padding is None:
            total = stride + reach - 2
        else:
            total = reach + reach % 2 - 2 + output_padding
        left = min(total // 2 + total % 2, reach - 1)
    size = (length - 1) * stride + 2 + total - reach
    before = reach - 1 - left
    return size, before, 2 * (reach - 1) - total - before


@operation(2)
def conv_transpose(
    inputs: Tensor,
    kernel: Tensor,
    strides: Sizes = 1,
    padding: str = "valid",
    output_padding: Sizes | None = None,
    dilation_rate: Sizes = 1,
) -> Any:
    """The transposed convolution: each element of the input adds a kernel to the result.

    It is the gradient of a convolution to its input, and brings sizes back to what that one had.

    Args:
        inputs: (batch, steps, channels) or (batch, height, width, channels).
        kernel: (size, filters, channels) or (height, width, filters, channels).
        strides: the distance of the kernels in the result, for all axes or each.
        padding: 'valid' (all that is added to) or 'same' (size * stride elements).
        output_padding: how many elements are put behind the result; default: as many as make
            'same' what it is, and for 'valid' those that strides above the kernel's size need.
        dilation_rate: the distance of a kernel's elements.

    Raises:
        ValueError: for shapes that do not fit.

    Example:
        >>> import numpy as np
        >>> from fastnn import ops
        >>> x = np.array([[[1.0], [10.0]]])
        >>> ops.conv_transpose(x, np.ones((3, 1, 1)), strides=2).ravel()
        array([ 1.,  1., 11., 10., 10.])
    """
    op = "conv_transpose"
    rank = _spatial_rank(op, inputs)
    x, kernel = _floats([inputs, kernel])
    kind = _kind_of_padding(op, padding)
    strides = sizes(op, "strides", strides, rank)
    dilation = sizes(op, "dilation_rate", dilation_rate, rank)
    spatial = _kernel_sizes(op, x, kernel)
    behind: Sequence[int | None] = [None] * rank
    if output_padding is not None:
        behind = sizes(op, "output_padding", output_padding, rank, 0)
    shape: list[Any] = [x.dims[0]]
    pads: list[int] = []
    for d in range(rank):
        size, before, after = _transposed_axis(
            x.dims[d + 1], spatial[d], strides[d], dilation[d], kind, behind[d]
        )
        shape.append(size)
        pads += [before, after]
    return node(
        "conv_input_grad",
        [x, kernel],
        strides=list(strides),
        padding=pads,
        dilation=list(dilation),
        groups=1,
        shape=[*shape, int(kernel.shape[-2] or 0)],
    )


def _pool(op: str, x: Tensor, pool_size: Any, strides: Any, padding: str) -> Tensor:
    rank = _spatial_rank(op, x)
    (x,) = _floats([x])
    size = sizes(op, "pool_size", pool_size, rank)
    steps = size if strides is None else sizes(op, "strides", strides, rank)
    _kind_of_padding(op, padding)
    return node(
        op,
        [x],
        size=list(size),
        strides=list(steps),
        padding=_padding(op, padding, x, size, steps),
    )


@operation()
def max_pool(
    inputs: Tensor, pool_size: Sizes, strides: Sizes | None = None, padding: str = "valid"
) -> Any:
    """The largest element of each window; the gradient goes to the first of equals.

    Args:
        inputs: (batch, steps, channels) or (batch, height, width, channels).
        pool_size: of a window, for all axes or each.
        strides: of the windows; default: side by side.
        padding: 'valid' or 'same' (ceil(size / stride) windows; what is outside does not count).

    Raises:
        ValueError: for shapes that do not fit, or an input too small for a window.

    Example:
        >>> from fastnn import ops
        >>> ops.max_pool([[[1.0], [4.0], [2.0], [3.0]]], 2).ravel()
        array([4., 3.])
    """
    return _pool("max_pool", inputs, pool_size, strides, padding)


@operation()
def average_pool(
    inputs: Tensor, pool_size: Sizes, strides: Sizes | None = None, padding: str = "valid"
) -> Any:
    """The mean of each window; with padding 'same', of its elements inside the input.

    Args:
        inputs, pool_size, strides, padding: as for :func:`max_pool`.

    Raises:
        ValueError: for shapes that do not fit, or an input too small for a window.

    Example:
        >>> from fastnn import ops
        >>> ops.average_pool([[[1.0], [4.0], [2.0], [3.0]]], 2).ravel()
        array([2.5, 2.5])
    """
    return _pool("average_pool", inputs, pool_size, strides, padding)
