"""Layers that bring features to a common scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn import _registry as registry
from fastnn import initializers, ops
from fastnn._tensor import Tensor
from fastnn.layers._arguments import Shape, format_shape, positive_int
from fastnn.layers._base import Layer
from fastnn.layers._scaling import ScaleAndShift


class Normalization(Layer):
    """Features to mean 0 and variance 1, by figures taken from data once.

    Args:
        axis: the axis of the features; default -1. None: one mean for everything.
        mean: known means, in place of :meth:`adapt`.
        variance: known variances.
        invert: undo the normalisation instead; default False.
        **kwargs: as for :class:`Layer`.

    Raises:
        ValueError: for a mean without a variance, or the reverse; when called before adapt().

    Example:
        >>> import numpy as np
        >>> layer = Normalization()
        >>> layer.adapt(np.array([[1.0], [3.0]]))
        >>> layer(np.array([[3.0]], "float32"))
        array([[1.]], dtype=float32)
    """

    _masking = True

    def __init__(
        self,
        axis: int | None = -1,
        mean: ArrayLike | None = None,
        variance: ArrayLike | None = None,
        invert: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if axis is not None and not isinstance(axis, int):
            raise TypeError(f"[Normalization] expected axis to be a whole number, got {axis!r}")
        if (mean is None) != (variance is None):
            raise ValueError("[Normalization] expected both mean and variance, or neither")
        self.axis = axis
        self.invert = bool(invert)
        self.input_mean = None if mean is None else np.asarray(mean, np.float64)
        self.input_variance = None if variance is None else np.asarray(variance, np.float64)

    def adapt(self, data: ArrayLike) -> None:
        """Takes mean and variance from data.

        Args:
            data: (rows, ...), numbers.

        Raises:
            ValueError: for data without rows, another number of features than before, or a layer
                that was given its figures.
            TypeError: for data that are no numbers.
        """
        array = np.asarray(data)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"[Normalization] expected numbers, got dtype {array.dtype}")
        if array.ndim < 1 or array.shape[0] == 0:
            raise ValueError(f"[Normalization] expected rows of data, got shape {array.shape}")
        if array.ndim == 1:
            array = array[:, None]
        if self.input_mean is not None:
            raise ValueError(
                f"[Normalization] {self.name!r} was given its mean and variance: there is nothing "
                "to adapt"
            )
        if not self.built:
            self.build((None, *array.shape[1:]))
            self.built = True
        self._check_shape(array.shape)
        kept = None if self.axis is None else self.axis % array.ndim
        axes = tuple(axis for axis in range(array.ndim) if axis != kept)
        self.mean.set_value(np.mean(array, axis=axes, dtype=np.float64))
        self.variance.set_value(np.var(array, axis=axes, dtype=np.float64))

    def build(self, input_shape: Shape) -> None:
        """Makes mean and variance.

        Args:
            input_shape: (batch, ...); the size of the features' axis must be known.
        """
        shape: tuple[int, ...] = ()
        self._broadcast: tuple[int, ...] = ()
        if self.axis is not None:
            rank = len(input_shape)
            if not -rank <= self.axis < rank or input_shape[self.axis] is None:
                raise ValueError(
                    f"[Normalization] expected an input with a known size along axis {self.axis}, "
                    f"got {format_shape(input_shape)}"
                )
            size = int(input_shape[self.axis] or 0)
            shape = (size,)
            axis = self.axis % rank
            self._broadcast = tuple(size if i == axis else 1 for i in range(rank))
            self._expect({self.axis: size}, rank=2)
        self.mean = self._figure("mean", "zeros", self.input_mean, shape)
        self.variance = self._figure("variance", "ones", self.input_variance, shape)

    def _figure(
        self, name: str, initializer: str, given: NDArray[np.float64] | None, shape: Sequence[int]
    ) -> Any:
        """A variable to adapt, or the constant that was given."""
        if given is None:
            return self.add_weight(shape, initializer, trainable=False, name=name)
        try:
            return np.broadcast_to(given.reshape(-1) if shape else given, shape).astype(self.dtype)
        except ValueError:
            raise ValueError(
                f"[Normalization] expected a {name} of shape {tuple(shape)} for the input's axis "
                f"{self.axis}, got {given.shape}"
            ) from None

    def call(self, inputs: Tensor) -> Any:
        """The normalised input.

        Args:
            inputs: the shape it was built for.
        """
        if inputs.dtype != self.dtype:
            inputs = ops.cast(inputs, self.dtype)
        mean = ops.reshape(self.mean, self._broadcast)
        scale = ops.maximum(ops.sqrt(ops.reshape(self.variance, self._broadcast)), 1e-7)
        return inputs * scale + mean if self.invert else (inputs - mean) / scale

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        mean = None if self.input_mean is None else self.input_mean.tolist()
        variance = None if self.input_variance is None else self.input_variance.tolist()
        return {
            **super().get_config(),
            "axis": self.axis,
            "mean": mean,
            "variance": variance,
            "invert": self.invert,
        }


class BatchNormalization(ScaleAndShift):
    """Features to mean 0 and variance 1 over the batch (Ioffe and Szegedy, 2015).

    Prediction, and a layer with ``trainable=False``, use moving averages of both.

    Args:
        axis: of the features; default -1.
        momentum: of the moving averages; default 0.99.
        epsilon: added to the variance; default 1e-3.
        center: whether beta is added; default True.
        scale: whether gamma multiplies; default True.
        beta_initializer: default "zeros".
        gamma_initializer: default "ones".
        moving_mean_initializer: default "zeros".
        moving_variance_initializer: default "ones".
        beta_regularizer: default none; likewise gamma_regularizer.
        gamma_regularizer: default none.
        beta_constraint: default none; likewise gamma_constraint.
        gamma_constraint: default none.
        **kwargs: as for :class:`Layer`.

    Example:
        >>> import numpy as np
        >>> BatchNormalization(epsilon=0.0)(np.array([[3.0, 4.0]], "float32"))
        array([[3., 4.]], dtype=float32)
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        beta = (beta_initializer, beta_regularizer, beta_constraint)
        gamma = (gamma_initializer, gamma_regularizer, gamma_constraint)
        super().__init__(axis, epsilon, center, scale, beta, gamma, **kwargs)
        self.momentum = float(momentum)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)

    def build(self, input_shape: Shape) -> None:
        """Makes gamma, beta and the moving averages.

        Args:
            input_shape: (batch, ...); the size of the features' axis must be known.
        """
        axes, sizes = self._build_axes(input_shape)
        self._reduced = tuple(axis for axis in range(len(input_shape)) if axis not in axes)
        self.moving_mean = self.add_weight(
            sizes, self.moving_mean_initializer, trainable=False, name="moving_mean"
        )
        self.moving_variance = self.add_weight(
            sizes, self.moving_variance_initializer, trainable=False, name="moving_variance"
        )

    def call(self, inputs: Tensor, training: bool = False, mask: Tensor | None = None) -> Any:
        """The normalised input.

        Args:
            inputs: the shape it was built for.
            training: whether the batch's own mean and variance are used.
            mask: of the inputs' shape without its last axis: mean and variance are those of the
                elements that it lets through. All are normalised by them.

        Raises:
            ValueError: for a mask of another rank.
        """
        if mask is not None and mask.ndim != inputs.ndim - 1:
            raise ValueError(
                f"[BatchNormalization] expected a mask of {inputs.ndim - 1} axes for inputs of "
                f"shape {format_shape(inputs.shape)}, got shape {format_shape(mask.shape)}"
            )
        if not training or not self.trainable:
            mean, variance = self._spread(self.moving_mean), self._spread(self.moving_variance)
            return self._scaled(inputs, mean, variance)
        mean, variance = self._moments(inputs, mask)
        shape = self.moving_mean.shape
        for average, current in ((self.moving_mean, mean), (self.moving_variance, variance)):
            current = ops.stop_gradient(ops.reshape(current, shape))
            moved = average * self.momentum + current * (1.0 - self.momentum)
            self.add_update(average, moved)
        return self._scaled(inputs, mean, variance)

    def _moments(self, inputs: Tensor, mask: Tensor | None) -> tuple[Any, Any]:
        """Mean and variance of the batch, in the rank of the inputs."""
        if mask is None:
            mean = ops.mean(inputs, axis=self._reduced, keepdims=True)
            return mean, ops.mean(ops.square(inputs - mean), axis=self._reduced, keepdims=True)
        counts = ops.cast(ops.expand_dims(mask, -1), inputs.dtype) * ops.ones_like(inputs)
        # The epsilon is Keras's: a batch without any step gives 0, not NaN.
        number = ops.sum(counts, axis=self._reduced, keepdims=True) + 1e-7
        zeros = ops.zeros_like(inputs)
        kept = ops.where(counts > 0.0, inputs, zeros)
        mean = ops.sum(kept, axis=self._reduced, keepdims=True) / number
        apart = ops.where(counts > 0.0, inputs - mean, zeros)
        return mean, ops.sum(ops.square(apart), axis=self._reduced, keepdims=True) / number

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "moving_mean_initializer": registry.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": registry.serialize(self.moving_variance_initializer),
        }


