"""How each operation is said in ONNX."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from fastnn.io._onnx import Builder, Converter, Value, array_of
from fastnn.io._onnx_recurrent import gru, loop, lstm, simple_rnn
from fastnn.io._onnx_windows import average_pool, conv, conv_transpose, max_pool

CONVERTERS: dict[str, Converter] = {}

_FAR = 2**31 - 1


def _plain(kind: str, **attributes: Any) -> Converter:
    return lambda b, v, x: b.op(kind, x, **attributes)


for _name, _kind in {
    "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "power": "Pow",
    "maximum": "Max", "minimum": "Min", "equal": "Equal", "less": "Less",
    "less_equal": "LessOrEqual", "greater": "Greater", "greater_equal": "GreaterOrEqual",
    "logical_and": "And", "logical_or": "Or", "logical_not": "Not", "isnan": "IsNaN",
    "negative": "Neg", "absolute": "Abs", "sign": "Sign", "exp": "Exp", "log": "Log",
    "sqrt": "Sqrt", "reciprocal": "Reciprocal", "sin": "Sin", "cos": "Cos", "erf": "Erf",
    "floor": "Floor", "ceil": "Ceil", "round": "Round", "where": "Where", "relu": "Relu",
    "selu": "Selu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softplus": "Softplus",
    "softsign": "Softsign", "mish": "Mish", "identity": "Identity", "stop_gradient": "Identity",
}.items():  # fmt: skip
    CONVERTERS[_name] = _plain(_kind)

CONVERTERS["softmax"] = _plain("Softmax", axis=-1)
CONVERTERS["log_softmax"] = _plain("LogSoftmax", axis=-1)
CONVERTERS["hard_sigmoid"] = _plain("HardSigmoid", alpha=1.0 / 6.0, beta=0.5)
CONVERTERS["hard_silu"] = _plain("HardSwish")


def _converter(*names: str) -> Callable[[Converter], Converter]:
    def register(function: Converter) -> Converter:
        for name in names:
            CONVERTERS[name] = function
        return function

    return register


def _like(b: Builder, v: Value, number: float) -> str:
    """A number of a value's dtype."""
    return b.constant(number, v.dtype)


# --- leaves


@_converter("constant", "variable")
def _constant(b: Builder, v: Value, x: list[str]) -> str:
    return b.constant(array_of(v), name=v.name or v.op)


@_converter("full")
def _full(b: Builder, v: Value, x: list[str]) -> str:
    settings = v.settings()
    number = b.constant(settings["value"], v.dtype)
    return number if not v.dims else str(b.op("Expand", [number, b.shape(v.dims)]))


@_converter("extent")
def _extent(b: Builder, v: Value, x: list[str]) -> str:
    size = b.op("Squeeze", [b.dim(v.settings()["extent"][0]), b.ints([0])])
    return _cast_to(b, size, v.dtype)


@_converter("placeholder", "parameter")
def _placeholder(b: Builder, v: Value, x: list[str]) -> str:
    raise ValueError(f"[to_onnx] the graph needs {v.name!r}, which is not among the inputs")


# --- elementwise


@_converter("not_equal")
def _not_equal(b: Builder, v: Value, x: list[str]) -> str:
    return str(b.op("Not", [b.op("Equal", x)]))


@_converter("isfinite")
def _isfinite(b: Builder, v: Value, x: list[str]) -> str:
    return str(b.op("Not", [b.op("Or", [b.op("IsInf", x), b.op("IsNaN", x)])]))


@_converter("floor_divide")
def _floor_divide(b: Builder, v: Value, x: list[str]) -> str:
    if v.dtype not in ("float32", "float64"):
        remainder = b.op("Mod", x)  # has the divisor's sign
        return str(b.op("Div", [b.op("Sub", [x[0], remainder]), x[1]]))
    return str(b.op("Floor", [b.op("Div", x)]))


@_converter("mod")
def _mod(b: Builder, v: Value, x: list[str]) -> str:
    if v.dtype not in ("float32", "float64"):
        return str(b.op("Mod", x))
    whole = b.op("Floor", [b.op("Div", x)])
    return str(b.op("Sub", [x[0], b.op("Mul", [whole, x[1]])]))


@_converter("expm1")
def _expm1(b: Builder, v: Value, x: list[str]) -> str:
    # sinh keeps the digits of small values: e^x - 1 = 2 e^(x/2) sinh(x/2)
    half = b.op("Mul", [x[0], _like(b, v, 0.5)])
    product = b.op("Mul", [b.op("Exp", [half]), b.op("Sinh", [half])])
    return str(b.op("Mul", [product, _like(b, v, 2.0)]))


