"""Callbacks: every hook, and those that fastnn brings."""

from __future__ import annotations

import csv
import io
import re

import numpy as np
import pytest

from fastnn import callbacks
from fastnn.callbacks import Callback
from fastnn.layers import Dense
from fastnn.models import Sequential
from fastnn.utils import Progbar, set_random_seed


@pytest.fixture
def model():
    set_random_seed(0)
    model = Sequential([Dense(1, input_dim=3)])
    model.compile("sgd", "mse")
    return model


def data(n: int = 20) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(0).normal(size=(n, 3)).astype("float32")
    return x, x.sum(1)


class Recorder(Callback):
    def __init__(self):
        super().__init__()
        self.calls = []

    def __getattribute__(self, name):
        if name.startswith("on_") and name not in ("on_batch_begin", "on_batch_end"):
            calls = object.__getattribute__(self, "calls")
            return lambda *args: calls.append((name, args[0] if len(args) > 1 else None))
        return object.__getattribute__(self, name)


def test_every_hook_is_called_in_order(model):
    recorder = Recorder()
    x, y = data(4)
    model.fit(x, y, batch_size=2, epochs=2, verbose=0, callbacks=[recorder], validation_data=(x, y))
    train = [
        ("on_train_batch_begin", 0),
        ("on_train_batch_end", 0),
        ("on_train_batch_begin", 1),
        ("on_train_batch_end", 1),
    ]
    test = [
        ("on_test_begin", None),
        ("on_test_batch_begin", 0),
        ("on_test_batch_end", 0),
        ("on_test_batch_begin", 1),
        ("on_test_batch_end", 1),
        ("on_test_end", None),
    ]
    expected = [("on_train_begin", None)]
    for epoch in range(2):
        expected += [("on_epoch_begin", epoch), *train, *test, ("on_epoch_end", epoch)]
    assert recorder.calls == [*expected, ("on_train_end", None)]
    recorder.calls.clear()
    model.predict(x, batch_size=2, verbose=0, callbacks=recorder)
    assert [name for name, _ in recorder.calls] == [
        "on_predict_begin",
        "on_predict_batch_begin",
        "on_predict_batch_end",
        "on_predict_batch_begin",
        "on_predict_batch_end",
        "on_predict_end",
    ]


def test_a_callback_knows_model_and_params(model):
    class Look(Callback):
        def on_train_begin(self, logs=None):
            assert self.model is model
            assert self.params == {"verbose": 0, "epochs": 3, "steps": 2}
            self.looked = True

    look = Look()
    model.fit(*data(20), batch_size=10, epochs=3, verbose=0, callbacks=[look])
    assert look.looked


def test_batch_logs_are_means_since_the_epoch_began(model):
    seen = []
    model.compile("sgd", "mse", metrics=["mae"])
    keep = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(dict(logs)))
    history = model.fit(*data(20), batch_size=10, verbose=0, callbacks=[keep])
    assert sorted(seen[0]) == ["loss", "mae"]
    assert seen[-1]["loss"] == history.history["loss"][0]


def test_old_batch_hooks_work(model):
    class Old(Callback):
        count = 0

        def on_batch_end(self, batch, logs=None):
            self.count += 1

    old = Old()
    model.fit(*data(20), batch_size=5, verbose=0, callbacks=[old])
    assert old.count == 4


def test_training_is_stopped_within_a_batch(model):
    class Stop(Callback):
        steps = 0

        def on_train_batch_end(self, batch, logs=None):
            self.steps += 1
            if batch == 1:
                self.model.stop_training = True

    stop = Stop()
    history = model.fit(*data(20), batch_size=2, epochs=5, verbose=0, callbacks=[stop])
    assert stop.steps == 2
    assert history.epoch == [0]


def test_a_callback_that_raises_leaves_a_usable_model(model):
    def fail(epoch, logs):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        model.fit(*data(), verbose=0, callbacks=[callbacks.LambdaCallback(on_epoch_end=fail)])
    model.fit(*data(), verbose=0)


def test_a_second_fit_is_refused_while_one_runs(model):
    x, y = data()
    errors = []

    class Again(Callback):
        def on_epoch_end(self, epoch, logs=None):
            for call in (
                lambda: self.model.fit(x, y, verbose=0),
                lambda: self.model.train_on_batch(x, y),
                lambda: self.model.compile("sgd", "mse"),
                lambda: self.model.add(Dense(1)),
            ):
                with pytest.raises(RuntimeError, match="is in training"):
                    call()
                errors.append(1)
            assert self.model.predict(x, verbose=0).shape == (20, 1)

    model.fit(x, y, verbose=0, callbacks=[Again()])
    assert len(errors) == 4


