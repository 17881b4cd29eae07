"""Convolution and pooling in ONNX, whose channels come first where ours come last."""

from __future__ import annotations

from typing import Any

from fastnn.io._onnx import Builder, Value


def _first(b: Builder, x: str, rank: int) -> str:
    """(batch, spatial..., channels) to (batch, channels, spatial...)."""
    return str(b.op("Transpose", [x], perm=[0, rank + 1, *range(1, rank + 1)]))


def _last(b: Builder, x: str, rank: int) -> str:
    return str(b.op("Transpose", [x], perm=[0, *range(2, rank + 2), 1]))


def _pads(settings: dict[str, Any]) -> list[int]:
    """Padding in front of all axes, then behind them."""
    padding = settings["padding"]
    if min(padding, default=0) < 0:
        raise NotImplementedError("[to_onnx] windows that leave out the end of an axis")
    return [*padding[0::2], *padding[1::2]]


def _kernel(b: Builder, k: str, rank: int) -> str:
    """(spatial..., depth, filters) to (filters, depth, spatial...)."""
    return str(b.op("Transpose", [k], perm=[rank + 1, rank, *range(rank)]))


def conv(b: Builder, v: Value, x: list[str]) -> str:
    """A convolution."""
    s, rank = v.settings(), v.ndim - 2
    made = b.op(
        "Conv",
        [_first(b, x[0], rank), _kernel(b, x[1], rank)],
        strides=s["strides"],
        dilations=s["dilation"],
        group=s["groups"],
        pads=_pads(s),
    )
    return _last(b, made, rank)


def conv_transpose(b: Builder, v: Value, x: list[str]) -> str:
    """The gradient of a convolution by its input: a transposed convolution."""
    s, rank = v.settings(), v.ndim - 2
    kernel = v.inputs[1].dims
    pads = _pads(s)
    source = v.inputs[0].dims
    extra = []
    for axis in range(rank):
        reach = (kernel[axis] - 1) * s["dilation"][axis] + 1
        least = (source[axis + 1] - 1) * s["strides"][axis] + reach - pads[axis] - pads[rank + axis]
        missing = v.dims[axis + 1] - least
        if not isinstance(missing, int):
            raise NotImplementedError(
                "[to_onnx] a transposed convolution over an axis of open length"
            )
        extra.append(missing)
    made = b.op(
        "ConvTranspose",
        [_first(b, x[0], rank), _kernel(b, x[1], rank)],
        strides=s["strides"],
        dilations=s["dilation"],
        group=s["groups"],
        pads=pads,
        output_padding=extra,
    )
    return _last(b, made, rank)


def max_pool(b: Builder, v: Value, x: list[str]) -> str:
    """The largest element of each window; its place has no counterpart."""
    return _pool(b, v, x, "MaxPool")


def average_pool(b: Builder, v: Value, x: list[str]) -> str:
    """The mean of the elements of each window that lie inside."""
    return _pool(b, v, x, "AveragePool", count_include_pad=0)


def _pool(b: Builder, v: Value, x: list[str], kind: str, **more: Any) -> str:
    s, rank = v.settings(), v.ndim - 2
    made = b.op(
        kind,
        [_first(b, x[0], rank)],
        kernel_shape=s["size"],
        strides=s["strides"],
        pads=_pads(s),
        **more,
    )
    return _last(b, made, rank)
