"""Models, layers, optimizers and metrics are pickled and copied, and go on as they were."""

from __future__ import annotations

import copy
import pickle
import threading

import numpy as np
import pytest

import fastnn
import functional_models
from fastnn import layers, ops
from fastnn.callbacks import LambdaCallback
from fastnn.layers import Dense, Input
from fastnn.layers._nest import flatten
from fastnn.models import Model, Sequential

WAYS = {"pickle": lambda thing: pickle.loads(pickle.dumps(thing)), "copy": copy.deepcopy}


@pytest.fixture(params=WAYS)
def again(request):
    return WAYS[request.param]


class Own(Model):
    """Of this module, so that it can be pickled."""

    def __init__(self):
        super().__init__()
        self.hidden = Dense(4, activation="tanh")
        self.outs = {"out": Dense(1)}

    def call(self, inputs):
        return self.outs["out"](self.hidden(inputs))


def doubled(x):
    return 2 * x


BUILDERS = [b for b in functional_models.BUILDERS if b is not functional_models.subclassed]


@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
def test_a_model_goes_on_as_it_was(build, again):
    model, x, y, weight = build(fastnn)
    options = {"sample_weight": weight, "verbose": 0, "shuffle": False, "batch_size": 5}
    model.fit(x, y, **options)
    other = again(model)
    assert [layer.name for layer in other.layers] == [layer.name for layer in model.layers]
    assert not {id(w) for w in other.weights} & {id(w) for w in model.weights}
    predictions = [flatten(m.predict(x, verbose=0)) for m in (model, other)]
    for one, two in zip(*predictions, strict=True):
        np.testing.assert_array_equal(one, two)
    histories = [m.fit(x, y, epochs=2, **options).history for m in (model, other)]
    assert histories[0] == histories[1]
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_optimizers_state_comes_along(again):
    model = Sequential([Dense(3, input_dim=2), Dense(1)])
    adam = fastnn.optimizers.AdamW(0.01, use_ema=True, clipnorm=1.0)
    adam.exclude_from_weight_decay([model.weights[1]])
    model.compile(adam, "mse", metrics=[fastnn.metrics.RootMeanSquaredError()])
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(32, 2)), rng.normal(size=(32, 1))
    model.fit(x, y, epochs=3, verbose=0)
    other = again(model)
    for each in (model, other):
        each.fit(x, y, epochs=3, shuffle=False, verbose=0)
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert int(other.optimizer.iterations) == 6


def test_subclassed_and_unbuilt_models(again):
    model, x = Own(), np.ones((3, 2), "float32")
    model(x)
    np.testing.assert_array_equal(again(model)(x), model(x))
    fresh = again(Sequential([Dense(2), layers.Dropout(0.5)]))
    assert not fresh.built
    assert fresh(x).shape == (3, 2)


def test_layers_and_variables(again):
    x = np.ones((2, 3), "float32")
    layer = Dense(4, "relu", kernel_regularizer="l2", kernel_constraint="max_norm")
    layer(x)
    layer.trainable = False
    other = again(layer)
    np.testing.assert_array_equal(other(x), layer(x))
    assert not other.trainable
    assert other.weights[0].constraint.max_value == layer.weights[0].constraint.max_value
    assert len(other.losses) == len(layer.losses)
    variable = again(fastnn.shared(np.arange(3), "counts", "state"))
    assert (variable.name, variable.role, variable.dtype) == ("counts", "state", "int64")
    np.testing.assert_array_equal(variable.get_value(), [0, 1, 2])


def test_functions_go_by_reference(again):
    x = Input((2,))
    model = Model(x, layers.Lambda(doubled)(ops.concatenate([x, x[:, ::-1]], axis=1)))
    data = np.array([[1.0, 2.0]], "float32")
    np.testing.assert_array_equal(again(model)(data), [[2.0, 4.0, 4.0, 2.0]])
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(Sequential([layers.Lambda(lambda x: x)]))


def test_operations_between_layers(again):
    x = Input((4, 3))
    rows = ops.mean(x, axis=1) + np.arange(3.0)
    wide = ops.reshape(x[:, 1:], (-1, 9)) * 0.5
    flat = ops.pad(ops.concatenate([rows, wide], axis=1), ((0, 0), (1, 2)), constant_values=7.0)
    model = Model(x, ops.where(flat > 0, flat, ops.leaky_relu(flat, 0.1)))
    model.add_loss(ops.sum(ops.square(rows)))
    data = np.random.default_rng(0).normal(size=(5, 4, 3)).astype("float32")
    other = again(model)
    np.testing.assert_array_equal(other(data), model(data))
    assert len(other._symbolic_losses) == 1


def test_a_deep_model_does_not_exhaust_the_stack(again):
    x = Input((2,))
    h = x
    for _ in range(400):
        h = h + Dense(2)(h) / 1000
    model, data = Model(x, h), np.ones((1, 2), "float32")
    np.testing.assert_array_equal(again(model)(data), model(data))


def test_metrics_and_losses(again):
    metric = fastnn.metrics.AUC()
    metric.update_state([0, 1, 1], [0.2, 0.3, 0.9])
    other = again(metric)
    assert other.result() == metric.result()
    other.update_state([1], [0.1])
    assert other.result() != metric.result()
    loss = again(fastnn.losses.Huber(delta=2.0))
    assert loss([[0.0]], [[5.0]]) == fastnn.losses.Huber(delta=2.0)([[0.0]], [[5.0]])


def test_what_cannot_be_pickled(again):
    x = Input((3,))
    with pytest.raises(TypeError, match="belongs to a graph"):
        again(x)


def test_in_training_a_callback_may_copy_the_model_and_another_thread_may_not(again):
    copies, errors = [], []

    def from_outside():
        with pytest.raises(RuntimeError, match="is in training") as error:
            again(model)
        errors.append(error)

    def at_end(epoch, logs):
        copies.append(again(model))
        thread = threading.Thread(target=from_outside)
        thread.start()
        thread.join()

    model = Sequential([Dense(1, input_dim=2)])
    model.compile("sgd", "mse")
    callback = LambdaCallback(on_epoch_end=at_end)
    model.fit(np.ones((4, 2)), np.ones(4), verbose=0, callbacks=[callback])
    np.testing.assert_array_equal(copies[0].get_weights()[0], model.get_weights()[0])
    assert len(errors) == 1
