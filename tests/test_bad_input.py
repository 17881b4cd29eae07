"""Bad input: each raises the right exception before any work, and leaves the model as it was."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn.layers import Concatenate, Dense, Embedding, Flatten, Input
from fastnn.losses import BinaryCrossentropy, SparseCategoricalCrossentropy
from fastnn.models import Model, Sequential
from fastnn.utils import set_random_seed, to_categorical

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
Y = (X[:, 0] > 0).astype("float32")


def with_value(array, index, value):
    array = np.array(array, dtype="float64")
    array[index] = value
    return array


def network(units=1, activation="sigmoid", loss="binary_crossentropy", **kwargs):
    set_random_seed(0)
    model = Sequential([Dense(units, activation=activation, input_dim=3)])
    model.compile("adam", loss, **kwargs)
    return model


BAD_FOR_FIT = {
    "too many features": ({"x": X[:, [0, 1, 2, 0]]}, ValueError, r"\(batch, 3\), got \(20, 4\)"),
    "too few features": ({"x": X[:, :2]}, ValueError, r"\(batch, 3\), got \(20, 2\)"),
    "one row, flat": ({"x": X[0]}, ValueError, r"\(batch, 3\), got \(3,\)"),
    "a number": ({"x": 3.0}, ValueError, "got a single number"),
    "nothing": ({"x": None}, ValueError, "got None"),
    "objects": ({"x": X.astype(object)}, TypeError, r"dtype object: all are numbers, astype"),
    "a word": ({"x": [["a", "b", "c"]] * 20}, TypeError, "dtype <U1: make numbers of it first"),
    "complex": ({"x": X.astype(complex)}, TypeError, "dtype complex128"),
    "dates": ({"x": np.zeros((20, 3), "datetime64[s]")}, TypeError, "dtype datetime64"),
    "masked": ({"x": np.ma.masked_array(X, X > 0)}, TypeError, "masked"),
    "ragged": ({"x": [[1.0, 2.0, 3.0], [1.0]]}, ValueError, "rows of different lengths"),
    "NaN in x": ({"x": with_value(X, (7, 2), np.nan)}, ValueError, r"x\[7, 2\] is NaN"),
    "inf in x": ({"x": with_value(X, (0, 1), -np.inf)}, ValueError, r"x\[0, 1\] is infinite"),
    "NaN in y": ({"y": with_value(Y, 3, np.nan)}, ValueError, r"y\[3\] is NaN"),
    "NaN in weights": (
        {"sample_weight": with_value(Y, 5, np.nan)},
        ValueError,
        r"sample_weight\[5\] is NaN",
    ),
    "NaN in a list": ({"y": [0.0, float("nan")] * 10}, ValueError, r"y\[1\] is NaN"),
    "a list too short": ({"y": [0.0] * 19}, ValueError, "got 19 and 20"),
    "y too short": ({"y": Y[:19]}, ValueError, "as many rows in y as in x, got 19 and 20"),
    "weights too short": ({"sample_weight": Y[:19]}, ValueError, "rows in sample_weight"),
    "empty": ({"x": X[:0], "y": Y[:0]}, ValueError, "x is empty"),
    "no features": ({"x": X[:, :0]}, ValueError, r"got \(20, 0\)"),
    "batch_size 0": ({"batch_size": 0}, ValueError, "batch_size of at least 1, got 0"),
    "batch_size -1": ({"batch_size": -1}, ValueError, "batch_size of at least 1"),
    "batch_size 2.5": ({"batch_size": 2.5}, TypeError, "batch_size to be a whole number"),
    "epochs 0": ({"epochs": 0}, ValueError, "epochs of at least 1"),
    "labels above 1": ({"y": Y + 1}, ValueError, r"between 0 and 1 .* got 2.0 at y\[\d+\]"),
    "labels below 0": ({"y": Y * 2 - 1}, ValueError, r"got -1.0 at y\[\d+\]"),
    "y of another width": ({"y": np.stack([Y, Y], 1)}, ValueError, r"\(batch, 1\), got \(20, 2\)"),
    "no y": ({"y": None}, ValueError, "needs targets, got y=None"),
    "y of strings": ({"y": np.array(["yes"] * 20)}, TypeError, "y: expected an array of numbers"),
    "verbose 3": ({"verbose": 3}, ValueError, "expected verbose"),
    "split of 1": ({"validation_split": 1.0}, ValueError, "between 0 and 1"),
    "split that empties": ({"validation_split": 0.99}, ValueError, "none to train on"),
    "validation data": ({"validation_data": X}, ValueError, "validation_data as"),
    "bad validation": ({"validation_data": (X[:, :2], Y)}, ValueError, r"got \(20, 2\)"),
    "two arrays": ({"x": [X, X]}, ValueError, "expected 1 input"),
    "unknown name": ({"x": {"xx": X}}, ValueError, "names an input 'xx'"),
    "steps 0": ({"steps_per_epoch": 0}, ValueError, "at least 1"),
    "class weight name": ({"class_weight": {"yes": 2.0}}, ValueError, "class numbers"),
    "class weights": ({"class_weight": [1.0, 2.0]}, TypeError, "class_weight as a dict"),
    "misspelt": ({"batchsize": 3}, TypeError, "'batchsize' .did you mean 'batch_size'"),
    "class weight NaN": ({"class_weight": {0: np.nan}}, ValueError, "is nan"),
}


@pytest.mark.parametrize("case", BAD_FOR_FIT)
def test_fit_refuses(case):
    given, error, message = BAD_FOR_FIT[case]
    model = network()
    model.fit(X, Y, verbose=0)
    before = model.get_weights()
    with pytest.raises(error, match=message):
        model.fit(**{"x": X, "y": Y, "verbose": 0, **given})
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    model.fit(X, Y, verbose=0)


@pytest.mark.parametrize("case", BAD_FOR_FIT)
def test_an_unbuilt_model_refuses_too(case):
    given, error, _ = BAD_FOR_FIT[case]
    if case in (
        "too many features",
        "too few features",
        "no features",
        "unknown name",
        "two arrays",
        "one row, flat",
    ):
        pytest.skip("nothing is known of the input yet")
    model = Sequential([Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy")
    with pytest.raises(error):
        model.fit(**{"x": X, "y": Y, "verbose": 0, **given})
    model.fit(X, Y, verbose=0)


PREDICT = ["too many features", "one row, flat", "objects", "a word", "complex", "NaN in x",
           "inf in x", "nothing", "ragged", "two arrays", "unknown name"]  # fmt: skip


@pytest.mark.parametrize("case", PREDICT)
@pytest.mark.parametrize("method", ["predict", "predict_on_batch", "evaluate", "train_on_batch"])
def test_the_other_methods_refuse_the_same(case, method):
    given, error, message = BAD_FOR_FIT[case]
    model = network()
    targets = [Y] if method in ("evaluate", "train_on_batch") else []
    with pytest.raises(error, match=message):
        getattr(model, method)(given["x"], *targets)


def test_predict_on_batch_refuses_an_empty_batch():
    with pytest.raises(ValueError, match="is empty"):
        network().predict_on_batch(X[:0])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 3], r"from 0 to 2 .* got 3 at y\[2\]"),
        ([0, -1, 1], r"got -1 at y\[1\]"),
        ([0, 1.5, 1], r"got 1.5 at y\[1\]"),
        ([0, np.nan, 1], r"y\[1\] is NaN"),
    ],
)
def test_sparse_labels_outside_the_classes(labels, message):
    model = network(3, "softmax", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=message):
        model.fit(X[:3], np.array(labels), verbose=0)
    model.fit(X[:3], np.array([1, 1, 1]), verbose=0)


def test_class_numbers_for_a_categorical_loss():
    model = network(3, "softmax", "categorical_crossentropy")
    with pytest.raises(ValueError, match="'sparse_categorical_crossentropy', or"):
        model.fit(X, np.zeros(20, int), verbose=0)
    model.fit(X, to_categorical(np.zeros(20, int), 3), verbose=0)
    with pytest.raises(ValueError, match=r"\(batch, 3\), got \(20, 2\)"):
        model.fit(X, np.zeros((20, 2)), verbose=0)


def test_targets_that_were_refused_leave_no_trace():
    labels = np.arange(20) % 3
    model = network(3, "softmax", "categorical_crossentropy", metrics=["accuracy"])
    with pytest.raises(ValueError, match="'sparse_categorical_crossentropy', or"):
        model.fit(X, labels, verbose=0)
    _, accuracy = model.evaluate(X, to_categorical(labels), verbose=0)
    assert accuracy == pytest.approx((model.predict(X, verbose=0).argmax(1) == labels).mean())


def test_batch_size_0_is_refused_everywhere():
    model = network()
    for method in (lambda: model.predict(X, batch_size=0), lambda: model.evaluate(X, Y, 0)):
        with pytest.raises(ValueError, match="batch_size of at least 1"):
            method()


def test_check_finite_can_be_skipped():
    bad = with_value(X, (0, 0), np.nan)
    model = network()
    assert np.isnan(model.predict(bad, verbose=0, check_finite=False)[0, 0])
    assert np.isnan(model.evaluate(bad, Y, verbose=0, check_finite=False))
    model.fit(bad, Y, verbose=0, check_finite=False)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"optimizer": "adm"}, "did you mean 'adam'"),
        ({"loss": "binary_crossentrpy"}, "did you mean 'binary_crossentropy'"),
        ({"loss": "mse", "metrics": ["acuracy"]}, "did you mean 'accuracy'"),
        ({"loss": "mse", "weighted_metrics": ["aucc"]}, "unknown metric 'aucc'"),
    ],
)
def test_unknown_names(given, message):
    with pytest.raises(ValueError, match=message):
        network().compile(**given)


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_a_model_that_is_not_compiled(method):
    model = Sequential([Dense(1, input_dim=3)])
    with pytest.raises(RuntimeError, match=r"is not compiled: call compile\(\)"):
        getattr(model, method)(X, Y)
    assert model.predict(X, verbose=0).shape == (20, 1)


@pytest.mark.parametrize("method", ["fit", "predict", "predict_on_batch"])
def test_a_model_without_layers(method):
    model = Sequential()
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="no layers yet"):
        getattr(model, method)(X, *([Y] if method == "fit" else []))


@pytest.mark.parametrize("units", [2**31, 2**33, 2**62])
def test_a_layer_too_large_to_exist(units):
    with pytest.raises((ValueError, MemoryError)):
        Sequential([Dense(units, input_dim=2**20)])


def test_batches_are_checked_before_their_update():
    model = network()

    def batches():
        yield X[:5], Y[:5]
        yield X[5:10, :2], Y[5:10]

    with pytest.raises(ValueError, match=r"\(batch, 3\), got \(5, 2\)"):
        model.fit(batches(), verbose=0)
    assert all(np.isfinite(w).all() for w in model.get_weights())
    with pytest.raises(ValueError, match="inside the batches"):
        model.fit(batches(), Y, verbose=0)
    with pytest.raises(ValueError, match="leave it out"):
        model.fit(batches(), batch_size=4, verbose=0)


def test_logits_of_any_size_and_a_learning_rate_of_any_size():
    model = network()
    model.fit(X * 1e38, Y, verbose=0)
    model.optimizer.learning_rate = 1e30
    model.fit(X, Y, epochs=3, verbose=0)


def test_one_class_only():
    network().fit(X, np.zeros(20), verbose=0)


def test_predict_names_what_is_not_finite_in_a_few_rows():
    model = network()
    few = X[:5].astype("float32")
    model.predict(few, verbose=0)  # the short way from now on
    with pytest.raises(ValueError, match=r"x\[2, 1\] is NaN"):
        model.predict(with_value(few, (2, 1), np.nan), verbose=0)


def test_what_is_not_finite_among_many_rows_is_named_by_predict():
    model = Sequential([Dense(3, input_dim=4)])
    x = np.zeros((2000, 4), np.float32)
    x[1500, 2] = np.nan
    with pytest.raises(ValueError, match=r"\[1500, 2\]"):
        model.predict(x, verbose=0)
    assert np.isnan(model.predict(x, verbose=0, check_finite=False)[1500]).all()
    # A number that float32 has no room for is no NaN of the user's.
    wide = x.astype(np.float64)
    wide[1500, 2] = 1e300
    assert model.predict(wide, verbose=0).shape == (2000, 3)


# --- indices


def words():
    return Sequential([Embedding(10, 3), Flatten(), Dense(1)])


@pytest.mark.parametrize("method", ["predict", "predict_on_batch", "evaluate", "fit"])
@pytest.mark.parametrize("wrong", [-1, 10, 2**40])
def test_indices_outside_of_an_embedding_are_named(method, wrong):
    model = words()
    model.compile("sgd", "mse")
    x = np.arange(20).reshape(4, 5) % 10
    model.fit(x, np.ones(4), verbose=0)
    model.predict(x, verbose=0)  # the short way from now on
    x[2, 3] = wrong
    targets = [np.ones(4)] if method in ("evaluate", "fit") else []
    with pytest.raises(IndexError, match=rf"from 0 to 9 .input_dim=10., got {wrong} at x\[2, 3\]"):
        getattr(model, method)(x, *targets)


def test_indices_of_several_inputs_are_named():
    a, b = Input((2,), name="a"), Input((2,), name="b", dtype="int32")
    table = Embedding(4, 2)
    model = Model([a, b], Dense(1)(Flatten()(Concatenate()([table(a), table(b)]))))
    good = np.array([[0, 3]])
    with pytest.raises(IndexError, match=r"got 4 at x\[1\]\[0, 1\]"):
        model.predict([good, good + 1], verbose=0)


# --- losses that do not go with the last layer


@pytest.mark.parametrize(
    ("units", "activation", "loss", "message"),
    [
        (3, None, "sparse_categorical_crossentropy", "'dense.*' has no activation.*'softmax'"),
        (1, "relu", "binary_crossentropy", "the activation 'relu'.*'sigmoid'"),
        (1, "softmax", "mse", "always 1: use a sigmoid"),
        (1, "sigmoid", BinaryCrossentropy(from_logits=True), "comes from a sigmoid: leave out"),
    ],
)
def test_a_loss_that_does_not_go_with_the_last_layer_is_warned_of(units, activation, loss, message):
    model = network(units, activation, loss)
    with pytest.warns(UserWarning, match=message):
        model.fit(X, Y, verbose=0)


@pytest.mark.parametrize(
    ("units", "activation", "loss"),
    [
        (1, None, BinaryCrossentropy(from_logits=True)),
        (3, None, SparseCategoricalCrossentropy(from_logits=True)),
        (3, "softmax", "sparse_categorical_crossentropy"),
        (1, "hard_sigmoid", "binary_crossentropy"),
        (1, "exponential", "poisson"),
        (1, None, "mse"),
    ],
)
def test_a_loss_that_goes_with_the_last_layer_is_not(units, activation, loss):
    network(units, activation, loss).fit(X, Y, verbose=0, validation_split=0.5)


# --- names


def test_names_that_older_versions_of_keras_had_say_what_to_use():
    model = network()
    with pytest.raises(AttributeError, match=r"predict_classes.*predict\(x\) > 0.5"):
        model.predict_classes(X)
    with pytest.raises(AttributeError, match=r"no attribute 'foo'$"):
        model.foo  # noqa: B018
    with pytest.raises(AttributeError, match="no symbolic inputs and outputs"):
        Sequential([Dense(3)]).inputs  # noqa: B018
    assert not hasattr(model, "fit_generator")


def test_a_misspelt_argument_of_a_layer_is_named_beside_the_one_meant():
    with pytest.raises(TypeError, match=r"'activaton' .did you mean 'activation'"):
        Dense(3, activaton="relu")
    with pytest.raises(TypeError, match=r"compile\(\) got .*'optimiser' .did you mean 'optimizer'"):
        network().compile(optimiser="adam")
