"""ModelCheckpoint and BackupAndRestore, and trainings that are killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import fastnn
from fastnn import Sequential
from fastnn.callbacks import (
    BackupAndRestore,
    Callback,
    EarlyStopping,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from fastnn.io import FastnnFormatError
from fastnn.layers import BatchNormalization, Dense, Dropout
from killing import kill_while_saving

RNG = np.random.default_rng(0)
X = RNG.normal(size=(103, 4)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("float32")


def classifier():
    fastnn.utils.set_random_seed(3)
    model = Sequential(
        [Dense(8, activation="relu", input_dim=4), BatchNormalization(), Dropout(0.3),
         Dense(1, activation="sigmoid")]
    )  # fmt: skip
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def same_bits(first, second):
    return all(a.tobytes() == b.tobytes() for a, b in zip(first, second, strict=True))


def state(model):
    return [*model.get_weights(), *model.optimizer.get_weights()]


class Put(Callback):
    """Puts figures into the logs, for the callbacks behind it."""

    def __init__(self, values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = self.values[epoch]


# --- ModelCheckpoint


def test_a_file_for_each_epoch(tmp_path):
    model = classifier()
    path = tmp_path / "made" / "{epoch:02d}-{accuracy:.2f}.fastnn"
    history = model.fit(X, Y, epochs=3, verbose=0, callbacks=ModelCheckpoint(path))
    names = sorted(p.name for p in path.parent.iterdir())
    figures = history.history["accuracy"]
    assert names == [f"{i + 1:02d}-{figures[i]:.2f}.fastnn" for i in range(3)]
    assert same_bits(state(fastnn.load_model(path.parent / names[-1])), state(model))


@pytest.mark.parametrize(
    ("values", "options", "saved"),
    [
        ([3.0, 2.0, 2.5, 1.0], {}, [1, 2, 4]),
        ([3.0, 2.0, 2.5, 1.0], {"mode": "max"}, [1]),
        ([3.0, 2.0, 2.5, 1.0], {"initial_value_threshold": 2.2}, [2, 4]),
        ([float("nan"), 2.0, float("nan"), 2.0], {}, [2]),
        ([float("inf"), float("-inf")], {}, [2]),
    ],
)
def test_only_the_best_is_saved(tmp_path, values, options, saved):
    check = ModelCheckpoint(tmp_path / "{epoch}.fastnn", save_best_only=True, **options)
    classifier().fit(X, Y, epochs=len(values), verbose=0, callbacks=[Put(values), check])
    assert sorted(int(p.stem) for p in tmp_path.iterdir()) == saved


def test_weights_only_and_every_so_many_batches(tmp_path):
    model = classifier()
    check = ModelCheckpoint(
        tmp_path / "{epoch}-{batch}.safetensors", save_weights_only=True, save_freq=8
    )
    model.fit(X, Y, batch_size=10, epochs=3, verbose=0, callbacks=check)
    assert sorted(p.stem for p in tmp_path.iterdir()) == ["1-8", "2-5", "3-10", "3-2"]
    other = classifier()
    other.load_weights(tmp_path / "3-10.safetensors")
    refused = "expected a model or machine, the file holds a weights"
    with pytest.raises(FastnnFormatError, match=refused):
        fastnn.load_model(tmp_path / "3-10.safetensors")


def test_it_tells_what_it_saves(tmp_path, capsys):
    check = ModelCheckpoint(tmp_path / "a.fastnn", save_best_only=True, verbose=1)
    classifier().fit(X, Y, epochs=2, verbose=0, callbacks=[Put([0.5, 0.75]), check])
    out = capsys.readouterr().out
    assert "Epoch 1: val_loss improved from inf to 0.50000, saving model to" in out
    assert "Epoch 2: val_loss did not improve from 0.50000" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filepath": "a.h5"}, r"ends in \.fastnn"),
        ({"filepath": "a.fastnn", "mode": "best"}, "expected mode"),
        ({"filepath": "a.fastnn", "save_freq": 0}, "save_freq"),
        ({"filepath": "a.fastnn", "save_freq": "batch"}, "save_freq"),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        ModelCheckpoint(**arguments)


def test_a_field_that_is_not_there(tmp_path):
    check = ModelCheckpoint(tmp_path / "{val_loss}.fastnn")
    with pytest.raises(ValueError, match=r"val_loss.*there are accuracy, epoch, loss"):
        classifier().fit(X, Y, verbose=0, callbacks=check)


def test_a_figure_that_is_not_there(tmp_path):
    check = ModelCheckpoint(tmp_path / "a.fastnn", save_best_only=True)
    with pytest.warns(UserWarning, match="monitors 'val_loss'"):
        classifier().fit(X, Y, verbose=0, callbacks=check)
    assert list(tmp_path.iterdir()) == []


class Poison(Callback):
    """Makes a weight NaN in the second epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            weights = self.model.get_weights()
            weights[0][0, 0] = np.nan
            self.model.set_weights(weights)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("save_freq", ["epoch", 1])
