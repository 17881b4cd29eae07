"""Samples of views, moves and indices."""

from __future__ import annotations

import numpy as np

from samples import Input, anything, case, index, labels, refuse, sample


def exact(name, reference, samples, **kw):
    case(name, reference, samples, relative=0, **kw)


RESHAPES = [((), (1,)), ((6,), (2, 3)), ((2, 3, 4), (4, 6)), ((0, 3), (3, 0, 2)), ((5, 1), (5,))]
exact(
    "reshape",
    lambda x, shape: x.reshape(shape),
    [sample(anything(*a), shape=list(b)) for a, b in RESHAPES],
    refusals=[refuse("cannot reshape", ("float32", (2, 3)), shape=[4])],
)
ORDERS = [((), ()), ((5,), (0,)), ((3, 5), (1, 0)), ((2, 3, 4), (2, 0, 1)), ((2, 0, 3), (1, 0, 2))]
exact(
    "transpose",
    lambda x, axes: x.transpose(axes),
    [sample(anything(*s), axes=list(a)) for s, a in ORDERS]
    + [sample(anything(40, 50), axes=[-1, -2])],
    refusals=[
        refuse("expected 2 axes, got 1", ("float32", (2, 3)), axes=[0]),
        refuse("repeated axis", ("float32", (2, 3)), axes=[0, 0]),
    ],
)
REPEATS = [((), (3,)), ((1, 5), (4, 5)), ((3, 1), (2, 3, 4)), ((3,), (3,)), ((1,), (0,)), ((), ())]
exact(
    "broadcast_to",
    lambda x, shape: np.broadcast_to(x, shape),
    [sample(anything(*a), shape=list(b)) for a, b in REPEATS],
    refusals=[refuse("cannot broadcast", ("float32", (3,)), shape=[4])],
)

SLICES = [
    ((7,), (2,), (1,), (3,)),
    ((7,), (6,), (-2,), (4,)),
    ((5, 6), (1, 4), (2, -1), (2, 5)),
    ((5, 6), (0, 0), (1, 1), (5, 6)),
    ((5, 6), (4, 0), (-1, 3), (5, 2)),
    ((3, 4), (1, 2), (1, 1), (0, 2)),
    ((2, 3, 4), (1, 0, 1), (1, 2, 2), (1, 2, 2)),
]


def slice_of(x, begin, step, size):
    key = tuple(b + s * np.arange(n) for b, s, n in zip(begin, step, size, strict=True))
    return x[np.ix_(*key)]


def unslice(g, begin, step, size, shape):
    out = np.zeros(shape, g.dtype)
    key = tuple(b + s * np.arange(n) for b, s, n in zip(begin, step, size, strict=True))
    out[np.ix_(*key)] = g
    return out


exact(
    "slice",
    slice_of,
    [sample(anything(*x), begin=list(b), step=list(s), size=list(n)) for x, b, s, n in SLICES],
    refusals=[
        refuse("expected begin", ("float32", (3, 4)), begin=[0], step=[1], size=[2]),
        refuse("out of bounds", ("float32", (3,)), begin=[1], step=[1], size=[3]),
        refuse("out of bounds", ("float32", (3,)), begin=[0], step=[-1], size=[2]),
    ],
)
exact(
    "unslice",
    unslice,
    [
        sample(anything(*n), begin=list(b), step=list(s), size=list(n), shape=list(x))
        for x, b, s, n in SLICES
    ],
    refusals=[
        refuse("out of bounds", ("float32", (3,)), begin=[1], step=[1], size=[3], shape=[3]),
        refuse("expected", ("float32", (2,)), begin=[0], step=[1], size=[3], shape=[3]),
    ],
)
for name in ("identity", "stop_gradient"):
    exact(name, lambda x: x, [sample(anything(*s)) for s in [(), (3, 5), (0,), (600,)]])


