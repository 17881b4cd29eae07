"""Names and places that code written for Keras expects: random, backend, saving, utils."""

from __future__ import annotations

import json

import numpy as np
import pytest

import fastnn
from fastnn import backend as K
from fastnn import layers, ops, random
from fastnn.utils import PyDataset, set_random_seed


def test_names_at_the_top():
    for name in ("Layer", "Loss", "Metric", "Optimizer", "Initializer", "Regularizer"):
        assert isinstance(getattr(fastnn, name), type)
        assert name in fastnn.__all__
    assert fastnn.Layer is layers.Layer


# --- random


class Sampling(layers.Layer):
    """As in Keras's example of a variational autoencoder."""

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = random.SeedGenerator(seed)

    def call(self, inputs):
        mean, log_variance = inputs
        batch, dim = ops.shape(mean)[0], ops.shape(mean)[1]
        noise = random.normal(shape=(batch, dim), seed=self.seed_generator)
        again = random.normal(shape=(batch, dim), seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_variance) * noise, again


def sampler(seed):
    x = fastnn.Input((3,))
    return fastnn.Model(x, Sampling(seed)([x, x]))


def test_a_layer_draws_new_numbers_at_every_run_and_repeats_with_its_seed():
    zeros = np.zeros((5, 3))
    model = sampler(7)
    (first, other), (second, _) = (model.predict(zeros, verbose=0) for _ in range(2))
    assert not (first == second).any()
    assert not (first == other).any()
    np.testing.assert_array_equal(first, sampler(7).predict(zeros, verbose=0)[0])
    assert not (first == sampler(8).predict(zeros, verbose=0)[0]).any()
    set_random_seed(1)
    unseeded = sampler(None).predict(zeros, verbose=0)[0]
    set_random_seed(1)
    np.testing.assert_array_equal(unseeded, sampler(None).predict(zeros, verbose=0)[0])


def test_outside_of_layers_numbers_are_arrays():
    normal = random.normal((2000,), 3.0, 2.0, seed=1)
    assert normal.dtype == np.float32
    assert abs(normal.mean() - 3) < 0.2
    assert abs(normal.std() - 2) < 0.2
    np.testing.assert_array_equal(normal, random.normal((2000,), 3.0, 2.0, seed=1))
    assert abs(random.truncated_normal((2000,), seed=1)).max() <= 2
    uniform = random.uniform((2000,), -1.0, 3.0, "float64", seed=2)
    assert uniform.dtype == np.float64
    assert -1 <= uniform.min() < -0.9 < 2.9 < uniform.max() < 3
    assert set(random.randint((500,), -1, 2, seed=3).tolist()) == {-1, 0, 1}
    kept = random.dropout(np.ones(2000, "float32"), 0.25, seed=4)
    np.testing.assert_allclose(np.unique(kept), [0, 4 / 3], rtol=1e-6)
    assert abs((kept == 0).mean() - 0.25) < 0.05


# --- backend


def test_the_backend_of_old_code():
    def f1(y_true, y_pred):
        found = K.sum(K.round(K.clip(y_true * y_pred, 0, 1)))
        predicted = K.sum(K.round(K.clip(y_pred, 0, 1)))
        possible = K.sum(K.round(K.clip(y_true, 0, 1)))
        precision, recall = found / (predicted + K.epsilon()), found / (possible + K.epsilon())
        return 2 * precision * recall / (precision + recall + K.epsilon())

    true, scores = np.array([[1.0], [0.0], [1.0]]), np.array([[0.9], [0.8], [0.2]])
    assert f1(true, scores) == pytest.approx(0.5, abs=1e-6)
    model = fastnn.Sequential([layers.Dense(1, activation="sigmoid", input_dim=2)])
    model.compile(fastnn.optimizers.Adam(0.1), "mse", metrics=[f1])
    assert 0 <= model.evaluate(np.ones((4, 2)), np.ones(4), verbose=0)[1] <= 1
    K.set_value(model.optimizer.learning_rate, 0.25)
    assert float(K.get_value(model.optimizer.learning_rate)) == 0.25
    assert (K.floatx(), K.image_data_format()) == ("float32", "channels_last")
    K.set_floatx("float32")
    with pytest.raises(NotImplementedError, match="dtype='float64'"):
        K.set_floatx("float64")
    assert K.int_shape(fastnn.Input((3, 2))) == (None, 3, 2)
    assert K.batch_flatten(np.ones((2, 3, 4))).shape == (2, 12)
    assert K.flatten(np.ones((2, 3))).shape == (6,)


