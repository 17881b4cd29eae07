"""Forward propagation through two hidden layers of two nodes each; the output has no relu."""

import numpy as np

from fastnn import ops
from fastnn.layers import Dense
from fastnn.models import Sequential

input_data = np.array([3.0, 5.0])
# A column for each node.
layer_0 = np.array([[2.0, 4.0], [4.0, -5.0]]).T
layer_1 = np.array([[-1.0, 1.0], [2.0, 2.0]]).T
output = np.array([[2.0, 7.0]]).T

hidden_0 = ops.relu(ops.matmul(input_data, layer_0))
hidden_1 = ops.relu(ops.matmul(hidden_0, layer_1))
print("hidden layers:", hidden_0.tolist(), hidden_1.tolist())
print(int(ops.matmul(hidden_1, output)[0]))

# The same network as a model.
model = Sequential(
    [
        Dense(2, activation="relu", use_bias=False, input_dim=2),
        Dense(2, activation="relu", use_bias=False),
        Dense(1, use_bias=False),
    ]
)
model.set_weights([layer_0, layer_1, output])
print("as a model:", int(model.predict(input_data[None, :], verbose=0)[0, 0]))
