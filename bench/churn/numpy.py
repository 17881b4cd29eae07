"""The churn network written by hand in NumPy, with the weights in one flat array for Adam."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from bench.churn import BATCH, SIZES, measurements


def prepare(arrays: dict[str, Any], threads: int) -> tuple[str, dict[str, Any]]:
    x, y = arrays["x"], arrays["y"][:, None]
    rng = np.random.default_rng(0)
    shapes = [s for i, o in itertools.pairwise(SIZES) for s in ((i, o), (o,))]
    bounds = np.cumsum([0, *(int(np.prod(s)) for s in shapes)])
    flat, grad, m, v = (np.zeros(bounds[-1], np.float32) for _ in range(4))

    def views(array: Any) -> list[Any]:
        return [
            array[a:b].reshape(s) for a, b, s in zip(bounds[:-1], bounds[1:], shapes, strict=True)
        ]

    w1, b1, w2, b2, w3, b3 = views(flat)
    dw1, db1, dw2, db2, dw3, db3 = views(grad)
    for w in (w1, w2, w3):
        w[...] = rng.uniform(-1, 1, w.shape) * (6 / sum(w.shape)) ** 0.5
    count = [0]

    def forward(rows: Any) -> tuple[Any, Any, Any]:
        h1 = np.maximum(rows @ w1 + b1, 0)
        h2 = np.maximum(h1 @ w2 + b2, 0)
        return h1, h2, h2 @ w3 + b3

    def step(rows: Any, target: Any) -> tuple[float, int]:
        h1, h2, z = forward(rows)
        p = 1 / (1 + np.exp(-z))
        g3 = (p - target) / np.float32(len(rows))
        np.matmul(h2.T, g3, out=dw3)
        g3.sum(0, out=db3)
        g2 = g3 @ w3.T * (h2 > 0)
        np.matmul(h1.T, g2, out=dw2)
        g2.sum(0, out=db2)
        g1 = g2 @ w2.T * (h1 > 0)
        np.matmul(rows.T, g1, out=dw1)
        g1.sum(0, out=db1)
        count[0] += 1
        t = count[0]
        m[...] += np.float32(0.1) * (grad - m)
        v[...] += np.float32(0.001) * (grad * grad - v)
        rate = np.float32(0.001 * (1 - 0.999**t) ** 0.5 / (1 - 0.9**t))
        flat[...] -= rate * m / (np.sqrt(v) + np.float32(1e-7))
        loss = np.maximum(z, 0) - z * target + np.log1p(np.exp(-np.abs(z)))
        return float(loss.sum()), int(((z > 0) == (target > 0.5)).sum())

    def fit(epochs: int) -> tuple[float, float]:
        for _ in range(epochs):
            total, correct = 0.0, 0
            order = rng.permutation(len(x))
            for start in range(0, len(x), BATCH):
                rows = order[start : start + BATCH]
                loss, right = step(x[rows], y[rows])
                total, correct = total + loss, correct + right
        return total / len(x), correct / len(x)

    row = x[:1].copy()
    return np.__version__, measurements(
        fit, 2, lambda: 1 / (1 + np.exp(-forward(row)[2])), 10_000, len(x)
    )
