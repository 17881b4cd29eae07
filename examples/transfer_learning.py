"""Transfer learning: what was learned of the digits 0 to 4 helps with 5 to 9.

A convolutional network learns the digits 0 to 4. Its convolutions are kept and frozen, its head is
replaced, and the new head learns 5 to 9; at last everything is trained a little more, at a tenth of
the rate. The same network from scratch sees the same digits for as long.

    python examples/transfer_learning.py                scikit-learn's digits: seconds
    python examples/transfer_learning.py mnist          MNIST: minutes
    python examples/transfer_learning.py mnist FOLDER   MNIST's files are there
"""

import sys

import numpy as np

import fastnn
from fastnn.datasets import digits, mnist
from fastnn.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from fastnn.models import Sequential

if sys.argv[1:2] == ["mnist"]:
    (x, y), (x_test, y_test) = mnist.load_data(*sys.argv[2:])
    settings = {"batch_size": 128, "epochs": 5}
    brightest = 255
else:
    (x, y), (x_test, y_test) = digits.load_data()
    settings = {"batch_size": 16, "epochs": 15}
    brightest = 16
x, x_test = (images[..., None].astype(np.float32) / brightest for images in (x, x_test))


def convolutions():
    """The part that sees strokes and corners, whichever digit they are of."""
    return Sequential(
        [
            fastnn.Input(x.shape[1:]),
            Conv2D(32, 3, activation="relu"),
            MaxPooling2D(),
            Conv2D(64, 2, activation="relu"),
            *([MaxPooling2D()] if len(x[0]) > 8 else []),
            Flatten(),
        ]
    )


def with_head(trunk, rate=0.001):
    """A network of five classes on these convolutions."""
    head = [Dense(128, activation="relu"), Dropout(0.5), Dense(5, activation="softmax")]
    model = Sequential([trunk, *head])
    compile_(model, rate)
    return model


def compile_(model, rate):
    model.compile(
        fastnn.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )


def learn(model, first, epochs=settings["epochs"], rows=None):
    """Trains on the five digits from `first` on; returns the accuracy on those not seen."""
    chosen, tested = (labels // 5 == first // 5 for labels in (y, y_test))
    part = slice(rows)
    model.fit(
        x[chosen][part],
        y[chosen][part] - first,
        batch_size=settings["batch_size"],
        epochs=epochs,
        verbose=0,
    )
    return model.evaluate(x_test[tested], y_test[tested] - first, verbose=0)[1]


fastnn.utils.set_random_seed(0)
trunk = convolutions()
print(f"0 to 4: accuracy {learn(with_head(trunk), 0):.3f}")

trunk.trainable = False
kept = trunk.get_weights()
model = with_head(trunk)
print(f"5 to 9, a new head on frozen convolutions: {learn(model, 5):.3f}")
unchanged = all(np.array_equal(a, b) for a, b in zip(kept, trunk.get_weights(), strict=True))
print(f"the convolutions are as they were: {unchanged}")

trunk.trainable = True
compile_(model, 0.0001)  # which weights are trained is fixed when a model is compiled
print(f"5 to 9, then everything at a tenth of the rate: {learn(model, 5, 3):.3f}")

rows = 20
trunk.trainable = False
few = learn(with_head(trunk), 5, 30, rows)
scratch = learn(with_head(convolutions()), 5, 30, rows)
print(f"5 to 9 from {rows} digits alone: {few:.3f}, from scratch {scratch:.3f}")
