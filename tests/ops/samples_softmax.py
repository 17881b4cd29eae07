"""Samples of softmax, log-softmax and the cross-entropies over the last axis."""

from __future__ import annotations

import numpy as np

from samples import anything, case, labels, refuse, sample, uniform

ROWS = [(5,), (1,), (3, 4), (2, 3, 7), (0, 3), (4, 301), (33, 2)]
LOSSES = [(3, 4), (5,), (2, 3, 7), (0, 3), (4, 301)]


def log_softmax(x):
    top = x - x.max(-1, keepdims=True)
    return top - np.log(np.exp(top).sum(-1, keepdims=True))


def softmax(x):
    return np.exp(log_softmax(x))


def hot(x, label):
    return label[..., None] == np.arange(x.shape[-1])


def per_row(g):
    return np.expand_dims(g, -1)


def dot_error(g, y):
    return 8 * np.abs(y) * (1 + np.sum(np.abs(g * y), -1, keepdims=True))


def sum_error(g, y):
    return 8 * (1 + np.exp(y) * np.sum(np.abs(g), -1, keepdims=True))


SCALAR = refuse("expected at least 1 dimension", ("float32", ()))
INTEGERS = refuse("expected dtype float32 or float64", ("int64", (3,)))
case(
    "softmax",
    softmax,
    [sample(anything(*s)) for s in ROWS],
    relative=32,
    refusals=[SCALAR, INTEGERS],
)
case(
    "log_softmax", log_softmax, [sample(anything(*s)) for s in ROWS], absolute=32, refusals=[SCALAR]
)
case(
    "softmax_grad",
    lambda g, y: (g - (g * y).sum(-1, keepdims=True)) * y,
    [sample(anything(*s), uniform(0, 1 / s[-1], *s)) for s in ROWS],
    absolute=dot_error,
    refusals=[refuse("expected", ("float32", (2, 3)), ("float32", (3, 3)))],
)
case(
    "log_softmax_grad",
    lambda g, y: g - np.exp(y) * g.sum(-1, keepdims=True),
    [sample(anything(*s), uniform(-3, -0.2, *s)) for s in ROWS],
    absolute=sum_error,
    refusals=[refuse("expected", ("float32", (2, 3)), ("float32", (3, 3)))],
)

case(
    "softmax_cross_entropy",
    lambda x, t: -(t * log_softmax(x)).sum(-1),
    [sample(anything(*s), uniform(0, 1, *s)) for s in LOSSES],
    absolute=lambda x, t: 8 * (1 + (t * np.abs(log_softmax(x))).sum(-1)),
    refusals=[
        refuse("expected", ("float32", (3, 4)), ("float32", (2, 4))),
        refuse("expected", ("float32", (3, 4)), ("float32", (3,))),
        refuse("expected", ("float32", (3, 4)), ("float64", (3, 4))),
    ],
)
case(
    "softmax_cross_entropy_grad",
    lambda g, x, t: per_row(g) * (softmax(x) * t.sum(-1, keepdims=True) - t),
    [sample(anything(*s[:-1]), anything(*s), uniform(0, 1, *s)) for s in LOSSES],
    absolute=lambda g, x, t: 8 * np.abs(per_row(g)) * (2 + t.sum(-1, keepdims=True)),
    refusals=[
        refuse("expected", ("float32", (2,)), ("float32", (3, 4)), ("float32", (3, 4))),
    ],
)


def sparse(x, label):
    return -np.where(hot(x, label), log_softmax(x), 0).sum(-1)


case(
    "sparse_softmax_cross_entropy",
    sparse,
    [sample(anything(*s), labels(s[-1], *s[:-1])) for s in LOSSES],
    absolute=16,
    relative=16,
    refusals=[
        refuse("expected int64 labels", ("float32", (3, 4)), ("int32", (3,))),
        refuse("expected", ("float32", (3, 4)), ("int64", (2,))),
        refuse("expected", ("float32", (3, 4)), ("int64", (3, 4))),
    ],
)
case(
    "sparse_softmax_cross_entropy_grad",
    lambda g, x, label: per_row(g) * (softmax(x) - hot(x, label)),
    [sample(anything(*s[:-1]), anything(*s), labels(s[-1], *s[:-1])) for s in LOSSES],
    absolute=lambda g, x, label: 8 * np.abs(per_row(g)),
    refusals=[refuse("expected", ("float32", (2,)), ("float32", (3, 4)), ("int64", (3,)))],
)
