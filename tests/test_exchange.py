"""Arrays and weights that other libraries have made, and the way back."""

from __future__ import annotations

import array
import ctypes
import sys
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn import Input, Model, Sequential, io, layers, ops
from fastnn.layers import Dense

RECORDED = np.load(Path(__file__).parent / "pytorch" / "state_dict.npz")


def recorded(name):
    """Inputs, outputs and state dict of a network of PyTorch."""
    prefix = f"{name}/state/"
    state = {k.removeprefix(prefix): RECORDED[k] for k in RECORDED.files if k.startswith(prefix)}
    return RECORDED[f"{name}/x"], RECORDED[f"{name}/y"], state


def images():
    x = Input((7, 6, 3))
    h = layers.Conv2D(4, (3, 2), strides=2, name="conv")(x)
    h = layers.ReLU()(layers.BatchNormalization(name="norm")(h))
    h = layers.Conv2DTranspose(2, 3, strides=2, name="up")(h)
    return Model(x, Dense(3, name="out")(h))


def sequences():
    x = Input((5,), dtype="int64")
    h = layers.Embedding(7, 3, name="table")(x)
    h = layers.LSTM(4, return_sequences=True, name="lstm")(h)
    h = layers.GRU(5, return_sequences=True, name="gru")(h)
    h = layers.SimpleRNN(2, return_sequences=True, name="rnn")(h)
    return Model(x, layers.LayerNormalization(name="norm")(h))


@pytest.mark.parametrize("make", [images, sequences])
def test_weights_of_pytorch_give_its_outputs(make):
    x, y, state = recorded(make.__name__)
    model = make()
    x = np.moveaxis(x, 1, -1) if x.ndim == 4 else x
    io.load_state_dict(model, state, "torch")
    np.testing.assert_allclose(model.predict(x, verbose=0), y, rtol=1e-5, atol=1e-5)
    found = io.state_dict(model, "torch")
    expected = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    assert list(found) == list(expected)
    for name, value in expected.items():
        if "bias_" in name and ("lstm" in name or "rnn" in name):
            continue  # PyTorch's two biases are one here
        np.testing.assert_array_equal(found[name], value)
    other = make()
    io.load_state_dict(other, found, "torch")
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_names_are_those_of_files(tmp_path):
    model = images()
    model.save_weights(tmp_path / "a.safetensors")
    state = io.state_dict(model)
    assert set(state) == set(io.load_file(tmp_path / "a.safetensors"))
    other = images()
    io.load_state_dict(other, state)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_state_dicts_that_do_not_fit():
    model = Sequential([Dense(2, input_dim=3, name="out")])
    before = model.get_weights()
    state = io.state_dict(model, "torch")
    with pytest.raises(ValueError, match=r"missing out\.bias, left over more"):
        io.load_state_dict(model, {"out.weight": np.ones((2, 3)), "more": [1.0]}, "torch")
    with pytest.raises(ValueError, match=r"out\.bias: expected shape \(2,\), got \(3,\)"):
        io.load_state_dict(model, {**state, "out.bias": np.ones(3)}, "torch")
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    io.load_state_dict(model, {"out.bias": np.ones(2), "more": [1.0]}, "torch", strict=False)
    np.testing.assert_array_equal(model.get_weights()[1], [1.0, 1.0])
    with pytest.raises(ValueError, match="style 'fastnn' or 'torch'"):
        io.state_dict(model, "jax")
    with pytest.raises(ValueError, match="no weights yet"):
        io.state_dict(Sequential([Dense(2)]))
    with pytest.raises(NotImplementedError, match="reset_after=False"):
        io.state_dict(Sequential([layers.GRU(2, reset_after=False, input_shape=(3, 2))]), "torch")


# --- DLPack and buffers


class OnlyDlpack:
    """An array of a library that NumPy knows nothing of."""

    def __init__(self, values):
        self._values = np.array(values, "float32")

    def __dlpack__(self, **options):
        return self._values.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._values.__dlpack_device__()


def test_dlpack_both_ways():
    variable = fastnn.shared(OnlyDlpack([1.0, 2.0]))
    variable.set_value(OnlyDlpack([3.0, 4.0]))
    out = np.from_dlpack(variable)
    np.testing.assert_array_equal(out, [3.0, 4.0])
    variable.set_value([5.0, 6.0])
    np.testing.assert_array_equal(out, [3.0, 4.0])  # a copy: training does not reach it
    np.testing.assert_array_equal(ops.square(OnlyDlpack([3.0])), [9.0])
    model = Sequential([Dense(1, kernel_initializer="ones", input_dim=2)])
    model.compile("sgd", "mse")
    rows = OnlyDlpack([[1.0, 2.0], [3.0, 4.0]])
    made = model.predict(rows, verbose=0)
    np.testing.assert_array_equal(np.from_dlpack(made), [[3.0], [7.0]])
    model.fit(rows, OnlyDlpack([[1.0], [2.0]]), verbose=0)


def test_buffers_both_ways():
    variable = fastnn.shared(array.array("f", [1.0, 2.0]))
    np.testing.assert_array_equal(np.asarray(variable), np.array([1.0, 2.0], "float32"))
    assert np.asarray(variable, "float64").dtype == np.float64
    variable.set_value((ctypes.c_float * 2)(3.0, 4.0))
    np.testing.assert_array_equal(variable.get_value(), [3.0, 4.0])
    model = Sequential([Dense(1, kernel_initializer="ones", input_dim=2)])
    made = model.predict(memoryview(np.ones((2, 2), "float32")), verbose=0)
    assert memoryview(made).tolist() == [[2.0], [2.0]]
    if sys.version_info >= (3, 12):
        assert memoryview(variable).tolist() == [3.0, 4.0]
