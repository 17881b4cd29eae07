"""A training that is killed and goes on, and the model handed to a C program.

The first process stops in the middle of an epoch; the second one, given the same script, goes on
with the batch that was next. Its weights are those of a training that nobody stopped, to the bit.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

import fastnn
from fastnn.callbacks import BackupAndRestore, Callback, ModelCheckpoint
from fastnn.layers import Dense, Dropout
from fastnn.models import Sequential

rng = np.random.default_rng(0)
x = rng.normal(size=(500, 4)).astype("float32")
y = (np.abs(x).sum(axis=1) > 3.0).astype("float32")


class Kill(Callback):
    """Ends the training at its 42nd step, as a signal or a loss of power would."""

    def on_train_begin(self, logs=None):
        self.steps = 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.steps == 42:
            raise KeyboardInterrupt


def train(*callbacks):
    fastnn.utils.set_random_seed(1)
    layers = [Dense(16, activation="relu", input_dim=4), Dropout(0.2), Dense(1, "sigmoid")]
    model = Sequential(layers, name="ring")
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=20, epochs=5, verbose=0, callbacks=list(callbacks))
    return model


def same(a, b):
    pairs = zip(a.get_weights(), b.get_weights(), strict=True)
    return all(v.tobytes() == w.tobytes() for v, w in pairs)


with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    undisturbed = train()
    try:
        train(BackupAndRestore(folder / "backup", save_freq=10), Kill())
    except KeyboardInterrupt:
        print("killed at step 42; the backup is of step 40, in epoch 2")
    resumed = train(BackupAndRestore(folder / "backup", save_freq=10))
    print(f"the resumed training has the same bits: {same(resumed, undisturbed)}")

    train(ModelCheckpoint(folder / "best.fastnn", monitor="accuracy", save_best_only=True))
    best = fastnn.load_model(folder / "best.fastnn")
    print(f"the best epoch's model: {best.name}, {best.count_params()} weights")

    best.to_c(folder / "ring.h")
    (folder / "main.c").write_text(
        '#include <stdio.h>\n#include "ring.h"\n'
        "int main(void) {\n"
        "  const float row[4] = {1.0f, -1.0f, 1.0f, -1.0f};\n"
        "  float out[1];\n"
        "  ring_predict(row, out);\n"
        '  printf("%.4f\\n", out[0]);\n'
        "  return 0;\n}\n"
    )
    print(f"in Python: {best.predict([[1.0, -1.0, 1.0, -1.0]], verbose=0)[0, 0]:.4f}")
    compiler = shutil.which("cc")
    if compiler is not None:
        files = [str(folder / "main.c"), "-lm", "-o", str(folder / "main")]
        subprocess.run([compiler, "-std=c99", *files], check=True)
        out = subprocess.run([str(folder / "main")], capture_output=True, text=True, check=True)
        print(f"in C: {out.stdout.strip()}")
