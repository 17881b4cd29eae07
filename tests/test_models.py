"""Sequential, functional and subclassed models: structure, weights, configuration, summary."""

from __future__ import annotations

import json
import signal
import threading
import time

import numpy as np
import pytest

import fastnn
from fastnn import layers, ops
from fastnn.layers import Dense, Input
from fastnn.models import Model, Sequential, load_model
from fastnn.utils import clear_session, set_random_seed


def rows(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


# --- Sequential


def churn_network() -> Sequential:
    model = Sequential()
    model.add(Dense(units=6, kernel_initializer="uniform", activation="relu", input_dim=11))
    model.add(Dense(units=6, kernel_initializer="uniform", activation="relu"))
    model.add(Dense(units=1, kernel_initializer="uniform", activation="sigmoid"))
    return model


@pytest.mark.parametrize(
    "make",
    [
        churn_network,
        lambda: Sequential([Input((11,)), Dense(6), Dense(6), Dense(1)]),
        lambda: Sequential([layers.InputLayer((11,)), Dense(6), Dense(6), Dense(1)]),
        lambda: Sequential([Dense(6, input_shape=(11,)), Dense(6), Dense(1)]),
    ],
)
def test_a_stack_with_a_known_input_is_built_at_once(make):
    model = make()
    assert model.built
    assert model.count_params() == 72 + 42 + 7
    assert [type(layer) for layer in model.layers] == [Dense] * 3
    assert model.input_shape == (None, 11)
    assert model.output_shape == (None, 1)
    assert model.cap_depth == 3


def test_a_stack_without_an_input_is_built_by_data():
    model = Sequential([Dense(3), Dense(1)])
    assert not model.built
    assert model.weights == []
    assert model.predict(rows(5, 4), verbose=0).shape == (5, 1)
    assert model.count_params() == 15 + 4


def test_a_stack_is_built_by_its_shape():
    model = Sequential([Dense(3)])
    model.build((None, 4))
    assert model.count_params() == 15
    with pytest.raises(ValueError, match="with its batch axis"):
        Sequential([Dense(3)]).build("four")
    with pytest.raises(ValueError, match="no layers yet"):
        Sequential().build((None, 3))


def test_predictions_are_those_of_the_layers():
    model, x = churn_network(), rows(7, 11)
    w1, b1, w2, b2, w3, b3 = model.get_weights()
    hidden = np.maximum(np.maximum(x @ w1 + b1, 0) @ w2 + b2, 0)
    expected = 1 / (1 + np.exp(-(hidden @ w3 + b3)))
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5)
    np.testing.assert_allclose(model(x), expected, rtol=1e-5)
    np.testing.assert_allclose(model.predict_on_batch(x), expected, rtol=1e-5)


def test_pop_and_add():
    model = churn_network()
    x = rows(3, 11)
    model.predict(x, verbose=0)
    model.pop()
    assert model.predict(x, verbose=0).shape == (3, 6)
    model.add(Dense(2))
    assert model.predict(x, verbose=0).shape == (3, 2)
    assert model.count_params() == 72 + 42 + 14
    for _ in range(3):
        model.pop()
    with pytest.raises(ValueError, match="no layer to take off"):
        model.pop()


def test_a_layer_that_does_not_fit_leaves_the_stack_as_it_was():
    model = Sequential([Dense(3, input_dim=4)])
    with pytest.raises(ValueError, match="rows of 5 elements"):
        model.add(layers.Reshape((5,)))
    assert len(model.layers) == 1
    assert model.output_shape == (None, 3)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (3, TypeError, "expected a layer"),
        (Dense, TypeError, "expected a layer"),
        ("dense", TypeError, "expected a layer"),
    ],
)
def test_what_is_no_layer(wrong, error, message):
    with pytest.raises(error, match=message):
        Sequential([wrong])


def test_two_layers_of_one_name():
    with pytest.raises(ValueError, match="named 'a' already"):
        Sequential([Dense(3, name="a"), Dense(3, name="a")])


def test_calls_on_arrays_follow_changes():
    model, x = Sequential([Dense(3, input_dim=4), layers.BatchNormalization()]), rows(20, 4)
    assert model(x).shape == (20, 3)
    model.add(Dense(2))
    assert model(x).shape == (20, 2)
    before = model(x, training=True)
    model.layers[1].trainable = False
    assert not np.array_equal(model(x, training=True), before)


# --- functional