exact(
    "concatenate",
    lambda *xs, axis: np.concatenate(xs, axis),
    [
        sample(anything(3), axis=0),
        sample(anything(3), anything(4), axis=0),
        sample(anything(2, 3), anything(2, 5), anything(2, 1), axis=1),
        sample(anything(2, 3), anything(0, 3), axis=-2),
        sample(anything(2, 3, 4), anything(2, 2, 4), axis=1),
    ],
    refusals=[
        refuse("expected inputs equal", ("float32", (2, 3)), ("float32", (3, 2)), axis=0),
        refuse("expected inputs equal", ("float32", (2,)), ("float64", (2,)), axis=0),
        refuse("axis 1 is out of bounds", ("float32", (2,)), axis=1),
    ],
)

TAKES = [((7,), (3,), 0), ((4, 5), (2, 3), 1), ((4, 5), (), 0), ((2, 3, 4), (5,), -2)]
TAKES += [((4, 5), (0,), 0), ((6, 300), (9,), 0)]


def take_samples():
    for shape, picked, axis in TAKES:
        yield sample(anything(*shape), index(shape[axis], *picked), axis=axis)


def take_grad(g, index, axis, shape):
    out = np.zeros(shape, g.dtype)
    axis %= len(shape)
    moved = np.moveaxis(out, axis, 0)  # a view
    order = list(range(axis, axis + index.ndim))
    picked = np.moveaxis(g, order, range(index.ndim))
    np.add.at(moved, index, picked)
    return out


def taken(shape, picked, axis):
    axis %= len(shape)
    return (*shape[:axis], *picked, *shape[axis + 1 :])


NOT_INT64 = ("expected int64 indices", ("float32", (3,)), ("int32", (2,)))
exact(
    "take",
    lambda x, i, axis: np.take(x, i, axis),
    list(take_samples()),
    refusals=[
        refuse(*NOT_INT64, axis=0),
        refuse("axis 1 is out of bounds", ("float32", (3,)), ("int64", (2,)), axis=1),
    ],
)
case(
    "take_grad",
    take_grad,
    [
        sample(anything(*taken(s, p, a)), index(s[a], *p), axis=a, shape=list(s))
        for s, p, a in TAKES
    ],
    absolute=64,
    refusals=[
        refuse("expected", ("float32", (3,)), ("int64", (2,)), axis=0, shape=[4]),
    ],
)


ALONG = [((7,), (3,), 0), ((4, 5), (2, 5), 0), ((4, 5), (4, 1), 1), ((2, 3, 4), (2, 6, 4), 1)]


def take_along_grad(g, index, axis, shape):
    out = np.zeros(shape, g.dtype)
    grid = list(np.indices(index.shape, sparse=True))
    grid[axis] = index
    np.add.at(out, tuple(grid), g)
    return out


exact(
    "take_along_axis",
    np.take_along_axis,
    [sample(anything(*s), index(s[a], *i), axis=a) for s, i, a in ALONG],
    refusals=[
        refuse(*NOT_INT64, axis=0),
        refuse("expected indices shaped like", ("float32", (3, 2)), ("int64", (3,)), axis=0),
        refuse("expected indices shaped like", ("float32", (3, 2)), ("int64", (1, 3)), axis=0),
    ],
)
case(
    "take_along_axis_grad",
    take_along_grad,
    [sample(anything(*i), index(s[a], *i), axis=a, shape=list(s)) for s, i, a in ALONG],
    absolute=64,
    refusals=[refuse("expected", ("float32", (3,)), ("int64", (2,)), axis=0, shape=[4])],
)
ALL_TYPES = ("float32", "float64", "int32", "int64", "uint8", "bool")
exact(
    "one_hot",
    lambda i, num_classes, dtype: (i[..., None] == np.arange(num_classes)).astype(dtype),
    [
        sample(labels(5, *s), num_classes=4, dtype=t)
        for s in [(), (7,), (2, 3), (0,)]
        for t in ALL_TYPES
    ]
    + [sample(Input((9,), "index", "int64", -3, 6), num_classes=3, dtype="float32")],
    refusals=[
        refuse("expected int64 indices", ("float32", (2,)), num_classes=3, dtype="float32"),
        refuse("at least 1", ("int64", (2,)), num_classes=0, dtype="float32"),
    ],
)
