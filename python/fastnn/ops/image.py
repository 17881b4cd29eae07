"""Images, of shape (n, height, width, channels)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._tensor import Dimension, Tensor
from ._dispatch import node, operation
from .shapes import cast


@operation(2)
def affine_transform(
    images: Tensor,
    matrices: Tensor,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    size: Sequence[Dimension] | None = None,
) -> Any:
    """Images read at other places: rotated, shifted, scaled, sheared or resized.

    Pixel (x, y) of the output is what the input has at ``(a x + b y + c, d x + e y + f)``, where x
    counts columns and y rows, and pixels have their centres at whole numbers.

    Args:
        images: of shape (n, height, width, channels); float32 or float64.
        matrices: of shape (n, 6), or (1, 6) for all images: a, b, c, d, e, f. Taken as constants:
            no gradient flows to them.
        interpolation: "bilinear", or "nearest" (halves away from zero).
        fill_mode: what lies around an image, as in ``keras.ops.image.affine_transform``:
            "constant" (k k | a b c | k k), "nearest" (a a | a b c | c c),
            "reflect" (b a | a b c | c b) or "wrap" (b c | a b c | a b).
        fill_value: k.
        size: height and width of the output; default: those of the input.

    Returns:
        Images of shape (n, *size, channels).

    Raises:
        ValueError: for other shapes, modes, or sides of 2**22 or more.

    Example:
        >>> import numpy as np
        >>> from fastnn import ops
        >>> row = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)
        >>> ops.affine_transform(row, [[1.0, 0.0, -0.5, 0.0, 1.0, 0.0]])[0, 0, :, 0]
        array([0.5, 1.5, 2.5])
    """
    if images.dtype[0] != "f":
        images = cast(images, "float32")
    if images.ndim != 4:
        raise ValueError(
            "[affine_transform] expected images of shape (n, height, width, channels), got "
            f"{tuple(images.shape)}"
        )
    if matrices.dtype != images.dtype:
        matrices = cast(matrices, images.dtype)
    return node(
        "affine_transform",
        [images, matrices],
        interpolation=interpolation,
        fill_mode=fill_mode,
        fill_value=float(fill_value),
        size=list(images.dims[1:3] if size is None else size),
    )
