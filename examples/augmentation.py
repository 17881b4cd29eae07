"""Data augmentation: a network that saw each digit shifted knows shifted digits.

Two networks alike are trained on scikit-learn's 1437 digits of 8 by 8 pixels, one of them behind a
layer that shifts each image by up to 1.5 pixels, anew in each step. Both are then shown digits they
have not seen, as they are and moved by a pixel to each side.
"""

import numpy as np

import fastnn
from fastnn.datasets import digits
from fastnn.layers import Dense, Flatten, RandomTranslation
from fastnn.models import Sequential

(x, y), (x_test, y_test) = digits.load_data()
x, x_test = (images[..., None].astype("float32") / 16 for images in (x, x_test))
sides = [(-1, 0), (1, 0), (0, -1), (0, 1)]
moved = np.concatenate([np.roll(x_test, side, axis=(1, 2)) for side in sides])

shift = RandomTranslation(1.5 / 8, 1.5 / 8, fill_mode="constant")
for name, augmentation in (("as they are", []), ("shifted", [shift])):
    fastnn.utils.set_random_seed(0)
    model = Sequential(
        [
            fastnn.Input((8, 8, 1)),
            *augmentation,
            Flatten(),
            Dense(256, activation="relu"),
            Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=80, verbose=0)
    _, here = model.evaluate(x_test, y_test, verbose=0)
    _, there = model.evaluate(moved, np.tile(y_test, len(sides)), verbose=0)
    print(f"trained on digits {name}: {here:.3f}, moved by a pixel: {there:.3f}")