@pytest.mark.parametrize("bad", [3, "early", callbacks.EarlyStopping])
def test_what_is_no_callback(model, bad):
    with pytest.raises(TypeError, match="Callback"):
        model.fit(*data(), verbose=0, callbacks=[bad])


# --- History


def test_history(model):
    history = model.fit(*data(), epochs=5, initial_epoch=2, verbose=0)
    assert history.epoch == [2, 3, 4]
    assert len(history.history["loss"]) == 3
    assert model.history is history
    assert history.params["epochs"] == 5
    again = model.fit(*data(), verbose=0)
    assert len(again.history["loss"]) == 1


# --- EarlyStopping


class Feed(Callback):
    """Puts figures of one's own into the logs."""

    def __init__(self, values, name="val_loss"):
        super().__init__()
        self.values, self.name = values, name

    def on_epoch_end(self, epoch, logs=None):
        logs[self.name] = self.values[epoch]


@pytest.mark.parametrize(
    ("values", "options", "stopped"),
    [
        ([3, 2, 1, 0.5], {}, None),
        ([3, 4, 1, 0.5], {}, 1),
        ([3, 4, 5, 6, 7], {"patience": 2}, 2),
        ([3, 4, 2, 4, 5], {"patience": 2}, 4),
        ([3, 2.95, 2.9], {"min_delta": 0.2}, 1),
        ([1, 2, 1.5, 3], {"mode": "max"}, 2),
        ([3, 4, 5, 6], {"start_from_epoch": 2}, 3),
        ([3, 2, 1, 0.9], {"baseline": 0.5, "patience": 2}, None),
        ([3, 3, 3, 3], {"baseline": 0.5, "patience": 2}, 1),
    ],
)
def test_early_stopping(model, values, options, stopped):
    early = callbacks.EarlyStopping(**options)
    history = model.fit(*data(), epochs=len(values), verbose=0, callbacks=[Feed(values), early])
    assert history.epoch[-1] == (len(values) - 1 if stopped is None else stopped)
    assert early.stopped_epoch == (stopped or 0)


def test_early_stopping_restores_the_best_weights(model, capsys):
    kept = []
    keep = callbacks.LambdaCallback(on_epoch_end=lambda e, logs: kept.append(model.get_weights()))
    early = callbacks.EarlyStopping(restore_best_weights=True, patience=2, verbose=1)
    model.fit(*data(), epochs=6, verbose=0, callbacks=[Feed([3, 2, 4, 5, 6, 7]), keep, early])
    np.testing.assert_array_equal(model.get_weights()[0], kept[1][0])
    text = capsys.readouterr().out
    assert "Restoring model weights from the end of the best epoch: 2." in text
    assert "Epoch 4: early stopping" in text


def test_early_stopping_by_the_name_of_its_figure():
    assert callbacks.EarlyStopping("val_accuracy")._sign == 1
    assert callbacks.EarlyStopping("val_loss")._sign == -1
    with pytest.raises(ValueError, match="'min' or 'max'"):
        callbacks.EarlyStopping(mode="up")


def test_a_figure_that_is_not_there_is_warned_of(model):
    with pytest.warns(UserWarning, match="monitors 'val_loss', which this epoch has not"):
        model.fit(*data(), verbose=0, callbacks=[callbacks.EarlyStopping()])


# --- the learning rate


def test_learning_rate_scheduler(model):
    scheduler = callbacks.LearningRateScheduler(lambda epoch, rate: 0.1 / (epoch + 1))
    history = model.fit(*data(), epochs=3, verbose=0, callbacks=[scheduler])
    np.testing.assert_allclose(history.history["learning_rate"], [0.1, 0.05, 0.1 / 3], rtol=1e-6)
    one = callbacks.LearningRateScheduler(lambda epoch: 0.5)
    model.fit(*data(), verbose=0, callbacks=[one])
    assert float(model.optimizer.learning_rate) == pytest.approx(0.5)


def test_a_schedule_that_gives_no_number(model):
    bad = callbacks.LearningRateScheduler(lambda epoch, rate: "fast")
    with pytest.raises(TypeError, match="expected a number"):
        model.fit(*data(), verbose=0, callbacks=[bad])


