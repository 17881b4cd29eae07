"""Forward propagation as a walk over topologically sorted nodes, each with its incoming edges."""

from collections.abc import Callable, Sequence

import numpy as np

from fastnn import ops


def propagate(
    inputs: Sequence[float],
    incoming: Sequence[Sequence[int]],
    weights: Sequence[Sequence[float]],
    activation: Callable[..., np.ndarray],
) -> list[float]:
    """The output of every node.

    The first ``len(inputs)`` nodes are the inputs. Node x takes the outputs of the nodes
    ``incoming[x]``, all of them left of x, with ``weights[x]``.
    """
    output = list(inputs)
    for x in range(len(inputs), len(incoming)):
        values = np.array([output[i] for i in incoming[x]])
        output.append(float(activation(ops.matmul(np.array(weights[x]), values))))
    return output


# Two inputs, two hidden nodes, one output: the edges of a small network with one hidden layer.
incoming = [[], [], [0, 1], [0, 1], [2, 3]]
weights = [[], [], [3.0, 3.0], [1.0, 5.0], [2.0, -1.0]]
outputs = propagate([2.0, 3.0], incoming, weights, ops.relu)
for node, value in enumerate(outputs):
    print(f"node {node}: {value:g}")
