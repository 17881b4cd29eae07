"""C headers compute what the model predicts, compiled without warnings."""

from __future__ import annotations

import ctypes
import math
import shutil
import subprocess

import numpy as np
import pytest

from exported import FUNCTIONS, RECURRENT, STACKS, Computed, floats, recurrence, shaken
from fastnn import Input, Model, Sequential, activations, layers, ops
from fastnn.layers import Dense

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")
STRICT = ["-std=c99", "-O1", "-Wall", "-Wextra", "-Wshadow", "-pedantic", "-Werror"]


class Compiled:
    """The header of a model, as a library.

    Args:
        model: the model.
        folder: for the files.
        length: of open axes.
    """

    def __init__(self, model, folder, length=None):
        header, source, library = folder / "m.h", folder / "m.c", folder / "m.so"
        model.to_c(header, "m", length)
        text = header.read_text()
        line = next(line for line in text.splitlines() if "void m_predict_rows(" in line)
        parameters = line[line.index("(") + 1 : line.rindex(")")]
        names = ", ".join(part.split()[-1].lstrip("*") for part in parameters.split(","))
        source.write_text(
            f'#include "m.h"\nvoid run({parameters});\n'
            f"void run({parameters}) {{ m_predict_rows({names}); }}\n"
        )
        output = ["-fPIC", "-shared", str(source), "-lm", "-o", str(library)]
        subprocess.run([COMPILER, *STRICT, *output], check=True)
        self._run = ctypes.CDLL(str(library)).run

    def __call__(self, inputs, outputs):
        """The outputs of the library, like the arrays given."""
        inputs = [np.ascontiguousarray(x) for x in inputs]
        made = [np.zeros_like(y) for y in outputs]
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in (*inputs, *made)]
        self._run(ctypes.c_int(len(inputs[0])), *pointers)
        return made


def require_equal(model, folder, *inputs, length=None):
    expected = model(list(inputs) if len(inputs) > 1 else inputs[0])
    expected = [np.asarray(y) for y in (expected if isinstance(expected, list) else [expected])]
    for a, b in zip(Compiled(model, folder, length)(inputs, expected), expected, strict=True):
        scale = max(1.0, float(abs(b).max()))
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * scale)


CLOSED = {name: case for name, case in STACKS.items() if None not in case[0]}


@pytest.mark.parametrize(("shape", "make"), CLOSED.values(), ids=CLOSED.keys())
def test_layers(tmp_path, shape, make):
    model = shaken(Sequential([layers.InputLayer(shape), *make()]))
    require_equal(model, tmp_path, floats(3, *shape))


def test_an_embedding(tmp_path):
    model = Sequential([layers.InputLayer((3,), dtype="int64"), layers.Embedding(7, 2)])
    require_equal(model, tmp_path, np.array([[0, 6, 3], [1, 1, 5]]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_several_inputs_and_outputs(tmp_path, dtype):
    a, b = Input((4,), name="a", dtype=dtype), Input((2,), name="b", dtype=dtype)
    dense = Dense(4, activation="gelu", dtype=dtype)
    hidden = layers.Add(dtype=dtype)([a, dense(dense(a))])
    joined = layers.Concatenate(dtype=dtype)([hidden, b])
    out = Dense(2, activation="softmax", dtype=dtype)(joined)
    model = Model([a, b], [out, joined, hidden])
    require_equal(model, tmp_path, floats(3, 4).astype(dtype), floats(3, 2).astype(dtype))


ACTIVATIONS = [
    "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus",
    "softsign", "log_softmax", "sigmoid", "hard_sigmoid", "tanh", "hard_tanh", "hard_silu",
    "log_sigmoid", "exponential", "threshold",
]  # fmt: skip


def test_activations(tmp_path):
    x = Input((9,))
    model = Model(x, [layers.Activation(activations.get(name))(x) for name in ACTIVATIONS])
    values = [[-9.0, -3.0, -1.0, -1e-3, 0.0, 1e-3, 1.0, 3.0, 9.0]] * 2
    require_equal(model, tmp_path, np.array(values, "float32"))


# Over rows that see each other a header, which has one row at a time, computes something else.
ROWWISE = sorted(set(FUNCTIONS) - {"product", "shape", "spread"})


def test_operations(tmp_path):
    x = Input((4,))
    model = Model(x, [Computed(FUNCTIONS[name])(x) for name in ROWWISE])
    require_equal(model, tmp_path, floats(5, 4))


def test_matrix_products(tmp_path):
    def products(x):
        square, turned = ops.reshape(x, (-1, 2, 3)), ops.reshape(x, (-1, 3, 2))
        table = np.arange(12.0, dtype="float32").reshape(4, 3)
        return ops.concatenate(
            [
                ops.reshape(ops.matmul(square, turned), (-1, 4)),
                ops.reshape(ops.matmul(square, ops.transpose(square, (0, 2, 1))), (-1, 4)),
                ops.reshape(ops.matmul(square, table.T.copy()), (-1, 8)),
            ],
            axis=1,
        )

    x = Input((6,))
    require_equal(Model(x, Computed(products)(x)), tmp_path, floats(3, 6))


@pytest.mark.parametrize(("shape", "make"), RECURRENT.values(), ids=RECURRENT.keys())
def test_recurrence(tmp_path, shape, make):
    model = shaken(Sequential([layers.InputLayer(shape), *make()]))
    x = floats(3, *shape)
    x[1, 3:] = 0.0  # what Masking hides
    require_equal(model, tmp_path, x)


@pytest.mark.parametrize("cell", ["lstm", "gru", "simple_rnn"])
def test_recurrent_operations(tmp_path, cell):
    x = Input((5, 6))
    cases = [(reverse, masked) for reverse in (False, True) for masked in (False, True)]
    model = Model(x, [Computed(recurrence(cell, *case))(x) for case in cases])
    require_equal(model, tmp_path, floats(3, 5, 6))


def test_a_length_for_open_axes(tmp_path):
    model = Sequential([layers.InputLayer((None, 3)), layers.GRU(4), Dense(2)])
    require_equal(shaken(model), tmp_path, floats(2, 6, 3), length=6)


def test_numbers_that_are_not_finite(tmp_path):
    special = np.array([[math.nan, math.inf, -math.inf, 1e-45]], "float32")
    x = Input((4,))
    model = Model(x, Computed(lambda v: ops.maximum(v, 0.0) + special)(x))
    require_equal(model, tmp_path, floats(2, 4))


def test_what_c_cannot_say(tmp_path):
    x = Input((4,))
    drawn = Model(x, Computed(lambda v: v + ops.random_uniform(v.dims))(x))
    with pytest.raises(NotImplementedError, match="'random_uniform' has no counterpart in C"):
        drawn.to_c(tmp_path / "a.h")
    wide = Sequential([layers.InputLayer((None, 2)), Dense(2)])
    with pytest.raises(NotImplementedError, match="known only at run time"):
        wide.to_c(tmp_path / "a.h")
    assert list(tmp_path.iterdir()) == []


def test_names_that_c_has_not(tmp_path):
    Sequential([Dense(1, input_dim=2)], name="3 für π").to_c(tmp_path / "a.h")
    assert "static inline void m_3_f_r___predict(" in (tmp_path / "a.h").read_text()
