"""Samples of reductions and matrix products."""

from __future__ import annotations

import numpy as np

from samples import Input, anything, booleans, case, distinct, refuse, sample, uniform

AXES = [
    ((), ()),
    ((7,), (0,)),
    ((3, 5), (0,)),
    ((3, 5), (1,)),
    ((3, 5), (-1, 0)),
    ((3, 5), ()),
    ((2, 3, 4), (1,)),
    ((2, 3, 4), (0, 2)),
    ((5, 1, 3, 2), (3, 0)),
    ((0, 3), (1,)),
    ((1037,), (0,)),
    ((4, 701), (0,)),
    ((701, 3), (0,)),
]
EMPTY = [((0, 3), (0,)), ((2, 0), (0, 1))]
OUT_OF_BOUNDS = refuse("axis 2 is out of bounds", ("float32", (3, 4)), axes=[2], keepdims=False)
REPEATED = refuse("repeated axis", ("float32", (3, 4)), axes=[1, -1], keepdims=False)
FLOATS_ONLY = refuse(
    "expected dtype float32 or float64, got int32", ("int32", (3,)), axes=[0], keepdims=False
)


def reductions(shapes, draw=anything):
    return [
        sample(draw(*shape), axes=list(axes), keepdims=keepdims)
        for shape, axes in shapes
        for keepdims in (False, True)
    ]


def over(f):
    return lambda x, axes, keepdims: f(x, axis=tuple(axes), keepdims=keepdims)


def typed_sum(f):
    """NumPy widens int32 sums; an op keeps its dtype."""
    return lambda x, axes, keepdims: f(x, axis=tuple(axes), keepdims=keepdims, dtype=x.dtype)


def magnitude(x, axes, keepdims):
    """Errors of a sum are counted against the sum of magnitudes."""
    return 2 * np.sum(np.abs(x), axis=tuple(axes), keepdims=keepdims)


def mean_magnitude(x, axes, keepdims):
    return 2 * np.mean(np.abs(x), axis=tuple(axes), keepdims=keepdims)


case(
    "sum",
    typed_sum(np.sum),
    reductions(AXES + EMPTY),
    absolute=magnitude,
    refusals=[OUT_OF_BOUNDS, REPEATED],
)
case("mean", over(np.mean), reductions(AXES), absolute=mean_magnitude, refusals=[FLOATS_ONLY])
SHORT = [(s, a) for s, a in AXES if np.prod(s) < 500]
case(
    "prod",
    typed_sum(np.prod),
    reductions(SHORT + EMPTY, lambda *s: uniform(0.6, 1.7, *s)),
    relative=64,
    refusals=[OUT_OF_BOUNDS],
)
NUMPY_ALLOWS = [(s, a) for s, a in AXES if all(s[i] for i in a)]
for name in ("max", "min"):
    case(
        name,
        over(getattr(np, name)),
        reductions(NUMPY_ALLOWS, distinct),
        refusals=[
            OUT_OF_BOUNDS,
            refuse("got bool", ("bool", (3,)), axes=[0], keepdims=False),
        ],
    )
for name in ("any", "all"):
    case(
        name,
        over(getattr(np, name)),
        reductions(AXES + EMPTY, booleans),
        refusals=[refuse("got float32", ("float32", (3,)), axes=[0], keepdims=False)],
    )
ARG = [
    ((7,), 0),
    ((3, 5), 0),
    ((3, 5), -1),
    ((2, 3, 4), 1),
    ((0, 3), 1),
    ((1037,), 0),
    ((5, 600), 1),
]
for name in ("argmax", "argmin"):
    case(
        name,
        getattr(np, name),
        # Few distinct integers: the first of equals counts.
        [sample(anything(*s), axis=a) for s, a in ARG]
        + [sample(Input(s, "index", "int64", 0, 3), axis=a) for s, a in ARG],
        refusals=[refuse("axis 1 is out of bounds", ("float32", (3,)), axis=1)],
    )


def sum_to_like(g, x):
    lead = g.ndim - x.ndim
    axes = tuple(i for i in range(g.ndim) if i < lead or x.shape[i - lead] != g.shape[i])
    return g.sum(axis=axes).reshape(x.shape)


case(
    "sum_to_like",
    sum_to_like,
    [
        sample(anything(*a), anything(*b))
        for a, b in [((3, 5), (1, 5)), ((2, 3, 4), (3, 1)), ((4,), ()), ((3, 2), (3, 2))]
    ],
    absolute=lambda g, x: 2 * sum_to_like(np.abs(g), x),
    constant_inputs=(1,),
)

# m, k, n beside batches: odd, tiny, one, empty inner dimension, larger than a tile.
SIZES = [
    (1, 1, 1),
    (2, 3, 4),
    (1, 7, 5),
    (9, 1, 3),
    (13, 17, 19),
    (3, 0, 2),
    (0, 3, 2),
    (33, 40, 50),
]
BATCHES = [((2,), (2,)), ((2,), ()), ((), (3,)), ((2, 1), (3,)), ((0,), ())]


def product(a, b, transpose_a, transpose_b):
    a = a.swapaxes(-1, -2) if transpose_a else a
    b = b.swapaxes(-1, -2) if transpose_b else b
    return a @ b


def product_error(a, b, **kw):
    k = a.shape[-2 if kw["transpose_a"] else -1]
    return k * product(np.abs(a), np.abs(b), **kw)


def products():
    for ta in (False, True):
        for tb in (False, True):
            cases = [((), (), s) for s in SIZES] + [(*b, (3, 4, 2)) for b in BATCHES]
            for batch_a, batch_b, (m, k, n) in cases:
                a = anything(*batch_a, *((k, m) if ta else (m, k)))
                b = anything(*batch_b, *((n, k) if tb else (k, n)))
                yield sample(a, b, transpose_a=ta, transpose_b=tb)


PLAIN = {"transpose_a": False, "transpose_b": False}
case(
    "matmul",
    product,
    list(products()),
    absolute=product_error,
    refusals=[
        refuse("inner dimensions differ", ("float32", (2, 3)), ("float32", (2, 3)), **PLAIN),
        refuse("at least 2 dimensions", ("float32", (3,)), ("float32", (3, 3)), **PLAIN),
        refuse("broadcast", ("float32", (2, 3, 3)), ("float32", (4, 3, 3)), **PLAIN),
        refuse("missing attribute", ("float32", (3, 3)), ("float32", (3, 3))),
        refuse("one dtype", ("float32", (3, 3)), ("float64", (3, 3)), **PLAIN),
    ],
)
