"""Models in files: what was saved comes back to the bit, and what is damaged is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import tracemalloc

import numpy as np
import pytest

import fastnn
from fastnn import Input, Model, Sequential, io, layers, ops
from fastnn.io import FastnnFormatError
from fastnn.layers import BatchNormalization, Dense, Dropout
from mutations import rewritten, try_mutations

RNG = np.random.default_rng(0)
X = RNG.normal(size=(103, 4)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("float32")


def classifier(optimizer="adam", **options):
    fastnn.utils.set_random_seed(3)
    model = Sequential(
        [
            Dense(8, activation="relu", input_dim=4, kernel_regularizer="l2"),
            BatchNormalization(),
            Dropout(0.3),
            Dense(1, activation="sigmoid", kernel_constraint="max_norm"),
        ]
    )
    if isinstance(optimizer, str):
        optimizer = {"class_name": optimizer, "config": options}
    model.compile(
        optimizer, "binary_crossentropy", metrics=["accuracy", fastnn.metrics.AUC(name="auc")]
    )
    return model


def same_bits(first, second):
    pairs = zip(first, second, strict=True)
    return all(a.tobytes() == b.tobytes() and a.shape == b.shape for a, b in pairs)


def state(model):
    return [*model.get_weights(), *model.optimizer.get_weights()]


class Halve(layers.Layer):
    def call(self, inputs):
        return inputs * 0.5


class TwoLayers(Model):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.first = Dense(units, activation="relu")
        self.second = Dense(1)

    def call(self, inputs):
        return self.second(self.first(inputs))

    def get_config(self):
        return {"units": self.units, "name": self.name}


def residual(shared=True):
    x, extra = Input((4,), name="x"), Input((2,), name="extra")
    dense = Dense(4, activation="tanh", name="dense")
    inner = Sequential([Dense(4, input_dim=4), layers.ReLU()], name="inner")
    hidden = layers.Add()([x, dense(dense(x) if shared else x)])
    joined = layers.Concatenate()([inner(hidden), extra])
    return Model([x, extra], [Dense(3, activation="softmax", name="a")(joined), joined])


# --- there and back


def test_a_model_comes_back_to_the_bit(tmp_path):
    model = classifier()
    model.fit(X, Y, batch_size=10, epochs=2, verbose=0)
    model.preprocessing = {"columns": ["a", "b"], "mean": [0.1, 0.2]}
    model.save(tmp_path / "a.fastnn")
    found = fastnn.load_model(tmp_path / "a.fastnn")
    assert type(found) is Sequential
    assert found.get_config() == model.get_config()
    assert same_bits(state(found), state(model))
    assert found.predict(X, verbose=0).tobytes() == model.predict(X, verbose=0).tobytes()
    assert found.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
    assert found.preprocessing == model.preprocessing
    assert [w.trainable for w in found.weights] == [w.trainable for w in model.weights]


def test_a_graph_with_shared_and_nested_layers(tmp_path):
    model = residual()
    model.save(tmp_path / "a.safetensors")
    found = fastnn.models.load_model(tmp_path / "a.safetensors")
    inputs = [X, X[:, :2]]
    for a, b in zip(
        model.predict(inputs, verbose=0), found.predict(inputs, verbose=0), strict=True
    ):
        assert a.tobytes() == b.tobytes()
    assert not found.compiled


def test_a_model_in_another_process(tmp_path):
    model = classifier()
    model.save(tmp_path / "a.fastnn")
    np.save(tmp_path / "x.npy", X)
    code = (
        "import sys, numpy, fastnn; folder = sys.argv[1]; "
        "model = fastnn.load_model(folder + '/a.fastnn'); "
        "numpy.save(folder + '/y.npy', model.predict(numpy.load(folder + '/x.npy'), verbose=0))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert np.load(tmp_path / "y.npy").tobytes() == model.predict(X, verbose=0).tobytes()


def test_saving_and_loading_draw_no_random_numbers(tmp_path):
    model = classifier()
    model.save(tmp_path / "a.fastnn")
    fastnn.utils.set_random_seed(1)
    fastnn.load_model(tmp_path / "a.fastnn")
    after = Dense(3, input_dim=2).get_weights
    fastnn.utils.set_random_seed(1)
    first, second = Dense(3), Dense(3)
    first.build((None, 2))
    fastnn.utils.set_random_seed(1)
    fastnn.load_model(tmp_path / "a.fastnn")
    second.build((None, 2))
    assert same_bits(first.get_weights(), second.get_weights())
    assert after() == []


def test_custom_objects(tmp_path):
    def off_by(y_true, y_pred):
        return ops.mean(ops.absolute(y_pred - y_true), axis=-1)

    def cube(x):
        return x * x * x

    model = Sequential([layers.InputLayer((4,)), Halve(), Dense(2, activation=cube), Dense(1)])
    model.compile("sgd", off_by, metrics=[off_by])
    model.save(tmp_path / "a.fastnn")
    with pytest.raises(FastnnFormatError, match=r"unknown layer 'Halve'.*custom_objects"):
        fastnn.load_model(tmp_path / "a.fastnn")
    own = {"Halve": Halve, "off_by": off_by, "cube": cube}
    for name in ("cube", "off_by"):
        fewer = {key: value for key, value in own.items() if key != name}
        with pytest.raises(FastnnFormatError, match=f"unknown .* '{name}'"):
            fastnn.load_model(tmp_path / "a.fastnn", fewer)
    found = fastnn.load_model(tmp_path / "a.fastnn", own)
    assert found.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
    with fastnn.utils.custom_object_scope(own):
        fastnn.load_model(tmp_path / "a.fastnn")
    fastnn.load_model(tmp_path / "a.fastnn", {"Halve": Halve, "cube": cube}, compile=False)


def composed(kind):
    """Models that are more than a stack of layers, and their number of inputs."""
    parts = Sequential([Dense(3, input_dim=4)]), Sequential([Dense(4, input_dim=3)])
    halves = Sequential([Dense(6, input_dim=4)]), parts[1]
    if kind == "autoencoder":
        return fastnn.models.Autoencoder(*parts, corruption=0.2)
    if kind == "variational":
        return fastnn.models.VariationalAutoencoder(*halves)
    edges = [[], [], [], [], [0, 1], [2, 3, 4]]
    weights = [[], [], [], [], [0.5, 1.5], [1.0, 2.0, 3.0]]
    return fastnn.models.NeuronGraph(edges, weights, 4, 1)


@pytest.mark.parametrize("kind", ["autoencoder", "variational", "neurons"])
def test_other_models(tmp_path, kind):
    model = composed(kind)
    model.compile("adam", "mse")
    model.fit(X, Y if kind == "neurons" else X, batch_size=10, verbose=0)
    model.save(tmp_path / "a.fastnn")
    found = fastnn.load_model(tmp_path / "a.fastnn")
    assert type(found) is type(model)
    assert same_bits(state(found), state(model))
    assert found.predict(X, verbose=0).tobytes() == model.predict(X, verbose=0).tobytes()


def test_a_subclassed_model(tmp_path):
    model = TwoLayers(5)
    model.compile("adam", "mse")
    model.fit(X, Y, epochs=1, verbose=0)
    model.save(tmp_path / "a.fastnn")
    found = fastnn.load_model(tmp_path / "a.fastnn", {"TwoLayers": TwoLayers})
    assert same_bits(state(found), state(model))
    assert found.predict(X, verbose=0).tobytes() == model.predict(X, verbose=0).tobytes()


@pytest.mark.parametrize("include", [True, False])
def test_without_the_optimizer(tmp_path, include):
    model = classifier()
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "a.fastnn", include_optimizer=include)
    names = io.load_file(tmp_path / "a.fastnn")
    assert any(name.startswith("optimizer/") for name in names) == include
    assert fastnn.load_model(tmp_path / "a.fastnn").compiled == include


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: [Dense(2, input_dim=2), layers.Lambda(ops.square)], ValueError, "Lambda layer"),
        (lambda: [Dense(2, input_dim=2, kernel_initializer=lambda s, d: np.ones(s, d))],
         ValueError, "lambda"),
    ],
)  # fmt: skip
def test_code_is_not_saved(tmp_path, build, error, message):
    model = Sequential(build())
    with pytest.raises(error, match=message):
        model.save(tmp_path / "a.fastnn")
    assert list(tmp_path.iterdir()) == []
    model.save_weights(tmp_path / "a.fastnn")


def test_a_model_with_terms_between_its_layers_is_not_saved(tmp_path):
    x = Input((4,))
    y = Dense(2)(x)
    model = Model(x, y)
    model.add_loss(ops.mean(y))
    with pytest.raises(ValueError, match="add_loss"):
        model.save(tmp_path / "a.fastnn")


def test_a_subclassed_model_without_configuration_has_its_weights_saved(tmp_path):
    class Plain(Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(1)

        def call(self, inputs):
            return self.dense(inputs)

    first, second = Plain(), Plain()
    first(X), second(X)
    with pytest.raises(NotImplementedError, match="get_config"):
        first.save(tmp_path / "a.fastnn")
    first.save_weights(tmp_path / "a.fastnn")
    second.load_weights(tmp_path / "a.fastnn")
    assert same_bits(first.get_weights(), second.get_weights())


@pytest.mark.parametrize("name", ["a.keras", "a.h5", "a", "a.fastnn.gz"])
def test_other_suffixes_are_refused(tmp_path, name):
    model = classifier()
    for save in (model.save, model.save_weights):
        with pytest.raises(ValueError, match=r"end in \.fastnn or \.safetensors"):
            save(tmp_path / name)


def test_overwrite(tmp_path):
    model = classifier()
    model.save(tmp_path / "a.fastnn")
    model.save(tmp_path / "a.fastnn")
    with pytest.raises(FileExistsError, match="overwrite"):
        model.save(tmp_path / "a.fastnn", overwrite=False)


def test_saving_from_another_thread_waits_for_the_end_of_training(tmp_path):
    model = classifier()
    raised = []

    def save():
        try:
            model.save(tmp_path / "a.fastnn")
        except RuntimeError as error:
            raised.append(str(error))

    class Elsewhere(fastnn.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            thread = threading.Thread(target=save)
            thread.start()
            thread.join()

    model.fit(X, Y, verbose=0, callbacks=[Elsewhere()])
    assert len(raised) == 1
    assert "in training" in raised[0]


# --- weights


def test_weights_by_order_and_by_name(tmp_path):
    def make(*names):
        return Sequential([Dense(3, input_dim=4, name=names[0]), Dense(1, name=names[1])])

    first = make("a", "b")
    first.save_weights(tmp_path / "w.fastnn")
    assert set(io.load_file(tmp_path / "w.fastnn")) == {"a/kernel", "a/bias", "b/kernel", "b/bias"}
    renamed = make("c", "d")
    renamed.load_weights(tmp_path / "w.fastnn")
    assert same_bits(first.get_weights(), renamed.get_weights())
    with pytest.raises(ValueError, match=r"no tensor 'c/kernel'"):
        make("c", "d").load_weights(tmp_path / "w.fastnn", by_name=True)
    half = make("a", "d")
    before = half.get_weights()
    half.load_weights(tmp_path / "w.fastnn", by_name=True)
    assert same_bits(half.get_weights(), [*first.get_weights()[:2], *before[2:]])


def test_weights_that_do_not_fit(tmp_path):
    first = Sequential([Dense(3, input_dim=4), Dense(1)])
    other = Sequential([Dense(3, input_dim=4), Dense(2)])
    longer = Sequential([Dense(3, input_dim=4), Dense(1), Dense(1)])
    first.save_weights(tmp_path / "w.fastnn")
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"expected shape \(3, 2\), the file has \(3, 1\)"):
        other.load_weights(tmp_path / "w.fastnn")
    assert same_bits(other.get_weights(), before)
    with pytest.warns(UserWarning, match="left as it is"):
        other.load_weights(tmp_path / "w.fastnn", skip_mismatch=True)
    assert same_bits(other.get_weights(), [*first.get_weights()[:2], *before[2:]])
    with pytest.raises(ValueError, match="expected 6 arrays of weights in the file, got 4"):
        longer.load_weights(tmp_path / "w.fastnn")


def test_weights_of_another_program(tmp_path):
    model = Sequential([Dense(2, input_dim=3, name="out")])
    kernel = np.ones((3, 2), "float32")
    content = {
        "out/kernel": {"dtype": "F32", "shape": [3, 2], "data_offsets": [0, 24]},
        "out/bias": {"dtype": "F32", "shape": [2], "data_offsets": [24, 32]},
    }
    header = json.dumps(content).encode()
    data = kernel.tobytes() + np.zeros(2, "float32").tobytes()
    (tmp_path / "w.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + data)
    model.load_weights(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(model.get_weights()[0], kernel)
    with pytest.raises(FastnnFormatError, match="expected a model of fastnn"):
        fastnn.load_model(tmp_path / "w.safetensors")


# --- going on


OPTIMIZERS = {
    "sgd": {"momentum": 0.9, "nesterov": True},
    "nadam": {},
    "adamw": {"use_ema": True, "ema_overwrite_frequency": 5},
    "rmsprop": {"centered": True, "gradient_accumulation_steps": 3},
    "adam": {
        "amsgrad": True,
        "learning_rate": {
            "class_name": "ExponentialDecay",
            "config": {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.9},
        },
    },
}


class SaveAt(fastnn.callbacks.Callback):
    """Saves in the middle of an epoch, and stops training as a signal would."""

    def __init__(self, path, epoch, batch):
        super().__init__()
        self.path, self.at, self.epoch = path, (epoch, batch), 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            self.model.save(self.path)
            raise KeyboardInterrupt


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("at", [(0, 0), (1, 4), (1, 10), (2, 7)])
def test_going_on_from_a_file_equals_never_stopping(tmp_path, optimizer, at):
    def make():
        return classifier(optimizer, **OPTIMIZERS[optimizer])

    whole = make()
    history = whole.fit(X, Y, batch_size=10, epochs=4, verbose=0)
    part = make()
    with pytest.raises(KeyboardInterrupt):
        part.fit(
            X, Y, batch_size=10, epochs=4, verbose=0, callbacks=SaveAt(tmp_path / "a.fastnn", *at)
        )
    fastnn.utils.set_random_seed(99)  # another process has another seed, and has trained before
    classifier().fit(X, Y, verbose=0)
    found = fastnn.load_model(tmp_path / "a.fastnn")
    rest = found.fit(X, Y, batch_size=10, epochs=4, verbose=0, initial_epoch="saved")
    assert same_bits(state(found), state(whole))
    assert rest.epoch == list(range(at[0], 4))
    for name, values in rest.history.items():
        assert values == history.history[name][at[0] :], name


@pytest.mark.parametrize("kind", ["steps_per_epoch", "sequence", "mapped", "generator", "dataset"])
def test_going_on_with_other_kinds_of_data(tmp_path, kind):
    def data():
        if kind == "sequence":
            return {"x": Batches()}
        if kind == "dataset":
            return {"x": fastnn.data.Dataset.from_arrays(X, Y).shuffle().batch(10)}
        if kind == "generator":
            return {"x": endless(), "steps_per_epoch": 10}
        if kind == "mapped":
            return {"x": np.load(tmp_path / "x.npy", mmap_mode="r"), "y": Y, "batch_size": 10}
        return {"x": X, "y": Y, "batch_size": 10, "steps_per_epoch": 17}

    def endless():
        while True:
            yield from (Batches()[i] for i in range(10))

    class Batches:
        def __len__(self):
            return 10

        def __getitem__(self, i):
            return X[i * 10 : i * 10 + 10], Y[i * 10 : i * 10 + 10]

    np.save(tmp_path / "x.npy", X)
    whole, part = classifier(), None
    whole.fit(**data(), epochs=3, verbose=0)
    part = classifier()
    with pytest.raises(KeyboardInterrupt):
        part.fit(**data(), epochs=3, verbose=0, callbacks=SaveAt(tmp_path / "a.fastnn", 1, 7))
    found = fastnn.load_model(tmp_path / "a.fastnn")
    found.fit(**data(), epochs=3, verbose=0, initial_epoch="saved")
    assert same_bits(state(found), state(whole))


def images():
    return [
        layers.InputLayer((6, 6, 1)), layers.RandomFlip(), layers.RandomTranslation(0.2, 0.2),
        layers.GaussianNoise(0.1), layers.Conv2D(3, 3), Dropout(0.3, seed=5),
        BatchNormalization(), layers.Flatten(), Dense(1),
    ]  # fmt: skip


def sequences():
    return [
        layers.InputLayer((6, 6), batch_size=10),
        layers.LSTM(3, dropout=0.2, recurrent_dropout=0.2, return_sequences=True),
        layers.GRU(4, dropout=0.3, stateful=True), layers.AlphaDropout(0.2), Dense(1),
    ]  # fmt: skip


@pytest.mark.parametrize("make", [images, sequences])
def test_going_on_draws_the_same_numbers(tmp_path, make):
    x = RNG.normal(size=(40, 6, 6)).astype("float32")
    x = x[..., None] if make is images else x

    def fit(*callbacks):
        fastnn.utils.set_random_seed(4)
        model = Sequential(make())
        model.compile("adam", "mse")
        model.fit(x, Y[:40], batch_size=10, epochs=3, verbose=0, callbacks=list(callbacks))
        return model

    whole = fit()
    with pytest.raises(KeyboardInterrupt):
        fit(SaveAt(tmp_path / "a.fastnn", 1, 1))
    fastnn.utils.set_random_seed(99)
    found = fastnn.load_model(tmp_path / "a.fastnn")
    found.fit(x, Y[:40], batch_size=10, epochs=3, verbose=0, initial_epoch="saved")
    assert same_bits(state(found), state(whole))


def test_going_on_needs_a_file_and_the_same_batches(tmp_path):
    model = classifier()
    with pytest.raises(ValueError, match="initial_epoch='saved' goes on"):
        model.fit(X, Y, verbose=0, initial_epoch="saved")
    with pytest.raises(ValueError, match="expected initial_epoch as a number or 'saved'"):
        model.fit(X, Y, verbose=0, initial_epoch="last")
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=10, verbose=0, callbacks=SaveAt(tmp_path / "a.fastnn", 0, 3))
    found = fastnn.load_model(tmp_path / "a.fastnn")
    with pytest.raises(ValueError, match="goes on with the same, got batches of 20 and 103 rows"):
        found.fit(X, Y, batch_size=20, verbose=0, initial_epoch="saved")


def test_a_new_seed_holds_after_loading(tmp_path):
    model = classifier()
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "a.fastnn")
    results = []
    for seed in (5, 5, 6):
        found = fastnn.load_model(tmp_path / "a.fastnn")
        fastnn.utils.set_random_seed(seed)
        found.fit(X, Y, verbose=0)
        results.append(found.get_weights())
    assert same_bits(results[0], results[1])
    assert not same_bits(results[0], results[2])


# --- damaged files


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small file of a trained model."""
    path = tmp_path_factory.mktemp("small") / "a.fastnn"
    fastnn.utils.set_random_seed(1)
    model = Sequential([Dense(2, input_dim=3, activation="relu"), Dense(1)])
    model.compile("adam", "mse")
    model.fit(X[:, :3], Y, verbose=0)
    model.save(path)
    return path.read_bytes()


