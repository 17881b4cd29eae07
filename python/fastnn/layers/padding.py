"""Layers that change the size of sequences and images: borders, cuts, repeated elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastnn import ops
from fastnn._tensor import Tensor
from fastnn.layers._arguments import channels_last, format_shape, positive_int
from fastnn.layers._base import Layer

_Pairs = tuple[tuple[int, int], ...]


class _Borders(Layer):
    """A layer with a width before and behind each axis between the batch and the channels."""

    _axes = 1
    _argument = "padding"

    def __init__(self, widths: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        owner = type(self).__name__
        channels_last(owner, data_format)
        self._widths = _pairs(owner, self._argument, widths, self._axes)
        setattr(self, self._argument, self._widths[0] if self._axes == 1 else self._widths)
        self._expect_rank(self._axes + 2)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        widths = [list(pair) for pair in self._widths]
        return {**super().get_config(), self._argument: widths[0] if self._axes == 1 else widths}


class _ZeroPadding(_Borders):
    def call(self, inputs: Tensor) -> Any:
        """The inputs with zeros around them.

        Args:
            inputs: of the layer's rank.
        """
        return ops.pad(inputs, ((0, 0), *self._widths, (0, 0)))


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and behind a sequence.

    Args:
        padding: how many steps: a number, or a pair (before, behind); default 1.
        data_format: None or "channels_last".
        **kwargs: as for :class:`Layer`.

    Shapes: (batch, steps, features) to (batch, before + steps + behind, features).

    Raises:
        ValueError: for a negative number, another data format, or input of another rank.
        TypeError: for something else than numbers.

    Example:
        >>> import numpy as np
        >>> ZeroPadding1D((2, 1))(np.ones((1, 3, 1), "float32"))[0, :, 0]
        array([0., 0., 1., 1., 1., 0.], dtype=float32)
    """

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(padding, data_format, **kwargs)


class ZeroPadding2D(_ZeroPadding):
    """Zeros around an image.

    Args:
        padding: how many pixels: a number, a pair (rows, columns), or a pair of pairs
            ((top, bottom), (left, right)); default 1.
        data_format: None or "channels_last".
        **kwargs: as for :class:`Layer`.

    Shapes: (batch, height, width, channels) to the same with larger height and width.

    Raises:
        ValueError: for a negative number, another data format, or input of another rank.
        TypeError: for something else than numbers.

    Example:
        >>> import numpy as np
        >>> ZeroPadding2D((0, 1))(np.ones((1, 1, 2, 1), "float32"))[0, :, :, 0]
        array([[0., 1., 1., 0.]], dtype=float32)
    """

    _axes = 2

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(padding, data_format, **kwargs)


class _Cropping(_Borders):
    _argument = "cropping"

    def call(self, inputs: Tensor) -> Any:
        """What the cuts leave.

        Args:
            inputs: of the layer's rank.

        Raises:
            ValueError: for inputs of which nothing is left.
        """
        for size, (before, behind) in zip(inputs.shape[1:], self._widths, strict=False):
            if size is not None and size <= before + behind:
                raise ValueError(
                    f"[{type(self).__name__}] cropping {self._widths} leaves nothing of an input "
                    f"of shape {format_shape(inputs.shape)}"
                )
        kept = [slice(before, -behind if behind else None) for before, behind in self._widths]
        return inputs[(slice(None), *kept)]


class Cropping1D(_Cropping):
    """A sequence without its first and last steps.

    Args:
        cropping: how many steps: a number, or a pair (before, behind); default 1.
        data_format: None or "channels_last".
        **kwargs: as for :class:`Layer`.

    Shapes: (batch, steps, features) to (batch, steps - before - behind, features).

    Raises:
        ValueError: for a negative number, another data format, or input of another rank or too
            short.
        TypeError: for something else than numbers.

    Example:
        >>> import numpy as np
        >>> Cropping1D((1, 2))(np.arange(5.0).reshape(1, 5, 1))[0, :, 0]
        array([1., 2.], dtype=float32)
    """

    def __init__(self, cropping: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)


class Cropping2D(_Cropping):
    """An image without its borders.

    Args:
        cropping: how many pixels: a number, a pair (rows, columns), or a pair of pairs
            ((top, bottom), (left, right)); default none.
        data_format: None or "channels_last".
        **kwargs: as for :class:`Layer`.

    Shapes: (batch, height, width, channels) to the same with smaller height and width.

    Raises:
        ValueError: for a negative number, another data format, or input of another rank or too
            small.
        TypeError: for something else than numbers.

    Example:
        >>> import numpy as np
        >>> Cropping2D(((0, 0), (1, 0)))(np.arange(3.0).reshape(1, 1, 3, 1))[0, :, :, 0]
        array([[1., 2.]], dtype=float32)
    """

    _axes = 2

    def __init__(self, cropping: Any = 0, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)


