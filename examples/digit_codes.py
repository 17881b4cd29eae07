"""Digits as points in the plane: the two numbers of an autoencoder's code beside the first two
principal components.

python examples/digit_codes.py            figures
python examples/digit_codes.py PICTURE    the codes as a picture
"""

import sys

import numpy as np

import fastnn
from fastnn import plotting
from fastnn.datasets import digits
from fastnn.models import Autoencoder

(x, y), (x_test, y_test) = digits.load_data()
x, x_test = (images.reshape(-1, 64).astype(np.float32) / 16 for images in (x, x_test))

fastnn.utils.set_random_seed(0)
auto = Autoencoder.dense([64, 128, 64, 32, 2], activation="relu", output_activation="sigmoid")
auto.compile(fastnn.optimizers.Adam(2e-3), "mse")
auto.fit(x, epochs=150, batch_size=64, verbose=0)
codes, test_codes = auto.encode(x), auto.encode(x_test)

mean = x.mean(axis=0)
axes = np.linalg.svd(x - mean, full_matrices=False)[2][:2]
components, test_components = ((part - mean) @ axes.T for part in (x, x_test))


def nearest(codes: np.ndarray, test_codes: np.ndarray) -> float:
    """How often a test digit's nearest neighbour is of its class."""
    distances = np.square(test_codes[:, None] - codes[None]).sum(axis=2)
    return float((y[distances.argmin(axis=1)] == y_test).mean())


restored = test_components @ axes + mean
for name, rows, found in (
    ("autoencoder", auto.reconstruct(x_test), nearest(codes, test_codes)),
    ("principal components", restored, nearest(components, test_components)),
):
    error = np.square(rows - x_test).sum(axis=1).mean()
    print(f"{name}: squared error of a digit {error:.2f}, nearest of its class {found:.2f}")

if len(sys.argv) > 1:
    plotting.plot_embedding(test_codes, y_test, path=sys.argv[1])
