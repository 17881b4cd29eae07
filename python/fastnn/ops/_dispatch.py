"""How an operation is carried out: on tensors it adds a node, on arrays it runs now."""

from __future__ import annotations

import functools
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, overload

import numpy as np
import numpy.typing as npt

from .. import _core
from .._tensor import Tensor, from_other_library

TensorLike = Tensor | npt.ArrayLike
P = ParamSpec("P")
R = TypeVar("R")

_CACHE_SIZE = 1024
_cache: OrderedDict[Any, _core.Function] = OrderedDict()


def _is_number(x: Any) -> bool:
    return isinstance(x, (bool, int, float)) and not isinstance(x, np.generic)


def _array(x: Any, op: str) -> npt.NDArray[Any]:
    """x as an array of numbers; errors name the op."""
    try:
        array = np.asarray(from_other_library(x))
    except ValueError:
        raise ValueError(f"[{op}] expected numbers in rows of equal length, got {x!r}") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"[{op}] expected numbers, got dtype {array.dtype}")
    return array


def _is_symbolic(x: Any) -> bool:
    """Whether x is known at run time only: a tensor, or the length of an open axis."""
    return isinstance(x, (Tensor, _core.Dim))


_BITS = {"uint8": 8, "int32": 31, "int64": 63}


def _scalar(x: float, dtype: str, op: str) -> Tensor:
    """A number as a tensor of no dimensions; whole numbers are exact or refused."""
    if dtype in _BITS and not isinstance(x, bool):
        lowest = 0 if dtype == "uint8" else -(2 ** _BITS[dtype])
        if not lowest <= x < 2 ** _BITS[dtype]:
            raise ValueError(f"[{op}] expected a number that fits {dtype}, got {x}")
        if abs(x) > 2**53:
            return Tensor(_core.constant(np.array(x, dtype)))
    return Tensor(_core.scalar(float(x), dtype))


def to_tensors(args: Sequence[Any], op: str = "tensor") -> list[Tensor]:
    """Tensors from tensors, arrays and numbers; a number takes the dtype of its companions.

    Raises:
        TypeError: if something holds no numbers; ``op`` is named in the message.
        ValueError: if rows are of unequal length, or a whole number does not fit the dtype.
    """
    known: str | None = None
    converted: list[Any] = []
    for x in args:
        value = x
        if isinstance(x, _core.Dim):
            value = Tensor(_core.extent_value(x, "int64"))
        elif not isinstance(x, Tensor) and not _is_number(x):
            value = Tensor(_core.constant(_array(x, op)))
        if isinstance(value, Tensor):
            known = value.dtype if known is None else _core.promote(known, value.dtype)
        converted.append(value)
    if known is None:
        floating = any(isinstance(x, float) for x in args)
        large = any(abs(x) >= 2**31 for x in args)
        known = "float32" if floating else "int64" if large else "int32"
    result = []
    for x in converted:
        if not isinstance(x, Tensor):
            dtype = "float32" if isinstance(x, float) and known[0] != "f" else known
            if known == "bool" and not isinstance(x, (bool, float)):
                dtype = "int32"
            x = _scalar(x, dtype, op)
        result.append(x)
    return result


def _compiled(
    op: str, key: Any, build: Callable[..., Any], data: Sequence[Any]
) -> tuple[_core.Function, list[npt.NDArray[Any]]]:
    """What build(*tensors) is for arrays of such dtypes and shapes, compiled once; the arrays."""
    given = [x if _is_number(x) else _array(x, op) for x in data]
    arrays = [x for x in given if isinstance(x, np.ndarray)]
    signature = tuple(
        (x.dtype.str, x.shape) if isinstance(x, np.ndarray) else (x, math.copysign(1, x))
        for x in given
    )
    full_key = (key, signature, tuple(type(x) for x in given), _core.active_table())
    entry = _cache.get(full_key)
    if entry is None:
        entry = _compile(build, given)
        _cache[full_key] = entry
        if len(_cache) > _CACHE_SIZE:
            _cache.popitem(last=False)
    return entry, arrays


def _compile(build: Callable[..., Any], given: Sequence[Any]) -> _core.Function:
    tensors: list[Any] = []
    inputs = []
    for x in given:
        if not isinstance(x, np.ndarray):
            tensors.append(x)
            continue
        dtype = _core.constant(np.empty(0, x.dtype)).dtype
        tensors.append(Tensor(_core.placeholder(dtype, x.shape)))
        inputs.append(tensors[-1]._value)
    if not inputs:  # only numbers: they are the program
        tensors = list(to_tensors(tensors))
    result = build(*tensors)
    single = isinstance(result, Tensor)
    sections: list[Any] = [("main", [t._value for t in ([result] if single else result)], [])]
    return _core.Function(
        inputs,
        sections,
        device="cpu",  # where the arrays are
        returns="one" if single else "list",
        scalars=True,
    )


