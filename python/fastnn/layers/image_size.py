"""Layers that give images another size: crops and resizing."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import _random as random
from fastnn import ops
from fastnn._tensor import Tensor
from fastnn.layers._arguments import format_shape, positive_int
from fastnn.layers._augment import INTERPOLATIONS, ImageLayer, one_of
from fastnn.layers._draw import seed_of


class _Sized(ImageLayer):
    """A layer whose output has a height and width of its own.

    Args:
        height: of the output.
        width: of the output.
        **kwargs: as for :class:`Layer`.
    """

    def __init__(self, height: int, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.height = positive_int(type(self).__name__, "height", height)
        self.width = positive_int(type(self).__name__, "width", width)

    def _sides(self, images: Tensor) -> tuple[int, int]:
        """Height and width of the images, which must be known."""
        height, width = images.shape[1:3]
        if height is None or width is None:
            raise ValueError(
                f"[{type(self).__name__}] expected images of known height and width, got"
                f" {format_shape(images.shape)}"
            )
        return height, width

    def _resized(self, images: Tensor, interpolation: str = "bilinear") -> Any:
        """The whole images in the output's size; pixels are squares that cover the same area."""
        height, width = self._sides(images)
        if (height, width) == (self.height, self.width):
            return images
        y, x = height / self.height, width / self.width
        matrix = np.array([[x, 0.0, 0.5 * x - 0.5, 0.0, y, 0.5 * y - 0.5]], self.dtype)
        size = (self.height, self.width)
        return ops.affine_transform(images, matrix, interpolation, "nearest", 0.0, size)

    def _largest_window(self, images: Tensor) -> Any:
        """The largest centred part of the images that has the output's proportions."""
        height, width = self._sides(images)
        kept_height = max(min(height, int(width * self.height / self.width)), 1)
        kept_width = max(min(width, int(height * self.width / self.height)), 1)
        return _part(
            images, (height - kept_height) // 2, (width - kept_width) // 2, kept_height, kept_width
        )

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "height": self.height, "width": self.width}


def _part(images: Tensor, top: int, left: int, height: int, width: int) -> Any:
    return images[:, top : top + height, left : left + width, :]


class Resizing(_Sized):
    """Images of another size.

    Args:
        height: of the output.
        width: of the output.
        interpolation: "bilinear" or "nearest".
        crop_to_aspect_ratio: whether the largest centred part that has the output's proportions is
            taken, instead of stretching the whole.
        **kwargs: as for :class:`Layer`.

    Raises:
        ValueError: for another interpolation, or sizes below 1.

    Example:
        >>> import numpy as np
        >>> Resizing(1, 4)(np.array([1.0, 3.0]).reshape(1, 1, 2, 1)).reshape(4)
        array([1. , 1.5, 2.5, 3. ], dtype=float32)
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(height, width, **kwargs)
        self.interpolation = one_of("Resizing", "interpolation", interpolation, INTERPOLATIONS)
        self.crop_to_aspect_ratio = bool(crop_to_aspect_ratio)

    def call(self, inputs: Tensor) -> Any:
        """The resized images.

        Args:
            inputs: of shape (batch, height, width, channels), height and width known.
        """
        images = self._images(inputs)
        if self.crop_to_aspect_ratio:
            images = self._largest_window(images)
        return self._resized(images, self.interpolation)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {
            **super().get_config(),
            "interpolation": self.interpolation,
            "crop_to_aspect_ratio": self.crop_to_aspect_ratio,
        }


class CenterCrop(_Sized):
    """The middle of images; of images that are too small, the largest window, resized.

    Args:
        height: of the output.
        width: of the output.
        **kwargs: as for :class:`Layer`.

    Example:
        >>> import numpy as np
        >>> CenterCrop(1, 2)(np.arange(12.0).reshape(1, 3, 4, 1)).reshape(2)
        array([5., 6.], dtype=float32)
    """

    def call(self, inputs: Tensor) -> Any:
        """The cropped images.

        Args:
            inputs: of shape (batch, height, width, channels), height and width known.
        """
        images = self._images(inputs)
        height, width = self._sides(images)
        if height < self.height or width < self.width:
            return self._resized(self._largest_window(images))
        top, left = (height - self.height) // 2, (width - self.width) // 2
        return _part(images, top, left, self.height, self.width)


class RandomCrop(_Sized):
    """A part of images: at a random place in training, the same one for all images of a batch.

    In prediction, and of images that are not larger on both sides, it is the largest centred window
    of the output's proportions, resized.

    Args:
        height: of the output.
        width: of the output.
        seed: of the draws.
        **kwargs: as for :class:`Layer`.

    Example:
        >>> import numpy as np
        >>> RandomCrop(2, 2)(np.zeros((5, 3, 4, 1)), training=True).shape
        (5, 2, 2, 1)
    """

    def __init__(self, height: int, width: int, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(height, width, **kwargs)
        self.seed = None if seed is None else random.check_seed(seed)

    def call(self, inputs: Tensor, training: bool = False) -> Any:
        """The cropped images.

        Args:
            inputs: of shape (batch, height, width, channels), height and width known.
            training: whether the place is random.
        """
        images = self._images(inputs)
        height, width = self._sides(images)
        if not training or height <= self.height or width <= self.width:
            return self._resized(self._largest_window(images))
        top, left = self._start(height - self.height), self._start(width - self.width)
        one, zero = ops.ones_like(top), ops.zeros_like(top)
        matrix = ops.concatenate([one, zero, left, zero, one, top], axis=1)
        size = (self.height, self.width)
        return ops.affine_transform(images, matrix, "nearest", "nearest", 0.0, size)

    def _start(self, room: int) -> Any:
        """A whole number of 0 to `room`, of shape (1, 1)."""
        drawn = ops.random_uniform([1, 1], 0.0, room + 1.0, self.dtype, seed_of(self))
        return ops.minimum(ops.floor(drawn), float(room))

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "seed": self.seed}
