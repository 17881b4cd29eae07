"""Random changes of images in training: flips, rotations, zooms, shifts, shears."""

from __future__ import annotations

import math
from typing import Any

from fastnn import ops
from fastnn._tensor import Tensor
from fastnn.layers._augment import (
    AffineAugmentation,
    Augmentation,
    factor_range,
    middle,
    one_of,
    side,
)

_MODES = ("horizontal", "vertical", "horizontal_and_vertical")


class RandomFlip(Augmentation):
    """Mirrors each image with probability 1/2.

    Args:
        mode: "horizontal" (left becomes right), "vertical", or "horizontal_and_vertical", in which
            the two are drawn separately.
        seed: of the draws.
        **kwargs: as for :class:`Layer`.

    Raises:
        ValueError: for another mode.

    Example:
        >>> import numpy as np
        >>> image = np.arange(6.0).reshape(1, 2, 3, 1)
        >>> bool((RandomFlip()(image) == image).all())  # in prediction
        True
    """

    def __init__(
        self, mode: str = "horizontal_and_vertical", seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.mode = one_of("RandomFlip", "mode", mode, _MODES)

    def _augment(self, images: Tensor) -> Any:
        for name, axis in (("horizontal", 2), ("vertical", 1)):
            if name in self.mode:
                chosen = ops.less(self._draw(images, (0.0, 1.0), rank=4), 0.5)
                images = ops.where(chosen, ops.flip(images, axis), images)
        return images

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "mode": self.mode}


class RandomRotation(AffineAugmentation):
    """Turns each image about its centre.

    Args:
        factor: share of a full turn, -1 to 1: 0.1 draws angles of -36 to 36 degrees,
            (-0.2, 0.3) of -72 to 108. Positive is counter-clockwise.
        fill_mode: what lies around an image: "reflect" (d c b a | a b c d | d c b a), "constant"
            (fill_value), "wrap" (a b c d | a b c d | a b c d) or "nearest" (a a | a b c d | d d).
        interpolation: "bilinear" or "nearest".
        seed: of the draws.
        fill_value: what "constant" fills with.
        **kwargs: as for :class:`Layer`.

    Raises:
        TypeError: the factor is no number or pair of numbers.
        ValueError: it is out of bounds; or for another fill_mode or interpolation.

    Example:
        >>> import numpy as np
        >>> turned = RandomRotation((0.25, 0.25))  # a quarter, always
        >>> image = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
        >>> turned(image, training=True)[0, :, :, 0].round()
        array([[2., 4.],
               [1., 3.]], dtype=float32)
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, **kwargs)
        self.factor = factor
        self._range = factor_range("RandomRotation", "factor", factor, -1.0, 1.0)

    def _coefficients(self, images: Tensor) -> list[Any]:
        low, high = self._range
        return self._rotation(images, self._draw(images, (low * math.tau, high * math.tau)))

    def _rotation(self, images: Tensor, angle: Any) -> list[Any]:
        x, y = middle(images, 2), middle(images, 1)
        cos, sin = ops.cos(angle), ops.sin(angle)
        return [cos, -sin, x - x * cos + y * sin, sin, cos, y - x * sin - y * cos]

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "factor": self.factor}


class RandomZoom(AffineAugmentation):
    """Makes each image smaller or larger about its centre; its size in pixels stays.

    Args:
        height_factor: above -1 to 1: 0.2 draws of -0.2 to 0.2. Positive makes smaller: the output
            shows ``1 + draw`` times the input's height. Negative makes larger.
        width_factor: the same of the width; None keeps the proportions.
        fill_mode: what lies around an image; see :class:`RandomRotation`.
        interpolation: "bilinear" or "nearest".
        seed: of the draws.
        fill_value: what "constant" fills with.
        **kwargs: as for :class:`Layer`.

    Raises:
        TypeError: a factor is no number or pair of numbers.
        ValueError: it is out of bounds; or for another fill_mode or interpolation.

    Example:
        >>> import numpy as np
        >>> half = RandomZoom((1.0, 1.0), fill_mode="constant")  # twice the surface in view, always
        >>> half(np.ones((1, 4, 4, 1)), training=True)[0, :, :, 0]
        array([[0., 0., 0., 0.],
               [0., 1., 1., 0.],
               [0., 1., 1., 0.],
               [0., 0., 0., 0.]], dtype=float32)
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, **kwargs)
        self.height_factor = height_factor
        self.width_factor = width_factor
        self._height = _zoom_range("height_factor", height_factor)
        self._width = None if width_factor is None else _zoom_range("width_factor", width_factor)

    def _coefficients(self, images: Tensor) -> list[Any]:
        height = 1.0 + self._draw(images, self._height)
        width = height if self._width is None else 1.0 + self._draw(images, self._width)
        return self._zoom(images, height, width)

    def _zoom(self, images: Tensor, height: Any, width: Any) -> list[Any]:
        x, y = middle(images, 2), middle(images, 1)
        return [width, 0.0, x * (1.0 - width), 0.0, height, y * (1.0 - height)]

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        factors = {"height_factor": self.height_factor, "width_factor": self.width_factor}
        return {**super().get_config(), **factors}