def is_refused(path):
    try:
        fastnn.load_model(path)
    except FastnnFormatError:
        return True
    return False


def test_every_truncation_is_refused(small, tmp_path):
    path = tmp_path / "cut.fastnn"
    path.write_bytes(small)
    for length in reversed(range(len(small))):
        os.truncate(path, length)
        assert is_refused(path), length


def test_every_flipped_byte_of_the_header_is_refused(small, tmp_path):
    path = tmp_path / "flipped.fastnn"
    path.write_bytes(small)
    header = 8 + int.from_bytes(small[:8], "little")
    with path.open("r+b", buffering=0) as file:
        for position in range(header):
            for bits in (0x01, 0x08, 0x20, 0xFF):
                os.pwrite(file.fileno(), bytes([small[position] ^ bits]), position)
                assert is_refused(path), (position, bits)
            os.pwrite(file.fileno(), small[position : position + 1], position)
    fastnn.load_model(path)


def layer(described, number=1):
    return described["model"]["config"]["layers"][number]


def assign(target, key, value):
    target[key] = value


CHANGES = {
    "another version": lambda d: assign(d, "version", 2),
    "another kind": lambda d: assign(d, "kind", "picture"),
    "no model": lambda d: d.pop("model"),
    "no weights": lambda d: d.pop("weights"),
    "weights that are not there": lambda d: assign(d, "weights", ["a", "b", "c", "d"]),
    "weights as text": lambda d: assign(d, "weights", "abcd"),
    "fewer weights": lambda d: d["weights"].pop(),
    "weights twice": lambda d: assign(d, "weights", d["weights"] * 2),
    "a Dense of 2**40 units": lambda d: assign(layer(d)["config"], "units", 2**40),
    "a Dense of 2**70 units": lambda d: assign(layer(d)["config"], "units", 2**70),
    "units as text": lambda d: assign(layer(d)["config"], "units", "many"),
    "an unknown argument": lambda d: assign(layer(d)["config"], "secret", 1),
    "an unknown layer": lambda d: assign(layer(d), "class_name", "os.system"),
    "a Lambda layer": lambda d: (
        assign(layer(d), "class_name", "Lambda"),
        assign(layer(d), "config", {"function": "print"}),
    ),
    "a Lambda as the model": lambda d: assign(d["model"], "class_name", "Lambda"),
    "a layer as the model": lambda d: (
        assign(d["model"], "class_name", "Dense"), assign(d["model"], "config", {"units": 1})
    ),
    "a builtin as the activation": lambda d: assign(layer(d)["config"], "activation", "eval"),
    "layers as a number": lambda d: assign(d["model"]["config"], "layers", 3),
    "a layer as a list": lambda d: assign(d["model"]["config"]["layers"], 1, []),
    "an unknown optimizer": lambda d: assign(d["compile"]["optimizer"], "class_name", "SGDX"),
    "an optimizer without state": lambda d: assign(d["optimizer"], "tensors", []),
    "an optimizer of other weights": lambda d: assign(d["optimizer"], "trained", [0, 1, 2, 77]),
    "an unknown loss": lambda d: assign(d["compile"], "loss", "exec"),
    "a metric of 10**9 thresholds": lambda d: assign(
        d["compile"], "metrics", [{"class_name": "AUC", "config": {"num_thresholds": 10**9}}]
    ),
    "a negative epoch": lambda d: assign(d["training"]["clock"], "epoch", -1),
    "an epoch as text": lambda d: assign(d["training"]["clock"], "epoch", "3"),
    "no clock": lambda d: d["training"].pop("clock"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_malicious_descriptions_are_refused(small, tmp_path, change):
    require_refused(tmp_path / "changed.fastnn", small, change)


def test_changed_descriptions_are_refused_or_harmless(tmp_path):
    path = tmp_path / "a.fastnn"
    model = Sequential([*images()[:1], layers.Conv2D(2, 3), layers.Flatten(), Dense(1)])
    model.compile("adam", "mse", metrics=["auc"])
    model.save(path)
    tracemalloc.start()
    try:
        counts = try_mutations(path, share=0.15)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert counts["refused"] > 50
    assert peak < 20_000_000


def operation(described, number=0):
    return described["model"]["config"]["operations"][number]


OPERATIONS = {
    "an unknown one": lambda d: assign(operation(d), "op", "os.system"),
    "an optimizer": lambda d: assign(operation(d), "op", "optimizer_step"),
    "an input of its own": lambda d: assign(operation(d), "op", "placeholder"),
    "a variable": lambda d: assign(operation(d), "op", "variable"),
    "an array of objects": lambda d: assign(operation(d)["settings"]["value"], "dtype", "O"),
    "a gigabyte an element": lambda d: assign(
        operation(d)["settings"]["value"], "dtype", "V1000000000"
    ),
    "an output it has not": lambda d: assign(operation(d, 1), "index", 7),
    "a negative output": lambda d: assign(operation(d, 1), "index", -1),
    "an expression that calls": lambda d: assign(operation(d, 2)["settings"], "shape", ["exit(1)"]),
    "an expression without end": lambda d: assign(
        operation(d, 2)["settings"], "shape", ["(" * 5000 + "1" + ")" * 5000]
    ),
    "a large power": lambda d: assign(operation(d, 2)["settings"], "shape", ["9**9**9"]),
    "fewer inputs": lambda d: operation(d, 1)["inputs"].pop(),
}


@pytest.mark.parametrize("change", OPERATIONS.values(), ids=OPERATIONS.keys())
def test_malicious_operations_are_refused(tmp_path, change):
    x = Input((3,))
    model = Model(x, x * np.arange(3, dtype="float32") + 1.0)
    path = tmp_path / "a.fastnn"
    model.save(path)
    require_refused(path, path.read_bytes(), change)


def require_refused(path, content, change):
    """Changes what a file describes, and sees that no model comes of it, nor much memory goes."""
    path.write_bytes(rewritten(content, lambda d: None))
    fastnn.load_model(path)
    path.write_bytes(rewritten(content, change))
    tracemalloc.start()
    try:
        with pytest.raises(FastnnFormatError):
            fastnn.load_model(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


MEMORY = """
import re, sys
import fastnn
def peak():
    text = open("/proc/self/status").read()
    return 1024 * int(re.search(r"VmHWM:\\s*(\\d+) kB", text)[1])
small, large = sys.argv[1:]
fastnn.load_model(small)
before = peak()
model = fastnn.load_model(large)
print(peak() - before)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux's /proc")
def test_loading_takes_less_than_twice_the_file(small, tmp_path):
    (tmp_path / "small.fastnn").write_bytes(small)
    model = Sequential([layers.Embedding(4_000_000, 4, input_length=1)])  # one tensor of 64 MB
    model.save(tmp_path / "large.fastnn")
    size = os.path.getsize(tmp_path / "large.fastnn")
    paths = [str(tmp_path / "small.fastnn"), str(tmp_path / "large.fastnn")]
    command = [sys.executable, "-c", MEMORY, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert size < int(done.stdout) < 2 * size