def test_the_learning_rate_acts_without_compiling_again(model):
    x, y = data()
    model.fit(x, y, verbose=0)
    before = model.get_weights()
    model.optimizer.learning_rate = 0.0
    model.fit(x, y, verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_reduce_on_plateau(model):
    reduce = callbacks.ReduceLROnPlateau(factor=0.5, patience=2, cooldown=1, min_lr=0.002)
    values = [3, 3, 3, 3, 3, 3, 3, 3, 3]
    model.optimizer.learning_rate = 0.008
    history = model.fit(*data(), epochs=len(values), verbose=0, callbacks=[Feed(values), reduce])
    rates = history.history["learning_rate"]
    np.testing.assert_allclose(rates, [8e-3] * 3 + [4e-3] * 2 + [2e-3] * 4, rtol=1e-6)
    with pytest.raises(ValueError, match="factor below 1"):
        callbacks.ReduceLROnPlateau(factor=1.0)


# --- CSVLogger, LambdaCallback, TerminateOnNaN


def test_csv_logger(model, tmp_path):
    path = tmp_path / "log.csv"
    model.fit(*data(), epochs=2, verbose=0, callbacks=[callbacks.CSVLogger(path)])
    logger = callbacks.CSVLogger(path, append=True)
    model.fit(*data(), epochs=3, initial_epoch=2, verbose=0, callbacks=[logger])
    with path.open(newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0] == ["epoch", "loss"]
    assert [line[0] for line in lines[1:]] == ["0", "1", "2"]
    assert all(float(line[1]) >= 0 for line in lines[1:])


def test_csv_logger_is_told_of_an_epoch_without_a_figure(model, tmp_path):
    path = tmp_path / "log.csv"
    x, y = data()
    model.fit(
        x,
        y,
        epochs=2,
        verbose=0,
        validation_data=(x, y),
        validation_freq=[1],
        callbacks=[callbacks.CSVLogger(path, separator=";")],
    )
    lines = path.read_text().splitlines()
    assert lines[0] == "epoch;loss;val_loss"
    assert lines[2].endswith(";NA")


def test_lambda_callback_refuses_what_is_no_hook():
    with pytest.raises(TypeError, match="no hook"):
        callbacks.LambdaCallback(on_epoch=print)
    with pytest.raises(TypeError, match="expected a function"):
        callbacks.LambdaCallback(on_epoch_end=3)


def test_terminate_on_nan(model, capsys):
    x, y = data()
    model.optimizer.learning_rate = 1e30
    guard = callbacks.TerminateOnNaN()
    model.fit(x, y, batch_size=2, epochs=5, verbose=0, callbacks=[guard])
    assert guard.terminated
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert "Invalid loss, terminating training" in capsys.readouterr().out


# --- progress


LINE = re.compile(
    r"^2/2 ━{20} \d+s \d+(us|ms|s)/step - accuracy: \d\.\d{4} - loss: \d\.\d{4}"
    r" - val_accuracy: \d\.\d{4} - val_loss: \d\.\d{4}$"
)


def test_progress_without_a_terminal_has_no_control_characters(capsys):
    model = Sequential([Dense(1, activation="sigmoid", input_dim=3)])
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    x, _ = data(40)
    y = (x[:, 0] > 0).astype("float32")
    model.fit(x, y, epochs=2, validation_split=0.2, batch_size=16)
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert lines[0] == "Epoch 1/2"
    assert LINE.match(lines[1]), lines[1]
    assert lines[2] == "Epoch 2/2"
    assert len(lines) == 4
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)


def test_one_epoch_has_no_heading(model, capsys):
    model.fit(*data())
    assert "Epoch" not in capsys.readouterr().out
    model.fit(*data(), verbose=0)
    assert capsys.readouterr().out == ""


def test_verbose_two_is_one_line_an_epoch(model, capsys):
    model.fit(*data(), verbose=2, epochs=2)
    lines = capsys.readouterr().out.splitlines()
    assert re.match(r"^1/1 - \d+s - \d+(us|ms|s)/step - loss: ", lines[1])
    assert len(lines) == 4


def test_evaluate_and_predict_show_a_bar(model, capsys):
    x, y = data(40)
    model.evaluate(x, y)
    assert re.match(r"^2/2 ━{20} \d+s .*/step - loss: ", capsys.readouterr().out)
    model.predict(x)
    assert re.match(r"^2/2 ━{20} \d+s .*/step$", capsys.readouterr().out)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_on_a_terminal_rewrites_its_line(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    bar = Progbar(10, interval=0)
    bar.update(5, [("loss", 0.5)])
    bar.update(10, [("loss", 2e-4)])
    first, second = terminal.getvalue().split("\r")[1:]
    assert "5/10" in first
    assert "\x1b[32m" + "━" * 10 + "\x1b[0m" in first
    assert second.endswith("loss: 2.0000e-04\n")


def test_progress_of_unknown_length(capsys):
    bar = Progbar(None)
    bar.update(3, [("loss", 1.0)], finalize=True)
    assert re.match(r"^3/Unknown 0s .*step - loss: 1.0000$", capsys.readouterr().out)
