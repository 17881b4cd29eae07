"""Recurrent layers: as Keras has them, masks, states, dropout, configurations, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastnn
import recurrent_cases as cases
from fastnn import graph, layers, ops
from fastnn.layers import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Dense,
    Embedding,
    GRUCell,
    Input,
    LSTMCell,
    Masking,
    SimpleRNN,
    StackedRNNCells,
    TimeDistributed,
)
from fastnn.layers._nest import flatten
from fastnn.models import Model, Sequential
from figures import read_npz

ARRAYS, FIGURES = read_npz("recurrent")
KINDS = (SimpleRNN, LSTM, GRU)


def rows(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def built(number: int) -> tuple[Any, cases.Case, cases.Data]:
    case, data = cases.CASES[number], cases.data_of(number)
    layer = case.build(layers)
    layer.build(data.x.shape)
    layer.set_weights(cases.weights_of(number, [w.shape for w in layer.get_weights()]))
    return layer, case, data


def expected(number: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Keras's outputs and gradients."""
    figure = FIGURES[number]
    sizes = [int(np.prod(shape)) for shape in figure["shapes"]]
    parts = np.split(ARRAYS[f"case_{number}"], np.cumsum(sizes)[:-1])
    shaped = [p.reshape(s) for p, s in zip(parts, figure["shapes"], strict=True)]
    return shaped[: figure["outputs"]], shaped[figure["outputs"] :]


def assert_near(found: Any, wanted: np.ndarray) -> None:
    """Within 1e-5 of the norm."""
    assert found.shape == wanted.shape
    assert np.linalg.norm(found - wanted) <= 1e-5 * max(np.linalg.norm(wanted), 1e-3)


def test_every_case_is_recorded():
    assert [case.name for case in cases.CASES] == [figure["name"] for figure in FIGURES]


@pytest.mark.parametrize("number", range(len(cases.CASES)), ids=[c.name for c in cases.CASES])
def test_outputs_are_those_of_keras(number):
    layer, case, data = built(number)
    outputs = [y for _ in range(case.calls) for y in flatten(layer(data.x, **data.keywords()))]
    for found, wanted in zip(outputs, expected(number)[0], strict=True):
        assert_near(found, wanted)


@pytest.mark.parametrize(
    "number",
    [n for n, c in enumerate(cases.CASES) if c.calls == 1],
    ids=lambda n: cases.CASES[n].name,
)
def test_gradients_are_those_of_keras(number):
    layer, _, data = built(number)
    x = graph.placeholder(("batch", None, *data.x.shape[2:]), "float64")
    given = {name: _placeholders(value) for name, value in data.keywords().items()}
    outputs = flatten(layer(x, **given))
    shapes = FIGURES[number]["shapes"][: len(outputs)]
    factors = cases.factors_of(number, [tuple(shape) for shape in shapes])
    cost = sum(ops.sum(y * f) for y, f in zip(outputs, factors, strict=True))
    gradients = graph.grad(cost, [x, *layer.trainable_weights])
    inputs = [x, *flatten(list(given.values()))]
    found = graph.function(inputs, gradients)(data.x, *flatten(list(data.keywords().values())))
    for gradient, wanted in zip(found, expected(number)[1], strict=True):
        assert_near(gradient, wanted)


def _placeholders(value: Any) -> Any:
    if isinstance(value, list):
        return [_placeholders(v) for v in value]
    shape = ("batch", None) if value.dtype == bool else ("batch", *value.shape[1:])
    return graph.placeholder(shape, str(value.dtype))


# --- the fused ops and loops of steps are the same layer


def own_step(cell: Any) -> Any:
    """The cell as a foreign one: RNN runs it step by step."""

    class Foreign(layers.Layer):
        state_size = cell.state_size
        output_size = cell.output_size

        def __init__(self) -> None:
            super().__init__()
            self.cell = cell

        def call(self, inputs: Any, states: Any) -> Any:
            return self.cell(inputs, states)

    return Foreign()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("backwards", [False, True])
def test_fused_equals_scanned(kind, backwards):
    x, mask = rows(6, 5, 3), np.random.default_rng(1).random((6, 5)) < 0.6
    fused = kind(4, return_sequences=True, return_state=True, go_backwards=backwards)
    fused(x)
    options = {"return_sequences": True, "return_state": True, "go_backwards": backwards}
    scanned = RNN(own_step(fused.cell), **options)
    for given in ({}, {"mask": mask}):
        for a, b in zip(fused(x, **given), scanned(x, **given), strict=True):
            np.testing.assert_allclose(a, b, 0, 1e-6)