def test_nan_is_never_put_in_place_of_a_good_model(tmp_path, save_freq, order):
    path = tmp_path / "a.fastnn"
    check = ModelCheckpoint(path, save_freq=save_freq)
    backup = BackupAndRestore(tmp_path / "backup", save_freq, delete_checkpoint=False)
    callbacks = [Poison(), *[check, backup, TerminateOnNaN()][::order]]
    with pytest.warns(UserWarning, match="not finite"):
        classifier().fit(X, Y, batch_size=10, epochs=3, verbose=0, callbacks=callbacks)
    whole = classifier()
    whole.fit(X, Y, batch_size=10, epochs=1, verbose=0)
    assert same_bits(state(fastnn.load_model(path)), state(whole))
    again = classifier()
    again.load_weights(tmp_path / "backup" / "latest.fastnn")
    assert same_bits(again.get_weights(), whole.get_weights())


# --- BackupAndRestore


class StopAt(Callback):
    """Ends a training as a signal would, at a batch or at the end of an epoch."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.at, self.epoch = (epoch, batch), 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            raise KeyboardInterrupt

    def _on_epoch_done(self, epoch, logs):
        if (epoch, None) == self.at:
            raise KeyboardInterrupt


def others():
    return [
        LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=0.5),
        EarlyStopping("accuracy", patience=2, restore_best_weights=True),
    ]


@pytest.mark.parametrize("save_freq", ["epoch", 1, 4])
@pytest.mark.parametrize("at", [(0, 2), (2, None), (1, 8), (2, 5)])
def test_a_restored_training_equals_one_that_never_stopped(tmp_path, save_freq, at):
    def fit(model, *more):
        options = {"batch_size": 10, "epochs": 9, "validation_split": 0.2}
        return model.fit(X, Y, verbose=0, callbacks=[*more, *others()], **options)

    whole = classifier()
    history = fit(whole)
    part = classifier()
    with pytest.raises(KeyboardInterrupt):
        fit(part, BackupAndRestore(tmp_path, save_freq), StopAt(*at))
    rest = classifier()
    if any(tmp_path.iterdir()):  # the backup knows the seed
        fastnn.utils.set_random_seed(8)
    backup = BackupAndRestore(tmp_path, save_freq)
    resumed = fit(rest, backup)
    assert same_bits(state(rest), state(whole))
    assert resumed.history == history.history
    assert resumed.epoch == history.epoch
    assert list(tmp_path.iterdir()) == []


def test_a_backup_of_another_model(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        classifier().fit(
            X, Y, verbose=0, epochs=2, callbacks=[BackupAndRestore(tmp_path), StopAt(1, 0)]
        )
    other = Sequential([Dense(1, input_dim=4)])
    other.compile("adam", "mse")
    before = other.get_weights()
    with pytest.raises(ValueError, match="expected 2 arrays in the file, got 8"):
        other.fit(X, Y, verbose=0, callbacks=BackupAndRestore(tmp_path))
    assert same_bits(other.get_weights(), before)
    (tmp_path / "latest.fastnn").write_bytes(b"half a file")
    with pytest.raises(FastnnFormatError):
        other.fit(X, Y, verbose=0, callbacks=BackupAndRestore(tmp_path))


def test_a_model_that_is_built_by_its_batches(tmp_path):
    class Batches:
        def __len__(self):
            return 10

        def __getitem__(self, i):
            return X[i * 10 : i * 10 + 10], Y[i * 10 : i * 10 + 10]

    def fit(*callbacks):
        fastnn.utils.set_random_seed(2)
        model = Sequential([Dense(3), BatchNormalization(), Dropout(0.2), Dense(1)])
        model.compile("adam", "mse", metrics=["mae"])
        history = model.fit(Batches(), epochs=3, verbose=0, callbacks=list(callbacks))
        return model, history.history

    whole, history = fit()
    with pytest.raises(KeyboardInterrupt):
        fit(BackupAndRestore(tmp_path, 3), StopAt(1, 7))
    rest, resumed = fit(BackupAndRestore(tmp_path, 3))
    assert same_bits(state(rest), state(whole))
    assert resumed == history


@pytest.mark.parametrize("delete", [True, False])
def test_the_end_of_training_removes_the_backup(tmp_path, delete):
    classifier().fit(X, Y, verbose=0, callbacks=BackupAndRestore(tmp_path, 2, False, delete))
    assert [p.name for p in tmp_path.iterdir()] == [] if delete else ["latest.fastnn"]


# --- kill -9


TRAINING = """
import sys
import numpy as np
import fastnn
from fastnn.layers import BatchNormalization, Dense, Dropout
folder, seed, out = sys.argv[1:]
if seed != "-":
    fastnn.utils.set_random_seed(int(seed))
