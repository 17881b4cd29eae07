"""Gradient descent by hand: w <- w - learning rate * dC/dw, until the cost stops falling.

A line is fitted to points that lie near y = 2 x - 1; every update is part of the compiled function.
"""

import numpy as np

import fastnn
from fastnn import ops

rng = np.random.default_rng(0)
inputs = rng.uniform(-1.0, 1.0, (200, 1)).astype(np.float32)
targets = 2.0 * inputs - 1.0 + 0.01 * rng.standard_normal((200, 1)).astype(np.float32)

w = fastnn.shared(np.zeros((1, 1), np.float32), name="w")
b = fastnn.shared(np.zeros(1, np.float32), name="b")
x = fastnn.placeholder((None, 1), name="x")
y = fastnn.placeholder((None, 1), name="y")
learning_rate = 0.3

cost = ops.mean(ops.square(ops.matmul(x, w) + b - y))
dw, db = fastnn.grad(cost, [w, b])
step = fastnn.function(
    [x, y], cost, updates=[(w, w - learning_rate * dw), (b, b - learning_rate * db)]
)

previous = np.inf
for iteration in range(1000):
    current = float(step(inputs, targets))
    if iteration % 10 == 0:
        print(f"iteration {iteration:3}: cost {current:.6f}")
    if previous - current < 1e-9:
        break
    previous = current
print(f"w = {w.get_value().item():.2f}, b = {b.get_value().item():.2f}")
