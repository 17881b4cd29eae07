"""Elementwise operations. Generated from the op table by tools/generate_ops.py."""

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
    "sigmoid_cross_entropy",
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
    """A + b.

    For float32, float64, int32, int64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.add([1.0, 2.0], [1.0, 2.0]).shape
        (2,)
    """
    return elementwise("add", a, b)


def subtract(a: TensorLike, b: TensorLike) -> Any:
    """A - b.

    For float32, float64, int32, int64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.subtract([1.0, 2.0], [1.0, 2.0]).shape
        (2,)
    """
    return elementwise("subtract", a, b)


def multiply(a: TensorLike, b: TensorLike) -> Any:
    """A * b.

    For float32, float64, int32, int64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.multiply([1.0, 2.0], [1.0, 2.0]).shape
        (2,)
    """
    return elementwise("multiply", a, b)


def divide(a: TensorLike, b: TensorLike) -> Any:
    """A / b.

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.divide([1.0, 2.0], [1.0, 2.0]).shape
        (2,)
    """
    return elementwise("divide", a, b)


def power(a: TensorLike, b: TensorLike) -> Any:
    """A ** b.

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.power([1.0, 2.0], [1.0, 2.0]).shape
        (2,)
    """
    return elementwise("power", a, b)


def maximum(a: TensorLike, b: TensorLike) -> Any:
    """Max(a, b); NaN if either is.

    For float32, float64, int32, int64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.maximum([1.0, 2.0], [1.0, 2.0]).shape
        (2,)
    """
    return elementwise("maximum", a, b)


def minimum(a: TensorLike, b: TensorLike) -> Any:
    """Min(a, b); NaN if either is.

    For float32, float64, int32, int64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.minimum([1.0, 2.0], [1.0, 2.0]).shape
        (2,)
    """
    return elementwise("minimum", a, b)


def floor_divide(a: TensorLike, b: TensorLike) -> Any:
    """Floor(a / b).

    For float32, float64, int32, int64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.floor_divide([1.0, 2.0], [1.0, 2.0]).shape
        (2,)
    """
    return elementwise("floor_divide", a, b)


def mod(a: TensorLike, b: TensorLike) -> Any:
    """A - b * floor(a / b).

    For float32, float64, int32, int64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.mod([1.0, 2.0], [1.0, 2.0]).shape
        (2,)
    """
    return elementwise("mod", a, b)


def equal(a: TensorLike, b: TensorLike) -> Any:
    """A == b.

    For float32, float64, int32, int64, uint8, bool, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.equal([1.0, 2.0], [1.0, 2.0]).shape
        (2,)
    """
    return elementwise("equal", a, b)


def not_equal(a: TensorLike, b: TensorLike) -> Any:
    """A != b.

    For float32, float64, int32, int64, uint8, bool, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.not_equal([1.0, 2.0], [1.0, 2.0]).shape
        (2,)
    """
    return elementwise("not_equal", a, b)


def less(a: TensorLike, b: TensorLike) -> Any:
    """A < b.

    For float32, float64, int32, int64, uint8, bool, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.less([1.0, 2.0], [1.0, 2.0]).shape
        (2,)
    """
    return elementwise("less", a, b)


def less_equal(a: TensorLike, b: TensorLike) -> Any:
    """A <= b.

    For float32, float64, int32, int64, uint8, bool, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.less_equal([1.0, 2.0], [1.0, 2.0]).shape
        (2,)
    """
    return elementwise("less_equal", a, b)


def greater(a: TensorLike, b: TensorLike) -> Any:
    """A > b.

    For float32, float64, int32, int64, uint8, bool, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.greater([1.0, 2.0], [1.0, 2.0]).shape
        (2,)
    """
    return elementwise("greater", a, b)


def greater_equal(a: TensorLike, b: TensorLike) -> Any:
    """A >= b.

    For float32, float64, int32, int64, uint8, bool, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.greater_equal([1.0, 2.0], [1.0, 2.0]).shape
        (2,)
    """
    return elementwise("greater_equal", a, b)


def logical_and(a: TensorLike, b: TensorLike) -> Any:
    """A and b.

    For bool, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.logical_and([True, False], [True, False]).shape
        (2,)
    """
    return elementwise("logical_and", a, b)


def logical_or(a: TensorLike, b: TensorLike) -> Any:
    """A or b.

    For bool, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.logical_or([True, False], [True, False]).shape
        (2,)
    """
    return elementwise("logical_or", a, b)


def logical_not(x: TensorLike) -> Any:
    """Not x.

    For bool, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.logical_not([True, False]).shape
        (2,)
    """
    return elementwise("logical_not", x)


