"""Layers: what they compute, their variables, their errors, layers of one's own."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fastnn import layers, ops
from fastnn.layers import Dense, Input, Layer
from fastnn.models import Model, Sequential
from fastnn.utils import set_random_seed


def rows(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


# --- what they compute


def test_dense_is_a_product_a_bias_and_an_activation():
    layer, x = Dense(3, activation="tanh", bias_initializer="ones"), rows(5, 4)
    y = layer(x)
    kernel, bias = layer.get_weights()
    assert kernel.shape == (4, 3)
    assert bias.shape == (3,)
    np.testing.assert_allclose(y, np.tanh(x @ kernel + bias), rtol=1e-5, atol=1e-6)


def test_dense_works_on_the_last_axis_of_any_rank():
    layer, x = Dense(3), rows(5, 2, 4)
    y = layer(x)
    assert y.shape == (5, 2, 3)
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(y, x @ kernel + bias, rtol=1e-5, atol=1e-6)


def test_dense_without_bias_has_one_weight():
    layer = Dense(3, use_bias=False)
    layer(rows(2, 4))
    assert [w.shape for w in layer.get_weights()] == [(4, 3)]


def test_dense_in_double_precision():
    x = np.random.default_rng(0).normal(size=(4, 3))
    layer = Dense(2, dtype="float64")
    y = layer(x)
    assert y.dtype == np.float64
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(y, x @ kernel + bias, rtol=1e-14)


ELEMENTWISE = [
    (layers.Activation("relu"), lambda x: np.maximum(x, 0)),
    (layers.Activation("linear"), lambda x: x),
    (layers.ReLU(), lambda x: np.maximum(x, 0)),
    (layers.ReLU(max_value=1.0), lambda x: np.clip(x, 0, 1)),
    (layers.ReLU(negative_slope=0.1), lambda x: np.where(x > 0, x, 0.1 * x)),
    (layers.ReLU(threshold=0.5), lambda x: np.where(x >= 0.5, x, 0)),
    (
        layers.ReLU(threshold=0.5, negative_slope=0.1, max_value=1.0),
        lambda x: np.minimum(np.where(x >= 0.5, x, 0.1 * (x - 0.5)), 1.0),
    ),
    (layers.LeakyReLU(), lambda x: np.where(x > 0, x, 0.3 * x)),
    (layers.ELU(), lambda x: np.where(x > 0, x, np.expm1(x))),
    (layers.PReLU(), lambda x: np.maximum(x, 0)),
    (layers.PReLU(alpha_initializer="ones"), lambda x: x),
    (layers.Softmax(), lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True)),
    (layers.Rescaling(2.0, 1.0), lambda x: 2 * x + 1),
    (layers.Dropout(0.5), lambda x: x),
    (layers.GaussianNoise(0.5), lambda x: x),
    (layers.GaussianDropout(0.5), lambda x: x),
    (layers.AlphaDropout(0.5), lambda x: x),
    (layers.Lambda(lambda x: ops.square(x)), np.square),
]


@pytest.mark.parametrize(("layer", "expected"), ELEMENTWISE, ids=lambda p: type(p).__name__)
def test_elementwise(layer, expected):
    x = rows(3, 4)
    np.testing.assert_allclose(layer(x), expected(x), rtol=1e-5, atol=1e-6)
    assert layer.compute_output_shape((None, 4)) == (None, 4)


RESHAPING = [
    (layers.Flatten(), (2, 3, 4), lambda x: x.reshape(2, 12)),
    (layers.Flatten(), (2, 3), lambda x: x),
    (layers.Flatten(), (5,), lambda x: x[:, None]),
    (layers.Reshape((4, 3)), (2, 3, 4), lambda x: x.reshape(2, 4, 3)),
    (layers.Reshape((2, -1)), (5, 6), lambda x: x.reshape(5, 2, 3)),
    (layers.Permute((2, 1)), (2, 3, 4), lambda x: x.transpose(0, 2, 1)),
    (layers.RepeatVector(3), (2, 4), lambda x: np.repeat(x[:, None], 3, axis=1)),
]


@pytest.mark.parametrize(("layer", "shape", "expected"), RESHAPING)
def test_reshaping(layer, shape, expected):
    x = rows(*shape)
    np.testing.assert_array_equal(layer(x), expected(x))
    assert layer.compute_output_shape((None, *shape[1:])) == (None, *expected(x).shape[1:])


def test_flatten_an_open_axis():
    model = Model(x := Input((None, 3)), layers.Flatten()(x))
    for length in (2, 5):
        assert model.predict(rows(4, length, 3), verbose=0).shape == (4, 3 * length)


MERGING = [
    (layers.Add(), lambda a, b: a + b),
    (layers.Subtract(), lambda a, b: a - b),
    (layers.Multiply(), lambda a, b: a * b),
    (layers.Average(), lambda a, b: (a + b) / 2),
    (layers.Maximum(), np.maximum),
    (layers.Minimum(), np.minimum),
    (layers.Concatenate(), lambda a, b: np.concatenate([a, b], -1)),
    (layers.Dot(axes=1), lambda a, b: (a * b).sum(1, keepdims=True)),
]


@pytest.mark.parametrize(("layer", "expected"), MERGING, ids=lambda p: type(p).__name__)
def test_merging(layer, expected):
    a, b = rows(3, 4), rows(3, 4, seed=1)
    np.testing.assert_allclose(layer([a, b]), expected(a, b), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "name", ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot"]
)
def test_merging_by_functions(name):
    inputs = [Input((3,)), Input((3,))]
    layer = getattr(layers, name)(1) if name == "Dot" else getattr(layers, name)()
    arrays = [np.arange(6.0).reshape(2, 3), np.ones((2, 3))]
    model = Model(inputs, getattr(layers, name.lower())(inputs, name="merged"))
    assert model.layers[-1].name == "merged"
    expected = layer([array.astype("float32") for array in arrays])
    np.testing.assert_array_equal(model.predict(arrays, verbose=0), expected)


@pytest.mark.parametrize(
    ("axes", "formula"),
    [((1, 1), "bki,bkj->bij"), ((2, 2), "bik,bjk->bij"), ((2, 1), "bik,bkj->bij")],
)
def test_dot_of_matrices(axes, formula):
    a, b = rows(2, 3, 3), rows(2, 3, 3, seed=1)
    np.testing.assert_allclose(
        layers.Dot(axes=axes)([a, b]), np.einsum(formula, a, b), rtol=1e-5, atol=1e-6
    )


def test_dot_of_a_matrix_and_a_vector():
    a, b = rows(2, 5, 3), rows(2, 3, seed=1)
    np.testing.assert_allclose(
        layers.Dot(axes=(2, 1))([a, b]), np.einsum("bik,bk->bi", a, b), rtol=1e-5, atol=1e-6
    )


def test_dot_normalized_is_the_cosine():
    a = rows(3, 4)
    np.testing.assert_allclose(
        layers.Dot(1, normalize=True)([a, 2 * a]), np.ones((3, 1)), rtol=1e-5
    )


def test_embedding_looks_rows_up():
    layer = layers.Embedding(5, 3)
    index = np.array([[4, 0], [2, 2]])
    y = layer(index)
    np.testing.assert_array_equal(y, layer.get_weights()[0][index])


def test_embedding_refuses_an_index_outside():
    layer = layers.Embedding(5, 3)
    with pytest.raises(IndexError):
        layer(np.array([[5]]))


# --- normalisation


def test_normalization_adapts():
    x = rows(50, 3) * 4 + 2
    layer = layers.Normalization()
    layer.adapt(x)
    y = layer(x)
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(y.std(0), 1, rtol=1e-5)
    back = layers.Normalization(mean=x.mean(0), variance=x.var(0), invert=True)
    np.testing.assert_allclose(back(y), x, rtol=1e-4, atol=1e-5)


def test_a_constant_column_stays_finite():
    layer = layers.Normalization()
    layer.adapt(np.ones((4, 1)))
    assert np.isfinite(layer(np.ones((2, 1), "float32"))).all()


def test_layer_normalization():
    x = rows(4, 6)
    y = layers.LayerNormalization()(x)
    expected = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


def test_batch_normalization_trains_and_predicts():
    x = rows(64, 3) * 2 + 5
    layer = layers.BatchNormalization(momentum=0.5)
    np.testing.assert_allclose(layer(x), x / np.sqrt(1 + 1e-3), rtol=1e-5)
    y = layer(x, training=True)
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-5)
    gamma, beta, mean, variance = layer.get_weights()
    np.testing.assert_allclose(mean, 0.5 * x.mean(0), rtol=1e-5)
    np.testing.assert_allclose(variance, 0.5 + 0.5 * x.var(0), rtol=1e-4)
    assert [w.name for w in layer.trainable_weights] == ["gamma", "beta"]
    np.testing.assert_array_equal(gamma, 1)
    np.testing.assert_array_equal(beta, 0)


def test_a_frozen_batch_normalization_does_not_learn_averages():
    layer = layers.BatchNormalization()
    layer(rows(4, 3))
    layer.trainable = False
    layer(rows(4, 3), training=True)
    np.testing.assert_array_equal(layer.get_weights()[2], 0)
    assert layer.trainable_weights == []


# --- noise


def test_dropout_keeps_the_mean():
    x = np.ones((200, 100), "float32")
    y = layers.Dropout(0.25)(x, training=True)
    assert set(np.unique(y)) == {np.float32(0), np.float32(4 / 3)}
    assert abs((y == 0).mean() - 0.25) < 0.02


def test_dropout_draws_anew():
    layer, x = layers.Dropout(0.5), np.ones((10, 10), "float32")
    assert not np.array_equal(layer(x, training=True), layer(x, training=True))


def test_dropout_with_a_shared_mask():
    y = layers.Dropout(0.5, noise_shape=(None, 1))(np.ones((50, 4), "float32"), training=True)
    assert (y == y[:, :1]).all()


def test_dropout_at_the_limits():
    x = rows(3, 3)
    np.testing.assert_array_equal(layers.Dropout(0.0)(x, training=True), x)
    np.testing.assert_array_equal(layers.Dropout(1.0)(x, training=True), 0)


@pytest.mark.parametrize(
    "layer",
    [layers.GaussianNoise(0.5), layers.GaussianDropout(0.2), layers.AlphaDropout(0.2)],
    ids=lambda layer: type(layer).__name__,
)
def test_noise_keeps_mean_and_adds_variance(layer):
    x = rows(300, 100)
    y = layer(x, training=True)
    assert not np.array_equal(x, y)
    assert abs(y.mean() - x.mean()) < 0.02
    if isinstance(layer, layers.AlphaDropout):
        assert abs(y.std() - 1) < 0.05
    else:
        assert y.std() > x.std()


SEEDED = {
    "Dropout": lambda seed: layers.Dropout(0.5, seed=seed),
    "GaussianNoise": lambda seed: layers.GaussianNoise(0.5, seed=seed),
    "GaussianDropout": lambda seed: layers.GaussianDropout(0.5, seed=seed),
    "AlphaDropout": lambda seed: layers.AlphaDropout(0.5, seed=seed),
    "SpatialDropout1D": lambda seed: layers.SpatialDropout1D(0.5, seed=seed),
    "SpatialDropout2D": lambda seed: layers.SpatialDropout2D(0.5, seed=seed),
    "RandomTranslation": lambda seed: layers.RandomTranslation(0.5, 0.5, seed=seed),
}


@pytest.mark.parametrize("name", SEEDED)
def test_a_layer_with_a_seed_draws_from_it_alone(name):
    x = rows(6, 5, 4, 8) if name[-2:] in ("2D", "on") else rows(6, 5, 32)
    draws = []
    for process_seed, seed in ((1, 7), (2, 7), (2, 8), (2, None), (3, None)):
        set_random_seed(process_seed)
        layer = SEEDED[name](seed)
        draws.append([layer(x, training=True) for _ in range(2)])
    first, again, other, free, free_again = draws
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first[0], first[1])  # anew at each call
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(free[0], free_again[0])


def test_a_shared_layer_with_a_seed_draws_twice():
    layer, x = layers.Dropout(0.5, seed=3), Input((40,))
    model = Model(x, [layer(x), layer(x), layers.Dropout(0.5, seed=3)(x)])
    one, two, twin = model(np.ones((2, 40), "float32"), training=True)
    assert not np.array_equal(one, two)
    np.testing.assert_array_equal(one, twin)


def test_training_with_seeded_noise_repeats():
    def train(process_seed):
        set_random_seed(process_seed)
        model = Sequential(
            [
                Input((8,)),
                layers.Dropout(0.5, seed=1),
                Dense(1, kernel_initializer="ones"),
            ]
        )
        model.compile("sgd", "mse")
        model.fit(rows(64, 8), rows(64, 1), epochs=2, shuffle=False, verbose=0)
        return model.get_weights()[0]

    np.testing.assert_array_equal(train(1), train(2))


def test_spatial_dropout_drops_whole_maps():
    y = layers.SpatialDropout1D(0.5)(np.ones((20, 7, 5), "float32"), training=True)
    assert set(np.unique(y)) == {0.0, 2.0}
    assert (y == y[:, :1]).all()
    y = layers.SpatialDropout2D(0.5)(np.ones((20, 4, 3, 5), "float32"), training=True)
    assert set(np.unique(y)) == {0.0, 2.0}
    assert (y == y[:, :1, :1]).all()


# --- variables


def test_weights_are_set_as_a_whole_or_not_at_all():
    layer = Dense(2)
    layer(rows(1, 3))
    before = layer.get_weights()
    with pytest.raises(ValueError, match=r"expected shape \(2,\), got \(3,\)"):
        layer.set_weights([np.zeros((3, 2)), np.zeros(3)])
    with pytest.raises(ValueError, match="expected 2 weight arrays"):
        layer.set_weights([np.zeros((3, 2))])
    with pytest.raises(TypeError, match="dtype object"):
        layer.set_weights([np.zeros((3, 2)), np.array([None, None])])
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    layer.set_weights([np.ones((3, 2)), np.ones(2)])
    np.testing.assert_array_equal(layer(np.ones((1, 3), "float32")), 4)


def test_count_params():
    layer = Dense(2)
    with pytest.raises(ValueError, match="not built yet"):
        layer.set_weights([np.zeros((3, 2))])
    with pytest.raises(ValueError, match="not built yet"):
        layer.count_params()
    layer(rows(1, 3))
    assert layer.count_params() == 8


def test_a_frozen_layer_has_no_trainable_weights():
    layer = Dense(2, trainable=False)
    layer(rows(1, 3))
    assert layer.trainable_weights == []
    assert len(layer.non_trainable_weights) == 2


def test_layers_and_variables_set_as_attributes_are_tracked():
    class Tower(Layer):
        def __init__(self):
            super().__init__()
            self.first = Dense(3)
            self.more = [Dense(3), {"deep": Dense(3)}]

        def build(self, input_shape):
            self.scale = self.add_weight((), "ones", name="scale")

        def call(self, inputs):
            x = self.first(inputs)
            for layer in (self.more[0], self.more[1]["deep"]):
                x = layer(x)
            return x * self.scale

    tower = Tower()
    tower(rows(2, 3))
    assert len(tower.weights) == 7
    assert tower.weights[0].name == "scale"
    assert tower.count_params() == 3 * 12 + 1


def test_add_weight_refuses_what_cannot_be():
    layer = Layer()
    with pytest.raises(ValueError, match="more than can be addressed"):
        layer.add_weight((2**40, 2**40))
    with pytest.raises(ValueError, match="open axis"):
        layer.add_weight((None, 3))
    with pytest.raises(ValueError, match="did you mean 'float32'"):
        layer.add_weight((3,), dtype="float3")


def test_names_are_numbered():
    first, second = Dense(1), Dense(1)
    assert first.name != second.name
    assert first.name.startswith("dense")
    assert Dense(1, name="mine").name == "mine"


# --- layers of one's own


def test_a_layer_with_a_training_flag():
    class Flagged(Layer):
        def call(self, inputs, training=None):
            assert isinstance(training, bool)
            return inputs + (1.0 if training else 0.0)

    x = np.zeros((2, 2), "float32")
    layer = Flagged()
    assert (layer(x) == 0).all()
    assert (layer(x, training=True) == 1).all()
    assert (Sequential([layer])(x, training=True) == 1).all()


def test_a_layer_of_several_inputs_and_outputs():
    class Swap(Layer):
        def call(self, pair):
            return {"a": pair["b"], "b": pair["a"] * 2.0}

    x = rows(2, 3)
    result = Swap()({"a": x, "b": -x})
    np.testing.assert_array_equal(result["a"], -x)
    np.testing.assert_array_equal(result["b"], 2 * x)


def test_a_layer_without_init_of_its_base_is_told():
    class Forgetful(Layer):
        def __init__(self):
            self.units = 3

        def call(self, inputs):
            return inputs

    with pytest.raises(RuntimeError, match=r"call super\(\).__init__\(\) first"):
        Forgetful()(rows(1, 1))


def test_a_layer_without_call_is_told():
    with pytest.raises(NotImplementedError, match=r"has no call\(\)"):
        Layer()(rows(1, 1))


def test_lists_of_numbers_are_arrays():
    np.testing.assert_array_equal(Dense(1, kernel_initializer="ones")([[1.0, 2.0]]), [[3.0]])


# --- errors


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Dense(0), ValueError, "units of at least 1"),
        (lambda: Dense(2.5), TypeError, "whole number"),
        (lambda: Dense("3"), TypeError, "whole number"),
        (lambda: Dense(3, activation="rellu"), ValueError, "did you mean 'relu'"),
        (lambda: Dense(3, kernel_initializer="unifrm"), ValueError, "did you mean 'uniform'"),
        (lambda: Dense(3, unit=3), TypeError, "unknown argument 'unit'"),
        (lambda: Dense(3, input_dim=0), ValueError, "input_dim of at least 1"),
        (lambda: Dense(3, dtype="float16"), ValueError, "expected a dtype of"),
        (lambda: Dense(3, name=4), TypeError, "name to be a str"),
        (lambda: layers.Dropout(1.5), ValueError, r"rate in \[0, 1\]"),
        (lambda: layers.GaussianNoise(-1), ValueError, "not to be negative"),
        (lambda: layers.Reshape((-1, -1)), ValueError, "at most one -1"),
        (lambda: layers.Permute((1, 3)), ValueError, "a permutation"),
        (lambda: layers.RepeatVector(0), ValueError, "n of at least 1"),
        (lambda: layers.Lambda(3), TypeError, "expected a function"),
        (lambda: layers.Dot((1, 2, 3)), ValueError, "pair"),
        (lambda: layers.Normalization(mean=1.0), ValueError, "both mean and variance"),
        (lambda: layers.ZeroPadding1D(-1), ValueError, "padding of at least 0"),
        (lambda: layers.ZeroPadding1D((1, 2, 3)), ValueError, "a number or a pair as padding"),
        (lambda: layers.ZeroPadding2D(0.5), TypeError, "whole numbers as padding"),
        (lambda: layers.ZeroPadding2D(1, "channels_first"), ValueError, "move the channels"),
        (lambda: layers.Cropping2D((1, 2, 3)), ValueError, "a pair of pairs as cropping"),
        (lambda: layers.UpSampling1D(0), ValueError, "size of at least 1"),
        (lambda: layers.UpSampling2D((1, 2, 3)), ValueError, "a pair of sizes"),
        (lambda: layers.UpSampling2D(interpolation="cubic"), ValueError, "'nearest' or 'bilinear'"),
        (lambda: layers.GroupNormalization(0), ValueError, "groups of at least 1"),
        (lambda: layers.SpatialDropout1D(2.0), ValueError, r"\[SpatialDropout1D\] expected a rate"),
        (lambda: layers.InputLayer(), ValueError, "the shape of one row"),
        (lambda: Input((3,), batch_size=0), ValueError, "batch_size of at least 1, got 0"),
        (lambda: Input("3"), TypeError, "tuple of sizes"),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (Dense(3, input_dim=11), (10, 12), r"\[Dense\] expected input of shape \(batch, 11\), got"),
        (layers.Permute((2, 1)), (3, 2), r"\(batch, any, any\), got \(3, 2\)"),
        (layers.RepeatVector(2), (3, 2, 2), r"\(batch, any\), got \(3, 2, 2\)"),
        (Dense(3), (5,), r"got \((5|batch),\)"),
        (layers.Reshape((4,)), (3, 5), "rows of 4 elements"),
    ],
)
def test_wrong_shapes(layer, shape, message):
    if isinstance(layer, Dense) and layer._declared_shape:
        Sequential([layer])
    with pytest.raises(ValueError, match=message):
        layer(np.zeros(shape, "float32"))


def test_wrong_kinds_of_input():
    with pytest.raises(TypeError, match="dtype complex"):
        Dense(2)(np.zeros((2, 2), complex))
    with pytest.raises(ValueError, match="at least 2 tensors, got one tensor"):
        layers.Add()(rows(2, 2))


def test_add_loss_belongs_into_call():
    with pytest.raises(RuntimeError, match=r"belongs inside call\(\)"):
        Dense(2).add_loss(1.0)


# --- old names


@pytest.mark.parametrize(
    ("make", "new", "value"),
    [
        (lambda: Dense(output_dim=6), "units", 6),
        (lambda: Dense(3, W_regularizer="l2"), "kernel_regularizer", None),
        (lambda: Dense(3, b_regularizer="l2"), "bias_regularizer", None),
        (lambda: Dense(3, init="uniform"), "kernel_initializer", None),
        (lambda: layers.Dropout(p=0.25), "rate", 0.25),
    ],
)
def test_old_names_warn_and_work(make, new, value):
    with pytest.warns(DeprecationWarning, match=f"use '{new}'"):
        layer = make()
    assert getattr(layer, new) is not None
    if value is not None:
        assert getattr(layer, new) == value


def test_an_old_name_beside_its_new_one_is_refused():
    with pytest.raises(TypeError, match="got both 'units' and its old name"):
        Dense(units=3, output_dim=3)


def test_recurrent_layers_of_keras_1():
    old = {
        **{"output_dim": 3, "init": "ones", "inner_init": "zeros"},
        **{"inner_activation": "hard_sigmoid", "dropout_W": 0.5, "dropout_U": 0.25},
        **{"W_regularizer": "l2", "U_regularizer": "l1", "b_regularizer": "l2"},
    }
    with pytest.warns(DeprecationWarning, match="use '"):
        layer = layers.LSTM(**old, input_dim=4, input_length=5, name="lstm")
    new = layers.LSTM(
        3,
        kernel_initializer="ones",
        recurrent_initializer="zeros",
        recurrent_activation="hard_sigmoid",
        dropout=0.5,
        recurrent_dropout=0.25,
        kernel_regularizer="l2",
        recurrent_regularizer="l1",
        bias_regularizer="l2",
        name="lstm",
    )
    assert layer.get_config() == new.get_config()
    assert Sequential([layer]).input_shape == (None, 5, 4)
    assert Sequential([layers.GRU(2, input_dim=4, input_length=None)]).input_shape == (
        None,
        None,
        4,
    )
    with pytest.warns(DeprecationWarning, match="use 'units'"):
        assert layers.SimpleRNN(output_dim=2).get_config()["units"] == 2


# --- configurations

CONFIGURED = [
    Dense(3, "relu", kernel_regularizer="l2", kernel_constraint="non_neg", name="a"),
    layers.Activation("tanh"),
    layers.ReLU(6.0, 0.1, 0.2),
    layers.LeakyReLU(0.1),
    layers.ELU(0.5),
    layers.PReLU(shared_axes=[1]),
    layers.Softmax(axis=1),
    layers.Dropout(0.3, noise_shape=(None, 1)),
    layers.GaussianNoise(0.3),
    layers.GaussianDropout(0.3),
    layers.AlphaDropout(0.3),
    layers.Flatten(),
    layers.Reshape((2, -1)),
    layers.Permute((2, 1)),
    layers.RepeatVector(3),
    layers.Rescaling(0.5, 1.0),
    layers.Concatenate(axis=1),
    layers.Dot(axes=(1, 2), normalize=True),
    layers.Add(),
    layers.Embedding(4, 2),
    layers.Normalization(mean=[1.0], variance=[2.0]),
    layers.BatchNormalization(momentum=0.5),
    layers.LayerNormalization(epsilon=0.1),
    layers.InputLayer((3,)),
    layers.ActivityRegularization(0.1, 0.2),
    layers.SpatialDropout1D(0.3, seed=5),
    layers.SpatialDropout2D(0.3),
    layers.ZeroPadding1D((1, 2)),
    layers.ZeroPadding2D(((1, 2), (3, 4))),
    layers.Cropping1D(2),
    layers.Cropping2D((1, 2)),
    layers.UpSampling1D(3),
    layers.UpSampling2D((2, 3), interpolation="bilinear"),
    layers.GroupNormalization(2),
    layers.UnitNormalization(axis=[1, 2]),
    layers.Identity(),
    layers.Masking(2.0),
]


@pytest.mark.parametrize("layer", CONFIGURED, ids=lambda layer: type(layer).__name__)
def test_a_configuration_makes_the_same_layer(layer):
    config = layer.get_config()
    again = type(layer).from_config(config)
    assert again.get_config() == config


def test_a_lambda_has_no_configuration():
    with pytest.raises(NotImplementedError, match="holds a function"):
        layers.Lambda(ops.square).get_config()


# --- losses of layers


def test_activity_and_weight_regularizers_count():
    x = Input((2,))
    y = Dense(1, kernel_initializer="ones", kernel_regularizer="l2", activity_regularizer="l1")(x)
    model = Model(x, y)
    model.compile("sgd", "mse")
    data = np.ones((4, 2), "float32")
    loss = model.evaluate(data, np.full((4, 1), 2.0), verbose=0)
    # Of the outputs, the mean over rows.
    assert math.isclose(loss, 0.01 * 2 + 0.01 * 2, rel_tol=1e-5)


def test_add_loss_of_something_that_is_no_scalar():
    class Wrong(Layer):
        def call(self, x):
            self.add_loss(x)
            return x

    with pytest.raises(ValueError, match=r"expected add_loss\(\) of a scalar, got shape"):
        Wrong()(rows(2, 2))


def test_a_layer_that_was_built_by_hand_is_not_built_again():
    layer = Dense(1)
    layer.build((None, 2))
    assert layer.built
    kernel = layer.kernel
    layer(rows(3, 2))
    assert layer.kernel is kernel
    assert len(layer.weights) == 2
