"""Images in a grid: data, what a network restores of them, and the weights that look at them."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn._figure import figure_class, saved

Array = NDArray[Any]


def plot_images(
    images: ArrayLike,
    titles: Sequence[Any] | None = None,
    columns: int | None = None,
    image_shape: Sequence[int] | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Draws images in a grid.

    Args:
        images: shape (images, height, width), or with 1, 3 or 4 channels behind; or rows that
            `image_shape` makes images of.
        titles: above each image; default none.
        columns: images in a line; default: about as many as lines.
        image_shape: (height, width) or (height, width, channels) of a row; default: a square.
        path: a file to write, whose suffix tells the format (.png, .svg, .pdf); None writes none.

    Returns:
        The matplotlib Figure.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: for shapes that are no images, and another number of titles.
    """
    figure_type = figure_class()
    shown = _as_images(images, image_shape, "plot_images")
    if titles is not None and len(titles) != len(shown):
        raise ValueError(f"expected a title for each of {len(shown)} images, got {len(titles)}")
    wide = columns or math.ceil(math.sqrt(len(shown)))
    low, high = _range(shown)
    return saved(_grid(figure_type, list(shown), wide, titles, low, high, "gray"), path)


def plot_reconstructions(
    images: ArrayLike,
    restored: ArrayLike,
    count: int = 10,
    image_shape: Sequence[int] | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Draws images and below them what a network has restored.

    Args:
        images: as for :func:`plot_images`.
        restored: of the same shape: ``autoencoder.predict(images)``.
        count: how many, from the first on; default 10.
        image_shape: as for :func:`plot_images`.
        path: a file to write, whose suffix tells the format (.png, .svg, .pdf); None writes none.

    Returns:
        The matplotlib Figure.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: for shapes that differ, or are no images.
    """
    figure_type = figure_class()
    pair = [np.asarray(images)[:count], np.asarray(restored)[:count]]
    if pair[0].shape != pair[1].shape:
        raise ValueError(f"expected images of one shape, got {pair[0].shape} and {pair[1].shape}")
    above, below = (_as_images(part, image_shape, "plot_reconstructions") for part in pair)
    low, high = _range(above)
    shown = [*above, *below]
    return saved(_grid(figure_type, shown, len(above), None, low, high, "gray"), path)


def plot_filters(
    weights: Any,
    count: int = 64,
    image_shape: Sequence[int] | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Draws what each unit of a first layer, or each filter of a convolution, looks at.

    Red weights are above 0, blue ones below, each image on a scale of its own.

    Args:
        weights: a layer (its kernel is drawn), or a kernel: (inputs, units) of a dense layer, or
            (height, width, channels, filters) of a convolution, whose channels are averaged.
        count: how many, from the first on; default 64.
        image_shape: (height, width) of a dense layer's input; default: a square.
        path: a file to write, whose suffix tells the format (.png, .svg, .pdf); None writes none.

    Returns:
        The matplotlib Figure.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: for a layer without a kernel, or a shape that is no filters'.
    """
    figure_type = figure_class()
    kernel = np.asarray(_kernel(weights))
    if kernel.ndim == 4:
        filters = kernel.mean(axis=2).transpose(2, 0, 1)[:count]
    elif kernel.ndim == 2:
        filters = _as_images(kernel.T[:count], image_shape, "plot_filters")
    else:
        raise ValueError(
            "[plot_filters] expected a kernel of shape (inputs, units) or (height, width, "
            f"channels, filters), got {kernel.shape}"
        )
    if filters.ndim == 4:
        filters = filters.mean(axis=3)
    scaled = [image / (float(np.abs(image).max()) or 1.0) for image in filters]
    wide = math.ceil(math.sqrt(len(scaled)))
    return saved(_grid(figure_type, scaled, wide, None, -1.0, 1.0, "RdBu_r"), path)


def _kernel(weights: Any) -> Any:
    if not hasattr(weights, "get_weights"):
        return weights
    found = weights.get_weights()
    if not found:
        raise ValueError(f"[plot_filters] the layer {weights.name!r} has no weights")
    return found[0]


def _as_images(rows: ArrayLike, image_shape: Sequence[int] | None, owner: str) -> Array:
    """An array of shape (images, height, width), or with 3 or 4 channels behind."""
    array = np.asarray(rows)
    if array.ndim == 2:
        pixels = array.shape[1]
        side = math.isqrt(pixels)
        shape = tuple(image_shape or (side, side))
        if math.prod(shape) != pixels:
            raise ValueError(
                f"[{owner}] {pixels} numbers a row are no image of shape {shape}: give image_shape"
            )
        array = array.reshape(len(array), *shape)
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if len(array) == 0 or not (array.ndim == 3 or (array.ndim == 4 and array.shape[3] in (3, 4))):
        raise ValueError(
            f"[{owner}] expected images (n, height, width[, 1 or 3]), got {array.shape}"
        )
    return array


def _range(images: Array) -> tuple[float, float]:
    if images.dtype == np.uint8:
        return 0.0, 255.0
    return min(0.0, float(images.min())), max(1.0, float(images.max()))


def _grid(
    figure_type: Any,
    images: list[Array],
    wide: int,
    titles: Sequence[Any] | None,
    low: float,
    high: float,
    colors: str,
) -> Any:
    high_count = -(-len(images) // wide)
    title_room = 0.25 if titles is not None else 0.0
    figure = figure_type(figsize=(0.9 * wide + 0.2, (0.9 + title_room) * high_count + 0.2))
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.97, wspace=0.06, hspace=0.06 + 1.2 * title_room)
    for axes in figure.subplots(high_count, wide, squeeze=False).flat:
        axes.axis("off")
    for number, (image, axes) in enumerate(zip(images, figure.axes, strict=False)):
        if image.ndim == 3 and image.dtype != np.uint8:
            image = np.clip((image - low) / ((high - low) or 1.0), 0.0, 1.0)
        axes.imshow(image, cmap=colors, vmin=low, vmax=high, interpolation="nearest")
        if titles is not None:
            axes.set_title(str(titles[number]), fontsize=8)
    return figure