def isfinite(x: TensorLike) -> Any:
    """Isfinite.

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.isfinite([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("isfinite", x)


def isnan(x: TensorLike) -> Any:
    """Isnan.

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.isnan([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("isnan", x)


def negative(x: TensorLike) -> Any:
    """-x.

    For float32, float64, int32, int64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.negative([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("negative", x)


def absolute(x: TensorLike) -> Any:
    """|x|.

    For float32, float64, int32, int64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.absolute([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("absolute", x)


def sign(x: TensorLike) -> Any:
    """-1, 0 or 1.

    For float32, float64, int32, int64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.sign([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("sign", x)


def exp(x: TensorLike) -> Any:
    """E^x; at most 2 ULP.

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.exp([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("exp", x)


def expm1(x: TensorLike) -> Any:
    """E^x - 1, exact near 0.

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.expm1([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("expm1", x)


def log(x: TensorLike) -> Any:
    """Natural logarithm.

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.log([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("log", x)


def log1p(x: TensorLike) -> Any:
    """Log(1 + x), exact near 0.

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.log1p([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("log1p", x)


def sqrt(x: TensorLike) -> Any:
    """Square root.

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.sqrt([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("sqrt", x)


def rsqrt(x: TensorLike) -> Any:
    """1 / sqrt(x).

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.rsqrt([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("rsqrt", x)


def square(x: TensorLike) -> Any:
    """X * x.

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.square([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("square", x)


def reciprocal(x: TensorLike) -> Any:
    """1 / x.

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.reciprocal([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("reciprocal", x)


def sin(x: TensorLike) -> Any:
    """Sine (radians).

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.sin([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("sin", x)


def cos(x: TensorLike) -> Any:
    """Cosine (radians).

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.cos([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("cos", x)


def erf(x: TensorLike) -> Any:
    """Error function.

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.erf([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("erf", x)


def floor(x: TensorLike) -> Any:
    """Largest integer <= x.

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.floor([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("floor", x)


def ceil(x: TensorLike) -> Any:
    """Smallest integer >= x.

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.ceil([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("ceil", x)


def round(x: TensorLike) -> Any:
    """Nearest integer, ties to even.

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.round([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("round", x)


def relu(x: TensorLike) -> Any:
    """Max(x, 0).

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.relu([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("relu", x)


def relu6(x: TensorLike) -> Any:
    """Min(max(x, 0), 6).

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.relu6([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("relu6", x)


def leaky_relu(x: TensorLike, slope: float = 0.2) -> Any:
    """X where x >= 0, else slope * x.

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.leaky_relu([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("leaky_relu", x, slope=float(slope))


def elu(x: TensorLike, alpha: float = 1.0) -> Any:
    """X where x > 0, else alpha * (e^x - 1).

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.elu([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("elu", x, alpha=float(alpha))


def selu(x: TensorLike) -> Any:
    """Scale * elu(x, alpha).

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.selu([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("selu", x)


def celu(x: TensorLike, alpha: float = 1.0) -> Any:
    """Max(x, 0) + min(alpha * (e^(x/alpha) - 1), 0).

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.celu([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("celu", x, alpha=float(alpha))


def sigmoid(x: TensorLike) -> Any:
    """1 / (1 + e^-x); at most 4 ULP.

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.sigmoid([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("sigmoid", x)


def tanh(x: TensorLike) -> Any:
    """Hyperbolic tangent; at most 4 ULP.

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.tanh([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("tanh", x)


def log_sigmoid(x: TensorLike) -> Any:
    """-log(1 + e^-x).

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.log_sigmoid([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("log_sigmoid", x)


def softplus(x: TensorLike) -> Any:
    """Log(1 + e^x).

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.softplus([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("softplus", x)


def softsign(x: TensorLike) -> Any:
    """X / (1 + |x|).

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.softsign([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("softsign", x)


def silu(x: TensorLike) -> Any:
    """X * sigmoid(x).

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.silu([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("silu", x)


def mish(x: TensorLike) -> Any:
    """X * tanh(softplus(x)).

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.mish([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("mish", x)


def gelu(x: TensorLike) -> Any:
    """X * Phi(x), exact.

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.gelu([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("gelu", x)


def gelu_tanh(x: TensorLike) -> Any:
    """0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.gelu_tanh([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("gelu_tanh", x)


def hard_sigmoid(x: TensorLike) -> Any:
    """Min(max(x/6 + 1/2, 0), 1).

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.hard_sigmoid([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("hard_sigmoid", x)


def hard_silu(x: TensorLike) -> Any:
    """X * hard_sigmoid(x).

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.hard_silu([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("hard_silu", x)


def hard_tanh(x: TensorLike) -> Any:
    """Min(max(x, -1), 1).

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.hard_tanh([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("hard_tanh", x)


def threshold(x: TensorLike, theta: float = 0.0, value: float = 1.0) -> Any:
    """Value where x > theta, else 0: the step neuron.

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.threshold([1.0, 2.0]).shape
        (2,)
    """
    return elementwise("threshold", x, theta=float(theta), value=float(value))


def sigmoid_cross_entropy(a: TensorLike, b: TensorLike) -> Any:
    """Max(x, 0) - x t + log(1 + e^-|x|), from logits x and targets t.

    For float32, float64, with NumPy's broadcasting; on arrays it computes now, on tensors it adds a node.

    Example:
        >>> from fastnn import ops
        >>> ops.sigmoid_cross_entropy([1.0, 2.0], [1.0, 2.0]).shape
        (2,)
    """
    return elementwise("sigmoid_cross_entropy", a, b)