def _zoom_range(name: str, factor: Any) -> tuple[float, float]:
    bounds = factor_range("RandomZoom", name, factor, -1.0, 1.0)
    lowest = factor[0] if isinstance(factor, (tuple, list)) else factor
    if lowest == -1.0:
        raise ValueError(
            f"[RandomZoom] expected {name} above -1 (nothing is in view), got {factor!r}"
        )
    return bounds


class RandomTranslation(AffineAugmentation):
    """Shifts each image.

    Args:
        height_factor: share of the height, -1 to 1: 0.2 draws of -0.2 to 0.2, (0.0, 0.3) of 0 to
            0.3. Positive shifts down. For 15 pixels of 28: ``15 / 28``.
        width_factor: the same of the width; positive shifts to the right.
        fill_mode: what lies around an image; see :class:`RandomRotation`.
        interpolation: "bilinear", or "nearest", which shifts by whole pixels.
        seed: of the draws.
        fill_value: what "constant" fills with.
        **kwargs: as for :class:`Layer`.

    Raises:
        TypeError: a factor is no number or pair of numbers.
        ValueError: it is out of bounds; or for another fill_mode or interpolation.

    Example:
        >>> import numpy as np
        >>> right = RandomTranslation(0.0, (0.5, 0.5), fill_mode="constant")
        >>> right(np.arange(1.0, 5.0).reshape(1, 1, 4, 1), training=True).reshape(4)
        array([0., 0., 1., 2.], dtype=float32)
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, **kwargs)
        self.height_factor = height_factor
        self.width_factor = width_factor
        owner = type(self).__name__
        self._height = factor_range(owner, "height_factor", height_factor, -1.0, 1.0)
        self._width = factor_range(owner, "width_factor", width_factor, -1.0, 1.0)

    def _coefficients(self, images: Tensor) -> list[Any]:
        down = self._draw(images, self._height) * side(images, 1)
        right = self._draw(images, self._width) * side(images, 2)
        return [1.0, 0.0, -right, 0.0, 1.0, -down]

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        factors = {"height_factor": self.height_factor, "width_factor": self.width_factor}
        return {**super().get_config(), **factors}


class RandomShear(AffineAugmentation):
    """Shifts the rows of each image in proportion to their number, or its columns.

    Args:
        x_factor: 0 to 1: 0.3 draws of -0.3 to 0.3, (0.1, 0.3) of 0.1 to 0.3 and then a sign. Row y
            is read ``draw * y`` pixels further to the right.
        y_factor: the same of columns, with the same sign.
        interpolation: "bilinear" or "nearest".
        fill_mode: what lies around an image; see :class:`RandomRotation`.
        fill_value: what "constant" fills with.
        seed: of the draws.
        **kwargs: as for :class:`Layer`.

    Raises:
        TypeError: a factor is no number or pair of numbers.
        ValueError: it is out of bounds; or for another fill_mode or interpolation.

    Example:
        >>> import numpy as np
        >>> RandomShear(0.3)(np.ones((1, 3, 3, 1)), training=True).shape
        (1, 3, 3, 1)
    """

    def __init__(
        self,
        x_factor: Any = 0.0,
        y_factor: Any = 0.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, **kwargs)
        self.x_factor = x_factor
        self.y_factor = y_factor
        self._x = _shear_range("x_factor", x_factor)
        self._y = _shear_range("y_factor", y_factor)

    def _coefficients(self, images: Tensor) -> list[Any]:
        sign = ops.where(ops.less(self._draw(images, (0.0, 1.0)), 0.5), 1.0, -1.0)
        sign = ops.cast(sign, images.dtype)
        x, y = self._draw(images, self._x) * sign, self._draw(images, self._y) * sign
        return [1.0, x, 0.0, y, 1.0, 0.0]

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "x_factor": self.x_factor, "y_factor": self.y_factor}


def _shear_range(name: str, factor: Any) -> tuple[float, float]:
    low, high = factor_range("RandomShear", name, factor, 0.0, 1.0)
    return (low, high) if isinstance(factor, (tuple, list)) else (-high, high)
