"""Activation functions with Keras's names and defaults, on arrays and on tensors.

Example:
    >>> import numpy as np
    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastnn import ops
from fastnn._registry import Registry, serialize


def relu(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Any:
    """``max(x, 0)``; with the arguments, a ramp from ``threshold`` to ``max_value``.

    Args:
        x: a tensor or array of any shape.
        negative_slope: below the threshold: ``negative_slope * (x - threshold)``.
        max_value: what the result is cut off at; None: nothing.
        threshold: where the ramp begins; a value at or below it counts as negative.

    Example:
        >>> import numpy as np
        >>> relu(np.array([-1.0, 0.5, 9.0]), max_value=6.0)
        array([0. , 0.5, 6. ])
    """
    if threshold == 0.0 and max_value is None:
        return ops.relu(x) if negative_slope == 0.0 else ops.leaky_relu(x, negative_slope)
    if threshold == 0.0 and max_value == 6.0 and negative_slope == 0.0:
        return ops.relu6(x)
    ramp = ops.where(ops.greater(x, threshold), x, 0.0)
    if max_value is not None:
        ramp = ops.clip(ramp, 0.0, max_value)
    if negative_slope == 0.0:
        return ramp
    return ramp - negative_slope * ops.relu(threshold - x)


def relu6(x: Any) -> Any:
    """``min(max(x, 0), 6)``.

    Example:
        >>> import numpy as np
        >>> relu6(np.array([-1.0, 2.0, 9.0]))
        array([0., 2., 6.])
    """
    return ops.relu6(x)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """``x`` where it is positive, else ``negative_slope * x`` (the layer LeakyReLU has 0.3).

    Source: Maas et al., 2013, "Rectifier nonlinearities improve neural network acoustic models".

    Example:
        >>> import numpy as np
        >>> leaky_relu(np.array([-1.0, 2.0]))
        array([-0.2,  2. ])
    """
    return ops.leaky_relu(x, negative_slope)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """``x`` where it is positive, else ``alpha * (exp(x) - 1)``.

    Source: Clevert et al., 2015, "Fast and accurate deep network learning by exponential linear
    units".

    Example:
        >>> import numpy as np
        >>> elu(np.array([0.0, 2.0]))
        array([0., 2.])
    """
    return ops.elu(x, alpha)


def selu(x: Any) -> Any:
    """Scaled elu, whose constants keep mean 0 and variance 1 from layer to layer.

    Source: Klambauer et al., 2017, "Self-normalizing neural networks".

    Example:
        >>> import numpy as np
        >>> selu(np.array([1.0])).round(4)
        array([1.0507])
    """
    return ops.selu(x)


def celu(x: Any, alpha: float = 1.0) -> Any:
    """``max(x, 0) + min(0, alpha * (exp(x / alpha) - 1))``.

    Source: Barron, 2017, "Continuously differentiable exponential linear units".

    Example:
        >>> import numpy as np
        >>> celu(np.array([0.0, 2.0]))
        array([0., 2.])
    """
    return ops.celu(x, alpha)


def gelu(x: Any, approximate: bool = False) -> Any:
    """``x * P(X <= x)`` for a unit normal X.

    Args:
        x: a tensor or array.
        approximate: with tanh in the place of erf.

    Source: Hendrycks and Gimpel, 2016, "Gaussian error linear units".

    Example:
        >>> import numpy as np
        >>> gelu(np.array([1.0])).round(4)
        array([0.8413])
    """
    return ops.gelu_tanh(x) if approximate else ops.gelu(x)


def silu(x: Any) -> Any:
    """``x * sigmoid(x)``, also called swish.

    Source: Ramachandran et al., 2017, "Searching for activation functions".

    Example:
        >>> import numpy as np
        >>> silu(np.array([1.0])).round(4)
        array([0.7311])
    """
    return ops.silu(x)


def mish(x: Any) -> Any:
    """``x * tanh(softplus(x))``.

    Source: Misra, 2019, "Mish: a self regularized non-monotonic activation function".

    Example:
        >>> import numpy as np
        >>> mish(np.array([1.0])).round(4)
        array([0.8651])
    """
    return ops.mish(x)


def softplus(x: Any) -> Any:
    """``log(exp(x) + 1)``.

    Example:
        >>> import numpy as np
        >>> softplus(np.array([0.0])).round(4)
        array([0.6931])
    """
    return ops.softplus(x)


def softsign(x: Any) -> Any:
    """``x / (|x| + 1)``.

    Example:
        >>> import numpy as np
        >>> softsign(np.array([-1.0, 3.0]))
        array([-0.5 ,  0.75])
    """
    return ops.softsign(x)


def softmax(x: Any, axis: int = -1) -> Any:
    """``exp(x) / sum(exp(x))`` along an axis: positive, with sum 1.

    Args:
        x: a tensor or array of at least one axis.
        axis: the axis of the classes.

    Example:
        >>> import numpy as np
        >>> softmax(np.array([0.0, 0.0]))
        array([0.5, 0.5])
    """
    return ops.softmax(x, axis=axis)


def log_softmax(x: Any, axis: int = -1) -> Any:
    """The logarithm of :func:`softmax`, without computing it first.

    Example:
        >>> import numpy as np
        >>> log_softmax(np.array([0.0, 0.0])).round(4)
        array([-0.6931, -0.6931])
    """
    return ops.log_softmax(x, axis=axis)


def sigmoid(x: Any) -> Any:
    """``1 / (1 + exp(-x))``.

    Example:
        >>> import numpy as np
        >>> sigmoid(np.array([0.0]))
        array([0.5])
    """
    return ops.sigmoid(x)


def log_sigmoid(x: Any) -> Any:
    """The logarithm of :func:`sigmoid`, right for any x.

    Example:
        >>> import numpy as np
        >>> log_sigmoid(np.array([-1000.0]))
        array([-1000.])
    """
    return ops.log_sigmoid(x)


def hard_sigmoid(x: Any) -> Any:
    """``clip(x / 6 + 0.5, 0, 1)``.

    Example:
        >>> import numpy as np
        >>> hard_sigmoid(np.array([-9.0, 0.0, 9.0]))
        array([0. , 0.5, 1. ])
    """
    return ops.hard_sigmoid(x)


def hard_silu(x: Any) -> Any:
    """``x * hard_sigmoid(x)``, also called hard_swish.

    Source: Howard et al., 2019, "Searching for MobileNetV3".

    Example:
        >>> import numpy as np
        >>> hard_silu(np.array([-3.0, 0.0, 3.0])) + 0.0
        array([0., 0., 3.])
    """
    return ops.hard_silu(x)


def tanh(x: Any) -> Any:
    """The hyperbolic tangent.

    Example:
        >>> import numpy as np
        >>> tanh(np.array([0.0, 1.0])).round(4)
        array([0.    , 0.7616])
    """
    return ops.tanh(x)


def hard_tanh(x: Any) -> Any:
    """``clip(x, -1, 1)``.

    Example:
        >>> import numpy as np
        >>> hard_tanh(np.array([-9.0, 0.5, 9.0]))
        array([-1. ,  0.5,  1. ])
    """
    return ops.hard_tanh(x)


def exponential(x: Any) -> Any:
    """``exp(x)``.

    Example:
        >>> import numpy as np
        >>> exponential(np.array([0.0]))
        array([1.])
    """
    return ops.exp(x)


def linear(x: Any) -> Any:
    """``x`` itself.

    Example:
        >>> linear(3.0)
        3.0
    """
    return x


def threshold(x: Any, theta: float = 0.0) -> Any:
    """The step neuron: 1 where ``x > theta``, else 0.

    It has no gradient: a model with it predicts, but does not train.

    Args:
        x: a tensor or array.
        theta: what the input has to exceed.

    Source: McCulloch and Pitts, 1943, "A logical calculus of the ideas immanent in nervous
    activity".

    Example:
        >>> import numpy as np
        >>> threshold(np.array([-0.5, 0.0, 0.5]))
        array([0., 0., 1.])
    """
    return ops.threshold(x, theta)


swish = silu
hard_swish = hard_silu

_registry = Registry(
    "activation",
    functions=(
        relu,
        relu6,
        leaky_relu,
        elu,
        selu,
        celu,
        gelu,
        silu,
        mish,
        softplus,
        softsign,
        softmax,
        log_softmax,
        sigmoid,
        log_sigmoid,
        hard_sigmoid,
        hard_silu,
        tanh,
        hard_tanh,
        exponential,
        linear,
        threshold,
    ),
    aliases={"swish": silu, "hard_swish": hard_silu},
)


def get(identifier: Any, custom_objects: Mapping[str, Any] | None = None) -> Callable[..., Any]:
    """An activation from a name, a configuration or a callable; None is :func:`linear`.

    Args:
        identifier: for example ``"relu"``.
        custom_objects: further names.

    Raises:
        ValueError: for an unknown name.

    Example:
        >>> get("relu") is relu, get(None) is linear
        (True, True)
    """
    if identifier is None:
        return linear
    found: Callable[..., Any] = _registry.get(identifier, custom_objects)
    return found


def deserialize(
    config: str | Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The inverse of :func:`serialize`."""
    return _registry.deserialize(config, custom_objects)


__all__ = [
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
    "threshold",
]
