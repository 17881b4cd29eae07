"""Compiling takes time in proportion to the graph."""

from __future__ import annotations

import gc
import os
import time

import numpy as np
import pytest

from fastnn import function, grad, ops, placeholder, shared
from fastnn.layers import Dense, Input
from fastnn.models import Model, Sequential


def seconds(layers):
    """Processor time to trace, differentiate, rewrite, lower and bind a chain of layers."""
    start = time.process_time()
    x = placeholder((None, 8))
    h, parameters = x, []
    for _ in range(layers):
        w, b = shared(np.zeros((8, 8), "f")), shared(np.zeros(8, "f"))
        h = ops.relu(h @ w + b)
        parameters += [w, b]
    cost = ops.mean(h)
    slopes = grad(cost, parameters)
    f = function([x], cost, [(p, p - 0.1 * g) for p, g in zip(parameters, slopes, strict=True)])
    f(np.zeros((2, 8), "f"))
    return time.process_time() - start


def test_a_thousand_layers():
    short = min(seconds(250) for _ in range(3))
    long = min(seconds(1000) for _ in range(2))
    if "FASTNN_SANITIZER" not in os.environ:
        assert long < 3.0  # about 0.5 s on an idle machine
    assert long < 10 * short  # four times the graph


def stack(layers):
    model = Sequential([Input((8,))])
    for _ in range(layers):
        model.add(Dense(8, activation="sigmoid"))
    return model


def residual(layers):
    x = Input((8,))
    h = x
    for _ in range(layers):
        h = h + Dense(8, activation="relu")(h) / layers
    return Model(x, h)


@pytest.mark.parametrize("make", [stack, residual])
def test_a_model_of_a_thousand_layers(make):
    def seconds(layers):
        """Processor time to describe, build, compile and take a training step."""
        gc.collect()
        start = time.process_time()
        model = make(layers)
        model.compile("adam", "mse", metrics=["mae"])
        model.train_on_batch(np.zeros((2, 8)), np.zeros((2, 8)))
        return time.process_time() - start

    seconds(10)
    short = min(seconds(250) for _ in range(3))
    long = min(seconds(1000) for _ in range(2))
    if "FASTNN_SANITIZER" not in os.environ:
        assert long < 3.0  # about 0.7 s on an idle machine
    assert long < 10 * short  # four times the layers
