"""How each operation is said in C."""

from __future__ import annotations

import math
from collections.abc import Callable
from math import prod

from fastnn.io._c import Value, Writer
from fastnn.io._c_source import Ref, Source, literal
from fastnn.io._c_windows import average_pool, conv, conv_transpose, gru, lstm, max_pool, simple_rnn

# The same numbers in the same order, under another shape.
ALIASES = frozenset({"identity", "stop_gradient", "reshape"})

# How many outputs prediction has of operations that keep something for their gradient.
PREDICTED = {"max_pool": 1, "lstm": 3, "gru": 2, "simple_rnn": 2}

WRITERS: dict[str, Writer] = {}

# {x}, {y}, {z}: the operands; {f}: the suffix of float functions; {0}, {1}, {6}, {half}: numbers;
# other names are attributes.
_EXPRESSIONS = {
    "add": "{x} + {y}",
    "subtract": "{x} - {y}",
    "multiply": "{x} * {y}",
    "divide": "{x} / {y}",
    "power": "pow{f}({x}, {y})",
    "maximum": "{x} > {y} || {x} != {x} ? {x} : {y}",
    "minimum": "{x} < {y} || {x} != {x} ? {x} : {y}",
    "floor_divide": "floor{f}({x} / {y})",
    "mod": "{x} - floor{f}({x} / {y}) * {y}",
    "equal": "{x} == {y}",
    "not_equal": "{x} != {y}",
    "less": "{x} < {y}",
    "less_equal": "{x} <= {y}",
    "greater": "{x} > {y}",
    "greater_equal": "{x} >= {y}",
    "logical_and": "{x} && {y}",
    "logical_or": "{x} || {y}",
    "logical_not": "!{x}",
    "isfinite": "isfinite({x}) != 0",
    "isnan": "{x} != {x}",
    "negative": "-{x}",
    "absolute": "{x} < 0 ? -{x} : {x}",
    "sign": "({x} > 0) - ({x} < 0)",
    "exp": "exp{f}({x})",
    "expm1": "expm1{f}({x})",
    "log": "log{f}({x})",
    "log1p": "log1p{f}({x})",
    "sqrt": "sqrt{f}({x})",
    "rsqrt": "{one} / sqrt{f}({x})",
    "square": "{x} * {x}",
    "reciprocal": "{one} / {x}",
    "sin": "sin{f}({x})",
    "cos": "cos{f}({x})",
    "erf": "erf{f}({x})",
    "floor": "floor{f}({x})",
    "ceil": "ceil{f}({x})",
    "round": "rint{f}({x})",
    "where": "{x} ? {y} : {z}",
    "clip": "{x} < {low} ? {low} : {x} > {high} ? {high} : {x}",
    "relu": "{x} < 0 ? 0 : {x}",
    "relu6": "{x} < 0 ? 0 : {x} > 6 ? 6 : {x}",
    "leaky_relu": "{x} < 0 ? {slope} * {x} : {x}",
    "elu": "{x} < 0 ? {alpha} * expm1{f}({x}) : {x}",
    "celu": "{x} < 0 ? {alpha} * expm1{f}({x} / {alpha}) : {x}",
    "selu": "{scale} * ({x} < 0 ? {selu} * expm1{f}({x}) : {x})",
    "sigmoid": "{one} / ({one} + exp{f}(-{x}))",
    "tanh": "tanh{f}({x})",
    "softplus": "fmax{f}({x}, 0) + log1p{f}(exp{f}(-fabs{f}({x})))",
    "log_sigmoid": "fmin{f}({x}, 0) - log1p{f}(exp{f}(-fabs{f}({x})))",
    "softsign": "{x} / ({one} + fabs{f}({x}))",
    "silu": "{x} / ({one} + exp{f}(-{x}))",
    "mish": "{x} * tanh{f}(fmax{f}({x}, 0) + log1p{f}(exp{f}(-fabs{f}({x}))))",
    "gelu": "{half} * {x} * ({one} + erf{f}({x} * {root_half}))",
    "gelu_tanh": "{half} * {x} * ({one} + tanh{f}({root} * ({x} + {cubic} * {x} * {x} * {x})))",
    "hard_sigmoid": "fmin{f}(fmax{f}({x} * {sixth} + {half}, 0), 1)",
    "hard_silu": "{x} * fmin{f}(fmax{f}({x} * {sixth} + {half}, 0), 1)",
    "hard_tanh": "{x} < -1 ? -1 : {x} > 1 ? 1 : {x}",
    "threshold": "{x} > {theta} ? 1 : 0",
    "cast": "{x}",
}

