"""ONNX files say what the model predicts, as onnxruntime sees it."""

from __future__ import annotations

import numpy as np
import pytest

from exported import FUNCTIONS, RECURRENT, RNG, STACKS, Computed, floats, recurrence, shaken
from fastnn import Input, Model, Sequential, activations, layers, ops
from fastnn.layers import Dense

pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")


def in_onnx(model, path, inputs):
    """What onnxruntime computes from a model's file, output by output."""
    model.to_onnx(path)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feed = {item.name: x for item, x in zip(session.get_inputs(), inputs, strict=True)}
    return session.run(None, feed)


def require_equal(model, path, *inputs):
    expected = model.predict(list(inputs) if len(inputs) > 1 else inputs[0], verbose=0)
    expected = expected if isinstance(expected, list) else [expected]
    found = in_onnx(model, path, inputs)
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * max(1.0, float(abs(b).max())))


@pytest.mark.parametrize(("shape", "make"), STACKS.values(), ids=STACKS.keys())
def test_layers(tmp_path, shape, make):
    model = shaken(Sequential([layers.InputLayer(shape), *make()]))
    for rows in (1, 5):
        x = floats(rows, *(6 if size is None else size for size in shape))
        require_equal(model, tmp_path / "a.onnx", x)


def test_an_embedding(tmp_path):
    model = Sequential([layers.InputLayer((3,), dtype="int64"), layers.Embedding(7, 2)])
    require_equal(model, tmp_path / "a.onnx", RNG.integers(0, 7, (4, 3)))


def test_several_inputs_and_outputs_and_a_shared_layer(tmp_path):
    a, b = Input((4,), name="a"), Input((2,), name="b")
    dense = Dense(4, activation="tanh")
    inner = Sequential([Dense(3, input_dim=4), layers.ReLU()], name="inner")
    joined = layers.Concatenate()([inner(layers.Add()([a, dense(dense(a))])), b])
    model = Model([a, b], [Dense(2, name="out")(joined), joined * 2.0 + 1.0])
    require_equal(model, tmp_path / "a.onnx", floats(3, 4), floats(3, 2))


@pytest.mark.parametrize("name", [
    "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus",
    "softsign", "softmax", "log_softmax", "sigmoid", "hard_sigmoid", "tanh", "hard_tanh",
    "hard_silu", "log_sigmoid", "exponential", "linear", "threshold",
])  # fmt: skip
def test_activations(tmp_path, name):
    activation = activations.get(name)
    model = Sequential([layers.InputLayer((9,)), layers.Activation(activation)])
    x = np.array([[-9.0, -3.0, -1.0, -1e-3, 0.0, 1e-3, 1.0, 3.0, 9.0]], "float32")
    require_equal(model, tmp_path / "a.onnx", x)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_operations(tmp_path, function):
    x = Input((4,))
    model = Model(x, Computed(function)(x))
    for rows in (1, 3):
        values = floats(rows, 4)
        model.to_onnx(tmp_path / "a.onnx")
        expected = np.asarray(model(values))
        found = in_onnx(model, tmp_path / "a.onnx", [values])[0]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("shape", "make"), RECURRENT.values(), ids=RECURRENT.keys())
def test_recurrence(tmp_path, shape, make):
    model = shaken(Sequential([layers.InputLayer(shape), *make()]))
    x = floats(3, *shape)
    x[1, 3:] = 0.0  # what Masking hides
    require_equal(model, tmp_path / "a.onnx", x)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("cell", ["lstm", "gru", "simple_rnn"])
def test_recurrent_operations(tmp_path, cell, reverse, masked):
    x = Input((None, 6))
    model = Model(x, Computed(recurrence(cell, reverse, masked))(x))
    for time in (1, 7):
        require_equal(model, tmp_path / "a.onnx", floats(3, time, 6))


def test_what_onnx_cannot_say(tmp_path):
    x = Input((4,))
    drawn = Model(x, Computed(lambda v: v + ops.random_uniform(v.dims))(x))
    with pytest.raises(NotImplementedError, match="'random_uniform' has no counterpart in ONNX"):
        drawn.to_onnx(tmp_path / "a.onnx")
    stateful = Sequential([layers.InputLayer((5, 2), batch_size=3), layers.GRU(2, stateful=True)])
    with pytest.raises(NotImplementedError, match="keeps a state from one prediction"):
        stateful.to_onnx(tmp_path / "a.onnx")
    with pytest.raises(ValueError, match="has seen no input yet"):
        Sequential([Dense(2)]).to_onnx(tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_subclassed_model(tmp_path):
    class Twice(Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(2)

        def call(self, inputs):
            return self.dense(inputs) * 2.0

    model = Twice()
    model.predict(floats(2, 3), verbose=0)
    require_equal(model, tmp_path / "a.onnx", floats(5, 3))