@pytest.mark.parametrize("logits", [False, True])
def test_binary_crossentropy_by_elements(logits):
    true = np.array([[0.0, 1.0, 1.0]])
    given = np.array([[0.3, 0.6, 0.0]])
    p = 1 / (1 + np.exp(-given)) if logits else np.clip(given, 1e-7, 1 - 1e-7)
    expected = -(true * np.log(p) + (1 - true) * np.log(1 - p))
    np.testing.assert_allclose(K.binary_crossentropy(true, given, logits), expected, rtol=1e-6)


# --- saving


def test_registered_classes_are_found_in_files(tmp_path):
    @fastnn.saving.register_keras_serializable(package="Mine", name="Threefold")
    class Thrice(layers.Layer):
        def call(self, inputs):
            return 3 * inputs

    try:
        model = fastnn.Sequential([Thrice(input_shape=(2,)), layers.Dense(1)])
        fastnn.models.save_model(model, tmp_path / "m.fastnn")
        found = fastnn.saving.load_model(tmp_path / "m.fastnn")
        x = np.ones((3, 2))
        np.testing.assert_array_equal(model.predict(x, verbose=0), found.predict(x, verbose=0))
        assert fastnn.saving.get_registered_name(Thrice) == "Mine>Threefold"
        assert fastnn.saving.get_custom_objects()["Threefold"] is Thrice
    finally:
        for name in ("Thrice", "Threefold"):
            del fastnn.saving.get_custom_objects()[name]
    with pytest.raises(ValueError, match="unknown layer 'Thrice'"):
        fastnn.load_model(tmp_path / "m.fastnn")
    with pytest.raises(ValueError, match="expected a class with get_config"):
        fastnn.saving.register_keras_serializable()(type("Plain", (), {}))
    assert fastnn.saving.get_registered_name(layers.Dense) == "Dense"


@pytest.mark.parametrize("ending", [".keras", ".h5", ".weights.h5"])
def test_formats_that_are_only_read_say_how_to_name_the_file(ending, tmp_path):
    model = fastnn.Sequential([layers.Dense(2, input_dim=4)])
    for save in (model.save, model.save_weights, fastnn.callbacks.ModelCheckpoint):
        with pytest.raises(ValueError, match=r"name it '.*/best-\{epoch\}.fastnn'"):
            save(str(tmp_path / ("best-{epoch}" + ending)))


def test_architectures_as_json():
    x = fastnn.Input((4,), name="x")
    functional = fastnn.Model(x, layers.add([layers.Dense(4)(x), x]))
    stack = fastnn.Sequential([layers.Dense(2, activation="relu", input_dim=4)])
    for model in (functional, stack):
        text = model.to_json(indent=2)
        found = fastnn.models.model_from_json(text)
        assert type(found) is type(model)
        assert json.loads(found.to_json()) == json.loads(text)
    for wrong in ("{}", "[1]", "not JSON"):
        with pytest.raises(ValueError):
            fastnn.models.model_from_json(wrong)
    with pytest.raises(ValueError, match="expected a model, got Dense"):
        fastnn.models.model_from_json('{"class_name": "Dense", "config": {"units": 2}}')


# --- utils


def test_a_dataset_by_numbers_is_trained_on():
    x = np.arange(12.0)[:, None]
    ended = []

    class Data(PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return x[index * 4 : index * 4 + 4], 2 * x[index * 4 : index * 4 + 4]

        def on_epoch_end(self):
            ended.append(1)

    def model():
        made = fastnn.Sequential([layers.Dense(1, kernel_initializer="ones", input_dim=1)])
        made.compile(fastnn.optimizers.SGD(0.001), "mse")
        return made

    one, other = model(), model()
    one.fit(Data(workers=4, use_multiprocessing=True), epochs=2, shuffle=False, verbose=0)
    other.fit(x, 2 * x, batch_size=4, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_array_equal(one.get_weights()[0], other.get_weights()[0])
    assert len(ended) == 2
    assert fastnn.utils.Sequence is PyDataset
    with pytest.raises(NotImplementedError, match="has no __len__"):
        len(PyDataset())
    with pytest.raises(NotImplementedError, match="has no __getitem__"):
        PyDataset()[0]


def test_pad_sequences_where_keras_has_it():
    padded = fastnn.preprocessing.sequence.pad_sequences([[1], [2, 3]])
    np.testing.assert_array_equal(padded, [[0, 1], [2, 3]])
