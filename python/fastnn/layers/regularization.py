"""Layers that add noise in training and do nothing in prediction."""

from __future__ import annotations

import math
from typing import Any

from fastnn import _random as random
from fastnn import ops, regularizers
from fastnn._tensor import Tensor
from fastnn.layers import _draw as draw
from fastnn.layers._arguments import Shape, channels_last
from fastnn.layers._base import Layer
from fastnn.layers._legacy import renamed_arguments


class _Noise(Layer):
    """A layer that is the identity outside of training."""

    _masking = True

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = None if seed is None else random.check_seed(seed)

    def call(self, inputs: Tensor, training: bool = False) -> Any:
        """The inputs, with noise in training.

        Args:
            inputs: any shape.
            training: whether noise is added.
        """
        return self._disturb(inputs) if training else inputs

    def _disturb(self, inputs: Tensor) -> Any:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "seed": self.seed}


class ActivityRegularization(Layer):
    """Hands its input on, and adds a function of it to the cost.

    Args:
        l1: factor of the sum of absolute values; default 0.
        l2: factor of the sum of squares; default 0.
        **kwargs: as for :class:`Layer`.

    The sums are divided by the number of rows of the batch.

    Example:
        >>> import numpy as np
        >>> ActivityRegularization(l2=0.1)(np.ones((1, 2), "float32"))
        array([[1., 1.]], dtype=float32)
    """

    _masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1, l2), **kwargs)
        self.l1 = float(l1)
        self.l2 = float(l2)

    def call(self, inputs: Tensor) -> Any:
        """The inputs themselves.

        Args:
            inputs: any shape.
        """
        return inputs

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        config = super().get_config()
        del config["activity_regularizer"]
        return {**config, "l1": self.l1, "l2": self.l2}


class Dropout(_Noise):
    """Sets inputs to 0 with probability ``rate`` in training, and scales the rest.

    The others are multiplied by ``1 / (1 - rate)``, so that prediction needs no scaling
    (Srivastava et al., 2014, in its inverted form).

    Args:
        rate: 0 <= rate <= 1.
        noise_shape: the shape of the mask, 1 along axes that are dropped together, None for the
            input's size; default: one draw an element.
        seed: of the draws, which then follow from it alone; default: they follow from the process's
            seed and this layer's place in the model.
        **kwargs: as for :class:`Layer`. The old name of rate is p.

    Raises:
        ValueError: for a rate outside [0, 1].

    Example:
        >>> import numpy as np
        >>> Dropout(0.5)(np.ones((1, 3), "float32"))
        array([[1., 1., 1.]], dtype=float32)
    """

    @renamed_arguments(p="rate")
    def __init__(
        self,
        rate: float,
        noise_shape: Shape | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.rate = _checked_rate(type(self).__name__, rate)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)

    def _disturb(self, inputs: Tensor) -> Any:
        if self.rate == 0.0:
            return inputs
        if self.rate == 1.0:
            return ops.zeros_like(inputs)
        keep = 1.0 - self.rate
        return inputs * draw.bernoulli(self, inputs, keep, self._noise_shape(inputs)) * (1.0 / keep)

    def _noise_shape(self, inputs: Tensor) -> Shape | None:
        return self.noise_shape

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        shape = None if self.noise_shape is None else list(self.noise_shape)
        return {**super().get_config(), "rate": self.rate, "noise_shape": shape}


class _SpatialDropout(Dropout):
    """Dropout of whole feature maps."""

    _axes: tuple[int, ...] = ()

    @renamed_arguments(p="rate")
    def __init__(
        self,
        rate: float,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate, seed=seed, **kwargs)
        channels_last(type(self).__name__, data_format)
        self._expect_rank(len(self._axes) + 2)

    def _noise_shape(self, inputs: Tensor) -> Shape | None:
        return tuple(1 if axis in self._axes else None for axis in range(inputs.ndim))

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        config = super().get_config()
        del config["noise_shape"]
        return config


class SpatialDropout1D(_SpatialDropout):
    """Dropout that sets a feature to 0 at all steps of a row (Tompson et al., 2015).

    Args:
        rate: 0 <= rate <= 1.
        seed: as for :class:`Dropout`.
        data_format: None or "channels_last".
        **kwargs: as for :class:`Layer`.

    Shapes: (batch, steps, features) to the same.

    Raises:
        ValueError: for a rate outside [0, 1] or another data format.

    Example:
        >>> import numpy as np
        >>> y = SpatialDropout1D(0.5, seed=1)(np.ones((1, 3, 4), "float32"), training=True)
        >>> bool((y[:, :1] == y).all())
        True
    """

    _axes = (1,)