def test_time_may_be_open():
    layer = LSTM(4, return_sequences=True)
    model = Model(x := Input((None, 3)), layer(x))
    for length in (1, 6):
        assert model.predict(rows(2, length, 3), verbose=0).shape == (2, length, 4)


# --- masks


def test_embedding_masks_reach_the_loss():
    words = np.array([[3, 1, 0, 0], [2, 0, 0, 0], [1, 2, 3, 1]])
    model = Sequential(
        [Input((None,), dtype="int64"), Embedding(5, 3, mask_zero=True), GRU(4), Dense(1)]
    )
    short = model.predict(words[:, :2], verbose=0)
    long = model.predict(words, verbose=0)
    np.testing.assert_array_equal(short[:2], long[:2])
    assert (short[2] != long[2]).all()


def test_masks_go_on_behind_sequences_only():
    x = Input((None, 3))
    masked = Masking()(x)
    assert LSTM(2, return_sequences=True)(masked)._mask is not None
    assert LSTM(2)(masked)._mask is None
    assert Bidirectional(LSTM(2, return_sequences=True))(masked)._mask is not None
    output, state = GRU(2, return_sequences=True, return_state=True)(masked)
    assert output._mask is not None
    assert state._mask is None


# --- states


def test_a_stateful_layer_goes_on_where_it_stopped():
    x = rows(4, 6, 3)
    plain = LSTM(5, return_sequences=True)
    whole = plain(x)
    layer = LSTM(5, return_sequences=True, stateful=True, batch_input_shape=(4, None, 3))
    model = Sequential([layer])
    model.compile("sgd", "mse")
    model.set_weights(plain.get_weights())
    parts = [model.predict(x[:, a:b], verbose=0) for a, b in ((0, 2), (2, 3), (3, 6))]
    np.testing.assert_array_equal(np.concatenate(parts, 1), whole)
    layer.reset_states()
    np.testing.assert_array_equal(model.predict(x[:, :2], verbose=0), whole[:, :2])
    layer.reset_states()
    model.evaluate(x[:, :2], whole[:, :2], verbose=0)
    assert model.evaluate(x[:, 2:], whole[:, 2:], verbose=0) == pytest.approx(0, abs=1e-12)
    layer.reset_states()
    model.train_on_batch(x[:, :2], 0 * whole[:, :2])
    np.testing.assert_allclose(layer.states[0].get_value(), whole[:, 1], 0, 1e-6)
    with pytest.raises(ValueError, match=r"\[lstm\] expected 4 to equal batch \(here 3\)"):
        model.predict(x[:3], verbose=0)


@pytest.mark.parametrize("every", [None, 2])
def test_gradients_are_taken_from_the_states_that_a_batch_begins_with(every):
    x, y, start = rows(4, 3, 2), rows(4, 3, 5), 2 * rows(4, 5, seed=1)
    given = {"gradient_accumulation_steps": every}
    layer = GRU(5, return_sequences=True, stateful=True, batch_input_shape=(4, None, 2))
    kept = Sequential([layer])
    a, b = Input((None, 2)), Input((5,))
    told = Model([a, b], GRU(5, return_sequences=True)(a, initial_state=b))
    told.set_weights(kept.get_weights())
    weights = []
    for model, data in ((kept, x), (told, [x, start])):
        model.compile(fastnn.optimizers.SGD(0.5, **given), "mse")
        for _ in range(every or 1):
            layer.states.set_value(start)
            model.train_on_batch(data, y)
        weights.append(model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, 0, 1e-6)
    kernels = [k.kernel for k in kept.profile(x, y, batch_size=4).kernels]
    assert kernels.count("gru") == 1


def test_states_are_no_weights():
    layer = GRU(5, stateful=True)
    layer(rows(4, 6, 3))
    assert [w.shape for w in layer.get_weights()] == [(3, 15), (5, 15), (2, 15)]
    assert layer.states.shape == (4, 5)
    layer.states.set_value(np.full((4, 5), np.nan))
    layer.reset_states()
    assert not layer.states.get_value().any()


def test_a_decoder_starts_from_the_encoder():
    x, y = Input((None, 2)), Input((None, 2))
    _, h, c = LSTM(3, return_state=True)(x)
    decoded = LSTM(3, return_sequences=True)(y, initial_state=[h, c])
    model = Model([x, y], Dense(1)(decoded))
    model.compile("adam", "mse")
    data = [rows(8, 4, 2), rows(8, 5, 2, seed=1)]
    before = model.evaluate(data, rows(8, 5, 1), verbose=0)
    model.fit(data, rows(8, 5, 1), epochs=30, verbose=0)
    assert model.evaluate(data, rows(8, 5, 1), verbose=0) < before


