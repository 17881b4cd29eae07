"""What batch, layer and group normalisation share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastnn import _registry as registry
from fastnn import constraints, initializers, ops, regularizers
from fastnn._tensor import Tensor
from fastnn.layers._arguments import Shape, format_shape
from fastnn.layers._base import Layer


class ScaleAndShift(Layer):
    """What layers share that normalise over some axes: a learned scale and centre.

    Args:
        axis: of the features, or several.
        epsilon: added to the variance.
        center: whether beta is added.
        scale: whether gamma multiplies.
        beta: its initializer, regularizer and constraint.
        gamma: the same for gamma.
        **kwargs: as for :class:`Layer`.
    """

    _masking = True

    def __init__(
        self,
        axis: int | Sequence[int],
        epsilon: float,
        center: bool,
        scale: bool,
        beta: tuple[Any, Any, Any],
        gamma: tuple[Any, Any, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis = axis if isinstance(axis, int) else tuple(axis)
        self.epsilon = float(epsilon)
        self.center = bool(center)
        self.scale = bool(scale)
        for part, (initializer, regularizer, constraint) in (("beta", beta), ("gamma", gamma)):
            setattr(self, f"{part}_initializer", initializers.get(initializer))
            setattr(self, f"{part}_regularizer", regularizers.get(regularizer))
            setattr(self, f"{part}_constraint", constraints.get(constraint))

    def _parameter(self, part: str, shape: Sequence[int]) -> Any:
        return self.add_weight(
            shape,
            getattr(self, f"{part}_initializer"),
            regularizer=getattr(self, f"{part}_regularizer"),
            constraint=getattr(self, f"{part}_constraint"),
            name=part,
        )

    def _build_axes(self, input_shape: Shape) -> tuple[list[int], list[int]]:
        """The axes of the features, and their sizes."""
        rank = len(input_shape)
        given = (self.axis,) if isinstance(self.axis, int) else self.axis
        for axis in given:
            if not -rank <= axis < rank or axis % rank == 0 or input_shape[axis] is None:
                raise ValueError(
                    f"[{type(self).__name__}] expected an input with known sizes along axis "
                    f"{self.axis}, got {format_shape(input_shape)}"
                )
        axes = sorted(axis % rank for axis in given)
        sizes = [int(input_shape[axis] or 0) for axis in axes]
        self._broadcast = tuple(
            int(size or 0) if axis in axes else 1 for axis, size in enumerate(input_shape)
        )
        self.gamma = self._parameter("gamma", sizes) if self.scale else None
        self.beta = self._parameter("beta", sizes) if self.center else None
        self._expect(dict(zip(axes, sizes, strict=True)), rank=rank)
        return axes, sizes

    def _spread(self, variable: Tensor) -> Any:
        return ops.reshape(variable, self._broadcast)

    def _scaled(self, inputs: Tensor, mean: Tensor, variance: Tensor) -> Any:
        factor = ops.rsqrt(variance + self.epsilon)
        if self.gamma is not None:
            factor = factor * self._spread(self.gamma)
        outputs = (inputs - mean) * factor
        return outputs if self.beta is None else outputs + self._spread(self.beta)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        config = {**super().get_config(), "epsilon": self.epsilon}
        config["axis"] = self.axis if isinstance(self.axis, int) else list(self.axis)
        config["center"], config["scale"] = self.center, self.scale
        for part in ("beta", "gamma"):
            for kind in ("initializer", "regularizer", "constraint"):
                key = f"{part}_{kind}"
                config[key] = registry.serialize(getattr(self, key))
        return config
