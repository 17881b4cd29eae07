"""One neuron: its weighted inputs are summed and compared with a threshold, or passed through a
sigmoid."""

import numpy as np

from fastnn import ops

inputs = np.array([0.5, 1.0, -0.25])
weights = np.array([2.0, -1.0, 4.0])

total = ops.sum(ops.multiply(inputs, weights))
print("weighted sum:", float(total))
for theta in (-2.0, 0.0):
    fires = ops.threshold(total, theta)
    print(f"with threshold {theta:+}: {int(fires)}, the neuron {'fires' if fires else 'is silent'}")
print(f"with a sigmoid: {float(ops.sigmoid(total)):.4f}")

# Two such neurons feed a third: AND of OR and NAND is XOR, which no single neuron computes.
points = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
sums = ops.matmul(points, np.array([[1.0, -1.0], [1.0, -1.0]]))
hidden = ops.threshold(ops.add(sums, np.array([-0.5, 1.5])))
xor = ops.threshold(ops.matmul(hidden, np.array([1.0, 1.0])) - 1.5)
print("xor:", xor.astype(int).tolist())