@overload
def operation(
    tensors: Literal[1] = 1,
) -> Callable[[Callable[Concatenate[Tensor, P], R]], Callable[Concatenate[TensorLike, P], R]]: ...
@overload
def operation(
    tensors: Literal[2],
) -> Callable[
    [Callable[Concatenate[Tensor, Tensor, P], R]],
    Callable[Concatenate[TensorLike, TensorLike, P], R],
]: ...
@overload
def operation(
    tensors: Literal[3],
) -> Callable[
    [Callable[Concatenate[Tensor, Tensor, Tensor, P], R]],
    Callable[Concatenate[TensorLike, TensorLike, TensorLike, P], R],
]: ...
@overload
def operation(
    tensors: Literal[-1],
) -> Callable[
    [Callable[Concatenate[Sequence[Tensor], P], R]],
    Callable[Concatenate[Sequence[TensorLike], P], R],
]: ...
def operation(tensors: int = 1) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a function over tensors work on arrays too; its first ``tensors`` arguments are data.

    ``tensors=-1``: the first argument is a sequence of data. The others have to be hashable.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        op = function.__name__.lstrip("_")

        def taken_apart(args: Any, kwargs: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
            """Data, other arguments, those by name."""
            if tensors < 0:
                return tuple(args[0]), args[1:], kwargs
            data, rest = args[:tensors], args[tensors:]
            if len(data) < tensors:
                # Data given by keyword: in the order of the parameters.
                names = function.__code__.co_varnames[len(data) : tensors]
                data += tuple(kwargs[n] for n in names if n in kwargs)
                kwargs = {n: x for n, x in kwargs.items() if n not in names}
            return data, rest, kwargs

        def on_tensors(data: Sequence[Any], rest: Any, kwargs: dict[str, Any]) -> Any:
            converted = to_tensors(data, op)
            if tensors >= 0:
                return function(*converted, *rest, **kwargs)
            return function(converted, *rest, **kwargs)

        def on_arrays(
            data: Sequence[Any], rest: Any, kwargs: dict[str, Any]
        ) -> tuple[_core.Function, list[npt.NDArray[Any]]]:
            def build(*given: Any) -> Any:
                return on_tensors(given, rest, kwargs)

            key = (function, _hashable(rest), _hashable(tuple(sorted(kwargs.items()))))
            return _compiled(op, key, build, data)

        def general(*args: Any, **kwargs: Any) -> Any:
            data, rest, named = taken_apart(args, kwargs)
            if any(map(_is_symbolic, data)):
                return on_tensors(data, rest, named)
            compiled, arrays = on_arrays(data, rest, named)
            return compiled(*arrays)

        def compiled(*args: Any, **kwargs: Any) -> _core.Function:
            return on_arrays(*taken_apart(args, kwargs))[0]

        return functools.wraps(function)(_core.operation(general, compiled, 0, tensors))

    return decorate


def _hashable(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return tuple(_hashable(i) for i in x)
    if isinstance(x, np.ndarray):
        return (x.dtype.str, x.shape, x.tobytes())
    if isinstance(x, slice):
        return ("slice", x.start, x.stop, x.step)
    if isinstance(x, np.dtype):
        return x.str
    return x


def node(op: str, inputs: Sequence[Tensor], **attrs: Any) -> Tensor:
    """Adds a node and returns its first output."""
    return Tensor(_core.make(op, [t._value for t in inputs], attrs))


def _elementwise_on_arrays(
    op: str, inputs: Sequence[Any], attrs: dict[str, Any]
) -> tuple[_core.Function, list[npt.NDArray[Any]]]:
    def build(*given: Any) -> Tensor:
        return node(op, to_tensors(given, op), **attrs)

    return _compiled(op, (op, tuple(attrs.values())), build, inputs)


def _elementwise(op: str, *inputs: Any, **attrs: Any) -> Any:
    """An elementwise op of the table on tensors or arrays."""
    if any(map(_is_symbolic, inputs)):
        return node(op, to_tensors(inputs, op), **attrs)
    compiled, arrays = _elementwise_on_arrays(op, inputs, attrs)
    return compiled(*arrays)


def _compiled_elementwise(op: str, *inputs: Any, **attrs: Any) -> _core.Function:
    return _elementwise_on_arrays(op, inputs, attrs)[0]


elementwise: Callable[..., Any] = _core.elementwise(
    _core.operation(_elementwise, _compiled_elementwise, 1, None)
)
