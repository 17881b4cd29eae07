"""A forecast: an LSTM reads three weeks of a daily series and says what the next day brings.

The series is made here: a level that wanders, a week's rhythm whose strength comes and goes, and
noise that nobody can foresee. Each window is seen relative to its mean, as the level is nowhere
twice. The network learns from the first four fifths; its forecasts are measured on the rest, beside
"as yesterday", "as a week ago", and the noise itself, below which no forecast gets.
"""

import numpy as np

import fastnn
from fastnn.layers import LSTM, Dense
from fastnn.models import Sequential
from fastnn.preprocessing import timeseries_windows

DAYS, PAST, NOISE = 4000, 21, 0.1

rng = np.random.default_rng(0)
day = np.arange(DAYS)
strength = 1.0 + 0.7 * np.sin(2 * np.pi * day / 100)
rhythm = strength * np.array([0.0, 0.2, 0.3, 0.4, 0.9, 1.5, 1.2])[day % 7]
level = np.cumsum(rng.normal(0, 0.03, DAYS))
series = (rhythm + level + rng.normal(0, NOISE, DAYS)).astype(np.float32)

past, future = timeseries_windows(series[:-PAST], series[PAST:], PAST)
mean = past.mean(axis=1, keepdims=True)
x, y = (past - mean)[..., None], future - mean[:, 0]
split = len(x) * 4 // 5
x_test, y_test = x[split:], y[split:]

fastnn.utils.set_random_seed(1)
model = Sequential([fastnn.Input((PAST, 1)), LSTM(32), Dense(1)])
model.compile(fastnn.optimizers.Adam(0.005), "mse")
model.fit(x[:split], y[:split], batch_size=64, epochs=50, verbose=0)


def error(forecast):
    """Root of the mean squared error."""
    return np.sqrt(np.mean((forecast - y_test) ** 2))


print(f"as yesterday: {error(x_test[:, -1, 0]):.3f}")
print(f"as a week ago: {error(x_test[:, -7, 0]):.3f}")
print(f"the network: {error(model.predict(x_test, verbose=0)[:, 0]):.3f}")
print(f"noise of a day: {NOISE:.3f}")

# Further ahead: each forecast is read as if it had been measured.
known = list(past[split])
for _ in range(7):
    window = np.array(known[-PAST:], np.float32)
    step = model.predict((window - window.mean())[None, :, None], verbose=0)[0, 0]
    known.append(window.mean() + step)
print("a week ahead:", " ".join(f"{value:.2f}" for value in known[-7:]))
print("what came:   ", " ".join(f"{value:.2f}" for value in future[split : split + 7]))
