"""Random tensors of the shape of another, whose batch may be open."""

from __future__ import annotations

from collections.abc import Sequence

from fastnn import ops
from fastnn._tensor import Tensor


def bernoulli(like: Tensor, p: float, shape: Sequence[int | None] | None) -> Tensor:
    """1 with probability p, else 0.

    Args:
        like: gives dtype and shape.
        p: the probability.
        shape: 1 along axes that share a draw, None for like's size; None: a draw an element.

    Raises:
        ValueError: for a shape of another rank.
    """
    dims = list(like.dims)
    if shape is not None:
        if len(shape) != len(dims):
            raise ValueError(
                f"expected a noise_shape of {len(dims)} axes, as the input has, got {tuple(shape)}"
            )
        dims = [dim if size is None else size for dim, size in zip(dims, shape, strict=True)]
    return ops.random_bernoulli(dims, p, like.dtype)


def normal(like: Tensor, mean: float, stddev: float) -> Tensor:
    """Normal numbers in the dtype and shape of a tensor."""
    return ops.random_normal(like.dims, mean, stddev, like.dtype)
