"""A convolutional network reads handwritten digits.

python examples/digits_cnn.py                scikit-learn's digits, 8 by 8: seconds
python examples/digits_cnn.py mnist          MNIST, 28 by 28: a minute or two, above 0.99
python examples/digits_cnn.py mnist FOLDER   MNIST's files are there
"""

import sys
import time

import numpy as np

import fastnn
from fastnn.datasets import digits, mnist
from fastnn.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from fastnn.models import Sequential

if sys.argv[1:2] == ["mnist"]:
    (x, y), (x_test, y_test) = mnist.load_data(*sys.argv[2:])
    batch_size, epochs, brightest, window = 128, 15, 255, "valid"
else:
    (x, y), (x_test, y_test) = digits.load_data()
    batch_size, epochs, brightest, window = 32, 20, 16, "same"
x, x_test = (images[..., None].astype(np.float32) / brightest for images in (x, x_test))

fastnn.utils.set_random_seed(0)
model = Sequential(
    [
        fastnn.Input(x.shape[1:]),
        Conv2D(32, 3, padding=window, activation="relu"),
        MaxPooling2D(),
        Conv2D(64, 3, padding=window, activation="relu"),
        MaxPooling2D(),
        Flatten(),
        Dropout(0.5),
        Dense(10, activation="softmax"),
    ]
)
model.summary()
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
start = time.perf_counter()
history = model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0)
print(f"{epochs} epochs in {time.perf_counter() - start:.1f} s")
print(f"accuracy in training: {history.history['accuracy'][-1]:.4f}")
print(f"accuracy on the test images: {model.evaluate(x_test, y_test, verbose=0)[1]:.4f}")

guesses = model.predict(x_test, verbose=0)
surest = guesses.max(axis=1) * (guesses.argmax(axis=1) != y_test)
worst = int(surest.argmax())
print(
    f"most surely wrong: image {worst}, a {y_test[worst]} taken for {guesses[worst].argmax()} "
    f"with probability {surest[worst]:.2f}"
)
