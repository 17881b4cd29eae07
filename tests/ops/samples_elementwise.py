"""Samples of elementwise arithmetic, comparisons, functions and selection."""

from __future__ import annotations

import math

import numpy as np

from samples import PAIRS, SHAPES, Input, anything, booleans, case, refuse, sample, uniform

MISMATCH = refuse("cannot be broadcast together", ("float32", (2, 3)), ("float32", (2, 2)))


def binary(name, reference, right=anything, **kw):
    samples = [sample(anything(*a), right(*b)) for a, b in PAIRS]
    case(name, reference, samples, refusals=[MISMATCH], **kw)


def positive(*shape):
    return uniform(0.3, 3.0, *shape)


binary("add", lambda a, b: a + b)
binary("subtract", lambda a, b: a - b)
binary("multiply", lambda a, b: a * b)
binary("divide", lambda a, b: a / b)
binary("maximum", np.maximum)
binary("minimum", np.minimum)
binary("floor_divide", np.floor_divide)
binary("mod", np.mod, absolute=16)
case(
    "power",
    np.power,
    [sample(positive(*a), anything(*b)) for a, b in PAIRS],
    relative=16,
    refusals=[MISMATCH],
)

for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"):
    binary(name, getattr(np, name))
BOOL_MISMATCH = refuse("cannot be broadcast together", ("bool", (2, 3)), ("bool", (2, 2)))
for name in ("logical_and", "logical_or"):
    pairs = [sample(booleans(*a), booleans(*b)) for a, b in PAIRS]
    case(name, getattr(np, name), pairs, refusals=[BOOL_MISMATCH])
case("logical_not", np.logical_not, [sample(booleans(*s)) for s in SHAPES])


def unary(name, reference, draw=anything, **kw):
    case(name, reference, [sample(draw(*s)) for s in SHAPES], **kw)


erf = np.vectorize(math.erf, otypes=[np.float64])

unary("isfinite", np.isfinite)
unary("isnan", np.isnan)
unary("negative", np.negative)
unary("absolute", np.absolute)
unary("sign", np.sign)
unary("exp", np.exp)
unary("expm1", np.expm1)
unary("log", np.log, positive)
unary("log1p", np.log1p, positive)
unary("sqrt", np.sqrt, positive)
unary("rsqrt", lambda x: 1 / np.sqrt(x), positive)
unary("square", np.square)
unary("reciprocal", lambda x: 1 / x)
unary("sin", np.sin, absolute=1)
unary("cos", np.cos, absolute=1)
unary("erf", erf)
unary("floor", np.floor)
unary("ceil", np.ceil)
unary("round", np.rint)

case(
    "where",
    np.where,
    [
        sample(booleans(), anything(), anything()),
        sample(booleans(3, 5), anything(3, 5), anything(3, 5)),
        sample(booleans(5), anything(3, 1), anything()),
        sample(booleans(2, 1, 4), anything(3, 4), anything(3, 1)),
        sample(booleans(0, 3), anything(3), anything(1, 3)),
        sample(booleans(700), anything(700), anything(1)),
    ],
    refusals=[
        refuse("broadcast together", ("float32", (2,)), ("float32", (2,)), ("float32", (3,))),
        refuse("expected 3 inputs", ("bool", (2,)), ("float32", (2,))),
    ],
)
case(
    "clip",
    lambda x, low, high: np.clip(x, low, high),
    [sample(anything(*s), low=-2.0, high=1.0) for s in SHAPES]
    + [sample(anything(9), low=-np.inf, high=0.0)],
    refusals=[refuse("missing attribute 'low'", ("float32", (2,)))],
)


def cast(x, dtype):
    return x.astype(dtype)


case(
    "cast",
    cast,
    [
        sample(Input(s, "uniform", low=0.3, high=99.7), dtype=t)
        for s in [(), (7,), (0, 2), (3, 5), (600,)]
        for t in ("float32", "float64", "int32", "int64", "uint8", "bool")
    ],
    relative=1,  # float64 to float32 rounds once
)