def test_two_branches():
    x = Input((4,))
    a, b = Dense(3, activation="relu")(x), Dense(3)(x)
    model = Model(x, layers.Concatenate()([a, b]))
    data = rows(5, 4)
    wa, ba, wb, bb = model.get_weights()
    expected = np.concatenate([np.maximum(data @ wa + ba, 0), data @ wb + bb], axis=1)
    np.testing.assert_allclose(model.predict(data, verbose=0), expected, rtol=1e-5, atol=1e-6)


def test_operations_between_layers():
    x = Input((4,))
    y = Dense(1)(ops.square(Dense(3)(x)) * 2.0 + 1.0) - 1.0
    model = Model(x, y)
    assert model.count_params() == 15 + 4
    data = rows(5, 4)
    w, b, v, c = model.get_weights()
    expected = ((data @ w + b) ** 2 * 2 + 1) @ v + c - 1
    np.testing.assert_allclose(model.predict(data, verbose=0), expected, rtol=1e-4, atol=1e-5)
    model.compile("sgd", "mse")
    model.fit(data, rows(5, 1), verbose=0)


def test_a_shared_layer_has_its_weights_once():
    shared = Dense(3)
    a, b = Input((4,), name="a"), Input((4,), name="b")
    model = Model([a, b], layers.Subtract()([shared(a), shared(b)]))
    assert model.count_params() == 15
    data = rows(5, 4)
    np.testing.assert_allclose(model.predict([data, data], verbose=0), 0, atol=1e-6)


def test_inputs_and_outputs_by_name():
    a, b = Input((2,), name="a"), Input((3,), name="b")
    model = Model(
        {"a": a, "b": b}, {"sum": Dense(1)(layers.Concatenate()([a, b])), "twice": a * 2.0}
    )
    result = model.predict({"b": rows(4, 3), "a": rows(4, 2)}, verbose=0)
    assert result["sum"].shape == (4, 1)
    np.testing.assert_allclose(result["twice"], rows(4, 2) * 2, rtol=1e-6)


def test_a_layer_inside_a_model_keeps_its_place_when_it_hands_its_input_on():
    x = Input((4,))
    model = Model(x, layers.Dropout(0.5)(Dense(3)(x)))
    assert [type(layer).__name__ for layer in model.layers] == ["InputLayer", "Dense", "Dropout"]
    y = model(np.ones((50, 4), "float32"), training=True)
    assert (y == 0).any()


def test_a_layer_that_is_always_in_training_draws_anew():
    x = Input((100,))
    model = Model(x, layers.Dropout(0.5)(x, training=True))
    data = np.ones((20, 100), "float32")
    first = model.predict(data, batch_size=10, verbose=0)
    assert not np.array_equal(first[:10], first[10:])
    assert not np.array_equal(first, model.predict(data, batch_size=10, verbose=0))
    assert not np.array_equal(model.predict_on_batch(data), model.predict_on_batch(data))


def test_models_nest():
    inner = Sequential([Dense(3, activation="relu", input_dim=4)])
    x = Input((4,))
    model = Model(x, Dense(1)(inner(x)))
    assert model.count_params() == 15 + 4
    assert model.cap_depth == 2
    assert Sequential([inner, Dense(1)]).count_params() == 15 + 4
    data = rows(3, 4)
    features = inner.predict(data, verbose=0)
    w, b = model.get_weights()[2:]
    np.testing.assert_allclose(model.predict(data, verbose=0), features @ w + b, rtol=1e-5)


def test_features_of_a_layer_inside():
    model = churn_network()
    features = Model(model.inputs, model.layers[1].output)
    assert features.predict(rows(2, 11), verbose=0).shape == (2, 6)


def test_graphs_keep_the_calls_of_layers_that_nothing_else_holds():
    import gc

    x = Input((4,))
    y = Dense(2)(x) * 2.0
    gc.collect()
    assert Model(x, y).count_params() == 10


def test_functional_errors():
    x, other = Input((2,)), Input((2,))
    y = Dense(1)(x)
    with pytest.raises(ValueError, match="not among the inputs"):
        Model(other, y)
    with pytest.raises(ValueError, match="appears twice"):
        Model([x, x], y)
    with pytest.raises(TypeError, match="expected outputs to be tensors"):
        Model(x, np.zeros(3))
    with pytest.raises(TypeError, match="both inputs and outputs"):
        Model(inputs=x)


