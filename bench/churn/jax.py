"""The churn network in JAX: a whole epoch, permutation included, is one jitted scan."""

from __future__ import annotations

from typing import Any

from bench.churn import BATCH, SIZES, measurements


def prepare(arrays: dict[str, Any], threads: int) -> tuple[str, dict[str, Any]]:
    import jax
    import jax.numpy as jnp
    import numpy as np

    x, y = jnp.asarray(arrays["x"]), jnp.asarray(arrays["y"])
    key = jax.random.key(0)
    weights = [
        (jax.random.uniform(k, (i, o), minval=-1.0) * (6.0 / (i + o)) ** 0.5, jnp.zeros(o))
        for k, i, o in zip(jax.random.split(key, 3), SIZES[:-1], SIZES[1:], strict=True)
    ]

    def logits_of(weights: Any, rows: Any) -> Any:
        for w, b in weights[:-1]:
            rows = jax.nn.relu(rows @ w + b)
        w, b = weights[-1]
        return (rows @ w + b)[:, 0]

    def loss_of(weights: Any, rows: Any, target: Any) -> Any:
        z = logits_of(weights, rows)
        loss = jnp.mean(jnp.maximum(z, 0) - z * target + jnp.log1p(jnp.exp(-jnp.abs(z))))
        return loss, jnp.sum((z > 0) == (target > 0.5))

    def step(carry: Any, rows: Any) -> Any:
        weights, m, v, t, total, correct = carry
        (loss, right), grads = jax.value_and_grad(loss_of, has_aux=True)(weights, x[rows], y[rows])
        t = t + 1
        m = jax.tree.map(lambda a, g: 0.9 * a + 0.1 * g, m, grads)
        v = jax.tree.map(lambda a, g: 0.999 * a + 0.001 * g * g, v, grads)
        rate = 0.001 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        weights = jax.tree.map(lambda w, a, b: w - rate * a / (jnp.sqrt(b) + 1e-7), weights, m, v)
        return (weights, m, v, t, total + loss * len(rows), correct + right), None

    @jax.jit
    def epoch(state: Any, key: Any) -> Any:
        order = jax.random.permutation(key, len(x)).reshape(-1, BATCH)
        carry = (*state, jnp.zeros(()), jnp.zeros((), int))
        (*state, total, correct), _ = jax.lax.scan(step, carry, order)
        return tuple(state), total / len(x), correct / len(x)

    zeros = jax.tree.map(jnp.zeros_like, weights)
    state = [(weights, zeros, zeros, jnp.zeros(()))]
    keys = [key]

    def fit(epochs: int) -> tuple[float, float]:
        for _ in range(epochs):
            keys[0], own = jax.random.split(keys[0])
            state[0], loss, accuracy = epoch(state[0], own)
        return float(loss), float(accuracy)

    compiled = jax.jit(lambda weights, rows: jax.nn.sigmoid(logits_of(weights, rows)))
    row = arrays["x"][:1].copy()
    return jax.__version__, measurements(
        fit, 20, lambda: np.asarray(compiled(state[0][0], row)), 5000, len(x)
    )
