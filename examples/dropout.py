"""Dropout keeps each unit with probability q; the next layer still sees the same expected value.

The tutorial keeps outputs as they are in training and multiplies them by q in prediction. The
layer divides by q in training instead, so that prediction needs no change: the ratio is the same.
"""

import numpy as np

import fastnn
from fastnn.layers import Dropout
from fastnn.models import Sequential

fastnn.utils.set_random_seed(0)
q = 0.8
units = np.full((1, 100_000), 3.0, np.float32)

x = fastnn.placeholder((None, units.shape[1]))
layer = Dropout(1.0 - q)
in_training = fastnn.function([x], layer(x, training=True))
dropped = np.asarray(in_training(units))
print(f"share kept in training: {np.mean(dropped != 0):.2f}")
print(f"a kept unit: {dropped.max():g}, which is 3 / {q}")
print(f"mean in training: {dropped.mean():.1f}")

model = Sequential([fastnn.Input((units.shape[1],)), Dropout(1.0 - q)])
print(f"mean in prediction: {model.predict(units, verbose=0).mean():.1f}")
# By the tutorial's rule: training leaves kept units at 3, prediction multiplies by q.
print(f"by the tutorial's rule, in both: {(dropped * q).mean():.1f} and {(units * q).mean():.1f}")
