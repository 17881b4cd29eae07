"""A deep belief network learns from many digits, then is told what one in a hundred of them is;
beside it, the same network that has seen only those few. (It takes many digits: MNIST's.)

python examples/few_labels.py           MNIST where FASTNN_DATA points, or downloaded
python examples/few_labels.py FOLDER    MNIST's files are there
"""

import sys

import numpy as np

import fastnn
from fastnn import Sequential
from fastnn.datasets import mnist
from fastnn.layers import Dense, Input
from fastnn.models import DBN

DIGITS, LABELLED = 10_000, 100

(x, y), (x_test, y_test) = mnist.load_data(*sys.argv[1:])
x, x_test = (images.reshape(-1, 784).astype(np.float32) / 255 for images in (x[:DIGITS], x_test))

fastnn.utils.set_random_seed(0)
dbn = DBN([400, 400], learning_rate=0.1, momentum=0.5, seed=0)
dbn.fit(x, epochs=12, batch_size=100, verbose=0)


def accuracy(model: Sequential) -> float:
    """On the test digits, after training on the few that are labelled."""
    optimizer = fastnn.optimizers.Adam(1e-3)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[:LABELLED], y[:LABELLED], batch_size=10, epochs=60, verbose=0)
    return float(model.evaluate(x_test, y_test, verbose=0)[1])


pretrained = accuracy(dbn.classifier(10))
alone = accuracy(
    Sequential([Input((784,)), Dense(400, "sigmoid"), Dense(400, "sigmoid"), Dense(10, "softmax")])
)
print(f"{LABELLED} of {DIGITS} digits labelled")
print(f"pretrained on all of them: {pretrained:.3f} of the test digits right")
print(f"not pretrained: {alone:.3f}")