class UpSampling1D(Layer):
    """Each step of a sequence several times.

    Args:
        size: how often; default 2.
        **kwargs: as for :class:`Layer`.

    Shapes: (batch, steps, features) to (batch, steps * size, features).

    Raises:
        ValueError: for a size below 1, or input of another rank.

    Example:
        >>> import numpy as np
        >>> UpSampling1D()(np.array([[[1.0], [2.0]]], "float32"))[0, :, 0]
        array([1., 1., 2., 2.], dtype=float32)
    """

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = positive_int("UpSampling1D", "size", size)
        self._expect_rank(3)

    def call(self, inputs: Tensor) -> Any:
        """The repeated steps.

        Args:
            inputs: (batch, steps, features).
        """
        return _repeated(inputs, (self.size,))

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "size": self.size}


class UpSampling2D(Layer):
    """Images enlarged by whole factors.

    Args:
        size: the factor, or a pair (rows, columns); default 2.
        data_format: None or "channels_last".
        interpolation: "nearest" repeats pixels; "bilinear" weighs the nearest ones of both axes
            by their distance, centres of pixels at halves; default "nearest".
        **kwargs: as for :class:`Layer`.

    Shapes: (batch, height, width, channels) to (batch, height * rows, width * columns, channels).

    Raises:
        ValueError: for a size below 1, another interpolation or data format, input of another rank,
            or, bilinear, of open height or width.

    Example:
        >>> import numpy as np
        >>> x = np.array([1.0, 3.0], "float32").reshape(1, 1, 2, 1)
        >>> UpSampling2D((1, 2), interpolation="bilinear")(x)[0, 0, :, 0]
        array([1. , 1.5, 2.5, 3. ], dtype=float32)
    """

    def __init__(
        self,
        size: int | Sequence[int] = 2,
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        channels_last("UpSampling2D", data_format)
        if interpolation not in ("nearest", "bilinear"):
            raise ValueError(
                f"[UpSampling2D] expected interpolation 'nearest' or 'bilinear', got "
                f"{interpolation!r}"
            )
        sizes = (size, size) if isinstance(size, (int, np.integer)) else tuple(size)
        if len(sizes) != 2:
            raise ValueError(f"[UpSampling2D] expected a size or a pair of sizes, got {size!r}")
        self.size = tuple(positive_int("UpSampling2D", "size", one) for one in sizes)
        self.interpolation = interpolation
        self._expect_rank(4)

    def call(self, inputs: Tensor) -> Any:
        """The enlarged images.

        Args:
            inputs: (batch, height, width, channels).
        """
        if self.interpolation == "nearest":
            return _repeated(inputs, self.size)
        for axis, factor in zip((1, 2), self.size, strict=True):
            inputs = _interpolated(inputs, axis, factor)
        return inputs

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        config = {**super().get_config(), "size": list(self.size)}
        return {**config, "interpolation": self.interpolation}


def _repeated(inputs: Tensor, factors: Sequence[int]) -> Any:
    """Elements of the axes behind the batch, each so often."""
    batch, *middle, last = inputs.dims
    ones, repeated, joined = [], [], []
    for length, factor in zip(middle, factors, strict=True):
        ones += [length, 1]
        repeated += [length, factor]
        joined.append(length * factor)
    spread = ops.broadcast_to(ops.reshape(inputs, (batch, *ones, last)), (batch, *repeated, last))
    return ops.reshape(spread, (batch, *joined, last))


def _interpolated(inputs: Tensor, axis: int, factor: int) -> Any:
    """An axis drawn out linearly; beyond the outer pixels' centres their value goes on."""
    length = inputs.shape[axis]
    if length is None:
        raise ValueError(
            f"[UpSampling2D] bilinear interpolation needs height and width, got shape "
            f"{format_shape(inputs.shape)}"
        )
    if factor == 1:
        return inputs
    places = np.clip((np.arange(length * factor) + 0.5) / factor - 0.5, 0, length - 1)
    low = np.floor(places).astype(np.int64)
    high = np.minimum(low + 1, length - 1)
    shape = [-1 if i == axis else 1 for i in range(inputs.ndim)]
    share = (places - low).astype(inputs.dtype).reshape(shape)
    return ops.take(inputs, low, axis) * (1 - share) + ops.take(inputs, high, axis) * share


def _pairs(owner: str, what: str, given: Any, axes: int) -> _Pairs:
    """A pair of widths for each axis, from a number, a number or pair for each axis."""
    entries = list(given) if isinstance(given, (list, tuple)) else [given] * axes
    if axes == 1 and len(entries) == 2:
        entries = [entries]
    pairs = [
        tuple(entry) if isinstance(entry, (list, tuple)) else (entry, entry) for entry in entries
    ]
    if len(pairs) != axes or any(len(pair) != 2 for pair in pairs):
        forms = "a number or a pair" if axes == 1 else "a number, a pair, or a pair of pairs"
        raise ValueError(f"[{owner}] expected {forms} as {what}, got {given!r}")
    for width in (width for pair in pairs for width in pair):
        if isinstance(width, bool) or not isinstance(width, (int, np.integer)):
            raise TypeError(f"[{owner}] expected whole numbers as {what}, got {given!r}")
        if width < 0:
            raise ValueError(f"[{owner}] expected {what} of at least 0, got {given!r}")
    return tuple((int(before), int(behind)) for before, behind in pairs)
