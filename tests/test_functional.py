"""Functional and subclassed models do what Keras's do: names, losses, weights after training."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
import functional_models
from fastnn import layers
from fastnn.layers import Dense, Input
from fastnn.layers._nest import flatten
from fastnn.models import Model, Sequential, clone_model
from figures import read_npz

FIGURES, CASES = read_npz("functional")
BUILDERS = {build.__name__: build for build in functional_models.BUILDERS}


# Keras names the outputs of a subclassed model after their losses, or not at all.
OWN_NAMES = {
    "mse_loss": "output_1_loss",
    "mae_loss": "output_2_loss",
    "mae": "output_1_mae",
    "mse": "output_2_mse",
}


def own_names(case, logs):
    names = OWN_NAMES if case["name"] == "subclassed" else {}
    return {names.get(key, key): value for key, value in logs.items()}


def recorded(case, what):
    return FIGURES[f"{case['name']}_{what}"]


def build(case):
    model, x, y, sample_weight = BUILDERS[case["name"]](fastnn)
    flat, start = recorded(case, "start"), []
    for shape in case["shapes"]:
        size = int(np.prod(shape))
        start.append(flat[:size].reshape(shape))
        flat = flat[size:]
    model.set_weights(start)
    return model, x, y, sample_weight


def ravelled(arrays):
    return np.concatenate([np.ravel(a) for a in arrays])


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_model_does_what_it_does_in_keras(case):
    model, x, y, sample_weight = build(case)
    names = [name.replace("Functional", "Model") for name in case["layers"]]
    assert [type(layer).__name__ for layer in model.layers] == names
    predictions = ravelled(flatten(model.predict(x, verbose=0)))
    np.testing.assert_allclose(predictions, recorded(case, "predictions"), rtol=1e-5, atol=1e-6)
    before = model.evaluate(x, y, sample_weight=sample_weight, verbose=0, return_dict=True)
    assert before == pytest.approx(own_names(case, case["evaluated"]), rel=1e-5, abs=1e-6)
    history = model.fit(
        x,
        y,
        batch_size=int(FIGURES["batch"]),
        epochs=int(FIGURES["epochs"]),
        shuffle=False,
        sample_weight=sample_weight,
        verbose=0,
    )
    expected = own_names(case, case["history"])
    assert history.history.keys() == expected.keys()
    for key, values in expected.items():
        assert history.history[key] == pytest.approx(values, rel=1e-5, abs=1e-6), key
    final = ravelled(model.get_weights())
    np.testing.assert_allclose(final, recorded(case, "final"), rtol=1e-5, atol=1e-6)


def test_every_model_is_recorded():
    assert [case["name"] for case in CASES] == list(BUILDERS)


# --- structure


def test_copies_have_the_structure_and_weights_of_their_own():
    for make in (functional_models.uneven, functional_models.siamese, functional_models.nested):
        model, x, _, _ = make(fastnn)
        copy = clone_model(model)
        assert [layer.name for layer in copy.layers] == [layer.name for layer in model.layers]
        assert not {id(w) for w in copy.weights} & {id(w) for w in model.weights}
        copy.set_weights(model.get_weights())
        for one, other in zip(
            flatten(model.predict(x, verbose=0)), flatten(copy.predict(x, verbose=0)), strict=True
        ):
            np.testing.assert_array_equal(one, other)


def test_copies_with_functions_of_ones_own():
    x = Input((3,))
    h = layers.Lambda(lambda t: 2 * t)(Dense(4, name="wide")(x))
    model = Model(x, Sequential([Dense(2, name="inner")], name="stack")(h))

    def narrower(layer):
        if layer.name != "inner":
            return layer
        return Dense.from_config({**layer.get_config(), "units": 1})

    def noisy(layer, *args, **kwargs):
        return layers.Dropout(0.5)(layer(*args, **kwargs))

    copy = clone_model(model, clone_function=narrower, call_function=noisy, recursive=True)
    assert copy.output_shape == (None, 1)
    assert copy.get_layer("wide") is model.get_layer("wide")
    assert sum(isinstance(layer, layers.Dropout) for layer in copy.layers) == 3
    other = Input((3,), name="other")
    assert clone_model(model, input_tensors=other).input is other
    assert clone_model(Sequential([Dense(2)]), input_tensors=other).input_shape == (None, 3)
    plain = Sequential([Dense(2)])
    assert clone_model(plain).layers[0].units == 2
    assert not clone_model(plain).built


def test_what_cannot_be_copied():
    class Own(Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(ValueError, match="is code"):
        clone_model(Own())
    with pytest.raises(TypeError, match="expected a model"):
        clone_model(Dense(3))
    with pytest.raises(ValueError, match="is for functional models"):
        clone_model(Sequential([Dense(2)]), call_function=lambda layer, x: layer(x))
    with pytest.raises(ValueError, match="expected 2 input_tensors, got 1"):
        clone_model(functional_models.siamese(fastnn)[0], input_tensors=Input((5,)))


def test_shapes_of_outputs():
    assert Dense(3).compute_output_shape((None, 5, 2)) == (None, 5, 3)
    assert layers.Concatenate().compute_output_shape([(None, 2), (None, 3)]) == (None, 5)
    model, *_ = functional_models.by_name(fastnn)
    shapes = model.compute_output_shape({"words": (None, 4), "age": (None, 1)})
    assert shapes == {"score": (None, 2), "flag": (None, 1)}


def test_freezing_reaches_what_is_inside():
    inner = Sequential([Dense(2), layers.BatchNormalization()])
    model = Sequential([Input((3,)), inner, Dense(1)])
    model.trainable = False
    assert not inner.layers[0].trainable
    assert model.trainable_weights == []
    inner.layers[0].trainable = True
    assert inner.trainable_weights == model.trainable_weights == []
    # A frozen layer stays so in another model.
    assert Sequential([Input((2,)), inner.layers[1]]).trainable_weights == []
    model.trainable = True
    assert len(model.trainable_weights) == 6


def test_frozen_normalisation_keeps_its_averages():
    inner = Sequential([Input((2,)), layers.BatchNormalization()])
    inner.trainable = False
    model = Sequential([Input((2,)), inner, Dense(1)])
    model.compile("sgd", "mse")
    before = inner.get_weights()
    model.fit(np.ones((8, 2)), np.ones((8, 1)), verbose=0)
    for one, other in zip(before, inner.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def summary(model, **options):
    lines = []
    model.summary(print_fn=lines.append, **options)
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines[0].splitlines()]


def test_summary_says_what_feeds_what():
    rows = summary(functional_models.uneven(fastnn)[0])
    assert ["short (Dense)", "(None, 3)", "15", "x[0][0]"] in rows
    start = rows.index(["both (Concatenate)", "(None, 9)", "0", "short[0][0],"])
    assert [row[-1] for row in rows[start + 1 : start + 3]] == ["shared[0][0],", "long2[0][0]"]
    chain = summary(Sequential([Dense(2, input_dim=3), Dense(1)]))
    assert all("Connected" not in cell for row in chain for cell in row)


def test_what_is_asked_of_deep_graphs_grows_with_their_depth():
    x = Input((2,))
    h = x
    for number in range(1200):
        h = h + (Dense(2, name=f"layer{number}")(h) if number % 100 == 0 else 1.0)
    model = Model(x, Dense(1, name="out")(h))
    assert model.cap_depth == 13
    rows = summary(model)
    start = next(i for i, row in enumerate(rows) if row[0] == "out (Dense)")
    assert [row[-1] for row in rows[start : start + 3]] == [
        "layer1100[0][0],",
        "layer1000[0][0],",
        "layer900[0][0],",
    ]
    assert clone_model(model).count_params() == model.count_params()
    assert Model.from_config(model.get_config()).count_params() == model.count_params()


def test_summary_of_models_inside():
    model = functional_models.nested(fastnn)[0]
    rows = summary(model, expand_nested=True, show_trainable=True)
    assert ["└ inner_dense (Dense)", "(None, 4)", "16", "-", "N"] in rows
    assert ["free (Sequential)", "(None, 4)", "32", "x[0][0]", "Y"] in rows
    assert ["└ inner_tanh (Activation)", "(None, 4)", "0", "-", "-"] in rows
    assert len(summary(model, layer_range=("free", "fro.*"))) < len(summary(model))
    with pytest.raises(ValueError, match="no layer's name matches 'nobody'"):
        model.summary(layer_range=("nobody", "out"))
    with pytest.raises(ValueError, match="'out' lies behind 'x'"):
        model.summary(layer_range=("out", "x"))


# --- data that do not fit


def test_targets_that_do_not_fit_the_outputs():
    model, x, y, _ = functional_models.deep_outputs(fastnn)
    with pytest.raises(ValueError, match="y differs from the outputs' structure: expected 2"):
        model.fit(x, {"pair": [y["single"]], "single": y["single"]}, verbose=0)
    with pytest.raises(ValueError, match="no place for the key 'triple'"):
        model.fit(x, {"triple": [y["single"]], "single": y["single"]}, verbose=0)
    with pytest.raises(ValueError, match="y lacks the output 'single'"):
        model.fit(x, {"pair": y["pair"]}, verbose=0)
    model.compile("sgd", {"pair": ["mse"]})
    with pytest.raises(ValueError, match="loss differs from the outputs' structure"):
        model.fit(x, y, verbose=0)


def test_inputs_that_do_not_fit_their_structure():
    model, x, y, _ = functional_models.deep_inputs(fastnn)
    with pytest.raises(ValueError, match="x differs from the inputs' structure: expected 2"):
        model.fit({**x, "pair": x["pair"][:1]}, y, verbose=0)
    with pytest.raises(ValueError, match="x lacks the input 'one'"):
        model.predict({"pair": x["pair"]}, verbose=0)
    with pytest.raises(ValueError, match="no place for the key 'two'"):
        model.predict({**x, "two": y}, verbose=0)
    a, b, c = Input((2,)), Input((3,)), Input((1,))
    listed = Model([[a, b], c], layers.Concatenate()([a, b, c]))
    assert listed.predict([x["pair"], x["one"]], verbose=0).shape == (12, 6)


def test_an_output_without_a_loss_may_be_measured_or_left_out():
    model, x, (y,), _ = functional_models.partly_trained(fastnn)
    weights = [w.copy() for w in model.get_weights()]
    h = model.predict(x, verbose=0)[1]
    losses = [model.evaluate(x, given, verbose=0) for given in ([y], [y, None], {"out": y})]
    assert losses[0] == losses[1] == losses[2]
    model.compile("sgd", ["mse", None], metrics=[[], ["mae"]])
    with pytest.raises(ValueError, match="y lacks the output 'h'"):
        model.evaluate(x, {"out": y}, verbose=0)
    logs = model.evaluate(x, [y, h], verbose=0, return_dict=True)
    assert logs.keys() == {"loss", "h_mae"}
    assert logs["h_mae"] < 1e-6
    assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))
