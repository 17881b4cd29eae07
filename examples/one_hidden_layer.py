"""A prediction by hand: two inputs, two hidden nodes, one output; with NumPy and with fastnn."""

import numpy as np

from fastnn import ops

input_data = np.array([-1, 2])
weights = {
    "node_0": np.array([3, 3]),
    "node_1": np.array([1, 5]),
    "output": np.array([2, -1]),
}

# tanh, by NumPy. Only the first node's output is handed on, to both weights of the output: so it
# was in the tutorial that this number comes from.
node_0_output = np.tanh((input_data * weights["node_0"]).sum())
print("NumPy:", (np.array(node_0_output) * weights["output"]).sum())

# The same by fastnn's operations, in float64.
node_0_output = ops.tanh(ops.sum(ops.multiply(input_data, weights["node_0"])).astype(float))
print("fastnn:", float(ops.sum(ops.multiply(node_0_output, weights["output"].astype(float)))))

# Both nodes, as a network means it.
node_1_output = ops.tanh(ops.sum(ops.multiply(input_data, weights["node_1"])).astype(float))
hidden = ops.stack([node_0_output, node_1_output])
print("both nodes:", float(ops.matmul(hidden, weights["output"].astype(float))))

# relu: hidden nodes 3 and 9, so 2 * 3 - 9.
hidden_weights = np.stack([weights["node_0"], weights["node_1"]], axis=1).astype(float)
hidden = ops.relu(ops.matmul(input_data.astype(float), hidden_weights))
print("relu:", int(ops.matmul(hidden, weights["output"].astype(float))))