@_converter("log1p")
def _log1p(b: Builder, v: Value, x: list[str]) -> str:
    return str(b.op("Log", [b.op("Add", [x[0], _like(b, v, 1.0)])]))


@_converter("rsqrt")
def _rsqrt(b: Builder, v: Value, x: list[str]) -> str:
    return str(b.op("Reciprocal", [b.op("Sqrt", x)]))


@_converter("square")
def _square(b: Builder, v: Value, x: list[str]) -> str:
    return str(b.op("Mul", [x[0], x[0]]))


@_converter("clip")
def _clip(b: Builder, v: Value, x: list[str]) -> str:
    s = v.settings()
    return _clipped(b, v, x[0], s["low"], s["high"])


def _clipped(b: Builder, v: Value, x: str, low: float, high: float) -> str:
    return str(b.op("Clip", [x, _like(b, v, low), _like(b, v, high)]))


@_converter("relu6")
def _relu6(b: Builder, v: Value, x: list[str]) -> str:
    return _clipped(b, v, x[0], 0.0, 6.0)


@_converter("hard_tanh")
def _hard_tanh(b: Builder, v: Value, x: list[str]) -> str:
    return _clipped(b, v, x[0], -1.0, 1.0)


@_converter("leaky_relu")
def _leaky_relu(b: Builder, v: Value, x: list[str]) -> str:
    return str(b.op("LeakyRelu", x, alpha=v.settings()["slope"]))


@_converter("elu")
def _elu(b: Builder, v: Value, x: list[str]) -> str:
    return str(b.op("Elu", x, alpha=v.settings()["alpha"]))


@_converter("celu")
def _celu(b: Builder, v: Value, x: list[str]) -> str:
    return str(b.op("Celu", x, alpha=v.settings()["alpha"]))


@_converter("log_sigmoid")
def _log_sigmoid(b: Builder, v: Value, x: list[str]) -> str:
    return str(b.op("Neg", [b.op("Softplus", [b.op("Neg", x)])]))


@_converter("silu")
def _silu(b: Builder, v: Value, x: list[str]) -> str:
    return str(b.op("Mul", [x[0], b.op("Sigmoid", x)]))


def _times_half_of_one_plus(b: Builder, v: Value, x: str, inner: str) -> str:
    half = b.op("Mul", [x, _like(b, v, 0.5)])
    return str(b.op("Mul", [half, b.op("Add", [inner, _like(b, v, 1.0)])]))


@_converter("gelu")
def _gelu(b: Builder, v: Value, x: list[str]) -> str:
    inner = b.op("Erf", [b.op("Mul", [x[0], _like(b, v, math.sqrt(0.5))])])
    return _times_half_of_one_plus(b, v, x[0], inner)


@_converter("gelu_tanh")
def _gelu_tanh(b: Builder, v: Value, x: list[str]) -> str:
    cube = b.op("Mul", [x[0], b.op("Mul", [x[0], x[0]])])
    inner = b.op("Add", [x[0], b.op("Mul", [cube, _like(b, v, 0.044715)])])
    inner = b.op("Tanh", [b.op("Mul", [inner, _like(b, v, math.sqrt(2.0 / math.pi))])])
    return _times_half_of_one_plus(b, v, x[0], inner)


@_converter("threshold")
def _threshold(b: Builder, v: Value, x: list[str]) -> str:
    above = b.op("Greater", [x[0], _like(b, v, v.settings()["theta"])])
    return _cast_to(b, above, v.dtype)


@_converter("cast")
def _cast(b: Builder, v: Value, x: list[str]) -> str:
    return _cast_to(b, x[0], v.dtype)


def _cast_to(b: Builder, x: str, dtype: str) -> str:
    return str(b.op("Cast", [x], to=b.elem_type(dtype)))


# --- reductions


def _reduction(kind: str) -> Converter:
    def convert(b: Builder, v: Value, x: list[str]) -> str:
        s = v.settings()
        if not s["axes"]:
            return x[0]
        return str(b.op(kind, [x[0], b.ints(s["axes"])], keepdims=int(s["keepdims"])))

    return convert