# --- dropout


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_of_inputs_holds_for_all_steps(kind):
    layer = kind(3, dropout=0.5, return_sequences=True, kernel_initializer="ones")
    x = np.ones((64, 4, 2), "float32")
    a = layer(x, training=True)
    assert not np.array_equal(a, layer(x))
    # Two inputs of 1, each dropped or doubled: sums of 0, 2 and 4, whatever the step.
    first = {row.tobytes() for row in a.reshape(64, -1)}
    assert 2 <= len(first) <= 3
    np.testing.assert_array_equal(layer(x), layer(x, training=False))


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_of_the_state(kind):
    layer = kind(8, recurrent_dropout=0.4)
    x = rows(5, 6, 2)
    plain = layer(x)
    dropped = layer(x, training=True)
    assert not np.allclose(plain, dropped)
    without = kind(8)
    without.build((None, 6, 2))
    without.set_weights(layer.get_weights())
    np.testing.assert_allclose(plain, without(x), 0, 1e-6)


def test_dropout_keeps_the_expected_input():
    """With a linear cell the mean output is that without dropout."""
    layer = SimpleRNN(1, activation="linear", dropout=0.3, use_bias=False)
    x = np.ones((4000, 2, 3), "float32")
    wanted = layer(x[:1])[0, 0]
    assert abs(layer(x, training=True).mean() - wanted) < 0.05 * abs(wanted) + 0.05


# --- training


@pytest.mark.parametrize("kind", KINDS)
def test_learns_to_remember_the_first_step(kind):
    fastnn.utils.set_random_seed(0)
    x = rows(256, 6, 1)
    y = (x[:, 0] > 0).astype("float32")
    x[:, 1:] *= 0.1
    model = Sequential([kind(8), Dense(1, activation="sigmoid")])
    model.compile(fastnn.optimizers.Adam(0.03), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=15, verbose=0)
    assert model.evaluate(x, y, verbose=0, return_dict=True)["accuracy"] > 0.95


def test_regularizers_constraints_and_initializers():
    layer = LSTM(
        3,
        kernel_regularizer="l2",
        recurrent_regularizer="l1",
        bias_regularizer="l2",
        recurrent_constraint="non_neg",
        kernel_initializer="zeros",
        recurrent_initializer="ones",
        bias_initializer="ones",
    )
    model = Sequential([Input((4, 2)), layer])
    model.compile("sgd", "mse")
    assert len(layer.losses) == 3
    kernel, recurrent, bias = layer.get_weights()
    assert not kernel.any()
    assert (recurrent == 1).all()
    assert (bias == 1).all()
    for _ in range(3):
        model.train_on_batch(rows(4, 4, 2), 10 * rows(4, 3))
    assert (layer.get_weights()[1] >= 0).all()


def test_the_forget_gates_bias_starts_at_one():
    layer = LSTM(2)
    layer.build((None, 3, 1))
    assert layer.get_weights()[2].tolist() == [0, 0, 1, 1, 0, 0, 0, 0]


# --- TimeDistributed, stacks, configurations


def test_time_distributed_shares_its_weights():
    model = Sequential([Input((None, 3)), TimeDistributed(Dense(2)), LSTM(2)])
    assert model.count_params() == 8 + 40
    assert model.predict(rows(4, 5, 3), verbose=0).shape == (4, 2)


