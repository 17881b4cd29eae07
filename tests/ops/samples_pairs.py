"""Samples of the products of pairs of a row's elements."""

from __future__ import annotations

import numpy as np

from samples import anything, case, refuse, sample

ROWS = [(5,), (1,), (3, 4), (2, 3, 7), (0, 3), (4, 0), (2, 16), (3, 17), (2, 33), (2, 60)]
ROWS += [(2, 70), (1, 100), (1, 128), (1, 140)]


def pairs(x):
    i, j = np.triu_indices(x.shape[-1])
    return x[..., i] * x[..., j]


def pairs_grad(g, x):
    n = x.shape[-1]
    i, j = np.triu_indices(n)
    both = np.zeros((*x.shape, n))
    both[..., i, j] = g
    return np.einsum("...ij,...j->...i", both + np.swapaxes(both, -1, -2), x)


SCALAR = refuse("expected a last axis of known length", ("float32", ()))
INTEGERS = refuse("expected dtype float32 or float64", ("int64", (3,)))
case("pairs", pairs, [sample(anything(*s)) for s in ROWS], relative=1, refusals=[SCALAR, INTEGERS])
case(
    "pairs_grad",
    pairs_grad,
    [sample(anything(*s[:-1], s[-1] * (s[-1] + 1) // 2), anything(*s)) for s in ROWS],
    absolute=lambda g, x: (2 + x.shape[-1]) * pairs_grad(np.abs(g), np.abs(x)),
    refusals=[
        refuse("expected the gradient of float32", ("float32", (2, 5)), ("float32", (2, 3))),
        refuse("expected the gradient of float64", ("float32", (2, 6)), ("float64", (2, 3))),
    ],
)
