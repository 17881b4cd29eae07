"""Layers that apply an activation function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastnn import _registry as registry
from fastnn import constraints, initializers, ops, regularizers
from fastnn._tensor import Tensor
from fastnn.layers._arguments import Shape, format_shape, get_activation
from fastnn.layers._base import Layer
from fastnn.layers._legacy import renamed_arguments


class Activation(Layer):
    """An activation function as a layer.

    Args:
        activation: a name or function.
        **kwargs: as for :class:`Layer`.

    Raises:
        ValueError: for an unknown name.

    Example:
        >>> import numpy as np
        >>> Activation("relu")(np.array([-1.0, 2.0], "float32"))
        array([0., 2.], dtype=float32)
    """

    _masking = True

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = get_activation("Activation", activation)

    def call(self, inputs: Tensor) -> Any:
        """The function of each element.

        Args:
            inputs: any shape.
        """
        return self.activation(inputs)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "activation": registry.serialize(self.activation)}


class ReLU(Layer):
    """``max(x, 0)``, with an optional ceiling, slope below and threshold.

    Args:
        max_value: the ceiling; default none.
        negative_slope: the slope below the threshold; default 0.
        threshold: below it the output is ``negative_slope * (x - threshold)``; default 0.
        **kwargs: as for :class:`Layer`.

    Raises:
        ValueError: for a negative argument.

    Example:
        >>> import numpy as np
        >>> ReLU(max_value=6.0)(np.array([-1.0, 9.0], "float32"))
        array([0., 6.], dtype=float32)
    """

    _masking = True

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else _not_negative("ReLU", max_value=max_value)
        self.negative_slope = _not_negative("ReLU", negative_slope=negative_slope)
        self.threshold = _not_negative("ReLU", threshold=threshold)

    def call(self, inputs: Tensor) -> Any:
        """The rectified input.

        Args:
            inputs: any shape.
        """
        if self.threshold == 0.0:
            if self.negative_slope == 0.0:
                outputs = ops.relu(inputs)
            else:
                outputs = ops.leaky_relu(inputs, self.negative_slope)
        else:
            below = (inputs - self.threshold) * self.negative_slope
            outputs = ops.where(inputs >= self.threshold, inputs, below)
        return outputs if self.max_value is None else ops.minimum(outputs, self.max_value)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }


class LeakyReLU(Layer):
    """``x`` where positive, else ``negative_slope * x``.

    Args:
        negative_slope: default 0.3.
        **kwargs: as for :class:`Layer`; alpha is an old name of negative_slope.

    Raises:
        ValueError: for a negative slope.

    Example:
        >>> import numpy as np
        >>> LeakyReLU(0.5)(np.array([-1.0, 2.0], "float32"))
        array([-0.5,  2. ], dtype=float32)
    """

    _masking = True

    @renamed_arguments(alpha="negative_slope")
    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.negative_slope = _not_negative("LeakyReLU", negative_slope=negative_slope)

    def call(self, inputs: Tensor) -> Any:
        """The function of each element.

        Args:
            inputs: any shape.
        """
        return ops.leaky_relu(inputs, self.negative_slope)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "negative_slope": self.negative_slope}


class ELU(Layer):
    """``x`` where positive, else ``alpha * (exp(x) - 1)`` (Clevert et al., 2015).

    Args:
        alpha: default 1.
        **kwargs: as for :class:`Layer`.

    Example:
        >>> import numpy as np
        >>> ELU()(np.array([0.0, 2.0], "float32"))
        array([0., 2.], dtype=float32)
    """

    _masking = True

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = float(alpha)

    def call(self, inputs: Tensor) -> Any:
        """The function of each element.

        Args:
            inputs: any shape.
        """
        return ops.elu(inputs, self.alpha)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "alpha": self.alpha}


class PReLU(Layer):
    """``x`` where positive, else ``alpha * x`` with a learned alpha (He et al., 2015).

    Args:
        alpha_initializer: default "zeros".
        alpha_regularizer: default none.
        alpha_constraint: default none.
        shared_axes: axes (from 1) along which one alpha serves; default none.
        **kwargs: as for :class:`Layer`.

    Example:
        >>> import numpy as np
        >>> PReLU("ones")(np.array([[-1.0, 2.0]], "float32"))
        array([[-1.,  2.]], dtype=float32)
    """

    _masking = True

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Sequence[int] | int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        axes = (shared_axes,) if isinstance(shared_axes, int) else tuple(shared_axes or ())
        self.shared_axes = axes

    def build(self, input_shape: Shape) -> None:
        """Makes alpha.

        Args:
            input_shape: its sizes from axis 1 on, those of shared axes excepted, must be known.
        """
        shape = [1 if axis in self.shared_axes else size for axis, size in enumerate(input_shape)]
        self.alpha = self.add_weight(
            shape[1:],  # type: ignore[arg-type]
            self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
            name="alpha",
        )

    def call(self, inputs: Tensor) -> Any:
        """The function of each element.

        Args:
            inputs: the shape it was built for.
        """
        return ops.relu(inputs) - self.alpha * ops.relu(-inputs)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {
            **super().get_config(),
            "alpha_initializer": registry.serialize(self.alpha_initializer),
            "alpha_regularizer": registry.serialize(self.alpha_regularizer),
            "alpha_constraint": registry.serialize(self.alpha_constraint),
            "shared_axes": list(self.shared_axes),
        }


class Softmax(Layer):
    """``exp(x) / sum(exp(x))`` along an axis.

    Args:
        axis: or several, over which the probabilities add up to 1; default -1.
        **kwargs: as for :class:`Layer`.

    Example:
        >>> import numpy as np
        >>> Softmax()(np.array([[1.0, 1.0]], "float32"))
        array([[0.5, 0.5]], dtype=float32)
    """

    _masking = True

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis if isinstance(axis, int) else tuple(axis)

    def _softmax(self, inputs: Tensor) -> Any:
        if isinstance(self.axis, int):
            return ops.softmax(inputs, axis=self.axis)
        return ops.exp(inputs - ops.logsumexp(inputs, axis=self.axis, keepdims=True))

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Any:
        """Probabilities along the axis.

        Args:
            inputs: any shape that has the axis.
            mask: broadcasts to the inputs; where it is False, the probability is 0.

        Raises:
            ValueError: for a mask that does not broadcast to the inputs.
        """
        if mask is None:
            return self._softmax(inputs)
        _check_broadcasts(mask, inputs)
        lowest = float(np.finfo(inputs.dtype).min) / 2
        kept = ops.where(mask, inputs, ops.full((), lowest, inputs.dtype))
        outputs = self._softmax(kept)
        return ops.where(mask, outputs, ops.zeros_like(outputs))

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        axis = self.axis if isinstance(self.axis, int) else list(self.axis)
        return {**super().get_config(), "axis": axis}


def _check_broadcasts(mask: Tensor, inputs: Tensor) -> None:
    """Whether a mask has no axis that the inputs lack, and no other length along one."""
    pairs = zip(reversed(mask.shape), reversed(inputs.shape), strict=False)
    if mask.ndim > inputs.ndim or any(m not in (1, i) and None not in (m, i) for m, i in pairs):
        raise ValueError(
            f"[Softmax] expected a mask that broadcasts to the input's shape "
            f"{format_shape(inputs.shape)}, got {format_shape(mask.shape)}"
        )


def _not_negative(owner: str, **argument: float) -> float:
    ((name, value),) = argument.items()
    if value < 0:
        raise ValueError(f"[{owner}] expected {name} not to be negative, got {value}")
    return float(value)
