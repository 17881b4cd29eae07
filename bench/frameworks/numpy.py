"""Dense networks written by hand in NumPy, with the weights in one flat array for Adam."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.networks import Dense, Network
from bench.networks import Machine as Boltzmann

VERSION = np.__version__


class Model:
    def __init__(self, network: Network, weights: list[Any], data: dict[str, Any], threads: int):
        if not all(isinstance(layer, Dense) for layer in network.layers):
            raise NotImplementedError("dense layers only")
        self.batch, self.sigmoid = network.batch, network.output == "sigmoid"
        self.accuracy = network.accuracy
        self.x, self.y = data["x"], data["y"]
        self.rng = np.random.default_rng(0)
        bounds = np.cumsum([0, *(w.size for w in weights)])
        self.flat, self.grad, self.m, self.v, self.scratch = np.zeros((5, bounds[-1]), np.float32)
        self.steps = 0

        def views(array: Any) -> list[Any]:
            ends = zip(bounds[:-1], bounds[1:], weights, strict=True)
            return [array[a:b].reshape(w.shape) for a, b, w in ends]

        own, grads = views(self.flat), views(self.grad)
        for mine, given in zip(own, weights, strict=True):
            mine[...] = given
        self.layers = list(zip(own[::2], own[1::2], grads[::2], grads[1::2], strict=True))

    def forward(self, rows: Any) -> list[Any]:
        """The rows, each hidden layer's output, and the logits."""
        values = [rows]
        for w, b, _, _ in self.layers:
            z = values[-1] @ w
            z += b
            if len(values) < len(self.layers):
                np.maximum(z, 0, out=z)
            values.append(z)
        return values

    def probabilities(self, z: Any) -> Any:
        if self.sigmoid:
            return 1 / (1 + np.exp(-z))
        p = np.exp(z - z.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        return p

    def step(self, rows: Any, target: Any) -> tuple[float, int]:
        values = self.forward(rows)
        z = values[-1]
        g = self.probabilities(z)
        correct = 0
        if self.sigmoid:
            loss = np.maximum(z, 0) - z * target + np.log1p(np.exp(-np.abs(z)))
            total = float(loss.mean()) * len(rows)
            if self.accuracy:
                correct = int(((z > 0) == (target > 0.5)).sum())
            g -= target
        else:
            each = np.arange(len(rows))
            total = -float(np.log(g[each, target]).sum())
            correct = int((z.argmax(1) == target).sum())
            g[each, target] -= 1
        g /= np.float32(g.size if self.sigmoid else len(rows))
        for i in range(len(self.layers) - 1, -1, -1):
            w, _, dw, db = self.layers[i]
            np.matmul(values[i].T, g, out=dw)
            g.sum(0, out=db)
            if i:
                g = g @ w.T
                g *= values[i] > 0
        self.adam()
        return total, correct

    def adam(self) -> None:
        self.steps += 1
        t, s = self.steps, self.scratch
        np.subtract(self.grad, self.m, out=s)
        s *= np.float32(0.1)
        self.m += s
        np.multiply(self.grad, self.grad, out=s)
        s -= self.v
        s *= np.float32(0.001)
        self.v += s
        np.sqrt(self.v, out=s)
        s += np.float32(1e-7)
        np.divide(self.m, s, out=s)
        s *= np.float32(0.001 * (1 - 0.999**t) ** 0.5 / (1 - 0.9**t))
        self.flat -= s

    def fit(self, epochs: int) -> tuple[float, float]:
        for _ in range(epochs):
            total, correct = 0.0, 0
            order = self.rng.permutation(len(self.x))
            for start in range(0, len(order), self.batch):
                rows = order[start : start + self.batch]
                loss, right = self.step(self.x[rows], self.y[rows])
                total, correct = total + loss, correct + right
        return total / len(self.x), correct / len(self.x)

    def predict(self, x: Any) -> Any:
        starts = range(0, len(x), self.batch)
        parts = [self.probabilities(self.forward(x[i : i + self.batch])[-1]) for i in starts]
        return np.concatenate(parts)

    def row(self, row: Any) -> Any:
        return lambda: self.probabilities(self.forward(row)[-1])


class Machine:
    """Persistent contrastive divergence by hand."""

    def __init__(self, network: Boltzmann, weights: list[Any], data: dict[str, Any], threads: int):
        self.batch, self.rate = network.batch, np.float32(network.learning_rate / network.batch)
        self.x = data["x"]
        self.rng = np.random.default_rng(0)
        self.kernel, self.visible, self.hidden = (w.copy() for w in weights)
        self.chains = np.zeros((network.batch, network.hidden), np.float32)

    def means(self, states: Any, kernel: Any, bias: Any) -> Any:
        z = states @ kernel
        z += bias
        np.negative(z, out=z)
        np.exp(z, out=z)
        z += 1
        return np.reciprocal(z, out=z)

    def draw(self, means: Any) -> Any:
        return (self.rng.random(means.shape, np.float32) < means).astype(np.float32)

    def step(self, rows: Any) -> None:
        given = self.means(rows, self.kernel, self.hidden)
        dreamed = self.draw(self.means(self.chains, self.kernel.T, self.visible))
        hidden = self.means(dreamed, self.kernel, self.hidden)
        change = rows.T @ given
        change -= dreamed.T @ hidden
        change *= self.rate
        self.kernel += change
        self.visible += self.rate * (rows.sum(0) - dreamed.sum(0))
        self.hidden += self.rate * (given.sum(0) - hidden.sum(0))
        self.chains = self.draw(hidden)

    def fit(self, epochs: int) -> None:
        for _ in range(epochs):
            order = self.rng.permutation(len(self.x))
            for start in range(0, len(order), self.batch):
                self.step(self.x[order[start : start + self.batch]])

    def predict(self, x: Any) -> Any:
        hidden = self.means(x, self.kernel, self.hidden)
        return self.means(hidden, self.kernel.T, self.visible)


def matmul(a: Any, b: Any, threads: int) -> Any:
    return lambda: np.matmul(a, b)
