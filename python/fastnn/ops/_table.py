"""Elementwise operations with NumPy's broadcasting: on arrays now, on tensors as nodes.

Generated from the op table by tools/generate_ops.py.
"""

from __future__ import annotations

from typing import Any

from ._dispatch import TensorLike, elementwise

__all__ = [
    "absolute",
    "add",
    "ceil",
    "celu",
    "cos",
    "divide",
    "elu",
    "equal",
    "erf",
    "exp",
    "expm1",
    "floor",
    "floor_divide",
    "gelu",
    "gelu_tanh",
    "greater",
    "greater_equal",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "isfinite",
    "isnan",
    "leaky_relu",
    "less",
    "less_equal",
    "log",
    "log1p",
    "log_sigmoid",
    "logical_and",
    "logical_not",
    "logical_or",
    "maximum",
    "minimum",
    "mish",
    "mod",
    "multiply",
    "negative",
    "not_equal",
    "power",
    "reciprocal",
    "relu",
    "relu6",
    "round",
    "rsqrt",
    "selu",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "softplus",
    "softsign",
    "sqrt",
    "square",
    "subtract",
    "tanh",
    "threshold",
]


def add(a: TensorLike, b: TensorLike) -> Any:
    """a + b.

    Elementwise; for float32, float64, int32, int64.

    Example:
        >>> from fastnn import ops
        >>> ops.add([-1.0, 2.0], [2.0, 2.0])
        array([1., 4.])
    """
    return elementwise("add", a, b)


def subtract(a: TensorLike, b: TensorLike) -> Any:
    """a - b.

    Elementwise; for float32, float64, int32, int64.

    Example:
        >>> from fastnn import ops
        >>> ops.subtract([-1.0, 2.0], [2.0, 2.0])
        array([-3.,  0.])
    """
    return elementwise("subtract", a, b)


def multiply(a: TensorLike, b: TensorLike) -> Any:
    """a * b.

    Elementwise; for float32, float64, int32, int64.

    Example:
        >>> from fastnn import ops
        >>> ops.multiply([-1.0, 2.0], [2.0, 2.0])
        array([-2.,  4.])
    """
    return elementwise("multiply", a, b)


def divide(a: TensorLike, b: TensorLike) -> Any:
    """a / b.

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.divide([-1.0, 2.0], [2.0, 2.0])
        array([-0.5,  1. ])
    """
    return elementwise("divide", a, b)


def power(a: TensorLike, b: TensorLike) -> Any:
    """a ** b.

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.power([-1.0, 2.0], [2.0, 2.0])
        array([1., 4.])
    """
    return elementwise("power", a, b)


def maximum(a: TensorLike, b: TensorLike) -> Any:
    """max(a, b); NaN if either is.

    Elementwise; for float32, float64, int32, int64.

    Example:
        >>> from fastnn import ops
        >>> ops.maximum([-1.0, 2.0], [2.0, 2.0])
        array([2., 2.])
    """
    return elementwise("maximum", a, b)


def minimum(a: TensorLike, b: TensorLike) -> Any:
    """min(a, b); NaN if either is.

    Elementwise; for float32, float64, int32, int64.

    Example:
        >>> from fastnn import ops
        >>> ops.minimum([-1.0, 2.0], [2.0, 2.0])
        array([-1.,  2.])
    """
    return elementwise("minimum", a, b)


def floor_divide(a: TensorLike, b: TensorLike) -> Any:
    """floor(a / b).

    Elementwise; for float32, float64, int32, int64.

    Example:
        >>> from fastnn import ops
        >>> ops.floor_divide([-1.0, 2.0], [2.0, 2.0])
        array([-1.,  1.])
    """
    return elementwise("floor_divide", a, b)


def mod(a: TensorLike, b: TensorLike) -> Any:
    """a - b * floor(a / b).

    Elementwise; for float32, float64, int32, int64.

    Example:
        >>> from fastnn import ops
        >>> ops.mod([-1.0, 2.0], [2.0, 2.0])
        array([1., 0.])
    """
    return elementwise("mod", a, b)