class SpatialDropout2D(_SpatialDropout):
    """Dropout that sets a channel to 0 all over an image (Tompson et al., 2015).

    Args:
        rate: 0 <= rate <= 1.
        seed: as for :class:`Dropout`.
        data_format: None or "channels_last".
        **kwargs: as for :class:`Layer`.

    Shapes: (batch, height, width, channels) to the same.

    Raises:
        ValueError: for a rate outside [0, 1] or another data format.

    Example:
        >>> import numpy as np
        >>> y = SpatialDropout2D(0.5, seed=1)(np.ones((1, 3, 3, 4), "float32"), training=True)
        >>> bool((y[:, :1, :1] == y).all())
        True
    """

    _axes = (1, 2)


class GaussianNoise(_Noise):
    """Adds normal noise in training.

    Args:
        stddev: its standard deviation.
        seed: of the draws, which then follow from it alone; default: they follow from the process's
            seed and this layer's place in the model.
        **kwargs: as for :class:`Layer`.

    Raises:
        ValueError: for a negative stddev.

    Example:
        >>> import numpy as np
        >>> GaussianNoise(0.1)(np.ones((1, 2), "float32"))
        array([[1., 1.]], dtype=float32)
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        if not stddev >= 0:
            raise ValueError(f"[GaussianNoise] expected stddev not to be negative, got {stddev}")
        self.stddev = float(stddev)

    def _disturb(self, inputs: Tensor) -> Any:
        return inputs + draw.normal(self, inputs, 0.0, self.stddev)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "stddev": self.stddev}


class GaussianDropout(_Noise):
    """Multiplies by normal noise around 1 in training (Srivastava et al., 2014).

    Args:
        rate: 0 <= rate < 1; the noise has standard deviation ``sqrt(rate / (1 - rate))``.
        seed: of the draws, which then follow from it alone; default: they follow from the process's
            seed and this layer's place in the model.
        **kwargs: as for :class:`Layer`. The old name of rate is p.

    Raises:
        ValueError: for a rate outside [0, 1).

    Example:
        >>> import numpy as np
        >>> GaussianDropout(0.5)(np.ones((1, 2), "float32"))
        array([[1., 1.]], dtype=float32)
    """

    @renamed_arguments(p="rate")
    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.rate = _checked_rate("GaussianDropout", rate, below_one=True)

    def _disturb(self, inputs: Tensor) -> Any:
        if self.rate == 0.0:
            return inputs
        return inputs * draw.normal(self, inputs, 1.0, math.sqrt(self.rate / (1.0 - self.rate)))

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "rate": self.rate}


class AlphaDropout(_Noise):
    """Dropout that keeps mean and variance behind selu (Klambauer et al., 2017).

    Args:
        rate: 0 <= rate < 1.
        noise_shape: as for :class:`Dropout`.
        seed: of the draws, which then follow from it alone; default: they follow from the process's
            seed and this layer's place in the model.
        **kwargs: as for :class:`Layer`. The old name of rate is p.

    Raises:
        ValueError: for a rate outside [0, 1).

    Example:
        >>> import numpy as np
        >>> AlphaDropout(0.5)(np.ones((1, 2), "float32"))
        array([[1., 1.]], dtype=float32)
    """

    _SATURATION = -1.6732632423543772 * 1.0507009873554805

    @renamed_arguments(p="rate")
    def __init__(
        self,
        rate: float,
        noise_shape: Shape | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.rate = _checked_rate("AlphaDropout", rate, below_one=True)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)

    def _disturb(self, inputs: Tensor) -> Any:
        if self.rate == 0.0:
            return inputs
        low, rate = self._SATURATION, self.rate
        keep = draw.bernoulli(self, inputs, 1.0 - rate, self.noise_shape)
        scale = ((1.0 - rate) * (1.0 + rate * low**2)) ** -0.5
        shift = -scale * low * rate
        return scale * (inputs * keep + low * (1.0 - keep)) + shift

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        shape = None if self.noise_shape is None else list(self.noise_shape)
        return {**super().get_config(), "rate": self.rate, "noise_shape": shape}


def _checked_rate(owner: str, rate: float, below_one: bool = False) -> float:
    if isinstance(rate, str) or not 0 <= rate <= 1 or (below_one and rate == 1):
        limit = "[0, 1)" if below_one else "[0, 1]"
        raise ValueError(f"[{owner}] expected a rate in {limit}, got {rate!r}")
    return float(rate)
