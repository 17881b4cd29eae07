"""JAX: a whole epoch, permutation included, is one jitted scan; convolutions: jitted steps."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bench import networks as n

VERSION = jax.__version__


def _lstm(weights: tuple[Any, ...], x: Any) -> Any:
    kernel, recurrent, bias = weights
    inputs = jnp.swapaxes(x @ kernel + bias, 0, 1)
    zeros = jnp.zeros((x.shape[0], recurrent.shape[0]))

    def step(carry: Any, z: Any) -> Any:
        h, c = carry
        i, f, g, o = jnp.split(z + h @ recurrent, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    return jnp.swapaxes(jax.lax.scan(step, (zeros, zeros), inputs)[1], 0, 1)


def _apply(network: n.Network, weights: list[Any], x: Any, key: Any) -> Any:
    """Logits; ``key`` is None where nothing is dropped."""
    rest = iter(weights)
    for layer in network.layers:
        if isinstance(layer, n.Dense):
            x = x @ next(rest) + next(rest)
        elif isinstance(layer, n.Conv):
            dims = ("NHWC", "HWIO", "NHWC")
            x = jax.lax.conv_general_dilated(
                x, next(rest), (1, 1), "VALID", dimension_numbers=dims
            ) + next(rest)
        elif isinstance(layer, n.MaxPool):
            window = (1, layer.size, layer.size, 1)
            x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")
        elif isinstance(layer, n.Flatten):
            x = x.reshape(len(x), -1)
        elif isinstance(layer, n.Dropout):
            if key is not None:
                keep = jax.random.bernoulli(key, 1 - layer.rate, x.shape)
                x = jnp.where(keep, x / (1 - layer.rate), 0)
        elif isinstance(layer, n.Embedding):
            x = next(rest)[x]
        else:
            x = _lstm((next(rest), next(rest), next(rest)), x)
        if getattr(layer, "activation", None) == "relu":
            x = jax.nn.relu(x)
    return x


class Model:
    def __init__(self, network: n.Network, weights: list[Any], data: dict[str, Any], threads: int):
        self.network, self.batch = network, network.batch
        self.x, self.y = jnp.asarray(data["x"]), jnp.asarray(data["y"])
        weights = [jnp.asarray(w) for w in weights]
        m, v = ([jnp.zeros_like(w) for w in weights] for _ in range(2))
        self.state: Any = (weights, m, v, jnp.zeros(()))
        self.key = jax.random.key(0)
        self.step = jax.jit(self._step, donate_argnums=0)
        # Within a loop XLA's convolutions for processors are many times slower.
        images = any(isinstance(layer, n.Conv) for layer in network.layers)
        self.epoch = self._loop if images else jax.jit(self._scan)
        self.probabilities = jax.jit(self._probabilities)
        self.all_batches = jax.jit(lambda w, x: jax.lax.map(lambda b: self._probabilities(w, b), x))

    def _loss(self, weights: Any, rows: Any, target: Any, key: Any) -> Any:
        z = _apply(self.network, weights, rows, key)
        if self.network.output == "sigmoid":
            loss = jnp.mean(jnp.maximum(z, 0) - z * target + jnp.log1p(jnp.exp(-jnp.abs(z))))
            right = jnp.mean((z > 0) == (target > 0.5)) if self.network.accuracy else 0.0
            return loss, right
        own = jnp.take_along_axis(jax.nn.log_softmax(z), target[..., None], -1)
        return -jnp.mean(own), jnp.mean(z.argmax(-1) == target)

    def _step(self, carry: Any, x: Any, y: Any, rows: Any, key: Any) -> Any:
        weights, m, v, t, total, correct = carry
        own = jax.random.fold_in(key, t.astype(int))
        value = jax.value_and_grad(self._loss, has_aux=True)
        (loss, right), grads = value(weights, x[rows], y[rows], own)
        t = t + 1
        m = jax.tree.map(lambda a, g: 0.9 * a + 0.1 * g, m, grads)
        v = jax.tree.map(lambda a, g: 0.999 * a + 0.001 * g * g, v, grads)
        rate = 0.001 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        weights = jax.tree.map(lambda w, a, b: w - rate * a / (jnp.sqrt(b) + 1e-7), weights, m, v)
        return weights, m, v, t, total + loss * len(rows), correct + right * len(rows)

    def _scan(self, state: Any, x: Any, y: Any, key: Any) -> Any:
        order = jax.random.permutation(key, len(x)).reshape(-1, self.batch)
        carry = (*state, jnp.zeros(()), jnp.zeros(()))
        carry, _ = jax.lax.scan(
            lambda c, rows: (self._step(c, x, y, rows, key), None), carry, order
        )
        return carry[:4], carry[4] / len(x), carry[5] / len(x)

    def _loop(self, state: Any, x: Any, y: Any, key: Any) -> Any:
        order = jax.random.permutation(key, len(x)).reshape(-1, self.batch)
        carry = (*state, jnp.zeros(()), jnp.zeros(()))
        for rows in order:
            carry = self.step(carry, x, y, rows, key)
        return carry[:4], carry[4] / len(x), carry[5] / len(x)

    def fit(self, epochs: int) -> tuple[float, float]:
        for _ in range(epochs):
            self.key, own = jax.random.split(self.key)
            self.state, loss, accuracy = self.epoch(self.state, self.x, self.y, own)
        return float(loss), float(accuracy)

    def _probabilities(self, weights: Any, x: Any) -> Any:
        z = _apply(self.network, weights, x, None)
        return jax.nn.sigmoid(z) if self.network.output == "sigmoid" else jax.nn.softmax(z)

    def predict(self, x: Any) -> Any:
        if len(x) % self.batch:
            return np.asarray(self.probabilities(self.state[0], x))
        batches = x.reshape(-1, self.batch, *x.shape[1:])
        out = np.asarray(self.all_batches(self.state[0], batches))
        return out.reshape(len(x), *out.shape[2:])

    def row(self, row: Any) -> Any:
        return lambda: np.asarray(self.probabilities(self.state[0], row))


class Machine:
    """Persistent contrastive divergence, an epoch in one jitted scan."""

    def __init__(self, network: n.Machine, weights: list[Any], data: dict[str, Any], threads: int):
        self.network = network
        self.x = jnp.asarray(data["x"])
        chains = jnp.zeros((network.batch, network.hidden))
        self.state: Any = (*(jnp.asarray(w) for w in weights), chains)
        self.key = jax.random.key(0)
        self.epoch = jax.jit(self._epoch)
        self.reconstruct = jax.jit(self._reconstruct)

    def _step(self, state: Any, rows: Any, key: Any) -> Any:
        kernel, visible, hidden, chains = state
        keys = jax.random.split(key)
        given = jax.nn.sigmoid(rows @ kernel + hidden)
        means = jax.nn.sigmoid(chains @ kernel.T + visible)
        dreamed = jax.random.bernoulli(keys[0], means).astype(jnp.float32)
        model = jax.nn.sigmoid(dreamed @ kernel + hidden)
        rate = self.network.learning_rate / self.network.batch
        kernel = kernel + rate * (rows.T @ given - dreamed.T @ model)
        visible = visible + rate * (rows.sum(0) - dreamed.sum(0))
        hidden = hidden + rate * (given.sum(0) - model.sum(0))
        return kernel, visible, hidden, jax.random.bernoulli(keys[1], model).astype(jnp.float32)

    def _epoch(self, state: Any, x: Any, key: Any) -> Any:
        order, steps = jax.random.split(key)
        rows = jax.random.permutation(order, len(x)).reshape(-1, self.network.batch)
        keys = jax.random.split(steps, len(rows))

        def step(state: Any, given: Any) -> Any:
            return self._step(state, x[given[0]], given[1]), None

        return jax.lax.scan(step, state, (rows, keys))[0]

    def fit(self, epochs: int) -> None:
        for _ in range(epochs):
            self.key, own = jax.random.split(self.key)
            self.state = self.epoch(self.state, self.x, own)
        jax.block_until_ready(self.state)

    def _reconstruct(self, state: Any, x: Any) -> Any:
        kernel, visible, hidden, _ = state
        return jax.nn.sigmoid(jax.nn.sigmoid(x @ kernel + hidden) @ kernel.T + visible)

    def predict(self, x: Any) -> Any:
        return np.asarray(self.reconstruct(self.state, x))