def test_time_distributed_images():
    """Batch and time are one axis inside, of which nothing shows outside."""
    inner = Sequential(
        [
            Input((6, 6, 1)),
            layers.Conv2D(3, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
        ]
    )
    model = Sequential([Input((None, 6, 6, 1)), TimeDistributed(inner), LSTM(4)])
    assert model.layers[0].output.shape == (None, None, 12)
    x = rows(2, 3, 6, 6, 1)
    steps = np.stack([inner.predict(x[:, t], verbose=0) for t in range(3)], 1)
    np.testing.assert_array_equal(model.layers[0](x), steps)
    model.compile("sgd", "mse")
    model.fit(x, rows(2, 4), verbose=0)


@pytest.mark.parametrize(
    "layer",
    [
        LSTM(3, go_backwards=True, dropout=0.2, recurrent_regularizer="l2", name="memory"),
        GRU(3, reset_after=False, return_sequences=True, activation="relu"),
        SimpleRNN(3, use_bias=False, return_state=True, dtype="float64"),
        RNN([LSTMCell(3), GRUCell(2)], return_sequences=True),
        RNN(StackedRNNCells([LSTMCell(3)])),
        Bidirectional(GRU(3, return_sequences=True), merge_mode="ave"),
        Bidirectional(LSTM(3), backward_layer=LSTM(2, go_backwards=True)),
        TimeDistributed(Dense(2)),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_configurations_lead_back(layer):
    x = rows(2, 4, 5)
    wanted = flatten(layer(x))
    again = type(layer).from_config(layer.get_config())
    again.build((None, 4, 5))
    again.set_weights(layer.get_weights())
    assert again.get_config() == layer.get_config()
    for a, b in zip(flatten(again(x)), wanted, strict=True):
        np.testing.assert_array_equal(a, b)


def test_models_and_layers_of_ones_own_inside_lead_back():
    class Leaky(layers.Layer):
        state_size = 3

        def call(self, inputs: Any, states: Any) -> Any:
            return states, 0.5 * states + inputs

    model = Sequential(
        [
            Input((None, 2, 2)),
            TimeDistributed(Sequential([Input((2, 2)), layers.Flatten(), Dense(3)])),
            RNN(Leaky(), return_sequences=True),
            RNN([Leaky(), LSTMCell(2)]),
        ]
    )
    again = Sequential.from_config(model.get_config(), {"Leaky": Leaky})
    again.set_weights(model.get_weights())
    x = rows(2, 3, 2, 2)
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    with pytest.raises(ValueError, match="unknown layer 'Leaky'"):
        Sequential.from_config(model.get_config())


def test_a_cell_of_ones_own():
    class Sum(layers.Layer):
        state_size = 3

        def call(self, inputs: Any, states: Any) -> Any:
            total = states + inputs
            return 2.0 * total, total

    x = rows(2, 4, 3)
    outputs, state = RNN(Sum(), return_sequences=True, return_state=True)(x)
    np.testing.assert_allclose(outputs, 2 * np.cumsum(x, 1), 1e-5, 1e-6)
    np.testing.assert_allclose(state, x.sum(1), 1e-5, 1e-6)


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: LSTM(0), ValueError, r"\[LSTM\] expected units of at least 1, got 0"),
        (lambda: LSTM(2.5), TypeError, r"\[LSTM\] expected units to be a whole number"),
        (lambda: GRU(2, dropout=1.0), ValueError, r"\[GRU\] expected dropout in \[0, 1\), got 1.0"),
        (lambda: GRU(2, activation="tan"), ValueError, "did you mean 'tanh'"),
        (lambda: SimpleRNN(2, unitz=3), TypeError, "unknown argument 'unitz'"),
        (lambda: LSTM(2, dtype="int64"), ValueError, "expected dtype float32 or float64"),
        (lambda: RNN(Dense(2)), ValueError, r"\[RNN\] expected a cell"),
        (lambda: RNN([]), ValueError, "at least one cell, got none"),
        (lambda: LSTM(2)(rows(3, 4)), ValueError, r"\[LSTM\] expected input of shape"),
        (lambda: LSTM(2)(Input((None, None))), ValueError, "expected a known number of features"),
        (
            lambda: LSTM(2)(Input((3, 1)), initial_state=[Input((2,))]),
            ValueError,
            "expected 2 initial states, got 1",
        ),
        (
            lambda: GRU(2)(Input((3, 1)), initial_state=[Input((3,))]),
            ValueError,
            r"expected an initial state of shape \(batch, 2\), got \(batch, 3\)",
        ),
        (lambda: LSTM(2, stateful=True)(Input((3, 1))), ValueError, "its size has to be known"),
        (lambda: Bidirectional(Dense(2)), TypeError, "expected a recurrent layer"),
        (lambda: Bidirectional(LSTM(2), "max"), ValueError, "expected merge_mode of 'concat'"),
        (
            lambda: Bidirectional(LSTM(2), backward_layer=LSTM(2)),
            ValueError,
            "layers of different directions",
        ),
        (
            lambda: Bidirectional(LSTM(2), backward_layer=LSTM(2, True, go_backwards=True)),
            ValueError,
            "unknown activation|expected an activation",
        ),
        (lambda: TimeDistributed(3), TypeError, "expected a layer, got 3"),
    ],
)
def test_bad_input(make, error, match):
    with pytest.raises(error, match=match):
        make()


def test_wrong_number_of_features_after_building():
    layer = GRU(2)
    layer(rows(2, 3, 4))
    with pytest.raises(ValueError, match=r"\[GRU\] expected input of shape \(batch, any, 4\)"):
        layer(rows(2, 3, 5))
