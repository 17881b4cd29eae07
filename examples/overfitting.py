"""Overfitting, and what helps: dropout, and stopping early.

One label in eight is wrong here, as labels are. A network with many more weights than there are
digits to learn from learns them by heart, the wrong ones too: its loss on them goes to nothing,
while that on digits it has not seen falls, and then rises. With dropout it rises less; with early
stopping the weights of the best epoch are kept.

    python examples/overfitting.py [picture.png]

The picture (which needs matplotlib) has the losses of the three trainings.
"""

import sys

import fastnn
from fastnn.callbacks import EarlyStopping
from fastnn.datasets import digits
from fastnn.layers import Dense, Dropout, Flatten
from fastnn.models import Sequential

(x, y), (x_test, y_test) = digits.load_data()
x, y = x[:400] / 16.0, y[:400].copy()
x_test = x_test / 16.0
y[::8] = (y[::8] + 1) % 10


def train(rate, callbacks=()):
    """Trains on 400 digits, dropping that share of the hidden units; returns model and history."""
    fastnn.utils.set_random_seed(3)
    model = Sequential([fastnn.Input((8, 8)), Flatten()])
    for _ in range(2):
        model.add(Dense(256, activation="relu"))
        model.add(Dropout(rate))
    model.add(Dense(10, activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        x,
        y,
        batch_size=50,
        epochs=150,
        validation_data=(x_test, y_test),
        callbacks=list(callbacks),
        verbose=0,
    )
    return model, history.history


stop = EarlyStopping(patience=10, restore_best_weights=True)
trainings = {
    "plain": train(0.0),
    "dropout": train(0.5),
    "early stopping": train(0.0, [stop]),
}
for name, (model, history) in trainings.items():
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(
        f"{name}: {len(history['loss'])} epochs, lowest test loss {min(history['val_loss']):.3f},"
        f" at the end {loss:.3f}, accuracy {accuracy:.3f}"
    )

if len(sys.argv) > 1:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.6), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    for axes, (name, (_, history)) in zip(panels, trainings.items(), strict=True):
        axes.plot(history["loss"], label="digits trained on")
        axes.plot(history["val_loss"], label="digits not seen")
        axes.set(title=name, xlabel="epoch", ylim=(0, 2))
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("loss")
    panels[0].legend()
    figure.savefig(sys.argv[1], dpi=150)
