"""Masks: from the layers that make them to those that use them, to losses and metrics."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import fastnn
from fastnn import layers, losses, ops
from fastnn._tensor import mask_of
from fastnn.layers import Dense, Embedding, Input, Layer, Masking
from fastnn.losses._base import reduce_weighted
from fastnn.models import Model, Sequential
from figures import label, read_json

INPUTS, CASES = read_json("masks")


class Seen(Layer):
    """Gives the mask that reaches it, as numbers; -1 where there is none."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        if mask is None:
            return ops.zeros_like(inputs[..., 0]) - 1.0
        return ops.cast(mask, inputs.dtype)


def steps(*lengths, width=2, time=4):
    """Rows of so many steps of ones, then zeros."""
    x = np.zeros((len(lengths), time, width), "float32")
    for row, length in enumerate(lengths):
        x[row, :length] = 1.0
    return x


MASK = np.array([[1, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]], "float32")
X = steps(3, 1, 0)


# --- where masks come from and where they go


def test_masking_zeroes_the_steps_that_it_leaves_out():
    x = np.array([[[2.0, 2.0], [2.0, 1.0]]], "float32")
    np.testing.assert_array_equal(Masking(2.0)(x), [[[0.0, 0.0], [2.0, 1.0]]])
    assert Masking.from_config(Masking(2.0).get_config()).mask_value == 2.0


def test_embedding_masks_index_zero():
    layer, ids = Embedding(5, 2, mask_zero=True), np.array([[3, 0, 1]])
    np.testing.assert_array_equal(layer.compute_mask(ids), [[True, False, True]])
    assert layer.get_config()["mask_zero"] is True
    assert Embedding(5, 2).compute_mask(ids) is None
    model = Sequential([layer, Seen()])
    np.testing.assert_array_equal(model.predict(ids, verbose=0), [[1.0, 0.0, 1.0]])


THROUGH = [
    layers.Dense(3),
    layers.Activation("tanh"),
    layers.ReLU(),
    layers.LeakyReLU(),
    layers.ELU(),
    layers.PReLU(),
    layers.Dropout(0.5),
    layers.GaussianNoise(0.5),
    layers.GaussianDropout(0.5),
    layers.AlphaDropout(0.5),
    layers.BatchNormalization(),
    layers.LayerNormalization(),
    layers.Rescaling(2.0),
    layers.Normalization(),
    Sequential([Dense(3)]),
]


@pytest.mark.parametrize("layer", THROUGH, ids=lambda layer: type(layer).__name__)
def test_layers_hand_masks_on(layer):
    model = Sequential([Masking(), layer, Seen()])
    np.testing.assert_array_equal(model.predict(X, verbose=0), MASK)


DROPPING = [layers.Flatten(), layers.Reshape((2, 4)), layers.Permute((2, 1))]


@pytest.mark.parametrize("layer", DROPPING, ids=lambda layer: type(layer).__name__)
def test_layers_that_move_steps_drop_masks_with_a_warning(layer):
    with pytest.warns(UserWarning, match=f"{layer.name}.* drops the mask"):
        tensor = layer(Masking()(Input((4, 2))))
    assert mask_of(tensor) is None


def test_operations_drop_masks():
    tensor = Masking()(Input((4, 2)))
    assert mask_of(tensor) is not None
    assert mask_of(tensor * 1.0) is None


def test_a_layer_that_casts_its_input_keeps_its_mask():
    model = Sequential([Masking(), Dense(2, dtype="float64"), Seen(dtype="float64")])
    np.testing.assert_array_equal(model.predict(X, verbose=0), MASK)


def test_masks_reach_shared_layers_and_nested_models():
    x = Input((4, 2))
    inner_x = Input((4, 2))
    inner = Model(inner_x, Seen()(Dense(2)(inner_x)))
    nested = Sequential([inner])
    model = Model(x, [nested(Masking()(x)), nested(x)])
    masked, plain = model.predict(X, verbose=0)
    np.testing.assert_array_equal(masked, MASK)
    np.testing.assert_array_equal(plain, np.full((3, 4), -1.0))


def test_masks_pass_through_subclassed_models():
    class Tagger(Model):
        def __init__(self):
            super().__init__()
            self.embed, self.seen = Embedding(9, 2, mask_zero=True), Seen()

        def call(self, inputs):
            return self.seen(self.embed(inputs))

    ids = np.array([[1, 0], [0, 2]])
    np.testing.assert_array_equal(Tagger().predict(ids, verbose=0), ids > 0)