for _name, _kind in {
    "sum": "ReduceSum", "mean": "ReduceMean", "prod": "ReduceProd", "max": "ReduceMax",
    "min": "ReduceMin",
}.items():  # fmt: skip
    CONVERTERS[_name] = _reduction(_kind)


def _truth_reduction(kind: str) -> Converter:
    reduce = _reduction(kind)

    def convert(b: Builder, v: Value, x: list[str]) -> str:
        reduced = reduce(b, v, [_cast_to(b, x[0], "int32")])
        return _cast_to(b, str(reduced), "bool")

    return convert


CONVERTERS["any"] = _truth_reduction("ReduceMax")
CONVERTERS["all"] = _truth_reduction("ReduceMin")


def _arg_reduction(kind: str) -> Converter:
    return lambda b, v, x: b.op(kind, x, axis=v.settings()["axis"], keepdims=0)


CONVERTERS["argmax"] = _arg_reduction("ArgMax")
CONVERTERS["argmin"] = _arg_reduction("ArgMin")


# --- matrices and shapes


@_converter("matmul")
def _matmul(b: Builder, v: Value, x: list[str]) -> str:
    s = v.settings()
    sides = []
    for name, value, flag in zip(x, v.inputs, ("transpose_a", "transpose_b"), strict=True):
        order = [*range(value.ndim)]
        order[-2:] = order[-1:-3:-1]
        sides.append(b.op("Transpose", [name], perm=order) if s[flag] else name)
    return str(b.op("MatMul", sides))


@_converter("reshape")
def _reshape(b: Builder, v: Value, x: list[str]) -> str:
    dims = list(v.dims)
    open_axes = [axis for axis, dim in enumerate(dims) if not isinstance(dim, int)]
    if len(open_axes) == 1 and 0 not in dims:
        dims[open_axes[0]] = -1
    return str(b.op("Reshape", [x[0], b.shape(dims)]))


@_converter("transpose")
def _transpose(b: Builder, v: Value, x: list[str]) -> str:
    return str(b.op("Transpose", x, perm=v.settings()["axes"]))


@_converter("broadcast_to")
def _broadcast_to(b: Builder, v: Value, x: list[str]) -> str:
    return str(b.op("Expand", [x[0], b.shape(v.dims)]))


@_converter("slice")
def _slice(b: Builder, v: Value, x: list[str]) -> str:
    s = v.settings()
    ends = []
    for begin, step, size in zip(s["begin"], s["step"], s["size"], strict=True):
        end = begin + size * step
        # Behind the first element, backwards: -1 would be the last one.
        ends.append(-_FAR if step < 0 and isinstance(end, int) and end < 0 else end)
    axes = b.ints(range(len(ends)))
    return str(b.op("Slice", [x[0], b.shape(s["begin"]), b.shape(ends), axes, b.ints(s["step"])]))


@_converter("unslice")
def _unslice(b: Builder, v: Value, x: list[str]) -> str:
    s = v.settings()
    if any(step != 1 for step in s["step"]):
        raise NotImplementedError("[to_onnx] 'unslice' with steps has no counterpart in ONNX")
    parts = zip(s["begin"], s["size"], s["shape"], strict=True)
    after = [whole - begin - size for begin, size, whole in parts]
    pads = b.shape([*s["begin"], *after])
    return str(b.op("Pad", [x[0], pads, _like(b, v, 0)]))


@_converter("concatenate")
def _concatenate(b: Builder, v: Value, x: list[str]) -> str:
    return str(b.op("Concat", x, axis=v.settings()["axis"]))


@_converter("take")
def _take(b: Builder, v: Value, x: list[str]) -> str:
    return str(b.op("Gather", x, axis=v.settings()["axis"]))


@_converter("take_along_axis")
def _take_along_axis(b: Builder, v: Value, x: list[str]) -> str:
    return str(b.op("GatherElements", x, axis=v.settings()["axis"]))


@_converter("one_hot")
def _one_hot(b: Builder, v: Value, x: list[str]) -> str:
    depth = b.ints([v.settings()["num_classes"]])
    return str(b.op("OneHot", [x[0], depth, b.constant([0, 1], v.dtype)], axis=-1))


CONVERTERS["conv"] = conv
CONVERTERS["conv_input_grad"] = conv_transpose
CONVERTERS["max_pool"] = max_pool
CONVERTERS["average_pool"] = average_pool
CONVERTERS["lstm"] = lstm
CONVERTERS["gru"] = gru
CONVERTERS["simple_rnn"] = simple_rnn
CONVERTERS["loop"] = loop
