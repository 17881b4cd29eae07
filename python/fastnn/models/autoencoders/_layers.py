"""The layers that autoencoders need beside the usual ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnn import activations, ops
from fastnn._tensor import Tensor
from fastnn.layers import Dense
from fastnn.layers._base import Layer


class MaskingNoise(Layer):
    """Sets a share of the inputs to 0 in training, and scales nothing: the corruption of denoising
    autoencoders (Vincent et al., 2010).

    Args:
        rate: the share, 0 <= rate < 1.
        **kwargs: as for :class:`Layer`.

    Raises:
        ValueError: for a rate outside [0, 1).

    Example:
        >>> import numpy as np
        >>> MaskingNoise(0.5)(np.ones((1, 2), "float32"))
        array([[1., 1.]], dtype=float32)
    """

    def __init__(self, rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"[MaskingNoise] expected a rate in [0, 1), got {rate}")
        self.rate = float(rate)

    def call(self, inputs: Tensor, training: bool = False) -> Any:
        """Some inputs are 0, in training."""
        if not training or self.rate == 0:
            return inputs
        return inputs * ops.random_bernoulli(inputs.dims, 1.0 - self.rate, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "rate": self.rate}


class TiedDense(Layer):
    """A Dense layer with the transposed kernel of another: a decoder's step that shares the
    encoder's weights (Hinton and Salakhutdinov, 2006; Vincent et al., 2010).

    It has a bias of its own. As it stands for a part of another layer, it is not saved with an
    architecture; ``save_weights`` works.

    Args:
        source: the Dense layer, built by the time this one is called.
        activation: a name or a function.
        **kwargs: as for :class:`Layer`.

    Raises:
        TypeError: for a source that is no Dense layer.

    Example:
        >>> import numpy as np
        >>> up = Dense(2, input_dim=3)
        >>> code = up(np.ones((1, 3), "float32"))
        >>> TiedDense(up)(code).shape
        (1, 3)
    """

    def __init__(self, source: Dense, activation: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(source, Dense):
            raise TypeError(f"[TiedDense] expected a Dense layer, got {type(source).__name__}")
        # Behind a function, so that its weights count as the encoder's, not as ours.
        self._source: Callable[[], Dense] = lambda: source
        self.activation = activations.get(activation)

    def build(self, input_shape: Any) -> None:
        """Makes the bias."""
        source = self._source()
        if not source.built:
            raise RuntimeError("[TiedDense] the layer that it is tied to has no weights yet")
        if input_shape[-1] != source.units:
            raise ValueError(
                f"[TiedDense] expected input of shape (..., {source.units}), got {input_shape}"
            )
        self.bias = self.add_weight((source.kernel.shape[0],), "zeros", name="bias")

    def call(self, inputs: Tensor) -> Any:
        """activation(inputs W^T + bias)."""
        product = ops.matmul(inputs, self._source().kernel, transpose_b=True)
        return self.activation(product + self.bias)

    def get_config(self) -> dict[str, Any]:
        """Raises NotImplementedError: the layer is a part of another."""
        raise NotImplementedError(
            "[TiedDense] shares its weights with another layer and cannot be made from a "
            "configuration: use save_weights() and load_weights()"
        )


class Sampling(Layer):
    """Draws a code from its mean and log-variance in training, and takes the mean elsewhere.

    Adds ``weight * KL(N(mean, variance) || N(0, 1))``, averaged over the batch, to the cost
    (Kingma and Welling, 2014, "Auto-Encoding Variational Bayes", appendix B).

    Args:
        weight: of the divergence (beta of Higgins et al., 2017); default 1.
        **kwargs: as for :class:`Layer`.

    Raises:
        ValueError: for a negative weight; for inputs of an odd last axis.

    Example:
        >>> import numpy as np
        >>> from fastnn import Sequential
        >>> from fastnn.layers import Input
        >>> Sequential([Input((4,)), Sampling()]).predict(np.arange(4.0)[None], verbose=0)
        array([[0., 1.]], dtype=float32)
    """

    def __init__(self, weight: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not weight >= 0:
            raise ValueError(f"[Sampling] expected a weight of at least 0, got {weight}")
        self.weight = float(weight)

    def call(self, inputs: Tensor, training: bool = False) -> Any:
        """Codes, from means and log-variances side by side."""
        if inputs.shape[-1] is None or inputs.shape[-1] % 2:
            raise ValueError(
                "[Sampling] expected means and log-variances side by side, so an even last axis, "
                f"got shape {inputs.shape}"
            )
        mean, log_variance = ops.split(inputs, 2, axis=-1)
        divergence = ops.exp(log_variance) + ops.square(mean) - 1.0 - log_variance
        rows = ops.shape_of(inputs, 0, inputs.dtype)
        self.add_loss(0.5 * self.weight * ops.sum(divergence) / rows)
        if not training:
            return mean
        noise = ops.random_normal(mean.dims, 0.0, 1.0, mean.dtype)
        return mean + ops.exp(0.5 * log_variance) * noise

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "weight": self.weight}