def test_a_mask_can_be_given():
    given = np.array([[True, False]])
    np.testing.assert_array_equal(Seen()(np.ones((1, 2, 3), "float32"), mask=given), [[1.0, 0.0]])
    listed = Seen()(np.ones((1, 2, 3), "float32"), mask=[[0, 1]])
    np.testing.assert_array_equal(listed, [[0.0, 1.0]])
    model = Sequential([Dense(2), Seen()])
    np.testing.assert_array_equal(model(np.ones((1, 2, 3), "float32"), mask=given), [[1.0, 0.0]])
    x, mask = Input((2, 3)), Input((2,), dtype="bool")
    functional = Model([x, mask], Seen()(x, mask=mask))
    got = functional.predict([np.ones((1, 2, 3)), given], verbose=0)
    np.testing.assert_array_equal(got, [[1.0, 0.0]])
    with pytest.raises(TypeError, match=r"\[Seen\] expected mask to be a tensor"):
        Seen()(Input((2, 3)), mask=3)


def test_with_several_tensors_each_argument_has_its_mask():
    class Two(Layer):
        def call(self, query, key, query_mask=None, key_mask=None, mask=None):
            assert mask is None
            assert query_mask is None
            return ops.cast(key_mask, "float32")

    x = Input((4, 2))
    model = Model(x, Two()(x, Masking()(x)))
    np.testing.assert_array_equal(model.predict(X, verbose=0), MASK)


def test_layers_of_ones_own_compute_masks():
    class Halved(Layer):
        def call(self, inputs):
            return inputs[:, ::2]

        def compute_mask(self, inputs, mask=None):
            return None if mask is None else mask[:, ::2]

    assert Halved().supports_masking
    model = Sequential([Masking(), Halved(), Seen()])
    np.testing.assert_array_equal(model.predict(X, verbose=0), MASK[:, ::2])


def test_lambda_takes_and_gives_masks():
    model = Sequential(
        [
            Masking(),
            layers.Lambda(lambda x, mask: x, mask=lambda x, mask: ops.logical_not(mask)),
            Seen(),
        ]
    )
    # The function hands its input on, which has a mask already.
    np.testing.assert_array_equal(model.predict(X, verbose=0), MASK)
    model = Sequential(
        [Masking(), layers.Lambda(lambda x: 2 * x, mask=lambda x, m: ops.logical_not(m)), Seen()]
    )
    np.testing.assert_array_equal(model.predict(X, verbose=0), 1 - MASK)


# --- layers that use masks


@pytest.mark.parametrize("name", ["Add", "Subtract", "Average", "Multiply", "Maximum", "Minimum"])
def test_merging_layers_let_through_what_any_mask_does(name):
    a, b = Input((4, 2)), Input((4, 2))
    both = getattr(layers, name)()([Masking()(a), Masking()(b)])
    one = getattr(layers, name)()([Masking()(a), b])
    assert mask_of(one) is None
    model = Model([a, b], Seen()(both))
    got = model.predict([X, steps(0, 2, 0)], verbose=0)
    np.testing.assert_array_equal(got, [[1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]])


def test_concatenate_joins_masks():
    a, b = Input((4, 2)), Input((4, 2))
    behind = layers.Concatenate(axis=1)([Masking()(a), b])
    beside = layers.Concatenate()([Masking()(a), Masking()(b)])
    model = Model([a, b], [Seen()(behind), Seen()(beside)])
    other = steps(0, 2, 0)
    got = model.predict([X, other], verbose=0)
    np.testing.assert_array_equal(got[0], np.concatenate([MASK, np.ones((3, 4))], 1))
    np.testing.assert_array_equal(got[1], [[1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]])


def test_masks_of_merging_layers_are_checked():
    x = np.ones((2, 4, 2), "float32")
    with pytest.raises(ValueError, match=r"\[Add\] expected a list of 2 masks.*got 1"):
        layers.Add().compute_mask([x, x], [np.ones((2, 4), bool)])
    assert layers.Dot(axes=1).compute_mask([x, x], [None, None]) is None


