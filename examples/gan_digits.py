"""A generative adversarial network draws digits.

python examples/gan_digits.py            figures
python examples/gan_digits.py PICTURE    the digits it draws, as a picture
"""

import sys

import numpy as np

import fastnn
from fastnn import Sequential, plotting
from fastnn.datasets import digits
from fastnn.layers import Dense, Dropout, Input, LeakyReLU
from fastnn.models import GAN

(x, _), (x_test, _) = digits.load_data()
x, x_test = (images.reshape(-1, 64).astype(np.float32) / 16 for images in (x, x_test))

fastnn.utils.set_random_seed(0)
generator = Sequential([Input((32,)), Dense(128, "relu"), Dense(128, "relu"), Dense(64, "sigmoid")])
discriminator = Sequential(
    [Input((64,)), Dense(128), LeakyReLU(0.2), Dropout(0.2), Dense(64), LeakyReLU(0.2), Dense(1)]
)
gan = GAN(generator, discriminator, label_smoothing=0.1)
gan.compile(fastnn.optimizers.Adam(1e-3, beta_1=0.5), fastnn.optimizers.Adam(1e-3, beta_1=0.5))
history = gan.fit(x, epochs=150, batch_size=64, verbose=0).history
print(
    f"losses at last: discriminator {history['discriminator_loss'][-1]:.2f}, "
    f"generator {history['generator_loss'][-1]:.2f}"
)


def distance(rows: np.ndarray) -> float:
    """From each row to the digit most like it, on average."""
    return float(np.sqrt(np.square(rows[:, None] - x[None]).sum(axis=2)).min(axis=1).mean())


drawn = gan.generate(300)
print(f"from a drawn digit to the nearest real one: {distance(drawn):.2f}")
print(f"from a test digit: {distance(x_test[:300]):.2f}")
shuffled = np.random.default_rng(0).permutation(x_test[:300].reshape(-1)).reshape(300, 64)
print(f"from one with its pixels in another order: {distance(shuffled):.2f}")
print(f"drawn digits vary {drawn.std(axis=0).mean() / x.std(axis=0).mean():.2f} times as much")

if len(sys.argv) > 1:
    plotting.plot_images(drawn[:60], columns=12, path=sys.argv[1])