def test_get_layer():
    model = Sequential([Dense(3, name="first", input_dim=2), Dense(1, name="second")])
    assert model.get_layer("second") is model.layers[1]
    assert model.get_layer(index=0) is model.layers[0]
    with pytest.raises(ValueError, match="did you mean 'first'"):
        model.get_layer("frist")
    with pytest.raises(ValueError, match="an index below 2"):
        model.get_layer(index=2)
    with pytest.raises(ValueError, match="either a name or an index"):
        model.get_layer()


# --- subclassing


class Residual(Model):
    def __init__(self, units, depth):
        super().__init__()
        self.steps = [Dense(units, activation="tanh") for _ in range(depth)]
        self.dropout = layers.Dropout(0.5)
        self.last = Dense(1)

    def call(self, x, training=False):
        for step in self.steps:
            x = x + step(x)
        return self.last(self.dropout(x))


def test_a_subclassed_model():
    set_random_seed(0)
    model = Residual(4, 2)
    x = rows(30, 4)
    assert model.predict(x, verbose=0).shape == (30, 1)
    assert model.count_params() == 2 * 20 + 5
    assert len(model.layers) == 4
    model.compile("adam", "mse")
    before = model.evaluate(x, x.sum(1), verbose=0)
    model.fit(x, x.sum(1), epochs=50, batch_size=5, verbose=0)
    assert model.evaluate(x, x.sum(1), verbose=0) < 0.8 * before
    assert not np.array_equal(model(x, training=True), model(x))


