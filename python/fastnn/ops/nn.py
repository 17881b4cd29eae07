"""Softmax, losses on logits, random tensors, the fused optimizer step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from .. import _core
from .._random import check_seed, next_stream
from .._tensor import Dimension, Tensor, Variable
from ._dispatch import TensorLike, elementwise, node, operation, to_tensors
from .shapes import _axis, _indices, transpose


def _over_last_axis(op: str, x: Tensor, axis: int) -> Any:
    if x.dtype[0] != "f":
        x = Tensor(_core.cast(x._value, "float32"))
    axis = _axis(axis, x.ndim, op)
    if axis == x.ndim - 1:
        return node(op, [x])
    order = [i for i in range(x.ndim) if i != axis] + [axis]
    back = [order.index(i) for i in range(x.ndim)]
    return transpose(node(op, [transpose(x, order)]), back)


@operation()
def softmax(x: Tensor, axis: int = -1) -> Any:
    """e^x / sum(e^x) along an axis, stable for any finite x.

    Example:
        >>> from fastnn import ops
        >>> ops.softmax([0.0, 0.0])
        array([0.5, 0.5])
    """
    return _over_last_axis("softmax", x, axis)


@operation()
def log_softmax(x: Tensor, axis: int = -1) -> Any:
    """x - log(sum(e^x)) along an axis.

    Example:
        >>> from fastnn import ops
        >>> ops.log_softmax([0.0, 0.0]).round(3)
        array([-0.693, -0.693])
    """
    return _over_last_axis("log_softmax", x, axis)


@operation()
def pairs(x: Tensor) -> Any:
    """The products x_i x_j of all pairs i <= j along the last axis, of a known length n: shape
    (..., n) to (..., n (n + 1) / 2), in the order (0, 0), (0, 1), ..., (1, 1), ...

    A quadratic form x^T V x is their product with the sums of V's elements for each pair.

    Example:
        >>> from fastnn import ops
        >>> ops.pairs([2.0, 3.0, 5.0])
        array([ 4.,  6., 10.,  9., 15., 25.])
    """
    return node("pairs", [x])


def sigmoid_cross_entropy(logits: TensorLike, targets: TensorLike) -> Any:
    """Binary cross-entropy from logits: max(x, 0) - x t + log(1 + e^-|x|), elementwise.

    Example:
        >>> from fastnn import ops
        >>> ops.sigmoid_cross_entropy([0.0], [1.0]).round(3)
        array([0.693])
    """
    return elementwise("sigmoid_cross_entropy", logits, targets)


@operation(2)
def softmax_cross_entropy(logits: Tensor, targets: Tensor) -> Any:
    """-sum(t log_softmax(x)) over the last axis: shape (..., classes) to (...).

    Example:
        >>> from fastnn import ops
        >>> ops.softmax_cross_entropy([[0.0, 0.0]], [[1.0, 0.0]]).round(3)
        array([0.693])
    """
    return node("softmax_cross_entropy", [logits, Tensor(_core.cast(targets._value, logits.dtype))])


@operation(2)
def sparse_softmax_cross_entropy(logits: Tensor, labels: Tensor) -> Any:
    """-log_softmax(x)[label] over the last axis, from integer labels of shape (...).

    Raises:
        IndexError: when run, if a label is outside [0, classes).

    Example:
        >>> from fastnn import ops
        >>> ops.sparse_softmax_cross_entropy([[0.0, 0.0]], [1]).round(3)
        array([0.693])
    """
    op = "sparse_softmax_cross_entropy"
    return node(op, [logits, _indices(labels, op)])


def logits_of(probabilities: Any) -> tuple[str, Tensor] | None:
    """('sigmoid' | 'softmax', logits) if the tensor is the result of one, else None."""
    if not isinstance(probabilities, Tensor):
        return None
    value = probabilities._value
    while value.op in ("identity", "reshape"):
        if value.op == "reshape" and tuple(value.inputs[0].dims) != tuple(value.dims):
            return None
        value = value.inputs[0]
    if value.op in ("sigmoid", "softmax"):
        return value.op, Tensor(value.inputs[0])
    return None


Seed: TypeAlias = "int | tuple[int, int] | None"


def _random(
    kind: str, shape: Sequence[Dimension], a: Any, b: Any, dtype: str, seed: Seed
) -> Tensor:
    scalars = []
    for p in (a, b):
        if isinstance(p, Tensor):
            scalars.append(_core.cast(p._value, dtype))
        else:
            scalars.append(_core.scalar(float(p), dtype))
    attrs: dict[str, Any] = {"shape": list(shape), "dtype": dtype}
    if seed is None:
        attrs["stream"], attrs["seed"] = next_stream(), []
    else:
        own, attrs["stream"] = seed if isinstance(seed, tuple) else (seed, 0)
        attrs["seed"] = [check_seed(own)]
    return Tensor(_core.make("random_" + kind, scalars, attrs))


def random_uniform(
    shape: Sequence[Dimension],
    low: Any = 0.0,
    high: Any = 1.0,
    dtype: str = "float32",
    seed: Seed = None,
) -> Tensor:
    """A tensor of uniform numbers in [low, high), new ones at every run.

    Gradients flow to ``low`` and ``high`` where these are tensors. Numbers come from the seed of
    the process, every node with a stream of its own; with a ``seed``, or a pair of a seed and the
    number of a stream, they follow from it and from how often the program has run.

    Example:
        >>> import fastnn
        >>> draw = fastnn.function([], fastnn.ops.random_uniform((2,)))
        >>> bool((draw() != draw()).all())
        True
    """
    return _random("uniform", shape, low, high, dtype, seed)


def random_normal(
    shape: Sequence[Dimension],
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: str = "float32",
    seed: Seed = None,
) -> Tensor:
    """A tensor of normal numbers, new ones at every run.

    Gradients flow to ``mean`` and ``stddev`` where these are tensors. ``seed`` is as for
    :func:`random_uniform`.

    Example:
        >>> import fastnn
        >>> fastnn.function([], fastnn.ops.random_normal((2, 3)))().shape
        (2, 3)
    """
    return _random("normal", shape, mean, stddev, dtype, seed)


def random_truncated_normal(
    shape: Sequence[Dimension],
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: str = "float32",
    seed: Seed = None,
) -> Tensor:
    """A tensor of normal numbers within two standard deviations, new ones at every run.

    Gradients flow to ``mean`` and ``stddev`` where these are tensors. ``seed`` is as for
    :func:`random_uniform`.

    Example:
        >>> import fastnn
        >>> fastnn.function([], fastnn.ops.random_truncated_normal((4,)))().shape
        (4,)
    """
    return _random("truncated_normal", shape, mean, stddev, dtype, seed)


def random_bernoulli(
    shape: Sequence[Dimension], p: Any = 0.5, dtype: str = "float32", seed: Seed = None
) -> Tensor:
    """A tensor that is 1 with probability p, else 0, new at every run.

    ``seed`` is as for :func:`random_uniform`.

    Example:
        >>> import fastnn
        >>> fastnn.function([], fastnn.ops.random_bernoulli((3,), 1.0))()
        array([1., 1., 1.], dtype=float32)
    """
    return _random("bernoulli", shape, p, 0.0, dtype, seed)


def optimizer_step(
    algorithm: str,
    gradients: Sequence[Any],
    variables: Sequence[Variable],
    slots: Sequence[Sequence[Variable]],
    rate: Any,
    step: Any,
    state: Variable | None = None,
    hyper: Sequence[float] = (),
    rate_scale: Sequence[float] | None = None,
    decay: Sequence[float] | None = None,
) -> _core.Effect:
    """The fused update of all variables, to be put among a section's updates.

    Args:
        algorithm: 'sgd', 'rmsprop', 'adam', 'adamax', 'nadam', 'adagrad', 'adadelta' or 'lion'.
        gradients: one a variable, of its shape and dtype.
        variables: what is updated.
        slots: for each variable its slots, in the order of the kernel (Adam: moments 1 and 2).
        rate: the learning rate, a scalar.
        step: updates done before this one, an int64 scalar.
        state: Nadam's running product, a float64 scalar.
        hyper: the algorithm's constants in the order of its kernel.
        rate_scale: multiplies the rate of each variable (default 1).
        decay: decoupled weight decay of each variable (default 0).

    Raises:
        ValueError: if counts, shapes or dtypes do not match.
    """
    dtype = variables[0].dtype if variables else "float32"
    inputs = [t._value for t in to_tensors(list(gradients))] if gradients else []
    inputs.append(_core.cast(to_tensors([rate])[0]._value, dtype))
    inputs.append(step._value)
    attrs = {
        "algorithm": algorithm,
        "parameters": [v._storage for v in variables],
        "slots": [s._storage for own in slots for s in own],
        "state": [state._storage] if state is not None else [],
        "hyper": [float(h) for h in hyper],
        "rate_scale": [float(r) for r in rate_scale or [1.0] * len(variables)],
        "decay": [float(d) for d in decay or [0.0] * len(variables)],
    }
    return _core.make_effect("optimizer_step", inputs, attrs)
