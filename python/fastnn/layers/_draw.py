"""Random tensors of the shape of another, whose batch may be open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastnn import ops
from fastnn._tensor import Tensor
from fastnn.layers import _scope

if TYPE_CHECKING:
    from fastnn.layers._base import Layer


def seed_of(layer: Layer) -> tuple[int, int] | None:
    """What the next random tensor of a layer is drawn from; None: the seed of the process.

    A layer with a seed draws the same numbers whatever the process's seed and its place in the
    model. Tensors that it draws in one trace differ.

    Args:
        layer: with an attribute ``seed``, a number or None.
    """
    seed = layer.seed  # type: ignore[attr-defined]
    scope = _scope.current()
    if seed is None or scope is None:
        return None
    number = scope.draws.get(id(layer), 0)
    scope.draws[id(layer)] = number + 1
    return seed, number


def bernoulli(layer: Layer, like: Tensor, p: float, shape: Sequence[int | None] | None) -> Tensor:
    """1 with probability p, else 0.

    Args:
        layer: that draws.
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
    return ops.random_bernoulli(dims, p, like.dtype, seed_of(layer))


def normal(layer: Layer, like: Tensor, mean: float, stddev: float) -> Tensor:
    """Normal numbers in the dtype and shape of a tensor."""
    return ops.random_normal(like.dims, mean, stddev, like.dtype, seed_of(layer))