def equal(a: TensorLike, b: TensorLike) -> Any:
    """a == b.

    Elementwise; for float32, float64, int32, int64, uint8, bool.

    Example:
        >>> from fastnn import ops
        >>> ops.equal([-1.0, 2.0], [2.0, 2.0])
        array([False,  True])
    """
    return elementwise("equal", a, b)


def not_equal(a: TensorLike, b: TensorLike) -> Any:
    """a != b.

    Elementwise; for float32, float64, int32, int64, uint8, bool.

    Example:
        >>> from fastnn import ops
        >>> ops.not_equal([-1.0, 2.0], [2.0, 2.0])
        array([ True, False])
    """
    return elementwise("not_equal", a, b)


def less(a: TensorLike, b: TensorLike) -> Any:
    """a < b.

    Elementwise; for float32, float64, int32, int64, uint8, bool.

    Example:
        >>> from fastnn import ops
        >>> ops.less([-1.0, 2.0], [2.0, 2.0])
        array([ True, False])
    """
    return elementwise("less", a, b)


def less_equal(a: TensorLike, b: TensorLike) -> Any:
    """a <= b.

    Elementwise; for float32, float64, int32, int64, uint8, bool.

    Example:
        >>> from fastnn import ops
        >>> ops.less_equal([-1.0, 2.0], [2.0, 2.0])
        array([ True,  True])
    """
    return elementwise("less_equal", a, b)


def greater(a: TensorLike, b: TensorLike) -> Any:
    """a > b.

    Elementwise; for float32, float64, int32, int64, uint8, bool.

    Example:
        >>> from fastnn import ops
        >>> ops.greater([-1.0, 2.0], [2.0, 2.0])
        array([False, False])
    """
    return elementwise("greater", a, b)


def greater_equal(a: TensorLike, b: TensorLike) -> Any:
    """a >= b.

    Elementwise; for float32, float64, int32, int64, uint8, bool.

    Example:
        >>> from fastnn import ops
        >>> ops.greater_equal([-1.0, 2.0], [2.0, 2.0])
        array([False,  True])
    """
    return elementwise("greater_equal", a, b)


def logical_and(a: TensorLike, b: TensorLike) -> Any:
    """a and b.

    Elementwise; for bool.

    Example:
        >>> from fastnn import ops
        >>> ops.logical_and([True, False], [True, True])
        array([ True, False])
    """
    return elementwise("logical_and", a, b)


def logical_or(a: TensorLike, b: TensorLike) -> Any:
    """a or b.

    Elementwise; for bool.

    Example:
        >>> from fastnn import ops
        >>> ops.logical_or([True, False], [True, True])
        array([ True,  True])
    """
    return elementwise("logical_or", a, b)


def logical_not(x: TensorLike) -> Any:
    """Not x.

    Elementwise; for bool.

    Example:
        >>> from fastnn import ops
        >>> ops.logical_not([True, False])
        array([False,  True])
    """
    return elementwise("logical_not", x)


def isfinite(x: TensorLike) -> Any:
    """Whether x is neither infinite nor NaN.

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.isfinite([-1.0, 2.0])
        array([ True,  True])
    """
    return elementwise("isfinite", x)


def isnan(x: TensorLike) -> Any:
    """Whether x is NaN.

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.isnan([-1.0, 2.0])
        array([False, False])
    """
    return elementwise("isnan", x)


def negative(x: TensorLike) -> Any:
    """-x.

    Elementwise; for float32, float64, int32, int64.

    Example:
        >>> from fastnn import ops
        >>> ops.negative([-1.0, 2.0])
        array([ 1., -2.])
    """
    return elementwise("negative", x)