class LayerNormalization(ScaleAndShift):
    """The features of each row to mean 0 and variance 1 (Ba et al., 2016).

    Args:
        axis: of the features, or several; default -1.
        epsilon: added to the variance; default 1e-3.
        center: whether beta is added; default True.
        scale: whether gamma multiplies; default True.
        beta_initializer: default "zeros".
        gamma_initializer: default "ones".
        beta_regularizer: default none.
        gamma_regularizer: default none.
        beta_constraint: default none.
        gamma_constraint: default none.
        **kwargs: as for :class:`Layer`.

    Example:
        >>> import numpy as np
        >>> LayerNormalization(epsilon=0.0)(np.array([[1.0, 3.0]], "float32"))
        array([[-1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        beta = (beta_initializer, beta_regularizer, beta_constraint)
        gamma = (gamma_initializer, gamma_regularizer, gamma_constraint)
        super().__init__(axis, epsilon, center, scale, beta, gamma, **kwargs)

    def build(self, input_shape: Shape) -> None:
        """Makes gamma and beta.

        Args:
            input_shape: (batch, ...); the sizes of the features' axes must be known.
        """
        self._features = tuple(self._build_axes(input_shape)[0])

    def call(self, inputs: Tensor) -> Any:
        """The normalised rows.

        Args:
            inputs: the shape it was built for.
        """
        mean = ops.mean(inputs, axis=self._features, keepdims=True)
        variance = ops.mean(ops.square(inputs - mean), axis=self._features, keepdims=True)
        return self._scaled(inputs, mean, variance)


class GroupNormalization(ScaleAndShift):
    """Groups of channels of each row to mean 0 and variance 1 (Wu and He, 2018).

    Args:
        groups: how many, a divisor of the number of channels; -1: one for each channel (instance
            normalisation); default 32.
        axis: of the channels; default -1.
        epsilon: added to the variance; default 1e-3.
        center: whether beta is added; default True.
        scale: whether gamma multiplies; default True.
        beta_initializer: default "zeros".
        gamma_initializer: default "ones".
        beta_regularizer: default none.
        gamma_regularizer: default none.
        beta_constraint: default none.
        gamma_constraint: default none.
        **kwargs: as for :class:`Layer`.

    Raises:
        ValueError: for groups that do not divide the number of channels.

    Example:
        >>> import numpy as np
        >>> GroupNormalization(2, epsilon=0.0)(np.array([[1.0, 3.0, 5.0, 9.0]], "float32"))
        array([[-1.,  1., -1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        beta = (beta_initializer, beta_regularizer, beta_constraint)
        gamma = (gamma_initializer, gamma_regularizer, gamma_constraint)
        super().__init__(axis, epsilon, center, scale, beta, gamma, **kwargs)
        if groups != -1:
            positive_int("GroupNormalization", "groups", groups)
        self.groups = int(groups)

    def build(self, input_shape: Shape) -> None:
        """Makes gamma and beta.

        Args:
            input_shape: (batch, ...); the number of channels must be known.

        Raises:
            ValueError: for a number of channels that the groups do not divide.
        """
        (axis,), (channels,) = self._build_axes(input_shape)
        groups = channels if self.groups == -1 else self.groups
        if channels % groups:
            raise ValueError(
                f"[GroupNormalization] expected a number of channels that {groups} groups divide, "
                f"got {channels}"
            )
        self._grouped = (axis, groups, channels // groups)

    def call(self, inputs: Tensor) -> Any:
        """The normalised rows.

        Args:
            inputs: the shape it was built for.
        """
        axis, groups, width = self._grouped
        dims = list(inputs.dims)
        apart = ops.reshape(inputs, (*dims[:axis], groups, width, *dims[axis + 1 :]))
        axes = tuple(i for i in range(1, apart.ndim) if i != axis)
        mean = ops.mean(apart, axis=axes, keepdims=True)
        variance = ops.mean(ops.square(apart - mean), axis=axes, keepdims=True)
        outputs = ops.reshape((apart - mean) * ops.rsqrt(variance + self.epsilon), dims)
        if self.gamma is not None:
            outputs = outputs * self._spread(self.gamma)
        return outputs if self.beta is None else outputs + self._spread(self.beta)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "groups": self.groups}


class UnitNormalization(Layer):
    """Rows scaled to length 1.

    Args:
        axis: along which lengths are measured, or several; default -1.
        **kwargs: as for :class:`Layer`.

    Example:
        >>> import numpy as np
        >>> UnitNormalization()(np.array([[3.0, 4.0]], "float32"))
        array([[0.6, 0.8]], dtype=float32)
    """

    _masking = True

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis if isinstance(axis, int) else tuple(axis)

    def call(self, inputs: Tensor) -> Any:
        """The scaled rows; rows of zeros stay.

        Args:
            inputs: any shape that has the axes.
        """
        squares = ops.sum(ops.square(inputs), axis=self.axis, keepdims=True)
        return inputs * ops.rsqrt(ops.maximum(squares, 1e-24))

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        axis = self.axis if isinstance(self.axis, int) else list(self.axis)
        return {**super().get_config(), "axis": axis}
