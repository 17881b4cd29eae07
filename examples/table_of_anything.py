"""A table of numbers, words, dates and gaps: features, a network, and one file for both."""

import tempfile
from pathlib import Path

import numpy as np

import fastnn
from fastnn.callbacks import EarlyStopping
from fastnn.layers import Dense
from fastnn.preprocessing import TablePreprocessor, train_test_split

fastnn.utils.set_random_seed(0)
rng = np.random.default_rng(0)

# Ice creams sold by a kiosk: more on warm days, at weekends, near the beach.
days = np.datetime64("2023-01-01") + np.arange(730)
warmth = 15 - 10 * np.cos(2 * np.pi * np.arange(730) / 365) + rng.normal(0, 2, 730)
place = rng.choice(["beach", "park", "station"], 730)
weekend = (days.astype("datetime64[D]").view("int64") - 2) % 7 < 2
sold = 4 * warmth + 30 * weekend + 25 * (place == "beach") + rng.normal(0, 4, 730)
measured = [f"{t:.1f}" if rng.random() > 0.1 else "" for t in warmth]
table = {"day": days, "warmth": measured, "place": place, "kiosk": ["No. 1"] * 730}

train, test, y_train, y_test = train_test_split(table, sold, test_size=0.2, random_state=0)
features = TablePreprocessor().fit(train)
for column in features.columns:
    said = ", ".join(column.features) or f"ignored: {column.why}"
    print(f"{column.name}: {column.kind} -> {said}")

model = fastnn.Sequential(
    [fastnn.Input((len(features.feature_names),)), Dense(32, "relu"), Dense(16, "relu"), Dense(1)]
)
model.compile(fastnn.optimizers.Adam(0.01), "mse")
mean, scale = y_train.mean(), y_train.std()
history = model.fit(
    features.transform(train),
    (y_train - mean) / scale,
    epochs=200,
    validation_split=0.2,
    callbacks=[EarlyStopping(patience=15, restore_best_weights=True)],
    verbose=0,
)
predicted = model.predict(features.transform(test), verbose=0)[:, 0] * scale + mean
print(f"error: {np.abs(predicted - y_test).mean():.1f} of {y_test.mean():.0f} ice creams")

# What was learnt of the columns is plain data: it is kept in the model's file.
path = Path(tempfile.mkdtemp()) / "kiosk.fastnn"
model.preprocessing = features.get_config()
model.save(path)
again = fastnn.load_model(path)
columns = TablePreprocessor.from_config(again.preprocessing)
sunday = {"day": ["2024-07-07"], "warmth": ["27"], "place": ["beach"]}
monday = {"day": ["2024-01-08"], "warmth": ["2"], "place": ["station"]}
for name, row in (("a Sunday in July", sunday), ("a Monday in January", monday)):
    expected = again.predict(columns.transform(row), verbose=0)[0, 0] * scale + mean
    print(f"{name}: {expected:.0f}")
