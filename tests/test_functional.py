"""Functional and subclassed models do what Keras's do: names, losses, weights after training."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
import functional_models
from fastnn.layers._nest import flatten
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
