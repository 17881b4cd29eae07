"""A restricted Boltzmann machine learns the strokes of handwritten digits.

python examples/rbm.py                  figures
python examples/rbm.py FILTERS RESTORED two pictures: what hidden units look for, and half digits
                                        completed
"""

import sys

import numpy as np

import fastnn
from fastnn import plotting
from fastnn.datasets import digits
from fastnn.models import RBM

(x, _), (x_test, _) = digits.load_data()
x, x_test = (images.reshape(-1, 64).astype(np.float32) / 16 for images in (x, x_test))

fastnn.utils.set_random_seed(0)
rbm = RBM(100, persistent=True, learning_rate=0.05, seed=0)
history = rbm.fit(x, epochs=60, batch_size=50, verbose=0).history
first, last = (history["pseudo_log_likelihood"][i] for i in (0, -1))
print(f"pseudo-log-likelihood: {first:.1f} at first, {last:.1f} at last")

z = rbm.log_partition("ais", betas=np.linspace(0, 1, 3001))
print(f"log-likelihood of a test digit: {rbm.log_likelihood(x_test, z.value).mean():.1f} nats")
noise = np.random.default_rng(0).permutation(x_test.reshape(-1)).reshape(x_test.shape)
print(f"of its pixels in another order: {rbm.log_likelihood(noise, z.value).mean():.1f} nats")

# The lower half is unknown: it is sampled, while the upper is put back before each step.
half = x_test[:10].copy()
half[:, 32:] = 0.5
completed = half.copy()
for _ in range(100):
    completed = rbm.sample(initial=completed, steps=1)
    completed[:, :32] = half[:, :32]
error = np.abs(completed[:, 32:] - x_test[:10, 32:]).mean()
blank = np.abs(x.mean(axis=0)[32:] - x_test[:10, 32:]).mean()
print(f"lower halves: {error:.3f} off, the mean digit's {blank:.3f}")

if len(sys.argv) > 2:
    plotting.plot_filters(rbm, path=sys.argv[1])
    plotting.plot_reconstructions(half, completed, path=sys.argv[2])
