"""Overfitting, and what helps: small weights, dropout, stopping early.

One label in eight is wrong here, as labels are. A network with many more weights than there are
digits to learn from learns them by heart, the wrong ones too: its loss on them goes to nothing,
while that on digits it has not seen falls, and then rises. With a cost on the squares of weights
(L2) or with dropout it rises less; with early stopping the weights of the best epoch are kept.

    python examples/overfitting.py [picture.png]

The picture (which needs matplotlib) has the losses of the four trainings.
"""

import sys

import fastnn
from fastnn.callbacks import EarlyStopping
from fastnn.datasets import digits
from fastnn.layers import Dense, Dropout, Flatten
from fastnn.metrics import SparseCategoricalCrossentropy
from fastnn.models import Sequential
from fastnn.regularizers import L2

(x, y), (x_test, y_test) = digits.load_data()
x, y = x[:400] / 16.0, y[:400].copy()
x_test = x_test / 16.0
y[::8] = (y[::8] + 1) % 10


def train(rate=0.0, cost=0.0, callbacks=()):
    """Trains on 400 digits; returns model and history.

    Args:
        rate: the share of hidden units that is dropped.
        cost: of a weight's square.
        callbacks: as for fit.
    """
    fastnn.utils.set_random_seed(3)
    model = Sequential([fastnn.Input((8, 8)), Flatten()])
    for _ in range(2):
        model.add(Dense(256, activation="relu", kernel_regularizer=L2(cost)))
        model.add(Dropout(rate))
    model.add(Dense(10, activation="softmax"))
    # The metric is the loss without the weights' cost.
    metrics = [SparseCategoricalCrossentropy(name="entropy"), "accuracy"]
    model.compile("adam", "sparse_categorical_crossentropy", metrics=metrics)
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
    "plain": train(),
    "L2": train(cost=0.002),
    "dropout": train(rate=0.5),
    "early stopping": train(callbacks=[stop]),
}
for name, (model, history) in trainings.items():
    _, loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    epochs, lowest = len(history["loss"]), min(history["val_entropy"])
    print(
        f"{name}: {epochs} epochs, lowest test loss {lowest:.3f}, at the end {loss:.3f},"
        f" accuracy {accuracy:.3f}"
    )

if len(sys.argv) > 1:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 3.6), layout="constrained")
    panels = figure.subplots(1, len(trainings), sharey=True)
    for axes, (name, (_, history)) in zip(panels, trainings.items(), strict=True):
        axes.plot(history["entropy"], label="digits trained on")
        axes.plot(history["val_entropy"], label="digits not seen")
        axes.set(title=name, xlabel="epoch", ylim=(0, 2))
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("loss")
    panels[0].legend()
    figure.savefig(sys.argv[1], dpi=150)