def test_softmax_gives_masked_elements_no_probability():
    x = np.array([[1.0, 2.0, 1.0], [5.0, 5.0, 5.0]], "float32")
    got = layers.Softmax()(x, mask=np.array([[True, True, False], [False, False, False]]))
    e = np.exp(1.0)
    np.testing.assert_allclose(got, [[1 / (1 + e), e / (1 + e), 0], [0, 0, 0]], rtol=1e-6)
    with pytest.raises(ValueError, match="a mask that broadcasts"):
        layers.Softmax()(x, mask=np.ones((2, 2), bool))


def test_batch_normalization_takes_its_moments_from_steps_that_count():
    x = np.random.default_rng(0).normal(size=(3, 4, 2)).astype("float32")
    x[MASK == 0] = 0.0
    layer = layers.BatchNormalization(momentum=0.0)
    model = Sequential([Masking(), layer])
    model.compile("sgd", "mse")
    model.fit(x, x, batch_size=3, verbose=0)
    kept = x[MASK == 1]
    np.testing.assert_allclose(layer.moving_mean.get_value(), kept.mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance.get_value(), kept.var(0), rtol=1e-5)
    with pytest.raises(ValueError, match="expected a mask of 2 axes"):
        layer(x, mask=np.ones((3,), bool))


# --- losses and metrics

CLASS_OF = {
    "mean_squared_error": losses.MeanSquaredError,
    "mean_absolute_error": losses.MeanAbsoluteError,
    "binary_crossentropy": losses.BinaryCrossentropy,
    "categorical_crossentropy": losses.CategoricalCrossentropy,
    "sparse_categorical_crossentropy": losses.SparseCategoricalCrossentropy,
}


def recorded_model(case):
    kernel = np.array(INPUTS["kernel"])
    model = Sequential(
        [
            Input(np.shape(INPUTS["x"])[1:], dtype="float64"),
            Masking(dtype="float64"),
            Dense(kernel.shape[1], activation=case["activation"], dtype="float64"),
        ]
    )
    model.set_weights([kernel, INPUTS["bias"]])
    metrics = [case["loss"], "accuracy"]
    loss = CLASS_OF[case["loss"]](reduction=case["reduction"])
    model.compile("sgd", loss, metrics=metrics, weighted_metrics=metrics)
    return model


@pytest.mark.parametrize(
    "case", CASES, ids=[label(c, "loss", "reduction", "weights") for c in CASES]
)
def test_losses_and_metrics_divide_as_keras_does(case):
    model = recorded_model(case)
    weight = None if case["weights"] is None else np.array(INPUTS[case["weights"]])
    x, y = np.array(INPUTS["x"]), np.array(INPUTS[case["targets"]])
    logs = model.test_on_batch(x, y, weight, return_dict=True)
    assert logs.keys() == case["logs"].keys()
    for name, expected in case["logs"].items():
        assert logs[name] == pytest.approx(expected, rel=1e-6, abs=1e-7), name


def test_training_sees_masks_too():
    x, y = X, np.ones((3, 4, 1), "float32")
    model = Sequential([Masking(), Dense(1, kernel_initializer="zeros")])
    model.compile(fastnn.optimizers.SGD(0.0), "mse", metrics=["mse"])
    history = model.fit(x, y, verbose=0)
    assert history.history["loss"] == history.history["mse"] == [1.0]
    weight = np.array([[2.0], [0.0], [5.0]])
    model.reset_metrics()
    # 3 steps of weight 2, over the 4 that count.
    assert model.train_on_batch(x, y, weight) == pytest.approx([1.5, 1.0])


def test_a_weight_a_row_weighs_its_steps():
    values, mask = np.ones((3, 4)), MASK.astype(bool)
    weight = np.array([2.0, 0.0, 5.0])
    assert float(reduce_weighted(values, weight, mask, "sum_over_batch_size")) == 1.5
    with pytest.raises(ValueError, match="an axis behind that of the steps"):
        reduce_weighted(np.ones(3), None, mask, "sum")


def test_predictions_without_a_step_that_counts_cost_nothing():
    model = Sequential([Masking(), Dense(1, bias_initializer="ones")])
    model.compile("sgd", "mse", metrics=["mse"])
    assert model.evaluate(steps(0, 0), np.zeros((2, 4, 1)), verbose=0) == [0.0, 0.0]


def test_masks_do_not_warn_by_themselves():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Sequential([Masking(), Dense(2), Dense(1)]).predict(X, verbose=0)
