"""Random initial values: Philox by (seed, stream).

With a ``seed`` of their own they give the same values at every call; without one, each call takes
a new stream of the process's generator (:func:`fastnn.utils.set_random_seed`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fastnn import _core, _random
from fastnn.initializers._base import Array, Initializer, checked_shape

# The standard deviation of a unit normal that is cut off at two.
_TRUNCATED_STDDEV = 0.87962566103423978


class RandomInitializer(Initializer):
    """Base of the random ones.

    Args:
        seed: a whole number: every call gives the same values. None: a new stream of the
            process's generator at every call.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = None if seed is None else _random.check_seed(seed)

    def _draw(self, kind: str, shape: tuple[int, ...], dtype: str, a: float, b: float) -> Array:
        if dtype not in ("float32", "float64"):
            raise ValueError(
                f"[{type(self).__name__}] expected dtype 'float32' or 'float64', got {dtype!r}"
            )
        if self.seed is None:
            seed, stream = _random.current_seed(), _random.next_stream()
        else:
            seed, stream = self.seed, 0
        drawn: Array = _core.random(kind, shape, dtype, seed, stream, a, b)
        return drawn


class RandomUniform(RandomInitializer):
    """Uniform between two limits.

    Args:
        minval: the lower limit, included.
        maxval: the upper limit, not included.
        seed: see :class:`RandomInitializer`.

    Example:
        >>> values = RandomUniform(seed=1)((100,))
        >>> bool((abs(values) <= 0.05).all())
        True
    """

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None
    ) -> None:
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def __call__(self, shape: Sequence[int], dtype: str = "float32") -> Array:
        return self._draw("uniform", checked_shape(shape, self), dtype, self.minval, self.maxval)


class RandomNormal(RandomInitializer):
    """Normal.

    Args:
        mean: its mean.
        stddev: its standard deviation.
        seed: see :class:`RandomInitializer`.

    Example:
        >>> RandomNormal(seed=1)((2, 3)).shape
        (2, 3)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape: Sequence[int], dtype: str = "float32") -> Array:
        return self._draw("normal", checked_shape(shape, self), dtype, self.mean, self.stddev)


class TruncatedNormal(RandomNormal):
    """Normal, with nothing further than two ``stddev`` from the mean.

    Args:
        mean: the mean.
        stddev: the standard deviation before the tails are cut off.
        seed: see :class:`RandomInitializer`.

    Example:
        >>> values = TruncatedNormal(stddev=1.0, seed=1)((1000,))
        >>> bool((abs(values) <= 2.0).all())
        True
    """

    def __call__(self, shape: Sequence[int], dtype: str = "float32") -> Array:
        wanted = checked_shape(shape, self)
        return self._draw("truncated_normal", wanted, dtype, self.mean, self.stddev)


def compute_fans(
    shape: Sequence[int],
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
) -> tuple[int, int]:
    """How many values feed one output, and how many outputs one value feeds.

    A matrix is (in, out); more axes are a convolution kernel (..., in, out), whose leading axes
    count for both sides.

    Args:
        shape: of the weight.
        input_axes: with ``output_axes``: the axes to multiply instead.
        output_axes: see ``input_axes``.

    Example:
        >>> compute_fans((11, 6)), compute_fans((3, 3, 8, 16)), compute_fans((5,))
        ((11, 6), (72, 144), (5, 5))
    """
    if input_axes is not None and output_axes is not None:
        return (
            math.prod(shape[axis] for axis in input_axes),
            math.prod(shape[axis] for axis in output_axes),
        )
    if len(shape) == 0:
        return 1, 1
    if len(shape) == 1:
        return shape[0], shape[0]
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


class VarianceScaling(RandomInitializer):
    """A variance of ``scale / n``, where n is the fan-in, the fan-out or their mean.

    Args:
        scale: a number above 0.
        mode: 'fan_in', 'fan_out' or 'fan_avg'.
        distribution: 'truncated_normal' (or 'normal'), 'untruncated_normal' or 'uniform'.
        seed: see :class:`RandomInitializer`.
        input_axes: axes that make the fan-in, instead of the rule of :func:`compute_fans`.
        output_axes: axes that make the fan-out.

    Raises:
        ValueError: for a scale of 0 or less, or an unknown mode or distribution.

    Source: He et al., 2015, "Delving deep into rectifiers"; Glorot and Bengio, 2010.

    Example:
        >>> limit = (3 * 2.0 / 100) ** 0.5
        >>> values = VarianceScaling(2.0, "fan_in", "uniform", seed=1)((100, 50))
        >>> bool((abs(values) <= limit).all())
        True
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(seed)
        if scale <= 0.0:
            raise ValueError(f"[{type(self).__name__}] expected scale > 0, got {scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(
                f"[{type(self).__name__}] expected mode 'fan_in', 'fan_out' or 'fan_avg', "
                f"got {mode!r}"
            )
        distribution = distribution.lower()
        if distribution == "normal":
            distribution = "truncated_normal"
        if distribution not in ("truncated_normal", "untruncated_normal", "uniform"):
            raise ValueError(
                f"[{type(self).__name__}] expected distribution 'truncated_normal', "
                f"'untruncated_normal' or 'uniform', got {distribution!r}"
            )
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.input_axes = input_axes
        self.output_axes = output_axes

    def __call__(self, shape: Sequence[int], dtype: str = "float32") -> Array:
        wanted = checked_shape(shape, self)
        fan_in, fan_out = compute_fans(wanted, self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}
        variance = self.scale / max(1.0, fan[self.mode])
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return self._draw("uniform", wanted, dtype, -limit, limit)
        if self.distribution == "untruncated_normal":
            return self._draw("normal", wanted, dtype, 0.0, math.sqrt(variance))
        stddev = math.sqrt(variance) / _TRUNCATED_STDDEV
        return self._draw("truncated_normal", wanted, dtype, 0.0, stddev)