_NUMBERS = {
    "one": 1.0,
    "half": 0.5,
    "sixth": 1.0 / 6.0,
    "root_half": math.sqrt(0.5),
    "root": math.sqrt(2.0 / math.pi),
    "cubic": 0.044715,
    "scale": 1.0507009873554805,
    "selu": 1.6732632423543772,
}
_FLOATS = ("float32", "float64")


def _elementwise(s: Source, v: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
    out = outputs[0]
    kind = inputs[-1].dtype
    if v.op in ("floor_divide", "mod") and kind not in _FLOATS:
        raise NotImplementedError(f"[to_c] {v.op!r} of whole numbers")
    words = {name: literal(x, kind) for name, x in _NUMBERS.items()}
    words |= {
        name: literal(x, kind) for name, x in v.settings().items() if isinstance(x, (int, float))
    }
    words["f"] = "f" if kind == "float32" else ""
    for index in s.loops(out.shape):
        operands = [_bound(s, ref, index) for ref in inputs]
        words |= dict(zip("xyz", operands, strict=False))
        text = _EXPRESSIONS[v.op]
        if kind not in _FLOATS:
            text = text.replace(" || {x} != {x}", "")
        text = text.format_map(words)
        if out.dtype == "bool" and v.op == "cast":
            text = f"{text} != 0"
        s.line(f"{out.at(index)} = ({out.ctype})({text});")


def _bound(s: Source, ref: Ref, index: list[str]) -> str:
    """The operand in a variable of its own: expressions name it more than once."""
    name = s.fresh()
    s.line(f"const {ref.ctype} {name} = {ref.broadcast(index)};")
    return name


for _name in _EXPRESSIONS:
    WRITERS[_name] = _elementwise


def _writer(*names: str) -> Callable[[Writer], Writer]:
    def register(function: Writer) -> Writer:
        for name in names:
            WRITERS[name] = function
        return function

    return register


@_writer("full")
def _full(s: Source, v: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
    for index in s.loops(outputs[0].shape):
        s.line(f"{outputs[0].at(index)} = {literal(v.settings()['value'], v.dtype)};")


@_writer("extent")
def _extent(s: Source, v: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
    s.line(f"{outputs[0].at([])} = {s.number(v.settings()['extent'][0])};")


@_writer("matmul")
def _matmul(s: Source, v: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
    a, b, out = inputs[0], inputs[1], outputs[0]
    settings = v.settings()
    inner = a.shape[-2 if settings["transpose_a"] else -1]
    for *batch, row, column in s.loops(out.shape):
        total = s.fresh()
        s.line(f"{out.ctype} {total} = 0;")
        with s.loop(inner) as k:
            left = [*batch, k, row] if settings["transpose_a"] else [*batch, row, k]
            right = [*batch, column, k] if settings["transpose_b"] else [*batch, k, column]
            s.line(f"{total} += {_operand(a, left)} * {_operand(b, right)};")
        s.line(f"{out.at([*batch, row, column])} = {total};")


def _operand(ref: Ref, index: list[str]) -> str:
    """An element of a matrix whose leading axes broadcast."""
    own = index[len(index) - len(ref.shape) :]
    matrix = len(own) - 2
    kept = ["0" if i < matrix and ref.shape[i] == 1 else name for i, name in enumerate(own)]
    return ref.at(kept)


@_writer("transpose")
def _transpose(s: Source, v: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
    axes = v.settings()["axes"]
    for index in s.loops(outputs[0].shape):
        source = ["0"] * len(index)
        for place, axis in enumerate(axes):
            source[axis] = index[place]
        s.line(f"{outputs[0].at(index)} = {inputs[0].at(source)};")


@_writer("broadcast_to")
def _broadcast_to(s: Source, v: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
    for index in s.loops(outputs[0].shape):
        s.line(f"{outputs[0].at(index)} = {inputs[0].broadcast(index)};")


def _strided(index: list[str], begin: list[int], step: list[int]) -> list[str]:
    places = zip(index, begin, step, strict=True)
    return [i if (b, n) == (0, 1) else f"({b} + {i} * {n})" for i, b, n in places]


@_writer("slice")
def _slice(s: Source, v: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
    settings = v.settings()
    begin = [s.number(dim) for dim in settings["begin"]]
    for index in s.loops(outputs[0].shape):
        source = inputs[0].at(_strided(index, begin, settings["step"]))
        s.line(f"{outputs[0].at(index)} = {source};")


@_writer("unslice")
def _unslice(s: Source, v: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
    settings, out = v.settings(), outputs[0]
    s.line(f"memset({out.name}, 0, {out.size} * sizeof({out.ctype}));")
    begin = [s.number(dim) for dim in settings["begin"]]
    for index in s.loops(inputs[0].shape):
        target = out.at(_strided(index, begin, settings["step"]))
        s.line(f"{target} = {inputs[0].at(index)};")


@_writer("concatenate")
def _concatenate(s: Source, v: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
    axis, at = v.settings()["axis"], 0
    for ref in inputs:
        for index in s.loops(ref.shape):
            target = list(index)
            target[axis] = f"({index[axis]} + {at})" if at else index[axis]
            s.line(f"{outputs[0].at(target)} = {ref.at(index)};")
        at += ref.shape[axis]


@_writer("take")
def _take(s: Source, v: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
    table, indices = inputs
    axis = v.settings()["axis"] % len(table.shape)
    rank = len(indices.shape)
    for index in s.loops(outputs[0].shape):
        row = indices.at(index[axis : axis + rank])
        source = [*index[:axis], f"(int){row}", *index[axis + rank :]]
        s.line(f"{outputs[0].at(index)} = {table.at(source)};")


@_writer("take_along_axis")
def _take_along_axis(s: Source, v: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
    axis = v.settings()["axis"] % len(outputs[0].shape)
    for index in s.loops(outputs[0].shape):
        source = list(index)
        source[axis] = f"(int){inputs[1].at(index)}"
        s.line(f"{outputs[0].at(index)} = {inputs[0].at(source)};")


@_writer("one_hot")
def _one_hot(s: Source, v: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
    for index in s.loops(outputs[0].shape):
        s.line(f"{outputs[0].at(index)} = {inputs[0].at(index[:-1])} == {index[-1]};")


# --- reductions

# The first value, and how an element is taken in.
_REDUCTIONS = {
    "sum": ("0", "{t} += {x};"),
    "mean": ("0", "{t} += {x};"),
    "prod": ("1", "{t} *= {x};"),
    "max": (None, "if ({x} > {t} || {x} != {x}) {t} = {x};"),
    "min": (None, "if ({x} < {t} || {x} != {x}) {t} = {x};"),
    "any": ("0", "{t} = {t} || {x};"),
    "all": ("1", "{t} = {t} && {x};"),
}


def _reduce(s: Source, v: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
    source, out = inputs[0], outputs[0]
    axes = [axis % len(source.shape) for axis in v.settings()["axes"]]
    kept = [1 if axis in axes else size for axis, size in enumerate(source.shape)]
    first, step = _REDUCTIONS[v.op]
    target = Ref(out.name, out.dtype, tuple(kept))
    for index in s.loops(kept):
        total = s.fresh()
        s.line(f"{out.ctype} {total} = {first or source.at(index)};")
        inner_shape = [source.shape[axis] for axis in axes]
        for inner in s.loops(inner_shape):
            full = list(index)
            for axis, name in zip(axes, inner, strict=True):
                full[axis] = name
            s.line(step.format(t=total, x=source.at(full)))
        count = literal(prod(inner_shape), out.dtype)
        s.line(f"{target.at(index)} = {total}{f' / {count}' if v.op == 'mean' else ''};")


for _name in _REDUCTIONS:
    WRITERS[_name] = _reduce


@_writer("argmax", "argmin")
def _arg_reduce(s: Source, v: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
    source, sign = inputs[0], ">" if v.op == "argmax" else "<"
    axis = v.settings()["axis"] % len(source.shape)
    for index in s.loops(outputs[0].shape):
        best = s.fresh()
        s.line(f"int {best} = 0;")
        with s.loop(source.shape[axis]) as k:
            here = source.at([*index[:axis], k, *index[axis:]])
            there = source.at([*index[:axis], best, *index[axis:]])
            s.line(f"if ({here} {sign} {there}) {best} = {k};")
        s.line(f"{outputs[0].at(index)} = {best};")


@_writer("softmax", "log_softmax")
def _softmax(s: Source, v: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
    x, out = inputs[0], outputs[0]
    f = "f" if out.dtype == "float32" else ""
    for index in s.loops(out.shape[:-1]):
        top, total = s.fresh(), s.fresh()
        s.line(f"{out.ctype} {top} = {x.at([*index, '0'])}, {total} = 0;")
        with s.loop(out.shape[-1]) as k:
            s.line(f"{top} = fmax{f}({top}, {x.at([*index, k])});")
        with s.loop(out.shape[-1]) as k:
            s.line(f"{total} += exp{f}({x.at([*index, k])} - {top});")
        with s.loop(out.shape[-1]) as k:
            shifted = f"{x.at([*index, k])} - {top}"
            text = f"exp{f}({shifted}) / {total}" if v.op == "softmax" else (
                f"{shifted} - log{f}({total})"
            )  # fmt: skip
            s.line(f"{out.at([*index, k])} = {text};")


WRITERS |= {
    "conv": conv,
    "conv_input_grad": conv_transpose,
    "max_pool": max_pool,
    "average_pool": average_pool,
    "lstm": lstm,
    "gru": gru,
    "simple_rnn": simple_rnn,
}
