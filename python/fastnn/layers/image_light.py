"""Random changes of the light of images in training: contrast and brightness."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn._tensor import Tensor
from fastnn.layers._augment import Augmentation, checked_value_range, factor_range


class RandomContrast(Augmentation):
    """Moves each image's pixels away from the mean of their channel, or towards it.

    ``(x - mean) * draw + mean``, cut to value_range.

    Args:
        factor: 0 to 1: 0.2 draws of 0.8 to 1.2; (lower, upper) of ``1 - lower`` to ``1 + upper``.
        value_range: the range that pixels lie in.
        seed: of the draws.
        **kwargs: as for :class:`Layer`.

    Raises:
        TypeError: the factor is no number or pair of numbers.
        ValueError: it is out of bounds, or value_range is no range.

    Example:
        >>> import numpy as np
        >>> grey = RandomContrast((1.0, 0.0), value_range=(0, 1))
        >>> grey(np.array([0.0, 1.0]).reshape(1, 1, 2, 1)).reshape(2)  # in prediction
        array([0., 1.], dtype=float32)
    """

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.factor = factor
        self.value_range = checked_value_range("RandomContrast", value_range)
        pair = factor if isinstance(factor, (tuple, list)) else (factor, factor)
        for part in pair:
            factor_range("RandomContrast", "factor", part, 0.0, 1.0)
        if len(pair) != 2:
            raise ValueError(
                "[RandomContrast] expected factor to be a number or a pair of numbers,"
                f" got {factor!r}"
            )
        self._range = (1.0 - float(pair[0]), 1.0 + float(pair[1]))

    def _augment(self, images: Tensor) -> Any:
        mean = ops.mean(images, axis=(1, 2), keepdims=True)
        changed = (images - mean) * self._draw(images, self._range, rank=4) + mean
        return ops.clip(changed, *self.value_range)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        settings = {"factor": self.factor, "value_range": list(self.value_range)}
        return {**super().get_config(), **settings}


class RandomBrightness(Augmentation):
    """Adds a number to all pixels of an image, and cuts them to value_range.

    Args:
        factor: share of value_range, -1 (all black) to 1 (all white): 0.2 draws of -0.2 to 0.2.
        value_range: the range that pixels lie in.
        seed: of the draws.
        **kwargs: as for :class:`Layer`.

    Raises:
        TypeError: the factor is no number or pair of numbers.
        ValueError: it is out of bounds, or value_range is no range.

    Example:
        >>> import numpy as np
        >>> lighter = RandomBrightness((0.1, 0.1), value_range=(0, 1))  # by a tenth, always
        >>> lighter(np.array([0.5, 1.0]).reshape(1, 1, 2, 1), training=True).reshape(2)
        array([0.6, 1. ], dtype=float32)
    """

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.factor = factor
        self._range = factor_range("RandomBrightness", "factor", factor, -1.0, 1.0)
        self.value_range = checked_value_range("RandomBrightness", value_range)

    def _augment(self, images: Tensor) -> Any:
        low, high = self.value_range
        changed = images + self._draw(images, self._range, rank=4) * (high - low)
        return ops.clip(changed, low, high)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        settings = {"factor": self.factor, "value_range": list(self.value_range)}
        return {**super().get_config(), **settings}