class _NamedScaling(VarianceScaling):
    """A VarianceScaling whose scale, mode and distribution are its name."""

    _settings: tuple[float, str, str]

    def __init__(
        self,
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(*self._settings, seed, input_axes, output_axes)


class GlorotUniform(_NamedScaling):
    """Uniform within ``sqrt(6 / (fan_in + fan_out))``: the default of Dense.

    Args:
        seed: see :class:`RandomInitializer`.
        input_axes: see :class:`VarianceScaling`.
        output_axes: see :class:`VarianceScaling`.

    Source: Glorot and Bengio, 2010, "Understanding the difficulty of training deep feedforward
    neural networks".

    Example:
        >>> values = GlorotUniform(seed=1)((11, 6))
        >>> bool((abs(values) <= (6 / 17) ** 0.5).all())
        True
    """

    _settings = (1.0, "fan_avg", "uniform")


class GlorotNormal(_NamedScaling):
    """Truncated normal of variance ``2 / (fan_in + fan_out)``; see :class:`GlorotUniform`.

    Example:
        >>> GlorotNormal(seed=1)((11, 6)).shape
        (11, 6)
    """

    _settings = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_NamedScaling):
    """Uniform within ``sqrt(6 / fan_in)``, made for relu.

    Source: He et al., 2015, "Delving deep into rectifiers".

    Example:
        >>> values = HeUniform(seed=1)((11, 6))
        >>> bool((abs(values) <= (6 / 11) ** 0.5).all())
        True
    """

    _settings = (2.0, "fan_in", "uniform")


class HeNormal(_NamedScaling):
    """Truncated normal of variance ``2 / fan_in``; see :class:`HeUniform`.

    Example:
        >>> HeNormal(seed=1)((11, 6)).shape
        (11, 6)
    """

    _settings = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_NamedScaling):
    """Uniform within ``sqrt(3 / fan_in)``.

    Source: LeCun et al., 1998, "Efficient backprop".

    Example:
        >>> values = LecunUniform(seed=1)((11, 6))
        >>> bool((abs(values) <= (3 / 11) ** 0.5).all())
        True
    """

    _settings = (1.0, "fan_in", "uniform")


class LecunNormal(_NamedScaling):
    """Truncated normal of variance ``1 / fan_in``, made for selu; see :class:`LecunUniform`.

    Example:
        >>> LecunNormal(seed=1)((11, 6)).shape
        (11, 6)
    """

    _settings = (1.0, "fan_in", "truncated_normal")


class Orthogonal(RandomInitializer):
    """Orthonormal columns (or rows, whichever are fewer), times ``gain``.

    The leading axes count as one. A matrix of normal numbers is made orthogonal by QR, with
    signs chosen so that every orthogonal matrix is equally likely.

    Args:
        gain: a factor.
        seed: see :class:`RandomInitializer`.

    Raises:
        ValueError: at the call, if the shape has less than two axes.

    Source: Saxe et al., 2013, "Exact solutions to the nonlinear dynamics of learning".

    Example:
        >>> q = Orthogonal(seed=1)((4, 3))
        >>> bool(np.allclose(q.T @ q, np.eye(3), atol=1e-6))
        True
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: str = "float32") -> Array:
        wanted = checked_shape(shape, self)
        if len(wanted) < 2:
            raise ValueError(f"[Orthogonal] expected a shape of at least two axes, got {wanted}")
        rows, cols = math.prod(wanted[:-1]), wanted[-1]
        tall = (max(rows, cols), min(rows, cols))
        q, r = np.linalg.qr(self._draw("normal", tall, "float64", 0.0, 1.0))
        q = q * np.where(np.diag(r) < 0.0, -1.0, 1.0)
        if rows < cols:
            q = q.T
        return np.ascontiguousarray((self.gain * q).reshape(wanted).astype(dtype))
