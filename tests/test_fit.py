"""Training: what fit computes, the forms of data, weights of samples and classes, validation."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest

import fastnn
from fastnn import layers, ops
from fastnn.callbacks import LambdaCallback
from fastnn.layers import Dense, Input
from fastnn.losses import SparseCategoricalCrossentropy
from fastnn.models import Model, Sequential
from fastnn.optimizers import SGD, schedules
from fastnn.utils import set_random_seed, to_categorical

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)).astype("float32")
Y = (X @ np.array([1.0, -2.0, 0.5, 0.0]) > 0).astype("float32")


def network(loss: str = "binary_crossentropy", optimizer: str = "sgd", **kwargs) -> Sequential:
    set_random_seed(1)
    model = Sequential([Dense(5, activation="tanh", input_dim=4), Dense(1, activation="sigmoid")])
    model.compile(optimizer, loss, **kwargs)
    return model


def weights_after(x, y=None, **kwargs) -> list[np.ndarray]:
    model = network()
    model.fit(x, y, **{"epochs": 2, "batch_size": 16, "verbose": 0, **kwargs})
    return model.get_weights()


def assert_same(a, b):
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one, other)


# --- what is computed


def test_one_step_of_gradient_descent_by_hand():
    model = Sequential([Dense(1, input_dim=2, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    x, y = np.array([[1.0, 2.0], [3.0, 4.0]], "float32"), np.array([1.0, 2.0])
    error = x.sum(1) - y
    loss = model.train_on_batch(x, y)
    assert loss == pytest.approx((error**2).mean(), rel=1e-6)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(kernel[:, 0], 1 - 0.01 * (2 * error[:, None] * x).mean(0), rtol=1e-6)
    np.testing.assert_allclose(bias, -0.01 * (2 * error).mean(), rtol=1e-6)


def test_the_reported_loss_is_the_mean_over_rows():
    model = Sequential([Dense(1, input_dim=4)])
    model.compile("sgd", "mse")
    model.optimizer.learning_rate = 0.0
    history = model.fit(X, Y, batch_size=25, verbose=0)
    expected = ((model.predict(X, verbose=0)[:, 0] - Y) ** 2).mean()
    assert history.history["loss"][0] == pytest.approx(expected, rel=1e-5)
    assert model.evaluate(X, Y, batch_size=7, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_training_learns():
    model = network(optimizer="adam", metrics=["accuracy"])
    model.optimizer.learning_rate = 0.02
    history = model.fit(X, Y, epochs=60, batch_size=10, verbose=0)
    assert history.history["loss"][-1] < 0.25
    assert history.history["accuracy"][-1] > 0.9
    loss, accuracy = model.evaluate(X, Y, verbose=0)
    assert loss < 0.25
    assert accuracy == np.mean((model.predict(X, verbose=0)[:, 0] > 0.5) == Y)
    assert model.metrics_names == ["loss", "accuracy"]


def test_classes_with_sparse_and_with_one_hot_labels():
    labels = RNG.integers(0, 3, 60)

    def fitted(loss, y):
        set_random_seed(3)
        model = Sequential([Dense(3, activation="softmax", input_dim=4)])
        model.compile("sgd", loss, metrics=["accuracy"])
        history = model.fit(X, y, epochs=2, verbose=0)
        return history.history, model.get_weights()

    sparse, w_sparse = fitted("sparse_categorical_crossentropy", labels)
    column, _ = fitted("sparse_categorical_crossentropy", labels[:, None])
    one_hot, w_one_hot = fitted("categorical_crossentropy", to_categorical(labels))
    assert sparse == column
    np.testing.assert_allclose(sparse["loss"], one_hot["loss"], rtol=1e-6)
    assert sparse["accuracy"] == one_hot["accuracy"]
    for a, b in zip(w_sparse, w_one_hot, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_the_same_seed_gives_the_same_bits():
    assert_same(weights_after(X, Y), weights_after(X, Y))


def test_shuffling_changes_the_order_and_nothing_else():
    assert not np.array_equal(weights_after(X, Y)[0], weights_after(X, Y, shuffle=False)[0])
    whole = weights_after(X, Y, batch_size=60)
    for a, b in zip(whole, weights_after(X, Y, batch_size=60, shuffle=False), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_each_epoch_has_its_own_order():
    model = network()
    model.fit(X, Y, epochs=2, verbose=0)
    twice = network()
    twice.fit(X, Y, epochs=1, verbose=0)
    twice.fit(X, Y, epochs=2, initial_epoch=1, verbose=0)
    assert_same(model.get_weights(), twice.get_weights())


def test_custom_losses_and_metrics():
    def cubic(y_true, y_pred):
        return ops.mean(ops.power(ops.absolute(y_true - y_pred), 3.0), axis=-1)

    model = network(loss=cubic, metrics=[cubic])
    values = model.evaluate(X, Y, verbose=0)
    expected = (np.abs(model.predict(X, verbose=0)[:, 0] - Y) ** 3).mean()
    np.testing.assert_allclose(values, expected, rtol=1e-5)
    assert model.metrics_names == ["loss", "cubic"]


def test_the_key_in_history_is_the_name_that_was_given():
    model = network(metrics=["acc", "mse", "AUC"])
    history = model.fit(X, Y, verbose=0)
    assert sorted(history.history) == ["AUC", "acc", "loss", "mse"]


def test_batch_normalization_and_dropout_in_a_model():
    set_random_seed(0)
    model = Sequential(
        [
            Dense(8, input_dim=4),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    before = model.get_weights()
    history = model.fit(X, Y, epochs=30, batch_size=20, verbose=0)
    after = model.get_weights()
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert not np.array_equal(before[4], after[4])
    assert len(model.non_trainable_weights) == 2


@pytest.mark.parametrize(
    "name",
    ["sgd", "rmsprop", "adam", "adamw", "adamax", "nadam", "adagrad", "adadelta", "lion"],
)
def test_every_optimizer_lowers_the_loss(name):
    set_random_seed(0)
    model = Sequential([Dense(8, activation="tanh", input_dim=4), Dense(1)])
    model.compile(name, "mse")
    if name in ("adadelta", "sgd", "adagrad"):
        model.optimizer.learning_rate = 0.05
    history = model.fit(X, X.sum(1), epochs=20, batch_size=10, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_accumulated_gradients_equal_a_larger_batch():
    weights = []
    for optimizer, size in ((SGD(0.1, gradient_accumulation_steps=3), 20), (SGD(0.1), 60)):
        model = network(optimizer=optimizer)
        model.fit(X, Y, epochs=3, batch_size=size, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_averaged_weights_replace_the_last_ones_after_fit():
    plain, averaged = network(), network(optimizer=SGD(0.01, use_ema=True, ema_momentum=0.5))
    start = plain.get_weights()[0]
    for model in (plain, averaged):
        model.fit(X, Y, epochs=1, batch_size=30, shuffle=False, verbose=0)
    path = network()
    path.fit(X[:30], Y[:30], epochs=1, batch_size=30, shuffle=False, verbose=0)
    first, second = path.get_weights()[0], plain.get_weights()[0]
    assert not np.array_equal(start, first)
    np.testing.assert_allclose(averaged.get_weights()[0], (first + second) / 2, rtol=1e-5)


def test_constraints_hold_after_each_step():
    model = Sequential([Dense(3, input_dim=4, kernel_constraint="max_norm"), Dense(1)])
    model.compile("sgd", "mse")
    model.optimizer.learning_rate = 5.0
    model.train_on_batch(X, X.sum(1) * 10)
    assert (np.linalg.norm(model.get_weights()[0], axis=0) <= 2 + 1e-5).all()
    assert (np.linalg.norm(model.get_weights()[0], axis=0) > 1.9).any()


def test_a_learning_rate_schedule():
    model = network(optimizer=SGD(schedules.ExponentialDecay(0.1, 1, 0.5)))
    model.fit(X, Y, batch_size=20, verbose=0)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.1 / 8)


def test_double_precision():
    set_random_seed(0)
    x = Input((4,), dtype="float64")
    model = Model(x, Dense(1, dtype="float64")(Dense(3, "tanh", dtype="float64")(x)))
    model.compile("adam", "mse")
    data = X.astype("float64")
    history = model.fit(data, data.sum(1), epochs=5, verbose=0).history["loss"]
    assert history[-1] < history[0]
    w, b, v, c = model.get_weights()
    assert w.dtype == np.float64
    expected = np.tanh(data @ w + b) @ v + c
    np.testing.assert_allclose(model.predict(data, verbose=0), expected, rtol=1e-13)


def test_layers_of_two_precisions():
    model = Sequential([Dense(3, "tanh", input_dim=4, dtype="float64"), Dense(1)])
    model.compile("adam", "mse")
    history = model.fit(X, X.sum(1), epochs=5, batch_size=10, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert [w.dtype.name for w in model.get_weights()] == ["float64"] * 2 + ["float32"] * 2


def test_a_class_that_is_ignored():
    model = Sequential([Dense(3, activation="softmax", input_dim=4)])
    model.compile("sgd", SparseCategoricalCrossentropy(ignore_class=-1))
    labels = RNG.integers(-1, 3, 60)
    model.fit(X, labels, verbose=0)
    assert model.evaluate(X, np.full(60, -1), verbose=0) == 0
    with pytest.raises(ValueError, match="got -2"):
        model.fit(X, labels * 2, verbose=0)


def test_thawed_layers_need_a_new_optimizer():
    model = network()
    model.layers[0].trainable = False
    model.fit(X, Y, verbose=0)
    model.layers[0].trainable = True
    with pytest.raises(ValueError, match=r"call compile\(\) again"):
        model.fit(X, Y, verbose=0)
    model.compile("sgd", "binary_crossentropy")
    model.fit(X, Y, verbose=0)


def test_embeddings_are_trained():
    set_random_seed(0)
    model = Sequential([layers.Embedding(10, 4), layers.Flatten(), Dense(1)])
    model.compile("adam", "mse")
    index = RNG.integers(0, 10, (50, 3))
    history = model.fit(index, index.sum(1) / 10, epochs=10, verbose=0).history["loss"]
    assert history[-1] < history[0]
    with pytest.raises(IndexError):
        model.predict(np.array([[10, 0, 0]]), verbose=0)


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_the_same_bits_for_any_number_of_threads(threads):
    def trained():
        set_random_seed(5)
        model = Sequential(
            [Dense(96, "relu", input_dim=4), layers.Dropout(0.3), Dense(96, "relu"), Dense(1)]
        )
        model.compile("adam", "mse")
        model.fit(np.tile(X, (20, 1)), np.tile(Y, 20), epochs=2, batch_size=256, verbose=0)
        return model.get_weights()

    before = fastnn.get_num_threads()
    try:
        fastnn.set_num_threads(1)
        expected = trained()
        fastnn.set_num_threads(threads)
        assert_same(trained(), expected)
    finally:
        fastnn.set_num_threads(before)


# --- several outputs


def two_headed() -> Model:
    set_random_seed(2)
    x = Input((4,), name="x")
    h = Dense(5, activation="tanh")(x)
    return Model(x, [Dense(1, name="a")(h), Dense(3, activation="softmax", name="b")(h)])


def test_several_outputs():
    y = [X.sum(1), RNG.integers(0, 3, 60)]
    model = two_headed()
    model.compile(
        "sgd",
        ["mse", "sparse_categorical_crossentropy"],
        loss_weights=[1.0, 0.5],
        metrics=[["mae"], ["accuracy"]],
    )
    history = model.fit(X, y, verbose=0).history
    assert sorted(history) == ["a_loss", "a_mae", "b_accuracy", "b_loss", "loss"]
    figures = model.evaluate(X, y, verbose=0, return_dict=True)
    assert figures["loss"] == pytest.approx(figures["a_loss"] + 0.5 * figures["b_loss"], rel=1e-5)
    by_name = two_headed()
    by_name.compile("sgd", {"a": "mse", "b": "sparse_categorical_crossentropy"})
    by_name.fit({"x": X}, {"b": y[1], "a": y[0]}, verbose=0)


def test_names_of_outputs_that_are_not_there():
    model = two_headed()
    model.compile("sgd", {"a": "mse", "c": "mse"})
    with pytest.raises(ValueError, match="loss names an output 'c', the model has a, b"):
        model.fit(X, [Y, Y], verbose=0)
    model.compile("sgd", {"a": "mse"})
    with pytest.raises(ValueError, match=r"y names an output 'aa'.*did you mean 'a'"):
        model.fit(X, {"aa": Y}, verbose=0)
    model.compile("sgd", ["mse"])
    with pytest.raises(ValueError, match=r"expected 2 entries in loss \(a, b\), got 1"):
        model.fit(X, [Y, Y], verbose=0)


# --- weights of samples and classes


def test_sample_weights_and_class_weights():
    plain = network()
    w = np.where(Y == 1, 3.0, 0.5)
    a = weights_after(X, Y, sample_weight=w)
    b = weights_after(X, Y, class_weight={0: 0.5, 1: 3.0})
    assert_same(a, b)
    assert not np.array_equal(a[0], weights_after(X, Y)[0])
    p = plain.predict(X, verbose=0)[:, 0].astype("float64")
    losses = -(Y * np.log(p) + (1 - Y) * np.log(1 - p))
    value = plain.evaluate(X, Y, sample_weight=w, verbose=0)
    assert value == pytest.approx((losses * w).mean(), rel=1e-5)


def test_weights_of_one_change_nothing():
    for a, b in zip(
        weights_after(X, Y), weights_after(X, Y, sample_weight=np.ones(60)), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_weighted_metrics():
    model = network(metrics=["accuracy"], weighted_metrics=["accuracy"])
    w = np.where(np.arange(60) < 10, 1.0, 0.0)
    _, plain, weighted = model.evaluate(X, Y, sample_weight=w, verbose=0)
    right = (model.predict(X, verbose=0)[:, 0] > 0.5) == Y
    assert plain == pytest.approx(right.mean())
    assert weighted == pytest.approx(right[:10].mean())


def test_class_weights_do_not_weigh_validation():
    history = network().fit(
        X, Y, class_weight={0: 9.0, 1: 9.0}, validation_split=0.5, batch_size=30, verbose=0
    )
    plain = network()
    plain.fit(X, Y, sample_weight=np.full(60, 9.0), validation_split=0.5, batch_size=30, verbose=0)
    value = plain.evaluate(X[30:], Y[30:], verbose=0)
    assert history.history["val_loss"][0] == pytest.approx(value, rel=1e-5)


def test_class_weights_of_one_hot_labels():
    y = to_categorical(RNG.integers(0, 3, 60))
    model = Sequential([Dense(3, activation="softmax", input_dim=4)])
    model.compile("sgd", "categorical_crossentropy")
    model.fit(X, y, class_weight={0: 1.0, 2: 5.0}, verbose=0)
    with pytest.raises(ValueError, match="class numbers in class_weight, got 'a'"):
        model.fit(X, y, class_weight={"a": 1.0}, verbose=0)


# --- validation


def test_validation_split_takes_the_last_rows():
    model = network(metrics=["accuracy"])
    history = model.fit(X, Y, validation_split=0.25, batch_size=45, shuffle=False, verbose=0)
    expected = network()
    expected.fit(X[:45], Y[:45], batch_size=45, shuffle=False, verbose=0)
    assert_same(model.get_weights(), expected.get_weights())
    assert history.history["val_loss"][0] == pytest.approx(
        expected.evaluate(X[45:], Y[45:], verbose=0)
    )
    assert list(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]


@pytest.mark.parametrize(("rows", "share", "trained"), [(10, 0.25, 7), (10, 0.01, 9), (3, 0.5, 1)])
def test_the_split_rounds_down(rows, share, trained):
    steps = []
    count = LambdaCallback(on_train_batch_end=lambda batch, logs: steps.append(batch))
    network().fit(
        X[:rows], Y[:rows], batch_size=1, validation_split=share, verbose=0, callbacks=[count]
    )
    assert len(steps) == trained


def test_validation_data_and_its_frequency():
    model = network()
    history = model.fit(
        X, Y, epochs=4, validation_data=(X, Y, np.ones(60)), validation_freq=2, verbose=0
    ).history
    assert len(history["val_loss"]) == 2
    history = model.fit(
        X, Y, epochs=4, validation_data=(X, Y), validation_freq=[1, 4], verbose=0
    ).history
    assert len(history["val_loss"]) == 2
    assert history["val_loss"][-1] == pytest.approx(model.evaluate(X, Y, verbose=0))


# --- forms of data


FORMS = {
    "float64": lambda x: x.astype("float64"),
    "fortran": np.asfortranarray,
    "reversed": lambda x: x[::-1].copy()[::-1],
    "strided": lambda x: np.repeat(x, 2, axis=0)[::2],
    "columns": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "big-endian": lambda x: x.astype(">f4"),
    "misaligned": lambda x: _misaligned(x),
    "read-only": lambda x: _read_only(x),
    "list": lambda x: x.tolist(),
}


def _misaligned(x):
    buffer = np.zeros(x.nbytes + 1, "uint8")
    view = buffer[1:].view(x.dtype).reshape(x.shape)
    view[...] = x
    assert not view.flags.aligned
    return view


def _read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


@pytest.mark.parametrize("form", FORMS)
def test_any_layout_gives_the_same_weights(form):
    assert_same(weights_after(FORMS[form](X), FORMS[form](Y)), weights_after(X, Y))


@pytest.mark.parametrize("form", FORMS)
def test_any_layout_gives_the_same_predictions(form):
    model = network()
    expected = model.predict(X, verbose=0)
    np.testing.assert_array_equal(model.predict(FORMS[form](X), verbose=0), expected)
    np.testing.assert_array_equal(model.predict_on_batch(FORMS[form](X)), expected)
    assert model.evaluate(FORMS[form](X), FORMS[form](Y), verbose=0) == model.evaluate(
        X, Y, verbose=0
    )


def test_broadcast_rows():
    model = network()
    one = np.broadcast_to(X[:1], (5, 4))
    np.testing.assert_array_equal(
        model.predict(one, verbose=0), model.predict(one.copy(), verbose=0)
    )


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64", "bool", "float16"])
def test_whole_numbers_and_halves(dtype):
    x = (X > 0).astype(dtype)
    assert_same(weights_after(x, Y.astype(dtype)), weights_after(x.astype("float32"), Y))


def test_targets_as_a_column():
    assert_same(weights_after(X, Y[:, None]), weights_after(X, Y))


def batches(size=16):
    for i in range(0, 60, size):
        yield X[i : i + size], Y[i : i + size]


class Endless:
    def __iter__(self):
        while True:
            yield from batches()


class Loader:
    def __iter__(self):
        return batches()


class Indexed:
    def __init__(self):
        self.ended = 0

    def __len__(self):
        return 4

    def __getitem__(self, i):
        return list(batches())[i]

    def on_epoch_end(self):
        self.ended += 1


def test_generators_and_iterables_equal_arrays():
    expected = weights_after(X, Y, shuffle=False)

    def twice():
        for _ in range(2):
            yield from batches()

    options = {"batch_size": None}
    assert_same(weights_after(twice(), steps_per_epoch=4, **options), expected)
    assert_same(weights_after(Loader(), **options), expected)
    assert_same(weights_after(iter(Endless()), steps_per_epoch=4, **options), expected)
    indexed = Indexed()
    assert_same(weights_after(indexed, shuffle=False, **options), expected)
    assert indexed.ended == 2


def test_lists_of_numbers():
    model = Sequential([Dense(1, input_dim=1)])
    model.compile("sgd", "mse")
    model.fit([1.0, 2.0, 3.0], [2, 4, 6], verbose=0)
    assert model.predict([1.0, 2.0], verbose=0).shape == (2, 1)


def test_batches_with_weights_and_as_lists():
    expected = weights_after(X, Y, shuffle=False, class_weight={0: 0.5, 1: 3.0})
    assert_same(weights_after(Loader(), batch_size=None, class_weight={0: 0.5, 1: 3.0}), expected)

    class Lists:
        def __iter__(self):
            return ([x, y, np.where(y == 1, 3.0, 0.5)] for x, y in batches())

    assert_same(weights_after(Lists(), batch_size=None), expected)


def test_validation_by_batches():
    model = network()
    history = model.fit(X, Y, epochs=2, validation_data=Loader(), verbose=0).history
    assert history["val_loss"][-1] == pytest.approx(model.evaluate(X, Y, verbose=0))
    history = model.fit(
        X, Y, epochs=2, validation_data=iter(Endless()), validation_steps=4, verbose=0
    ).history
    assert history["val_loss"][-1] == pytest.approx(model.evaluate(X, Y, verbose=0))


def old_tutorial() -> Sequential:
    model = Sequential()
    model.add(Dense(output_dim=6, init="uniform", activation="relu", input_dim=4))
    model.add(layers.Dropout(p=0.1))
    model.add(Dense(output_dim=1, init="uniform", activation="sigmoid"))
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, batch_size=10, nb_epoch=2, verbose=0)
    return model


def test_the_network_of_old_tutorials():
    with pytest.warns(DeprecationWarning, match="is deprecated, use") as warned:
        model = old_tutorial()
    assert len(warned) == 6
    assert model.history.epoch == [0, 1]


def test_a_generator_that_is_used_up():
    model = network()
    with pytest.raises(ValueError, match="used up after one pass"):
        model.fit(batches(), epochs=2, verbose=0)


def test_evaluate_and_predict_of_batches():
    model = network()
    assert model.evaluate(Loader(), verbose=0) == pytest.approx(model.evaluate(X, Y, verbose=0))
    expected = model.predict(X, verbose=0)
    np.testing.assert_array_equal(model.predict(Loader(), verbose=0), expected)
    np.testing.assert_array_equal(model.predict((x for x, _ in batches()), verbose=0), expected)
    np.testing.assert_array_equal(model.predict(X, batch_size=8, steps=2, verbose=0), expected[:16])


def test_memory_maps(tmp_path):
    for name, array in (("x", X), ("y", Y)):
        np.save(tmp_path / f"{name}.npy", array)
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    y = np.load(tmp_path / "y.npy", mmap_mode="r")
    assert_same(weights_after(x, y, shuffle=False), weights_after(X, Y, shuffle=False))
    model = network(optimizer="adam")
    model.fit(x, y, epochs=2, verbose=0)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(model.evaluate(X, Y, verbose=0))
    np.testing.assert_array_equal(model.predict(x, verbose=0), model.predict(X, verbose=0))


def test_bad_rows_of_a_memory_map_are_found_before_their_update(tmp_path):
    bad = X.copy()
    bad[50, 2] = np.nan
    np.save(tmp_path / "x.npy", bad)
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    model = network()
    with pytest.raises(ValueError, match="NaN"):
        model.fit(x, Y, batch_size=10, shuffle=False, verbose=0)
    assert all(np.isfinite(w).all() for w in model.get_weights())


class Frame:
    """What pandas' and polars' frames have in common."""

    def __init__(self, columns):
        self.data = {name: np.asarray(column) for name, column in columns.items()}
        self.columns = list(self.data)

    def __getitem__(self, name):
        return Series(self.data[name])

    def to_numpy(self):
        kinds = {column.dtype.kind for column in self.data.values()}
        columns = list(self.data.values())
        return np.stack([c.astype(object) if len(kinds) > 1 else c for c in columns], 1)


class Series:
    def __init__(self, data):
        self.data = data

    def to_numpy(self):
        return self.data


def test_frames():
    frame = Frame({f"c{i}": X[:, i] for i in range(4)})
    assert_same(weights_after(frame, Series(Y)), weights_after(X, Y))
    mixed = Frame({"a": X[:, 0], "b": X[:, 1] > 0, "c": X[:, 2].astype("int64"), "d": X[:, 3]})
    model = network()
    assert model.predict(mixed, verbose=0).shape == (60, 1)
    text = Frame({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "d": np.array(["x"] * 60)})
    with pytest.raises(TypeError, match="in column 'd'"):
        model.predict(text, verbose=0)


def test_steps_per_epoch_of_arrays():
    model = network()
    seen = []
    count = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    model.fit(X, Y, batch_size=10, steps_per_epoch=2, epochs=2, verbose=0, callbacks=[count])
    assert seen == [0, 1, 0, 1]
    seen.clear()
    model.fit(X, Y, batch_size=30, steps_per_epoch=5, verbose=0, callbacks=[count])
    assert seen == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("shuffle", [False, True])
def test_an_epoch_of_some_steps_leaves_the_other_rows_to_the_next(shuffle):
    expected = weights_after(X, Y, batch_size=10, epochs=2, shuffle=shuffle)
    got = weights_after(X, Y, batch_size=10, steps_per_epoch=4, epochs=3, shuffle=shuffle)
    assert_same(got, expected)
    # A new training begins with the first row, and without steps each epoch is a whole pass.
    model = network()
    model.fit(X, Y, batch_size=10, steps_per_epoch=4, shuffle=False, verbose=0)
    loss = model.evaluate(X[:10], Y[:10], verbose=0)
    history = model.fit(X, Y, batch_size=10, steps_per_epoch=1, shuffle=False, verbose=0)
    assert history.history["loss"] == pytest.approx([loss])


def test_batches_larger_than_the_data_and_ragged_ones():
    network().fit(X, Y, batch_size=1000, verbose=0)
    network().fit(X, Y, batch_size=7, verbose=0)
    network().fit(X[:1], Y[:1], verbose=0)


# --- single batches


def test_train_on_batch_equals_fit():
    model = network(metrics=["accuracy"])
    model.fit(X, Y, batch_size=60, shuffle=False, verbose=0)
    single = network(metrics=["accuracy"])
    loss, accuracy = single.train_on_batch(X, Y)
    assert_same(model.get_weights(), single.get_weights())
    assert model.history.history["loss"][0] == pytest.approx(loss)
    figures = single.test_on_batch(X, Y, return_dict=True)
    assert figures == pytest.approx(single.evaluate(X, Y, verbose=0, return_dict=True))
    assert 0 <= accuracy <= 1


def test_single_batches_return_figures_of_their_own():
    model = network(metrics=["accuracy"])
    for start in (0, 20, 40):
        x, y = X[start : start + 20], Y[start : start + 20]
        expected = model.evaluate(x, y, verbose=0)
        assert model.test_on_batch(x, y) == pytest.approx(expected)
        assert model.train_on_batch(x, y) == pytest.approx(expected)


def test_old_argument_names():
    with pytest.warns(DeprecationWarning, match="use 'epochs'"):
        history = network().fit(X, Y, nb_epoch=2, verbose=0)
    assert history.epoch == [0, 1]


# --- interruption and threads


@pytest.mark.skipif(not hasattr(os, "kill"), reason="needs signals")
def test_ctrl_c_ends_training_within_200_ms_and_leaves_a_usable_model():
    model = network()
    x, y = np.tile(X, (2000, 1)), np.tile(Y, 2000)
    model.fit(x[:64], y[:64], verbose=0)
    pressed = []

    def press():
        time.sleep(0.3)
        pressed.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, batch_size=2, epochs=10_000, verbose=0)
    took = time.perf_counter() - pressed[0]
    thread.join()
    assert took < 0.2
    assert all(np.isfinite(w).all() for w in model.get_weights())
    model.fit(X, Y, verbose=0)
    model.predict(X, verbose=0)


@pytest.mark.skipif(not hasattr(os, "kill"), reason="needs signals")
def test_ctrl_c_ends_a_step_that_is_one_long_loop():
    def slow(x):
        body = lambda state: ((state * 0.5 + 1.0), None)  # noqa: E731
        nested = lambda state: (fastnn.scan(body, initial_state=state, length=1000)[0], None)  # noqa: E731
        return fastnn.scan(nested, initial_state=x, length=1_000_000)[0]

    model = Sequential([Dense(3, input_dim=4), layers.Lambda(slow), Dense(1)])
    model.compile("sgd", "mse")
    before = model.get_weights()
    thread = threading.Thread(target=lambda: (time.sleep(0.5), os.kill(os.getpid(), signal.SIGINT)))
    thread.start()
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X[:2], Y[:2], verbose=0)
    assert time.perf_counter() - start < 5, "the loop takes minutes"
    thread.join()
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_second_thread_may_predict_but_not_fit():
    model = network()
    started, errors, done = threading.Event(), [], threading.Event()
    signal_start = LambdaCallback(on_epoch_begin=lambda epoch, logs: started.set())
    stop = LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", done.is_set())
    )

    def other():
        started.wait()
        for method in (model.fit, model.evaluate, model.train_on_batch, model.test_on_batch):
            try:
                method(X, Y, **({"verbose": 0} if method in (model.fit, model.evaluate) else {}))
            except RuntimeError as error:
                errors.append(str(error))
        assert np.isfinite(model.predict(X, verbose=0)).all()
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    model.fit(X, Y, epochs=1_000_000, verbose=0, callbacks=[signal_start, stop])
    thread.join()
    assert len(errors) == 4
    assert all("is in training" in error for error in errors)


def test_several_threads_evaluate():
    model = network(metrics=["accuracy"])
    expected = model.evaluate(X, Y, verbose=0)
    results = []

    def work():
        results.extend(model.evaluate(X, Y, verbose=0) for _ in range(10))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 40


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_can_train():
    model = network()
    model.fit(X, Y, verbose=0)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            model.fit(X, Y, verbose=0)
            status = 0 if np.isfinite(model.predict(X, verbose=0)).all() else 2
        finally:
            os._exit(status)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.01)
    else:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        pytest.fail("the child hangs")
    assert os.waitstatus_to_exitcode(status) == 0
