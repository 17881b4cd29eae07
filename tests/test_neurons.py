"""Graphs of single neurons against a plain walk over them."""

from __future__ import annotations

import json

import numpy as np
import pytest

import fastnn
from fastnn import Sequential
from fastnn.layers import Dense, Input
from fastnn.models import NeuronGraph

FUNCTIONS = {
    "relu": lambda x: max(x, 0.0),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "linear": lambda x: x,
}


def walk(inputs, incoming, weights, activations, biases):
    """The output of every neuron, one after the other, left to right."""
    output = list(inputs)
    for x in range(len(inputs), len(incoming)):
        total = biases[x - len(inputs)]
        for i, w in zip(incoming[x], weights[x], strict=True):
            total += w * output[i]
        output.append(FUNCTIONS[activations[x - len(inputs)]](total))
    return output


def random_graph(count: int, n_inputs: int, most: int, seed: int):
    rng = np.random.default_rng(seed)
    incoming: list[list[int]] = [[] for _ in range(n_inputs)]
    for neuron in range(n_inputs, count):
        size = rng.integers(0, min(neuron, most) + 1)
        incoming.append(rng.choice(neuron, size, replace=False).tolist())
    weights = [(rng.normal(size=len(s)) / max(len(s), 1) ** 0.5).tolist() for s in incoming]
    names = rng.choice(list(FUNCTIONS), count - n_inputs).tolist()
    return incoming, weights, names, rng.normal(size=count - n_inputs).tolist()


@pytest.mark.parametrize(
    ("count", "n_inputs", "most", "seed"), [(10, 3, 4, 0), (200, 5, 12, 1), (10_000, 50, 20, 2)]
)
def test_random_graphs_give_what_the_walk_gives(count, n_inputs, most, seed):
    incoming, weights, names, biases = random_graph(count, n_inputs, most, seed)
    n_outputs = min(20, count - n_inputs)
    graph = NeuronGraph(incoming, weights, n_inputs, n_outputs, names, biases, dtype="float64")
    x = np.random.default_rng(9).normal(size=(3, n_inputs))
    expected = [walk(row, incoming, weights, names, biases)[-n_outputs:] for row in x]
    np.testing.assert_allclose(graph.predict(x, verbose=0), expected, rtol=1e-6, atol=1e-9)


def test_a_stack_of_dense_layers_as_neurons():
    model = Sequential([Input((4,)), Dense(5, "relu"), Dense(3, "tanh", use_bias=False), Dense(2)])
    graph = NeuronGraph.from_dense(model)
    assert graph.count_params() == 4 * 5 + 5 + 5 * 3 + 3 + 3 * 2 + 2
    x = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
    np.testing.assert_allclose(
        graph.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6
    )
    y = x[:, :2] * x[:, 2:]
    model = Sequential([Input((4,)), Dense(5, "tanh"), Dense(2)])  # a graph's neurons have biases
    losses = []
    for network in (NeuronGraph.from_dense(model), model):
        network.compile(fastnn.optimizers.SGD(0.1), "mse")
        losses.append(network.fit(x, y, epochs=5, shuffle=False, verbose=0).history["loss"])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    with pytest.raises(ValueError, match="Dense layers alone"):
        NeuronGraph.from_dense(Sequential([Input((2,)), fastnn.layers.Dropout(0.1)]))


def test_gradients():
    incoming, weights, names, biases = random_graph(40, 4, 6, 3)
    graph = NeuronGraph(incoming, weights, 4, 3, names, biases, dtype="float64")
    graph.compile(fastnn.optimizers.SGD(1.0), "mse")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 4)), rng.normal(size=(6, 3))
    start = graph.get_weights()

    def loss() -> float:
        return ((graph.predict(x, verbose=0) - y) ** 2).mean()

    numeric = [np.zeros_like(w) for w in start]
    for part, w in enumerate(start):
        for i in range(len(w)):
            for sign in (1, -1):
                moved = [v.copy() for v in start]
                moved[part][i] += sign * 1e-6
                graph.set_weights(moved)
                numeric[part][i] += sign * loss() / 2e-6
    graph.set_weights(start)
    graph.train_on_batch(x, y)
    for before, after, expected in zip(start, graph.get_weights(), numeric, strict=True):
        np.testing.assert_allclose(before - after, expected, rtol=1e-4, atol=1e-6)


def test_neurons_in_any_order_and_edges_that_come_twice():
    graph = NeuronGraph([[], [2], [0, 0], [1]], [[], [2.0], [1.0, 3.0], [5.0]], 1, 1, "linear")
    assert graph.predict([[1.0]], verbose=0)[0, 0] == 40


def test_json_there_and_back(tmp_path):
    incoming, weights, names, biases = random_graph(30, 3, 5, 4)
    graph = NeuronGraph(incoming, weights, 3, 2, names, biases)
    again = NeuronGraph.from_json(graph.to_json())
    x = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_array_equal(again.predict(x, verbose=0), graph.predict(x, verbose=0))
    assert json.loads(again.to_json()) == json.loads(graph.to_json())
    graph.save(tmp_path / "graph.fastnn")
    read = fastnn.load_model(tmp_path / "graph.fastnn")
    np.testing.assert_array_equal(read.predict(x, verbose=0), graph.predict(x, verbose=0))
    with pytest.raises(ValueError, match="expected JSON with incoming"):
        NeuronGraph.from_json('{"weights": []}')
    with pytest.raises(ValueError, match="JSON"):
        NeuronGraph.from_json("[1]")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[], [3], [1], [2]], [[], [1], [1], [1]], 1, 1), "cycle: 1 -> 2 -> 3 -> 1"),
        (([[], [1]], [[], [1]], 1, 1), "cycle: 1 -> 1"),
        (([[], [5]], [[], [1]], 1, 1), "numbers from 0 to 1"),
        (([[1], []], [[1], []], 1, 1), "neuron 0 is an input"),
        (([[], [0]], [[], [1, 2]], 1, 1), "takes 1 outputs and has 2 weights"),
        (([[], [0]], [[]], 1, 1), "weights for 2 neurons, got 1"),
        (([[], [0]], [[], [np.nan]], 1, 1), "finite weights"),
        (([[], [0]], [[], [1]], 0, 1), "at least one input"),
        (([[], [0]], [[], [1]], 1, 1, ["relu", "relu"]), "one activation or one for each of 1"),
        (([[], [0]], [[], [1]], 1, 1, "cubic"), "cubic"),
        (([[], [0]], [[], [1]], 1, 1, "relu", [1.0, 2.0]), "expected 1 biases"),
    ],
)
def test_graphs_that_are_none(arguments, message):
    with pytest.raises(ValueError, match=message):
        NeuronGraph(*arguments)
