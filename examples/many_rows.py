"""One network applied to several observations, row by row and all at once."""

import numpy as np

from fastnn import ops

weights = {
    "node_0": np.array([3.0, 3.0]),
    "node_1": np.array([1.0, 5.0]),
    "output": np.array([2.0, -1.0]),
}


def predict_with_network(row, weights):
    """The network's output for one observation (a number stands for two equal inputs)."""
    node_0_output = ops.relu(ops.sum(ops.multiply(row, weights["node_0"])))
    node_1_output = ops.relu(ops.sum(ops.multiply(row, weights["node_1"])))
    hidden = ops.stack([node_0_output, node_1_output])
    return ops.relu(ops.sum(ops.multiply(hidden, weights["output"])))


# The tutorial walks over the two entries of its input, so each of them is an observation.
input_data = np.array([-1.0, 2.0])
print([int(predict_with_network(row, weights)) for row in input_data])

# The same rows in one product.
rows = np.stack([input_data, input_data], axis=1)
hidden = ops.relu(ops.matmul(rows, np.stack([weights["node_0"], weights["node_1"]], axis=1)))
print(ops.relu(ops.matmul(hidden, weights["output"])).astype(int).tolist())