rng = np.random.default_rng(0)
x = rng.normal(size=(400, 4)).astype("float32")
y = (x.sum(axis=1) > 0).astype("float32")
model = fastnn.Sequential([
    Dense(8, activation="relu", input_dim=4), BatchNormalization(), Dropout(0.3),
    Dense(1, activation="sigmoid"),
])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
backup = [fastnn.callbacks.BackupAndRestore(folder, save_freq=7)] if folder != "-" else []
print("begin", flush=True)
history = model.fit(x, y, batch_size=10, epochs=12, verbose=0, callbacks=backup)
figures = [np.array(history.history[name]) for name in sorted(history.history)]
np.savez(out, *model.get_weights(), *model.optimizer.get_weights(), *figures)
"""


def train(folder, seed, out):
    command = [sys.executable, "-c", TRAINING, str(folder), seed, str(out)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def test_a_training_killed_again_and_again_equals_one_that_never_was(tmp_path):
    whole, killed = tmp_path / "whole.npz", tmp_path / "killed.npz"
    with train("-", "9", whole) as process:
        assert process.wait() == 0
    chance, tries, kills = random.Random(1), 0, 0
    while not killed.exists():
        with train(tmp_path / "backup", "9", killed) as process:
            assert process.stdout.readline() == b"begin\n"
            if tries < 4:
                time.sleep(chance.uniform(0.01, 0.06))
                process.send_signal(signal.SIGKILL)
                tries += 1
        kills += process.returncode == -signal.SIGKILL
    expected, found = np.load(whole), np.load(killed)
    assert kills > 0, "a quick machine may be done before the later ones"
    assert expected.files == found.files
    assert all(expected[name].tobytes() == found[name].tobytes() for name in expected.files)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_file_can_be_read_after_its_writer_was_killed(tmp_path):
    counts = kill_while_saving(tmp_path, kills=20)
    assert counts["old"] + counts["new"] == 20