def absolute(x: TensorLike) -> Any:
    """|x|.

    Elementwise; for float32, float64, int32, int64.

    Example:
        >>> from fastnn import ops
        >>> ops.absolute([-1.0, 2.0])
        array([1., 2.])
    """
    return elementwise("absolute", x)


def sign(x: TensorLike) -> Any:
    """-1, 0 or 1.

    Elementwise; for float32, float64, int32, int64.

    Example:
        >>> from fastnn import ops
        >>> ops.sign([-1.0, 2.0])
        array([-1.,  1.])
    """
    return elementwise("sign", x)


def exp(x: TensorLike) -> Any:
    """e^x; at most 2 ULP.

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.exp([-1.0, 2.0])
        array([0.36787944, 7.3890561 ])
    """
    return elementwise("exp", x)


def expm1(x: TensorLike) -> Any:
    """e^x - 1, exact near 0.

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.expm1([-1.0, 2.0])
        array([-0.63212056,  6.3890561 ])
    """
    return elementwise("expm1", x)


def log(x: TensorLike) -> Any:
    """Natural logarithm.

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.log([1.0, 2.0])
        array([0.        , 0.69314718])
    """
    return elementwise("log", x)


def log1p(x: TensorLike) -> Any:
    """log(1 + x), exact near 0.

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.log1p([1.0, 2.0])
        array([0.69314718, 1.09861229])
    """
    return elementwise("log1p", x)


def sqrt(x: TensorLike) -> Any:
    """Square root.

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.sqrt([1.0, 2.0])
        array([1.        , 1.41421356])
    """
    return elementwise("sqrt", x)


def rsqrt(x: TensorLike) -> Any:
    """1 / sqrt(x).

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.rsqrt([1.0, 2.0])
        array([1.        , 0.70710678])
    """
    return elementwise("rsqrt", x)


def square(x: TensorLike) -> Any:
    """x * x.

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.square([-1.0, 2.0])
        array([1., 4.])
    """
    return elementwise("square", x)


def reciprocal(x: TensorLike) -> Any:
    """1 / x.

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.reciprocal([-1.0, 2.0])
        array([-1. ,  0.5])
    """
    return elementwise("reciprocal", x)


def sin(x: TensorLike) -> Any:
    """Sine (radians).

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.sin([-1.0, 2.0])
        array([-0.84147098,  0.90929743])
    """
    return elementwise("sin", x)


def cos(x: TensorLike) -> Any:
    """Cosine (radians).

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.cos([-1.0, 2.0])
        array([ 0.54030231, -0.41614684])
    """
    return elementwise("cos", x)


def erf(x: TensorLike) -> Any:
    """Error function.

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.erf([-1.0, 2.0])
        array([-0.84270079,  0.99532227])
    """
    return elementwise("erf", x)


def floor(x: TensorLike) -> Any:
    """Largest integer <= x.

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.floor([-1.0, 2.0])
        array([-1.,  2.])
    """
    return elementwise("floor", x)


def ceil(x: TensorLike) -> Any:
    """Smallest integer >= x.

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.ceil([-1.0, 2.0])
        array([-1.,  2.])
    """
    return elementwise("ceil", x)


def round(x: TensorLike) -> Any:
    """Nearest integer, ties to even.

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.round([-1.0, 2.0])
        array([-1.,  2.])
    """
    return elementwise("round", x)


def relu(x: TensorLike) -> Any:
    """max(x, 0).

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.relu([-1.0, 2.0])
        array([0., 2.])
    """
    return elementwise("relu", x)


def relu6(x: TensorLike) -> Any:
    """min(max(x, 0), 6).

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.relu6([-1.0, 2.0])
        array([0., 2.])
    """
    return elementwise("relu6", x)


def leaky_relu(x: TensorLike, slope: float = 0.2) -> Any:
    """x where x >= 0, else slope * x.

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.leaky_relu([-1.0, 2.0])
        array([-0.2,  2. ])
    """
    return elementwise("leaky_relu", x, slope=float(slope))


