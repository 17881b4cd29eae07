"""A recurrence of one's own: a cell written in Python, run over time by fastnn.scan.

First an LSTM's cell, in five lines: it gives what the layer's kernel gives, forwards and backwards
through time. Then a smaller one, the minimal gated unit (Zhou et al., 2016), learns the adding
problem (Hochreiter and Schmidhuber, 1997): of a sequence of numbers, add up the two marked ones.
The cell is traced once and compiled; how long the sequences are is known when they come.
"""

import numpy as np

import fastnn
from fastnn import ops

fastnn.utils.set_random_seed(0)
rng = np.random.default_rng(0)


# --- an LSTM's cell, beside the op that has a kernel of its own

units = 5
blocks = fastnn.placeholder((None, "batch", 4 * units), "float64")
kernel = fastnn.placeholder((units, 4 * units), "float64")
zeros = ops.full(("batch", units), 0.0, "float64")


def lstm_step(x, h, c):
    i, f, g, o = ops.split(x + h @ kernel, 4, axis=-1)
    c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
    h = ops.sigmoid(o) * ops.tanh(c)
    return [h, c], h


_, own = fastnn.scan(lstm_step, blocks, [zeros, zeros])
fused, _ = ops.lstm(ops.transpose(blocks, [1, 0, 2]), kernel, zeros, zeros)
results = []
for states in (own, ops.transpose(fused, [1, 0, 2])):
    slopes = fastnn.grad(ops.sum(states**2), [blocks, kernel])
    results.append([states, *slopes])
compare = fastnn.function([blocks, kernel], [*results[0], *results[1]])
for time in (3, 50):
    values = compare(rng.normal(size=(time, 4, 4 * units)), rng.normal(size=(units, 4 * units)))
    pairs = zip(values[:3], values[3:], strict=True)
    apart = max(np.abs(a - b).max() / np.abs(b).max() for a, b in pairs)
    print(f"scan and ops.lstm over {time} steps are equal: {apart < 1e-9}")


# --- a cell that no kernel knows

units = 24
x = fastnn.placeholder((None, "batch", 2))
y = fastnn.placeholder(("batch", 1))


def weights(*shape):
    return fastnn.shared(rng.normal(0, shape[0] ** -0.5, shape).astype("float32"))


w_gate, u_gate, w_new, u_new, w_out = (
    weights(*shape) for shape in [(2, units), (units, units)] * 2 + [(units, 1)]
)
# The gate starts nearly shut: what is in memory stays there.
b_gate = fastnn.shared(np.full(units, -2.0, "float32"))


def step(x, h):
    gate = ops.sigmoid(x @ w_gate + h @ u_gate + b_gate)
    new = ops.tanh(x @ w_new + (gate * h) @ u_new)
    return (1.0 - gate) * h + gate * new, None


state, _ = fastnn.scan(step, x, ops.full(("batch", units), 0.0))
error = ops.mean((state @ w_out - y) ** 2)
parameters = [w_gate, u_gate, w_new, u_new, w_out, b_gate]
adam = fastnn.optimizers.Adam(0.01, global_clipnorm=1.0)
plan = adam.updates(fastnn.grad(error, parameters), parameters)
train = fastnn.function([x, y], error, [*plan.update_effects, *plan.post_updates])
measure = fastnn.function([x, y], error)


def sequences(rows, time):
    numbers, marks = rng.uniform(size=(time, rows)), np.zeros((time, rows))
    for row in range(rows):
        marks[rng.choice(time, 2, replace=False), row] = 1.0
    data = np.stack([numbers, marks], axis=-1).astype("float32")
    return data, (numbers * marks).sum(0)[:, None].astype("float32")


for _ in range(1200):
    train(*sequences(64, rng.integers(5, 20)))
for time in (10, 19, 30):
    data, sums = sequences(1000, time)
    print(f"{time} steps: error {measure(data, sums):.4f}, of the mean {np.var(sums):.4f}")
