"""Clipping of gradients."""

from __future__ import annotations

from typing import Any

from fastnn import ops


def clip_each(grads: list[Any], limit: float) -> list[Any]:
    """Shortens every gradient that is longer than the limit to it."""
    norms = [ops.sqrt(ops.sum(ops.square(g))) for g in grads]
    return [g * (limit / ops.maximum(n, limit)) for g, n in zip(grads, norms, strict=True)]


def clip_together(grads: list[Any], limit: float) -> list[Any]:
    """Shortens all gradients by one factor, so that their common norm is at most the limit.

    An infinite or NaN norm makes every gradient NaN, so that it is not hidden.
    """
    squares = [ops.cast(ops.sum(ops.square(g)), "float64") for g in grads]
    norm = ops.sqrt(sum(squares[1:], squares[0]))
    scale = limit / ops.maximum(norm, limit) + (norm - norm)
    return [g * ops.cast(scale, g.dtype) for g in grads]


def clip_values(grads: list[Any], limit: float) -> list[Any]:
    """Clips every number to -limit … limit."""
    return [ops.clip(g, -limit, limit) for g in grads]