def elu(x: TensorLike, alpha: float = 1.0) -> Any:
    """x where x > 0, else alpha * (e^x - 1).

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.elu([-1.0, 2.0])
        array([-0.63212056,  2.        ])
    """
    return elementwise("elu", x, alpha=float(alpha))


def selu(x: TensorLike) -> Any:
    """Scale * elu(x, alpha).

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.selu([-1.0, 2.0])
        array([-1.11133074,  2.10140197])
    """
    return elementwise("selu", x)


def celu(x: TensorLike, alpha: float = 1.0) -> Any:
    """max(x, 0) + min(alpha * (e^(x/alpha) - 1), 0).

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.celu([-1.0, 2.0])
        array([-0.63212056,  2.        ])
    """
    return elementwise("celu", x, alpha=float(alpha))


def sigmoid(x: TensorLike) -> Any:
    """1 / (1 + e^-x); at most 4 ULP.

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.sigmoid([-1.0, 2.0])
        array([0.26894142, 0.88079708])
    """
    return elementwise("sigmoid", x)


def tanh(x: TensorLike) -> Any:
    """Hyperbolic tangent; at most 4 ULP.

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.tanh([-1.0, 2.0])
        array([-0.76159416,  0.96402758])
    """
    return elementwise("tanh", x)


def log_sigmoid(x: TensorLike) -> Any:
    """-log(1 + e^-x).

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.log_sigmoid([-1.0, 2.0])
        array([-1.31326169, -0.12692801])
    """
    return elementwise("log_sigmoid", x)


def softplus(x: TensorLike) -> Any:
    """log(1 + e^x).

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.softplus([-1.0, 2.0])
        array([0.31326169, 2.12692801])
    """
    return elementwise("softplus", x)


def softsign(x: TensorLike) -> Any:
    """x / (1 + |x|).

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.softsign([-1.0, 2.0])
        array([-0.5       ,  0.66666667])
    """
    return elementwise("softsign", x)


def silu(x: TensorLike) -> Any:
    """x * sigmoid(x).

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.silu([-1.0, 2.0])
        array([-0.26894142,  1.76159416])
    """
    return elementwise("silu", x)


def mish(x: TensorLike) -> Any:
    """x * tanh(softplus(x)).

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.mish([-1.0, 2.0])
        array([-0.30340146,  1.94395896])
    """
    return elementwise("mish", x)


def gelu(x: TensorLike) -> Any:
    """x * Phi(x), exact.

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.gelu([-1.0, 2.0])
        array([-0.15865525,  1.95449974])
    """
    return elementwise("gelu", x)


def gelu_tanh(x: TensorLike) -> Any:
    """0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.gelu_tanh([-1.0, 2.0])
        array([-0.15880801,  1.95459769])
    """
    return elementwise("gelu_tanh", x)


def hard_sigmoid(x: TensorLike) -> Any:
    """min(max(x/6 + 1/2, 0), 1).

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.hard_sigmoid([-1.0, 2.0])
        array([0.33333333, 0.83333333])
    """
    return elementwise("hard_sigmoid", x)


def hard_silu(x: TensorLike) -> Any:
    """x * hard_sigmoid(x).

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.hard_silu([-1.0, 2.0])
        array([-0.33333333,  1.66666667])
    """
    return elementwise("hard_silu", x)


def hard_tanh(x: TensorLike) -> Any:
    """min(max(x, -1), 1).

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.hard_tanh([-1.0, 2.0])
        array([-1.,  1.])
    """
    return elementwise("hard_tanh", x)


def threshold(x: TensorLike, theta: float = 0.0) -> Any:
    """1 where x > theta, else 0: the step neuron.

    Elementwise; for float32, float64.

    Example:
        >>> from fastnn import ops
        >>> ops.threshold([-1.0, 2.0])
        array([0., 1.])
    """
    return elementwise("threshold", x, theta=float(theta))
