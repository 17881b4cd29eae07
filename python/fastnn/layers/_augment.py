"""What the layers on images share: checks of their arguments and inputs, draws, matrices."""

from __future__ import annotations

import math
from typing import Any

from fastnn import _random as random
from fastnn import _registry as registry
from fastnn import ops
from fastnn._tensor import Tensor
from fastnn.layers._arguments import channels_last, format_shape
from fastnn.layers._base import Layer
from fastnn.layers._draw import seed_of

FILL_MODES = ("constant", "nearest", "reflect", "wrap")
INTERPOLATIONS = ("bilinear", "nearest")


class ImageLayer(Layer):
    """A layer on images of shape (batch, height, width, channels).

    Args:
        data_format: None or "channels_last".
        **kwargs: as for :class:`Layer`.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        channels_last(type(self).__name__, data_format)

    def _images(self, inputs: Tensor) -> Tensor:
        """The inputs in the layer's dtype.

        Raises:
            ValueError: for another rank.
        """
        if inputs.ndim != 4:
            raise ValueError(
                f"[{type(self).__name__}] expected images of shape (batch, height, width,"
                f" channels), got {format_shape(inputs.shape)}"
            )
        return inputs if inputs.dtype == self.dtype else ops.cast(inputs, self.dtype)


class Augmentation(ImageLayer):
    """A layer that changes images at random in training, and does nothing in prediction.

    Args:
        seed: of the draws, which then follow from it alone; default: they follow from the process's
            seed and this layer's place in the model.
        **kwargs: as for :class:`Layer`.
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = None if seed is None else random.check_seed(seed)

    def call(self, inputs: Tensor, training: bool = False) -> Any:
        """The images, changed in training.

        Args:
            inputs: of shape (batch, height, width, channels); whole numbers are cast to the
                layer's dtype.
            training: whether they are changed.
        """
        images = self._images(inputs)
        return self._augment(images) if training else images

    def _augment(self, images: Tensor) -> Any:
        raise NotImplementedError

    def _draw(self, images: Tensor, bounds: tuple[float, float], rank: int = 2) -> Tensor:
        """A uniform number an image, of shape (batch, 1, …)."""
        shape = [images.dims[0], *([1] * (rank - 1))]
        return ops.random_uniform(shape, *bounds, dtype=images.dtype, seed=seed_of(self))

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "seed": self.seed}


class AffineAugmentation(Augmentation):
    """An augmentation that reads images at other places.

    Args:
        fill_mode: what lies around an image: "reflect", "constant", "wrap" or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: of the draws.
        fill_value: what "constant" fills with.
        **kwargs: as for :class:`Layer`.

    Raises:
        ValueError: for another fill_mode or interpolation.
    """

    def __init__(
        self,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        owner = type(self).__name__
        self.fill_mode = one_of(owner, "fill_mode", fill_mode, FILL_MODES)
        self.interpolation = one_of(owner, "interpolation", interpolation, INTERPOLATIONS)
        self.fill_value = float(fill_value)

    def _augment(self, images: Tensor) -> Any:
        return ops.affine_transform(
            images,
            affine_matrices(images, self._coefficients(images)),
            self.interpolation,
            self.fill_mode,
            self.fill_value,
        )

    def _coefficients(self, images: Tensor) -> list[Any]:
        """Six numbers, or tensors (batch, 1), as `ops.affine_transform` takes them."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {
            **super().get_config(),
            "fill_mode": self.fill_mode,
            "interpolation": self.interpolation,
            "fill_value": self.fill_value,
        }


def affine_matrices(images: Tensor, coefficients: list[Any]) -> Tensor:
    """Matrices (batch, 6) from six numbers, or tensors (batch, 1)."""
    column = [images.dims[0], 1]
    columns = [
        c if isinstance(c, Tensor) else ops.full(column, c, images.dtype) for c in coefficients
    ]
    matrices: Tensor = ops.concatenate(columns, axis=1)
    return matrices


def middle(images: Tensor, axis: int) -> Any:
    """The centre of an axis, in pixels from the first one's centre."""
    size = images.shape[axis]
    if size is None:
        return (ops.shape_of(images, axis, images.dtype) - 1.0) * 0.5
    return (size - 1) / 2


def side(images: Tensor, axis: int) -> Any:
    """How many pixels an axis has."""
    size = images.shape[axis]
    return ops.shape_of(images, axis, images.dtype) if size is None else float(size)


def one_of(owner: str, name: str, value: Any, choices: tuple[str, ...]) -> str:
    """Checks an argument that is one of a few words.

    Raises:
        ValueError: it is none of them.
    """
    if value not in choices:
        hint = registry.did_you_mean(str(value), list(choices))
        raise ValueError(
            f"[{owner}] expected {name} to be one of {', '.join(choices)}, got {value!r}{hint}"
        )
    return str(value)


def factor_range(
    owner: str, name: str, factor: Any, low: float, high: float
) -> tuple[float, float]:
    """The range of a factor: itself where it is a pair, [-factor, factor] where it is a number.

    Args:
        owner: the class that messages name.
        name: of the argument.
        factor: a number, or a pair of numbers.
        low: least number allowed.
        high: greatest number allowed.

    Raises:
        TypeError: it is no number or pair of numbers.
        ValueError: a number is out of bounds, or the pair is no range.

    Example:
        >>> factor_range("RandomZoom", "height_factor", 0.25, -1.0, 1.0)
        (-0.25, 0.25)
    """
    pair = isinstance(factor, (tuple, list))
    numbers = list(factor) if pair else [factor]
    wanted = f"[{owner}] expected {name} to be a number or a pair of numbers"
    if not all(_is_number(number) for number in numbers):
        raise TypeError(f"{wanted}, got {factor!r}")
    if pair and len(numbers) != 2:
        raise ValueError(f"{wanted}, got {factor!r}")
    if not all(low <= number <= high for number in numbers):
        raise ValueError(f"[{owner}] expected {name} of {low:g} to {high:g}, got {factor!r}")
    if not pair:
        size = abs(float(factor))
        return max(-size, low), size
    if numbers[0] > numbers[1]:
        raise ValueError(f"[{owner}] expected {name} as (lower, upper), got {factor!r}")
    return float(numbers[0]), float(numbers[1])


def checked_value_range(owner: str, given: Any) -> tuple[float, float]:
    """The range that pixels lie in.

    Raises:
        ValueError: it is no pair of finite numbers, the first being lower.
    """
    good = isinstance(given, (tuple, list)) and len(given) == 2
    if not (
        good and all(_is_number(n) and math.isfinite(n) for n in given) and given[0] < given[1]
    ):
        raise ValueError(f"[{owner}] expected value_range as (lowest, highest), got {given!r}")
    return float(given[0]), float(given[1])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