def test_a_subclassed_model_with_a_structure_of_inputs_and_outputs():
    class Both(Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(1)

        def call(self, inputs):
            merged = ops.concatenate([inputs["left"], inputs["right"]], axis=1)
            return {"out": self.dense(merged), "sum": ops.sum(merged, axis=1, keepdims=True)}

    model = Both()
    x = {"right": rows(4, 2), "left": rows(4, 3)}
    result = model.predict(x, verbose=0)
    assert set(result) == {"out", "sum"}
    model.compile("sgd", {"out": "mse"})
    model.fit(x, {"out": rows(4, 1), "sum": rows(4, 1)}, verbose=0)


def test_add_loss_in_a_model():
    class Penalised(Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(1, kernel_initializer="ones", use_bias=False)

        def call(self, x):
            y = self.dense(x)
            self.add_loss(ops.mean(ops.square(y)))
            return y

    model = Penalised()
    model.compile("sgd")
    x = np.ones((4, 2), "float32")
    assert model.evaluate(x, verbose=0) == pytest.approx(4.0)
    model.fit(x, epochs=20, verbose=0)
    assert model.evaluate(x, verbose=0) < 1.0


def test_add_loss_of_a_functional_model():
    x = Input((2,))
    y = Dense(1, kernel_initializer="ones")(x)
    model = Model(x, y)
    model.add_loss(ops.mean(ops.square(y)))
    model.compile("sgd", "mse")
    data = np.ones((4, 2), "float32")
    assert model.evaluate(data, np.full((4, 1), 2.0), verbose=0) == pytest.approx(4.0)


@pytest.mark.parametrize("method", ["train_step", "test_step", "predict_step", "compute_loss"])
def test_what_fastnn_does_not_call_is_refused_with_the_way_to_do_it(method):
    cls = type("Mine", (Model,), {method: lambda self, data: None, "call": lambda self, x: x})
    with pytest.raises(NotImplementedError, match=f"overrides {method}.*Instead"):
        cls().compile("sgd", "mse")


def test_a_model_without_any_loss():
    model = Sequential([Dense(1, input_dim=2)])
    model.compile("sgd")
    with pytest.raises(ValueError, match="nothing to minimise"):
        model.fit(rows(3, 2), verbose=0)


# --- weights and configuration


def test_weights_go_from_one_model_to_another():
    a, b = churn_network(), churn_network()
    x = rows(5, 11)
    assert not np.array_equal(a.predict(x, verbose=0), b.predict(x, verbose=0))
    b.set_weights(a.get_weights())
    np.testing.assert_array_equal(a.predict(x, verbose=0), b.predict(x, verbose=0))


def test_get_weights_gives_copies():
    model = churn_network()
    model.get_weights()[0][:] = 7
    assert not (model.get_weights()[0] == 7).any()


def test_freezing_a_layer():
    model = churn_network()
    model.compile("sgd", "mse")
    x, y = rows(20, 11), rows(20, 1)
    model.fit(x, y, verbose=0)
    model.layers[0].trainable = False
    before = model.get_weights()
    model.fit(x, y, verbose=0)
    after = model.get_weights()
    np.testing.assert_array_equal(before[0], after[0])
    assert not np.array_equal(before[4], after[4])
    assert len(model.trainable_weights) == 4
    model.trainable = False
    assert model.trainable_weights == []
    with pytest.raises(ValueError, match="no trainable weights"):
        model.fit(x, y, verbose=0)


@pytest.mark.parametrize(
    "make",
    [
        churn_network,
        lambda: Sequential([Dense(3), layers.Dropout(0.2)]),
        lambda: Sequential([Sequential([Dense(3, input_dim=2)]), Dense(1)]),
    ],
)
def test_a_configuration_makes_the_same_stack(make):
    config = make().get_config()
    assert Sequential.from_config(config).get_config() == config


def test_a_configuration_makes_the_same_graph():
    a, b = Input((4,), name="a"), Input((4,), name="b")
    shared = Dense(3, name="shared")
    merged = layers.Concatenate(name="merged")([shared(a), shared(b)])
    model = Model([a, b], {"y": Dense(1, name="y")(merged), "z": merged}, name="pair")
    config = model.get_config()
    again = Model.from_config(config)
    assert again.get_config() == config
    again.set_weights(model.get_weights())
    x = [rows(3, 4), rows(3, 4, seed=1)]
    for key, value in model.predict(x, verbose=0).items():
        np.testing.assert_array_equal(again.predict(x, verbose=0)[key], value)


def test_layers_of_ones_own_in_a_configuration():
    class Twice(layers.Layer):
        def call(self, x):
            return x * 2.0

    config = Sequential([Input((2,)), Twice()]).get_config()
    with pytest.raises(ValueError, match="unknown layer 'Twice'"):
        Sequential.from_config(config)
    again = Sequential.from_config(config, custom_objects={"Twice": Twice})
    np.testing.assert_array_equal(again(np.ones((1, 2), "float32")), [[2, 2]])


def test_graphs_with_operations(tmp_path):
    x = Input((4, 3))
    rows = ops.mean(Dense(3)(x), axis=1) + np.arange(3.0)
    wide = ops.reshape(x[:, 1:], (-1, 9)) * 0.5
    flat = ops.pad(ops.concatenate([rows, wide], axis=1), ((0, 0), (1, 2)), constant_values=7.0)
    model = Model(x, ops.where(flat > 0, flat, ops.leaky_relu(Dense(15)(flat), 0.1)))
    again = Model.from_config(json.loads(json.dumps(model.get_config())))
    again.set_weights(model.get_weights())
    data = np.random.default_rng(0).normal(size=(5, 4, 3)).astype("float32")
    np.testing.assert_array_equal(again(data), model(data))
    model.save(tmp_path / "model.fastnn")
    np.testing.assert_array_equal(load_model(tmp_path / "model.fastnn")(data), model(data))


def test_configurations_with_operations_that_are_none():
    x = Input((2,))
    config = Model(x, Dense(1)(x) * 2.0).get_config()
    entry = next(e for e in config["operations"] if e["op"] == "multiply")
    for change, message in (
        ({"op": "destroy"}, "destroy"),
        ({"index": 3}, "no operation 'multiply'"),
        ({"inputs": [{"tensor": ["nobody", 0, 0]}]}, "connects 'multiply' to a layer"),
    ):
        operations = [{**e, **change} if e is entry else e for e in config["operations"]]
        with pytest.raises(ValueError, match=message):
            Model.from_config({**config, "operations": operations})
    filled = next(e for e in config["operations"] if e["op"] == "full")
    filled["settings"]["shape"] = ["__import__('os').getcwd()"]
    with pytest.raises(ValueError, match="no operation 'full'"):
        Model.from_config(config)


def test_graphs_with_loops_have_no_configuration():
    x = Input((5, 2))
    _, sums = fastnn.scan(
        lambda row, total: (total + row, total), ops.transpose(x, (1, 0, 2)), x[:, 0]
    )
    model = Model(x, ops.transpose(sums, (1, 0, 2)))
    with pytest.raises(NotImplementedError, match="between layers has no configuration"):
        model.get_config()


# --- summary


def test_summary(capsys):
    clear_session()
    model = churn_network()
    model.summary()
    text = capsys.readouterr().out
    assert text.startswith('Model: "sequential"\n')
    for piece in (
        "Layer (type)",
        "Output Shape",
        "Param #",
        "dense (Dense)",
        "(None, 6)",
        " Total params: 121 (484.00 B)",
        " Trainable params: 121 (484.00 B)",
        " Non-trainable params: 0 (0.00 B)",
        " CAP depth: 3",
    ):
        assert piece in text
    lines = text.splitlines()
    assert len({len(line) for line in lines[1:-5] if line.startswith(("│", "┃", "┏"))}) == 1


def test_summary_of_a_trained_model_counts_the_optimizer(capsys):
    model = churn_network()
    model.compile("adam", "binary_crossentropy")
    model.summary()
    assert "Optimizer" not in capsys.readouterr().out
    model.train_on_batch(rows(4, 11), np.ones(4))
    model.summary()
    text = capsys.readouterr().out
    assert " Optimizer params: 24" in text
    assert " Trainable params: 121 (484.00 B)" in text


def test_summary_of_a_model_that_is_not_built():
    with pytest.raises(ValueError, match="not built yet"):
        Sequential().summary()


# --- threads


def test_eight_threads_predict_with_one_model():
    model, x = churn_network(), rows(64, 11)
    expected = model.predict(x, verbose=0)
    wrong = []

    def work(number):
        for i in range(30):
            n = (number * 7 + i) % 64 + 1
            for result in (model.predict(x[:n], verbose=0), model.predict_on_batch(x[:n])):
                if not np.array_equal(result, expected[:n]):
                    wrong.append(n)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def wide_network():
    """Wide enough that its weights are packed once for all batches of a prediction."""
    model = Sequential([Dense(200, "relu", input_dim=256), Dense(70, "tanh"), Dense(3)])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_packed_weights_give_the_same_bits(threads):
    model, x = wide_network(), rows(700, 256)
    before = fastnn.get_num_threads()
    expected = np.concatenate([model.predict_on_batch(x[i : i + 70]) for i in range(0, 700, 70)])
    fastnn.set_num_threads(threads)
    try:
        for size in (1, 9, 128, 336, 500, 700):
            found = model.predict(x, batch_size=size, verbose=0)
            np.testing.assert_array_equal(found, expected)
            np.testing.assert_array_equal(model.predict(x[:90], size, 0), expected[:90])
    finally:
        fastnn.set_num_threads(before)


def test_packed_weights_are_those_of_the_moment():
    model, x = wide_network(), rows(700, 256)
    other = Sequential([*model.layers[:2], Dense(1)])  # shares two layers
    other.compile("sgd", "mse")

    def check(model):
        expected = model.predict_on_batch(x)
        np.testing.assert_array_equal(model.predict(x, batch_size=50, verbose=0), expected)
        return expected

    first = check(model)
    model.set_weights([w + 1 for w in model.get_weights()])
    second = check(model)
    other.fit(x, x[:, :1], epochs=1, verbose=0)
    check(other)
    third = check(model)
    assert not np.array_equal(first, second)
    assert not np.array_equal(second, third)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on this system")
def test_weights_that_change_during_a_prediction_are_seen():
    model, row = wide_network(), rows(1, 256)
    old = model.get_weights()
    new = [w + 1 for w in old]
    before = signal.signal(signal.SIGALRM, lambda number, frame: model.set_weights(new))
    try:
        count, seconds = 50_000, 0.0
        while seconds < 0.2:  # signals are looked at twenty times a second
            model.set_weights(old)
            signal.setitimer(signal.ITIMER_REAL, 0.001)
            start = time.perf_counter()
            x = np.broadcast_to(row, (count, 256))
            found = model.predict(x, batch_size=128, verbose=0)
            seconds = time.perf_counter() - start
            count *= 2
    finally:
        signal.signal(signal.SIGALRM, before)
    np.testing.assert_array_equal(found[-1:], model.predict_on_batch(row))
    model.set_weights(old)
    np.testing.assert_array_equal(found[:1], model.predict_on_batch(row))


def test_a_rows_prediction_does_not_depend_on_its_batch():
    model, x = churn_network(), rows(40, 11)
    expected = model.predict(x, batch_size=40, verbose=0)
    for size in (1, 7, 32):
        np.testing.assert_array_equal(model.predict(x, batch_size=size, verbose=0), expected)
    for i in range(0, 40, 13):
        np.testing.assert_array_equal(model.predict_on_batch(x[i : i + 1]), expected[i : i + 1])
